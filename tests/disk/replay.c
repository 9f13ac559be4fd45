/* replay.c - F09 without a disk: every state that a power cut may leave.
 *
 * One idea: the shim writes down what the driver and the daemon write and sync;
 * a case is a moment of that and a kind of loss; the files are laid out as the
 * cut leaves them, opened as a start opens them, and compared with what had
 * been answered before that moment.  One thread. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "facts.h"
#include "parts.h"
#include "rig.h"
#include "trace.h"
#include "watched.h"

enum { LEAST_RECORDS = 500 };

enum source { SMALL, LONG, DAEMON, BIG };
/* Cases go round.  A state of the big one takes ten times as long. */
static const unsigned char sources[] = {
    SMALL, LONG, DAEMON, LONG, SMALL, LONG,   DAEMON, LONG,
    SMALL, LONG, DAEMON, LONG, SMALL, DAEMON, LONG,   BIG};
enum { ROUND = sizeof(sources) };
static const char *const source_names[] = {"small", "long", "daemon", "big"};

struct moment {
    uint64_t number; /* of the case */
    size_t record;
    enum trace_loss loss;
    uint64_t seed;
};

struct replay {
    const struct proof *proof;
    const struct part *part;
    struct rig rig;
    uint64_t cases, failed, lost, doubled;
};

static int by_record(const void *one, const void *other)
{
    const struct moment *a = one, *b = other;

    return a->record < b->record ? -1 : a->record > b->record;
}

static const char *const losses[] = {"all lost", "nothing lost", "tail torn",
                                     "some writes", "some sectors"};

static void try_moment(struct replay *replay, const struct trace *trace,
                       const struct facts *facts, const struct moment *moment,
                       const char *source)
{
    char text[FACTS_TEXT_MAX], what[FACTS_TEXT_MAX + 100];
    int status;

    rig_empty(replay->rig.cut);
    status = trace_cut(trace, moment->loss, moment->seed, replay->rig.cut);
    if (status)
        snprintf(text, sizeof(text), "cannot be laid out: %d", status);
    else
        status = facts_check(facts, replay->rig.cut, text);
    replay->cases++;
    if (!status)
        return;
    replay->failed++;
    replay->lost += !strncmp(text, "LOST", 4);
    replay->doubled += !strncmp(text, "DOUBLED", 7);
    snprintf(what, sizeof(what), "%s, cut after record %zu, %s: %s", source,
             moment->record, losses[moment->loss], text);
    if (replay->failed <= 5)
        part_repeat(replay->proof, replay->part, moment->number, what);
}

/* The cases of this source, as moments in their order. */
static struct moment *moments_of(const struct replay *replay,
                                 enum source source, size_t length,
                                 size_t *ret_count)
{
    uint64_t count = part_count(replay->proof, replay->part);
    struct moment *moments = memory_zero(count + 1, sizeof(*moments));

    *ret_count = 0;
    for (uint64_t at = 0; at < count; at++) {
        uint64_t number = replay->proof->from + at;
        uint64_t random = replay->proof->seed * 1000003 + number;
        struct moment *moment = &moments[*ret_count];
        if (sources[number % ROUND] != source)
            continue;
        moment->number = number;
        moment->record = proof_below(&random, length + 1);
        moment->loss = (enum trace_loss)(number / ROUND % TRACE_LOSS_COUNT);
        moment->seed = proof_random(&random);
        (*ret_count)++;
    }
    qsort(moments, *ret_count, sizeof(*moments), by_record);
    return moments;
}

static void try_source(struct replay *replay, enum source source)
{
    const char *name = source_names[source];
    struct trace *trace = trace_open(replay->rig.trace);
    struct facts facts = {0};
    struct moment *moments;
    size_t count;

    if (!trace || trace_length(trace) < LEAST_RECORDS) {
        fprintf(stderr, "%s: the trace of %s holds %zu records\n",
                replay->part->name, name, trace ? trace_length(trace) : 0);
        replay->failed++;
        trace_destroy(trace);
        return;
    }
    moments = moments_of(replay, source, trace_length(trace), &count);
    for (size_t at = 0; at < count; at++) {
        trace_go(trace, moments[at].record, facts_mark, &facts);
        try_moment(replay, trace, &facts, &moments[at], name);
    }
    printf("%s: %s: %zu records, %zu states\n", replay->part->name, name,
           trace_length(trace), count);
    free(moments);
    trace_destroy(trace);
}

/* Does a case of this source belong to this call? */
static bool wanted(const struct replay *replay, enum source source)
{
    uint64_t count = part_count(replay->proof, replay->part);

    for (uint64_t at = 0; at < count && at < ROUND; at++) {
        if (sources[(replay->proof->from + at) % ROUND] == source)
            return true;
    }
    return false;
}

static void work_source(struct replay *replay, enum source source)
{
    int code;

    if (!wanted(replay, source))
        return;
    rig_again(&replay->rig);
    code = source == DAEMON ? watched_daemon(&replay->rig)
                            : rig_drive(&replay->rig, source_names[source]);
    if (code) {
        fprintf(stderr, "%s: %s ended with %d\n", replay->part->name,
                source_names[source], code);
        replay->failed++;
        return;
    }
    try_source(replay, source);
}

int replay_run(const struct proof *proof, const struct part *part)
{
    struct replay replay = {.proof = proof, .part = part};

    rig_begin(&replay.rig);
    for (enum source source = SMALL; source <= BIG; source++)
        work_source(&replay, source);
    rig_end(&replay.rig);
    proof_figures(proof, part->name, replay.cases, replay.lost, replay.doubled,
                  NULL);
    return replay.failed ? PROOF_FAILED : PROOF_PASSED;
}
