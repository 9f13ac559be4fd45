/* Leaves a thread behind that goes on calling after destroy. */
#include "rogue.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static atomic_bool destroyed;
static const cn_host *gone; /* of the instance destroyed last */

static void nothing(void *arg)
{
    (void)arg;
}

static void *late_run(void *arg)
{
    const cn_host *host = arg;
    struct timespec pause = {0, 1000 * 1000};

    while (!atomic_load(&destroyed))
        nanosleep(&pause, NULL);
    for (int count = 0; count < 50; count++) {
        host->log(host, CN_LOG_INFO, "still here");
        host->post(host, nothing, NULL);
        host->done(host, 1, NULL);
        host->timer_start(host, 0, nothing, NULL);
        (void)host->config(host, "/colour");
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static void late_deliver(void *arg, cn_op op, const cn_delivery *delivery)
{
    struct rogue *self = arg;
    pthread_t thread;

    (void)delivery;
    if (gone) { /* on the right thread, with a host that is no more */
        gone->done(gone, op, NULL);
        (void)gone->config(gone, "/colour");
        (void)rogue_emit(&(struct rogue){.host = gone}, op, "1", "{}");
    }
    atomic_store(&destroyed, false);
    if (!pthread_create(&thread, NULL, late_run, (void *)(uintptr_t)self->host))
        pthread_detach(thread);
    rogue_done(self, op, CN_OK, NULL);
}

static void late_destroy(void *arg)
{
    gone = ((struct rogue *)arg)->host;
    free(arg);
    atomic_store(&destroyed, true);
}

const cn_plugin cn_plugin_v1 = {.size = sizeof(cn_plugin),
                                .id = "test.rogue",
                                .version = "1.0.0",
                                .manifest = ROGUE_MANIFEST,
                                .create = rogue_create,
                                .destroy = late_destroy,
                                .deliver = late_deliver};
