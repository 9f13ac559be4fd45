/* links: connect_flow connect_sdk connect_base */
/* Mappings, conversions and conditions: what they give, and what they say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <connect/json.h>

#include "flow/condition.h"
#include "flow/mapping.h"

static cJSON *json(const char *text)
{
    cn_str str = {text, strlen(text)};
    cJSON *value = NULL;

    if (cn_json_read(str, NULL, &value, NULL))
        fail_msg("not JSON: %s", text);
    return value;
}

static const char results_text[] =
    "{\"deal\":{\"name\":\" Bayside "
    "\",\"stage\":\"Closed-Won\",\"amount\":19.99,"
    "\"big\":9007199254740993,\"ms\":\"1772409600000\",\"empty\":\"\","
    "\"lines\":\"A100; 3; 149.90\\n\\n B200 ;10; "
    "12.50\",\"tags\":[\"a\",\"b\"],"
    "\"paid\":true,\"none\":null,\"long\":\"\\u00e9\\u00e9\\u00e9\\u00e9\","
    "\"grouped\":\"1,234,567.80\"}}";

/* One field with a conversion: the JSON it gives, or the error. */
static const struct {
    const char *field; /* members of the row beside "to" */
    const char *gives; /* JSON, or NULL */
    const char *says;  /* part of the error, when gives is NULL */
} rows[] = {
    {"\"from\":\"/deal/name\",\"convert\":\"trim\"", "\"Bayside\"", NULL},
    {"\"from\":\"/deal/name\",\"convert\":[\"trim\",\"upper\"]", "\"BAYSIDE\"",
     NULL},
    {"\"from\":\"/deal/stage\",\"convert\":\"lower\"", "\"closed-won\"", NULL},
    {"\"from\":\"/deal/amount\"", "19.99", NULL},
    {"\"from\":\"/deal/amount\",\"convert\":\"string\"", "\"19.99\"", NULL},
    {"\"from\":\"/deal/big\",\"convert\":\"string\"", "\"9007199254740993\"",
     NULL},
    {"\"from\":\"/deal/amount\",\"convert\":{\"decimal\":{\"scale\":5}}",
     "\"19.99000\"", NULL},
    {"\"from\":\"/deal/amount\",\"convert\":{\"decimal\":{\"scale\":1}}", NULL,
     "does not fit 1 digits"},
    {"\"from\":\"/deal/amount\",\"convert\":{\"decimal\":{\"scale\":1,"
     "\"round\":\"half_up\"}}",
     "\"20.0\"", NULL},
    {"\"from\":\"/deal/amount\",\"convert\":{\"decimal\":{\"max\":10}}", NULL,
     "is too large"},
    {"\"from\":\"/deal/grouped\",\"convert\":\"decimal\"", NULL,
     "\"1,234,567.80\" is not a decimal number (decimal)"},
    {"\"from\":\"/deal/"
     "grouped\",\"convert\":{\"decimal\":{\"thousands\":\",\"}}",
     "\"1234567.80\"", NULL},
    {"\"value\":\"1,00\",\"convert\":{\"decimal\":{\"thousands\":\",\"}}", NULL,
     "is not a decimal number"},
    {"\"value\":\"12,3456\",\"convert\":{\"decimal\":{\"thousands\":\",\"}}",
     NULL, "is not a decimal number"},
    {"\"from\":\"/deal/stage\",\"convert\":\"decimal\"", NULL,
     "\"Closed-Won\" is not a decimal number"},
    {"\"value\":\"1e3\",\"convert\":\"decimal\"", NULL, "is not a decimal"},
    {"\"value\":\"3.0\",\"convert\":\"integer\"", "\"3\"", NULL},
    {"\"value\":\"3.5\",\"convert\":\"integer\"", NULL, "not a whole number"},
    {"\"value\":\"12345\",\"convert\":{\"scaled\":{\"shift\":2}}", "\"123.45\"",
     NULL},
    {"\"from\":\"/deal/ms\",\"convert\":\"date_from_ms\"", "\"2026-03-02\"",
     NULL},
    {"\"from\":\"/deal/ms\",\"convert\":{\"date_from_ms\":{\"zone_minutes\":"
     "-60}}",
     "\"2026-03-01\"", NULL},
    {"\"from\":\"/deal/ms\",\"convert\":\"date_time_from_ms\"",
     "\"2026-03-02T00:00:00Z\"", NULL},
    {"\"value\":\"-1\",\"convert\":\"date_from_ms\"", NULL, "is not a time"},
    {"\"value\":\"29.02.2024\",\"convert\":{\"date\":{\"format\":\"D.M.Y\"}}",
     "\"2024-02-29\"", NULL},
    {"\"value\":\"29.02.2025\",\"convert\":{\"date\":{\"format\":\"D.M.Y\"}}",
     NULL, "is not a date"},
    {"\"value\":\"yes\",\"convert\":\"boolean\"", "true", NULL},
    {"\"from\":\"/deal/paid\",\"convert\":\"boolean\"", "true", NULL},
    {"\"value\":\"maybe\",\"convert\":\"boolean\"", NULL, "neither yes nor no"},
    {"\"value\":\"North\",\"convert\":{\"lookup\":{\"table\":\"where\"}}",
     "\"W2\"", NULL},
    {"\"value\":\"South\",\"convert\":{\"lookup\":{\"table\":\"where\"}}", NULL,
     "\"South\" is not in the look-up table where (lookup)"},
    {"\"value\":\"South\",\"convert\":{\"lookup\":{\"table\":\"where\","
     "\"missing\":\"keep\"}}",
     "\"South\"", NULL},
    {"\"value\":\"South\",\"convert\":{\"lookup\":{\"table\":\"where\","
     "\"missing\":{\"value\":\"FG\"}}}",
     "\"FG\"", NULL},
    {"\"from\":\"/deal/"
     "lines\",\"convert\":{\"table\":{\"columns\":[\"c\",\"q\","
     "\"p\"]}}",
     "[{\"c\":\"A100\",\"q\":\"3\",\"p\":\"149.90\"},{\"c\":\"B200\",\"q\":"
     "\"10\",\"p\":\"12.50\"}]",
     NULL},
    {"\"from\":\"/deal/lines\",\"convert\":{\"table\":{\"columns\":[\"c\"]}}",
     NULL, "has more than 1 columns"},
    {"\"from\":\"/deal/tags\",\"convert\":\"join\"", "\"a, b\"", NULL},
    {"\"from\":\"/deal/tags\",\"convert\":\"first\"", "\"a\"", NULL},
    {"\"value\":\"a;b;;c\",\"convert\":\"split\"", "[\"a\",\"b\",\"c\"]", NULL},
    {"\"value\":\"7\",\"convert\":[{\"prefix\":{\"text\":\"ST-\"}},{\"suffix\":"
     "{"
     "\"text\":\"!\"}}]",
     "\"ST-7!\"", NULL},
    {"\"from\":\"/deal/long\",\"convert\":{\"text\":{\"max\":4}}",
     "\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\"", NULL},
    {"\"from\":\"/deal/long\",\"convert\":{\"text\":{\"max\":3}}", NULL,
     "is longer than 3 characters"},
    {"\"from\":\"/deal/long\",\"convert\":{\"text\":{\"max\":3,\"overflow\":"
     "\"cut\"}}",
     "\"\xc3\xa9\xc3\xa9\xc3\xa9\"", NULL},
    {"\"value\":\"a\\u0000b\",\"convert\":\"lower\"", NULL, "U+0000"},
    {"\"value\":\"a;\\u0000\",\"convert\":{\"table\":{\"columns\":[\"c\","
     "\"d\"]}}",
     NULL, "U+0000"},
    {"\"value\":[\"a\\u0000\"],\"convert\":\"join\"", NULL, "U+0000"},
    /* Cut in the middle of a character: that one is left out. */
    {"\"value\":"
     "\"x\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
     "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
     "\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
     "\",\"convert\":\"decimal\"",
     NULL, "\u00e9...\" is not"},
    {"\"from\":\"/deal/nothing\"", NULL,
     "is missing: there is nothing at /deal/nothing (required)"},
    {"\"from\":\"/deal/none\"", NULL, "is missing"},
    {"\"from\":\"/deal/empty\"", NULL, "is missing"},
    {"\"from\":\"/deal/empty\",\"default\":\"x\"", "\"x\"", NULL},
    {"\"from\":\"/deal/empty\",\"required\":false", "", NULL},
    {"\"from\":[\"/deal/empty\",\"/deal/stage\"]", "\"Closed-Won\"", NULL},
};

static void test_conversions(void **state)
{
    cJSON *results = json(results_text),
          *tables = json("{\"where\":{\"North\":\"W2\"}}");

    (void)state;
    for (size_t index = 0; index < sizeof(rows) / sizeof(rows[0]); index++) {
        char text[600], pointer[512], field[512];
        struct error err = {""};
        struct mapping *mapping = NULL;
        cJSON *table, *made = NULL;
        int status;
        snprintf(text, sizeof(text), "[{\"to\":\"/x\",%s}]", rows[index].field);
        table = json(text);
        if (mapping_create(table, tables, &mapping, pointer, &err))
            fail_msg("row %zu: %s: %s", index, pointer, err.text);
        status = mapping_apply(mapping, results, &made, field, &err);
        if (rows[index].gives) {
            char *printed;
            if (status)
                fail_msg("row %zu: %s", index, err.text);
            printed = cn_json_member(made, "x")
                          ? cn_json_print(cn_json_member(made, "x"))
                          : strdup("");
            assert_string_equal(printed, rows[index].gives);
            free(printed);
        } else {
            assert_int_not_equal(status, 0);
            assert_string_equal(field, "/x");
            if (!strstr(err.text, rows[index].says))
                fail_msg("row %zu: %s", index, err.text);
        }
        cJSON_Delete(made);
        cJSON_Delete(table);
        mapping_destroy(mapping);
    }
    cJSON_Delete(results);
    cJSON_Delete(tables);
}

static void test_each_names_the_line(void **state)
{
    cJSON *results = json("{\"deal\":{\"lines\":\"A100; 3\\nB200; x\"}}");
    cJSON *table = json(
        "[{\"to\":\"/lines\",\"from\":\"/deal/lines\",\"convert\":{\"table\":{"
        "\"columns\":[\"c\",\"q\"]}},\"each\":[{\"to\":\"/line\",\"from\":"
        "\"/index\"},{\"to\":\"/quantity\",\"from\":\"/row/q\",\"convert\":"
        "\"decimal\"}]}]");
    char pointer[512], field[512];
    struct error err = {""};
    struct mapping *mapping = NULL;
    cJSON *made = NULL;

    (void)state;
    assert_int_equal(mapping_create(table, NULL, &mapping, pointer, &err), 0);
    assert_int_not_equal(mapping_apply(mapping, results, &made, field, &err),
                         0);
    assert_string_equal(field, "/lines/1/quantity");
    assert_non_null(strstr(err.text, "\"x\" is not a decimal number"));
    mapping_destroy(mapping);
    cJSON_Delete(table);
    cJSON_Delete(results);
}

/* Unique, always the same, short enough for a customer's order number. */
static void test_short_key(void **state)
{
    cJSON *table = json("[{\"to\":\"/k\",\"from\":\"/key\",\"convert\":{"
                        "\"short_key\":{\"prefix\":\"ST-\",\"length\":26}}}]");
    char pointer[512], field[512], seen[64][32];
    struct error err = {""};
    struct mapping *mapping = NULL;

    (void)state;
    assert_int_equal(mapping_create(table, NULL, &mapping, pointer, &err), 0);
    for (int index = 0; index < 64; index++) {
        char text[64];
        cJSON *results, *made = NULL;
        snprintf(text, sizeof(text), "{\"key\":\"agxzfm1haWxm%d\"}", index / 2);
        results = json(text);
        assert_int_equal(mapping_apply(mapping, results, &made, field, &err),
                         0);
        snprintf(seen[index], sizeof(seen[0]), "%s",
                 cn_json_text_at(made, "/k", ""));
        assert_int_equal(strlen(seen[index]), 29);
        for (int other = 0; other < index; other++)
            assert_int_equal(!strcmp(seen[index], seen[other]),
                             other / 2 == index / 2);
        cJSON_Delete(results);
        cJSON_Delete(made);
    }
    mapping_destroy(mapping);
    cJSON_Delete(table);
}

static void test_mistakes_in_tables(void **state)
{
    static const struct {
        const char *table, *place, *says;
    } mistakes[] = {
        {"[]", "", "list of 1 to 300 fields"},
        {"{}", "", "list of 1 to 300 fields"},
        {"[[true]]", "/0", "must be an object"},
        {"[\"x\"]", "/0", "must be an object"},
        {"[{\"from\":\"/a\"}]", "/0/to", "must be a field"},
        {"[{\"to\":\"/a\",\"from\":\"/b\",\"convert\":{\"split\":{"
         "\"separator\":\"\u20ac\"}}}]",
         "/0/convert", "must be ASCII"},
        {"[{\"to\":\"/a\"}]", "/0", "needs either"},
        {"[{\"to\":\"/a\",\"from\":\"/b\",\"value\":1}]", "/0", "needs either"},
        {"[{\"to\":\"/a\",\"from\":\"b\"}]", "/0/from", "must be a path"},
        {"[{\"to\":\"/a\",\"form\":\"/b\"}]", "/0/form", "is not known here"},
        {"[{\"to\":\"/a\",\"from\":\"/b\",\"convert\":\"trimm\"}]",
         "/0/convert", "\"trimm\" is not a conversion"},
        {"[{\"to\":\"/a\",\"from\":\"/b\",\"convert\":{\"text\":{\"min\":1}}}]",
         "/0/convert", "\"min\" is not an option"},
        {"[{\"to\":\"/a\",\"from\":\"/b\",\"convert\":{\"lookup\":{\"table\":"
         "\"t\"}}}]",
         "/0/convert", "names no table"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof(mistakes) / sizeof(mistakes[0]);
         index++) {
        char pointer[512];
        struct error err = {""};
        struct mapping *mapping = NULL;
        cJSON *table = json(mistakes[index].table);
        assert_int_not_equal(
            mapping_create(table, NULL, &mapping, pointer, &err), 0);
        assert_string_equal(pointer, mistakes[index].place);
        if (!strstr(err.text, mistakes[index].says))
            fail_msg("row %zu: %s", index, err.text);
        cJSON_Delete(table);
    }
}

static void test_conditions(void **state)
{
    static const struct {
        const char *condition;
        int met; /* 1, 0, or -1: an error */
    } conditions[] = {
        {"{\"path\":\"/deal/stage\",\"equals\":\"Closed-Won\"}", 1},
        {"{\"path\":\"/deal/stage\",\"equals\":\"closed-won\"}", 0},
        {"{\"path\":\"/deal/stage\",\"equals\":\"closed-won\",\"ignore_case\":"
         "true}",
         1},
        {"{\"path\":\"/deal/stage\",\"equals\":[\"Lead\",\"Closed-Won\"]}", 1},
        {"{\"path\":\"/deal/nothing\",\"equals\":\"x\"}", 0},
        {"{\"path\":\"/deal/nothing\",\"not_equals\":\"x\"}", 1},
        {"{\"path\":\"/deal/stage\",\"not_equals\":\"Closed-Won\"}", 0},
        {"{\"path\":\"/deal/nothing\",\"exists\":false}", 1},
        {"{\"path\":\"/deal/none\",\"exists\":true}", 0},
        {"{\"path\":\"/deal/stage\",\"matches\":\"Closed.*\"}", 1},
        {"{\"path\":\"/deal/stage\",\"matches\":\"Closed\"}", 0},
        {"{\"path\":\"/deal/tags\",\"contains\":\"b\"}", 1},
        {"{\"path\":\"/deal/stage\",\"contains\":\"Won\"}", 1},
        {"{\"path\":\"/deal/amount\",\"above\":19.989}", 1},
        {"{\"path\":\"/deal/amount\",\"above\":\"19.99\"}", 0},
        {"{\"path\":\"/deal/amount\",\"at_least\":\"19.990\"}", 1},
        {"{\"path\":\"/deal/big\",\"below\":9007199254740993}", 0},
        {"{\"path\":\"/deal/big\",\"below\":9007199254740994}", 1},
        {"{\"path\":\"/deal/stage\",\"at_most\":1}", -1},
        {"{\"path\":\"/deal/nothing\",\"at_most\":1}", 0},
        {"{\"all\":[{\"path\":\"/deal/paid\",\"equals\":\"true\"},{\"path\":"
         "\"/deal/stage\",\"exists\":true}]}",
         1},
        {"{\"any\":[{\"path\":\"/deal/x\",\"exists\":true},{\"path\":"
         "\"/deal/stage\",\"exists\":true}]}",
         1},
        {"{\"not\":{\"path\":\"/deal/stage\",\"exists\":true}}", 0},
    };
    cJSON *results = json(results_text);

    (void)state;
    for (size_t index = 0; index < sizeof(conditions) / sizeof(conditions[0]);
         index++) {
        char pointer[512];
        struct error err = {""};
        struct condition *condition = NULL;
        cJSON *value = json(conditions[index].condition);
        int met;
        if (condition_create(value, &condition, pointer, &err))
            fail_msg("row %zu: %s: %s", index, pointer, err.text);
        met = condition_met(condition, results, &err);
        if ((met < 0 ? -1 : met) != conditions[index].met)
            fail_msg("row %zu gave %d", index, met);
        condition_destroy(condition);
        cJSON_Delete(value);
    }
    cJSON_Delete(results);
}

static void test_mistakes_in_conditions(void **state)
{
    static const struct {
        const char *condition, *place;
    } mistakes[] = {
        {"[]", ""},
        {"{\"path\":\"deal\",\"equals\":\"x\"}", ""},
        {"{\"path\":\"/deal\"}", ""},
        {"{\"path\":\"/deal\",\"is\":\"x\"}", "/is"},
        {"{\"path\":\"/deal\",\"equals\":\"x\",\"above\":1}", "/above"},
        {"{\"path\":\"/deal\",\"above\":\"x\"}", "/above"},
        {"{\"path\":\"/deal\",\"exists\":1}", "/exists"},
        {"{\"path\":\"/deal\",\"matches\":\"(\"}", "/matches"},
        {"{\"all\":[]}", "/all"},
        {"{\"any\":[{\"path\":\"/a\",\"exists\":true},{}]}", "/any/1"},
    };

    (void)state;
    for (size_t index = 0; index < sizeof(mistakes) / sizeof(mistakes[0]);
         index++) {
        char pointer[512];
        struct error err = {""};
        struct condition *condition = NULL;
        cJSON *value = json(mistakes[index].condition);
        assert_int_not_equal(condition_create(value, &condition, pointer, &err),
                             0);
        assert_string_equal(pointer, mistakes[index].place);
        assert_true(err.text[0]);
        cJSON_Delete(value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_conversions),
        cmocka_unit_test(test_each_names_the_line),
        cmocka_unit_test(test_short_key),
        cmocka_unit_test(test_mistakes_in_tables),
        cmocka_unit_test(test_conditions),
        cmocka_unit_test(test_mistakes_in_conditions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
