/* test_many.c - a thousand deals are a thousand orders, and what was taken up
 * for them is given back. */
#include "stage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    DEALS = 1000,
    WARM_DEALS = 50,           /* so that caches and pools are filled */
    MANY_MS = 150000,          /* on a loaded machine of two cores */
    MEMORY_MORE_MAX = 48 << 20 /* page caches of the store, read queries */
};

static struct stage *stage;

static size_t descriptors(void)
{
    char path[64];
    size_t count = 0;
    DIR *directory;

    snprintf(path, sizeof(path), "/proc/%d/fd", (int)stage->connectd.id);
    directory = opendir(path);
    stage_must(stage, directory);
    while (readdir(directory))
        count++;
    closedir(directory);
    return count;
}

static double memory_bytes(void)
{
    cJSON *told = stage_get(stage, ADMIN, "/v1/status");
    double bytes =
        cJSON_GetObjectItemCaseSensitive(told, "memory_bytes")->valuedouble;

    cJSON_Delete(told);
    return bytes;
}

static bool descriptors_back(struct stage *at, void *arg)
{
    (void)at;
    return descriptors() <= *(size_t *)arg;
}

static void test_thousand_deals(void **state)
{
    size_t open_before;
    double memory_before;
    int64_t begun, took;

    (void)state;
    stage = stage_begin(&(struct stage_options){.level = "info"});
    cJSON_Delete(stage_win_many(stage, WARM_DEALS, "Warm"));
    stage_rest_within(stage, MANY_MS);
    open_before = descriptors();
    memory_before = memory_bytes();

    begun = process_now_ms();
    cJSON_Delete(stage_win_many(stage, DEALS, "Many"));
    stage_rest_within(stage, MANY_MS);
    took = process_now_ms() - begun;
    stage_must(stage, stage_order_count(stage) == WARM_DEALS + DEALS);
    stage_must(stage, stage_comment_count(stage) == WARM_DEALS + DEALS);
    stage_must(stage, stage_runs_in(stage, "parked,held,discarded") == 0);
    printf("%d deals in %lld ms: %lld a second; memory %.1f to %.1f MiB\n",
           DEALS, (long long)took, (long long)(DEALS * 1000 / took),
           memory_before / 1048576, memory_bytes() / 1048576);
    stage_must(stage, memory_bytes() < memory_before + MEMORY_MORE_MAX);
    stage_until(stage, STAGE_REST_MS, "descriptors to be closed",
                descriptors_back, &open_before);
    stage_check(stage);
    stage_passed(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(test_thousand_deals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
