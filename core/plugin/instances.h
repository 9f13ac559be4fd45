/* instances.h - all configured plugin instances, as the core uses them.
 *
 * The one door between the core's loop and plugin code.  Behind it instances
 * live on runner threads; this side only sends and receives messages, so that a
 * runner can become a child process without a change here.
 *
 * All functions are called on the loop thread; callbacks come on it, never from
 * inside a call. */
#ifndef CONNECT_PLUGIN_INSTANCES_H
#define CONNECT_PLUGIN_INSTANCES_H

#include <uv.h>

#include "base/clock.h"
#include "base/error.h"
#include "config/config.h"
#include "config/record_type.h"
#include "net/http_client.h"
#include "plugin/op.h"

struct instances;

enum instance_state {
    INSTANCE_STARTING, /* create runs on its thread */
    INSTANCE_RUNNING,
    INSTANCE_STUCK,  /* an operation did not end; being replaced */
    INSTANCE_FAILED, /* create returned NULL, or replaced too often */
    INSTANCE_STOPPED
};

enum { /* roles, as bits */
       ROLE_SOURCE = 1,
       ROLE_SINK = 2,
       ROLE_PROBE = 4,
       ROLE_TRANSFORM = 8,
       ROLE_CALL = 16,
       ROLE_CHECK = 32,
       ROLE_RECEIVER = 64
};

struct instance_info {
    const char *name, *plugin_id, *plugin_version, *path, *title;
    enum instance_state state;
    uint32_t roles;
    uint32_t open_max; /* operations of each kind at once */
    uint32_t open_count;
    uint32_t room; /* operations that its rate can serve in good time */
    uint32_t rate_per_second, rate_burst; /* of HTTP requests; 0: no limit */
    uint32_t rate_left;                   /* that may go at once now */
    uint32_t rate_waiting;                /* requests that wait their turn */
    uint64_t ended_count, broken_count, replaced_count;
    uint64_t held_ms_max; /* longest time one call held its thread */
    const char *reason;   /* why FAILED or STUCK, or "" */
};

struct instances_options {
    uv_loop_t *loop;
    struct http_client *http;
    struct record_types *types; /* shared ones; those of plugins are added */
    const struct clock *clock;
    uint32_t operation_ms, stuck_ms;
    uint32_t retry_after_ms_max;
    const char *public_address; /* NULL: none */
    const char *generations;    /* directory of ours for copies of plugins that
                                 * are replaced while we run; NULL: none */
    /* An instance changed its state; the flow looks at it again. */
    void (*changed)(void *arg, const char *name);
    void *arg;
};

int instances_create(const struct instances_options *options,
                     struct instances **ret_instances,
                     struct error *err) MUST_USE;

/* Load the plugin, check manifest and configuration, start the instance; values
 * are its small durable values (connect.state/1).  Does not wait for create.
 * For a name that is known the new instance is made beside the old one, which
 * is drained when the new one runs, and stays when it fails; values are then
 * those known here. */
int instances_add(struct instances *instances,
                  const struct config_instance *config,
                  const struct op_value *values, size_t value_count,
                  struct error *err) MUST_USE;

/* The same while the values of a name that is not known are still to be read:
 * it is checked and known from here on, and begins with instances_begin. */
int instances_prepare(struct instances *instances,
                      const struct config_instance *config,
                      struct error *err) MUST_USE;
/* Does it wait for its values? */
bool instances_waits(const struct instances *instances, const char *instance);
/* Here they are; wrong: why there are none, it is FAILED then and waits on. */
void instances_begin(struct instances *instances, const char *instance,
                     const struct op_value *values, size_t value_count,
                     const char *wrong);

/* These tell of the newest of an instance, which may not run yet: flows are
 * checked against it when they are loaded.
 *
 * The schema of an action's answer or request, NULL when there is none. */
int instances_action(const struct instances *instances, const char *instance,
                     const char *action, const struct schema **ret_request,
                     const struct schema **ret_response) MUST_USE;
/* Does the instance take (deliver) or emit this record type? */
bool instances_takes(const struct instances *instances, const char *instance,
                     const char *type);
bool instances_emits(const struct instances *instances, const char *instance,
                     const char *type);
/* Can it be asked whether a record took effect? */
bool instances_probes(const struct instances *instances, const char *instance);
/* Does the manifest say that a record of this type may be sent again? */
bool instances_repeat_safe(const struct instances *instances,
                           const char *instance, const char *type);
/* Poll streams of the manifest; NULL behind the last. */
const char *instances_stream(const struct instances *instances,
                             const char *instance, size_t index,
                             uint64_t *ret_interval_ms,
                             uint64_t *ret_overlap_ms);

/* Begin an operation.  -ENOENT: no such instance; -EAGAIN: not running, or as
 * many operations of this kind are open as it may have; -ENOTSUP: it lacks the
 * role; -EINVAL: the request breaks its schema, err says how.  Both are -EAGAIN
 * while a new one is being made, for which it may be right. */
int instances_start(struct instances *instances,
                    const struct op_request *request, op_ended_fn *fn,
                    void *arg, uint64_t *ret_op, struct error *err) MUST_USE;
void instances_cancel(struct instances *instances, uint64_t op);

/* All up to cursor is stored: tell a source that wants to know. */
void instances_commit(struct instances *instances, const char *instance,
                      cn_str cursor);
/* Drain an instance and forget its name. */
void instances_remove(struct instances *instances, const char *instance);

bool instances_info(const struct instances *instances, size_t index,
                    struct instance_info *ret_info);
const struct instance_info *instances_find(const struct instances *instances,
                                           const char *name);

/* Ask all open operations to end; those started later, as stop, may run. */
void instances_cancel_all(struct instances *instances);
/* Drain: no new operations; stop operations run; instances are destroyed;
 * stopped is called when all ended or limit_ms passed. */
void instances_stop(struct instances *instances, uint64_t limit_ms,
                    void (*stopped)(void *arg), void *arg);
void instances_destroy(struct instances *instances);

#endif
