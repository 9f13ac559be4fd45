/* run_call.c - the step that asks: a call and what its answer means.
 *
 * Nothing is on disk before a call begins, for it changes nothing: a crash asks
 * again.  Called on the loop thread. */
#include "flow/run_call.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "base/memory.h"
#include "flow/run_gate.h"
#include "flow/run_state.h"

static enum walk call_ended_walk(struct run *run, struct gate *gate,
                                 const struct op_outcome *outcome)
{
    struct run_step *row = run_step_make(run, run->path);
    struct retry_case was = {
        .outcome = outcome,
        .attempts = row->attempts,
        .random = run_random(run),
    };
    struct retry_next next = retry_decide(&run->world->limits, &was);
    int64_t now_ms = run_now(run);

    /* First judged, so that who waits is not let into an outage. */
    run_judge_instance(run, gate, outcome, &next);
    run_exit(run);
    row->attempts = next.attempts;
    if (next.alert)
        run_alert_auth(run, gate);
    switch (next.move) {
    case MOVE_DONE:
        run_keep_values(run, gate, outcome);
        run_step_end(run, run->path, STEP_DONE,
                     run_json(outcome->body.ptr, outcome->body.len), NULL);
        return WALK_ON;
    case MOVE_REST:
        return run_leave(run, RUN_READY, gate->name, run_again(run, gate), NULL,
                         gate->reason ? gate->reason : outcome->message);
    case MOVE_HOLD:
        run_step_store(run, row, outcome->message);
        return run_leave(run, RUN_HELD, gate->name,
                         now_ms + (int64_t)next.delay_ms, "held",
                         outcome->message);
    case MOVE_PARK:
        return run_park(run, run->path, op_status_text(outcome->status),
                        outcome->message);
    default:
        run_step_store(run, row, outcome->message);
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
    walk = call_ended_walk(run, gate, outcome);
    if (walk == WALK_ON)
        run_advance(run);
    else
        run_finish(run, walk);
}

enum walk run_call(struct walker *walker, const struct flow_step *step,
                   const char *path)
{
    struct run *run = walker->run;
    struct op_request request = {.kind = OP_CALL, .action = step->action};
    struct error err = {""};
    char field[512] = "", id[STORE_PATH_MAX + 32], reason[RUN_REASON_MAX];
    cJSON *arguments = NULL;
    char *text = NULL;
    enum walk walk;
    int status;

    if (step->mapping && mapping_apply(step->mapping, walker->results,
                                       &arguments, field, &err)) {
        snprintf(reason, sizeof(reason), "step %s, field %s: %s", path, field,
                 err.text);
        return run_park(run, path, "mapping", reason);
    }
    snprintf(run->path, sizeof(run->path), "%s", path);
    run->step = step;
    walk = run_enter(run, step->instance);
    if (walk != WALK_ON) {
        cJSON_Delete(arguments);
        return walk;
    }
    text = arguments ? cn_json_print(arguments) : memory_text("{}");
    snprintf(id, sizeof(id), "%" PRIu64 ".%s", run->number, path);
    request.call_id = (cn_str){id, strlen(id)};
    request.body = (cn_str){text, strlen(text)};
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
            walk = run_back(run, gate, run_again(run, gate));
        }
    }
    free(text);
    cJSON_Delete(arguments);
    return walk;
}
