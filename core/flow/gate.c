/* gate.c - the way to one instance.
 *
 * One idea: an outage belongs to the instance, not to the records that happen
 * to meet it.  So the gate rests, not the record, and no record's attempts are
 * used up.  Rests grow from one second to a minute with jitter.  Called by the
 * engine on the loop thread. */
#include "flow/gate.h"

#include <stddef.h>
#include <utlist.h>

#include "flow/retry.h"

enum {
    REST_FIRST_MS = 1000, /* a restart of the other side takes about this */
    REST_MAX_MS = 60000,  /* how late the end of an outage is noticed at most */
    CLAIM_MAX = 128       /* runs of one claim: bounds its transaction */
};

bool gate_rests(const struct gate *gate, int64_t now_ms)
{
    return gate->rest_until > now_ms;
}

bool gate_admits(const struct gate *gate, int64_t now_ms)
{
    if (gate_rests(gate, now_ms) || gate->open >= gate->room)
        return false;
    return !gate->half_open || gate->open == 0;
}

void gate_take(struct gate *gate)
{
    gate->open++;
}

void gate_give(struct gate *gate)
{
    gate->open--;
}

void gate_answered(struct gate *gate)
{
    gate->failures = 0;
    gate->half_open = false;
    gate->rest_until = 0;
    gate->reason = NULL;
}

int64_t gate_rest(struct gate *gate, int64_t now_ms, uint64_t delay_ms,
                  uint64_t random, const char *reason)
{
    uint64_t rest_ms = delay_ms;

    /* Operations that were under way when the rest began tell nothing new. */
    if (gate_rests(gate, now_ms) && !delay_ms)
        return gate->rest_until;
    if (!rest_ms)
        rest_ms = REST_FIRST_MS / 2 + retry_delay(REST_FIRST_MS, REST_MAX_MS,
                                                  gate->failures, random);
    gate->failures++;
    gate->half_open = true;
    if (now_ms + (int64_t)rest_ms > gate->rest_until)
        gate->rest_until = now_ms + (int64_t)rest_ms;
    gate->reason = reason;
    gate->maybe = true;
    return gate->rest_until;
}

uint32_t gate_appetite(const struct gate *gate, int64_t now_ms, uint32_t free)
{
    uint32_t wanted = CLAIM_MAX;

    if (gate->claiming || gate_rests(gate, now_ms))
        return 0;
    if (!gate->maybe)
        return 0;
    /* Whom we claimed for an instance that does not run, we would give back at
     * once, and so on for ever. */
    if (gate->room == 0)
        return 0;
    if (gate->name[0]) {
        uint32_t target = gate->half_open ? 1 : 2 * gate->room;
        uint32_t busy = gate->open + gate->waiter_count;
        wanted = target > busy ? target - busy : 0;
    }
    if (wanted > CLAIM_MAX)
        wanted = CLAIM_MAX;
    return wanted < free ? wanted : free;
}

void gate_due(struct gate *gate, int64_t due_ms, int64_t now_ms)
{
    if (gate->next_due && gate->next_due <= now_ms) {
        gate->maybe = true;
        gate->next_due = 0;
    }
    if (due_ms <= now_ms)
        gate->maybe = true;
    else if (!gate->next_due || due_ms < gate->next_due)
        gate->next_due = due_ms;
}

void gate_wait(struct gate *gate, struct gate_waiter *waiter)
{
    DL_APPEND(gate->waiters, waiter);
    waiter->waiting = true;
    gate->waiter_count++;
}

void gate_leave(struct gate *gate, struct gate_waiter *waiter)
{
    DL_DELETE(gate->waiters, waiter);
    waiter->waiting = false;
    gate->waiter_count--;
}

struct gate_waiter *gate_next(struct gate *gate)
{
    struct gate_waiter *waiter = gate->waiters;

    if (waiter)
        gate_leave(gate, waiter);
    return waiter;
}
