/* run_shadow.h - a run that only shows what it would do.
 *
 * A shadow walks as every run does; where a real run stores, sends or waits its
 * turn it comes here instead.  For run_*.c and engine_shadow.c only.
 * [loop thread] */
#ifndef CONNECT_FLOW_RUN_SHADOW_H
#define CONNECT_FLOW_RUN_SHADOW_H

#include "flow/run_state.h"

struct run_shadow {               /* its owner's; a run with one is a shadow */
    struct store_batch *scratch;  /* what a real run would store; never is */
    int64_t until_ms;             /* it ends without an answer at this time */
    const struct gate *waits;     /* for a slot there; NULL: it does not wait */
    int64_t waits_until_ms;       /* at most */
    cJSON *deliveries;            /* what it would deliver; owned */
    char unknown[STORE_PATH_MAX]; /* first delivery whose reference it cannot
                                   * know; "": none */
    /* how the walk ended */
    enum run_state state;
    char path[STORE_PATH_MAX], code[32], reason[RUN_REASON_MAX];
};

/* The batch of one change, which is forgotten with the next. */
struct store_batch *run_shadow_batch(struct run *run);
enum walk run_shadow_leave(struct run *run, enum run_state state,
                           const char *code, const char *reason);
/* As run_enter, behind all real work: WALK_LEAVE when it does not get in. */
enum walk run_shadow_enter(struct run *run, struct gate *gate);
/* Can the one that waits go on, in or away? */
bool run_shadow_wakes(const struct run *run, int64_t now_ms);
/* In place of delivering: is the body right, and is it there already? */
enum walk run_shadow_deliver(struct walker *walker,
                             const struct flow_step *step, const char *path);
/* What it found; the caller's. */
cJSON *run_shadow_result(const struct run *run);
void run_shadow_free(struct run_shadow *shadow);

#endif
