/* engine.h - accepted records become runs, runs become operations.
 *
 * The engine keeps a window of active runs in memory; all others rest in the
 * store, queued by what they wait for, and are claimed when there is room.  It
 * is fed with events and acts through ports (ports.h) and the store.  All on
 * one thread. */
#ifndef CONNECT_FLOW_ENGINE_H
#define CONNECT_FLOW_ENGINE_H

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
    int64_t event_keep_ms;    /* identities of events are known for so long; 0:
                               * for ever */
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
    const struct op_value *values; /* written in the same transaction */
    size_t value_count;
    const char *stream; /* NULL: no cursor */
    cn_str cursor;
};
/* Store records and begin their runs, in one transaction.  -EAGAIN: no room
 * now; fn is not called then. */
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

/* The time asked for by ports.wake_at has come, or may have. */
void engine_wake(struct engine *engine);
/* An instance runs again, stopped, or has other room. */
void engine_instance_changed(struct engine *engine, const char *instance);

/* A person's act; result 0, -EPERM when the run's state does not allow it, or
 * the store's error. */
typedef void engine_acted_fn(void *arg, int status);
int engine_act(struct engine *engine, const char *actor, enum store_act act,
               uint64_t run, const char *reason, engine_acted_fn *fn,
               void *arg) MUST_USE;

/* Begin nothing more; stopped is called when no run is in memory.  Operations
 * that are open go on until they end or the caller cancels them. */
void engine_stop(struct engine *engine, void (*stopped)(void *arg), void *arg);

struct engine_gate_info {
    const char *instance;
    uint32_t open, room, waiting;
    int64_t rests_ms;   /* for how long it still rests; 0: it does not */
    const char *reason; /* or NULL */
};
bool engine_gate_info(const struct engine *engine, size_t index,
                      struct engine_gate_info *ret_info);
size_t engine_active_count(const struct engine *engine);

#endif
