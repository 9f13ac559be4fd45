/* Blocks in create or in destroy, as BLOCK_CREATE and BLOCK_DESTROY say, until
 * the file named there exists. */
#include "rogue.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static void wait_for(const char *variable)
{
    const char *found = getenv(variable);
    struct timespec pause = {0, 2 * 1000 * 1000};
    char path[256];

    if (!found)
        return;
    snprintf(path, sizeof(path), "%s", found);
    while (access(path, F_OK))
        nanosleep(&pause, NULL);
}

static void *life_create(const cn_host *host)
{
    wait_for("BLOCK_CREATE");
    return rogue_create(host);
}

static void life_destroy(void *self)
{
    wait_for("BLOCK_DESTROY");
    free(self);
}

static void life_deliver(void *arg, cn_op op, const cn_delivery *delivery)
{
    (void)delivery;
    rogue_done(arg, op, CN_OK, NULL);
}

const cn_plugin cn_plugin_v1 = {.size = sizeof(cn_plugin),
                                .id = "test.rogue",
                                .version = "1.0.0",
                                .manifest = ROGUE_MANIFEST,
                                .create = life_create,
                                .destroy = life_destroy,
                                .deliver = life_deliver};
