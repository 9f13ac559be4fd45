/* apply_settle.h - how an attempt or a probe ended. */
#ifndef CONNECT_STORE_APPLY_SETTLE_H
#define CONNECT_STORE_APPLY_SETTLE_H

#include "store/apply_delivery.h"

/* What the target calls it, into the delivery's row. */
int settle_reference(struct writer *writer, const struct delivery *delivery,
                     struct store_bytes reference) MUST_USE;
/* It happened: its reference, and its entity's. */
int settle_done(struct writer *writer, const struct delivery *delivery,
                struct store_bytes reference) MUST_USE;
int apply_settle(struct writer *writer,
                 const struct store_delivery_change *change) MUST_USE;

#endif
