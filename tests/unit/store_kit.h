/* store_kit.h - a store in inline mode with a clock of its own, and short calls
 * for its tests. */
#ifndef CONNECT_TESTS_STORE_KIT_H
#define CONNECT_TESTS_STORE_KIT_H

#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/store.h"

enum { KIT_ADOPT = 1, KIT_SKIP = 2, KIT_CLAIM_MAX = 64 };

struct kit {
    char directory[64];
    int64_t wall_ms, monotonic_ms;
    struct clock clock;
    struct store *store;
    const char *owner;
    sqlite3 *handle; /* the test's own look at the file */
    /* What the next calls send. */
    int32_t priority;
    const char *flow; /* of accepted events; NULL: won-deal */
    int64_t due_ms;
    const char *queue, *order_body;
    const char *maker, *instance, *type; /* of deliveries */
    bool doubt;
    enum store_newer newer;
    /* What the last answer said. */
    int status;
    struct store_result result;
    char body[256];
    uint64_t claimed[KIT_CLAIM_MAX];
    char work_step[64], work_body[256];
    size_t work_deliveries;
};

static inline int64_t kit_wall(void *arg)
{
    return ((struct kit *)arg)->wall_ms;
}

static inline int64_t kit_monotonic(void *arg)
{
    return ((struct kit *)arg)->monotonic_ms;
}

static inline int kit_try_open(struct kit *kit, struct error *err)
{
    struct store_options options = {.directory = kit->directory,
                                    .owner = kit->owner,
                                    .clock = &kit->clock,
                                    .inline_mode = true};
    return store_open(&options, &kit->store, err);
}

static inline void kit_open(struct kit *kit)
{
    struct error err = {""};

    if (kit_try_open(kit, &err))
        fail_msg("%s", err.text);
}

static inline void kit_start(struct kit *kit)
{
    memset(kit, 0, sizeof(*kit));
    /* In memory where there is such a place: nobody cuts the power here. */
    snprintf(kit->directory, sizeof(kit->directory), "%s/test-store-XXXXXX",
             access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    assert_non_null(mkdtemp(kit->directory));
    kit->wall_ms = 1700000000000;
    kit->monotonic_ms = 5000;
    kit->clock = (struct clock){kit_wall, kit_monotonic, kit};
    kit->owner = "test";
    kit->queue = "";
    kit->order_body = "{\"lines\":1}";
    kit->maker = "won-deal";
    kit->instance = "syspro";
    kit->type = "sales_order/1";
}

/* The test's own connection goes first, so that the log can be cut. */
static inline void kit_blind(struct kit *kit)
{
    sqlite3_close(kit->handle);
    kit->handle = NULL;
}

static inline int kit_remove_one(const char *path, const struct stat *about,
                                 int kind, struct FTW *place)
{
    (void)about;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline void kit_remove_all(const char *path)
{
    nftw(path, kit_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void kit_remove(struct kit *kit)
{
    kit_blind(kit);
    kit_remove_all(kit->directory);
}

static inline int kit_setup(void **state)
{
    struct kit *kit = calloc(1, sizeof(*kit));

    kit_start(kit);
    kit_open(kit);
    *state = kit;
    return 0;
}

static inline int kit_teardown(void **state)
{
    struct kit *kit = *state;

    kit_blind(kit);
    store_close(kit->store);
    kit_remove(kit);
    free(kit);
    return 0;
}

#define KIT_TEST(fn)                                                           \
    cmocka_unit_test_setup_teardown(fn, kit_setup, kit_teardown)

static inline void kit_close(struct kit *kit)
{
    kit_blind(kit);
    store_close(kit->store);
    kit->store = NULL;
}

static inline void kit_reopen(struct kit *kit)
{
    kit_close(kit);
    kit_open(kit);
}

static inline void kit_step(struct kit *kit, int64_t monotonic_ms,
                            int64_t wall_ms)
{
    kit->monotonic_ms += monotonic_ms;
    kit->wall_ms += wall_ms;
}

static inline void kit_take_work(struct kit *kit,
                                 const struct store_result *result)
{
    for (size_t index = 0; index < result->work_count; index++) {
        const struct store_work *work = &result->work[index];
        if (index < KIT_CLAIM_MAX)
            kit->claimed[index] = work->run;
        if (work->step_count)
            snprintf(kit->work_step, sizeof(kit->work_step), "%s",
                     work->steps[0].path);
        kit->work_deliveries += work->delivery_count;
        snprintf(kit->work_body, sizeof(kit->work_body), "%s", work->body.ptr);
    }
}

static inline void kit_answer(void *arg, int status,
                              const struct store_result *results, size_t count)
{
    struct kit *kit = arg;

    kit->status = status;
    if (status || !count)
        return;
    kit->result = results[count - 1];
    snprintf(kit->body, sizeof(kit->body), "%.*s", (int)kit->result.body.len,
             kit->result.body.len ? kit->result.body.ptr : "");
    kit_take_work(kit, &results[count - 1]);
    kit->result.work = NULL;
    kit->result.body.ptr = NULL;
}

/* Commit one batch; the last change's result. */
static inline struct store_result kit_commit(struct kit *kit,
                                             struct store_batch *batch)
{
    memset(&kit->result, 0, sizeof(kit->result));
    kit->status = 1;
    kit->work_deliveries = 0;
    assert_int_equal(store_commit(kit->store, batch, kit_answer, kit), 0);
    store_drain(kit->store);
    return kit->result;
}

static inline void kit_first_status(void *arg, int status,
                                    const struct store_result *results,
                                    size_t count)
{
    (void)results;
    (void)count;
    *(int *)arg = status;
}

/* Two batches in one transaction; the first one's status. */
static inline int kit_commit_both(struct kit *kit, struct store_batch *first,
                                  struct store_batch *second)
{
    int status = 1;

    assert_int_equal(store_commit(kit->store, first, kit_first_status, &status),
                     0);
    kit_commit(kit, second);
    return status;
}

static inline struct store_bytes kit_bytes(const char *text)
{
    return (struct store_bytes){text, strlen(text)};
}

static inline void kit_append_accept(struct kit *kit, struct store_batch *batch,
                                     const char *id, const char *lane,
                                     bool claim)
{
    struct store_accept_run run = {.flow = kit->flow ? kit->flow : "won-deal",
                                   .flow_version = "v1",
                                   .key = kit_bytes(lane),
                                   .claim = claim,
                                   .priority = kit->priority,
                                   .newer = kit->newer};
    struct store_accept accept = {.origin = "streak",
                                  .type = "box_event/1",
                                  .id = kit_bytes(id),
                                  .key = kit_bytes(lane),
                                  .body = kit_bytes("{\"n\":1}"),
                                  .person = kit_bytes("ann@example.com"),
                                  .wall_ms = kit->wall_ms,
                                  .run_count = 1,
                                  .runs = &run};

    store_batch_accept(batch, &accept);
}

static inline struct store_result kit_accept(struct kit *kit, const char *id,
                                             const char *lane, bool claim)
{
    struct store_batch *batch = store_batch_create();

    kit_append_accept(kit, batch, id, lane, claim);
    return kit_commit(kit, batch);
}

static inline struct store_result kit_run(struct kit *kit, uint64_t run,
                                          enum run_state state)
{
    struct store_batch *batch = store_batch_create();
    struct store_run_change change = {.run = run,
                                      .state = state,
                                      .queue = kit->queue,
                                      .due_ms = kit->due_ms,
                                      .code = "code",
                                      .reason = "a reason"};

    store_batch_run(batch, &change);
    return kit_commit(kit, batch);
}

static inline struct store_result kit_answer_doubt(struct kit *kit,
                                                   uint64_t run, bool happened,
                                                   const char *reference)
{
    struct store_batch *batch = store_batch_create();

    store_batch_settle(batch, "ann", run, happened, kit_bytes(reference),
                       "looked it up");
    return kit_commit(kit, batch);
}

static inline struct store_result kit_edit(struct kit *kit, uint64_t run,
                                           const char *path, const char *body)
{
    struct store_batch *batch = store_batch_create();

    store_batch_edit(batch, "ann", run, path, kit_bytes(body), "why");
    return kit_commit(kit, batch);
}

static inline struct store_result kit_prune(struct kit *kit,
                                            const struct store_prune *prune)
{
    struct store_batch *batch = store_batch_create();

    store_batch_prune(batch, prune);
    return kit_commit(kit, batch);
}

static inline struct store_result kit_act(struct kit *kit, enum store_act act,
                                          uint64_t run)
{
    struct store_batch *batch = store_batch_create();

    store_batch_act(batch, "ann", act, run, "because");
    return kit_commit(kit, batch);
}

/* How many runs were claimed; kit->claimed has their numbers. */
static inline size_t kit_claim(struct kit *kit, const char *queue, size_t count)
{
    struct store_batch *batch = store_batch_create();

    store_batch_claim(batch, queue, count);
    return kit_commit(kit, batch).work_count;
}

static inline struct store_result kit_recover(struct kit *kit, uint64_t run)
{
    struct store_batch *batch = store_batch_create();

    store_batch_recover(batch, run);
    return kit_commit(kit, batch);
}

static inline struct store_result kit_step_row(struct kit *kit, uint64_t run,
                                               const char *path,
                                               enum step_state state)
{
    struct store_batch *batch = store_batch_create();
    struct store_step step = {.run = run,
                              .path = path,
                              .state = state,
                              .attempts = 3,
                              .result = kit_bytes("{\"deal\":1}"),
                              .reason = "why"};

    store_batch_step(batch, &step);
    return kit_commit(kit, batch);
}

static inline struct store_result kit_deliver(struct kit *kit, uint64_t run,
                                              const char *path,
                                              const char *source_key,
                                              const char *order_key, int flags)
{
    struct store_batch *batch = store_batch_create();
    struct store_delivery delivery = {.run = run,
                                      .path = path,
                                      .flow = kit->maker,
                                      .instance = kit->instance,
                                      .type = kit->type,
                                      .adopt = (flags & KIT_ADOPT) != 0,
                                      .skip_on_park = (flags & KIT_SKIP) != 0,
                                      .source_key = kit_bytes(source_key),
                                      .order_key = kit_bytes(order_key),
                                      .body = kit_bytes(kit->order_body)};

    store_batch_delivery(batch, &delivery);
    return kit_commit(kit, batch);
}

static inline struct store_result kit_intent(struct kit *kit, uint64_t run)
{
    struct store_batch *batch = store_batch_create();

    store_batch_intent(batch, run, "post");
    return kit_commit(kit, batch);
}

static inline struct store_result kit_settle(struct kit *kit, uint64_t run,
                                             enum delivery_state state)
{
    struct store_batch *batch = store_batch_create();
    struct store_delivery_change change = {
        .run = run,
        .path = "post",
        .state = state,
        .doubt = kit->doubt,
        .attempts = 1,
        .reason = "in the target's words",
        .reference = kit_bytes(state == DELIVERY_DONE ? "\"SO-1\"" : "")};

    store_batch_delivery_change(batch, &change);
    return kit_commit(kit, batch);
}

/* A number straight from the file, by a connection of the test's own. */
static inline int64_t kit_count(struct kit *kit, const char *sql)
{
    char path[128];
    sqlite3_stmt *row;
    int64_t count;

    snprintf(path, sizeof(path), "%s/connect.db", kit->directory);
    if (!kit->handle)
        assert_int_equal(sqlite3_open(path, &kit->handle), SQLITE_OK);
    if (sqlite3_prepare_v2(kit->handle, sql, -1, &row, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(kit->handle));
    assert_int_equal(sqlite3_step(row), SQLITE_ROW);
    count = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    return count;
}

static inline int64_t kit_state(struct kit *kit, uint64_t run)
{
    char sql[128];

    snprintf(sql, sizeof(sql), "SELECT state FROM run WHERE number = %llu",
             (unsigned long long)run);
    return kit_count(kit, sql);
}

static inline int64_t kit_delivery(struct kit *kit, uint64_t run)
{
    char sql[128];

    snprintf(sql, sizeof(sql),
             "SELECT state FROM delivery WHERE run = %llu ORDER BY id DESC",
             (unsigned long long)run);
    return kit_count(kit, sql);
}

/* How many audit entries of this act there are. */
static inline int64_t kit_acts(struct kit *kit, const char *act)
{
    char sql[160];

    snprintf(sql, sizeof(sql), "SELECT count(*) FROM audit WHERE act = '%s'",
             act);
    return kit_count(kit, sql);
}

/* The chain holds, the counts in meta are those of the table, and so are those
 * of the alerts about parked runs. */
static inline void kit_verify(struct kit *kit)
{
    struct error err = {""};

    if (store_verify(kit->store, &err))
        fail_msg("%s", err.text);
    assert_int_equal(
        kit_count(kit, "SELECT (SELECT queued = (SELECT count(*) FROM run WHERE"
                       " state = 0) AND ready = (SELECT count(*) FROM run WHERE"
                       " state = 1) AND active = (SELECT count(*) FROM run"
                       " WHERE state = 2) AND waiting = (SELECT count(*) FROM"
                       " run WHERE state = 3) AND held = (SELECT count(*) FROM"
                       " run WHERE state = 4) AND parked = (SELECT count(*)"
                       " FROM run WHERE state = 5) AND done = (SELECT count(*)"
                       " FROM run WHERE state = 6) AND discarded = (SELECT"
                       " count(*) FROM run WHERE state = 7) FROM meta)"),
        1);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run WHERE due_ms > 0"
                                    " AND state NOT IN (1, 4)"),
                     0);
    assert_int_equal(
        kit_count(kit, "SELECT count(*) FROM (SELECT 'parked:' || flow || ':'"
                       " || coalesce(code, 'other') AS kind, count(*) AS total"
                       " FROM run WHERE state = 5 GROUP BY kind) FULL JOIN"
                       " (SELECT cause, count FROM alert WHERE cause GLOB"
                       " 'parked:*') ON cause = kind WHERE count IS NOT total"),
        0);
}

#endif
