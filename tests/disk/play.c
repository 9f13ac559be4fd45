/* play.c - a play on the stage of tests/e2e as a function of a harness.
 *
 * One idea: the stage wants a test around it, so that it can leave from
 * anywhere and is taken down on every way out.  One thread. */
#include "play.h"

static void (*play_now)(void), (*play_finish)(void);

static void run_it(void **state)
{
    (void)state;
    play_now();
}

static int take_down(void **state)
{
    if (play_finish)
        play_finish();
    return stage_teardown(state);
}

int play(const char *name, void (*fn)(void), void (*finish)(void))
{
    const struct CMUnitTest tests[] = {{name, run_it, NULL, take_down, NULL}};

    play_now = fn;
    play_finish = finish;
    return cmocka_run_group_tests(tests, NULL, NULL) ? -1 : 0;
}

struct stage_options play_options(void)
{
    return (struct stage_options){.level = "info", .no_registrations = true};
}

cJSON *play_deals(struct stage *stage, unsigned count, const char *prefix)
{
    return stage_win_many(stage, count, prefix);
}

int play_send(struct stage *stage, const char *key)
{
    const char *const keys[] = {key};

    return stage_send_boxes(stage, keys, 1);
}

int64_t play_events(struct stage *stage)
{
    cJSON *told = stage_get(stage, ADMIN, "/v1/status");
    const cJSON *events = cJSON_GetObjectItemCaseSensitive(told, "events");
    int64_t count = cJSON_IsNumber(events) ? (int64_t)events->valuedouble : -1;

    cJSON_Delete(told);
    return count;
}
