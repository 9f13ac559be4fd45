/* syspro_find.h - COMFND (search) and COMFCH (one row) on any table. */
#ifndef CONNECT_SANDBOX_SYSPRO_FIND_H
#define CONNECT_SANDBOX_SYSPRO_FIND_H

#include "base/buf.h"
#include "syspro_company.h"

/* Run a Query document of COMFND or a Fetch document of COMFCH and append the
 * answer (UTF-8): XML or a text that begins with ERROR. */
void syspro_find_query(struct syspro_company *company, const char *document,
                       struct buf *out);
void syspro_find_fetch(struct syspro_company *company, const char *document,
                       struct buf *out);

#endif
