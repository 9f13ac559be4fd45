/* links: connect_store connect_base */
/* test_store_damaged.c - a file that is whole for SQLite and wrong for us: what
 * cannot be read is parked, what cannot be trusted is refused with a sentence.
 *
 * Found by tests/fuzz/fuzz_store.c, which looks for more. */
#include "store_kit.h"

/* Close the store and change its file behind its back. */
static void damage(struct kit *kit, const char *sql)
{
    char path[128];
    sqlite3 *handle;

    kit_close(kit);
    snprintf(path, sizeof(path), "%s/connect.db", kit->directory);
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
}

static void refused(struct kit *kit, const char *sql)
{
    struct error err = {""};

    damage(kit, sql);
    assert_int_not_equal(kit_try_open(kit, &err), 0);
    kit->store = NULL;
    if (!strstr(err.text, "connect.db"))
        fail_msg("%s: \"%s\"", sql, err.text);
}

static void unknown_states_are_parked(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "one", "", false);
    kit_step_row(kit, 1, "read", STEP_DONE);
    kit_accept(kit, "two", "", false);
    kit_deliver(kit, 2, "post", "deal-2", "customer", 0);
    kit_accept(kit, "three", "", false);
    damage(kit, "UPDATE step SET state = 9; UPDATE delivery SET state = -1");
    kit_open(kit);
    assert_int_equal(kit_claim(kit, "", 10), 1);
    assert_int_equal(kit_state(kit, 1), RUN_PARKED);
    assert_int_equal(kit_state(kit, 2), RUN_PARKED);
    assert_int_equal(kit_state(kit, 3), RUN_ACTIVE);
}

static void runs_of_unknown_states_are_not_touched(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "one", "", true);
    damage(kit, "UPDATE run SET state = 9");
    kit_open(kit);
    assert_int_equal(kit_run(kit, 1, RUN_DONE).decision, STORE_REFUSED);
    assert_int_equal(kit_act(kit, STORE_DISCARD, 1).decision, STORE_REFUSED);
    assert_int_equal(kit_claim(kit, "", 10), 0);
    assert_int_equal(kit_state(kit, 1), 9);
}

/* The disk gives back other bytes, whole for SQLite. */
static void turned_bytes_are_parked(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "one", "", false);
    kit_accept(kit, "two", "", false);
    kit_deliver(kit, 2, "post", "deal-2", "customer", 0);
    kit_accept(kit, "three", "", false);
    damage(kit, "UPDATE record SET body = CAST(replace(body, '1', '2') AS"
                " BLOB) WHERE id = (SELECT min(id) FROM record);"
                "UPDATE delivery SET body = substr(body, 1, 12)");
    kit_open(kit);
    assert_int_equal(kit_claim(kit, "", 10), 1);
    assert_int_equal(kit_state(kit, 1), RUN_PARKED);
    assert_int_equal(kit_state(kit, 2), RUN_PARKED);
    assert_int_equal(kit_state(kit, 3), RUN_ACTIVE);
}

static void a_run_without_its_record_is_parked(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "one", "", false);
    kit_accept(kit, "two", "", false);
    damage(kit, "DELETE FROM record WHERE id = (SELECT min(id) FROM record)");
    kit_open(kit);
    assert_int_equal(kit_claim(kit, "", 10), 1);
    assert_int_equal(kit_state(kit, 1), RUN_PARKED);
    assert_int_equal(kit_state(kit, 2), RUN_ACTIVE);
}

static void wrong_clocks_are_refused(void **state)
{
    refused(*state, "UPDATE meta SET steady_ms = 9223372036854775807");
}

static void wrong_counters_are_refused(void **state)
{
    refused(*state, "UPDATE meta SET run_next = -1");
}

static void an_unreadable_audit_is_refused(void **state)
{
    refused(*state, "DROP TABLE audit");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(unknown_states_are_parked),
        KIT_TEST(runs_of_unknown_states_are_not_touched),
        KIT_TEST(turned_bytes_are_parked),
        KIT_TEST(a_run_without_its_record_is_parked),
        KIT_TEST(wrong_clocks_are_refused),
        KIT_TEST(wrong_counters_are_refused),
        KIT_TEST(an_unreadable_audit_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
