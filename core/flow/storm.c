/* storm.c - the budget for repetition.
 *
 * One idea: a repetition is not known by its kind but by its run: a run of
 * which an operation had no answer stands in a table until one has.  The table
 * is in memory only: after a restart everything is tried once more.  A storm is
 * over when nothing failed for a while, or when a number of operations in a row
 * were answered and there is no new work left to go first: from then on nothing
 * is held back, so that the end is not slower than the other side.  Called by
 * the gates on the loop thread. */
#include "flow/storm.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/memory.h"
#include "base/seeded.h"

enum {
    SLICE_MS = 10 * 1000,
    STORM_MS = 5000,      /* without a failure: it is over */
    ANSWERED_ENOUGH = 10, /* in a row, likewise: by chance one time in a
                           * thousand when every second operation fails */
    FIRST_MS = 100,       /* nothing new began for so long: there is none */
    SHARE = 10,           /* one in so many may be a repetition */
    RUNS_MAX = 4096       /* a few times what is in memory; the oldest is
                           * forgotten and counts as not tried */
};

struct storm_run {
    uint64_t number;
    uint32_t failures;
    UT_hash_handle hh; /* in the order they failed first */
};

static struct storm_run *storm_find(const struct storm *storm, uint64_t run)
{
    struct storm_run *found = NULL;

    HASH_FIND(hh, storm->runs, &run, sizeof(run), found);
    return found;
}

static void storm_forget(struct storm *storm, struct storm_run *run)
{
    HASH_DEL(storm->runs, run);
    free(run);
}

void storm_done(struct storm *storm)
{
    while (storm->runs)
        storm_forget(storm, storm->runs);
}

static void storm_slide(struct storm *storm, int64_t now_ms)
{
    int64_t slice = now_ms / SLICE_MS;

    if (slice - storm->slice >= STORM_SLICES)
        storm->slice = slice - STORM_SLICES;
    while (storm->slice < slice) {
        storm->slice++;
        storm->first[storm->slice % STORM_SLICES] = 0;
        storm->again[storm->slice % STORM_SLICES] = 0;
    }
}

void storm_failed(struct storm *storm, uint64_t run, int64_t now_ms)
{
    struct storm_run *found = storm_find(storm, run);

    storm->until_ms = now_ms + STORM_MS;
    storm->answered = 0;
    if (!run)
        return;
    if (!found) {
        if (HASH_COUNT(storm->runs) >= RUNS_MAX)
            storm_forget(storm, storm->runs);
        found = memory_zero(1, sizeof(*found));
        found->number = run;
        HASH_ADD(hh, storm->runs, number, sizeof(found->number), found);
    }
    if (found->failures < UINT32_MAX)
        found->failures++;
}

void storm_lasts(struct storm *storm, int64_t until_ms)
{
    if (until_ms + STORM_MS > storm->until_ms)
        storm->until_ms = until_ms + STORM_MS;
}

void storm_answered(struct storm *storm, uint64_t run)
{
    struct storm_run *found = storm_find(storm, run);

    if (found)
        storm_forget(storm, found);
    if (storm->answered < ANSWERED_ENOUGH)
        storm->answered++;
}

void storm_ended(struct storm *storm, uint64_t run)
{
    struct storm_run *found = storm_find(storm, run);

    if (found)
        storm_forget(storm, found);
}

uint32_t storm_failures(const struct storm *storm, uint64_t run)
{
    const struct storm_run *found = storm_find(storm, run);

    return found ? found->failures : 0;
}

uint32_t storm_count(const struct storm *storm)
{
    return HASH_COUNT(storm->runs);
}

bool storm_admits(struct storm *storm, uint64_t run, int64_t now_ms)
{
    uint64_t first = 0, again = 0;

    if (now_ms >= storm->until_ms || seeded_bug("F15") ||
        !storm_find(storm, run))
        return true;
    if (storm->answered >= ANSWERED_ENOUGH &&
        now_ms - storm->first_ms >= FIRST_MS)
        return true;
    storm_slide(storm, now_ms);
    for (int slice = 0; slice < STORM_SLICES; slice++) {
        /* Surely a minute of the one, at most a minute of the other. */
        if (slice != (storm->slice + 1) % STORM_SLICES)
            first += storm->first[slice];
        again += storm->again[slice];
    }
    return (again + 1) * (SHARE - 1) <= first;
}

void storm_begin(struct storm *storm, uint64_t run, int64_t now_ms)
{
    storm_slide(storm, now_ms);
    if (storm_find(storm, run)) {
        storm->again[storm->slice % STORM_SLICES]++;
        return;
    }
    storm->first[storm->slice % STORM_SLICES]++;
    storm->first_ms = now_ms;
}
