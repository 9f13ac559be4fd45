/* storm.h - how much of what an instance is asked may be repetition.
 *
 * While the other side fails, work that failed is tried again only as far as it
 * stays below a tenth of all operations of the last minute; work that was not
 * tried yet goes first.  No clock of its own. [loop thread] */
#ifndef CONNECT_FLOW_STORM_H
#define CONNECT_FLOW_STORM_H

#include <stdbool.h>
#include <stdint.h>

enum { STORM_SLICES = 7 /* of ten seconds: any minute is within them */ };

struct storm_run;

struct storm {
    int64_t until_ms;  /* it lasts so long unless it is over earlier */
    uint32_t answered; /* in a row, without a failure between */
    int64_t first_ms;  /* when work that was not tried began last */
    int64_t slice;     /* number of the newest */
    uint32_t first[STORM_SLICES], again[STORM_SLICES]; /* operations begun */
    struct storm_run *runs; /* that failed since they were last answered */
};

void storm_done(struct storm *storm);
/* Work of this run had no answer; 0: of no run. */
void storm_failed(struct storm *storm, uint64_t run, int64_t now_ms);
/* Until then nothing can succeed: it lasts at least so long. */
void storm_lasts(struct storm *storm, int64_t until_ms);
/* It had one. */
void storm_answered(struct storm *storm, uint64_t run);
/* The run has ended. */
void storm_ended(struct storm *storm, uint64_t run);
/* How often in a row it had none. */
uint32_t storm_failures(const struct storm *storm, uint64_t run);
/* Runs that had none. */
uint32_t storm_count(const struct storm *storm);
/* May work of this run begin, as far as repetition goes? */
bool storm_admits(struct storm *storm, uint64_t run, int64_t now_ms);
/* It begins. */
void storm_begin(struct storm *storm, uint64_t run, int64_t now_ms);

#endif
