/* test_people.c - what waits for a person: parked with SYSPRO's own words,
 * fixed and retried; held and released; and what a mapping finds wrong. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HOLD_STEP_MS = 16 * 60 * 1000 };

static void ctl(struct stage *stage, const char *command, int64_t run)
{
    char argument[32], *text = NULL;
    int code;

    snprintf(argument, sizeof(argument), "%lld", (long long)run);
    code = stage_ctl(stage, &text, command, argument, NULL);
    if (code)
        stage_fail(stage, "connectctl %s: %d, %s", command, code, text);
    free(text);
}

/* connectctl parked shows this word. */
static void parked_says(struct stage *stage, const char *word)
{
    char *text = NULL;

    stage_must(stage, stage_ctl(stage, &text, "parked", NULL) == 0);
    if (!strstr(text, word))
        stage_fail(stage, "connectctl parked does not say \"%s\": %s", word,
                   text);
    free(text);
}

static void test_unknown_stock_code(void **state)
{
    char key[STAGE_TEXT_MAX], reason[STAGE_TEXT_MAX], code[STAGE_TEXT_MAX];
    struct stage *stage = stage_begin(NULL);
    int64_t run;

    (void)state;
    stage_deal(stage, "Unknown", "Bayside Tools Ltd", "Z900; 3; 149.90", key);
    stage_win(stage, key);
    stage_rest(stage);
    run = stage_run_of(stage, key, "parked");
    stage_must(stage, run > 0);
    stage_run_text(stage, run, "reason", reason);
    stage_run_text(stage, run, "code", code);
    printf("code %s, reason: %s\n", code, reason);
    stage_must(stage, strstr(reason, "Z900"));
    stage_must(stage, stage_order_count(stage) == 0);
    parked_says(stage, "Z900");
    /* Nothing is tried again by itself. */
    stage_step(stage, HOLD_STEP_MS);
    stage_rest(stage);
    stage_must(stage, stage_seen(stage, SYSPRO, "/Transaction/Post") == 1);
    stage_tell(stage, SYSPRO, "/_sim/items",
               "{\"stock_code\":\"Z900\",\"price\":\"149.90\",\"stock\":"
               "[{\"warehouse\":\"FG\",\"on_hand\":\"500\"}]}");
    ctl(stage, "retry", run);
    stage_rest(stage);
    stage_must(stage, stage_run_of(stage, key, "parked") == 0);
    stage_must(stage, stage_order_count(stage) == 1);
    stage_check(stage);
    stage_passed(stage);
}

static void hold(struct stage *stage, bool on_hold)
{
    stage_tell(stage, SYSPRO, "/_sim/customers",
               "{\"customer\":\"0001415\",\"on_hold\":%s}",
               on_hold ? "true" : "false");
}

static bool posted(struct stage *stage, void *arg)
{
    return stage_seen(stage, SYSPRO, "/Transaction/Post") > *(size_t *)arg;
}

static void test_customer_on_hold(void **state)
{
    char key[STAGE_TEXT_MAX], reason[STAGE_TEXT_MAX];
    struct stage *stage = stage_begin(NULL);
    size_t posts;
    int64_t run;

    (void)state;
    stage_deal(stage, "Held", "Quay Street Joinery", "A100; 1; 149.90", key);
    stage_win(stage, key);
    stage_rest(stage);
    run = stage_run_of(stage, key, "held");
    stage_must(stage, run > 0);
    stage_run_text(stage, run, "reason", reason);
    printf("reason: %s\n", reason);
    stage_must(stage, strcasestr(reason, "hold"));
    stage_must(stage, stage_order_count(stage) == 0);
    parked_says(stage, "hold");
    hold(stage, false);
    ctl(stage, "release", run);
    stage_rest(stage);
    stage_must(stage, stage_order_count(stage) == 1);

    hold(stage, true);
    stage_deal(stage, "Held too", "Quay Street Joinery", "A100; 2; 149.90",
               key);
    stage_win(stage, key);
    stage_rest(stage);
    stage_must(stage, stage_run_of(stage, key, "held") > 0);
    posts = stage_seen(stage, SYSPRO, "/Transaction/Post");
    stage_step(stage, HOLD_STEP_MS); /* looked at again, still on hold */
    stage_until(stage, STAGE_REST_MS, "another look", posted, &posts);
    stage_rest(stage);
    stage_must(stage, stage_run_of(stage, key, "held") > 0);
    stage_must(stage, stage_order_count(stage) == 1);
    hold(stage, false);
    stage_step(stage, HOLD_STEP_MS);
    stage_until_orders(stage, 2);
    stage_rest(stage);
    stage_must(stage, stage_runs_in(stage, "held,parked") == 0);
    stage_must(stage, stage_order_count(stage) == 2);
    stage_check(stage);
    stage_passed(stage);
}

/* A deal that cannot be an order names what is wrong, and can be mended in
 * Streak. */
static void test_wrong_deal(void **state)
{
    static const char *const lines[] = {
        "A100; -3; 149.90", "A100; 1,000.00; 149.90", "A100; three; 149.90",
        "A100; 3; 149.90; 7", "A100; 1e3; 1.00"};
    char key[STAGE_TEXT_MAX], path[STAGE_TEXT_MAX + 40];
    char reason[STAGE_TEXT_MAX];
    struct stage *stage = stage_begin(NULL);
    int64_t run;

    (void)state;
    for (size_t at = 0; at < sizeof(lines) / sizeof(*lines); at++) {
        stage_deal(stage, "Wrong", "Bayside Tools Ltd", lines[at], key);
        stage_win(stage, key);
        stage_rest(stage);
        run = stage_run_of(stage, key, "parked");
        if (!run)
            stage_fail(stage, "\"%s\" is not parked", lines[at]);
        stage_run_text(stage, run, "reason", reason);
        printf("%s: %s\n", lines[at], reason);
        stage_must(stage, strstr(reason, "order"));
        stage_must(stage, strstr(reason, "/lines"));
        snprintf(path, sizeof(path), "/_sim/boxes/%s", key);
        stage_tell(stage, STREAK, path,
                   "{\"fields\":{\"Order lines\":\"A100; 3; 149.90\"}}");
        stage_rest(stage);
        if (stage_run_of(stage, key, "parked"))
            ctl(stage, "retry", stage_run_of(stage, key, "parked"));
        stage_rest(stage);
        stage_must(stage, stage_order_count(stage) == at + 1);
    }
    stage_check(stage);
    stage_passed(stage);
}

/* Given up with a reason: never ordered, and it stays in the history. */
static void test_discard(void **state)
{
    char key[STAGE_TEXT_MAX], argument[32], *text = NULL;
    struct stage *stage = stage_begin(NULL);
    int64_t run;

    (void)state;
    stage_deal(stage, "Given up", "Bayside Tools Ltd", "Z901; 3; 1.00", key);
    stage_win(stage, key);
    stage_rest(stage);
    run = stage_run_of(stage, key, "parked");
    stage_must(stage, run > 0);
    snprintf(argument, sizeof(argument), "%lld", (long long)run);
    stage_must(stage, stage_ctl(stage, &text, "discard", argument, "--reason",
                                "ordered by telephone", NULL) == 0);
    free(text);
    stage_must(stage, stage_run_of(stage, key, "discarded") == run);
    stage_must(stage, stage_ctl(stage, &text, "retry", argument, NULL) == 1);
    free(text);
    stage_rest(stage);
    stage_must(stage, stage_order_count(stage) == 0);
    stage_check(stage);
    stage_passed(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(test_unknown_stock_code),
        stage_test(test_customer_on_hold),
        stage_test(test_wrong_deal),
        stage_test(test_discard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
