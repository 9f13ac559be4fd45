/* links: streak_static connect_kit connect_config */
/* test_streak_receive.c - webhooks of Streak: who sent them, what they become.
 *
 * The element of a box is that of tests/golden/streak/32; tasks and contacts
 * are those of the reference, shortened. */
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

#include "config/record_type.h"
#include "config/schema_check.h"
#include "kit.h"

#define BOX "agxzBoxKey-1_a"
#define TOKEN "b7b1c0f2e4d84a0f9a53"

enum { BODY_MAX = 100000, TEXT_MAX = 400 };

static const char config[] =
    "{\"api_key\":\"key-of-streak\",\"webhook_token\":\"" TOKEN "\"}";
static const char *const good[] = {"Content-Type", "application/json",
                                   "x-streak-webhook-token", TOKEN, NULL};

static const struct record_type *event_type;
static struct record_types *types;

static cJSON *read_json(const char *text)
{
    cJSON *json = NULL;

    assert_int_equal(
        cn_json_read((cn_str){text, strlen(text)}, NULL, &json, NULL), 0);
    return json;
}

static struct kit *start(const char *with)
{
    struct kit *kit = kit_create(&cn_plugin_v1, with);

    assert_true(kit_start(kit));
    return kit;
}

static const struct kit_result *
receive(struct kit *kit, const char *const *headers, const char *body)
{
    const struct kit_result *result =
        kit_result(kit, kit_receive(kit, "/in/streak/s", headers, body));

    assert_true(result->done);
    for (size_t at = 0; at < result->record_count; at++) {
        cJSON *event = read_json(result->records[at].body);
        struct schema_fault fault;

        if (schema_check(event_type->schema, event, &fault))
            fail_msg("%s", fault.message);
        cJSON_Delete(event);
    }
    return result;
}

/* The body of a golden delivery, as text to free. */
static char *golden(void)
{
    FILE *file =
        fopen(TEST_SOURCE_DIR "/golden/streak/32-webhook-delivery.json", "rb");
    char *text = calloc(1, BODY_MAX), *printed;
    cJSON *json;

    assert_non_null(file);
    assert_non_null(text);
    assert_true(fread(text, 1, BODY_MAX - 1, file) > 0);
    fclose(file);
    json = read_json(text);
    free(text);
    printed = cn_json_print(cn_json_pointer(json, "/exchanges/0/request/json"));
    cJSON_Delete(json);
    return printed;
}

static void emits_a_small_event(void **state)
{
    struct kit *kit = start(config);
    char *body = golden();
    const struct kit_result *result = receive(kit, good, body);
    cJSON *event = read_json(result->records[0].body);
    const char *box = cn_json_text_at(event, "/box", "");

    (void)state;
    assert_int_equal(result->outcome.status, CN_OK);
    assert_int_equal(result->record_count, 1);
    assert_string_equal(result->records[0].type, "box_event/1");
    assert_string_equal(result->records[0].key, box);
    assert_true(strlen(box) > 60);
    assert_string_equal(cn_json_text_at(event, "/version", ""),
                        "1767261900011");
    assert_true(result->records[0].time_ms == 1767261900011);
    assert_non_null(cn_json_member(event, "pipeline"));
    assert_null(cn_json_member(event, "event"));
    assert_int_equal(cJSON_GetArraySize(event), 3);
    assert_non_null(strstr(result->records[0].id, "@1767261900011"));
    /* Again, the same id; no request was made. */
    {
        char id[TEXT_MAX];

        snprintf(id, sizeof(id), "%s", result->records[0].id);
        assert_string_equal(receive(kit, good, body)->records[0].id, id);
    }
    assert_int_equal(kit_request_count(kit), 0);
    cJSON_Delete(event);
    free(body);
    kit_destroy(kit);
}

static void knows_who_sent_it(void **state)
{
    static const char *const bad[][7] = {
        {NULL},
        {"X-Streak-Webhook-Token", "", NULL},
        {"X-Streak-Webhook-Token", "b7b1c0f2e4d84a0f9a54", NULL},
        {"X-Streak-Webhook-Token", TOKEN "0", NULL},
        {"X-Streak-Webhook-Token", "b7b1c0f2e4d84a0f9a5", NULL},
        {"X-Streak-Webhook-Token", TOKEN, "X-Streak-Webhook-Token", TOKEN,
         NULL},
        {"X-Streak-Webhook-Token", TOKEN, "x-streak-webhook-token", "other",
         NULL},
        {"X-Streak-Webhook-Toke", TOKEN, NULL},
        {"Authorization", TOKEN, NULL},
    };
    struct kit *kit = start(config);

    (void)state;
    for (size_t at = 0; at < sizeof(bad) / sizeof(*bad); at++) {
        const struct kit_result *result =
            receive(kit, bad[at], "[{\"key\":\"" BOX "\"}]");

        assert_int_equal(result->outcome.status, CN_AUTH);
        assert_int_equal(result->record_count, 0);
        assert_string_equal(result->outcome.message,
                            "the webhook has no right token");
    }
    /* A token that is empty lets nobody in. */
    kit_set_secret(kit, "webhook_token", "");
    assert_int_equal(receive(kit, bad[1], "[]")->outcome.status, CN_AUTH);
    assert_int_equal(receive(kit, bad[0], "[]")->outcome.status, CN_AUTH);
    kit_destroy(kit);
}

static void takes_the_previous_token(void **state)
{
    static const char *const old[] = {"X-Streak-Webhook-Token",
                                      "the-one-before-0001", NULL};
    struct kit *kit =
        start("{\"api_key\":\"key-of-streak\",\"webhook_token\":\"" TOKEN
              "\",\"webhook_token_previous\":\"the-one-before-0001\"}");

    (void)state;
    assert_int_equal(receive(kit, old, "[]")->outcome.status, CN_OK);
    assert_int_equal(receive(kit, good, "[]")->outcome.status, CN_OK);
    kit_set_secret(kit, "webhook_token_previous", NULL);
    assert_int_equal(receive(kit, old, "[]")->outcome.status, CN_AUTH);
    kit_destroy(kit);
}

/* body, then key, id and members of the event */
static void tells_the_box(void **state)
{
    static const struct {
        const char *body, *box, *id;
    } cases[] = {
        /* single object; the later time */
        {"{\"key\":\"" BOX "\",\"lastUpdatedTimestamp\":17}", BOX, BOX "@17"},
        {"[{\"boxKey\":\"" BOX "\",\"lastUpdatedTimestamp\":17,"
         "\"lastSavedTimestamp\":18}]",
         BOX, BOX "@18"},
        /* a task or comment hangs on a box (case 33) */
        {"[{\"key\":\"taskA\",\"boxKey\":\"" BOX
         "\",\"pipelineKey\":\"p\",\"status\":\"DONE\","
         "\"lastSavedTimestamp\":1767262200000}]",
         BOX, "taskA@1767262200000"},
        /* the small event record */
        {"[{\"eventType\":\"BOX_EDIT\",\"boxKey\":\"" BOX
         "\",\"timestamp\":99}]",
         BOX, BOX "@99/BOX_EDIT"},
        /* a number with a fraction is no time: the content decides */
        {"[{\"key\":\"" BOX "\",\"lastSavedTimestamp\":1.5}]", BOX, NULL},
        {"[{\"key\":\"" BOX "\"}]", BOX, NULL},
    };
    struct kit *kit = start(config);

    (void)state;
    for (size_t at = 0; at < sizeof(cases) / sizeof(*cases); at++) {
        const struct kit_result *result = receive(kit, good, cases[at].body);

        assert_int_equal(result->outcome.status, CN_OK);
        assert_int_equal(result->record_count, 1);
        assert_string_equal(result->records[0].key, cases[at].box);
        if (cases[at].id)
            assert_string_equal(result->records[0].id, cases[at].id);
        else
            assert_int_equal(strlen(result->records[0].id),
                             strlen(BOX) + 1 + 32);
    }
    kit_destroy(kit);
}

static void takes_arrays(void **state)
{
    struct kit *kit = start(config);
    const struct kit_result *result =
        receive(kit, good,
                "[{\"key\":\"a1\",\"lastSavedTimestamp\":1},"
                "{\"key\":\"b1\",\"lastSavedTimestamp\":1},"
                "{\"key\":\"a1\",\"lastSavedTimestamp\":1}]");

    (void)state;
    assert_int_equal(result->outcome.status, CN_OK);
    assert_int_equal(result->record_count, 3);
    assert_string_equal(result->records[0].id, result->records[2].id);
    assert_string_equal(result->records[1].id, "b1@1");
    result = receive(kit, good, "[]");
    assert_int_equal(result->outcome.status, CN_OK);
    assert_int_equal(result->record_count, 0);
    kit_destroy(kit);
}

static void sets_aside_what_is_none(void **state)
{
    static const struct {
        const char *body, *reason;
    } cases[] = {
        {"", "no JSON"},
        {"[{\"key\":", "byte 8"},
        {"[{\"key\":\"a1\"}] x", "no JSON"},
        {"[{\"key\":\"a1\",\"KEY\":\"b1\"}]", "no JSON"},
        {"\"a1\"", "neither"},
        {"17", "neither"},
        {"null", "neither"},
        {"{}", "names no box"},
        {"[{\"key\":\"a1\"},{\"name\":\"CANARY\"}]", "/1 names no box"},
        {"[[]]", "/0 names no box"},
        {"[{\"key\":17}]", "/0 names no box"},
        {"[{\"key\":\"\"}]", "/0 names no box"},
        {"[{\"key\":\"a\\u0000b\"}]", "/0 names no box"},
        {"[{\"key\":\"5005\",\"name\":\"CANARY\"}]", "/0 names no box"},
        /* a contact (case 33) */
        {"[{\"key\":\"c1\",\"teamKey\":\"t1\",\"givenName\":\"CANARY\"}]",
         "/0 names no box"},
    };
    struct kit *kit = start(config);

    (void)state;
    for (size_t at = 0; at < sizeof(cases) / sizeof(*cases); at++) {
        const struct kit_result *result = receive(kit, good, cases[at].body);

        assert_int_equal(result->outcome.status, CN_REJECTED);
        assert_int_equal(result->record_count, 0);
        if (!strstr(result->outcome.message, cases[at].reason))
            print_error("%s: %s\n", cases[at].body, result->outcome.message);
        assert_non_null(strstr(result->outcome.message, cases[at].reason));
        assert_null(strstr(result->outcome.message, "CANARY"));
    }
    assert_null(strstr(kit_log(kit), "CANARY"));
    kit_destroy(kit);
}

/* Longest keys, and one more; more elements than are taken. */
static void keeps_to_the_limits(void **state)
{
    struct kit *kit = start(config);
    char *body = calloc(1, BODY_MAX);
    const struct kit_result *result;
    size_t len = 0;

    (void)state;
    assert_non_null(body);
    snprintf(body, BODY_MAX,
             "[{\"key\":\"%0256d\",\"boxKey\":\"%0256d\","
             "\"lastSavedTimestamp\":1}]",
             1, 2);
    body[9] = 'k'; /* not only digits */
    result = receive(kit, good, body);
    assert_int_equal(result->outcome.status, CN_OK);
    assert_int_equal(strlen(result->records[0].id), 32); /* hashed */
    snprintf(body, BODY_MAX, "[{\"key\":\"k%0256d\"}]", 1);
    assert_int_equal(receive(kit, good, body)->outcome.status, CN_REJECTED);
    body[len++] = '[';
    for (int at = 0; at < 1001; at++)
        len += (size_t)snprintf(body + len, BODY_MAX - len,
                                "%s{\"key\":\"k%d\"}", at ? "," : "", at);
    snprintf(body + len, BODY_MAX - len, "]");
    assert_int_equal(receive(kit, good, body)->outcome.status, CN_REJECTED);
    free(body);
    kit_destroy(kit);
}

/* Every beginning of a delivery, and every byte of it changed. */
static void survives_broken_bytes(void **state)
{
    struct kit *kit = start(config);
    char *body = golden();
    size_t len = strlen(body);

    (void)state;
    for (size_t cut = 0; cut < len; cut++) {
        char kept = body[cut];

        body[cut] = '\0';
        assert_int_equal(receive(kit, good, body)->outcome.status, CN_REJECTED);
        body[cut] = (char)(kept ^ (1 << (cut % 7)));
        if (body[cut]) {
            cn_status status = receive(kit, good, body)->outcome.status;

            assert_true(status == CN_OK || status == CN_REJECTED);
        }
        body[cut] = kept;
    }
    free(body);
    kit_destroy(kit);
}

static int before(void **state)
{
    struct error err;

    (void)state;
    types = record_types_create();
    if (record_types_load(types, CONNECT_SOURCE_DIR "/config/records", &err))
        return -1;
    event_type = record_types_find(types, "box_event/1");
    return event_type ? 0 : -1;
}

static int after(void **state)
{
    (void)state;
    record_types_destroy(types);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(emits_a_small_event),
        cmocka_unit_test(knows_who_sent_it),
        cmocka_unit_test(takes_the_previous_token),
        cmocka_unit_test(tells_the_box),
        cmocka_unit_test(takes_arrays),
        cmocka_unit_test(sets_aside_what_is_none),
        cmocka_unit_test(keeps_to_the_limits),
        cmocka_unit_test(survives_broken_bytes),
    };

    return cmocka_run_group_tests(tests, before, after);
}
