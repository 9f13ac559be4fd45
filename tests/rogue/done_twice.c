/* Ends its deliveries twice, with different statuses. */
#include "rogue.h"

static void twice_deliver(void *arg, cn_op op, const cn_delivery *delivery)
{
    (void)delivery;
    rogue_done(arg, op, CN_OK, "first");
    rogue_done(arg, op, CN_REJECTED, "second");
}

ROGUE_PLUGIN(.deliver = twice_deliver);
