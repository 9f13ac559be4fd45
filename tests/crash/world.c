/* world.c - deals under a daemon that is killed, and what became of them.
 *
 * One idea: nobody waits for the daemon by asking it, since each question would
 * be calls of its own to count; while it is aimed at, only the tracer's counter
 * is watched.  What counts afterwards is what the two simulators have.  Called
 * on the main thread of a worker. */
#include "world.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "lanes.h"
#include "proof.h"

enum {
    LOOK_MS = 1,
    QUIET_ALLOCATION_MS = 80, /* no allocation for so long */
    QUIET_MS = 250, /* no call for so long: nothing more will come by itself */
    ENDED_MS = 10000, /* to die in, or to come to quiet */
    SEND_MS = 30000,  /* until a webhook has its 200 */
    PARKED_SHOWN = 200
};

void world_path(const struct world *world, const char *name,
                char path[STAGE_PATH_MAX + 80])
{
    snprintf(path, STAGE_PATH_MAX + 80, "%s/%s", world->stage->directory, name);
}

/* ---- The daemon ------------------------------------------------------------
 */

static int launch_preloaded(struct world *world, const char *log,
                            const char *const *arguments)
{
    int status;

    setenv("LD_PRELOAD", world->preload, 1);
    status = process_start(&world->stage->connectd, log, arguments);
    unsetenv("LD_PRELOAD");
    return status;
}

void world_launch(struct world *world)
{
    char config[STAGE_PATH_MAX + 80], port[sizeof(config)], log[sizeof(config)];
    const char *arguments[] = {CONNECT_BUILD_DIR "/core/connectd",
                               "--port-file", port, config, NULL};
    pid_t id;

    world_path(world, "connect.json", config);
    world_path(world, "connectd.port", port);
    world_path(world, "connectd.log", log);
    unlink(port);
    world->stage->launches++;
    if (world->preload) {
        stage_must(world->stage, !launch_preloaded(world, log, arguments));
        return;
    }
    id = tracer_start(world->page, log, arguments);
    stage_must(world->stage, id > 0);
    world->stage->connectd.id = id;
    world->stage->connectd.exit_code = -1;
}

bool world_runs(struct world *world)
{
    return process_runs(&world->stage->connectd);
}

bool world_await(struct world *world)
{
    int64_t until = process_now_ms() + STAGE_READY_MS;
    char port[STAGE_PATH_MAX + 80];

    world_path(world, "connectd.port", port);
    while (access(port, R_OK)) {
        if (!world_runs(world))
            return false;
        if (process_now_ms() > until)
            stage_fail(world->stage, "connectd is not up in %d ms",
                       STAGE_READY_MS);
        process_nap(LOOK_MS);
    }
    return true;
}

void world_must_be_traced(struct world *world)
{
    if (world->stage->connectd.exit_code != TRACER_FORBIDDEN)
        return;
    printf("this machine does not permit a process to trace another\n");
    stage_passed(world->stage);
    exit(PROOF_SKIPPED);
}

void world_start(struct world *world)
{
    tracer_aim(world->page, TRACER_NEVER, 0, false);
    world_launch(world);
    if (world_await(world))
        return;
    world_must_be_traced(world);
    stage_fail(world->stage, "connectd did not start: it ended with %d",
               world->stage->connectd.exit_code);
}

bool world_ended(struct world *world)
{
    int64_t begun = process_now_ms(), moved = begun;
    uint64_t count = world->page->count;
    int64_t quiet_ms = world->preload ? QUIET_ALLOCATION_MS : QUIET_MS;

    while (world_runs(world)) {
        int64_t now = process_now_ms();
        if (world->page->count != count) {
            count = world->page->count;
            moved = now;
        }
        if ((!world->page->killed || world->preload) &&
            (now - moved > quiet_ms || now - begun > ENDED_MS))
            return false;
        process_nap(LOOK_MS);
    }
    return true;
}

/* ---- The stage ------------------------------------------------------------
 */

void world_prepare(struct world *world)
{
    struct stage_options options = {.level = "info", .no_registrations = true};

    world->stage = stage_prepare(&options);
    world->points = 0;
    world->deals = 0;
    world->spoiled = false;
}

void world_open(struct world *world)
{
    if (world->stage)
        return;
    world_prepare(world);
    world_start(world);
}

void world_drop(struct world *world)
{
    if (!world->stage)
        return;
    stage_passed(world->stage);
    stage_teardown(NULL);
    world->stage = NULL;
}

void world_close(struct world *world)
{
    if (world->stage && !world->spoiled) {
        tracer_aim(world->page, TRACER_NEVER, 0, false);
        stage_check(world->stage);
    }
    world_drop(world);
}

/* ---- Deals ----------------------------------------------------------------
 */

void world_load(struct world *world, size_t deals, size_t posts,
                struct load *ret_load)
{
    const char *keys[WORLD_DEALS_MAX];
    size_t each = deals / posts;

    *ret_load = (struct load){.deal_count = deals, .post_count = posts};
    ret_load->keys = stage_win_many(world->stage, (unsigned)deals, "Killed");
    for (size_t at = 0; at < deals; at++)
        keys[at] = cJSON_GetArrayItem(ret_load->keys, (int)at)->valuestring;
    for (size_t at = 0; at < posts; at++)
        ret_load->bodies[at] =
            stage_event_body(world->stage, keys + at * each, each);
    world->deals += deals;
}

void world_load_end(struct load *load)
{
    for (size_t at = 0; at < load->post_count; at++)
        free(load->bodies[at]);
    cJSON_Delete(load->keys);
}

void world_send(struct world *world, struct load *load, bool all)
{
    for (size_t at = 0; at < load->post_count; at++) {
        struct stage_webhook webhook = {.body = load->bodies[at]};
        struct web_answer answer;
        if (load->statuses[at] == 200 && !all)
            continue;
        answer = stage_send(world->stage, &webhook);
        load->statuses[at] = answer.status;
        web_answer_end(&answer);
    }
}

void world_send_at_once(struct world *world, struct load *load)
{
    stage_send_at_once(world->stage, load->bodies, load->post_count,
                       load->statuses);
}

void world_send_till_kept(struct world *world, struct load *load, bool all)
{
    int64_t until = process_now_ms() + SEND_MS;
    bool kept = false;

    while (!kept) {
        world_send(world, load, all);
        all = false;
        kept = true;
        for (size_t at = 0; at < load->post_count; at++)
            kept = kept && load->statuses[at] == 200;
        if (!kept && process_now_ms() > until)
            stage_fail(world->stage, "no 200 in %d ms, the last answer was %d",
                       SEND_MS, load->statuses[load->post_count - 1]);
        if (!kept && !world_runs(world))
            stage_fail(world->stage, "connectd ended with %d",
                       world->stage->connectd.exit_code);
        if (!kept)
            process_nap(LOOK_MS);
    }
}

/* ---- What came of it ------------------------------------------------------
 */

static void count_numbers(struct world *world, const struct load *load,
                          struct verdict *verdict)
{
    const cJSON *key;
    char number[STAGE_TEXT_MAX];

    cJSON_ArrayForEach(key, load->keys)
    {
        stage_field(world->stage, key->valuestring, "SYSPRO order", number);
        verdict->lost += number[0] == '\0';
    }
}

void world_judge(struct world *world, const struct load *load,
                 struct verdict *ret_verdict)
{
    size_t orders, comments, stuck;

    *ret_verdict = (struct verdict){0};
    stage_rest(world->stage);
    orders = stage_order_count(world->stage);
    comments = stage_comment_count(world->stage);
    stuck = stage_runs_in(world->stage, "parked,held");
    world->points++;
    if (orders > world->deals)
        ret_verdict->doubled += (unsigned)(orders - world->deals);
    if (comments > world->deals)
        ret_verdict->doubled += (unsigned)(comments - world->deals);
    if (orders < world->deals)
        ret_verdict->lost += (unsigned)(world->deals - orders);
    else
        count_numbers(world, load, ret_verdict);
    if (orders == world->deals && comments == world->deals &&
        !ret_verdict->lost && !stuck)
        return;
    world->spoiled = true;
    snprintf(ret_verdict->text, sizeof(ret_verdict->text),
             "%zu deals, %zu orders, %zu comments, %zu runs parked or held, "
             "%u deals without a number or lost",
             world->deals, orders, comments, stuck, ret_verdict->lost);
}

void world_count(struct world *world, const struct load *load,
                 const char *where)
{
    struct lanes_sums *sums = lanes_sums();
    struct verdict verdict;

    world_judge(world, load, &verdict);
    sums->lost += verdict.lost;
    sums->doubled += verdict.doubled;
    if (verdict.text[0])
        lanes_broken(where, verdict.text);
}
