/* test_doubt.c - SYSPRO makes the order late, or not at all, or cannot be
 * asked: one order, its number adopted, and no second post on a guess.  What it
 * may answer, and cuts at every byte: tests/fault. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETTLE_MS = 60000, REACT_MS = 20000 };

#define POST "\"match\":\"/Transaction/Post\",\"count\":1"

static bool order_made(struct stage *stage, void *arg)
{
    return stage_order_count(stage) > *(const size_t *)arg;
}

/* A deal won under a fault; its order must be there, after so many posts.  The
 * simulator is late by its own clock, so the daemon's is not stepped over the
 * settle time before it has made the order. */
static void win_under(struct stage *stage, const char *fault, size_t posts)
{
    char key[STAGE_TEXT_MAX], number[STAGE_TEXT_MAX];
    size_t orders = stage_order_count(stage);
    size_t seen = stage_seen(stage, SYSPRO, "/Transaction/Post");

    stage_fault(stage, SYSPRO, "%s", fault);
    stage_deal(stage, "In doubt", "Bayside Tools Ltd",
               "A100; 3; 149.90\\nB200; 10; 12.50", key);
    stage_win(stage, key);
    stage_until(stage, REACT_MS, "the order", order_made, &orders);
    stage_rest(stage);
    if (stage_order_count(stage) != orders + 1)
        stage_fail(stage, "%s: %zu orders", fault,
                   stage_order_count(stage) - orders);
    if (stage_seen(stage, SYSPRO, "/Transaction/Post") != seen + posts)
        stage_fail(stage, "%s: %zu posts, not %zu", fault,
                   stage_seen(stage, SYSPRO, "/Transaction/Post") - seen,
                   posts);
    stage_field(stage, key, "SYSPRO order", number);
    if (!number[0])
        stage_fail(stage, "%s: the deal has no number", fault);
    stage_no_faults(stage, SYSPRO);
}

/* The answer comes after our time-out: made at once, or made late. */
static void test_too_late(void **state)
{
    struct stage_options options = {
        .limits = "{\"operation_ms\":400,\"stuck_ms\":3000}"};
    struct stage *stage = stage_begin(&options);

    (void)state;
    win_under(stage, "{\"fault\":\"slow_commit\",\"ms\":1500," POST "}", 1);
    win_under(stage, "{\"fault\":\"delay\",\"ms\":1500," POST "}", 1);
    stage_must(stage, stage_runs_in(stage, "parked,held,discarded") == 0);
    stage_check(stage);
    stage_passed(stage);
}

struct looked { /* for a number of questions */
    const char *part;
    size_t count;
};

static bool was_asked(struct stage *stage, void *arg)
{
    const struct looked *looked = arg;

    return stage_seen(stage, SYSPRO, looked->part) > looked->count;
}

/* Nothing was made: known for certain only after the settle time. */
static void before_commit(struct stage *stage, const char *fault)
{
    char key[STAGE_TEXT_MAX];
    size_t orders = stage_order_count(stage);
    size_t posts = stage_seen(stage, SYSPRO, "/Transaction/Post");
    struct looked looked = {"/Query/", 0};

    looked.count = stage_seen(stage, SYSPRO, looked.part);
    stage_fault(stage, SYSPRO, "{\"fault\":\"%s\"," POST "}", fault);
    stage_deal(stage, "Not made", "Bayside Tools Ltd", "A100; 3; 149.90", key);
    stage_win(stage, key);
    stage_until(stage, REACT_MS, "the question whether it is there", was_asked,
                &looked);
    stage_step(stage, SETTLE_MS / 2);
    stage_must(stage, stage_order_count(stage) == orders);
    stage_must(stage,
               stage_seen(stage, SYSPRO, "/Transaction/Post") == posts + 1);
    stage_rest(stage);
    stage_must(stage, stage_order_count(stage) == orders + 1);
    stage_must(stage,
               stage_seen(stage, SYSPRO, "/Transaction/Post") == posts + 2);
}

static void test_not_committed(void **state)
{
    struct stage *stage = stage_begin(NULL);

    (void)state;
    before_commit(stage, "cut_before_commit");
    before_commit(stage, "reset_before");
    stage_check(stage);
    stage_passed(stage);
}

/* The question cannot be asked either: no second post, however long. */
static void test_no_answer_at_all(void **state)
{
    char key[STAGE_TEXT_MAX];
    struct stage *stage = stage_begin(NULL);
    struct looked looked = {"/Query/", 0};

    (void)state;
    stage_fault(stage, SYSPRO, "{\"fault\":\"cut_after_commit\"," POST "}");
    stage_fault(stage, SYSPRO,
                "{\"fault\":\"status\",\"status\":500,\"match\":"
                "\"/Query/\",\"always\":true}");
    stage_deal(stage, "Mute", "Bayside Tools Ltd", "A100; 3; 149.90", key);
    stage_win(stage, key);
    for (int time = 0; time < 12; time++) {
        stage_until(stage, REACT_MS, "the question to be asked again",
                    was_asked, &looked);
        stage_until_instance_rests(stage, "syspro"); /* it has the answer */
        looked.count = stage_seen(stage, SYSPRO, looked.part);
        stage_step(stage, 6LL * SETTLE_MS);
    }
    stage_must(stage, stage_seen(stage, SYSPRO, "/Transaction/Post") == 1);
    cJSON *told = stage_get(stage, ADMIN, "/v1/alerts");
    stage_must(stage,
               cJSON_GetArraySize(cJSON_GetObjectItem(told, "alerts")) > 0);
    cJSON_Delete(told);
    stage_no_faults(stage, SYSPRO);
    stage_rest(stage);
    stage_must(stage, stage_seen(stage, SYSPRO, "/Transaction/Post") == 1);
    stage_must(stage, stage_order_count(stage) == 1);
    stage_check(stage);
    stage_passed(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(test_too_late),
        stage_test(test_not_committed),
        stage_test(test_no_answer_at_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
