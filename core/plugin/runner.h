/* runner.h - a thread with a loop on which instances live.
 *
 * Non-blocking instances share one, a blocking one has its own.  The core talks
 * to it through two mailboxes only, and reads two counters to see whether a
 * plugin holds the thread. */
#ifndef CONNECT_PLUGIN_RUNNER_H
#define CONNECT_PLUGIN_RUNNER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"
#include "plugin/mailbox.h"

struct host;

struct runner {
    struct mailbox *inbox;  /* to this thread */
    struct mailbox *outbox; /* to the core */
    atomic_uint references; /* the core's, the thread's, those of left.c */
    /* Odd while plugin code runs; each call counts two. */
    atomic_uint_least64_t calls;
    atomic_uint_least64_t calling; /* number of the instance called last */
    atomic_bool abandoned;         /* the core does not listen any more */
    atomic_bool ended;             /* it calls no plugin any more */
    bool blocking;                 /* immutable */
    /* core only */
    void *owner;
    bool told_to_end;
    struct runner *prev, *next;
    uv_thread_t thread;
    uint64_t seen_calls;    /* value of calls at the last look */
    uint64_t seen_since_ms; /* since when it is the same and odd */
    size_t instance_count;
    /* runner thread only, once started */
    uv_loop_t loop;
    struct host *hosts; /* by number */
    bool ending;
};

/* Start a thread; fn(runner) is called on core_loop when messages wait in
 * outbox. */
int runner_create(uv_loop_t *core_loop, bool blocking, mailbox_fn *fn,
                  void *owner, struct runner **ret_runner,
                  struct error *err) MUST_USE;
/* The core has taken MESSAGE_ENDED: join the thread and let go. */
void runner_join(struct runner *runner);
/* The thread hangs in a plugin: leave it behind. */
void runner_abandon(struct runner *runner);
struct runner *runner_share(struct runner *runner);
/* Give a share back; NULL is allowed. */
void runner_release(struct runner *runner);

#endif
