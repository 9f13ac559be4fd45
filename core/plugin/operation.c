/* operation.c - the open operations, as the core knows them.
 *
 * Its one idea: an operation is in the table from its start until its owner was
 * told its end, and is told by one function, so it ends once.  The plugin's
 * word, the requests the bridge carried and the clock all end it here.  Loop
 * thread. */
#include "plugin/operation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "base/memory.h"
#include "plugin/bridge.h"
#include "plugin/left.h"
#include "plugin/op_message.h"

struct core_op *operation_find(struct instances *instances, uint64_t id)
{
    struct core_op *op;

    HASH_FIND(hh, instances->ops, &id, sizeof(id), op);
    return op;
}

/* Tell the owner and free the operation. */
static void operation_end(struct instances *instances, struct core_op *op,
                          const struct op_outcome *outcome)
{
    struct generation *generation = op->generation;

    HASH_DEL(instances->ops, op);
    if (generation) {
        generation->open[op->kind]--;
        generation->open_count--;
        generation->entry->ended_count++;
        generation->entry->broken_count += outcome->broken;
    }
    if (op->fn)
        op->fn(op->arg, op->id, outcome);
    free(op);
    if (generation)
        generation_proceed(generation);
}

static void operation_lost(struct instances *instances, struct core_op *op,
                           const char *message)
{
    struct op_outcome outcome = {
        .kind = op->kind,
        .status =
            op->unread ? CN_RETRY : op_conclude_lost(op->kind, &op->facts),
        .message = message,
        .body = {"", 0},
        .cursor = {"", 0},
        /* What the plugin never saw says nothing about the record. */
        .answered = !op->unread && (!op->facts.requested || op->facts.answered),
        .effect_sent = op->facts.effect_sent,
        .broken = op->blamed && !op->unread,
    };

    operation_end(instances, op, &outcome);
}

int operation_start(struct generation *generation, enum op_kind kind,
                    const struct op_request *request, uint64_t timeout_ms,
                    op_ended_fn *fn, void *arg, uint64_t *ret_op)
{
    struct instances *instances = generation->entry->instances;
    struct core_op *op;
    struct buf payload;
    uint64_t id = instances->op_last + 1;
    int status;

    buf_init(&payload, MESSAGE_BYTES_MAX);
    op_request_put(&payload, request);
    status = mailbox_send(
        generation->runner->inbox,
        message_create(MESSAGE_START, generation->number, id, &payload));
    buf_done(&payload);
    if (status)
        return -EAGAIN;
    instances->op_last = id;
    op = memory_zero(1, sizeof(*op));
    op->id = id;
    op->run = request->run;
    op->generation = generation;
    op->kind = kind;
    op->fn = fn;
    op->arg = arg;
    op->due_ms = uv_now(instances->options.loop) + timeout_ms;
    op->unsure =
        kind == OP_PROBE &&
        left_may_send(instances, generation->entry->name, request->record.type);
    op->facts.network_host = generation->setup->module->manifest->network_host;
    HASH_ADD(hh, instances->ops, id, sizeof(op->id), op);
    generation->open[kind]++;
    generation->open_count++;
    if (ret_op)
        *ret_op = id;
    return 0;
}

void operation_cancel(struct core_op *op, uint64_t now_ms)
{
    struct generation *generation = op->generation;

    if (op->cancelled)
        return;
    op->cancelled = true;
    op->due_ms = now_ms + generation->entry->instances->options.stuck_ms;
    bridge_cancel(generation, op->id);
    (void)mailbox_send_urgent(
        generation->runner->inbox,
        message_create(MESSAGE_CANCEL, generation->number, op->id, NULL));
}

/* Values that an operation stored: ours, and those of other generations. */
static void values_take(struct generation *from,
                        const struct op_outcome *outcome)
{
    struct entry *entry = from->entry;
    struct generation *other;
    struct buf payload;

    if (!outcome->value_count)
        return;
    buf_init(&payload, MESSAGE_BYTES_MAX);
    message_put_number(&payload, outcome->value_count);
    for (size_t index = 0; index < outcome->value_count; index++) {
        value_keep(&entry->values, outcome->values[index].key,
                   outcome->values[index].value);
        op_value_put(&payload, &outcome->values[index]);
    }
    DL_FOREACH(entry->generations, other)
    {
        if (other != from)
            (void)mailbox_send_urgent(
                other->runner->inbox,
                message_create(MESSAGE_VALUES, other->number, 0, &payload));
    }
    buf_done(&payload);
}

static void outcome_conclude(struct generation *generation, struct core_op *op,
                             struct op_outcome *outcome)
{
    bool broken, overruled;

    bridge_settle(generation, op);
    outcome->kind = op->kind;
    outcome->status =
        op_conclude(op->kind, outcome->status, &op->facts, &broken, &overruled);
    outcome->broken |= broken;
    outcome->answered = !op->facts.requested || op->facts.answered;
    outcome->effect_sent = op->facts.effect_sent;
    if (op->unsure && outcome->status == CN_ABSENT) {
        outcome->status = CN_RETRY;
        outcome->message =
            "not there, but a call that was left behind may still send it; "
            "asked again until its thread has ended, at the latest with the "
            "daemon's next start";
    }
    if (overruled)
        entry_log(generation->entry, LOG_WARN, op->id,
                  "said that nothing took effect, but a request with effect "
                  "was sent and had no definite answer: in doubt");
    if (outcome->status != CN_OK) {
        outcome->record_count = 0;
        outcome->value_count = 0;
    }
}

void operation_take(struct generation *generation,
                    const struct message *message)
{
    struct instances *instances = generation->entry->instances;
    struct core_op *op = operation_find(instances, message->op);
    struct op_outcome_message taken;
    struct message_reader reader;
    uint64_t held_ms;

    if (!op || op->generation != generation)
        return;
    message_read(&reader, message);
    if (!op_outcome_take(&reader, &taken)) {
        taken.outcome.status = CN_INVALID; /* our own message */
        taken.outcome.record_count = taken.outcome.value_count = 0;
        taken.outcome.message = "the outcome could not be read";
        taken.outcome.body = taken.outcome.cursor = (cn_str){"", 0};
    }
    held_ms = message_take_number(&reader);
    if (held_ms > generation->entry->held_ms_max)
        generation->entry->held_ms_max = held_ms;
    outcome_conclude(generation, op, &taken.outcome);
    values_take(generation, &taken.outcome);
    operation_end(instances, op, &taken.outcome);
    op_outcome_done(&taken);
}

void operations_detach(struct generation *generation, bool blamed,
                       struct core_op **list)
{
    struct entry *entry = generation->entry;
    struct core_op *op, *next;

    HASH_ITER(hh, entry->instances->ops, op, next)
    {
        if (op->generation != generation)
            continue;
        bridge_settle(generation, op);
        entry->ended_count++;
        entry->broken_count += blamed;
        op->generation = NULL;
        op->blamed = blamed;
        op->next_lost = *list;
        *list = op;
    }
}

void operations_lose(struct instances *instances, struct core_op *list,
                     const char *message)
{
    while (list) {
        struct core_op *op = list;
        list = op->next_lost;
        operation_lost(instances, op, message);
    }
}
