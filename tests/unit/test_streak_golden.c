/* links: streak_static connect_kit */
/* test_streak_golden.c - the recorded pairs of tests/golden/streak, played to
 * the plugin.
 *
 * The plugin is brought to make the recorded request: method, address, kind of
 * body and body must be equal.  Then it gets the recorded answer. */
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

enum { FILE_MAX = 100000, TEXT_MAX = 4000, HEADERS_MAX = 16 };

static struct kit *kit;
static cJSON *files[8]; /* read by the running test */
static size_t file_count;

/* ---- Cases ----------------------------------------------------------------
 */

static cJSON *read_json(const char *text)
{
    cJSON *json = NULL;

    assert_int_equal(
        cn_json_read((cn_str){text, strlen(text)}, NULL, &json, NULL), 0);
    return json;
}

/* An exchange of a case; freed behind the test. */
static const cJSON *exchange_of(const char *name, int index)
{
    char path[TEXT_MAX], *text = calloc(1, FILE_MAX);
    FILE *file;

    snprintf(path, sizeof(path), TEST_SOURCE_DIR "/golden/streak/%s.json",
             name);
    file = fopen(path, "rb");
    if (!file)
        fail_msg("%s is not there", path);
    assert_non_null(text);
    assert_true(fread(text, 1, FILE_MAX - 1, file) > 0);
    fclose(file);
    assert_true(file_count < sizeof(files) / sizeof(*files));
    files[file_count] = read_json(text);
    free(text);
    return cJSON_GetArrayItem(cn_json_member(files[file_count++], "exchanges"),
                              index);
}

static const cJSON *answer_in(const cJSON *exchange)
{
    return cn_json_pointer(exchange, "/response/json");
}

static const char *key_in(const cJSON *exchange)
{
    return cn_json_text_at(answer_in(exchange), "/key", "");
}

/* The oldest request of the plugin is the recorded one. */
static struct kit_request *recorded_request(const cJSON *exchange)
{
    const cJSON *request = cn_json_member(exchange, "request");
    const cJSON *query = cn_json_member(request, "query");
    const cJSON *json = cn_json_member(request, "json");
    struct kit_request *made = kit_pending(kit);
    const char *type = cn_json_text_at(request, "/headers/Content-Type", NULL);
    char url[TEXT_MAX];

    assert_non_null(made);
    snprintf(url, sizeof(url), "%s%s%s%s%s",
             cn_json_text_at(request, "/url", ""), query ? "?" : "",
             query ? query->child->string : "", query ? "=" : "",
             query ? query->child->valuestring : "");
    assert_string_equal(made->method, cn_json_text_at(request, "/method", ""));
    assert_string_equal(made->url, url);
    assert_string_equal(made->auth, "basic api_key");
    assert_string_equal(kit_request_header(made, "Accept"), "application/json");
    if (type)
        assert_string_equal(kit_request_header(made, "Content-Type"), type);
    else
        assert_null(kit_request_header(made, "Content-Type"));
    if (json) {
        cJSON *body = read_json(made->body);

        if (!cn_json_equal(body, json))
            print_error("%s\n", made->body);
        assert_true(cn_json_equal(body, json));
        cJSON_Delete(body);
    } else {
        assert_int_equal(made->body_len, 0);
    }
    return made;
}

static void answer_json(struct kit_request *request, const cJSON *json)
{
    char *text = cn_json_print(json);

    kit_answer(kit, request, 200, text);
    free(text);
}

static void replay(const cJSON *exchange)
{
    struct kit_request *request = recorded_request(exchange);
    const cJSON *response = cn_json_member(exchange, "response");
    const cJSON *json = cn_json_member(response, "json");
    const char *headers[2 * HEADERS_MAX + 1] = {NULL};
    char *text = cJSON_IsNull(json) ? NULL : cn_json_print(json);
    int64_t status = 0;
    size_t count = 0;

    CN_JSON_EACH(header, cn_json_member(response, "headers"))
    {
        assert_true(count < HEADERS_MAX);
        headers[2 * count] = header->string;
        headers[2 * count++ + 1] = header->valuestring;
    }
    assert_int_equal(cn_json_int64(cn_json_member(response, "status"), &status),
                     0);
    kit_answer_headers(kit, request, (uint32_t)status, headers,
                       (cn_str){text, text ? strlen(text) : 0});
    free(text);
}

/* ---- Operations -----------------------------------------------------------
 */

static const struct kit_outcome *ends(cn_op op, cn_status status)
{
    const struct kit_result *result = kit_result(kit, op);

    assert_true(result->done);
    if (result->outcome.status != status)
        print_error("%s\n", result->outcome.message);
    assert_int_equal(result->outcome.status, status);
    return &result->outcome;
}

static cn_op read_deal(const char *key)
{
    char body[TEXT_MAX];

    snprintf(body, sizeof(body), "{\"box\":\"%s\"}", key);
    return kit_call(kit, "read_deal", body);
}

static cn_op deliver(const char *key, const char *rest)
{
    char body[2 * TEXT_MAX];

    snprintf(body, sizeof(body), "{\"key\":\"%s\",%s}", key, rest);
    return kit_deliver(kit, "deal/1", "event-1", key, body);
}

/* The recorded pipeline, which the connector asks for by its key. */
static void answer_pipeline(void)
{
    const cJSON *pipeline = cn_json_pointer(
        answer_in(exchange_of("05-pipelines-list-v1", 0)), "/0");
    char url[TEXT_MAX];

    snprintf(url, sizeof(url), "https://api.streak.com/api/v1/pipelines/%s",
             cn_json_text_at(pipeline, "/key", ""));
    assert_string_equal(kit_pending(kit)->url, url);
    answer_json(kit_pending(kit), pipeline);
}

/* A box as recorded, with one member as it was before. */
static void answer_box(const cJSON *exchange, const char *name,
                       const char *value)
{
    cJSON *box = cJSON_Duplicate(answer_in(exchange), true);

    assert_int_equal(cn_json_put(box, name, read_json(value)), 0);
    answer_json(kit_pending(kit), box);
    cJSON_Delete(box);
}

/* ---- Tests ----------------------------------------------------------------
 */

static void who_we_are(void **state)
{
    cn_op op = kit_check(kit);

    (void)state;
    replay(exchange_of("01-users-me", 0));
    ends(op, CN_OK);
    op = kit_check(kit);
    replay(exchange_of("02-auth-missing", 0));
    assert_non_null(
        strstr(ends(op, CN_AUTH)->message, "Authentication required"));
    op = kit_check(kit);
    replay(exchange_of("03-auth-bad-key", 0));
    assert_non_null(strstr(ends(op, CN_AUTH)->message, "invalid api key"));
}

static void a_box_is_read(void **state)
{
    const cJSON *exchange = exchange_of("11-box-get", 0);
    cn_op op = read_deal(key_in(exchange));
    cJSON *deal;

    (void)state;
    replay(exchange);
    answer_pipeline();
    answer_json(kit_pending(kit),
                cn_json_pointer(answer_in(exchange_of("04-teams-list", 0)),
                                "/results/0"));
    answer_json(kit_pending(kit),
                answer_in(exchange_of("26-organization-create", 0)));
    answer_json(kit_pending(kit),
                answer_in(exchange_of("21-contact-create", 0)));
    deal = read_json(ends(op, CN_OK)->body);
    assert_string_equal(cn_json_text_at(deal, "/stage", ""), "Paid");
    assert_string_equal(cn_json_text_at(deal, "/pipeline/name", ""), "Orders");
    assert_string_equal(cn_json_text_at(deal, "/fields/Payment status", ""),
                        "Paid");
    assert_string_equal(cn_json_text_at(deal, "/fields/Paid on", ""),
                        "2026-01-01");
    assert_string_equal(cn_json_text_at(deal, "/fields/Channels/1", ""),
                        "partner");
    assert_string_equal(cn_json_text_at(deal, "/organizations/0/name", ""),
                        "Buyer AG");
    assert_non_null(cn_json_pointer(deal, "/contacts/0/email"));
    cJSON_Delete(deal);
}

static void a_stage_is_changed(void **state)
{
    const cJSON *exchange = exchange_of("14-box-update-stage", 0);
    const char *key = key_in(exchange);
    cn_op op = deliver(key, "\"stage\":\"paid\",\"notes\":\"Paid by card\"");
    cJSON *box = cJSON_Duplicate(answer_in(exchange), true);

    (void)state;
    assert_int_equal(cn_json_put_text(box, "notes", ""), 0);
    assert_int_equal(cn_json_put_text(box, "stageKey", "5001"), 0);
    answer_json(kit_pending(kit), box);
    cJSON_Delete(box);
    answer_pipeline();
    replay(exchange);
    ends(op, CN_OK);
}

static void fields_are_written(void **state)
{
    const cJSON *exchange = exchange_of("18-box-many-fields", 1);
    cn_op op = deliver(key_in(exchange), "\"fields\":{\"invoice sent\":true}");

    (void)state;
    answer_box(exchange, "fields", "{\"1001\":\"A-1001\",\"1002\":\"9002\"}");
    answer_pipeline();
    replay(exchange);
    ends(op, CN_OK);
    /* The text form that the page documents is not sent, but understood. */
    op = deliver(key_in(exchange), "\"fields\":{\"Order number\":\"A-1001\","
                                   "\"Payment status\":\"Paid\"}");
    answer_box(exchange, "fields", "{}");
    assert_string_equal(kit_pending(kit)->body,
                        "{\"fields\":{\"1001\":\"A-1001\",\"1002\":\"9002\"}}");
    answer_json(kit_pending(kit),
                answer_in(exchange_of("18-box-many-fields", 0)));
    ends(op, CN_OK);
}

/* Only what differs is sent: the recorded client sends organizations too. */
static void a_contact_is_added(void **state)
{
    const cJSON *before = exchange_of("15-box-link-contact-replaces", 0);
    const cJSON *after = exchange_of("15-box-link-contact-replaces", 1);
    const cJSON *wanted = cn_json_pointer(after, "/request/json/contacts");
    char rest[TEXT_MAX];
    cJSON *body;
    cn_op op;

    (void)state;
    snprintf(rest, sizeof(rest), "\"add\":{\"contacts\":[\"%s\"]}",
             cn_json_text_at(wanted, "/1/key", ""));
    op = deliver(key_in(before), rest);
    replay(before);
    answer_pipeline();
    body = read_json(kit_pending(kit)->body);
    assert_true(cn_json_equal(cn_json_member(body, "contacts"), wanted));
    assert_int_equal(cJSON_GetArraySize(body), 1);
    cJSON_Delete(body);
    answer_json(kit_pending(kit), answer_in(after));
    ends(op, CN_OK);
    /* Case 16: 200, and nothing was changed. */
    op = deliver(key_in(before), rest);
    replay(before);
    answer_json(kit_pending(kit),
                answer_in(exchange_of("16-box-update-unknown-property", 0)));
    assert_non_null(
        strstr(ends(op, CN_REJECTED)->message, "did not take contacts"));
}

static void a_malformed_key_is_gone(void **state)
{
    const cJSON *exchange = exchange_of("11-box-get", 0);
    cn_op op = read_deal(key_in(exchange));

    (void)state;
    answer_box(exchange, "pipelineKey", "\"12345\"");
    replay(exchange_of("20-malformed-key", 0));
    assert_non_null(strstr(ends(op, CN_REJECTED)->message, "key issue"));
}

static void a_comment_is_made_once(void **state)
{
    const cJSON *create = exchange_of("27-comment-create", 0);
    const cJSON *list = exchange_of("27-comment-create", 1);
    char body[TEXT_MAX];
    cn_op op;

    (void)state;
    snprintf(body, sizeof(body),
             "{\"external_id\":\"pay_8831\",\"deal\":\"%s\",\"text\":"
             "\"Payment received: 120.00 EUR\"}",
             cn_json_text_at(answer_in(create), "/boxKey", ""));
    op = kit_deliver(kit, "activity/1", "e", "k", body);
    kit_answer(kit, recorded_request(list), 200, "{\"results\":[]}");
    replay(create);
    assert_non_null(strstr(ends(op, CN_OK)->body, key_in(create)));
    op = kit_probe(kit, "activity/1", "e", "k", body);
    replay(list);
    assert_non_null(strstr(ends(op, CN_OK)->body, key_in(create)));
}

static void a_webhook_is_registered(void **state)
{
    const cJSON *create = exchange_of("31-webhook-register", 0);
    const cJSON *list = exchange_of("31-webhook-register", 1);
    const cJSON *remove = exchange_of("31-webhook-register", 2);
    char body[TEXT_MAX];
    cn_record gone = {.size = sizeof(gone),
                      .change = CN_DELETE,
                      .type = "webhook/1",
                      .id = CN_STR("e"),
                      .key = CN_STR("k")};
    cn_op op;

    (void)state;
    snprintf(body, sizeof(body),
             "{\"external_id\":\"s/h/p\",\"event\":\"BOX_CHANGE_STAGE\","
             "\"scope\":\"%s\",\"address_id\":\"0123456789abcdef\"}",
             cn_json_text_at(create, "/request/query/pipelineKey", ""));
    op = kit_deliver(kit, "webhook/1", "e", "k", body);
    kit_answer(kit, recorded_request(list), 200, "[]");
    replay(create);
    assert_non_null(strstr(ends(op, CN_OK)->body, key_in(create)));
    op = kit_probe(kit, "webhook/1", "e", "k", body);
    replay(list);
    ends(op, CN_OK);
    gone.body = (cn_str){body, strlen(body)};
    op = kit_deliver_records(kit, &gone, 1);
    replay(list);
    replay(remove);
    ends(op, CN_OK);
}

static void deliveries_are_received(void **state)
{
    static const char *const names[] = {"32-webhook-delivery",
                                        "34-webhook-retry-and-gone"};

    (void)state;
    for (size_t at = 0; at < 2; at++) {
        const cJSON *exchange = exchange_of(names[at], 0);

        /* The last of 34 is a question of ours. */
        for (; exchange && cn_json_pointer(exchange, "/request/json");
             exchange = exchange->next) {
            const cJSON *request = cn_json_member(exchange, "request");
            const char *const headers[] = {
                "X-Streak-Webhook-Token",
                cn_json_text_at(request, "/headers/X-Streak-Webhook-Token", ""),
                NULL};
            const cJSON *json = cn_json_member(request, "json");
            char *body = cn_json_print(json);
            cn_op op = kit_receive(kit, "/in/streak/s", headers, body);

            ends(op, CN_OK);
            assert_int_equal(kit_result(kit, op)->record_count,
                             (size_t)cJSON_GetArraySize(json));
            free(body);
        }
    }
}

static void limits_are_kept(void **state)
{
    const cJSON *exchange = exchange_of("35-rate-limit", 0);
    const char *key = key_in(exchange_of("35-rate-limit", 2));
    cn_op op = read_deal(key);

    (void)state;
    replay(exchange);
    assert_int_equal(ends(op, CN_RATE_LIMITED)->retry_after_ms, 2000);
    op = read_deal(key);
    replay(exchange->next);
    assert_true(ends(op, CN_RATE_LIMITED)->retry_after_ms >= 500);
    op = read_deal(key);
    replay(exchange->next->next);
    answer_pipeline();
    kit_cancel(kit, op); /* it goes on with the team */
}

static int before(void **state)
{
    (void)state;
    kit = kit_create(&cn_plugin_v1,
                     "{\"api_key\":\"key-of-streak\",\"webhook_token\":"
                     "\"b7b1c0f2e4d84a0f9a53\"}");
    kit_set_secret(kit, "webhook_address",
                   "https://hooks.example.test/streak/h/1f6c");
    assert_true(kit_start(kit));
    return 0;
}

static int after(void **state)
{
    (void)state;
    while (file_count)
        cJSON_Delete(files[--file_count]);
    kit_destroy(kit);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, before, after)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_we_are),
        TEST(a_box_is_read),
        TEST(a_stage_is_changed),
        TEST(fields_are_written),
        TEST(a_contact_is_added),
        TEST(a_malformed_key_is_gone),
        TEST(a_comment_is_made_once),
        TEST(a_webhook_is_registered),
        TEST(deliveries_are_received),
        TEST(limits_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
