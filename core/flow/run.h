/* run.h - one run in memory: its results so far and what it does next.
 *
 * A run is walked from its first step each time something arrived for it: steps
 * that have a result hand it on, the first one without does its work.  What the
 * walk decides is gathered in one batch and committed when a delivery needs its
 * intent on disk, or when the run leaves memory.  So a run holds no position
 * that could differ from the store: a claimed run walks the same way again.
 *
 * A run is in exactly one phase; it leaves memory only through left().  All on
 * the loop thread. */
#ifndef CONNECT_FLOW_RUN_H
#define CONNECT_FLOW_RUN_H

#include <cjson/cJSON.h>

#include "base/hash.h"
#include "flow/definition.h"
#include "flow/gate.h"
#include "flow/ports.h"
#include "flow/retry.h"
#include "store/store.h"

struct run;

/* What runs act on; one for all, owned by the engine. */
struct run_world {
    struct store *store;
    struct flow_ports ports;
    struct retry_limits limits;
    bool draining;          /* begin nothing; give runs back at the next step */
    uint32_t waiting_count; /* runs that wait in memory for a slot */
    uint32_t waiting_max;   /* the rest of the window is for runs that work */
    /* The gate of an instance; never NULL. */
    struct gate *(*gate)(void *arg, const char *instance);
    /* The run is committed (0) or lost its commit (negative errno) and is about
     * to be freed; ready_count runs became READY by it. */
    void (*left)(void *arg, struct run *run, int status, uint32_t ready_count);
    /* Runs became READY by a commit, of a run that stays. */
    void (*ready)(void *arg, uint32_t ready_count);
    /* A slot of the gate became free, or the gate went to rest. */
    void (*gate_changed)(void *arg, struct gate *gate);
    void *arg;
};

enum run_phase {
    PHASE_WALKING,   /* inside run_advance */
    PHASE_WAITING,   /* for a slot of a gate */
    PHASE_OPERATING, /* an operation or a jq program is open */
    PHASE_COMMITTING /* a commit is open */
};

struct run_step { /* a step's row, as far as the walk needs it */
    UT_hash_handle hh;
    char *path;
    enum step_state state;
    uint32_t attempts;
    cJSON *result; /* owned; NULL while open */
};

struct run_delivery {
    UT_hash_handle hh;
    char *path;
    enum delivery_state state;
    bool doubt;
    bool again; /* it is sent again although nobody knows how it ended */
    uint32_t attempts, probes;
    int64_t intent_ms;
    char *body; /* owned JSON text */
    size_t body_len;
    char *reference; /* DONE: owned JSON text; may be empty */
    size_t reference_len;
};

struct run_shadow;

struct run {
    UT_hash_handle hh; /* in the engine, by number */
    uint64_t number;
    struct run_shadow *shadow; /* it only shows what it would do (run_shadow.h);
                                * NULL: a real one */
    struct definition *definition; /* held */
    enum run_phase phase;
    struct run_world *world;
    char *type, *origin, *id, *key; /* of the trigger record; owned */
    size_t id_len, key_len;
    char *person;
    size_t person_len;
    int64_t wall_ms;
    cJSON *trigger; /* its body; owned */
    struct run_step *steps;
    struct run_delivery *deliveries;
    struct store_batch *batch; /* not committed yet; NULL: none */
    size_t change_count;       /* in batch */
    struct line_waiter waiter;
    bool bulk;  /* not urgent */
    bool waits; /* counted in waiting_count */
    /* of the open operation or commit */
    struct gate *gate;
    char path[STORE_PATH_MAX];
    const struct flow_step *step;
    uint64_t op;
    bool ended;        /* it leaves as DONE, DISCARDED or PARKED */
    int64_t due_ms;    /* of the state it leaves with */
    const char *queue; /* likewise; a static text or the gate's name */
};

/* From what a claim loaded. */
struct run *run_create(struct run_world *world, const struct store_work *work,
                       struct definition *definition);
void run_destroy(struct run *run);

/* Walk until something must be waited for, or the run leaves. */
void run_advance(struct run *run);

#endif
