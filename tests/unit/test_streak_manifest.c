/* links: connect_plugin connect_config connect_base */
/* test_streak_manifest.c - the Streak connector's manifest and settings as the
 * host reads them; also the settings of the configuration that is shipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <connect/json.h>

#include "config/record_type.h"
#include "plugin/manifest.h"

#define START "{\"api_key\":\"file:key\",\"webhook_token\":\"file:token\""

enum { FILE_MAX = 64 * 1024 };

static struct record_types *types;
static struct manifest *manifest;

/* A file's text, to free. */
static char *read_file(const char *path)
{
    char *text = calloc(1, FILE_MAX);
    FILE *file = fopen(path, "rb");

    assert_non_null(text);
    assert_non_null(file);
    assert_true(fread(text, 1, FILE_MAX - 1, file) > 0);
    fclose(file);
    return text;
}

static int before(void **state)
{
    char *text = read_file(CONNECT_SOURCE_DIR "/plugins/streak/manifest.json");
    struct error err = {""};
    int status;

    (void)state;
    types = record_types_create();
    status =
        record_types_load(types, CONNECT_SOURCE_DIR "/config/records", &err);
    if (!status)
        status =
            manifest_create("connect.streak", text, types, &manifest, &err);
    if (status)
        print_error("%s\n", err.text);
    free(text);
    return status;
}

static int after(void **state)
{
    (void)state;
    manifest_destroy(manifest);
    record_types_destroy(types);
    return 0;
}

static bool settings_fit(cJSON *settings)
{
    struct schema_fault fault = {.message = ""};
    bool fit;

    schema_fill(manifest->config, settings);
    fit = !schema_check(manifest->config, settings, &fault);
    if (!fit && !*fault.message)
        fail_msg("refused without a reason");
    return fit;
}

static cJSON *read_json(const char *text, uint32_t flags)
{
    const cn_json_limits limits = {.flags = flags};
    cJSON *value = NULL;

    assert_int_equal(
        cn_json_read((cn_str){text, strlen(text)}, &limits, &value, NULL), 0);
    return value;
}

static void is_taken(void **state)
{
    static const char *const takes[] = {"deal/1", "activity/1", "webhook/1"};

    (void)state;
    assert_true(manifest->network_host);
    for (size_t at = 0; at < 3; at++)
        assert_true(manifest_type(manifest, takes[at])->takes);
    assert_true(manifest_type(manifest, "box_event/1")->emits);
    assert_true(manifest_type(manifest, "deal/1")->repeat_safe);
    assert_false(manifest_type(manifest, "activity/1")->repeat_safe);
    assert_non_null(manifest_action(manifest, "read_deal")->response);
    assert_true(manifest_secret(manifest, "api_key", 7));
    assert_true(manifest_secret(manifest, "webhook_token", 13));
    assert_true(manifest_secret(manifest, "webhook_token_previous", 22));
    assert_false(manifest_secret(manifest, "base_url", 8));
}

static void checks_settings(void **state)
{
    static const struct {
        const char *text;
        bool fit;
    } cases[] = {
        {START "}", true},
        {START ",\"structure_seconds\":1}", true},
        {START ",\"auth\":\"bearer\",\"base_url\":\"http://127.0.0.1:1/api\"}",
         true},
        {"{\"api_key\":\"file:key\"}", false},
        {START ",\"auth\":\"digest\"}", false},
        {START ",\"rate_per_second\":8}", false},
        {START ",\"structure_seconds\":0}", false},
        {START ",\"base_url\":\"api.streak.com\"}", false},
        {START ",\"retries\":3}", false},
    };
    cJSON *settings;

    (void)state;
    for (size_t at = 0; at < sizeof(cases) / sizeof(*cases); at++) {
        settings = read_json(cases[at].text, 0);
        if (settings_fit(settings) != cases[at].fit)
            fail_msg("%s", cases[at].text);
        cJSON_Delete(settings);
    }
    settings = read_json(START "}", 0);
    assert_true(settings_fit(settings));
    assert_string_equal(cn_json_text_at(settings, "/base_url", ""),
                        "https://api.streak.com/api");
    assert_string_equal(cn_json_text_at(settings, "/structure_seconds", ""),
                        "60");
    cJSON_Delete(settings);
}

static void shipped_settings_fit(void **state)
{
    char *text = read_file(CONNECT_SOURCE_DIR "/config/connect.json");
    cJSON *whole = read_json(text, CN_JSON_ALLOW_COMMENTS);

    (void)state;
    assert_true(
        settings_fit(cn_json_pointer(whole, "/instances/streak/config")));
    cJSON_Delete(whole);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(is_taken),
                                       cmocka_unit_test(checks_settings),
                                       cmocka_unit_test(shipped_settings_fit)};

    return cmocka_run_group_tests(tests, before, after);
}
