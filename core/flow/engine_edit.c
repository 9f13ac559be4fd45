/* engine_edit.c - a person corrects what a run works with.
 *
 * One idea: what a person writes passes the same check as what a flow makes,
 * before anything is stored, so that the mistake is named while the person is
 * there to mend it.  The run is read first; whether its state still allows the
 * change is decided by the store, in the transaction.  Called on the loop
 * thread. */
#include "flow/engine_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "base/memory.h"

struct editing {
    struct engine *engine;
    char *actor, *path; /* path NULL: the trigger record */
    char *reason;       /* NULL: none */
    uint64_t run;
    cJSON *body;
    bool dry;
    engine_edited_fn *fn;
    void *arg;
};

static void editing_free(struct editing *editing)
{
    cJSON_Delete(editing->body);
    free(editing->actor);
    free(editing->path);
    free(editing->reason);
    free(editing);
}

static void editing_end(struct editing *editing, int status,
                        const struct error *err)
{
    editing->fn(editing->arg, status, err);
    editing_free(editing);
}

static void editing_stored(void *arg, int status,
                           const struct store_result *results,
                           size_t result_count)
{
    struct editing *editing = arg;
    struct engine *engine = editing->engine;
    struct error err = {""};

    engine_note(engine, status);
    if (status)
        error_set(&err, "the store takes no changes now");
    else if (result_count && results[0].decision == STORE_REFUSED) {
        status = -EPERM;
        error_set(&err, "the run went on in the meantime, or a delivery of it "
                        "was corrected, which a corrected record would undo: "
                        "then replay it and correct the new run");
    }
    editing_end(editing, status, &err);
    engine_turn(engine);
}

/* ---- Checks ----------------------------------------------------------------
 */

/* What tells it apart and where it stands in the order must stay: the store
 * keeps both beside the body. */
static int edit_keeps(const cJSON *body, const cJSON *old, const char *pointer,
                      struct error *err)
{
    const char *was, *is;

    if (!pointer)
        return 0;
    was = cn_json_text_at(old, pointer, "");
    is = cn_json_text_at(body, pointer, "");
    if (!strcmp(was, is))
        return 0;
    error_set(err,
              "%s: must stay as it was, the delivery is known and ordered by "
              "it; to send it under another name, discard the run",
              pointer);
    return -EINVAL;
}

static int edit_fits(const struct engine *engine, const char *name,
                     const cJSON *body, const struct record_type **ret_type,
                     struct error *err)
{
    struct schema_fault fault;

    *ret_type = record_types_find(engine->types, name);
    if (!*ret_type) {
        error_set(err, "the record type %s is not known any more", name);
        return -EINVAL;
    }
    if (!schema_check((*ret_type)->schema, body, &fault))
        return 0;
    error_set(err, "%s (%s)", fault.message, fault.rule);
    return -EINVAL;
}

static bool delivery_untouched(const struct store_delivery_row *row)
{
    return !row->doubt &&
           (row->state == DELIVERY_READY || row->state == DELIVERY_HELD ||
            row->state == DELIVERY_PARKED);
}

static int edit_trigger(const struct editing *editing,
                        const struct store_rows *rows, struct error *err)
{
    const struct store_work *work = rows->work;
    const struct record_type *type;
    enum run_state state = rows->runs[0].state;
    bool allowed = state == RUN_PARKED || state == RUN_HELD;

    for (size_t index = 0; index < work->delivery_count; index++) {
        const struct store_delivery_row *row = &work->deliveries[index];
        if (!delivery_untouched(row) && row->state != DELIVERY_DISCARDED)
            allowed = false;
    }
    if (!allowed) {
        error_set(err, "the record of a run can be edited while it is parked "
                       "or held and nothing of it was delivered or is in "
                       "doubt");
        return -EPERM;
    }
    return edit_fits(editing->engine, work->type, editing->body, &type, err);
}

static int edit_delivery(const struct editing *editing,
                         const struct store_rows *rows, struct error *err)
{
    const struct store_work *work = rows->work;
    const struct store_delivery_row *row = NULL;
    const struct record_type *type;
    enum run_state state = rows->runs[0].state;
    cn_json_limits limits = {.flags = CN_JSON_ALLOW_CASE_TWINS};
    cJSON *old = NULL;
    int status;

    for (size_t index = 0; index < work->delivery_count; index++) {
        if (!strcmp(work->deliveries[index].path, editing->path))
            row = &work->deliveries[index];
    }
    if (!row) {
        error_set(err, "the run has no delivery at step %s", editing->path);
        return -ENOENT;
    }
    if (!delivery_untouched(row) || state == RUN_ACTIVE || state == RUN_DONE ||
        state == RUN_DISCARDED) {
        error_set(err, "a delivery can be edited while it has sent nothing, is "
                       "not in doubt and the run is not being worked on");
        return -EPERM;
    }
    status = edit_fits(editing->engine, row->type, editing->body, &type, err);
    if (status)
        return status;
    if (cn_json_read((cn_str){row->body.ptr, row->body.len}, &limits, &old,
                     NULL))
        old = cJSON_CreateNull();
    status = edit_keeps(editing->body, old, type->key_pointer, err);
    if (!status)
        status = edit_keeps(editing->body, old, type->order_pointer, err);
    if (!status)
        status = edit_keeps(editing->body, old, type->person_pointer, err);
    cJSON_Delete(old);
    return status;
}

/* ---- The story -------------------------------------------------------------
 */

static void editing_store(struct editing *editing)
{
    struct store_batch *batch = store_batch_create();
    struct error err = {"the store takes no changes now"};
    char *text = cn_json_print(editing->body);
    struct store_bytes bytes = {text, strlen(text)};

    store_batch_edit(batch, editing->actor, editing->run, editing->path, bytes,
                     editing->reason);
    free(text);
    if (!store_commit(editing->engine->store, batch, editing_stored, editing))
        return;
    store_batch_destroy(batch);
    editing_end(editing, -EAGAIN, &err);
}

static void editing_read(void *arg, int status, const struct store_rows *rows)
{
    struct editing *editing = arg;
    struct error err = {""};

    if (status) {
        error_set(&err, "the run cannot be read");
    } else if (!rows->work || !rows->run_count) {
        status = -ENOENT;
        error_set(&err, "there is no such run");
    } else {
        status = editing->path ? edit_delivery(editing, rows, &err)
                               : edit_trigger(editing, rows, &err);
    }
    if (status || editing->dry)
        editing_end(editing, status, &err);
    else
        editing_store(editing);
}

int engine_edit(struct engine *engine, const char *actor, uint64_t run,
                const char *path, cn_str body, const char *reason, bool dry,
                engine_edited_fn *fn, void *arg)
{
    struct store_query query = {.kind = STORE_QUERY_RUN, .run = run};
    struct editing *editing;
    cJSON *value = NULL;
    int status = cn_json_read(body, NULL, &value, NULL);

    if (status)
        return status == -ENOMEM ? status : -EINVAL;
    editing = memory_zero(1, sizeof(*editing));
    editing->engine = engine;
    editing->actor = memory_text(actor);
    editing->path = path ? memory_text(path) : NULL;
    editing->reason = reason ? memory_text(reason) : NULL;
    editing->run = run;
    editing->body = value;
    editing->dry = dry;
    editing->fn = fn;
    editing->arg = arg;
    status = store_query(engine->store, &query, editing_read, editing);
    if (status)
        editing_free(editing);
    return status;
}
