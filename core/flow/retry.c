/* retry.c - the next move after an operation ended.
 *
 * One idea: a status names the move, and only an answer about the record counts
 * as an attempt.  An outage of the other side (no answer, 5xx on a read, rate
 * limit, refused credentials) rests the instance and uses up nothing, so that a
 * night without the ERP parks nothing.  What may have taken effect is never
 * sent again from here: only a probe that says "certainly not", after the
 * settle time, leads back to sending, and uses up an attempt: each sending may
 * have made something, and one that never gets an answer must end.
 *
 * Pure functions; called by the engine on the loop thread and by tests. */
#include "flow/retry.h"

#include "base/seeded.h"

enum {
    AUTH_REST_MS = 60 * 1000, /* a refused credential is tried again
                               * after this, so that an operator is not
                               * locked out */
    PROBE_FIRST_MS = 500,     /* most doubts are settled at once */
    PROBE_MAX_MS = 5 * 60 * 1000,
    PROBE_ALERT_MS = 5 * 60 * 1000, /* people hear of a doubt this old */
    DOUBLINGS_MAX = 30
};

uint64_t retry_delay(uint64_t first_ms, uint64_t max_ms, uint32_t count,
                     uint64_t random)
{
    uint64_t ceiling = first_ms
                       << (count < DOUBLINGS_MAX ? count : DOUBLINGS_MAX);
    if (ceiling > max_ms)
        ceiling = max_ms;
    if (ceiling < 1)
        ceiling = 1;
    return 1 + random % ceiling;
}

static uint64_t capped(uint64_t delay_ms, uint64_t max_ms)
{
    return delay_ms < max_ms ? delay_ms : max_ms;
}

/* The same work again: counted when the other side spoke about it, and when the
 * plugin broke or hung over it: a record that ends its instance each time must
 * be parked before the instance is given up. */
static void decide_again(const struct retry_limits *limits,
                         const struct retry_case *was, struct retry_next *next)
{
    uint64_t given = was->outcome->retry_after_ms;

    if (!was->outcome->answered && !was->outcome->broken) {
        next->move = MOVE_REST;
        next->delay_ms = capped(given, limits->retry_after_max_ms);
        return;
    }
    next->attempts++;
    next->move = next->attempts < limits->attempts_max ? MOVE_AGAIN : MOVE_PARK;
    next->delay_ms = retry_delay(limits->delay_first_ms, limits->delay_max_ms,
                                 next->attempts, was->random);
    if (given)
        next->delay_ms = capped(given, limits->retry_after_max_ms);
}

/* A question that nobody heard: how long until the next is the gate's to say,
 * or a doubt would outlast the outage by as much as the delay had grown. */
static bool probe_unheard(const struct op_outcome *outcome)
{
    return outcome->kind == OP_PROBE && !outcome->answered &&
           !outcome->broken && outcome->status != CN_CANCELLED;
}

static void decide_probe_later(const struct retry_limits *limits,
                               const struct retry_case *was,
                               struct retry_next *next)
{
    uint64_t wish_ms =
        capped(was->outcome->retry_after_ms, limits->retry_after_max_ms);

    next->move = MOVE_PROBE;
    next->alert = was->since_intent_ms >= PROBE_ALERT_MS;
    if (probe_unheard(was->outcome))
        return;
    next->probes++;
    next->delay_ms =
        PROBE_FIRST_MS / 2 +
        retry_delay(PROBE_FIRST_MS, PROBE_MAX_MS, next->probes, was->random);
    if (next->delay_ms < wish_ms)
        next->delay_ms = wish_ms;
}

static void decide_probe(const struct retry_limits *limits,
                         const struct retry_case *was, struct retry_next *next)
{
    int64_t left_ms = was->settle_ms - was->since_intent_ms;

    switch (was->outcome->status) {
    case CN_OK:
        next->move = MOVE_DONE;
        return;
    case CN_ABSENT:
        if (left_ms <= 0 || seeded_bug("settle")) {
            next->attempts++;
            next->move =
                next->attempts < limits->attempts_max ? MOVE_SEND : MOVE_PARK;
            return;
        }
        /* The other side may still be at it: look again when it counts. */
        next->move = MOVE_PROBE;
        next->delay_ms = (uint64_t)left_ms;
        return;
    case CN_REJECTED:
    case CN_UNSUPPORTED:
        /* Something is there, but not what was sent: a person must look. */
        next->move = MOVE_PARK;
        next->alert = true;
        return;
    case CN_AUTH:
        decide_probe_later(limits, was, next);
        next->delay_ms = AUTH_REST_MS;
        return;
    default:
        decide_probe_later(limits, was, next);
        if (seeded_bug("doubt")) /* nobody can say: once more, then */
            next->move = MOVE_SEND;
        return;
    }
}

struct retry_next retry_decide(const struct retry_limits *limits,
                               const struct retry_case *was)
{
    const struct op_outcome *outcome = was->outcome;
    struct retry_next next = {.attempts = was->attempts, .probes = was->probes};

    if (outcome->kind == OP_PROBE) {
        decide_probe(limits, was, &next);
        return next;
    }
    switch (outcome->status) {
    case CN_OK:
        next.move = MOVE_DONE;
        break;
    case CN_RATE_LIMITED:
        next.move = MOVE_REST;
        next.delay_ms =
            capped(outcome->retry_after_ms, limits->retry_after_max_ms);
        break;
    case CN_AUTH:
        next.move = MOVE_REST;
        next.delay_ms = AUTH_REST_MS;
        next.alert = true;
        break;
    case CN_REJECTED:
    case CN_UNSUPPORTED:
        next.move = MOVE_PARK;
        next.attempts++;
        break;
    case CN_HOLD:
        next.move = MOVE_HOLD;
        next.delay_ms = outcome->retry_after_ms
                            ? capped(outcome->retry_after_ms, limits->hold_ms)
                            : limits->hold_ms;
        break;
    case CN_CANCELLED:
        next.move = MOVE_AGAIN;
        next.delay_ms = limits->delay_first_ms;
        break;
    case CN_IN_DOUBT:
        if (outcome->kind == OP_DELIVER)
            decide_probe_later(limits, was, &next);
        else
            decide_again(limits, was, &next);
        break;
    default:
        decide_again(limits, was, &next);
        break;
    }
    if (outcome->kind == OP_DELIVER && next.move == MOVE_PROBE)
        next.probes = 0;
    return next;
}
