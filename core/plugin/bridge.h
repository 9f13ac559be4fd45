/* bridge.h - HTTP requests of plugins, carried by the core.  [loop thread] */
#ifndef CONNECT_PLUGIN_BRIDGE_H
#define CONNECT_PLUGIN_BRIDGE_H

#include "plugin/instance.h"

struct bridge_request {            /* one that waits for its answer */
    struct generation *generation; /* NULL: nobody waits any more */
    struct instances *instances;
    uint64_t number; /* the plugin's */
    uint64_t op;     /* or 0 */
    uint64_t http;   /* the client's */
    bool effect;
    struct budget_waiter waiter; /* for a token; nothing was sent then */
    struct message *held;        /* what it will send; owned; NULL: it went */
    struct bridge_request *prev, *next;
};

/* Prepare the timer of the budgets; instances_destroy closes it. */
int bridge_open(struct instances *instances) MUST_USE;
/* Send what the runner asks for, later when the instance's rate demands it; an
 * answer goes back in any case. */
void bridge_send(struct generation *generation, const struct message *message);
/* Abort the requests of an operation; their answers still come. */
void bridge_cancel(struct generation *generation, uint64_t op);
/* An operation ended with these requests open: they may have taken effect. */
void bridge_settle(struct generation *generation, struct core_op *op);
/* Abort all requests of a generation and forget whose they were. */
void bridge_forget(struct generation *generation);

#endif
