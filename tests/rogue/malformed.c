/* Emits what breaks every rule of records; what it ends with tells how often it
 * was refused.  Its answers and delivered bodies are malformed too. */
#include "rogue.h"

#include <stdio.h>

static unsigned refused(struct rogue *self, cn_op op, cn_record record)
{
    return self->host->emit(self->host, op, &record) == CN_INVALID;
}

static void malformed_poll(void *arg, cn_op op, const cn_poll *poll)
{
    struct rogue *self = arg;
    cn_outcome outcome = {.size = sizeof(outcome)};
    const cn_record good = {.size = sizeof(good),
                            .type = "item/1",
                            .id = CN_STR("1"),
                            .body = CN_STR("{\"name\": \"x\"}")};
    cn_record record;
    char long_id[CN_ID_MAX + 1], long_type[CN_NAME_MAX + 2] = "", text[32];
    char *huge = malloc(CN_BODY_MAX + 1u);
    unsigned count = 0;

    (void)poll;
    memset(long_id, 'x', sizeof(long_id));
    memset(long_type, 'x', sizeof(long_type) - 1);
    if (huge)
        memset(huge, ' ', CN_BODY_MAX + 1u);
#define BREAK(field, ...)                                                      \
    record = good;                                                             \
    record.field = __VA_ARGS__;                                                \
    count += refused(self, op, record)
    BREAK(body, (cn_str){huge, CN_BODY_MAX + 1u});
    BREAK(body, (cn_str){"{\"name\": \"\xff\"}", 13});
    BREAK(body, (cn_str)CN_STR("{\"name\": \"x\"} {}"));
    BREAK(body, (cn_str)CN_STR("{\"name\": \"x\", \"name\": \"y\"}"));
    BREAK(body, (cn_str)CN_STR("{\"name\": 5}"));
    BREAK(body, (cn_str)CN_STR("{\"name\": \"x\", \"other\": 1}"));
    BREAK(body, (cn_str){NULL, 5});
    BREAK(body, (cn_str){NULL, 0});
    BREAK(id, (cn_str){long_id, sizeof(long_id)});
    BREAK(id, (cn_str){NULL, 0});
    BREAK(id, (cn_str){"\xc3\x28", 2});
    BREAK(key, (cn_str){long_id, sizeof(long_id)});
    BREAK(type, long_type);
    BREAK(type, "other/1");
    BREAK(type, NULL);
    BREAK(change, 2);
    BREAK(size, 8);
#undef BREAK
    count += self->host->emit(self->host, op, NULL) == CN_INVALID;
    free(huge);
    snprintf(text, sizeof(text), "%u", count);
    outcome.status = CN_RETRY;
    outcome.message = text;
    self->host->done(self->host, op, &outcome);
}

static void malformed_call(void *arg, cn_op op, const cn_call *call)
{
    struct rogue *self = arg;
    cn_outcome outcome = {.size = sizeof(outcome),
                          .body = CN_STR("{\"nme\": \"x\"}")};

    (void)call;
    self->host->done(self->host, op, &outcome);
}

static void malformed_deliver(void *arg, cn_op op, const cn_delivery *delivery)
{
    struct rogue *self = arg;
    cn_str key = delivery->records[0]->key;
    cn_outcome outcome = {.size = sizeof(outcome)};

    if (rogue_is(key, "body"))
        outcome.body = (cn_str)CN_STR("{not json}");
    else if (rogue_is(key, "size"))
        outcome.size = 4;
    else if (rogue_is(key, "77"))
        outcome.status = 77;
    else if (rogue_is(key, "full"))
        outcome.status = CN_FULL;
    else if (rogue_is(key, "invalid"))
        outcome.status = CN_INVALID;
    else if (rogue_is(key, "absent"))
        outcome.status = CN_ABSENT;
    else if (rogue_is(key, "cancelled"))
        outcome.status = CN_CANCELLED;
    else if (rogue_is(key, "message"))
        outcome.message = "bad \xff text";
    self->host->done(self->host, op, &outcome);
}

ROGUE_PLUGIN(.poll = malformed_poll, .call = malformed_call,
             .deliver = malformed_deliver);
