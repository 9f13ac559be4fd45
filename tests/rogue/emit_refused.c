/* Emits a record that is refused and ends as if nothing had been. */
#include "rogue.h"

static const char good[] = "{\"name\": \"good\"}", bad[] = "{\"nme\": 1}";

static void refused_poll(void *arg, cn_op op, const cn_poll *poll)
{
    struct rogue *self = arg;
    cn_outcome outcome = {.size = sizeof(outcome), .cursor = CN_STR("next")};
    uint32_t too_many = rogue_is(poll->cursor, "two too many") ? 2 : 1;

    if (rogue_is(poll->cursor, "bad") || rogue_is(poll->cursor, "gap")) {
        rogue_emit(self, op, "1", good);
        rogue_emit(self, op, "2", bad);
        outcome.gap = rogue_is(poll->cursor, "gap");
    } else {
        for (uint32_t count = 0; count < poll->max_records + too_many; count++)
            rogue_emit(self, op, "1", good);
    }
    self->host->done(self->host, op, &outcome);
}

static void refused_transform(void *arg, cn_op op, const cn_delivery *delivery)
{
    struct rogue *self = arg;

    (void)delivery;
    rogue_emit(self, op, "", good);
    rogue_emit(self, op, "", bad);
    self->host->done(self->host, op, NULL);
}

static void refused_receive(void *arg, cn_op op, const cn_http_request *request)
{
    struct rogue *self = arg;

    rogue_emit(self, op, "1", bad);
    rogue_done(self, op, rogue_is(request->body, "503") ? CN_RETRY : CN_OK,
               "fine");
}

static const void *refused_extension(const char *id)
{
    static const cn_receiver receiver = {.size = sizeof(cn_receiver),
                                         .receive = refused_receive};

    return strcmp(id, CN_EXT_RECEIVER) ? NULL : &receiver;
}

ROGUE_PLUGIN(.poll = refused_poll, .transform = refused_transform,
             .extension = refused_extension);
