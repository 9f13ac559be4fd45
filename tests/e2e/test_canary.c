/* test_canary.c - canaries in every text that people write: none in the log at
 * its most talkative, none in what connectctl lists. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each place has a canary of its own, so that a find says where from: KANARI
 * and the place. */

static const char *const headers[] = {
    "Authorization: Basic c2FuZGJveC1zdHJlYWsta2V5Og==",
    "Content-Type: application/json", NULL};

/* A call of Streak's own interface, as another client would make it. */
static cJSON *streak_call(struct stage *stage, const char *method,
                          const char *path, const char *body)
{
    char url[STAGE_TEXT_MAX * 2];
    struct web_request request = {
        .method = method, .url = url, .headers = headers, .body = body};
    struct web_answer answer;
    cJSON *json;

    snprintf(url, sizeof(url), "http://127.0.0.1:%u/api/%s", stage->streak_base,
             path);
    answer = web_call(stage->web, &request);
    json = cJSON_ParseWithLength(answer.body, answer.len);
    if (answer.status / 100 != 2 || !json)
        stage_fail(stage, "%s: %d %s", path, answer.status, answer.body);
    web_answer_end(&answer);
    return json;
}

static const char *named_key(const cJSON *world, const char *list,
                             const char *name)
{
    const cJSON *keys = cJSON_GetObjectItem(world, list);

    return cJSON_GetObjectItem(keys, name)->valuestring;
}

/* The people and firms around the deal. */
static void rename_world(struct stage *stage)
{
    static const char organization[] =
        "{\"name\":\"KANARIorg\",\"phoneNumbers\":[\"KANARIorgphone\"],"
        "\"addresses\":[\"KANARIaddress\"],\"other\":\"KANARIorgother\"}";
    static const char contact[] =
        "{\"givenName\":\"KANARIgiven\",\"familyName\":\"KANARIfamily\","
        "\"emailAddresses\":[\"kanarimail@example.test\"],"
        "\"phoneNumbers\":[\"KANARIphone\"],\"title\":\"KANARItitle\","
        "\"other\":\"KANARIother\"}";
    cJSON *world = stage_get(stage, STREAK, "/_sim/world");
    char path[STAGE_TEXT_MAX + 40];

    snprintf(path, sizeof(path), "v2/organizations/%s",
             named_key(world, "organizations", "Bayside Tools Ltd"));
    cJSON_Delete(streak_call(stage, "POST", path, organization));
    snprintf(path, sizeof(path), "v2/contacts/%s",
             named_key(world, "contacts", "Ida Marsh"));
    cJSON_Delete(streak_call(stage, "POST", path, contact));
    cJSON_Delete(world);
    stage_tell(stage, SYSPRO, "/_sim/customers",
               "{\"customer\":\"0001207\",\"name\":\"KANARIcustomer\","
               "\"short_name\":\"KANARIshort\","
               "\"email\":\"KANARImail@example.test\"}");
    stage_tell(stage, SYSPRO, "/_sim/items",
               "{\"stock_code\":\"A100\",\"description\":\"KANARIitem\"}");
}

static void make_deal(struct stage *stage, const char *lines,
                      char key[STAGE_TEXT_MAX])
{
    cJSON *world = stage_get(stage, STREAK, "/_sim/world");
    char path[STAGE_TEXT_MAX + 40], body[2000];
    cJSON *box;

    box = stage_post(
        stage, STREAK, "/_sim/boxes",
        "{\"name\":\"KANARIdeal \\u001b[31m %%s%%n\",\"pipeline\":\"Sales\","
        "\"stage\":\"Quoted\",\"organization\":\"KANARIorg\",\"fields\":{"
        "\"Order lines\":\"%s\","
        "\"Notes for delivery\":\"KANARIdelivery\\r\\nBcc: x\"}}",
        lines);
    snprintf(key, STAGE_TEXT_MAX, "%s",
             cJSON_GetObjectItem(box, "key")->valuestring);
    cJSON_Delete(box);
    snprintf(path, sizeof(path), "v1/boxes/%s", key);
    snprintf(body, sizeof(body),
             "{\"notes\":\"KANARInotes\\n{\\\"level\\\":\\\"info\\\"}\","
             "\"contacts\":[{\"key\":\"%s\"}]}",
             named_key(world, "contacts", "KANARIgiven KANARIfamily"));
    cJSON_Delete(streak_call(stage, "POST", path, body));
    snprintf(path, sizeof(path), "v2/boxes/%s/comments", key);
    cJSON_Delete(
        streak_call(stage, "POST", path, "{\"message\":\"KANARIcomment\"}"));
    cJSON_Delete(world);
}

/* What has no canary and no secret in it. */
static void must_be_clean(struct stage *stage, const char *where,
                          const char *text)
{
    const char *const secrets[] = {"sandbox-streak-key", "s3cret", stage->token,
                                   stage->path_secret,
                                   "c2FuZGJveC1zdHJlYWsta2V5"};
    const char *found = strcasestr(text, "KANARI");

    if (found)
        stage_fail(stage, "a canary in %s: %.200s", where, found);
    for (size_t at = 0; at < sizeof(secrets) / sizeof(*secrets); at++)
        if (strstr(text, secrets[at]))
            stage_fail(stage, "a credential in %s: %.20s", where, secrets[at]);
}

static void lists_must_be_clean(struct stage *stage)
{
    static const char *const commands[] = {"status", "plugins",    "flows",
                                           "runs",   "parked",     "reasons",
                                           "alerts", "quarantine", "doctor"};
    char *text;

    for (size_t at = 0; at < sizeof(commands) / sizeof(*commands); at++) {
        stage_ctl(stage, &text, commands[at], NULL);
        must_be_clean(stage, commands[at], text);
        free(text);
        stage_ctl(stage, &text, "--json", commands[at], NULL);
        must_be_clean(stage, commands[at], text);
        free(text);
    }
}

static void show_must_be_clean(struct stage *stage)
{
    cJSON *told = stage_get(stage, ADMIN, "/v1/runs?limit=1000");
    const cJSON *run;

    cJSON_ArrayForEach(run, cJSON_GetObjectItem(told, "runs"))
    {
        char argument[32], *text = NULL;
        snprintf(argument, sizeof(argument), "%.0f",
                 cJSON_GetObjectItem(run, "run")->valuedouble);
        stage_must(stage, !stage_ctl(stage, &text, "show", argument, NULL));
        must_be_clean(stage, "connectctl show", text);
        free(text);
        stage_ctl(stage, &text, "diff", argument, NULL);
        must_be_clean(stage, "connectctl diff", text);
        free(text);
        stage_ctl(stage, &text, "replay", "--shadow", argument, NULL);
        must_be_clean(stage, "connectctl replay", text);
        free(text);
    }
    cJSON_Delete(told);
}

/* The canaries are in the store, or the rest would prove nothing. */
static void store_must_have_them(struct stage *stage)
{
    static const char *const places[] = {"KANARIdeal",  "KANARIdelivery",
                                         "KANARInotes", "KANARIorg",
                                         "KANARIgiven", "kanarimail"};
    cJSON *told = stage_get(stage, ADMIN, "/v1/runs?limit=1000");
    const cJSON *run;
    bool found[sizeof(places) / sizeof(*places)] = {false};

    cJSON_ArrayForEach(run, cJSON_GetObjectItem(told, "runs"))
    {
        char path[64];
        struct web_answer answer;
        snprintf(path, sizeof(path), "/v1/runs/%.0f?unmasked=1",
                 cJSON_GetObjectItem(run, "run")->valuedouble);
        answer = stage_try(stage, ADMIN, "GET", path, NULL);
        for (size_t at = 0; at < sizeof(places) / sizeof(*places); at++)
            found[at] = found[at] || strstr(answer.body, places[at]);
        web_answer_end(&answer);
    }
    cJSON_Delete(told);
    for (size_t at = 0; at < sizeof(places) / sizeof(*places); at++)
        if (!found[at])
            stage_fail(stage, "%s never came to the daemon", places[at]);
}

static void log_must_be_clean(struct stage *stage)
{
    char *log = stage_log(stage), *line, *rest = log;

    must_be_clean(stage, "the log", log);
    while ((line = strsep(&rest, "\n")) && rest) { /* one record a line */
        cJSON *entry = cJSON_Parse(line);
        if (!entry)
            stage_fail(stage, "no JSON in the log: %s", line);
        cJSON_Delete(entry);
    }
    free(log);
}

static void test_canaries(void **state)
{
    char key[STAGE_TEXT_MAX];
    struct stage_webhook garbage = {.body = "[{\"name\":\"KANARIgarbage\"}]"};
    struct web_answer answer;
    struct stage *stage = stage_begin(NULL);

    (void)state;
    rename_world(stage);
    make_deal(stage, "A100; 3; 149.90", key);
    stage_win(stage, key);
    stage_rest(stage);
    stage_must(stage, stage_order_count(stage) == 1);
    answer = stage_send(stage, &garbage);
    stage_must(stage, answer.status == 200);
    web_answer_end(&answer);
    cJSON_Delete(stage->sent);
    stage->sent = cJSON_CreateArray();
    /* Under faults more is said. */
    make_deal(stage, "A100; 4; 149.90", key);
    stage_rest(stage);
    stage_fault(stage, SYSPRO,
                "{\"fault\":\"status\",\"status\":500,\"commit\":true,"
                "\"body\":\"KANARIanswer\",\"match\":"
                "\"/Transaction/Post\",\"count\":1}");
    stage_fault(stage, STREAK,
                "{\"fault\":\"status\",\"status\":500,\"body\":"
                "\"KANARIstreakanswer\",\"match\":\"/api/\",\"count\":3}");
    stage_win(stage, key);
    stage_rest(stage);
    stage_must(stage, stage_order_count(stage) == 2);
    store_must_have_them(stage);
    lists_must_be_clean(stage);
    show_must_be_clean(stage);
    log_must_be_clean(stage);
    stage_check(stage);
    log_must_be_clean(stage);
    stage_passed(stage);
}

/* Where a value is wrong its text is told to people, but never to the log. */
static void test_wrong_values(void **state)
{
    char key[STAGE_TEXT_MAX];
    struct stage *stage = stage_begin(NULL);

    (void)state;
    stage->canary = NULL; /* lists may tell it; the log is looked at below */
    rename_world(stage);
    make_deal(stage, "A100; KANARIquantity; 149.90", key);
    stage_win(stage, key);
    make_deal(stage, "KANARISTOCK; 1; 149.90", key);
    stage_win(stage, key);
    make_deal(stage, "A100; 1; KANARIprice", key);
    stage_win(stage, key);
    stage_rest(stage);
    stage_must(stage, stage_order_count(stage) == 0);
    stage_must(stage, stage_runs_in(stage, "parked") >= 3);
    log_must_be_clean(stage);
    stage_check(stage);
    stage_passed(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(test_canaries),
        stage_test(test_wrong_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
