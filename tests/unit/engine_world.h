/* engine_world.h - the engine over a real store in inline mode, with instances,
 * clock, commits and questions in the hand of a test.
 *
 * For test programs that link with --wrap=store_commit and --wrap=store_query:
 * every commit and every question passes here, so that any of them can fail.
 * Included by one source file each. */
#ifndef TESTS_UNIT_ENGINE_WORLD_H
#define TESTS_UNIT_ENGINE_WORLD_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "../proof/world_op.h"

enum {
    WORLD_OPS_MAX = 4096,
    WORLD_ROUNDS_MAX = 400 /* of answering commits, until nothing is queued */
};

struct world {
    char directory[64];
    int64_t now_ms;
    int64_t wall_ahead_ms; /* how far the wall clock has jumped */
    struct clock clock;
    struct store *store;
    struct record_types *types;
    struct engine *engine;
    struct world_op ops[WORLD_OPS_MAX];
    size_t op_count;
    uint64_t next_op;
    uint32_t room_erp, room_crm;
    uint32_t runs_active_max;
    int64_t event_keep_ms, run_keep_ms, audit_keep_ms, database_bytes_max;
    int64_t wake_ms; /* asked for, by our clock */
    uint64_t random;
    bool dead; /* the engine's last callbacks while a store closes */
    bool store_failed;
    bool polled; /* what is accepted came by no request */
    /* what fails: asked for every commit, question, start; 0: nothing */
    int (*fail_commit)(struct world *world, bool *ret_now);
    int (*fail_query)(struct world *world, bool *ret_now);
    int (*fail_start)(struct world *world, const struct op_request *request);
    /* told of every operation that begins */
    void (*begun)(struct world *world, const struct world_op *op);
    void *arg;
    size_t commits, commits_failed, queries_failed;
    size_t accepted, duplicates;
    int accept_status;
    size_t accept_open;
    int act_status;
    uint64_t act_run; /* made by a replay */
    char committed[64];
    bool stopped;
    /* of the run read last */
    enum run_state state;
    char reason[4096], code[64];
};

static struct world *the_world; /* for the wrapped functions */

/* ---- Commits and questions that fail ------------------------------------- */

int __real_store_commit(struct store *store, struct store_batch *batch,
                        store_committed_fn *fn, void *arg);
int __wrap_store_commit(struct store *store, struct store_batch *batch,
                        store_committed_fn *fn, void *arg);
int __real_store_query(struct store *store, const struct store_query *query,
                       store_read_fn *fn, void *arg);
int __wrap_store_query(struct store *store, const struct store_query *query,
                       store_read_fn *fn, void *arg);

struct failing_commit {
    store_committed_fn *fn;
    void *arg;
    int status;
};

static void failing_commit_answered(void *arg, int status,
                                    const struct store_result *results,
                                    size_t result_count)
{
    struct failing_commit *failing = arg;

    (void)status, (void)results, (void)result_count;
    failing->fn(failing->arg, failing->status, NULL, 0);
    free(failing);
}

/* A commit that fails later is an empty one in its place. */
int __wrap_store_commit(struct store *store, struct store_batch *batch,
                        store_committed_fn *fn, void *arg)
{
    struct world *world = the_world;
    bool now = false;
    int status = world && world->fail_commit && !world->dead
                     ? world->fail_commit(world, &now)
                     : 0;
    struct failing_commit *failing;
    struct store_batch *empty;

    if (world)
        world->commits++;
    if (!status)
        return __real_store_commit(store, batch, fn, arg);
    world->commits_failed++;
    if (now)
        return -EAGAIN;
    failing = calloc(1, sizeof(*failing));
    *failing = (struct failing_commit){fn, arg, status};
    empty = store_batch_create();
    if (!__real_store_commit(store, empty, failing_commit_answered, failing)) {
        store_batch_destroy(batch);
        return 0;
    }
    store_batch_destroy(empty);
    free(failing);
    return -EAGAIN;
}

struct failing_query {
    store_read_fn *fn;
    void *arg;
    int status;
};

static void failing_query_answered(void *arg, int status,
                                   const struct store_rows *rows)
{
    struct failing_query *failing = arg;
    struct store_rows none;

    (void)status, (void)rows;
    memset(&none, 0, sizeof(none));
    failing->fn(failing->arg, failing->status, &none);
    free(failing);
}

int __wrap_store_query(struct store *store, const struct store_query *query,
                       store_read_fn *fn, void *arg)
{
    struct world *world = the_world;
    bool now = false;
    int status = world && world->fail_query && !world->dead
                     ? world->fail_query(world, &now)
                     : 0;
    struct failing_query *failing;

    if (!status)
        return __real_store_query(store, query, fn, arg);
    world->queries_failed++;
    if (now)
        return -EAGAIN;
    failing = calloc(1, sizeof(*failing));
    *failing = (struct failing_query){fn, arg, status};
    if (!__real_store_query(store, query, failing_query_answered, failing))
        return 0;
    free(failing);
    return -EAGAIN;
}

/* ---- Ports --------------------------------------------------------------- */

static int64_t world_now(void *arg)
{
    return ((struct world *)arg)->now_ms;
}

static int64_t world_wall(void *arg)
{
    struct world *world = arg;

    return world->now_ms + world->wall_ahead_ms;
}

/* xorshift64*: the same numbers for the same seed everywhere. */
static uint64_t world_random(void *arg)
{
    struct world *world = arg;

    world->random ^= world->random >> 12;
    world->random ^= world->random << 25;
    world->random ^= world->random >> 27;
    return world->random * 2685821657736338717ULL;
}

static struct world_op *world_op_make(struct world *world)
{
    struct world_op *op = &world->ops[world->op_count++];

    assert_true(world->op_count < WORLD_OPS_MAX);
    world_op_begin(op, ++world->next_op, world->now_ms);
    return op;
}

static int world_op_start(void *arg, const struct op_request *request,
                          op_ended_fn *fn, void *fn_arg, uint64_t *ret_op,
                          struct error *err)
{
    struct world *world = arg;
    uint32_t room =
        strcmp(request->instance, "erp") ? world->room_crm : world->room_erp;
    struct world_op *op;
    int status;

    if (world->dead || room == 0)
        return -EAGAIN;
    status = world->fail_start ? world->fail_start(world, request) : 0;
    if (status) {
        error_set(err, "the test says no");
        return status;
    }
    op = world_op_make(world);
    *ret_op = op->number;
    world_op_read(op, request, fn, fn_arg);
    if (world->begun)
        world->begun(world, op);
    return 0;
}

static void world_op_cancel(void *arg, uint64_t op)
{
    (void)arg;
    (void)op;
}

static void world_op_commit(void *arg, const char *instance, cn_str cursor)
{
    struct world *world = arg;

    (void)instance;
    snprintf(world->committed, sizeof(world->committed), "%.*s",
             (int)cursor.len, cursor.ptr);
}

static uint32_t world_op_room(void *arg, const char *instance)
{
    struct world *world = arg;

    if (world->dead || !strcmp(instance, "gone"))
        return 0;
    return strcmp(instance, "erp") ? world->room_crm : world->room_erp;
}

static bool world_op_known(void *arg, const char *instance)
{
    (void)arg;
    return strcmp(instance, "gone") != 0;
}

static int world_jq_start(void *arg, const char *program, const char *input,
                          size_t len, ports_jq_fn *fn, void *fn_arg)
{
    struct world *world = arg;
    struct world_op *op;

    (void)program;
    if (world->dead ||
        (world->fail_start && world->fail_start(world, NULL) == -EAGAIN))
        return -EAGAIN;
    op = world_op_make(world);
    world_op_read_jq(op, input, len, fn, fn_arg);
    return 0;
}

static void world_wake_at(void *arg, int64_t steady_ms)
{
    struct world *world = arg;

    world->wake_ms = world->now_ms + steady_ms - store_steady_ms(world->store);
}

static void world_store_failed(void *arg)
{
    ((struct world *)arg)->store_failed = true;
}

/* ---- Life ---------------------------------------------------------------- */

/* Answer commits and questions until nothing is queued. */
static void world_settle(struct world *world)
{
    for (int round = 0; round < WORLD_ROUNDS_MAX; round++) {
        store_drain(world->store);
        if (!store_backlog(world->store) && round > 8)
            return;
    }
    fail_msg("the engine does not come to rest: it commits again and again");
}

static void world_add_flow(struct world *world, const char *text)
{
    struct definition *flow = NULL;
    struct error err = {""};

    if (definition_create("flow.json", text, strlen(text), NULL, world->types,
                          &flow, &err))
        fail_msg("%s", err.text);
    assert_int_equal(engine_add_flow(world->engine, flow), 0);
    definition_release(flow);
}

static void world_open(struct world *world)
{
    struct error err = {""};
    struct store_options store = {
        .directory = world->directory,
        .owner = "test",
        .clock = &world->clock,
        .inline_mode = true,
    };
    struct engine_options engine = {
        .ports = {world_op_start, world_op_cancel, world_op_commit,
                  world_op_room, world_jq_start, world_wake_at, world_random,
                  world_store_failed, world, world_op_known},
        .types = world->types,
        .limits = {.attempts_max = 5,
                   .retry_after_max_ms = 900000,
                   .delay_first_ms = 1000,
                   .delay_max_ms = 60000,
                   .hold_ms = 900000},
        .runs_active_max = world->runs_active_max,
        .event_keep_ms = world->event_keep_ms,
        .run_keep_ms = world->run_keep_ms,
        .audit_keep_ms = world->audit_keep_ms,
        .database_bytes_max = world->database_bytes_max,
    };

    world->dead = world->store_failed = world->stopped = false;
    world->op_count = 0;
    world->accept_open = 0;
    if (store_open(&store, &world->store, &err))
        fail_msg("%s", err.text);
    engine.store = world->store;
    world->engine = engine_create(&engine);
}

/* What is queued is committed, as at the end of a good stop. */
static void world_close(struct world *world)
{
    world->dead = true;
    store_close(world->store);
    engine_destroy(world->engine);
    world->store = NULL;
    world->engine = NULL;
    world->op_count = 0;
}

static const char *const world_files[] = {"connect.db",      "connect.db-wal",
                                          "connect.db-shm",  "lookup.key",
                                          "connect.reserve", NULL};

static inline void world_copy_file(const char *from, const char *to)
{
    static char buffer[65536];
    FILE *in = fopen(from, "rb"), *out;
    size_t len;

    if (!in)
        return;
    out = fopen(to, "wb");
    assert_non_null(out);
    while ((len = fread(buffer, 1, sizeof(buffer), in)) > 0)
        assert_int_equal(fwrite(buffer, 1, len, out), len);
    fclose(in);
    fclose(out);
    chmod(to, 0600);
}

static void world_clear(const char *directory)
{
    char path[200];

    for (size_t index = 0; world_files[index]; index++) {
        snprintf(path, sizeof(path), "%s/%s", directory, world_files[index]);
        unlink(path);
    }
    rmdir(directory);
}

static void world_make_directory(struct world *world)
{
    struct stat info;

    /* Synced to memory: the walk is about order, not about the disk. */
    snprintf(world->directory, sizeof(world->directory), "%s/engine-XXXXXX",
             stat("/dev/shm", &info) ? "/tmp" : "/dev/shm");
    assert_non_null(mkdtemp(world->directory));
}

/* The process is gone: what was not committed is lost. */
static inline void world_crash(struct world *world)
{
    char old[64], from[200], to[200];

    snprintf(old, sizeof(old), "%s", world->directory);
    world_make_directory(world);
    for (size_t index = 0; world_files[index]; index++) {
        snprintf(from, sizeof(from), "%s/%s", old, world_files[index]);
        snprintf(to, sizeof(to), "%s/%s", world->directory, world_files[index]);
        if (strstr(world_files[index], "reserve"))
            (void)!rename(from, to); /* large, and nothing in it */
        else if (!strstr(world_files[index], "shm"))
            world_copy_file(from, to);
    }
    world_close(world);
    world_clear(old);
}

static struct world *world_create(uint64_t seed)
{
    struct world *world = calloc(1, sizeof(*world));
    struct error err = {""};

    world_make_directory(world);
    world->now_ms = 1000000000;
    world->clock = (struct clock){world_wall, world_now, world};
    world->room_erp = world->room_crm = 4;
    world->random = seed * 0x9e3779b97f4a7c15ULL + 1;
    world->types = record_types_create();
    if (record_types_load(world->types, CONNECT_SOURCE_DIR "/config/records",
                          &err))
        fail_msg("%s", err.text);
    the_world = world;
    return world;
}

static void world_destroy(struct world *world)
{
    if (world->store)
        world_close(world);
    record_types_destroy(world->types);
    world_clear(world->directory);
    the_world = NULL;
    free(world);
}

/* ---- Events -------------------------------------------------------------- */

static void world_accepted(void *arg, int status, size_t accepted,
                           size_t duplicates)
{
    struct world *world = arg;

    world->accept_open--;
    world->accept_status = status;
    world->accepted += accepted;
    world->duplicates += duplicates;
}

static int world_accept(struct world *world, const char *id, const char *box)
{
    char body[256];
    struct op_record record = {
        .type = "box_event/1",
        .id = {id, strlen(id)},
        .key = {box, strlen(box)},
        .time_ms = world->now_ms,
    };
    struct engine_accept accept = {
        .origin = "crm", .records = &record, .record_count = 1};
    int status;

    snprintf(body, sizeof(body), "{\"box\":\"%s\"}", box);
    record.body = (cn_str){body, strlen(body)};
    if (!world->polled)
        accept.content = record.id; /* each is another request */
    world->accept_open++;
    status = engine_accept(world->engine, &accept, world_accepted, world);
    if (status)
        world->accept_open--;
    return status;
}

/* Take an operation out of the list and end it. */
static inline void world_end(struct world *world, size_t index,
                             struct op_outcome *outcome, const char *text)
{
    struct world_op op = world->ops[index];

    world->ops[index] = world->ops[--world->op_count];
    world_op_end(&op, outcome, text);
}

static inline void world_advance(struct world *world, int64_t ms)
{
    world->now_ms += ms;
    engine_wake(world->engine);
    world_settle(world);
}

static void world_run_read(void *arg, int status, const struct store_rows *rows)
{
    struct world *world = arg;

    assert_int_equal(status, 0);
    assert_true(rows->run_count >= 1);
    world->state = rows->runs[0].state;
    snprintf(world->reason, sizeof(world->reason), "%s",
             rows->runs[0].reason ? rows->runs[0].reason : "");
    snprintf(world->code, sizeof(world->code), "%s",
             rows->runs[0].code ? rows->runs[0].code : "");
}

static inline enum run_state world_state(struct world *world, uint64_t run)
{
    struct store_query query = {.kind = STORE_QUERY_RUN, .run = run};

    assert_int_equal(
        __real_store_query(world->store, &query, world_run_read, world), 0);
    world_settle(world);
    return world->state;
}

static void world_acted(void *arg, int status, uint64_t made_run)
{
    struct world *world = arg;

    world->act_status = status;
    world->act_run = made_run;
}

static inline int world_act(struct world *world, enum store_act act,
                            uint64_t run)
{
    if (engine_act(world->engine, "me", act, run, "test", world_acted, world))
        return -EAGAIN;
    world_settle(world);
    return world->act_status;
}

static inline void world_was_stopped(void *arg)
{
    ((struct world *)arg)->stopped = true;
}

#endif
