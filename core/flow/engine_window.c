/* engine_window.c - the window of active runs: how runs come into memory and
 * leave it, and which are claimed next.
 *
 * One idea: a gate is also the name of a queue in the store; a run that waits
 * for an instance rests in that queue and is claimed when the gate has an
 * appetite. Called on the loop thread. */
#include "flow/engine_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "base/memory.h"
#include "flow/run_gate.h"

enum {
    LOOK_AGAIN_MS = 30000,  /* the queues are looked through at least this
                             * often, whatever was forgotten */
    CLAIM_AGAIN_MS = 1000,  /* after a claim that failed */
    VERSION_AGAIN_MS = 1000 /* after a flow's text that could not be read */
};

/* ---- Gates --------------------------------------------------------------- */

struct gate *engine_gate(void *arg, const char *instance)
{
    struct engine *engine = arg;
    struct gate *gate;

    LL_FOREACH(engine->gates, gate)
    {
        if (!strcmp(gate->name, instance))
            return gate;
    }
    gate = memory_zero(1, sizeof(*gate));
    gate->name = memory_text(instance);
    gate->maybe = true;
    gate->room = *instance ? engine->ports.op_room(engine->ports.arg, instance)
                           : UINT32_MAX;
    LL_APPEND(engine->gates, gate);
    return gate;
}

/* Let those on that the gate admits now; when it rests, all of them go back to
 * the store. */
static void engine_serve(struct engine *engine, struct gate *gate)
{
    int64_t now_ms = engine_now(engine);
    struct line_waiter *waiter;

    if (gate_rests(gate, now_ms) || gate->room == 0 || engine->stopping) {
        uint32_t count = gate->line.count;
        while (count-- > 0 && (waiter = line_next(&gate->line)))
            run_advance(waiter->run);
        return;
    }
    while (gate_admits(gate, now_ms) && (waiter = line_next(&gate->line)))
        run_advance(waiter->run);
}

/* A run that is let on may give its slot back at once; it then asks for another
 * round instead of letting the next one on from inside: a thousand may wait. */
void engine_gate_changed(void *arg, struct gate *gate)
{
    struct engine *engine = arg;

    gate->changed_again = true;
    if (gate->serving)
        return;
    gate->serving = true;
    while (gate->changed_again) {
        gate->changed_again = false;
        if (gate->line.count)
            engine_serve(engine, gate);
        engine_serve_shadows(engine);
    }
    gate->serving = false;
    /* It works again: whoever was told that it does not hears of that. */
    if (gate->room && !gate->broken && engine_misses(engine, gate->name))
        engine_look_soon(engine);
    /* And those that wait in the store. */
    if (gate->maybe)
        engine_turn(engine);
}

/* ---- Runs entering and leaving memory -------------------------------------
 */

void engine_ready(struct engine *engine, uint32_t ready_count)
{
    struct gate *gate;

    if (!ready_count)
        return;
    LL_FOREACH(engine->gates, gate)
    {
        gate->maybe = true;
    }
}

void engine_run_ready(void *arg, uint32_t ready_count)
{
    if (!ready_count)
        return;
    engine_ready(arg, ready_count);
    engine_turn(arg);
}

void engine_forget(struct engine *engine, uint64_t run)
{
    struct gate *gate;

    LL_FOREACH(engine->gates, gate)
    {
        storm_ended(&gate->storm, run);
    }
}

void engine_left(void *arg, struct run *run, int status, uint32_t ready_count)
{
    struct engine *engine = arg;

    engine_note(engine, status);
    if (status) {
        struct log_about about = {.run = run->number};
        log_write(LOG_ERROR, &about,
                  "what happened could not be stored (%s); the run will be "
                  "given back and nothing is sent twice",
                  strerror(-status));
        engine_lose(engine, run->number, status);
    } else if (run->ended) {
        engine_forget(engine, run->number);
        engine_forget_fault(engine, run->number);
    } else if (run->queue) {
        gate_due(engine_gate(engine, run->queue), run->due_ms,
                 engine_now(engine));
    }
    engine_ready(engine, ready_count);
    run_waits(run, false);
    HASH_DEL(engine->runs, run);
    engine->run_count--;
    run_destroy(run);
    engine_turn(engine);
}

void engine_enter(struct engine *engine, struct run *run)
{
    HASH_ADD(hh, engine->runs, number, sizeof(run->number), run);
    engine->run_count++;
    run_advance(run);
}

/* A run of a flow version that is not compiled: its text comes from the
 * store; the run is given back and claimed again after. */
struct version_wait {
    struct engine *engine;
    uint64_t run;
};

static void version_given_back(void *arg, int status,
                               const struct store_result *results,
                               size_t result_count)
{
    struct version_wait *wait = arg;

    (void)results;
    (void)result_count;
    engine_note(wait->engine, status);
    wait->engine->reserved--;
    if (status)
        engine_lose(wait->engine, wait->run, status);
    engine_ready(wait->engine, 1);
    engine_turn(wait->engine);
    free(wait);
}

static void version_fetched(void *arg, int status,
                            struct definition *definition)
{
    struct version_wait *wait = arg;
    struct engine *engine = wait->engine;
    struct store_batch *batch = store_batch_create();
    struct store_run_change change = {
        .run = wait->run, .state = RUN_READY, .queue = ""};

    (void)definition;
    if (status == -ENOENT) {
        change.state = RUN_PARKED;
        change.code = "flow";
        change.reason = "the version of the flow it began with cannot be used "
                        "any more: retry begins it anew with today's";
    } else if (status) {
        /* Not read is not gone. */
        change.due_ms = engine_now(engine) + VERSION_AGAIN_MS;
        gate_due(engine_gate(engine, ""), change.due_ms, engine_now(engine));
    }
    store_batch_run(batch, &change);
    if (store_commit(engine->store, batch, version_given_back, wait)) {
        store_batch_destroy(batch);
        version_given_back(wait, -EAGAIN, NULL, 0);
    }
}

static void engine_wait_version(struct engine *engine,
                                const struct store_work *work)
{
    struct version_wait *wait = memory_zero(1, sizeof(*wait));

    engine->reserved++;
    wait->engine = engine;
    wait->run = work->run;
    engine_fetch_version(engine, work->flow, work->flow_version,
                         version_fetched, wait);
}

static void engine_take_work(struct engine *engine,
                             const struct store_work *work)
{
    struct definition *definition =
        engine_version(engine, work->flow, work->flow_version);
    struct run *known;

    HASH_FIND(hh, engine->runs, &work->run, sizeof(work->run), known);
    assert(!known);
    if (definition)
        engine_enter(engine, run_create(&engine->world, work, definition));
    else
        engine_wait_version(engine, work);
}

/* ---- Claiming ------------------------------------------------------------ */

struct claim {
    struct engine *engine;
    struct gate *gate;
    uint32_t count;
};

void engine_look_soon(struct engine *engine)
{
    int64_t now_ms = engine_now(engine);

    if (engine->look_at > now_ms)
        engine->look_at = now_ms;
}

static void claim_answered(void *arg, int status,
                           const struct store_result *results,
                           size_t result_count)
{
    struct claim *claim = arg;
    struct engine *engine = claim->engine;
    const struct store_result *result;

    claim->gate->claiming = false;
    engine->reserved -= claim->count;
    engine->turning++; /* one turn after all of them, not one for each */
    if (!status && result_count) {
        result = &results[0];
        if (result->work_count < claim->count)
            engine_look_soon(engine);
        else
            claim->gate->maybe = true;
        for (size_t index = 0; index < result->work_count; index++)
            engine_take_work(engine, &result->work[index]);
    } else {
        claim->gate->next_due = engine_now(engine) + CLAIM_AGAIN_MS;
    }
    engine->turning--;
    free(claim);
    engine_turn(engine);
}

void engine_claim(struct engine *engine, struct gate *gate)
{
    int64_t now_ms = engine_now(engine);
    uint32_t used = engine->run_count + engine->reserved;
    uint32_t free_count =
        used < engine->runs_active_max ? engine->runs_active_max - used : 0;
    uint32_t count;
    struct store_batch *batch;
    struct claim *claim;

    /* What is due and cannot be claimed yet waits for an event, not for time.
     */
    if (gate->next_due && gate->next_due <= now_ms)
        gate_due(gate, 0, now_ms);
    count = gate_appetite(gate, now_ms, free_count);
    if (!count)
        return;
    claim = memory_zero(1, sizeof(*claim));
    claim->engine = engine;
    claim->gate = gate;
    claim->count = count;
    batch = store_batch_create();
    store_batch_claim(batch, gate->name, count);
    gate->claiming = true;
    gate->maybe = false;
    gate->next_due = 0;
    if (store_commit(engine->store, batch, claim_answered, claim)) {
        store_batch_destroy(batch);
        gate->claiming = false;
        gate->maybe = true;
        free(claim);
        return;
    }
    engine->reserved += count;
}

static void look_answered(void *arg, int status, const struct store_rows *rows)
{
    struct engine *engine = arg;
    int64_t now_ms = engine_now(engine);

    engine->looking = false;
    if (!status) {
        engine_watch_queues(engine, rows);
        for (size_t index = 0; index < rows->ready_count; index++) {
            const struct store_ready_row *row = &rows->ready[index];
            struct gate *gate = engine_gate(engine, row->queue);
            if (row->due_count)
                gate->maybe = true;
            if (row->next_due_ms)
                gate_due(gate, row->next_due_ms, now_ms);
        }
    }
    engine_turn(engine);
}

/* Ask the store which queues have runs and when the next are due. */
void engine_look(struct engine *engine, int64_t now_ms)
{
    struct store_query query = {.kind = STORE_QUERY_READY};

    if (engine->looking || now_ms < engine->look_at)
        return;
    engine->look_at = now_ms + LOOK_AGAIN_MS;
    if (!store_query(engine->store, &query, look_answered, engine))
        engine->looking = true;
}
