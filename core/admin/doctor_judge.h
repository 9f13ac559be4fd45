/* doctor_judge.h - what numbers mean: disk, clock, queues.  Pure; the facts are
 * gathered elsewhere, so that each judgement can be tested.  [any thread] */
#ifndef CONNECT_ADMIN_DOCTOR_JUDGE_H
#define CONNECT_ADMIN_DOCTOR_JUDGE_H

#include <stdint.h>

#include "admin/doctor.h"

struct doctor_disk {
    const char *directory;
    uint64_t free_bytes, total_bytes; /* of its file system */
    bool reserve;                     /* the space for outcomes is kept back */
    bool running;                     /* only a daemon keeps it */
};
void doctor_judge_disk(struct doctor *doctor, const struct doctor_disk *disk);

/* used: of the database, without what is free in it; max 0: no limit;
 * hurried: runs are forgotten within a day of their end. */
void doctor_judge_database(struct doctor *doctor, uint64_t used_bytes,
                           uint64_t bytes_max, bool hurried);

struct doctor_clock {
    int64_t wall_ms;
    int64_t expected_ms; /* since the start by the steady clock; 0: unknown */
    int64_t newest_ms;   /* of what is stored; 0: nothing is */
    int synchronized;    /* 1 yes, 0 no, -1 unknown */
};
void doctor_judge_clock(struct doctor *doctor,
                        const struct doctor_clock *clock);

struct doctor_waiting {
    uint64_t run;    /* the oldest that goes on by itself; 0: none */
    int64_t age_ms;  /* since it was accepted */
    const char *why; /* its reason, or NULL */
    const char *state;
};
void doctor_judge_waiting(struct doctor *doctor,
                          const struct doctor_waiting *waiting);

struct doctor_people {
    uint64_t parked, held, in_doubt, quarantined, alerts;
    const char *alert; /* the first one not acknowledged, or NULL */
    const char *doubt; /* the first one, or NULL */
};
void doctor_judge_people(struct doctor *doctor,
                         const struct doctor_people *people);

#endif
