/* gate.c - the way to one instance.
 *
 * One idea: an outage belongs to the instance, not to the records that happen
 * to meet it.  So the gate rests, not the record, and no record's attempts are
 * used up.  Rests grow with full jitter, but only so far that the end of an
 * outage is noticed after a small part of the time it lasted.  Called by the
 * engine on the loop thread. */
#include "flow/gate.h"

#include <stddef.h>

#include "base/seeded.h"
#include "flow/retry.h"

enum {
    FAILURES_MAX = 3,     /* in a row: one alone may be about its record */
    REST_LEAST_MS = 400,  /* a call every second at most is no burden */
    REST_FIRST_MS = 500,  /* a hiccup takes about this */
    REST_BRIEF_MS = 800,  /* how late the end of a short outage is noticed */
    REST_MAX_MS = 60000,  /* of any outage */
    REST_PART = 30,       /* of a longer one: after this part of it at most */
    SLOW_PART = 2,        /* likewise, when the other side asked for less:
                           * asking it often is what it does not want */
    LATER_EACH_MS = 4,    /* at most some 500 a second in all */
    LATER_MS = 200,       /* spread of what waits for others to go first */
    AGAIN_FIRST_MS = 250, /* growing delay of one that alone has no answer */
    AGAIN_MAX_MS = 60000,
    BUG_REST_MS = 1000,
    CLAIM_MAX = 128 /* runs of one claim: bounds its transaction */
};

void gate_done(struct gate *gate)
{
    storm_done(&gate->storm);
    line_done(&gate->line);
}

bool gate_rests(const struct gate *gate, int64_t now_ms)
{
    return gate->rest_until > now_ms;
}

enum gate_state gate_state(const struct gate *gate, int64_t now_ms)
{
    if (gate_rests(gate, now_ms))
        return GATE_OPEN;
    return gate->broken ? GATE_HALF_OPEN : GATE_CLOSED;
}

const char *gate_state_text(enum gate_state state)
{
    static const char *const texts[] = {"closed", "open", "half_open"};

    return texts[state];
}

/* Places, for a gate that is closed. */
static uint32_t gate_width(const struct gate *gate)
{
    return gate->width && gate->width < gate->room ? gate->width : gate->room;
}

bool gate_admits(const struct gate *gate, int64_t now_ms)
{
    switch (gate_state(gate, now_ms)) {
    case GATE_OPEN:
        return false;
    case GATE_HALF_OPEN:
        return gate->open == 0 && gate->room > 0;
    default:
        return gate->open < gate_width(gate);
    }
}

bool gate_spares(struct gate *gate, uint64_t run, int64_t now_ms)
{
    /* One at a time in any case, or nothing would move when everything that
     * waits was tried before. */
    return gate->broken || gate->open == 0 ||
           storm_admits(&gate->storm, run, now_ms);
}

void gate_take(struct gate *gate, uint64_t run, int64_t now_ms)
{
    gate->open++;
    storm_begin(&gate->storm, run, now_ms);
}

void gate_give(struct gate *gate)
{
    gate->open--;
}

bool gate_answered(struct gate *gate, uint64_t run, int64_t now_ms)
{
    bool closes = gate->broken && !gate_rests(gate, now_ms);

    storm_answered(&gate->storm, run);
    if (gate_rests(gate, now_ms))
        return false; /* it began before the rest did */
    gate->failures = 0;
    gate->rests = 0;
    gate->rest_until = 0;
    gate->reason = NULL;
    gate->broken = false;
    if (closes)
        gate->width = gate->room / 2 + 1;
    else if (gate->width && ++gate->width >= gate->room)
        gate->width = 0;
    return closes;
}

/* A growing time with full jitter, at most a part of how long it has lasted. */
static uint64_t gate_rest_ms(const struct gate *gate, int64_t now_ms,
                             uint64_t random, uint32_t part)
{
    uint64_t most = (uint64_t)(now_ms - gate->broken_at) / part;

    if (most < REST_BRIEF_MS)
        most = REST_BRIEF_MS;
    if (most > REST_MAX_MS)
        most = REST_MAX_MS;
    return REST_LEAST_MS +
           retry_delay(REST_FIRST_MS, most, gate->rests, random);
}

static int64_t gate_open(struct gate *gate, int64_t now_ms, uint64_t rest_ms,
                         const char *reason)
{
    if (!gate_rests(gate, now_ms))
        gate->rests++;
    gate->broken = true;
    gate->failures = 0;
    gate->width = 0;
    if (now_ms + (int64_t)rest_ms > gate->rest_until)
        gate->rest_until = now_ms + (int64_t)rest_ms;
    storm_lasts(&gate->storm, gate->rest_until);
    gate->reason = reason;
    gate->maybe = true;
    return gate->rest_until;
}

static int64_t gate_rest_part(struct gate *gate, int64_t now_ms,
                              uint64_t delay_ms, uint64_t random, uint32_t part,
                              const char *reason)
{
    if (seeded_bug("F15")) { /* everybody again after a second */
        gate->rest_until = now_ms + BUG_REST_MS;
        gate->reason = reason;
        gate->maybe = true;
        return gate->rest_until;
    }
    /* Operations that were under way when the rest began tell nothing new. */
    if (gate_rests(gate, now_ms) && !delay_ms)
        return gate->rest_until;
    if (!gate->broken)
        gate->broken_at = now_ms;
    if (!delay_ms)
        delay_ms = gate_rest_ms(gate, now_ms, random, part);
    return gate_open(gate, now_ms, delay_ms, reason);
}

int64_t gate_rest(struct gate *gate, int64_t now_ms, uint64_t delay_ms,
                  uint64_t random, const char *reason)
{
    return gate_rest_part(gate, now_ms, delay_ms, random, REST_PART, reason);
}

int64_t gate_slow(struct gate *gate, uint64_t run, int64_t now_ms,
                  uint64_t delay_ms, uint64_t random)
{
    storm_failed(&gate->storm, run, now_ms);
    return gate_rest_part(gate, now_ms, delay_ms, random, SLOW_PART,
                          "the other system asks to slow down");
}

bool gate_failed(struct gate *gate, uint64_t run, int64_t now_ms,
                 uint64_t random, const char *reason)
{
    storm_failed(&gate->storm, run, now_ms);
    if (gate_state(gate, now_ms) == GATE_CLOSED &&
        ++gate->failures < FAILURES_MAX)
        return false;
    gate_rest(gate, now_ms, 0, random, reason);
    return true;
}

void gate_renew(struct gate *gate)
{
    gate->rest_until = 0;
    gate->maybe = true;
}

int64_t gate_again(const struct gate *gate, uint64_t run, int64_t now_ms,
                   uint64_t random)
{
    /* One of those that had no answer goes first to see, not work that the
     * outage did not touch yet. */
    if (gate_rests(gate, now_ms) || seeded_bug("F15"))
        return gate->rest_until;
    return now_ms + (int64_t)retry_delay(AGAIN_FIRST_MS, AGAIN_MAX_MS,
                                         storm_failures(&gate->storm, run),
                                         random);
}

int64_t gate_later(const struct gate *gate, int64_t now_ms, uint64_t random)
{
    /* The more there are, the more rarely each asks: turning one away costs
     * two commits. */
    uint64_t most = LATER_MS + LATER_EACH_MS * storm_count(&gate->storm);

    return now_ms + (int64_t)retry_delay(most, most, 0, random);
}

uint32_t gate_appetite(const struct gate *gate, int64_t now_ms, uint32_t free)
{
    uint32_t wanted = CLAIM_MAX;

    if (gate->claiming || gate_rests(gate, now_ms) ||
        (gate->broken && gate->open))
        return 0;
    if (!gate->maybe)
        return 0;
    /* Whom we claimed for an instance that does not run, we would give back at
     * once, and so on for ever. */
    if (gate->room == 0)
        return 0;
    if (gate->name[0]) {
        uint32_t target = gate->broken ? 1 : 2 * gate_width(gate);
        uint32_t busy = gate->open + gate->line.count;
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
