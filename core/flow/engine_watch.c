/* engine_watch.c - what people must hear of although nothing happens: doubts
 * that last, and instances that runs or streams wait for: not configured, given
 * up, or without an answer for minutes.
 *
 * One idea: who waits is looked up in the store from time to time and not
 * counted in memory, because the runs concerned rest in the store, for as long
 * as an outage lasts and over restarts.  Called on the loop thread. */
#include "flow/engine_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/memory.h"
#include "flow/run_gate.h"

enum {
    WATCH_MS = 15000,               /* between looks */
    DOUBT_ALERT_MS = 5 * 60 * 1000, /* people hear of a doubt this old */
    AWAY_ALERT_MS = 5 * 60 * 1000,  /* and of an instance away for so long */
    DOUBTS_MAX = 100                /* of one look; the rest with the next */
};

#define MISSING_PREFIX "instance:"

struct missing { /* an instance that is waited for in vain */
    char *instance;
    int64_t since_ms; /* when that was seen first */
    bool told;        /* its alert stands */
    bool waits;       /* somebody waits for it still */
    struct missing *next;
};

/* ---- Doubts ----------------------------------------------------------------
 */

static void watch_stored(void *arg, int status,
                         const struct store_result *results,
                         size_t result_count)
{
    (void)results;
    (void)result_count;
    engine_note(arg, status); /* what is not stored is found again */
}

static void watch_commit(struct engine *engine, struct store_batch *batch)
{
    if (store_commit(engine->store, batch, watch_stored, engine))
        store_batch_destroy(batch);
}

static void doubts_read(void *arg, int status, const struct store_rows *rows)
{
    struct engine *engine = arg;
    struct store_batch *batch;

    engine->watching = false;
    if (status || !rows->doubt_count)
        return;
    batch = store_batch_create();
    for (size_t index = 0; index < rows->doubt_count; index++)
        store_batch_alert_doubt(
            batch, rows->doubts[index],
            "It is not known whether a delivery took effect, and the other "
            "system could not be asked or does not say. It is asked again; "
            "nothing is sent twice.");
    watch_commit(engine, batch);
}

/* ---- Instances that are not there ------------------------------------------
 */

bool engine_knows(const struct engine *engine, const char *instance)
{
    return !engine->ports.op_known ||
           engine->ports.op_known(engine->ports.arg, instance);
}

static struct missing *missing_find(struct engine *engine, const char *instance)
{
    struct missing *missing;

    LL_FOREACH(engine->missing, missing)
    {
        if (!strcmp(missing->instance, instance))
            return missing;
    }
    return NULL;
}

static struct missing *missing_add(struct engine *engine, const char *instance)
{
    struct missing *missing = memory_zero(1, sizeof(*missing));

    missing->instance = memory_text(instance);
    missing->since_ms = engine_now(engine);
    LL_PREPEND(engine->missing, missing);
    return missing;
}

static void missing_free(struct engine *engine, struct missing *missing)
{
    LL_DELETE(engine->missing, missing);
    free(missing->instance);
    free(missing);
}

bool engine_misses(struct engine *engine, const char *instance)
{
    return missing_find(engine, instance) != NULL;
}

void engine_free_missing(struct engine *engine)
{
    while (engine->missing)
        missing_free(engine, engine->missing);
}

/* Alerts of a daemon before this one. */
static void alerts_read(void *arg, int status, const struct store_rows *rows)
{
    struct engine *engine = arg;
    size_t len = strlen(MISSING_PREFIX);

    engine->watching = false;
    if (status)
        return;
    engine->missing_known = true;
    for (size_t index = 0; index < rows->alert_count; index++) {
        const char *cause = rows->alerts[index].cause;
        if (!strncmp(cause, MISSING_PREFIX, len) &&
            !missing_find(engine, cause + len))
            missing_add(engine, cause + len)->told = true;
    }
    engine_look_soon(engine);
}

static void missing_cause(const char *instance, char cause[160])
{
    snprintf(cause, 160, MISSING_PREFIX "%s", instance);
}

enum absence { /* of an instance */
               ABSENCE_NONE,
               ABSENCE_UNKNOWN,
               ABSENCE_DOWN,
               ABSENCE_SILENT
};

/* Refused credentials have an alert of their own. */
static enum absence missing_why(const struct engine *engine,
                                const struct gate *gate)
{
    if (!engine_knows(engine, gate->name))
        return ABSENCE_UNKNOWN;
    if (!gate->room)
        return ABSENCE_DOWN;
    if (gate->broken && gate->reason != run_gate_refusal)
        return ABSENCE_SILENT;
    return ABSENCE_NONE;
}

static void missing_raise(struct store_batch *batch, struct missing *missing,
                          enum absence why)
{
    static const char *const texts[] = {
        [ABSENCE_UNKNOWN] =
            "Runs wait for an instance that is not configured. Put it back "
            "into the configuration and reload, or discard the runs.",
        [ABSENCE_DOWN] =
            "Runs or streams wait for an instance that does not run. The log "
            "and connectctl doctor say why; mend that, then reload.",
        [ABSENCE_SILENT] =
            "Runs or streams wait for an instance whose other system has not "
            "answered for minutes, or asks to be left alone. It is asked again "
            "by itself."};
    char cause[160];

    missing->told = true;
    missing_cause(missing->instance, cause);
    store_batch_alert(batch, cause, texts[why]);
}

static void missing_end(struct engine *engine, struct store_batch *batch,
                        struct missing *missing)
{
    char cause[160];

    missing_cause(missing->instance, cause);
    store_batch_alert_clear(batch, cause);
    missing_free(engine, missing);
}

static bool rows_have(const struct store_rows *rows, const char *queue)
{
    for (size_t index = 0; index < rows->ready_count; index++) {
        if (!strcmp(rows->ready[index].queue, queue))
            return true;
    }
    return false;
}

/* Somebody waits for what is behind the gate, in vain.  One that went to see is
 * out of its queue and waits all the same. */
static void missing_look(struct engine *engine, struct gate *gate, bool runs,
                         struct store_batch **batch)
{
    enum absence why = missing_why(engine, gate);
    struct missing *missing = missing_find(engine, gate->name);
    bool out = gate->open || gate->line.count || gate->claiming;
    bool waits = runs || (missing && out);

    if (why != ABSENCE_UNKNOWN) /* the streams of one taken away end */
        waits = waits || engine_polls(engine, gate->name);
    if (why == ABSENCE_NONE || !waits)
        return;
    if (!missing)
        missing = missing_add(engine, gate->name);
    missing->waits = true;
    if (missing->told ||
        (why != ABSENCE_UNKNOWN &&
         engine_now(engine) - missing->since_ms < AWAY_ALERT_MS))
        return;
    *batch = *batch ? *batch : store_batch_create();
    missing_raise(*batch, missing, why);
}

void engine_watch_queues(struct engine *engine, const struct store_rows *rows)
{
    struct store_batch *batch = NULL;
    struct missing *missing, *next;
    struct gate *gate;

    if (!engine->missing_known)
        return;
    LL_FOREACH(engine->missing, missing)
    {
        missing->waits = false;
    }
    for (size_t index = 0; index < rows->ready_count; index++)
        (void)engine_gate(engine, rows->ready[index].queue);
    LL_FOREACH(engine->gates, gate)
    {
        if (*gate->name)
            missing_look(engine, gate, rows_have(rows, gate->name), &batch);
    }
    LL_FOREACH_SAFE(engine->missing, missing, next)
    {
        if (missing->waits)
            continue;
        if (missing->told) {
            batch = batch ? batch : store_batch_create();
            missing_end(engine, batch, missing);
        } else {
            missing_free(engine, missing);
        }
    }
    if (batch)
        watch_commit(engine, batch);
}

const char *engine_wait_reason(const struct engine *engine, const char *queue)
{
    const struct gate *gate;

    if (!queue || !*queue)
        return NULL;
    if (!engine_knows(engine, queue))
        return "no instance of this name is configured";
    LL_FOREACH(engine->gates, gate)
    {
        if (strcmp(gate->name, queue) != 0)
            continue;
        if (!gate->room)
            return "the instance does not run";
        return gate_rests(gate, engine_now(engine)) ? gate->reason : NULL;
    }
    return NULL;
}

/* ---- The look --------------------------------------------------------------
 */

void engine_watch(struct engine *engine, int64_t now_ms)
{
    struct store_query doubts = {.kind = STORE_QUERY_DOUBTS,
                                 .doubt_age_ms = DOUBT_ALERT_MS,
                                 .limit = DOUBTS_MAX};
    struct store_query alerts = {.kind = STORE_QUERY_ALERTS, .limit = 1000};
    bool known = engine->missing_known;

    if (engine->watching || now_ms < engine->watch_at)
        return;
    engine->watch_at = now_ms + WATCH_MS;
    engine->watching = !store_query(engine->store, known ? &doubts : &alerts,
                                    known ? doubts_read : alerts_read, engine);
}
