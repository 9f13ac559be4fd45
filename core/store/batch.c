/* batch.c - changes on their way to the writer: the append functions and the
 * life of a batch, declared in store.h.
 *
 * One idea: everything is copied into the batch's arena, so a batch can cross
 * to the writer's thread without a lock; nobody else knows its memory.  Called
 * on the loop. */
#include "store/batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum {
    RUNS_MAX = 32 /* of one event; bits of store_result.claimed */
};

struct store_batch *store_batch_create(void)
{
    return memory_zero(1, sizeof(struct store_batch));
}

void store_batch_destroy(struct store_batch *batch)
{
    if (!batch)
        return;
    arena_done(&batch->arena);
    free(batch->changes);
    free(batch);
}

static struct change *batch_append(struct store_batch *batch,
                                   enum change_kind kind)
{
    struct change *change;

    if (batch->count == batch->capacity) {
        batch->capacity = batch->capacity ? batch->capacity * 2 : 4;
        batch->changes = memory_grow(batch->changes, batch->capacity,
                                     sizeof(*batch->changes));
    }
    change = &batch->changes[batch->count++];
    memset(change, 0, sizeof(*change));
    change->kind = kind;
    return change;
}

static const char *batch_text(struct store_batch *batch, const char *text)
{
    return arena_text(&batch->arena, text);
}

static struct store_bytes batch_bytes(struct store_batch *batch,
                                      struct store_bytes bytes)
{
    return arena_bytes(&batch->arena, bytes);
}

/* A request may hold a thousand records that came in the same bytes. */
static struct store_bytes batch_content(struct store_batch *batch,
                                        struct store_bytes content)
{
    if (content.ptr != batch->content_from.ptr ||
        content.len != batch->content_from.len) {
        batch->content_from = content;
        batch->content = batch_bytes(batch, content);
    }
    return batch->content;
}

void store_batch_accept(struct store_batch *batch,
                        const struct store_accept *accept)
{
    struct change *change = batch_append(batch, CHANGE_ACCEPT);
    struct store_accept *copy = &change->as.accept;
    struct store_accept_run *runs;

    assert(accept->run_count <= RUNS_MAX);
    *copy = *accept;
    copy->origin = batch_text(batch, accept->origin);
    copy->type = batch_text(batch, accept->type);
    copy->id = batch_bytes(batch, accept->id);
    copy->key = batch_bytes(batch, accept->key);
    copy->body = batch_bytes(batch, accept->body);
    copy->person = batch_bytes(batch, accept->person);
    copy->untaken = accept->untaken ? batch_text(batch, accept->untaken) : NULL;
    copy->content = batch_content(batch, accept->content);
    runs = arena_take(&batch->arena, accept->run_count, sizeof(*runs));
    for (uint32_t index = 0; index < accept->run_count; index++) {
        const struct store_accept_run *run = &accept->runs[index];
        runs[index] = *run;
        runs[index].flow = batch_text(batch, run->flow);
        runs[index].flow_version = batch_text(batch, run->flow_version);
        runs[index].key = batch_bytes(batch, run->key);
    }
    copy->runs = runs;
    batch->begins = true;
}

void store_batch_quarantine(struct store_batch *batch,
                            const struct store_quarantine *quarantine)
{
    struct change *change = batch_append(batch, CHANGE_QUARANTINE);
    struct store_quarantine *copy = &change->as.quarantine;

    copy->instance = batch_text(batch, quarantine->instance);
    copy->reason = batch_text(batch, quarantine->reason);
    copy->content = batch_bytes(batch, quarantine->content);
    batch->begins = true;
}

void store_batch_run(struct store_batch *batch,
                     const struct store_run_change *run)
{
    struct change *change = batch_append(batch, CHANGE_RUN);
    struct store_run_change *copy = &change->as.run;

    *copy = *run;
    copy->queue = batch_text(batch, run->queue);
    copy->reason = batch_text(batch, run->reason);
    copy->code = batch_text(batch, run->code);
}

void store_batch_step(struct store_batch *batch, const struct store_step *step)
{
    struct change *change = batch_append(batch, CHANGE_STEP);
    struct store_step *copy = &change->as.step;

    *copy = *step;
    copy->path = batch_text(batch, step->path);
    copy->result = batch_bytes(batch, step->result);
    copy->reason = batch_text(batch, step->reason);
}

void store_batch_delivery(struct store_batch *batch,
                          const struct store_delivery *delivery)
{
    struct change *change = batch_append(batch, CHANGE_DELIVERY);
    struct store_delivery *copy = &change->as.delivery;

    *copy = *delivery;
    copy->path = batch_text(batch, delivery->path);
    copy->flow = batch_text(batch, delivery->flow);
    copy->instance = batch_text(batch, delivery->instance);
    copy->type = batch_text(batch, delivery->type);
    copy->source_key = batch_bytes(batch, delivery->source_key);
    copy->order_key = batch_bytes(batch, delivery->order_key);
    copy->person = batch_bytes(batch, delivery->person);
    copy->body = batch_bytes(batch, delivery->body);
    batch->begins = true;
}

void store_batch_intent(struct store_batch *batch, uint64_t run,
                        const char *path)
{
    struct change *change = batch_append(batch, CHANGE_INTENT);

    change->as.value.run = run;
    change->as.value.path = batch_text(batch, path);
    batch->begins = true;
}

void store_batch_delivery_change(struct store_batch *batch,
                                 const struct store_delivery_change *settle)
{
    struct change *change = batch_append(batch, CHANGE_SETTLE);
    struct store_delivery_change *copy = &change->as.settle;

    *copy = *settle;
    copy->path = batch_text(batch, settle->path);
    copy->reason = batch_text(batch, settle->reason);
    copy->reference = batch_bytes(batch, settle->reference);
    batch->ends |= settle->state != DELIVERY_READY;
}

static struct change_value *batch_value(struct store_batch *batch,
                                        enum change_kind kind,
                                        const char *first, const char *second)
{
    struct change *change = batch_append(batch, kind);

    change->as.value.first = batch_text(batch, first);
    change->as.value.second = batch_text(batch, second);
    return &change->as.value;
}

void store_batch_cursor(struct store_batch *batch, const char *instance,
                        const char *stream, struct store_bytes cursor)
{
    batch_value(batch, CHANGE_CURSOR, instance, stream)->bytes =
        batch_bytes(batch, cursor);
}

void store_batch_state(struct store_batch *batch, const char *instance,
                       const char *key, struct store_bytes value)
{
    batch_value(batch, CHANGE_STATE, instance, key)->bytes =
        batch_bytes(batch, value);
}

void store_batch_flow(struct store_batch *batch, const char *name,
                      const char *version, struct store_bytes text)
{
    batch_value(batch, CHANGE_FLOW, name, version)->bytes =
        batch_bytes(batch, text);
}

void store_batch_alert(struct store_batch *batch, const char *cause,
                       const char *text)
{
    batch_value(batch, CHANGE_ALERT, cause, text ? text : "");
}

void store_batch_alert_news(struct store_batch *batch, const char *cause,
                            const char *text)
{
    batch_value(batch, CHANGE_ALERT, cause, text ? text : "")->news = true;
}

void store_batch_alert_clear(struct store_batch *batch, const char *cause)
{
    batch_value(batch, CHANGE_ALERT_CLEAR, cause, NULL);
}

void store_batch_alert_doubt(struct store_batch *batch, uint64_t run,
                             const char *text)
{
    batch_value(batch, CHANGE_ALERT_DOUBT, NULL, text)->run = run;
}

void store_batch_alert_acknowledge(struct store_batch *batch, const char *actor,
                                   const char *cause)
{
    batch_value(batch, CHANGE_ALERT_ACKNOWLEDGE, cause, actor);
}

void store_batch_audit(struct store_batch *batch, const char *actor,
                       const char *act, uint64_t run, const char *detail)
{
    struct change_value *value = batch_value(batch, CHANGE_AUDIT, actor, act);

    value->run = run;
    value->detail = batch_text(batch, detail);
}

void store_batch_act(struct store_batch *batch, const char *actor,
                     enum store_act act, uint64_t run, const char *reason)
{
    struct change *change = batch_append(batch, CHANGE_ACT);

    change->as.act.actor = batch_text(batch, actor);
    change->as.act.act = act;
    change->as.act.run = run;
    change->as.act.reason = batch_text(batch, reason);
    batch->begins |= act == STORE_REPLAY;
}

static struct change_answer *batch_answer(struct store_batch *batch,
                                          enum change_kind kind,
                                          const char *actor, uint64_t run,
                                          struct store_bytes bytes)
{
    struct change_answer *answer = &batch_append(batch, kind)->as.answer;

    answer->actor = batch_text(batch, actor);
    answer->run = run;
    answer->bytes = batch_bytes(batch, bytes);
    return answer;
}

void store_batch_settle(struct store_batch *batch, const char *actor,
                        uint64_t run, bool happened,
                        struct store_bytes reference, const char *reason)
{
    struct change_answer *answer =
        batch_answer(batch, CHANGE_ANSWER, actor, run, reference);

    answer->happened = happened;
    answer->reason = batch_text(batch, reason);
    batch->ends = true;
}

void store_batch_edit(struct store_batch *batch, const char *actor,
                      uint64_t run, const char *path, struct store_bytes body,
                      const char *reason)
{
    struct change_answer *answer =
        batch_answer(batch, CHANGE_EDIT, actor, run, body);

    answer->path = batch_text(batch, path);
    answer->reason = batch_text(batch, reason);
}

void store_batch_quarantine_end(struct store_batch *batch, const char *actor,
                                uint64_t number, const char *word,
                                const char *reason)
{
    struct change *change = batch_append(batch, CHANGE_QUARANTINE_END);
    struct change_quarantine_end *end = &change->as.quarantine_end;

    end->actor = batch_text(batch, actor);
    end->number = number;
    end->word = batch_text(batch, word);
    end->reason = batch_text(batch, reason);
}

void store_batch_claim(struct store_batch *batch, const char *queue,
                       size_t count)
{
    struct change *change = batch_append(batch, CHANGE_CLAIM);

    change->as.claim.queue = batch_text(batch, queue ? queue : "");
    change->as.claim.count = count;
    batch->begins = true;
}

void store_batch_recover(struct store_batch *batch, uint64_t run)
{
    batch_append(batch, CHANGE_RECOVER)->as.value.run = run;
}

void store_batch_renew(struct store_batch *batch)
{
    batch_append(batch, CHANGE_RENEW);
}

void store_batch_prune(struct store_batch *batch,
                       const struct store_prune *prune)
{
    batch_append(batch, CHANGE_PRUNE)->as.prune = *prune;
}
