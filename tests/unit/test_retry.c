/* links: connect_flow connect_base */
/* The next move, for every way an operation can end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "flow/retry.h"

static const struct retry_limits limits = {
    .attempts_max = 5,
    .retry_after_max_ms = 900000,
    .delay_first_ms = 1000,
    .delay_max_ms = 60000,
    .hold_ms = 600000,
};

struct row {
    enum op_kind kind;
    cn_status status;
    bool answered;
    uint32_t attempts;
    uint64_t retry_after_ms;
    int64_t since_intent_ms;
    enum retry_move move;
    uint32_t attempts_after;
};

static struct retry_next decide(const struct row *row)
{
    struct op_outcome outcome = {
        .kind = row->kind,
        .status = row->status,
        .answered = row->answered,
        .retry_after_ms = row->retry_after_ms,
    };
    struct retry_case was = {
        .outcome = &outcome,
        .attempts = row->attempts,
        .random = 77777,
        .since_intent_ms = row->since_intent_ms,
        .settle_ms = 60000,
    };

    return retry_decide(&limits, &was);
}

static void test_moves(void **state)
{
    static const struct row rows[] = {
        {OP_DELIVER, CN_OK, true, 0, 0, 0, MOVE_DONE, 0},
        {OP_DELIVER, CN_RETRY, true, 0, 0, 0, MOVE_AGAIN, 1},
        {OP_DELIVER, CN_RETRY, true, 3, 0, 0, MOVE_AGAIN, 4},
        {OP_DELIVER, CN_RETRY, true, 4, 0, 0, MOVE_PARK, 5},
        {OP_DELIVER, CN_RETRY, false, 4, 0, 0, MOVE_REST, 4},
        {OP_DELIVER, CN_RATE_LIMITED, false, 4, 5000, 0, MOVE_REST, 4},
        {OP_DELIVER, CN_AUTH, true, 0, 0, 0, MOVE_REST, 0},
        {OP_DELIVER, CN_REJECTED, true, 0, 0, 0, MOVE_PARK, 1},
        {OP_DELIVER, CN_UNSUPPORTED, true, 0, 0, 0, MOVE_PARK, 1},
        {OP_DELIVER, CN_HOLD, true, 2, 0, 0, MOVE_HOLD, 2},
        {OP_DELIVER, CN_IN_DOUBT, false, 0, 0, 0, MOVE_PROBE, 0},
        {OP_DELIVER, CN_IN_DOUBT, true, 0, 0, 0, MOVE_PROBE, 0},
        {OP_CALL, CN_IN_DOUBT, false, 0, 0, 0, MOVE_REST, 0},
        {OP_CALL, CN_RETRY, true, 4, 0, 0, MOVE_PARK, 5},
        {OP_CALL, CN_CANCELLED, false, 4, 0, 0, MOVE_AGAIN, 4},
        {OP_PROBE, CN_OK, true, 0, 0, 10, MOVE_DONE, 0},
        {OP_PROBE, CN_ABSENT, true, 0, 0, 59999, MOVE_PROBE, 0},
        {OP_PROBE, CN_ABSENT, true, 0, 0, 60000, MOVE_SEND, 1},
        {OP_PROBE, CN_ABSENT, true, 4, 0, 59999, MOVE_PROBE, 4},
        {OP_PROBE, CN_ABSENT, true, 4, 0, 60000, MOVE_PARK, 5},
        {OP_PROBE, CN_RETRY, true, 0, 0, 900000, MOVE_PROBE, 0},
        {OP_PROBE, CN_REJECTED, true, 0, 0, 900000, MOVE_PARK, 0},
        {OP_PROBE, CN_RETRY, false, 0, 0, 900000, MOVE_PROBE, 0},
    };

    (void)state;
    for (size_t index = 0; index < sizeof(rows) / sizeof(rows[0]); index++) {
        struct retry_next next = decide(&rows[index]);
        if (next.move != rows[index].move ||
            next.attempts != rows[index].attempts_after)
            fail_msg("row %zu: move %d, attempts %u", index, (int)next.move,
                     next.attempts);
    }
}

static void test_retry_after_is_honoured_and_capped(void **state)
{
    struct row row = {OP_DELIVER, CN_RETRY, true, 0, 5000, 0, MOVE_AGAIN, 1};

    (void)state;
    assert_int_equal(decide(&row).delay_ms, 5000);
    row.retry_after_ms = 1000000000;
    assert_int_equal(decide(&row).delay_ms, limits.retry_after_max_ms);
    row.status = CN_RATE_LIMITED;
    assert_int_equal(decide(&row).delay_ms, limits.retry_after_max_ms);
}

/* The question waits as long as the other side asked for. */
static void test_a_doubt_waits_as_asked(void **state)
{
    struct row row = {OP_DELIVER, CN_IN_DOUBT, false,      0,
                      20000,      0,           MOVE_PROBE, 0};

    (void)state;
    assert_int_equal(decide(&row).move, MOVE_PROBE);
    assert_int_equal(decide(&row).delay_ms, 20000);
    row.retry_after_ms = 1000000000;
    assert_int_equal(decide(&row).delay_ms, limits.retry_after_max_ms);
    row.retry_after_ms = 1;
    assert_in_range(decide(&row).delay_ms, 250, 1250);
}

/* Full jitter: anywhere from 1 to the ceiling, and the ceiling doubles. */
static void test_delay_grows_with_jitter(void **state)
{
    (void)state;
    for (uint32_t count = 0; count < 200; count++) {
        uint64_t ceiling = count < 6 ? 1000u << count : 60000;
        if (ceiling > 60000)
            ceiling = 60000;
        assert_int_equal(retry_delay(1000, 60000, count, ceiling - 1), ceiling);
        assert_int_equal(retry_delay(1000, 60000, count, ceiling), 1);
    }
    assert_int_equal(retry_delay(0, 0, 3, 9), 1);
}

static void test_long_doubt_alerts(void **state)
{
    struct row row = {OP_PROBE, CN_RETRY, true, 0, 0, 299999, MOVE_PROBE, 0};

    (void)state;
    assert_false(decide(&row).alert);
    row.since_intent_ms = 300000;
    assert_true(decide(&row).alert);
}

/* The gate says when a question that nobody heard is asked again; one over
 * which the plugin breaks is asked more and more rarely. */
static void test_unheard_probe_does_not_grow(void **state)
{
    struct op_outcome outcome = {.kind = OP_PROBE, .status = CN_RETRY};
    struct retry_case was = {
        .outcome = &outcome, .probes = 5, .since_intent_ms = 300000};
    struct retry_next next = retry_decide(&limits, &was);

    (void)state;
    assert_int_equal(next.move, MOVE_PROBE);
    assert_int_equal(next.probes, 5);
    assert_int_equal(next.delay_ms, 0);
    assert_true(next.alert);
    outcome.broken = true;
    next = retry_decide(&limits, &was);
    assert_int_equal(next.probes, 6);
    assert_true(next.delay_ms > 0);
}

/* A record over which its plugin hangs each time is parked like one that the
 * other side refuses to take, though nobody answered. */
static void test_broken_counts(void **state)
{
    struct op_outcome outcome = {
        .kind = OP_DELIVER, .status = CN_RETRY, .broken = true};
    struct retry_case was = {.outcome = &outcome, .random = 1};

    (void)state;
    for (; was.attempts < 4; was.attempts++)
        assert_int_equal(retry_decide(&limits, &was).move, MOVE_AGAIN);
    assert_int_equal(retry_decide(&limits, &was).move, MOVE_PARK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_broken_counts),
        cmocka_unit_test(test_retry_after_is_honoured_and_capped),
        cmocka_unit_test(test_a_doubt_waits_as_asked),
        cmocka_unit_test(test_delay_grows_with_jitter),
        cmocka_unit_test(test_long_doubt_alerts),
        cmocka_unit_test(test_unheard_probe_does_not_grow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
