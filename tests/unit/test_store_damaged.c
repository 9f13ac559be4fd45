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

/* Whole for SQLite page by page; the entries are those of another column. */
static void damage_index(struct kit *kit)
{
    damage(kit, "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql ="
                " 'CREATE INDEX run_state ON run (priority, number)' WHERE"
                " name = 'run_state'");
    damage(kit, "REINDEX run_state");
    damage(kit, "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql ="
                " 'CREATE INDEX run_state ON run (state, number)' WHERE"
                " name = 'run_state'");
}

static int64_t mended(struct kit *kit)
{
    return kit_count(kit, "SELECT count(*) FROM alert WHERE"
                          " cause = 'database:mended'");
}

static void a_damaged_index_is_mended(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "one", "", false);
    damage_index(kit);
    kit_open(kit);
    assert_int_equal(kit_claim(kit, "", 10), 0);
    assert_int_equal(kit->status, -EIO);
    assert_int_equal(kit_claim(kit, "", 10), 1);
    assert_int_equal(kit_acts(kit, "store.reindexed"), 1);
    assert_int_equal(mended(kit), 1);
    kit_verify(kit);
    kit_reopen(kit);
    kit_verify(kit);
}

static void note_damage(struct kit *kit, char path[128])
{
    FILE *file;

    snprintf(path, 128, "%s/connect.check", kit->directory);
    file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
}

/* A process ended because of damage: the next one looks before it works. */
static void noted_damage_is_looked_at(void **state)
{
    struct kit *kit = *state;
    struct error err = {""};
    char path[128];

    kit_accept(kit, "one", "", false);
    damage_index(kit);
    note_damage(kit, path);
    kit_open(kit);
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(mended(kit), 1);
    assert_int_equal(kit_claim(kit, "", 10), 1);
    damage(kit, "PRAGMA ignore_check_constraints = ON; UPDATE meta SET id = 2");
    note_damage(kit, path);
    assert_int_equal(kit_try_open(kit, &err), -EBADMSG);
    kit->store = NULL;
    assert_non_null(strstr(err.text, "connect.db is damaged"));
    assert_non_null(strstr(err.text, "--restore"));
    assert_int_equal(access(path, F_OK), 0);
    damage(kit, "UPDATE meta SET id = 1");
    kit_open(kit);
    assert_int_equal(access(path, F_OK), -1);
    kit_verify(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(unknown_states_are_parked),
        KIT_TEST(runs_of_unknown_states_are_not_touched),
        KIT_TEST(turned_bytes_are_parked),
        KIT_TEST(a_run_without_its_record_is_parked),
        KIT_TEST(a_damaged_index_is_mended),
        KIT_TEST(noted_damage_is_looked_at),
        KIT_TEST(wrong_clocks_are_refused),
        KIT_TEST(wrong_counters_are_refused),
        KIT_TEST(an_unreadable_audit_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
