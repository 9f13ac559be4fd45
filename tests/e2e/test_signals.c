/* test_signals.c - what an operator does to the process: stop, reload, check,
 * a second one by mistake. */
#include "stage.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { REACT_MS = 20000, DRAIN_MS = 700, STOP_MORE_MS = 4000 };

static bool order_under_way(struct stage *stage, void *arg)
{
    (void)arg;
    return stage_seen(stage, SYSPRO, "/Transaction/Post") > 0;
}

static void begin_slow_order(struct stage *stage, int ms)
{
    char key[STAGE_TEXT_MAX];

    stage_fault(stage, SYSPRO,
                "{\"fault\":\"slow_commit\",\"match\":"
                "\"/Transaction/Post\",\"ms\":%d}",
                ms);
    stage_deal(stage, "Slow", "Bayside Tools Ltd", "A100; 3; 149.90", key);
    stage_win(stage, key);
    stage_until(stage, REACT_MS, "the order to be posted", order_under_way,
                NULL);
}

static size_t doubts(struct stage *stage)
{
    cJSON *told = stage_get(stage, ADMIN, "/v1/history?limit=1000");
    const cJSON *entry;
    size_t count = 0;

    cJSON_ArrayForEach(entry, cJSON_GetObjectItem(told, "history"))
    {
        count += !strcmp(cJSON_GetObjectItem(entry, "act")->valuestring,
                         "delivery.in_doubt");
    }
    cJSON_Delete(told);
    return count;
}

/* What is under way ends and is recorded before the process ends. */
static void test_drain(void **state)
{
    struct stage *stage = stage_begin(NULL);

    (void)state;
    begin_slow_order(stage, 400);
    stage_stop(stage);
    stage_start(stage);
    stage_rest(stage);
    stage_must(stage, doubts(stage) == 0);
    stage_must(stage, stage_seen(stage, SYSPRO, "/Transaction/Post") == 1);
    stage_must(stage, stage_order_count(stage) == 1);
    stage_check(stage);
    stage_passed(stage);
}

/* What does not end within the limit is given up, and asked about later. */
static void test_drain_limit(void **state)
{
    struct stage_options options = {.limits = "{\"drain_ms\":700}"};
    struct stage *stage = stage_begin(&options);
    int64_t begun;

    (void)state;
    begin_slow_order(stage, 20000);
    begun = process_now_ms();
    stage_stop(stage);
    begun = process_now_ms() - begun;
    printf("stopped after %lld ms with a limit of %d ms\n", (long long)begun,
           DRAIN_MS);
    stage_must(stage, begun < DRAIN_MS + STOP_MORE_MS);
    stage_no_faults(stage, SYSPRO);
    stage_start(stage);
    stage_rest(stage);
    stage_must(stage, stage_seen(stage, SYSPRO, "/Transaction/Post") == 1);
    stage_must(stage, stage_order_count(stage) == 1);
    stage_check(stage);
    stage_passed(stage);
}

static bool log_says(struct stage *stage, void *arg)
{
    char *log = stage_log(stage);
    bool found = strstr(log, arg) != NULL;

    free(log);
    return found;
}

/* Write it, send SIGHUP and wait for the sentence. */
static void reload_with(struct stage *stage, const char *name, const char *text,
                        char *sentence)
{
    char shown[STAGE_TEXT_MAX];

    if (name)
        stage_write(stage, name, text);
    process_signal(&stage->connectd, SIGHUP);
    snprintf(shown, sizeof(shown), "the log to say \"%s\"", sentence);
    stage_until(stage, REACT_MS, shown, log_says, sentence);
}

static void win_one(struct stage *stage)
{
    cJSON_Delete(stage_win_many(stage, 1, "Still there"));
    stage_rest(stage);
}

static void test_reload(void **state)
{
    static const char flow[] = "flows/won-deal-to-sales-order.json";
    char broken[] = "connect.json:3:", unknown[] = "connect.json:2: /colour: ",
         bad_flow[] = "won-deal-to-sales-order.json:",
         good[] = "configuration reloaded";
    struct stage *stage = stage_begin(NULL);
    char path[STAGE_PATH_MAX + 80];
    char *good_flow;

    (void)state;
    reload_with(stage, "connect.json", "{\n \"data\": \"data\",\n oops\n}",
                broken);
    win_one(stage);
    stage_must(stage, stage_order_count(stage) == 1);
    reload_with(stage, "connect.json",
                "{ \"data\": \"data\",\n \"colour\": 1, \"instances\": {} }",
                unknown);
    stage_configure(stage, NULL);
    snprintf(path, sizeof(path), "%s/%s", stage->directory, flow);
    good_flow = process_read_file(path, NULL);
    reload_with(stage, flow,
                "{ \"flow\": \"won-deal-to-sales-order\",\n \"trigger\": 7 }",
                bad_flow);
    win_one(stage);
    stage_must(stage, stage_order_count(stage) == 2);
    stage_must(stage, !log_says(stage, good));
    reload_with(stage, flow, good_flow, good);
    win_one(stage);
    stage_must(stage, stage_order_count(stage) == 3);
    free(good_flow);
    stage_check(stage);
    stage_passed(stage);
}

/* connectd --check: exit code and what it says. */
static void check_says(struct stage *stage, int code, const char *word)
{
    char config[STAGE_PATH_MAX + 80], *text = NULL;
    const char *const arguments[] = {CONNECT_BUILD_DIR "/core/connectd",
                                     "--check", config, NULL};
    int was;

    snprintf(config, sizeof(config), "%s/connect.json", stage->directory);
    was = process_output(arguments, REACT_MS, &text);
    if (was != code || !strstr(text, word))
        stage_fail(stage, "--check: exit code %d, said: %s", was, text);
    free(text);
}

static void test_check(void **state)
{
    struct stage *stage = stage_prepare(NULL);
    char path[STAGE_PATH_MAX + 80];
    char *flow, *at;

    (void)state;
    check_says(stage, 0, "");
    snprintf(path, sizeof(path), "%s/secrets/streak.key", stage->directory);
    stage_must(stage, !chmod(path, 0644));
    check_says(stage, 1, "streak.key");
    stage_must(stage, !chmod(path, 0600));
    stage_write(stage, "connect.json",
                "{\n \"data\": \"data\",\n \"instances\": {},\n"
                " \"listen\": {\n  \"port\": 70000 }\n}");
    check_says(stage, 1, "connect.json:5: /listen/port: ");
    stage_configure(stage, &(struct stage_options){
                               .streak = "{\"structure_seconds\":\"many\"}"});
    check_says(stage, 1, "structure_seconds");
    stage_configure(stage, &(struct stage_options){.syspro = NULL});
    snprintf(path, sizeof(path), "%s/flows/won-deal-to-sales-order.json",
             stage->directory);
    flow = process_read_file(path, NULL);
    at = strstr(flow, "/deal/stage");
    memcpy(at, "/dial/stage", strlen("/dial/stage"));
    stage_write(stage, "flows/won-deal-to-sales-order.json", flow);
    check_says(stage, 1, "won-deal-to-sales-order.json:");
    free(flow);
    stage_passed(stage);
}

/* A second daemon on the same data is refused and harms nothing. */
static void test_second(void **state)
{
    struct stage *stage = stage_begin(NULL);
    char config[STAGE_PATH_MAX + 80], *text = NULL;
    const char *const arguments[] = {CONNECT_BUILD_DIR "/core/connectd", config,
                                     NULL};
    int code;

    (void)state;
    snprintf(config, sizeof(config), "%s/connect.json", stage->directory);
    code = process_output(arguments, REACT_MS, &text);
    if (code != 1 || !strstr(text, "data"))
        stage_fail(stage, "a second daemon ended with %d: %s", code, text);
    free(text);
    win_one(stage);
    stage_must(stage, stage_order_count(stage) == 1);
    stage_check(stage);
    stage_passed(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(test_drain),  stage_test(test_drain_limit),
        stage_test(test_reload), stage_test(test_check),
        stage_test(test_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
