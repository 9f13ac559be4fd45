/* links: connect_ctl */
/* What connectctl prints: text from outside does no harm, columns fit the
 * terminal, times are right, and a run is told so that a person sees what to
 * do. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <connect/json.h>

#include "ctl/command.h"
#include "ctl/difference.h"
#include "ctl/doctor.h"
#include "ctl/moment.h"
#include "ctl/preview.h"
#include "ctl/print.h"
#include "ctl/show.h"
#include "ctl/table.h"
#include "ctl/text.h"

struct paper { /* what is printed on */
    char *text;
    size_t len;
    struct text_out out;
};

static void paper_open(struct paper *paper, size_t width, bool colour)
{
    paper->text = NULL;
    paper->out.file = open_memstream(&paper->text, &paper->len);
    paper->out.width = width;
    paper->out.colour = colour;
}

static const char *paper_read(struct paper *paper)
{
    fflush(paper->out.file);
    return paper->text;
}

static void paper_close(struct paper *paper)
{
    fclose(paper->out.file);
    free(paper->text);
}

/* ---- Text ---------------------------------------------------------------- */

static void expect_escaped(const char *from, size_t len, const char *expected)
{
    struct buf buf;

    buf_init(&buf, 10000);
    text_escape(&buf, from, len);
    assert_string_equal(buf.data, expected);
    buf_done(&buf);
}

#define ESCAPED(from, expected) expect_escaped(from, sizeof(from) - 1, expected)

static void test_escape(void **state)
{
    (void)state;
    ESCAPED("plain text", "plain text");
    ESCAPED("\033[31mred\033[0m", "\\u{1b}[31mred\\u{1b}[0m");
    ESCAPED("\033]0;title\007", "\\u{1b}]0;title\\u{7}");
    ESCAPED("a\r\nb\tc", "a\\r\\nb\\tc");
    ESCAPED("a\0b", "a\\u{0}b");
    ESCAPED("\x7f", "\\u{7f}");
    ESCAPED("\xc2\x9b"
            "31m",
            "\\u{9b}31m"); /* CSI as C1 */
    ESCAPED("\xe2\x80\xae"
            "gpj",
            "\\u{202e}gpj"); /* right-to-left override */
    ESCAPED("\xe2\x81\xa6", "\\u{2066}");
    ESCAPED("\xf3\xa0\x81\x81", "\\u{e0041}");  /* a tag character */
    ESCAPED("\xff\xfe", "\\xff\\xfe");          /* no UTF-8 */
    ESCAPED("\xc0\x9b", "\\xc0\\x9b");          /* overlong */
    ESCAPED("\xed\xa0\x80", "\\xed\\xa0\\x80"); /* a surrogate */
    ESCAPED("\xe2\x82", "\\xe2\\x82");          /* cut */
    ESCAPED("M\xc3\xbcller \xe6\x9d\xb1", "M\xc3\xbcller \xe6\x9d\xb1");
}

static void test_escape_json_stays_json(void **state)
{
    static const char from[] =
        "{\"a\":\"\xe2\x80\xae\x7f\xc2\x9b \xc3\xbc \xf3\xa0\x81\x81\"}";
    cJSON *before = cJSON_Parse(from), *after;
    struct buf buf;

    (void)state;
    buf_init(&buf, 10000);
    text_escape_json(&buf, from, sizeof(from) - 1);
    assert_string_equal(
        buf.data, "{\"a\":\"\\u202e\\u007f\\u009b \xc3\xbc \\udb40\\udc41\"}");
    after = cJSON_Parse(buf.data);
    assert_true(cJSON_Compare(before, after, true));
    cJSON_Delete(before);
    cJSON_Delete(after);
    buf_done(&buf);
}

static void test_width(void **state)
{
    (void)state;
    assert_int_equal(text_width("abc"), 3);
    assert_int_equal(text_width("M\xc3\xbcller"), 6);
    assert_int_equal(text_width("\xe6\x9d\xb1\xe4\xba\xac"), 4);
    assert_int_equal(text_width("e\xcc\x81"), 1); /* combining accent */
    assert_int_equal(text_fit("\xe6\x9d\xb1\xe4\xba\xac", 3), 3);
    assert_int_equal(text_fit("abc", 5), 3);
}

static void test_cells(void **state)
{
    struct paper paper;

    (void)state;
    paper_open(&paper, 80, false);
    text_print_cell(&paper.out, TEXT_RED, "abcdef", 4, true);
    text_print_cell(&paper.out, TEXT_RED, "ab", 4, true);
    text_print_cell(&paper.out, TEXT_RED, "", 2, true);
    text_print_cell(&paper.out, TEXT_RED, "\xe6\x9d\xb1\xe4\xba\xac", 3, true);
    assert_string_equal(paper_read(&paper), "abc\xe2\x80\xa6"
                                            "ab    "
                                            "\xe6\x9d\xb1\xe2\x80\xa6");
    paper_close(&paper);
}

static void test_wrapping(void **state)
{
    struct paper paper;

    (void)state;
    paper_open(&paper, 30, false);
    text_print_wrapped(&paper.out, TEXT_PLAIN,
                       "one two three four five six seven eight nine", 4, 0);
    assert_string_equal(paper_read(&paper), "one two three four five\n"
                                            "    six seven eight nine\n");
    paper_close(&paper);
    paper_open(&paper, 30, false);
    text_print_wrapped(&paper.out, TEXT_PLAIN,
                       "0123456789012345678901234567890123456789", 4, 1);
    assert_string_equal(paper_read(&paper),
                        "0123456789012345678901234\xe2\x80\xa6\n");
    paper_close(&paper);
    paper_open(&paper, 0, false);
    text_print_wrapped(&paper.out, TEXT_PLAIN, "", 4, 1);
    assert_string_equal(paper_read(&paper), "\n");
    paper_close(&paper);
}

static void expect_lines_fit(const char *text, size_t width)
{
    char line[1000];

    for (const char *at = text; *at; at += strcspn(at, "\n") + 1) {
        snprintf(line, sizeof(line), "%.*s", (int)strcspn(at, "\n"), at);
        assert_true(text_width(line) <= width);
    }
}

/* A sea of widths and bytes: it ends, and no line is wider than the terminal.
 */
static void test_wrapping_fits(void **state)
{
    char text[200];
    uint32_t seed = 1;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct paper paper;
        size_t width = 25 + seed % 60;
        for (size_t index = 0; index < sizeof(text) - 1; index++) {
            seed = seed * 1664525U + 1013904223U;
            text[index] = (char)(seed >> 24 ? seed >> 24 : 1);
            if (seed & 0x10000)
                text[index] = ' ';
        }
        text[sizeof(text) - 1] = '\0';
        paper_open(&paper, width, false);
        text_print_wrapped(&paper.out, TEXT_PLAIN, text, 0, 0);
        expect_lines_fit(paper_read(&paper), width);
        paper_close(&paper);
    }
}

static void test_colours_only_when_wanted(void **state)
{
    struct paper paper;

    (void)state;
    paper_open(&paper, 80, true);
    text_print(&paper.out, TEXT_RED, "x");
    assert_string_equal(paper_read(&paper), "\033[31mx\033[0m");
    paper_close(&paper);
    paper_open(&paper, 80, false);
    text_print(&paper.out, TEXT_RED, "x");
    assert_string_equal(paper_read(&paper), "x");
    paper_close(&paper);
}

static void test_moments(void **state)
{
    char text[MOMENT_MAX];

    (void)state;
    moment_span(250, text);
    assert_string_equal(text, "250 ms");
    moment_span(200 * 1000, text);
    assert_string_equal(text, "3 min 20 s");
    moment_span(9LL * 24 * 3600 * 1000 + 4 * 3600 * 1000, text);
    assert_string_equal(text, "9 d 4 h");
    moment_span(3600 * 1000 + 5000, text);
    assert_string_equal(text, "1 h");
    moment_relative(1000000, 1000000 - 60000, text);
    assert_string_equal(text, "1 min ago");
    moment_relative(1000000, 1000000 + 2000, text);
    assert_string_equal(text, "in 2 s");
    moment_relative(1000000, 1000500, text);
    assert_string_equal(text, "just now");
    moment_absolute(1700000000000, text);
    assert_string_equal(text, "2023-11-14 22:13:20Z");
    moment_clock(1700000000000, text);
    assert_string_equal(text, "22:13:20");
    moment_span(INT64_MAX, text); /* fits */
    moment_relative(INT64_MAX, 0, text);
}

/* ---- Tables -------------------------------------------------------------- */

static void test_table(void **state)
{
    static const char *const heads[] = {">RUN", "STATE", "WHY", NULL};
    struct table *table = table_create(heads);
    struct paper paper;

    (void)state;
    table_add_number(table, 7);
    table_add(table, TEXT_PLAIN, "parked");
    table_add(table, TEXT_PLAIN, "a reason that is longer than the line has");
    table_add_number(table, 1234);
    table_add(table, TEXT_PLAIN, "");
    table_add(table, TEXT_PLAIN, "\033[2J");
    paper_open(&paper, 36, false);
    table_print(table, &paper.out);
    assert_string_equal(paper_read(&paper),
                        " RUN  STATE   WHY\n"
                        "   7  parked  a reason that is long\xe2\x80\xa6\n"
                        "1234          \\u{1b}[2J\n");
    paper_close(&paper);
    table_destroy(table);
}

/* ---- Answers ------------------------------------------------------------- */

static cJSON *read_json(const char *text)
{
    cJSON *value = NULL;

    assert_int_equal(
        cn_json_read((cn_str){text, strlen(text)}, NULL, &value, NULL), 0);
    return value;
}

#define EVIL "\\u001b[2J\\u202e"

static const char parked_run[] =
    "{\"now_ms\":1700000060000,\"run\":7,\"flow\":\"won" EVIL
    "\",\"flow_version\":\"abc\",\"origin\":\"streak\",\"type\":\"box_event/"
    "1\",\"trigger_key\":\"box1\","
    "\"state\":\"parked\",\"queue\":null,\"code\":\"rejected\",\"reason\":"
    "\"unknown stock code X1" EVIL "\",\"accepted_ms\":1700000000000,"
    "\"finished_ms\":null,\"due_in_ms\":null,\"behind\":null,"
    "\"waiting_behind\":2,\"label\":null,\"advice\":\"Correct it there, then: "
    "connectctl retry 7\",\"masked\":true,\"title\":\"A won deal\","
    "\"trigger\":{\"origin\":\"streak\",\"type\":\"box_event/1\",\"id\":\"e1\","
    "\"key\":\"box1\",\"happened_ms\":1700000000000,\"change\":\"upsert\","
    "\"body\":{\"box\":\"" EVIL "\"}},\"steps\":["
    "{\"path\":\"deal\",\"kind\":\"call\",\"instance\":\"streak\",\"action\":"
    "\"read_deal\",\"state\":\"done\",\"attempts\":0,\"reason\":null,"
    "\"result\":{\"key\":\"box1\",\"notes\":\"***\"}},"
    "{\"path\":\"post\",\"kind\":\"deliver\",\"instance\":\"syspro\","
    "\"action\":null,\"state\":\"failed\",\"attempts\":0,\"reason\":"
    "\"unknown stock code X1\",\"result\":null}],\"deliveries\":["
    "{\"path\":\"post\",\"instance\":\"syspro\",\"type\":\"sales_order/1\","
    "\"change\":\"upsert\",\"state\":\"parked\",\"doubt\":true,\"attempts\":3,"
    "\"probes\":1,\"due_in_ms\":null,\"sent_before_ms\":null,\"source_key\":"
    "\"box1\",\"reason\":\"unknown stock code X1\",\"reference\":null,"
    "\"body\":{\"customer\":\"0001207\"}},"
    "{\"path\":\"late\",\"instance\":\"syspro\",\"type\":\"deal/1\","
    "\"state\":\"done\",\"reference\":{\"sales_order\":\"000123\"},"
    "\"not_shown_bytes\":300000}],"
    "\"history\":[{\"sequence\":1,\"time_ms\":1700000001000,\"actor\":"
    "\"connectd\",\"act\":\"delivery.sending\",\"run\":7,\"path\":\"post\","
    "\"detail\":null,\"hash\":\"00\"},{\"sequence\":2,\"time_ms\":"
    "1700000003000,"
    "\"actor\":\"uid:5 (mary" EVIL "\",\"act\":\"act.retry\",\"run\":7,"
    "\"path\":\"post\",\"detail\":null,\"hash\":\"00\"}],"
    "\"history_cut\":false}";

static void expect_in(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("\"%s\" is not in:\n%s", part, text);
}

static void expect_harmless(const char *text)
{
    for (const char *byte = text; *byte; byte++)
        assert_true(*byte == '\n' || (unsigned char)*byte >= 0x20);
    assert_null(strstr(text, "\xe2\x80\xae"));
}

static void test_show(void **state)
{
    cJSON *run = read_json(parked_run);
    struct paper paper;
    const char *text;

    (void)state;
    paper_open(&paper, 0, false);
    show_print(&paper.out, run, false);
    text = paper_read(&paper);
    expect_harmless(text);
    expect_in(text, "Run 7  parked  won\\u{1b}[2J\\u{202e}");
    expect_in(text, "2023-11-14 22:13:20Z (1 min ago)");
    expect_in(text, "why       unknown stock code X1");
    expect_in(text, "2 runs wait for this one");
    expect_in(text, "connectctl retry 7");
    expect_in(text, "call read_deal on streak");
    expect_in(text, "{\"key\":\"box1\",\"notes\":\"***\"}");
    expect_in(text, "deliver sales_order/1 to syspro, 3 attempts, 22:13:21 to "
                    "22:13:23");
    expect_in(text, "{\"customer\":\"0001207\"}");
    expect_in(text, "it is not known whether it took effect");
    expect_in(text, "300000 bytes, too many to show");
    expect_in(text, "{\"sales_order\":\"000123\"}");
    expect_in(text, "by uid:5 (mary\\u{1b}[2J");
    paper_close(&paper);
    cJSON_Delete(run);
}

static void test_long_keys_are_shortened(void **state)
{
    cJSON *run = read_json(
        "{\"trigger\":{\"body\":{\"key\":"
        "\"agxzfm1haWxmb29nYWVyMwsSDE9yZ2FuaXphdGlvbiIMZXhhbXBsZ\","
        "\"text\":\"a sentence with blanks that is as long as such a key\","
        "\"umlauts\":\"\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc"
        "\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\"}}"
        "}");
    struct paper paper;

    (void)state;
    paper_open(&paper, 0, false);
    show_print(&paper.out, run, false);
    expect_in(paper_read(&paper), "\"agxzfm1haWxm\u2026XhhbXBsZ\"");
    expect_in(paper_read(&paper),
              "\"a sentence with blanks that is as long as such a key\"");
    expect_in(paper_read(&paper), "\"\u00fc\u00fc\u00fc\u00fc\u00fc\u00fc\u2026"
                                  "\u00fc\u00fc\u00fc\u00fc\"");
    paper_close(&paper);
    paper_open(&paper, 0, false);
    show_print(&paper.out, run, true);
    expect_in(paper_read(&paper),
              "agxzfm1haWxmb29nYWVyMwsSDE9yZ2FuaXphdGlvbiIMZXhhbXBsZ");
    paper_close(&paper);
    cJSON_Delete(run);
}

static const char strange_types[] =
    "{\"runs\":7,\"plugins\":{},\"flows\":[7,[]],\"alerts\":[null],"
    "\"quarantine\":[{}],\"steps\":[{}],\"deliveries\":[{}],\"history\":"
    "[{}],\"instances\":[{}],\"trigger\":[],\"gates\":[{}]}";
static const char strange_members[] =
    "{\"runs\":[{}],\"plugins\":[{\"roles\":[7,null,{}]}],\"flows\":[{"
    "\"steps\":[{\"cases\":[[{}]]}]}],\"now_ms\":\"x\",\"webhooks\":{}}";

/* An empty or strange answer prints something and breaks nothing. */
static void test_strange_answers(void **state)
{
    static const char *const answers[] = {
        "{}", "[]", "null", "7", strange_types, strange_members,
    };
    struct paper paper;

    (void)state;
    for (size_t index = 0; index < sizeof(answers) / sizeof(*answers);
         index++) {
        cJSON *answer = read_json(answers[index]);
        paper_open(&paper, 40, false);
        print_status(&paper.out, answer);
        print_plugins(&paper.out, answer);
        print_flows(&paper.out, answer);
        print_runs(&paper.out, answer);
        print_parked(&paper.out, answer);
        print_alerts(&paper.out, answer);
        print_quarantine(&paper.out, answer);
        print_history_entry(&paper.out, answer);
        print_reasons(&paper.out, answer);
        doctor_print(&paper.out, answer);
        preview_print(&paper.out, answer);
        preview_difference(&paper.out, answer, answer);
        show_print(&paper.out, answer, true);
        expect_harmless(paper_read(&paper));
        paper_close(&paper);
        cJSON_Delete(answer);
    }
}

static void test_parked_list(void **state)
{
    cJSON *run = read_json(parked_run), *answer = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(answer, "runs");
    struct paper paper;
    const char *text;

    (void)state;
    cJSON_AddItemToArray(list, run);
    cJSON_AddNumberToObject(answer, "now_ms", 1700000060000.0);
    paper_open(&paper, 0, false);
    print_parked(&paper.out, answer);
    text = paper_read(&paper);
    expect_harmless(text);
    expect_in(text, "run 7  parked  won");
    expect_in(text, "(2 wait behind it)");
    expect_in(text, "  about box1");
    expect_in(text, "  why   unknown stock code X1");
    expect_in(text, "connectctl retry 7");
    paper_close(&paper);
    cJSON_Delete(answer);
}

/* ---- Differences --------------------------------------------------------- */

static void differs(const char *was, const char *is, size_t count,
                    const char *expected)
{
    cJSON *left = was ? read_json(was) : NULL, *right = read_json(is);
    struct paper paper;

    paper_open(&paper, 0, false);
    assert_int_equal(difference_print(&paper.out, 2, left, right), count);
    fputc('\n', paper.out.file);
    expect_harmless(paper_read(&paper));
    if (strncmp(paper_read(&paper), expected, strlen(expected)) != 0)
        fail_msg("is:\n%s\nexpected:\n%s", paper_read(&paper), expected);
    paper_close(&paper);
    cJSON_Delete(left);
    cJSON_Delete(right);
}

static void test_differences(void **state)
{
    (void)state;
    differs("{\"a\":1,\"b\":[1,2]}", "{\"b\":[1,2],\"a\":1}", 0, "\n");
    differs("{\"lines\":[{\"price\":\"149.90\"}]}",
            "{\"lines\":[{\"price\":\"139.90\"}]}", 1,
            "  /lines/0/price: 149.90 \u2192 139.90\n");
    differs("{\"a\":null}", "{\"a\":0}", 1, "  /a: null \u2192 0\n");
    differs("{\"a\":1}", "{\"b\":1}", 2, "  /a: \u2212 1\n  /b: + 1\n");
    differs("[1]", "[1,{\"x\":[]}]", 1, "  /1: + {\"x\":[]}\n");
    differs("[1,2,3]", "[2,3]", 3,
            "  /0: 1 \u2192 2\n  /1: 2 \u2192 3\n"
            "  /2: \u2212 3\n");
    differs("{\"a\":{}}", "{\"a\":[]}", 1, "  /a: \u2212 {}\n    + []\n");
    /* Every digit counts, also where doubles are nearly the same. */
    differs("[4503599627370496]", "[4503599627370497]", 1,
            "  /0: 4503599627370496 \u2192 4503599627370497\n");
    differs("7", "8", 1, "  /: 7 \u2192 8\n");
    differs(NULL, "{\"a\":1}", 1, "  /: + {\"a\":1}\n");
    /* A number and the same digits as a text are not the same. */
    differs("{\"a\":1}", "{\"a\":\"1\"}", 1, "  /a: 1 \u2192 1\n");
    differs("{\"" EVIL "\":\"" EVIL "\"}", "{}", 1, "  /\\u{1b}[2J");
}

static const char preview_now[] =
    "{\"run\":7,\"flow\":\"won\",\"flow_version\":\"2\",\"ended\":\"done\","
    "\"path\":null,\"reason\":null,\"masked\":true,\"steps\":[{\"path\":"
    "\"deal\",\"state\":\"done\",\"result\":{\"a\":2}}],\"deliveries\":[{"
    "\"path\":\"post\",\"instance\":\"syspro\",\"type\":\"sales_order/1\","
    "\"valid\":true,\"probe\":\"absent\",\"body\":{\"unit\":\"BX\"}},{"
    "\"path\":\"new\",\"instance\":\"streak\",\"type\":\"deal/1\",\"valid\":"
    "false,\"reason\":\"/key: missing\",\"body\":{}}]}";
static const char preview_was[] =
    "{\"run\":7,\"flow\":\"won\",\"flow_version\":\"1\",\"ended\":\"parked\","
    "\"path\":\"post\",\"reason\":\"refused\",\"masked\":true,\"steps\":[],"
    "\"deliveries\":[{\"path\":\"post\",\"instance\":\"syspro\",\"type\":"
    "\"sales_order/1\",\"valid\":true,\"probe\":\"found\",\"body\":{\"unit\":"
    "\"EA\"}},{\"path\":\"old\",\"instance\":\"x\",\"type\":\"y/1\"}]}";

static void test_previews(void **state)
{
    cJSON *was = read_json(preview_was), *now = read_json(preview_now);
    struct paper paper;
    const char *text;

    (void)state;
    paper_open(&paper, 0, false);
    preview_print(&paper.out, now);
    text = paper_read(&paper);
    expect_in(text, "Run 7 with won 2");
    expect_in(text, "would end: done");
    expect_in(text, "would be sent; the other system does not have it");
    expect_in(text, "does not fit its type");
    expect_in(text, "/key: missing");
    expect_in(text, "--unmasked shows it");
    paper_close(&paper);
    paper_open(&paper, 0, false);
    assert_int_equal(preview_difference(&paper.out, was, now), 5);
    text = paper_read(&paper);
    expect_in(text, "as it was it ends  parked at post: refused");
    expect_in(text, "/unit: EA \u2192 BX");
    expect_in(text, "is not made any more");
    expect_in(text, "is new");
    expect_in(text, "--unmasked");
    paper_close(&paper);
    paper_open(&paper, 0, false);
    assert_int_equal(preview_difference(&paper.out, now, now), 0);
    expect_in(paper_read(&paper), "give the same");
    paper_close(&paper);
    cJSON_Delete(was);
    cJSON_Delete(now);
}

static void test_doctor(void **state)
{
    cJSON *answer = read_json(
        "{\"ok\":false,\"failed\":1,\"warnings\":1,\"left_off\":3,\"checks\":["
        "{\"check\":\"disk\",\"subject\":\"/d\",\"state\":\"failed\",\"found\":"
        "\"1 MiB" EVIL "\",\"action\":\"Make room\"},{\"check\":\"clock\","
        "\"subject\":null,\"state\":\"ok\",\"found\":\"fine\",\"action\":null}"
        "]}");
    struct paper paper;
    const char *text;

    (void)state;
    paper_open(&paper, 0, false);
    doctor_print(&paper.out, answer);
    text = paper_read(&paper);
    expect_harmless(text);
    expect_in(text, "\u2717 disk           /d\n                 1 MiB");
    expect_in(text, "                 Make room\n");
    expect_in(text, "\u2713 clock          fine\n");
    expect_in(text, "3 more are not listed");
    expect_in(text, "1 failed, 1 to look at");
    paper_close(&paper);
    cJSON_Delete(answer);
}

static void test_reasons_and_alerts(void **state)
{
    cJSON *answer = read_json(
        "{\"now_ms\":1700000060000,\"reasons\":[{\"state\":\"parked\",\"code\":"
        "\"rejected\",\"flow\":\"won\",\"count\":12,\"oldest_ms\":"
        "1700000000000,"
        "\"run\":7,\"reason\":\"unknown" EVIL "\"}],\"alerts\":[{\"cause\":"
        "\"auth:x\",\"text\":\"t\",\"count\":2,\"acknowledged\":true,"
        "\"acknowledged_by\":\"uid:5 (mary)\"}]}");
    struct paper paper;

    (void)state;
    paper_open(&paper, 0, false);
    print_reasons(&paper.out, answer);
    print_alerts(&paper.out, answer);
    expect_harmless(paper_read(&paper));
    expect_in(paper_read(&paper), "  12  parked  rejected  won");
    expect_in(paper_read(&paper), "retry --all --code CODE");
    expect_in(paper_read(&paper), "uid:5 (mary)");
    paper_close(&paper);
    cJSON_Delete(answer);
}

/* A page of them, and how many more there are, here and at the daemon. */
static void test_many_alerts(void **state)
{
    cJSON *answer = read_json("{\"now_ms\":1,\"more\":1000,\"alerts\":[]}");
    cJSON *list = cJSON_GetObjectItem(answer, "alerts");
    struct paper paper;

    (void)state;
    for (int at = 0; at < 60; at++) {
        cJSON *alert = cJSON_CreateObject();
        char cause[32];
        snprintf(cause, sizeof(cause), "doubt:%d.", at);
        cJSON_AddStringToObject(alert, "cause", cause);
        cJSON_AddItemToArray(list, alert);
    }
    paper_open(&paper, 0, false);
    print_alerts(&paper.out, answer);
    expect_in(paper_read(&paper), "doubt:49.");
    assert_null(strstr(paper_read(&paper), "doubt:50."));
    expect_in(paper_read(&paper), "and 1010 more\n");
    paper_close(&paper);
    cJSON_Delete(answer);
}

static void test_commands(void **state)
{
    static const char *const names[] = {
        "status", "plugins", "flows",      "runs",   "show",    "parked",
        "retry",  "release", "discard",    "tail",   "alerts",  "quarantine",
        "check",  "reload",  "test-clock", "doctor", "reasons", "diff",
        "edit",   "settle",  "replay",     "backup"};

    (void)state;
    for (size_t index = 0; index < sizeof(names) / sizeof(*names); index++)
        assert_non_null(command_find(names[index]));
    assert_null(command_find("statu"));
    assert_true(command_find("test-clock")->hidden);
}

/* Nobody listens there. */
static void test_no_daemon(void **state)
{
    struct client *client = client_create("/nowhere/admin.sock");
    struct error err = {""};

    (void)state;
    assert_int_equal(client_ask(client, "GET", "/v1/status", NULL, NULL, &err),
                     -ECONNREFUSED);
    expect_in(err.text, "/nowhere/admin.sock");
    expect_in(err.text, "systemctl start connectd");
    client_destroy(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_escape),
        cmocka_unit_test(test_escape_json_stays_json),
        cmocka_unit_test(test_width),
        cmocka_unit_test(test_cells),
        cmocka_unit_test(test_wrapping),
        cmocka_unit_test(test_wrapping_fits),
        cmocka_unit_test(test_colours_only_when_wanted),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_show),
        cmocka_unit_test(test_long_keys_are_shortened),
        cmocka_unit_test(test_strange_answers),
        cmocka_unit_test(test_parked_list),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_previews),
        cmocka_unit_test(test_doctor),
        cmocka_unit_test(test_reasons_and_alerts),
        cmocka_unit_test(test_many_alerts),
        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_no_daemon),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
