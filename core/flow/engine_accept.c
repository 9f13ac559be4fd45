/* engine_accept.c - records in: routed, stored with their runs in one
 * transaction, and only then answered.
 *
 * One idea: the answer to the sender is the callback of the commit.  The runs
 * that the store claimed for us in that transaction begin after it.  Called on
 * the loop thread. */
#include "flow/engine_state.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/seeded.h"
#include "flow/run_gate.h"

enum {
    FLOWS_PER_RECORD_MAX = ENGINE_FLOWS_PER_RECORD_MAX,
    PARTS_MAX = 1024 /* records of one accept */
};

/* ---- Accepting ----------------------------------------------------------- */

struct accept_part {         /* one record of an accept */
    struct op_record record; /* owned copies */
    char *person;
    size_t flows[FLOWS_PER_RECORD_MAX];
    struct definition *definitions[FLOWS_PER_RECORD_MAX]; /* held */
    uint32_t flow_count;
    size_t change; /* its place in the results */
    bool wants_claim;
    bool polled; /* it did not come by webhook */
    bool taken;  /* a flow asks for such records, perhaps not for this one */
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

static bool flow_takes(const struct definition *flow, const char *origin,
                       const char *type)
{
    return !strcmp(flow->instance, origin) && !strcmp(flow->type, type);
}

static bool flow_wants(const struct definition *flow, const cJSON *results)
{
    struct error err = {""};
    int met;

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
    for (size_t index = 0; index < engine->flow_count; index++) {
        if (!flow_takes(engine->flows[index], origin, part->record.type))
            continue;
        part->taken = true;
        if (!flow_wants(engine->flows[index], results))
            continue;
        if (part->flow_count == FLOWS_PER_RECORD_MAX) {
            log_write(LOG_ERROR, NULL,
                      "more than %d flows take one record: flow %s does not "
                      "run for it",
                      FLOWS_PER_RECORD_MAX, engine->flows[index]->name);
            continue;
        }
        part->definitions[part->flow_count] =
            definition_hold(engine->flows[index]);
        part->flows[part->flow_count++] = index;
    }
    cJSON_Delete(results);
}

/* What people wait for comes by webhook; a poll fetches what lay there. */
static int32_t part_priority(const struct definition *flow, bool polled)
{
    if (flow->priority != FLOW_PRIORITY_UNSAID)
        return flow->priority;
    return polled ? FLOW_BULK : FLOW_INTERACTIVE;
}

static void part_append(struct engine *engine, struct accept_part *part,
                        const struct engine_accept *from,
                        struct store_batch *batch, size_t *change_count)
{
    struct store_accept_run runs[FLOWS_PER_RECORD_MAX];
    char untaken[ERROR_TEXT_MAX];
    struct store_accept accept = {
        .origin = from->origin,
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

    if (!part->taken) {
        snprintf(
            untaken, sizeof(untaken),
            "no flow takes %s of %s: put it back, reload, then replay this",
            part->record.type, from->origin);
        accept.untaken = untaken;
        accept.content =
            (struct store_bytes){from->content.ptr, from->content.len};
    }
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
            .newer = flow->newer == FLOW_NEWER_OVERTAKES ? STORE_NEWER_OVERTAKES
                                                         : STORE_NEWER_WAITS,
            .priority = part_priority(flow, from->stream != NULL),
        };
    }
    part->polled = from->stream != NULL;
    store_batch_accept(batch, &accept);
    part->change = (*change_count)++;
}

/* The runs that the store made ACTIVE for us enter memory. */
static void part_enter(struct engine *engine, const struct accept_part *part,
                       const char *origin, const struct store_result *result)
{
    /* The runs of a duplicate are those of then, when other flows took it. */
    if (result->decision == STORE_DUPLICATE)
        return;
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
            .priority = part_priority(part->definitions[at], part->polled),
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

    engine_note(engine, status);
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
            size_t flow = part->flows[at]; /* a reload may have moved it */
            if (flow < engine->flow_count &&
                engine->flows[flow] == part->definitions[at])
                engine->flow_stored[flow] = true;
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

void engine_untaken_cause(const char *instance, const char *type,
                          char cause[ENGINE_CAUSE_MAX])
{
    snprintf(cause, ENGINE_CAUSE_MAX, "untaken:%.100s:%.100s", instance, type);
}

/* One row for each instance and type; its count is the number of records. */
static void untaken_alert(const struct accepting *accepting,
                          struct store_batch *batch)
{
    char cause[ENGINE_CAUSE_MAX];

    for (size_t index = 0; index < accepting->part_count; index++) {
        const struct accept_part *part = &accepting->parts[index];
        if (part->taken)
            continue;
        engine_untaken_cause(accepting->origin, part->record.type, cause);
        store_batch_alert(batch, cause,
                          "Records arrive that no flow takes. Put their flow "
                          "back and reload, then replay what is in quarantine; "
                          "a stream is read on from there by itself.");
    }
}

static bool untaken_any(const struct accepting *accepting)
{
    for (size_t index = 0; index < accepting->part_count; index++) {
        if (!accepting->parts[index].taken)
            return true;
    }
    return false;
}

static void untaken_told(void *arg, int status, uint64_t made_run)
{
    (void)arg;
    (void)status; /* told again when it comes again */
    (void)made_run;
}

/* In the transaction of the page, so that it is said for certain. */
static void accept_gap(const struct engine_accept *accept,
                       struct store_batch *batch)
{
    char cause[256];

    if (!accept->gap || !accept->stream)
        return;
    snprintf(cause, sizeof(cause), "gap:%.100s:%.100s", accept->origin,
             accept->stream);
    store_batch_alert_news(batch, cause,
                           "The source says that records of this stream are "
                           "gone which were never read. Compare it with what "
                           "was made of it since, and enter what is missing by "
                           "hand.");
}

/* A page is stored: the stream is read again. */
static void accept_mended(struct engine *engine,
                          const struct engine_accept *accept,
                          struct store_batch *batch)
{
    char cause[ENGINE_CAUSE_MAX];

    if (accept->trusted)
        run_gate_trusted(engine_gate(engine, accept->origin), batch);
    if (!accept->mended || !accept->stream)
        return;
    engine_source_cause(accept->origin, accept->stream, cause);
    store_batch_alert_clear(batch, cause);
}

static void accept_values(struct engine *engine,
                          const struct engine_accept *accept,
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
    accept_mended(engine, accept, batch);
    accept_gap(accept, batch);
    if (accept->quarantine)
        store_batch_quarantine_end(batch, accept->actor, accept->quarantine,
                                   "replayed", NULL);
}

/* For the seeded mistake: the sender has its answer. */
static void accept_answered_already(void *arg, int status, size_t accepted,
                                    size_t duplicates)
{
    (void)arg;
    (void)status;
    (void)accepted;
    (void)duplicates;
}

static struct accepting *accepting_create(struct engine *engine,
                                          const struct engine_accept *accept,
                                          engine_accepted_fn *fn, void *arg)
{
    struct accepting *accepting = memory_zero(1, sizeof(*accepting));

    accepting->engine = engine;
    accepting->origin = memory_text(accept->origin);
    accepting->parts =
        memory_zero(accept->record_count, sizeof(*accepting->parts));
    accepting->part_count = accept->record_count;
    accepting->fn = fn;
    accepting->arg = arg;
    for (size_t index = 0; index < accept->record_count; index++) {
        accept_copy(&accepting->parts[index], &accept->records[index]);
        part_route(engine, &accepting->parts[index], accept->origin);
    }
    return accepting;
}

/* Nobody takes it, and it cannot be kept as it came: it is not accepted. */
static int untaken_refuse(struct accepting *accepting)
{
    struct store_batch *batch = store_batch_create();

    untaken_alert(accepting, batch);
    (void)!engine_ask(accepting->engine, batch, NULL, untaken_told, NULL);
    accepting_destroy(accepting);
    return -ENOENT;
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
    accepting = accepting_create(engine, accept, fn, arg);
    if (untaken_any(accepting) && !accept->content.len)
        return untaken_refuse(accepting);
    batch = store_batch_create();
    for (size_t index = 0; index < accept->record_count; index++) {
        struct accept_part *part = &accepting->parts[index];
        part->wants_claim =
            engine->run_count + engine->reserved + part->flow_count <=
            engine->runs_active_max;
        if (part->wants_claim) {
            accepting->reserved += part->flow_count;
            engine->reserved += part->flow_count;
        }
        part_append(engine, part, accept, batch, &change_count);
    }
    accept_values(engine, accept, batch);
    untaken_alert(accepting, batch);
    if (store_commit(engine->store, batch, accept_answered, accepting)) {
        engine->reserved -= accepting->reserved;
        store_batch_destroy(batch);
        accepting_destroy(accepting);
        return -EAGAIN;
    }
    if (seeded_bug("F08")) { /* answered before it is stored */
        accepting->fn = accept_answered_already;
        fn(arg, 0, accept->record_count, 0);
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
        asking->acted(asking->arg, status, 0);
    free(asking);
    engine_turn(engine);
}

int engine_ask(struct engine *engine, struct store_batch *batch,
               engine_accepted_fn *accepted, engine_acted_fn *acted, void *arg)
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
