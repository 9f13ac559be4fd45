/* test_outage.c - the other side is away, refuses, forgets its sessions or
 * answers in another shape: everything is done in the end, once. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEALS = 20, HOUR_STEPS = 60, STEP_MS = 60000 };

/* Every order was posted so often, nothing was parked, and no delivery counts
 * more attempts than the daemon had ends: what was on its way then was in
 * doubt, and each way from a doubt back to sending is one. */
static void all_once(struct stage *stage, size_t deals, size_t posts,
                     double ends)
{
    cJSON *ledgers = stage_ledgers(stage);
    const cJSON *run, *delivery;

    cJSON_ArrayForEach(run, cJSON_GetObjectItem(ledgers, "runs"))
    {
        stage_must(
            stage,
            !strcmp(cJSON_GetObjectItem(run, "state")->valuestring, "done"));
        cJSON_ArrayForEach(delivery, cJSON_GetObjectItem(run, "deliveries"))
        {
            if (cJSON_GetObjectItem(delivery, "attempts")->valuedouble > ends)
                stage_fail(stage, "an outage used up attempts");
        }
    }
    cJSON_Delete(ledgers);
    stage_must(stage, stage_order_count(stage) == deals);
    stage_must(stage, stage_comment_count(stage) == deals);
    if (posts)
        stage_must(stage,
                   stage_seen(stage, SYSPRO, "/Transaction/Post") == posts);
}

/* An hour, in which the daemon looks again at each step. */
static void pass_hour(struct stage *stage, const char *instance)
{
    for (int step = 0; step < HOUR_STEPS; step++) {
        stage_until_instance_rests(stage, instance);
        stage_step(stage, STEP_MS);
    }
    stage_must(stage, stage_runs_in(stage, "parked,held,discarded") == 0);
}

static void test_syspro_down(void **state)
{
    struct stage *stage = stage_begin(NULL);

    (void)state;
    stage_fault(stage, SYSPRO, "{\"fault\":\"refuse\"}");
    cJSON_Delete(stage_win_many(stage, DEALS, "Down"));
    pass_hour(stage, "syspro");
    stage_must(stage, stage_order_count(stage) == 0);
    stage_no_faults(stage, SYSPRO);
    stage_rest(stage);
    all_once(stage, DEALS, DEALS, 0);
    stage_check(stage);
    stage_passed(stage);
}

static void test_streak_down(void **state)
{
    struct stage *stage = stage_begin(NULL);

    (void)state;
    stage_fault(stage, STREAK, "{\"fault\":\"refuse\"}");
    cJSON_Delete(stage_win_many(stage, DEALS, "Away"));
    pass_hour(stage, "streak");
    stage_no_faults(stage, STREAK);
    stage_rest(stage);
    all_once(stage, DEALS, DEALS, 0);
    stage_check(stage);
    stage_passed(stage);
}

/* Restarted while the other side is away: nothing is forgotten. */
static void test_restart_while_down(void **state)
{
    struct stage *stage = stage_begin(NULL);

    (void)state;
    stage_fault(stage, SYSPRO, "{\"fault\":\"refuse\"}");
    cJSON_Delete(stage_win_many(stage, DEALS, "Restarted"));
    stage_until_instance_rests(stage, "syspro");
    stage_stop(stage);
    stage_start(stage);
    stage_until_instance_rests(stage, "syspro");
    stage_kill(stage);
    stage_start(stage);
    stage_no_faults(stage, SYSPRO);
    stage_rest(stage);
    all_once(stage, DEALS, DEALS, 2);
    stage_check(stage);
    stage_passed(stage);
}

static void test_sessions(void **state)
{
    struct stage *stage = stage_begin(NULL);

    (void)state;
    stage_fault(stage, SYSPRO,
                "{\"fault\":\"evict_session\",\"match\":"
                "\"/Transaction/Post\",\"count\":5}");
    cJSON_Delete(stage_win_many(stage, DEALS, "Evicted"));
    stage_rest(stage);
    all_once(stage, DEALS, 0, 0);
    stage_fault(stage, SYSPRO, "{\"fault\":\"licence_full\",\"count\":3}");
    stage_tell(stage, SYSPRO, "/_sim/restart", "{}");
    cJSON_Delete(stage_win_many(stage, DEALS, "Licence"));
    stage_rest(stage);
    all_once(stage, 2 * DEALS, 0, 0);
    for (int time = 0; time < 5; time++) {
        cJSON_Delete(stage_win_many(stage, DEALS / 5, "Forgotten"));
        stage_until_orders(stage, (size_t)(2 * DEALS + time * DEALS / 5 + 1));
        stage_tell(stage, SYSPRO, "/_sim/sessions/evict", "{}");
    }
    stage_rest(stage);
    all_once(stage, 3 * DEALS, 0, 0);
    stage_check(stage);
    stage_passed(stage);
}

/* 429 and 503 with and without Retry-After, from both. */
static void test_storm(void **state)
{
    struct stage *stage = stage_begin(NULL);

    (void)state;
    stage_fault(stage, STREAK,
                "{\"fault\":\"status\",\"status\":429,"
                "\"match\":\"/api/\",\"count\":8}");
    stage_fault(stage, STREAK,
                "{\"fault\":\"status\",\"status\":503,\"match\":\"/api/\","
                "\"retry_after\":\"30\",\"count\":8}");
    stage_fault(stage, STREAK,
                "{\"fault\":\"status\",\"status\":500,"
                "\"match\":\"/api/\",\"probability\":0.1,"
                "\"count\":8}");
    stage_fault(stage, SYSPRO,
                "{\"fault\":\"status\",\"status\":503,"
                "\"match\":\"/Query/\",\"count\":4}");
    stage_fault(stage, SYSPRO,
                "{\"fault\":\"status\",\"status\":429,\"match\":"
                "\"/Transaction/Post\",\"retry_after\":\"1000000000\","
                "\"count\":3}");
    stage_fault(stage, SYSPRO,
                "{\"fault\":\"status\",\"status\":503,"
                "\"match\":\"/Transaction/Post\",\"count\":3}");
    cJSON_Delete(stage_win_many(stage, DEALS, "Storm"));
    stage_rest(stage);
    stage_must(stage, stage_order_count(stage) == DEALS);
    stage_must(stage, stage_runs_in(stage, "parked,held,discarded") == 0);
    stage_check(stage);
    stage_passed(stage);
}

/* The same service answers in more than one form. */
static void test_shapes(void **state)
{
    static const char *const shapes[] = {
        "{\"clean\":\"A\",\"body\":\"json\"}",
        "{\"clean\":\"A\",\"body\":\"string\"}",
        "{\"clean\":\"B\",\"body\":\"raw\"}",
        "{\"clean\":\"B\",\"body\":\"json\"}",
        "{\"clean\":\"B\",\"body\":\"string\"}",
    };
    enum { COUNT = sizeof(shapes) / sizeof(*shapes) };
    struct stage *stage = stage_begin(NULL);

    (void)state;
    for (size_t at = 0; at < COUNT; at++) {
        stage_tell(stage, SYSPRO, "/_sim/shape", "%s", shapes[at]);
        stage_tell(stage, SYSPRO, "/_sim/restart", "{}");
        cJSON_Delete(stage_win_many(stage, 3, "Shape"));
        stage_rest(stage);
        all_once(stage, 3 * (at + 1), 0, 0);
    }
    stage_check(stage);
    stage_passed(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(test_syspro_down),
        stage_test(test_streak_down),
        stage_test(test_restart_while_down),
        stage_test(test_sessions),
        stage_test(test_storm),
        stage_test(test_shapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
