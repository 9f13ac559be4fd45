/* test_openapi.c - what the real daemon answers is what openapi.json says:
 * every operation is asked, every reply held against it. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "openapi_check/openapi.h"

struct play {
    struct stage *stage;
    struct openapi openapi;
    cJSON *reply; /* the last one */
};

static void ask(struct play *play, const char *method, const char *path,
                const char *body, int status)
{
    struct web_answer answer =
        stage_try(play->stage, ADMIN, method, path, body);

    cJSON_Delete(play->reply);
    play->reply = cJSON_Parse(answer.body);
    if (answer.status != status)
        stage_fail(play->stage, "%s %s: %d, not %d: %s", method, path,
                   answer.status, status, answer.body);
    if (openapi_reply(&play->openapi, method, path, status, play->reply))
        stage_fail(play->stage, "%s", play->openapi.text);
    web_answer_end(&answer);
}

/* Number of the newest run in a state. */
static int newest(struct play *play, const char *state)
{
    char path[64];
    const cJSON *run;

    snprintf(path, sizeof(path), "/v1/runs?state=%s&limit=1", state);
    ask(play, "GET", path, NULL, 200);
    run = openapi_member(
        cJSON_GetArrayItem(openapi_member(play->reply, "runs"), 0), "run");
    if (!run)
        stage_fail(play->stage, "no run is %s", state);
    return run->valueint;
}

static void note_unseen(void *arg, const char *what)
{
    struct play *play = arg;

    /* Members that need rare states are the unit test's. */
    if (!strncmp(what, "get ", 4) || !strncmp(what, "post ", 5))
        stage_fail(play->stage, "nobody asked: %s", what);
}

static void ask_all(struct play *play)
{
    static const char *const paths[] = {
        "/v1/openapi.json", "/v1/status", "/v1/plugins", "/v1/flows",
        "/v1/runs",         "/v1/parked", "/v1/history", "/v1/quarantine",
        "/v1/alerts",       "/v1/doctor", "/v1/reasons", "/v1/backup"};
    char path[96];
    int run = newest(play, "done"), parked = newest(play, "parked");

    for (size_t at = 0; at < sizeof(paths) / sizeof(*paths); at++)
        ask(play, "GET", paths[at], NULL, 200);
    snprintf(path, sizeof(path), "/v1/runs/%d", run);
    ask(play, "GET", path, NULL, 200);
    snprintf(path, sizeof(path), "/v1/runs/%d?unmasked=1", parked);
    ask(play, "GET", path, NULL, 200);
    snprintf(path, sizeof(path), "/v1/runs/%d/release", parked);
    ask(play, "POST", path, "{}", 409);
    snprintf(path, sizeof(path), "/v1/runs/%d/preview", parked);
    ask(play, "POST", path, "{\"flow\":\"was\"}", 200);
    snprintf(path, sizeof(path), "/v1/runs/%d/replay?unmasked=1", run);
    ask(play, "POST", path, "{\"shadow\":true}", 200);
    snprintf(path, sizeof(path), "/v1/runs/%d/settle", run);
    ask(play, "POST", path, "{\"happened\":false,\"reason\":\"a test\"}", 409);
    snprintf(path, sizeof(path), "/v1/runs/%d/body", parked);
    ask(play, "PUT", path, "{\"body\":{},\"dry\":true}", 400);
    ask(play, "POST", "/v1/acts",
        "{\"act\":\"retry\",\"where\":{},\"dry\":true}", 200);
    ask(play, "POST", "/v1/alerts/acknowledge", "{\"all\":true}", 200);
    ask(play, "POST", "/v1/quarantine/1/replay", "{}", 404);
    snprintf(path, sizeof(path), "/v1/runs/%d/retry", parked);
    ask(play, "POST", path, "{}", 200);
    stage_rest(play->stage);
    snprintf(path, sizeof(path), "/v1/runs/%d/discard", parked);
    ask(play, "POST", path, "{\"reason\":\"a test\"}", 200);
    ask(play, "POST", "/v1/check/streak", "{}", 200);
    ask(play, "POST", "/v1/check/nobody", "{}", 404);
    ask(play, "POST", "/v1/reload", "{}", 200);
}

static void test_replies_are_described(void **state)
{
    /* They need a held run, one in doubt, a quarantined request, a place for a
     * copy: which the unit test and test_operator have. */
    static const char *const elsewhere[][2] = {
        {"POST", "/v1/runs/1/release"},
        {"POST", "/v1/runs/1/settle"},
        {"PUT", "/v1/runs/1/body"},
        {"POST", "/v1/quarantine/1/replay"},
        {"POST", "/v1/quarantine/1/discard"},
        {"POST", "/v1/backup"}};
    struct play play = {.stage = stage_begin(NULL)};
    char key[STAGE_TEXT_MAX];

    (void)state;
    stage_must(play.stage, !openapi_load(&play.openapi, CONNECT_SOURCE_DIR
                                         "/core/admin/openapi.json"));
    stage_deal(play.stage, "Good", "Bayside Tools Ltd", "A100; 3; 149.90", key);
    stage_win(play.stage, key);
    stage_deal(play.stage, "Bad", "Bayside Tools Ltd", "NOPE; 1; 1.00", key);
    stage_win(play.stage, key);
    stage_rest(play.stage);
    ask_all(&play);
    for (size_t at = 0; at < sizeof(elsewhere) / sizeof(*elsewhere); at++)
        openapi_mark(openapi_member(
            openapi_member(openapi_operation(&play.openapi, elsewhere[at][0],
                                             elsewhere[at][1]),
                           "responses"),
            "200"));
    openapi_unseen(&play.openapi, note_unseen, &play);
    cJSON_Delete(play.reply);
    openapi_done(&play.openapi);
    stage_passed(play.stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(test_replies_are_described),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
