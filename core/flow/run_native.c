/* run_native.c - steps that need nobody outside: filter, switch, transform.
 *
 * A jq program is the one of them that waits, for its helper process.  Called
 * on the loop thread. */
#include "flow/run_native.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "flow/run_state.h"

static void jq_ended(void *arg, int status, const char *text, size_t len)
{
    struct run *run = arg;
    struct run_step *row = run_step_make(run, run->path);
    char reason[RUN_REASON_MAX];
    enum walk walk = WALK_ON;

    run->phase = PHASE_WALKING;
    if (!status) {
        run_step_end(run, run->path, STEP_DONE, run_json(text, len), NULL);
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
        run_step_store(run, row, reason);
        walk = run_leave(run, RUN_READY, "", run_now(run) + (int64_t)delay_ms,
                         "retry", reason);
    }
    run_finish(run, walk);
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

enum walk run_transform(struct walker *walker, const struct flow_step *step,
                        const char *path)
{
    struct run *run = walker->run;
    struct error err = {""};
    char field[512] = "", reason[RUN_REASON_MAX];
    cJSON *value = NULL;

    if (step->jq)
        return walk_jq(walker, step, path);
    if (mapping_apply(step->mapping, walker->results, &value, field, &err)) {
        snprintf(reason, sizeof(reason), "step %s, field %s: %s", path, field,
                 err.text);
        return run_park(run, path, "mapping", reason);
    }
    run_step_end(run, path, STEP_DONE, value, NULL);
    return WALK_ON;
}

/* A transform's value is checked against the type it says it makes. */
enum walk run_transformed(struct run *run, const struct flow_step *step,
                          const char *path, cJSON *value)
{
    struct schema_fault fault;
    char reason[RUN_REASON_MAX];

    if (!step->type)
        return WALK_ON;
    schema_fill(step->type->schema, value);
    if (!schema_check(step->type->schema, value, &fault))
        return WALK_ON;
    snprintf(reason, sizeof(reason), "step %s: %s (%s)", path, fault.message,
             fault.rule);
    return run_park(run, path, "mapping", reason);
}

enum walk run_filter(struct walker *walker, const struct flow_step *step,
                     const char *path)
{
    struct run *run = walker->run;
    struct error err = {""};
    int met = condition_met(step->when, walker->results, &err);

    if (met < 0)
        return run_park(run, path, "condition", err.text);
    run_step_end(run, path, met ? STEP_DONE : STEP_SKIPPED,
                 cJSON_CreateBool(met),
                 met ? NULL : "the condition is not met");
    return met ? WALK_ON : WALK_END;
}

enum walk run_switch(struct walker *walker, const struct flow_step *step,
                     const char *path)
{
    struct run *run = walker->run;
    struct error err = {""};
    size_t chosen = 0;

    for (; chosen < step->case_count; chosen++) {
        int met =
            step->cases[chosen].when
                ? condition_met(step->cases[chosen].when, walker->results, &err)
                : 1;
        if (met < 0)
            return run_park(run, path, "condition", err.text);
        if (met)
            break;
    }
    run_step_end(
        run, path, STEP_DONE,
        cn_json_integer(chosen < step->case_count ? (int64_t)chosen + 1 : 0),
        NULL);
    return WALK_ON;
}
