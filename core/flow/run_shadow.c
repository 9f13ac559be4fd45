/* run_shadow.c - a run that only shows what it would do.
 *
 * One idea: the walk is the same code; a shadow differs at four places only:
 * its batch is dropped, leaving memory is noted, a slot is taken behind all
 * real work, and a delivery is checked and asked about instead of sent.
 *
 * What must hold: no change of a shadow reaches the store, and it begins no
 * operation but calls and probes, which ask.  What a plugin itself renews while
 * it is asked (connect.state/1) is the instance's and kept, or a renewed
 * credential would be lost.  Called on the loop thread. */
#include "flow/run_shadow.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "base/memory.h"
#include "flow/run_delivery.h"
#include "flow/run_gate.h"

enum {
    SHADOW_WAIT_MS = 30000 /* for a slot: someone looks at a screen */
};

struct store_batch *run_shadow_batch(struct run *run)
{
    struct run_shadow *shadow = run->shadow;

    if (shadow->scratch)
        store_batch_destroy(shadow->scratch);
    shadow->scratch = store_batch_create();
    return shadow->scratch;
}

void run_shadow_free(struct run_shadow *shadow)
{
    if (shadow->scratch)
        store_batch_destroy(shadow->scratch);
    cJSON_Delete(shadow->deliveries);
}

enum walk run_shadow_leave(struct run *run, enum run_state state,
                           const char *code, const char *reason)
{
    struct run_shadow *shadow = run->shadow;

    shadow->state = state;
    snprintf(shadow->code, sizeof(shadow->code), "%s", code ? code : "");
    snprintf(shadow->reason, sizeof(shadow->reason), "%s",
             reason ? reason : "");
    return WALK_LEAVE;
}

/* ---- A slot ---------------------------------------------------------------
 */

/* Why it cannot get in, now or for a while; NULL: it can, or waits. */
static const char *shadow_refused(const struct run *run,
                                  const struct gate *gate, int64_t now_ms)
{
    const struct run_shadow *shadow = run->shadow;

    if (run->world->draining)
        return "connectd stops";
    if (now_ms >= shadow->until_ms)
        return "it takes too long";
    if (!gate->room)
        return "the instance does not run";
    if (gate_rests(gate, now_ms))
        return gate->reason ? gate->reason : "the instance rests";
    if (shadow->waits == gate && now_ms >= shadow->waits_until_ms)
        return "the instance is busy with real work";
    return NULL;
}

static bool shadow_admitted(const struct gate *gate, int64_t now_ms)
{
    return !gate->line.count && gate_admits(gate, now_ms);
}

bool run_shadow_wakes(const struct run *run, int64_t now_ms)
{
    const struct gate *gate = run->shadow->waits;

    return gate &&
           (shadow_refused(run, gate, now_ms) || shadow_admitted(gate, now_ms));
}

enum walk run_shadow_enter(struct run *run, struct gate *gate)
{
    struct run_shadow *shadow = run->shadow;
    int64_t now_ms = run_now(run);
    const char *reason = shadow_refused(run, gate, now_ms);

    if (reason) {
        shadow->waits = NULL;
        return run_shadow_leave(run, RUN_READY, "instance", reason);
    }
    if (!shadow_admitted(gate, now_ms)) {
        if (shadow->waits != gate)
            shadow->waits_until_ms = now_ms + SHADOW_WAIT_MS;
        shadow->waits = gate;
        run->phase = PHASE_WAITING;
        return WALK_WAIT;
    }
    shadow->waits = NULL;
    gate_take(gate, 0, now_ms);
    run->gate = gate;
    return WALK_ON;
}

/* ---- Deliveries ------------------------------------------------------------
 */

static cJSON *shadow_entry(const struct run *run, const char *path)
{
    CN_JSON_EACH(entry, run->shadow->deliveries)
    {
        if (!strcmp(cn_json_text_at(entry, "/path", ""), path))
            return entry;
    }
    return NULL;
}

/* body is taken; reason NULL: it is right. */
static cJSON *shadow_entry_make(struct run *run, const struct flow_step *step,
                                const char *path, cJSON *body,
                                const char *reason)
{
    cJSON *entry = cJSON_CreateObject();

    cn_json_put_text(entry, "path", path);
    cn_json_put_text(entry, "instance", step->instance);
    cn_json_put_text(entry, "type", step->type->name);
    cn_json_put(entry, "body", body ? body : cJSON_CreateNull());
    cn_json_put(entry, "valid", cJSON_CreateBool(!reason));
    if (reason)
        cn_json_put_text(entry, "reason", reason);
    cn_json_append(run->shadow->deliveries, entry);
    return entry;
}

/* Where it would go, if it were sent: the walk goes on with what is known. */
static void shadow_delivered(struct run *run, const char *probe,
                             cn_str reference, const char *message)
{
    struct run_shadow *shadow = run->shadow;
    cJSON *entry = shadow_entry(run, run->path), *result;
    bool found = !strcmp(probe, "found");

    cn_json_put_text(entry, "probe", probe);
    if (found)
        cn_json_put(entry, "reference", run_json(reference.ptr, reference.len));
    else if (!shadow->unknown[0])
        snprintf(shadow->unknown, sizeof(shadow->unknown), "%s", run->path);
    if (message && *message)
        cn_json_put_text(entry, "message", message);
    result = cJSON_CreateObject();
    cn_json_put(result, "reference",
                found ? run_json(reference.ptr, reference.len)
                      : cJSON_CreateNull());
    cn_json_put(result, "adopted", cJSON_CreateBool(found));
    run_step_end(run, run->path, STEP_DONE, result, NULL);
}

static void shadow_probe_ended(void *arg, uint64_t op,
                               const struct op_outcome *outcome)
{
    struct run *run = arg;
    struct retry_next next = {.move = MOVE_PROBE};
    const char *probe = "unknown";

    (void)op;
    run->phase = PHASE_WALKING;
    run_judge_instance(run, run->gate, outcome, &next);
    run_keep_values(run, run->gate, outcome);
    run_exit(run);
    if (outcome->status == CN_OK)
        probe = "found";
    else if (outcome->status == CN_ABSENT)
        probe = "absent";
    else if (outcome->status == CN_UNSUPPORTED)
        probe = "unsupported";
    shadow_delivered(run, probe, outcome->body, outcome->message);
    run_advance(run);
}

/* The body is right: is it there already? */
static enum walk shadow_ask(struct run *run, const struct flow_step *step,
                            const char *path, struct run_delivery *row)
{
    struct error err = {""};
    cn_str none = {NULL, 0};
    enum walk walk;
    int status;

    snprintf(run->path, sizeof(run->path), "%s", path);
    run->step = step;
    walk = run_enter(run, step->instance);
    if (walk == WALK_WAIT)
        return walk;
    if (walk != WALK_ON) {
        shadow_delivered(run, "skipped", none, run->shadow->reason);
        return WALK_ON;
    }
    status = run_delivery_operate(run, OP_PROBE, row, shadow_probe_ended, &err);
    if (!status)
        return WALK_WAIT;
    run_exit(run);
    shadow_delivered(run, status == -ENOTSUP ? "unsupported" : "skipped", none,
                     status == -ENOTSUP ? NULL
                                        : "the instance does not take work");
    return WALK_ON;
}

enum walk run_shadow_deliver(struct walker *walker,
                             const struct flow_step *step, const char *path)
{
    struct run *run = walker->run;
    struct run_delivery *row = run_delivery_find(run, path);
    const cJSON *body = NULL;
    cJSON *made = NULL;
    enum walk walk = WALK_ON;

    if (shadow_entry(run, path)) /* it waited for a slot */
        return shadow_ask(run, step, path, row);
    if (row)
        body = made = run_json(row->body, row->body_len);
    else
        walk = run_delivery_body(walker, step, path, &made, &body);
    if (walk == WALK_ON)
        walk = run_delivery_check(run, step, path, body);
    if (walk == WALK_ON || !run->shadow->unknown[0])
        shadow_entry_make(run, step, path,
                          body ? cJSON_Duplicate(body, 1) : NULL,
                          walk == WALK_ON ? NULL : run->shadow->reason);
    if (walk == WALK_ON && !row) {
        row = run_delivery_make(run, path);
        row->body = cn_json_print(body);
        row->body_len = strlen(row->body);
    }
    cJSON_Delete(made);
    return walk == WALK_ON ? shadow_ask(run, step, path, row) : walk;
}

/* ---- What it found ---------------------------------------------------------
 */

static const char *shadow_ended(const struct run *run)
{
    const struct run_shadow *shadow = run->shadow;

    if (shadow->state == RUN_DONE)
        return shadow->code[0] ? "filtered" : "done";
    /* What the other system would have answered could have made it fit. */
    if (shadow->state != RUN_PARKED || shadow->unknown[0])
        return "unknown";
    return "parked";
}

static const char *shadow_path(const struct run *run)
{
    const struct run_shadow *shadow = run->shadow;
    const struct run_step *step, *next, *skipped = NULL;

    if (shadow->state == RUN_PARKED)
        return shadow->path;
    if (shadow->state != RUN_DONE)
        return run->path;
    HASH_ITER(hh, run->steps, step, next)
    {
        if (step->state == STEP_SKIPPED)
            skipped = step;
    }
    return shadow->code[0] && skipped ? skipped->path : "";
}

static cJSON *shadow_steps(const struct run *run)
{
    static const char *const states[] = {"open", "done", "skipped", "failed"};
    const struct run_step *step, *next;
    cJSON *steps = cJSON_CreateArray();

    HASH_ITER(hh, run->steps, step, next)
    {
        cJSON *item = cJSON_CreateObject();
        cn_json_put_text(item, "path", step->path);
        cn_json_put_text(item, "state", states[step->state]);
        cn_json_put(item, "result",
                    step->result ? cJSON_Duplicate(step->result, 1)
                                 : cJSON_CreateNull());
        cn_json_append(steps, item);
    }
    return steps;
}

cJSON *run_shadow_result(const struct run *run)
{
    const struct run_shadow *shadow = run->shadow;
    cJSON *result = cJSON_CreateObject();
    const char *ended = shadow_ended(run);
    char reason[RUN_REASON_MAX + STORE_PATH_MAX + 200];

    snprintf(reason, sizeof(reason), "%s", shadow->reason);
    if (shadow->state == RUN_PARKED && shadow->unknown[0])
        snprintf(reason, sizeof(reason),
                 "%s; what follows step %s may depend on what the other system "
                 "calls what was delivered there",
                 shadow->reason, shadow->unknown);
    cn_json_put(result, "run", cn_json_integer((int64_t)run->number));
    cn_json_put_text(result, "flow", run->definition->name);
    cn_json_put_text(result, "flow_version", run->definition->version);
    cn_json_put_text(result, "ended", ended);
    cn_json_put_text(result, "path", shadow_path(run));
    cn_json_put_text(result, "reason", reason);
    cn_json_put(result, "steps", shadow_steps(run));
    cn_json_put(result, "deliveries", cJSON_Duplicate(shadow->deliveries, 1));
    return result;
}
