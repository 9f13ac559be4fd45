/* target.h - the other system of the benchmark: a process that answers at once
 * or after a while, and notes when. */
#ifndef BENCH_TARGET_H
#define BENCH_TARGET_H

#include <stdatomic.h>
#include <stdint.h>
#include <sys/types.h>

enum { BOARD_SLOTS = 4 * 1024 * 1024 }; /* events of one run of the program */

/* Shared with the target's process. */
struct board {
    _Atomic uint64_t
        arrived_ns[BOARD_SLOTS]; /* just before the answer; 0: not */
    _Atomic uint64_t doubled;    /* deliveries of what had arrived before */
    _Atomic uint64_t probes;
    _Atomic uint64_t strange; /* requests that are not ours */
};

struct target {
    struct board *board;
    int wake; /* eventfd: counts arrivals */
    int port;
    pid_t process;
};

/* On a port of its own, kept until the program ends.  0 or a negative errno. */
int target_start(struct target *target, unsigned delay_ms);
/* Its connections are cut; from then on its port refuses. */
void target_stop(struct target *target);
/* On the same port as before. */
int target_return(struct target *target, unsigned delay_ms);
/* A port on which nobody listens, kept until the program ends; 0: none. */
int target_closed_port(void);

/* The board and its eventfd, for several targets one after another. */
int board_open(struct target *target);

#endif
