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

static bool all_is_well(struct stage *stage, void *arg)
{
    char text[STAGE_TEXT_MAX];

    (void)arg;
    unwell(stage, text);
    return !text[0];
}

static void expect(struct stage *stage, const char *checks)
{
    char text[STAGE_TEXT_MAX];

    unwell(stage, text);
    if (strcmp(text, checks) != 0)
        stage_fail(stage, "not well is \"%s\", expected \"%s\"", text, checks);
}

/* connectctl ends with this code and says this. */
static void says(struct stage *stage, int code, const char *word, ...)
{
    const char *arguments[4] = {NULL};
    char *text = NULL;
    size_t count = 0;
    va_list more;
    int found;

    va_start(more, word);
    while (count < 4 && (arguments[count] = va_arg(more, const char *)))
        count++;
    va_end(more);
    found =
        stage_ctl(stage, &text, arguments[0], arguments[1], arguments[2], NULL);
    if (found != code || !strstr(text, word))
        stage_fail(stage, "connectctl %s: %d, not %d with \"%s\": %s",
                   arguments[0], found, code, word, text);
    free(text);
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

/* ---- One thing broken ---------------------------------------------------- */

static void in(struct stage *stage, const char *name, char *path, size_t size)
{
    snprintf(path, size, "%s/%s", stage->directory, name);
}

static void remove_flow(struct stage *stage, const char *name)
{
    char path[STAGE_PATH_MAX + 80], file[80];

    snprintf(file, sizeof(file), "flows/%s.json", name);
    in(stage, file, path, sizeof(path));
    stage_must(stage, !unlink(path));
}

static void replace_in_config(struct stage *stage, const char *text,
                              const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *other = NULL;

    stage_must(stage, at);
    stage_must(stage, asprintf(&other, "%.*s%s%s", (int)(at - text), text, to,
                               at + strlen(from)) > 0);
    stage_write(stage, "connect.json", other);
    free(other);
}

/* What a reload does not take over is not said to run. */
static void expect_restart_due(struct stage *stage, const char *text)
{
    replace_in_config(stage, text, "\"debug\"", "\"info\"");
    says(stage, 0, "next start", "reload", NULL);
    expect(stage, "configuration");
    says(stage, 0, "Restart connectd", "doctor", NULL);
}

static void test_configuration(void **state)
{
    char path[STAGE_PATH_MAX + 80], *text, *again;
    struct stage *stage = stage_begin(NULL);
    size_t len;

    (void)state;
    stage_rest(stage);
    in(stage, "connect.json", path, sizeof(path));
    text = process_read_file(path, NULL);
    len = strlen(text);
    /* In order, but not what runs. */
    again = malloc(len + 2);
    snprintf(again, len + 2, "%s ", text);
    stage_write(stage, "connect.json", again);
    expect(stage, "configuration");
    says(stage, 0, "connectctl reload", "doctor", NULL);
    /* Not in order: each mistake of it is named. */
    again[len / 2] = '\0';
    stage_write(stage, "connect.json", again);
    expect(stage, "configuration");
    says(stage, 1, "connect.json:", "doctor", NULL);
    stage_write(stage, "connect.json", text);
    expect(stage, "");
    stage_write(stage, "flows/one.json", "{\"flow\":7}");
    stage_write(stage, "flows/two.json", "{");
    expect(stage, "configuration");
    says(stage, 1, "two.json", "doctor", NULL);
    says(stage, 1, "one.json", "doctor", NULL);
    remove_flow(stage, "one");
    remove_flow(stage, "two");
    expect_restart_due(stage, text);
    free(again);
    free(text);
    stage_passed(stage);
}

static void test_permissions(void **state)
{
    char path[STAGE_PATH_MAX + 80];
    struct stage *stage = stage_begin(NULL);

    (void)state;
    stage_rest(stage);
    in(stage, "secrets/streak.key", path, sizeof(path));
    stage_must(stage, !chmod(path, 0644));
    expect(stage, "permissions");
    says(stage, 1, "chmod go= ", "doctor", NULL);
    stage_must(stage, !chmod(path, 0600));
    in(stage, "secrets/streak.path", path, sizeof(path));
    stage_must(stage, !chmod(path, 0640));
    expect(stage, "permissions");
    stage_must(stage, !chmod(path, 0600));
    in(stage, "admin.sock", path, sizeof(path));
    stage_must(stage, !chmod(path, 0666));
    expect(stage, "permissions");
    stage_must(stage, !chmod(path, 0600));
    in(stage, "data", path, sizeof(path));
    stage_must(stage, !chmod(path, 0755));
    expect(stage, "permissions");
    stage_must(stage, !chmod(path, 0700));
    expect(stage, "");
    stage_passed(stage);
}

static void test_reserve(void **state)
{
    char path[STAGE_PATH_MAX + 80];
    struct stage *stage = stage_begin(NULL);

    (void)state;
    stage_rest(stage);
    in(stage, "data/connect.reserve", path, sizeof(path));
    stage_must(stage, !unlink(path));
    expect(stage, "reserve");
    stage_passed(stage);
}

static void test_clock(void **state)
{
    struct stage *stage = stage_begin(NULL);

    (void)state;
    stage_rest(stage);
    stage_tell(stage, ADMIN, "/v1/test/clock",
               "{\"advance_ms\":0,\"jump_wall_ms\":-600000}");
    expect(stage, "clock"); /* behind what is stored */
    stage_tell(stage, ADMIN, "/v1/test/clock",
               "{\"advance_ms\":0,\"jump_wall_ms\":1200000}");
    expect(stage, "clock"); /* set forwards */
    stage_tell(stage, ADMIN, "/v1/test/clock",
               "{\"advance_ms\":0,\"jump_wall_ms\":-600000}");
    expect(stage, "");
    stage_passed(stage);
}

/* SYSPRO answers nothing. */
static void test_credentials(void **state)
{
    struct stage *stage = stage_begin(NULL);

    (void)state;
    stage_rest(stage);
    stage_fault(stage, SYSPRO,
                "{\"fault\":\"status\",\"status\":500,\"match\":\"/\","
                "\"always\":true}");
    expect(stage, "credentials");
    stage_no_faults(stage, SYSPRO);
    expect(stage, "");
    stage_passed(stage);
}

/* Somebody removed a registration in Streak. */
/* How many registrations were begun; with address, they must all be of that
 * one, which is taken from the first when it is empty. */
static size_t registrations(struct stage *stage, char *address)
{
    cJSON *told = stage_get(stage, ADMIN, "/v1/runs?limit=100&type=webhook/1");
    const cJSON *run;
    size_t count = 0;

    cJSON_ArrayForEach(run, cJSON_GetObjectItem(told, "runs"))
    {
        cJSON *whole =
            stage_get(stage, ADMIN, "/v1/runs/%.0f?unmasked=1",
                      cJSON_GetNumberValue(cJSON_GetObjectItem(run, "run")));
        const char *found = cJSON_GetStringValue(cJSON_GetObjectItem(
            cJSON_GetObjectItem(cJSON_GetObjectItem(whole, "trigger"), "body"),
            "address_id"));
        stage_must(stage, found);
        if (address && !*address)
            snprintf(address, STAGE_TEXT_MAX, "%s", found);
        stage_must(stage, !address || !strcmp(found, address));
        cJSON_Delete(whole);
        count++;
    }
    cJSON_Delete(told);
    return count;
}

/* The address of a restart is not registered before it. */
static void test_another_address(void **state)
{
    struct stage *stage = stage_begin(NULL);
    char path[STAGE_PATH_MAX + 80], address[STAGE_TEXT_MAX] = "";
    size_t count;
    char *text;

    (void)state;
    stage_rest(stage);
    count = registrations(stage, address);
    stage_must(stage, count > 0);
    in(stage, "connect.json", path, sizeof(path));
    text = process_read_file(path, NULL);
    replace_in_config(stage, text, "http://127.0.0.1:", "http://127.0.0.2:");
    says(stage, 0, "next start", "reload", NULL);
    stage_must(stage, registrations(stage, address) == 2 * count);
    stage_rest(stage);
    expect(stage, "configuration");
    free(text);
    stage_passed(stage);
}

static void test_webhooks(void **state)
{
    static const char *const headers[] = {
        "Authorization: Basic c2FuZGJveC1zdHJlYWsta2V5Og==", NULL};
    char url[STAGE_TEXT_MAX];
    struct stage *stage = stage_begin(NULL);
    struct web_request request = {
        .method = "DELETE", .url = url, .headers = headers};
    struct web_answer answer;
    size_t runs;
    cJSON *told;

    (void)state;
    stage_rest(stage);
    told = stage_get(stage, STREAK, "/_sim/webhooks");
    snprintf(
        url, sizeof(url), "http://127.0.0.1:%u/api/v2/webhooks/%s",
        stage->streak_base,
        cJSON_GetStringValue(cJSON_GetObjectItem(
            cJSON_GetArrayItem(cJSON_GetObjectItem(told, "registrations"), 0),
            "key")));
    answer = web_call(stage->web, &request);
    if (answer.status != 200)
        stage_fail(stage, "%s: %d %s", url, answer.status, answer.body);
    web_answer_end(&answer);
    cJSON_Delete(told);
    expect(stage, "webhooks");
    runs = registrations(stage, NULL);
    says(stage, 0, "configuration reloaded", "reload", NULL);
    /* It was answered when that was stored. */
    stage_must(stage, registrations(stage, NULL) > runs);
    stage_until(stage, STAGE_REST_MS, "all to be well", all_is_well, NULL);
    stage_passed(stage);
}

/* SYSPRO takes no orders for a while: what waits is named with its reason. */
static void test_waiting(void **state)
{
    char key[STAGE_TEXT_MAX], text[STAGE_TEXT_MAX];
    struct stage *stage = stage_begin(NULL);

    (void)state;
    stage_fault(stage, SYSPRO,
                "{\"fault\":\"status\",\"status\":429,\"retry_after\":900,"
                "\"match\":\"/Transaction/Post\",\"always\":true}");
    stage_deal(stage, "Waits", "Bayside Tools Ltd", "A100; 3; 149.90", key);
    stage_win(stage, key);
    stage_until_instance_rests(stage, "syspro");
    unwell(stage, text);
    stage_must(stage, !strstr(text, "waiting"));
    stage_step(stage, 16LL * 60 * 1000);
    stage_until_instance_rests(stage, "syspro");
    unwell(stage, text);
    if (!strstr(text, "waiting"))
        stage_fail(stage, "not well is \"%s\"", text);
    says(stage, 0, "connectctl show", "doctor", NULL);
    stage_no_faults(stage, SYSPRO);
    stage_rest(stage);
    expect(stage, "");
    stage_passed(stage);
}

static void test_parked(void **state)
{
    char key[STAGE_TEXT_MAX];
    struct stage *stage = stage_begin(NULL);
    char run[32];

    (void)state;
    stage_deal(stage, "Parked", "Bayside Tools Ltd", "Z900; 3; 149.90", key);
    stage_win(stage, key);
    stage_rest(stage);
    expect(stage, "parked alerts");
    says(stage, 0, "parked:won-deal-to-sales-order:rejected", "alerts", NULL);
    says(stage, 0, "acknowledged", "alerts", "ack", "--all", NULL);
    expect(stage, "parked"); /* somebody knows; it is still there */
    snprintf(run, sizeof(run), "%lld",
             (long long)stage_run_of(stage, key, "parked"));
    says(stage, 0, "is discarded", "discard", run, "--reason=a test", NULL);
    says(stage, 0, "No alerts", "alerts", NULL);
    expect(stage, "");
    stage_passed(stage);
}

static void test_quarantine(void **state)
{
    struct stage *stage = stage_begin(NULL);
    struct stage_webhook webhook = {.body = "[{}]"};
    struct web_answer answer = stage_send(stage, &webhook);

    (void)state;
    web_answer_end(&answer);
    stage_rest(stage);
    expect(stage, "quarantine alerts");
    says(stage, 0, "acknowledged", "alerts", "ack", "--all", NULL);
    expect(stage, "quarantine"); /* somebody knows; it is still there */
    stage_passed(stage);
}

static bool syspro_is_asked(struct stage *stage, void *arg)
{
    return stage_seen(stage, SYSPRO, "/") > *(size_t *)arg;
}

/* The daemon is stopped while it looks, and while somebody follows the history:
 * both end, and so does it. */
static void test_stopped_meanwhile(void **state)
{
    const char *doctor[] = {CONNECT_BUILD_DIR "/core/ctl/connectctl", "doctor",
                            NULL};
    const char *tail[] = {CONNECT_BUILD_DIR "/core/ctl/connectctl", "tail",
                          NULL};
    struct stage_options options = {.limits = "{\"drain_ms\":1000}"};
    char log[STAGE_PATH_MAX + 80];
    struct stage *stage = stage_begin(&options);
    struct process looking = {0}, following = {0};
    size_t seen;

    (void)state;
    stage_rest(stage);
    in(stage, "ctl.log", log, sizeof(log));
    stage_fault(stage, SYSPRO,
                "{\"fault\":\"delay\",\"ms\":15000,\"match\":\"/\","
                "\"always\":true}");
    seen = stage_seen(stage, SYSPRO, "/");
    setenv("CONNECT_SOCKET", stage->socket, 1);
    stage_must(stage, !process_start(&following, log, tail));
    stage_must(stage, !process_start(&looking, log, doctor));
    stage_until(stage, STAGE_REST_MS, "the check of SYSPRO", syspro_is_asked,
                &seen);
    stage_stop(stage);
    stage_must(stage, process_wait(&looking, STAGE_READY_MS));
    stage_must(stage, process_wait(&following, STAGE_READY_MS));
    stage_must(stage, looking.exit_code != 0 && following.exit_code != 0);
    stage_passed(stage);
}

/* What is looked at without a daemon, as JSON: one document with this check and
 * so many that failed. */
static void says_json(struct stage *stage, const char *path, double failed,
                      const char *check)
{
    char *text = NULL;
    int code =
        stage_ctl(stage, &text, "doctor", "--config", path, "--json", NULL);
    const char *end = NULL;
    cJSON *told = cJSON_ParseWithOpts(text, &end, 0);

    if (code != (failed > 0) || !told || strcmp(end, "\n") != 0 ||
        cJSON_GetNumberValue(cJSON_GetObjectItem(told, "failed")) != failed ||
        cJSON_GetNumberValue(cJSON_GetObjectItem(told, "now_ms")) < 1 ||
        !strstr(text, check))
        stage_fail(stage, "doctor --config --json: %d, %s", code, text);
    cJSON_Delete(told);
    free(text);
}

/* No daemon. */
static void test_offline(void **state)
{
    char path[STAGE_PATH_MAX + 80], secret[STAGE_PATH_MAX + 80];
    struct stage *stage = stage_prepare(NULL);

    (void)state;
    in(stage, "connect.json", path, sizeof(path));
    says(stage, 3, "doctor --config", "doctor", NULL);
    says(stage, 0, "ok       permissions", "doctor", "--config", path, NULL);
    in(stage, "secrets/streak.key", secret, sizeof(secret));
    stage_must(stage, !chmod(secret, 0644));
    says(stage, 1, "failed   permissions", "doctor", "--config", path, NULL);
    stage_must(stage, !chmod(secret, 0600));
    says_json(stage, path, 0, "permissions");
    says(stage, 2, "doctor --config", "check", path, "--json", NULL);
    stage_write(stage, "connect.json", "{");
    says(stage, 1, "connect.json:1", "doctor", "--config", path, NULL);
    says_json(stage, path, 1, "configuration");
    stage_passed(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(test_all_is_well), stage_test(test_configuration),
        stage_test(test_permissions), stage_test(test_reserve),
        stage_test(test_clock),       stage_test(test_credentials),
        stage_test(test_webhooks),    stage_test(test_another_address),
        stage_test(test_waiting),     stage_test(test_parked),
        stage_test(test_quarantine),  stage_test(test_stopped_meanwhile),
        stage_test(test_offline),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
