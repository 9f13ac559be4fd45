/* budget.c - the token bucket of one instance.
 *
 * One idea: a request that waits here has sent nothing, so whatever ends it
 * meanwhile ends it for certain without effect.  Who would wait longer than
 * operations have patience for is sent away at once, told when to come again:
 * that is no answer about its record.  Called by the bridge on the loop thread;
 * pure but for its lists. */
#include "plugin/budget.h"

#include <stddef.h>
#include <utlist.h>

enum {
    TOKEN = 1000,            /* in thousandths; also ms in a second */
    WAIT_MS_MAX = 20 * 1000, /* a third of an operation's usual time-out */
    WAITING_MAX = 4096,      /* what one instance may have open, host_http.c */
    BULK_SHARE = 8           /* one in so many is bulk while both wait */
};

static void budget_fill(struct budget *budget, uint64_t now_ms)
{
    int64_t most = (int64_t)budget->burst * TOKEN;
    uint64_t passed_ms;

    if (now_ms <= budget->at_ms)
        return;
    passed_ms = now_ms - budget->at_ms;
    budget->at_ms = now_ms;
    /* Full after so many ms at the slowest: no overflow below. */
    if (passed_ms > (uint64_t)most)
        passed_ms = (uint64_t)most;
    budget->thousandths += (int64_t)passed_ms * budget->per_second;
    if (budget->thousandths > most)
        budget->thousandths = most;
}

static bool budget_take(struct budget *budget, uint64_t now_ms)
{
    if (!budget->per_second)
        return true;
    budget_fill(budget, now_ms);
    if (budget->thousandths < TOKEN)
        return false;
    budget->thousandths -= TOKEN;
    return true;
}

/* Until `count` tokens more than now have come. */
static uint64_t budget_until(const struct budget *budget, uint32_t count)
{
    int64_t missing = (int64_t)count * TOKEN - budget->thousandths;

    if (missing <= 0)
        return 0;
    return ((uint64_t)missing + budget->per_second - 1) / budget->per_second;
}

void budget_set(struct budget *budget, uint32_t per_second, uint32_t burst,
                uint64_t now_ms)
{
    bool limited = budget->per_second > 0;

    if (limited)
        budget_fill(budget, now_ms);
    budget->per_second = per_second;
    budget->burst = burst ? burst : 1;
    budget->at_ms = now_ms;
    if (!limited || budget->thousandths > (int64_t)budget->burst * TOKEN)
        budget->thousandths = (int64_t)budget->burst * TOKEN;
}

bool budget_pass(struct budget *budget, uint64_t now_ms)
{
    return !budget->waiting_count && budget_take(budget, now_ms);
}

bool budget_wait(struct budget *budget, struct budget_waiter *waiter, bool bulk,
                 uint64_t now_ms, uint64_t *ret_delay_ms)
{
    uint64_t delay_ms = 0;

    if (budget->per_second) {
        budget_fill(budget, now_ms);
        delay_ms = budget_until(budget, budget->waiting_count + 1);
    }
    if (delay_ms > WAIT_MS_MAX || budget->waiting_count >= WAITING_MAX) {
        /* Half of it is free again then. */
        *ret_delay_ms = delay_ms / 2 + 1;
        return false;
    }
    waiter->waits = true;
    waiter->bulk = bulk;
    if (bulk)
        DL_APPEND(budget->bulk, waiter);
    else
        DL_APPEND(budget->first, waiter);
    budget->waiting_count++;
    return true;
}

void budget_leave(struct budget *budget, struct budget_waiter *waiter)
{
    if (!waiter->waits)
        return;
    if (waiter->bulk)
        DL_DELETE(budget->bulk, waiter);
    else
        DL_DELETE(budget->first, waiter);
    waiter->waits = false;
    budget->waiting_count--;
}

struct budget_waiter *budget_next(struct budget *budget, uint64_t now_ms)
{
    struct budget_waiter *waiter = budget->first;

    if (!budget->waiting_count || !budget_take(budget, now_ms))
        return NULL;
    if (budget->bulk && (!waiter || ++budget->turn % BULK_SHARE == 0))
        waiter = budget->bulk;
    budget_leave(budget, waiter);
    return waiter;
}

uint64_t budget_due_ms(struct budget *budget, uint64_t now_ms)
{
    uint64_t delay_ms;

    if (!budget->waiting_count)
        return 0;
    if (!budget->per_second)
        return 1;
    budget_fill(budget, now_ms);
    delay_ms = budget_until(budget, 1);
    return delay_ms ? delay_ms : 1;
}

uint32_t budget_tokens(struct budget *budget, uint64_t now_ms)
{
    if (!budget->per_second)
        return 0;
    budget_fill(budget, now_ms);
    return (uint32_t)(budget->thousandths / TOKEN);
}
