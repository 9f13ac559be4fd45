/* fault_web_content.c - F06 broken and evil JSON, F07 values that change their
 * meaning on the way.
 *
 * One idea: the amounts in the ERP simulator's ledger are compared with the
 * text of the deal, digit by digit; what is no amount makes no call at all. One
 * thread. */
#include "fault_web.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum {
    CPU_MS_A_MIB = 1000, /* ten times what is right: a quadratic reader is
                          * far above, a busy machine below */
    BIG_BYTES = 8 << 20,
    BIG_KEYS = 1000000
};

/* ---- F06 ----------------------------------------------------------------- */

struct content {
    const char *bytes;
    size_t len;
};

#define CONTENT(text)                                                          \
    {                                                                          \
        "" text, sizeof(text) - 1                                              \
    }

static const struct content broken[] = {
    CONTENT("{"),
    CONTENT("["),
    CONTENT("]"),
    CONTENT("[1"),
    CONTENT("[1,]"),
    CONTENT("[,1]"),
    CONTENT("[1 2]"),
    CONTENT("{\"a\":1,}"),
    CONTENT("{\"a\"}"),
    CONTENT("{\"a\" 1}"),
    CONTENT("{a:1}"),
    CONTENT("{'a':1}"),
    CONTENT("{\"a\":1 \"b\":2}"),
    CONTENT("[] []"),
    CONTENT("[]x"),
    CONTENT("[]\0"),
    CONTENT("\xef\xbb\xbf[]"),
    CONTENT("[\0"
            "1]"),
    CONTENT("[\0]\0"),
    CONTENT("\xff\xfe[\0]\0"),
    CONTENT("[01]"),
    CONTENT("[+1]"),
    CONTENT("[.5]"),
    CONTENT("[1.]"),
    CONTENT("[1e]"),
    CONTENT("[0x1]"),
    CONTENT("[NaN]"),
    CONTENT("[-Infinity]"),
    CONTENT("[1_000]"),
    CONTENT("[\"\t\"]"),
    CONTENT("[\"\\x\"]"),
    CONTENT("[\"\\u12\"]"),
    CONTENT("[\"\\uD800\"]"),
    CONTENT("[\"\\uDC00\\uD800\"]"),
    CONTENT("[\"\xff\"]"),
    CONTENT("[\"\xc0\x80\"]"),
    CONTENT("[\"\xed\xa0\x80\"]"),
    CONTENT("[\"a]"),
    CONTENT("[tru]"),
    CONTENT("[True]"),
    CONTENT("[null,]"),
    CONTENT("// nothing\n[]"),
    CONTENT("[/* nothing */]"),
    CONTENT("nothing"),
    CONTENT("\""),
    CONTENT("1"),
    CONTENT("null"),
    CONTENT("[1]"),
    CONTENT("[[]]"),
    CONTENT("[{}]"),
    CONTENT("[{\"key\":1}]"),
    CONTENT("[{\"key\":\"\"}]"),
    CONTENT("[{\"key\":\"a\",\"key\":\"b\"}]"),
    CONTENT("[{\"key\":\"a\",\"Key\":\"b\"}]"),
    CONTENT("[{\"name\":\"n\",\"lastSavedTimestamp\":1e400}]"),
};
enum { BROKEN = sizeof(broken) / sizeof(*broken), MONSTERS = 6 };

uint64_t fault_web_json_count(void)
{
    return BROKEN + MONSTERS;
}

static void send_content(struct stage *stage, const char *bytes, size_t len,
                         int64_t quarantined)
{
    struct stage_webhook webhook = {.body = bytes, .body_len = len};
    struct web_answer answer = stage_send(stage, &webhook);

    if (answer.status != 200)
        stage_fail(stage, "\"%.40s\" (%zu bytes): status %d", bytes, len,
                   answer.status);
    web_answer_end(&answer);
    if (web_quarantined(stage) != quarantined)
        stage_fail(stage,
                   "\"%.40s\" (%zu bytes): %" PRId64
                   " kinds are quarantined, not %" PRId64,
                   bytes, len, web_quarantined(stage), quarantined);
}

/* Every kind of monster that is large; what it is made of is said by number. */
static size_t make_monster(unsigned number, char *text)
{
    size_t len = 0;

    switch (number) {
    case 0:
        memset(text, '[', 100000);
        return 100000;
    case 1:
        for (len = 0; len + 5 <= 1 << 20; len += 5)
            memcpy(text + len, "{\"\":[", 5);
        return len;
    case 2: /* a million keys; each is another */
        text[len++] = '[';
        text[len++] = '{';
        for (int key = 0; key < BIG_KEYS && len + 16 < BIG_BYTES; key++)
            len += (size_t)snprintf(text + len, 16, "\"%x\":1,", key);
        text[len - 1] = '}';
        text[len++] = ']';
        return len;
    case 3:
        memset(text, ' ', 1 << 20);
        return 1 << 20;
    case 4:
        memset(text, '\\', 1 << 20);
        text[0] = '"';
        return 1 << 20;
    default:
        memset(text, '9', 1 << 20);
        return 1 << 20;
    }
}

void fault_web_json(void **state)
{
    struct stage_options options = {.no_registrations = true,
                                    .level = "info",
                                    .limits = "{\"webhook_bytes\":16777216}"};
    struct stage *stage = stage_begin(&options);
    char *text = malloc(BIG_BYTES + 16), more[100];
    double worst = 0;
    int64_t kinds = 0;
    uint64_t from, count;

    (void)state;
    web_cases(fault_web_json_count(), &from, &count);
    for (uint64_t at = from; at < from + count && at < BROKEN; at++) {
        kinds++;
        send_content(stage, broken[at].bytes, broken[at].len, kinds);
        send_content(stage, broken[at].bytes, broken[at].len, kinds);
    }
    for (uint64_t at = from; at < from + count; at++) {
        size_t len;
        double before, cost;
        if (at < BROKEN)
            continue;
        len = make_monster((unsigned)(at - BROKEN), text);
        before = web_cpu_ms(stage);
        send_content(stage, text, len, ++kinds);
        cost = (web_cpu_ms(stage) - before) * (1 << 20) / (double)len;
        printf("monster %u, %zu bytes: %.0f ms of processor time a MiB\n",
               (unsigned)(at - BROKEN), len, cost);
        if (len >= 1 << 20 && cost > worst)
            worst = cost;
    }
    stage_must(stage, worst < CPU_MS_A_MIB);
    stage_must(stage, web_status_number(stage, "events") == 0);
    /* What was sent holds no event, whatever a lenient reader finds in it. */
    cJSON_Delete(stage->sent);
    stage->sent = cJSON_CreateArray();
    free(text);
    stage_check(stage);
    snprintf(more, sizeof(more), "\"max_ms_a_mib\":%.0f", worst);
    proof_figures(&web_proof, "json", count, 0, 0, more);
    stage_passed(stage);
}

/* ---- F07 ----------------------------------------------------------------- */

enum meaning { ORDERED, PARKED };

static const struct value {
    const char *lines; /* as in JSON */
    enum meaning meaning;
} values[] = {
    {"A100; 1; 19.99", ORDERED},
    {"A100; 1; 0.1\\nA100; 1; 0.1\\nA100; 1; 0.1", ORDERED},
    {"A100; 3; 149.90", ORDERED},
    {"A100; 2.5; 1", ORDERED},
    {"A100; 3.10; 149.90000", ORDERED},
    {"A100; 100; 1.00001", ORDERED},
    {"A100; 1; 0.07", ORDERED},
    {"A100; 7; 1.005", ORDERED},
    {"A100; -1; 2.00", PARKED},
    {"A100; 0; 2.00", PARKED},
    {"A100; 1,000.00; 2.00", PARKED},
    {"A100; 1; 1,000.00", PARKED},
    {"A100; 1.000,00; 2.00", PARKED},
    {"A100; 1e3; 2.00", PARKED},
    {"A100; 1e400; 2.00", PARKED},
    {"A100; 1; 1e400", PARKED},
    {"A100; NaN; 2.00", PARKED},
    {"A100; Infinity; 2.00", PARKED},
    {"A100; 0x10; 2.00", PARKED},
    {"A100; 1; -2.00", PARKED},
    {"A100; 1; 19.999999999999999999", PARKED},
    {"A100; 1.0000001; 2.00", PARKED},
    {"A100; 1; 1.2.3", PARKED},
    {"A100; \\u0663; 2.00", PARKED},
    {"A100; \\uff11; 2.00", PARKED},
    {"A100; 1 2; 2.00", PARKED},
    {"A100; ; 2.00", PARKED},
    {"A100; 99999999999999999999999; 2.00", PARKED},
};
enum { VALUES = sizeof(values) / sizeof(*values) };

uint64_t fault_web_values_count(void)
{
    return VALUES + 1;
}

static unsigned check_value(struct stage *stage, const struct value *value,
                            uint64_t number)
{
    char key[STAGE_TEXT_MAX], name[40], number_text[STAGE_TEXT_MAX];
    const char *const keys[] = {key};
    size_t orders = stage_order_count(stage), asked;
    bool right;

    snprintf(name, sizeof(name), "Value %" PRIu64, number);
    stage_deal(stage, name, "Bayside Tools Ltd", value->lines, key);
    stage_win(stage, key);
    asked = stage_seen(stage, SYSPRO, "/Transaction/Post");
    stage_must(stage, stage_send_boxes(stage, keys, 1) == 200);
    stage_rest(stage);
    stage_field(stage, key, "SYSPRO order", number_text);
    if (value->meaning == ORDERED)
        right = stage_order_count(stage) == orders + 1 && *number_text;
    else
        right = stage_order_count(stage) == orders && !*number_text &&
                stage_seen(stage, SYSPRO, "/Transaction/Post") == asked &&
                stage_run_of(stage, key, "parked") > 0;
    if (!right)
        fprintf(stderr, "\"%s\" should be %s\n", value->lines,
                value->meaning == ORDERED ? "an order" : "parked");
    return !right;
}

/* A whole number that a double does not have is kept digit for digit. */
static unsigned check_version(struct stage *stage)
{
    static const char wanted[] = "9007199254740993";
    static const char name[] = "\"lastSavedTimestamp\":";
    char key[STAGE_TEXT_MAX], *body, *at, *changed;
    const char *const keys[] = {key};
    struct stage_webhook webhook = {0};
    struct web_answer answer;
    unsigned wrong = 1;
    cJSON *told;

    stage_deal(stage, "Version", "Bayside Tools Ltd", "A100; 1; 1", key);
    body = stage_event_body(stage, keys, 1);
    at = strstr(body, name);
    stage_must(stage, at);
    at += sizeof(name) - 1;
    if (asprintf(&changed, "%.*s%s%s", (int)(at - body), body, wanted,
                 at + strspn(at, "0123456789")) < 0)
        abort();
    webhook.body = changed;
    answer = stage_send(stage, &webhook);
    stage_must(stage, answer.status == 200);
    web_answer_end(&answer);
    stage_rest(stage);
    told = stage_get(stage, ADMIN, "/v1/runs/%lld?unmasked=1",
                     (long long)stage_run_of(stage, key, "done"));
    at = cJSON_PrintUnformatted(told);
    wrong = !strstr(at, wanted);
    cJSON_free(at);
    cJSON_Delete(told);
    free(body);
    free(changed);
    return wrong;
}

void fault_web_values(void **state)
{
    struct stage_options options = {.no_registrations = true};
    struct stage *stage = stage_begin(&options);
    uint64_t from, count;
    unsigned wrong = 0;

    (void)state;
    web_cases(fault_web_values_count(), &from, &count);
    for (uint64_t at = from; at < from + count; at++)
        wrong += at < VALUES ? check_value(stage, &values[at], at)
                             : check_version(stage);
    printf("values: %u wrong\n", wrong);
    stage_must(stage, !wrong);
    stage_check(stage);
    proof_figures(&web_proof, "values", count, 0, 0, NULL);
    stage_passed(stage);
}
