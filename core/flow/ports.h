/* ports.h - what the flow engine needs from outside, as functions.
 *
 * The engine is a state machine: it is fed with events (an accepted record, an
 * operation that ended, a commit, a wake-up) and acts through these ports and
 * the store's interface.  It knows no thread, loop, socket or database, so a
 * simulation drives it with ports of its own.  All on one thread; no port calls
 * back before it has returned. */
#ifndef CONNECT_FLOW_PORTS_H
#define CONNECT_FLOW_PORTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "plugin/op.h"

/* How a jq program ended: 0 with the output, -EINVAL when the program says the
 * input is wrong, -ETIMEDOUT or -EPIPE when its process had to be killed or
 * died.  text: the output, or the reason. */
typedef void ports_jq_fn(void *arg, int status, const char *text, size_t len);

struct flow_ports {
    /* Begin an operation, as instances_start. */
    int (*op_start)(void *arg, const struct op_request *request,
                    op_ended_fn *fn, void *fn_arg, uint64_t *ret_op,
                    struct error *err);
    void (*op_cancel)(void *arg, uint64_t op);
    /* All up to cursor is stored: tell the source. */
    void (*op_commit)(void *arg, const char *instance, cn_str cursor);
    /* How many operations the instance may have open; 0: it does not run. */
    uint32_t (*op_room)(void *arg, const char *instance);
    /* Run a jq program in a helper process.  -EAGAIN: too many wait. */
    int (*jq_start)(void *arg, const char *program, const char *input,
                    size_t len, ports_jq_fn *fn, void *fn_arg);
    /* Call engine_wake at this steady time, instead of the one asked before. */
    void (*wake_at)(void *arg, int64_t steady_ms);
    uint64_t (*random)(void *arg);
    /* The store answers with I/O errors again and again: end the process, so
     * that its supervisor starts it anew. */
    void (*store_failed)(void *arg);
    void *arg;
    /* Is an instance of this name configured, running or not?  NULL: every
     * one is. */
    bool (*op_known)(void *arg, const char *instance);
};

#endif
