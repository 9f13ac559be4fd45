/* links: connect_config connect_sdk connect_base */
/* test_config_text.c - files people write: comments, lines of places, what is
 * no file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <connect/json.h>

#include "config/config_text.h"
#include "config/schema.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const struct {
    const char *text;
    const char *message; /* NULL: right */
} texts[] = {
    {"{}", NULL},
    {"// first\n{ /* in */ \"a\": 1 // end\n}\n", NULL},
    {"{\"a\": \"// no comment /* here */\"}", NULL},
    {"/* over\n lines */ []", NULL},
    {"", "f.json:1:1: "},
    {"{\"a\": 1,}", "f.json:1:"},
    {"{\n\"a\": 1,\n\"a\": 2}", "f.json:3:"},
    {"{\n\n  \"a\": tru}", "f.json:3:"},
    {"{} /* open", "f.json:1:"},
    {"{} x", "f.json:1:4: "},
    {"# no comment\n{}", "f.json:1:1: "},
    {"{\"a\": \"\xff\"}", "f.json:1:"},
};

static void parses_texts(void **state)
{
    (void)state;
    for (size_t index = 0; index < COUNT(texts); index++) {
        struct error err = {""};
        cJSON *value = NULL;
        int code = config_parse("f.json", texts[index].text,
                                strlen(texts[index].text), &value, &err);

        if (texts[index].message ? !code || value ||
                                       strncmp(err.text, texts[index].message,
                                               strlen(texts[index].message))
                                 : code)
            fail_msg("%s: %d %s", texts[index].text, code, err.text);
        cJSON_Delete(value);
    }
}

static void finds_lines(void **state)
{
    static const char text[] = "// comment\n"
                               "{\n"
                               "  \"listen\": { /* two\n"
                               "   lines */ \"port\": 1 },\n"
                               "  \"a/b\": [\n"
                               "    1,\n"
                               "    2 ]\n"
                               "}\n";
    static const struct {
        const char *pointer;
        unsigned line;
    } places[] = {{"", 2},        {"/listen", 3}, {"/listen/port", 4},
                  {"/a~1b", 5},   {"/a~1b/0", 6}, {"/a~1b/1", 7},
                  {"/a~1b/2", 0}, {"/none", 0},   {"x", 0}};

    (void)state;
    for (size_t index = 0; index < COUNT(places); index++)
        assert_int_equal(config_line(text, strlen(text), places[index].pointer),
                         places[index].line);
    assert_int_equal(config_line("{", 1, "/a"), 0);
}

static void reads_files(void **state)
{
    char path[] = "/tmp/connect-text-XXXXXX";
    int descriptor = mkstemp(path);
    struct error err = {""};
    char *text = NULL;
    size_t len = 0;

    (void)state;
    assert_int_equal(write(descriptor, "12345", 5), 5);
    close(descriptor);
    assert_int_equal(config_file(path, 5, &text, &len, &err), 0);
    assert_int_equal(len, 5);
    assert_string_equal(text, "12345");
    free(text);
    text = NULL;
    assert_int_equal(config_file(path, 4, &text, &len, &err), -E2BIG);
    assert_non_null(strstr(err.text, "must have at most 4 bytes, has 5"));
    assert_non_null(strstr(err.text, path));
    unlink(path);
    assert_int_equal(config_file(path, 5, &text, &len, &err), -ENOENT);
    assert_int_equal(config_file("/tmp", 5, &text, &len, &err), -EINVAL);
    assert_non_null(strstr(err.text, "/tmp: must be a regular file"));
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(config_file(path, 5, &text, &len, &err), -EINVAL);
    unlink(path);
    assert_null(text);
}

static void loads_with_a_schema(void **state)
{
    char path[] = "/tmp/connect-text-XXXXXX";
    int descriptor = mkstemp(path);
    static const char text[] = "{\n \"port\":\n \"x\" }";
    static const char form[] = "{\"properties\":{\"port\":{\"type\":"
                               "\"integer\",\"minimum\":0,\"maximum\":9}}}";
    cJSON *form_value = NULL, *value = NULL;
    struct schema *schema = NULL;
    struct error err = {""};
    char expected[200];
    char *read = NULL;
    size_t len = 0;

    (void)state;
    assert_int_equal(write(descriptor, text, sizeof(text) - 1),
                     sizeof(text) - 1);
    close(descriptor);
    assert_int_equal(
        config_parse("form", form, strlen(form), &form_value, &err), 0);
    assert_int_equal(schema_create(form_value, &schema, &err), 0);
    assert_int_equal(config_load(path, schema, &read, &len, &value, &err),
                     -EINVAL);
    snprintf(expected, sizeof(expected),
             "%s:3: /port: must be a whole number from 0 to 9, is a text of 1 "
             "character",
             strrchr(path, '/') + 1);
    assert_string_equal(err.text, expected);
    assert_null(read);
    assert_null(value);
    assert_int_equal(config_load(path, NULL, &read, &len, &value, &err), 0);
    assert_string_equal(read, text);
    free(read);
    cJSON_Delete(value);
    cJSON_Delete(form_value);
    schema_destroy(schema);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_texts),
        cmocka_unit_test(finds_lines),
        cmocka_unit_test(reads_files),
        cmocka_unit_test(loads_with_a_schema),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
