/* links: connect_plugin */
/* What the end of an operation means: every row of the rules in plugin.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "plugin/op.h"

enum { SAME = -1 /* the status that was said */ };

struct row {
    cn_status said;
    int quiet;   /* network "host", nothing with effect sent */
    int blind;   /* the host cannot know what the plugin sent */
    int settled; /* with effect sent, and answered */
    int doubt;   /* with effect sent, and no definite answer */
    bool broken;
};

static const struct row deliver_rows[] = {
    {CN_OK, CN_OK, CN_OK, CN_OK, CN_OK, false},
    {CN_RETRY, SAME, SAME, SAME, CN_IN_DOUBT, false},
    {CN_RATE_LIMITED, SAME, SAME, SAME, CN_IN_DOUBT, false},
    {CN_AUTH, SAME, SAME, SAME, CN_IN_DOUBT, false},
    {CN_REJECTED, SAME, SAME, SAME, CN_IN_DOUBT, false},
    {CN_HOLD, SAME, SAME, SAME, CN_IN_DOUBT, false},
    {CN_UNSUPPORTED, SAME, SAME, SAME, CN_IN_DOUBT, false},
    {CN_IN_DOUBT, SAME, SAME, SAME, SAME, false},
    {CN_CANCELLED, CN_RETRY, CN_IN_DOUBT, CN_IN_DOUBT, CN_IN_DOUBT, false},
    {CN_FULL, CN_RETRY, CN_IN_DOUBT, CN_IN_DOUBT, CN_IN_DOUBT, true},
    {CN_INVALID, CN_RETRY, CN_IN_DOUBT, CN_IN_DOUBT, CN_IN_DOUBT, true},
    {CN_ABSENT, CN_RETRY, CN_IN_DOUBT, CN_IN_DOUBT, CN_IN_DOUBT, true},
    {77, CN_RETRY, CN_IN_DOUBT, CN_IN_DOUBT, CN_IN_DOUBT, true},
    {-1, CN_RETRY, CN_IN_DOUBT, CN_IN_DOUBT, CN_IN_DOUBT, true},
};

static const struct op_facts quiet = {.network_host = true};
static const struct op_facts blind = {.requested = false};
static const struct op_facts settled = {.network_host = true,
                                        .requested = true,
                                        .answered = true,
                                        .effect_sent = true};
static const struct op_facts doubt = {.network_host = true,
                                      .requested = true,
                                      .effect_sent = true,
                                      .doubt = true};

static void row_check(enum op_kind kind, const struct row *row,
                      const struct op_facts *facts, int expected)
{
    bool broken, overruled;
    cn_status status = op_conclude(kind, row->said, facts, &broken, &overruled);

    if (expected == SAME)
        expected = row->said;
    if (status != expected || broken != row->broken)
        fail_msg("%s, %d: %s%s", op_kind_text(kind), row->said,
                 op_status_text(status), broken ? " broken" : "");
    assert_int_equal(overruled, kind == OP_DELIVER && facts->doubt && !broken &&
                                    row->said != CN_OK &&
                                    row->said != CN_IN_DOUBT &&
                                    row->said != CN_CANCELLED);
}

static void deliver(void **state)
{
    (void)state;
    for (size_t index = 0; index < sizeof(deliver_rows) / sizeof(*deliver_rows);
         index++) {
        const struct row *row = &deliver_rows[index];
        row_check(OP_DELIVER, row, &quiet, row->quiet);
        row_check(OP_DELIVER, row, &blind, row->blind);
        row_check(OP_DELIVER, row, &settled, row->settled);
        row_check(OP_DELIVER, row, &doubt, row->doubt);
    }
}

static void others(void **state)
{
    static const enum op_kind kinds[] = {OP_POLL,   OP_PROBE, OP_TRANSFORM,
                                         OP_CALL,   OP_CHECK, OP_STOP,
                                         OP_RECEIVE};

    (void)state;
    for (size_t index = 0; index < sizeof(kinds) / sizeof(*kinds); index++) {
        for (cn_status said = -1; said <= CN_ABSENT + 1; said++) {
            bool probe = kinds[index] == OP_PROBE && said == CN_ABSENT;
            struct row row = {
                .said = said,
                .broken = !probe && (said < 0 || said == CN_FULL ||
                                     said == CN_INVALID || said >= CN_ABSENT)};
            int expected = row.broken || said == CN_IN_DOUBT ? CN_RETRY : said;
            row_check(kinds[index], &row, &blind, expected);
            row_check(kinds[index], &row, &doubt, expected);
        }
        assert_int_equal(op_conclude_lost(kinds[index], &doubt), CN_RETRY);
    }
}

static void lost(void **state)
{
    (void)state;
    assert_int_equal(op_conclude_lost(OP_DELIVER, &quiet), CN_RETRY);
    assert_int_equal(op_conclude_lost(OP_DELIVER, &blind), CN_IN_DOUBT);
    assert_int_equal(op_conclude_lost(OP_DELIVER, &settled), CN_IN_DOUBT);
    assert_int_equal(op_conclude_lost(OP_DELIVER, &doubt), CN_IN_DOUBT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(deliver),
        cmocka_unit_test(others),
        cmocka_unit_test(lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
