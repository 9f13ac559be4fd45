/* Keeps the contract; the neighbour of all the others. */
#include "rogue.h"

#include <stdio.h>

static void honest_poll(void *arg, cn_op op, const cn_poll *poll)
{
    struct rogue *self = arg;
    cn_outcome outcome = {.size = sizeof(outcome), .cursor = CN_STR("next")};
    unsigned count = 0;
    char id[16], body[64];

    do {
        snprintf(id, sizeof(id), "%u", count);
        snprintf(body, sizeof(body), "{\"name\": \"%u\"}", count++);
    } while (rogue_emit(self, op, id, body) == CN_OK);
    outcome.more = count > poll->max_records;
    if (rogue_is(poll->cursor, "fail"))
        outcome.status = CN_RETRY;
    self->host->done(self->host, op, &outcome);
}

static void honest_answered(void *arg, const cn_http_response *response)
{
    struct rogue *self = arg;

    self->host->done(self->host, response->op, response->outcome);
}

static void honest_send(struct rogue *self, cn_op op, const char *auth,
                        uint32_t effect)
{
    cn_header header = {CN_STR("X-One"), CN_STR("two")};
    cn_http_request request = {.size = sizeof(request),
                               .header_count = 1,
                               .op = op,
                               .method = "POST",
                               .url = "http://example.test/",
                               .auth = auth,
                               .headers = &header,
                               .body = CN_STR("body"),
                               .effect = effect};

    self->http->send(self->host, &request, honest_answered, self);
}

static void honest_timer(void *arg)
{
    struct rogue *self = arg;

    rogue_done(self, self->op, CN_OK, "by timer");
}

static void honest_deliver(void *arg, cn_op op, const cn_delivery *delivery)
{
    struct rogue *self = arg;
    const cn_record *record = delivery->records[0];
    cn_outcome outcome = {.size = sizeof(outcome),
                          .body = CN_STR("{\"number\": \"A-1\"}")};

    if (rogue_is(record->key, "keep"))
        return; /* until it is cancelled */
    if (rogue_is(record->key, "http")) {
        honest_send(self, op, "token", 1);
    } else if (rogue_is(record->key, "auth")) {
        honest_send(self, op, "nobody", 1);
    } else if (rogue_is(record->key, "timer")) {
        self->op = op;
        self->host->timer_start(self->host, 5, honest_timer, self);
    } else if (rogue_is(record->key, "settle")) {
        outcome.status = CN_HOLD;
        self->host->settle(self->host, op, 0, &outcome);
        self->host->done(self->host, op, NULL);
    } else {
        self->host->done(self->host, op, &outcome);
    }
}

static void honest_transform(void *arg, cn_op op, const cn_delivery *delivery)
{
    struct rogue *self = arg;

    (void)delivery;
    rogue_emit(self, op, "", "{\"name\": \"a\"}");
    rogue_emit(self, op, "", "{\"name\": \"b\"}");
    self->host->done(self->host, op, NULL);
}

static void honest_call(void *arg, cn_op op, const cn_call *call)
{
    struct rogue *self = arg;
    cn_str token = self->host->secret(
        self->host,
        strstr(call->body.ptr, "address") ? "webhook_address" : "token");
    cn_str size = self->host->config(self->host, "/size");
    cn_str hidden = self->host->config(self->host, "/token");
    cn_str before = self->state->get(self->host, op, "count");
    char body[256];
    cn_outcome outcome = {.size = sizeof(outcome)};

    self->state->put(self->host, op, "count", (cn_str)CN_STR("1"));
    snprintf(body, sizeof(body),
             "{\"name\": \"%zu %d\", \"note\": \"%s %s %s\"}", call->body.len,
             hidden.ptr != NULL, token.ptr ? token.ptr : "none",
             size.ptr ? size.ptr : "none", before.ptr ? before.ptr : "none");
    outcome.body = (cn_str){body, strlen(body)};
    self->host->done(self->host, op, &outcome);
}

static void honest_cancel(void *arg, cn_op op)
{
    rogue_done(arg, op, CN_CANCELLED, "as asked");
}

static void honest_receive(void *arg, cn_op op, const cn_http_request *request)
{
    struct rogue *self = arg;

    if (request->header_count != 1 ||
        !rogue_is(request->headers[0].value, "let me in")) {
        rogue_done(self, op, CN_AUTH, "wrong token");
        return;
    }
    rogue_emit(self, op, "e1", "{\"name\": \"received\"}");
    self->host->done(self->host, op, NULL);
}

static void honest_stop(void *arg, cn_op op)
{
    rogue_done(arg, op, CN_OK, NULL);
}

static const void *honest_extension(const char *id)
{
    static const cn_receiver receiver = {.size = sizeof(cn_receiver),
                                         .receive = honest_receive};

    return strcmp(id, CN_EXT_RECEIVER) ? NULL : &receiver;
}

ROGUE_PLUGIN(.poll = honest_poll, .deliver = honest_deliver,
             .transform = honest_transform, .call = honest_call,
             .cancel = honest_cancel, .stop = honest_stop,
             .extension = honest_extension);
