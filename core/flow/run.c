/* run.c - walks one run through its flow.
 *
 * One idea: the walk is a pure function of the results that are stored, so a
 * crash at any point is answered by walking again.  What must hold:
 *   - bytes with effect leave only after the commit of the intent was answered
 *     APPLIED;
 *   - an operation that ended is recorded, together with what the run does
 *     next, in one transaction;
 *   - after every return of run_advance the run is in one phase and something
 *     will bring it on: a slot, an operation's end, a commit's answer.
 * Results of steps are references in one object, which is what paths of
 * conditions and mappings look at.  Called on the loop thread only. */
#include "flow/run.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "base/log.h"
#include "base/memory.h"

enum {
    MAP_ITEMS_MAX = 1000,  /* an order of more lines is no order */
    STEP_DEPTH_MAX = 16,   /* switch and map inside each other */
    REASON_MAX = 1024
};

/* How a walk, or a part of it, came out. */
enum walk {
    WALK_ON,    /* all steps have results */
    WALK_WAIT,  /* something is open; it will call run_advance */
    WALK_END,   /* a filter said that the rest does not concern this record */
    WALK_LEAVE  /* the run's new state is in the batch; commit and leave */
};

struct walker {
    struct run *run;
    cJSON *results; /* what paths see: references to results by name */
    unsigned depth;
};

static enum walk walk_steps(struct walker *walker,
                            const struct flow_steps *steps, const char *prefix,
                            const cJSON **ret_last);

/* ---- Rows in memory ------------------------------------------------------ */

/* A path of a step; definition.c limits names and depth so that it fits. */
PRINTF_LIKE(2, 3)
static void path_format(char path[STORE_PATH_MAX], const char *format, ...)
{
    va_list arguments;
    int len;

    va_start(arguments, format);
    len = vsnprintf(path, STORE_PATH_MAX, format, arguments);
    va_end(arguments);
    assert(len > 0 && len < STORE_PATH_MAX);
}

static struct store_bytes bytes_of(const char *ptr, size_t len)
{
    struct store_bytes bytes = {ptr, len};
    return bytes;
}

static struct store_batch *run_batch(struct run *run)
{
    if (!run->batch) {
        run->batch = store_batch_create();
        run->change_count = 0;
    }
    run->change_count++;
    return run->batch;
}

static struct run_step *step_row(struct run *run, const char *path)
{
    struct run_step *row;

    HASH_FIND_STR(run->steps, path, row);
    return row;
}

static struct run_step *step_make(struct run *run, const char *path)
{
    struct run_step *row = step_row(run, path);

    if (row)
        return row;
    row = memory_zero(1, sizeof(*row));
    row->path = memory_text(path);
    HASH_ADD_KEYPTR(hh, run->steps, row->path, strlen(row->path), row);
    return row;
}

static struct run_delivery *delivery_row(struct run *run, const char *path)
{
    struct run_delivery *row;

    HASH_FIND_STR(run->deliveries, path, row);
    return row;
}

static struct run_delivery *delivery_make(struct run *run, const char *path)
{
    struct run_delivery *row = memory_zero(1, sizeof(*row));

    row->path = memory_text(path);
    HASH_ADD_KEYPTR(hh, run->deliveries, row->path, strlen(row->path), row);
    return row;
}

static void step_store(struct run *run, const struct run_step *row,
                       const char *reason)
{
    char *text = row->result ? cn_json_print(row->result) : NULL;
    struct store_step step = {
        .run = run->number,
        .path = row->path,
        .state = row->state,
        .attempts = row->attempts,
        .result = bytes_of(text, text ? strlen(text) : 0),
        .reason = reason,
    };

    store_batch_step(run_batch(run), &step);
    free(text);
}

/* The step has its result; takes value. */
static struct run_step *step_end(struct run *run, const char *path,
                                 enum step_state state, cJSON *value,
                                 const char *reason)
{
    struct run_step *row = step_make(run, path);

    cJSON_Delete(row->result);
    row->result = value ? value : cJSON_CreateNull();
    row->state = state;
    step_store(run, row, reason);
    return row;
}

static cJSON *json_from(const char *ptr, size_t len)
{
    cn_str text = {ptr, len};
    cn_json_limits limits = {.flags = CN_JSON_ALLOW_CASE_TWINS};
    cJSON *value = NULL;

    if (!len || cn_json_read(text, &limits, &value, NULL))
        return cJSON_CreateNull();
    return value;
}

struct run *run_create(struct run_world *world, const struct store_work *work,
                       struct definition *definition)
{
    struct run *run = memory_zero(1, sizeof(*run));

    run->number = work->run;
    run->world = world;
    run->definition = definition_hold(definition);
    run->waiter.run = run;
    run->type = memory_text(work->type);
    run->origin = memory_text(work->origin);
    run->id = memory_copy(work->id.ptr, work->id.len);
    run->id_len = work->id.len;
    run->key = memory_copy(work->key.ptr, work->key.len);
    run->key_len = work->key.len;
    run->person = memory_copy(work->person.ptr, work->person.len);
    run->person_len = work->person.len;
    run->wall_ms = work->wall_ms;
    run->trigger = json_from(work->body.ptr, work->body.len);
    for (size_t index = 0; index < work->step_count; index++) {
        const struct store_step_row *from = &work->steps[index];
        struct run_step *row = step_make(run, from->path);
        row->state = from->state;
        row->attempts = from->attempts;
        if (from->state == STEP_DONE || from->state == STEP_SKIPPED)
            row->result = json_from(from->result.ptr, from->result.len);
    }
    for (size_t index = 0; index < work->delivery_count; index++) {
        const struct store_delivery_row *from = &work->deliveries[index];
        struct run_delivery *row = delivery_make(run, from->path);
        row->state = from->state;
        row->doubt = from->doubt;
        row->attempts = from->attempts;
        row->probes = from->probes;
        row->intent_ms = from->intent_ms;
        row->body = memory_copy(from->body.ptr, from->body.len);
        row->body_len = from->body.len;
    }
    return run;
}

void run_destroy(struct run *run)
{
    struct run_step *step, *next_step;
    struct run_delivery *delivery, *next_delivery;

    if (!run)
        return;
    HASH_ITER (hh, run->steps, step, next_step) {
        HASH_DEL(run->steps, step);
        cJSON_Delete(step->result);
        free(step->path);
        free(step);
    }
    HASH_ITER (hh, run->deliveries, delivery, next_delivery) {
        HASH_DEL(run->deliveries, delivery);
        free(delivery->body);
        free(delivery->path);
        free(delivery);
    }
    if (run->batch)
        store_batch_destroy(run->batch);
    cJSON_Delete(run->trigger);
    definition_release(run->definition);
    free(run->type);
    free(run->origin);
    free(run->id);
    free(run->key);
    free(run->person);
    free(run);
}

/* ---- Leaving memory ------------------------------------------------------ */

/* Put the run's new state into the batch; it leaves with the commit. */
static enum walk run_leave(struct run *run, enum run_state state,
                           const char *queue, int64_t due_ms, const char *code,
                           const char *reason)
{
    struct store_run_change change = {
        .run = run->number,
        .state = state,
        .queue = queue,
        .due_ms = due_ms,
        .reason = reason,
        .code = code,
    };

    store_batch_run(run_batch(run), &change);
    run->due_ms = due_ms;
    run->queue = state == RUN_READY || state == RUN_HELD ? queue : NULL;
    return WALK_LEAVE;
}

static enum walk run_back(struct run *run, const struct gate *gate,
                          int64_t due_ms)
{
    return run_leave(run, RUN_READY, gate ? gate->name : "", due_ms, NULL,
                     gate ? gate->reason : NULL);
}

/* A person must act: the step has failed for good. */
static enum walk run_park(struct run *run, const char *path, const char *code,
                          const char *reason)
{
    struct run_step *row = step_make(run, path);
    struct log_about about = {.run = run->number};

    row->state = STEP_FAILED;
    step_store(run, row, reason);
    log_write(LOG_WARN, &about, "parked at step %s (%s); see: connectctl show "
                                "%" PRIu64, path, code, run->number);
    return run_leave(run, RUN_PARKED, NULL, 0, code, reason);
}

static void run_left(void *arg, int status, const struct store_result *results,
                     size_t result_count)
{
    struct run *run = arg;
    uint32_t ready_count = run->ready_count;

    for (size_t index = 0; index < result_count; index++)
        ready_count += results[index].ready_count;
    run->world->left(run->world->arg, run, status, ready_count);
}

static void run_commit(struct run *run, store_committed_fn *fn)
{
    struct store_batch *batch = run->batch;

    run->phase = PHASE_COMMITTING;
    run->batch = NULL;
    if (!batch) {
        fn(run, 0, NULL, 0);
        return;
    }
    if (store_commit(run->world->store, batch, fn, run)) {
        store_batch_destroy(batch);
        run->world->left(run->world->arg, run, -EAGAIN, 0);
    }
}

static int64_t run_now(const struct run *run)
{
    return store_steady_ms(run->world->store);
}

static uint64_t run_random(const struct run *run)
{
    return run->world->ports.random(run->world->ports.arg);
}

/* ---- Gates and operations ------------------------------------------------ */

/* Reserve a slot at the instance's gate: WALK_ON when it is there. */
static enum walk run_enter(struct run *run, const char *instance)
{
    struct run_world *world = run->world;
    struct gate *gate = world->gate(world->arg, instance);
    int64_t now_ms = run_now(run);

    if (world->draining || gate->room == 0 || gate_rests(gate, now_ms))
        return run_back(run, gate, 0);
    if (!gate_admits(gate, now_ms)) {
        /* What has ended must not wait for a slot to be on disk. */
        if (run->batch)
            return run_back(run, gate, 0);
        gate_wait(gate, &run->waiter);
        run->gate = gate;
        run->phase = PHASE_WAITING;
        return WALK_WAIT;
    }
    gate_take(gate);
    run->gate = gate;
    return WALK_ON;
}

static void run_exit(struct run *run)
{
    struct gate *gate = run->gate;

    run->gate = NULL;
    gate_give(gate);
    run->world->gate_changed(run->world->arg, gate);
}

static void run_rest(struct run *run, struct gate *gate, uint64_t delay_ms,
                     const char *reason)
{
    int64_t until =
        gate_rest(gate, run_now(run), delay_ms, run_random(run), reason);
    struct log_about about = {.instance = gate->name};

    log_write(LOG_WARN, &about, "rests for %" PRId64 " ms: %s",
              until - run_now(run), reason);
    run->world->gate_changed(run->world->arg, gate);
}

/* What the outcome says about the instance, whatever it says of the record. */
static void run_judge_instance(struct run *run, struct gate *gate,
                               const struct op_outcome *outcome,
                               const struct retry_next *next)
{
    if (next->move == MOVE_REST) {
        const char *reason = "no answer from the other system";
        if (outcome->status == CN_RATE_LIMITED)
            reason = "the other system asks to slow down";
        else if (outcome->status == CN_AUTH)
            reason = "the other system refuses the credentials";
        run_rest(run, gate, next->delay_ms, reason);
    } else if (!outcome->answered && outcome->status != CN_OK &&
               outcome->status != CN_CANCELLED) {
        run_rest(run, gate, 0, "no answer from the other system");
    } else if (outcome->answered) {
        gate_answered(gate);
    }
}

static void run_alert_auth(struct run *run, const struct gate *gate)
{
    char cause[160];

    snprintf(cause, sizeof(cause), "auth:%s", gate->name);
    store_batch_alert(run_batch(run), cause,
                      "The other system refuses the credentials of this "
                      "instance. Renew them in its configuration, then reload.");
}

/* An operation of kind at run->path; its slot is taken. */
static int run_operate(struct run *run, struct op_request *request,
                       op_ended_fn *fn, struct error *err)
{
    struct run_world *world = run->world;
    int status;

    request->run = run->number;
    request->instance = run->gate->name;
    status = world->ports.op_start(world->ports.arg, request, fn, run, &run->op,
                                   err);
    if (!status)
        run->phase = PHASE_OPERATING;
    return status;
}

static void run_finish_walk(struct run *run, enum walk walk);

/* ---- Calls --------------------------------------------------------------- */

static enum walk call_ended_walk(struct run *run, struct gate *gate,
                                 const struct op_outcome *outcome)
{
    struct run_step *row = step_make(run, run->path);
    struct retry_case was = {
        .outcome = outcome,
        .attempts = row->attempts,
        .random = run_random(run),
    };
    struct retry_next next = retry_decide(&run->world->limits, &was);
    int64_t now_ms = run_now(run);

    run_judge_instance(run, gate, outcome, &next);
    row->attempts = next.attempts;
    if (next.alert)
        run_alert_auth(run, gate);
    switch (next.move) {
    case MOVE_DONE:
        step_end(run, run->path, STEP_DONE,
                 json_from(outcome->body.ptr, outcome->body.len), NULL);
        return WALK_ON;
    case MOVE_REST:
        return run_back(run, gate, gate->rest_until);
    case MOVE_HOLD:
        step_store(run, row, outcome->message);
        return run_leave(run, RUN_HELD, gate->name,
                         now_ms + (int64_t)next.delay_ms, "held",
                         outcome->message);
    case MOVE_PARK:
        return run_park(run, run->path, op_status_text(outcome->status),
                        outcome->message);
    default:
        step_store(run, row, outcome->message);
        return run_leave(run, RUN_READY, gate->name,
                         now_ms + (int64_t)next.delay_ms, "retry",
                         outcome->message);
    }
}

static void call_ended(void *arg, uint64_t op, const struct op_outcome *outcome)
{
    struct run *run = arg;
    struct gate *gate = run->gate;
    enum walk walk;

    (void)op;
    run->phase = PHASE_WALKING;
    run_exit(run);
    walk = call_ended_walk(run, gate, outcome);
    if (walk == WALK_ON)
        run_advance(run);
    else
        run_finish_walk(run, walk);
}

static enum walk walk_call(struct walker *walker, const struct flow_step *step,
                           const char *path)
{
    struct run *run = walker->run;
    struct op_request request = {.kind = OP_CALL, .action = step->action};
    struct error err = {""};
    char field[512] = "", id[STORE_PATH_MAX + 32], reason[REASON_MAX];
    cJSON *arguments = NULL;
    char *text = NULL;
    enum walk walk;
    int status;

    if (step->mapping &&
        mapping_apply(step->mapping, walker->results, &arguments, field, &err)) {
        snprintf(reason, sizeof(reason), "step %s, field %s: %s", path, field,
                 err.text);
        return run_park(run, path, "mapping", reason);
    }
    walk = run_enter(run, step->instance);
    if (walk != WALK_ON) {
        cJSON_Delete(arguments);
        return walk;
    }
    text = arguments ? cn_json_print(arguments) : memory_text("{}");
    snprintf(id, sizeof(id), "%" PRIu64 ".%s", run->number, path);
    request.call_id = (cn_str){id, strlen(id)};
    request.body = (cn_str){text, strlen(text)};
    snprintf(run->path, sizeof(run->path), "%s", path);
    run->step = step;
    status = run_operate(run, &request, call_ended, &err);
    if (!status) {
        walk = WALK_WAIT;
    } else {
        struct gate *gate = run->gate;
        run_exit(run);
        if (status == -EINVAL || status == -ENOTSUP) {
            walk = run_park(run, path, "call", err.text);
        } else {
            run_rest(run, gate, 0, "the instance does not take work");
            walk = run_back(run, gate, gate->rest_until);
        }
    }
    free(text);
    cJSON_Delete(arguments);
    return walk;
}

/* ---- Deliveries ---------------------------------------------------------- */

static void delivery_change(struct run *run, struct run_delivery *row,
                            enum delivery_state state, int64_t due_ms,
                            const char *reason, cn_str reference)
{
    struct store_delivery_change change = {
        .run = run->number,
        .path = row->path,
        .state = state,
        .doubt = state == DELIVERY_PARKED && row->doubt,
        .attempts = row->attempts,
        .probes = row->probes,
        .due_ms = due_ms,
        .reason = reason && *reason ? reason : NULL,
        .reference = bytes_of(reference.ptr, reference.len),
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

    cn_json_put(result, "reference", json_from(reference.ptr, reference.len));
    cn_json_put(result, "adopted", cJSON_CreateBool(adopted));
    step_end(run, path, STEP_DONE, result, reason);
}

static enum walk delivery_in_doubt(struct run *run, struct run_delivery *row,
                                   const struct gate *gate, uint64_t delay_ms,
                                   const char *message)
{
    int64_t due_ms = run_now(run) + (int64_t)delay_ms;
    cn_str none = {NULL, 0};

    row->doubt = true;
    delivery_change(run, row, DELIVERY_IN_DOUBT, due_ms, message, none);
    return run_leave(run, RUN_READY, gate->name, due_ms, "in_doubt", message);
}

static void delivery_alert(struct run *run, const struct gate *gate,
                           const struct retry_next *next)
{
    char cause[160];

    if (!next->alert)
        return;
    if (next->move == MOVE_REST) {
        run_alert_auth(run, gate);
        return;
    }
    snprintf(cause, sizeof(cause), "doubt:%" PRIu64, run->number);
    store_batch_alert(run_batch(run), cause,
                      "It is not known whether a delivery took effect, and the "
                      "other system does not answer the question. It is asked "
                      "again; nothing is sent twice.");
}

/* Turn the next move into changes; WALK_ON: the run goes on in this batch. */
static enum walk delivery_move(struct run *run, struct run_delivery *row,
                               struct gate *gate,
                               const struct op_outcome *outcome,
                               const struct retry_next *next)
{
    bool probed = outcome->kind == OP_PROBE;
    const char *message = outcome->message ? outcome->message : "";
    int64_t due_ms = run_now(run) + (int64_t)next->delay_ms;
    cn_str none = {NULL, 0};

    row->attempts = next->attempts;
    row->probes = next->probes;
    if (next->move != MOVE_PROBE) /* a definite answer */
        row->doubt = false;
    delivery_alert(run, gate, next);
    switch (next->move) {
    case MOVE_DONE:
        delivery_change(run, row, DELIVERY_DONE, 0, NULL, outcome->body);
        delivery_end_step(run, row->path,
                          bytes_of(outcome->body.ptr, outcome->body.len),
                          probed, probed ? "found by asking" : NULL);
        return WALK_ON;
    case MOVE_SEND:
        delivery_change(run, row, DELIVERY_READY, 0, NULL, none);
        return WALK_ON;
    case MOVE_PROBE:
        return delivery_in_doubt(run, row, gate, next->delay_ms, message);
    case MOVE_AGAIN:
        delivery_change(run, row, DELIVERY_READY, due_ms, message, none);
        return run_leave(run, RUN_READY, gate->name, due_ms, "retry", message);
    case MOVE_REST:
        delivery_change(run, row, DELIVERY_READY, 0, message, none);
        return run_back(run, gate, gate->rest_until);
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
    struct run_delivery *row = delivery_row(run, run->path);
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
    run_exit(run);
    run_judge_instance(run, gate, outcome, &next);
    walk = delivery_move(run, row, gate, outcome, &next);
    if (walk == WALK_ON)
        run_advance(run);
    else
        run_finish_walk(run, walk);
}

static int delivery_operate(struct run *run, enum op_kind kind,
                            const struct run_delivery *row, struct error *err)
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
    return run_operate(run, &request, delivery_ended, err);
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
    if (status == -EINVAL || status == -ENOTSUP) {
        row->doubt = false;
        delivery_change(run, row, DELIVERY_PARKED, 0, err->text, none);
        walk = run_park(run, row->path, "delivery", err->text);
    } else {
        run_rest(run, gate, 0, "the instance does not take work");
        delivery_change(run, row, DELIVERY_READY, 0, NULL, none);
        walk = run_back(run, gate, gate->rest_until);
    }
    run_finish_walk(run, walk);
}

static void delivery_exists(struct run *run, const struct store_result *result)
{
    run->phase = PHASE_WALKING;
    run_exit(run);
    delivery_end_step(run, run->path, result->body, true,
                      result->same
                          ? "exists already"
                          : "exists already; what changed since was not sent");
    run_advance(run);
}

/* The answer to the commit that carried an intent. */
static void delivery_committed(void *arg, int status,
                               const struct store_result *results,
                               size_t result_count)
{
    struct run *run = arg;
    struct run_world *world = run->world;
    struct run_delivery *row = delivery_row(run, run->path);
    const struct store_result *result;
    struct error err = {""};

    if (status) {
        run_exit(run);
        world->left(world->arg, run, status, 0);
        return;
    }
    for (size_t index = 0; index < result_count; index++)
        run->ready_count += results[index].ready_count;
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
        status = delivery_operate(run, OP_DELIVER, row, &err);
        if (status)
            delivery_not_begun(run, row, status, &err);
        return;
    default: /* BEHIND: the store made it WAITING and took it back */
        run_exit(run);
        run->queue = NULL;
        world->left(world->arg, run, 0, run->ready_count);
        return;
    }
}

/* The text at a record type's pointer in the body; "" when there is none. */
static const char *body_text(const cJSON *body, const char *pointer)
{
    const char *text = pointer ? cn_json_text_at(body, pointer, "") : "";
    return text ? text : "";
}

static enum walk delivery_check(struct run *run, const struct flow_step *step,
                                const char *path, const cJSON *body)
{
    const struct record_type *type = step->type;
    struct schema_fault fault;
    char reason[REASON_MAX];

    if (schema_check(type->schema, body, &fault)) {
        snprintf(reason, sizeof(reason), "step %s: %s (%s)", path,
                 fault.message, fault.rule);
        return run_park(run, path, "mapping", reason);
    }
    if (!*body_text(body, type->key_pointer)) {
        snprintf(reason, sizeof(reason),
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
    struct run_delivery *row = delivery_make(run, path);

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
        .source_key = bytes_of(key, strlen(key)),
        .order_key = bytes_of(order, strlen(order)),
        .person = bytes_of(person, strlen(person)),
        .body = bytes_of(row->body, row->body_len),
    };
    store_batch_delivery(run_batch(run), &delivery);
    run_commit(run, delivery_committed);
    return WALK_WAIT;
}

/* A delivery that may be sent again: its intent anew. */
static enum walk delivery_again(struct run *run, struct run_delivery *row)
{
    cn_str none = {NULL, 0};

    if (row->state != DELIVERY_READY)
        delivery_change(run, row, DELIVERY_READY, 0, NULL, none);
    store_batch_intent(run_batch(run), run->number, row->path);
    run_commit(run, delivery_committed);
    return WALK_WAIT;
}

static enum walk delivery_ask(struct run *run, struct run_delivery *row)
{
    struct error err = {""};
    struct gate *gate = run->gate;
    int status = delivery_operate(run, OP_PROBE, row, &err);
    cn_str none = {NULL, 0};

    if (!status)
        return WALK_WAIT;
    run_exit(run);
    if (status == -ENOTSUP || status == -EINVAL) {
        delivery_change(run, row, DELIVERY_PARKED, 0,
                        "it is not known whether it took effect, and this "
                        "plugin cannot find out: look in the other system",
                        none);
        return run_park(run, row->path, "in_doubt",
                        "it is not known whether it took effect, and this "
                        "plugin cannot find out: look in the other system");
    }
    run_rest(run, gate, 0, "the instance does not take work");
    return run_back(run, gate, gate->rest_until);
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
            return delivery_again(run, row);
        return delivery_ask(run, row);
    default:
        run_exit(run);
        return run_leave(run, RUN_PARKED, NULL, 0, "parked", NULL);
    }
}

/* The body as the flow says: a mapping, or a path to an earlier result. */
static enum walk delivery_body(struct walker *walker,
                               const struct flow_step *step, const char *path,
                               cJSON **ret_made, const cJSON **ret_body)
{
    struct run *run = walker->run;
    struct error err = {""};
    char field[512] = "", reason[REASON_MAX];

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

static enum walk walk_deliver(struct walker *walker,
                              const struct flow_step *step, const char *path)
{
    struct run *run = walker->run;
    struct run_delivery *row = delivery_row(run, path);
    const cJSON *body = NULL;
    cJSON *made = NULL;
    enum walk walk;

    if (!row) {
        walk = delivery_body(walker, step, path, &made, &body);
        if (walk == WALK_ON)
            walk = delivery_check(run, step, path, body);
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

/* ---- Steps without the outside ------------------------------------------- */

static void jq_ended(void *arg, int status, const char *text, size_t len)
{
    struct run *run = arg;
    struct run_step *row = step_make(run, run->path);
    char reason[REASON_MAX];
    enum walk walk = WALK_ON;

    run->phase = PHASE_WALKING;
    if (!status) {
        step_end(run, run->path, STEP_DONE, json_from(text, len), NULL);
        run_advance(run);
        return;
    }
    snprintf(reason, sizeof(reason), "step %s: %.*s (jq)", run->path,
             (int)(len < 800 ? len : 800), text);
    row->attempts++;
    if (status == -EINVAL || row->attempts >= run->world->limits.attempts_max) {
        walk = run_park(run, run->path, "mapping", reason);
    } else {
        uint64_t delay_ms = retry_delay(run->world->limits.delay_first_ms,
                                        run->world->limits.delay_max_ms,
                                        row->attempts, run_random(run));
        step_store(run, row, reason);
        walk = run_leave(run, RUN_READY, "", run_now(run) + (int64_t)delay_ms,
                         "retry", reason);
    }
    run_finish_walk(run, walk);
}

static enum walk walk_jq(struct walker *walker, const struct flow_step *step,
                         const char *path)
{
    struct run *run = walker->run;
    struct run_world *world = run->world;
    cJSON *input = cn_json_stringify_numbers(walker->results);
    char *text = cn_json_print(input);
    int status;

    snprintf(run->path, sizeof(run->path), "%s", path);
    run->step = step;
    status = world->ports.jq_start(world->ports.arg, step->jq, text,
                                   strlen(text), jq_ended, run);
    free(text);
    cJSON_Delete(input);
    if (!status) {
        run->phase = PHASE_OPERATING;
        return WALK_WAIT;
    }
    return run_leave(run, RUN_READY, "",
                     run_now(run) + (int64_t)world->limits.delay_first_ms,
                     "busy", "too many jq programs wait");
}

static enum walk walk_transform(struct walker *walker,
                                const struct flow_step *step, const char *path)
{
    struct run *run = walker->run;
    struct error err = {""};
    char field[512] = "", reason[REASON_MAX];
    cJSON *value = NULL;

    if (step->jq)
        return walk_jq(walker, step, path);
    if (mapping_apply(step->mapping, walker->results, &value, field, &err)) {
        snprintf(reason, sizeof(reason), "step %s, field %s: %s", path, field,
                 err.text);
        return run_park(run, path, "mapping", reason);
    }
    step_end(run, path, STEP_DONE, value, NULL);
    return WALK_ON;
}

/* A transform's value is checked against the type it says it makes. */
static enum walk check_transformed(struct run *run,
                                   const struct flow_step *step,
                                   const char *path, cJSON *value)
{
    struct schema_fault fault;
    char reason[REASON_MAX];

    if (!step->type)
        return WALK_ON;
    schema_fill(step->type->schema, value);
    if (!schema_check(step->type->schema, value, &fault))
        return WALK_ON;
    snprintf(reason, sizeof(reason), "step %s: %s (%s)", path, fault.message,
             fault.rule);
    return run_park(run, path, "mapping", reason);
}

static enum walk walk_filter(struct walker *walker,
                             const struct flow_step *step, const char *path)
{
    struct run *run = walker->run;
    struct error err = {""};
    int met = condition_met(step->when, walker->results, &err);

    if (met < 0)
        return run_park(run, path, "condition", err.text);
    step_end(run, path, met ? STEP_DONE : STEP_SKIPPED, cJSON_CreateBool(met),
             met ? NULL : "the condition is not met");
    return met ? WALK_ON : WALK_END;
}

static enum walk walk_switch(struct walker *walker,
                             const struct flow_step *step, const char *path)
{
    struct run *run = walker->run;
    struct error err = {""};
    size_t chosen = 0;

    for (; chosen < step->case_count; chosen++) {
        int met = step->cases[chosen].when
                      ? condition_met(step->cases[chosen].when,
                                      walker->results, &err)
                      : 1;
        if (met < 0)
            return run_park(run, path, "condition", err.text);
        if (met)
            break;
    }
    step_end(run, path, STEP_DONE,
             cn_json_integer(chosen < step->case_count ? (int64_t)chosen + 1
                                                       : 0),
             NULL);
    return WALK_ON;
}

static void results_set(cJSON *results, const char *name, const cJSON *value)
{
    cJSON *item = (cJSON *)(uintptr_t)value; /* a reference, never changed */

    cJSON_DeleteItemFromObjectCaseSensitive(results, name);
    if (item)
        cJSON_AddItemReferenceToObject(results, name, item);
}

static enum walk walk_map(struct walker *walker, const struct flow_step *step,
                          const char *path)
{
    struct run *run = walker->run;
    const cJSON *list = cn_json_pointer(walker->results, step->over);
    cJSON *collected = cJSON_CreateArray();
    char prefix[STORE_PATH_MAX], reason[REASON_MAX];
    int count = list && !cJSON_IsNull(list) ? cJSON_GetArraySize(list) : 0;
    enum walk walk = WALK_ON;

    if ((list && !cJSON_IsNull(list) && !cJSON_IsArray(list)) ||
        count > MAP_ITEMS_MAX) {
        snprintf(reason, sizeof(reason), "step %s: %s must be a list of at "
                 "most %d elements", path, step->over, MAP_ITEMS_MAX);
        walk = run_park(run, path, "mapping", reason);
    }
    for (int index = 0; walk == WALK_ON && index < count; index++) {
        const cJSON *last = NULL;
        results_set(walker->results, step->as, cJSON_GetArrayItem(list, index));
        path_format(prefix, "%s[%d].", path, index);
        walk = walk_steps(walker, &step->steps, prefix, &last);
        if (walk == WALK_END) /* a filter inside skips this element only */
            walk = WALK_ON;
        else if (walk == WALK_ON)
            cJSON_AddItemToArray(collected, last ? cJSON_Duplicate(last, 1)
                                                 : cJSON_CreateNull());
    }
    results_set(walker->results, step->as, NULL);
    if (walk == WALK_ON)
        step_end(run, path, STEP_DONE, collected, NULL);
    else
        cJSON_Delete(collected);
    return walk;
}

/* ---- The walk ------------------------------------------------------------ */

static enum walk walk_work(struct walker *walker, const struct flow_step *step,
                           const char *path)
{
    switch (step->kind) {
    case STEP_CALL:
        return walk_call(walker, step, path);
    case STEP_FILTER:
        return walk_filter(walker, step, path);
    case STEP_SWITCH:
        return walk_switch(walker, step, path);
    case STEP_TRANSFORM:
        return walk_transform(walker, step, path);
    case STEP_MAP:
        return walk_map(walker, step, path);
    case STEP_DELIVER:
        return walk_deliver(walker, step, path);
    }
    return WALK_ON;
}

/* What follows a step that has its result: the steps of the chosen case, the
 * check of what a transform made. */
static enum walk walk_after(struct walker *walker, const struct flow_step *step,
                            const char *path, struct run_step *row,
                            const cJSON **ret_last)
{
    char prefix[STORE_PATH_MAX];
    int64_t chosen = 0;

    if (step->kind == STEP_TRANSFORM && row->state == STEP_DONE)
        return check_transformed(walker->run, step, path, row->result);
    if (step->kind != STEP_SWITCH || cn_json_int64(row->result, &chosen) ||
        chosen < 1 || (size_t)chosen > step->case_count)
        return WALK_ON;
    path_format(prefix, "%s.", path);
    return walk_steps(walker, &step->cases[chosen - 1].steps, prefix, ret_last);
}

static enum walk walk_step(struct walker *walker, const struct flow_step *step,
                           const char *prefix, const cJSON **ret_last)
{
    struct run *run = walker->run;
    char path[STORE_PATH_MAX];
    struct run_step *row;
    enum walk walk = WALK_ON;

    path_format(path, "%s%s", prefix, step->name);
    row = step_row(run, path);
    if (!row || (row->state != STEP_DONE && row->state != STEP_SKIPPED)) {
        walk = walk_work(walker, step, path);
        if (walk != WALK_ON)
            return walk;
        row = step_row(run, path);
    }
    if (row->state == STEP_SKIPPED)
        return WALK_END;
    results_set(walker->results, step->name, row->result);
    *ret_last = row->result;
    return walk_after(walker, step, path, row, ret_last);
}

static enum walk walk_steps(struct walker *walker,
                            const struct flow_steps *steps, const char *prefix,
                            const cJSON **ret_last)
{
    enum walk walk = WALK_ON;

    walker->depth++;
    assert(walker->depth <= STEP_DEPTH_MAX);
    for (size_t index = 0; walk == WALK_ON && index < steps->count; index++)
        walk = walk_step(walker, &steps->steps[index], prefix, ret_last);
    walker->depth--;
    return walk;
}

static cJSON *run_results(const struct run *run)
{
    cJSON *results = cJSON_CreateObject();
    cJSON *record = cJSON_CreateObject();
    cn_str id = {run->id, run->id_len}, key = {run->key, run->key_len};

    cJSON_AddItemReferenceToObject(results, "trigger", run->trigger);
    cn_json_put_text(record, "type", run->type);
    cn_json_put_text(record, "origin", run->origin);
    cn_json_put_str(record, "id", id);
    cn_json_put_str(record, "key", key);
    cn_json_put(record, "time_ms", cn_json_integer(run->wall_ms));
    cn_json_put(record, "run", cn_json_integer((int64_t)run->number));
    cn_json_put(results, "record", record);
    return results;
}

static void run_finish_walk(struct run *run, enum walk walk)
{
    switch (walk) {
    case WALK_WAIT:
        return;
    case WALK_ON:
        run_leave(run, RUN_DONE, NULL, 0, NULL, NULL);
        break;
    case WALK_END:
        run_leave(run, RUN_DONE, NULL, 0, "filtered",
                  "a condition of the flow was not met: nothing to do");
        break;
    case WALK_LEAVE:
        break;
    }
    run_commit(run, run_left);
}

void run_advance(struct run *run)
{
    struct walker walker = {.run = run, .results = run_results(run)};
    const cJSON *last = NULL;
    enum walk walk;

    run->phase = PHASE_WALKING;
    walk = walk_steps(&walker, &run->definition->steps, "", &last);
    cJSON_Delete(walker.results);
    run_finish_walk(run, walk);
}
