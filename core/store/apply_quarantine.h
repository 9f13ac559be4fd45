/* apply_quarantine.h - authenticated bytes that could not be used. */
#ifndef CONNECT_STORE_APPLY_QUARANTINE_H
#define CONNECT_STORE_APPLY_QUARANTINE_H

#include "store/writer.h"

int apply_quarantine(struct writer *writer,
                     const struct store_quarantine *quarantine) MUST_USE;
int apply_quarantine_end(struct writer *writer,
                         const struct change_quarantine_end *end) MUST_USE;

#endif
