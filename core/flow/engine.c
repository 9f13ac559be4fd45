/* engine.c - accepted records become runs, runs become operations.
 *
 * One idea: the store is the queue.  Memory holds a bounded window of runs that
 * are being worked on; whatever has to wait for time, an instance at rest, a
 * lane or a person goes back to the store and is claimed again when its turn
 * comes.  So 100,000 waiting runs cost nothing at start and nothing while an
 * ERP is down.
 *
 * What must hold: a run is in memory only while this daemon owns its claim; a
 * run whose commit failed is given back through recover until that succeeds;
 * after every event engine_turn looks what can be claimed and asks for the next
 * wake-up.  Called on the loop thread only. */
#include "flow/engine_state.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/memory.h"

enum {
    RUNS_ACTIVE_DEFAULT = 1024, /* some 10 KiB each */
    WAKE_MAX_MS = 30000         /* a wake-up at least this often */
};

int64_t engine_now(const struct engine *engine)
{
    return store_steady_ms(engine->store);
}

void engine_note(struct engine *engine, int status)
{
    if (status != -EIO) {
        engine->store_errors = 0;
        return;
    }
    if (++engine->store_errors == ENGINE_STORE_ERRORS_MAX)
        engine->ports.store_failed(engine->ports.arg);
}

/* ---- The turn ------------------------------------------------------------ */

static void earliest(int64_t *at, int64_t other)
{
    if (other && other < *at)
        *at = other;
}

static void engine_ask_wake(struct engine *engine)
{
    int64_t now_ms = engine_now(engine), at = now_ms + WAKE_MAX_MS;
    struct gate *gate;

    earliest(&at, engine->look_at);
    earliest(&at, engine->watch_at);
    earliest(&at, engine_poll_due(engine));
    earliest(&at, engine_shadows_due(engine));
    earliest(&at, engine->prune.count ? engine->prune_at : 0);
    if (engine->lost)
        earliest(&at, engine->recover_at);
    LL_FOREACH(engine->gates, gate)
    {
        if (gate_rests(gate, now_ms))
            earliest(&at, gate->rest_until);
        else
            earliest(&at, gate->next_due);
    }
    engine->ports.wake_at(engine->ports.arg, at > now_ms ? at : now_ms + 1);
}

static void engine_check_stopped(struct engine *engine)
{
    void (*stopped)(void *arg) = engine->stopped;

    if (!engine->stopping || !stopped || engine->run_count ||
        engine->reserved || engine->shadow_count)
        return;
    engine->stopped = NULL;
    stopped(engine->stopped_arg);
}

/* Look what can be done now.  Events inside (a run that leaves at once) ask for
 * another round instead of recursing. */
void engine_turn(struct engine *engine)
{
    struct gate *gate;

    if (engine->turning) {
        engine->turn_again = true;
        return;
    }
    engine->turning++;
    do {
        int64_t now_ms = engine_now(engine);
        engine->turn_again = false;
        engine_recover(engine, now_ms);
        engine_renew(engine, now_ms);
        engine_prune(engine, now_ms);
        engine_serve_shadows(engine);
        if (engine->stopping)
            break;
        engine_look(engine, now_ms);
        engine_watch(engine, now_ms);
        engine_poll(engine, now_ms);
        LL_FOREACH(engine->gates, gate)
        {
            engine_claim(engine, gate);
        }
    } while (engine->turn_again);
    engine->turning--;
    engine_ask_wake(engine);
    engine_check_stopped(engine);
}

void engine_wake(struct engine *engine)
{
    engine_turn(engine);
}

void engine_instance_changed(struct engine *engine, const char *instance)
{
    struct gate *gate = engine_gate(engine, instance);

    gate->room = engine->ports.op_room(engine->ports.arg, instance);
    /* Perhaps with other credentials: one goes first to see. */
    gate_renew(gate);
    engine->turning++;
    engine_gate_changed(engine, gate);
    engine->turning--;
    engine_turn(engine);
}

/* ---- Life ---------------------------------------------------------------- */

struct engine *engine_create(const struct engine_options *options)
{
    struct engine *engine = memory_zero(1, sizeof(*engine));

    engine->store = options->store;
    engine->ports = options->ports;
    engine->types = options->types;
    engine->runs_active_max = options->runs_active_max
                                  ? options->runs_active_max
                                  : RUNS_ACTIVE_DEFAULT;
    engine_keep(engine, options);
    engine->world.store = options->store;
    engine->world.ports = options->ports;
    engine->world.limits = options->limits;
    engine->world.waiting_max = engine->runs_active_max / 2;
    engine->world.gate = engine_gate;
    engine->world.left = engine_left;
    engine->world.ready = engine_run_ready;
    engine->world.gate_changed = engine_gate_changed;
    engine->world.arg = engine;
    engine->shadow_world = engine->world;
    engine->shadow_world.left = engine_shadow_left;
    engine_gate(engine, "");
    return engine;
}

void engine_destroy(struct engine *engine)
{
    struct run *run, *next_run;
    struct gate *gate, *next_gate;
    struct lost_run *lost, *next_lost;

    if (!engine)
        return;
    HASH_ITER(hh, engine->runs, run, next_run)
    {
        HASH_DEL(engine->runs, run);
        if (run->phase == PHASE_WAITING)
            line_leave(&run->gate->line, &run->waiter);
        run_destroy(run);
    }
    engine_free_shadows(engine);
    engine_free_missing(engine);
    LL_FOREACH_SAFE(engine->gates, gate, next_gate)
    {
        gate_done(gate);
        free(gate->name);
        free(gate);
    }
    LL_FOREACH_SAFE(engine->lost, lost, next_lost)
    {
        free(lost);
    }
    engine_free_sources(engine);
    for (size_t index = 0; index < engine->flow_count; index++)
        definition_release(engine->flows[index]);
    for (size_t index = 0; index < engine->version_count; index++)
        definition_release(engine->versions[index]);
    free(engine->flows);
    free(engine->flow_added);
    free(engine->flow_stored);
    free(engine);
}

void engine_stop(struct engine *engine, void (*stopped)(void *arg), void *arg)
{
    struct gate *gate;

    engine->stopping = true;
    engine->world.draining = engine->shadow_world.draining = true;
    engine->stopped = stopped;
    engine->stopped_arg = arg;
    engine->turning++;
    engine_stop_shadows(engine);
    LL_FOREACH(engine->gates, gate)
    {
        engine_gate_changed(engine, gate);
    }
    engine->turning--;
    engine_turn(engine);
}

bool engine_gate_info(const struct engine *engine, size_t index,
                      struct engine_gate_info *ret_info)
{
    int64_t now_ms = engine_now(engine);
    const struct gate *gate = engine->gates ? engine->gates->next : NULL;

    while (gate && index--)
        gate = gate->next;
    if (!gate)
        return false;
    ret_info->instance = gate->name;
    ret_info->open = gate->open;
    ret_info->room = gate->room;
    ret_info->waiting = gate->line.count;
    ret_info->state = gate_state_text(gate_state(gate, now_ms));
    ret_info->rests_ms =
        gate_rests(gate, now_ms) ? gate->rest_until - now_ms : 0;
    ret_info->reason = gate->reason;
    ret_info->failed = storm_count(&gate->storm);
    return true;
}

size_t engine_active_count(const struct engine *engine)
{
    return engine->run_count;
}
