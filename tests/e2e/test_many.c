/* test_many.c - a thousand deals are a thousand orders, and what was taken up
 * for them is given back. */
#include "stage.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum {
    DEALS = 1000,
    WARM_DEALS = 50,  /* so that caches and pools are filled */
    MANY_MS = 150000, /* on a loaded machine of two cores */
    AGAIN = 300       /* after the thousand: no more memory for these */
};

#define MEMORY_MORE 1.05 /* as I8 says */

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

/* The store keeps pages of its file in memory, up to a limit of its own. */
static double database_bytes(void)
{
    static const char *const names[] = {"connect.db", "connect.db-wal"};
    double bytes = 0;

    for (size_t at = 0; at < sizeof(names) / sizeof(*names); at++) {
        char path[STAGE_PATH_MAX + 40];
        struct stat about;
        snprintf(path, sizeof(path), "%s/data/%s", stage->directory, names[at]);
        if (!stat(path, &about))
            bytes += (double)about.st_size;
    }
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
    double start, loaded, again, database;
    int64_t begun, took;

    (void)state;
    stage = stage_begin(&(struct stage_options){.level = "info"});
    start = memory_bytes();
    begun = process_now_ms();
    cJSON_Delete(stage_win_many(stage, DEALS, "Many"));
    stage_rest_within(stage, MANY_MS);
    took = process_now_ms() - begun;
    stage_must(stage, stage_order_count(stage) == DEALS);
    stage_must(stage, stage_comment_count(stage) == DEALS);
    stage_must(stage, stage_runs_in(stage, "parked,held,discarded") == 0);
    loaded = memory_bytes();
    open_before = descriptors();
    database = database_bytes();

    cJSON_Delete(stage_win_many(stage, AGAIN, "Again"));
    stage_rest_within(stage, MANY_MS);
    again = memory_bytes();
    printf("%d deals in %lld ms: %lld a second; memory %.1f MiB at the start, "
           "%.1f after them, %.1f after %d more\n",
           DEALS, (long long)took, (long long)(DEALS * 1000 / took),
           start / 1048576, loaded / 1048576, again / 1048576, AGAIN);
    database = database_bytes() - database;
    stage_must(stage, again - database < loaded * MEMORY_MORE);
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
