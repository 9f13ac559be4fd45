/* lanes.h - the cases of a part, worked off by several processes beside each
 * other, and the sums. */
#ifndef CONNECT_CRASH_LANES_H
#define CONNECT_CRASH_LANES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "proof.h"

enum { LANES_MAX = 8, LANES_WHERE_MAX = 300 };

struct lanes_sums {             /* shared by all lanes */
    _Atomic uint64_t next;      /* the case to take */
    _Atomic uint64_t done;      /* cases that came to their end */
    _Atomic uint64_t struck;    /* of these: the fault really happened */
    _Atomic uint64_t distinct;  /* points struck, each counted once */
    _Atomic uint64_t at_files;  /* checkpoint: struck at a call on the store's
                                 * two files */
    _Atomic uint64_t in_flight; /* struck with ten runs begun beforehand */
    _Atomic uint64_t lost, doubled;
    _Atomic uint64_t failed;    /* cases that did not hold */
    _Atomic uint64_t calls_max; /* most calls, or allocations, of one case */
    _Atomic uint64_t ended;     /* allocations: how often the daemon ended, */
    _Atomic uint64_t crashed;   /* and of these not as it should */
};

struct lanes_case {
    uint64_t number;
    struct lanes_sums *sums;
};

/* One lane: cases taken by lanes_take until there is none. */
typedef void lanes_fn(void *arg);

/* Run a part on as many lanes as there are processors (two at least); case
 * numbers first to first + count - 1, spread over whole cases when spread is
 * not 0.  false: something did not hold, said on stderr. */
struct lanes_part {
    const struct proof *proof;
    const char *name;
    uint64_t first, count;
    uint64_t whole; /* 0: numbers follow each other; else: they are spread */
    lanes_fn *fn;
    void *arg;
};
bool lanes_run(const struct lanes_part *part, struct lanes_sums *ret_sums);

/* In a lane: the next case; false: no more. */
bool lanes_take(uint64_t *ret_case);
struct lanes_sums *lanes_sums(void);
/* Something did not hold in the case that was taken last. */
void lanes_broken(const char *where, const char *what);

#endif
