/* test_doctor.c - connectctl doctor: when all is well it says so, and what is
 * broken on purpose turns exactly its own check red. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The checks that are not well, as "permissions certificates", without the
 * clock's keeper, which is the test machine's. */
static void unwell(struct stage *stage, char text[STAGE_TEXT_MAX])
{
    cJSON *answer = stage_get(stage, ADMIN, "/v1/doctor");
    const cJSON *item;

    text[0] = '\0';
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(answer, "checks"))
    {
        const char *check =
            cJSON_GetStringValue(cJSON_GetObjectItem(item, "check"));
        const char *state =
            cJSON_GetStringValue(cJSON_GetObjectItem(item, "state"));
        size_t len = strlen(text);
        if (!strcmp(state, "ok") || !strcmp(check, "clock_sync") ||
            strstr(text, check))
            continue;
        printf("%s: %s: %s\n", state, check,
               cJSON_GetStringValue(cJSON_GetObjectItem(item, "found")));
        snprintf(text + len, STAGE_TEXT_MAX - len, "%s%s", len ? " " : "",
                 check);
    }
    cJSON_Delete(answer);
}

static void expect(struct stage *stage, const char *checks)
{
    char text[STAGE_TEXT_MAX];

    unwell(stage, text);
    if (strcmp(text, checks) != 0)
        stage_fail(stage, "not well is \"%s\", expected \"%s\"", text, checks);
}

static void test_all_is_well(void **state)
{
    struct stage *stage = stage_begin(NULL);
    char *text = NULL;
    int code;

    (void)state;
    stage_rest(stage);
    expect(stage, "");
    code = stage_ctl(stage, &text, "doctor", NULL);
    printf("%s\n", text);
    stage_must(stage, code == 0);
    stage_must(stage, strstr(text, "webhooks"));
    free(text);
    stage_passed(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(test_all_is_well),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
