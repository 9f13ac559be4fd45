/* links: streak_static connect_kit sim_streak sim_probe */
/* test_streak_sim.c - the Streak connector against the Streak simulator.
 *
 * The kit is the host and this file is the wire: each request of the plugin is
 * carried to the simulator in its child process and the answer back.  The
 * simulator shares no code with the plugin, so what passes here was understood
 * by two readers of the same reference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <connect/json.h>

#include "kit.h"
#include "sim_probe.h"
#include "streak.h"

enum { KEY_MAX = 257, STEPS_MAX = 10000, BODY_MAX = 4096 };

static const char base[] = "http://streak.test";
static const char target[] = "https://hooks.test/in/streak/new-secret-0123456";

static struct {
    struct sim_probe probe;
    struct kit *kit;
    char pipeline[KEY_MAX], box[KEY_MAX], contact[KEY_MAX], other[KEY_MAX];
} world;

/* ---- The wire -------------------------------------------------------------
 */

static void carry(struct kit_request *request)
{
    const char *const headers[] = {
        "Authorization: Basic c2FuZGJveC1zdHJlYWsta2V5Og==",
        request->body_len ? "Content-Type: application/json" : NULL, NULL};
    struct sim_reply reply = sim_probe_call(
        &world.probe, request->method, request->url + strlen(base), headers,
        request->body_len ? request->body : NULL);
    const char *const back[] = {"Retry-After", reply.retry_after, NULL};

    assert_int_equal(strncmp(request->url, base, strlen(base)), 0);
    assert_string_equal(request->auth, "basic api_key");
    assert_int_equal(request->effect, strcmp(request->method, "GET") != 0);
    if (reply.result == 7)
        kit_answer_failure(world.kit, request, KIT_NOT_SENT);
    else if (reply.result)
        kit_answer_failure(world.kit, request, KIT_NO_ANSWER);
    else
        kit_answer_headers(world.kit, request, (uint32_t)reply.status,
                           *reply.retry_after ? back : NULL,
                           (cn_str){reply.text, reply.len});
    sim_reply_done(&reply);
}

/* Until the operation has ended. */
static const struct kit_outcome *run(cn_op op)
{
    const struct kit_result *result = kit_result(world.kit, op);

    for (int step = 0; step < STEPS_MAX && !result->done; step++) {
        struct kit_request *request = kit_pending(world.kit);

        if (request)
            carry(request);
        else
            kit_advance(world.kit, kit_timer_next_ms(world.kit));
    }
    assert_true(result->done);
    return &result->outcome;
}

static const struct kit_outcome *ok(cn_op op)
{
    const struct kit_outcome *outcome = run(op);

    if (outcome->status != CN_OK)
        print_error("status %d: %s\n", (int)outcome->status, outcome->message);
    assert_int_equal(outcome->status, CN_OK);
    return outcome;
}

static cJSON *read_json(const char *text)
{
    cJSON *json = NULL;

    assert_int_equal(
        cn_json_read((cn_str){text, strlen(text)}, NULL, &json, NULL), 0);
    return json;
}

static cJSON *control(const char *path, const char *body)
{
    struct sim_reply reply = sim_probe_control(&world.probe, path, body);
    cJSON *json;

    if (reply.status != 200)
        print_error("%s: %ld %s\n", path, reply.status, reply.text);
    assert_int_equal(reply.status, 200);
    json = read_json(reply.text);
    sim_reply_done(&reply);
    return json;
}

static void set(const char *path, const char *body)
{
    cJSON_Delete(control(path, body));
}

static void expect(const cJSON *json, const char *pointer, const char *text)
{
    const char *found = cn_json_text_at(json, pointer, NULL);

    if (!found)
        print_error("nothing at %s\n", pointer);
    assert_non_null(found);
    assert_string_equal(found, text);
}

/* Deal as read now; the caller deletes it. */
static cJSON *read_deal(const char *box)
{
    char body[BODY_MAX];

    snprintf(body, sizeof(body), "{\"box\":\"%s\"}", box);
    return read_json(ok(kit_call(world.kit, "read_deal", body))->body);
}

static cn_op deliver(const char *type, const char *format, const char *key)
{
    char body[BODY_MAX];

    snprintf(body, sizeof(body), format, key);
    return kit_deliver(world.kit, type, "event-1", key, body);
}

/* Requests of one method that the simulator has seen since the last call. */
static size_t sent_since(size_t *from, const char *method)
{
    size_t count = 0;

    for (; kit_request(world.kit, *from); ++*from)
        count += !strcmp(kit_request(world.kit, *from)->method, method);
    return count;
}

/* ---- Tests ----------------------------------------------------------------
 */

static void reads_a_deal(void **state)
{
    cJSON *deal = read_deal(world.box);

    (void)state;
    expect(deal, "/key", world.box);
    expect(deal, "/name", "Bayside spring order");
    expect(deal, "/stage", "Quoted");
    expect(deal, "/pipeline/name", "Sales");
    expect(deal, "/pipeline/key", world.pipeline);
    expect(deal, "/organizations/0/name", "Bayside Tools Ltd");
    expect(deal, "/organizations/0/fields/SYSPRO customer", "0001207");
    assert_non_null(
        strstr(cn_json_text_at(deal, "/fields/Order lines", ""), "A100"));
    assert_non_null(cn_json_pointer(deal, "/stage_changed_ms"));
    cJSON_Delete(deal);
    /* Pipeline and team are known now: box and organization are left. */
    {
        size_t from = kit_request_count(world.kit);

        cJSON_Delete(read_deal(world.box));
        assert_true(sent_since(&from, "GET") <= 3);
    }
}

static void writes_fields_by_name(void **state)
{
    static const char update[] =
        "{\"key\":\"%s\",\"stage\":\"closed-won\",\"notes\":\"two\\nlines\","
        "\"fields\":{\"SYSPRO order\":\"020450\",\"syspro status\":"
        "\"Order created\",\"Priority\":\"High\",\"Paid\":true,"
        "\"Requested ship date\":\"2026-03-01\"}}";
    size_t from;
    cJSON *deal, *answer;

    (void)state;
    answer = read_json(ok(deliver("deal/1", update, world.box))->body);
    expect(answer, "/box", world.box);
    cJSON_Delete(answer);
    deal = read_deal(world.box);
    expect(deal, "/stage", "Closed-Won");
    expect(deal, "/notes", "two\nlines");
    expect(deal, "/fields/SYSPRO order", "020450");
    expect(deal, "/fields/SYSPRO status", "Order created");
    expect(deal, "/fields/Priority", "High");
    expect(deal, "/fields/Paid", "true");
    expect(deal, "/fields/Requested ship date", "2026-03-01");
    cJSON_Delete(deal);
    from = kit_request_count(world.kit);
    ok(deliver("deal/1", update, world.box));
    assert_int_equal(sent_since(&from, "POST"), 0); /* nothing differs */
    ok(deliver("deal/1",
               "{\"key\":\"%s\",\"fields\":{\"Paid\":null,"
               "\"Requested ship date\":null,\"Priority\":null}}",
               world.box));
    deal = read_deal(world.box);
    assert_null(cn_json_pointer(deal, "/fields/Priority"));
    assert_null(cn_json_pointer(deal, "/fields/Requested ship date"));
    cJSON_Delete(deal);
}

static void adds_to_lists(void **state)
{
    char body[BODY_MAX];
    size_t from;
    cJSON *deal;

    (void)state;
    ok(deliver("deal/1", "{\"key\":\"%s\",\"fields\":{\"Channels\":[\"web\"]}}",
               world.box));
    ok(deliver("deal/1",
               "{\"key\":\"%s\",\"add\":{\"fields\":{\"channels\":[\"phone\","
               "\"web\"]}}}",
               world.box));
    snprintf(body, sizeof(body),
             "{\"key\":\"%%s\",\"add\":{\"contacts\":[\"%s\"]}}",
             world.contact);
    ok(deliver("deal/1", body, world.other));
    from = kit_request_count(world.kit);
    ok(deliver("deal/1", body, world.other));
    assert_int_equal(sent_since(&from, "POST"), 0);
    deal = read_deal(world.box);
    expect(deal, "/fields/Channels/0", "web");
    expect(deal, "/fields/Channels/1", "phone");
    assert_null(cn_json_pointer(deal, "/fields/Channels/2"));
    cJSON_Delete(deal);
    deal = read_deal(world.other);
    assert_non_null(cn_json_pointer(deal, "/contacts/1/email")); /* added */
    expect(deal, "/contacts/1/key", world.contact);
    ok(deliver("deal/1", "{\"key\":\"%s\",\"contacts\":[]}", world.other));
    cJSON_Delete(deal);
    deal = read_deal(world.other);
    assert_null(cn_json_pointer(deal, "/contacts/0"));
    cJSON_Delete(deal);
}

static void refuses_what_does_not_fit(void **state)
{
    const struct kit_outcome *outcome;

    (void)state;
    outcome = run(deliver(
        "deal/1", "{\"key\":\"%s\",\"fields\":{\"Priority\":\"Urgent\"}}",
        world.box));
    assert_int_equal(outcome->status, CN_REJECTED);
    assert_non_null(strstr(outcome->message, "\"Priority\""));
    assert_non_null(strstr(outcome->message, "\"Urgent\""));
    outcome = run(deliver("deal/1",
                          "{\"key\":\"%s\",\"fields\":{\"Colour\":\"red\"}}",
                          world.box));
    assert_int_equal(outcome->status, CN_REJECTED);
    outcome = run(deliver("deal/1", "{\"key\":\"%s\",\"name\":\"x\"}",
                          world.pipeline)); /* no box */
    assert_int_equal(outcome->status, CN_REJECTED);
    assert_non_null(strstr(outcome->message, "gone"));
    outcome = run(kit_call(world.kit, "read_deal", "{\"box\":\"12345\"}"));
    assert_int_equal(outcome->status, CN_REJECTED);
    assert_non_null(strstr(outcome->message, "gone"));
}

static void comments_once(void **state)
{
    static const char remark[] =
        "{\"external_id\":\"order/ST-1\",\"deal\":\"%s\",\"text\":\"SYSPRO "
        "sales order 20450\"}";
    size_t from = kit_request_count(world.kit);
    char body[BODY_MAX];
    cJSON *first, *second;

    (void)state;
    snprintf(body, sizeof(body), remark, world.box);
    assert_int_equal(
        run(kit_probe(world.kit, "activity/1", "e", "k", body))->status,
        CN_ABSENT);
    first = read_json(ok(deliver("activity/1", remark, world.box))->body);
    second = read_json(ok(deliver("activity/1", remark, world.box))->body);
    assert_true(cn_json_equal(first, second));
    assert_int_equal(sent_since(&from, "POST"), 1);
    cJSON_Delete(second);
    second =
        read_json(ok(kit_probe(world.kit, "activity/1", "e", "k", body))->body);
    assert_true(cn_json_equal(first, second));
    cJSON_Delete(first);
    cJSON_Delete(second);
}

/* The comment is made, the answer is cut: doubt, then found. */
static void finds_what_was_cut(void **state)
{
    char body[BODY_MAX];
    const struct kit_outcome *outcome;

    (void)state;
    snprintf(body, sizeof(body),
             "{\"external_id\":\"cut/1\",\"deal\":\"%s\",\"text\":\"once\"}",
             world.box);
    set("/_sim/faults", "{\"fault\":\"cut_after_commit\",\"method\":\"POST\","
                        "\"match\":\"/comments\",\"count\":1}");
    outcome = run(kit_deliver(world.kit, "activity/1", "e", "k", body));
    assert_int_equal(outcome->status, CN_IN_DOUBT);
    ok(kit_probe(world.kit, "activity/1", "e", "k", body));
    set("/_sim/faults", "{\"fault\":\"cut_before_commit\",\"method\":\"POST\","
                        "\"match\":\"/boxes\",\"count\":1}");
    snprintf(body, sizeof(body), "{\"key\":\"%s\",\"name\":\"renamed\"}",
             world.box);
    outcome = run(kit_deliver(world.kit, "deal/1", "e", "k", body));
    assert_int_equal(outcome->status, CN_IN_DOUBT);
    outcome = run(kit_probe(world.kit, "deal/1", "e", "k", body));
    assert_int_equal(outcome->status, CN_ABSENT);
    ok(kit_deliver(world.kit, "deal/1", "e", "k", body));
    ok(kit_probe(world.kit, "deal/1", "e", "k", body));
}

static void keeps_one_webhook(void **state)
{
    static const char hook[] =
        "{\"external_id\":\"streak/BOX_EDIT/p\",\"event\":\"BOX_EDIT\","
        "\"scope\":\"%s\",\"address_id\":\"0123456789abcdef\"}";
    size_t from = kit_request_count(world.kit);
    char body[BODY_MAX];
    cJSON *first, *second;

    (void)state;
    snprintf(body, sizeof(body), hook, world.pipeline);
    assert_int_equal(
        run(kit_probe(world.kit, "webhook/1", "e", "k", body))->status,
        CN_ABSENT);
    kit_set_secret(world.kit, "webhook_address",
                   "https://hooks.test/in/streak/old-secret-987654");
    ok(deliver("webhook/1", hook, world.pipeline));
    kit_set_secret(world.kit, "webhook_address", target);
    first = read_json(ok(deliver("webhook/1", hook, world.pipeline))->body);
    second = read_json(ok(deliver("webhook/1", hook, world.pipeline))->body);
    assert_true(cn_json_equal(first, second));
    cJSON_Delete(second);
    second =
        read_json(ok(kit_probe(world.kit, "webhook/1", "e", "k", body))->body);
    assert_true(cn_json_equal(first, second));
    assert_int_equal(sent_since(&from, "POST"), 2);
    from = 0;
    assert_int_equal(sent_since(&from, "DELETE"), 1); /* the old one */
    cJSON_Delete(first);
    cJSON_Delete(second);
}

/* ---- Around ---------------------------------------------------------------
 */

static int before(void **state)
{
    cJSON *all;

    (void)state;
    set("/_sim/reset", "{}");
    all = control("/_sim/world", NULL);
    snprintf(world.pipeline, KEY_MAX, "%s",
             cn_json_text_at(all, "/pipelines/0/key", ""));
    snprintf(world.contact, KEY_MAX, "%s",
             cn_json_text_at(all, "/contacts/Ida Marsh", ""));
    CN_JSON_EACH(box, cn_json_pointer(all, "/pipelines/0/boxes"))
    {
        bool first =
            !strcmp(cn_json_text_at(box, "/name", ""), "Bayside spring order");

        snprintf(first ? world.box : world.other, KEY_MAX, "%s",
                 cn_json_text_at(box, "/key", ""));
    }
    cJSON_Delete(all);
    world.kit =
        kit_create(&cn_plugin_v1, "{\"base_url\":\"http://streak.test/api/\","
                                  "\"api_key\":\"sandbox-streak-key\","
                                  "\"webhook_token\":\"tell-nobody-this\"}");
    kit_set_secret(world.kit, "webhook_address", target);
    assert_true(kit_start(world.kit));
    return 0;
}

static int after(void **state)
{
    (void)state;
    kit_destroy(world.kit);
    return 0;
}

static int start(void **state)
{
    static const char *const args[] = {"--rate", "0", "--seed", "7", NULL};

    (void)state;
    return sim_probe_start(&world.probe, &streak_program, args);
}

static int stop(void **state)
{
    (void)state;
    return sim_probe_stop(&world.probe);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reads_a_deal, before, after),
        cmocka_unit_test_setup_teardown(writes_fields_by_name, before, after),
        cmocka_unit_test_setup_teardown(adds_to_lists, before, after),
        cmocka_unit_test_setup_teardown(refuses_what_does_not_fit, before,
                                        after),
        cmocka_unit_test_setup_teardown(comments_once, before, after),
        cmocka_unit_test_setup_teardown(finds_what_was_cut, before, after),
        cmocka_unit_test_setup_teardown(keeps_one_webhook, before, after),
    };

    return cmocka_run_group_tests(tests, start, stop);
}
