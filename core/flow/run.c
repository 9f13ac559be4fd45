/* run.c - walks one run through its flow.
 *
 * One idea: the walk is a pure function of the results that are stored, so a
 * crash at any point is answered by walking again.  After every return of
 * run_advance the run is in one phase and something will bring it on: a slot,
 * an operation's end, a commit's answer.  Results of steps are references in
 * one object, which is what paths of conditions and mappings look at.  What the
 * kinds of steps do stands in run_call.c, run_delivery.c and run_native.c.
 * Called on the loop thread only. */
#include "flow/run.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <connect/json.h>

#include "base/memory.h"
#include "flow/run_call.h"
#include "flow/run_delivery.h"
#include "flow/run_native.h"
#include "flow/run_state.h"

enum {
    MAP_ITEMS_MAX = 1000, /* an order of more lines is no order */
    STEP_DEPTH_MAX = 16   /* switch and map inside each other */
};

static enum walk walk_steps(struct walker *walker,
                            const struct flow_steps *steps, const char *prefix,
                            const cJSON **ret_last);

static void results_set(cJSON *results, const char *name, const cJSON *value)
{
    cJSON *item = (cJSON *)(uintptr_t)value; /* a reference, never changed */

    cJSON_DeleteItemFromObjectCaseSensitive(results, name);
    if (item)
        cJSON_AddItemReferenceToObject(results, name, item);
}

/* What one element made is none of the next one's: a case that is not taken
 * there leaves nothing behind. */
static void results_forget(cJSON *results, const struct flow_steps *steps)
{
    for (size_t index = 0; index < steps->count; index++) {
        const struct flow_step *step = &steps->steps[index];
        results_set(results, step->name, NULL);
        for (size_t at = 0; at < step->case_count; at++)
            results_forget(results, &step->cases[at].steps);
    }
}

static enum walk walk_map(struct walker *walker, const struct flow_step *step,
                          const char *path)
{
    struct run *run = walker->run;
    const cJSON *list = cn_json_pointer(walker->results, step->over);
    cJSON *collected = cJSON_CreateArray();
    char prefix[STORE_PATH_MAX], reason[RUN_REASON_MAX];
    int count = list && !cJSON_IsNull(list) ? cJSON_GetArraySize(list) : 0;
    enum walk walk = WALK_ON;

    if ((list && !cJSON_IsNull(list) && !cJSON_IsArray(list)) ||
        count > MAP_ITEMS_MAX) {
        snprintf(reason, sizeof(reason),
                 "step %s: %s must be a list of at "
                 "most %d elements",
                 path, step->over, MAP_ITEMS_MAX);
        walk = run_park(run, path, "mapping", reason);
    }
    for (int index = 0; walk == WALK_ON && index < count; index++) {
        const cJSON *last = NULL;
        results_set(walker->results, step->as, cJSON_GetArrayItem(list, index));
        run_path(prefix, "%s[%d].", path, index);
        walk = walk_steps(walker, &step->steps, prefix, &last);
        results_forget(walker->results, &step->steps);
        if (walk == WALK_END) /* a filter inside skips this element only */
            walk = WALK_ON;
        else if (walk == WALK_ON)
            cJSON_AddItemToArray(collected, last ? cJSON_Duplicate(last, 1)
                                                 : cJSON_CreateNull());
    }
    results_set(walker->results, step->as, NULL);
    if (walk == WALK_ON)
        run_step_end(run, path, STEP_DONE, collected, NULL);
    else
        cJSON_Delete(collected);
    return walk;
}

static enum walk walk_work(struct walker *walker, const struct flow_step *step,
                           const char *path)
{
    switch (step->kind) {
    case STEP_CALL:
        return run_call(walker, step, path);
    case STEP_FILTER:
        return run_filter(walker, step, path);
    case STEP_SWITCH:
        return run_switch(walker, step, path);
    case STEP_TRANSFORM:
        return run_transform(walker, step, path);
    case STEP_MAP:
        return walk_map(walker, step, path);
    case STEP_DELIVER:
        return run_deliver(walker, step, path);
    }
    return WALK_ON;
}

/* What follows a step that has its result: the steps of the chosen case, the
 * check of what a transform made. */
static enum walk walk_after(struct walker *walker, const struct flow_step *step,
                            const char *path, struct run_step *row,
                            const cJSON **ret_last)
{
    char prefix[STORE_PATH_MAX];
    int64_t chosen = 0;

    if (step->kind == STEP_TRANSFORM && row->state == STEP_DONE)
        return run_transformed(walker->run, step, path, row->result);
    if (step->kind != STEP_SWITCH || cn_json_int64(row->result, &chosen) ||
        chosen < 1 || (size_t)chosen > step->case_count)
        return WALK_ON;
    run_path(prefix, "%s.", path);
    return walk_steps(walker, &step->cases[chosen - 1].steps, prefix, ret_last);
}

static enum walk walk_step(struct walker *walker, const struct flow_step *step,
                           const char *prefix, const cJSON **ret_last)
{
    struct run *run = walker->run;
    char path[STORE_PATH_MAX];
    struct run_step *row;
    enum walk walk = WALK_ON;

    run_path(path, "%s%s", prefix, step->name);
    row = run_step_find(run, path);
    if (!row || (row->state != STEP_DONE && row->state != STEP_SKIPPED)) {
        walk = walk_work(walker, step, path);
        if (walk != WALK_ON)
            return walk;
        row = run_step_find(run, path);
    }
    if (row->state == STEP_SKIPPED)
        return WALK_END;
    results_set(walker->results, step->name, row->result);
    *ret_last = row->result;
    return walk_after(walker, step, path, row, ret_last);
}

static enum walk walk_steps(struct walker *walker,
                            const struct flow_steps *steps, const char *prefix,
                            const cJSON **ret_last)
{
    enum walk walk = WALK_ON;

    walker->depth++;
    assert(walker->depth <= STEP_DEPTH_MAX);
    for (size_t index = 0; walk == WALK_ON && index < steps->count; index++)
        walk = walk_step(walker, &steps->steps[index], prefix, ret_last);
    walker->depth--;
    return walk;
}

static cJSON *run_results(const struct run *run)
{
    cJSON *results = cJSON_CreateObject();
    cJSON *record = cJSON_CreateObject();
    cn_str id = {run->id, run->id_len}, key = {run->key, run->key_len};

    cJSON_AddItemReferenceToObject(results, "trigger", run->trigger);
    cn_json_put_text(record, "type", run->type);
    cn_json_put_text(record, "origin", run->origin);
    cn_json_put_str(record, "id", id);
    cn_json_put_str(record, "key", key);
    cn_json_put(record, "time_ms", cn_json_integer(run->wall_ms));
    cn_json_put(record, "run", cn_json_integer((int64_t)run->number));
    cn_json_put(results, "record", record);
    return results;
}

static void run_left(void *arg, int status, const struct store_result *results,
                     size_t result_count)
{
    struct run *run = arg;
    uint32_t ready_count = 0;

    for (size_t index = 0; index < result_count; index++)
        ready_count += results[index].ready_count;
    /* The last change is the run's own: it did not leave as it should. */
    if (!status && result_count &&
        results[result_count - 1].decision == STORE_REFUSED)
        status = -ESTALE;
    run->world->left(run->world->arg, run, status, ready_count);
}

void run_finish(struct run *run, enum walk walk)
{
    switch (walk) {
    case WALK_WAIT:
        return;
    case WALK_ON:
        run_leave(run, RUN_DONE, NULL, 0, NULL, NULL);
        break;
    case WALK_END:
        run_leave(run, RUN_DONE, NULL, 0, "filtered",
                  "a condition of the flow was not met: nothing to do");
        break;
    case WALK_LEAVE:
        break;
    }
    run_commit(run, run_left);
}

/* ---- Life ---------------------------------------------------------------- */

struct run *run_create(struct run_world *world, const struct store_work *work,
                       struct definition *definition)
{
    struct run *run = memory_zero(1, sizeof(*run));

    run->number = work->run;
    run->world = world;
    run->definition = definition_hold(definition);
    run->waiter.run = run;
    run->bulk = work->priority > FLOW_INTERACTIVE;
    run->type = memory_text(work->type);
    run->origin = memory_text(work->origin);
    run->id = memory_copy(work->id.ptr, work->id.len);
    run->id_len = work->id.len;
    run->key = memory_copy(work->key.ptr, work->key.len);
    run->key_len = work->key.len;
    run->person = memory_copy(work->person.ptr, work->person.len);
    run->person_len = work->person.len;
    run->wall_ms = work->wall_ms;
    run->trigger = run_json(work->body.ptr, work->body.len);
    for (size_t index = 0; index < work->step_count; index++) {
        const struct store_step_row *from = &work->steps[index];
        struct run_step *row = run_step_make(run, from->path);
        row->state = from->state;
        row->attempts = from->attempts;
        if (from->state == STEP_DONE || from->state == STEP_SKIPPED)
            row->result = run_json(from->result.ptr, from->result.len);
    }
    for (size_t index = 0; index < work->delivery_count; index++) {
        const struct store_delivery_row *from = &work->deliveries[index];
        struct run_delivery *row = run_delivery_make(run, from->path);
        row->state = from->state;
        row->doubt = from->doubt;
        row->attempts = from->attempts;
        row->probes = from->probes;
        row->intent_ms = from->intent_ms;
        row->body = memory_copy(from->body.ptr, from->body.len);
        row->body_len = from->body.len;
        row->reference = memory_copy(from->reference.ptr, from->reference.len);
        row->reference_len = from->reference.len;
    }
    return run;
}

void run_destroy(struct run *run)
{
    struct run_step *step, *next_step;
    struct run_delivery *delivery, *next_delivery;

    if (!run)
        return;
    HASH_ITER(hh, run->steps, step, next_step)
    {
        HASH_DEL(run->steps, step);
        cJSON_Delete(step->result);
        free(step->path);
        free(step);
    }
    HASH_ITER(hh, run->deliveries, delivery, next_delivery)
    {
        HASH_DEL(run->deliveries, delivery);
        free(delivery->body);
        free(delivery->reference);
        free(delivery->path);
        free(delivery);
    }
    if (run->batch)
        store_batch_destroy(run->batch);
    cJSON_Delete(run->trigger);
    definition_release(run->definition);
    free(run->type);
    free(run->origin);
    free(run->id);
    free(run->key);
    free(run->person);
    free(run);
}

void run_advance(struct run *run)
{
    struct walker walker = {.run = run, .results = run_results(run)};
    /* A commit without room ends the run inside the walk. */
    struct definition *definition = definition_hold(run->definition);
    const cJSON *last = NULL;
    enum walk walk;

    run->phase = PHASE_WALKING;
    walk = walk_steps(&walker, &definition->steps, "", &last);
    cJSON_Delete(walker.results);
    run_finish(run, walk);
    definition_release(definition);
}
