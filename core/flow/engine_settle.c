/* engine_settle.c - a person answers what the other system could not.
 *
 * One idea: the reference a person gives is read by later steps like one the
 * plugin gave, so it must have what the flow reads of it; else the run would
 * stand at the next step with no way on.  And that something is absent counts,
 * as for a probe, only when the record type's settle time has passed since it
 * was sent.  Called on the loop thread. */
#include "flow/engine_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "base/memory.h"
#include "config/config_text.h"

enum {
    NEEDS_MAX = 16, /* members of one reference that a flow reads */
    POINTER_MAX = 256
};

struct settling {
    struct engine *engine;
    char *actor, *reason;
    uint64_t run;
    bool happened;
    bool fetched; /* the version of its flow, as far as it can be */
    char *reference;
    size_t reference_len;
    engine_edited_fn *fn;
    void *arg;
};

static void settling_free(struct settling *settling)
{
    free(settling->actor);
    free(settling->reason);
    free(settling->reference);
    free(settling);
}

static void settling_end(struct settling *settling, int status,
                         const char *text)
{
    struct error err = {""};

    if (status)
        error_set(&err, "%s", text);
    settling->fn(settling->arg, status, &err);
    settling_free(settling);
}

static void settling_stored(void *arg, int status,
                            const struct store_result *results,
                            size_t result_count)
{
    struct settling *settling = arg;
    struct engine *engine = settling->engine;
    const char *text = "the store takes no changes now";

    engine_note(engine, status);
    for (size_t index = 0; index < result_count; index++)
        engine_ready(engine, results[index].ready_count);
    if (!status && result_count && results[0].decision == STORE_REFUSED) {
        status = -EPERM;
        text = "the run went on in the meantime";
    }
    settling_end(settling, status, text);
    engine_turn(engine);
}

/* ---- What the flow reads of a reference ------------------------------------
 */

struct needs {
    char pointers[NEEDS_MAX][POINTER_MAX]; /* below the reference */
    size_t count;
};

static void needs_add(struct needs *needs, const char *pointer)
{
    for (size_t index = 0; index < needs->count; index++) {
        if (!strcmp(needs->pointers[index], pointer))
            return;
    }
    if (needs->count < NEEDS_MAX && strlen(pointer) < POINTER_MAX)
        snprintf(needs->pointers[needs->count++], POINTER_MAX, "%s", pointer);
}

/* Rows of mappings that must find something there. */
static void needs_find(struct needs *needs, const cJSON *value,
                       const char *prefix)
{
    const char *from = cn_json_text_at(value, "/from", "");

    if (cJSON_IsObject(value) && !strncmp(from, prefix, strlen(prefix)) &&
        !cJSON_IsFalse(cn_json_member(value, "required")) &&
        !cn_json_member(value, "default"))
        needs_add(needs, from + strlen(prefix) - 1);
    CN_JSON_EACH(item, value)
    {
        needs_find(needs, item, prefix);
    }
}

/* The step's name is the end of its path.  A flow that cannot be used any more
 * reads nothing. */
static void needs_of(const struct definition *definition, const char *path,
                     struct needs *needs)
{
    const char *dot = strrchr(path, '.');
    char prefix[STORE_PATH_MAX + 16];
    struct error err = {""};
    cJSON *flow = NULL;

    if (!definition)
        return;
    snprintf(prefix, sizeof(prefix), "/%s/reference/", dot ? dot + 1 : path);
    if (!config_parse(definition->name, definition->text,
                      strlen(definition->text), &flow, &err))
        needs_find(needs, flow, prefix);
    cJSON_Delete(flow);
}

/* The reference as a value; a bare text takes the place of the one member that
 * is read. */
static cJSON *reference_value(const struct settling *settling,
                              const struct needs *needs)
{
    cn_str text = {settling->reference, settling->reference_len};
    cJSON *value = NULL, *object;

    if (!text.len)
        return NULL;
    if (cn_json_read(text, NULL, &value, NULL) || cn_json_is_number(value)) {
        cJSON_Delete(value);
        value = cJSON_CreateString(settling->reference);
    }
    if (!cJSON_IsString(value) || needs->count != 1 ||
        strchr(needs->pointers[0] + 1, '/'))
        return value;
    object = cJSON_CreateObject();
    cn_json_put(object, needs->pointers[0] + 1, value);
    return object;
}

static const char *reference_lacks(const cJSON *value,
                                   const struct needs *needs)
{
    for (size_t index = 0; index < needs->count; index++) {
        if (!cn_json_pointer(value, needs->pointers[index]))
            return needs->pointers[index];
    }
    return NULL;
}

/* ---- The story -------------------------------------------------------------
 */

static void settling_store(struct settling *settling, const cJSON *value)
{
    struct store_batch *batch = store_batch_create();
    char *text = value ? cn_json_print(value) : NULL;
    struct store_bytes bytes = {text, text ? strlen(text) : 0};

    store_batch_settle(batch, settling->actor, settling->run,
                       settling->happened, bytes, settling->reason);
    free(text);
    if (!store_commit(settling->engine->store, batch, settling_stored,
                      settling))
        return;
    store_batch_destroy(batch);
    settling_end(settling, -EAGAIN, "the store takes no changes now");
}

static const struct store_delivery_row *
settling_delivery(const struct store_work *work)
{
    for (size_t index = 0; index < work->delivery_count; index++) {
        const struct store_delivery_row *row = &work->deliveries[index];
        if (row->state == DELIVERY_IN_DOUBT ||
            (row->doubt && row->state != DELIVERY_SENDING &&
             row->state != DELIVERY_DONE && row->state != DELIVERY_DISCARDED))
            return row;
    }
    return NULL;
}

/* Why it cannot be answered now; false: it can. */
static bool settling_refused(const struct settling *settling,
                             const struct store_rows *rows,
                             const struct store_delivery_row *row,
                             char text[POINTER_MAX])
{
    const struct record_type *type;
    int64_t left_ms;

    if (!row || rows->runs[0].state == RUN_ACTIVE) {
        snprintf(text, POINTER_MAX,
                 row ? "it is being asked about right now"
                     : "nothing of the run is in doubt");
        return true;
    }
    type = record_types_find(settling->engine->types, row->type);
    left_ms =
        row->intent_ms + (type ? type->settle_ms : 0) - rows->work_steady_ms;
    if (settling->happened || left_ms <= 0)
        return false;
    /* And who looked before it was sent again speaks of something else. */
    snprintf(text, POINTER_MAX,
             "it was sent only now and may still arrive: that it is absent "
             "counts in %" PRId64 " s; look again then",
             (left_ms + 999) / 1000);
    return true;
}

/* The reference against what the flow reads of it, then into the store. */
static void settling_check(struct settling *settling, const char *path,
                           const struct definition *definition)
{
    struct needs *needs = memory_zero(1, sizeof(*needs));
    cJSON *value = NULL;
    const char *lacks;
    char text[POINTER_MAX + STORE_PATH_MAX + 200];

    if (settling->happened) {
        needs_of(definition, path, needs);
        value = reference_value(settling, needs);
    }
    lacks = reference_lacks(value, needs);
    if (lacks) {
        snprintf(text, sizeof(text),
                 "reference%s: is missing, and the flow reads it: say what the "
                 "other system calls what step %s delivered",
                 lacks, path);
        settling_end(settling, -EINVAL, text);
    } else {
        settling_store(settling, value);
    }
    cJSON_Delete(value);
    free(needs);
}

static void settling_ask(struct settling *settling);

/* The version of the flow is there; now the run is read again. */
static void settling_fetched(void *arg, int status,
                             struct definition *definition)
{
    struct settling *settling = arg;

    (void)definition;
    settling->fetched = true;
    if (status && status != -ENOENT)
        settling_end(settling, status, "the flow cannot be read");
    else
        settling_ask(settling);
}

static void settling_read(void *arg, int status, const struct store_rows *rows)
{
    struct settling *settling = arg;
    const struct store_delivery_row *row;
    const struct definition *definition;
    char text[POINTER_MAX];

    if (status || !rows->work || !rows->run_count) {
        settling_end(settling, status ? status : -ENOENT,
                     status ? "the run cannot be read"
                            : "there is no such run");
        return;
    }
    row = settling_delivery(rows->work);
    if (settling_refused(settling, rows, row, text)) {
        settling_end(settling, -EPERM, text);
        return;
    }
    definition = engine_version(settling->engine, rows->work->flow,
                                rows->work->flow_version);
    if (definition || !settling->happened || settling->fetched)
        settling_check(settling, row->path, definition);
    else
        engine_fetch_version(settling->engine, rows->work->flow,
                             rows->work->flow_version, settling_fetched,
                             settling);
}

static void settling_ask(struct settling *settling)
{
    struct store_query query = {.kind = STORE_QUERY_RUN, .run = settling->run};
    int status =
        store_query(settling->engine->store, &query, settling_read, settling);

    if (status)
        settling_end(settling, status, "the run cannot be read");
}

int engine_settle(struct engine *engine, const char *actor, uint64_t run,
                  bool happened, cn_str reference, const char *reason,
                  engine_edited_fn *fn, void *arg)
{
    struct store_query query = {.kind = STORE_QUERY_RUN, .run = run};
    struct settling *settling = memory_zero(1, sizeof(*settling));
    int status;

    settling->engine = engine;
    settling->actor = memory_text(actor);
    settling->reason = reason ? memory_text(reason) : NULL;
    settling->run = run;
    settling->happened = happened;
    settling->reference = memory_copy(reference.ptr, reference.len);
    settling->reference_len = reference.len;
    settling->fn = fn;
    settling->arg = arg;
    status = store_query(engine->store, &query, settling_read, settling);
    if (status)
        settling_free(settling);
    return status;
}
