/* links: connect_flow connect_store connect_config connect_sdk connect_base */
/* The engine over a real store in inline mode, with hand-driven instances and a
 * clock of its own: what is sent, when, how often, and what is stored. */
#include "engine_kit.h"

static void test_deal_becomes_order(void **state)
{
    struct world *world = *state;
    struct world_op op;

    accept_event(world, "e1", "box1");
    assert_int_equal(world->accepted, 1);
    answer_deal(world, deal_won);
    op = take_op(world, OP_DELIVER, "erp");
    assert_string_equal(op.what, "sales_order/1");
    assert_non_null(strstr(op.body, "\"price\":\"149.90000\""));
    assert_non_null(strstr(op.body, "\"quantity\":\"10\""));
    end_op(world, &op, CN_OK, true, "{\"number\":\"015574\"}");
    op = take_op(world, OP_DELIVER, "crm");
    assert_non_null(strstr(op.body, "\"Order\":\"015574\""));
    end_op(world, &op, CN_OK, true, "{}");
    assert_int_equal(world->op_count, 0);
    assert_int_equal(world_state(world, 1), RUN_DONE);
}

static void test_other_stage_ends_quietly(void **state)
{
    struct world *world = *state;

    accept_event(world, "e1", "box1");
    answer_deal(world, "{\"key\":\"box1\",\"stage\":\"Lead\"}");
    assert_int_equal(world->op_count, 0);
    assert_int_equal(world_state(world, 1), RUN_DONE);
}

static void test_same_event_is_a_duplicate(void **state)
{
    struct world *world = *state;

    accept_event(world, "e1", "box1");
    accept_event(world, "e1", "box1");
    assert_int_equal(world->accepted, 1);
    assert_int_equal(world->duplicates, 1);
    assert_int_equal(world->op_count, 1);
}

/* Two events of one deal: the second waits for the first and adopts its order,
 * also when the deal changed meanwhile. */
static void test_second_event_adopts_the_order(void **state)
{
    struct world *world = *state;
    struct world_op op;

    accept_event(world, "e1", "box1");
    accept_event(world, "e2", "box1");
    answer_deal(world, deal_won);
    op = take_op(world, OP_DELIVER, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"015574\"}");
    op = take_op(world, OP_DELIVER, "crm");
    end_op(world, &op, CN_OK, true, "{}");
    answer_deal(world, "{\"key\":\"box1\",\"stage\":\"Closed-Won\",\"fields\":{"
                       "\"Customer\":\"0001207\",\"Lines\":\"A100; 4; 1\"}}");
    op = take_op(world, OP_DELIVER, "crm");
    assert_non_null(strstr(op.body, "\"Order\":\"015574\""));
    end_op(world, &op, CN_OK, true, "{}");
    assert_int_equal(world->op_count, 0);
    assert_int_equal(world_state(world, 2), RUN_DONE);
}

static void test_doubt_is_probed_and_adopted(void **state)
{
    struct world *world = *state;
    struct world_op op = to_erp(world);

    end_op(world, &op, CN_IN_DOUBT, false, "cut");
    assert_int_equal(world->op_count, 0);
    world_advance(world, 5000);
    op = take_op(world, OP_PROBE, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"015574\"}");
    op = take_op(world, OP_DELIVER, "crm");
    assert_non_null(strstr(op.body, "\"Order\":\"015574\""));
}

/* Absent counts only after the settle time; until then it is asked again. */
static void test_absent_before_settling_is_asked_again(void **state)
{
    struct world *world = *state;
    struct world_op op = to_erp(world);

    end_op(world, &op, CN_IN_DOUBT, false, "cut");
    world_advance(world, 5000);
    op = take_op(world, OP_PROBE, "erp");
    end_op(world, &op, CN_ABSENT, true, "");
    assert_int_equal(world->op_count, 0);
    world_advance(world, 70000);
    op = take_op(world, OP_PROBE, "erp");
    end_op(world, &op, CN_ABSENT, true, "");
    op = take_op(world, OP_DELIVER, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"7\"}");
    op = take_op(world, OP_DELIVER, "crm");
}

/* What is there is not what was sent: a person looks; a retry asks again and
 * sends nothing. */
static void test_probe_that_finds_something_else_parks(void **state)
{
    struct world *world = *state;
    struct world_op op = to_erp(world);

    end_op(world, &op, CN_IN_DOUBT, false, "cut");
    world_advance(world, 5000);
    op = take_op(world, OP_PROBE, "erp");
    end_op(world, &op, CN_REJECTED, true, "exists with other amounts");
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    assert_non_null(strstr(world->reason, "other amounts"));
    assert_int_not_equal(act(world, STORE_RESTART), 0);
    assert_int_equal(act(world, STORE_RETRY), 0);
    (void)take_op(world, OP_PROBE, "erp");
}

/* A request that an outage cut is asked about when the instance wakes, as soon
 * as other work, however often nobody heard the question. */
static void test_doubt_ends_with_the_outage(void **state)
{
    struct world *world = *state;
    struct world_op op = to_erp(world);
    int late_ms = 0;

    end_op(world, &op, CN_IN_DOUBT, false, "cut");
    for (int ms = 0; ms < 30000; ms += 100) {
        world_advance(world, 100);
        if (!world->op_count)
            continue;
        op = take_op(world, OP_PROBE, "erp");
        end_op(world, &op, CN_RETRY, false, "connect refused");
    }
    for (; !world->op_count && late_ms < 300000; late_ms += 100)
        world_advance(world, 100);
    assert_in_range(late_ms, 0, 1500);
    op = take_op(world, OP_PROBE, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"015574\"}");
    (void)take_op(world, OP_DELIVER, "crm");
}

static void test_outage_uses_no_attempt(void **state)
{
    struct world *world = *state;
    struct world_op op = to_erp(world);

    for (int round = 0; round < 60; round++) {
        end_op(world, &op, CN_RETRY, false, "connect refused");
        assert_int_equal(world->op_count, 0);
        world_advance(world, 120000);
        op = take_op(world, OP_DELIVER, "erp");
    }
    end_op(world, &op, CN_OK, true, "{\"number\":\"1\"}");
    op = take_op(world, OP_DELIVER, "crm");
    end_op(world, &op, CN_OK, true, "{}");
    assert_int_equal(world_state(world, 1), RUN_DONE);
}

static void test_answers_are_counted_and_parked(void **state)
{
    struct world *world = *state;
    struct world_op op = to_erp(world);

    for (int round = 0; round < 4; round++) {
        end_op(world, &op, CN_RETRY, true, "record locked");
        world_advance(world, 120000);
        op = take_op(world, OP_DELIVER, "erp");
    }
    end_op(world, &op, CN_RETRY, true, "record locked");
    world_advance(world, 120000);
    assert_int_equal(world->op_count, 0);
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    assert_non_null(strstr(world->reason, "record locked"));
}

static void test_rejected_is_parked_then_restarted(void **state)
{
    struct world *world = *state;
    struct world_op op = to_erp(world);

    end_op(world, &op, CN_REJECTED, true, "Stock code 'A100' is invalid");
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    assert_non_null(strstr(world->reason, "Stock code 'A100' is invalid"));
    assert_int_equal(act(world, STORE_RESTART), 0);
    answer_deal(world, deal_won);
    op = take_op(world, OP_DELIVER, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"2\"}");
    op = take_op(world, OP_DELIVER, "crm");
}

static void test_held_wakes_by_time_and_by_release(void **state)
{
    struct world *world = *state;
    struct world_op op = to_erp(world);

    end_op(world, &op, CN_HOLD, true, "Customer is on hold");
    assert_int_equal(world_state(world, 1), RUN_HELD);
    world_advance(world, 901000);
    op = take_op(world, OP_DELIVER, "erp");
    end_op(world, &op, CN_HOLD, true, "Customer is on hold");
    assert_int_equal(act(world, STORE_RELEASE), 0);
    op = take_op(world, OP_DELIVER, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"2\"}");
    op = take_op(world, OP_DELIVER, "crm");
}

static void test_mapping_error_names_field_and_value(void **state)
{
    struct world *world = *state;

    accept_event(world, "e1", "box1");
    answer_deal(world, "{\"key\":\"box1\",\"stage\":\"Closed-Won\",\"fields\":{"
                       "\"Customer\":\"1\",\"Lines\":\"A100; 3 pcs; 1\"}}");
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    assert_non_null(strstr(world->reason, "/lines/0/quantity"));
    assert_non_null(strstr(world->reason, "3 pcs"));
    assert_non_null(strstr(world->reason, "decimal"));
}

/* The process ends with an order on its way: after the start it is asked about,
 * never sent again. */
static void test_restart_in_sending_probes(void **state)
{
    struct world *world = *state;
    struct world_op op = to_erp(world);

    (void)op;
    close_world(world);
    open_world(world);
    world_advance(world, 1000);
    op = take_op(world, OP_PROBE, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"3\"}");
    op = take_op(world, OP_DELIVER, "crm");
}

static void test_restart_before_reading_reads_again(void **state)
{
    struct world *world = *state;

    accept_event(world, "e1", "box1");
    world->op_count = 0;
    close_world(world);
    open_world(world);
    answer_deal(world, deal_won);
    (void)take_op(world, OP_DELIVER, "erp");
}

static void test_no_more_at_once_than_room(void **state)
{
    struct world *world = *state;
    struct op_outcome outcome = {.status = CN_OK, .answered = true};
    char id[16], box[16];

    for (int index = 0; index < 20; index++) {
        snprintf(id, sizeof(id), "e%d", index);
        snprintf(box, sizeof(box), "b%d", index);
        accept_event(world, id, box);
    }
    assert_int_equal(world->accepted, 20);
    assert_int_equal(world->op_count, 4);
    world_end(world, 0, &outcome, "{\"key\":\"b0\",\"stage\":\"Lead\"}");
    world_settle(world);
    assert_int_equal(world->op_count, 4);
}

static void deal_to_gate(struct world *world, const char *id, const char *box)
{
    char deal[256];

    snprintf(deal, sizeof(deal),
             "{\"key\":\"%s\",\"stage\":\"Closed-Won\",\"fields\":{"
             "\"Customer\":\"0001207\",\"Lines\":\"A100; 3; 149.9\"}}",
             box);
    accept_event(world, id, box);
    answer_deal(world, deal);
}

/* Deals whose order would go to a system that takes one at a time: the first is
 * being delivered, the others have come as far as the gate. */
static struct world_op three_at_a_full_gate(struct world *world)
{
    struct world_op first;

    world->room_erp = world->room_crm = 1;
    engine_instance_changed(world->engine, "crm");
    engine_instance_changed(world->engine, "erp");
    world_settle(world);
    deal_to_gate(world, "e1", "box1");
    first = take_op(world, OP_DELIVER, "erp");
    deal_to_gate(world, "e2", "box2");
    deal_to_gate(world, "e3", "box3");
    assert_int_equal(world->op_count, 0);
    return first;
}

static void test_full_gate_is_waited_for_in_memory(void **state)
{
    struct world *world = *state;
    struct world_op first = three_at_a_full_gate(world);

    assert_int_equal(world_state(world, 2), RUN_ACTIVE);
    assert_int_equal(world_state(world, 3), RUN_ACTIVE);
    end_op(world, &first, CN_OK, true, "{\"sales_order\":\"1\"}");
    (void)take_op(world, OP_DELIVER, "erp");
}

static void test_who_waits_in_memory_goes_back_at_an_outage(void **state)
{
    struct world *world = *state;
    struct world_op first = three_at_a_full_gate(world);

    end_op(world, &first, CN_RATE_LIMITED, false, "503");
    assert_int_equal(world->op_count, 0);
    assert_int_equal(world_state(world, 1), RUN_READY);
    assert_int_equal(world_state(world, 3), RUN_READY);
    assert_int_equal(engine_active_count(world->engine), 0);
}

/* The identity of an event is known for 400 days, and then forgotten. */
static void test_old_events_are_forgotten(void **state)
{
    struct world *world = *state;

    accept_event(world, "e1", "box1");
    world->op_count = 0;
    world_advance(world, 399LL * DAY_MS);
    accept_event(world, "e1", "box1");
    assert_int_equal(world->duplicates, 1);
    world_advance(world, 2LL * DAY_MS);
    accept_event(world, "e1", "box1");
    assert_int_equal(world->duplicates, 1);
    assert_int_equal(world->accepted, 2);
}

static void value_was_read(void *arg, int status, const struct store_rows *rows)
{
    struct world *world = arg;

    assert_int_equal(status, 0);
    assert_int_equal(rows->value_count, 1);
    snprintf(world->committed, sizeof(world->committed), "%s=%.*s",
             rows->values[0].name, (int)rows->values[0].value.len,
             rows->values[0].value.ptr);
}

/* What a plugin puts through connect.state/1 is stored with the outcome. */
static void test_values_are_stored_with_the_outcome(void **state)
{
    struct world *world = *state;
    struct op_value value = {"session", {"s1", 2}};
    struct op_outcome outcome = {.kind = OP_CALL,
                                 .status = CN_OK,
                                 .answered = true,
                                 .message = "",
                                 .body = {deal_won, sizeof(deal_won) - 1},
                                 .values = &value,
                                 .value_count = 1};
    struct store_query query = {.kind = STORE_QUERY_STATE, .instance = "crm"};
    struct world_op op;

    accept_event(world, "e1", "box1");
    op = take_op(world, OP_CALL, "crm");
    op.fn(op.arg, op.number, &outcome);
    world_settle(world);
    assert_int_equal(store_query(world->store, &query, value_was_read, world),
                     0);
    world_settle(world);
    assert_string_equal(world->committed, "session=s1");
}

/* A page and its cursor are stored together; the next poll goes on from there,
 * also after a restart. */
static void test_poll_goes_on_from_the_stored_cursor(void **state)
{
    struct world *world = *state;
    struct op_record record = {.type = "box_event/1",
                               .id = {"p1", 2},
                               .key = {"box1", 4},
                               .body = {"{\"box\":\"box1\"}", 14}};
    struct op_outcome page = {.kind = OP_POLL,
                              .status = CN_OK,
                              .message = "",
                              .cursor = {"c1", 2},
                              .records = &record,
                              .record_count = 1};
    struct world_op op;

    engine_add_source(world->engine, "crm", "boxes", 60000);
    world_advance(world, 1);
    op = take_op(world, OP_POLL, "crm");
    assert_string_equal(op.body, "");
    op.fn(op.arg, op.number, &page);
    world_settle(world);
    assert_string_equal(world->committed, "c1");
    (void)take_op(world, OP_CALL, "crm"); /* the record's run */
    world_advance(world, 59000);
    assert_int_equal(world->op_count, 0);
    close_world(world);
    open_world(world);
    world->op_count = 0;
    engine_add_source(world->engine, "crm", "boxes", 60000);
    world_advance(world, 1);
    op = take_op(world, OP_POLL, "crm");
    assert_string_equal(op.body, "c1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(test_deal_becomes_order),
        ENGINE_TEST(test_other_stage_ends_quietly),
        ENGINE_TEST(test_same_event_is_a_duplicate),
        ENGINE_TEST(test_second_event_adopts_the_order),
        ENGINE_TEST(test_doubt_is_probed_and_adopted),
        ENGINE_TEST(test_absent_before_settling_is_asked_again),
        ENGINE_TEST(test_probe_that_finds_something_else_parks),
        ENGINE_TEST(test_doubt_ends_with_the_outage),
        ENGINE_TEST(test_outage_uses_no_attempt),
        ENGINE_TEST(test_answers_are_counted_and_parked),
        ENGINE_TEST(test_rejected_is_parked_then_restarted),
        ENGINE_TEST(test_held_wakes_by_time_and_by_release),
        ENGINE_TEST(test_mapping_error_names_field_and_value),
        ENGINE_TEST(test_restart_in_sending_probes),
        ENGINE_TEST(test_restart_before_reading_reads_again),
        ENGINE_TEST(test_no_more_at_once_than_room),
        ENGINE_TEST(test_full_gate_is_waited_for_in_memory),
        ENGINE_TEST(test_who_waits_in_memory_goes_back_at_an_outage),
        ENGINE_TEST(test_poll_goes_on_from_the_stored_cursor),
        ENGINE_TEST(test_old_events_are_forgotten),
        ENGINE_TEST(test_values_are_stored_with_the_outcome),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
