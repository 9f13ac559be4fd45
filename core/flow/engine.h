/* engine.h - accepted records become runs, runs become operations.
 *
 * The engine keeps a window of active runs in memory; all others rest in the
 * store, queued by what they wait for, and are claimed when there is room.  It
 * is fed with events and acts through ports (ports.h) and the store.  All on
 * one thread. */
#ifndef CONNECT_FLOW_ENGINE_H
#define CONNECT_FLOW_ENGINE_H

#include <cjson/cJSON.h>

#include "config/record_type.h"
#include "flow/definition.h"
#include "flow/ports.h"
#include "flow/retry.h"
#include "store/store.h"

struct engine;

/* Flows that one record may begin; the store's limit. */
enum { ENGINE_FLOWS_PER_RECORD_MAX = 32 };

struct engine_options {
    struct store *store;
    struct flow_ports ports;
    const struct record_types *types;
    struct retry_limits limits;
    uint32_t runs_active_max; /* runs in memory; 0: 1024 */
    /* How long what has ended is kept; 0: for ever. */
    int64_t event_keep_ms;      /* identities of events */
    int64_t run_keep_ms;        /* runs, after their end */
    int64_t audit_keep_ms;      /* audit entries */
    int64_t quarantine_keep_ms; /* its content, since it last arrived */
    int64_t database_bytes_max; /* above it runs go before their time */
};

struct engine *engine_create(const struct engine_options *options);
void engine_destroy(struct engine *engine);

/* Put in, or replace by name, a flow; takes a reference and stores its text. */
int engine_add_flow(struct engine *engine,
                    struct definition *definition) MUST_USE;
/* Remove flows that were not added since engine_begin_flows: reload. */
void engine_begin_flows(struct engine *engine);
void engine_end_flows(struct engine *engine);
const struct definition *engine_flow_at(const struct engine *engine,
                                        size_t index);

/* status 0: everything is on disk.  accepted and duplicates count records. */
typedef void engine_accepted_fn(void *arg, int status, size_t accepted,
                                size_t duplicates);

struct engine_accept {
    const char *origin; /* instance */
    const struct op_record *records;
    size_t record_count;
    cn_str content; /* as it arrived: what no flow takes is kept so, in
                     * quarantine; empty: it is not accepted */
    const struct op_value *values; /* written in the same transaction */
    size_t value_count;
    const char *stream; /* NULL: no cursor */
    cn_str cursor;
    bool gap;     /* records of the stream were lost before this page: alert */
    bool mended;  /* what was told before of the stream is over; */
    bool trusted; /* likewise of the credentials of the instance */
    /* What a person hands over again: this row of the quarantine goes in the
     * same transaction; 0: none. */
    uint64_t quarantine;
    const char *actor;
};
/* Store records and begin their runs, in one transaction.  -EAGAIN: no room
 * now; -ENOENT: no flow takes one of them, an alert says so; fn is not called
 * then. */
int engine_accept(struct engine *engine, const struct engine_accept *accept,
                  engine_accepted_fn *fn, void *arg) MUST_USE;

/* Keep authenticated bytes that could not be used. */
int engine_quarantine(struct engine *engine, const char *instance,
                      const char *reason, cn_str content,
                      engine_accepted_fn *fn, void *arg) MUST_USE;

/* Poll a stream of an instance from its stored cursor on; known ones that had
 * stopped begin again. */
void engine_add_source(struct engine *engine, const char *instance,
                       const char *stream, uint64_t interval_ms);
/* Let a known one begin so much before its cursor, at each round of polls. */
void engine_overlap_source(struct engine *engine, const char *instance,
                           const char *stream, uint64_t overlap_ms);

/* The time asked for by ports.wake_at has come, or may have. */
void engine_wake(struct engine *engine);
/* An instance runs again, stopped, or has other room. */
void engine_instance_changed(struct engine *engine, const char *instance);

/* A person's act; status 0, -EPERM when the run's state does not allow it or
 * there is no such run, or the store's error.
 * made_run: the run that a replay made; else 0. */
typedef void engine_acted_fn(void *arg, int status, uint64_t made_run);
int engine_act(struct engine *engine, const char *actor, enum store_act act,
               uint64_t run, const char *reason, engine_acted_fn *fn,
               void *arg) MUST_USE;

enum { ENGINE_ACTS_MAX = 500 }; /* runs of one call: bounds its transaction */

/* The same act on many runs, in one transaction.  refused: those whose state
 * did not allow it, borrowed for the callback; for the others it took effect.
 * status negative: for none. */
typedef void engine_acts_fn(void *arg, int status, size_t applied,
                            const uint64_t *refused, size_t refused_count);
int engine_acts(struct engine *engine, const char *actor, enum store_act act,
                const uint64_t *runs, size_t count, const char *reason,
                engine_acts_fn *fn, void *arg) MUST_USE;

/* How a person's correction went: 0, -EINVAL with a text that names what is
 * wrong in it, -EPERM when the state of the run does not allow it, -ENOENT, or
 * the store's error. */
typedef void engine_edited_fn(void *arg, int status, const struct error *err);

/* A person answers for the one delivery of the run that is in doubt: it
 * happened, and the target calls it reference, or it did not.  reference: one
 * JSON value; a bare text will do when the flow reads one member of it; empty
 * when it reads none.  -EPERM: nothing of it is in doubt, it is being asked
 * about right now, or it was sent so lately that its absence does not count
 * yet. */
int engine_settle(struct engine *engine, const char *actor, uint64_t run,
                  bool happened, cn_str reference, const char *reason,
                  engine_edited_fn *fn, void *arg) MUST_USE;

/* A person corrects the trigger record of a run (path NULL) or the body of a
 * delivery of it.  The body is checked against its record type.  A run
 * begins anew with a corrected record; a corrected delivery keeps its identity
 * and its place in the order.  dry: it is only checked. */
int engine_edit(struct engine *engine, const char *actor, uint64_t run,
                const char *path, cn_str body, const char *reason, bool dry,
                engine_edited_fn *fn, void *arg) MUST_USE;

/* What a run would do, shown without doing it: the stored record walks the flow
 * in memory.  Calls are made, for they only ask; nothing is stored and nothing
 * delivered: each delivery is checked against its type and, where the plugin
 * can, asked about.  AS_WAS: the version the run began with, results of its
 * steps reused; AS_NOW: today's version from the beginning.
 *
 * result, borrowed: { "run", "flow", "flow_version", "ended": "done" |
 * "filtered" | "parked" | "unknown", "path", "reason", "steps": [{ "path",
 * "state", "result" }], "deliveries": [{ "path", "instance", "type", "body",
 * "valid": bool, "reason", "probe": "found" | "absent" | "unknown" |
 * "unsupported" | "skipped", "reference", "message" }] }; NULL with a negative
 * status and its text.  -ENOENT: there is no such run; -ENOTSUP: its flow is
 * not there; -EAGAIN: as many as ENGINE_SHADOWS_MAX are under way.
 */
enum engine_shadow_version { ENGINE_SHADOW_AS_WAS, ENGINE_SHADOW_AS_NOW };
enum { ENGINE_SHADOWS_MAX = 8 };
typedef void engine_shadow_fn(void *arg, int status, const cJSON *result,
                              const struct error *err);
int engine_shadow(struct engine *engine, uint64_t run,
                  enum engine_shadow_version version, engine_shadow_fn *fn,
                  void *arg) MUST_USE;

/* Begin nothing more; stopped is called when no run is in memory.  Operations
 * that are open go on until they end or the caller cancels them. */
void engine_stop(struct engine *engine, void (*stopped)(void *arg), void *arg);

struct engine_gate_info {
    const char *instance;
    uint32_t open, room, waiting;
    int64_t rests_ms;   /* for how long it still rests; 0: it does not */
    const char *reason; /* or NULL */
    const char *state;  /* "closed", "open", "half_open": gate.h */
    uint32_t failed;    /* unfinished runs that had no answer of it */
};
bool engine_gate_info(const struct engine *engine, size_t index,
                      struct engine_gate_info *ret_info);
/* Why runs of this queue wait: that its instance is not configured, does not
 * run or rests.  NULL: nothing holds them up.  Borrowed until the next event.
 */
const char *engine_wait_reason(const struct engine *engine, const char *queue);
size_t engine_active_count(const struct engine *engine);

#endif
