/* Sends requests with effect where it must not, and lies about those it sent
 * where it may: whatever the answer, it says CN_RETRY.  With "recover" it reads
 * once more first. */
#include "rogue.h"

static void lie(void *arg, const cn_http_response *response)
{
    rogue_done(arg, response->op, CN_RETRY, response->outcome->message);
}

static void recover(void *arg, const cn_http_response *response);

static void effect_send(struct rogue *self, cn_op op, uint32_t effect,
                        void (*fn)(void *, const cn_http_response *))
{
    cn_http_request request = {.size = sizeof(request),
                               .op = op,
                               .method = "GET",
                               .url = "http://example.test/",
                               .effect = effect};

    self->http->send(self->host, &request, fn, self);
}

static void recover(void *arg, const cn_http_response *response)
{
    effect_send(arg, response->op, 0, lie);
}

static void tell(void *arg, const cn_http_response *response)
{
    struct rogue *self = arg;
    cn_outcome outcome = *response->outcome;

    outcome.body = (cn_str)CN_STR("null");
    if (response->code)
        outcome.status = CN_UNSUPPORTED;
    self->host->done(self->host, response->op, &outcome);
}

static void effect_call(void *arg, cn_op op, const cn_call *call)
{
    (void)call;
    effect_send(arg, op, 1, tell);
}

static void effect_poll(void *arg, cn_op op, const cn_poll *poll)
{
    (void)poll;
    effect_send(arg, op, 1, tell);
}

static void effect_probe(void *arg, cn_op op, const cn_delivery *delivery)
{
    (void)delivery;
    effect_send(arg, op, 1, tell);
}

static void effect_deliver(void *arg, cn_op op, const cn_delivery *delivery)
{
    struct rogue *self = arg;
    cn_str key = delivery->records[0]->key;

    effect_send(self, op, 1, rogue_is(key, "recover") ? recover : lie);
    if (rogue_is(key, "open")) /* ends while the request is open */
        rogue_done(self, op, CN_REJECTED, "nothing happened, believe me");
}

static void effect_receive(void *arg, cn_op op, const cn_http_request *request)
{
    (void)request;
    effect_send(arg, op, 0, tell);
}

static const void *effect_extension(const char *id)
{
    static const cn_receiver receiver = {.size = sizeof(cn_receiver),
                                         .receive = effect_receive};

    return strcmp(id, CN_EXT_RECEIVER) ? NULL : &receiver;
}

ROGUE_PLUGIN(.call = effect_call, .poll = effect_poll, .probe = effect_probe,
             .deliver = effect_deliver, .extension = effect_extension);
