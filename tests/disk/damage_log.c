/* damage_log.c - F11: bytes of the log come back as others.
 *
 * One idea: SQLite takes a damaged frame for the end of the log, so without a
 * look behind it what was answered is lost in silence.  A start refuses with
 * the name of the file, or all that was answered before the very last commit is
 * there.  Each case works in a process of its own.  One thread. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/memory.h"
#include "facts.h"
#include "parts.h"
#include "process.h"
#include "rig.h"
#include "trace.h"

enum where { A_BYTE, A_SECTOR, THE_HEADER, WHERE_COUNT };
static const char *const wheres[] = {"a byte", "a sector of zeros",
                                     "a byte of the header"};

enum {
    SECTOR = 512,
    HEADER = 32,
    /* Exit codes of a case's process. */
    CASE_GOOD = 10,
    CASE_REFUSED = 11,
    CASE_LOST = 12,
    CASE_WRONG = 13
};

struct damage_log {
    const struct proof *proof;
    const struct part *part;
    struct rig rig;
    struct facts facts;
    char *database, *key, *log; /* as they were left; owned */
    size_t database_len, key_len, log_len;
    uint64_t good, refused, lost, failed;
};

static void put(const struct damage_log *damage, const char *name,
                const char *bytes, size_t len)
{
    char path[RIG_PATH_MAX + 64];
    int file;

    snprintf(path, sizeof(path), "%s/%s", damage->rig.cut, name);
    file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || write(file, bytes, len) != (ssize_t)len)
        abort();
    close(file);
}

static void lay_out(const struct damage_log *damage, uint64_t number)
{
    uint64_t random = damage->proof->seed * 1000003 + number;
    char *log = memory_copy(damage->log, damage->log_len);
    size_t at;

    if (number % WHERE_COUNT == A_SECTOR) {
        at = proof_below(&random, damage->log_len / SECTOR) * SECTOR;
        memset(log + at, 0, SECTOR);
    } else {
        at = proof_below(
            &random, number % WHERE_COUNT == A_BYTE ? damage->log_len : HEADER);
        log[at] = (char)(log[at] ^ (1 + (int)proof_below(&random, 255)));
    }
    rig_empty(damage->rig.cut);
    put(damage, "connect.db", damage->database, damage->database_len);
    put(damage, "lookup.key", damage->key, damage->key_len);
    put(damage, "connect.db-wal", log, damage->log_len);
    free(log);
}

static int open_and_compare(const struct damage_log *damage)
{
    char text[FACTS_TEXT_MAX] = "";

    if (!facts_check(&damage->facts, damage->rig.cut, text))
        return CASE_GOOD;
    if (strstr(text, "connect.db-wal is damaged"))
        return CASE_REFUSED;
    fprintf(stderr, "%s\n", text);
    return strncmp(text, "LOST", 4) ? CASE_WRONG : CASE_LOST;
}

static void one_case(struct damage_log *damage, uint64_t number)
{
    char line[100];
    int state = 0, code;
    pid_t child;

    lay_out(damage, number);
    fflush(NULL);
    child = fork();
    if (child == 0)
        _exit(open_and_compare(damage));
    if (child < 0 || waitpid(child, &state, 0) != child)
        abort();
    code = WIFEXITED(state) ? WEXITSTATUS(state) : -WTERMSIG(state);
    damage->good += code == CASE_GOOD;
    damage->refused += code == CASE_REFUSED;
    damage->lost += code == CASE_LOST;
    if (code == CASE_GOOD || code == CASE_REFUSED)
        return;
    snprintf(line, sizeof(line), "%s: ended with %d",
             wheres[number % WHERE_COUNT], code);
    part_repeat(damage->proof, damage->part, number, line);
    damage->failed++;
}

static char *read_in(const struct damage_log *damage, const char *name,
                     size_t *ret_len)
{
    char path[RIG_PATH_MAX + 64];

    snprintf(path, sizeof(path), "%s/%s", damage->rig.data, name);
    return process_read_file(path, ret_len);
}

/* What was left, and what had been answered. */
static int left_behind(struct damage_log *damage)
{
    struct trace *trace;

    if (rig_drive(&damage->rig, "left"))
        return -1;
    trace = trace_open(damage->rig.trace);
    if (!trace)
        return -1;
    trace_go(trace, trace_length(trace), facts_mark, &damage->facts);
    trace_destroy(trace);
    damage->database = read_in(damage, "connect.db", &damage->database_len);
    damage->key = read_in(damage, "lookup.key", &damage->key_len);
    damage->log = read_in(damage, "connect.db-wal", &damage->log_len);
    return damage->database && damage->key && damage->log &&
                   damage->log_len > SECTOR && damage->facts.run_last
               ? 0
               : -1;
}

int damage_log_run(const struct proof *proof, const struct part *part)
{
    struct damage_log *damage = memory_zero(1, sizeof(*damage));
    uint64_t count = part_count(proof, part);
    int code;
    char more[120];

    damage->proof = proof;
    damage->part = part;
    rig_begin(&damage->rig);
    if (left_behind(damage)) {
        fprintf(stderr, "%s: the driver left no log\n", part->name);
        damage->failed++;
    }
    for (uint64_t at = 0; at < count && damage->failed < 5; at++)
        one_case(damage, proof->from + at);
    rig_end(&damage->rig);
    snprintf(more, sizeof(more),
             "\"unhurt\":%" PRIu64 ",\"refused\":%" PRIu64
             ",\"wrong\":%" PRIu64,
             damage->good, damage->refused, damage->failed);
    proof_figures(proof, part->name, count, damage->lost, 0, more);
    code = damage->failed ? PROOF_FAILED : PROOF_PASSED;
    free(damage->database);
    free(damage->key);
    free(damage->log);
    free(damage);
    return code;
}
