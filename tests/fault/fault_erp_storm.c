/* fault_erp_storm.c - 429 and 503 in thousands (F15).
 *
 * One idea: both simulators refuse everything, in turn with each form of
 * Retry-After, and the clock is stepped to the next time anybody wants to try;
 * what was asked is read from the simulators' ledgers afterwards.
 *
 * Right: the wait is honoured, but no more than 15 minutes; nonsense is a wait
 * of our own that grows.  In any minute at most a tenth of the calls repeat one
 * that was refused; beside them the breaker's own call, one at a time, finds
 * out whether the storm is over.  Webhooks are answered as always.  When it is
 * over all finish as fast as work that met no storm; nothing is lost.
 *
 * One thread. */
#include "fault_erp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uthash.h>

#include "base/memory.h"

enum {
    JOBS = 500,
    FRESH = 40, /* webhooks during the storm */
    CHUNK = 50, /* refusals between two looks at the shapes */
    CAP_MS = 15 * 60 * 1000,
    SOON_MS = 40000, /* what the date in Retry-After says */
    MINUTE_MS = 60000,
    PROBES_MAX = 30, /* of the breaker in a minute, beside the tenth: 18 or 19
                      * are usual; its rests begin with a tenth of a second
                      * and grow with the outage */
    SLOW_MS = 1000,  /* a webhook's answer; usual are a few */
    IDLE_LOOKS = 25,
    STEP_MS = 1000,
    REST_MS = 180000,
    /* The catalogue: after the storm 1.2 times as long as without one.  Half as
     * much again, since both are a few seconds on a machine that does other
     * things too; 0.75 to 1.05 times was measured on a loaded one. */
    AFTER_PERCENT = 120,
    SLACK_PERCENT = 150
};

/* ---- Refusing ------------------------------------------------------------ */

static const struct shape {
    const char *text;          /* NULL: none; "date": a date that is near */
    int64_t least_ms, most_ms; /* how long the way to it rests then */
} shapes[] = {
    {"30", 25000, 31000},
    {"date", 20000, SOON_MS + 1000},
    {"Sun, 06 Nov 1994 08:49:37 GMT", 1, 61000},
    {NULL, 1, 61000},
    {"-5", 1, 61000},
    {"1000000000", CAP_MS - 5000, CAP_MS},
    {"soon", 1, 61000},
};
enum { SHAPES = sizeof(shapes) / sizeof(*shapes) };

static void near_date(struct stage *stage, char text[64])
{
    cJSON *told = stage_get(stage, STREAK, "/_sim/clock");
    time_t when =
        (time_t)((cJSON_GetObjectItem(told, "now_ms")->valuedouble + SOON_MS) /
                 1000);
    struct tm parts;

    gmtime_r(&when, &parts);
    strftime(text, 64, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    cJSON_Delete(told);
}

static void refuse(struct stage *stage, enum stage_side side, int status,
                   const struct shape *shape, const char *how)
{
    char date[64], header[120] = "";

    near_date(stage, date);
    if (shape->text)
        snprintf(header, sizeof(header), ",\"retry_after\":\"%s\"",
                 !strcmp(shape->text, "date") ? date : shape->text);
    stage_fault(stage, side,
                "{\"fault\":\"status\",\"status\":%d,\"match\":\"%s\"%s,%s}",
                status, side == STREAK ? "/api/" : "/Rest/", header, how);
}

/* Everything is refused: of what is left in the list, each as often. */
static void storm_begins(struct stage *stage, enum stage_side side)
{
    int left = 2 * SHAPES;

    stage_no_faults(stage, side);
    for (int at = 0; at < 2 * SHAPES; at++, left--) {
        char how[60] = "\"always\":true";
        if (left > 1)
            snprintf(how, sizeof(how), "\"probability\":%.4f", 1.0 / left);
        refuse(stage, side, at % 2 ? 503 : 429, &shapes[at / 2], how);
    }
}

/* ---- Pumping ------------------------------------------------------------- */

struct look {
    bool active;
    int64_t rests_ms; /* the least of those that rest; 0: none rests */
    int64_t most_ms;
};

static int64_t number_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : 0;
}

static struct look look_at_gates(struct stage *stage)
{
    cJSON *told = stage_get(stage, ADMIN, "/v1/status");
    const cJSON *gate;
    struct look look = {.active = number_of(told, "active") > 0};

    cJSON_ArrayForEach(gate, cJSON_GetObjectItemCaseSensitive(told, "gates"))
    {
        int64_t rests_ms = number_of(gate, "rests_ms");
        if (rests_ms > 0 && (!look.rests_ms || rests_ms < look.rests_ms))
            look.rests_ms = rests_ms;
        if (rests_ms > look.most_ms)
            look.most_ms = rests_ms;
    }
    cJSON_Delete(told);
    if (look.most_ms > CAP_MS)
        stage_fail(stage, "an instance rests for %lld ms",
                   (long long)look.most_ms);
    return look;
}

/* Let something happen: what can go on does; else the clock is stepped to what
 * comes first. */
static void pump(struct stage *stage, int *idle)
{
    struct look look = look_at_gates(stage);

    if (look.active)
        *idle = 0;
    if (!look.active && look.rests_ms) {
        stage_step(stage, look.rests_ms + 1);
        *idle = 0;
    } else if (!look.active && ++*idle >= IDLE_LOOKS) {
        stage_step(stage, STEP_MS); /* all wait for times of their own */
        *idle = 0;
    }
    process_nap(2);
}

/* ---- What was asked ------------------------------------------------------ */

struct call {
    char *path; /* owned; with the method: what makes two calls the same */
    bool refused;
    UT_hash_handle hh;
};

struct traffic {
    enum stage_side side;
    int64_t after; /* number in the ledger */
    struct call *calls;
    struct ask {
        int64_t time_ms;
        bool again;
    } * asks; /* owned */
    size_t count, room;
    uint64_t refused;
};

static void take_ask(struct traffic *traffic, const cJSON *entry)
{
    const char *path = cJSON_GetObjectItem(entry, "path")->valuestring;
    struct call *call = NULL;

    HASH_FIND_STR(traffic->calls, path, call);
    if (!call) {
        call = memory_zero(1, sizeof(*call));
        call->path = memory_text(path);
        HASH_ADD_KEYPTR(hh, traffic->calls, call->path, strlen(call->path),
                        call);
    }
    if (traffic->count == traffic->room) {
        traffic->room = traffic->room ? 2 * traffic->room : 1024;
        traffic->asks =
            memory_grow(traffic->asks, traffic->room, sizeof(*traffic->asks));
    }
    traffic->asks[traffic->count++] =
        (struct ask){number_of(entry, "time_ms"), call->refused};
    call->refused =
        number_of(entry, "status") == 429 || number_of(entry, "status") == 503;
    traffic->refused += call->refused;
}

static void take_traffic(struct stage *stage, struct traffic *traffic)
{
    cJSON *told =
        stage_get(stage, traffic->side, "/_sim/ledger?limit=100000&after=%lld",
                  (long long)traffic->after);
    const cJSON *entry;

    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(told, "entries"))
    {
        traffic->after = number_of(entry, "number");
        take_ask(traffic, entry);
    }
    cJSON_Delete(told);
}

static void traffic_done(struct traffic *traffic)
{
    struct call *call, *next;

    HASH_ITER(hh, traffic->calls, call, next)
    {
        HASH_DEL(traffic->calls, call);
        free(call->path);
        free(call);
    }
    free(traffic->asks);
}

/* The most repetitions of any minute, and whether a minute had too many. */
static size_t worst_minute(const struct traffic *traffic, bool *ret_too_many)
{
    size_t start = 0, again = 0, worst = 0;

    for (size_t at = 0; at < traffic->count; at++) {
        again += traffic->asks[at].again;
        while (traffic->asks[at].time_ms - traffic->asks[start].time_ms >
               MINUTE_MS)
            again -= traffic->asks[start++].again;
        if (again > worst)
            worst = again;
        if (10 * again > at - start + 1 + 10 * PROBES_MAX)
            *ret_too_many = true;
    }
    return worst;
}

/* ---- The parts of the play ----------------------------------------------- */

static int64_t work_off(struct stage *stage, int64_t since_ms)
{
    stage_rest_within(stage, REST_MS);
    return process_now_ms() - since_ms;
}

/* As long as the same work takes without a storm. */
static int64_t calm(struct stage *stage)
{
    cJSON *keys = stage_win_many(stage, JOBS, "Calm");
    int64_t start_ms = process_now_ms();

    fault_send(stage, keys);
    cJSON_Delete(keys);
    return work_off(stage, start_ms);
}

/* One form of Retry-After after the other, each for itself. */
static void check_shapes(struct stage *stage)
{
    for (int at = 0; at < 2 * SHAPES; at++) {
        const struct shape *shape = &shapes[at / 2];
        cJSON *keys = stage_win_many(stage, 1, "Shape");
        cJSON *bodies = fault_bodies(stage, keys);
        struct look look = {0};
        refuse(stage, STREAK, at % 2 ? 503 : 429, shape, "\"count\":1");
        fault_send_bodies(stage, bodies);
        cJSON_Delete(bodies);
        cJSON_Delete(keys);
        for (int looks = 0; !look.most_ms && looks < 2000; looks++) {
            look = look_at_gates(stage);
            process_nap(2);
        }
        if (look.most_ms < shape->least_ms || look.most_ms > shape->most_ms)
            stage_fail(stage, "%d, Retry-After %s: rests for %lld ms",
                       at % 2 ? 503 : 429, shape->text ? shape->text : "absent",
                       (long long)look.most_ms);
        stage_rest(stage);
    }
}

/* Webhooks of deals that are not won, while all is refused. */
static int64_t send_fresh(struct stage *stage, char *bodies[FRESH])
{
    int64_t slowest_ms = 0;

    for (int at = 0; at < FRESH; at++) {
        struct stage_webhook webhook = {.body = bodies[at]};
        int64_t start_ms = process_now_ms(), took_ms;
        struct web_answer answer = stage_send(stage, &webhook);
        took_ms = process_now_ms() - start_ms;
        stage_must(stage, answer.status == 200);
        web_answer_end(&answer);
        if (took_ms > slowest_ms)
            slowest_ms = took_ms;
        free(bodies[at]);
    }
    if (slowest_ms > SLOW_MS)
        stage_fail(stage, "a webhook took %lld ms in the storm",
                   (long long)slowest_ms);
    return slowest_ms;
}

static void make_fresh(struct stage *stage, char *bodies[FRESH])
{
    for (int at = 0; at < FRESH; at++) {
        char key[STAGE_TEXT_MAX];
        const char *keys[] = {key};
        stage_deal(stage, "Fresh", "Bayside Tools Ltd", "A100; 1; 149.90", key);
        bodies[at] = stage_event_body(stage, keys, 1);
    }
}

static void storm(struct stage *stage, struct traffic traffic[2],
                  uint64_t wanted, int64_t *ret_slowest_ms)
{
    char *bodies[FRESH];
    uint64_t looked_at = 0;
    cJSON *keys = stage_win_many(stage, JOBS, "Storm");
    cJSON *jobs = fault_bodies(stage, keys);
    int idle = 0;

    make_fresh(stage, bodies);
    storm_begins(stage, STREAK);
    storm_begins(stage, SYSPRO);
    fault_send_bodies(stage, jobs);
    cJSON_Delete(jobs);
    cJSON_Delete(keys);
    while (traffic[0].refused + traffic[1].refused < wanted) {
        uint64_t refused = traffic[0].refused + traffic[1].refused;
        pump(stage, &idle);
        take_traffic(stage, &traffic[0]);
        take_traffic(stage, &traffic[1]);
        if (refused >= looked_at + CHUNK && refused < wanted) {
            if (!looked_at) /* in the middle of it */
                *ret_slowest_ms = send_fresh(stage, bodies);
            looked_at = refused;
            storm_begins(stage, STREAK); /* with another date */
        }
    }
    stage_no_faults(stage, STREAK);
    stage_no_faults(stage, SYSPRO);
}

void fault_erp_storm(void **state)
{
    struct traffic traffic[2] = {{.side = STREAK}, {.side = SYSPRO}};
    struct stage_options options = {.level = "error"};
    uint64_t from, count;
    struct stage *stage;
    int64_t calm_ms, after_ms, again_ms, slowest_ms = 0;
    size_t worst[2];
    bool too_many = false;
    char more[300];

    (void)state;
    proof_cases(&fault_proof, FAULT_STORM_CASES, FAULT_STORM_DEFAULT, &from,
                &count);
    stage = fault_scene(&options, NULL, NULL)->stage;
    calm_ms = calm(stage);
    take_traffic(stage, &traffic[0]);
    take_traffic(stage, &traffic[1]);
    traffic[0].refused = traffic[1].refused = 0;
    storm(stage, traffic, count, &slowest_ms);
    after_ms = work_off(stage, process_now_ms());
    take_traffic(stage, &traffic[0]);
    take_traffic(stage, &traffic[1]);
    /* The machine does other things too: the slower of two is the measure. */
    again_ms = calm(stage);
    if (again_ms > calm_ms)
        calm_ms = again_ms;
    for (int side = 0; side < 2; side++)
        worst[side] = worst_minute(&traffic[side], &too_many);
    snprintf(more, sizeof(more),
             "\"refused\":%llu,\"calm_ms\":%lld,\"after_ms\":%lld,"
             "\"max_again_a_minute\":%zu,\"max_webhook_ms\":%lld",
             (unsigned long long)(traffic[0].refused + traffic[1].refused),
             (long long)calm_ms, (long long)after_ms,
             worst[0] > worst[1] ? worst[0] : worst[1], (long long)slowest_ms);
    printf("%s\n", more);
    traffic_done(&traffic[0]);
    traffic_done(&traffic[1]);
    if (too_many)
        stage_fail(stage, "%zu repetitions in a minute",
                   worst[0] > worst[1] ? worst[0] : worst[1]);
    if (10000 * after_ms > calm_ms * AFTER_PERCENT * SLACK_PERCENT)
        stage_fail(stage, "%lld ms after the storm, %lld without one",
                   (long long)after_ms, (long long)calm_ms);
    check_shapes(stage);
    stage_must(stage, stage_runs_in(stage, "parked,held,discarded") == 0);
    stage_must(stage, stage_order_count(stage) == 3 * JOBS + 2 * SHAPES);
    stage_check(stage);
    proof_figures(&fault_proof, "storm", count, 0, 0, more);
    stage_passed(stage);
}
