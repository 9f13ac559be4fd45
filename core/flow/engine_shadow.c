/* engine_shadow.c - what a run would do, shown without doing it.
 *
 * One idea: a shadow is a run of its own world, in which leaving memory is the
 * answer to whoever asked and nothing is committed.  It begins from what the
 * store has of the run now, so it can be asked of any run, also of one that is
 * active or done.
 *
 * What must hold: fn is called exactly once for every shadow that began, unless
 * the engine is destroyed before; a shadow ends by itself.  Called on the loop
 * thread. */
#include "flow/engine_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/memory.h"
#include "flow/run_shadow.h"

enum {
    SHADOW_MAX_MS = 120000 /* then it begins nothing more: a flow may ask a
                            * thousand times */
};

struct engine_shadow {
    struct run_shadow shadow; /* first: a run points here */
    struct engine *engine;
    struct run *run; /* NULL: it is being read */
    uint64_t number;
    enum engine_shadow_version version;
    bool fetched;
    engine_shadow_fn *fn;
    void *arg;
    struct engine_shadow *prev, *next;
};

static void shadow_free(struct engine_shadow *shadow)
{
    DL_DELETE(shadow->engine->shadows, shadow);
    shadow->engine->shadow_count--;
    run_destroy(shadow->run);
    run_shadow_free(&shadow->shadow);
    free(shadow);
}

static void shadow_end(struct engine_shadow *shadow, int status,
                       const cJSON *result, const char *text)
{
    struct engine *engine = shadow->engine;
    engine_shadow_fn *fn = shadow->fn;
    void *arg = shadow->arg;
    struct error err = {""};

    if (status)
        error_set(&err, "%s", text);
    shadow_free(shadow);
    fn(arg, status, result, &err);
    engine_turn(engine);
}

void engine_shadow_left(void *arg, struct run *run, int status,
                        uint32_t ready_count)
{
    struct engine_shadow *shadow = (struct engine_shadow *)run->shadow;
    cJSON *result;

    (void)arg;
    (void)status;
    (void)ready_count;
    if (run->world->draining) {
        shadow_end(shadow, -ESHUTDOWN, NULL, "connectd stops");
        return;
    }
    result = run_shadow_result(run);
    shadow_end(shadow, 0, result, NULL);
    cJSON_Delete(result);
}

/* ---- Beginning ------------------------------------------------------------
 */

static struct definition *shadow_definition(const struct engine_shadow *shadow,
                                            const struct store_work *work)
{
    struct engine *engine = shadow->engine;

    if (shadow->version == ENGINE_SHADOW_AS_WAS)
        return engine_version(engine, work->flow, work->flow_version);
    for (size_t index = 0; index < engine->flow_count; index++) {
        if (!strcmp(engine->flows[index]->name, work->flow))
            return engine->flows[index];
    }
    return NULL;
}

static void shadow_begin(struct engine_shadow *shadow,
                         const struct store_work *stored,
                         struct definition *definition)
{
    struct engine *engine = shadow->engine;
    struct store_work work = *stored;

    if (shadow->version == ENGINE_SHADOW_AS_NOW)
        work.step_count = work.delivery_count = 0;
    shadow->shadow.deliveries = cJSON_CreateArray();
    shadow->shadow.until_ms = engine_now(engine) + SHADOW_MAX_MS;
    shadow->run = run_create(&engine->shadow_world, &work, definition);
    shadow->run->shadow = &shadow->shadow;
    run_advance(shadow->run);
}

static void shadow_ask(struct engine_shadow *shadow);

/* The version it began with is there; now the run is read again. */
static void shadow_fetched(void *arg, int status, struct definition *definition)
{
    struct engine_shadow *shadow = arg;

    (void)definition;
    shadow->fetched = true;
    if (status)
        shadow_end(shadow, status == -ENOENT ? -ENOTSUP : status, NULL,
                   status == -ENOENT ? "the version of the flow it began with "
                                       "cannot be used any more"
                                     : "the flow cannot be read");
    else
        shadow_ask(shadow);
}

static void shadow_read(void *arg, int status, const struct store_rows *rows)
{
    struct engine_shadow *shadow = arg;
    struct definition *definition;

    if (status || shadow->engine->stopping) {
        shadow_end(shadow, status ? status : -ESHUTDOWN, NULL,
                   "the run cannot be read");
        return;
    }
    if (!rows->work) {
        shadow_end(shadow, -ENOENT, NULL, "there is no such run");
        return;
    }
    definition = shadow_definition(shadow, rows->work);
    if (definition)
        shadow_begin(shadow, rows->work, definition);
    else if (shadow->version == ENGINE_SHADOW_AS_WAS && !shadow->fetched)
        engine_fetch_version(shadow->engine, rows->work->flow,
                             rows->work->flow_version, shadow_fetched, shadow);
    else
        shadow_end(shadow, -ENOTSUP, NULL,
                   "its flow is not among those of today");
}

static void shadow_ask(struct engine_shadow *shadow)
{
    struct store_query query = {.kind = STORE_QUERY_RUN, .run = shadow->number};
    int status =
        store_query(shadow->engine->store, &query, shadow_read, shadow);

    if (status)
        shadow_end(shadow, status, NULL, "the run cannot be read");
}

int engine_shadow(struct engine *engine, uint64_t run,
                  enum engine_shadow_version version, engine_shadow_fn *fn,
                  void *arg)
{
    struct store_query query = {.kind = STORE_QUERY_RUN, .run = run};
    struct engine_shadow *shadow;
    int status;

    if (engine->stopping || engine->shadow_count >= ENGINE_SHADOWS_MAX)
        return -EAGAIN;
    shadow = memory_zero(1, sizeof(*shadow));
    shadow->engine = engine;
    shadow->number = run;
    shadow->version = version;
    shadow->fn = fn;
    shadow->arg = arg;
    status = store_query(engine->store, &query, shadow_read, shadow);
    if (status) {
        free(shadow);
        return status;
    }
    DL_APPEND(engine->shadows, shadow);
    engine->shadow_count++;
    return 0;
}

/* ---- Waiting ---------------------------------------------------------------
 */

void engine_serve_shadows(struct engine *engine)
{
    int64_t now_ms = engine_now(engine);
    struct engine_shadow *shadow = engine->shadows;

    /* One that goes on may end, and others begin by its answer. */
    while (shadow) {
        if (shadow->run && run_shadow_wakes(shadow->run, now_ms)) {
            run_advance(shadow->run);
            shadow = engine->shadows;
        } else {
            shadow = shadow->next;
        }
    }
}

int64_t engine_shadows_due(const struct engine *engine)
{
    const struct engine_shadow *shadow;
    int64_t due_ms = 0;

    DL_FOREACH(engine->shadows, shadow)
    {
        const struct run_shadow *waiting = &shadow->shadow;
        if (waiting->waits && (!due_ms || waiting->waits_until_ms < due_ms))
            due_ms = waiting->waits_until_ms;
    }
    return due_ms;
}

/* Those that wait are told by the next turn. */
void engine_stop_shadows(struct engine *engine)
{
    struct engine_shadow *shadow;

    DL_FOREACH(engine->shadows, shadow)
    {
        if (shadow->run && shadow->run->gate)
            engine->ports.op_cancel(engine->ports.arg, shadow->run->op);
    }
}

void engine_free_shadows(struct engine *engine)
{
    while (engine->shadows)
        shadow_free(engine->shadows);
}
