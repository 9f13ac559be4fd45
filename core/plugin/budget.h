/* budget.h - no more than so many HTTP requests a second, per instance.
 *
 * A token bucket and those that wait for a token, in the order they came; what
 * polls ask comes after what runs ask, but never starves.  Knows no clock: the
 * time is given.  [loop thread] */
#ifndef CONNECT_PLUGIN_BUDGET_H
#define CONNECT_PLUGIN_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

struct budget_waiter { /* member of a request */
    struct budget_waiter *prev, *next;
    bool waits, bulk;
};

struct budget {
    uint32_t per_second; /* 0: no limit */
    uint32_t burst;      /* tokens it holds at most; at least 1 */
    int64_t thousandths; /* of a token, at at_ms */
    uint64_t at_ms;
    struct budget_waiter *first, *bulk; /* first in, first out */
    uint32_t waiting_count;
    uint32_t turn; /* who of the two lists is next */
};

/* A new one is full; one that is changed keeps what it has. */
void budget_set(struct budget *budget, uint32_t per_second, uint32_t burst,
                uint64_t now_ms);
/* Nobody waits and a token is there: it is taken. */
bool budget_pass(struct budget *budget, uint64_t now_ms);
/* Wait for a token.  False: it would wait too long, or too many do; then
 * ret_delay_ms says when to try again. */
bool budget_wait(struct budget *budget, struct budget_waiter *waiter, bool bulk,
                 uint64_t now_ms, uint64_t *ret_delay_ms);
/* It does not want one any more; fine when it does not wait. */
void budget_leave(struct budget *budget, struct budget_waiter *waiter);
/* The next one that goes, with its token, or NULL. */
struct budget_waiter *budget_next(struct budget *budget, uint64_t now_ms);
/* In how many ms budget_next will give one; 0: nobody waits. */
uint64_t budget_due_ms(struct budget *budget, uint64_t now_ms);
/* Whole tokens there are now. */
uint32_t budget_tokens(struct budget *budget, uint64_t now_ms);

#endif
