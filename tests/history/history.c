/* history.c - random faults throughout a long run, then the nine invariants.
 *
 * One idea: a play of the real daemon, the real plugins and both simulators is
 * driven by actions drawn from a seed: deals of all kinds, events repeated,
 * reordered, forged, faults of either system, kills, stops, reloads, jumps of
 * the clock, people's acts.  A play has a number; its seed is the run's seed
 * and that number, so that a failing one is one line to repeat (what the
 * machine's timing adds is not repeated).  At the end of a play all faults
 * stop, everything comes to rest, and the checker compares the ledgers.
 *
 * A play ends with a part without kills, so that memory and descriptors of one
 * process can be compared.  One thread. */
#include "stage.h"

#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "proof.h"

enum {
    FULL_EVENTS = 100000,
    LONG_EVENTS = 1000000,
    SMALL_EVENTS = 5000,
    PLAY_EVENTS = 2500,       /* of one play of the part "events" */
    LONG_PLAY_EVENTS = 25000, /* and of "long": one database; bounded by what
                               * the simulators' ledgers keep */
    PAGES_PERCENT = 120,      /* memory of a page in the store's cache */
    CALM_SHARE = 4,           /* the last quarter of a play has no kills */
    BACKLOG_MAX = 300,        /* events on their way, before more are made */
    KEYS_MAX = 512,           /* deals that are edited and sent again */
    BATCH_MAX = 4,
    REST_MS = 240000, /* of real time, on a loaded machine */
    STEP_MAX_MS = 20 * 60 * 1000,
    NAP_MAX_MS = 40
};

#define CANARY "KANARI"

struct play {
    struct stage *stage;
    uint64_t random;
    uint64_t number, wanted;
    uint64_t own_events; /* of the test's own sender */
    unsigned kills, stops, reloads, faults, steps, acts, replays, deals, forged;
    bool calm; /* no kills any more */
    char keys[KEYS_MAX][STAGE_TEXT_MAX];
    size_t key_count;
};

static struct proof proof;
static struct play play;
static uint64_t total_events, total_kills, total_faults, total_deals;

static unsigned below(unsigned limit)
{
    return (unsigned)proof_below(&play.random, limit);
}

static int64_t number_of(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : 0;
}

/* ---- Events -------------------------------------------------------------- */

struct traffic {
    uint64_t fired;   /* by Streak */
    uint64_t waiting; /* of these */
};

static struct traffic look_at_traffic(void)
{
    cJSON *told = stage_get(play.stage, STREAK, "/_sim/webhooks");
    struct traffic traffic = {(uint64_t)number_of(told, "fired"),
                              (uint64_t)number_of(told, "waiting")};

    cJSON_Delete(told);
    return traffic;
}

static const char *known_key(void)
{
    return play.key_count ? play.keys[below((unsigned)play.key_count)] : NULL;
}

static void keep_key(const char *key)
{
    size_t at = play.key_count < KEYS_MAX ? play.key_count++
                                          : below((unsigned)KEYS_MAX);

    snprintf(play.keys[at], sizeof(play.keys[at]), "%s", key);
}

/* An amount that a double would not keep, and the like. */
static void make_lines(char *lines, size_t size)
{
    static const char *const stock[] = {"A100", "B200"};
    unsigned count = 1 + below(3);
    size_t len = 0;

    for (unsigned at = 0; at < count; at++)
        len += (size_t)snprintf(lines + len, size - len, "%s%s; %u; %u.%02u",
                                at ? "\\n" : "", stock[below(2)],
                                1 + below(900), below(5000), below(100));
}

static void make_deal(void)
{
    char name[80], lines[300], key[STAGE_TEXT_MAX];
    unsigned kind = below(40);

    snprintf(name, sizeof(name), CANARY " %" PRIu64 "-%u", play.number,
             play.deals++);
    make_lines(lines, sizeof(lines));
    if (kind == 0)
        snprintf(lines, sizeof(lines), "NOSUCH; 1; 2.00");
    else if (kind == 1)
        snprintf(lines, sizeof(lines), "A100; many; 2.00");
    stage_deal(play.stage, name,
               below(2) ? "Bayside Tools Ltd" : "Northgate Metals", lines, key);
    keep_key(key);
    if (kind != 2)
        stage_win(play.stage, key);
}

static void make_many(void)
{
    char prefix[80];
    cJSON *keys;
    const cJSON *key;
    unsigned count = 2 + below(20);

    snprintf(prefix, sizeof(prefix), CANARY " %" PRIu64 "-many-%u", play.number,
             play.deals);
    keys = stage_win_many(play.stage, count, prefix);
    play.deals += count;
    cJSON_ArrayForEach(key, keys)
    {
        keep_key(key->valuestring);
    }
    cJSON_Delete(keys);
}

/* What people write beside; no order changes by it. */
static void edit_deal(void)
{
    const char *key = known_key();
    char path[STAGE_TEXT_MAX + 40];

    if (!key)
        return;
    snprintf(path, sizeof(path), "/_sim/boxes/%s", key);
    stage_tell(play.stage, STREAK, path,
               "{\"fields\":{\"Notes for delivery\":\"" CANARY " %u\"}}",
               below(1000000));
}

static void send_again(void)
{
    const char *keys[BATCH_MAX];
    size_t count = 1 + below(BATCH_MAX);

    for (size_t at = 0; at < count; at++)
        if (!(keys[at] = known_key()))
            return;
    stage_send_boxes(play.stage, keys, count);
    play.own_events += count;
}

static void send_burst(void)
{
    const char *key = known_key();
    char *body;
    size_t count = 2 + below(20);

    if (!key)
        return;
    body = stage_event_body(play.stage, &key, 1);
    stage_burst(play.stage, body, count, 4);
    play.own_events += count;
    free(body);
}

static void send_forged(void)
{
    static const struct stage_webhook forged[] = {
        {.body = "[{\"key\":\"forged\"}]", .token = "wrong-token-0000"},
        {.body = "[{\"key\":\"forged\"}]", .token = ""},
        {.body = "[{\"name\":\"" CANARY "\"}]"},
        {.body = "[{\"amount\":1,\"amount\":2}]"},
        {.body = "not JSON"},
        {.body = "[{\"key\":\"forged\"}]", .path = "/in/streak/elsewhere"},
        {.body = "x", .content_type = "text/plain"},
    };
    struct web_answer answer = stage_send(
        play.stage, &forged[below(sizeof(forged) / sizeof(*forged))]);

    web_answer_end(&answer);
    play.forged++;
    play.own_events++;
}

static void change_sending(void)
{
    stage_tell(play.stage, STREAK, "/_sim/webhooks",
               "{\"duplicate\":%u,\"hold_back\":%u,\"batch\":%u,"
               "\"hold_ms\":20}",
               below(4) ? 0 : below(3), below(3) ? 0 : below(6),
               1 + (below(3) ? 0 : below(5)));
}

/* ---- Faults -------------------------------------------------------------- */

#define POST "\"match\":\"/Transaction/Post\""
#define API "\"match\":\"/api/\""

static void make_fault(void)
{
    static const char *const syspro[] = {
        "\"cut_after_commit\"," POST,
        "\"cut_before_commit\"," POST,
        "\"reset_after\"," POST,
        "\"reset_before\"," POST,
        "\"empty\"," POST,
        "\"truncate\",\"bytes\":60," POST,
        "\"truncate\",\"bytes\":1",
        "\"status\",\"status\":500,\"commit\":true," POST,
        "\"status\",\"status\":504,\"commit\":true," POST,
        "\"status\",\"status\":503,\"retry_after\":\"2\"",
        "\"status\",\"status\":429,\"retry_after\":\"1\"",
        "\"status\",\"status\":500",
        "\"cut_after_commit\"",
        "\"reset_before\"",
        "\"wrong_reference\"," POST,
        "\"doctype\",\"attack\":\"plain\"," POST,
        "\"evict_session\"",
        "\"licence_full\"",
        "\"slow_commit\",\"ms\":400," POST,
        "\"delay\",\"ms\":200",
        "\"refuse\",\"ms\":300"};
    static const char *const streak[] = {
        "\"status\",\"status\":500," API,
        "\"status\",\"status\":503,\"retry_after\":\"1\"," API,
        "\"status\",\"status\":429," API,
        "\"cut_after_commit\"," API,
        "\"cut_before_commit\"," API,
        "\"reset_after\"," API,
        "\"truncate\",\"bytes\":40," API,
        "\"empty\"," API,
        "\"delay\",\"ms\":100," API,
        "\"refuse\",\"ms\":300"};
    bool erp = below(3) != 0;
    const char *fault = erp ? syspro[below(sizeof(syspro) / sizeof(*syspro))]
                            : streak[below(sizeof(streak) / sizeof(*streak))];
    char count[40] = "";

    if (!strstr(fault, "refuse"))
        snprintf(count, sizeof(count), ",\"count\":%u,\"skip\":%u",
                 1 + below(4), below(6));
    stage_fault(play.stage, erp ? SYSPRO : STREAK, "{\"fault\":%s%s}", fault,
                count);
    play.faults++;
}

static void kill_it(void)
{
    if (play.calm)
        return;
    stage_kill(play.stage);
    stage_start(play.stage);
    play.kills++;
}

/* Killed again while it starts. */
static void kill_twice(void)
{
    if (play.calm)
        return;
    stage_kill(play.stage);
    stage_launch(play.stage);
    process_nap(below(30));
    stage_kill(play.stage);
    stage_start(play.stage);
    play.kills += 2;
}

static void stop_it(void)
{
    if (play.calm)
        return;
    stage_stop(play.stage);
    stage_start(play.stage);
    play.stops++;
}

static void reload_it(void)
{
    struct web_answer answer =
        stage_try(play.stage, ADMIN, "POST", "/v1/reload", "{}");

    stage_must(play.stage, answer.status == 200);
    web_answer_end(&answer);
    play.reloads++;
}

static void step_clock(void)
{
    stage_step(play.stage, 1 + below(below(4) ? 5000 : STEP_MAX_MS));
    play.steps++;
}

/* ---- People -------------------------------------------------------------- */

/* One of the newest runs of these states; 0: none. */
static int64_t some_run(const char *states)
{
    cJSON *told =
        stage_get(play.stage, ADMIN, "/v1/runs?limit=50&state=%s", states);
    const cJSON *runs = cJSON_GetObjectItemCaseSensitive(told, "runs");
    int count = cJSON_GetArraySize(runs);
    int64_t run = 0;

    if (count)
        run = number_of(cJSON_GetArrayItem(runs, (int)below((unsigned)count)),
                        "run");
    cJSON_Delete(told);
    return run;
}

/* An act on a run; refused is well when it is another's meanwhile. */
static void do_act(int64_t run, const char *word, const char *body)
{
    char path[80];
    struct web_answer answer;

    snprintf(path, sizeof(path), "/v1/runs/%" PRId64 "/%s", run, word);
    answer = stage_try(play.stage, ADMIN, "POST", path, body);
    if (answer.status != 200 && answer.status != 409 && answer.status != 503)
        stage_fail(play.stage, "%s: %d %s", path, answer.status, answer.body);
    web_answer_end(&answer);
}

static void act(void)
{
    static const char *const acts[] = {"retry", "release"};
    int64_t run = some_run("parked,held");

    if (!run)
        return;
    if (below(8)) /* to give up is for ever, so seldom */
        do_act(run, acts[below(2)], "{}");
    else
        do_act(run, "discard", "{\"reason\":\"of no use\"}");
    play.acts++;
}

/* All of one kind at once. */
static void act_on_many(void)
{
    struct web_answer answer = stage_try(
        play.stage, ADMIN, "POST", "/v1/acts",
        below(2) ? "{\"act\":\"retry\",\"where\":{\"state\":\"parked\"}}"
                 : "{\"act\":\"release\",\"where\":{\"state\":\"held\"}}");

    stage_must(play.stage, answer.status == 200);
    web_answer_end(&answer);
    play.acts++;
}

/* A stored record through its flow again: to look, or for real.  Its order is
 * there already, or it is asked for. */
static void replay(void)
{
    static const char *const ways[][2] = {{"replay", "{\"shadow\":false}"},
                                          {"replay", "{\"shadow\":true}"},
                                          {"preview", "{\"flow\":\"now\"}"},
                                          {"preview", "{\"flow\":\"was\"}"}};
    const char *const *way = ways[below(4)];
    int64_t run = some_run("done,parked");

    if (!run)
        return;
    do_act(run, way[0], way[1]);
    play.replays++;
}

static void wait_a_little(void)
{
    process_nap(below(NAP_MAX_MS));
}

/* ---- A play -------------------------------------------------------------- */

struct action {
    void (*fn)(void);
    unsigned weight;
};

static const struct action actions[] = {
    {make_deal, 30},     {make_many, 6},
    {edit_deal, 25},     {send_again, 20},
    {send_burst, 3},     {send_forged, 4},
    {change_sending, 4}, {make_fault, 14},
    {kill_it, 3},        {kill_twice, 1},
    {stop_it, 1},        {reload_it, 1},
    {step_clock, 8},     {act, 6},
    {act_on_many, 2},    {replay, 5},
    {wait_a_little, 20},
};

static void do_one(void)
{
    unsigned total = 0, drawn;

    for (size_t at = 0; at < sizeof(actions) / sizeof(*actions); at++)
        total += actions[at].weight;
    drawn = below(total);
    for (size_t at = 0; at < sizeof(actions) / sizeof(*actions); at++) {
        if (drawn < actions[at].weight) {
            actions[at].fn();
            return;
        }
        drawn -= actions[at].weight;
    }
}

static void work_until(uint64_t events)
{
    struct traffic traffic = look_at_traffic();
    uint64_t looks = 0;

    while (traffic.fired + play.own_events < events) {
        if (traffic.waiting < BACKLOG_MAX)
            do_one();
        else
            wait_a_little();
        if (traffic.waiting >= BACKLOG_MAX || ++looks % 8 == 0)
            traffic = look_at_traffic();
        /* What waits for a time must not stop the play. */
        if (traffic.waiting >= BACKLOG_MAX && below(20) == 0)
            step_clock();
    }
}

static void end_faults(void)
{
    stage_no_faults(play.stage, SYSPRO);
    stage_no_faults(play.stage, STREAK);
    stage_tell(play.stage, STREAK, "/_sim/webhooks",
               "{\"duplicate\":0,\"hold_back\":0,\"batch\":1}");
}

static double descriptors(void)
{
    char path[64];
    double count = 0;
    DIR *directory;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)play.stage->connectd.id);
    directory = opendir(path);
    stage_must(play.stage, directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static double memory(void)
{
    cJSON *told = stage_get(play.stage, ADMIN, "/v1/status");
    double bytes = (double)number_of(told, "memory_bytes");

    cJSON_Delete(told);
    return bytes;
}

/* The store keeps pages of its file in memory, up to a limit of its own. */
static double database(void)
{
    char path[STAGE_PATH_MAX + 40];
    struct stat about;

    snprintf(path, sizeof(path), "%s/data/connect.db", play.stage->directory);
    return stat(path, &about) ? 0 : (double)about.st_size;
}

static bool descriptors_back(struct stage *stage, void *arg)
{
    (void)stage;
    return descriptors() <= *(double *)arg;
}

struct measured {
    double descriptors, memory, database;
};

static struct measured measure(void)
{
    struct measured measured = {descriptors(), memory(), database()};

    return measured;
}

/* Connections that are kept for a next request close after a while. */
static struct measured measure_after(struct measured before)
{
    stage_until(play.stage, REST_MS, "descriptors to be closed",
                descriptors_back, &before.descriptors);
    return measure();
}

static void add_program(cJSON *ledgers, struct measured before,
                        struct measured after)
{
    cJSON *program = cJSON_GetObjectItemCaseSensitive(ledgers, "program");
    double pages = (after.database - before.database) * PAGES_PERCENT / 100;

    cJSON_AddNumberToObject(program, "descriptors", before.descriptors);
    cJSON_AddNumberToObject(program, "descriptors_after", after.descriptors);
    cJSON_AddNumberToObject(program, "memory", before.memory + pages);
    cJSON_AddNumberToObject(program, "memory_after", after.memory);
}

static void test_play(void **state)
{
    struct stage_options options = {.level = "debug"};
    uint64_t calm = play.wanted - play.wanted / CALM_SHARE;
    struct measured before, after;
    cJSON *ledgers;

    (void)state;
    play.stage = stage_begin(&options);
    play.stage->canary = CANARY;
    work_until(calm - calm / CALM_SHARE);
    play.calm = true;
    work_until(calm);
    end_faults();
    stage_rest_within(play.stage, REST_MS);
    before = measure();
    work_until(play.wanted);
    end_faults();
    stage_rest_within(play.stage, REST_MS);
    after = measure_after(before);
    ledgers = stage_ledgers(play.stage);
    add_program(ledgers, before, after);
    total_events += look_at_traffic().fired + play.own_events;
    stage_check_ledgers(play.stage, ledgers);
    stage_passed(play.stage);
}

static int run_play(const char *part, uint64_t number, uint64_t from,
                    uint64_t wanted)
{
    const struct CMUnitTest tests[] = {stage_test(test_play)};
    int failed;

    memset(&play, 0, sizeof(play));
    play.number = number;
    play.wanted = wanted;
    play.random = proof.seed * 1000003 + number;
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    printf("play %" PRIu64 ": %u deals, %u kills, %u stops, %u reloads, "
           "%u faults, %u steps of the clock, %u acts, %u replays, %u forged\n",
           number, play.deals, play.kills, play.stops, play.reloads,
           play.faults, play.steps, play.acts, play.replays, play.forged);
    total_kills += play.kills;
    total_faults += play.faults;
    total_deals += play.deals;
    if (failed)
        fprintf(stderr,
                "history: repeat with: history --part %s --seed %" PRIu64
                " --from %" PRIu64 " --count %" PRIu64 "\n",
                part, proof.seed, from, wanted);
    return failed;
}

/* Work a part off, in plays of so many events. */
static int run_part(const char *part, uint64_t play_events)
{
    uint64_t end =
        proof.from + (proof.count ? proof.count : (uint64_t)SMALL_EVENTS);
    char more[200];

    for (uint64_t at = proof.from; at < end; at += play_events) {
        uint64_t wanted = end - at < play_events ? end - at : play_events;
        if (run_play(part, at / play_events, at, wanted))
            return PROOF_FAILED;
    }
    snprintf(more, sizeof(more),
             "\"events\":%" PRIu64 ",\"deals\":%" PRIu64 ",\"kills\":%" PRIu64
             ",\"faults\":%" PRIu64,
             total_events, total_deals, total_kills, total_faults);
    proof_figures(&proof, part, end - proof.from, 0, 0, more);
    return PROOF_PASSED;
}

int main(int argc, char **argv)
{
    proof_options(&proof, argc, argv,
                  "Random faults throughout a long run of the real daemon, "
                  "then the nine invariants.\nA case is an event.  Parts: "
                  "events, in plays of 2,500; long, in plays of 25,000.\n"
                  "The seed of a play follows from --seed and its number.");
    if (proof.list) {
        printf("events %d\nlong %d\n", FULL_EVENTS, LONG_EVENTS);
        return PROOF_PASSED;
    }
    if (proof.part && !strcmp(proof.part, "long"))
        return run_part("long", LONG_PLAY_EVENTS);
    if (!proof.part || !strcmp(proof.part, "events"))
        return run_part("events", PLAY_EVENTS);
    fprintf(stderr, "history: no part \"%s\"; see --list\n", proof.part);
    return PROOF_USAGE;
}
