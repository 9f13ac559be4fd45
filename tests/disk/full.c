/* full.c - F10: the disk is full while the daemon works.
 *
 * One idea: a call is under way and others wait when the disk fills; what then
 * may happen is that the outcome of the call is recorded and nothing else: no
 * 200, no new call.  After space is free all goes on by itself.  The disk is a
 * small file system filled to its last byte, or calls that fail with ENOSPC.
 * One thread. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "image.h"
#include "parts.h"
#include "play.h"
#include "rig.h"

enum full_kind {
    FULL_EXT4,       /* filled, 60 s */
    FULL_TMPFS,      /* likewise */
    FULL_LOG,        /* writes to the store's log fail, 60 s */
    FULL_ONCE,       /* one write fails, anywhere */
    FULL_CHECKPOINT, /* the log cannot be moved into the database, 60 s */
    FULL_LINES,      /* lines of the daemon's own log fail */
    FULL_KINDS
};
static const char *const kinds[] = {"ext4 filled",   "tmpfs filled",
                                    "no log",        "one write",
                                    "no checkpoint", "no log lines"};

enum {
    WAITING = 5, /* runs that have not begun to call */
    EVENTS = 4,  /* sent while it is full, each again and again */
    DEALS = 16,  /* where there is no such story */
    IMAGE_MIB = 64,
    CHUNK = 1 << 20,
    POST_MS = 3000, /* the call under way is answered while the disk is full */
    STEPS = 6,
    STEP_MS = 10000, /* so it is full for a minute */
    FLOW_MS = 10000, /* after space is free, as the catalogue says */
    REST_MS = 60000,
    ONCE_AFTER_MAX = 400, /* writes of a run of DEALS, about */
    TRIES = 200
};

static struct {
    const struct proof *proof;
    const struct part *part;
    struct stage *stage;
    struct rig rig;
    struct image image;
    enum full_kind kind;
    uint64_t random, number;
    uint64_t lost, doubled;
    int64_t flow_ms_max;
    uint64_t skipped; /* cases that this machine does not permit */
} full;

static void must(int status, const char *text)
{
    if (status)
        stage_fail(full.stage, "%s", text);
}

/* ---- Full and free ------------------------------------------------------- */

static void ballast(char path[IMAGE_PATH_MAX + 16])
{
    snprintf(path, IMAGE_PATH_MAX + 16, "%s/ballast", full.image.place);
}

static void fill(void)
{
    static char zeros[CHUNK];
    char path[IMAGE_PATH_MAX + 16];
    size_t len = CHUNK;
    int file;

    ballast(path);
    file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    stage_must(full.stage, file >= 0);
    while (len) {
        ssize_t count = write(file, zeros, len);
        if (count < 0 && errno != ENOSPC)
            stage_fail(full.stage, "%s: %s", path, strerror(errno));
        if (count <= 0)
            len /= 2;
    }
    close(file);
}

static void full_on(void)
{
    uint32_t files = 1u << DISK_FILE_WAL;

    if (full.kind == FULL_EXT4 || full.kind == FULL_TMPFS) {
        fill();
        return;
    }
    if (full.kind == FULL_CHECKPOINT)
        files = 1u << DISK_FILE_DB;
    rig_fault(&full.rig, ENOSPC, 1u << DISK_WRITE, files, 0, -1);
}

static void full_off(void)
{
    char path[IMAGE_PATH_MAX + 16];

    rig_no_fault(&full.rig);
    if (full.kind == FULL_EXT4 || full.kind == FULL_TMPFS) {
        ballast(path);
        stage_must(full.stage, !unlink(path));
    }
}

/* ---- Questions ----------------------------------------------------------- */

static size_t posts(void)
{
    return stage_seen(full.stage, SYSPRO, "/Transaction/Post");
}

static bool posted(struct stage *stage, void *arg)
{
    (void)stage;
    (void)arg;
    return posts() > 0;
}

static bool outcome_recorded(struct stage *stage, void *arg)
{
    cJSON *whole = stage_get(stage, ADMIN, "/v1/runs/%lld", *(long long *)arg);
    const cJSON *row;
    bool done = false;

    cJSON_ArrayForEach(row,
                       cJSON_GetObjectItemCaseSensitive(whole, "deliveries"))
    {
        const cJSON *state = cJSON_GetObjectItemCaseSensitive(row, "state");
        done = done ||
               (cJSON_IsString(state) && !strcmp(state->valuestring, "done"));
    }
    cJSON_Delete(whole);
    return done;
}

static size_t disk_alerts(struct stage *stage)
{
    cJSON *told = stage_get(stage, ADMIN, "/v1/alerts");
    const cJSON *row;
    size_t count = 0;

    cJSON_ArrayForEach(row, cJSON_GetObjectItemCaseSensitive(told, "alerts"))
    {
        const cJSON *cause = cJSON_GetObjectItemCaseSensitive(row, "cause");
        count +=
            cJSON_IsString(cause) && !strcmp(cause->valuestring, "disk:full");
    }
    cJSON_Delete(told);
    return count;
}

/* 503 with Retry-After, and nothing else. */
static void refused(const char *body)
{
    struct stage_webhook webhook = {.body = body};
    struct web_answer answer = stage_send(full.stage, &webhook);

    if (answer.status != 503 || !strcasestr(answer.headers, "\nRetry-After:"))
        stage_fail(full.stage, "full disk: status %d\n%s", answer.status,
                   answer.headers ? answer.headers : "");
    web_answer_end(&answer);
}

/* ---- The minute ---------------------------------------------------------- */

struct events {
    cJSON *keys; /* owned */
    char *bodies[EVENTS + WAITING];
    int count;
};

static struct events make_events(int count, const char *prefix)
{
    struct events events = {
        play_deals(full.stage, (unsigned)count, prefix), {NULL}, count};

    for (int at = 0; at < count; at++) {
        const char *key = cJSON_GetArrayItem(events.keys, at)->valuestring;
        events.bodies[at] = stage_event_body(full.stage, &key, 1);
    }
    return events;
}

static void end_events(struct events *events)
{
    for (int at = 0; at < events->count; at++)
        free(events->bodies[at]);
    cJSON_Delete(events->keys);
}

static int send_body(const char *body)
{
    struct stage_webhook webhook = {.body = body};
    struct web_answer answer = stage_send(full.stage, &webhook);
    int status = answer.status;

    web_answer_end(&answer);
    return status;
}

static bool all_active(struct stage *stage, void *arg)
{
    (void)arg;
    return stage_runs_in(stage, "active") == 1 + WAITING;
}

/* One order is being posted; some runs wait for Streak, in the store, or with
 * a call to it under way, about to post an order each. */
static long long begin_work(struct events *waiting)
{
    struct stage *stage = full.stage;
    cJSON *first = play_deals(stage, 1, "First");
    char key[STAGE_TEXT_MAX];
    long long run;

    snprintf(key, sizeof(key), "%s", first->child->valuestring);
    cJSON_Delete(first);
    stage_fault(stage, SYSPRO,
                "{\"fault\":\"slow_commit\",\"match\":\"/Transaction/Post\","
                "\"ms\":%d,\"count\":1}",
                POST_MS);
    stage_must(stage, play_send(stage, key) == 200);
    stage_until(stage, REST_MS, "the post", posted, NULL);
    run = stage_run_of(stage, key, "active,ready,waiting");
    stage_must(stage, run);
    if (full.number / FULL_KINDS % 2)
        stage_fault(stage, STREAK, "{\"fault\":\"refuse\"}");
    else
        stage_fault(stage, STREAK,
                    "{\"fault\":\"delay\",\"match\":\"/api/\",\"ms\":%d,"
                    "\"always\":true}",
                    POST_MS);
    for (int at = 0; at < waiting->count; at++)
        stage_must(stage, send_body(waiting->bodies[at]) == 200);
    if (full.number / FULL_KINDS % 2)
        stage_until_instance_rests(stage, "streak");
    else
        stage_until(stage, REST_MS, "all to be read", all_active, NULL);
    return run;
}

static void minute(struct events *events, long long run)
{
    struct stage *stage = full.stage;
    bool reserve = full.kind == FULL_EXT4 || full.kind == FULL_TMPFS;

    for (int at = 0; at < events->count; at++)
        refused(events->bodies[at]);
    stage_no_faults(stage, STREAK);
    for (int step = 0; step < STEPS; step++) {
        stage_step(stage, STEP_MS);
        if (reserve && step == 0)
            stage_until(stage, REST_MS, "the outcome, out of the reserve",
                        outcome_recorded, &run);
        for (int at = 0; at < events->count; at++)
            refused(events->bodies[at]);
        if (posts() > 1) {
            full.doubled += posts() - 1;
            part_repeat(full.proof, full.part, full.number,
                        "a call began whose outcome cannot be recorded");
            break;
        }
    }
    if (reserve && disk_alerts(stage) != 1)
        stage_fail(stage, "%zu alerts of a full disk", disk_alerts(stage));
}

static bool all_done(struct stage *stage, void *arg)
{
    (void)arg;
    return stage_order_count(stage) >= 1 + WAITING + EVENTS &&
           stage_runs_in(stage, "queued,ready,active,waiting") == 0;
}

static void after(struct events *events)
{
    struct stage *stage = full.stage;
    int64_t begun = process_now_ms(), ms;

    full_off();
    for (int at = 0; at < events->count; at++) {
        int tries = 0;
        while (send_body(events->bodies[at]) != 200) {
            stage_must(stage, process_now_ms() - begun < FLOW_MS);
            stage_must(stage, ++tries < TRIES);
            process_nap(50);
        }
    }
    stage_until(stage, REST_MS, "everything to flow again", all_done, NULL);
    ms = process_now_ms() - begun;
    printf("%s: %s: all done %" PRId64 " ms after there was space\n",
           full.part->name, kinds[full.kind], ms);
    if (ms > full.flow_ms_max)
        full.flow_ms_max = ms;
    stage_must(stage, ms < FLOW_MS);
    stage_must(stage, disk_alerts(stage) == 0);
}

static void full_minute(void)
{
    struct stage *stage = full.stage;
    struct events waiting = make_events(WAITING, "Waiting");
    struct events events = make_events(EVENTS, "Refused");
    long long run = begin_work(&waiting);

    full_on();
    minute(&events, run);
    after(&events);
    end_events(&waiting);
    end_events(&events);
    if (stage_order_count(stage) != 1 + WAITING + EVENTS)
        full.doubled++;
    stage_check(stage);
}

/* ---- Other stories ------------------------------------------------------- */

/* Send until it is taken: how often it was not. */
static size_t send_all(const cJSON *keys)
{
    const cJSON *key;
    size_t refusals = 0;

    cJSON_ArrayForEach(key, keys)
    {
        int tries = 0, status;
        while ((status = play_send(full.stage, key->valuestring)) != 200) {
            stage_must(full.stage, status == 503 && ++tries < TRIES);
            refusals++;
        }
    }
    return refusals;
}

static void full_story(void)
{
    struct stage *stage = full.stage;
    uint32_t files = 1u << DISK_FILE_WAL | 1u << DISK_FILE_SHM;
    cJSON *keys = play_deals(stage, DEALS, "Deal");
    int64_t after_calls = (int64_t)proof_below(&full.random, ONCE_AFTER_MAX);

    if (full.kind == FULL_ONCE)
        rig_fault(&full.rig, ENOSPC, 1u << DISK_WRITE, files, after_calls, 1);
    else if (full.kind == FULL_CHECKPOINT)
        full_on();
    printf("%s: %s: %zu refusals\n", full.part->name, kinds[full.kind],
           send_all(keys));
    cJSON_Delete(keys);
    if (full.kind == FULL_CHECKPOINT) {
        stage_rest(stage);
        stage_must(stage, full.rig.control->hits > 0);
        stage_must(stage, stage_order_count(stage) == DEALS);
        full_off();
        cJSON_Delete(play_deals(stage, 1, "More"));
    }
    stage_rest(stage);
    stage_must(stage, stage_order_count(stage) == DEALS);
    rig_no_fault(&full.rig);
    stage_check(stage);
}

/* ---- One case ------------------------------------------------------------ */

static void prepare(void)
{
    struct stage_options options = play_options();
    char file[IMAGE_PATH_MAX * 2], place[IMAGE_PATH_MAX * 2];
    char text[IMAGE_TEXT_MAX];

    full.stage = stage_prepare(&options);
    snprintf(file, sizeof(file), "%s/image", full.stage->directory);
    snprintf(place, sizeof(place), "%s/data", full.stage->directory);
    if (full.kind == FULL_EXT4 || full.kind == FULL_TMPFS)
        must(image_begin(&full.image, full.kind == FULL_EXT4 ? "ext4" : "tmpfs",
                         file, place, IMAGE_MIB, text),
             text);
    if (full.kind == FULL_CHECKPOINT)
        setenv("CONNECT_TEST_CHECKPOINT", "40", 1);
    if (full.kind == FULL_LINES) {
        snprintf(file, sizeof(file), "%s/connectd.log", full.stage->directory);
        stage_must(full.stage, !symlink("/dev/full", file));
    }
    rig_watch(&full.rig, place, true, false);
    stage_start(full.stage);
    rig_watch(&full.rig, place, false, false);
    unsetenv("CONNECT_TEST_CHECKPOINT");
}

static void work(void)
{
    prepare();
    if (full.kind <= FULL_LOG)
        full_minute();
    else
        full_story();
    stage_passed(full.stage);
}

static void finish(void)
{
    char text[IMAGE_TEXT_MAX];

    if (full.stage)
        process_end(&full.stage->connectd);
    if (full.image.place[0])
        (void)image_unmount(&full.image, text);
    memset(&full.image, 0, sizeof(full.image));
}

static int one_case(uint64_t number)
{
    const char *refusal = NULL;
    int status;

    full.number = number;
    full.kind = (enum full_kind)(number % FULL_KINDS);
    full.random = full.proof->seed * 1000003 + number;
    full.stage = NULL;
    if (full.kind == FULL_EXT4 || full.kind == FULL_TMPFS)
        refusal = image_refused(full.kind == FULL_EXT4 ? "ext4" : "tmpfs");
    if (refusal) {
        printf("%s: %s: skipped: %s\n", full.part->name, kinds[full.kind],
               refusal);
        full.skipped++;
        return 0;
    }
    rig_begin(&full.rig);
    status = play(kinds[full.kind], work, finish);
    rig_end(&full.rig);
    if (status)
        part_repeat(full.proof, full.part, number, kinds[full.kind]);
    return status;
}

int full_run(const struct proof *proof, const struct part *part)
{
    uint64_t count = part_count(proof, part), failed = 0;
    char more[80];

    memset(&full, 0, sizeof(full));
    full.proof = proof;
    full.part = part;
    for (uint64_t at = 0; at < count; at++)
        failed += one_case(proof->from + at) != 0;
    if (count && full.skipped == count)
        return PROOF_SKIPPED;
    snprintf(more, sizeof(more), "\"max_flow_ms\":%" PRId64, full.flow_ms_max);
    proof_figures(proof, part->name, count - full.skipped, full.lost,
                  full.doubled, more);
    return failed || full.lost || full.doubled ? PROOF_FAILED : PROOF_PASSED;
}
