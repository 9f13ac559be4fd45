/* instance.h - one generation of an instance, as the core keeps it.
 *
 * An entry is a name of the configuration.  It has an active generation, that
 * takes operations, and may have one that is being made; old ones drain.  All
 * is used on the loop thread only. */
#ifndef CONNECT_PLUGIN_INSTANCE_H
#define CONNECT_PLUGIN_INSTANCE_H

#include "base/log.h"
#include "plugin/budget.h"
#include "plugin/host.h"
#include "plugin/instances.h"
#include "plugin/runner.h"
#include "plugin/setup.h"
#include "plugin/value.h"

enum {
    OP_KIND_COUNT = OP_RECEIVE + 1,
    REPLACED_MAX = 5, /* times within REPLACED_MS; then it is FAILED */
    REPLACED_MS = 10 * 60 * 1000,
    REASON_MAX = 512
};

enum generation_state {
    GENERATION_STARTING,
    GENERATION_RUNNING,
    GENERATION_DRAINING, /* its operations end */
    GENERATION_STOPPING, /* its stop operation runs */
    GENERATION_DESTROYING
};

struct entry;
struct bridge_request;
struct left;

struct generation {
    uint64_t number;
    struct entry *entry;
    struct runner *runner; /* NULL: left behind, while this is being lost */
    struct setup *setup;   /* owned in shares, see setup.h */
    enum generation_state state;
    bool drain_later; /* once it runs */
    uint32_t roles;
    uint32_t open[OP_KIND_COUNT];
    uint32_t open_count;
    struct bridge_request *requests; /* list */
    struct generation *prev, *next;  /* of the entry */
    UT_hash_handle hh;               /* by number */
};

struct entry {
    char *name, *path;
    struct instances *instances;
    struct generation *active;      /* takes operations; or NULL */
    struct generation *pending;     /* create runs; or NULL */
    struct generation *generations; /* all: these, and those that drain */
    struct setup *setup;            /* newest; for the next generation */
    const struct module *module;    /* of the active one, or the newest */
    struct value *values;           /* connect.state/1 */
    uint32_t open_max;              /* operations of a kind */
    struct budget budget;           /* of its HTTP requests */
    size_t held_bytes;              /* of requests that wait for it */
    enum instance_state state;
    bool removed; /* forgotten when the last generation ended */
    bool waiting; /* for its values; has no generation yet */
    uint64_t ended_count, broken_count, replaced_total, held_ms_max;
    uint64_t replaced_count; /* since it was added; what the ring counts */
    int64_t replaced_ms[REPLACED_MAX]; /* when, a ring */
    char reason[REASON_MAX];
    UT_hash_handle hh; /* by name */
};

struct core_op {
    uint64_t id, run;
    struct generation *generation; /* NULL: lost */
    enum op_kind kind;
    op_ended_fn *fn; /* NULL: our own stop operation */
    void *arg;
    uint64_t due_ms; /* loop time: cancel it, or give it up */
    bool cancelled;
    bool unread; /* the runner never took it out of its inbox */
    bool unsure; /* a probe: that it finds nothing says nothing, see left.h */
    bool blamed; /* it was lost by its own plugin's fault */
    struct core_op *next_lost;
    struct op_facts facts;
    UT_hash_handle hh;
};

struct instances {
    struct instances_options options;
    char *public_address;    /* owned; options has it */
    uv_timer_t timer;        /* looks at what is due */
    uv_timer_t budget_timer; /* the next token of a budget that is waited for */
    int open_handle_count;   /* of these two */
    struct entry *entries;
    struct generation *generations; /* by number */
    struct core_op *ops;            /* by id */
    struct runner *runners;         /* list */
    struct runner *shared;          /* for non-blocking instances, or NULL */
    struct left *left;              /* see left.h */
    uint64_t op_last, generation_last;
    bool left_behind; /* a thread was abandoned: its memory stays */
    bool stopping, cancelled_all, stopped;
    uint64_t stop_began_ms, stop_limit_ms;
    void (*stopped_fn)(void *arg);
    void *stopped_arg;
    struct instance_info info; /* last one given by instances_find */
};

/* Make a generation from the entry's pending setup. */
int generation_create(struct entry *entry, struct error *err) MUST_USE;
/* Take no more operations; end when those it has ended. */
void generation_drain(struct generation *generation);
/* Look whether it can go on: nothing is open any more. */
void generation_proceed(struct generation *generation);
/* Take it out of its entry and free it. */
void generation_unlink(struct generation *generation);
/* A new one in place of one that was given up; blamed: its own fault. */
void entry_replace(struct entry *entry, bool blamed, const char *reason);
/* Forget a removed entry whose last generation has gone. */
void entry_sweep(struct entry *entry);
void entry_log(const struct entry *entry, int level, uint64_t op,
               const char *text);
/* A runner's mailbox has messages; arg is the runner. */
void instance_receive(void *arg);
/* End the threads that nobody lives on; true when none is left. */
bool runners_end(struct instances *instances);
/* An entry changed its state, or why. */
void entry_changed(struct entry *entry, enum instance_state state,
                   const char *reason);
void entry_forget(struct entry *entry);

#endif
