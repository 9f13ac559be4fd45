/* syspro_import.h - SORTOI: sales orders from a document. */
#ifndef CONNECT_SANDBOX_SYSPRO_IMPORT_H
#define CONNECT_SANDBOX_SYSPRO_IMPORT_H

#include "base/buf.h"
#include "syspro_company.h"

/* What a test may put on one call; zeroed for none. */
struct syspro_import_fault {
    bool record_lock, period_closed; /* an error text of that kind */
    bool reject_empty;               /* shape C: no number, no reason */
    bool wrong_reference;            /* commits, answers for another PO */
};

typedef void syspro_import_fn(void *arg, const struct syspro_order *order,
                              char action);

/* Run the two documents and append the answer (UTF-8) to out: XML, or a text
 * that begins with ERROR.  committed is called for each order made, changed or
 * cancelled; the order is borrowed for the call. */
void syspro_import_post(struct syspro_company *company, const char *parameters,
                        const char *document, const char *today,
                        const struct syspro_import_fault *fault,
                        syspro_import_fn *committed, void *arg,
                        struct buf *out);

#endif
