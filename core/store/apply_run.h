/* apply_run.h - the state of a run. */
#ifndef CONNECT_STORE_APPLY_RUN_H
#define CONNECT_STORE_APPLY_RUN_H

#include "store/writer.h"

struct run {
    uint64_t number;
    enum run_state state;
    bool has_lane;
    struct lookup_hash lane;
    bool owned;         /* by this daemon */
    int64_t person_key; /* of its trigger record */
};

/* What a new run is made of. */
struct run_new {
    const char *flow, *flow_version;
    int64_t record;
    int64_t person_key;
    const struct lookup_hash *lane; /* NULL: a lane of its own */
    int32_t priority;
    enum run_state state; /* QUEUED, READY or ACTIVE */
};

/* "run.ready" */
const char *run_state_act(enum run_state state);

/* 1: found, 0: no such run, or a negative errno. */
int run_load(struct writer *writer, uint64_t number,
             struct run *ret_run) MUST_USE;
/* Make a run with the next number; result.ready_count counts it. */
int run_insert(struct writer *writer, const char *actor,
               const struct run_new *made, uint64_t *ret_number) MUST_USE;
/* Set the state and what stands beside it, write the audit entry, and free the
 * lane when it is finished.  No check; run->state is the new one after. */
int run_move(struct writer *writer, struct run *run, const char *actor,
             const struct store_run_change *change) MUST_USE;
/* READY now, to be claimed from queue. */
int run_wake(struct writer *writer, struct run *run, const char *actor,
             const char *queue) MUST_USE;
/* Give up a run and its deliveries; REFUSED while one is in doubt. */
int run_discard(struct writer *writer, struct run *run, const char *actor,
                const char *reason, const char *code) MUST_USE;
int apply_run(struct writer *writer,
              const struct store_run_change *change) MUST_USE;

#endif
