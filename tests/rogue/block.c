/* Blocks its thread until the file named in the record's key is there, which
 * is never as far as the host knows; then ends as if nothing had been. */
#include "rogue.h"

#include <time.h>
#include <unistd.h>

#ifndef ROGUE_FLAGS
#define ROGUE_FLAGS 0
#endif

static void wait_for(const char *path)
{
    struct timespec pause = {0, 2 * 1000 * 1000};

    while (access(path, F_OK))
        nanosleep(&pause, NULL);
}

static void block_deliver(void *arg, cn_op op, const cn_delivery *delivery)
{
    struct rogue *self = arg;
    cn_str key = delivery->records[0]->key;
    char path[CN_ID_MAX + 1] = "";

    memcpy(path, key.ptr, key.len);
    if (key.len) {
        wait_for(path);
        self->host->log(self->host, CN_LOG_INFO, "awake again");
    }
    rogue_done(self, op, CN_OK, "after all");
}

static void block_probe(void *arg, cn_op op, const cn_delivery *delivery)
{
    (void)delivery;
    rogue_done(arg, op, CN_ABSENT, "nothing there");
}

ROGUE_PLUGIN(.flags = ROGUE_FLAGS, .deliver = block_deliver,
             .probe = block_probe);
