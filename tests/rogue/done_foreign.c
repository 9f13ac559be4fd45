/* Ends operations that are not its own before its own. */
#include "rogue.h"

static void foreign_deliver(void *arg, cn_op op, const cn_delivery *delivery)
{
    (void)delivery;
    rogue_done(arg, 0, CN_REJECTED, NULL);
    for (cn_op other = op > 50 ? op - 50 : 1; other < op + 50; other++) {
        if (other != op)
            rogue_done(arg, other, CN_REJECTED, "foreign");
    }
    rogue_done(arg, op, CN_OK, "own");
}

ROGUE_PLUGIN(.deliver = foreign_deliver);
