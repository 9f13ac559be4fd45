/* syspro_status.h - SORTOS: the status of an order. */
#ifndef CONNECT_SANDBOX_SYSPRO_STATUS_H
#define CONNECT_SANDBOX_SYSPRO_STATUS_H

#include <stdbool.h>

#include "base/buf.h"
#include "syspro_company.h"

/* Run the two documents and append the answer (UTF-8).  Returns whether a
 * status was changed: ValidateOnly is Y unless it is sent as N. */
bool syspro_status_post(struct syspro_company *company, const char *parameters,
                        const char *document, struct buf *out);

#endif
