/* gate.h - the way to one instance: how many at once, whether it rests, and
 * what waits for it.
 *
 * A gate is a breaker with three states.
 *
 *   closed     operations pass, as many as there is room for
 *   open       the instance rests: after an outage, a rate limit, a refusal of
 *              credentials, or some operations in a row without an answer
 *   half open  the rest is over; one operation goes first to see.  Its success
 *              closes the gate, its failure opens it for longer
 *
 * Just closed, half of the room is free, and one place more with each answer,
 * so that who has just come back is not run over.  A gate also knows whether
 * the store may hold runs for this queue.  No clock of its own: the time is
 * given. */
#ifndef CONNECT_FLOW_GATE_H
#define CONNECT_FLOW_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/line.h"
#include "flow/storm.h"

enum gate_state { GATE_CLOSED, GATE_OPEN, GATE_HALF_OPEN };

struct gate {
    char *name;         /* instance; "" for runs that wait for none */
    uint32_t open;      /* operations now */
    uint32_t room;      /* how many it may have; 0: not running */
    uint32_t width;     /* of it, after an outage; 0: all */
    uint32_t failures;  /* in a row, without an answer, while closed */
    uint32_t rests;     /* in a row, without an answer between */
    bool broken;        /* open or half open */
    int64_t broken_at;  /* since when */
    int64_t rest_until; /* steady; 0: it does not rest */
    const char *reason; /* static text why it rests, or NULL */
    bool trusted;       /* surely no alert about its credentials is stored */
    struct storm storm;
    struct line line;   /* runs that wait in memory */
    bool serving;       /* inside engine_gate_changed */
    bool changed_again; /* while it was served */
    /* what the store has for this queue */
    bool maybe;       /* runs may be due now */
    bool claiming;    /* a claim is on its way */
    int64_t next_due; /* steady time of the next one known; 0: none */
    struct gate *next;
};

/* Free what the gate holds, but not its name. */
void gate_done(struct gate *gate);
enum gate_state gate_state(const struct gate *gate, int64_t now_ms);
const char *gate_state_text(enum gate_state state);

/* May an operation begin now? */
bool gate_admits(const struct gate *gate, int64_t now_ms);
/* May one of this run, if it had no answer before?  The one that finds out
 * whether the instance is back always may. */
bool gate_spares(struct gate *gate, uint64_t run, int64_t now_ms);
/* An operation begins; gate_admits was true.  run 0: of no run. */
void gate_take(struct gate *gate, uint64_t run, int64_t now_ms);
/* It ended. */
void gate_give(struct gate *gate);
bool gate_rests(const struct gate *gate, int64_t now_ms);
/* The other side answered: close the gate, unless it was told to rest longer.
 * True when it was not closed before. */
bool gate_answered(struct gate *gate, uint64_t run, int64_t now_ms);
/* An operation had no answer.  A few in a row, or one while it is half open,
 * and the gate opens.  True when it rests. */
bool gate_failed(struct gate *gate, uint64_t run, int64_t now_ms,
                 uint64_t random, const char *reason);
/* Open the gate: rest for delay_ms, or for a growing time when 0.  Returns the
 * steady time of its end. */
int64_t gate_rest(struct gate *gate, int64_t now_ms, uint64_t delay_ms,
                  uint64_t random, const char *reason);
/* The other side asks to slow down: likewise, but resting longer. */
int64_t gate_slow(struct gate *gate, uint64_t run, int64_t now_ms,
                  uint64_t delay_ms, uint64_t random);
/* The instance was made anew: one may go and see at once. */
void gate_renew(struct gate *gate);
/* When work of a run that had no answer may be tried again. */
int64_t gate_again(const struct gate *gate, uint64_t run, int64_t now_ms,
                   uint64_t random);
/* When a run that gate_spares turned away may ask again. */
int64_t gate_later(const struct gate *gate, int64_t now_ms, uint64_t random);
/* How many runs to claim for it, given how many more fit into memory. */
uint32_t gate_appetite(const struct gate *gate, int64_t now_ms, uint32_t free);
/* A run of this queue is or becomes due. */
void gate_due(struct gate *gate, int64_t due_ms, int64_t now_ms);

#endif
