/* test_checker.c - the checker must be able to fail: ledgers that are wrong in
 * one place each, and the sentence it says about it. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "checker.h"

#define KEY "agxzfm1haWxmb29nYWVyLwsSDE9yZ2FuaXphdGlvbiIM"
#define OTHER_KEY "agxzfm1haWxmb29nYWVyLwsSDE9yZ2FuaXphdGlvbiIN"

#define ORGANIZATION "agxzfm1haWxmb29nYWVyLwsSDE9yZ2FuaXphdGlvbiIO"

/* One deal, three events of which one was a duplicate, one order. */
static const char good_text[] =
    "{\"sender\":["
    " {\"keys\":[\"" KEY "\"],\"ids\":[\"" KEY "@9\"],\"status\":503},"
    " {\"keys\":[\"" KEY "\"],\"ids\":[\"" KEY "@1\"],\"status\":200},"
    " {\"keys\":[\"" KEY "\",\"" OTHER_KEY "\"],"
    "  \"ids\":[\"" KEY "@1\",\"" OTHER_KEY "@2\"],\"status\":200}],"
    "\"deals\":[{\"key\":\"" KEY "\",\"stage\":\"Closed-Won\","
    "  \"organizations\":[{\"key\":\"" ORGANIZATION "\"}],\"fields\":{"
    "  \"Order lines\":\"A100; 3; 149.90\\nB200;10;12.5\","
    "  \"SYSPRO order\":\"020450\"}},"
    " {\"key\":\"" OTHER_KEY "\",\"stage\":\"Quoted\",\"fields\":{}}],"
    "\"organizations\":{\"" ORGANIZATION "\":{"
    "  \"SYSPRO customer\":\"000000000001207\"}},"
    "\"comments\":[{\"change\":\"create\",\"detail\":{\"boxKey\":\"" KEY "\","
    "  \"message\":\"SYSPRO sales order 020450 [ext:order/1]\"}},"
    " {\"change\":\"create\",\"detail\":{\"boxKey\":\"" OTHER_KEY "\","
    "  \"message\":\"a person's\"}},"
    " {\"change\":\"create\",\"detail\":{\"boxKey\":\"" OTHER_KEY "\","
    "  \"message\":\"a person's\"}}],"
    "\"orders\":[{\"key\":\"000000000020450\",\"reference\":\"%s\","
    "  \"commits\":1,\"detail\":{"
    "  \"sales_order\":\"020450\",\"customer\":\"0001207\",\"lines\":["
    "  {\"stock_code\":\"A100\",\"quantity\":\"3.000000\","
    "   \"price\":\"149.90000\",\"price_sent\":\"149.9\"},"
    "  {\"stock_code\":\"B200\",\"quantity\":\"10\",\"price\":\"12.50\","
    "   \"price_sent\":\"12.50\"}]}}],"
    "\"status\":{\"events\":2,\"duplicates\":1},"
    "\"runs\":[{\"run\":1,\"state\":\"done\","
    "  \"trigger\":{\"key\":\"" KEY "\",\"id\":\"" KEY "@1\"},"
    "  \"deliveries\":[{\"path\":\"post\",\"type\":\"sales_order/1\","
    "   \"state\":\"done\",\"reference\":{\"sales_order\":\"020450\"}},"
    "   {\"path\":\"comment\",\"type\":\"activity/1\",\"state\":\"done\"}],"
    "  \"history\":[{\"act\":\"event.accepted\"},"
    "   {\"act\":\"delivery.done\",\"path\":\"post\"},"
    "   {\"act\":\"delivery.done\",\"path\":\"comment\"},"
    "   {\"act\":\"run.done\"}]},"
    " {\"run\":2,\"state\":\"parked\","
    "  \"trigger\":{\"key\":\"" OTHER_KEY "\",\"id\":\"" OTHER_KEY "@2\"},"
    "  \"deliveries\":[],\"history\":[{\"act\":\"event.accepted\"},"
    "   {\"act\":\"run.parked\"}]},"
    " {\"run\":3,\"state\":\"queued\",\"behind\":2,"
    "  \"trigger\":{\"key\":\"" OTHER_KEY "\",\"id\":\"" OTHER_KEY "@3\"},"
    "  \"deliveries\":[],\"history\":[{\"act\":\"event.accepted\"},"
    "   {\"act\":\"run.queued\"}]}],"
    "\"texts\":[{\"where\":\"the log\",\"text\":\"run 1 is done\"},"
    "  {\"where\":\"/v1/runs\",\"text\":\"{}\"}],"
    "\"forbidden\":[\"s3cret\",\"KANARI\"],"
    "\"sessions\":[\"0123456789ABCDEF0123456789ABCDEF00  \"],"
    "\"program\":{\"log\":\"run 1 is done\",\"starts\":3,"
    "  \"planned_starts\":3,\"cores\":0,\"descriptors\":20,"
    "  \"descriptors_after\":21,\"memory\":100000,"
    "  \"memory_after\":105000}}";

static cJSON *good_ledgers(void)
{
    char po[CHECKER_PO_MAX];
    char *text = NULL;
    cJSON *ledgers;

    checker_po(KEY, po);
    assert_true(asprintf(&text, good_text, po) > 0);
    ledgers = cJSON_Parse(text);
    assert_non_null(ledgers);
    free(text);
    return ledgers;
}

/* What is at "orders/0/detail/lines": names and positions. */
static cJSON *at(cJSON *from, const char *path)
{
    char copy[200];
    char *rest = copy, *word;

    snprintf(copy, sizeof(copy), "%s", path);
    while (from && (word = strsep(&rest, "/")))
        from = cJSON_IsArray(from)
                   ? cJSON_GetArrayItem(from, (int)strtol(word, NULL, 10))
                   : cJSON_GetObjectItemCaseSensitive(from, word);
    assert_non_null(from);
    return from;
}

/* The checker must say the sentence; ledgers are ended. */
static void must_say(cJSON *ledgers, const char *sentence)
{
    char *complaints = NULL;
    size_t count = checker_compare(ledgers, &complaints);

    if (!count || !strstr(complaints, sentence))
        fail_msg("%s: said only: %s", sentence, complaints ? complaints : "");
    free(complaints);
    cJSON_Delete(ledgers);
}

static cJSON *with_text(const char *path, const char *text)
{
    cJSON *ledgers = good_ledgers();

    assert_non_null(cJSON_SetValuestring(at(ledgers, path), text));
    return ledgers;
}

static cJSON *with_number(const char *path, double number)
{
    cJSON *ledgers = good_ledgers();

    cJSON_SetNumberValue(at(ledgers, path), number);
    return ledgers;
}

static cJSON *without(const char *path, int index)
{
    cJSON *ledgers = good_ledgers();

    cJSON_DeleteItemFromArray(at(ledgers, path), index);
    return ledgers;
}

static void test_good(void **state)
{
    cJSON *ledgers = good_ledgers();
    char *complaints = NULL;

    (void)state;
    if (checker_compare(ledgers, &complaints))
        fail_msg("%s", complaints);
    free(complaints);
    cJSON_Delete(ledgers);
}

static void test_lost_event(void **state)
{
    cJSON *ledgers = good_ledgers();

    (void)state;
    cJSON_AddItemToArray(at(ledgers, "sender"),
                         cJSON_Parse("{\"keys\":[\"gone\"],\"status\":200}"));
    must_say(ledgers, "I1: deal gone: 1 events answered 200, none stored");
    must_say(with_number("status/events", 1),
             "I1: 3 events answered 200, the store counts 2");
}

/* Two events of one deal, and one run. */
static void test_lost_later_event(void **state)
{
    cJSON *ledgers = good_ledgers();
    char *complaints = NULL;

    (void)state;
    cJSON_AddItemToArray(at(ledgers, "sender"),
                         cJSON_Parse("{\"keys\":[\"" KEY "\"],\"ids\":[\"" KEY
                                     "@4\"],\"status\":200}"));
    cJSON_SetNumberValue(at(ledgers, "status/events"), 3);
    must_say(cJSON_Duplicate(ledgers, true),
             "I1: event " KEY "@4 was answered 200, not stored");
    /* No flow wanted it. */
    cJSON_AddNumberToObject(ledgers, "runless", 1);
    assert_int_equal(checker_compare(ledgers, &complaints), 0);
    free(complaints);
    cJSON_Delete(ledgers);
    ledgers = good_ledgers();
    cJSON_AddItemToArray(
        at(ledgers, "sender"),
        cJSON_Parse("{\"keys\":[\"" KEY "\",\"" KEY "\"],"
                    "\"ids\":[\"{1}\",\"{2}\"],\"status\":200}"));
    cJSON_SetNumberValue(at(ledgers, "status/events"), 4);
    must_say(ledgers, "2 events without a time answered 200, 0 stored");
}

static void test_double_order(void **state)
{
    cJSON *ledgers = good_ledgers();
    cJSON *order = cJSON_Duplicate(at(ledgers, "orders/0"), true);

    (void)state;
    cJSON_AddItemToArray(at(ledgers, "orders"), order);
    must_say(ledgers, " has 2 orders");
    must_say(without("orders", 0), " is done without an order");
    must_say(with_number("orders/0/commits", 2), "was changed after");
    must_say(with_text("orders/0/detail/sales_order", "020451"),
             "is order 020451 in the ERP, 020450 in the store");
    must_say(with_text("deals/0/fields/SYSPRO order", "020449"),
             "carries order 020449, not 020450");
}

static void test_foreign_order(void **state)
{
    cJSON *ledgers = good_ledgers();

    (void)state;
    cJSON_SetValuestring(at(ledgers, "orders/0/reference"), "PO-1");
    must_say(ledgers, "I3: order 020450 with PO PO-1 has no stored event");
    must_say(without("runs", 0), "I3: order 020450");
}

static void test_changed_amount(void **state)
{
    (void)state;
    must_say(with_text("orders/0/detail/lines/0/quantity", "30"),
             "line 1: quantity 30, not 3");
    must_say(with_text("orders/0/detail/lines/1/price_sent", "12.49"),
             "line 2: price 12.50 (sent 12.49), not 12.5");
    must_say(with_text("orders/0/detail/lines/1/price", "12.51"),
             "line 2: price 12.51");
    must_say(with_text("orders/0/detail/lines/1/stock_code", "A100"),
             "line 2: stock code A100, not B200");
    must_say(without("orders/0/detail/lines", 1), "has 2 lines, its order 1");
}

static void test_wrong_customer(void **state)
{
    static const char organization[] =
        "organizations/" ORGANIZATION "/SYSPRO customer";
    cJSON *ledgers = good_ledgers();

    (void)state;
    must_say(with_text("orders/0/detail/customer", "0001310"),
             "customer 0001310, not 000000000001207");
    /* The same number, and not the same identifier. */
    must_say(with_text("orders/0/detail/customer", "1207.0"),
             "customer 1207.0, not 000000000001207");
    must_say(with_text(organization, ""), "no customer to hold against");
    /* The deal's own goes before. */
    cJSON_AddStringToObject(at(ledgers, "deals/0/fields"), "SYSPRO customer",
                            "K-9");
    must_say(ledgers, "customer 0001207, not K-9");
}

static void test_double_comment(void **state)
{
    cJSON *ledgers = good_ledgers();
    cJSON *comment = cJSON_Duplicate(at(ledgers, "comments/0"), true);

    (void)state;
    cJSON_SetValuestring(at(comment, "detail/message"),
                         "in other words [ext:order/1]");
    cJSON_AddItemToArray(at(ledgers, "comments"), comment);
    must_say(ledgers, " has more than one comment [ext:order/1]");
    must_say(without("comments", 0), " has not the comment that is done");
}

static void test_keys(void **state)
{
    (void)state;
    assert_true(checker_same_key("0001207", "000000000001207"));
    assert_true(checker_same_key("1207", "0001207"));
    assert_true(checker_same_key("K-9", "K-9"));
    assert_false(checker_same_key("K-9", "k-9"));
    assert_false(checker_same_key("1207", "1207.0"));
    assert_false(checker_same_key("0K9", "K9"));
    assert_false(checker_same_key("", "0"));
    assert_false(checker_same_key("0000000000000001", "1")); /* 16 digits */
}

static void test_no_rest(void **state)
{
    (void)state;
    must_say(with_text("runs/0/state", "ready"), "I5: run 1 does not rest");
    must_say(with_text("runs/1/state", "active"), "I5: run 3 does not rest");
    must_say(with_text("runs/0/deliveries/0/state", "sending"),
             "I5: run 1 still sends post");
}

static void test_history(void **state)
{
    (void)state;
    must_say(without("runs/0/history", 0), "I6: run 1 has no entry event");
    must_say(without("runs/0/history", 1),
             "I6: run 1 has no entry delivery.done of post");
    must_say(without("runs/0/history", 3),
             "I6: run 1 is done, its last entry says none");
    must_say(with_text("runs/1/history/1/act", "run.held"),
             "I6: run 2 is parked, its last entry says held");
    must_say(with_text("runs/0/history/2/act", "delivery.parked"),
             "I6: run 1, comment is done, its last entry says parked");
}

static void test_status(void **state)
{
    static const int wrong[] = {201, 202, 204, 301, 302, 307, 410, 500};

    (void)state;
    for (size_t index = 0; index < sizeof(wrong) / sizeof(*wrong); index++)
        must_say(with_number("sender/0/status", wrong[index]), "I9: ");
}

static void test_forbidden_words(void **state)
{
    (void)state;
    must_say(with_text("texts/0/text", "operator s3cret"),
             "I7: the log has \"s3cret\"");
    must_say(with_text("texts/1/text", "{\"a\":\"kanari17\"}"),
             "I7: /v1/runs has \"KANARI\"");
}

static void test_session(void **state)
{
    (void)state;
    must_say(
        with_text("texts/0/text", "asked: F0123456789ABCDEF0123456789ABCDEF00"),
        "I7: the log has a session: 0123456789ABCDEF");
    must_say(with_text("texts/1/text", "0123456789ABCDEF0123456789ABCDEF"),
             "I7: /v1/runs has a session");
}

static void test_program_left_something(void **state)
{
    (void)state;
    must_say(with_text("program/log", "==1==ERROR: AddressSanitizer: x"),
             "I8: the log says: AddressSanitizer");
    must_say(with_number("program/starts", 4), "I8: 4 starts, 3 of them");
    must_say(with_number("program/cores", 1),
             "I8: the daemon ended by a signal");
    must_say(with_number("program/descriptors_after", 22),
             "I8: descriptors: 20, after the run 22");
    must_say(with_number("program/memory_after", 105001),
             "I8: memory: 100000, after the run 105001");
}

static void test_decimals(void **state)
{
    (void)state;
    assert_true(checker_same_decimal("3", "3.000"));
    assert_true(checker_same_decimal("0003.10", "3.1"));
    assert_true(checker_same_decimal("0", "0.00"));
    assert_false(checker_same_decimal("3", "30"));
    assert_false(checker_same_decimal("3", "0.3"));
    assert_false(checker_same_decimal("0.1", "0.10000000000000001"));
    assert_false(checker_same_decimal("9007199254740993", "9007199254740992"));
    assert_false(checker_same_decimal("", ""));
    assert_false(checker_same_decimal("1e3", "1e3"));
}

/* The program says it by its exit code. */
static void test_program(void **state)
{
    char path[] = "/tmp/connect-e2e-ledgers.XXXXXX";
    const char *const arguments[] = {CONNECT_BUILD_DIR "/tests/e2e/e2e-check",
                                     path, NULL};
    cJSON *ledgers = good_ledgers();
    char *text = cJSON_Print(ledgers), *said = NULL;
    int file = mkstemp(path);

    (void)state;
    assert_true(write(file, text, strlen(text)) == (ssize_t)strlen(text));
    assert_int_equal(process_output(arguments, 10000, &said), 0);
    free(said);
    assert_int_equal(ftruncate(file, 0), 0);
    assert_int_equal(process_output(arguments, 10000, NULL), 2);
    cJSON_Delete(ledgers);
    cJSON_free(text);
    ledgers = without("orders", 0);
    text = cJSON_Print(ledgers);
    assert_true(pwrite(file, text, strlen(text), 0) == (ssize_t)strlen(text));
    assert_int_equal(process_output(arguments, 10000, &said), 1);
    assert_non_null(strstr(said, "I2: "));
    free(said);
    cJSON_Delete(ledgers);
    cJSON_free(text);
    close(file);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_lost_event),
        cmocka_unit_test(test_lost_later_event),
        cmocka_unit_test(test_double_order),
        cmocka_unit_test(test_foreign_order),
        cmocka_unit_test(test_changed_amount),
        cmocka_unit_test(test_wrong_customer),
        cmocka_unit_test(test_double_comment),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_no_rest),
        cmocka_unit_test(test_history),
        cmocka_unit_test(test_status),
        cmocka_unit_test(test_forbidden_words),
        cmocka_unit_test(test_session),
        cmocka_unit_test(test_program_left_something),
        cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_program),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
