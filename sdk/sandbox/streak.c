/* streak.c - the Streak simulator as a program.
 *
 * Ties the parts together: the world, the interface, the person's routes and
 * the webhooks, over the common server.  One simulator for a process.
 * Used on the simulator's only thread. */
#include "streak.h"

#include <errno.h>
#include <stdlib.h>

#include <curl/curl.h>

#include "base/memory.h"
#include "sim_json.h"
#include "streak_api.h"
#include "streak_person.h"
#include "streak_show.h"

enum { RATE_DEFAULT = 10, RATE_MAX = 1000000 };

static struct streak simulator = {.rate_option = RATE_DEFAULT};

static void init(struct streak *streak)
{
    streak_world_init(&streak->world, sim_server_seed(streak->server),
                      sim_clock_now_ms(streak->clock));
    streak->switches = (struct streak_switches){.strict = true,
                                                .unknown_key_status = 404,
                                                .v2_stages = true,
                                                .same_moves_saved = true,
                                                .limit_body = true};
    streak->rate = streak->rate_option;
    streak_api_fill_bucket(streak);
}

/* An object for a webhook; false when it is gone. */
static bool show(void *arg, enum streak_kind kind, const char *key,
                 struct buf *buf)
{
    struct streak *streak = arg;
    void *found = streak_world_find(&streak->world, kind, key);

    if (!found)
        return false;
    if (kind == STREAK_BOX)
        streak_show_box(&streak->world, found, buf);
    else if (kind == STREAK_COMMENT)
        streak_show_comment(found, buf);
    else
        sim_json_append_tree(buf, ((struct streak_party *)found)->tree);
    return true;
}

static int start(void *arg, struct sim_server *server)
{
    struct streak *streak = arg;

    if (curl_global_init(CURL_GLOBAL_DEFAULT))
        return -ENOMEM;
    streak->server = server;
    streak->clock = sim_server_clock(server);
    streak->ledger = sim_server_ledger(server);
    streak->hooks = streak_webhook_create(server, show, streak);
    init(streak);
    return 0;
}

static void stop(void *arg)
{
    struct streak *streak = arg;

    if (!streak->hooks)
        return;
    streak_webhook_destroy(streak->hooks);
    streak->hooks = NULL;
    streak_world_done(&streak->world);
    curl_global_cleanup();
}

static void reset(void *arg)
{
    struct streak *streak = arg;

    streak_webhook_reset(streak->hooks);
    streak_world_done(&streak->world);
    init(streak);
}

static void handle(void *arg, struct sim_request *request,
                   struct sim_answer *answer)
{
    streak_api_handle(arg, request, answer);
}

static bool control(void *arg, const char *path, struct sim_request *request,
                    struct sim_answer *answer)
{
    return streak_person_control(arg, path, request, answer);
}

static void turn(void *arg)
{
    struct streak *streak = arg;

    streak_webhook_turn(streak->hooks);
}

static int set_rate(void *arg, const char *value)
{
    struct streak *streak = arg;
    char *end = NULL;
    long rate;

    errno = 0;
    rate = strtol(value, &end, 10);
    if (errno || end == value || *end || rate < 0 || rate > RATE_MAX)
        return -EINVAL;
    streak->rate_option = rate;
    return 0;
}

static const struct sim_option options[] = {
    {"rate", "N", "calls a second before 429; 0: no limit (10)", set_rate},
    {NULL, NULL, NULL, NULL},
};

const struct sim_program streak_program = {
    .name = "streak-sim",
    .about = "A stand-in for Streak CRM's HTTP interface (/api/v1, /api/v2) "
             "with a demo world.\nAPI key: sandbox-streak-key.  A second key, "
             "sandbox-outsider-key, has no right\nto any object.  Strict by "
             "default; see sdk/sandbox/README.md.",
    .routes = streak_person_routes,
    .options = options,
    .arg = &simulator,
    .start = start,
    .reset = reset,
    .stop = stop,
    .handle = handle,
    .control = control,
    .turn = turn,
};
