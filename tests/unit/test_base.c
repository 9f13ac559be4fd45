/* links: connect_base connect_sdk */
/* The base room: limits of buffers, one line a log entry whatever it holds,
 * times as texts, sentences of one line. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <connect/json.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/memory.h"

/* ---- Buffers ------------------------------------------------------------- */

static void test_buffer_keeps_its_limit(void **state)
{
    struct buf buf;

    (void)state;
    buf_init(&buf, 10);
    assert_int_equal(buf_append_text(&buf, "12345"), 0);
    assert_int_equal(buf_printf(&buf, "%d", 67890), 0);
    assert_int_equal(buf.len, 10);
    assert_int_equal(buf_append(&buf, "x", 1), -ENOBUFS);
    assert_true(buf.overflow);
    assert_string_equal(buf.data, "1234567890");
    /* It stays refused, so one check at the end is enough. */
    buf_consume(&buf, 5);
    assert_string_equal(buf.data, "67890");
    assert_int_equal(buf_append(&buf, "x", 1), -ENOBUFS);
    buf_clear(&buf);
    assert_int_equal(buf_append_text(&buf, "again"), 0);
    buf_done(&buf);
    buf_done(&buf);
}

static void test_buffer_appends_all_or_nothing(void **state)
{
    struct buf buf;
    char *text;

    (void)state;
    buf_init(&buf, 600);
    for (int index = 0; index < 59; index++)
        assert_int_equal(buf_append(&buf, "0123456789", 10), 0);
    assert_int_equal(buf_printf(&buf, "%011d", 7), -ENOBUFS);
    assert_int_equal(buf.len, 590);
    text = buf_take(&buf);
    assert_int_equal(strlen(text), 590);
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf_append_text(&buf, "x"), 0);
    free(text);
    buf_done(&buf);
    buf_consume(&buf, 1); /* nothing in it, nothing happens */
}

/* ---- Log ----------------------------------------------------------------- */

static int64_t fixed_time(void *arg)
{
    (void)arg;
    return 1772445600123;
}

static const struct clock fixed_clock = {fixed_time, fixed_time, NULL};

/* What one call writes. */
static size_t logged(enum log_form form, const struct log_about *about,
                     const char *text, char *line, size_t size)
{
    int ends[2];
    ssize_t len;

    assert_int_equal(pipe(ends), 0);
    log_open(ends[1], form, LOG_INFO, &fixed_clock);
    log_write(LOG_WARN, about, "%s", text);
    log_write(LOG_DEBUG, about, "not shown");
    close(ends[1]);
    len = read(ends[0], line, size - 1);
    close(ends[0]);
    log_open(STDERR_FILENO, LOG_TEXT, LOG_ERROR, NULL);
    assert_true(len > 0);
    line[len] = '\0';
    return (size_t)len;
}

static void test_log_line_is_json(void **state)
{
    struct log_about about = {.run = 17, .op = 5, .instance = "streak"};
    char line[20000];
    cJSON *value = NULL;
    size_t len =
        logged(LOG_JSON, &about, "stopped \"early\"", line, sizeof(line));

    (void)state;
    assert_int_equal(cn_json_read((cn_str){line, len}, NULL, &value, NULL), 0);
    assert_string_equal(cn_json_text_at(value, "/time", ""),
                        "2026-03-02T10:00:00.123Z");
    assert_string_equal(cn_json_text_at(value, "/level", ""), "warn");
    assert_string_equal(cn_json_text_at(value, "/run", ""), "17");
    assert_string_equal(cn_json_text_at(value, "/op", ""), "5");
    assert_string_equal(cn_json_text_at(value, "/instance", ""), "streak");
    assert_string_equal(cn_json_text_at(value, "/message", ""),
                        "stopped \"early\"");
    cJSON_Delete(value);
}

/* Forged lines, terminal escapes, bytes that are no text: one line, printable,
 * in every form. */
static void test_nothing_forges_a_log_line(void **state)
{
    static const char *const hostile[] = {
        "a\n{\"level\":\"error\",\"message\":\"forged\"}",
        "\r\x1b[2J\x1b[31mred",
        "\xff\xfe broken \xc3",
        "\xc2\x9b C1 control",
        "\x7f\x01\x02",
        "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
    };

    (void)state;
    for (size_t index = 0; index < sizeof(hostile) / sizeof(hostile[0]);
         index++) {
        for (int form = LOG_JSON; form <= LOG_TEXT; form++) {
            char line[20000];
            size_t len = logged((enum log_form)form, NULL, hostile[index], line,
                                sizeof(line));
            assert_ptr_equal(strchr(line, '\n'), line + len - 1);
            for (size_t at = 0; at + 1 < len; at++) {
                unsigned char byte = (unsigned char)line[at];
                assert_true(byte >= 0x20 && byte != 0x7f);
            }
            assert_null(strstr(line, "\xc2\x9b")); /* some terminals obey */
            assert_true(cn_utf8_valid((cn_str){line, len}));
        }
    }
}

static void test_long_message_is_cut(void **state)
{
    char *text = memory_zero(100001, 1);
    char line[20000];
    size_t len;

    (void)state;
    memset(text, 1, 100000); /* every byte becomes an escape of six */
    len = logged(LOG_JSON, NULL, text, line, sizeof(line));
    assert_true(len < 14100);
    assert_int_equal(line[len - 1], '\n');
    free(text);
}

static void test_levels(void **state)
{
    enum log_level level;

    (void)state;
    assert_int_equal(log_level_parse("debug", &level), 0);
    assert_int_equal(level, LOG_DEBUG);
    assert_int_equal(log_level_parse("error", &level), 0);
    assert_int_equal(level, LOG_ERROR);
    assert_int_equal(log_level_parse("loud", &level), -EINVAL);
}

/* ---- Clock, sentences, memory ---------------------------------------------
 */

static void test_times_as_texts(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {2147483648000, "2038-01-19T03:14:08.000Z"},
        {951782400000, "2000-02-29T00:00:00.000Z"},
    };
    char text[CLOCK_TEXT_MAX];

    (void)state;
    for (size_t index = 0; index < sizeof(rows) / sizeof(rows[0]); index++) {
        clock_format(rows[index].ms, text);
        assert_string_equal(text, rows[index].text);
    }
    clock_format(INT64_MAX, text); /* no year a calendar has */
    assert_true(strlen(text) < CLOCK_TEXT_MAX);
}

static void test_sentence_is_one_line(void **state)
{
    struct error err = {""};
    char *text = memory_zero(5001, 1);

    (void)state;
    error_set(&err, "line one\nline two\r%s", "end");
    assert_null(strpbrk(err.text, "\r\n"));
    memset(text, 'x', 5000);
    error_set(&err, "%s", text);
    assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
    error_set(NULL, "nobody asks");
    free(text);
}

static void test_memory(void **state)
{
    char *copy = memory_copy("ab\0c", 4);

    (void)state;
    assert_memory_equal(copy, "ab\0c", 5);
    free(copy);
    copy = memory_copy(NULL, 0);
    assert_string_equal(copy, "");
    free(copy);
    assert_null(memory_text(NULL));
    copy = memory_grow(NULL, 0, 8);
    assert_non_null(copy);
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buffer_keeps_its_limit),
        cmocka_unit_test(test_buffer_appends_all_or_nothing),
        cmocka_unit_test(test_log_line_is_json),
        cmocka_unit_test(test_nothing_forges_a_log_line),
        cmocka_unit_test(test_long_message_is_cut),
        cmocka_unit_test(test_levels),
        cmocka_unit_test(test_times_as_texts),
        cmocka_unit_test(test_sentence_is_one_line),
        cmocka_unit_test(test_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
