/* Calls the host from a thread of its own: all but log and post are refused. */
#include "rogue.h"

#include <pthread.h>

static void back(void *arg)
{
    struct rogue *self = arg;

    rogue_done(self, self->op, CN_OK, self->count ? "refused" : "allowed");
}

static void *wrong_run(void *arg)
{
    struct rogue *self = arg;
    cn_str colour = self->host->config(self->host, "/colour");
    cn_timer timer = self->host->timer_start(self->host, 0, back, self);

    rogue_done(self, self->op, CN_REJECTED, "from a wrong thread");
    self->count =
        !colour.ptr && !timer &&
        rogue_emit(self, self->op, "x", "{\"name\":\"x\"}") == CN_INVALID &&
        !self->host->secret(self->host, "token").ptr &&
        !self->host->extension(self->host, CN_EXT_HTTP);
    self->host->log(self->host, CN_LOG_INFO, "from a wrong thread, allowed");
    self->host->post(self->host, back, self);
    return NULL;
}

static void wrong_deliver(void *arg, cn_op op, const cn_delivery *delivery)
{
    struct rogue *self = arg;
    pthread_t thread;

    (void)delivery;
    self->op = op;
    if (pthread_create(&thread, NULL, wrong_run, self) ||
        pthread_detach(thread))
        rogue_done(self, op, CN_RETRY, "no thread");
}

ROGUE_PLUGIN(.deliver = wrong_deliver);
