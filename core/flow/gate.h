/* gate.h - the way to one instance: how many at once, whether it rests, and
 * what waits for it.
 *
 * A gate counts the open operations of its instance, lets it rest after an
 * outage, a rate limit or a refusal of credentials, and after the rest lets one
 * operation through first (half open); its success opens the gate, its failure
 * makes the next rest longer.  It also knows whether the store may hold runs
 * for this queue.  No clock of its own: the time is given. */
#ifndef CONNECT_FLOW_GATE_H
#define CONNECT_FLOW_GATE_H

#include <stdbool.h>
#include <stdint.h>

struct run;

struct gate_waiter { /* member of a run; linked while it waits for a slot */
    struct run *run;
    struct gate_waiter *prev, *next;
    bool waiting;
};

struct gate {
    char *name;         /* instance; "" for runs that wait for none */
    uint32_t open;      /* operations now */
    uint32_t room;      /* how many it may have; 0: not running */
    uint32_t failures;  /* in a row, without an answer */
    int64_t rest_until; /* steady; 0: open */
    bool half_open;     /* after a rest: one at a time until a success */
    const char *reason; /* static text why it rests, or NULL */
    bool trusted;       /* surely no alert about its credentials is stored */
    struct gate_waiter *waiters; /* first in, first out */
    uint32_t waiter_count;
    bool serving;       /* inside engine_gate_changed */
    bool changed_again; /* while it was served */
    /* what the store has for this queue */
    bool maybe;       /* runs may be due now */
    bool claiming;    /* a claim is on its way */
    int64_t next_due; /* steady time of the next one known; 0: none */
    struct gate *next;
};

/* May an operation begin now? */
bool gate_admits(const struct gate *gate, int64_t now_ms);
/* An operation begins; gate_admits was true. */
void gate_take(struct gate *gate);
/* It ended. */
void gate_give(struct gate *gate);
bool gate_rests(const struct gate *gate, int64_t now_ms);
/* The other side answered: open the gate. */
void gate_answered(struct gate *gate);
/* Rest for delay_ms, or for a growing time when 0.  Returns the steady time of
 * its end. */
int64_t gate_rest(struct gate *gate, int64_t now_ms, uint64_t delay_ms,
                  uint64_t random, const char *reason);
/* How many runs to claim for it, given how many more fit into memory. */
uint32_t gate_appetite(const struct gate *gate, int64_t now_ms, uint32_t free);
/* A run of this queue is or becomes due. */
void gate_due(struct gate *gate, int64_t due_ms, int64_t now_ms);

void gate_wait(struct gate *gate, struct gate_waiter *waiter);
void gate_leave(struct gate *gate, struct gate_waiter *waiter);
struct gate_waiter *gate_next(struct gate *gate);

#endif
