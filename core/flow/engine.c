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
#include "flow/engine.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include <connect/json.h>

#include "base/log.h"
#include "base/memory.h"
#include "flow/run.h"

enum {
    RUNS_ACTIVE_DEFAULT = 1024, /* some 10 KiB each */
    FLOWS_PER_RECORD_MAX = 32,  /* store_accept's limit */
    VERSIONS_MAX = 64,          /* older flow versions kept compiled */
    PARTS_MAX = 1024,           /* records of one accept */
    LOOK_AGAIN_MS = 30000,      /* the queues are looked through at least this
                                 * often, whatever was forgotten */
    RECOVER_MS = 1000,          /* between attempts to give a run back */
    RENEW_MS = 60000            /* leases last 10 minutes */
};

struct lost_run {
    struct lost_run *next;
    uint64_t number;
};

struct engine {
    struct store *store;
    struct flow_ports ports;
    const struct record_types *types;
    struct run_world world;
    uint32_t runs_active_max;
    struct definition **flows;
    bool *flow_added; /* since engine_begin_flows */
    bool *flow_stored;
    size_t flow_count;
    struct definition *versions[VERSIONS_MAX]; /* older ones, by use */
    size_t version_count;
    struct run *runs; /* by number */
    uint32_t run_count;
    uint32_t reserved;  /* runs asked for and not answered yet */
    struct gate *gates; /* the first is "" */
    struct lost_run *lost;
    bool recovering;
    int64_t recover_at, look_at, renew_at;
    bool looking;     /* a query for the queues is on its way */
    uint32_t turning; /* depth of engine_turn */
    bool turn_again;
    bool stopping;
    void (*stopped)(void *arg);
    void *stopped_arg;
};

static void engine_turn(struct engine *engine);

static int64_t engine_now(const struct engine *engine)
{
    return store_steady_ms(engine->store);
}

/* ---- Gates --------------------------------------------------------------- */

static struct gate *engine_gate(void *arg, const char *instance)
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
static void engine_gate_changed(void *arg, struct gate *gate)
{
    struct engine *engine = arg;
    int64_t now_ms = engine_now(engine);
    struct gate_waiter *waiter;

    if (gate->waiter_count == 0)
        return;
    if (gate_rests(gate, now_ms) || gate->room == 0 || engine->stopping) {
        uint32_t count = gate->waiter_count;
        while (count-- > 0 && (waiter = gate_next(gate)))
            run_advance(waiter->run);
        return;
    }
    while (gate_admits(gate, now_ms) && (waiter = gate_next(gate)))
        run_advance(waiter->run);
}

/* ---- Runs entering and leaving memory -------------------------------------
 */

static void engine_lose(struct engine *engine, uint64_t number)
{
    struct lost_run *lost = memory_zero(1, sizeof(*lost));

    lost->number = number;
    LL_PREPEND(engine->lost, lost);
    engine->recover_at = engine_now(engine) + RECOVER_MS;
}

static void engine_ready(struct engine *engine, uint32_t ready_count)
{
    struct gate *gate;

    if (!ready_count)
        return;
    LL_FOREACH(engine->gates, gate)
    {
        gate->maybe = true;
    }
}

static void engine_left(void *arg, struct run *run, int status,
                        uint32_t ready_count)
{
    struct engine *engine = arg;

    if (status) {
        struct log_about about = {.run = run->number};
        log_write(LOG_ERROR, &about,
                  "what happened could not be stored (%s); the run will be "
                  "given back and nothing is sent twice",
                  strerror(-status));
        engine_lose(engine, run->number);
    } else if (run->queue) {
        gate_due(engine_gate(engine, run->queue), run->due_ms,
                 engine_now(engine));
    }
    engine_ready(engine, ready_count);
    HASH_DEL(engine->runs, run);
    engine->run_count--;
    run_destroy(run);
    engine_turn(engine);
}

static struct definition *engine_version(struct engine *engine,
                                         const char *name, const char *version)
{
    for (size_t index = 0; index < engine->flow_count; index++) {
        if (!strcmp(engine->flows[index]->name, name) &&
            !strcmp(engine->flows[index]->version, version))
            return engine->flows[index];
    }
    for (size_t index = 0; index < engine->version_count; index++) {
        if (!strcmp(engine->versions[index]->name, name) &&
            !strcmp(engine->versions[index]->version, version))
            return engine->versions[index];
    }
    return NULL;
}

static void engine_enter(struct engine *engine, struct run *run)
{
    HASH_ADD(hh, engine->runs, number, sizeof(run->number), run);
    engine->run_count++;
    run_advance(run);
}

static void engine_keep_version(struct engine *engine,
                                struct definition *definition)
{
    if (engine->version_count == VERSIONS_MAX) {
        definition_release(engine->versions[0]);
        engine->version_count--;
        memmove(&engine->versions[0], &engine->versions[1],
                engine->version_count * sizeof(engine->versions[0]));
    }
    engine->versions[engine->version_count++] = definition;
}

/* A run of a flow version that is not compiled: its text comes from the
 * store; the run is given back and claimed again after. */
struct version_wait {
    struct engine *engine;
    uint64_t run;
    char *name, *version;
};

static void version_given_back(void *arg, int status,
                               const struct store_result *results,
                               size_t result_count)
{
    struct version_wait *wait = arg;

    (void)results;
    (void)result_count;
    if (status)
        engine_lose(wait->engine, wait->run);
    engine_ready(wait->engine, 1);
    engine_turn(wait->engine);
    free(wait->name);
    free(wait->version);
    free(wait);
}

static void version_read(void *arg, int status, const struct store_rows *rows)
{
    struct version_wait *wait = arg;
    struct engine *engine = wait->engine;
    struct definition *definition = NULL;
    struct error err = {"the store does not have it"};
    struct store_batch *batch = store_batch_create();
    struct store_run_change change = {.run = wait->run, .state = RUN_READY};

    if (!status && rows->value_count)
        status = definition_create(wait->name, rows->values[0].value.ptr,
                                   rows->values[0].value.len, NULL,
                                   engine->types, &definition, &err);
    if (definition) {
        engine_keep_version(engine, definition);
        change.queue = "";
    } else {
        change.state = RUN_PARKED;
        change.code = "flow";
        change.reason = "the version of the flow it began with cannot be used "
                        "any more: retry begins it anew with today's";
        log_write(LOG_ERROR, NULL, "flow %s, version %.12s: %s", wait->name,
                  wait->version, err.text);
    }
    store_batch_run(batch, &change);
    if (store_commit(engine->store, batch, version_given_back, wait)) {
        store_batch_destroy(batch);
        version_given_back(wait, -EAGAIN, NULL, 0);
    }
}

static void engine_fetch_version(struct engine *engine,
                                 const struct store_work *work)
{
    struct version_wait *wait = memory_zero(1, sizeof(*wait));
    struct store_query query = {
        .kind = STORE_QUERY_FLOW,
        .flow = work->flow,
        .version = work->flow_version,
    };

    wait->engine = engine;
    wait->run = work->run;
    wait->name = memory_text(work->flow);
    wait->version = memory_text(work->flow_version);
    query.flow = wait->name;
    query.version = wait->version;
    if (store_query(engine->store, &query, version_read, wait))
        version_read(wait, -EAGAIN, NULL);
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
        engine_fetch_version(engine, work);
}

/* ---- Claiming ------------------------------------------------------------ */

struct claim {
    struct engine *engine;
    struct gate *gate;
    uint32_t count;
};

static void engine_look_soon(struct engine *engine)
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
        claim->gate->next_due = engine_now(engine) + RECOVER_MS;
    }
    engine->turning--;
    free(claim);
    engine_turn(engine);
}

static void engine_claim(struct engine *engine, struct gate *gate)
{
    uint32_t used = engine->run_count + engine->reserved;
    uint32_t free_count =
        used < engine->runs_active_max ? engine->runs_active_max - used : 0;
    uint32_t count = gate_appetite(gate, engine_now(engine), free_count);
    struct store_batch *batch;
    struct claim *claim;

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
static void engine_look(struct engine *engine, int64_t now_ms)
{
    struct store_query query = {.kind = STORE_QUERY_READY};

    if (engine->looking || now_ms < engine->look_at)
        return;
    engine->look_at = now_ms + LOOK_AGAIN_MS;
    if (!store_query(engine->store, &query, look_answered, engine))
        engine->looking = true;
}

/* ---- Recovery and leases --------------------------------------------------
 */

struct recovery {
    struct engine *engine;
    struct lost_run *lost;
};

static void recovery_answered(void *arg, int status,
                              const struct store_result *results,
                              size_t result_count)
{
    struct recovery *recovery = arg;
    struct engine *engine = recovery->engine;
    struct lost_run *lost, *next;

    (void)results;
    engine->recovering = false;
    LL_FOREACH_SAFE(recovery->lost, lost, next)
    {
        if (status) {
            LL_PREPEND(engine->lost, lost);
        } else {
            free(lost);
        }
    }
    if (status)
        engine->recover_at = engine_now(engine) + RECOVER_MS;
    else
        engine_ready(engine, (uint32_t)result_count);
    free(recovery);
    engine_turn(engine);
}

static void engine_recover(struct engine *engine, int64_t now_ms)
{
    struct recovery *recovery;
    struct store_batch *batch;
    struct lost_run *lost;

    if (!engine->lost || engine->recovering || now_ms < engine->recover_at)
        return;
    batch = store_batch_create();
    LL_FOREACH(engine->lost, lost)
    {
        store_batch_recover(batch, lost->number);
    }
    recovery = memory_zero(1, sizeof(*recovery));
    recovery->engine = engine;
    recovery->lost = engine->lost;
    engine->lost = NULL;
    engine->recovering = true;
    if (store_commit(engine->store, batch, recovery_answered, recovery)) {
        store_batch_destroy(batch);
        recovery_answered(recovery, -EAGAIN, NULL, 0);
    }
}

static void renew_answered(void *arg, int status,
                           const struct store_result *results,
                           size_t result_count)
{
    (void)arg;
    (void)status; /* the next one comes in a minute, a lease lasts ten */
    (void)results;
    (void)result_count;
}

static void engine_renew(struct engine *engine, int64_t now_ms)
{
    struct store_batch *batch;

    if (now_ms < engine->renew_at || !engine->run_count)
        return;
    engine->renew_at = now_ms + RENEW_MS;
    batch = store_batch_create();
    store_batch_renew(batch);
    if (store_commit(engine->store, batch, renew_answered, engine))
        store_batch_destroy(batch);
}

/* ---- The turn ------------------------------------------------------------ */

static void earliest(int64_t *at, int64_t other)
{
    if (other && other < *at)
        *at = other;
}

static void engine_ask_wake(struct engine *engine)
{
    int64_t now_ms = engine_now(engine), at = now_ms + LOOK_AGAIN_MS;
    struct gate *gate;

    earliest(&at, engine->look_at);
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

    if (!engine->stopping || !stopped || engine->run_count || engine->reserved)
        return;
    engine->stopped = NULL;
    stopped(engine->stopped_arg);
}

/* Look what can be done now.  Events inside (a run that leaves at once) ask for
 * another round instead of recursing. */
static void engine_turn(struct engine *engine)
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
        if (engine->stopping)
            break;
        engine_look(engine, now_ms);
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
    gate->maybe = true;
    engine->turning++;
    engine_gate_changed(engine, gate);
    engine->turning--;
    engine_turn(engine);
}

/* ---- Flows --------------------------------------------------------------- */

void engine_begin_flows(struct engine *engine)
{
    for (size_t index = 0; index < engine->flow_count; index++)
        engine->flow_added[index] = false;
}

static void engine_forget_flow(struct engine *engine, size_t index)
{
    engine_keep_version(engine, engine->flows[index]);
    engine->flow_count--;
    for (size_t at = index; at < engine->flow_count; at++) {
        engine->flows[at] = engine->flows[at + 1];
        engine->flow_added[at] = engine->flow_added[at + 1];
        engine->flow_stored[at] = engine->flow_stored[at + 1];
    }
}

void engine_end_flows(struct engine *engine)
{
    for (size_t index = engine->flow_count; index > 0; index--) {
        if (!engine->flow_added[index - 1])
            engine_forget_flow(engine, index - 1);
    }
}

int engine_add_flow(struct engine *engine, struct definition *definition)
{
    size_t index = 0, count;

    while (index < engine->flow_count &&
           strcmp(engine->flows[index]->name, definition->name) != 0)
        index++;
    if (index < engine->flow_count) {
        if (!strcmp(engine->flows[index]->version, definition->version)) {
            engine->flow_added[index] = true;
            return 0;
        }
        engine_keep_version(engine, engine->flows[index]);
    } else {
        count = engine->flow_count + 1;
        engine->flows =
            memory_grow(engine->flows, count, sizeof(*engine->flows));
        engine->flow_added =
            memory_grow(engine->flow_added, count, sizeof(bool));
        engine->flow_stored =
            memory_grow(engine->flow_stored, count, sizeof(bool));
        engine->flow_count = count;
    }
    engine->flows[index] = definition_hold(definition);
    engine->flow_added[index] = true;
    engine->flow_stored[index] = false;
    return 0;
}

const struct definition *engine_flow_at(const struct engine *engine,
                                        size_t index)
{
    return index < engine->flow_count ? engine->flows[index] : NULL;
}

/* ---- Accepting ----------------------------------------------------------- */

struct accept_part {         /* one record of an accept */
    struct op_record record; /* owned copies */
    char *person;
    size_t flows[FLOWS_PER_RECORD_MAX];
    struct definition *definitions[FLOWS_PER_RECORD_MAX]; /* held */
    uint32_t flow_count;
    size_t change; /* its place in the results */
    bool wants_claim;
};

struct accepting {
    struct engine *engine;
    char *origin;
    struct accept_part *parts;
    size_t part_count;
    uint32_t reserved;
    engine_accepted_fn *fn;
    void *arg;
};

static cn_str str_copy(cn_str from)
{
    cn_str copy = {memory_copy(from.ptr, from.len), from.len};
    return copy;
}

static void str_free(cn_str text)
{
    free((void *)(uintptr_t)text.ptr);
}

static void accepting_destroy(struct accepting *accepting)
{
    for (size_t index = 0; index < accepting->part_count; index++) {
        struct accept_part *part = &accepting->parts[index];
        for (uint32_t at = 0; at < part->flow_count; at++)
            definition_release(part->definitions[at]);
        free((void *)(uintptr_t)part->record.type);
        str_free(part->record.id);
        str_free(part->record.key);
        str_free(part->record.body);
        free(part->person);
    }
    free(accepting->parts);
    free(accepting->origin);
    free(accepting);
}

static bool flow_wants(const struct definition *flow, const char *origin,
                       const char *type, const cJSON *results)
{
    struct error err = {""};
    int met;

    if (strcmp(flow->instance, origin) != 0 || strcmp(flow->type, type) != 0)
        return false;
    if (!flow->when)
        return true;
    met = condition_met(flow->when, results, &err);
    if (met < 0)
        log_write(LOG_WARN, NULL, "flow %s, trigger: %s; taken as met",
                  flow->name, err.text);
    return met != 0;
}

/* Which flows take the record, and whom it concerns. */
static void part_route(struct engine *engine, struct accept_part *part,
                       const char *origin)
{
    const struct record_type *type =
        record_types_find(engine->types, part->record.type);
    cJSON *results = cJSON_CreateObject(), *body = NULL;
    cn_json_limits limits = {.flags = CN_JSON_ALLOW_CASE_TWINS};

    if (cn_json_read(part->record.body, &limits, &body, NULL))
        body = cJSON_CreateNull();
    cJSON_AddItemToObject(results, "trigger", body);
    if (type && type->person_pointer)
        part->person =
            memory_text(cn_json_text_at(body, type->person_pointer, ""));
    for (size_t index = 0;
         index < engine->flow_count && part->flow_count < FLOWS_PER_RECORD_MAX;
         index++) {
        if (!flow_wants(engine->flows[index], origin, part->record.type,
                        results))
            continue;
        part->definitions[part->flow_count] =
            definition_hold(engine->flows[index]);
        part->flows[part->flow_count++] = index;
    }
    cJSON_Delete(results);
}

static void part_append(struct engine *engine, struct accept_part *part,
                        const char *origin, struct store_batch *batch,
                        size_t *change_count)
{
    struct store_accept_run runs[FLOWS_PER_RECORD_MAX];
    struct store_accept accept = {
        .origin = origin,
        .type = part->record.type,
        .id = {part->record.id.ptr, part->record.id.len},
        .key = {part->record.key.ptr, part->record.key.len},
        .body = {part->record.body.ptr, part->record.body.len},
        .person = {part->person, part->person ? strlen(part->person) : 0},
        .wall_ms = part->record.time_ms,
        .change = part->record.change,
        .run_count = part->flow_count,
        .runs = runs,
    };

    for (uint32_t at = 0; at < part->flow_count; at++) {
        struct definition *flow = part->definitions[at];
        size_t index = part->flows[at];
        if (!engine->flow_stored[index]) {
            store_batch_flow(
                batch, flow->name, flow->version,
                (struct store_bytes){flow->text, strlen(flow->text)});
            (*change_count)++;
        }
        runs[at] = (struct store_accept_run){
            .flow = flow->name,
            .flow_version = flow->version,
            .key = accept.key,
            .claim = part->wants_claim,
        };
    }
    store_batch_accept(batch, &accept);
    part->change = (*change_count)++;
}

/* The runs that the store made ACTIVE for us enter memory. */
static void part_enter(struct engine *engine, const struct accept_part *part,
                       const char *origin, const struct store_result *result)
{
    for (uint32_t at = 0; at < result->run_count; at++) {
        struct store_work work = {
            .run = result->run + at,
            .flow = part->definitions[at]->name,
            .flow_version = part->definitions[at]->version,
            .origin = origin,
            .type = part->record.type,
            .id = {part->record.id.ptr, part->record.id.len},
            .key = {part->record.key.ptr, part->record.key.len},
            .body = {part->record.body.ptr, part->record.body.len},
            .person = {part->person, part->person ? strlen(part->person) : 0},
            .wall_ms = part->record.time_ms,
            .change = part->record.change,
        };
        if (result->claimed & (1u << at))
            engine_enter(engine, run_create(&engine->world, &work,
                                            part->definitions[at]));
    }
}

static void accept_answered(void *arg, int status,
                            const struct store_result *results,
                            size_t result_count)
{
    struct accepting *accepting = arg;
    struct engine *engine = accepting->engine;
    size_t accepted = 0, duplicates = 0;

    engine->reserved -= accepting->reserved;
    engine->turning++;
    for (size_t index = 0; !status && index < accepting->part_count; index++) {
        const struct accept_part *part = &accepting->parts[index];
        const struct store_result *result = &results[part->change];
        assert(part->change < result_count);
        if (result->decision == STORE_DUPLICATE)
            duplicates++;
        else
            accepted++;
        for (uint32_t at = 0; at < part->flow_count; at++) {
            if (part->flows[at] < engine->flow_count)
                engine->flow_stored[part->flows[at]] = true;
        }
        engine_ready(engine, result->ready_count);
        if (result->run_count)
            engine_gate(engine, "")->maybe = true;
    }
    /* The sender's answer does not wait for the work. */
    accepting->fn(accepting->arg, status, accepted, duplicates);
    for (size_t index = 0; !status && index < accepting->part_count; index++)
        part_enter(engine, &accepting->parts[index], accepting->origin,
                   &results[accepting->parts[index].change]);
    engine->turning--;
    accepting_destroy(accepting);
    engine_turn(engine);
}

static void accept_copy(struct accept_part *part,
                        const struct op_record *record)
{
    part->record.type = memory_text(record->type);
    part->record.id = str_copy(record->id);
    part->record.key = str_copy(record->key);
    part->record.body = str_copy(record->body);
    part->record.time_ms = record->time_ms;
    part->record.change = record->change;
}

static void accept_values(const struct engine_accept *accept,
                          struct store_batch *batch)
{
    for (size_t index = 0; index < accept->value_count; index++)
        store_batch_state(
            batch, accept->origin, accept->values[index].key,
            (struct store_bytes){accept->values[index].value.ptr,
                                 accept->values[index].value.len});
    if (accept->stream)
        store_batch_cursor(
            batch, accept->origin, accept->stream,
            (struct store_bytes){accept->cursor.ptr, accept->cursor.len});
}

int engine_accept(struct engine *engine, const struct engine_accept *accept,
                  engine_accepted_fn *fn, void *arg)
{
    struct accepting *accepting;
    struct store_batch *batch;
    size_t change_count = 0;

    if (engine->stopping || accept->record_count > PARTS_MAX ||
        store_backlog(engine->store) > STORE_QUEUE_MAX / 2)
        return -EAGAIN;
    accepting = memory_zero(1, sizeof(*accepting));
    accepting->engine = engine;
    accepting->origin = memory_text(accept->origin);
    accepting->parts =
        memory_zero(accept->record_count, sizeof(*accepting->parts));
    accepting->part_count = accept->record_count;
    accepting->fn = fn;
    accepting->arg = arg;
    batch = store_batch_create();
    for (size_t index = 0; index < accept->record_count; index++) {
        struct accept_part *part = &accepting->parts[index];
        accept_copy(part, &accept->records[index]);
        part_route(engine, part, accept->origin);
        part->wants_claim =
            engine->run_count + engine->reserved + part->flow_count <=
            engine->runs_active_max;
        if (part->wants_claim) {
            accepting->reserved += part->flow_count;
            engine->reserved += part->flow_count;
        }
        part_append(engine, part, accept->origin, batch, &change_count);
    }
    accept_values(accept, batch);
    if (store_commit(engine->store, batch, accept_answered, accepting)) {
        engine->reserved -= accepting->reserved;
        store_batch_destroy(batch);
        accepting_destroy(accepting);
        return -EAGAIN;
    }
    return 0;
}

/* ---- Single commits for others ---------------------------------------------
 */

struct asking {
    struct engine *engine;
    engine_accepted_fn *accepted;
    engine_acted_fn *acted;
    void *arg;
};

static void asking_answered(void *arg, int status,
                            const struct store_result *results,
                            size_t result_count)
{
    struct asking *asking = arg;
    struct engine *engine = asking->engine;

    for (size_t index = 0; index < result_count; index++) {
        engine_ready(engine, results[index].ready_count);
        if (!status && results[index].decision == STORE_REFUSED)
            status = -EPERM;
    }
    if (asking->accepted)
        asking->accepted(asking->arg, status, 0, 0);
    else
        asking->acted(asking->arg, status);
    free(asking);
    engine_turn(engine);
}

static int engine_ask(struct engine *engine, struct store_batch *batch,
                      engine_accepted_fn *accepted, engine_acted_fn *acted,
                      void *arg)
{
    struct asking *asking = memory_zero(1, sizeof(*asking));

    asking->engine = engine;
    asking->accepted = accepted;
    asking->acted = acted;
    asking->arg = arg;
    if (!store_commit(engine->store, batch, asking_answered, asking))
        return 0;
    store_batch_destroy(batch);
    free(asking);
    return -EAGAIN;
}

int engine_quarantine(struct engine *engine, const char *instance,
                      const char *reason, cn_str content,
                      engine_accepted_fn *fn, void *arg)
{
    struct store_batch *batch;
    struct store_quarantine quarantine = {
        .instance = instance,
        .reason = reason,
        .content = {content.ptr, content.len},
    };

    if (engine->stopping || store_backlog(engine->store) > STORE_QUEUE_MAX / 2)
        return -EAGAIN;
    batch = store_batch_create();
    store_batch_quarantine(batch, &quarantine);
    return engine_ask(engine, batch, fn, NULL, arg);
}

int engine_act(struct engine *engine, const char *actor, enum store_act act,
               uint64_t run, const char *reason, engine_acted_fn *fn, void *arg)
{
    struct store_batch *batch = store_batch_create();

    store_batch_act(batch, actor, act, run, reason);
    return engine_ask(engine, batch, NULL, fn, arg);
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
    engine->world.store = options->store;
    engine->world.ports = options->ports;
    engine->world.limits = options->limits;
    engine->world.gate = engine_gate;
    engine->world.left = engine_left;
    engine->world.gate_changed = engine_gate_changed;
    engine->world.arg = engine;
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
        run_destroy(run);
    }
    LL_FOREACH_SAFE(engine->gates, gate, next_gate)
    {
        free(gate->name);
        free(gate);
    }
    LL_FOREACH_SAFE(engine->lost, lost, next_lost)
    {
        free(lost);
    }
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
    engine->world.draining = true;
    engine->stopped = stopped;
    engine->stopped_arg = arg;
    engine->turning++;
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
    ret_info->waiting = gate->waiter_count;
    ret_info->rests_ms =
        gate_rests(gate, now_ms) ? gate->rest_until - now_ms : 0;
    ret_info->reason = gate->reason;
    return true;
}

size_t engine_active_count(const struct engine *engine)
{
    return engine->run_count;
}
