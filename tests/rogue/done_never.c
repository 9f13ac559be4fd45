/* Never ends anything, and does not listen when it is cancelled. */
#include "rogue.h"

static void never_deliver(void *arg, cn_op op, const cn_delivery *delivery)
{
    (void)arg;
    (void)op;
    (void)delivery;
}

static void never_call(void *arg, cn_op op, const cn_call *call)
{
    (void)arg;
    (void)op;
    (void)call;
}

ROGUE_PLUGIN(.deliver = never_deliver, .call = never_call);
