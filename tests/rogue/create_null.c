/* Cannot be made, and says why. */
#include "rogue.h"

static void *null_create(const cn_host *host)
{
    host->log(host, CN_LOG_ERROR, "the moon is in the wrong phase");
    return NULL;
}

static void null_deliver(void *arg, cn_op op, const cn_delivery *delivery)
{
    (void)arg;
    (void)op;
    (void)delivery;
}

const cn_plugin cn_plugin_v1 = {.size = sizeof(cn_plugin),
                                .id = "test.rogue",
                                .version = "1.0.0",
                                .manifest = ROGUE_MANIFEST,
                                .create = null_create,
                                .destroy = free,
                                .deliver = null_deliver};
