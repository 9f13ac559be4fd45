/* watch.h - what can be seen of the store from beside it: the audit, row by
 * row, as the history of every run and delivery.
 *
 * It reads through a connection of its own that the disk's faults do not touch.
 * From the history it knows in which state everything is, that each change of
 * state is a legal one, and how often each was seen; together with the faults
 * that happen it makes the coverage.  What it has seen was answered as durable:
 * after a death it must be there again. */
#ifndef CONNECT_SIM_WATCH_H
#define CONNECT_SIM_WATCH_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "plugin/op.h"
#include "store/store.h"

struct world;

enum {
    WATCH_RUN_STATES = RUN_DISCARDED + 1,
    WATCH_RUN_NEW = WATCH_RUN_STATES,
    WATCH_DELIVERY_STATES = DELIVERY_DISCARDED + 1,
    WATCH_DELIVERY_NEW = WATCH_DELIVERY_STATES,
    WATCH_RUNS_MAX = 8192,
    WATCH_PATHS_MAX = 12, /* deliveries of one run */
    WATCH_TRIES_MAX = 4,  /* kinds of operations of one run */
    WATCH_ATTEMPTS_MAX = 5
};

enum fault { /* what happens to the whole daemon */
             FAULT_KILL,
             FAULT_KILL_IN_IO,
             FAULT_POWER,
             FAULT_POWER_IN_IO,
             FAULT_FULL,
             FAULT_READ,
             FAULT_WRITE,
             FAULT_SYNC,
             FAULT_QUEUE, /* a commit or question is not taken */
             FAULT_START, /* an operation is not taken */
             FAULT_STOP,
             FAULT_RELOAD,
             FAULT_GONE,     /* an instance is lost */
             FAULT_REPLACED, /* what it had open ends broken */
             FAULT_WALL_BACK,
             FAULT_WALL_AHEAD,
             FAULT_RESTORE, /* of a backup: what came after it is lost */
             FAULT_COUNT
};

enum answer { /* how an operation ends */
              ANSWER_WELL,
              ANSWER_RETRY,     /* the other side answered */
              ANSWER_NO_ANSWER, /* it did not */
              ANSWER_RATE,
              ANSWER_AUTH,
              ANSWER_HOLD,
              ANSWER_REJECTED,
              ANSWER_UNSUPPORTED,
              ANSWER_CANCELLED,
              ANSWER_DOUBT,     /* in doubt */
              ANSWER_BROKEN,    /* against the contract, or replaced */
              ANSWER_NEVER,     /* until the host ended it */
              ANSWER_OVERRULED, /* "nothing happened", and the host knows better
                                 */
              ANSWER_ABSENT,    /* of a question */
              ANSWER_COUNT
};

enum watch_act {
    ACT_RETRY,
    ACT_RESTART,
    ACT_RELEASE,
    ACT_DISCARD,
    ACT_REPLAY,
    ACT_HAPPENED,
    ACT_ABSENT,
    ACT_EDIT,
    ACT_COUNT
};

struct watch_delivery {
    char path[48]; /* "": free */
    uint8_t state;
    uint8_t resent; /* times it was sent again after a doubt */
    bool doubted;   /* since it was last sent */
    bool there;     /* its row, when the tables were looked at last */
};

struct watch_run {
    uint8_t state;
    uint8_t pending; /* a try that is not stored yet, by its place + 1 */
    bool there;      /* as above */
    uint8_t tries[WATCH_TRIES_MAX]; /* since a person last acted */
    struct watch_delivery deliveries[WATCH_PATHS_MAX];
};

struct watch_mark {         /* how far it had been seen */
    uint64_t sequence;      /* of the last entry */
    unsigned char hash[32]; /* of it */
    size_t accepted;        /* events */
};

struct watch {
    struct watch_mark saved; /* when the backup was made */
    sqlite3 *handle;         /* owned */
    sqlite3_stmt *next;
    struct watch_run *runs; /* owned; by number */
    uint64_t run_count;     /* the highest number */
    uint64_t sequence;      /* of the last entry seen */
    unsigned char hash[32]; /* of it */
    uint64_t seen;          /* entries up to this are read again, for the
                             * states; what came behind it in the moment of a
                             * death is news */
    struct event_seen *events;
    size_t accepted; /* events in the store */
    unsigned run_states[WATCH_RUN_STATES];
    unsigned delivery_states[WATCH_DELIVERY_STATES];
};

/* The store is open; what was seen before must be there. */
void watch_open(struct world *world);
void watch_close(struct world *world);
void watch_done(struct world *world);
/* See what is new. */
void watch_look(struct world *world);
/* The tables say the same as the history. */
void watch_compare(struct world *world);
/* The whole chain of the audit. */
void watch_verify(struct world *world);

enum run_state watch_run_state(const struct watch *watch, uint64_t run);
/* A run that has a delivery in this state, looked for from number from on; 0:
 * none. */
uint64_t watch_run_with(struct watch *watch, enum delivery_state state,
                        unsigned from);
struct watch_mark watch_mark(const struct watch *watch);
/* From now on no more than this has to be there. */
void watch_back_to(struct watch *watch, const struct watch_mark *mark);
/* Has the run a delivery in this state? */
struct watch_delivery *watch_find(struct watch *watch, uint64_t run,
                                  enum delivery_state state);

/* An operation of the run ended; counted: it is an attempt. */
void watch_try(struct watch *watch, uint64_t run, const char *what,
               bool counted);

void watch_fault(struct watch *watch, enum fault fault);
void watch_answer(enum op_kind kind, bool jq, enum answer answer);
void watch_acted(enum watch_act act, unsigned state, bool done);

/* Print the coverage.  The number of reachable cells seen less than least
 * times, which are named; ret_rarest: how often the rarest was seen.  figures:
 * each cell as ,"cell NAME":COUNT, or NULL. */
size_t watch_report(unsigned least, FILE *figures, uint64_t *ret_rarest);

#endif
