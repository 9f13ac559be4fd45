/* links: sim_streak sim_probe */
/* test_sim_streak_webhook.c - what the Streak simulator sends, and how often.
 *
 * The clock of the simulator is frozen and stepped, so delays and retry waits
 * pass at once and in one order; the test waits only for what it then knows to
 * be on its way. */
#include "streak_kit.h"

enum { POLLS_MAX = 20000 }; /* questions to the simulator before giving up */

static struct sim_receiver *receiver;

static int start(void **state)
{
    int status = kit_start(state);

    if (!status)
        receiver = sim_receiver_start();
    return status;
}

static int stop(void **state)
{
    sim_receiver_stop(receiver);
    return kit_stop(state);
}

static int begin(void **state)
{
    kit_reset(state);
    sim_receiver_clear(receiver);
    kit_set("/_sim/clock", "{\"frozen\":true}");
    return 0;
}

static void advance(int64_t ms)
{
    char body[64];

    snprintf(body, sizeof(body), "{\"advance_ms\":%lld}", (long long)ms);
    kit_set("/_sim/clock", body);
}

/* Ask until nothing is being sent or ready to be. */
static void settle(void)
{
    for (int i = 0; i < POLLS_MAX; i++) {
        cJSON *told = kit_control("/_sim/webhooks", NULL);
        bool idle =
            kit_number(told, "sending") == 0 && kit_number(told, "ready") == 0;

        cJSON_Delete(told);
        if (idle)
            return;
    }
    fail_msg("deliveries do not end");
}

static int64_t waiting(void)
{
    return kit_control_number("/_sim/webhooks", "waiting");
}

/* The key of a new registration; the caller frees it. */
static char *add_hook(const char *event, const char *scope, const char *path)
{
    char call[512], body[512];
    cJSON *made;
    char *key;

    snprintf(call, sizeof(call), "/api/v2/webhooks?%s", scope);
    snprintf(body, sizeof(body),
             "{\"event\":\"%s\",\"targetUrl\":\"http://127.0.0.1:%u%s\","
             "\"token\":\"b7b1c0f2\"}",
             event, sim_receiver_port(receiver), path);
    made = kit_ok("POST", call, body);
    key = memory_text(kit_text(made, "key"));
    cJSON_Delete(made);
    return key;
}

static void hook(const char *event, const char *scope, const char *path)
{
    free(add_hook(event, scope, path));
}

static void assert_item(size_t index, int item, const char *path,
                        const char *member, const char *text)
{
    const struct sim_received *received = sim_receiver_get(receiver, index);
    const cJSON *tree;

    assert_non_null(received);
    tree = cJSON_GetArrayItem(received->json, item);
    if (path)
        assert_string_equal(received->path, path);
    assert_non_null(kit_text(tree, member));
    assert_string_equal(kit_text(tree, member), text);
}

static void test_delivery(void **state)
{
    const struct sim_received *received;

    (void)state;
    hook("BOX_CHANGE_STAGE", "pipelineKey={P}", "/h/stage");
    hook("BOX_EDIT", "pipelineKey={P}", "/h/edit");
    kit_do("POST", "/api/v1/boxes/{B}", "{\"stageKey\":\"5003\"}");
    settle();
    assert_int_equal(sim_receiver_count(receiver), 0);
    assert_int_equal(waiting(), 1);
    advance(300);
    assert_true(sim_receiver_wait(receiver, 1));
    settle();
    assert_int_equal(waiting(), 0);
    assert_int_equal(sim_receiver_count(receiver), 1);
    received = sim_receiver_get(receiver, 0);
    assert_string_equal(received->path, "/h/stage");
    assert_string_equal(received->token, "b7b1c0f2");
    assert_string_equal(received->content_type, "application/json");
    assert_int_equal(cJSON_GetArraySize(received->json), 1);
    assert_item(0, 0, NULL, "key", kit.box);
    assert_item(0, 0, NULL, "stageKey", "5003");
}

static void test_state_at_sending(void **state)
{
    (void)state;
    hook("BOX_CHANGE_STAGE", "pipelineKey={P}", "/h");
    kit_do("POST", "/api/v1/boxes/{B}", "{\"stageKey\":\"5003\"}");
    kit_do("POST", "/api/v1/boxes/{B}", "{\"name\":\"Renamed\"}");
    advance(300);
    assert_true(sim_receiver_wait(receiver, 1));
    assert_item(0, 0, NULL, "name", "Renamed");
    settle();
}

static void test_events_of_changes(void **state)
{
    (void)state;
    kit_set("/_sim/webhooks", "{\"spread_ms\":0}");
    hook("BOX_CREATE", "pipelineKey={P}", "/h/create");
    hook("BOX_EDIT", "pipelineKey={P}", "/h/edit");
    hook("BOX_CHANGE_STAGE", "pipelineKey={P}", "/h/stage");
    hook("BOX_DELETE", "pipelineKey={P}", "/h/delete");
    hook("COMMENT_CREATE", "pipelineKey={P}", "/h/comment");
    hook("CONTACT_UPDATE", "teamKey={T}", "/h/contact");
    hook("ORG_UPDATE", "teamKey={T}", "/h/org");
    kit_set("/_sim/webhooks", "{\"connections\":1}");
    kit_set("/_sim/boxes", "{\"name\":\"Made\"}");
    kit_set("/_sim/boxes/Made",
            "{\"stage\":\"Closed-Won\",\"fields\":{\"Paid\":true}}");
    kit_do("POST", "/api/v2/boxes/{B}/comments", "{\"message\":\"hello\"}");
    kit_do("POST", "/api/v2/contacts/{C}", "{\"title\":\"Head\"}");
    kit_do("POST", "/api/v2/organizations/{O}", "{\"industry\":\"Tools\"}");
    kit_do("DELETE", "/api/v1/boxes/{D}", NULL);
    /* Nothing changes: nothing is fired. */
    kit_do("POST", "/api/v1/boxes/{B}", "{\"unknown\":1}");
    assert_int_equal(waiting(), 7);
    advance(200);
    assert_true(sim_receiver_wait(receiver, 7));
    settle();
    assert_item(0, 0, "/h/create", "name", "Made");
    assert_item(1, 0, "/h/edit", "name", "Made");
    assert_item(2, 0, "/h/stage", "stageKey", "5003");
    assert_item(3, 0, "/h/comment", "message", "hello");
    assert_item(4, 0, "/h/contact", "title", "Head");
    assert_item(5, 0, "/h/org", "industry", "Tools");
    assert_item(6, 0, "/h/delete", "key", kit.other_box);
    assert_int_equal(sim_receiver_count(receiver), 7);
}

/* Waits of 1, 5, 30, 120 s and then 10 min, and ten tries. */
static void test_retry_waits(void **state)
{
    static const int statuses[] = {503, 201, 204, 302, 500,
                                   400, 401, 404, 202, 503};
    static const int64_t waits_ms[] = {1000,   5000,   30000,  120000, 600000,
                                       600000, 600000, 600000, 600000};
    cJSON *told;

    (void)state;
    sim_receiver_script(receiver, statuses, 10);
    hook("BOX_EDIT", "pipelineKey={P}", "/h");
    kit_do("POST", "/api/v1/boxes/{B}", "{\"notes\":\"1\"}");
    advance(300);
    for (size_t i = 0; i < 9; i++) {
        assert_true(sim_receiver_wait(receiver, i + 1));
        settle();
        advance(waits_ms[i] - 1);
        settle();
        assert_int_equal(sim_receiver_count(receiver), i + 1);
        assert_int_equal(waiting(), 1);
        advance(1);
    }
    assert_true(sim_receiver_wait(receiver, 10));
    settle();
    assert_int_equal(waiting(), 0);
    told = kit_control("/_sim/deliveries", NULL);
    assert_int_equal(cJSON_GetArraySize(kit_at(told, "entries")), 10);
    for (int i = 0; i < 10; i++) {
        const cJSON *entry = cJSON_GetArrayItem(kit_at(told, "entries"), i);

        assert_int_equal(kit_number(entry, "status"), statuses[i]);
        assert_int_equal(kit_number(entry, "attempt"), i + 1);
        assert_string_equal(kit_text(entry, "keys"), kit.box);
    }
    cJSON_Delete(told);
}

static void test_retry_sends_the_same_and_gives_up(void **state)
{
    static const int statuses[] = {503, 503, 503};

    (void)state;
    kit_set("/_sim/webhooks", "{\"tries\":3,\"retry_waits_ms\":[10]}");
    sim_receiver_script(receiver, statuses, 3);
    hook("BOX_EDIT", "pipelineKey={P}", "/h");
    kit_do("POST", "/api/v1/boxes/{B}", "{\"notes\":\"first\"}");
    for (size_t i = 0; i < 3; i++) {
        advance(300);
        assert_true(sim_receiver_wait(receiver, i + 1));
        settle();
    }
    assert_int_equal(waiting(), 0);
    assert_int_equal(kit_control_number("/_sim/webhooks", "lost"), 1);
    assert_string_equal(sim_receiver_get(receiver, 0)->text,
                        sim_receiver_get(receiver, 2)->text);
    advance(10000000);
    settle();
    assert_int_equal(sim_receiver_count(receiver), 3);
}

static void test_gone_removes_registration(void **state)
{
    static const int gone[] = {410};
    char path[512];
    char *key = add_hook("BOX_EDIT", "pipelineKey={P}", "/h");
    struct sim_reply reply;

    (void)state;
    sim_receiver_script(receiver, gone, 1);
    kit_set("/_sim/webhooks", "{\"connections\":1}");
    kit_do("POST", "/api/v1/boxes/{B}", "{\"notes\":\"1\"}");
    kit_do("POST", "/api/v1/boxes/{D}", "{\"notes\":\"2\"}");
    advance(300);
    assert_true(sim_receiver_wait(receiver, 1));
    settle();
    assert_int_equal(waiting(), 0);
    assert_int_equal(sim_receiver_count(receiver), 1);
    snprintf(path, sizeof(path), "/api/v2/webhooks/%s", key);
    reply = kit_call("GET", path, NULL);
    assert_int_equal(reply.status, 404);
    sim_reply_done(&reply);
    free(key);
}

static void test_delete_ends_sending(void **state)
{
    char path[512];
    char *key = add_hook("BOX_EDIT", "pipelineKey={P}", "/h");

    (void)state;
    kit_do("POST", "/api/v1/boxes/{B}", "{\"notes\":\"1\"}");
    snprintf(path, sizeof(path), "/api/v2/webhooks/%s", key);
    kit_do("DELETE", path, NULL);
    assert_int_equal(waiting(), 0);
    advance(300);
    settle();
    assert_int_equal(sim_receiver_count(receiver), 0);
    free(key);
}

static void test_duplicate(void **state)
{
    (void)state;
    kit_set("/_sim/webhooks", "{\"duplicate\":2}");
    hook("BOX_EDIT", "pipelineKey={P}", "/h");
    kit_do("POST", "/api/v1/boxes/{B}", "{\"notes\":\"1\"}");
    for (size_t i = 0; i < 3; i++) {
        advance(300);
        assert_true(sim_receiver_wait(receiver, i + 1));
        settle();
    }
    assert_int_equal(waiting(), 0);
    assert_item(2, 0, "/h", "key", kit.box);
}

static void make_three(void)
{
    kit_set("/_sim/boxes", "{\"name\":\"one\"}");
    kit_set("/_sim/boxes", "{\"name\":\"two\"}");
    kit_set("/_sim/boxes", "{\"name\":\"three\"}");
}

static void test_reorder(void **state)
{
    (void)state;
    kit_set("/_sim/webhooks", "{\"hold_back\":2,\"connections\":1}");
    hook("BOX_CREATE", "pipelineKey={P}", "/h");
    make_three();
    assert_true(sim_receiver_wait(receiver, 3));
    settle();
    assert_item(0, 0, "/h", "name", "three");
    assert_item(1, 0, "/h", "name", "two");
    assert_item(2, 0, "/h", "name", "one");
    /* Too few to reorder: they go when the holding time is over. */
    kit_set("/_sim/boxes", "{\"name\":\"four\"}");
    settle();
    assert_int_equal(kit_control_number("/_sim/webhooks", "held"), 1);
    advance(1000);
    assert_true(sim_receiver_wait(receiver, 4));
    settle();
}

static void test_burst_in_one_batch(void **state)
{
    (void)state;
    kit_set("/_sim/webhooks", "{\"burst\":3,\"batch\":10}");
    hook("BOX_CREATE", "pipelineKey={P}", "/h");
    make_three();
    assert_true(sim_receiver_wait(receiver, 1));
    settle();
    assert_int_equal(sim_receiver_count(receiver), 1);
    assert_int_equal(cJSON_GetArraySize(sim_receiver_get(receiver, 0)->json),
                     3);
    assert_item(0, 0, "/h", "name", "one");
    assert_item(0, 2, "/h", "name", "three");
}

static void test_drop(void **state)
{
    (void)state;
    kit_set("/_sim/webhooks", "{\"drop_next\":2,\"delay_ms\":0,"
                              "\"spread_ms\":0}");
    hook("BOX_CREATE", "pipelineKey={P}", "/h");
    make_three();
    assert_true(sim_receiver_wait(receiver, 1));
    settle();
    assert_int_equal(sim_receiver_count(receiver), 1);
    assert_item(0, 0, "/h", "name", "three");
    assert_int_equal(kit_control_number("/_sim/webhooks", "dropped"), 2);
}

static void test_small_record(void **state)
{
    (void)state;
    kit_set("/_sim/webhooks", "{\"small_record\":true}");
    hook("BOX_EDIT", "pipelineKey={P}", "/h");
    kit_do("POST", "/api/v1/boxes/{B}", "{\"notes\":\"1\"}");
    advance(300);
    assert_true(sim_receiver_wait(receiver, 1));
    assert_item(0, 0, "/h", "eventType", "BOX_EDIT");
    assert_item(0, 0, "/h", "boxKey", kit.box);
    settle();
}

static void test_two_registrations_two_deliveries(void **state)
{
    (void)state;
    hook("BOX_EDIT", "pipelineKey={P}", "/h/1");
    hook("BOX_EDIT", "pipelineKey={P}", "/h/1");
    kit_do("POST", "/api/v1/boxes/{B}", "{\"notes\":\"1\"}");
    advance(300);
    assert_true(sim_receiver_wait(receiver, 2));
    settle();
}

static void test_many_moves(void **state)
{
    (void)state;
    kit_set("/_sim/webhooks", "{\"delay_ms\":0,\"spread_ms\":0}");
    hook("BOX_CHANGE_STAGE", "pipelineKey={P}", "/h");
    kit_set("/_sim/move-many", "{\"count\":2000,\"stage\":\"Closed-Won\"}");
    assert_true(sim_receiver_wait(receiver, 2000));
    settle();
    assert_int_equal(waiting(), 0);
    assert_int_equal(kit_control_number("/_sim/webhooks", "done"), 2000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
    const struct CMUnitTest tests[] = {
        TEST(test_delivery),
        TEST(test_state_at_sending),
        TEST(test_events_of_changes),
        TEST(test_retry_waits),
        TEST(test_retry_sends_the_same_and_gives_up),
        TEST(test_gone_removes_registration),
        TEST(test_delete_ends_sending),
        TEST(test_duplicate),
        TEST(test_reorder),
        TEST(test_burst_in_one_batch),
        TEST(test_drop),
        TEST(test_small_record),
        TEST(test_two_registrations_two_deliveries),
        TEST(test_many_moves),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
