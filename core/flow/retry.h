/* retry.h - pure: how an operation ended and what was tried so far in, the next
 * move out.  No state, no clock, no randomness of its own. */
#ifndef CONNECT_FLOW_RETRY_H
#define CONNECT_FLOW_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "plugin/op.h"

enum retry_move {
    MOVE_DONE,  /* it took effect, or the question is answered */
    MOVE_AGAIN, /* this work again after delay_ms */
    MOVE_REST,  /* the instance rests; this work again when it wakes */
    MOVE_HOLD,  /* a business reason: again after delay_ms or by release */
    MOVE_PARK,  /* a person must act */
    MOVE_PROBE, /* unknown: ask after delay_ms; 0: when the instance wakes */
    MOVE_SEND   /* from a probe: certainly without effect, send again */
};

struct retry_limits {
    uint32_t attempts_max;       /* answers about the record and sendings that
                                  * had none, then parked */
    uint64_t retry_after_max_ms; /* cap of Retry-After */
    uint64_t delay_first_ms;     /* first growing delay */
    uint64_t delay_max_ms;
    uint64_t hold_ms; /* re-check of what is held */
};

struct retry_case {
    const struct op_outcome *outcome;
    uint32_t attempts;       /* of this record before this one */
    uint32_t probes;         /* probes that could not tell before this one */
    uint64_t random;         /* for the jitter */
    int64_t since_intent_ms; /* PROBE: how long ago it was sent */
    int64_t settle_ms;       /* PROBE: absence counts after this */
};

struct retry_next {
    enum retry_move move;
    uint64_t delay_ms;
    uint32_t attempts; /* to store */
    uint32_t probes;   /* to store */
    bool alert;        /* people should know: credentials, long doubt */
};

struct retry_next retry_decide(const struct retry_limits *limits,
                               const struct retry_case *was);

/* Full jitter: between 0 and first * 2^count, capped at max; never below 1. */
uint64_t retry_delay(uint64_t first_ms, uint64_t max_ms, uint32_t count,
                     uint64_t random);

#endif
