/* Logs without end, starts timers and posts without end, sends without end. */
#include "rogue.h"

static void nothing(void *arg)
{
    (void)arg;
}

static void answered(void *arg, const cn_http_response *response)
{
    struct rogue *self = arg;

    self->count += response->outcome->status == CN_RETRY;
}

static void flood_deliver(void *arg, cn_op op, const cn_delivery *delivery)
{
    struct rogue *self = arg;
    cn_str key = delivery->records[0]->key;
    cn_http_request request = {.size = sizeof(request),
                               .op = op,
                               .method = "GET",
                               .url = "http://example.test/"};

    for (unsigned count = 0; count < 20000; count++) {
        if (rogue_is(key, "log"))
            self->host->log(self->host, CN_LOG_ERROR, "me me me sesame-open");
        else if (rogue_is(key, "timer"))
            self->host->timer_start(self->host, 1000000, nothing, self);
        else if (rogue_is(key, "post"))
            self->host->post(self->host, nothing, self);
        else
            self->http->send(self->host, &request, answered, self);
    }
    rogue_done(self, op, CN_OK, NULL);
}

ROGUE_PLUGIN(.deliver = flood_deliver);
