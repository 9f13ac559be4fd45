/* links: connect_plugin connect_config connect_base */
/* The SYSPRO connector's manifest as the host reads it: taken, with defaults at
 * every depth, and wrong settings are named. */
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

#define START                                                                  \
    "{\"base_url\":\"http://erp.test/Rest\",\"operator\":\"O\","               \
    "\"operator_password\":\"p\",\"company\":\"EDU1\""

static struct record_types *types;
static struct manifest *manifest;

static int setup(void **state)
{
    struct error err = {""};
    char *text = calloc(1, 64 * 1024);
    FILE *stream =
        fopen(CONNECT_SOURCE_DIR "/plugins/syspro/manifest.json", "rb");
    int status = 0;

    (void)state;
    types = record_types_create();
    status =
        record_types_load(types, CONNECT_SOURCE_DIR "/config/records", &err);
    if (!status && stream && fread(text, 1, 64 * 1024 - 1, stream) > 0)
        status =
            manifest_create("connect.syspro", text, types, &manifest, &err);
    if (status || !manifest)
        fprintf(stderr, "%s\n", err.text);
    if (stream)
        fclose(stream);
    free(text);
    return manifest ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    manifest_destroy(manifest);
    record_types_destroy(types);
    return 0;
}

static cJSON *checked(const char *text, int *ret_status)
{
    struct schema_fault fault;
    cJSON *value = NULL;

    assert_int_equal(
        cn_json_read((cn_str){text, strlen(text)}, NULL, &value, NULL), 0);
    schema_fill(manifest->config, value);
    *ret_status = schema_check(manifest->config, value, &fault);
    return value;
}

static void test_taken(void **state)
{
    (void)state;
    assert_true(manifest->network_host);
    assert_non_null(manifest_type(manifest, "sales_order/1"));
    assert_non_null(manifest_action(manifest, "find_customer"));
    assert_non_null(manifest_action(manifest, "find_stock_code"));
    assert_true(manifest_secret(manifest, "operator_password", 17));
    assert_true(manifest_secret(manifest, "company_password", 16));
    assert_true(manifest_secret(manifest, "gateway_key", 11));
}

static void test_defaults(void **state)
{
    static const char *const cases[][2] = {
        {"/customer_key/kind", "numeric"},
        {"/customer_key/length", "12"},
        {"/customer_key/presentation", "7"},
        {"/order_key/presentation", "6"},
        {"/upper/customer", "true"},
        {"/texts/session/0", "supplied UserID is invalid"},
        {"/texts/hold/0", "ours"},
        {"/texts/duplicate/0", "duplicate order number"},
        {"/url_bytes_max", "16000"},
        {"/post_large", "true"},
        {"/compare_lines", "found"}};
    int status = 0;
    cJSON *value = checked(START ",\"customer_key\":{\"length\":12},"
                                 "\"texts\":{\"hold\":[\"ours\"]}}",
                           &status);

    (void)state;
    assert_int_equal(status, 0);
    for (size_t index = 0; index < sizeof(cases) / sizeof(*cases); index++) {
        const char *text = cn_json_text_at(value, cases[index][0], "(none)");
        if (strcmp(text, cases[index][1]) != 0)
            fail_msg("%s is %s", cases[index][0], text);
    }
    cJSON_Delete(value);
}

static void test_wrong_settings(void **state)
{
    static const char *const wrong[] = {
        "{}",
        START ",\"unknown\":1}",
        START ",\"customer_key\":{\"kind\":\"other\"}}",
        START ",\"customer_key\":{\"length\":31}}",
        START ",\"url_bytes_max\":100}",
        START ",\"gateway_header\":\"A: b\"}",
        START ",\"texts\":{\"hold\":[\"a\"]}}",
        START ",\"texts\":{\"other\":[\"abcd\"]}}",
        START ",\"order_parameters\":{\"OrderStatus\":1}}"};

    (void)state;
    for (size_t index = 0; index < sizeof(wrong) / sizeof(*wrong); index++) {
        int status = 0;
        cJSON_Delete(checked(wrong[index], &status));
        if (!status)
            fail_msg("%s was taken", wrong[index]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_taken),
                                       cmocka_unit_test(test_defaults),
                                       cmocka_unit_test(test_wrong_settings)};

    return cmocka_run_group_tests(tests, setup, teardown);
}
