/* fault_erp_poison.c - events that end their mapping, or are refused without an
 * end, between good ones (F19).
 *
 * One idea: the shipped flow gets one more step, a jq program that looks at the
 * deal's name and hangs, eats its memory or does nothing; a third kind of
 * poison is a box that Streak refuses with 409 for ever, whose attempts can be
 * counted from outside.
 *
 * Right: exactly five attempts, then parked with the last error, never dropped;
 * the good ones take as long as without them; a daemon that is killed between
 * two attempts goes on counting.  One thread. */
#include "fault_erp.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ATTEMPTS = 5,
    POISONED = 1, /* of each kind, beside the good ones */
    KINDS = 3,
    WAIT_MS = 180000,
    REST_MS = 60000,  /* five times the time of a program, and room */
    STEP_MS = 180000, /* above any backoff */
    LIVES_LEAST = 2,  /* the attempts of each must be spread over */
    LIFE_MAX = 12,    /* starts of the daemon until the poisoned are parked */
    FLOW_MAX = 64 * 1024,
    /* The catalogue: the good ones take a tenth longer at most.  Half as much
     * again, and the processor that a hanging program has to itself until its
     * time (jq_ms) is over, once: with two processors that is every other
     * moment, and the small size takes hardly longer than that.  Three tries:
     * what delays the good ones does so each time, a machine that does other
     * things does not. */
    AMONG_PERCENT = 110,
    SLACK_PERCENT = 150,
    HANGS_MS = 2000,
    TRIES = 3
};

static const char *const kinds[KINDS] = {"Hang", "Crash", "Refuse"};

/* A list that doubles is beyond any memory in a few steps. */
static const char step[] =
    "{ \"name\": \"poison\", \"title\": \"Poison\", \"transform\": { \"jq\": "
    "\"if .deal.name | startswith(\\\"Hang\\\") then (def f: f; f) "
    "elif .deal.name | startswith(\\\"Crash\\\") then ([0] | until(false; . + "
    ".)) "
    "else {} end\" } },\n    ";

/* ---- The flow ------------------------------------------------------------ */

static void write_flow(struct stage *stage)
{
    char *flow = process_read_file(
        CONNECT_SOURCE_DIR "/config/flows/won-deal-to-sales-order.json", NULL);
    static char changed[FLOW_MAX];
    char *name, *place = NULL;

    stage_must(stage, flow);
    name = strstr(flow, "\"name\": \"order\"");
    for (char *at = flow; name && at < name; at++)
        place = *at == '{' ? at : place;
    stage_must(stage, place);
    snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(place - flow), flow,
             step, place);
    stage_write(stage, "flows/won-deal-to-sales-order.json", changed);
    free(flow);
}

/* ---- Deals --------------------------------------------------------------- */

/* Won deals of a kind; a Refuse's box is refused from now on. */
static void add_poison(struct stage *stage, const char *kind, unsigned count,
                       cJSON *keys)
{
    cJSON *made = stage_win_many(stage, count, kind);

    while (made->child) {
        cJSON *key = cJSON_DetachItemViaPointer(made, made->child);
        if (!strcmp(kind, "Refuse"))
            stage_fault(stage, STREAK,
                        "{\"fault\":\"status\",\"status\":409,\"method\":"
                        "\"POST\",\"match\":\"/v1/boxes/%s\",\"always\":true}",
                        key->valuestring);
        cJSON_AddItemToArray(keys, key);
    }
    cJSON_Delete(made);
}

/* Good ones, and the poisoned in between.  How long until the good are done. */
static int64_t work(struct stage *stage, unsigned good, const cJSON *poisoned,
                    struct fault_done *done)
{
    cJSON *made = stage_win_many(stage, good, "Good"), *bodies;
    cJSON *keys = cJSON_CreateArray();
    const cJSON *poison = poisoned ? poisoned->child : NULL;
    int64_t start_ms;

    for (unsigned place = 0; made->child; place++) {
        if (poison && place % (good / (KINDS * POISONED)) == 0) {
            cJSON_AddItemToArray(keys, cJSON_Duplicate(poison, false));
            poison = poison->next;
        }
        cJSON_AddItemToArray(keys,
                             cJSON_DetachItemViaPointer(made, made->child));
    }
    cJSON_Delete(made);
    stage_must(stage, !poison);
    bodies = fault_bodies(stage, keys);
    done->wanted += good;
    start_ms = process_now_ms();
    fault_send_bodies(stage, bodies);
    stage_until(stage, WAIT_MS, "the good ones", fault_all_done, done);
    cJSON_Delete(bodies);
    cJSON_Delete(keys);
    return process_now_ms() - start_ms;
}

/* ---- Attempts ------------------------------------------------------------ */

/* The greatest number of attempts at a step or delivery of a deal's run. */
static int attempts_of(struct stage *stage, int64_t run)
{
    cJSON *whole = stage_get(stage, ADMIN, "/v1/runs/%lld", (long long)run);
    static const char *const lists[] = {"steps", "deliveries"};
    const cJSON *item;
    int most = 0;

    for (size_t at = 0; at < sizeof(lists) / sizeof(*lists); at++) {
        cJSON_ArrayForEach(item, cJSON_GetObjectItem(whole, lists[at]))
        {
            const cJSON *count = cJSON_GetObjectItem(item, "attempts");
            if (cJSON_IsNumber(count) && count->valueint > most)
                most = count->valueint;
        }
    }
    cJSON_Delete(whole);
    return most;
}

static size_t posts_of(struct stage *stage, const char *key)
{
    cJSON *told = stage_get(stage, STREAK, "/_sim/ledger?limit=200000");
    char path[STAGE_TEXT_MAX + 20];
    const cJSON *entry;
    size_t count = 0;

    snprintf(path, sizeof(path), "/v1/boxes/%s", key);
    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(told, "entries"))
    {
        count += !strcmp(cJSON_GetObjectItem(entry, "method")->valuestring,
                         "POST") &&
                 strstr(cJSON_GetObjectItem(entry, "path")->valuestring, path);
    }
    cJSON_Delete(told);
    return count;
}

/* Every poisoned run is parked, says why, and was tried exactly five times.
 * What Streak refuses was sent as often; killed: at most, since an attempt
 * counts before it is sent. */
static void check_poisoned(struct stage *stage, const cJSON *keys, bool killed)
{
    const cJSON *key;
    unsigned refusals = 0;

    cJSON_ArrayForEach(key, keys)
    {
        int64_t run = stage_run_of(stage, key->valuestring, "parked");
        char reason[STAGE_TEXT_MAX];
        size_t posts = posts_of(stage, key->valuestring);
        bool refused;
        if (!run)
            stage_fail(stage,
                       "1 poisoned run is not parked: done %lld, moves "
                       "%lld, %zu posts",
                       (long long)stage_run_of(stage, key->valuestring, "done"),
                       (long long)stage_run_of(stage, key->valuestring,
                                               "ready,active,queued,waiting"),
                       posts);
        stage_run_text(stage, run, "reason", reason);
        printf("%d attempts: %.100s\n", attempts_of(stage, run), reason);
        stage_must(stage, reason[0]);
        refused = posts > 0;
        if (attempts_of(stage, run) != ATTEMPTS || posts > ATTEMPTS ||
            (refused && !killed && posts != ATTEMPTS))
            stage_fail(stage, "%d attempts, %zu posts", attempts_of(stage, run),
                       posts);
        refusals += refused;
    }
    stage_must(stage, refusals == POISONED);
}

/* Has each poisoned run had one attempt more than at the last look? */
struct lives {
    const cJSON *keys;
    int64_t runs[KINDS];
    int before[KINDS];
    unsigned grown[KINDS]; /* lives in which its count grew */
};

static void look_at_lives(struct stage *stage, struct lives *lives)
{
    for (int at = 0; at < KINDS; at++) {
        int now = lives->runs[at] ? attempts_of(stage, lives->runs[at]) : 0;
        lives->grown[at] += now > lives->before[at];
        if (now < lives->before[at])
            stage_fail(stage, "%s: of %d attempts %d are left after a start",
                       kinds[at], lives->before[at], now);
        lives->before[at] = now;
    }
}

/* The five attempts of each were made in more than one life. */
static void check_spread(struct stage *stage, const struct lives *lives)
{
    for (int at = 0; at < KINDS; at++) {
        printf("%s: %d attempts in %u lives\n", kinds[at], lives->before[at],
               lives->grown[at]);
        if (lives->grown[at] < LIVES_LEAST)
            stage_fail(stage, "%s: %d attempts in %u lives", kinds[at],
                       lives->before[at], lives->grown[at]);
    }
}

static bool tried_or_parked(struct stage *stage, void *arg)
{
    struct lives *lives = arg;

    for (int at = 0; at < KINDS; at++) {
        const char *key = cJSON_GetArrayItem(lives->keys, at)->valuestring;
        if (stage_run_of(stage, key, "parked"))
            continue;
        if (!lives->runs[at])
            lives->runs[at] = stage_run_of(stage, key, "ready,active");
        if (!lives->runs[at] ||
            attempts_of(stage, lives->runs[at]) <= lives->before[at])
            return false;
    }
    return true;
}

/* Killed after each attempt. */
static int live_again(struct stage *stage)
{
    struct lives lives = {.keys = cJSON_CreateArray()};
    int life = 0;

    for (int kind = 0; kind < KINDS; kind++)
        add_poison(stage, kinds[kind], 1, (cJSON *)(uintptr_t)lives.keys);
    fault_send(stage, lives.keys);
    while (stage_runs_in(stage, "ready,active,queued,waiting")) {
        if (++life > LIFE_MAX)
            stage_fail(stage, "1 poisoned run lives for ever: %d starts", life);
        stage_until(stage, REST_MS, "one more attempt", tried_or_parked,
                    &lives);
        look_at_lives(stage, &lives);
        stage_kill(stage);
        stage_start(stage);
        stage_step(stage, STEP_MS);
    }
    look_at_lives(stage, &lives);
    check_poisoned(stage, lives.keys, true);
    check_spread(stage, &lives);
    cJSON_Delete((cJSON *)(uintptr_t)lives.keys);
    return life;
}

struct timing {
    int64_t alone_ms, among_ms;
};

static bool is_slow(const struct timing *timing)
{
    return timing->among_ms >
           HANGS_MS + timing->alone_ms * AMONG_PERCENT * SLACK_PERCENT / 10000;
}

/* The good ones alone, among the poisoned, and alone again: the slower of the
 * two is the measure. */
static void time_good(struct stage *stage, unsigned count,
                      struct fault_done *done, struct timing *timing)
{
    cJSON *poisoned = cJSON_CreateArray();
    int64_t again_ms;

    timing->alone_ms = work(stage, count, NULL, done);
    for (int kind = 0; kind < KINDS; kind++)
        add_poison(stage, kinds[kind], POISONED, poisoned);
    timing->among_ms = work(stage, count, poisoned, done);
    stage_rest_within(stage, REST_MS);
    check_poisoned(stage, poisoned, false);
    cJSON_Delete(poisoned);
    again_ms = work(stage, count, NULL, done);
    if (again_ms > timing->alone_ms)
        timing->alone_ms = again_ms;
    printf("alone %lld ms, among the poisoned %lld\n",
           (long long)timing->alone_ms, (long long)timing->among_ms);
}

void fault_erp_poison(void **state)
{
    /* Little memory, so that a helper's end comes soon. */
    struct stage_options options = {.level = "error",
                                    .limits = "{\"jq_mib\":64}"};
    struct fault_done done = {0};
    struct timing timing = {0};
    uint64_t from, count;
    struct stage *stage;
    char more[200];
    int lives, tries = 0;

    (void)state;
    proof_cases(&fault_proof, FAULT_POISON_CASES, FAULT_POISON_DEFAULT, &from,
                &count);
    if (count < KINDS * POISONED)
        count = KINDS * POISONED;
    stage = fault_scene(&options, NULL, NULL)->stage;
    stage_stop(stage);
    write_flow(stage);
    stage_start(stage);
    do {
        time_good(stage, (unsigned)count, &done, &timing);
    } while (is_slow(&timing) && ++tries < TRIES);
    if (is_slow(&timing))
        stage_fail(stage, "%lld ms among the poisoned, %lld alone",
                   (long long)timing.among_ms, (long long)timing.alone_ms);
    lives = live_again(stage);
    snprintf(more, sizeof(more),
             "\"alone_ms\":%lld,\"among_ms\":%lld,\"tries\":%d,"
             "\"lives\":%d",
             (long long)timing.alone_ms, (long long)timing.among_ms, tries + 1,
             lives);
    printf("%s\n", more);
    stage_check(stage);
    proof_figures(&fault_proof, "poison", count, 0, 0, more);
    stage_passed(stage);
}
