/* syspro_query.h - ARSQRY, INVQRY and the logon profile. */
#ifndef CONNECT_SANDBOX_SYSPRO_QUERY_H
#define CONNECT_SANDBOX_SYSPRO_QUERY_H

#include "base/buf.h"
#include "syspro_company.h"

/* Each appends XML, or a text that begins with ERROR, as UTF-8. */
void syspro_query_customer(struct syspro_company *company, const char *document,
                           struct buf *out);
void syspro_query_stock(struct syspro_company *company, const char *document,
                        struct buf *out);
void syspro_query_profile(const struct syspro_company *company,
                          const char *today, struct buf *out);

#endif
