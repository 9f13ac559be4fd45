/* starve.c - F12: each allocation of the canonical flow fails, once, and from
 * then on.
 *
 * One idea: the daemon may end when memory does, but only with its message;
 * then F08 holds.  Or it goes on, and then the deal comes through without a
 * restart.  In both cases there is one order, as the deal has it: what is left
 * out for want of memory must not be sent.  A case's number gives the
 * allocation and whether later ones fail too.  Called on the main thread;
 * points run in lanes. */
#include "starve.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lanes.h"
#include "world.h"

enum {
    ALLOCATIONS = 7200, /* of the flow after a start, and some more */
    SMALL = 60,
    WORLD_POINTS = 40,
    LIVES_MS = 5000, /* to answer in when memory is there again */
    ABORTED = 128 + 6
};

uint64_t starve_part_count(void)
{
    return 2 * ALLOCATIONS;
}

static void end_stage(void)
{
    stage_teardown(NULL);
}

/* Did the daemon end as it should, or why not? */
static const char *ended_badly(struct world *world, size_t log_before)
{
    char *log = stage_log(world->stage);
    const char *own = strlen(log) > log_before ? log + log_before : "";
    const char *why = NULL;
    int code = world->stage->connectd.exit_code;

    if (code == ABORTED && !strstr(own, "connect: out of memory") &&
        !strstr(own, ": memory ended")) /* a plugin says it */
        why = "it aborted without its message";
    else if (code == 1 && !strstr(own, "\"level\":\"error\""))
        why = "it ended without a message";
    else if (code != ABORTED && code != 1)
        why = code == 128 + 11 ? "segmentation fault" : "it ended badly";
    free(log);
    return why;
}

static size_t log_len(struct world *world)
{
    char *log = stage_log(world->stage);
    size_t len = strlen(log);

    free(log);
    return len;
}

/* Does it answer, or has it ended, now that no allocation fails any more?  What
 * reads the store may answer 500 once more: it notices late. */
static bool lives(struct world *world)
{
    int64_t until = process_now_ms() + LIVES_MS;
    bool good = false;

    while (!good && world_runs(world)) {
        struct web_answer answer =
            stage_try(world->stage, ADMIN, NULL, "/v1/runs", NULL);
        good = answer.status == 200;
        if (!good)
            process_nap(50);
        if (!good && process_now_ms() > until)
            stage_fail(world->stage, "it answers %d still: %.200s",
                       answer.status, answer.body);
        web_answer_end(&answer);
    }
    return good;
}

/* A daemon that has done nothing yet: sessions and caches are allocations too.
 */
static void open_anew(struct world *world)
{
    if (world->stage) {
        stage_kill(world->stage);
        world_start(world);
    }
    world_open(world);
}

static void point(struct world *world, uint64_t number)
{
    char where[TRACER_WHERE_MAX] = "not reached", text[300];
    struct lanes_sums *sums = lanes_sums();
    struct load load;
    size_t before;
    bool ended;

    open_anew(world);
    before = log_len(world);
    world_load(world, 1, 1, &load);
    tracer_aim(world->page, TRACER_NOW, 1 + number / 2, number & 1);
    world_send(world, &load, false);
    ended = world_ended(world);
    world->page->begin = TRACER_NEVER;
    ended = ended || !lives(world);
    if (world->page->killed) {
        snprintf(where, sizeof(where), "%s", world->page->where);
        sums->struck++;
    } else if (world->page->count > sums->calls_max) {
        sums->calls_max = world->page->count;
    }
    if (ended) {
        const char *why = ended_badly(world, before);
        sums->ended++;
        world->stage->kills++;
        snprintf(text, sizeof(text), "%s (%d)", why ? why : "",
                 world->stage->connectd.exit_code);
        if (why) {
            sums->crashed++;
            lanes_broken(where, text);
        }
        world->stage->aborts +=
            !why && world->stage->connectd.exit_code == ABORTED;
        world_start(world);
    }
    world_send_till_kept(world, &load, false);
    world_count(world, &load, where);
    world_load_end(&load);
}

static void lane(void *arg)
{
    struct world world = {.page = tracer_page_create(),
                          .preload =
                              CONNECT_BUILD_DIR "/tests/crash/allocation.so"};
    uint64_t number;

    (void)arg;
    atexit(end_stage);
    while (lanes_take(&number)) {
        point(&world, number);
        if (world.spoiled || world.points >= WORLD_POINTS)
            world_close(&world);
    }
    world_close(&world);
}

bool starve_run(const struct proof *proof)
{
    struct lanes_part part = {
        .proof = proof,
        .name = "allocations",
        .first = proof->from,
        .count = proof->count ? proof->count : SMALL,
        .whole = proof->count ? 0 : 2 * ALLOCATIONS,
        .fn = lane,
    };
    struct lanes_sums sums;
    char more[200];
    bool held = lanes_run(&part, &sums);

    snprintf(more, sizeof(more),
             "\"failed\":%" PRIu64 ",\"ended\":%" PRIu64
             ",\"max_allocations\":%" PRIu64,
             (uint64_t)sums.struck, (uint64_t)sums.ended,
             (uint64_t)sums.calls_max);
    printf("%s: %" PRIu64 " crashed\n", part.name, (uint64_t)sums.crashed);
    proof_figures(proof, part.name, sums.done, sums.lost, sums.doubled, more);
    return held;
}
