/* engine_acts.c - what people do to runs.
 *
 * One idea: an act is one transaction of the store, which decides whether the
 * state of the run allows it; the engine only passes it on and looks what
 * became ready by it.  A run that is in memory is ACTIVE and refuses, so no act
 * can differ from what memory holds.  Called on the loop thread. */
#include "flow/engine_state.h"

#include <errno.h>
#include <stdlib.h>

#include "base/memory.h"

struct acting {
    struct engine *engine;
    engine_acted_fn *acted; /* for one run */
    engine_acts_fn *acts;   /* for many */
    void *arg;
    bool makes; /* a run */
    bool ends;  /* the runs */
    uint64_t runs[];
};

static void acting_answer(struct acting *acting, int status,
                          const struct store_result *results, size_t count)
{
    uint64_t *refused = memory_zero(count ? count : 1, sizeof(*refused));
    size_t refused_count = 0;

    for (size_t index = 0; index < count; index++) {
        if (results[index].decision == STORE_REFUSED)
            refused[refused_count++] = acting->runs[index];
    }
    acting->acts(acting->arg, status, count - refused_count, refused,
                 refused_count);
    free(refused);
}

static void acting_answered(void *arg, int status,
                            const struct store_result *results,
                            size_t result_count)
{
    struct acting *acting = arg;
    struct engine *engine = acting->engine;

    engine_note(engine, status);
    for (size_t index = 0; index < result_count; index++)
        engine_ready(engine, results[index].ready_count);
    for (size_t index = 0; acting->ends && index < result_count; index++) {
        if (results[index].decision != STORE_REFUSED)
            engine_forget(engine, acting->runs[index]);
    }
    if (acting->acts) {
        acting_answer(acting, status, results, status ? 0 : result_count);
    } else {
        if (!status && results[0].decision == STORE_REFUSED)
            status = -EPERM;
        acting->acted(acting->arg, status,
                      !status && acting->makes ? results[0].run : 0);
    }
    free(acting);
    engine_turn(engine);
}

static int acting_commit(struct engine *engine, struct store_batch *batch,
                         struct acting *acting)
{
    acting->engine = engine;
    if (!store_commit(engine->store, batch, acting_answered, acting))
        return 0;
    store_batch_destroy(batch);
    free(acting);
    return -EAGAIN;
}

int engine_act(struct engine *engine, const char *actor, enum store_act act,
               uint64_t run, const char *reason, engine_acted_fn *fn, void *arg)
{
    struct acting *acting =
        memory_zero(1, sizeof(*acting) + sizeof(acting->runs[0]));
    struct store_batch *batch = store_batch_create();

    store_batch_act(batch, actor, act, run, reason);
    acting->runs[0] = run;
    acting->ends = act == STORE_DISCARD;
    acting->acted = fn;
    acting->arg = arg;
    acting->makes = act == STORE_REPLAY;
    return acting_commit(engine, batch, acting);
}

int engine_acts(struct engine *engine, const char *actor, enum store_act act,
                const uint64_t *runs, size_t count, const char *reason,
                engine_acts_fn *fn, void *arg)
{
    struct acting *acting;
    struct store_batch *batch;

    if (!count || count > ENGINE_ACTS_MAX)
        return -EINVAL;
    acting = memory_zero(1, sizeof(*acting) + count * sizeof(acting->runs[0]));
    batch = store_batch_create();
    acting->acts = fn;
    acting->ends = act == STORE_DISCARD;
    acting->arg = arg;
    for (size_t index = 0; index < count; index++) {
        acting->runs[index] = runs[index];
        store_batch_act(batch, actor, act, runs[index], reason);
    }
    return acting_commit(engine, batch, acting);
}
