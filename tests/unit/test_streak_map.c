/* links: streak_static connect_config connect_sdk */
/* test_streak_map.c - boxes to deals, deals to changes of boxes; no host.
 *
 * The pipeline is the recorded one (tests/golden/streak/05), with fields of the
 * same name and of other kinds added.  Every deal that comes out is checked
 * with the shared schema, as the host does. */
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
#include "config/schema.h"
#include "config/schema_check.h"
#include "deal_change.h"
#include "deal_read.h"
#include "structure.h"
#include "text.h"

static cJSON *read_json(const char *text)
{
    cJSON *json = NULL;
    cn_json_error error = {0};

    if (cn_json_read((cn_str){text, strlen(text)}, NULL, &json, &error))
        print_error("%s: %s at %zu\n", text, error.sentence, error.offset);
    assert_non_null(json);
    return json;
}

static const char pipeline_text[] =
    "{\"key\":\"P1\",\"name\":\"Orders\",\"teamKey\":\"T1\",\"fields\":["
    "{\"key\":\"1001\",\"name\":\"Order number\",\"type\":\"TEXT_INPUT\"},"
    "{\"key\":\"1002\",\"name\":\"Payment status\",\"type\":\"DROPDOWN\","
    "\"dropdownSettings\":{\"items\":[{\"key\":\"9001\",\"name\":\"Unpaid\"},"
    "{\"key\":\"9002\",\"name\":\"Paid\"}]}},"
    "{\"key\":\"1003\",\"name\":\"Paid on\",\"type\":\"DATE\"},"
    "{\"key\":\"1004\",\"name\":\"Invoice sent\",\"type\":\"CHECKBOX\"},"
    "{\"key\":\"1005\",\"name\":\"Channels\",\"type\":\"TAG\",\"tagSettings\":{"
    "\"tags\":[{\"key\":\"9001\",\"tag\":\"web\"},{\"key\":\"9002\",\"tag\":"
    "\"phone\"},{\"key\":\"9003\",\"tag\":\"partner\"}]}},"
    "{\"key\":\"1006\",\"name\":\"Margin\",\"type\":\"FORMULA\"},"
    "{\"key\":\"1007\",\"name\":\"Buyer\",\"type\":\"TEAM_CONTACT\"},"
    "{\"key\":\"1008\",\"name\":\"order NUMBER\",\"type\":\"TEXT_INPUT\"},"
    "{\"key\":\"1009\",\"name\":\"Order number (2)\",\"type\":\"TEXT_INPUT\"},"
    "{\"key\":\"1010\",\"name\":\"\",\"type\":\"NEW_KIND\"}],"
    "\"stages\":{\"5002\":{\"key\":\"5002\",\"name\":\"Paid\"},"
    "\"5001\":{\"key\":\"5001\",\"name\":\"New\"},"
    "\"5003\":{\"key\":\"5003\",\"name\":\"paid\"}},"
    "\"stageOrder\":[\"5001\",\"5002\"]}";

static const char team_text[] =
    "{\"key\":\"T1\",\"organizationSettings\":{\"fields\":{\"1001\":{\"key\":"
    "\"1001\",\"name\":\"SYSPRO customer\",\"type\":\"TEXT_INPUT\"}}}}";

static struct structure *pipeline, *team;

static int before(void **state)
{
    cJSON *json = read_json(pipeline_text);

    (void)state;
    pipeline = structure_of_pipeline(json);
    cJSON_Delete(json);
    json = read_json(team_text);
    team = structure_of_team(json);
    cJSON_Delete(json);
    assert_non_null(pipeline);
    assert_non_null(team);
    return 0;
}

static int after(void **state)
{
    (void)state;
    structure_release(pipeline);
    structure_release(team);
    return 0;
}

/* ---- Texts and dates ------------------------------------------------------
 */

static void tells_dates(void **state)
{
    static const struct {
        int64_t time_ms;
        const char *date;
    } cases[] = {{0, "1970-01-01"},
                 {-1, "1969-12-31"},
                 {86399999, "1970-01-01"},
                 {951782400000, "2000-02-29"},
                 {951868800000, "2000-03-01"},
                 {1767225600000, "2026-01-01"},
                 {1767225599999, "2025-12-31"},
                 {4107542400000, "2100-03-01"},
                 {4107456000000, "2100-02-28"},
                 {-62135596800000, "0001-01-01"},
                 {253402300799999, "9999-12-31"}};
    static const char *const bad[] = {
        "2026-02-29", "2026-13-01",  "2026-00-01", "2026-04-31",
        "2026-01-00", "26-01-01",    "2026-1-01",  "2026-01-0x",
        "0000-01-01", "2026-01-011", "",           "2026/01/01"};
    char date[TEXT_DATE_MAX];
    int64_t time_ms;

    (void)state;
    for (size_t at = 0; at < sizeof(cases) / sizeof(*cases); at++) {
        assert_true(text_date_from_ms(cases[at].time_ms, date));
        assert_string_equal(date, cases[at].date);
        assert_true(text_date_to_ms(date, &time_ms));
        assert_true(time_ms <= cases[at].time_ms);
        assert_true(cases[at].time_ms - time_ms < 86400000);
    }
    for (size_t at = 0; at < sizeof(bad) / sizeof(*bad); at++)
        assert_false(text_date_to_ms(bad[at], &time_ms));
    assert_false(text_date_from_ms(-62135596800001, date));
    assert_false(text_date_from_ms(253402300800000, date));
    /* Every day of eight centuries follows the one before. */
    for (int64_t day = -146097; day < 146097; day++) {
        assert_true(text_date_from_ms(day * 86400000, date));
        assert_true(text_date_to_ms(date, &time_ms));
        assert_true(time_ms == day * 86400000);
    }
}

static void cleans_texts(void **state)
{
    static const struct {
        const char *text;
        size_t max;
        const char *clean;
    } cases[] = {{"plain", 5, "plain"},
                 {"plain", 4, "plai"},
                 {"a\xC0\x80z", 9, "az"},
                 {"\xC0\x80", 9, ""},
                 {"\xC3\xA4\xC3\xB6\xC3\xBC", 2, "\xC3\xA4\xC3\xB6"},
                 {"\xF0\x9F\x98\x80x", 1, "\xF0\x9F\x98\x80"},
                 {"", 0, ""}};
    char shown[8];

    (void)state;
    for (size_t at = 0; at < sizeof(cases) / sizeof(*cases); at++) {
        char *clean = text_clean(cases[at].text, cases[at].max);

        assert_string_equal(clean, cases[at].clean);
        free(clean);
    }
    text_printable("a\nb\x7F\xC3\xA4\xC3\xA4\xC3\xA4", shown, sizeof(shown));
    assert_string_equal(shown, "a b \xC3\xA4"); /* no half character */
    assert_true(text_same("  a\r\nb \n", "a\nb"));
    assert_true(text_same("", " \n"));
    assert_false(text_same("a b", "ab"));
    assert_false(text_same("a", "a b"));
    assert_true(text_same_name("SYSPRO Order", "syspro order"));
    assert_false(text_same_name("SYSPRO Order", "syspro orders"));
    assert_true(text_holds("usually a KEY issue", "key issue"));
    assert_false(text_holds("key", "key issue"));
}

static void names_are_unique(void **state)
{
    static const char *const names[] = {
        "Order number", "Payment status",   "Paid on",
        "Invoice sent", "Channels",         "Margin",
        "Buyer",        "order NUMBER (2)", "Order number (2) (2)",
        "1010"};

    (void)state;
    assert_int_equal(pipeline->field_count, 10);
    for (size_t at = 0; at < 10; at++)
        assert_string_equal(pipeline->fields[at].name, names[at]);
    assert_int_equal(pipeline->renamed_count, 2);
    assert_string_equal(pipeline->stages[0].key, "5001");
    assert_int_equal(pipeline->stage_count, 3);
    /* Exact before alike. */
    assert_string_equal(structure_stage_key(pipeline, "paid"), "5003");
    assert_string_equal(structure_stage_key(pipeline, "PAID"), "5002");
}

/* Many fields of one name are told apart without trying all numbers. */
static void many_names_are_unique(void **state)
{
    cJSON *json = read_json("{\"fields\":[],\"stages\":{}}");
    struct structure *many;
    char key[16];

    (void)state;
    for (int at = 0; at < 1000; at++) {
        cJSON *field = read_json("{\"name\":\"Same\",\"type\":\"DATE\"}");

        snprintf(key, sizeof(key), "%d", at);
        text_put(field, "key", text_json(key, 16));
        text_add(cn_json_member(json, "fields"), field);
    }
    many = structure_of_pipeline(json);
    assert_int_equal(many->renamed_count, 999);
    assert_string_equal(many->fields[19].name, "Same (20)");
    assert_string_equal(many->fields[999].name, "Same (999 21)");
    assert_ptr_equal(structure_field_named(many, "same (999 21)"),
                     &many->fields[999]);
    structure_release(many);
    cJSON_Delete(json);
}

static void refuses_other_answers(void **state)
{
    static const char *const texts[] = {"{}",
                                        "[]",
                                        "17",
                                        "\"x\"",
                                        "{\"fields\":[]}",
                                        "{\"fields\":{},\"stages\":{}}"};

    (void)state;
    for (size_t at = 0; at < sizeof(texts) / sizeof(*texts); at++) {
        cJSON *json = read_json(texts[at]);

        assert_null(structure_of_pipeline(json));
        assert_null(structure_of_team(json));
        cJSON_Delete(json);
    }
    assert_null(structure_of_pipeline(NULL));
}

/* ---- Reading --------------------------------------------------------------
 */

static cJSON *deal_of(const char *box_text, const char *organizations_text,
                      const char *contacts_text, size_t *left_out)
{
    static const char *const folder = CONNECT_SOURCE_DIR "/config/records";
    cJSON *box = read_json(box_text);
    cJSON *organizations = read_json(organizations_text);
    cJSON *contacts = read_json(contacts_text);
    const struct deal_source source = {.box = box,
                                       .pipeline = pipeline,
                                       .team = team,
                                       .organizations = organizations,
                                       .contacts = contacts};
    cJSON *deal = deal_read(&source, left_out);
    struct record_types *types = record_types_create();
    struct schema_fault fault = {0};
    struct error err = {0};

    assert_int_equal(record_types_load(types, folder, &err), 0);
    if (schema_check(record_types_find(types, "deal/1")->schema, deal, &fault))
        fail_msg("%s", fault.message);
    record_types_destroy(types);
    cJSON_Delete(box);
    cJSON_Delete(organizations);
    cJSON_Delete(contacts);
    return deal;
}

static void expect(const cJSON *json, const char *pointer, const char *text)
{
    const char *found = cn_json_text_at(json, pointer, NULL);

    if (!found || strcmp(found, text) != 0)
        print_error("%s: %s, not %s\n", pointer, found ? found : "nothing",
                    text);
    assert_non_null(found);
    assert_string_equal(found, text);
}

static void reads_every_kind(void **state)
{
    size_t left_out = 0;
    cJSON *deal = deal_of(
        "{\"key\":\"B1\",\"pipelineKey\":\"P1\",\"stageKey\":\"5002\","
        "\"name\":\"Order\",\"notes\":\"a\\u0000b\","
        "\"creationTimestamp\":1767261600000,\"lastUpdatedTimestamp\":"
        "1767261900000,\"lastStageChangeTimestamp\":null,\"fields\":{"
        "\"1001\":9007199254740993,\"1002\":\"9002\",\"1003\":1767261840000,"
        "\"1004\":\"TRUE\",\"1005\":[\"9003\",\"9001\"],\"1006\":0.8125,"
        "\"1007\":[{\"key\":\"C1\"},\"C2\"],\"1008\":\"\",\"1009\":null,"
        "\"1010\":true}}",
        "[{\"key\":\"O1\",\"name\":\"Bayside\",\"fields\":{\"1001\":"
        "\"0001207\"}},{\"key\":\"O2\"}]",
        "[{\"key\":\"C1\",\"givenName\":\"Lena\",\"familyName\":\"Vogt\","
        "\"emailAddresses\":[\"lena@buyer.test\",\"x@y.test\"]},"
        "{\"key\":\"C2\",\"givenName\":null,\"familyName\":\"Solo\"},"
        "{\"key\":\"C3\"}]",
        &left_out);

    (void)state;
    assert_int_equal(left_out, 0);
    expect(deal, "/key", "B1");
    expect(deal, "/stage", "Paid");
    expect(deal, "/stage_key", "5002");
    expect(deal, "/notes", "ab");
    expect(deal, "/fields/Order number", "9007199254740993");
    expect(deal, "/fields/Payment status", "Paid");
    expect(deal, "/fields/Paid on", "2026-01-01");
    assert_true(cJSON_IsTrue(cn_json_pointer(deal, "/fields/Invoice sent")));
    expect(deal, "/fields/Channels/0", "partner");
    expect(deal, "/fields/Channels/1", "web");
    expect(deal, "/fields/Margin", "0.8125");
    expect(deal, "/fields/Buyer/0", "C1");
    expect(deal, "/fields/Buyer/1", "C2");
    assert_null(cn_json_pointer(deal, "/fields/order NUMBER (2)"));
    expect(deal, "/fields/1010", "true");
    assert_true(cJSON_IsString(cn_json_pointer(deal, "/fields/1010")));
    expect(deal, "/organizations/0/fields/SYSPRO customer", "0001207");
    expect(deal, "/organizations/1/key", "O2");
    assert_null(cn_json_pointer(deal, "/organizations/1/fields"));
    expect(deal, "/contacts/0/name", "Lena Vogt");
    expect(deal, "/contacts/0/email", "lena@buyer.test");
    expect(deal, "/contacts/1/name", "Solo");
    expect(deal, "/created_ms", "1767261600000");
    assert_null(cn_json_pointer(deal, "/stage_changed_ms"));
    expect(deal, "/url", "https://mail.google.com/mail/u/0/#box/B1");
    cJSON_Delete(deal);
}

static void leaves_out_what_it_cannot_tell(void **state)
{
    size_t left_out = 0;
    cJSON *deal = deal_of(
        "{\"boxKey\":\"B 1\",\"pipelineKey\":\"P1\",\"stageKey\":\"5999\","
        "\"creationTimestamp\":-5,\"lastUpdatedTimestamp\":1.5e3,\"fields\":{"
        "\"1002\":\"9999\",\"1003\":\"soon\",\"1004\":17,\"1005\":[\"9001\","
        "\"9999\"],\"1999\":\"x\",\"1001\":{\"a\":1}}}",
        "[]", "[{\"key\":\"\"},{}]", &left_out);

    (void)state;
    /* stage, option, date, check, tag, unknown field, object, two contacts */
    assert_int_equal(left_out, 9);
    assert_null(cn_json_member(deal, "stage"));
    expect(deal, "/stage_key", "5999");
    expect(deal, "/fields/Channels/0", "web");
    assert_int_equal(cJSON_GetArraySize(cn_json_member(deal, "fields")), 1);
    assert_null(cn_json_member(deal, "created_ms"));
    assert_null(cn_json_member(deal, "updated_ms"));
    assert_null(cn_json_member(deal, "url"));
    cJSON_Delete(deal);
}

static void sees_unknown_keys(void **state)
{
    static const struct {
        const char *fields;
        bool known;
    } cases[] = {{"{}", true},
                 {"{\"1001\":\"x\",\"1002\":\"9001\"}", true},
                 {"{\"1002\":\"9003\"}", false},
                 {"{\"1002\":\"\"}", true},
                 {"{\"1005\":[\"9003\"]}", true},
                 {"{\"1005\":[\"9001\",\"9004\"]}", false},
                 {"{\"1999\":\"x\"}", false},
                 {"{\"1999\":null}", true},
                 {"null", true}};

    (void)state;
    for (size_t at = 0; at < sizeof(cases) / sizeof(*cases); at++) {
        cJSON *fields = read_json(cases[at].fields);

        assert_int_equal(deal_read_known(pipeline, fields), cases[at].known);
        cJSON_Delete(fields);
    }
}

/* ---- Changing -------------------------------------------------------------
 */

static const char box_text[] =
    "{\"key\":\"B1\",\"pipelineKey\":\"P1\",\"stageKey\":\"5001\",\"name\":"
    "\"Order\",\"notes\":\"one\\r\\ntwo \",\"fields\":{\"1001\":1207,\"1002\":"
    "\"9001\",\"1003\":1767261840000,\"1004\":false,\"1005\":[\"9001\","
    "\"9002\"],\"1007\":\"C1\"},\"contacts\":[{\"key\":\"C1\",\"isStarred\":"
    "true}],\"organizations\":[{\"key\":\"O1\",\"isStarred\":false}]}";

struct change_case {
    const char *deal;
    const char *change; /* NULL: refused with the next */
    const char *reason;
};

static const struct change_case change_cases[] = {
    /* What is there already. */
    {"{\"key\":\"B1\"}", "{}", NULL},
    {"{\"name\":\"Order\",\"notes\":\"one\\ntwo\",\"stage\":\"new\"}", "{}",
     NULL},
    {"{\"fields\":{\"Order number\":\"1207\",\"Payment status\":\"unpaid\","
     "\"Paid on\":\"2026-01-01\",\"Invoice sent\":false,\"Channels\":["
     "\"phone\",\"WEB\"],\"Buyer\":[\"C1\"]}}",
     "{}", NULL},
    {"{\"fields\":{\"Order number\":\"1207.0\"}}",
     "{\"fields\":{\"1001\":\"1207.0\"}}", NULL},
    {"{\"fields\":{\"Invoice sent\":null,\"order number (2)\":null}}", "{}",
     NULL},
    {"{\"contacts\":[{\"key\":\"C1\"}],\"organizations\":[{\"key\":\"O1\"}]}",
     "{}", NULL},
    {"{\"add\":{\"contacts\":[\"C1\"],\"fields\":{\"Channels\":[\"web\"]}}}",
     "{}", NULL},
    {"{\"pipeline\":{\"key\":\"P9\"},\"updated_ms\":\"1\"}", "{}", NULL},
    /* Texts and the stage. */
    {"{\"name\":\"New name\",\"notes\":\"\"}",
     "{\"name\":\"New name\",\"notes\":\"\"}", NULL},
    {"{\"stage\":\"Paid\"}", "{\"stageKey\":\"5002\"}", NULL},
    {"{\"stage\":\"New\",\"stage_key\":\"5003\"}", "{\"stageKey\":\"5003\"}",
     NULL},
    {"{\"stage\":\"Won\"}", NULL, "no stage \"Won\""},
    {"{\"stage_key\":\"1\"}", NULL, "no stage with the key \"1\""},
    /* Fields. */
    {"{\"fields\":{\"Order number\":\"0001207\"}}",
     "{\"fields\":{\"1001\":\"0001207\"}}", NULL},
    {"{\"fields\":{\"Order number\":\"A-1\",\"ORDER NUMBER (2)\":\"B\"}}",
     "{\"fields\":{\"1001\":\"A-1\",\"1008\":\"B\"}}", NULL},
    {"{\"fields\":{\"Payment status\":\"Paid\"}}",
     "{\"fields\":{\"1002\":\"9002\"}}", NULL},
    {"{\"fields\":{\"Paid on\":\"2026-01-02\"}}",
     "{\"fields\":{\"1003\":1767312000000}}", NULL},
    {"{\"fields\":{\"Invoice sent\":true}}", "{\"fields\":{\"1004\":true}}",
     NULL},
    {"{\"fields\":{\"Invoice sent\":\"True\"}}", "{\"fields\":{\"1004\":true}}",
     NULL},
    {"{\"fields\":{\"Channels\":[\"partner\",\"partner\"]}}",
     "{\"fields\":{\"1005\":[\"9003\"]}}", NULL},
    {"{\"fields\":{\"Order number\":null,\"Payment status\":\"\",\"Paid on\":"
     "null,\"Channels\":null,\"Buyer\":[]}}",
     "{\"fields\":{\"1001\":\"\",\"1002\":\"\",\"1003\":\"\",\"1005\":[],"
     "\"1007\":[]}}",
     NULL},
    {"{\"fields\":{\"Buyer\":[\"C2\"]}}", "{\"fields\":{\"1007\":[\"C2\"]}}",
     NULL},
    {"{\"fields\":{\"Payment status\":\"Refunded\"}}", NULL,
     "\"Payment status\" has no option \"Refunded\""},
    {"{\"fields\":{\"Channels\":[\"web\",\"fax\"]}}", NULL,
     "\"Channels\" has no option \"fax\""},
    {"{\"fields\":{\"Colour\":\"red\"}}", NULL, "no field \"Colour\""},
    {"{\"fields\":{\"Margin\":\"1\"}}", NULL, "\"Margin\" is computed"},
    {"{\"fields\":{\"Paid on\":\"2026-02-30\"}}", NULL, "is not a date"},
    {"{\"fields\":{\"Paid on\":true}}", NULL, "is not a date"},
    {"{\"fields\":{\"Invoice sent\":\"yes\"}}", NULL, "is not true or false"},
    {"{\"fields\":{\"Channels\":\"web\"}}", NULL, "is not a list"},
    {"{\"fields\":{\"Order number\":true}}", NULL, "is not a text"},
    {"{\"fields\":{\"Order number\":[\"a\"]}}", NULL, "is not a text"},
    {"{\"fields\":{\"Payment status\":[\"Paid\"]}}", NULL, "is not a text"},
    /* Lists. */
    {"{\"contacts\":[{\"key\":\"C2\"}]}",
     "{\"contacts\":[{\"key\":\"C2\",\"isStarred\":false}]}", NULL},
    {"{\"contacts\":[]}", "{\"contacts\":[]}", NULL},
    {"{\"add\":{\"contacts\":[\"C2\",\"C1\"],\"organizations\":[\"O2\"]}}",
     "{\"contacts\":[{\"key\":\"C1\",\"isStarred\":true},{\"key\":\"C2\","
     "\"isStarred\":false}],\"organizations\":[{\"key\":\"O1\",\"isStarred\":"
     "false},{\"key\":\"O2\",\"isStarred\":false}]}",
     NULL},
    {"{\"add\":{\"fields\":{\"Channels\":[\"partner\"]}}}",
     "{\"fields\":{\"1005\":[\"9001\",\"9002\",\"9003\"]}}", NULL},
    {"{\"add\":{\"fields\":{\"Channels\":[\"web\",\"partner\"]}}}",
     "{\"fields\":{\"1005\":[\"9001\",\"9002\",\"9003\"]}}", NULL},
    {"{\"fields\":{\"Channels\":[\"phone\"]},\"add\":{\"fields\":{\"Channels\":"
     "[\"partner\"]}}}",
     "{\"fields\":{\"1005\":[\"9002\",\"9003\"]}}", NULL},
    {"{\"add\":{\"fields\":{\"Buyer\":[\"C2\"]}}}",
     "{\"fields\":{\"1007\":[\"C1\",\"C2\"]}}", NULL},
    {"{\"add\":{\"fields\":{\"Order number\":[\"x\"]}}}", NULL,
     "holds one value"},
    {"{\"add\":{\"fields\":{\"Colour\":[\"x\"]}}}", NULL, "no field"},
};

static void finds_the_difference(void **state)
{
    cJSON *box = read_json(box_text);

    (void)state;
    for (size_t at = 0; at < sizeof(change_cases) / sizeof(*change_cases);
         at++) {
        const struct change_case *item = &change_cases[at];
        cJSON *deal = read_json(item->deal);
        cJSON *wanted = item->change ? read_json(item->change) : NULL;
        struct deal_change_error err;
        cJSON *change = deal_change(pipeline, box, deal, false, &err);
        char *shown = change ? cn_json_print(change) : NULL;

        if (wanted && (!change || !cn_json_equal(change, wanted)))
            fail_msg("%s: %s", item->deal, shown ? shown : err.sentence);
        if (!wanted && (change || !strstr(err.sentence, item->reason)))
            fail_msg("%s: %s", item->deal, shown ? shown : err.sentence);
        if (!wanted)
            assert_int_equal(err.unknown,
                             !strncmp(item->reason, "no ", 3) ||
                                 !!strstr(item->reason, "no option"));
        cJSON_Delete(change);
        cJSON_Delete(wanted);
        cJSON_Delete(deal);
        free(shown);
    }
    cJSON_Delete(box);
}

/* What was sent, once taken, leaves no difference. */
static void nothing_differs_afterwards(void **state)
{
    (void)state;
    for (size_t at = 0; at < sizeof(change_cases) / sizeof(*change_cases);
         at++) {
        cJSON *box = read_json(box_text), *deal, *change, *again;
        struct deal_change_error err;

        deal = read_json(change_cases[at].deal);
        change = deal_change(pipeline, box, deal, false, &err);
        CN_JSON_EACH(item, change)
        {
            CN_JSON_EACH(value,
                         strcmp(item->string, "fields") == 0 ? item : NULL)
            text_put(cn_json_member(box, "fields"), value->string,
                     cJSON_Duplicate(value, true));
            if (strcmp(item->string, "fields") != 0)
                text_put(box, item->string, cJSON_Duplicate(item, true));
        }
        again = change ? deal_change(pipeline, box, deal, true, &err) : NULL;
        if (change && (!again || again->child))
            fail_msg("%s differs still", change_cases[at].deal);
        cJSON_Delete(again);
        cJSON_Delete(change);
        cJSON_Delete(deal);
        cJSON_Delete(box);
    }
}

/* Streak may answer with a number where a text was written. */
static void a_number_shows_its_text(void **state)
{
    static const struct {
        const char *asked;
        bool shown;
    } cases[] = {{"0001207", true},
                 {"1207.00", true},
                 {"1208", false},
                 {"12O7", false},
                 {"", false}};
    cJSON *box = read_json(box_text);

    (void)state;
    for (size_t at = 0; at < sizeof(cases) / sizeof(*cases); at++) {
        cJSON *deal = read_json("{\"fields\":{}}"), *change;
        struct deal_change_error err;

        text_put(cn_json_member(deal, "fields"), "Order number",
                 text_json(cases[at].asked, 20));
        change = deal_change(pipeline, box, deal, true, &err);
        assert_non_null(change);
        assert_int_equal(!change->child, cases[at].shown);
        cJSON_Delete(change);
        cJSON_Delete(deal);
    }
    cJSON_Delete(box);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_dates),
        cmocka_unit_test(cleans_texts),
        cmocka_unit_test(names_are_unique),
        cmocka_unit_test(many_names_are_unique),
        cmocka_unit_test(refuses_other_answers),
        cmocka_unit_test(reads_every_kind),
        cmocka_unit_test(leaves_out_what_it_cannot_tell),
        cmocka_unit_test(sees_unknown_keys),
        cmocka_unit_test(finds_the_difference),
        cmocka_unit_test(nothing_differs_afterwards),
        cmocka_unit_test(a_number_shows_its_text),
    };

    return cmocka_run_group_tests(tests, before, after);
}
