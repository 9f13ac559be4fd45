/* kill.c - F08: killed immediately before and immediately after each system
 * call that touches store, network or log.
 *
 * One idea: a point is one life of a deal.  The daemon is at rest, counting
 * begins, the webhook is sent, the daemon dies at the call that the case names;
 * it is started again, the sender sends again, all comes to rest, and the two
 * simulators have one order, one comment and one number for each deal.  Half of
 * the senders send again only what had no 200: there the store alone must know.
 *
 * A case's number gives the call and the side of it.  In `canonical` calls are
 * taken one after another; the other parts draw them, since what runs beside
 * each other is numbered differently each time.  Called on the main thread;
 * points run in lanes. */
#include "kill.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lanes.h"
#include "world.h"

enum {
    WORLD_POINTS = 40, /* then everything is checked and begun anew */
    STOP_MS = 30000,
    GOLDEN_RUNS = 8,   /* in tests/golden/store/v1.db */
    SECOND_SPAN = 400, /* calls of a start that takes up what was killed */
    /* Small, so that a checkpoint comes within the life of a few deals. */
    CHECKPOINT_PAGES = 60
};

struct aim { /* what a case's number means */
    uint64_t call, second;
    bool after, second_after;
    bool all; /* the sender sends what had its 200 once more */
    unsigned kind;
};

typedef void point_fn(struct world *world, const struct aim *aim);

static point_fn point_canonical, point_ten, point_checkpoint, point_double,
    point_start, point_stop;

static const struct part {
    const char *name;
    uint64_t small, whole; /* cases */
    uint64_t span;         /* calls to aim at, measured; more do not exist */
    point_fn *point;
} parts[] = {
    /* Five rounds of every call: threads interleave differently each time. */
    {"canonical", 120, 2100, 210, point_canonical},
    {"ten", 60, 2000, 1200, point_ten},
    {"checkpoint", 40, 1000, 680, point_checkpoint},
    {"double", 40, 1000, 240, point_double},
    {"start", 24, 600, 330, point_start},
    {"stop", 16, 400, 155, point_stop},
};
enum { PART_COUNT = sizeof(parts) / sizeof(*parts) };

const char *const kill_parts[] = {"canonical", "ten",  "checkpoint", "double",
                                  "start",     "stop", NULL};

static const struct part *find_part(const char *name)
{
    for (size_t at = 0; at < PART_COUNT; at++)
        if (!strcmp(parts[at].name, name))
            return &parts[at];
    abort();
}

uint64_t kill_part_count(const char *name)
{
    return find_part(name)->whole;
}

/* ---- Pieces of a point ----------------------------------------------------
 */

/* Aimed at, has the daemon ended?  It may only have been killed. */
static bool struck(struct world *world)
{
    struct lanes_sums *sums = lanes_sums();
    uint64_t calls;

    if (!world_ended(world)) {
        calls = world->page->count;
        if (calls > sums->calls_max)
            sums->calls_max = calls;
        tracer_aim(world->page, TRACER_NEVER, 0, false);
        return false;
    }
    world_must_be_traced(world);
    if (!world->page->killed)
        stage_fail(world->stage, "connectd ended by itself with %d",
                   world->stage->connectd.exit_code);
    world->stage->kills++;
    sums->struck++;
    return true;
}

/* Sent while aimed at; killed, or not; up again and everything kept. */
static void live_through(struct world *world, const struct aim *aim,
                         enum tracer_begin begin, size_t deals, size_t posts)
{
    char where[TRACER_WHERE_MAX] = "not reached";
    struct load load;

    world_open(world);
    world_load(world, deals, posts, &load);
    tracer_aim(world->page, begin, aim->call, aim->after);
    world_send(world, &load, false);
    if (struck(world)) {
        snprintf(where, sizeof(where), "%s", world->page->where);
        world_start(world);
        world_send_till_kept(world, &load, aim->all);
    } else {
        world_send_till_kept(world, &load, false);
    }
    world_count(world, &load, where);
    world_load_end(&load);
}

/* ---- The parts ------------------------------------------------------------
 */

static void point_canonical(struct world *world, const struct aim *aim)
{
    live_through(world, aim, TRACER_NOW, 1, 1);
}

static void point_ten(struct world *world, const struct aim *aim)
{
    live_through(world, aim, TRACER_NOW, 10, 5);
}

static void point_checkpoint(struct world *world, const struct aim *aim)
{
    live_through(world, aim, TRACER_AT_CHECKPOINT, 4, 2);
}

/* Killed, and killed again while it begins anew. */
static void point_double(struct world *world, const struct aim *aim)
{
    char where[2 * TRACER_WHERE_MAX] = "not reached";
    struct load load;
    size_t len;

    world_open(world);
    world_load(world, 2, 1, &load);
    tracer_aim(world->page, TRACER_NOW, aim->call, aim->after);
    world_send(world, &load, false);
    if (struck(world)) {
        len = (size_t)snprintf(where, sizeof(where), "%s, then ",
                               world->page->where);
        tracer_aim(world->page, TRACER_NOW, aim->second, aim->second_after);
        world_launch(world);
        if (world_await(world))
            world_send(world, &load, aim->all);
        if (struck(world)) {
            snprintf(where + len, sizeof(where) - len, "%s",
                     world->page->where);
            world_start(world);
        }
    }
    world_send_till_kept(world, &load, aim->all);
    world_count(world, &load, where);
    world_load_end(&load);
}

static void stop(struct world *world)
{
    process_signal(&world->stage->connectd, SIGTERM);
    if (!process_wait(&world->stage->connectd, STOP_MS))
        stage_fail(world->stage, "connectd did not stop in %d ms", STOP_MS);
    if (!world->page->killed && world->stage->connectd.exit_code)
        stage_fail(world->stage, "connectd stopped with %d",
                   world->stage->connectd.exit_code);
}

static void copy_golden(struct world *world, const char *from, const char *to)
{
    char source[4096], target[STAGE_PATH_MAX + 80];
    char *bytes;
    size_t len;
    FILE *file;

    snprintf(source, sizeof(source), "%s/tests/golden/store/%s",
             CONNECT_SOURCE_DIR, from);
    world_path(world, to, target);
    bytes = process_read_file(source, &len);
    file = fopen(target, "we");
    stage_must(world->stage, bytes && file);
    stage_must(world->stage, fwrite(bytes, 1, len, file) == len);
    stage_must(world->stage, !fclose(file) && !chmod(target, 0600));
    free(bytes);
}

static int64_t run_count(struct world *world)
{
    cJSON *told = stage_get(world->stage, ADMIN, "/v1/runs?limit=1000");
    int count = cJSON_GetArraySize(cJSON_GetObjectItem(told, "runs"));

    cJSON_Delete(told);
    return count;
}

/* A database of the first version, with work of flows that are no more: all its
 * runs are still there, and a new deal comes through. */
static void judge_migrated(struct world *world, struct load *load,
                           const char *where)
{
    char number[STAGE_TEXT_MAX], text[100];
    int64_t count;

    stage_until_number(world->stage,
                       cJSON_GetArrayItem(load->keys, 0)->valuestring, number);
    count = run_count(world) - (int64_t)load->deal_count;
    if (count == GOLDEN_RUNS)
        return;
    snprintf(text, sizeof(text),
             "of %d runs of the old database %" PRId64 " are left", GOLDEN_RUNS,
             count);
    lanes_sums()->lost++;
    lanes_broken(where, text);
}

/* Killed while it starts: with nothing there, with an old database, again. */
static void point_start(struct world *world, const struct aim *aim)
{
    enum { FRESH, OLD, AGAIN, KINDS };
    unsigned kind = aim->kind % KINDS;
    char where[TRACER_WHERE_MAX] = "not reached";
    struct load load;

    if (kind == AGAIN) {
        world_open(world);
        stop(world);
    } else {
        world_close(world);
        world_prepare(world);
        if (kind == OLD) {
            copy_golden(world, "v1.db", "data/connect.db");
            copy_golden(world, "v1.key", "data/lookup.key");
        }
    }
    tracer_aim(world->page, TRACER_NOW, aim->call, aim->after);
    world_launch(world);
    (void)world_await(world);
    if (struck(world)) {
        snprintf(where, sizeof(where), "%s", world->page->where);
        world_start(world);
    }
    world_load(world, 1, 1, &load);
    world_send_till_kept(world, &load, false);
    if (kind == OLD)
        judge_migrated(world, &load, where);
    else
        world_count(world, &load, where);
    world_load_end(&load);
    if (kind == OLD)
        world_drop(world);
    else if (kind == FRESH)
        world_close(world);
}

/* Killed while it stops with work under way. */
static void point_stop(struct world *world, const struct aim *aim)
{
    char where[TRACER_WHERE_MAX] = "not reached";
    struct load load;

    world_open(world);
    world_load(world, 2, 1, &load);
    world_send_till_kept(world, &load, false);
    tracer_aim(world->page, TRACER_NOW, aim->call, aim->after);
    stop(world);
    if (world->page->killed) {
        snprintf(where, sizeof(where), "%s", world->page->where);
        lanes_sums()->struck++;
    } else if (world->page->count > lanes_sums()->calls_max) {
        lanes_sums()->calls_max = world->page->count;
    }
    world_start(world);
    if (aim->all)
        world_send_till_kept(world, &load, true);
    world_count(world, &load, where);
    world_load_end(&load);
}

/* ---- Running --------------------------------------------------------------
 */

static void end_stage(void)
{
    stage_teardown(NULL);
}

struct running {
    const struct proof *proof;
    const struct part *part;
};

static struct aim aim_of(const struct running *running, uint64_t number)
{
    uint64_t state = running->proof->seed + number / 2;
    struct aim aim = {.after = number & 1};

    aim.call = 1 + (running->part->point == point_canonical
                        ? number / 2 % running->part->span
                        : proof_below(&state, running->part->span));
    aim.second = 1 + proof_below(&state, SECOND_SPAN);
    aim.second_after = proof_below(&state, 2);
    aim.all = proof_below(&state, 2);
    aim.kind = (unsigned)(number / 2);
    return aim;
}

static void lane(void *arg)
{
    const struct running *running = arg;
    struct world world = {.page = tracer_page_create()};
    uint64_t number;

    atexit(end_stage);
    while (lanes_take(&number)) {
        struct aim aim = aim_of(running, number);
        running->part->point(&world, &aim);
        if (world.spoiled || world.points >= WORLD_POINTS)
            world_close(&world);
    }
    world_close(&world);
}

bool kill_run(const struct proof *proof, const char *name)
{
    struct running running = {proof, find_part(name)};
    struct lanes_part part = {
        .proof = proof,
        .name = name,
        .first = proof->from,
        .count = proof->count ? proof->count : running.part->small,
        .whole = proof->count ? 0 : running.part->whole,
        .fn = lane,
        .arg = &running,
    };
    struct lanes_sums sums;
    int64_t begun = process_now_ms(), passed;
    char more[200], pages[16];
    bool held;

    snprintf(pages, sizeof(pages), "%d", CHECKPOINT_PAGES);
    if (!strcmp(name, "checkpoint"))
        setenv("CONNECT_TEST_CHECKPOINT", pages, 1);
    else
        unsetenv("CONNECT_TEST_CHECKPOINT");
    held = lanes_run(&part, &sums);
    passed = process_now_ms() - begun;
    snprintf(more, sizeof(more),
             "\"killed\":%" PRIu64 ",\"max_calls\":%" PRIu64
             ",\"seconds\":%" PRId64 ".%" PRId64,
             (uint64_t)sums.struck, (uint64_t)sums.calls_max, passed / 1000,
             passed / 100 % 10);
    proof_figures(proof, name, sums.done, sums.lost, sums.doubled, more);
    return held;
}
