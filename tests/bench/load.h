/* load.h - webhooks, as many in flight as asked for, and what became of them.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "measure.h"
#include "target.h"

enum { LOAD_WIDTH_MAX = 1024 };

struct load_options {
    int port;         /* of the daemon, on loopback */
    const char *path; /* "/in/source/..." */
    unsigned width;   /* events in flight */
    /* In flight until the target has them, not only until the answer. */
    bool until_arrived;
    struct target *target;  /* board and eventfd; used with until_arrived */
    double warm_s, seconds; /* not counted, counted */
    double per_second;      /* events sent; 0: as many as finish */
    uint64_t count_max;     /* events at most; 0: as many as fit */
    clockid_t cpu;          /* of the process whose time is counted */
    /* Called at least every 10 ms; not 0: the load ends with it. */
    int (*turn)(void *arg, uint64_t now_ns);
    void *turn_arg;
};

struct load_result {
    double seconds;                         /* that were counted */
    uint64_t finished;                      /* events in that time */
    uint64_t sent, answered, refused, lost; /* in all */
    uint64_t first;                         /* number of the first event */
    double cpu_us;                          /* of an event; 0: not known */
    struct samples answer_ms, arrive_ms;
};

/* 0 or a negative errno.  Returns when all that was sent is finished. */
int load_run(const struct load_options *options,
             struct load_result *ret_result);
void load_result_done(struct load_result *result);

/* What waited at a time: sent before, and arrived after or not at all. */
struct load_backlog {
    uint64_t count, missing; /* missing: of all events, to this day */
    uint64_t first_ns;       /* the first arrival after that time */
    uint64_t last_ns;        /* of what waited; 0: nothing did */
};
void load_backlog(const struct load_result *result, const struct board *board,
                  uint64_t since_ns, struct load_backlog *ret_backlog);

/* One webhook on a connection of its own: its status code, 0 for none. */
int load_one(int port, const char *path);

#endif
