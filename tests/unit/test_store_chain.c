/* links: connect_store connect_base */
/* test_store_chain.c - the audit chain, steady time, and opening. */
#include "store_kit.h"

#include <fcntl.h>
#include <sys/stat.h>

static void sql(struct kit *kit, const char *text)
{
    char path[128];
    sqlite3 *handle;

    snprintf(path, sizeof(path), "%s/connect.db", kit->directory);
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    if (sqlite3_exec(handle, text, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", text, sqlite3_errmsg(handle));
    sqlite3_close(handle);
}

static void some_entries(struct kit *kit)
{
    kit_accept(kit, "a", "", true);
    kit_accept(kit, "b", "", true);
    kit_run(kit, 1, RUN_DONE);
}

static void refuse_chain(struct kit *kit, const char *text, const char *expect)
{
    struct error err = {""};

    some_entries(kit);
    sql(kit, text);
    assert_int_equal(store_verify(kit->store, &err), -EBADMSG);
    if (!strstr(err.text, expect))
        fail_msg("%s", err.text);
}

static void changed_entry_shows(void **state)
{
    refuse_chain(*state, "UPDATE audit SET detail = 'x' WHERE sequence = 2",
                 "entry 2");
}

static void changed_time_shows(void **state)
{
    refuse_chain(*state,
                 "UPDATE audit SET wall_ms = wall_ms + 1 WHERE sequence = 4",
                 "entry 4");
}

static void removed_entry_shows(void **state)
{
    refuse_chain(*state, "DELETE FROM audit WHERE sequence = 3", "entry 3");
}

static void cut_end_shows(void **state)
{
    refuse_chain(*state,
                 "DELETE FROM audit WHERE sequence = (SELECT max(sequence)"
                 " FROM audit)",
                 "was written last");
}

static void cut_end_is_not_opened(void **state)
{
    struct kit *kit = *state;
    struct error err = {""};

    some_entries(kit);
    kit_close(kit);
    sql(kit, "DELETE FROM audit WHERE sequence > 4");
    assert_int_equal(kit_try_open(kit, &err), -EBADMSG);
    assert_non_null(strstr(err.text, "was written last"));
}

static void steady_time_goes_on(void **state)
{
    struct kit *kit = *state;
    int64_t before, day = 24LL * 3600 * 1000;

    before = store_steady_ms(kit->store);
    kit_step(kit, 500, 10 * day); /* the wall clock jumps: nothing */
    assert_int_equal(store_steady_ms(kit->store), before + 500);
    kit_accept(kit, "a", "", false);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM audit WHERE act ="
                                    " 'clock.jumped'"),
                     1);
    kit_close(kit);
    kit->monotonic_ms = 3; /* another boot */
    kit->wall_ms += 7000;
    kit_open(kit);
    assert_int_equal(store_steady_ms(kit->store), before + 7500);
    kit_close(kit);
    kit->wall_ms -= 3 * day; /* set back: no time has passed */
    kit_open(kit);
    assert_int_equal(store_steady_ms(kit->store), before + 7500);
    kit_close(kit);
    kit->wall_ms += 3650 * day; /* set forwards: a day at most */
    kit_open(kit);
    assert_int_equal(store_steady_ms(kit->store), before + 7500 + day);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM audit WHERE act ="
                                    " 'clock.jumped'"),
                     3);
    kit_verify(kit);
}

/* Nothing was committed between the jump and the end. */
static void a_jump_before_the_end_is_noted(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "", false);
    kit_step(kit, 1000, 3600 * 1000);
    kit_reopen(kit);
    assert_int_equal(kit_acts(kit, "clock.jumped"), 1);
    assert_int_equal(kit_count(kit, "SELECT detail = 'ms:3599000' FROM audit"
                                    " WHERE act = 'clock.jumped'"),
                     1);
    kit_step(kit, 1000, 1000);
    kit_reopen(kit);
    assert_int_equal(kit_acts(kit, "clock.jumped"), 1);
    kit_verify(kit);
}

static void quiet_time_is_not_lost(void **state)
{
    struct kit *kit = *state;
    int64_t before = store_steady_ms(kit->store);

    /* Three days without a commit: closing saves the clocks. */
    kit_step(kit, 3LL * 24 * 3600 * 1000, 3LL * 24 * 3600 * 1000);
    kit_reopen(kit);
    assert_int_equal(store_steady_ms(kit->store),
                     before + 3LL * 24 * 3600 * 1000);
}

static void due_time_survives_a_restart(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "", true);
    kit->due_ms = store_steady_ms(kit->store) + 60000;
    kit_run(kit, 1, RUN_READY);
    kit->due_ms = 0;
    kit_close(kit);
    kit_step(kit, 0, 30000);
    kit_open(kit);
    assert_int_equal(kit_claim(kit, "", 1), 0);
    kit_step(kit, 29999, 29999);
    assert_int_equal(kit_claim(kit, "", 1), 0);
    kit_step(kit, 1, 1);
    assert_int_equal(kit_claim(kit, "", 1), 1);
}

static void newer_schema_is_refused(void **state)
{
    struct kit *kit = *state;
    struct error err = {""};

    kit_close(kit);
    sql(kit, "UPDATE meta SET schema_version = 7");
    assert_int_equal(kit_try_open(kit, &err), -EINVAL);
    assert_non_null(strstr(err.text, "schema 7"));
}

static void foreign_file_is_refused(void **state)
{
    struct kit *kit = *state;
    struct error err = {""};

    kit_close(kit);
    kit_remove(kit);
    assert_int_equal(mkdir(kit->directory, 0700), 0);
    sql(kit, "CREATE TABLE t (x)");
    assert_int_not_equal(kit_try_open(kit, &err), 0);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM sqlite_schema"), 1);
}

static void key_file_is_guarded(void **state)
{
    struct kit *kit = *state;
    struct error err = {""};
    struct stat about;
    char path[128];

    snprintf(path, sizeof(path), "%s/lookup.key", kit->directory);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    kit_close(kit);
    assert_int_equal(chmod(path, 0640), 0);
    assert_int_equal(kit_try_open(kit, &err), -EPERM);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(truncate(path, 5), 0);
    assert_int_equal(kit_try_open(kit, &err), -EBADMSG);
    assert_int_equal(truncate(path, 32), 0); /* another key */
    assert_int_equal(kit_try_open(kit, &err), -EBADMSG);
    assert_non_null(strstr(err.text, "made with"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(kit_try_open(kit, &err), -ENOENT);
    snprintf(path, sizeof(path), "%s/connect.db", kit->directory);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
}

static void second_process_is_refused(void **state)
{
    struct kit *kit = *state, other = *kit;
    struct error err = {""};

    assert_int_equal(kit_try_open(&other, &err), -EBUSY);
    assert_non_null(strstr(err.text, "in use"));
}

static void lease_of_a_dead_owner_ends(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "", true);
    kit_deliver(kit, 1, "post", "deal", "", 0);
    kit_close(kit);
    kit->owner = "other";
    kit_open(kit);
    assert_int_equal(kit_state(kit, 1), RUN_ACTIVE);
    assert_int_equal(kit_claim(kit, "", 5), 0);
    assert_int_equal(kit_run(kit, 1, RUN_DONE).decision, STORE_REFUSED);
    kit_step(kit, 120000, 120000);
    assert_int_equal(kit_claim(kit, "", 5), 1);
    assert_int_equal(kit_delivery(kit, 1), DELIVERY_IN_DOUBT);
    kit_step(kit, 120000, 120000);
    assert_int_equal(kit_claim(kit, "", 5), 0); /* our own do not end */
    kit_verify(kit);
}

static void unreadable_run_is_parked(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "", false);
    kit_accept(kit, "b", "", false);
    sql(kit, "UPDATE record SET body = x'7700' WHERE id ="
             " (SELECT record FROM run WHERE number = 1)");
    assert_int_equal(kit_claim(kit, "", 5), 1);
    assert_int_equal(kit->claimed[0], 2);
    assert_int_equal(kit_state(kit, 1), RUN_PARKED);
    kit_verify(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(changed_entry_shows),
        KIT_TEST(changed_time_shows),
        KIT_TEST(removed_entry_shows),
        KIT_TEST(cut_end_shows),
        KIT_TEST(cut_end_is_not_opened),
        KIT_TEST(steady_time_goes_on),
        KIT_TEST(a_jump_before_the_end_is_noted),
        KIT_TEST(quiet_time_is_not_lost),
        KIT_TEST(due_time_survives_a_restart),
        KIT_TEST(newer_schema_is_refused),
        KIT_TEST(foreign_file_is_refused),
        KIT_TEST(key_file_is_guarded),
        KIT_TEST(second_process_is_refused),
        KIT_TEST(lease_of_a_dead_owner_ends),
        KIT_TEST(unreadable_run_is_parked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
