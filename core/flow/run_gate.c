/* run_gate.c - a run at the gate of an instance: slots, rests, operations.
 *
 * One idea: what an outcome says about the instance is judged apart from what
 * it says about the record.  Called on the loop thread. */
#include "flow/run_gate.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/log.h"
#include "flow/run_shadow.h"

void run_waits(struct run *run, bool waits)
{
    if (waits && !run->waits)
        run->world->waiting_count++;
    else if (!waits && run->waits)
        run->world->waiting_count--;
    run->waits = waits;
}

/* What had ended is on disk; now the run may wait. */
static void enter_committed(void *arg, int status,
                            const struct store_result *results,
                            size_t result_count)
{
    struct run *run = arg;
    uint32_t ready_count = 0;

    if (status) {
        run->world->left(run->world->arg, run, status, 0);
        return;
    }
    for (size_t index = 0; index < result_count; index++)
        ready_count += results[index].ready_count;
    run->world->ready(run->world->arg, ready_count);
    run_advance(run);
}

/* All slots are taken: wait in memory while there is room and nobody waits in
 * the store, else there, in the order of the queue. */
static enum walk run_wait(struct run *run, struct gate *gate)
{
    struct run_world *world = run->world;

    if (!run->batch) {
        run_waits(run, true);
        line_join(&gate->line, &run->waiter, run->definition->name, run->bulk);
        run->gate = gate;
        run->phase = PHASE_WAITING;
        return WALK_WAIT;
    }
    /* What has ended must not wait for a slot to be on disk. */
    if (gate->broken || gate->maybe || gate->claiming ||
        world->waiting_count >= world->waiting_max)
        return run_back(run, gate, 0);
    run_waits(run, true);
    run_commit(run, enter_committed);
    return WALK_WAIT;
}

/* Reserve a slot at the instance's gate: WALK_ON when it is there. */
enum walk run_enter(struct run *run, const char *instance)
{
    struct run_world *world = run->world;
    struct gate *gate = world->gate(world->arg, instance);
    int64_t now_ms = run_now(run);

    if (run->shadow)
        return run_shadow_enter(run, gate);
    run_waits(run, false);
    if (world->draining || gate->room == 0 || gate_rests(gate, now_ms))
        return run_back(run, gate, 0);
    if (!gate_admits(gate, now_ms))
        return run_wait(run, gate);
    if (!gate_spares(gate, run->number, now_ms))
        return run_back(run, gate, gate_later(gate, now_ms, run_random(run)));
    gate_take(gate, run->number, now_ms);
    run->gate = gate;
    return WALK_ON;
}

void run_exit(struct run *run)
{
    struct gate *gate = run->gate;

    run->gate = NULL;
    gate_give(gate);
    run->world->gate_changed(run->world->arg, gate);
}

int64_t run_again(const struct run *run, const struct gate *gate)
{
    return gate_again(gate, run->number, run_now(run), run_random(run));
}

/* The gate was opened: say so, once for each outage, and send back who waits.
 */
static void run_opened(struct run *run, struct gate *gate, bool broken_before)
{
    struct log_about about = {.instance = gate->name};

    log_write(broken_before ? LOG_DEBUG : LOG_WARN, &about,
              "rests for %" PRId64 " ms: %s", gate->rest_until - run_now(run),
              gate->reason);
    run->world->gate_changed(run->world->arg, gate);
}

void run_rest(struct run *run, struct gate *gate, uint64_t delay_ms,
              const char *reason)
{
    bool broken = gate->broken;

    gate_rest(gate, run_now(run), delay_ms, run_random(run), reason);
    run_opened(run, gate, broken);
}

const char run_gate_refusal[] = "the other system refuses the credentials";

static void auth_cause(const struct gate *gate, char cause[160])
{
    snprintf(cause, 160, "auth:%s", gate->name);
}

void run_gate_trusted(struct gate *gate, struct store_batch *batch)
{
    char cause[160];

    gate->trusted = true;
    auth_cause(gate, cause);
    store_batch_alert_clear(batch, cause);
}

void run_gate_refused(struct gate *gate, struct store_batch *batch)
{
    char cause[160];

    gate->trusted = false;
    auth_cause(gate, cause);
    store_batch_alert(batch, cause,
                      "The other system refuses the credentials of this "
                      "instance. Renew them in its configuration, then "
                      "reload.");
}

static void run_answered(struct run *run, struct gate *gate)
{
    struct log_about about = {.instance = gate->name};
    int64_t now_ms = run_now(run), since_ms = now_ms - gate->broken_at;

    if (gate_answered(gate, run->number, now_ms)) {
        log_write(LOG_INFO, &about, "answers again after %" PRId64 " ms",
                  since_ms);
        run->world->gate_changed(run->world->arg, gate);
    }
}

/* What the outcome says about the instance, whatever it says of the record. */
void run_judge_instance(struct run *run, struct gate *gate,
                        const struct op_outcome *outcome,
                        const struct retry_next *next)
{
    static const char no_answer[] = "no answer from the other system";
    uint64_t most_ms = run->world->limits.retry_after_max_ms;
    uint64_t wish_ms = outcome->retry_after_ms;
    int64_t now_ms = run_now(run);
    bool broken = gate->broken;
    /* No answer to a probe is no rest of the record, but of the instance. */
    bool rests = next->move == MOVE_REST ||
                 (outcome->kind == OP_PROBE && outcome->status == CN_RETRY &&
                  !outcome->answered);
    /* It asks to be left alone, whatever it did before. */
    bool asks = outcome->kind == OP_DELIVER && outcome->status == CN_IN_DOUBT;

    if (wish_ms > most_ms)
        wish_ms = most_ms;
    if (outcome->status == CN_AUTH) {
        run_rest(run, gate, next->delay_ms, run_gate_refusal);
    } else if (outcome->status == CN_RATE_LIMITED) {
        gate_slow(gate, run->number, now_ms, wish_ms, run_random(run));
        run_opened(run, gate, broken);
    } else if ((rests || asks) && wish_ms) {
        storm_failed(&gate->storm, run->number, now_ms);
        run_rest(run, gate, wish_ms, no_answer);
    } else if (rests || (!outcome->answered && outcome->status != CN_OK &&
                         outcome->status != CN_CANCELLED)) {
        if (gate_failed(gate, run->number, now_ms, run_random(run), no_answer))
            run_opened(run, gate, broken);
    } else if (outcome->answered) {
        run_answered(run, gate);
        if (outcome->status == CN_OK && !gate->trusted && !run->shadow)
            run_gate_trusted(gate, run_batch(run));
    }
}

/* A shadow has no commit of its own to write them with. */
static void values_kept(void *arg, int status,
                        const struct store_result *results, size_t result_count)
{
    (void)arg;
    (void)status; /* the plugin puts them again when it renews again */
    (void)results;
    (void)result_count;
}

static void keep_values_now(struct run *run, struct store_batch *batch)
{
    if (store_commit(run->world->store, batch, values_kept, NULL))
        store_batch_destroy(batch);
}

void run_keep_values(struct run *run, const struct gate *gate,
                     const struct op_outcome *outcome)
{
    struct store_batch *batch;

    if (!outcome->value_count)
        return;
    batch = run->shadow ? store_batch_create() : NULL;
    for (size_t index = 0; index < outcome->value_count; index++) {
        const struct op_value *value = &outcome->values[index];
        store_batch_state(batch ? batch : run_batch(run), gate->name,
                          value->key,
                          run_bytes(value->value.ptr, value->value.len));
    }
    if (batch)
        keep_values_now(run, batch);
}

void run_alert_auth(struct run *run, struct gate *gate)
{
    if (!run->shadow) /* the next real one says it */
        run_gate_refused(gate, run_batch(run));
}

/* An operation of kind at run->path; its slot is taken. */
int run_operate(struct run *run, struct op_request *request, op_ended_fn *fn,
                struct error *err)
{
    struct run_world *world = run->world;
    int status;

    assert(!run->shadow || request->kind == OP_CALL ||
           request->kind == OP_PROBE);
    request->run = run->number;
    request->instance = run->gate->name;
    status = world->ports.op_start(world->ports.arg, request, fn, run, &run->op,
                                   err);
    if (!status)
        run->phase = PHASE_OPERATING;
    return status;
}
