/* kill.c - F08: killed immediately before and immediately after each system
 * call that touches store, network or log.
 *
 * One idea: a point is one life of a deal.  The daemon is at rest, counting
 * begins, the webhook is sent, the daemon dies at the call that the case names;
 * it is started again, the sender sends again, all comes to rest, and the two
 * simulators have one order, one comment and one number for each deal.  Half of
 * the senders send again only what had no 200: there the store alone must know.
 *
 * A case's number is a point: the kind of life, the call, the side of it.
 * Points are walked, none is drawn, so each case is another one (figure
 * `distinct`: those whose call came), however the cases are cut into chunks.
 * Only `canonical` goes round twice, since threads interleave differently each
 * time; its second round counts as killed, not as distinct.  A point of
 * `double` is a pair of calls.  Called on the main thread; points run in lanes.
 */
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
    IN_FLIGHT_MS = 10000, /* until ten runs have begun; usual are 50 */
    TEN = 10,
    GOLDEN_RUNS = 8,   /* in tests/golden/store/v1.db */
    SECOND_SPAN = 400, /* calls of a start that takes up what was killed */
    SECOND_STEP = 211, /* prime to the span: neighbours die far apart, */
    ROUND_STEP = 77,   /* and each round elsewhere */
    KINDS_MAX = 3
};

struct aim { /* what a case's number means */
    uint64_t call, second;
    bool after, second_after;
    bool all; /* the sender sends what had its 200 once more */
    bool first_round;
    unsigned kind;
};

typedef void point_fn(struct world *world, const struct aim *aim);

static point_fn point_canonical, point_ten, point_checkpoint, point_double,
    point_start, point_stop;

/* Kinds of lives, by part. */
enum { TEN_COMING, TEN_IN_FLIGHT };
enum { START_FRESH, START_OLD, START_AGAIN };
enum { CHECKPOINT_SMALL, CHECKPOINT_TEN, CHECKPOINT_LARGE };

static const struct part {
    const char *name;
    uint64_t small; /* cases */
    point_fn *point;
    struct kind {
        uint64_t span; /* calls to aim at, measured; few lives have more */
        uint64_t rounds;
    } kinds[KINDS_MAX];
} parts[] = {
    {"canonical", 120, point_canonical, {{182, 2}}},
    {"ten",
     60,
     point_ten,
     {[TEN_COMING] = {350, 1}, [TEN_IN_FLIGHT] = {720, 1}}},
    {"checkpoint",
     40,
     point_checkpoint,
     {[CHECKPOINT_SMALL] = {62, 1},
      [CHECKPOINT_TEN] = {72, 1},
      [CHECKPOINT_LARGE] = {90, 1}}},
    {"double", 40, point_double, {{250, 3}}},
    {"start",
     24,
     point_start,
     {[START_FRESH] = {350, 1},
      [START_OLD] = {290, 1},
      [START_AGAIN] = {168, 1}}},
    {"stop", 16, point_stop, {{130, 1}}},
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

/* Each call has two sides. */
static uint64_t cases_of(const struct kind *kind)
{
    return 2 * kind->span * kind->rounds;
}

static uint64_t whole_of(const struct part *part)
{
    uint64_t whole = 0;

    for (size_t at = 0; at < KINDS_MAX; at++)
        whole += cases_of(&part->kinds[at]);
    return whole;
}

uint64_t kill_part_count(const char *name)
{
    return whole_of(find_part(name));
}

/* ---- Pieces of a point ----------------------------------------------------
 */

/* The point of the case was struck. */
static void count_point(const struct world *world, const struct aim *aim)
{
    struct lanes_sums *sums = lanes_sums();

    sums->distinct += aim->first_round;
    sums->at_files += strstr(world->page->where, "connect.db") != NULL;
}

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

/* How deals come, and from when on calls are counted. */
struct life {
    size_t deals, posts;
    enum tracer_begin begin;
    bool at_once;   /* webhooks on connections of their own */
    bool in_flight; /* counted from when all runs have begun */
};

static bool all_begun(struct stage *stage, void *arg)
{
    return stage_runs_in(stage, "ready,active,queued,waiting") ==
           *(const size_t *)arg;
}

/* Streak stands still until all runs have begun, so that none can end before
 * the others began. */
static void send_in_flight(struct world *world, const struct aim *aim,
                           struct load *load)
{
    process_signal(&world->stage->streak, SIGSTOP);
    world_send_at_once(world, load);
    for (size_t at = 0; at < load->post_count; at++)
        stage_must(world->stage, load->statuses[at] == 200);
    stage_until(world->stage, IN_FLIGHT_MS, "all runs in flight", all_begun,
                &load->deal_count);
    tracer_aim(world->page, TRACER_NOW, aim->call, aim->after);
    process_signal(&world->stage->streak, SIGCONT);
}

/* Sent while aimed at; killed, or not; up again and everything kept. */
static void live_through(struct world *world, const struct aim *aim,
                         const struct life *life)
{
    char where[TRACER_WHERE_MAX] = "not reached";
    struct load load;

    world_open(world);
    world_load(world, life->deals, life->posts, &load);
    if (life->in_flight) {
        send_in_flight(world, aim, &load);
    } else {
        tracer_aim(world->page, life->begin, aim->call, aim->after);
        if (life->at_once)
            world_send_at_once(world, &load);
        else
            world_send(world, &load, false);
    }
    if (struck(world)) {
        count_point(world, aim);
        lanes_sums()->in_flight += life->in_flight;
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
    static const struct life life = {
        .deals = 1, .posts = 1, .begin = TRACER_NOW};

    live_through(world, aim, &life);
}

static void point_ten(struct world *world, const struct aim *aim)
{
    const struct life life = {.deals = TEN,
                              .posts = TEN,
                              .begin = TRACER_NOW,
                              .at_once = true,
                              .in_flight = aim->kind == TEN_IN_FLIGHT};

    live_through(world, aim, &life);
}

/* Pages of the log, so that a checkpoint comes within the life of a few deals.
 */
static const char *checkpoint_pages(unsigned kind)
{
    return kind == CHECKPOINT_LARGE ? "200" : "60";
}

static void point_checkpoint(struct world *world, const struct aim *aim)
{
    static const struct life lives[] = {
        [CHECKPOINT_SMALL] = {4, 2, TRACER_AT_CHECKPOINT, false, false},
        [CHECKPOINT_TEN] = {TEN, TEN, TRACER_AT_CHECKPOINT, true, false},
        [CHECKPOINT_LARGE] = {TEN, TEN, TRACER_AT_CHECKPOINT, true, false}};

    live_through(world, aim, &lives[aim->kind]);
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
            count_point(world, aim);
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
    unsigned kind = aim->kind;
    char where[TRACER_WHERE_MAX] = "not reached";
    struct load load;

    if (kind == START_AGAIN) {
        world_open(world);
        stop(world);
    } else {
        world_close(world);
        world_prepare(world);
        if (kind == START_OLD) {
            copy_golden(world, "v1.db", "data/connect.db");
            copy_golden(world, "v1.key", "data/lookup.key");
        }
    }
    tracer_aim(world->page, TRACER_NOW, aim->call, aim->after);
    world_launch(world);
    (void)world_await(world);
    if (struck(world)) {
        count_point(world, aim);
        snprintf(where, sizeof(where), "%s", world->page->where);
        world_start(world);
    }
    world_load(world, 1, 1, &load);
    world_send_till_kept(world, &load, false);
    if (kind == START_OLD)
        judge_migrated(world, &load, where);
    else
        world_count(world, &load, where);
    world_load_end(&load);
    if (kind == START_OLD)
        world_drop(world);
    else if (kind == START_FRESH)
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
        count_point(world, aim);
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
    uint64_t state = running->proof->seed + number / 2, points, round, second;
    struct aim aim = {.all = proof_below(&state, 2)};
    const struct kind *kinds = running->part->kinds;
    bool pairs = running->part->point == point_double;

    number %= whole_of(running->part);
    while (number >= cases_of(&kinds[aim.kind]))
        number -= cases_of(&kinds[aim.kind++]);
    points = 2 * kinds[aim.kind].span;
    round = number / points;
    number %= points;
    aim.call = 1 + number / 2;
    aim.after = number & 1;
    second = (number * SECOND_STEP + round * ROUND_STEP) %
             ((uint64_t)2 * SECOND_SPAN);
    aim.second = 1 + second / 2;
    aim.second_after = second & 1;
    aim.first_round = !round || pairs;
    return aim;
}

static void lane(void *arg)
{
    const struct running *running = arg;
    struct world world = {.page = tracer_page_create()};
    unsigned kind = KINDS_MAX;
    uint64_t number;

    atexit(end_stage);
    while (lanes_take(&number)) {
        struct aim aim = aim_of(running, number);
        if (running->part->point == point_checkpoint && aim.kind != kind) {
            world_close(&world);
            setenv("CONNECT_TEST_CHECKPOINT", checkpoint_pages(aim.kind), 1);
        }
        kind = aim.kind;
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
        .whole = proof->count ? 0 : whole_of(running.part),
        .fn = lane,
        .arg = &running,
    };
    struct lanes_sums sums;
    int64_t begun = process_now_ms(), passed;
    char more[300], own[100] = "";
    bool held;

    unsetenv("CONNECT_TEST_CHECKPOINT");
    held = lanes_run(&part, &sums);
    passed = process_now_ms() - begun;
    /* There nothing else is counted, hence struck, than a checkpoint. */
    if (running.part->point == point_checkpoint)
        snprintf(own, sizeof(own),
                 ",\"in_checkpoint\":%" PRIu64 ",\"at_files\":%" PRIu64,
                 (uint64_t)sums.struck, (uint64_t)sums.at_files);
    else if (running.part->point == point_ten)
        snprintf(own, sizeof(own), ",\"ten_in_flight\":%" PRIu64,
                 (uint64_t)sums.in_flight);
    snprintf(more, sizeof(more),
             "\"killed\":%" PRIu64 ",\"distinct\":%" PRIu64
             "%s,\"max_calls\":%" PRIu64 ",\"seconds\":%" PRId64 ".%" PRId64,
             (uint64_t)sums.struck, (uint64_t)sums.distinct, own,
             (uint64_t)sums.calls_max, passed / 1000, passed / 100 % 10);
    proof_figures(proof, name, sums.done, sums.lost, sums.doubled, more);
    return held;
}
