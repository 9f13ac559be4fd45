/* links: connect_plugin connect_base */
/* The token bucket of an instance, with the time in our hands. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "plugin/budget.h"

enum { COUNT = 400 };

static struct budget_waiter waiters[COUNT];

static struct budget budget_of(uint32_t per_second, uint32_t burst)
{
    struct budget budget;

    memset(&budget, 0, sizeof(budget));
    memset(waiters, 0, sizeof(waiters));
    budget_set(&budget, per_second, burst, 1000);
    return budget;
}

static void holds_a_burst_and_then_the_rate(void **state)
{
    struct budget budget = budget_of(8, 2);
    unsigned count = 0;

    (void)state;
    for (uint64_t now_ms = 1000; now_ms < 2000; now_ms++)
        count += budget_pass(&budget, now_ms);
    assert_int_equal(count, 2 + 7); /* the eighth comes with 2000 */
    for (uint64_t now_ms = 2000; now_ms < 12000; now_ms++)
        count += budget_pass(&budget, now_ms);
    assert_int_equal(count, 2 + 7 + 80);
    /* A pause gives back the burst, no more. */
    count = 0;
    while (budget_pass(&budget, 100000))
        count++;
    assert_int_equal(count, 2);
    /* Nor does a clock that stands or goes back. */
    assert_false(budget_pass(&budget, 100000));
    assert_false(budget_pass(&budget, 99000));
    assert_int_equal(budget_tokens(&budget, 100124), 0);
    assert_int_equal(budget_tokens(&budget, 100125), 1);
}

static void no_limit_is_none(void **state)
{
    struct budget budget = budget_of(0, 1);

    (void)state;
    for (int at = 0; at < 100000; at++)
        assert_true(budget_pass(&budget, 1000));
}

/* Any second of a long busy time. */
static void no_second_has_more(void **state)
{
    struct budget budget = budget_of(8, 2);
    uint64_t went[100];
    uint64_t delay_ms;
    unsigned count = 0;

    (void)state;
    for (int at = 0; at < 100; at++)
        assert_true(budget_wait(&budget, &waiters[at], false, 1000, &delay_ms));
    for (uint64_t now_ms = 1000; budget.waiting_count; now_ms++) {
        while (budget_next(&budget, now_ms))
            went[count++] = now_ms;
        if (budget.waiting_count)
            assert_true(budget_due_ms(&budget, now_ms) > 0);
    }
    assert_int_equal(count, 100);
    for (unsigned at = 10; at < count; at++)
        assert_true(went[at] - went[at - 10] >= 1000);
    assert_true(went[99] - 1000 <= 98 * 125 + 1);
    assert_int_equal(budget_due_ms(&budget, went[99]), 0);
}

static void the_timer_is_exact(void **state)
{
    struct budget budget = budget_of(3, 1);
    uint64_t now_ms = 1000, delay_ms;

    (void)state;
    for (int at = 0; at < 10; at++)
        assert_true(
            budget_wait(&budget, &waiters[at], false, now_ms, &delay_ms));
    assert_ptr_equal(budget_next(&budget, now_ms), &waiters[0]);
    for (int at = 1; at < 10; at++) {
        now_ms += budget_due_ms(&budget, now_ms) - 1;
        assert_null(budget_next(&budget, now_ms));
        now_ms++;
        assert_ptr_equal(budget_next(&budget, now_ms), &waiters[at]);
    }
}

static void who_came_first_goes_first(void **state)
{
    struct budget budget = budget_of(1, 1);
    uint64_t delay_ms;

    (void)state;
    assert_true(budget_pass(&budget, 1000));
    assert_true(budget_wait(&budget, &waiters[0], false, 1000, &delay_ms));
    /* There is a token again, but it is spoken for. */
    assert_false(budget_pass(&budget, 2000));
    assert_ptr_equal(budget_next(&budget, 2000), &waiters[0]);
    assert_null(budget_next(&budget, 2000));
}

static void bulk_comes_after_but_never_starves(void **state)
{
    struct budget budget = budget_of(10, 1);
    uint64_t delay_ms, now_ms = 1000;
    int bulk = 0;

    (void)state;
    for (int at = 0; at < 160; at++)
        assert_true(
            budget_wait(&budget, &waiters[at], at < 80, now_ms, &delay_ms));
    for (int at = 0; at < 80; at++) {
        struct budget_waiter *waiter;
        now_ms += 100;
        waiter = budget_next(&budget, now_ms);
        assert_non_null(waiter);
        bulk += waiter - waiters < 80;
    }
    assert_int_equal(bulk, 10);
    for (int at = 0; at < 80; at++) {
        now_ms += 100;
        assert_non_null(budget_next(&budget, now_ms));
    }
    assert_int_equal(budget.waiting_count, 0);
}

static void nobody_waits_too_long(void **state)
{
    struct budget budget = budget_of(8, 2);
    uint64_t delay_ms = 0;
    int count = 0;

    (void)state;
    while (count < COUNT &&
           budget_wait(&budget, &waiters[count], false, 1000, &delay_ms))
        count++;
    assert_int_equal(count, 2 + 20 * 8); /* 20 seconds' worth */
    assert_in_range(delay_ms, 5000, 20000);
    /* Those that leave make room. */
    budget_leave(&budget, &waiters[0]);
    budget_leave(&budget, &waiters[0]);
    assert_int_equal(budget.waiting_count, count - 1);
    assert_true(budget_wait(&budget, &waiters[0], false, 1000, &delay_ms));
}

static void changes_while_they_wait(void **state)
{
    struct budget budget = budget_of(1, 1);
    uint64_t delay_ms;

    (void)state;
    for (int at = 0; at < 10; at++)
        assert_true(budget_wait(&budget, &waiters[at], false, 1000, &delay_ms));
    assert_non_null(budget_next(&budget, 1000));
    /* A reload gives no new burst. */
    budget_set(&budget, 1, 5, 1000);
    assert_null(budget_next(&budget, 1000));
    assert_int_equal(budget_due_ms(&budget, 1000), 1000);
    budget_set(&budget, 100, 5, 1000);
    assert_int_equal(budget_due_ms(&budget, 1000), 10);
    budget_set(&budget, 0, 1, 1000);
    for (int at = 1; at < 10; at++)
        assert_ptr_equal(budget_next(&budget, 1000), &waiters[at]);
    assert_null(budget_next(&budget, 1000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(holds_a_burst_and_then_the_rate),
        cmocka_unit_test(no_limit_is_none),
        cmocka_unit_test(no_second_has_more),
        cmocka_unit_test(the_timer_is_exact),
        cmocka_unit_test(who_came_first_goes_first),
        cmocka_unit_test(bulk_comes_after_but_never_starves),
        cmocka_unit_test(nobody_waits_too_long),
        cmocka_unit_test(changes_while_they_wait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
