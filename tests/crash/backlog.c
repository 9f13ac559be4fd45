/* backlog.c - F08: 100,000 records wait when the daemon starts.
 *
 * One idea: the records are stored by the store itself while no daemon runs;
 * then, with Streak away so that they stay where they are, the daemon is
 * started, killed in the middle of them and started again.  From each start to
 * the first webhook that has its 200 two seconds may pass, and in the end the
 * store counts every record.  Not traced, since time is measured.  Called on
 * the main thread; runs in one lane. */
#include "backlog.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "lanes.h"
#include "store/store.h"
#include "world.h"

enum {
    WAITING = 100000,
    BATCH = 500,          /* records of one transaction */
    ANSWER_MS_MAX = 2000, /* what the catalogue allows */
    KILL_AFTER_MS = 300,
    STOP_MS = 60000,
    VERSION_MAX = 128
};

uint64_t backlog_part_count(void)
{
    return 1;
}

static void end_stage(void)
{
    stage_teardown(NULL);
}

/* ---- Filling --------------------------------------------------------------
 */

struct filling {
    struct stage *stage;
    struct store *store;
    char flow[VERSION_MAX], version[VERSION_MAX];
    size_t stored;
};

static void batch_stored(void *arg, int status,
                         const struct store_result *results, size_t count)
{
    struct filling *filling = arg;

    (void)results;
    if (status)
        stage_fail(filling->stage, "filling: %s", strerror(-status));
    filling->stored += count;
}

static void add_record(struct filling *filling, struct store_batch *batch,
                       size_t number)
{
    char id[40], body[80];
    struct store_accept_run run = {.flow = filling->flow,
                                   .flow_version = filling->version};
    struct store_accept accept = {.origin = "streak",
                                  .type = "box_event/1",
                                  .run_count = 1,
                                  .runs = &run};

    snprintf(id, sizeof(id), "waiting-%zu", number);
    snprintf(body, sizeof(body), "{\"box\":\"%s\"}", id);
    accept.id = (struct store_bytes){id, strlen(id)};
    accept.key = run.key = accept.id;
    accept.body = (struct store_bytes){body, strlen(body)};
    store_batch_accept(batch, &accept);
}

/* The flow as the daemon has stored it for its first run. */
static void learn_flow(struct world *world, struct filling *filling)
{
    cJSON *run = stage_get(world->stage, ADMIN, "/v1/runs/1");

    snprintf(filling->flow, VERSION_MAX, "%s",
             cJSON_GetObjectItem(run, "flow")->valuestring);
    snprintf(filling->version, VERSION_MAX, "%s",
             cJSON_GetObjectItem(run, "flow_version")->valuestring);
    cJSON_Delete(run);
}

static void fill(struct world *world, struct filling *filling)
{
    char directory[STAGE_PATH_MAX + 80];
    struct store_options options = {.directory = directory,
                                    .owner = "filling",
                                    .clock = clock_system(),
                                    .inline_mode = true};
    struct error err = {""};

    filling->stage = world->stage;
    world_path(world, "data", directory);
    if (store_open(&options, &filling->store, &err))
        stage_fail(world->stage, "%s", err.text);
    for (size_t at = 0; at < WAITING; at += BATCH) {
        struct store_batch *batch = store_batch_create();
        for (size_t number = at; number < at + BATCH; number++)
            add_record(filling, batch, number);
        stage_must(world->stage,
                   !store_commit(filling->store, batch, batch_stored, filling));
        store_drain(filling->store);
    }
    store_close(filling->store);
    stage_must(world->stage, filling->stored == WAITING);
}

/* ---- Measuring ------------------------------------------------------------
 */

/* From the start to the first webhook answered 200. */
static int64_t start_and_send(struct world *world, struct load *load)
{
    int64_t begun = process_now_ms();

    world_launch(world);
    world_send_till_kept(world, load, false);
    return process_now_ms() - begun;
}

static int64_t stored_runs(struct world *world)
{
    cJSON *told = stage_get(world->stage, ADMIN, "/v1/status");
    const cJSON *state;
    int64_t count = 0;

    cJSON_ArrayForEach(state, cJSON_GetObjectItem(told, "runs"))
    {
        count += (int64_t)state->valuedouble;
    }
    cJSON_Delete(told);
    return count;
}

static void judge(struct world *world, const char *when, int64_t passed_ms,
                  int64_t runs)
{
    struct lanes_sums *sums = lanes_sums();
    int64_t count = stored_runs(world);
    char text[160];

    if ((uint64_t)passed_ms > sums->calls_max)
        sums->calls_max = (uint64_t)passed_ms;
    if (count < runs)
        sums->lost += (uint64_t)(runs - count);
    if (count == runs && passed_ms <= ANSWER_MS_MAX)
        return;
    snprintf(text, sizeof(text),
             "the first 200 came after %" PRId64 " ms; %" PRId64
             " runs of %" PRId64 " are stored",
             passed_ms, count, runs);
    lanes_broken(when, text);
}

static void wait_behind(struct world *world)
{
    struct load loads[3];
    struct filling filling = {0};
    int64_t passed_ms;

    world_open(world);
    for (size_t at = 0; at < 3; at++)
        world_load(world, 1, 1, &loads[at]);
    world_send_till_kept(world, &loads[0], false);
    stage_rest(world->stage);
    learn_flow(world, &filling);
    stage_stop(world->stage);
    fill(world, &filling);
    stage_fault(world->stage, STREAK,
                "{\"fault\":\"status\",\"status\":503,\"match\":\"/api/\","
                "\"always\":true}");
    passed_ms = start_and_send(world, &loads[1]);
    judge(world, "after a stop", passed_ms, WAITING + 2);
    process_nap(KILL_AFTER_MS);
    stage_kill(world->stage);
    passed_ms = start_and_send(world, &loads[2]);
    judge(world, "after a kill", passed_ms, WAITING + 3);
    for (size_t at = 0; at < 3; at++)
        world_load_end(&loads[at]);
    world_drop(world);
}

static void lane(void *arg)
{
    struct world world = {.page = tracer_page_create(), .preload = ""};
    uint64_t number;

    (void)arg;
    atexit(end_stage);
    while (lanes_take(&number))
        wait_behind(&world);
}

bool backlog_run(const struct proof *proof)
{
    struct lanes_part part = {.proof = proof,
                              .name = "backlog",
                              .first = proof->from,
                              .count = proof->count ? proof->count : 1,
                              .fn = lane};
    struct lanes_sums sums;
    char more[100];
    bool held = lanes_run(&part, &sums);

    snprintf(more, sizeof(more), "\"waiting\":%d,\"max_ms_to_200\":%" PRIu64,
             WAITING, (uint64_t)sums.calls_max);
    proof_figures(proof, part.name, sums.done, sums.lost, sums.doubled, more);
    return held;
}
