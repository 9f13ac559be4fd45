/* links: connect_sdk */
/* test_json.c - the strict reader against tables of our own: what must be
 * taken, what must be refused and why, monsters, and values that other readers
 * change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <connect/json.h>

#include "json_suite.h"

/* A row whose text may hold NUL bytes. */
#define TEXT(literal)                                                          \
    {                                                                          \
        "" literal, sizeof(literal) - 1                                        \
    }

static cJSON *read_flags(const char *text, uint32_t flags)
{
    cn_json_limits limits = {.flags = flags};
    cn_json_error error;
    cJSON *value = NULL;

    if (cn_json_read((cn_str){text, strlen(text)}, &limits, &value, &error))
        fail_msg("'%s': %s at %zu", text, error.sentence, error.offset);
    return value;
}

static cJSON *read(const char *text)
{
    return read_flags(text, 0);
}

/* What is written after reading; NULL in printed: as it was. */
static void takes(void **state)
{
    static const struct {
        cn_str text;
        const char *printed;
    } rows[] = {
        {TEXT("null"), NULL},
        {TEXT("true"), NULL},
        {TEXT("false"), NULL},
        {TEXT("0"), NULL},
        {TEXT("-0"), NULL},
        {TEXT("-1"), NULL},
        {TEXT("10"), NULL},
        {TEXT("0.0"), NULL},
        {TEXT("19.990"), NULL},
        {TEXT("1e400"), NULL},
        {TEXT("-1.5E-10"), NULL},
        {TEXT("0e+00"), NULL},
        {TEXT("9007199254740993"), NULL},
        {TEXT("19.999999999999999999"), NULL},
        {TEXT("123456789012345678901234567890123456789012345678901"), NULL},
        {TEXT("\"\""), NULL},
        {TEXT("\"a\""), NULL},
        {TEXT("\"\\\"\\\\\\b\\f\\n\\r\\t\""), NULL},
        {TEXT("\"\\/\""), "\"/\""},
        {TEXT("\"\\u0041\\u00e9\\u20AC\""), "\"A\xc3\xa9\xe2\x82\xac\""},
        {TEXT("\"\\uD834\\uDD1E\""), "\"\xf0\x9d\x84\x9e\""},
        {TEXT("\"\\uDBFF\\uDFFF\""), "\"\xf4\x8f\xbf\xbf\""},
        {TEXT("\"\\uFFFF\""), "\"\xef\xbf\xbf\""},
        {TEXT("\"\\u0000\""), NULL},
        {TEXT("\"a\\u0000b\\u0001\""), NULL},
        {TEXT("{\"\\u0000\":1,\"\":2}"), NULL},
        {TEXT("\"\\u001f\""), NULL},
        {TEXT("\"\x7f\""), NULL},
        {TEXT("\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\""),
         NULL},
        {TEXT("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""), NULL},
        {TEXT("\"\xe2\x80\xa8\xe2\x80\xa9\""), NULL},
        {TEXT("\"\xef\xbb\xbf\""), NULL}, /* a mark inside is a character */
        {TEXT("[]"), NULL},
        {TEXT(" [ ] "), "[]"},
        {TEXT("[1,2,3]"), NULL},
        {TEXT("[[],{},[[]],{\"a\":{}}]"), NULL},
        {TEXT("{}"), NULL},
        {TEXT("\t\r\n { \"a\" :\n1 , \"b\" : [ true ] } \n"),
         "{\"a\":1,\"b\":[true]}"},
        {TEXT("{\"\":0}"), NULL},
        {TEXT("{\"a\":1,\"aa\":1,\"b\":{\"a\":1}}"), NULL},
        {TEXT("{\"a/b\":1,\"m~n\":2,\" \":3}"), NULL},
        /* Other letters than ASCII have no case here. */
        {TEXT("{\"\xc3\xa9\":1,\"\xc3\x89\":2}"), NULL},
    };

    (void)state;
    for (size_t index = 0; index < sizeof(rows) / sizeof(*rows); index++) {
        cn_str text = rows[index].text;
        const char *expected = rows[index].printed;
        cn_json_error error = {0};
        cJSON *value = NULL, *again = NULL;
        char *copy = malloc(text.len ? text.len : 1); /* no NUL behind it */
        char *printed;
        memcpy(copy, text.ptr, text.len);
        if (cn_json_read((cn_str){copy, text.len}, NULL, &value, &error))
            fail_msg("'%s': %s", text.ptr, error.sentence);
        free(copy);
        printed = cn_json_print(value);
        assert_string_equal(printed, expected ? expected : text.ptr);
        assert_int_equal(cn_json_read((cn_str){printed, strlen(printed)}, NULL,
                                      &again, NULL),
                         0);
        assert_true(cn_json_equal(value, again));
        free(printed);
        cJSON_Delete(value);
        cJSON_Delete(again);
    }
}

struct refusal {
    cn_str text;
    size_t offset;
    int code;
};

static void refuse(const struct refusal *rows, size_t count)
{
    for (size_t index = 0; index < count; index++) {
        cn_str text = rows[index].text;
        cn_json_error error = {0};
        cJSON *value = NULL;
        char *copy = malloc(text.len ? text.len : 1);
        int status;
        memcpy(copy, text.ptr, text.len);
        status = cn_json_read((cn_str){copy, text.len}, NULL, &value, &error);
        free(copy);
        if (status != rows[index].code || error.offset != rows[index].offset)
            fail_msg("row %zu '%s': %d at %zu (%s)", index, text.ptr, status,
                     error.offset, error.sentence);
        assert_int_equal(error.code, status);
        assert_null(value);
        assert_true(error.sentence[0]);
        assert_true(error.line && error.column);
    }
}

#define REFUSE(rows) refuse(rows, sizeof(rows) / sizeof(*(rows)))

static void refuses_structure(void **state)
{
    static const struct refusal rows[] = {
        {TEXT(""), 0, -EBADMSG},
        {TEXT(" "), 1, -EBADMSG},
        {TEXT("\n\t"), 2, -EBADMSG},
        {TEXT("["), 1, -EBADMSG},
        {TEXT("]"), 0, -EBADMSG},
        {TEXT("{"), 1, -EBADMSG},
        {TEXT("}"), 0, -EBADMSG},
        {TEXT("[1"), 2, -EBADMSG},
        {TEXT("[1,"), 3, -EBADMSG},
        {TEXT("[1,]"), 3, -EBADMSG},
        {TEXT("[,1]"), 1, -EBADMSG},
        {TEXT("[,]"), 1, -EBADMSG},
        {TEXT("[1,,2]"), 3, -EBADMSG},
        {TEXT("[1 2]"), 3, -EBADMSG},
        {TEXT("[1;2]"), 2, -EBADMSG},
        {TEXT("[1:2]"), 2, -EBADMSG},
        {TEXT("[1}"), 2, -EBADMSG},
        {TEXT("[\"a\" \"b\"]"), 5, -EBADMSG},
        {TEXT("[[]"), 3, -EBADMSG},
        {TEXT("[]]"), 2, -EBADMSG},
        {TEXT("{\"a\""), 4, -EBADMSG},
        {TEXT("{\"a\":"), 5, -EBADMSG},
        {TEXT("{\"a\":1"), 6, -EBADMSG},
        {TEXT("{\"a\":1,"), 7, -EBADMSG},
        {TEXT("{\"a\":1,}"), 7, -EBADMSG},
        {TEXT("{,}"), 1, -EBADMSG},
        {TEXT("{\"a\"}"), 4, -EBADMSG},
        {TEXT("{\"a\" 1}"), 5, -EBADMSG},
        {TEXT("{\"a\",1}"), 4, -EBADMSG},
        {TEXT("{\"a\"=1}"), 4, -EBADMSG},
        {TEXT("{\"a\"::1}"), 5, -EBADMSG},
        {TEXT("{\"a\":}"), 5, -EBADMSG},
        {TEXT("{\"a\":1 \"b\":2}"), 7, -EBADMSG},
        {TEXT("{\"a\":1,,\"b\":2}"), 7, -EBADMSG},
        {TEXT("{\"a\":1]"), 6, -EBADMSG},
        {TEXT("{a:1}"), 1, -EBADMSG},
        {TEXT("{'a':1}"), 1, -EBADMSG},
        {TEXT("{1:1}"), 1, -EBADMSG},
        {TEXT("{null:1}"), 1, -EBADMSG},
        {TEXT("{[1]:1}"), 1, -EBADMSG},
        {TEXT("{:1}"), 1, -EBADMSG},
        {TEXT("{\"a\":1}}"), 7, -EBADMSG},
        {TEXT("[1]x"), 3, -EBADMSG},
        {TEXT("1 2"), 2, -EBADMSG},
        {TEXT("{}{}"), 2, -EBADMSG},
        {TEXT("[]\0"), 2, -EBADMSG},
        {TEXT("\0"), 0, -EBADMSG},
        {TEXT("[1]#"), 3, -EBADMSG},
        {TEXT("[1]//x"), 3, -EBADMSG},
        {TEXT("/*x*/[]"), 0, -EBADMSG},
        {TEXT("[1/*x*/]"), 2, -EBADMSG},
        {TEXT("\f[]"), 0, -EBADMSG},
        {TEXT("[\v]"), 1, -EBADMSG},
        {TEXT("[\xc2\xa0]"), 1, -EBADMSG},     /* no-break space */
        {TEXT("[\xe2\x81\xa0]"), 1, -EBADMSG}, /* word joiner */
        {TEXT("\xe2\x80\xa8[]"), 0, -EBADMSG}, /* line separator */
        {TEXT("<a/>"), 0, -EBADMSG},
        {TEXT("*"), 0, -EBADMSG},
        {TEXT("\\n"), 0, -EBADMSG},
    };

    (void)state;
    REFUSE(rows);
}

static void refuses_words_and_numbers(void **state)
{
    static const struct refusal rows[] = {
        {TEXT("True"), 0, -EBADMSG},         {TEXT("TRUE"), 0, -EBADMSG},
        {TEXT("nul"), 0, -EBADMSG},          {TEXT("tru"), 0, -EBADMSG},
        {TEXT("fals"), 0, -EBADMSG},         {TEXT("nulll"), 4, -EBADMSG},
        {TEXT("truefalse"), 4, -EBADMSG},    {TEXT("undefined"), 0, -EBADMSG},
        {TEXT("NaN"), 0, -EBADMSG},          {TEXT("[NaN]"), 1, -EBADMSG},
        {TEXT("Infinity"), 0, -EBADMSG},     {TEXT("-Infinity"), 0, -EBADMSG},
        {TEXT("-NaN"), 0, -EBADMSG},         {TEXT("+1"), 0, -EBADMSG},
        {TEXT("++1"), 0, -EBADMSG},          {TEXT("-"), 0, -EBADMSG},
        {TEXT("--1"), 0, -EBADMSG},          {TEXT("- 1"), 0, -EBADMSG},
        {TEXT("-a"), 0, -EBADMSG},           {TEXT(".5"), 0, -EBADMSG},
        {TEXT("-.5"), 0, -EBADMSG},          {TEXT("5."), 0, -EBADMSG},
        {TEXT("1.e5"), 0, -EBADMSG},         {TEXT("1..2"), 0, -EBADMSG},
        {TEXT("1.2.3"), 3, -EBADMSG},        {TEXT("01"), 0, -EBADMSG},
        {TEXT("-01"), 0, -EBADMSG},          {TEXT("00"), 0, -EBADMSG},
        {TEXT("[012]"), 1, -EBADMSG},        {TEXT("1e"), 0, -EBADMSG},
        {TEXT("1e+"), 0, -EBADMSG},          {TEXT("1E-"), 0, -EBADMSG},
        {TEXT("1e1.5"), 3, -EBADMSG},        {TEXT("1ee5"), 0, -EBADMSG},
        {TEXT("1e+-5"), 0, -EBADMSG},        {TEXT("e5"), 0, -EBADMSG},
        {TEXT("0x1F"), 1, -EBADMSG},         {TEXT("0b1"), 1, -EBADMSG},
        {TEXT("1_000"), 1, -EBADMSG},        {TEXT("1,000"), 1, -EBADMSG},
        {TEXT("1a"), 1, -EBADMSG},           {TEXT("1.5f"), 3, -EBADMSG},
        {TEXT("10L"), 2, -EBADMSG},          {TEXT("0e"), 0, -EBADMSG},
        {TEXT("[1-2]"), 2, -EBADMSG},        {TEXT("[1+2]"), 2, -EBADMSG},
        {TEXT("\xef\xbc\x91"), 0, -EBADMSG}, /* a full-width 1 */
        {TEXT("1\xe5"), 1, -EILSEQ},
    };

    (void)state;
    REFUSE(rows);
}

static void refuses_strings(void **state)
{
    static const struct refusal rows[] = {
        {TEXT("\""), 1, -EBADMSG},
        {TEXT("\"a"), 2, -EBADMSG},
        {TEXT("'a'"), 0, -EBADMSG},
        {TEXT("a"), 0, -EBADMSG},
        {TEXT("\"a\"\""), 3, -EBADMSG},
        {TEXT("\"\\"), 2, -EBADMSG},
        {TEXT("\"\\\""), 3, -EBADMSG},
        {TEXT("\"\\a\""), 2, -EBADMSG},
        {TEXT("\"\\v\""), 2, -EBADMSG},
        {TEXT("\"\\'\""), 2, -EBADMSG},
        {TEXT("\"\\0\""), 2, -EBADMSG},
        {TEXT("\"\\x41\""), 2, -EBADMSG},
        {TEXT("\"\\U0041\""), 2, -EBADMSG},
        {TEXT("\"\\N\""), 2, -EBADMSG},
        {TEXT("\"\\\n\""), 2, -EBADMSG},
        {TEXT("\"\\\0\""), 2, -EBADMSG},
        {TEXT("\"\\\xc3\xa9\""), 2, -EBADMSG},
        {TEXT("\"\\\xe9\""), 2, -EILSEQ},
        {TEXT("\"\\u\""), 3, -EBADMSG},
        {TEXT("\"\\u00\""), 5, -EBADMSG},
        {TEXT("\"\\u004\""), 6, -EBADMSG},
        {TEXT("\"\\u00G0\""), 5, -EBADMSG},
        {TEXT("\"\\u{41}\""), 3, -EBADMSG},
        {TEXT("\"\\u+041\""), 3, -EBADMSG},
        {TEXT("\"\\u 041\""), 3, -EBADMSG},
        {TEXT("\"\\u004"), 6, -EBADMSG},
        {TEXT("\"\\uD800\""), 1, -EILSEQ},
        {TEXT("\"\\uDBFFx\""), 1, -EILSEQ},
        {TEXT("\"\\uDC00\""), 1, -EILSEQ},
        {TEXT("\"\\uDFFF\\uD800\""), 1, -EILSEQ},
        {TEXT("\"\\uD800\\uD800\""), 1, -EILSEQ},
        {TEXT("\"\\uD800\\u0041\""), 1, -EILSEQ},
        {TEXT("\"\\uD800\\n\""), 1, -EILSEQ},
        {TEXT("\"\\uD800\\u\""), 9, -EBADMSG},
        {TEXT("\"\\uD834\\uDD\""), 11, -EBADMSG},
        {TEXT("{\"\\uD800\":1}"), 2, -EILSEQ},
        {TEXT("\"\0\""), 1, -EBADMSG},
        {TEXT("\"\x01\""), 1, -EBADMSG},
        {TEXT("\"\x1f\""), 1, -EBADMSG},
        {TEXT("\"a\nb\""), 2, -EBADMSG},
        {TEXT("\"\t\""), 1, -EBADMSG},
        {TEXT("\"\r\""), 1, -EBADMSG},
        {TEXT("{\"a\nb\":1}"), 3, -EBADMSG},
    };

    (void)state;
    REFUSE(rows);
}

static void refuses_what_is_not_utf8(void **state)
{
    static const struct refusal rows[] = {
        {TEXT("\xef\xbb\xbf{}"), 0, -EILSEQ},
        {TEXT("\xef\xbb\xbf"), 0, -EILSEQ},
        {TEXT("\xff\xfe[\0]\0"), 0, -EILSEQ},
        {TEXT("\xfe\xff\0[\0]"), 0, -EILSEQ},
        {TEXT("[\0]\0"), 1, -EBADMSG},
        {TEXT("\0[\0]"), 0, -EBADMSG},
        {TEXT("\"\x80\""), 1, -EILSEQ},
        {TEXT("\"\xbf\""), 1, -EILSEQ},
        {TEXT("\"\xc0\x80\""), 1, -EILSEQ}, /* our own mark is not taken */
        {TEXT("\"\xc1\xbf\""), 1, -EILSEQ},
        {TEXT("\"\xc3\""), 1, -EILSEQ},
        {TEXT("\"\xc3(\""), 1, -EILSEQ},
        {TEXT("\"\xe0\x80\x80\""), 1, -EILSEQ},
        {TEXT("\"\xe0\x9f\xbf\""), 1, -EILSEQ},
        {TEXT("\"\xe2\x82\""), 1, -EILSEQ},
        {TEXT("\"\xe2(\xa1\""), 1, -EILSEQ},
        {TEXT("\"\xe2\x82(\""), 1, -EILSEQ},
        {TEXT("\"\xed\xa0\x80\""), 1, -EILSEQ},
        {TEXT("\"\xed\xbf\xbf\""), 1, -EILSEQ},
        {TEXT("\"\xed\xa0\xbd\xed\xb8\x80\""), 1, -EILSEQ},
        {TEXT("\"\xf0\x80\x80\x80\""), 1, -EILSEQ},
        {TEXT("\"\xf0\x8f\xbf\xbf\""), 1, -EILSEQ},
        {TEXT("\"\xf0\x90\x80\""), 1, -EILSEQ},
        {TEXT("\"\xf0\x90\x80(\""), 1, -EILSEQ},
        {TEXT("\"\xf4\x90\x80\x80\""), 1, -EILSEQ},
        {TEXT("\"\xf5\x80\x80\x80\""), 1, -EILSEQ},
        {TEXT("\"\xf8\x88\x80\x80\x80\""), 1, -EILSEQ},
        {TEXT("\"\xfc\x84\x80\x80\x80\x80\""), 1, -EILSEQ},
        {TEXT("\"\xfe\""), 1, -EILSEQ},
        {TEXT("\"\xff\""), 1, -EILSEQ},
        {TEXT("\"a\xe9z\""), 2, -EILSEQ}, /* Windows-1252 */
        {TEXT("{\"\xe9\":1}"), 2, -EILSEQ},
        {TEXT("[1,\xe9]"), 3, -EILSEQ},
        {TEXT("[]\xff"), 2, -EILSEQ},
        {TEXT("\"\xe2\x82"), 1, -EILSEQ},
        {TEXT("\"\xf0\x9f"), 1, -EILSEQ},
    };

    (void)state;
    REFUSE(rows);
}

static void refuses_equal_keys(void **state)
{
    static const struct refusal rows[] = {
        {TEXT("{\"amount\":1,\"amount\":1000000}"), 12, -EEXIST},
        {TEXT("{\"Amount\":1,\"amount\":2}"), 12, -EEXIST},
        {TEXT("{\"a\":1,\"A\":2}"), 7, -EEXIST},
        {TEXT("{\"\":1,\"\":2}"), 6, -EEXIST},
        {TEXT("{\"a\":1,\"\\u0061\":2}"), 7, -EEXIST},
        {TEXT("{\"a\":1,\"\\u0041\":2}"), 7, -EEXIST},
        {TEXT("[{\"x\":{\"k\":1,\"k\":1}}]"), 13, -EEXIST},
        {TEXT("{\"a\\u0000b\":1,\"a\\u0000B\":2}"), 14, -EEXIST},
    };
    char text[2048];
    size_t len = 0;
    cn_json_error error;
    cJSON *value = NULL;

    (void)state;
    REFUSE(rows);
    /* Above the linear limit the table finds them as well. */
    len += (size_t)snprintf(text + len, sizeof(text) - len, "{");
    for (int key = 0; key < 60; key++)
        len +=
            (size_t)snprintf(text + len, sizeof(text) - len, "\"k%d\":1,", key);
    for (int key = 0; key < 60; key++) {
        size_t whole = len + (size_t)snprintf(text + len, sizeof(text) - len,
                                              "\"K%d\":1}", key);
        assert_int_equal(
            cn_json_read((cn_str){text, whole}, NULL, &value, &error), -EEXIST);
        assert_int_equal(error.offset, len);
        text[len + 1] = 'k';
        cn_json_limits twins = {.flags = CN_JSON_ALLOW_CASE_TWINS};
        assert_int_equal(
            cn_json_read((cn_str){text, whole}, &twins, &value, &error),
            -EEXIST);
        text[len + 1] = 'K';
        assert_int_equal(
            cn_json_read((cn_str){text, whole}, &twins, &value, &error), 0);
        cJSON_Delete(value);
        value = NULL;
    }
}

static void allows_by_flag(void **state)
{
    cJSON *value = read_flags("{\"a\":1,\"A\":2}", CN_JSON_ALLOW_CASE_TWINS);
    cn_json_limits twins = {.flags = CN_JSON_ALLOW_CASE_TWINS};
    cn_json_limits comments = {.flags = CN_JSON_ALLOW_COMMENTS};
    static const char *const broken[] = {"/*",     "[] /* a",   "[1 / 2]", "//",
                                         "[ // ]", "[] //\xff", "/**/"};

    (void)state;
    assert_string_equal(cn_json_text_at(value, "/A", ""), "2");
    cJSON_Delete(value);
    assert_int_equal(
        cn_json_read((cn_str){"{\"a\":1,\"a\":2}", 13}, &twins, &value, NULL),
        -EEXIST);
    value = read_flags("{\"a\":1,\"a\":2}", CN_JSON_ALLOW_DUPLICATES);
    assert_string_equal(cn_json_text_at(value, "/a", ""), "1");
    cJSON_Delete(value);
    value =
        read_flags("// head\n{ /* a */ \"a\" /* : 2 */ : // x\n 1\n/***/}//",
                   CN_JSON_ALLOW_COMMENTS);
    assert_string_equal(cn_json_text_at(value, "/a", ""), "1");
    cJSON_Delete(value);
    for (size_t index = 0; index < sizeof(broken) / sizeof(*broken); index++) {
        cn_str text = {broken[index], strlen(broken[index])};
        if (!cn_json_read(text, &comments, &value, NULL))
            fail_msg("'%s' was taken", broken[index]);
    }
}

static void keeps_limits(void **state)
{
    cn_json_limits depth = {.depth_max = 3};
    cn_json_limits bytes = {.bytes_max = 4};
    cn_json_limits values = {.values_max = 3};
    cn_json_limits deepest = {.depth_max = 1000000};
    static const size_t brackets = 1000;
    char *text = malloc(2 * brackets + 2);
    cn_json_error error;
    cJSON *value = NULL;

    (void)state;
    assert_int_equal(
        cn_json_read((cn_str){"[{\"a\":[]}]", 10}, &depth, &value, &error), 0);
    cJSON_Delete(value);
    assert_int_equal(
        cn_json_read((cn_str){"[{\"a\":[[]]}]", 12}, &depth, &value, &error),
        -E2BIG);
    assert_string_equal(error.pointer, "/0/a/0");
    assert_int_equal(cn_json_read((cn_str){"[1] ", 4}, &bytes, &value, NULL),
                     0);
    cJSON_Delete(value);
    assert_int_equal(cn_json_read((cn_str){"[12] ", 5}, &bytes, &value, NULL),
                     -E2BIG);
    assert_int_equal(cn_json_read((cn_str){"[1,2]", 5}, &values, &value, NULL),
                     0);
    cJSON_Delete(value);
    assert_int_equal(
        cn_json_read((cn_str){"[1,2,3]", 7}, &values, &value, NULL), -E2BIG);
    memset(text, '[', brackets);
    memset(text + brackets, ']', brackets);
    assert_int_equal(
        cn_json_read((cn_str){text, 2 * brackets}, &deepest, &value, NULL), 0);
    cJSON_Delete(value);
    memset(text, '[', brackets + 1);
    memset(text + brackets + 1, ']', brackets + 1);
    assert_int_equal(
        cn_json_read((cn_str){text, 2 * brackets + 2}, &deepest, &value, NULL),
        -E2BIG);
    free(text);
}

/* ---- Monsters (fault catalogue F06) ------------------------------------- */

static double seconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Read len bytes and say what a MiB cost in CPU time; the best of a few tries
 * counts, because the machine has other work as well. */
static int read_monster(const char *what, char *text, size_t len,
                        uint32_t flags)
{
    enum { TRIES = 4 };
    cn_json_limits limits = {.bytes_max = 64 << 20, .flags = flags};
    double mib = (double)len / 1048576.0, best = 1e9;
    int status = 0;

    for (int try = 0; try < TRIES && best > 60.0; try++) {
        cJSON *value = NULL;
        double begin = seconds(), cost;
        status = cn_json_read((cn_str){text, len}, &limits, &value, NULL);
        cJSON_Delete(value);
        cost = (seconds() - begin) * 1000.0 / mib;
        best = cost < best ? cost : best;
    }
    print_message("%s: %.1f ms a MiB of %.1f MiB\n", what, best, mib);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    assert_true(best < 100.0 || mib < 1.0);
#endif
    free(text);
    return status;
}

static void survives_monsters(void **state)
{
    enum { KEYS = 1000000, TWINS = 1 << 17 };
    size_t len = 0, size = KEYS * 24;
    char *text = malloc(100000);
    char key[] = "abcdefghijklmnopqrst";

    (void)state;
    memset(text, '[', 100000);
    assert_int_equal(read_monster("open brackets", text, 100000, 0), -E2BIG);
    text = malloc(500000);
    for (len = 0; len + 5 <= 500000; len += 5)
        memcpy(text + len, "{\"\":[", 5);
    assert_int_equal(read_monster("open objects", text, len, 0), -E2BIG);

    text = malloc(size);
    len = (size_t)snprintf(text, size, "{");
    for (int number = 0; number < KEYS; number++)
        len += (size_t)snprintf(text + len, size - len, "%s\"%x\":1",
                                number ? "," : "", number);
    text[len++] = '}';
    assert_int_equal(read_monster("a million keys", text, len, 0), 0);

    /* Keys that a folded table would put into one slot. */
    text = malloc(TWINS * 24 + 2);
    text[0] = '{';
    len = 1;
    for (int number = 0; number < TWINS; number++) {
        for (int bit = 0; bit < 17; bit++)
            key[bit] = (char)((number >> bit & 1 ? 'A' : 'a') + bit);
        len += (size_t)snprintf(text + len, 28, "\"%.17s\":0,", key);
    }
    memcpy(text + len - 1, "}", 2);
    assert_int_equal(
        read_monster("case twins", text, len, CN_JSON_ALLOW_CASE_TWINS), 0);

    text = malloc(4 << 20);
    memset(text, ' ', 4 << 20);
    assert_int_equal(read_monster("spaces", text, 4 << 20, 0), -EBADMSG);
    text = malloc(4 << 20);
    memset(text, '\\', 4 << 20);
    text[0] = '"';
    assert_int_equal(read_monster("backslashes", text, 4 << 20, 0), -EBADMSG);
    text = malloc(4 << 20);
    memset(text, '9', 4 << 20);
    assert_int_equal(read_monster("digits", text, 4 << 20, 0), 0);
    text = malloc(6 << 20);
    for (len = 1; len + 3 <= 6 << 20; len += 3)
        memcpy(text + len, "[],", 3);
    text[0] = '[';
    text[len - 1] = ']';
    assert_int_equal(read_monster("small arrays", text, len, 0), 0);
}

/* ---- Values that change meaning (F07) ----------------------------------- */

static void keeps_numbers(void **state)
{
    static const char text[] =
        "{\"amount\":19.99,\"id\":9007199254740993,\"huge\":1e400,"
        "\"zero\":-0,\"long\":19.999999999999999999,\"text\":\"NaN\","
        "\"lines\":[0.1,0.1,0.1],\"yes\":true,\"no\":false,\"none\":null}";
    cJSON *value = read(text), *copy;
    char *printed = cn_json_print(value);
    int64_t number = 7;

    (void)state;
    assert_string_equal(printed, text);
    free(printed);
    assert_string_equal(cn_json_text_at(value, "/amount", ""), "19.99");
    assert_string_equal(cn_json_text_at(value, "/id", ""), "9007199254740993");
    assert_string_equal(cn_json_text_at(value, "/huge", ""), "1e400");
    assert_string_equal(cn_json_text_at(value, "/zero", ""), "-0");
    assert_string_equal(cn_json_text_at(value, "/yes", ""), "true");
    assert_string_equal(cn_json_text_at(value, "/no", ""), "false");
    assert_null(cn_json_text_at(value, "/none", NULL));
    assert_null(cn_json_text_at(value, "/lines", NULL));
    assert_null(cn_json_text_at(value, "/nothing", NULL));
    assert_true(cn_json_is_number(cn_json_member(value, "huge")));
    assert_false(cn_json_is_number(cn_json_member(value, "text")));
    assert_false(cn_json_is_number(NULL));
    assert_true(cn_json_is_integer(cn_json_member(value, "id")));
    assert_false(cn_json_is_integer(cn_json_member(value, "amount")));
    assert_false(cn_json_is_integer(cn_json_member(value, "huge")));
    assert_int_equal(cn_json_int64(cn_json_member(value, "id"), &number), 0);
    assert_true(number == 9007199254740993);
    assert_int_equal(cn_json_int64(cn_json_member(value, "huge"), &number),
                     -EINVAL);
    assert_int_equal(cn_json_int64(cn_json_member(value, "text"), &number),
                     -EINVAL);
    copy = cn_json_stringify_numbers(value);
    printed = cn_json_print(copy);
    assert_string_equal(printed,
                        "{\"amount\":\"19.99\",\"id\":\"9007199254740993\","
                        "\"huge\":\"1e400\",\"zero\":\"-0\","
                        "\"long\":\"19.999999999999999999\",\"text\":\"NaN\","
                        "\"lines\":[\"0.1\",\"0.1\",\"0.1\"],\"yes\":true,"
                        "\"no\":false,\"none\":null}");
    free(printed);
    cJSON_Delete(copy);
    cJSON_Delete(value);
    value =
        read("[9223372036854775807,9223372036854775808,-9223372036854775808]");
    assert_int_equal(cn_json_int64(value->child, &number), 0);
    assert_true(number == INT64_MAX);
    assert_int_equal(cn_json_int64(value->child->next, &number), -ERANGE);
    assert_int_equal(cn_json_int64(value->child->prev, &number), 0);
    assert_true(number == INT64_MIN);
    cJSON_Delete(value);
}

static void follows_pointers(void **state)
{
    cJSON *value = read("{\"\":0,\"a\":{\"b\":[10,{\"c\":\"x\"}]},\"a/b\":1,"
                        "\"m~n\":2,\"A0\":3,\"~1\":4}");
    static const char *const found[][2] = {{"/", "0"},        {"/a/b/0", "10"},
                                           {"/a/b/1/c", "x"}, {"/a~1b", "1"},
                                           {"/m~0n", "2"},    {"/~01", "4"}};
    static const char *const missing[] = {
        "a",       "/b",       "/a/b/2", "/a/b/-",
        "/a/b/00", "/a/b/01",  "/a/b/",  "/a/b/x",
        "/a0",     "/a/B",     "/m~n",   "/m~2n",
        "/m~",     "/a/b/0/x", "//",     "/a/b/99999999999999999999"};

    (void)state;
    assert_ptr_equal(cn_json_pointer(value, ""), value);
    for (size_t index = 0; index < sizeof(found) / sizeof(*found); index++)
        assert_string_equal(cn_json_text_at(value, found[index][0], "none"),
                            found[index][1]);
    for (size_t index = 0; index < sizeof(missing) / sizeof(*missing);
         index++) {
        if (cn_json_pointer(value, missing[index]))
            fail_msg("'%s' was found", missing[index]);
    }
    assert_null(cn_json_pointer(NULL, "/a"));
    assert_null(cn_json_member(NULL, "a"));
    cJSON_Delete(value);
}

static void names_the_place(void **state)
{
    static const char text[] = "{\n  \"deals\": [\n    {\"a/~\": 1},\n"
                               "    {\"price\": 01}\n  ]\n}";
    cn_json_error error;
    cJSON *value = NULL;
    size_t line = 0, column = 0;

    (void)state;
    assert_int_equal(
        cn_json_read((cn_str){text, sizeof(text) - 1}, NULL, &value, &error),
        -EBADMSG);
    assert_string_equal(error.pointer, "/deals/1/price");
    assert_int_equal(error.line, 4);
    assert_int_equal(error.column, 15);
    assert_string_equal(error.sentence, "this is not a number");
    assert_int_equal(cn_json_locate((cn_str){text, sizeof(text) - 1}, NULL,
                                    "/deals/0/a~1~0", &line, &column),
                     0);
    assert_int_equal(line, 3);
    assert_int_equal(column, 13);
    assert_int_equal(
        cn_json_locate((cn_str){"[1, [2]]", 8}, NULL, "/1/0", &line, &column),
        0);
    assert_int_equal(column, 6);
    assert_int_equal(
        cn_json_locate((cn_str){" [1]", 4}, NULL, "", &line, &column), 0);
    assert_int_equal(column, 2);
    assert_int_equal(
        cn_json_locate((cn_str){"{\"ab\":1}", 8}, NULL, "/a", &line, &column),
        -ENOENT);
    assert_int_equal(
        cn_json_locate((cn_str){"[1]", 3}, NULL, "/1", &line, &column),
        -ENOENT);
    /* A place too long to tell is cut and stays UTF-8. */
    char long_key[900];
    long_key[0] = '{';
    long_key[1] = '"';
    for (size_t at = 2; at < 802; at += 2)
        memcpy(long_key + at, "\xc3\xa9", 2);
    memcpy(long_key + 802, "\":x}", 5);
    assert_int_equal(
        cn_json_read((cn_str){long_key, 806}, NULL, &value, &error), -EBADMSG);
    assert_true(cn_utf8_valid((cn_str){error.pointer, strlen(error.pointer)}));
    assert_in_range(strlen(error.pointer), CN_JSON_POINTER_MAX - 4,
                    CN_JSON_POINTER_MAX - 1);
}

static void compares(void **state)
{
    static const struct {
        const char *left, *right;
        bool equal;
    } rows[] = {
        {"{\"a\":1,\"b\":[1,2]}", "{\"b\":[1,2],\"a\":1}", true},
        {"{\"a\":1}", "{\"a\":1.0}", false},
        {"{\"a\":1}", "{\"A\":1}", false},
        {"{\"a\":1}", "{\"a\":1,\"b\":1}", false},
        {"[1,2]", "[2,1]", false},
        {"[1,2]", "[1,2,3]", false},
        {"\"1\"", "1", false},
        {"null", "false", false},
        {"[null,true,\"\"]", "[null,true,\"\"]", true},
        {"[]", "{}", false},
    };
    char left[4096] = "{", right[4096] = "{";

    (void)state;
    for (size_t index = 0; index < sizeof(rows) / sizeof(*rows); index++) {
        cJSON *a = read(rows[index].left), *b = read(rows[index].right);
        assert_int_equal(cn_json_equal(a, b), rows[index].equal);
        assert_int_equal(cn_json_equal(b, a), rows[index].equal);
        cJSON_Delete(a);
        cJSON_Delete(b);
    }
    for (int key = 0; key < 200; key++) {
        size_t a = strlen(left), b = strlen(right);
        snprintf(left + a, sizeof(left) - a, "\"k%d\":%d,", key, key);
        snprintf(right + b, sizeof(right) - b, "\"k%d\":%d,", 199 - key,
                 199 - key);
    }
    left[strlen(left) - 1] = right[strlen(right) - 1] = '}';
    cJSON *a = read(left), *b = read(right);
    cn_json_index *found = NULL;
    assert_true(cn_json_equal(a, b));
    assert_int_equal(cn_json_index_create(a, &found), 0);
    assert_ptr_equal(cn_json_index_find(found, "k0"), a->child);
    assert_ptr_equal(cn_json_index_find(found, "k199"), a->child->prev);
    assert_null(cn_json_index_find(found, "K0"));
    cn_json_index_destroy(found);
    cn_json_put(b, "k100", cn_json_integer(1));
    assert_false(cn_json_equal(a, b));
    cJSON_Delete(a);
    cJSON_Delete(b);
    cn_json_index_destroy(NULL);
    a = read("{}");
    assert_int_equal(cn_json_index_create(a, &found), 0);
    assert_null(cn_json_index_find(found, ""));
    cn_json_index_destroy(found);
    cJSON_Delete(a);
}

static void builds(void **state)
{
    cJSON *object = cJSON_CreateObject(), *lines = cJSON_CreateArray();
    char *printed;

    (void)state;
    assert_int_equal(cn_json_put_text(object, "name", "first"), 0);
    assert_int_equal(cn_json_put_text(object, "name", "O\"K\n"), 0);
    assert_int_equal(cn_json_put(object, "price", cn_json_number("149.90")), 0);
    assert_int_equal(cn_json_put(object, "n", cn_json_integer(INT64_MIN)), 0);
    assert_int_equal(cn_json_put_str(object, "cut", (cn_str){"abc", 2}), 0);
    assert_int_equal(cn_json_put_str(object, "nul", (cn_str){"a\0b", 3}), 0);
    assert_int_equal(cn_json_append(lines, cJSON_CreateNumber(0.5)), 0);
    assert_int_equal(cn_json_append(lines, cJSON_CreateNumber(-3)), 0);
    assert_int_equal(cn_json_append(lines, cJSON_CreateNumber(1e300 * 1e300)),
                     0);
    assert_int_equal(cn_json_put(object, "lines", lines), 0);
    assert_int_equal(cn_json_put(object, "price", cn_json_number("150")), 0);
    printed = cn_json_print(object);
    assert_string_equal(printed,
                        "{\"name\":\"O\\\"K\\n\",\"price\":150,"
                        "\"n\":-9223372036854775808,\"cut\":\"ab\","
                        "\"nul\":\"a\\u0000b\",\"lines\":[0.5,-3,null]}");
    free(printed);
    assert_null(cn_json_number("01"));
    assert_null(cn_json_number("1 "));
    assert_null(cn_json_number(""));
    assert_null(cn_json_number(NULL));
    assert_null(cn_json_string((cn_str){"\xff", 1}));
    assert_int_equal(cn_json_put(object, "x", NULL), -ENOMEM);
    assert_int_equal(cn_json_put_text(object, "x", NULL), -EINVAL);
    assert_int_equal(cn_json_put_text(object, "x", "\xff"), -EILSEQ);
    assert_int_equal(cn_json_put(lines, "x", cn_json_integer(1)), -EINVAL);
    assert_int_equal(cn_json_append(object, cn_json_integer(1)), -EINVAL);
    assert_false(cn_utf8_valid((cn_str){"\xc0\x80", 2}));
    assert_true(cn_utf8_valid((cn_str){"a\0b", 3}));
    assert_true(cn_utf8_valid((cn_str){NULL, 0}));
    cJSON_Delete(object);
}

/* Every cut and every changed byte of a text that has everything: nothing may
 * crash, and what is taken must survive print and read. */
static void survives_damage(void **state)
{
    static const char seed[] =
        "{\"a\":[1,-2.5e+3,true,false,null,{\"b\\u00e9\\uD834\\uDD1E\":"
        "\"\xe2\x82\xac\\n\"}],\"c\":{},\"d\":[[]]}";
    char text[sizeof(seed)];
    int taken = 0;

    (void)state;
    for (size_t at = 0; at < sizeof(seed) - 1; at++) {
        for (int byte = 0; byte < 256; byte++) {
            cJSON *value = NULL, *again = NULL;
            char *printed;
            memcpy(text, seed, sizeof(seed));
            text[at] = (char)byte;
            if (cn_json_read((cn_str){text, sizeof(seed) - 1}, NULL, &value,
                             NULL))
                continue;
            taken++;
            printed = cn_json_print(value);
            assert_int_equal(cn_json_read((cn_str){printed, strlen(printed)},
                                          NULL, &again, NULL),
                             0);
            assert_true(cn_json_equal(value, again));
            free(printed);
            cJSON_Delete(value);
            cJSON_Delete(again);
        }
        cJSON *value = NULL;
        char *cut = malloc(at + 1);
        memcpy(cut, seed, at);
        assert_int_not_equal(
            cn_json_read((cn_str){cut, at}, NULL, &value, NULL), 0);
        free(cut);
    }
    assert_true(taken > 500);
}

/* ---- The public suite ---------------------------------------------------- */

static int suite_read(const char *bytes, size_t len,
                      const cn_json_limits *limits)
{
    cJSON *value = NULL, *again = NULL;
    cn_json_error error;
    int status = cn_json_read((cn_str){bytes, len}, limits, &value, &error);
    char *printed, *twice;

    if (status)
        return status;
    printed = cn_json_print(value);
    assert_int_equal(
        cn_json_read((cn_str){printed, strlen(printed)}, limits, &again, NULL),
        0);
    twice = cn_json_print(again);
    assert_string_equal(twice, printed);
    free(twice);
    free(printed);
    cJSON_Delete(value);
    cJSON_Delete(again);
    return 0;
}

/* The same text as the value of a member: nothing around it makes it right. */
static int suite_read_inside(const char *bytes, size_t len,
                             const cn_json_limits *limits)
{
    static const char before[] = "[{\"key\":1,\"text\":";
    size_t at = sizeof(before) - 1, all = at + len + 2;
    char *text = malloc(all);
    int status;

    memcpy(text, before, at);
    memcpy(text + at, bytes, len);
    memcpy(text + at + len, "}]", 2);
    status = suite_read(text, all, limits);
    free(text);
    return status;
}

static void judges_the_suite(void **state)
{
    /* As lenient as the reader can be made for what systems send. */
    cn_json_limits lenient = {.depth_max = CN_JSON_DEPTH_MAX,
                              .flags = CN_JSON_ALLOW_CASE_TWINS |
                                       CN_JSON_ALLOW_DUPLICATES};
    size_t counts[3] = {0};

    (void)state;
    for (size_t at = 0; at < JSON_SUITE; at++) {
        const struct json_suite_row *row = &json_suite[at];
        size_t len, kind = (size_t)(strchr("nyi", row->name[0]) - "nyi");
        char *text = json_suite_text(row, &len);
        bool taken = !suite_read(text, len, NULL);
        bool inside = !suite_read_inside(text, len, NULL);
        bool ever = !suite_read(text, len, &lenient);
        counts[kind]++;
        free(text);
        if (taken != row->taken || inside != row->taken ||
            (kind < 2 && ever != (kind == 1)))
            fail_msg("%s: %s, as a member %s, leniently %s", row->name,
                     taken ? "taken" : "refused", inside ? "taken" : "refused",
                     ever ? "taken" : "refused");
    }
    assert_int_equal(counts[0], 188);
    assert_int_equal(counts[1], 95);
    assert_int_equal(counts[2], 35);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes),
        cmocka_unit_test(refuses_structure),
        cmocka_unit_test(refuses_words_and_numbers),
        cmocka_unit_test(refuses_strings),
        cmocka_unit_test(refuses_what_is_not_utf8),
        cmocka_unit_test(refuses_equal_keys),
        cmocka_unit_test(allows_by_flag),
        cmocka_unit_test(keeps_limits),
        cmocka_unit_test(survives_monsters),
        cmocka_unit_test(keeps_numbers),
        cmocka_unit_test(follows_pointers),
        cmocka_unit_test(names_the_place),
        cmocka_unit_test(compares),
        cmocka_unit_test(builds),
        cmocka_unit_test(survives_damage),
        cmocka_unit_test(judges_the_suite),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
