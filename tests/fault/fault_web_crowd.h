/* fault_web_crowd.h - hundreds of connections that are slow on purpose, and a
 * good sender beside them, whose requests are timed.
 *
 * The daemon's deadlines of connections are in real time, so this is too. */
#ifndef CONNECT_FAULT_WEB_CROWD_H
#define CONNECT_FAULT_WEB_CROWD_H

#include "fault_web.h"

enum { CROWD_LATE_MS = 4000 }; /* a busy machine looks late at its deadlines */

struct crowd_kind {
    const char *name;
    int64_t drip_ms;  /* between two bytes; 0: silence */
    int64_t limit_ms; /* closed at the latest, from the beginning */
};

struct crowd_one {
    struct wire wire;
    const struct crowd_kind *kind;
    size_t sent; /* for who drips */
    int64_t begun_ms, drip_ms, closed_ms;
};

struct crowd {
    const char *name;
    struct crowd_one *ones; /* owned */
    size_t count;
    void (*drip)(struct crowd_one *one); /* its next byte */
    /* The good sender's next request; it fails the stage by itself. */
    void (*send)(struct stage *stage, struct crowd *crowd);
    void *arg; /* of send */
    int64_t gap_ms;
    int64_t *spent_ms; /* owned */
    size_t spent_count, spent_max;
    double memory_before, memory_most;
};

struct crowd *crowd_create(struct stage *stage, const char *name, size_t count);
void crowd_destroy(struct crowd *crowd);
/* One connection of this kind begins; its first bytes are the caller's. */
void crowd_begin(struct stage *stage, struct crowd_one *one,
                 const struct crowd_kind *kind);
/* How many are open still. */
size_t crowd_left(const struct crowd *crowd);
/* All of them and the good sender, for so long; until_left: or until none is
 * left. */
void crowd_run(struct stage *stage, struct crowd *crowd, int64_t limit_ms,
               bool until_left);
/* How many of the kind are open, or were closed too late; says so. */
unsigned crowd_check(const struct crowd *crowd, const struct crowd_kind *kind);
/* left: of all kinds.  Nothing may be, memory and the good sender's time have
 * their limits; figures as of the part of that name. */
void crowd_judge(struct stage *stage, const struct crowd *crowd, unsigned left);

#endif
