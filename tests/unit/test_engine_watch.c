/* links: connect_flow connect_store connect_config connect_sdk connect_base */
/* What people hear of: doubts that last, instances that are not there, and
 * reasons in words that can be read. */
#include "engine_kit.h"

#include <connect/json.h>

static struct {
    size_t count;
    char cause[160], text[500];
} heard;

static void alerts_read(void *arg, int status, const struct store_rows *rows)
{
    (void)arg;
    assert_int_equal(status, 0);
    heard.count = rows->alert_count;
    if (!rows->alert_count)
        return;
    snprintf(heard.cause, sizeof(heard.cause), "%s",
             rows->alerts[heard.count - 1].cause);
    snprintf(heard.text, sizeof(heard.text), "%s",
             rows->alerts[heard.count - 1].text);
}

static size_t alerts(struct world *world)
{
    struct store_query query = {.kind = STORE_QUERY_ALERTS};

    memset(&heard, 0, sizeof(heard));
    assert_int_equal(store_query(world->store, &query, alerts_read, NULL), 0);
    world_settle(world);
    return heard.count;
}

/* Only the time that was asked for wakes the engine. */
static void pass(struct world *world, int64_t ms)
{
    int64_t until_ms = world->now_ms + ms;

    while (world->wake_ms <= until_ms) {
        if (world->wake_ms > world->now_ms)
            world->now_ms = world->wake_ms;
        engine_wake(world->engine);
        world_settle(world);
    }
    world->now_ms = until_ms;
}

/* ---- Doubts ----------------------------------------------------------------
 */

/* The ERP is gone right after the order: nobody can be asked, and people hear
 * of it all the same. */
static void test_a_doubt_is_told_although_nobody_can_be_asked(void **state)
{
    struct world *world = *state;
    struct world_op op = to_erp(world);

    end_op(world, &op, CN_IN_DOUBT, false, "cut");
    world->room_erp = 0;
    engine_instance_changed(world->engine, "erp");
    pass(world, 290000);
    assert_int_equal(alerts(world), 0);
    pass(world, 30000);
    assert_int_equal(alerts(world), 1);
    assert_string_equal(heard.cause, "doubt:1");
    close_world(world);
    open_world(world);
    pass(world, 60000);
    assert_int_equal(alerts(world), 1);
    world->room_erp = 4;
    engine_instance_changed(world->engine, "erp");
    world_settle(world);
    op = take_op(world, OP_PROBE, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"3\"}");
    assert_int_equal(alerts(world), 0);
    op = take_op(world, OP_DELIVER, "crm");
    end_op(world, &op, CN_OK, true, "{}");
    pass(world, 600000);
    assert_int_equal(alerts(world), 0);
}

/* It is asked again and again, with growing delay, and never sent. */
static void test_a_probe_that_cannot_tell_never_sends(void **state)
{
    struct world *world = *state;
    struct world_op op = to_erp(world);
    unsigned probes = 0;
    bool told = false;

    end_op(world, &op, CN_IN_DOUBT, false, "cut");
    for (int minute = 0; minute < 120; minute++) {
        pass(world, 60000);
        if (minute < 4)
            assert_int_equal(alerts(world), 0);
        told |= minute == 5 && alerts(world) == 1;
        if (!world->op_count)
            continue;
        op = take_op(world, OP_PROBE, "erp");
        probes++;
        end_op(world, &op, CN_RETRY, true, "cannot tell");
    }
    assert_true(told);
    assert_in_range(probes, 15, 119);
    assert_int_equal(alerts(world), 1);
    assert_int_equal(world_state(world, 1), RUN_READY);
}

static void test_a_plugin_that_cannot_find_out_parks_and_tells(void **state)
{
    struct world *world = *state;
    struct world_op op = to_erp(world);

    end_op(world, &op, CN_IN_DOUBT, false, "cut");
    world_advance(world, 5000);
    op = take_op(world, OP_PROBE, "erp");
    end_op(world, &op, CN_UNSUPPORTED, true, "there is no such question");
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    assert_int_equal(alerts(world), 2); /* and that it is parked */
    assert_string_equal(heard.cause, "doubt:1");
    assert_non_null(strstr(heard.text, "cannot find out"));
    assert_int_equal(act(world, STORE_DISCARD), -EPERM);
}

/* The ERP answered with another's order: this one is settled in a moment, but
 * who answers so may do it again, and people hear of it. */
static void test_an_answer_for_another_is_told_at_once(void **state)
{
    struct world *world = *state;
    struct world_op op = to_erp(world);
    struct op_outcome mixed_up = {
        .status = CN_IN_DOUBT, .answered = true, .alert = true};

    world_op_end(&op, &mixed_up, "about another order");
    world_settle(world);
    assert_int_equal(alerts(world), 1);
    assert_string_equal(heard.cause, "answer:erp");
    assert_non_null(strstr(heard.text, "run 1"));
    world_advance(world, 5000);
    op = take_op(world, OP_PROBE, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"3\"}");
    op = take_op(world, OP_DELIVER, "crm");
    end_op(world, &op, CN_OK, true, "{}");
    assert_int_equal(world_state(world, 1), RUN_DONE);
    assert_int_equal(alerts(world), 1); /* until somebody says that he knows */
    assert_string_equal(heard.cause, "answer:erp");
}

static void test_who_accepts_doubles_gets_it_sent(void **state)
{
    struct world *world = *state;
    struct world_op op;
    char *text = strdup(flow_text), *with = NULL, *at;

    at = strstr(text, "\"body\":\"/order\"");
    assert_true(asprintf(&with, "%.*s\"accept_doubles\":true,%s",
                         (int)(at - text), text, at) > 0);
    world_add_flow(world, with);
    free(with);
    free(text);
    op = to_erp(world);
    end_op(world, &op, CN_IN_DOUBT, false, "cut");
    world_advance(world, 5000);
    op = take_op(world, OP_PROBE, "erp");
    end_op(world, &op, CN_UNSUPPORTED, true, "there is no such question");
    op = take_op(world, OP_DELIVER, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"3\"}");
    assert_int_equal(alerts(world), 0);
}

/* ---- Instances that are not there ------------------------------------------
 */

static const char gone_flow[] =
    "{\"flow\":\"won\",\"trigger\":{\"instance\":\"crm\",\"type\":"
    "\"box_event/1\"},\"steps\":[{\"name\":\"deal\",\"call\":\"read_deal\","
    "\"on\":\"gone\"}]}";

static void test_an_instance_that_is_not_configured(void **state)
{
    struct world *world = *state;

    pass(world, 60000);
    assert_null(engine_wait_reason(world->engine, ""));
    assert_null(engine_wait_reason(world->engine, "erp"));
    world_add_flow(world, gone_flow);
    accept_event(world, "e1", "box1");
    pass(world, 60000);
    assert_int_equal(alerts(world), 1);
    assert_string_equal(heard.cause, "instance:gone");
    assert_int_equal(world_state(world, 1), RUN_READY);
    assert_non_null(
        strstr(engine_wait_reason(world->engine, "gone"), "configured"));
    close_world(world);
    world_open(world);
    world_add_flow(world, gone_flow);
    engine_wake(world->engine);
    pass(world, 60000);
    assert_int_equal(alerts(world), 1);
    assert_int_equal(act(world, STORE_DISCARD), 0);
    pass(world, 60000);
    assert_int_equal(alerts(world), 0);
    world->room_erp = 0;
    engine_instance_changed(world->engine, "erp");
    assert_non_null(
        strstr(engine_wait_reason(world->engine, "erp"), "does not run"));
}

/* Given up until a reload, or silent for weeks: somebody is told, once. */
static void test_an_instance_that_is_away(void **state)
{
    struct world *world = *state;
    struct world_op op;

    world->room_erp = 0;
    engine_instance_changed(world->engine, "erp");
    pass(world, 3600000);
    assert_int_equal(alerts(world), 0); /* nobody waits for it */
    accept_event(world, "e1", "box1");
    answer_deal(world, deal_won);
    pass(world, 240000);
    assert_int_equal(alerts(world), 0);
    pass(world, 120000);
    assert_int_equal(alerts(world), 1);
    assert_string_equal(heard.cause, "instance:erp");
    assert_non_null(strstr(heard.text, "does not run"));
    world->room_erp = 4;
    engine_instance_changed(world->engine, "erp");
    world_settle(world);
    pass(world, 60000);
    assert_int_equal(alerts(world), 0);
    for (int minute = 0; minute < 60; minute++) { /* one goes to see */
        size_t count = alerts(world);
        if (minute < 4)
            assert_int_equal(count, 0);
        if (minute > 7)
            assert_int_equal(count, 1);
        if (world->op_count) {
            op = take_op(world, OP_DELIVER, "erp");
            end_op(world, &op, CN_RETRY, false, "no answer");
        }
        pass(world, 60000);
    }
    assert_string_equal(heard.cause, "instance:erp");
    assert_non_null(strstr(heard.text, "has not answered"));
    op = take_op(world, OP_DELIVER, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"1\"}");
    pass(world, 60000);
    assert_int_equal(alerts(world), 0);
}

/* Nor does a source fall silent unnoticed, although no run waits for it. */
static void test_a_source_that_is_away(void **state)
{
    struct world *world = *state;
    struct op_outcome silent = {.status = CN_RETRY};
    struct op_outcome fine = {
        .status = CN_OK, .answered = true, .cursor = {"c", 1}};

    engine_add_source(world->engine, "crm", "boxes", 60000);
    for (int minute = 0; minute < 60; minute++) {
        size_t count = alerts(world);
        if (minute < 5)
            assert_int_equal(count, 0);
        if (minute > 20)
            assert_int_equal(count, 1);
        pass(world, 60000);
        if (world->op_count) {
            world_end(world, 0, &silent, "");
            world_settle(world);
        }
    }
    assert_string_equal(heard.cause, "instance:crm");
    pass(world, 600000);
    world_end(world, 0, &fine, "");
    world_settle(world);
    pass(world, 60000);
    assert_int_equal(alerts(world), 0);
}

static const char picky_flow[] =
    "{\"flow\":\"won\",\"trigger\":{\"instance\":\"crm\",\"type\":"
    "\"box_event/1\",\"when\":{\"path\":\"/trigger/box\",\"equals\":\"box9\"}"
    "},\"steps\":[{\"name\":\"deal\",\"call\":\"read_deal\",\"on\":\"crm\"}"
    "]}";

/* What a flow does not want of its type is no news; a type that no flow takes
 * is, until one does. */
static void test_records_that_no_flow_takes(void **state)
{
    struct world *world = *state;

    engine_begin_flows(world->engine);
    world_add_flow(world, picky_flow);
    engine_end_flows(world->engine);
    accept_event(world, "e1", "box1");
    assert_int_equal(alerts(world), 0);
    engine_begin_flows(world->engine); /* its file is not there */
    engine_end_flows(world->engine);
    /* What came by no request is not accepted. */
    world->polled = true;
    assert_int_equal(world_accept(world, "e2", "box1"), -ENOENT);
    world_settle(world);
    assert_int_equal(alerts(world), 1);
    assert_string_equal(heard.cause, "untaken:crm:box_event/1");
    /* What did is kept as it came, each with its own alert. */
    world->polled = false;
    accept_event(world, "e2", "box1");
    accept_event(world, "e3", "box1");
    assert_int_equal(world->accept_status, 0);
    assert_int_equal(alerts(world), 3);
    world_add_flow(world, flow_text);
    world_settle(world);
    assert_int_equal(alerts(world), 2);
    /* It is no duplicate of what nobody took. */
    accept_event(world, "e2", "box1");
    assert_int_equal(world->op_count, 1);
    assert_int_equal(world->duplicates, 0);
}

/* ---- Reasons ---------------------------------------------------------------
 */

static void test_a_reason_is_whole_characters(void **state)
{
    struct world *world = *state;
    struct world_op op = to_erp(world);
    char message[3000] = "";

    for (size_t at = 0; at < 2400; at += 3)
        memcpy(message + at, "\xe2\x82\xac", 4); /* a euro sign */
    message[0] = 'x', message[1] = '\xff', message[2] = 'y';
    end_op(world, &op, CN_REJECTED, true, message);
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    assert_memory_equal(world->reason, "xy\xe2\x82\xac", 5);
    assert_true(strlen(world->reason) > 2000);
    assert_true(cn_utf8_valid((cn_str){world->reason, strlen(world->reason)}));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(test_a_doubt_is_told_although_nobody_can_be_asked),
        ENGINE_TEST(test_a_probe_that_cannot_tell_never_sends),
        ENGINE_TEST(test_a_plugin_that_cannot_find_out_parks_and_tells),
        ENGINE_TEST(test_an_answer_for_another_is_told_at_once),
        ENGINE_TEST(test_who_accepts_doubles_gets_it_sent),
        ENGINE_TEST(test_an_instance_that_is_not_configured),
        ENGINE_TEST(test_an_instance_that_is_away),
        ENGINE_TEST(test_a_source_that_is_away),
        ENGINE_TEST(test_records_that_no_flow_takes),
        ENGINE_TEST(test_a_reason_is_whole_characters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
