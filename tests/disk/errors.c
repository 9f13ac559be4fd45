/* errors.c - F11: calls on the store's files fail with EIO, once or from then
 * on.
 *
 * One idea: what was answered must be in every state that a power cut may leave
 * afterwards, where what a failed sync should have saved is gone whatever sync
 * followed.  So a sync that is called again and then believed shows as a loss.
 * Two of three errors come after the first answered commit: before it nothing
 * was promised, and most often the store is not even opened (`not_opened`).
 * Most cases drive the store alone; some the daemon, which must refuse, heal or
 * end for its supervisor.  One thread. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "facts.h"
#include "parts.h"
#include "play.h"
#include "rig.h"
#include "trace.h"

enum {
    ANYWHERE_EVERY = 3, /* cases: in one of so many the error may come before
                         * anything was promised */
    DAEMON_EVERY = 20,  /* cases: one of so many is played by the daemon */
    ALL_FILES = 0xff,
    CUTS_BEFORE = 6, /* states looked at in the run with the fault */
    CUTS_AFTER = 4,  /* and in the one that follows */
    NEAR = 40,       /* records after a lost sync that are worth a look */
    GIVEN_UP = 3,    /* exit codes of the driver */
    NOT_OPENED = 4,
    DEALS = 12, /* of the daemon */
    TRIES = 400,
    CALLS_MAX = 250, /* of the daemon that succeed before */
    END_MS = 30000,
    LASTING = 8 /* refusals after which a lasting fault ends */
};

static const enum disk_op ops[] = {DISK_WRITE,     DISK_FDATASYNC, DISK_READ,
                                   DISK_FSYNC,     DISK_TRUNCATE,  DISK_CLOSE,
                                   DISK_FDATASYNC, DISK_RENAME};
enum { OPS = sizeof(ops) / sizeof(*ops) };
static const char *const op_names[] = {"write", "fsync",     "fdatasync",
                                       "read",  "ftruncate", "rename",
                                       "close", "fallocate"};

static struct {
    const struct proof *proof;
    const struct part *part;
    struct rig rig;
    struct stage *stage;
    uint64_t calls[DISK_OP_COUNT]; /* of a run without a fault */
    uint64_t first[DISK_OP_COUNT]; /* of these: until a commit was answered */
    uint64_t number, random;
    enum disk_op op;
    bool lasting;
    char what[160];
    uint64_t failed, lost, hits, states, given_up, not_opened;
    uint64_t promised; /* the error came when a commit had been answered */
} errors;

static void complain(const char *text)
{
    char line[FACTS_TEXT_MAX + 200];

    snprintf(line, sizeof(line), "%s: %s", errors.what, text);
    part_repeat(errors.proof, errors.part, errors.number, line);
    errors.failed++;
    errors.lost += !strncmp(text, "LOST", 4);
}

/* ---- The store alone ----------------------------------------------------- */

/* false: it did not hold. */
static bool look(const struct trace *trace, const struct facts *facts,
                 enum trace_loss loss)
{
    char text[FACTS_TEXT_MAX];
    int status;

    rig_empty(errors.rig.cut);
    status =
        trace_cut(trace, loss, proof_random(&errors.random), errors.rig.cut);
    if (!status)
        status = facts_check(facts, errors.rig.cut, text);
    else
        snprintf(text, sizeof(text), "cannot be laid out: %d", status);
    errors.states++;
    if (status)
        complain(text);
    return !status;
}

static int by_number(const void *one, const void *other)
{
    size_t a = *(const size_t *)one, b = *(const size_t *)other;

    return a < b ? -1 : a > b;
}

static size_t between(size_t low, size_t high)
{
    return low + (high > low ? proof_below(&errors.random, high - low + 1) : 0);
}

/* Cuts during and after the run with the fault, and in the one behind it. */
static void look_at_all(size_t faulty)
{
    struct trace *trace = trace_open(errors.rig.trace);
    size_t places[CUTS_BEFORE + CUTS_AFTER], lost, end;
    struct facts facts = {0};

    if (!trace) {
        complain("no trace");
        return;
    }
    end = trace_length(trace);
    lost = trace_find(trace, DISK_R_SYNC_LOST);
    for (size_t at = 0; at < CUTS_BEFORE; at++) {
        size_t high = lost + NEAR < faulty ? lost + NEAR : faulty;
        places[at] = lost < faulty ? between(lost, high) : between(0, faulty);
    }
    places[CUTS_BEFORE - 1] = faulty;
    for (size_t at = 0; at < CUTS_AFTER; at++)
        places[CUTS_BEFORE + at] = between(faulty, end);
    qsort(places, CUTS_BEFORE + CUTS_AFTER, sizeof(*places), by_number);
    for (size_t at = 0; at < CUTS_BEFORE + CUTS_AFTER; at++) {
        trace_go(trace, places[at], facts_mark, &facts);
        if (!look(trace, &facts,
                  at % 2 ? (enum trace_loss)(at / 2 % TRACE_LOSS_COUNT)
                         : TRACE_ALL_LOST))
            break;
    }
    trace_destroy(trace);
}

/* How many calls succeed before the error. */
static int64_t draw_after(void)
{
    uint64_t calls = errors.calls[errors.op], first = errors.first[errors.op];

    if (errors.number % ANYWHERE_EVERY == ANYWHERE_EVERY - 1 || calls <= first)
        first = 0;
    return calls ? (int64_t)(first + proof_below(&errors.random, calls - first))
                 : 0;
}

static void store_case(void)
{
    int64_t after = draw_after();
    struct trace *trace;
    size_t faulty = 0;
    int code;

    snprintf(errors.what, sizeof(errors.what),
             "EIO from %s after %" PRId64 " calls, %s", op_names[errors.op],
             after, errors.lasting ? "lasting" : "once");
    errors.promised += after >= (int64_t)errors.first[errors.op];
    rig_again(&errors.rig);
    rig_fault(&errors.rig, EIO, 1u << errors.op, ALL_FILES, after,
              errors.lasting ? -1 : 1);
    code = rig_drive(&errors.rig, "small");
    errors.hits += errors.rig.control->hits > 0;
    rig_no_fault(&errors.rig);
    errors.given_up += code == GIVEN_UP;
    errors.not_opened += code == NOT_OPENED;
    if (code && code != GIVEN_UP && code != NOT_OPENED) {
        snprintf(errors.what + strlen(errors.what), 40,
                 ", driver ended with %d", code);
        complain("it must refuse, heal or give up");
        return;
    }
    trace = trace_open(errors.rig.trace);
    if (trace)
        faulty = trace_length(trace);
    trace_destroy(trace);
    code = rig_drive(&errors.rig, "again");
    if (code) {
        snprintf(errors.what + strlen(errors.what), 40, ", then %d", code);
        complain("the next start does not work");
        return;
    }
    look_at_all(faulty);
}

/* ---- The daemon ---------------------------------------------------------- */

/* It ended by itself: for its supervisor, which starts it again. */
static void supervise(void)
{
    struct stage *stage = errors.stage;

    stage_must(stage, stage->connectd.exit_code < 128);
    errors.given_up++;
    rig_no_fault(&errors.rig);
    stage_start(stage);
}

static void send_until_taken(const char *key, int *refusals)
{
    struct stage *stage = errors.stage;

    for (int tries = 0;; tries++) {
        int status = play_send(stage, key);
        if (status == 200)
            return;
        stage_must(stage, status == 503 || status == 0);
        stage_must(stage, tries < TRIES);
        if (++*refusals >= LASTING)
            rig_no_fault(&errors.rig);
        if (!process_runs(&stage->connectd))
            supervise();
        else
            process_nap(20);
    }
}

/* The store may be done for without anybody having noticed: ask it until it
 * takes something, or the daemon has ended and was started again. */
static void settle(const char *key)
{
    struct stage *stage = errors.stage;
    int64_t until = process_now_ms() + END_MS;

    rig_no_fault(&errors.rig);
    while (!process_runs(&stage->connectd) || play_send(stage, key) != 200) {
        stage_must(stage, process_now_ms() < until);
        if (!process_runs(&stage->connectd))
            supervise();
        process_nap(20);
    }
}

static void work(void)
{
    struct stage_options options = play_options();
    struct stage *stage = stage_prepare(&options);
    char data[STAGE_PATH_MAX + 8];
    int refusals = 0;
    cJSON *keys;
    const cJSON *key;

    errors.stage = stage;
    snprintf(data, sizeof(data), "%s/data", stage->directory);
    rig_watch(&errors.rig, data, true, false);
    setenv("CONNECT_TEST_CHECKPOINT", "60", 1);
    stage_start(stage);
    keys = play_deals(stage, DEALS, "Error");
    rig_fault(&errors.rig, EIO, 1u << errors.op, ALL_FILES,
              (int64_t)proof_below(&errors.random, CALLS_MAX),
              errors.lasting ? -1 : 1);
    cJSON_ArrayForEach(key, keys)
    {
        send_until_taken(key->valuestring, &refusals);
    }
    settle(cJSON_GetArrayItem(keys, 0)->valuestring);
    errors.hits += errors.rig.control->hits > 0;
    cJSON_Delete(keys);
    stage_rest(stage);
    stage_must(stage, stage_order_count(stage) == DEALS);
    rig_watch(&errors.rig, NULL, false, false);
    stage_check(stage);
    stage_passed(stage);
}

static void finish(void)
{
    rig_watch(&errors.rig, NULL, false, false);
    unsetenv("CONNECT_TEST_CHECKPOINT");
}

static void daemon_case(void)
{
    snprintf(errors.what, sizeof(errors.what), "the daemon, EIO from %s, %s",
             op_names[errors.op], errors.lasting ? "lasting" : "once");
    rig_again(&errors.rig);
    if (play(errors.what, work, finish))
        complain("it must refuse, heal or end");
}

/* ---- All ----------------------------------------------------------------- */

/* The calls of a run without a fault; the counters only go up. */
static int calibrate(void)
{
    int code = rig_drive(&errors.rig, "first");

    for (size_t op = 0; op < DISK_OP_COUNT; op++)
        errors.first[op] = errors.rig.control->calls[op];
    rig_again(&errors.rig);
    code = code ? code : rig_drive(&errors.rig, "small");
    for (size_t op = 0; op < DISK_OP_COUNT; op++)
        errors.calls[op] = errors.rig.control->calls[op] - errors.first[op];
    return code;
}

static void one_case(uint64_t number)
{
    errors.number = number;
    errors.random = errors.proof->seed * 1000003 + number;
    errors.op = ops[number % OPS];
    errors.lasting = number / OPS % 2;
    if (number % DAEMON_EVERY == DAEMON_EVERY - 1) {
        errors.op = ops[number / DAEMON_EVERY % OPS];
        errors.lasting = number / DAEMON_EVERY / OPS % 2;
        daemon_case();
    } else {
        store_case();
    }
}

int errors_run(const struct proof *proof, const struct part *part)
{
    uint64_t count = part_count(proof, part), done = 0;
    char more[200];

    memset(&errors, 0, sizeof(errors));
    errors.proof = proof;
    errors.part = part;
    rig_begin(&errors.rig);
    if (calibrate()) {
        fprintf(stderr, "%s: the driver fails without a fault\n", part->name);
        errors.failed++;
    }
    for (; done < count && !errors.failed; done++)
        one_case(proof->from + done);
    rig_end(&errors.rig);
    snprintf(more, sizeof(more),
             "\"hit\":%" PRIu64 ",\"states\":%" PRIu64 ",\"given_up\":%" PRIu64
             ",\"promised\":%" PRIu64 ",\"not_opened\":%" PRIu64,
             errors.hits, errors.states, errors.given_up, errors.promised,
             errors.not_opened);
    proof_figures(proof, part->name, done, errors.lost, 0, more);
    return errors.failed ? PROOF_FAILED : PROOF_PASSED;
}
