/* run_delivery.c - the step that does: intent, sending, doubt, asking.
 *
 * What must hold: bytes with effect leave only after the commit of the intent
 * was answered APPLIED; what may have taken effect is asked about and never
 * simply sent again; an outcome and what the run does next are one transaction.
 *
 *            +-- behind another, or it exists already
 *   make + intent -> SENDING -> DONE
 *            ^          |  \---> READY again, HELD, PARKED (definite answers)
 *            |          v
 *            +---- IN_DOUBT --probe--> DONE (found) or READY (absent, settled)
 *
 * Each way from IN_DOUBT back to sending uses up an attempt, so none goes on
 * for ever.  The one exception harms nobody: what may be repeated safely is
 * repeated as often as it takes while its whole instance does not answer.
 *
 * Called on the loop thread. */
#include "flow/run_delivery.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <connect/json.h>

#include "base/seeded.h"
#include "flow/run_gate.h"
#include "flow/run_shadow.h"
#include "flow/run_state.h"

enum {
    /* Who repeats safely while its instance does not answer is not parked;
     * people hear of it when it has lasted so long. */
    OUTAGE_ALERT_MS = 5 * 60 * 1000
};

static void delivery_change(struct run *run, struct run_delivery *row,
                            enum delivery_state state, int64_t due_ms,
                            const char *reason, cn_str reference)
{
    char clean[RUN_REASON_MAX];
    struct store_delivery_change change = {
        .run = run->number,
        .path = row->path,
        .state = state,
        .doubt = state == DELIVERY_PARKED && row->doubt,
        .attempts = seeded_bug("F19") ? 0 : row->attempts,
        .probes = row->probes,
        .due_ms = due_ms,
        .reason = run_reason(clean, reason),
        .reference = run_bytes(reference.ptr, reference.len),
    };

    row->state = state;
    if (state != DELIVERY_IN_DOUBT && state != DELIVERY_PARKED)
        row->doubt = false;
    store_batch_delivery_change(run_batch(run), &change);
}

/* The delivery took effect, now or earlier: the step's result. */
static void delivery_end_step(struct run *run, const char *path,
                              struct store_bytes reference, bool adopted,
                              const char *reason)
{
    cJSON *result = cJSON_CreateObject();

    cn_json_put(result, "reference", run_json(reference.ptr, reference.len));
    cn_json_put(result, "adopted", cJSON_CreateBool(adopted));
    run_step_end(run, path, STEP_DONE, result, reason);
}

static enum walk delivery_in_doubt(struct run *run, struct run_delivery *row,
                                   const struct gate *gate, uint64_t delay_ms,
                                   const char *message)
{
    int64_t due_ms =
        delay_ms ? run_now(run) + (int64_t)delay_ms : run_again(run, gate);
    cn_str none = {NULL, 0};

    row->doubt = true;
    if (row->state == DELIVERY_SENDING)
        row->intent_ms = run_now(run);
    delivery_change(run, row, DELIVERY_IN_DOUBT, due_ms, message, none);
    return run_leave(run, RUN_READY, gate->name, due_ms, "in_doubt", message);
}

static void delivery_cause(const struct run *run, char cause[64])
{
    snprintf(cause, 64, "doubt:%" PRIu64, run->number);
}

/* What was not known is known now. */
static void delivery_doubt_ends(struct run *run)
{
    char cause[64];

    delivery_cause(run, cause);
    store_batch_alert_clear(run_batch(run), cause);
}

static void delivery_alert_doubt(struct run *run, const char *text)
{
    char cause[64];

    delivery_cause(run, cause);
    store_batch_alert(run_batch(run), cause, text);
}

/* An answer that belongs to another record: whoever mixed it up may do so with
 * others, so it is told however this doubt ends, once for the instance. */
static void delivery_alert_answer(struct run *run, const struct gate *gate)
{
    char cause[160], text[400];

    snprintf(cause, sizeof(cause), "answer:%s", gate->name);
    snprintf(text, sizeof(text),
             "The other system answered a delivery with what belongs to "
             "another one, last that of run %" PRIu64 ". It is asked what is "
             "there, and nothing is sent twice. Find out why it mixes them "
             "up; then acknowledge this.",
             run->number);
    store_batch_alert(run_batch(run), cause, text);
}

static const char delivery_unknown[] =
    "It is not known whether a delivery took effect, and this plugin cannot "
    "find out. Look in the other system, then settle the run.";

static bool delivery_outage(const struct run *run, const struct gate *gate)
{
    return run->step->type->repeat == REPEAT_SAFE && gate->broken;
}

/* May what is in doubt be sent again unasked?  Counts it. */
static bool delivery_repeats(const struct run *run, struct run_delivery *row,
                             const struct gate *gate)
{
    return delivery_outage(run, gate) ||
           ++row->attempts < run->world->limits.attempts_max;
}

/* It was sent as often as may be, and how it ended is not known. */
static enum walk delivery_give_up(struct run *run, struct run_delivery *row)
{
    static const char text[] =
        "it was sent as often as limits.attempts allows, and it is not known "
        "whether it took effect: look in the other system, then settle the "
        "run, or retry it to send it again";
    cn_str none = {NULL, 0};

    delivery_alert_doubt(
        run, "A delivery was sent again and again, and it is not known whether "
             "it took effect. Look in the other system, then settle the run, "
             "or retry it to send it again.");
    row->doubt = true;
    delivery_change(run, row, DELIVERY_PARKED, 0, text, none);
    return run_park(run, row->path, "in_doubt", text);
}

/* unable: the plugin cannot say, and never will. */
static void delivery_alert(struct run *run, struct gate *gate,
                           const struct retry_next *next, bool unable)
{
    if (!next->alert)
        return;
    if (next->move == MOVE_REST)
        run_alert_auth(run, gate);
    else if (next->move == MOVE_PARK && unable)
        delivery_alert_doubt(run, delivery_unknown);
    else if (next->move == MOVE_PARK)
        delivery_alert_doubt(
            run, "The other system has something else under the name of a "
                 "delivery than what was sent. Compare the two there, then "
                 "retry, settle or discard the run.");
    else
        delivery_alert_doubt(
            run, "It is not known whether a delivery took effect, and the "
                 "other system does not answer the question. It is asked "
                 "again; nothing is sent twice.");
}

/* A definite answer ends the doubt; a probe that found something else than what
 * was sent does not. */
static bool delivery_definite(const struct op_outcome *outcome,
                              const struct retry_next *next)
{
    if (next->move == MOVE_PROBE)
        return false;
    return outcome->kind != OP_PROBE || next->move != MOVE_PARK ||
           outcome->status == CN_ABSENT;
}

/* The other side certainly does not have what was in doubt. */
static enum walk delivery_absent(struct run *run, struct run_delivery *row,
                                 const struct retry_next *next)
{
    bool never = run->step->type->repeat == REPEAT_NEVER;
    const char *message =
        never ? "the other system does not have it after a doubt; a person "
                "decides: retry sends it again"
              : "it was sent as often as limits.attempts allows, and each time "
                "the other system did not have it afterwards; retry sends it "
                "again";
    cn_str none = {NULL, 0};

    if (!never && next->move == MOVE_SEND) {
        delivery_change(run, row, DELIVERY_READY, 0, NULL, none);
        return WALK_ON;
    }
    delivery_change(run, row, DELIVERY_PARKED, 0, message, none);
    return run_park(run, row->path, never ? "absent" : "not_arriving", message);
}

/* Turn the next move into changes; WALK_ON: the run goes on in this batch. */
static enum walk delivery_move(struct run *run, struct run_delivery *row,
                               struct gate *gate,
                               const struct op_outcome *outcome,
                               const struct retry_next *next)
{
    bool probed = outcome->kind == OP_PROBE;
    bool unable = probed && outcome->status == CN_UNSUPPORTED;
    bool again = row->again;
    const char *message = outcome->message ? outcome->message : "";
    int64_t due_ms = run_now(run) + (int64_t)next->delay_ms;
    cn_str none = {NULL, 0};

    row->attempts = next->attempts;
    row->probes = next->probes;
    row->again = false;
    if (delivery_definite(outcome, next)) {
        row->doubt = false;
        if (probed || again)
            delivery_doubt_ends(run);
    }
    /* Nobody can say; the flow's author prefers twice to never. */
    if (unable && run->step->accept_doubles) {
        if (!delivery_repeats(run, row, gate))
            return delivery_give_up(run, row);
        delivery_change(run, row, DELIVERY_READY, 0, NULL, none);
        return WALK_ON;
    }
    if (probed && outcome->status == CN_AUTH)
        run_alert_auth(run, gate);
    delivery_alert(run, gate, next, unable);
    if (outcome->alert)
        delivery_alert_answer(run, gate);
    if (next->move == MOVE_SEND ||
        (probed && next->move == MOVE_PARK && outcome->status == CN_ABSENT))
        return delivery_absent(run, row, next);
    switch (next->move) {
    case MOVE_DONE:
        run_keep_values(run, gate, outcome);
        delivery_change(run, row, DELIVERY_DONE, 0, NULL, outcome->body);
        delivery_end_step(run, row->path,
                          run_bytes(outcome->body.ptr, outcome->body.len),
                          probed, probed ? "found by asking" : NULL);
        return WALK_ON;
    case MOVE_PROBE:
        return delivery_in_doubt(run, row, gate, next->delay_ms, message);
    case MOVE_AGAIN:
        delivery_change(run, row, DELIVERY_READY, due_ms, message, none);
        return run_leave(run, RUN_READY, gate->name, due_ms, "retry", message);
    case MOVE_REST:
        delivery_change(run, row, DELIVERY_READY, 0, message, none);
        return run_leave(run, RUN_READY, gate->name, run_again(run, gate), NULL,
                         gate->reason ? gate->reason : message);
    case MOVE_HOLD:
        delivery_change(run, row, DELIVERY_HELD, due_ms, message, none);
        return run_leave(run, RUN_HELD, gate->name, due_ms, "held", message);
    default:
        delivery_change(run, row, DELIVERY_PARKED, 0, message, none);
        return run_park(run, row->path, op_status_text(outcome->status),
                        message);
    }
}

static void delivery_ended(void *arg, uint64_t op,
                           const struct op_outcome *outcome)
{
    struct run *run = arg;
    struct gate *gate = run->gate;
    struct run_delivery *row = run_delivery_find(run, run->path);
    struct retry_case was = {
        .outcome = outcome,
        .attempts = row->attempts,
        .probes = row->probes,
        .random = run_random(run),
        .since_intent_ms = run_now(run) - row->intent_ms,
        .settle_ms = run->step->type->settle_ms,
    };
    struct retry_next next = retry_decide(&run->world->limits, &was);
    enum walk walk;

    (void)op;
    run->phase = PHASE_WALKING;
    /* First judged, so that who waits is not let into an outage. */
    run_judge_instance(run, gate, outcome, &next);
    run_exit(run);
    walk = delivery_move(run, row, gate, outcome, &next);
    if (walk == WALK_ON)
        run_advance(run);
    else
        run_finish(run, walk);
}

int run_delivery_operate(struct run *run, enum op_kind kind,
                         const struct run_delivery *row, op_ended_fn *fn,
                         struct error *err)
{
    struct op_request request = {.kind = kind};
    cn_record *record = &request.record;

    record->size = sizeof(*record);
    record->change = CN_UPSERT;
    record->type = run->step->type->name;
    record->id = (cn_str){run->id, run->id_len};
    record->key = (cn_str){run->key, run->key_len};
    record->body = (cn_str){row->body, row->body_len};
    record->time_ms = run->wall_ms;
    record->origin = run->origin;
    record->attempt = row->attempts + 1;
    return run_operate(run, &request, fn, err);
}

/* The intent is on disk, but the instance does not take the work: nothing was
 * sent. */
static void delivery_not_begun(struct run *run, struct run_delivery *row,
                               int status, const struct error *err)
{
    struct gate *gate = run->gate;
    cn_str none = {NULL, 0};
    enum walk walk;

    run->phase = PHASE_WALKING;
    run_exit(run);
    if (row->again)
        delivery_doubt_ends(run);
    if (status == -EINVAL || status == -ENOTSUP) {
        row->doubt = false;
        delivery_change(run, row, DELIVERY_PARKED, 0, err->text, none);
        walk = run_park(run, row->path, "delivery", err->text);
    } else {
        run_rest(run, gate, 0, "the instance does not take work");
        delivery_change(run, row, DELIVERY_READY, 0, NULL, none);
        walk = run_back(run, gate, run_again(run, gate));
    }
    run_finish(run, walk);
}

static void delivery_exists(struct run *run, const struct store_result *result)
{
    run->phase = PHASE_WALKING;
    run_exit(run);
    if (run_delivery_find(run, run->path)->again)
        delivery_doubt_ends(run);
    delivery_end_step(run, run->path, result->body, true,
                      result->same
                          ? "exists already"
                          : "exists already; what changed since was not sent");
    run_advance(run);
}

static enum walk delivery_again(struct run *run, struct run_delivery *row);

/* The database is a copy: it may have been sent after the copy was made.  What
 * may be repeated without harm is sent; else it is asked about, by the next
 * claim, which reads since when it is in doubt. */
static void delivery_restored(struct run *run, struct run_delivery *row)
{
    run->phase = PHASE_WALKING;
    if (run->step->type->repeat == REPEAT_SAFE) {
        (void)delivery_again(run, row);
        return;
    }
    run_exit(run);
    run_finish(run,
               run_leave(run, RUN_READY, run->step->instance, 0, "in_doubt",
                         "the database was restored from a backup: the "
                         "other system is asked before anything is sent"));
}

/* The answer to the commit that carried an intent. */
static void delivery_committed(void *arg, int status,
                               const struct store_result *results,
                               size_t result_count)
{
    struct run *run = arg;
    struct run_world *world = run->world;
    struct run_delivery *row = run_delivery_find(run, run->path);
    const struct store_result *result;
    struct error err = {""};
    uint32_t ready_count = 0;

    if (status && seeded_bug("F10")) {
        row->state = DELIVERY_SENDING;
        if (!run_delivery_operate(run, OP_DELIVER, row, delivery_ended, &err))
            return;
    }
    if (status) {
        run_exit(run);
        world->left(world->arg, run, status, 0);
        return;
    }
    for (size_t index = 0; index < result_count; index++)
        ready_count += results[index].ready_count;
    world->ready(world->arg, ready_count);
    result = &results[result_count - 1];
    switch (result->decision) {
    case STORE_EXISTS:
        row->state = DELIVERY_DONE;
        delivery_exists(run, result);
        return;
    case STORE_APPLIED:
        row->state = DELIVERY_SENDING;
        row->doubt = true;
        row->intent_ms = run_now(run);
        status =
            run_delivery_operate(run, OP_DELIVER, row, delivery_ended, &err);
        if (status)
            delivery_not_begun(run, row, status, &err);
        return;
    case STORE_DOUBT:
        row->state = DELIVERY_IN_DOUBT;
        row->doubt = true;
        delivery_restored(run, row);
        return;
    case STORE_BEHIND: /* the store made it WAITING and took it back */
        run_exit(run);
        run->queue = NULL;
        world->left(world->arg, run, 0, 0);
        return;
    default: /* its rows are others than we hold: read them again */
        run_exit(run);
        world->left(world->arg, run, -ESTALE, 0);
        return;
    }
}

/* The text at a record type's pointer in the body; "" when there is none. */
static const char *body_text(const cJSON *body, const char *pointer)
{
    const char *text = pointer ? cn_json_text_at(body, pointer, "") : "";
    return text ? text : "";
}

enum walk run_delivery_check(struct run *run, const struct flow_step *step,
                             const char *path, const cJSON *body)
{
    const struct record_type *type = step->type;
    struct schema_fault fault;
    char reason[RUN_REASON_MAX];

    if (schema_check(type->schema, body, &fault)) {
        snprintf(reason, sizeof(reason), "step %s: %s (%s)", path,
                 fault.message, fault.rule);
        return run_park(run, path, "mapping", reason);
    }
    if (!*body_text(body, type->key_pointer)) {
        snprintf(
            reason, sizeof(reason),
            "step %s, field %s: is missing; a %s needs it to be told apart",
            path, type->key_pointer, type->name);
        return run_park(run, path, "mapping", reason);
    }
    return WALK_ON;
}

/* Make the delivery and its intent; the slot is taken. */
static enum walk delivery_begin(struct run *run, const struct flow_step *step,
                                const char *path, const cJSON *body)
{
    const struct record_type *type = step->type;
    const char *key = body_text(body, type->key_pointer);
    const char *order = body_text(body, type->order_pointer);
    const char *person = body_text(body, type->person_pointer);
    struct run_delivery *row = run_delivery_make(run, path);

    row->body = cn_json_print(body);
    row->body_len = strlen(row->body);
    struct store_delivery delivery = {
        .run = run->number,
        .path = path,
        .flow = run->definition->name,
        .instance = step->instance,
        .type = type->name,
        .change = CN_UPSERT,
        .adopt = type->existing == EXISTING_ADOPT,
        .skip_on_park = step->skip_on_park,
        .source_key = run_bytes(key, strlen(key)),
        .order_key = run_bytes(order, strlen(order)),
        .person = run_bytes(person, strlen(person)),
        .body = run_bytes(row->body, row->body_len),
    };
    store_batch_delivery(run_batch(run), &delivery);
    run_commit(run, delivery_committed);
    return WALK_WAIT;
}

/* A delivery that may be sent again: its intent anew. */
static enum walk delivery_again(struct run *run, struct run_delivery *row)
{
    cn_str none = {NULL, 0};

    if (row->state != DELIVERY_READY) {
        if (row->doubt && !row->again)
            delivery_doubt_ends(run);
        delivery_change(run, row, DELIVERY_READY, 0, NULL, none);
    }
    store_batch_intent(run_batch(run), run->number, row->path);
    run_commit(run, delivery_committed);
    return WALK_WAIT;
}

/* What is in doubt is sent again without asking. */
static enum walk delivery_repeat(struct run *run, struct run_delivery *row)
{
    const struct gate *gate = run->gate;

    if (!delivery_repeats(run, row, gate)) {
        run_exit(run);
        return delivery_give_up(run, row);
    }
    row->again = true;
    if (delivery_outage(run, gate) &&
        run_now(run) - gate->broken_at >= OUTAGE_ALERT_MS)
        delivery_alert_doubt(
            run, "It is not known whether a delivery took effect, because the "
                 "other system does not answer. It may be repeated without "
                 "harm, and is until it does.");
    return delivery_again(run, row);
}

static enum walk delivery_ask(struct run *run, struct run_delivery *row)
{
    struct error err = {""};
    struct gate *gate = run->gate;
    int status = run_delivery_operate(run, OP_PROBE, row, delivery_ended, &err);
    cn_str none = {NULL, 0};

    if (!status)
        return WALK_WAIT;
    /* Nobody can say; the flow's author prefers twice to never. */
    if (status == -ENOTSUP && run->step->accept_doubles)
        return delivery_repeat(run, row);
    run_exit(run);
    if (status == -ENOTSUP || status == -EINVAL) {
        delivery_alert_doubt(run, delivery_unknown);
        delivery_change(run, row, DELIVERY_PARKED, 0,
                        "it is not known whether it took effect, and this "
                        "plugin cannot find out: look in the other system",
                        none);
        return run_park(run, row->path, "in_doubt",
                        "it is not known whether it took effect, and this "
                        "plugin cannot find out: look in the other system");
    }
    run_rest(run, gate, 0, "the instance does not take work");
    return run_back(run, gate, run_again(run, gate));
}

static enum walk delivery_resume(struct run *run, struct run_delivery *row,
                                 const struct record_type *type)
{
    switch (row->state) {
    case DELIVERY_READY:
    case DELIVERY_HELD:
        return delivery_again(run, row);
    case DELIVERY_SENDING:
    case DELIVERY_IN_DOUBT:
        if (type->repeat == REPEAT_SAFE)
            return delivery_repeat(run, row);
        return delivery_ask(run, row);
    default:
        run_exit(run);
        return run_leave(run, RUN_PARKED, NULL, 0, "parked", NULL);
    }
}

enum walk run_delivery_body(struct walker *walker, const struct flow_step *step,
                            const char *path, cJSON **ret_made,
                            const cJSON **ret_body)
{
    struct run *run = walker->run;
    struct error err = {""};
    char field[512] = "", reason[RUN_REASON_MAX];

    if (step->mapping) {
        if (mapping_apply(step->mapping, walker->results, ret_made, field,
                          &err)) {
            snprintf(reason, sizeof(reason), "step %s, field %s: %s", path,
                     field, err.text);
            return run_park(run, path, "mapping", reason);
        }
        *ret_body = *ret_made;
        return WALK_ON;
    }
    *ret_body = cn_json_pointer(walker->results, step->body);
    if (*ret_body)
        return WALK_ON;
    snprintf(reason, sizeof(reason), "step %s: there is no value at %s", path,
             step->body);
    return run_park(run, path, "mapping", reason);
}

enum walk run_deliver(struct walker *walker, const struct flow_step *step,
                      const char *path)
{
    struct run *run = walker->run;
    struct run_delivery *row = run_delivery_find(run, path);
    const cJSON *body = NULL;
    cJSON *made = NULL;
    enum walk walk;

    /* Adopted when its turn came, and no more of the run was stored. */
    if (row && row->state == DELIVERY_DONE) {
        delivery_end_step(run, path,
                          run_bytes(row->reference, row->reference_len), true,
                          "exists already");
        return WALK_ON;
    }
    if (run->shadow)
        return run_shadow_deliver(walker, step, path);
    if (!row) {
        walk = run_delivery_body(walker, step, path, &made, &body);
        if (walk == WALK_ON)
            walk = run_delivery_check(run, step, path, body);
        if (walk != WALK_ON) {
            cJSON_Delete(made);
            return walk;
        }
    }
    walk = run_enter(run, step->instance);
    if (walk == WALK_ON) {
        snprintf(run->path, sizeof(run->path), "%s", path);
        run->step = step;
        walk = row ? delivery_resume(run, row, step->type)
                   : delivery_begin(run, step, path, body);
    }
    cJSON_Delete(made);
    return walk;
}
