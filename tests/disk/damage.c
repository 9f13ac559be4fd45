/* damage.c - F11: bytes of the file come back as others.
 *
 * One idea: whatever is turned over, a start either refuses with the name of
 * the file, or what it hands out to work on is what was stored, byte for byte;
 * a run that cannot be read is parked.  Each case works in a process of its
 * own, so that a crash is seen as one.  One thread. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/clock.h"
#include "facts.h"
#include "parts.h"
#include "process.h"
#include "rig.h"
#include "store/store.h"

enum where {
    IN_A_BODY,   /* a byte of a record's text */
    IN_A_RESULT, /* of a step's or a delivery's */
    ANYWHERE,    /* of the database */
    A_SECTOR,    /* of it is zero */
    IN_THE_KEY,  /* a byte of lookup.key */
    CUT_SHORT,   /* the end of the database is missing */
    WHERE_COUNT
};
static const char *const wheres[] = {
    "a byte of a record's text", "a byte of a result",   "a byte anywhere",
    "a sector of zeros",         "a byte of lookup.key", "a shorter file"};

enum {
    SECTOR = 512,
    CLAIM_MAX = 200,
    PLACES_MAX = 2000,
    UNFINISHED = 28, /* runs of a long drive */
    /* Exit codes of a case's process. */
    CASE_GOOD = 10,
    CASE_REFUSED = 11,
    CASE_PARKED = 12,
    CASE_WRONG = 13
};

static struct {
    const struct proof *proof;
    const struct part *part;
    struct rig rig;
    char *database, *key; /* as they were; owned */
    size_t database_len, key_len;
    uint64_t random, good, refused, parked, failed;
} damage;

/* ---- The damage ---------------------------------------------------------- */

/* One of the places where this text stands. */
static size_t place_of(const char *text)
{
    size_t places[PLACES_MAX], count = 0, len = strlen(text);
    const char *at = damage.database, *end = at + damage.database_len;

    while (count < PLACES_MAX &&
           (at = memmem(at, (size_t)(end - at), text, len)))
        places[count++] = (size_t)(at++ - damage.database);
    return count ? places[proof_below(&damage.random, count)] : 0;
}

static void turn_over(char *bytes, size_t at)
{
    bytes[at] = (char)(bytes[at] ^ (1 + (int)proof_below(&damage.random, 255)));
}

static void damage_bytes(enum where where, char *database, size_t *len,
                         char *key)
{
    char text[40];
    size_t at;

    switch (where) {
    case IN_A_BODY:
        /* Of a run that is not finished: the driver leaves every fifth. */
        snprintf(text, sizeof(text), "{\"n\":%d,\"text\":\"",
                 5 * (1 + (int)proof_below(&damage.random, UNFINISHED)));
        at = place_of(text);
        turn_over(database, at + proof_below(&damage.random, 600));
        break;
    case IN_A_RESULT:
        at = proof_below(&damage.random, 2) ? place_of("{\"lines\":[1,2]}")
                                            : place_of("{\"deal\":1}");
        turn_over(database, at + proof_below(&damage.random, 10));
        break;
    case ANYWHERE:
        turn_over(database, proof_below(&damage.random, *len));
        break;
    case A_SECTOR:
        at = proof_below(&damage.random, *len / SECTOR) * SECTOR;
        memset(database + at, 0, SECTOR);
        break;
    case IN_THE_KEY:
        turn_over(key, proof_below(&damage.random, damage.key_len));
        break;
    default:
        *len -= (1 + proof_below(&damage.random, *len / SECTOR / 2)) * SECTOR;
        break;
    }
}

static void put(const char *name, const char *bytes, size_t len)
{
    char path[RIG_PATH_MAX + 64];
    int file;

    snprintf(path, sizeof(path), "%s/%s", damage.rig.cut, name);
    file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || write(file, bytes, len) != (ssize_t)len)
        abort();
    close(file);
}

/* ---- What may be worked on ----------------------------------------------- */

struct claimed {
    size_t wrong, parked;
    char text[FACTS_TEXT_MAX];
};

static bool is_text(struct store_bytes bytes, const char *text)
{
    return bytes.len == strlen(text) && !memcmp(bytes.ptr, text, bytes.len);
}

static void check_work(struct claimed *claimed, const struct store_work *work)
{
    char *right = memory_zero(work->body.len + 64, 1);
    bool good = work->body.len > 64;

    if (good)
        facts_body(work->run, right, work->body.len);
    good = good && !memcmp(right, work->body.ptr, work->body.len);
    free(right);
    for (size_t at = 0; at < work->step_count; at++)
        good = good && (!work->steps[at].result.len ||
                        is_text(work->steps[at].result, "{\"deal\":1}"));
    for (size_t at = 0; at < work->delivery_count; at++)
        good = good && is_text(work->deliveries[at].body, "{\"lines\":[1,2]}");
    if (good)
        return;
    claimed->wrong++;
    snprintf(claimed->text, sizeof(claimed->text),
             "run %" PRIu64 " is handed out with bytes nobody stored",
             work->run);
}

static void answered(void *arg, int status, const struct store_result *results,
                     size_t count)
{
    if (status || !count)
        return; /* refused as a whole */
    for (size_t at = 0; at < results[0].work_count; at++)
        check_work(arg, &results[0].work[at]);
}

static void parked(void *arg, int status, const struct store_rows *rows)
{
    struct claimed *claimed = arg;

    for (size_t at = 0; !status && at < rows->run_count; at++)
        claimed->parked +=
            rows->runs[at].code && !strcmp(rows->runs[at].code, "unreadable");
}

static void claim_all(struct store *store, struct claimed *claimed)
{
    static const char *const queues[] = {"", "erp"};
    struct store_query query = {.kind = STORE_QUERY_RUNS,
                                .states = 1u << RUN_PARKED,
                                .limit = CLAIM_MAX};

    for (size_t at = 0; at < 2; at++) {
        struct store_batch *batch = store_batch_create();
        store_batch_claim(batch, queues[at], CLAIM_MAX);
        if (store_commit(store, batch, answered, claimed))
            store_batch_destroy(batch);
        store_drain(store);
    }
    if (!store_query(store, &query, parked, claimed))
        store_drain(store);
}

static int64_t now(void *arg)
{
    (void)arg;
    return 1700000100000;
}

/* In a process of its own: the exit code. */
static int open_and_claim(char text[FACTS_TEXT_MAX])
{
    struct clock clock = {now, now, NULL};
    struct store_options options = {.directory = damage.rig.cut,
                                    .owner = "driver",
                                    .clock = &clock,
                                    .inline_mode = true};
    struct claimed claimed = {0};
    struct error err = {""};
    struct store *store;

    if (store_open(&options, &store, &err)) {
        snprintf(text, FACTS_TEXT_MAX, "refused with \"%.300s\"", err.text);
        return strstr(err.text, "connect.db") || strstr(err.text, "lookup.key")
                   ? CASE_REFUSED
                   : CASE_WRONG;
    }
    claim_all(store, &claimed);
    store_close(store);
    snprintf(text, FACTS_TEXT_MAX, "%s", claimed.text);
    if (claimed.wrong)
        return CASE_WRONG;
    return claimed.parked ? CASE_PARKED : CASE_GOOD;
}

/* ---- Cases --------------------------------------------------------------- */

static void lay_out(enum where where)
{
    char *database = memory_copy(damage.database, damage.database_len);
    char *key = memory_copy(damage.key, damage.key_len);
    size_t len = damage.database_len;

    damage_bytes(where, database, &len, key);
    rig_empty(damage.rig.cut);
    put("connect.db", database, len);
    put("lookup.key", key, damage.key_len);
    free(database);
    free(key);
}

static void one_case(uint64_t number)
{
    enum where where = (enum where)(number % WHERE_COUNT);
    char text[FACTS_TEXT_MAX] = "", line[FACTS_TEXT_MAX + 100];
    int state = 0, code;
    pid_t child;

    damage.random = damage.proof->seed * 1000003 + number;
    lay_out(where);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        code = open_and_claim(text);
        if (code == CASE_WRONG)
            fprintf(stderr, "%s\n", text);
        _exit(code);
    }
    if (child < 0 || waitpid(child, &state, 0) != child)
        abort();
    code = WIFEXITED(state) ? WEXITSTATUS(state) : -WTERMSIG(state);
    damage.good += code == CASE_GOOD;
    damage.refused += code == CASE_REFUSED;
    damage.parked += code == CASE_PARKED;
    if (code < CASE_GOOD || code == CASE_WRONG ||
        (where == IN_THE_KEY && code != CASE_REFUSED)) {
        snprintf(line, sizeof(line), "%s: ended with %d", wheres[where], code);
        part_repeat(damage.proof, damage.part, number, line);
        damage.failed++;
    }
}

static char *read_in(const char *name, size_t *ret_len)
{
    char path[RIG_PATH_MAX + 64];

    snprintf(path, sizeof(path), "%s/%s", damage.rig.data, name);
    return process_read_file(path, ret_len);
}

int damage_run(const struct proof *proof, const struct part *part)
{
    uint64_t count = part_count(proof, part);
    char more[120];

    memset(&damage, 0, sizeof(damage));
    damage.proof = proof;
    damage.part = part;
    rig_begin(&damage.rig);
    if (rig_drive(&damage.rig, "long"))
        damage.failed++;
    damage.database = read_in("connect.db", &damage.database_len);
    damage.key = read_in("lookup.key", &damage.key_len);
    if (!damage.database || !damage.key)
        damage.failed++;
    for (uint64_t at = 0; at < count && damage.failed < 5; at++)
        one_case(proof->from + at);
    free(damage.database);
    free(damage.key);
    rig_end(&damage.rig);
    snprintf(more, sizeof(more),
             "\"unhurt\":%" PRIu64 ",\"refused\":%" PRIu64
             ",\"parked\":%" PRIu64 ",\"wrong\":%" PRIu64,
             damage.good, damage.refused, damage.parked, damage.failed);
    proof_figures(proof, part->name, count, damage.failed, 0, more);
    return damage.failed ? PROOF_FAILED : PROOF_PASSED;
}
