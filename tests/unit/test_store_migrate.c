/* links: connect_store connect_base */
/* test_store_migrate.c - databases of every schema version, with work in
 * flight, are opened and nothing is lost.
 *
 * tests/golden/store has one for each version: v1.db and its v1.key and so on.
 * They were made by this program as it was then: test_store_migrate --make
 * DIRECTORY */
#include "store_kit.h"

#include <fcntl.h>
#include <sys/stat.h>

static void copy_file(const char *from, const char *to)
{
    char bytes[65536];
    ssize_t len;
    int in = open(from, O_RDONLY);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (in < 0 || out < 0)
        fail_msg("%s to %s: %s", from, to, strerror(errno));
    while ((len = read(in, bytes, sizeof(bytes))) > 0)
        assert_int_equal(write(out, bytes, (size_t)len), len);
    close(in);
    close(out);
}

static void copy_in(struct kit *kit, const char *from, const char *name)
{
    char source[512], target[128];

    snprintf(source, sizeof(source), "%s/golden/store/%s", TEST_SOURCE_DIR,
             from);
    snprintf(target, sizeof(target), "%s/%s", kit->directory, name);
    copy_file(source, target);
}

/* Every kind of row, every state of runs and deliveries. */
static void work_in_flight(struct kit *kit)
{
    struct store_batch *batch = store_batch_create();

    kit_accept(kit, "sending", "", true);
    kit_step_row(kit, 1, "read", STEP_DONE);
    kit_deliver(kit, 1, "post", "deal-1", "customer", KIT_ADOPT);
    kit_accept(kit, "waiting", "", true);
    kit_deliver(kit, 2, "post", "deal-2", "customer", KIT_ADOPT);
    kit_accept(kit, "done", "", true);
    kit_deliver(kit, 3, "post", "deal-3", "other", KIT_ADOPT);
    kit_settle(kit, 3, DELIVERY_DONE);
    kit_run(kit, 3, RUN_DONE);
    kit_accept(kit, "parked", "box-4", true);
    kit_deliver(kit, 4, "post", "deal-4", "third", 0);
    kit->doubt = true;
    kit_settle(kit, 4, DELIVERY_PARKED);
    kit_run(kit, 4, RUN_PARKED);
    kit->doubt = false;
    kit_accept(kit, "queued", "box-4", false);
    kit_accept(kit, "held", "", true);
    kit_deliver(kit, 6, "post", "deal-6", "fourth", 0);
    kit_settle(kit, 6, DELIVERY_HELD);
    kit_run(kit, 6, RUN_HELD);
    kit_accept(kit, "ready", "", false);
    kit_accept(kit, "active", "", true);
    kit_accept(kit, "active", "", true);
    store_batch_cursor(batch, "streak", "boxes", kit_bytes("page-2"));
    store_batch_state(batch, "streak", "hook", kit_bytes("123"));
    store_batch_flow(batch, "won-deal", "v1", kit_bytes("{}"));
    store_batch_alert(batch, "syspro.auth", "cannot log on");
    kit_commit(kit, batch);
    batch = store_batch_create();
    store_batch_quarantine(batch,
                           &(struct store_quarantine){"streak", "member /x",
                                                      kit_bytes("{\"x\":1}")});
    kit_commit(kit, batch);
    /* New in version 2. */
    batch = store_batch_create();
    store_batch_alert_acknowledge(batch, "ann", "syspro.auth");
    kit_commit(kit, batch);
    kit_act(kit, STORE_REPLAY, 3);
    kit_prune(kit, &(struct store_prune){.bytes_max = 1, .count = 1});
    kit_accept(kit, "asked", "", true);
    kit_deliver(kit, 10, "post", "deal-10", "", 0);
    kit_settle(kit, 10, DELIVERY_IN_DOUBT);
    kit_settle(kit, 10, DELIVERY_READY);
}

static int make(const char *directory)
{
    struct kit kit;
    char from[128], to[512];
    sqlite3 *handle;

    kit_start(&kit);
    kit_open(&kit);
    work_in_flight(&kit);
    /* As after a crash: never closed, but whole without its log. */
    snprintf(from, sizeof(from), "%s/connect.db", kit.directory);
    sqlite3_open(from, &handle);
    sqlite3_exec(handle, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL);
    sqlite3_close(handle);
    snprintf(to, sizeof(to), "%s/v3.db", directory);
    copy_file(from, to);
    snprintf(from, sizeof(from), "%s/lookup.key", kit.directory);
    snprintf(to, sizeof(to), "%s/v3.key", directory);
    copy_file(from, to);
    store_close(kit.store);
    kit_remove(&kit);
    return 0;
}

static void open_golden(struct kit *kit, const char *database, const char *key)
{
    kit_close(kit);
    kit_remove(kit);
    assert_int_equal(mkdir(kit->directory, 0700), 0);
    copy_in(kit, database, "connect.db");
    copy_in(kit, key, "lookup.key");
    kit_step(kit, 0, 5000);
    kit_open(kit);
    assert_int_equal(kit_count(kit, "SELECT schema_version FROM meta"), 3);
}

static void version_1_is_opened(void **state)
{
    struct kit *kit = *state;

    open_golden(kit, "v1.db", "v1.key");
    assert_int_equal(kit_state(kit, 1), RUN_READY);
    assert_int_equal(kit_delivery(kit, 1), DELIVERY_IN_DOUBT);
    assert_int_equal(kit_state(kit, 2), RUN_WAITING);
    assert_int_equal(kit_state(kit, 3), RUN_DONE);
    assert_int_equal(kit_state(kit, 4), RUN_PARKED);
    assert_int_equal(kit_state(kit, 5), RUN_QUEUED);
    assert_int_equal(kit_state(kit, 6), RUN_HELD);
    assert_int_equal(kit_claim(kit, "", 10), 3); /* 1, 7 and 8 */
    assert_string_equal(kit->work_body, "{\"n\":1}");
    assert_int_equal(kit_accept(kit, "done", "", false).decision,
                     STORE_DUPLICATE);
    /* The older one is found to be there: the one behind it goes on. */
    assert_int_equal(kit_settle(kit, 1, DELIVERY_DONE).ready_count, 1);
    assert_int_equal(kit_claim(kit, "syspro", 1), 1);
    assert_int_equal(kit_intent(kit, 2).decision, STORE_APPLIED);
    assert_int_equal(kit_act(kit, STORE_RETRY, 4).ready_count, 1);
    assert_int_equal(kit_delivery(kit, 4), DELIVERY_IN_DOUBT);
    assert_int_equal(kit_act(kit, STORE_RELEASE, 6).ready_count, 1);
    assert_int_equal(
        kit_deliver(kit, 8, "post", "deal-3", "other", KIT_ADOPT).decision,
        STORE_EXISTS);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM cursor"), 1);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM instance_state"), 1);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM flow_version"), 1);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM alert"), 1);
    kit_verify(kit);
}

/* What is new in version 2 works on what was made by version 1. */
static void version_1_becomes_2(void **state)
{
    struct kit *kit = *state;
    const int64_t day_ms = 24 * 3600 * 1000;
    struct store_prune prune = {
        .run_age_ms = day_ms, .audit_age_ms = day_ms, .count = 1000};
    int64_t entries;

    open_golden(kit, "v1.db", "v1.key");
    /* Finished five seconds of wall time ago, at most. */
    assert_int_equal(kit_count(kit, "SELECT (SELECT finished_ms FROM run WHERE"
                                    " number = 3) BETWEEN 1 AND steady_ms FROM"
                                    " meta"),
                     1);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run WHERE"
                                    " finished_ms > 0"),
                     1);
    entries = kit_count(kit, "SELECT audit_sequence FROM meta");
    assert_int_equal(kit_prune(kit, &prune).pruned, 0);
    assert_int_equal(kit_act(kit, STORE_REPLAY, 3).decision, STORE_APPLIED);
    assert_int_equal(kit_answer_doubt(kit, 4, true, "\"SO-4\"").decision,
                     STORE_APPLIED);
    kit_step(kit, 2 * day_ms, 2 * day_ms);
    kit_accept(kit, "later", "", false);
    /* Run 3 with its delivery; the replay has its record.  The alert of then
     * stays: nobody acknowledged it. */
    assert_true(kit_prune(kit, &prune).pruned >= 2);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM alert"), 1);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run WHERE number ="
                                    " 3"),
                     0);
    assert_true(kit_count(kit, "SELECT anchor_sequence FROM meta") > 0);
    assert_true(kit_count(kit, "SELECT anchor_sequence FROM meta") <= entries);
    kit_verify(kit);
    kit_reopen(kit);
    kit_verify(kit);
}

/* What a flow made is found under its new name, by another flow, and for
 * nothing but its target. */
static void entities_of_version_2_are_found(void **state)
{
    struct kit *kit = *state;
    uint64_t run;

    for (int golden = 1; golden <= 2; golden++) {
        open_golden(kit, golden == 1 ? "v1.db" : "v2.db",
                    golden == 1 ? "v1.key" : "v2.key");
        assert_int_equal(kit_count(kit, "SELECT count(*) FROM entity WHERE"
                                        " named_by_flow = 0"),
                         0);
        run = kit_accept(kit, "fresh", "", true).run;
        kit->maker = "renamed";
        kit->instance = "elsewhere";
        assert_int_equal(
            kit_deliver(kit, run, "other", "deal-3", "", KIT_ADOPT).decision,
            STORE_APPLIED);
        kit->instance = "syspro";
        for (int again = 0; again < 2; again++)
            assert_int_equal(
                kit_deliver(kit, run, "post", "deal-3", "", KIT_ADOPT).decision,
                STORE_EXISTS);
        assert_int_equal(
            kit_deliver(kit, run, "new", "deal-300", "", KIT_ADOPT).decision,
            STORE_APPLIED);
        assert_int_equal(kit_count(kit, "SELECT count(*) FROM entity WHERE"
                                        " named_by_flow = 0"),
                         3);
        kit_verify(kit);
    }
}

/* The tables of a file: a hash would do, a sum of lengths tells less. */
static void schema_of(struct kit *kit, char *text, size_t size)
{
    sqlite3_stmt *row;
    size_t len = 0;

    kit_count(kit, "SELECT 1"); /* opens the handle */
    assert_int_equal(sqlite3_prepare_v2(kit->handle,
                                        "SELECT sql FROM sqlite_schema WHERE"
                                        " sql IS NOT NULL ORDER BY name",
                                        -1, &row, NULL),
                     SQLITE_OK);
    text[0] = '\0';
    while (sqlite3_step(row) == SQLITE_ROW && len < size)
        len += (size_t)snprintf(text + len, size - len, "%s\n",
                                (const char *)sqlite3_column_text(row, 0));
    sqlite3_finalize(row);
    assert_true(len > 1000 && len < size);
}

/* Nobody edits a migration that files were made with. */
static void every_way_leads_to_the_same_tables(void **state)
{
    static char fresh[32768], golden[32768];
    struct kit *kit = *state;

    schema_of(kit, fresh, sizeof(fresh));
    open_golden(kit, "v1.db", "v1.key");
    schema_of(kit, golden, sizeof(golden));
    assert_string_equal(fresh, golden);
    open_golden(kit, "v2.db", "v2.key");
    schema_of(kit, golden, sizeof(golden));
    assert_string_equal(fresh, golden);
    open_golden(kit, "v3.db", "v3.key");
    schema_of(kit, golden, sizeof(golden));
    assert_string_equal(fresh, golden);
}

static void version_2_is_opened(void **state)
{
    struct kit *kit = *state;

    open_golden(kit, "v2.db", "v2.key");
    assert_int_equal(kit_delivery(kit, 1), DELIVERY_IN_DOUBT);
    assert_int_equal(kit_state(kit, 2), RUN_WAITING);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run WHERE number ="
                                    " 3"),
                     0);
    assert_int_equal(kit_count(kit, "SELECT forgotten_count FROM meta"), 1);
    assert_int_equal(kit_state(kit, 4), RUN_PARKED);
    assert_int_equal(kit_count(kit, "SELECT acknowledged = 1 AND"
                                    " acknowledged_by = 'ann' FROM alert"),
                     1);
    assert_int_equal(kit_state(kit, 9), RUN_READY); /* the replay */
    assert_int_equal(kit_count(kit, "SELECT asked_ms > 0 FROM delivery WHERE"
                                    " run = 10"),
                     1);
    assert_int_equal(kit_answer_doubt(kit, 4, true, "").decision,
                     STORE_APPLIED);
    assert_int_equal(kit_accept(kit, "done", "", false).decision,
                     STORE_DUPLICATE);
    kit_verify(kit);
}

static void version_3_is_opened(void **state)
{
    struct kit *kit = *state;
    struct store_prune prune = {.quarantine_age_ms = 1000, .count = 10};

    open_golden(kit, "v3.db", "v3.key");
    assert_int_equal(kit_delivery(kit, 1), DELIVERY_IN_DOUBT);
    assert_int_equal(kit_state(kit, 9), RUN_READY);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM quarantine"), 1);
    assert_int_equal(kit_prune(kit, &prune).pruned, 1);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM quarantine"), 0);
    kit_verify(kit);
}

int main(int argument_count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(version_1_is_opened),
        KIT_TEST(version_1_becomes_2),
        KIT_TEST(version_2_is_opened),
        KIT_TEST(version_3_is_opened),
        KIT_TEST(entities_of_version_2_are_found),
        KIT_TEST(every_way_leads_to_the_same_tables),
    };

    if (argument_count == 3 && !strcmp(arguments[1], "--make"))
        return make(arguments[2]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
