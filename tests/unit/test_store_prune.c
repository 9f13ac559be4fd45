/* links: connect_store connect_base */
/* test_store_prune.c - what is old is forgotten, what prevents second orders
 * is not, and the rest of the audit can still be checked. */
#include "store_kit.h"

enum { DAY_MS = 24 * 3600 * 1000 };

/* A run from event to DONE, with a step and a delivery. */
static uint64_t done(struct kit *kit, const char *id)
{
    uint64_t run = kit_accept(kit, id, "", true).run;

    kit_step_row(kit, run, "read", STEP_DONE);
    kit_deliver(kit, run, "post", id, "", KIT_ADOPT);
    kit_settle(kit, run, DELIVERY_DONE);
    kit_run(kit, run, RUN_DONE);
    return run;
}

static int64_t rows(struct kit *kit, const char *table)
{
    char sql[96];

    snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", table);
    return kit_count(kit, sql);
}

static void days(struct kit *kit, int count)
{
    for (int day = 0; day < count; day++) {
        struct store_batch *batch = store_batch_create();
        kit_step(kit, DAY_MS, DAY_MS);
        store_batch_renew(batch);
        kit_commit(kit, batch);
    }
}

static void nothing_is_forgotten_unasked(void **state)
{
    struct kit *kit = *state;
    struct store_prune prune = {.count = 1000};

    done(kit, "a");
    days(kit, 900);
    assert_int_equal(kit_prune(kit, &prune).pruned, 0);
    assert_int_equal(rows(kit, "run"), 1);
    assert_int_equal(rows(kit, "event"), 1);
    kit_verify(kit);
}

static void finished_runs_go_by_age(void **state)
{
    struct kit *kit = *state;
    struct store_prune prune = {.run_age_ms = 90LL * DAY_MS, .count = 1000};

    done(kit, "a");
    kit_accept(kit, "open", "", true);
    kit_run(kit, 2, RUN_PARKED);
    kit_accept(kit, "late", "", true);
    days(kit, 60);
    kit_run(kit, 3, RUN_DONE); /* accepted with the others, done later */
    days(kit, 31);
    /* Run, step, delivery and record. */
    assert_int_equal(kit_prune(kit, &prune).pruned, 4);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run WHERE number ="
                                    " 1"),
                     0);
    assert_int_equal(rows(kit, "run"), 2);
    assert_int_equal(rows(kit, "record"), 2);
    assert_int_equal(rows(kit, "delivery"), 0);
    assert_int_equal(rows(kit, "step"), 0);
    assert_int_equal(rows(kit, "entity"), 1);
    assert_int_equal(rows(kit, "xref"), 1);
    assert_int_equal(kit_count(kit, "SELECT forgotten_count FROM meta"), 1);
    /* Its event and its order are still known. */
    assert_int_equal(kit_accept(kit, "a", "", true).decision, STORE_DUPLICATE);
    kit_accept(kit, "again", "", true);
    assert_int_equal(kit_deliver(kit, 4, "post", "a", "", KIT_ADOPT).decision,
                     STORE_EXISTS);
    assert_string_equal(kit->body, "\"SO-1\"");
    days(kit, 60);
    assert_int_equal(kit_prune(kit, &prune).pruned, 2);
    assert_int_equal(kit_state(kit, 2), RUN_PARKED);
    assert_int_equal(kit_count(kit, "SELECT group_concat(detail) ="
                                    " 'events:0 runs:1 alerts:0 audit:0,"
                                    "events:0 runs:1 alerts:0 audit:0' FROM"
                                    " audit WHERE act = 'store.pruned'"),
                     1);
    kit_verify(kit);
    kit_reopen(kit);
    assert_int_equal(kit_count(kit, "SELECT forgotten_count FROM meta"), 2);
    kit_verify(kit);
}

static void wall_clock_does_not_age(void **state)
{
    struct kit *kit = *state;
    struct store_prune prune = {.run_age_ms = 90LL * DAY_MS,
                                .event_age_ms = 90LL * DAY_MS,
                                .audit_age_ms = 90LL * DAY_MS,
                                .count = 1000};

    done(kit, "a");
    kit_step(kit, DAY_MS, 5000LL * DAY_MS);
    assert_int_equal(kit_prune(kit, &prune).pruned, 0);
    kit_close(kit);
    kit_step(kit, DAY_MS, 5000LL * DAY_MS);
    kit_open(kit);
    assert_int_equal(kit_prune(kit, &prune).pruned, 0);
    kit_verify(kit);
}

static void shared_record_stays_with_the_last(void **state)
{
    struct kit *kit = *state;
    struct store_prune prune = {.run_age_ms = 90LL * DAY_MS, .count = 1000};

    done(kit, "a");
    assert_int_equal(kit_act(kit, STORE_REPLAY, 1).run, 2);
    days(kit, 91);
    assert_int_equal(kit_prune(kit, &prune).pruned, 3);
    assert_int_equal(rows(kit, "record"), 1);
    assert_int_equal(kit_claim(kit, "", 1), 1);
    assert_string_equal(kit->work_body, "{\"n\":1}");
    kit_run(kit, 2, RUN_DONE);
    days(kit, 91);
    assert_int_equal(kit_prune(kit, &prune).pruned, 2);
    assert_int_equal(rows(kit, "record"), 0);
    kit_verify(kit);
}

static void no_more_than_asked_for_at_once(void **state)
{
    struct kit *kit = *state;
    struct store_prune prune = {.event_age_ms = 30LL * DAY_MS,
                                .run_age_ms = 30LL * DAY_MS,
                                .audit_age_ms = 30LL * DAY_MS,
                                .count = 7};
    int rounds = 0;
    char id[16];

    for (int index = 0; index < 10; index++) {
        snprintf(id, sizeof(id), "e%d", index);
        done(kit, id);
    }
    days(kit, 31);
    while (kit_prune(kit, &prune).pruned == prune.count) {
        rounds++;
        assert_true(rounds < 100);
        kit_verify(kit);
    }
    assert_true(rounds > 5);
    assert_int_equal(rows(kit, "event"), 0);
    assert_int_equal(rows(kit, "run"), 0);
    assert_int_equal(rows(kit, "record"), 0);
    assert_int_equal(rows(kit, "entity"), 10);
    kit_verify(kit);
}

static void alerts_go_when_they_are_quiet(void **state)
{
    struct kit *kit = *state;
    struct store_prune prune = {.run_age_ms = 90LL * DAY_MS, .count = 1000};
    struct store_batch *batch = store_batch_create();

    store_batch_alert(batch, "old", "text");
    store_batch_alert(batch, "again", "text");
    kit_commit(kit, batch);
    days(kit, 60);
    batch = store_batch_create();
    store_batch_alert(batch, "again", "text");
    kit_commit(kit, batch);
    days(kit, 31);
    assert_int_equal(kit_prune(kit, &prune).pruned, 1);
    assert_int_equal(kit_count(kit, "SELECT cause = 'again' FROM alert"), 1);
    kit_verify(kit);
}

static void audit_keeps_its_anchor(void **state)
{
    struct kit *kit = *state;
    struct store_prune prune = {.audit_age_ms = 30LL * DAY_MS, .count = 1000};
    struct error err = {""};
    int64_t before, cut;

    done(kit, "a");
    before = kit_count(kit, "SELECT audit_sequence FROM meta");
    days(kit, 20);
    done(kit, "b");
    days(kit, 12);
    cut = (int64_t)kit_prune(kit, &prune).pruned;
    assert_int_equal(cut, before);
    assert_int_equal(kit_count(kit, "SELECT min(sequence) FROM audit"),
                     cut + 1);
    assert_int_equal(kit_count(kit, "SELECT anchor_sequence FROM meta"), cut);
    kit_verify(kit);
    kit_reopen(kit);
    kit_verify(kit);
    /* All of it: only what pruning itself says is left. */
    days(kit, 40);
    kit_prune(kit, &prune);
    kit_prune(kit, &prune);
    assert_true(rows(kit, "audit") <= 4);
    kit_verify(kit);
    kit_reopen(kit);
    kit_verify(kit);
    days(kit, 40);
    kit_prune(kit, &prune);
    assert_int_equal(rows(kit, "audit"), 1);
    kit_reopen(kit);
    kit_verify(kit);
    /* What is cut off by another hand shows. */
    kit_count(kit, "SELECT 1");
    assert_int_equal(sqlite3_exec(kit->handle,
                                  "DELETE FROM audit WHERE sequence ="
                                  " (SELECT min(sequence) FROM audit)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(store_verify(kit->store, &err), -EBADMSG);
}

static void size_is_kept(void **state)
{
    struct kit *kit = *state;
    struct store_prune prune = {.bytes_max = 1024 * 1024, .count = 200};
    char *large = calloc(20001, 1);
    int64_t file_pages = 0, used;
    char id[16];

    memset(large, 'x', 20000);
    large[0] = large[19999] = '"';
    kit->order_body = large;
    for (int index = 0; index < 400; index++) {
        snprintf(id, sizeof(id), "e%d", index);
        done(kit, id);
        while (kit_prune(kit, &prune).pruned == prune.count)
            ;
        used = kit_count(kit, "SELECT 4096 * (SELECT page_count -"
                              " freelist_count FROM pragma_page_count,"
                              " pragma_freelist_count)");
        if (used > prune.bytes_max + 2 * 4096) /* its audit entry */
            fail_msg("%d: %d bytes in use, %d runs", index, (int)used,
                     (int)rows(kit, "run"));
        if (index == 200)
            file_pages = kit_count(kit, "PRAGMA page_count");
    }
    /* The newest are there, and what was freed is used again. */
    assert_int_equal(kit_state(kit, 400), RUN_DONE);
    assert_true(rows(kit, "run") > 5 && rows(kit, "run") < 60);
    assert_int_equal(kit_count(kit, "SELECT min(number) + count(*) = 401 FROM"
                                    " run"),
                     1);
    assert_true(kit_count(kit, "PRAGMA page_count") <= file_pages + 30);
    assert_int_equal(rows(kit, "entity"), 400);
    kit_verify(kit);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(nothing_is_forgotten_unasked),
        KIT_TEST(finished_runs_go_by_age),
        KIT_TEST(wall_clock_does_not_age),
        KIT_TEST(shared_record_stays_with_the_last),
        KIT_TEST(no_more_than_asked_for_at_once),
        KIT_TEST(alerts_go_when_they_are_quiet),
        KIT_TEST(audit_keeps_its_anchor),
        KIT_TEST(size_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
