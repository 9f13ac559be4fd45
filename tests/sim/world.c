/* world.c - one simulated world: ports, life, and the two functions of the
 * store that may refuse.
 *
 * One idea: the daemon is what world_open makes and a death takes away; the
 * other systems, the clock and the disk go on.  Once the process is dead
 * nothing that its remains still call has an effect. */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk.h"
#include "proof.h"

enum {
    EVENTS_MAX = 4096,
    OPEN_TRIES_MAX = 30,         /* starts of a daemon whose disk fails */
    RESERVE_SIM_BYTES = 1 << 20, /* stands for the 16 MiB of the store */
    KEY_BYTES = 32,
    RUN_KEEP_MS = 600000,       /* where runs are forgotten by age */
    DATABASE_BYTES = 300 * 1024 /* ... by size: soon too small */
};

/* The wall clock at the beginning: some day in 2026. */
static const int64_t WALL_BEGIN_MS = 1772000000000;

bool tracing;
static struct world *the_world; /* for the wrapped functions */

/* ---- Chance -------------------------------------------------------------- */

unsigned world_draw(struct world *world, unsigned below)
{
    return (unsigned)proof_below(&world->random, below);
}

bool world_chance(struct world *world, unsigned of_thousand)
{
    return world_draw(world, 1000) < of_thousand;
}

void world_begin_step(struct world *world, unsigned step)
{
    world->step = step;
    world->random = world->seed * 0x9e3779b97f4a7c15u + step;
    (void)proof_random(&world->random);
    world->random ^= (uint64_t)step << 32;
}

static uint64_t port_random(void *arg)
{
    return proof_random(&((struct world *)arg)->random);
}

void world_broken(const struct world *world, const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fprintf(stderr, "sim: 1 broken, seed %llu, step %u: ",
            (unsigned long long)world->seed, world->step);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\nagain: sim --seed %llu --count 1 --steps %u",
            (unsigned long long)world->seed,
            world->step < world->steps ? world->step + 1 : world->steps);
    if (world->skip)
        fprintf(stderr, " --skip %s", world->skip);
    fprintf(stderr, "\n");
    exit(PROOF_FAILED);
}

/* ---- Commits and questions that are not taken ---------------------------- */

int __real_store_commit(struct store *store, struct store_batch *batch,
                        store_committed_fn *fn, void *arg);
int __wrap_store_commit(struct store *store, struct store_batch *batch,
                        store_committed_fn *fn, void *arg);
int __real_store_query(struct store *store, const struct store_query *query,
                       store_read_fn *fn, void *arg);
int __wrap_store_query(struct store *store, const struct store_query *query,
                       store_read_fn *fn, void *arg);

static bool refused(struct world *world)
{
    if (world->closing || !world_chance(world, world->refuse))
        return false;
    watch_fault(&world->watch, FAULT_QUEUE);
    return true;
}

int __wrap_store_commit(struct store *store, struct store_batch *batch,
                        store_committed_fn *fn, void *arg)
{
    if (refused(the_world))
        return -EAGAIN;
    return __real_store_commit(store, batch, fn, arg);
}

int __wrap_store_query(struct store *store, const struct store_query *query,
                       store_read_fn *fn, void *arg)
{
    if (refused(the_world))
        return -EAGAIN;
    return __real_store_query(store, query, fn, arg);
}

/* The reserve is a file that the store fills beside SQLite: here it is a part
 * of the disk's space. */
struct reserve;
bool __wrap_reserve_keep(struct reserve *reserve);
void __wrap_reserve_spend(struct reserve *reserve);

bool __wrap_reserve_keep(struct reserve *reserve)
{
    (void)reserve;
    return disk_reserve_keep(RESERVE_SIM_BYTES);
}

void __wrap_reserve_spend(struct reserve *reserve)
{
    (void)reserve;
    disk_reserve_spend();
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

static struct world_op *op_make(struct world *world)
{
    struct world_op *op = &world->ops[world->op_count++];

    if (world->op_count == OPS_MAX)
        world_broken(world, "more operations are open than ever should");
    world_op_begin(op, ++world->next_op, world->now_ms);
    op->stuck = !world->calm && world_chance(world, 15);
    return op;
}

uint32_t world_room(const struct world *world, const char *instance)
{
    return strcmp(instance, "erp") ? world->room_crm : world->room_erp;
}

/* What is sent must be durable as being sent, what is asked about as being in
 * doubt. */
static void check_intent(struct world *world, const struct world_op *op)
{
    enum delivery_state state =
        op->kind == OP_DELIVER ? DELIVERY_SENDING : DELIVERY_IN_DOUBT;

    watch_look(world);
    if (!watch_find(&world->watch, op->run, state))
        world_broken(world,
                     "LOST: run %llu begins to %s %s %s, which the store does "
                     "not know",
                     (unsigned long long)op->run, op_kind_text(op->kind),
                     op->what, op->key);
}

static bool is_document(const struct world_op *op)
{
    return (op->kind == OP_DELIVER || op->kind == OP_PROBE) && !op->jq &&
           strcmp(op->what, "deal/1") != 0;
}

/* What must hold when an operation begins. */
static void op_begun(struct world *world, const struct world_op *op)
{
    uint32_t open = 0;

    TRACE("  begun %s %s %s %s of run %llu\n", op_kind_text(op->kind),
          op->instance, op->what, op->key, (unsigned long long)op->run);
    for (size_t index = 0; index < world->op_count; index++) {
        const struct world_op *other = &world->ops[index];
        if (other->jq || other->kind == OP_POLL)
            continue;
        open += !strcmp(other->instance, op->instance);
        /* The runs of one deal come one after the other, too; a shadow asks
         * whenever it likes. */
        if (world->shadows &&
            (op->kind != OP_DELIVER || other->kind != OP_DELIVER))
            continue;
        if (other == op || is_document(op) != is_document(other))
            continue;
        if (!strcmp(other->what, op->what) && !strcmp(other->key, op->key))
            world_broken(world, "%s %s is on its way twice", op->what, op->key);
    }
    if (op->kind != OP_POLL && open > 4)
        world_broken(world, "%u operations are open at %s", open, op->instance);
    if (op->kind == OP_DELIVER || (op->kind == OP_PROBE && !world->shadows))
        check_intent(world, op);
}

static int start_refused(struct world *world, const struct op_request *request)
{
    unsigned kind = world_draw(world, 100);

    if (world->calm || !world_chance(world, world->start_refuse))
        return 0;
    watch_fault(&world->watch, FAULT_START);
    if (kind < 70 || !request || request->kind == OP_POLL)
        return -EAGAIN;
    if (kind < 80)
        return -ENOENT;
    return request->kind == OP_PROBE ? -ENOTSUP : -EINVAL;
}

static int port_start(void *arg, const struct op_request *request,
                      op_ended_fn *fn, void *fn_arg, uint64_t *ret_op,
                      struct error *err)
{
    struct world *world = arg;
    struct world_op *op;
    int status;

    if (world_dead(world) || !world_room(world, request->instance))
        return -EAGAIN;
    status = start_refused(world, request);
    if (status) {
        error_set(err, "the simulation says no");
        return status;
    }
    op = op_make(world);
    *ret_op = op->number;
    world_op_read(op, request, fn, fn_arg);
    op_begun(world, op);
    return 0;
}

static void port_cancel(void *arg, uint64_t number)
{
    struct world *world = arg;

    for (size_t index = 0; index < world->op_count; index++) {
        if (world->ops[index].number == number)
            world->ops[index].stuck = false; /* it ends like any other */
    }
}

static void port_commit(void *arg, const char *instance, cn_str cursor)
{
    (void)arg;
    (void)instance;
    (void)cursor;
}

static uint32_t port_room(void *arg, const char *instance)
{
    struct world *world = arg;

    return world->closing ? 0 : world_room(world, instance);
}

static int port_jq(void *arg, const char *program, const char *input,
                   size_t len, ports_jq_fn *fn, void *fn_arg)
{
    struct world *world = arg;
    struct world_op *op;

    (void)program;
    if (world_dead(world) || start_refused(world, NULL))
        return -EAGAIN;
    op = op_make(world);
    world_op_read_jq(op, input, len, fn, fn_arg);
    return 0;
}

static void port_wake_at(void *arg, int64_t steady_ms)
{
    struct world *world = arg;

    world->wake_ms = world->now_ms + steady_ms - store_steady_ms(world->store);
}

static void port_store_failed(void *arg)
{
    ((struct world *)arg)->store_failed = true;
}

/* ---- Life ---------------------------------------------------------------- */

bool world_prunes(const struct world *world)
{
    return world->seed % 4 == 1 || world->seed % 4 == 2;
}

bool world_dead(const struct world *world)
{
    return world->closing || disk_dead();
}

void world_settle(struct world *world)
{
    for (int round = 0; round < ROUNDS_MAX && !disk_dead(); round++) {
        store_drain(world->store);
        if (!store_backlog(world->store) && round > 8)
            return;
    }
    if (!disk_dead())
        world_broken(world, "the engine commits again and again");
}

void world_add_flow(struct world *world, const char *text)
{
    struct definition *flow = NULL;
    struct error err = {""};

    if (definition_create("flow.json", text, strlen(text), NULL, world->types,
                          &flow, &err))
        world_broken(world, "%s", err.text);
    if (engine_add_flow(world->engine, flow))
        world_broken(world, "a flow is not taken");
    definition_release(flow);
}

/* The supervisor starts it again and again; some day the disk is well. */
static void open_store(struct world *world)
{
    struct store_options options = {
        .directory = world->directory,
        .owner = "sim",
        .clock = &world->clock,
        .inline_mode = true,
    };
    struct error err;

    for (unsigned count = 0; count < OPEN_TRIES_MAX; count++) {
        err.text[0] = '\0';
        if (!store_open(&options, &world->store, &err) && !disk_dead())
            return;
        TRACE("  does not open: %s\n", err.text);
        if (world->store) {
            world->closing = true;
            store_close(world->store);
            world->closing = false;
            world->store = NULL;
        }
        if (disk_dead()) {
            disk_restart(world->power);
        } else if (count > 3) {
            disk_calm();
        }
    }
    world_broken(world, "LOST: the store does not open: %s", err.text);
}

void world_open(struct world *world)
{
    struct engine_options engine = {
        .ports = {port_start, port_cancel, port_commit, port_room, port_jq,
                  port_wake_at, port_random, port_store_failed, world, NULL},
        .types = world->types,
        .limits = {.attempts_max = 5,
                   .retry_after_max_ms = 900000,
                   .delay_first_ms = 1000,
                   .delay_max_ms = 60000,
                   .hold_ms = 900000},
        .runs_active_max = world->runs_active_max,
        .run_keep_ms = world->seed % 4 == 1 ? RUN_KEEP_MS : 0,
        .database_bytes_max = world->seed % 4 == 2 ? DATABASE_BYTES : 0,
    };

    world->closing = world->store_failed = world->stopped = false;
    world->op_count = 0;
    open_store(world);
    watch_open(world);
    engine.store = world->store;
    world->engine = engine_create(&engine);
}

void world_close(struct world *world)
{
    watch_close(world);
    world->closing = true;
    store_close(world->store);
    engine_destroy(world->engine);
    world->store = NULL;
    world->engine = NULL;
    world->op_count = 0;
    world->closing = false;
}

void world_fall(struct world *world, bool power)
{
    disk_die();
    world_close(world);
    disk_restart(power);
}

static void make_directory(struct world *world)
{
    unsigned char key[KEY_BYTES];
    char path[128];
    uint64_t random = world->seed;
    struct stat info;
    int descriptor;

    snprintf(world->directory, sizeof(world->directory), "%s/sim-XXXXXX",
             stat("/dev/shm", &info) ? "/tmp" : "/dev/shm");
    if (!mkdtemp(world->directory))
        world_broken(world, "%s: %s", world->directory, strerror(errno));
    /* The same look-up key each time, for the same order of rows. */
    for (size_t index = 0; index < sizeof(key); index++)
        key[index] = (unsigned char)proof_below(&random, 256);
    snprintf(path, sizeof(path), "%s/lookup.key", world->directory);
    descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0 ||
        write(descriptor, key, sizeof(key)) != (ssize_t)sizeof(key))
        world_broken(world, "%s: %s", path, strerror(errno));
    close(descriptor);
}

struct world *world_create(uint64_t seed, const struct record_types *types)
{
    struct world *world = calloc(1, sizeof(*world));

    if (!world)
        abort();
    world->seed = seed;
    world->now_ms = 1000000000;
    world->wall_ahead_ms = WALL_BEGIN_MS;
    world->clock = (struct clock){world_wall, world_now, world};
    world->room_erp = world->room_crm = 4;
    world->start_refuse = 25;
    world->types = (struct record_types *)(uintptr_t)types;
    world->events = calloc(EVENTS_MAX, sizeof(*world->events));
    make_directory(world);
    erp_begin(&world->erp);
    disk_format(seed);
    the_world = world;
    return world;
}

void world_destroy(struct world *world)
{
    static const char *const files[] = {"connect.db", "connect.lock",
                                        "lookup.key"};
    char path[128];

    if (world->store)
        world_close(world);
    watch_done(world);
    for (size_t index = 0; index < sizeof(files) / sizeof(*files); index++) {
        snprintf(path, sizeof(path), "%s/%s", world->directory, files[index]);
        unlink(path);
    }
    rmdir(world->directory);
    the_world = NULL;
    free(world->events);
    free(world);
}

/* ---- Operations end ------------------------------------------------------ */

void world_end(struct world *world, size_t index, struct op_outcome *outcome,
               const char *text)
{
    struct world_op op = world->ops[index];

    if (index != --world->op_count)
        world->ops[index] = world->ops[world->op_count];
    world_op_end(&op, outcome, text);
}
