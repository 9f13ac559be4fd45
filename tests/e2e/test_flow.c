/* test_flow.c - the main job, once: a won deal is an order, and the deal knows
 * its number. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_comment(struct stage *at, void *arg)
{
    (void)arg;
    return stage_comment_count(at) > 0;
}

static void test_flow_once(void **state)
{
    char key[STAGE_TEXT_MAX], number[STAGE_TEXT_MAX], text[STAGE_TEXT_MAX];
    char argument[32];
    char *shown = NULL;
    int64_t run;

    (void)state;
    struct stage *stage = stage_begin(NULL);
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

    run = stage_run_of(stage, key, "done");
    stage_must(stage, run > 0);
    snprintf(argument, sizeof(argument), "%lld", (long long)run);
    stage_must(stage, stage_ctl(stage, &shown, "show", argument, NULL) == 0);
    free(shown);
    stage_check(stage);
    stage_passed(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(test_flow_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
