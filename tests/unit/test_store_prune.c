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
                                    " 'events:0 runs:1 alerts:0 audit:0"
                                    " quarantine:0,events:0 runs:1 alerts:0"
                                    " audit:0 quarantine:0' FROM"
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

static void acknowledge(struct kit *kit, const char *cause)
{
    struct store_batch *batch = store_batch_create();

    store_batch_alert_acknowledge(batch, "ann", cause);
    kit_commit(kit, batch);
}

static void alerts_go_when_they_are_quiet(void **state)
{
    struct kit *kit = *state;
    struct store_prune prune = {.run_age_ms = 90LL * DAY_MS, .count = 1000};
    struct store_batch *batch = store_batch_create();

    store_batch_alert(batch, "old", "text");
    store_batch_alert(batch, "again", "text");
    store_batch_alert(batch, "unseen", "text");
    kit_commit(kit, batch);
    acknowledge(kit, "old");
    days(kit, 60);
    batch = store_batch_create();
    store_batch_alert(batch, "again", "text");
    kit_commit(kit, batch);
    acknowledge(kit, "again");
    days(kit, 31);
    assert_int_equal(kit_prune(kit, &prune).pruned, 1);
    assert_int_equal(kit_count(kit, "SELECT group_concat(cause) ="
                                    " 'again,unseen' FROM alert"),
                     1);
    days(kit, 1000);
    assert_int_equal(kit_prune(kit, &prune).pruned, 1);
    assert_int_equal(kit_count(kit, "SELECT cause = 'unseen' FROM alert"), 1);
    kit_verify(kit);
}

/* An event that begins no run leaves its identity, until that is old too. */
static void an_event_without_runs_leaves_no_record(void **state)
{
    struct kit *kit = *state;
    struct store_prune prune = {.event_age_ms = 30LL * DAY_MS, .count = 500};
    struct store_accept accept = {.origin = "streak",
                                  .type = "box_event/1",
                                  .id = kit_bytes("event"),
                                  .key = kit_bytes("box-1"),
                                  .body = kit_bytes("{\"n\":1}"),
                                  .person = kit_bytes("ann@example.com")};

    for (int round = 0; round < 2; round++) {
        struct store_batch *batch = store_batch_create();
        store_batch_accept(batch, &accept);
        assert_int_equal(kit_commit(kit, batch).decision,
                         round ? STORE_DUPLICATE : STORE_APPLIED);
    }
    assert_int_equal(rows(kit, "event"), 1);
    assert_int_equal(rows(kit, "record"), 0);
    assert_int_equal(rows(kit, "person"), 0);
    days(kit, 31);
    assert_int_equal(kit_prune(kit, &prune).pruned, 1);
    assert_int_equal(rows(kit, "event"), 0);
    kit_verify(kit);
}

/* Nobody looks, for years: the file does not fill with it. */
static void alerts_that_nobody_sees_are_bounded(void **state)
{
    struct kit *kit = *state;
    struct store_prune prune = {.run_age_ms = 90LL * DAY_MS, .count = 500};
    char cause[32];

    for (int at = 0; at < 1700; at += 100) {
        struct store_batch *batch = store_batch_create();
        for (int more = 0; more < 100; more++) {
            snprintf(cause, sizeof(cause), "cause-%04d", at + more);
            store_batch_alert(batch, cause, "text");
        }
        kit_commit(kit, batch);
        days(kit, 1);
    }
    assert_int_equal(kit_prune(kit, &prune).pruned, 0);
    days(kit, 100);
    assert_int_equal(kit_prune(kit, &prune).pruned, 500);
    assert_int_equal(kit_prune(kit, &prune).pruned, 200);
    assert_int_equal(kit_prune(kit, &prune).pruned, 0);
    assert_int_equal(kit_count(kit, "SELECT min(cause) = 'cause-0700' AND"
                                    " count(*) = 1000 FROM alert"),
                     1);
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

static void quarantine(struct kit *kit, const char *content)
{
    struct store_batch *batch = store_batch_create();
    struct store_quarantine what = {"streak", "member /x", kit_bytes(content)};

    store_batch_quarantine(batch, &what);
    kit_commit(kit, batch);
}

static void the_quarantine_goes_by_age(void **state)
{
    struct kit *kit = *state;
    struct store_prune prune = {.quarantine_age_ms = 90LL * DAY_MS,
                                .count = 1000};

    quarantine(kit, "{\"old\":1}");
    quarantine(kit, "{\"again\":1}");
    days(kit, 60);
    quarantine(kit, "{\"again\":1}"); /* it arrived once more */
    days(kit, 31);
    assert_int_equal(kit_prune(kit, &prune).pruned, 1);
    assert_int_equal(kit_count(kit, "SELECT count = 2 FROM quarantine"), 1);
    assert_int_equal(rows(kit, "alert"), 1);
    assert_int_equal(kit_acts(kit, "quarantine.forgotten"), 1);
    assert_int_equal(kit_acts(kit, "alert.cleared"), 1);
    days(kit, 60);
    assert_int_equal(kit_prune(kit, &prune).pruned, 1);
    assert_int_equal(rows(kit, "quarantine"), 0);
    assert_int_equal(rows(kit, "alert"), 0);
    kit_verify(kit);
}

static void quarantine_of(struct kit *kit, int number)
{
    static char content[200001];

    memset(content, 'x', sizeof(content) - 1);
    snprintf(content, sizeof(content), "%d ", number);
    content[strlen(content)] = 'x';
    quarantine(kit, content);
}

static int64_t hurried(struct kit *kit)
{
    return kit_count(kit, "SELECT count(*) FROM alert WHERE"
                          " cause = 'database:small'");
}

/* What was accepted and waits for a person does not go for want of room: it is
 * told. */
static void the_quarantine_does_not_go_by_size(void **state)
{
    struct kit *kit = *state;
    struct store_prune prune = {.bytes_max = 1024 * 1024, .count = 1000};

    done(kit, "a");
    for (int number = 0; number < 10; number++)
        quarantine_of(kit, number);
    days(kit, 80);
    assert_int_equal(kit_prune(kit, &prune).pruned, 4);
    assert_int_equal(rows(kit, "run"), 0);
    assert_int_equal(rows(kit, "quarantine"), 10);
    assert_int_equal(hurried(kit), 1);
    kit_verify(kit);
}

static void too_small_a_size_is_told(void **state)
{
    struct kit *kit = *state;
    struct store_prune small = {.bytes_max = 4096, .count = 1000};
    struct store_prune large = {.bytes_max = 1024 * 1024, .count = 1000};
    struct store_prune one = {.bytes_max = 4096, .count = 4};

    /* An old run goes: that is what the size is for. */
    done(kit, "a");
    days(kit, 2);
    assert_int_equal(kit_prune(kit, &one).pruned, 4);
    assert_int_equal(hurried(kit), 0);
    done(kit, "b");
    assert_int_equal(kit_prune(kit, &small).pruned, 4);
    assert_int_equal(hurried(kit), 1);
    /* It fits, but did not an hour ago. */
    kit_step(kit, DAY_MS / 24, DAY_MS / 24);
    kit_prune(kit, &large);
    assert_int_equal(hurried(kit), 1);
    done(kit, "c");
    assert_int_equal(kit_prune(kit, &small).decision, STORE_APPLIED);
    assert_int_equal(hurried(kit), 1);
    days(kit, 2);
    kit_prune(kit, &small); /* it still does not */
    assert_int_equal(hurried(kit), 1);
    days(kit, 2);
    kit_prune(kit, &large);
    assert_int_equal(hurried(kit), 0);
    assert_int_equal(kit_acts(kit, "alert.raised"), 1);
    assert_int_equal(kit_acts(kit, "alert.cleared"), 1);
    kit_verify(kit);
}

/* One day of it: deals new and old, something nobody can use, alerts. */
static void work_of_a_day(struct kit *kit, int day, bool new_deals)
{
    char text[64];

    for (int deal = 0; deal < 4; deal++) {
        uint64_t run;
        snprintf(text, sizeof(text), "event-%d-%d", day, deal);
        run = kit_accept(kit, text, "", true).run;
        snprintf(text, sizeof(text), "deal-%d",
                 new_deals ? day * 4 + deal : deal);
        kit_step_row(kit, run, "read", STEP_DONE);
        kit_deliver(kit, run, "post", text, "", 0);
        kit_settle(kit, run, DELIVERY_DONE);
        kit_run(kit, run, RUN_DONE);
    }
    snprintf(text, sizeof(text), "{\"day\":%d}", day);
    quarantine(kit, text);
}

/* Pages of the file after so many days of work. */
static int64_t pages_after(struct kit *kit, int from, int to, bool new_deals)
{
    struct store_prune prune = {.event_age_ms = 40LL * DAY_MS,
                                .run_age_ms = 40LL * DAY_MS,
                                .audit_age_ms = 60LL * DAY_MS,
                                .quarantine_age_ms = 20LL * DAY_MS,
                                .bytes_max = 64 * 1024 * 1024,
                                .count = 500};

    for (int day = from; day < to; day++) {
        work_of_a_day(kit, day, new_deals);
        days(kit, 1);
        while (kit_prune(kit, &prune).pruned == prune.count)
            ;
    }
    return kit_count(kit, "PRAGMA page_count");
}

/* Nothing is left of a day but which deals there were. */
static void the_file_does_not_grow_for_ever(void **state)
{
    enum { YEAR = 200 }; /* five times what is kept */
    struct kit *kit = *state;
    int64_t first = pages_after(kit, 0, YEAR, false);
    int64_t second = pages_after(kit, YEAR, 3 * YEAR, false);
    int64_t third;

    if (second > first + first / 20)
        fail_msg("%d pages, %d later", (int)first, (int)second);
    assert_in_range(rows(kit, "run"), 160, 168);
    assert_in_range(rows(kit, "quarantine"), 19, 21);
    assert_in_range(rows(kit, "alert"), 19, 21);
    third = pages_after(kit, 3 * YEAR, 4 * YEAR, true);
    /* A deal is remembered in some 200 bytes. */
    if ((third - second) * 4096 > 4 * YEAR * 250 + second * 4096 / 20)
        fail_msg("%d pages, %d with new deals", (int)second, (int)third);
    kit_verify(kit);
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
        KIT_TEST(alerts_that_nobody_sees_are_bounded),
        KIT_TEST(an_event_without_runs_leaves_no_record),
        KIT_TEST(audit_keeps_its_anchor),
        KIT_TEST(size_is_kept),
        KIT_TEST(the_quarantine_goes_by_age),
        KIT_TEST(the_quarantine_does_not_go_by_size),
        KIT_TEST(too_small_a_size_is_told),
        KIT_TEST(the_file_does_not_grow_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
