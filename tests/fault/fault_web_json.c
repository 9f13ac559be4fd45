/* fault_web_json.c - F06: broken and evil JSON, sent by who has the right
 * token.
 *
 * One idea: a text is sent as the whole body, twice, and as a member that
 * nobody reads of an event that is good otherwise.  What is no JSON is answered
 * 200, is quarantined once with one alert, and never becomes an event; what is
 * JSON becomes one, or is quarantined for what it says.  One thread. */
#include "fault_web.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../unit/json_suite.h"
#include "base/memory.h"

enum {
    CPU_MS_A_MIB = 1000, /* ten times what is right: a quadratic reader is
                          * far above, a busy machine below */
    BIG_BYTES = 8 << 20,
    BIG_KEYS = 1000000,
    FIRST_SAVED = 1000000 /* in ms; each event is a save of its own */
};

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
enum {
    BROKEN = sizeof(broken) / sizeof(*broken),
    MONSTERS = 6,
    OWN = BROKEN + MONSTERS
};

/* The play so far. */
struct evil {
    struct stage *stage;
    char key[STAGE_TEXT_MAX]; /* of the box in good events */
    int64_t kinds;            /* different contents that are quarantined */
    int64_t newest;           /* number of the last of them */
    int64_t events;
    double worst; /* ms of processor time a MiB, of large ones */
    char *text;   /* owned: the monster */
};

uint64_t fault_web_json_count(void)
{
    return OWN + JSON_SUITE;
}

/* Every kind of monster that is large; what it is made of is said by number. */
static size_t make_monster(unsigned number, char *text)
{
    size_t len = 0;

    switch (number) {
    case 0:
        memset(text, '[', 1 << 20);
        return 1 << 20;
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

/* ---- Sending ------------------------------------------------------------- */

/* Send it; the sender's ledger says what is expected to be an event, whatever a
 * lenient reader finds in it. */
static void send_one(struct evil *evil, const char *bytes, size_t len,
                     bool event)
{
    struct stage *stage = evil->stage;
    struct stage_webhook webhook = {.body = bytes, .body_len = len};
    struct web_answer answer = stage_send(stage, &webhook);
    cJSON *keys = cJSON_CreateArray();

    if (answer.status != 200)
        stage_fail(stage, "\"%.40s\" (%zu bytes): status %d", bytes, len,
                   answer.status);
    web_answer_end(&answer);
    if (event)
        cJSON_AddItemToArray(keys, cJSON_CreateString(evil->key));
    cJSON_ReplaceItemInObject(
        cJSON_GetArrayItem(stage->sent, cJSON_GetArraySize(stage->sent) - 1),
        "keys", keys);
    evil->events += event;
    if (web_status_number(stage, "events") != evil->events)
        stage_fail(
            stage, "\"%.40s\" (%zu bytes): %" PRId64 " events, not %" PRId64,
            bytes, len, web_status_number(stage, "events"), evil->events);
}

enum why { ANY, NO_JSON, NO_EVENT };

static bool is_why(enum why why, const char *reason)
{
    bool no_json = strstr(reason, "is no JSON") != NULL;

    return why == ANY || no_json == (why == NO_JSON);
}

/* The newest in quarantine is a new one, for this reason, or still the same. */
static void expect_newest(struct evil *evil, const char *name, bool added,
                          enum why why)
{
    cJSON *told = stage_get(evil->stage, ADMIN, "/v1/quarantine?limit=1");
    const cJSON *row = cJSON_GetArrayItem(
        cJSON_GetObjectItemCaseSensitive(told, "quarantine"), 0);
    const cJSON *number = cJSON_GetObjectItemCaseSensitive(row, "number");
    const char *reason =
        cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(row, "reason"));
    int64_t newest = number ? (int64_t)number->valuedouble : 0;

    if ((newest > evil->newest) != added)
        stage_fail(evil->stage, "%s: should %sbe new in quarantine", name,
                   added ? "" : "not ");
    if (added && !is_why(why, reason ? reason : ""))
        stage_fail(evil->stage, "%s: is quarantined for: %s", name,
                   reason ? reason : "");
    evil->newest = newest;
    evil->kinds += added;
    cJSON_Delete(told);
}

/* ---- Cases --------------------------------------------------------------- */

/* Was the same content sent by a case from first on, before this one? */
static bool is_known(const char *bytes, size_t len, uint64_t first,
                     uint64_t before)
{
    bool found = false;

    for (uint64_t at = first; at < before && !found; at++) {
        size_t other_len;
        char *other;
        if (at < BROKEN)
            found =
                broken[at].len == len && !memcmp(broken[at].bytes, bytes, len);
        if (at < OWN)
            continue;
        other = json_suite_text(&json_suite[at - OWN], &other_len);
        found = other_len == len && !memcmp(other, bytes, len);
        free(other);
    }
    return found;
}

static void try_broken(struct evil *evil, uint64_t number)
{
    const struct content *content = &broken[number];
    char name[40];

    snprintf(name, sizeof(name), "row %" PRIu64, number);
    send_one(evil, content->bytes, content->len, false);
    expect_newest(evil, name, true, ANY);
    send_one(evil, content->bytes, content->len, false);
    expect_newest(evil, name, false, ANY);
}

static void try_monster(struct evil *evil, unsigned number)
{
    size_t len = make_monster(number, evil->text);
    double before = web_cpu_ms(evil->stage), cost;

    send_one(evil, evil->text, len, false);
    cost = (web_cpu_ms(evil->stage) - before) * (1 << 20) / (double)len;
    printf("monster %u, %zu bytes: %.0f ms of processor time a MiB\n", number,
           len, cost);
    if (len >= 1 << 20 && cost > evil->worst)
        evil->worst = cost;
    expect_newest(evil, "monster", true, ANY);
}

/* An array with nothing in it is right, and no event. */
static bool is_empty_array(const char *bytes, size_t len)
{
    size_t at = 0, brackets = 0;

    for (; at < len && strchr(" []", bytes[at]); at++)
        brackets += bytes[at] != ' ';
    return at == len && brackets == 2;
}

/* As a member of a good event. */
static void try_inside(struct evil *evil, const struct json_suite_row *row,
                       const char *text, size_t len)
{
    size_t size = len + STAGE_TEXT_MAX + 100, all;
    char *body = memory_zero(1, size);

    all = (size_t)snprintf(
        body, size,
        "[{\"key\":\"%s\",\"lastSavedTimestamp\":%td,\"text\":", evil->key,
        FIRST_SAVED + (row - json_suite));
    memcpy(body + all, text, len);
    all += len;
    memcpy(body + all, "}]", 2);
    send_one(evil, body, all + 2, row->taken);
    expect_newest(evil, row->name, !row->taken, NO_JSON);
    free(body);
}

static void try_suite(struct evil *evil, uint64_t first, uint64_t number)
{
    const struct json_suite_row *row = &json_suite[number - OWN];
    size_t len;
    char *text = json_suite_text(row, &len);
    bool added = !is_known(text, len, first, number) &&
                 !(row->taken && is_empty_array(text, len));

    send_one(evil, text, len, false);
    expect_newest(evil, row->name, added, row->taken ? NO_EVENT : NO_JSON);
    send_one(evil, text, len, false);
    expect_newest(evil, row->name, false, ANY);
    try_inside(evil, row, text, len);
    free(text);
}

/* One alert for each different content. */
static void check_alerts(struct evil *evil)
{
    static const char cause_begins[] = "quarantine:streak:";
    cJSON *told = stage_get(evil->stage, ADMIN, "/v1/alerts");
    const cJSON *alert;
    int64_t count = 0;

    cJSON_ArrayForEach(alert, cJSON_GetObjectItemCaseSensitive(told, "alerts"))
    {
        const char *cause = cJSON_GetStringValue(
            cJSON_GetObjectItemCaseSensitive(alert, "cause"));
        count += cause && !strncmp(cause, cause_begins, strlen(cause_begins));
    }
    cJSON_Delete(told);
    if (count != evil->kinds || web_quarantined(evil->stage) != evil->kinds)
        stage_fail(evil->stage,
                   "%" PRId64 " alerts and %" PRId64
                   " in quarantine, not %" PRId64,
                   count, web_quarantined(evil->stage), evil->kinds);
}

void fault_web_json(void **state)
{
    struct stage_options options = {.no_registrations = true,
                                    .level = "info",
                                    .limits = "{\"webhook_bytes\":16777216}"};
    struct evil evil = {.stage = stage_begin(&options),
                        .text = malloc(BIG_BYTES + 16)};
    char more[100];
    uint64_t from, count;

    (void)state;
    stage_deal(evil.stage, "Around", "Bayside Tools Ltd", "A100; 3; 149.90",
               evil.key);
    proof_cases(&web_proof, fault_web_json_count(), fault_web_json_count(),
                &from, &count);
    for (uint64_t at = from; at < from + count; at++) {
        if (at < BROKEN)
            try_broken(&evil, at);
        else if (at < OWN)
            try_monster(&evil, (unsigned)(at - BROKEN));
        else
            try_suite(&evil, from, at);
    }
    stage_must(evil.stage, evil.worst < CPU_MS_A_MIB);
    check_alerts(&evil);
    free(evil.text);
    stage_check(evil.stage);
    snprintf(more, sizeof(more),
             "\"max_ms_a_mib\":%.0f,\"max_events\":%" PRId64, evil.worst,
             evil.events);
    proof_figures(&web_proof, "json", count, 0, 0, more);
    stage_passed(evil.stage);
}
