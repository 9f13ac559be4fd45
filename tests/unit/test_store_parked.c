/* links: connect_store connect_base */
/* test_store_parked.c - the alerts about parked runs: one per flow and code,
 * as many as are parked, and gone with the last. */
#include "store_kit.h"

#define CODE "parked:won-deal:code"

/* A new run of the flow, parked with the code. */
static uint64_t park(struct kit *kit, const char *flow, const char *code)
{
    static unsigned number;
    struct store_batch *batch = store_batch_create();
    struct store_run_change change = {.state = RUN_PARKED, .code = code};
    char id[16];

    snprintf(id, sizeof(id), "p%u", number++);
    kit->flow = flow;
    change.run = kit_accept(kit, id, "", true).run;
    kit->flow = NULL;
    store_batch_run(batch, &change);
    assert_int_equal(kit_commit(kit, batch).decision, STORE_APPLIED);
    return change.run;
}

/* 0: there is no such alert. */
static int64_t count_of(struct kit *kit, const char *cause)
{
    char sql[256];

    snprintf(sql, sizeof(sql),
             "SELECT coalesce((SELECT count FROM alert WHERE cause = '%s'), 0)",
             cause);
    return kit_count(kit, sql);
}

static void change_file(struct kit *kit, const char *sql)
{
    kit_count(kit, "SELECT 1"); /* opens the handle */
    assert_int_equal(sqlite3_exec(kit->handle, sql, NULL, NULL, NULL),
                     SQLITE_OK);
}

static void one_for_each_flow_and_code(void **state)
{
    struct kit *kit = *state;
    uint64_t first = park(kit, "won-deal", "rejected");
    uint64_t second = park(kit, "won-deal", "rejected");

    park(kit, "won-deal", "mapping");
    park(kit, "lost-deal", NULL);
    assert_int_equal(count_of(kit, "parked:won-deal:rejected"), 2);
    assert_int_equal(count_of(kit, "parked:won-deal:mapping"), 1);
    assert_int_equal(count_of(kit, "parked:lost-deal:other"), 1);
    assert_int_equal(kit_acts(kit, "alert.raised"), 3);
    kit_verify(kit);
    kit_act(kit, STORE_RETRY, first);
    assert_int_equal(count_of(kit, "parked:won-deal:rejected"), 1);
    assert_int_equal(kit_acts(kit, "alert.cleared"), 0);
    kit_act(kit, STORE_DISCARD, second);
    assert_int_equal(count_of(kit, "parked:won-deal:rejected"), 0);
    assert_int_equal(kit_acts(kit, "alert.cleared"), 1);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM alert"), 2);
    kit_verify(kit);
}

static void held_ones_are_not_told(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "", true);
    kit_run(kit, 1, RUN_HELD);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM alert"), 0);
    kit_verify(kit);
}

static void every_way_out_ends_it(void **state)
{
    struct kit *kit = *state;

    assert_int_equal(park(kit, NULL, "code"), 1);
    kit_edit(kit, 1, NULL, "{\"n\":2}");
    assert_int_equal(count_of(kit, CODE), 1); /* it is parked still */
    kit_act(kit, STORE_RESTART, 1);
    assert_int_equal(count_of(kit, CODE), 0);
    kit_act(kit, STORE_DISCARD, 1);
    /* A person answers for it. */
    kit_accept(kit, "doubt", "", true);
    kit_deliver(kit, 2, "post", "deal-1", "customer", KIT_ADOPT);
    kit->doubt = true;
    kit_settle(kit, 2, DELIVERY_PARKED);
    kit->doubt = false;
    kit_run(kit, 2, RUN_PARKED);
    assert_int_equal(count_of(kit, CODE), 1);
    kit_answer_doubt(kit, 2, true, "\"SO-9\"");
    assert_int_equal(count_of(kit, CODE), 0);
    /* A newer version takes its place. */
    kit_accept(kit, "old", "box-1", true);
    kit_run(kit, 3, RUN_PARKED);
    assert_int_equal(count_of(kit, CODE), 1);
    kit->newer = STORE_NEWER_OVERTAKES;
    assert_int_equal(kit_accept(kit, "new", "box-1", true).overtaken, 1);
    kit->newer = STORE_NEWER_WAITS;
    assert_int_equal(count_of(kit, CODE), 0);
    assert_int_equal(kit_acts(kit, "alert.raised"), 3);
    assert_int_equal(kit_acts(kit, "alert.cleared"), 3);
    kit_verify(kit);
}

/* Parked once more, for another reason. */
static void the_reason_may_change(void **state)
{
    struct kit *kit = *state;
    uint64_t run = park(kit, NULL, "rejected");

    kit_run(kit, run, RUN_PARKED);
    assert_int_equal(count_of(kit, "parked:won-deal:rejected"), 0);
    assert_int_equal(count_of(kit, CODE), 1);
    kit_verify(kit);
}

static void it_stays_while_they_do(void **state)
{
    struct kit *kit = *state;
    const int64_t year_ms = INT64_C(365) * 24 * 3600 * 1000;
    struct store_prune prune = {.run_age_ms = year_ms / 4, .count = 1000};
    struct store_batch *batch = store_batch_create();

    park(kit, NULL, "code");
    store_batch_alert(batch, "another", "text");
    store_batch_alert_acknowledge(batch, "ann", "another");
    kit_commit(kit, batch);
    /* What is old and acknowledged is forgotten, but not this. */
    batch = store_batch_create();
    store_batch_alert_acknowledge(batch, "ann", "another");
    store_batch_alert_acknowledge(batch, "ann", CODE);
    kit_commit(kit, batch);
    kit_step(kit, year_ms, year_ms);
    assert_int_equal(kit_prune(kit, &prune).pruned, 1);
    assert_int_equal(count_of(kit, "another"), 0);
    assert_int_equal(count_of(kit, CODE), 1);
    kit_verify(kit);
}

static void what_is_known_stays_known(void **state)
{
    struct kit *kit = *state;
    struct store_batch *batch = store_batch_create();

    park(kit, NULL, "code");
    store_batch_alert_acknowledge(batch, "ann", CODE);
    kit_commit(kit, batch);
    park(kit, NULL, "code");
    assert_int_equal(kit_count(kit, "SELECT acknowledged FROM alert"), 1);
    kit_act(kit, STORE_RETRY, 1);
    assert_int_equal(kit_count(kit, "SELECT acknowledged FROM alert"), 1);
    kit_act(kit, STORE_RETRY, 2);
    /* All were mended: what comes now is new. */
    park(kit, NULL, "code");
    assert_int_equal(kit_count(kit, "SELECT acknowledged FROM alert"), 0);
    /* And so is what still comes a day later. */
    batch = store_batch_create();
    store_batch_alert_acknowledge(batch, "ann", CODE);
    kit_commit(kit, batch);
    kit_step(kit, STORE_ALERT_QUIET_MS + 1, STORE_ALERT_QUIET_MS + 1);
    park(kit, NULL, "code");
    assert_int_equal(kit_count(kit, "SELECT acknowledged FROM alert"), 0);
    kit_verify(kit);
}

/* As a daemon left it that knew nothing of these alerts. */
static void opening_makes_them_fit(void **state)
{
    struct kit *kit = *state;
    int64_t entries;

    park(kit, NULL, "code");
    park(kit, NULL, "code");
    park(kit, "lost-deal", "mapping");
    park(kit, "lost-deal", NULL);
    change_file(kit, "DELETE FROM alert WHERE cause LIKE '%won%';"
                     "UPDATE alert SET count = 7 WHERE cause LIKE '%mapping';"
                     "UPDATE alert SET cause = 'parked:gone:code' WHERE"
                     " cause LIKE '%other'");
    kit_reopen(kit);
    assert_int_equal(count_of(kit, CODE), 2);
    assert_int_equal(count_of(kit, "parked:lost-deal:mapping"), 1);
    assert_int_equal(count_of(kit, "parked:lost-deal:other"), 1);
    assert_int_equal(count_of(kit, "parked:gone:code"), 0);
    kit_verify(kit);
    /* What fits is left alone. */
    entries = kit_acts(kit, "alert.raised") + kit_acts(kit, "alert.cleared");
    kit_reopen(kit);
    assert_int_equal(kit_acts(kit, "alert.raised") +
                         kit_acts(kit, "alert.cleared"),
                     entries);
    kit_verify(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(one_for_each_flow_and_code),
        KIT_TEST(held_ones_are_not_told),
        KIT_TEST(every_way_out_ends_it),
        KIT_TEST(the_reason_may_change),
        KIT_TEST(it_stays_while_they_do),
        KIT_TEST(what_is_known_stays_known),
        KIT_TEST(opening_makes_them_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
