/* engine_state.h - the engine's inside, for the files engine*.c only.
 *
 * [loop thread] */
#ifndef CONNECT_FLOW_ENGINE_STATE_H
#define CONNECT_FLOW_ENGINE_STATE_H

#include "flow/engine.h"
#include "flow/run.h"

enum {
    ENGINE_VERSIONS_MAX = 64,    /* older flow versions kept compiled */
    ENGINE_CAUSE_MAX = 256,      /* bytes of an alert's cause */
    ENGINE_RECOVER_MS = 1000,    /* between attempts to give a run back */
    ENGINE_STORE_ERRORS_MAX = 5, /* then the disk is not to be trusted */
    ENGINE_FAULTS_MAX = 64 /* runs remembered for what they cannot commit; one
                            * that is pushed out is only tried once more */
};

struct lost_run {
    struct lost_run *next;
    uint64_t number;
    int fault; /* it is parked for it; 0: only given back */
};

struct engine_source;
struct engine_shadow;
struct missing;

struct engine {
    struct store *store;
    struct flow_ports ports;
    const struct record_types *types;
    struct run_world world;
    uint32_t runs_active_max;
    struct definition **flows;
    bool *flow_added; /* since engine_begin_flows */
    bool *flow_stored;
    size_t flow_count;
    struct definition *versions[ENGINE_VERSIONS_MAX]; /* older ones, by use */
    size_t version_count;
    struct run_world shadow_world; /* the same, but nothing of it stays */
    struct engine_shadow *shadows;
    uint32_t shadow_count;
    struct run *runs; /* by number */
    uint32_t run_count;
    uint32_t reserved;  /* runs asked for and not answered yet */
    struct gate *gates; /* the first is "" */
    struct lost_run *lost;
    uint64_t faults[ENGINE_FAULTS_MAX]; /* runs, 0: none; a ring */
    size_t fault_next;
    struct engine_source *sources;
    uint32_t store_errors; /* I/O errors in a row */
    bool recovering;
    int64_t recover_at, look_at, renew_at, prune_at;
    struct store_prune prune; /* what may be forgotten; count is 0 if nothing */
    int64_t watch_at;
    bool watching;           /* a query for it is on its way */
    struct missing *missing; /* instances that are waited for in vain */
    bool missing_known;      /* those of before the start are among them */
    bool looking;            /* a query for the queues is on its way */
    uint32_t turning;        /* depth of engine_turn */
    bool turn_again;
    bool stopping;
    void (*stopped)(void *arg);
    void *stopped_arg;
};

int64_t engine_now(const struct engine *engine);
/* A commit was answered: count I/O errors, give up after a few. */
void engine_note(struct engine *engine, int status);
/* Look what can be done now. */
void engine_turn(struct engine *engine);

/* The gate of an instance, made when it is asked for first. */
struct gate *engine_gate(void *arg, const char *instance);
void engine_gate_changed(void *arg, struct gate *gate);
/* See run_world. */
void engine_run_ready(void *arg, uint32_t ready_count);
void engine_left(void *arg, struct run *run, int status, uint32_t ready_count);
/* Runs became READY in queues we do not know. */
void engine_ready(struct engine *engine, uint32_t ready_count);
void engine_enter(struct engine *engine, struct run *run);
/* The run has ended, or a person must act: that it failed does not count any
 * more. */
void engine_forget(struct engine *engine, uint64_t run);
void engine_claim(struct engine *engine, struct gate *gate);
/* Ask the store which queues have runs, if it is time. */
void engine_look(struct engine *engine, int64_t now_ms);

struct definition *engine_version(struct engine *engine, const char *name,
                                  const char *version);
/* A version that is not compiled, from its text in the store.  fn: 0 with the
 * definition, which the engine keeps; -ENOENT: it is not there or cannot be
 * used any more; or why it could not be read. */
typedef void engine_version_fn(void *arg, int status,
                               struct definition *definition);
void engine_fetch_version(struct engine *engine, const char *name,
                          const char *version, engine_version_fn *fn,
                          void *arg);

/* Commit a batch and say how it went by one of the two; takes the batch. */
int engine_ask(struct engine *engine, struct store_batch *batch,
               engine_accepted_fn *accepted, engine_acted_fn *acted,
               void *arg) MUST_USE;

/* Ask the store which queues have runs as soon as possible. */
void engine_look_soon(struct engine *engine);
/* Tell people of what lasts: doubts; and, when the queues were read, instances
 * that are waited for in vain. */
void engine_watch(struct engine *engine, int64_t now_ms);
void engine_watch_queues(struct engine *engine, const struct store_rows *rows);
bool engine_knows(const struct engine *engine, const char *instance);
/* Somebody waited for the instance in vain when that was looked at last. */
bool engine_misses(struct engine *engine, const char *instance);
void engine_free_missing(struct engine *engine);

/* Let shadows on that have waited long enough, or whose turn it is. */
void engine_serve_shadows(struct engine *engine);
/* When one of them has waited too long; 0: none waits. */
int64_t engine_shadows_due(const struct engine *engine);
/* See run_world. */
void engine_shadow_left(void *arg, struct run *run, int status,
                        uint32_t ready_count);
void engine_stop_shadows(struct engine *engine);
void engine_free_shadows(struct engine *engine);

/* The cause of the alert about records that no flow takes. */
void engine_untaken_cause(const char *instance, const char *type,
                          char cause[ENGINE_CAUSE_MAX]);
/* The cause of the alert about a stream that cannot be read. */
void engine_source_cause(const char *instance, const char *stream,
                         char cause[ENGINE_CAUSE_MAX]);
/* Begin the polls that are due; and when the next one is, 0: none. */
void engine_poll(struct engine *engine, int64_t now_ms);
int64_t engine_poll_due(const struct engine *engine);
/* The instance has a stream that is read. */
bool engine_polls(const struct engine *engine, const char *instance);
void engine_free_sources(struct engine *engine);

/* The run's commit failed: give it back when the store works again; the second
 * time that it is the run's own fault, park it. */
void engine_lose(struct engine *engine, uint64_t number, int status);
/* The run has ended: its next fault is the first one. */
void engine_forget_fault(struct engine *engine, uint64_t number);
void engine_recover(struct engine *engine, int64_t now_ms);
void engine_renew(struct engine *engine, int64_t now_ms);
/* Forget what has been kept long enough, a little at a time. */
void engine_prune(struct engine *engine, int64_t now_ms);
void engine_keep(struct engine *engine, const struct engine_options *options);

#endif
