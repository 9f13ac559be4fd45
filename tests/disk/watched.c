/* watched.c - the daemon at work with the shim before its store.
 *
 * One idea: what anybody outside has seen is marked after it was seen, so that
 * whatever was seen before a cut must be in the store after it.  One thread. */
#include "watched.h"

#include <stdio.h>
#include <stdlib.h>

#include "facts.h"
#include "play.h"

enum { DEALS = 24, REST_MS = 60000 };

static struct rig *watched_rig;

static void look_at_orders(struct stage *stage)
{
    rig_mark(watched_rig, FACT_ORDERS, stage_order_count(stage));
}

static bool all_ordered(struct stage *stage, void *arg)
{
    (void)arg;
    look_at_orders(stage);
    return stage_order_count(stage) >= DEALS;
}

static void work(void)
{
    struct stage_options options = play_options();
    struct stage *stage = stage_prepare(&options);
    char data[STAGE_PATH_MAX + 8];
    uint64_t events = 0;
    cJSON *keys;
    const cJSON *key;

    snprintf(data, sizeof(data), "%s/data", stage->directory);
    rig_watch(watched_rig, data, true, true);
    setenv("CONNECT_TEST_CHECKPOINT", "60", 1);
    stage_start(stage);
    unsetenv("CONNECT_TEST_CHECKPOINT");
    rig_watch(watched_rig, NULL, false, false);
    keys = play_deals(stage, DEALS, "Watched");
    cJSON_ArrayForEach(key, keys)
    {
        stage_must(stage, play_send(stage, key->valuestring) == 200);
        rig_mark(watched_rig, FACT_EVENTS, ++events);
        look_at_orders(stage);
    }
    cJSON_Delete(keys);
    stage_until(stage, REST_MS, "an order for each deal", all_ordered, NULL);
    stage_rest(stage);
    stage_stop(stage);
    stage_passed(stage);
}

int watched_daemon(struct rig *rig)
{
    watched_rig = rig;
    return play("watched daemon", work, NULL);
}
