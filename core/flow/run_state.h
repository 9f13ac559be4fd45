/* run_state.h - what a run remembers, and how it leaves memory.
 *
 * For run.c and the kinds of steps only.  [loop thread] */
#ifndef CONNECT_FLOW_RUN_STATE_H
#define CONNECT_FLOW_RUN_STATE_H

#include "flow/run.h"

/* How a walk, or a part of it, came out. */
enum walk {
    WALK_ON,   /* all steps have results */
    WALK_WAIT, /* something is open; it will call run_advance */
    WALK_END,  /* a filter said that the rest does not concern this record */
    WALK_LEAVE /* the run's new state is in the batch; commit and leave */
};

struct walker {
    struct run *run;
    cJSON *results; /* what paths see: references to results by name */
    unsigned depth;
};

enum { RUN_REASON_MAX = 2048 }; /* bytes of a reason for people */

/* A path of a step; definition.c limits names and depth so that it fits. */
void run_path(char path[STORE_PATH_MAX], const char *format, ...)
    PRINTF_LIKE(2, 3);
struct store_bytes run_bytes(const char *ptr, size_t len);
/* A text of ours to a value; null when it is empty or none. */
cJSON *run_json(const char *ptr, size_t len);

/* What can be stored of a reason: UTF-8, of which nothing is cut in two, what
 * does not fit left away.  NULL: there is none. */
const char *run_reason(char clean[RUN_REASON_MAX], const char *reason);

struct run_step *run_step_find(struct run *run, const char *path);
struct run_step *run_step_make(struct run *run, const char *path);
/* Put the step's row into the batch. */
void run_step_store(struct run *run, const struct run_step *row,
                    const char *reason);
/* The step has its result; takes value. */
struct run_step *run_step_end(struct run *run, const char *path,
                              enum step_state state, cJSON *value,
                              const char *reason);
struct run_delivery *run_delivery_find(struct run *run, const char *path);
struct run_delivery *run_delivery_make(struct run *run, const char *path);

/* The open batch, for one more change. */
struct store_batch *run_batch(struct run *run);
/* Commit the batch; fn gets the run.  Without changes fn is called at once. */
void run_commit(struct run *run, store_committed_fn *fn);
/* Commit what the walk left in the batch, if it came to an end. */
void run_finish(struct run *run, enum walk walk);

/* Put the run's new state into the batch; it leaves with the commit. */
enum walk run_leave(struct run *run, enum run_state state, const char *queue,
                    int64_t due_ms, const char *code, const char *reason);
/* Back to the store, to wait for the gate. */
enum walk run_back(struct run *run, const struct gate *gate, int64_t due_ms);
/* A person must act: the step has failed for good. */
enum walk run_park(struct run *run, const char *path, const char *code,
                   const char *reason);

int64_t run_now(const struct run *run);
uint64_t run_random(const struct run *run);

#endif
