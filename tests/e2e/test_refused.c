/* test_refused.c - what the webhook route refuses, and what it takes but cannot
 * use: the answer contract, from outside. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REFUSALS_A_MINUTE = 20 };

static int64_t status_number(struct stage *stage, const char *name)
{
    cJSON *told = stage_get(stage, ADMIN, "/v1/status");
    int64_t number = (int64_t)cJSON_GetObjectItem(told, name)->valuedouble;

    cJSON_Delete(told);
    return number;
}

/* Headers without what differs by itself. */
static void drop_date(char *headers)
{
    char *date = strcasestr(headers, "\r\ndate:");

    if (date)
        memset(date + 2, 'x', strcspn(date + 2, "\r\n"));
}

static void must_answer(struct stage *stage,
                        const struct stage_webhook *webhook, int status,
                        const char *what)
{
    struct web_answer answer = stage_send(stage, webhook);

    if (answer.status != status)
        stage_fail(stage, "%s: status %d, not %d: %s", what, answer.status,
                   status, answer.body);
    web_answer_end(&answer);
}

/* F02: every wrong token, one and the same answer, nothing stored. */
static void test_wrong_token(void **state)
{
    struct stage_options options = {.no_registrations = true};
    char key[STAGE_TEXT_MAX], wrong[64], query[STAGE_TEXT_MAX], two[200];
    const char *const keys[] = {key};
    struct stage *stage = stage_begin(&options);
    struct web_answer first = {0};
    char *body, *log;
    int64_t events = status_number(stage, "events");

    (void)state;
    stage_deal(stage, "Wrong", "Bayside Tools Ltd", "A100; 3; 149.90", key);
    stage_win(stage, key);
    body = stage_event_body(stage, keys, 1);
    snprintf(wrong, sizeof(wrong), "%s", stage->token);
    wrong[strlen(wrong) - 1] ^= 1;
    snprintf(query, sizeof(query),
             "/in/streak/%s?token=%s&"
             "X-Streak-Webhook-Token=%s",
             stage->path_secret, stage->token, stage->token);
    snprintf(two, sizeof(two), "X-Streak-Webhook-Token: %s", stage->token);
    const struct stage_webhook variants[] = {
        {.token = "", .body = body},
        {.token = "", .body = body, .header = "X-Streak-Webhook-Token;"},
        {.token = "wrong", .body = body},
        {.token = wrong, .body = body},
        {.token = "", .path = query, .body = body},
        {.header = two, .body = body},
        {.header = "X-Streak-Webhook-Token: other", .body = body},
        {.token = stage->path_secret, .body = body},
        {.token = "wrong", .body = "{"},
        {.token = "wrong", .body = "[]"},
    };
    for (size_t at = 0; at < sizeof(variants) / sizeof(*variants); at++) {
        struct web_answer answer = stage_send(stage, &variants[at]);
        if (answer.status != 401)
            stage_fail(stage, "variant %zu: status %d", at, answer.status);
        drop_date(answer.headers);
        if (!first.body) {
            first = answer;
            continue;
        }
        stage_must(stage, !strcmp(first.body, answer.body));
        stage_must(stage, !strcmp(first.headers, answer.headers));
        web_answer_end(&answer);
    }
    web_answer_end(&first);
    stage_must(stage, status_number(stage, "events") == events);
    stage_must(stage, stage_order_count(stage) == 0);
    /* The right one is still taken. */
    must_answer(stage, &(struct stage_webhook){.body = body}, 200, "right");
    stage_until_orders(stage, 1);
    log = stage_log(stage);
    stage_must(stage, !strstr(log, stage->token) && !strstr(log, wrong) &&
                          !strstr(log, stage->path_secret));
    free(log);
    free(body);
    stage_check(stage);
    stage_passed(stage);
}

/* After twenty refusals of one network in a minute: 429, and the right sender
 * is still taken. */
static void test_too_many(void **state)
{
    struct stage_options options = {.no_registrations = true};
    struct stage *stage = stage_begin(&options);
    struct stage_webhook wrong = {.token = "wrong", .body = "[]"};
    struct web_answer answer;

    (void)state;
    for (int at = 0; at < REFUSALS_A_MINUTE; at++)
        must_answer(stage, &wrong, 401, "within the rate");
    for (int at = 0; at < 3; at++) {
        answer = stage_send(stage, &wrong);
        stage_must(stage, answer.status == 429);
        stage_must(stage, strcasestr(answer.headers, "\r\nretry-after: "));
        web_answer_end(&answer);
    }
    must_answer(stage, &(struct stage_webhook){.body = "[]"}, 200,
                "the right one over the rate");
    stage_check(stage);
    stage_passed(stage);
}

static size_t starts_of_streak(struct stage *stage)
{
    static const char start[] = "\"instance\":\"streak\",\"message\":\"plugin ";
    char *log = stage_log(stage);
    const char *at = log;
    size_t count = 0;

    while ((at = strstr(at, start))) {
        count++;
        at++;
    }
    free(log);
    return count;
}

static bool started_again(struct stage *stage, void *arg)
{
    return starts_of_streak(stage) > *(size_t *)arg;
}

/* Until the new instance has taken over, which the answer does not wait for. */
static void reload(struct stage *stage)
{
    size_t starts = starts_of_streak(stage);

    stage_tell(stage, ADMIN, "/v1/reload", "{}");
    stage_until(stage, STAGE_READY_MS, "the new instance", started_again,
                &starts);
}

/* The grace of a rotation: old and new token are taken, then only the new. */
static void test_rotation(void **state)
{
    struct stage_options options = {.no_registrations = true};
    struct stage *stage = stage_begin(&options);
    char old[64];

    (void)state;
    snprintf(old, sizeof(old), "%s", stage->token);
    snprintf(stage->token, sizeof(stage->token), "%s",
             "a-new-token-of-the-rotation-0001");
    stage_write(stage, "secrets/streak.token", stage->token);
    stage_write(stage, "secrets/streak.previous", old);
    options.streak =
        "{\"webhook_token_previous\":\"file:secrets/streak.previous\"}";
    stage_configure(stage, &options);
    reload(stage);
    must_answer(stage, &(struct stage_webhook){.body = "[]"}, 200, "new");
    must_answer(stage, &(struct stage_webhook){.body = "[]", .token = old}, 200,
                "old in its grace");
    options.streak = NULL;
    stage_configure(stage, &options);
    reload(stage);
    must_answer(stage, &(struct stage_webhook){.body = "[]"}, 200, "new");
    must_answer(stage, &(struct stage_webhook){.body = "[]", .token = old}, 401,
                "old after its grace");
    stage_check(stage);
    stage_passed(stage);
}

static void test_routes(void **state)
{
    struct stage_options options = {.no_registrations = true};
    struct stage *stage = stage_begin(&options);
    struct stage_webhook get = {.method = "GET"};
    struct web_answer answer;
    char path[STAGE_TEXT_MAX];

    (void)state;
    must_answer(stage, &(struct stage_webhook){.path = "/", .body = "[]"}, 404,
                "/");
    must_answer(stage,
                &(struct stage_webhook){.path = "/in/streak", .body = "[]"},
                404, "no secret");
    must_answer(stage,
                &(struct stage_webhook){.path = "/in/streak/wrong-secret-of-32",
                                        .body = "[]"},
                404, "wrong secret");
    snprintf(path, sizeof(path), "/in/syspro/%s", stage->path_secret);
    must_answer(stage, &(struct stage_webhook){.path = path, .body = "[]"}, 404,
                "an instance without webhooks");
    must_answer(stage,
                &(struct stage_webhook){.path = "/v1/status", .body = "[]"},
                404, "the admin interface");
    answer = stage_send(stage, &get);
    stage_must(stage, answer.status == 405);
    stage_must(stage, strcasestr(answer.headers, "\r\nallow: POST"));
    web_answer_end(&answer);
    must_answer(
        stage,
        &(struct stage_webhook){.content_type = "text/plain", .body = "[]"},
        415, "text");
    must_answer(stage,
                &(struct stage_webhook){.content_type = "", .body = "[]"}, 415,
                "no content type");
    must_answer(stage,
                &(struct stage_webhook){.header = "Content-Encoding: gzip",
                                        .body = "[]"},
                415, "gzip");
    must_answer(stage,
                &(struct stage_webhook){.content_type =
                                            "application/json; charset=utf-8",
                                        .body = "[]"},
                200, "with a character set");
    stage_check(stage);
    stage_passed(stage);
}

static size_t quarantined(struct stage *stage, int64_t *ret_counted)
{
    cJSON *told = stage_get(stage, ADMIN, "/v1/quarantine");
    const cJSON *entry, *list = cJSON_GetObjectItem(told, "quarantine");
    size_t rows = (size_t)cJSON_GetArraySize(list);

    *ret_counted = 0;
    cJSON_ArrayForEach(entry, list)
    {
        *ret_counted +=
            (int64_t)cJSON_GetObjectItem(entry, "count")->valuedouble;
        stage_must(stage, cJSON_GetObjectItem(entry, "reason")->valuestring[0]);
        stage_must(stage, !cJSON_GetObjectItem(entry, "content"));
    }
    cJSON_Delete(told);
    return rows;
}

/* With the right token: 200 and kept, once for each distinct content. */
static void test_quarantine(void **state)
{
    static const char *const bodies[] = {
        "{",
        "not JSON",
        "[1,2,]",
        "[{\"key\":\"a\",\"key\":\"b\"}]",
        "\"a text\"",
        "[{\"name\":\"no key\"}]",
        "[{\"key\":\"\\ud800\"}]",
        "[{\"key\":\"agx\"}] []",
        "\xef\xbb\xbf[{\"key\":\"agx\"}]",
        "[{\"key\":\"\xff\"}]",
        " ",
    };
    enum { COUNT = sizeof(bodies) / sizeof(*bodies) };
    struct stage_options options = {.no_registrations = true};
    struct stage *stage = stage_begin(&options);
    int64_t events = status_number(stage, "events"), counted;
    char *text = NULL;

    (void)state;
    for (int round = 1; round <= 3; round++) {
        for (size_t at = 0; at < COUNT; at++)
            must_answer(stage, &(struct stage_webhook){.body = bodies[at]}, 200,
                        bodies[at]);
        stage_must(stage, quarantined(stage, &counted) == COUNT);
        stage_must(stage, counted == round * (int64_t)COUNT);
    }
    must_answer(stage, &(struct stage_webhook){.body = "[]"}, 200, "empty");
    stage_must(stage, quarantined(stage, &counted) == COUNT);
    stage_must(stage, status_number(stage, "events") == events);
    stage_must(stage, status_number(stage, "alerts") > 0);
    stage_must(stage, stage_ctl(stage, &text, "quarantine", NULL) == 0);
    stage_must(stage, strstr(text, "streak"));
    free(text);
    /* What could not be used must not count as a lost event: it has no deal. */
    cJSON_Delete(stage->sent);
    stage->sent = cJSON_CreateArray();
    stage_check(stage);
    stage_passed(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(test_wrong_token), stage_test(test_too_many),
        stage_test(test_rotation),    stage_test(test_routes),
        stage_test(test_quarantine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
