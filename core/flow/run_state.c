/* run_state.c - what a run remembers, and how it leaves memory.
 *
 * One idea: everything a run decides is put into one batch as it is decided, so
 * that a commit holds exactly what memory holds.  A run leaves with its commit
 * and in no other way.  Called on the loop thread. */
#include "flow/run_state.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/seeded.h"
#include "flow/run_shadow.h"

/* A path of a step; definition.c limits names and depth so that it fits. */
PRINTF_LIKE(2, 3)
void run_path(char path[STORE_PATH_MAX], const char *format, ...)
{
    va_list arguments;
    int len;

    va_start(arguments, format);
    len = vsnprintf(path, STORE_PATH_MAX, format, arguments);
    va_end(arguments);
    assert(len > 0 && len < STORE_PATH_MAX);
}

struct store_bytes run_bytes(const char *ptr, size_t len)
{
    struct store_bytes bytes = {ptr, len};
    return bytes;
}

/* Bytes of the character at text; 0: it is none, or cut. */
static size_t character_len(const char *text)
{
    unsigned char lead = (unsigned char)*text;
    size_t len = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;

    if (strnlen(text, len) < len || !cn_utf8_valid((cn_str){text, len}))
        return 0;
    return len;
}

const char *run_reason(char clean[RUN_REASON_MAX], const char *reason)
{
    size_t used = 0;

    while (reason && *reason) {
        size_t len = character_len(reason);
        if (used + len >= RUN_REASON_MAX)
            break;
        memcpy(clean + used, reason, len);
        used += len;
        reason += len ? len : 1;
    }
    clean[used] = '\0';
    return used ? clean : NULL;
}

struct store_batch *run_batch(struct run *run)
{
    if (run->shadow)
        return run_shadow_batch(run);
    if (!run->batch) {
        run->batch = store_batch_create();
        run->change_count = 0;
    }
    run->change_count++;
    return run->batch;
}

struct run_step *run_step_find(struct run *run, const char *path)
{
    struct run_step *row;

    HASH_FIND_STR(run->steps, path, row);
    return row;
}

struct run_step *run_step_make(struct run *run, const char *path)
{
    struct run_step *row = run_step_find(run, path);

    if (row)
        return row;
    row = memory_zero(1, sizeof(*row));
    row->path = memory_text(path);
    HASH_ADD_KEYPTR(hh, run->steps, row->path, strlen(row->path), row);
    return row;
}

struct run_delivery *run_delivery_find(struct run *run, const char *path)
{
    struct run_delivery *row;

    HASH_FIND_STR(run->deliveries, path, row);
    return row;
}

struct run_delivery *run_delivery_make(struct run *run, const char *path)
{
    struct run_delivery *row = memory_zero(1, sizeof(*row));

    row->path = memory_text(path);
    HASH_ADD_KEYPTR(hh, run->deliveries, row->path, strlen(row->path), row);
    return row;
}

void run_step_store(struct run *run, const struct run_step *row,
                    const char *reason)
{
    char *text = row->result ? cn_json_print(row->result) : NULL;
    char clean[RUN_REASON_MAX];
    struct store_step step = {
        .run = run->number,
        .path = row->path,
        .state = row->state,
        .attempts = seeded_bug("F19") ? 0 : row->attempts,
        .result = run_bytes(text, text ? strlen(text) : 0),
        .reason = run_reason(clean, reason),
    };

    store_batch_step(run_batch(run), &step);
    free(text);
}

/* The step has its result; takes value. */
struct run_step *run_step_end(struct run *run, const char *path,
                              enum step_state state, cJSON *value,
                              const char *reason)
{
    struct run_step *row = run_step_make(run, path);

    cJSON_Delete(row->result);
    row->result = value ? value : cJSON_CreateNull();
    row->state = state;
    run_step_store(run, row, reason);
    return row;
}

cJSON *run_json(const char *ptr, size_t len)
{
    cn_str text = {ptr, len};
    cn_json_limits limits = {.flags = CN_JSON_ALLOW_CASE_TWINS};
    cJSON *value = NULL;

    if (!len || cn_json_read(text, &limits, &value, NULL))
        return cJSON_CreateNull();
    return value;
}

/* ---- Leaving memory ------------------------------------------------------ */

/* Put the run's new state into the batch; it leaves with the commit. */
enum walk run_leave(struct run *run, enum run_state state, const char *queue,
                    int64_t due_ms, const char *code, const char *reason)
{
    char clean[RUN_REASON_MAX];
    struct store_run_change change = {
        .run = run->number,
        .state = state,
        .queue = queue,
        .due_ms = due_ms,
        .reason = run_reason(clean, reason),
        .code = code,
    };

    if (run->shadow)
        return run_shadow_leave(run, state, code, change.reason);
    store_batch_run(run_batch(run), &change);
    run->ended = state >= RUN_PARKED;
    run->due_ms = due_ms;
    run->queue = state == RUN_READY || state == RUN_HELD ? queue : NULL;
    return WALK_LEAVE;
}

enum walk run_back(struct run *run, const struct gate *gate, int64_t due_ms)
{
    return run_leave(run, RUN_READY, gate ? gate->name : "", due_ms, NULL,
                     gate ? gate->reason : NULL);
}

/* A person must act: the step has failed for good. */
enum walk run_park(struct run *run, const char *path, const char *code,
                   const char *reason)
{
    struct run_step *row = run_step_make(run, path);
    struct log_about about = {.run = run->number};

    row->state = STEP_FAILED;
    run_step_store(run, row, reason);
    if (run->shadow) {
        snprintf(run->shadow->path, sizeof(run->shadow->path), "%s", path);
        return run_leave(run, RUN_PARKED, NULL, 0, code, reason);
    }
    log_write(LOG_WARN, &about,
              "parked at step %s (%s); see: connectctl show "
              "%" PRIu64,
              path, code, run->number);
    return run_leave(run, RUN_PARKED, NULL, 0, code, reason);
}

void run_commit(struct run *run, store_committed_fn *fn)
{
    struct store_batch *batch = run->batch;

    run->phase = PHASE_COMMITTING;
    run->batch = NULL;
    if (!batch) {
        fn(run, 0, NULL, 0);
        return;
    }
    if (store_commit(run->world->store, batch, fn, run)) {
        store_batch_destroy(batch);
        fn(run, -EAGAIN, NULL, 0);
    }
}

int64_t run_now(const struct run *run)
{
    return store_steady_ms(run->world->store);
}

uint64_t run_random(const struct run *run)
{
    return run->world->ports.random(run->world->ports.arg);
}
