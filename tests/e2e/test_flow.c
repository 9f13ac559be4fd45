/* test_flow.c - the main job, once: a won deal is an order, the deal knows its
 * number, and connectctl tells how that came about. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_comment(struct stage *stage, void *arg)
{
    (void)arg;
    return stage_comment_count(stage) > 0;
}

/* connectctl must end with this code and say this. */
static void ctl_says(struct stage *stage, int code, const char *word,
                     const char *command, const char *argument)
{
    char *text = NULL;
    int was = stage_ctl(stage, &text, command, argument, NULL);

    if (was != code || !text || !strstr(text, word))
        stage_fail(stage, "connectctl %s %s: exit code %d, said: %s", command,
                   argument ? argument : "", was, text ? text : "nothing");
    free(text);
}

/* The run that posted the order. */
static int64_t posting_run(struct stage *stage)
{
    cJSON *ledgers = stage_ledgers(stage);
    const cJSON *run, *delivery;
    int64_t found = 0;

    cJSON_ArrayForEach(run, cJSON_GetObjectItem(ledgers, "runs"))
    {
        cJSON_ArrayForEach(delivery, cJSON_GetObjectItem(run, "deliveries"))
        {
            if (!strcmp(cJSON_GetObjectItem(delivery, "path")->valuestring,
                        "post"))
                found = (int64_t)cJSON_GetObjectItem(run, "run")->valuedouble;
        }
    }
    cJSON_Delete(ledgers);
    return found;
}

static void ask_connectctl(struct stage *stage)
{
    static const char *const story[] = {
        "trigger", "read_deal", "filter",  "transform",        "deliver",
        "020450",  "comment",   "History", "delivery.sending", "run.done"};
    char run[32];

    snprintf(run, sizeof(run), "%lld", (long long)posting_run(stage));
    for (size_t at = 0; at < sizeof(story) / sizeof(*story); at++)
        ctl_says(stage, 0, story[at], "show", run);
    ctl_says(stage, 0, "020450", "runs", NULL);
    ctl_says(stage, 0, "won-deal-to-sales-order", "flows", NULL);
    ctl_says(stage, 0, "streak", "plugins", NULL);
    ctl_says(stage, 0, "done", "status", NULL);
    ctl_says(stage, 0, "Nothing waits", "parked", NULL);
    ctl_says(stage, 0, "syspro", "check", NULL);
    ctl_says(stage, 0, "\"run\":", "--json", "runs");
    ctl_says(stage, 1, "999999", "show", "999999");
    ctl_says(stage, 2, "connectctl --help", "nonsense", NULL);
    ctl_says(stage, 2, "connectctl", "show", NULL);
}

static void test_flow_once(void **state)
{
    char key[STAGE_TEXT_MAX], number[STAGE_TEXT_MAX], text[STAGE_TEXT_MAX];
    struct stage *stage = stage_begin(NULL);

    (void)state;
    stage_deal(stage, "Bayside summer order", "Bayside Tools Ltd",
               "A100; 3; 149.90\\nB200; 10; 12.50", key);
    stage_win(stage, key);
    stage_until_number(stage, key, number);
    assert_string_equal(number, "020450");
    stage_until(stage, STAGE_REST_MS, "the comment", has_comment, NULL);
    stage_rest(stage);
    stage_field(stage, key, "SYSPRO status", text);
    assert_string_equal(text, "Order created");
    stage_must(stage, stage_order_count(stage) == 1);
    stage_must(stage, stage_comment_count(stage) == 1);
    stage_must(stage, stage_seen(stage, SYSPRO, "/Transaction/Post") == 1);
    ask_connectctl(stage);
    stage_check(stage);
    ctl_says(stage, 3, "connect", "status", NULL); /* nobody is there */
    stage_passed(stage);
}

/* A deal that is not won is read and left alone. */
static void test_not_won(void **state)
{
    char key[STAGE_TEXT_MAX], path[STAGE_TEXT_MAX + 40];
    struct stage *stage = stage_begin(NULL);

    (void)state;
    stage_deal(stage, "Not yet", "Bayside Tools Ltd", "A100; 3; 149.90", key);
    snprintf(path, sizeof(path), "/_sim/boxes/%s", key);
    stage_tell(stage, STREAK, path, "{\"stage\":\"Closed-Lost\"}");
    stage_rest(stage);
    stage_must(stage, stage_order_count(stage) == 0);
    stage_must(stage, stage_comment_count(stage) == 0);
    stage_must(stage, stage_run_of(stage, key, "done") > 0);
    stage_check(stage);
    stage_passed(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(test_flow_once),
        stage_test(test_not_won),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
