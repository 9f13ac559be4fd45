/* engine_flows.c - which flows there are, and their older versions.
 *
 * A run keeps the version it began with; those are kept compiled as long as
 * there is room and come from the store after that.  Called on the loop thread.
 */
#include "flow/engine_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"

/* ---- Flows --------------------------------------------------------------- */

struct definition *engine_version(struct engine *engine, const char *name,
                                  const char *version)
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

/* Takes the reference. */
static void engine_keep_version(struct engine *engine,
                                struct definition *definition)
{
    if (engine->version_count == ENGINE_VERSIONS_MAX) {
        definition_release(engine->versions[0]);
        engine->version_count--;
        memmove(&engine->versions[0], &engine->versions[1],
                engine->version_count * sizeof(engine->versions[0]));
    }
    engine->versions[engine->version_count++] = definition;
}

struct version_fetch {
    struct engine *engine;
    char *name, *version;
    engine_version_fn *fn;
    void *arg;
};

static int version_compile(struct version_fetch *fetch,
                           const struct store_rows *rows,
                           struct definition **ret_definition)
{
    struct error err = {"the store does not have it"};

    if (rows->value_count &&
        !definition_create(fetch->name, rows->values[0].value.ptr,
                           rows->values[0].value.len, NULL,
                           fetch->engine->types, ret_definition, &err))
        return 0;
    log_write(LOG_ERROR, NULL, "flow %s, version %.12s: %s", fetch->name,
              fetch->version, err.text);
    return -ENOENT;
}

static void version_read(void *arg, int status, const struct store_rows *rows)
{
    struct version_fetch *fetch = arg;
    struct engine *engine = fetch->engine;
    struct definition *definition =
        engine_version(engine, fetch->name, fetch->version);

    if (definition) {
        status = 0; /* another one was first */
    } else if (!status) {
        status = version_compile(fetch, rows, &definition);
        if (!status)
            engine_keep_version(engine, definition);
    }
    fetch->fn(fetch->arg, status, definition);
    free(fetch->name);
    free(fetch->version);
    free(fetch);
}

void engine_fetch_version(struct engine *engine, const char *name,
                          const char *version, engine_version_fn *fn, void *arg)
{
    struct version_fetch *fetch = memory_zero(1, sizeof(*fetch));
    struct store_query query = {.kind = STORE_QUERY_FLOW};

    fetch->engine = engine;
    fetch->name = memory_text(name);
    fetch->version = memory_text(version);
    fetch->fn = fn;
    fetch->arg = arg;
    query.flow = fetch->name;
    query.version = fetch->version;
    if (store_query(engine->store, &query, version_read, fetch))
        version_read(fetch, -EAGAIN, NULL);
}

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

/* Accepting stores the text with the first event if this did not. */
static void flow_kept(void *arg, int status, uint64_t made_run)
{
    (void)arg;
    (void)status;
    (void)made_run;
}

static void engine_store_flow(struct engine *engine,
                              const struct definition *definition)
{
    struct store_batch *batch = store_batch_create();
    struct store_bytes text = {definition->text, strlen(definition->text)};
    char cause[ENGINE_CAUSE_MAX];

    store_batch_flow(batch, definition->name, definition->version, text);
    engine_untaken_cause(definition->instance, definition->type, cause);
    store_batch_alert_clear(batch, cause);
    (void)!engine_ask(engine, batch, NULL, flow_kept, NULL);
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
    engine_store_flow(engine, definition);
    return 0;
}

const struct definition *engine_flow_at(const struct engine *engine,
                                        size_t index)
{
    return index < engine->flow_count ? engine->flows[index] : NULL;
}
