/* Emits more than it may and after the end; says so in its next cursor. */
#include "rogue.h"

#include <stdio.h>

static void late_poll(void *arg, cn_op op, const cn_poll *poll)
{
    struct rogue *self = arg;
    cn_outcome outcome = {.size = sizeof(outcome)};
    char cursor[64];
    cn_status last = CN_OK;

    for (uint32_t count = 0; count < poll->max_records + 1; count++)
        last = rogue_emit(self, op, "same", "{\"name\": \"x\"}");
    snprintf(cursor, sizeof(cursor), "over %d late %u", last, self->count);
    outcome.cursor = (cn_str){cursor, strlen(cursor)};
    self->host->done(self->host, op, &outcome);
    self->count = (unsigned)rogue_emit(self, op, "late", "{\"name\": \"x\"}");
}

static void late_deliver(void *arg, cn_op op, const cn_delivery *delivery)
{
    struct rogue *self = arg;
    cn_status status = rogue_emit(self, op, "wrong", "{\"name\": \"x\"}");

    (void)delivery;
    rogue_done(self, op, status == CN_INVALID ? CN_OK : CN_REJECTED, NULL);
}

ROGUE_PLUGIN(.poll = late_poll, .deliver = late_deliver);
