/* links: connect_store connect_base */
/* test_store_people.c - what people do: settle a doubt, edit what is stored,
 * replay, acknowledge alerts, empty the quarantine. */
#include "store_kit.h"

/* Run 1 with one delivery in doubt; the run parked, held, or ready. */
static void doubtful(struct kit *kit, enum run_state state)
{
    kit_accept(kit, "a", "box-1", true);
    kit_step_row(kit, 1, "read", STEP_DONE);
    kit_deliver(kit, 1, "post", "deal-1", "customer", KIT_ADOPT);
    if (state == RUN_READY) {
        kit->queue = "syspro";
        kit->due_ms = store_steady_ms(kit->store) + 60000;
        kit_settle(kit, 1, DELIVERY_IN_DOUBT);
    } else {
        kit->doubt = true;
        kit_settle(kit, 1,
                   state == RUN_PARKED ? DELIVERY_PARKED : DELIVERY_IN_DOUBT);
        kit->doubt = false;
    }
    kit_run(kit, 1, state);
    kit->queue = "";
    kit->due_ms = 0;
    assert_int_equal(kit_count(kit, "SELECT doubt FROM delivery"), 1);
}

static void raise_alert(struct kit *kit, const char *cause)
{
    struct store_batch *batch = store_batch_create();

    store_batch_alert(batch, cause, "somebody must look");
    kit_commit(kit, batch);
}

static void settled_as_happened(void **state)
{
    static const enum run_state states[] = {RUN_PARKED, RUN_HELD, RUN_READY};
    struct kit *kit = *state;

    for (size_t index = 0; index < 3; index++) {
        doubtful(kit, states[index]);
        raise_alert(kit, "doubt:1");
        raise_alert(kit, "doubt:11");
        assert_int_equal(kit_answer_doubt(kit, 1, true, "\"SO-9\"").decision,
                         STORE_APPLIED);
        assert_int_equal(kit->result.ready_count, 1);
        assert_int_equal(kit_delivery(kit, 1), DELIVERY_DONE);
        assert_int_equal(kit_state(kit, 1), RUN_READY);
        assert_int_equal(kit_count(kit, "SELECT due_ms FROM run"), 0);
        assert_int_equal(kit_count(kit, "SELECT doubt FROM delivery"), 0);
        assert_int_equal(kit_count(kit, "SELECT count(*) FROM alert WHERE"
                                        " cause = 'doubt:1'"),
                         0);
        assert_int_equal(kit_count(kit, "SELECT count(*) FROM alert"), 1);
        assert_int_equal(kit_acts(kit, "act.happened"), 1);
        assert_int_equal(kit_count(kit, "SELECT detail LIKE 'reason:%' AND"
                                        " actor = 'ann' FROM audit WHERE"
                                        " act = 'act.happened'"),
                         1);
        /* Nobody sends it again. */
        kit_accept(kit, "b", "", true);
        assert_int_equal(
            kit_deliver(kit, 2, "post", "deal-1", "", KIT_ADOPT).decision,
            STORE_EXISTS);
        assert_string_equal(kit->body, "\"SO-9\"");
        kit_verify(kit);
        kit_close(kit);
        kit_remove(kit);
        kit_open(kit);
    }
}

static void settled_without_a_name(void **state)
{
    struct kit *kit = *state;

    doubtful(kit, RUN_PARKED);
    assert_int_equal(kit_answer_doubt(kit, 1, true, "").decision,
                     STORE_APPLIED);
    kit_accept(kit, "b", "", true);
    assert_int_equal(
        kit_deliver(kit, 2, "post", "deal-1", "", KIT_ADOPT).decision,
        STORE_EXISTS);
    kit_verify(kit);
}

static void settled_as_absent(void **state)
{
    struct kit *kit = *state;

    doubtful(kit, RUN_PARKED);
    assert_int_equal(kit_answer_doubt(kit, 1, false, "").decision,
                     STORE_APPLIED);
    assert_int_equal(kit_delivery(kit, 1), DELIVERY_READY);
    assert_int_equal(kit_count(kit, "SELECT doubt FROM delivery"), 0);
    assert_int_equal(kit_acts(kit, "act.absent"), 1);
    assert_int_equal(kit_claim(kit, "", 1), 1);
    assert_int_equal(kit_intent(kit, 1).decision, STORE_APPLIED);
    kit_verify(kit);
}

static void settle_is_refused(void **state)
{
    struct kit *kit = *state;

    assert_int_equal(kit_answer_doubt(kit, 1, true, "").decision,
                     STORE_REFUSED);
    /* Being sent: only the engine knows. */
    kit_accept(kit, "a", "box-1", true);
    kit_deliver(kit, 1, "post", "deal-1", "customer", KIT_ADOPT);
    assert_int_equal(kit_answer_doubt(kit, 1, true, "").decision,
                     STORE_REFUSED);
    assert_int_equal(kit_delivery(kit, 1), DELIVERY_SENDING);
    /* Parked, but nothing is in doubt. */
    kit_settle(kit, 1, DELIVERY_PARKED);
    kit_run(kit, 1, RUN_PARKED);
    assert_int_equal(kit_answer_doubt(kit, 1, true, "").decision,
                     STORE_REFUSED);
    assert_int_equal(kit_delivery(kit, 1), DELIVERY_PARKED);
    kit_act(kit, STORE_DISCARD, 1);
    assert_int_equal(kit_answer_doubt(kit, 1, true, "").decision,
                     STORE_REFUSED);
    kit_verify(kit);
}

/* One event, two runs: an edit is of one. */
static void edited_record_is_of_one_run(void **state)
{
    struct kit *kit = *state;
    struct store_batch *batch = store_batch_create();
    struct store_accept_run runs[2] = {
        {.flow = "won-deal", .flow_version = "v1", .claim = true},
        {.flow = "customer", .flow_version = "v1", .claim = true}};
    struct store_accept accept = {.origin = "streak",
                                  .type = "box_event/1",
                                  .id = kit_bytes("event"),
                                  .key = kit_bytes("box-1"),
                                  .body = kit_bytes("{\"n\":1}"),
                                  .person = kit_bytes("ann@example.com"),
                                  .run_count = 2,
                                  .runs = runs};

    store_batch_accept(batch, &accept);
    kit_commit(kit, batch);
    assert_int_equal(kit_edit(kit, 1, NULL, "{}").decision, STORE_REFUSED);
    kit_run(kit, 1, RUN_PARKED);
    kit_run(kit, 2, RUN_HELD);
    assert_int_equal(kit_edit(kit, 1, NULL, "{\"n\":2}").decision,
                     STORE_APPLIED);
    assert_int_equal(kit_state(kit, 1), RUN_PARKED);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM record"), 2);
    assert_int_equal(kit_acts(kit, "act.edited"), 1);
    kit_act(kit, STORE_RESTART, 1);
    assert_int_equal(kit_claim(kit, "", 1), 1);
    assert_string_equal(kit->work_body, "{\"n\":2}");
    kit_act(kit, STORE_RETRY, 2);
    assert_int_equal(kit_claim(kit, "", 1), 1);
    assert_string_equal(kit->work_body, "{\"n\":1}");
    /* Edited again: nobody needs the copy before. */
    kit_run(kit, 1, RUN_PARKED);
    kit_edit(kit, 1, NULL, "{\"n\":3}");
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM record"), 2);
    kit_act(kit, STORE_RETRY, 1);
    assert_int_equal(kit_claim(kit, "", 1), 1);
    assert_string_equal(kit->work_body, "{\"n\":3}");
    kit_verify(kit);
}

static void edited_delivery(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "box-1", true);
    kit_deliver(kit, 1, "post", "deal-1", "customer", KIT_ADOPT);
    assert_int_equal(kit_edit(kit, 1, "post", "{}").decision, STORE_REFUSED);
    kit_settle(kit, 1, DELIVERY_PARKED);
    /* The engine holds the body of an ACTIVE run. */
    assert_int_equal(kit_edit(kit, 1, "post", "{}").decision, STORE_REFUSED);
    kit_run(kit, 1, RUN_PARKED);
    assert_int_equal(kit_edit(kit, 1, "nowhere", "{}").decision, STORE_REFUSED);
    assert_int_equal(kit_edit(kit, 1, "post", "{\"lines\":2}").decision,
                     STORE_APPLIED);
    /* Nine bytes are the seal. */
    assert_int_equal(kit_count(kit, "SELECT substr(body, 10) = CAST("
                                    "'{\"lines\":2}' AS BLOB) FROM delivery"),
                     1);
    assert_int_equal(kit_count(kit, "SELECT detail LIKE 'old:% new:%' AND"
                                    " path = 'post' FROM audit WHERE act ="
                                    " 'act.edited'"),
                     1);
    kit_act(kit, STORE_RETRY, 1);
    kit_claim(kit, "", 1);
    kit_intent(kit, 1);
    kit_settle(kit, 1, DELIVERY_DONE);
    kit_run(kit, 1, RUN_DONE);
    assert_int_equal(kit_edit(kit, 1, "post", "{}").decision, STORE_REFUSED);
    /* The fingerprint is that of what was sent. */
    kit->order_body = "{\"lines\":2}";
    kit_accept(kit, "b", "", true);
    assert_true(kit_deliver(kit, 2, "post", "deal-1", "", KIT_ADOPT).same);
    kit_verify(kit);
}

static void edit_of_what_may_have_happened_is_refused(void **state)
{
    struct kit *kit = *state;

    doubtful(kit, RUN_PARKED);
    assert_int_equal(kit_edit(kit, 1, "post", "{}").decision, STORE_REFUSED);
    assert_int_equal(kit_edit(kit, 1, NULL, "{}").decision, STORE_REFUSED);
    kit_answer_doubt(kit, 1, true, "");
    kit_claim(kit, "", 1);
    kit_run(kit, 1, RUN_PARKED);
    assert_int_equal(kit_edit(kit, 1, NULL, "{}").decision, STORE_REFUSED);
    assert_int_equal(kit_edit(kit, 7, NULL, "{}").decision, STORE_REFUSED);
    assert_int_equal(kit_acts(kit, "act.edited"), 0);
    kit_verify(kit);
}

static void replayed_with_the_flow_of_today(void **state)
{
    struct kit *kit = *state;
    struct store_batch *batch = store_batch_create();

    kit->priority = 7;
    kit_accept(kit, "a", "box-1", true);
    assert_int_equal(kit_act(kit, STORE_REPLAY, 1).decision, STORE_REFUSED);
    kit_step_row(kit, 1, "read", STEP_DONE);
    kit_deliver(kit, 1, "post", "deal-1", "customer", KIT_ADOPT);
    kit_settle(kit, 1, DELIVERY_DONE);
    kit_run(kit, 1, RUN_DONE);
    store_batch_flow(batch, "won-deal", "v1", kit_bytes("{}"));
    store_batch_flow(batch, "won-deal", "v2", kit_bytes("{}"));
    kit_commit(kit, batch);
    assert_int_equal(kit_act(kit, STORE_REPLAY, 1).decision, STORE_APPLIED);
    assert_int_equal(kit->result.run, 2);
    assert_int_equal(kit->result.ready_count, 1);
    assert_int_equal(kit_state(kit, 1), RUN_DONE);
    assert_int_equal(kit_count(kit, "SELECT flow_version = 'v2' AND priority ="
                                    " 7 FROM run WHERE number = 2"),
                     1);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM audit WHERE act ="
                                    " 'act.replay' AND run = 1 AND actor ="
                                    " 'ann' AND detail LIKE 'run:2 reason:%'"),
                     1);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM audit WHERE act ="
                                    " 'run.replays' AND run = 2"),
                     1);
    /* In the lane like any other. */
    assert_int_equal(kit_act(kit, STORE_REPLAY, 1).run, 3);
    assert_int_equal(kit_state(kit, 3), RUN_QUEUED);
    assert_int_equal(kit_claim(kit, "", 5), 1);
    assert_string_equal(kit->work_body, "{\"n\":1}");
    assert_int_equal(kit->work_deliveries, 0);
    /* What it did stands. */
    assert_int_equal(
        kit_deliver(kit, 2, "post", "deal-1", "customer", KIT_ADOPT).decision,
        STORE_EXISTS);
    assert_int_equal(kit_run(kit, 2, RUN_DONE).ready_count, 1);
    kit_verify(kit);
}

static void parked_and_discarded_can_be_replayed(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "box-1", true);
    kit_run(kit, 1, RUN_PARKED);
    assert_int_equal(kit_act(kit, STORE_REPLAY, 1).run, 2);
    assert_int_equal(kit_state(kit, 1), RUN_PARKED);
    assert_int_equal(kit_state(kit, 2), RUN_QUEUED);
    assert_int_equal(kit_act(kit, STORE_DISCARD, 1).ready_count, 1);
    assert_int_equal(kit_act(kit, STORE_REPLAY, 1).run, 3);
    assert_int_equal(kit_act(kit, STORE_REPLAY, 2).decision, STORE_REFUSED);
    assert_int_equal(kit_act(kit, STORE_REPLAY, 99).decision, STORE_REFUSED);
    kit_verify(kit);
}

static struct store_result acknowledge(struct kit *kit, const char *cause)
{
    struct store_batch *batch = store_batch_create();

    store_batch_alert_acknowledge(batch, "ann", cause);
    return kit_commit(kit, batch);
}

static void acknowledged_alerts_come_again_after_a_day(void **state)
{
    struct kit *kit = *state;

    assert_int_equal(acknowledge(kit, "syspro.auth").decision, STORE_REFUSED);
    raise_alert(kit, "syspro.auth");
    assert_int_equal(acknowledge(kit, "syspro.auth").decision, STORE_APPLIED);
    assert_int_equal(kit_count(kit, "SELECT acknowledged = 1 AND"
                                    " acknowledged_by = 'ann' AND"
                                    " acknowledged_wall_ms = last_wall_ms"
                                    " FROM alert"),
                     1);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM audit WHERE act ="
                                    " 'alert.acknowledged' AND actor = 'ann'"),
                     1);
    kit_step(kit, STORE_ALERT_QUIET_MS - 1, 0);
    raise_alert(kit, "syspro.auth");
    assert_int_equal(kit_count(kit, "SELECT acknowledged FROM alert"), 1);
    kit_step(kit, 1, 0);
    raise_alert(kit, "syspro.auth");
    assert_int_equal(kit_count(kit, "SELECT acknowledged FROM alert"), 0);
    assert_int_equal(kit_count(kit, "SELECT count FROM alert"), 3);
    kit_verify(kit);
}

static void quarantine_ends_with_its_alert(void **state)
{
    struct kit *kit = *state;
    struct store_quarantine entry = {
        .instance = "streak", .reason = "box", .content = kit_bytes("{]")};
    struct store_batch *batch = store_batch_create();
    uint64_t number;

    store_batch_quarantine(batch, &entry);
    kit_commit(kit, batch);
    number = (uint64_t)kit_count(kit, "SELECT id FROM quarantine");
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM alert"), 1);
    batch = store_batch_create();
    store_batch_quarantine_end(batch, "ann", number, "replayed", "mended");
    assert_int_equal(kit_commit(kit, batch).decision, STORE_APPLIED);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM quarantine"), 0);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM alert"), 0);
    assert_int_equal(
        kit_count(kit, "SELECT count(*) FROM audit WHERE act ="
                       " 'quarantine.replayed' AND actor = 'ann' AND detail"
                       " LIKE 'instance:streak content:% reason:%'"),
        1);
    batch = store_batch_create();
    store_batch_quarantine_end(batch, "ann", number, "discarded", NULL);
    assert_int_equal(kit_commit(kit, batch).decision, STORE_REFUSED);
    kit_verify(kit);
}

static struct {
    uint64_t total, open;
    size_t count;
    char first[32], last[32];
} page;

static void page_read(void *arg, int status, const struct store_rows *rows)
{
    (void)arg;
    assert_int_equal(status, 0);
    page.total = rows->alert_total;
    page.open = rows->alert_open;
    page.count = rows->alert_count;
    snprintf(page.first, sizeof(page.first), "%s", rows->alerts[0].cause);
    snprintf(page.last, sizeof(page.last), "%s",
             rows->alerts[rows->alert_count - 1].cause);
}

/* What nobody has seen is on the first page, however much came after it. */
static void a_page_begins_with_the_open_ones(void **state)
{
    struct kit *kit = *state;
    struct store_query query = {.kind = STORE_QUERY_ALERTS, .limit = 2};
    struct store_batch *batch;

    raise_alert(kit, "open");
    raise_alert(kit, "seen-1");
    raise_alert(kit, "seen-2");
    batch = store_batch_create();
    store_batch_alert_acknowledge(batch, "ann", "seen-1");
    store_batch_alert_acknowledge(batch, "ann", "seen-2");
    kit_commit(kit, batch);
    assert_int_equal(store_query(kit->store, &query, page_read, NULL), 0);
    store_drain(kit->store);
    assert_int_equal(page.total, 3);
    assert_int_equal(page.open, 1);
    assert_int_equal(page.count, 2);
    assert_string_equal(page.first, "open");
    assert_string_equal(page.last, "seen-2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(settled_as_happened),
        KIT_TEST(settled_without_a_name),
        KIT_TEST(settled_as_absent),
        KIT_TEST(settle_is_refused),
        KIT_TEST(edited_record_is_of_one_run),
        KIT_TEST(edited_delivery),
        KIT_TEST(edit_of_what_may_have_happened_is_refused),
        KIT_TEST(replayed_with_the_flow_of_today),
        KIT_TEST(parked_and_discarded_can_be_replayed),
        KIT_TEST(acknowledged_alerts_come_again_after_a_day),
        KIT_TEST(quarantine_ends_with_its_alert),
        KIT_TEST(a_page_begins_with_the_open_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
