/* links: connect_flow connect_store connect_config connect_sdk connect_base */
/* Shadow runs: they show what a run would do and do nothing of it. */
#include "engine_kit.h"

#include <connect/json.h>

static struct {
    int status;
    unsigned answers;
    cJSON *result;
    char text[1100];
} shown;

static unsigned begun[OP_RECEIVE + 1];

static void count_begun(struct world *world, const struct world_op *op)
{
    (void)world;
    begun[op->kind]++;
}

static int setup(void **state)
{
    memset(&shown, 0, sizeof(shown));
    memset(begun, 0, sizeof(begun));
    return kit_setup(state);
}

static int teardown(void **state)
{
    cJSON_Delete(shown.result);
    shown.result = NULL;
    return kit_teardown(state);
}

static void was_shown(void *arg, int status, const cJSON *result,
                      const struct error *err)
{
    (void)arg;
    cJSON_Delete(shown.result);
    shown.status = status;
    shown.answers++;
    shown.result = result ? cJSON_Duplicate(result, 1) : NULL;
    snprintf(shown.text, sizeof(shown.text), "%s", err->text);
}

static void show(struct world *world, uint64_t run,
                 enum engine_shadow_version version)
{
    world->begun = count_begun;
    assert_int_equal(
        engine_shadow(world->engine, run, version, was_shown, NULL), 0);
    world_settle(world);
}

static const char *text_at(const char *pointer)
{
    return cn_json_text_at(shown.result, pointer, "(none)");
}

static void history_read(void *arg, int status, const struct store_rows *rows)
{
    assert_int_equal(status, 0);
    *(uint64_t *)arg = rows->history_count
                           ? rows->history[rows->history_count - 1].sequence
                           : 0;
}

static uint64_t last_audit(struct world *world)
{
    struct store_query query = {.kind = STORE_QUERY_HISTORY, .limit = 1000};
    uint64_t sequence = 0;

    assert_int_equal(store_query(world->store, &query, history_read, &sequence),
                     0);
    world_settle(world);
    assert_true(sequence < 1000);
    return sequence;
}

/* A run that is parked because the ERP rejects its order. */
static void park_one(struct world *world)
{
    struct world_op op = to_erp(world);

    end_op(world, &op, CN_REJECTED, true, "Stock code 'A100' is invalid");
    assert_int_equal(world_state(world, 1), RUN_PARKED);
}

static void test_shows_the_delivery_and_does_nothing(void **state)
{
    struct world *world = *state;
    struct world_op op;
    uint64_t before;

    park_one(world);
    before = last_audit(world);
    show(world, 1, ENGINE_SHADOW_AS_NOW);
    answer_deal(world, deal_won);
    op = take_op(world, OP_PROBE, "erp");
    assert_non_null(strstr(op.body, "\"price\":\"149.90000\""));
    end_op(world, &op, CN_ABSENT, true, "");
    assert_int_equal(shown.answers, 1);
    assert_int_equal(shown.status, 0);
    /* What the deal would be told cannot be known before there is an order. */
    assert_string_equal(text_at("/ended"), "unknown");
    assert_string_equal(text_at("/path"), "tell");
    assert_non_null(strstr(text_at("/reason"), "step post"));
    assert_string_equal(text_at("/flow"), "won");
    assert_string_equal(text_at("/run"), "1");
    assert_string_equal(text_at("/deliveries/0/path"), "post");
    assert_string_equal(text_at("/deliveries/0/instance"), "erp");
    assert_string_equal(text_at("/deliveries/0/type"), "sales_order/1");
    assert_string_equal(text_at("/deliveries/0/valid"), "true");
    assert_string_equal(text_at("/deliveries/0/probe"), "absent");
    assert_string_equal(text_at("/deliveries/0/body/lines/0/price"),
                        "149.90000");
    assert_null(cn_json_pointer(shown.result, "/deliveries/1"));
    assert_string_equal(text_at("/steps/0/path"), "deal");
    assert_string_equal(text_at("/steps/0/state"), "done");
    assert_string_equal(text_at("/steps/0/result/stage"), "Closed-Won");
    assert_int_equal(begun[OP_CALL], 1);
    assert_int_equal(begun[OP_PROBE], 1);
    assert_int_equal(begun[OP_DELIVER], 0);
    assert_int_equal(world->op_count, 0);
    assert_int_equal(last_audit(world), before);
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    assert_non_null(strstr(world->reason, "A100"));
}

static void test_what_is_found_is_read_by_later_steps(void **state)
{
    struct world *world = *state;
    struct world_op op;

    park_one(world);
    show(world, 1, ENGINE_SHADOW_AS_NOW);
    answer_deal(world, deal_won);
    op = take_op(world, OP_PROBE, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"000123\"}");
    op = take_op(world, OP_PROBE, "crm");
    assert_non_null(strstr(op.body, "\"Order\":\"000123\""));
    end_op(world, &op, CN_UNSUPPORTED, true, "no");
    assert_int_equal(shown.answers, 1);
    assert_string_equal(text_at("/ended"), "done");
    assert_string_equal(text_at("/deliveries/0/probe"), "found");
    assert_string_equal(text_at("/deliveries/0/reference/number"), "000123");
    assert_string_equal(text_at("/deliveries/1/path"), "tell");
    assert_string_equal(text_at("/deliveries/1/valid"), "true");
    assert_string_equal(text_at("/deliveries/1/probe"), "unsupported");
    assert_int_equal(begun[OP_DELIVER], 0);
    assert_int_equal(world_state(world, 1), RUN_PARKED);
}

static void test_as_it_was_reuses_what_is_stored(void **state)
{
    struct world *world = *state;
    struct world_op op;

    park_one(world);
    show(world, 1, ENGINE_SHADOW_AS_WAS);
    op = take_op(world, OP_PROBE, "erp");
    assert_non_null(strstr(op.body, "\"quantity\":\"10\""));
    end_op(world, &op, CN_RETRY, true, "locked");
    assert_int_equal(begun[OP_CALL], 0);
    assert_string_equal(text_at("/deliveries/0/probe"), "unknown");
    assert_string_equal(text_at("/deliveries/0/message"), "locked");
}

static const char newer_text[] =
    "{\"flow\":\"won\",\"trigger\":{\"instance\":\"crm\",\"type\":"
    "\"box_event/1\"},\"steps\":[{\"name\":\"never\",\"filter\":{\"path\":"
    "\"/trigger/box\",\"equals\":\"other\"}}]}";

/* The version it began with is known only to the store after a restart. */
static void test_versions_are_those_asked_for(void **state)
{
    struct world *world = *state;

    park_one(world);
    close_world(world);
    world_open(world);
    world_add_flow(world, newer_text);
    engine_wake(world->engine);
    world_settle(world);
    show(world, 1, ENGINE_SHADOW_AS_WAS);
    (void)take_op(world, OP_PROBE, "erp");
    show(world, 1, ENGINE_SHADOW_AS_NOW);
    assert_int_equal(shown.answers, 1);
    assert_string_equal(text_at("/ended"), "filtered");
    assert_string_equal(text_at("/path"), "never");
}

static void test_a_mapping_that_fails_is_shown(void **state)
{
    struct world *world = *state;

    park_one(world);
    show(world, 1, ENGINE_SHADOW_AS_NOW);
    answer_deal(world, "{\"key\":\"box1\",\"stage\":\"Closed-Won\",\"fields\":{"
                       "\"Customer\":\"1\",\"Lines\":\"A100; 3 pcs; 1\"}}");
    assert_string_equal(text_at("/ended"), "parked");
    assert_string_equal(text_at("/path"), "order");
    assert_non_null(strstr(text_at("/reason"), "/lines/0/quantity"));
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    assert_non_null(strstr(world->reason, "A100")); /* as before */
}

static void test_a_body_that_does_not_fit_is_shown(void **state)
{
    static const char tell_only[] =
        "{\"flow\":\"won\",\"trigger\":{\"instance\":\"crm\",\"type\":"
        "\"box_event/1\"},\"steps\":[{\"name\":\"say\",\"deliver\":"
        "\"activity/1\",\"to\":\"crm\",\"body\":[{\"to\":\"/deal\",\"from\":"
        "\"/trigger/box\"}]}]}";
    struct world *world = *state;

    park_one(world);
    world_add_flow(world, tell_only);
    show(world, 1, ENGINE_SHADOW_AS_NOW);
    assert_int_equal(shown.answers, 1);
    assert_string_equal(text_at("/ended"), "parked");
    assert_string_equal(text_at("/path"), "say");
    assert_string_equal(text_at("/deliveries/0/valid"), "false");
    assert_string_equal(text_at("/deliveries/0/body/deal"), "box1");
    assert_non_null(strstr(text_at("/deliveries/0/reason"), "external_id"));
    assert_int_equal(world->op_count, 0);
}

static void test_a_run_that_is_done_can_be_shown(void **state)
{
    struct world *world = *state;
    struct world_op op = to_erp(world);

    end_op(world, &op, CN_OK, true, "{\"number\":\"7\"}");
    op = take_op(world, OP_DELIVER, "crm");
    end_op(world, &op, CN_OK, true, "{}");
    assert_int_equal(world_state(world, 1), RUN_DONE);
    show(world, 1, ENGINE_SHADOW_AS_WAS);
    assert_int_equal(world->op_count, 0);
    assert_string_equal(text_at("/ended"), "done");
    show(world, 1, ENGINE_SHADOW_AS_NOW);
    answer_deal(world, "{\"key\":\"box1\",\"stage\":\"Lead\"}");
    assert_string_equal(text_at("/ended"), "filtered");
    assert_string_equal(text_at("/path"), "won");
}

static void one_at_a_time(struct world *world)
{
    world->room_erp = world->room_crm = 1;
    engine_instance_changed(world->engine, "crm");
    engine_instance_changed(world->engine, "erp");
    world_settle(world);
}

/* A shadow comes after all real work, also after that which came later. */
static void test_real_work_goes_first(void **state)
{
    struct world *world = *state;
    struct world_op op;

    park_one(world);
    one_at_a_time(world);
    accept_event(world, "e2", "box2");
    assert_int_equal(world->op_count, 1);
    show(world, 1, ENGINE_SHADOW_AS_NOW);
    accept_event(world, "e3", "box3");
    op = take_op(world, OP_CALL, "crm");
    assert_string_equal(op.key, "box2");
    end_op(world, &op, CN_OK, true, "{\"key\":\"box2\",\"stage\":\"Lead\"}");
    op = take_op(world, OP_CALL, "crm");
    assert_string_equal(op.key, "box3");
    end_op(world, &op, CN_OK, true, "{\"key\":\"box3\",\"stage\":\"Lead\"}");
    op = take_op(world, OP_CALL, "crm");
    assert_string_equal(op.key, "box1");
    end_op(world, &op, CN_OK, true, "{\"key\":\"box1\",\"stage\":\"Lead\"}");
    assert_string_equal(text_at("/ended"), "filtered");
}

static void test_it_does_not_wait_for_ever(void **state)
{
    struct world *world = *state;

    park_one(world);
    one_at_a_time(world);
    accept_event(world, "e2", "box2");
    show(world, 1, ENGINE_SHADOW_AS_NOW);
    world->now_ms += 29000;
    engine_wake(world->engine);
    assert_int_equal(shown.answers, 0);
    assert_true(world->wake_ms <= world->now_ms + 1000);
    world_advance(world, 1000);
    assert_int_equal(shown.answers, 1);
    assert_string_equal(text_at("/ended"), "unknown");
    assert_string_equal(text_at("/path"), "deal");
    assert_non_null(strstr(text_at("/reason"), "busy"));
}

static void
test_an_outage_is_shown_and_a_body_is_shown_without_asking(void **state)
{
    struct world *world = *state;
    struct world_op op;

    park_one(world);
    show(world, 1, ENGINE_SHADOW_AS_NOW);
    op = take_op(world, OP_CALL, "crm");
    end_op(world, &op, CN_RETRY, false, "refused");
    assert_string_equal(text_at("/ended"), "unknown");
    assert_string_equal(text_at("/path"), "deal");
    assert_string_equal(text_at("/reason"), "refused");
    world->room_erp = 0;
    engine_instance_changed(world->engine, "erp");
    show(world, 1, ENGINE_SHADOW_AS_WAS);
    assert_int_equal(shown.answers, 2);
    assert_string_equal(text_at("/deliveries/0/probe"), "skipped");
    assert_string_equal(text_at("/deliveries/0/valid"), "true");
    assert_non_null(strstr(text_at("/deliveries/0/message"), "does not run"));
}

static void test_refused_credentials_raise_no_alert_from_a_shadow(void **state)
{
    struct world *world = *state;
    struct world_op op;
    uint64_t before;

    park_one(world);
    before = last_audit(world);
    show(world, 1, ENGINE_SHADOW_AS_NOW);
    op = take_op(world, OP_CALL, "crm");
    end_op(world, &op, CN_AUTH, true, "401");
    assert_string_equal(text_at("/ended"), "unknown");
    assert_non_null(strstr(text_at("/reason"), "credentials"));
    assert_int_equal(last_audit(world), before);
}

static int refuse_start(struct world *world, const struct op_request *request)
{
    (void)world;
    return request && request->kind == OP_PROBE ? -ENOTSUP : -EAGAIN;
}

static void test_a_plugin_that_cannot_be_asked(void **state)
{
    struct world *world = *state;

    park_one(world);
    world->fail_start = refuse_start;
    show(world, 1, ENGINE_SHADOW_AS_WAS);
    assert_int_equal(shown.answers, 1);
    assert_string_equal(text_at("/deliveries/0/probe"), "unsupported");
    assert_string_equal(text_at("/ended"), "unknown");
    show(world, 1, ENGINE_SHADOW_AS_NOW);
    assert_int_equal(shown.answers, 2);
    assert_string_equal(text_at("/path"), "deal");
}

/* The run is there; that its flow is not is another answer. */
static void test_a_flow_of_today_is_missing(void **state)
{
    struct world *world = *state;

    park_one(world);
    engine_begin_flows(world->engine);
    engine_end_flows(world->engine);
    show(world, 1, ENGINE_SHADOW_AS_NOW);
    assert_int_equal(shown.answers, 1);
    assert_int_equal(shown.status, -ENOTSUP);
}

static void test_only_some_at_once(void **state)
{
    struct world *world = *state;

    park_one(world);
    show(world, 99, ENGINE_SHADOW_AS_NOW);
    assert_int_equal(shown.answers, 1);
    assert_int_equal(shown.status, -ENOENT);
    world->room_crm = ENGINE_SHADOWS_MAX;
    engine_instance_changed(world->engine, "crm");
    for (unsigned count = 0; count < ENGINE_SHADOWS_MAX; count++)
        show(world, 1, ENGINE_SHADOW_AS_NOW);
    assert_int_equal(world->op_count, ENGINE_SHADOWS_MAX);
    assert_int_equal(
        engine_shadow(world->engine, 1, ENGINE_SHADOW_AS_NOW, was_shown, NULL),
        -EAGAIN);
    shown.answers = 0;
    for (unsigned count = 0; count < ENGINE_SHADOWS_MAX; count++) {
        struct op_outcome outcome = {.status = CN_OK, .answered = true};
        world_end(world, 0, &outcome, "{\"stage\":\"Lead\"}");
    }
    assert_int_equal(shown.answers, ENGINE_SHADOWS_MAX);
    show(world, 1, ENGINE_SHADOW_AS_NOW);
    assert_int_equal(world->op_count, 1);
}

/* One waits, one is under way: the first is told at once, the engine stops when
 * the second has ended. */
static void test_a_stop_ends_them(void **state)
{
    struct world *world = *state;
    struct op_outcome outcome = {.status = CN_CANCELLED};

    park_one(world);
    one_at_a_time(world);
    show(world, 1, ENGINE_SHADOW_AS_NOW);
    show(world, 1, ENGINE_SHADOW_AS_NOW);
    assert_int_equal(world->op_count, 1);
    assert_int_equal(shown.answers, 0);
    engine_stop(world->engine, world_was_stopped, world);
    world_settle(world);
    assert_int_equal(shown.answers, 1);
    assert_int_equal(shown.status, -ESHUTDOWN);
    assert_false(world->stopped);
    world_end(world, 0, &outcome, "");
    assert_int_equal(shown.answers, 2);
    assert_int_equal(shown.status, -ESHUTDOWN);
    assert_true(world->stopped);
    assert_int_equal(
        engine_shadow(world->engine, 1, ENGINE_SHADOW_AS_NOW, was_shown, NULL),
        -EAGAIN);
}

/* What a plugin renews while it is asked belongs to the instance. */
static void test_values_of_the_instance_are_kept(void **state)
{
    struct world *world = *state;
    struct op_value value = {"session", {"s2", 2}};
    struct op_outcome outcome = {.kind = OP_CALL,
                                 .status = CN_OK,
                                 .answered = true,
                                 .message = "",
                                 .body = {"{\"stage\":\"Lead\"}", 16},
                                 .values = &value,
                                 .value_count = 1};
    struct world_op op;
    size_t commits;
    uint64_t before;

    park_one(world);
    before = last_audit(world);
    show(world, 1, ENGINE_SHADOW_AS_NOW);
    op = take_op(world, OP_CALL, "crm");
    commits = world->commits;
    op.fn(op.arg, op.number, &outcome);
    world_settle(world);
    assert_int_equal(shown.answers, 1);
    assert_int_equal(world->commits, commits + 1);
    assert_int_equal(last_audit(world), before);
}

#define SHADOW_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SHADOW_TEST(test_shows_the_delivery_and_does_nothing),
        SHADOW_TEST(test_what_is_found_is_read_by_later_steps),
        SHADOW_TEST(test_as_it_was_reuses_what_is_stored),
        SHADOW_TEST(test_versions_are_those_asked_for),
        SHADOW_TEST(test_a_mapping_that_fails_is_shown),
        SHADOW_TEST(test_a_body_that_does_not_fit_is_shown),
        SHADOW_TEST(test_a_run_that_is_done_can_be_shown),
        SHADOW_TEST(test_real_work_goes_first),
        SHADOW_TEST(test_it_does_not_wait_for_ever),
        SHADOW_TEST(test_an_outage_is_shown_and_a_body_is_shown_without_asking),
        SHADOW_TEST(test_refused_credentials_raise_no_alert_from_a_shadow),
        SHADOW_TEST(test_a_plugin_that_cannot_be_asked),
        SHADOW_TEST(test_a_flow_of_today_is_missing),
        SHADOW_TEST(test_only_some_at_once),
        SHADOW_TEST(test_a_stop_ends_them),
        SHADOW_TEST(test_values_of_the_instance_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
