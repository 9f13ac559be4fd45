/* test_webhooks.c - events that come twice, together, late and in disorder:
 * one order a deal. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BURST = 100, CONNECTIONS = 20, DEALS = 20, DAYS_40 = 40 };

#define DAY_MS (24LL * 3600 * 1000)

static int64_t status_number(struct stage *stage, const char *name)
{
    cJSON *told = stage_get(stage, ADMIN, "/v1/status");
    int64_t number = (int64_t)cJSON_GetObjectItem(told, name)->valuedouble;

    cJSON_Delete(told);
    return number;
}

/* F01: the same bytes a hundred times at once, again after a restart, again
 * after forty days. */
static void test_burst(void **state)
{
    struct stage_options options = {.no_registrations = true};
    char key[STAGE_TEXT_MAX];
    const char *const keys[] = {key};
    struct stage *stage = stage_begin(&options);
    int64_t events;
    char *body;

    (void)state;
    stage_deal(stage, "Burst", "Bayside Tools Ltd", "A100; 3; 149.90", key);
    stage_win(stage, key);
    body = stage_event_body(stage, keys, 1);
    events = status_number(stage, "events");
    stage_must(stage, stage_burst(stage, body, BURST, CONNECTIONS) == BURST);
    stage_must(stage, status_number(stage, "events") == events + 1);
    stage_must(stage, status_number(stage, "duplicates") == BURST - 1);
    stage_until_orders(stage, 1);
    stage_stop(stage);
    stage_start(stage);
    stage_must(stage, stage_burst(stage, body, BURST, CONNECTIONS) == BURST);
    for (int day = 0; day < DAYS_40; day++)
        stage_step(stage, DAY_MS);
    stage_must(stage, stage_burst(stage, body, BURST, CONNECTIONS) == BURST);
    stage_must(stage, status_number(stage, "events") == events + 1);
    stage_must(stage, status_number(stage, "duplicates") == 3 * BURST - 1);
    stage_rest(stage);
    stage_must(stage, stage_order_count(stage) == 1);
    stage_must(stage, stage_seen(stage, SYSPRO, "/Transaction/Post") == 1);
    free(body);
    stage_check(stage);
    stage_passed(stage);
}

/* Streak sends each event four times, eight in one array, in reverse. */
static void play(struct stage *stage, const char *modes)
{
    stage_tell(stage, STREAK, "/_sim/webhooks", "%s", modes);
    cJSON_Delete(stage_win_many(stage, DEALS, "Disorder"));
    stage_rest(stage);
}

static void test_duplicate_batched_reordered(void **state)
{
    struct stage *stage = stage_begin(NULL);

    (void)state;
    play(stage, "{\"duplicate\":3}");
    stage_must(stage, stage_order_count(stage) == DEALS);
    play(stage, "{\"duplicate\":0,\"batch\":8,\"delay_ms\":30}");
    stage_must(stage, stage_order_count(stage) == 2 * DEALS);
    play(stage, "{\"batch\":1,\"delay_ms\":1,\"hold_back\":7,"
                "\"hold_ms\":50}");
    stage_must(stage, stage_order_count(stage) == 3 * DEALS);
    play(stage, "{\"duplicate\":2,\"batch\":5,\"hold_back\":3,"
                "\"spread_ms\":40,\"small_record\":true}");
    stage_must(stage, stage_order_count(stage) == 4 * DEALS);
    stage_must(stage, stage_comment_count(stage) == 4 * DEALS);
    stage_check(stage);
    stage_passed(stage);
}

/* Two different events of one deal at the same time are two events and one
 * order. */
static void test_two_events_one_deal(void **state)
{
    struct stage_options options = {.no_registrations = true};
    char key[STAGE_TEXT_MAX];
    const char *const keys[] = {key, key, key};
    struct stage *stage = stage_begin(&options);
    char path[STAGE_TEXT_MAX + 40];
    int64_t events;

    (void)state;
    stage_deal(stage, "Twice", "Bayside Tools Ltd", "A100; 3; 149.90", key);
    stage_win(stage, key);
    events = status_number(stage, "events");
    stage_must(stage, stage_send_boxes(stage, keys, 3) == 200);
    stage_step(stage, 1000);
    snprintf(path, sizeof(path), "/_sim/boxes/%s", key);
    stage_tell(stage, STREAK, path,
               "{\"fields\":{\"Notes for delivery\":\"Ring twice\"}}");
    stage_must(stage, stage_send_boxes(stage, keys, 1) == 200);
    stage_rest(stage);
    stage_must(stage, status_number(stage, "events") == events + 2);
    stage_must(stage, status_number(stage, "duplicates") == 2);
    stage_must(stage, stage_order_count(stage) == 1);
    stage_must(stage, stage_comment_count(stage) == 1);
    stage_check(stage);
    stage_passed(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(test_burst),
        stage_test(test_duplicate_batched_reordered),
        stage_test(test_two_events_one_deal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
