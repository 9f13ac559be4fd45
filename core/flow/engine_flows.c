/* engine_flows.c - which flows there are, and their older versions.
 *
 * A run keeps the version it began with; those are kept compiled as long as
 * there is room and come from the store after that.  Called on the loop thread.
 */
#include "flow/engine_state.h"

#include <string.h>

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

void engine_keep_version(struct engine *engine, struct definition *definition)
{
    if (engine->version_count == ENGINE_VERSIONS_MAX) {
        definition_release(engine->versions[0]);
        engine->version_count--;
        memmove(&engine->versions[0], &engine->versions[1],
                engine->version_count * sizeof(engine->versions[0]));
    }
    engine->versions[engine->version_count++] = definition;
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

    store_batch_flow(batch, definition->name, definition->version, text);
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
