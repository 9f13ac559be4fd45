/* links: syspro_static connect_kit */
/* The operator's session: one call at a time, reuse, loss, logoff; the size of
 * requests; the questions and the check. */
#include "test_syspro.h"

#define CREATED_04                                                             \
    "<SalesOrders><Order><CustomerPoNumber>HS-90017</CustomerPoNumber>"        \
    "<SalesOrder>020450</SalesOrder></Order></SalesOrders>"

static void test_logon_refused(void **state)
{
    struct kit *kit = started(CONFIG);
    char *body = golden("02-logon-bad-password", "response.body");
    cn_op first = deliver(kit, ORDER_04), second = probe(kit, ORDER_04);

    (void)state;
    kit_answer(kit, expect(kit, "/Logon"), 200, body);
    assert_ended(kit, first, CN_AUTH, "ERROR: Invalid operator password");
    assert_ended(kit, second, CN_AUTH, "Invalid operator password");
    assert_int_equal(kit_request_count(kit), 1); /* not tried again */
    free(body);
    kit_destroy(kit);
}

static void test_logon_outcomes(void **state)
{
    static const struct {
        uint32_t code;
        const char *body;
        cn_status status;
    } cases[] = {
        {200, "ERROR: The maximum number of e.net licenses is in use",
         CN_RATE_LIMITED},
        {200, "ERROR: Company data base locked", CN_RATE_LIMITED},
        {200, "ERROR: Invalid company", CN_AUTH},
        {200, "ERROR: anything else", CN_AUTH},
        {200, "", CN_RATE_LIMITED},
        {200, "   \n", CN_RATE_LIMITED},
        {200, "<html>Log in</html>", CN_RATE_LIMITED},
        {200, "\"cut off", CN_RATE_LIMITED},
        {200,
         "0123456789012345678901234567890123456789012345678901234567890"
         "1234",
         CN_RATE_LIMITED},
        {200, "caf\xC3\xA9", CN_RATE_LIMITED},
        {404, "", CN_RATE_LIMITED},
        {302, "", CN_RATE_LIMITED},
        {500, "", CN_RETRY},
        {503, "", CN_RATE_LIMITED},
        {401, "", CN_AUTH}};

    (void)state;
    for (size_t index = 0; index < sizeof(cases) / sizeof(*cases); index++) {
        struct kit *kit = started(CONFIG);
        cn_op op = deliver(kit, ORDER_04);
        kit_answer(kit, expect(kit, "/Logon"), cases[index].code,
                   cases[index].body);
        assert_ended(kit, op, cases[index].status, NULL);
        if (index == 0)
            assert_int_equal(ended(kit, op)->retry_after_ms, 300000);
        kit_destroy(kit);
    }
}

/* A session of exactly 64 characters is one. */
static void test_longest_session(void **state)
{
    struct kit *kit = started(CONFIG);
    cn_op op = deliver(kit, ORDER_04);
    char session[65];

    (void)state;
    memset(session, 'F', 64);
    session[64] = '\0';
    kit_answer(kit, expect(kit, "/Logon"), 200, session);
    assert_non_null(strstr(expect(kit, "/Transaction/Post")->url, session));
    kit_answer(kit, kit_pending(kit), 200, CREATED_04);
    assert_ended(kit, op, CN_OK, NULL);
    kit_destroy(kit);
}

/* The session is gone: one logon, one repeat, even for a post. */
static void test_session_lost(void **state)
{
    struct kit *kit = logged_on(CONFIG);
    cn_op op = deliver(kit, ORDER_04);
    char *body = golden("03-session-invalid", "response.body");

    (void)state;
    kit_answer(kit, expect(kit, "/Transaction/Post"), 200, body);
    kit_answer(kit, expect(kit, "/Logon"), 200, "OTHER");
    assert_non_null(
        strstr(expect(kit, "/Transaction/Post")->url, "?UserId=OTHER&"));
    kit_answer(kit, kit_pending(kit), 200, CREATED_04);
    assert_ended(kit, op, CN_OK, "020450");
    assert_non_null(strstr(kit_log(kit), "warn: the session was gone"));
    assert_null(strstr(kit_log(kit), "error:"));
    free(body);
    kit_destroy(kit);
}

static void test_session_lost_twice(void **state)
{
    struct kit *kit = logged_on(CONFIG);
    cn_op op = deliver(kit, ORDER_04);

    (void)state;
    kit_answer(kit, expect(kit, "/Transaction/Post"), 200, INVALID_SESSION);
    log_on(kit);
    kit_answer(kit, expect(kit, "/Transaction/Post"), 200,
               "\"" INVALID_SESSION "\"");
    assert_ended(kit, op, CN_RATE_LIMITED, "could run");
    assert_non_null(strstr(kit_log(kit), "error: the session ends again"));
    op = deliver(kit, ORDER_04); /* with a new logon */
    log_on(kit);
    kit_answer(kit, expect(kit, "/Transaction/Post"), 200, CREATED_04);
    assert_ended(kit, op, CN_OK, NULL);
    kit_destroy(kit);
}

/* Lost at each of several calls: somebody else uses the operator. */
static void test_session_lost_again_and_again(void **state)
{
    struct kit *kit = logged_on(CONFIG);

    (void)state;
    for (int round = 0; round < 3; round++) {
        cn_op op = deliver(kit, ORDER_04);
        assert_null(strstr(kit_log(kit), "error:"));
        kit_answer(kit, expect(kit, "/Transaction/Post"), 200, INVALID_SESSION);
        log_on(kit);
        kit_answer(kit, expect(kit, "/Transaction/Post"), 200, CREATED_04);
        assert_ended(kit, op, CN_OK, NULL);
    }
    assert_non_null(strstr(kit_log(kit), "does anyone else log on"));
    kit_destroy(kit);
}

/* The logon after a loss fails: the post did not run. */
static void test_logon_fails_after_loss(void **state)
{
    struct kit *kit = logged_on(CONFIG);
    cn_op op = deliver(kit, ORDER_04);

    (void)state;
    kit_answer(kit, expect(kit, "/Transaction/Post"), 200, INVALID_SESSION);
    kit_answer_failure(kit, expect(kit, "/Logon"), KIT_NO_ANSWER);
    assert_ended(kit, op, CN_RETRY, NULL);
    kit_destroy(kit);
}

static void test_one_call_at_a_time(void **state)
{
    struct kit *kit = started(CONFIG);
    cn_op ops[4];

    (void)state;
    for (int index = 0; index < 4; index++)
        ops[index] = deliver(kit, ORDER_04);
    log_on(kit);
    for (int index = 0; index < 4; index++) {
        assert_false(kit_result(kit, ops[index])->done);
        kit_answer(kit, expect(kit, "/Transaction/Post"), 200, CREATED_04);
        assert_ended(kit, ops[index], CN_OK, NULL);
    }
    assert_int_equal(kit_request_count(kit), 5); /* one logon for all */
    kit_destroy(kit);
}

/* An order's look-up comes before the next order's post. */
static void test_order_is_finished_first(void **state)
{
    struct kit *kit = logged_on(CONFIG);
    cn_op first = deliver(kit, ORDER_04), second = deliver(kit, ORDER_04);

    (void)state;
    kit_answer(kit, expect(kit, "/Transaction/Post"), 200,
               "<SalesOrders><StatusOfItems><ItemsProcessed>1</ItemsProcessed>"
               "</StatusOfItems></SalesOrders>");
    kit_answer(kit, expect(kit, "/Query/Query"), 200,
               ROWS("SorMaster", ORDER_ROW("20450", "1", "", "HS-90017"), "1"));
    assert_ended(kit, first, CN_OK, "020450");
    kit_answer(kit, expect(kit, "/Transaction/Post"), 200, CREATED_04);
    assert_ended(kit, second, CN_OK, NULL);
    kit_destroy(kit);
}

static void test_queue_is_bounded(void **state)
{
    cn_plugin plugin = cn_plugin_v1; /* in a host that keeps no max_open */
    struct kit *kit = NULL;
    cn_op op = 0;
    int waiting = 0;

    (void)state;
    plugin.max_open = 1000;
    kit = kit_create(&plugin, CONFIG);
    assert_true(kit_start(kit));
    for (waiting = 0; waiting < 200; waiting++) {
        op = probe(kit, ORDER_04);
        if (kit_result(kit, op)->done)
            break;
    }
    assert_int_equal(waiting, 129); /* one runs, 128 wait */
    assert_ended(kit, op, CN_RETRY, "too many calls");
    kit_answer(kit, expect(kit, "/Logon"), 200, "ERROR: no");
    kit_destroy(kit); /* all have ended, or this is a breach */
}

static void test_cancel(void **state)
{
    struct kit *kit = logged_on(CONFIG);
    cn_op first = deliver(kit, ORDER_04), second = deliver(kit, ORDER_04);
    cn_op third = probe(kit, ORDER_04);

    (void)state;
    kit_cancel(kit, second);
    assert_ended(kit, second, CN_CANCELLED, NULL);
    kit_cancel(kit, first); /* it is on the wire */
    assert_ended(kit, first, CN_IN_DOUBT, NULL);
    kit_answer(kit, expect(kit, "/Query/Query"), 200,
               ROWS("SorMaster", "", "0"));
    assert_ended(kit, third, CN_ABSENT, NULL);
    kit_destroy(kit);
}

static void test_stop(void **state)
{
    struct kit *kit = logged_on(CONFIG);
    cn_op op = kit_stop(kit);
    struct kit_request *request = expect(kit, "/Logoff");

    (void)state;
    assert_non_null(strstr(request->url, "?UserId=9F2C"));
    assert_non_null(strstr(request->url, "%20%20"));
    kit_answer(kit, request, 200, "0");
    assert_ended(kit, op, CN_OK, NULL);
    kit_destroy(kit);

    kit = started(CONFIG); /* never logged on */
    op = kit_stop(kit);
    assert_ended(kit, op, CN_OK, NULL);
    assert_int_equal(kit_request_count(kit), 0);
    kit_destroy(kit);
}

static void test_idle_logoff(void **state)
{
    struct kit *kit = logged_on(CONFIG_START ",\"session_idle_seconds\":60}");
    cn_op op = 0;

    (void)state;
    kit_advance(kit, 59999);
    assert_int_equal(kit_pending_count(kit), 0);
    kit_advance(kit, 1);
    op = deliver(kit, ORDER_04); /* waits for the logoff */
    kit_answer(kit, expect(kit, "/Logoff"), 200, "0");
    log_on(kit);
    kit_answer(kit, expect(kit, "/Transaction/Post"), 200, CREATED_04);
    assert_ended(kit, op, CN_OK, NULL);
    assert_int_equal(kit_timer_count(kit), 1);
    op = kit_stop(kit);
    kit_answer_failure(kit, expect(kit, "/Logoff"), KIT_NO_ANSWER);
    assert_ended(kit, op, CN_OK, NULL);
    assert_int_equal(kit_timer_count(kit), 0);
    kit_destroy(kit);
}

/* ---- Sizes ----------------------------------------------------------------
 */

/* The order of golden cases 20 and 30: 60 lines. */
static char *large_order(int lines)
{
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);

    fprintf(
        to,
        "{\"external_id\":\"b\",\"customer\":\"0001207\",\"po_number\":"
        "\"HS-90030\",\"order_date\":\"2026-03-02\",\"requested_ship_date\":"
        "\"2026-03-09\",\"lines\":[");
    for (int line = 1; line <= lines; line++)
        fprintf(to,
                "%s{\"line\":\"%d\",\"stock_code\":\"A%03d\",\"warehouse\":"
                "\"FG\",\"quantity\":\"1\",\"unit\":\"EA\",\"price\":"
                "\"10.00000\"}",
                line > 1 ? "," : "", line, line);
    fprintf(to, "]}");
    fclose(to);
    return text;
}

static void test_large_order(void **state)
{
    struct kit *kit = logged_on(CONFIG);
    char *order = large_order(60), *text = NULL, *expected = NULL;
    cn_op op = deliver(kit, order);
    struct kit_request *request = expect(kit, "/Transaction/PostLD");
    char *start = NULL;

    (void)state;
    assert_string_equal(request->method, "POST");
    assert_int_equal(request->effect, 1);
    assert_string_equal(kit_request_header(request, "Content-Type"),
                        "application/xml");
    assert_non_null(strstr(request->body, "<UserId>" SESSION_ID "</UserId>"
                                          "<BusinessObject>SORTOI<"));
    assert_non_null(strstr(request->body, "<XmlParameters><![CDATA[<?xml"));
    start = strstr(request->body, "<XmlIn><![CDATA[") + 16;
    text = strndup(start, (size_t)(strstr(start, "]]>") - start));
    expected = golden("30-url-too-long", "xmlin.xml");
    assert_same_document(text, expected);
    free(expected);
    expected = golden("20-postld-large-order", "response.body");
    kit_answer(kit, request, 200, expected);
    assert_ended(kit, op, CN_OK, "020460");
    free(expected);
    free(text);
    free(order);
    kit_destroy(kit);
}

/* "GET <url> HTTP/1.1" with its line end is exactly as long as allowed, and
 * one byte longer. */
static void test_size_at_the_byte(void **state)
{
    char config[512];
    size_t line = 0;

    (void)state;
    for (size_t over = 0; over < 2; over++) {
        struct kit *kit = logged_on(CONFIG);
        char *order = large_order(20);
        cn_op op = deliver(kit, order);
        line = strlen("GET  HTTP/1.1\r\n") +
               strlen(expect(kit, "/Transaction/Post")->url);
        kit_answer(kit, kit_pending(kit), 200, "ERROR: locked");
        assert_ended(kit, op, CN_RETRY, NULL);
        kit_destroy(kit);

        snprintf(config, sizeof(config), CONFIG_START ",\"url_bytes_max\":%zu}",
                 line - over);
        kit = logged_on(config);
        op = deliver(kit, order);
        kit_answer(
            kit,
            expect(kit, over ? "/Transaction/PostLD" : "/Transaction/Post"),
            200, "ERROR: locked");
        assert_ended(kit, op, CN_RETRY, NULL);
        kit_destroy(kit);

        snprintf(config, sizeof(config),
                 CONFIG_START ",\"post_large\":false,\"url_bytes_max\":%zu}",
                 line - over);
        kit = logged_on(config);
        op = deliver(kit, order);
        if (!over)
            kit_answer(kit, expect(kit, "/Transaction/Post"), 200,
                       "ERROR: locked");
        assert_ended(kit, op, over ? CN_REJECTED : CN_RETRY,
                     over ? "too large" : NULL);
        kit_destroy(kit);
        free(order);
    }
}

/* The server's limit is lower than ours: a size refusal did not run. */
static void test_size_refused(void **state)
{
    struct kit *kit = logged_on(CONFIG);
    cn_op op = deliver(kit, ORDER_04);
    char *body = golden("30-url-too-long", "response.body");

    (void)state;
    kit_answer(kit, expect(kit, "/Transaction/Post"), 400, body);
    kit_answer(kit, expect(kit, "/Transaction/PostLD"), 200, CREATED_04);
    assert_ended(kit, op, CN_OK, "020450");
    op = deliver(kit, ORDER_04);
    kit_answer(kit, expect(kit, "/Transaction/Post"), 414, NULL);
    kit_answer(kit, expect(kit, "/Transaction/PostLD"), 404, NULL);
    assert_ended(kit, op, CN_REJECTED, "PostLD");
    op = deliver(kit, ORDER_04);
    kit_answer(kit, expect(kit, "/Transaction/Post"), 414, NULL);
    kit_answer(kit, expect(kit, "/Transaction/PostLD"), 400, NULL);
    assert_ended(kit, op, CN_REJECTED, "too large");
    op = deliver(kit, ORDER_04);
    kit_answer(kit, expect(kit, "/Transaction/Post"), 414, NULL);
    kit_answer_failure(kit, expect(kit, "/Transaction/PostLD"), KIT_NO_ANSWER);
    assert_ended(kit, op, CN_IN_DOUBT, NULL);
    free(body);
    kit_destroy(kit);
}

/* ---- Questions --------------------------------------------------------------
 */

#define CUSTOMER_ROW                                                           \
    "<Row><Customer>000000000001415</Customer><Name>Quay &amp; Caf\xE9</Name>" \
    "<CustomerOnHold>Y</CustomerOnHold><Currency>GBP</Currency></Row>"

static void test_find_customer(void **state)
{
    struct kit *kit = logged_on(CONFIG);
    cn_op op = kit_call(kit, "find_customer", "{\"customer\":\"1415\"}");
    char *text = parameter(expect(kit, "/Query/Query")->url, "XmlIn");

    (void)state;
    assert_non_null(strstr(text, "<TableName>ArCustomer<"));
    assert_non_null(strstr(text, "<Value>000000000001415<"));
    kit_answer(kit, kit_pending(kit), 200,
               ROWS("ArCustomer", CUSTOMER_ROW, "1"));
    assert_string_equal(ended(kit, op)->body,
                        "{\"customer\":\"0001415\",\"name\":\"Quay & "
                        "Caf\xC3\xA9\",\"on_hold\":true,\"currency\":\"GBP\"}");
    free(text);

    op = kit_call(kit, "find_customer", "{\"name\":\"A & B\"}");
    text = parameter(expect(kit, "/Query/Query")->url, "XmlIn");
    assert_non_null(strstr(text, "<Column>Name</Column><Condition>EQ"
                                 "</Condition><Value>A &amp; B</Value>"));
    kit_answer(kit, kit_pending(kit), 200, ROWS("ArCustomer", "", "0"));
    assert_string_equal(ended(kit, op)->body, "null");
    free(text);

    op = kit_call(kit, "find_customer", "{\"name\":\"Twins\"}");
    kit_answer(kit, expect(kit, "/Query/Query"), 200,
               ROWS("ArCustomer", CUSTOMER_ROW CUSTOMER_ROW, "2"));
    assert_ended(kit, op, CN_REJECTED, "several");
    op = kit_call(kit, "find_customer", "{\"customer\":\"ABC\"}");
    assert_string_equal(ended(kit, op)->body, "null");
    op = kit_call(kit, "find_customer", "{}");
    assert_ended(kit, op, CN_REJECTED, NULL);
    op = kit_call(kit, "find_customer", "{\"customer\":\"1\"}");
    kit_answer(kit, expect(kit, "/Query/Query"), 200, "<html/>");
    assert_ended(kit, op, CN_RETRY, "unreadable");
    op = kit_call(kit, "find_other", "{}");
    assert_ended(kit, op, CN_UNSUPPORTED, NULL);
    kit_destroy(kit);
}

static void test_find_stock_code(void **state)
{
    struct kit *kit = logged_on(CONFIG);
    cn_op op = kit_call(kit, "find_stock_code", "{\"stock_code\":\"a100\"}");
    char *text = parameter(expect(kit, "/Query/Query")->url, "XmlIn");

    (void)state;
    assert_non_null(strstr(text, "<TableName>InvMaster<"));
    assert_non_null(strstr(text, "<Value>A100<"));
    kit_answer(kit, kit_pending(kit), 200,
               ROWS("InvMaster",
                    "<Row><StockCode>A100</StockCode><Decimals>     3"
                    "</Decimals><StockOnHold/></Row>",
                    "1"));
    assert_string_equal(ended(kit, op)->body, "{\"stock_code\":\"A100\","
                                              "\"decimals\":\"3\","
                                              "\"on_hold\":false}");
    free(text);
    op = kit_call(kit, "find_stock_code", "{\"stock_code\":\"X\"}");
    kit_answer(kit, expect(kit, "/Query/Query"), 200,
               ROWS("InvMaster", "", "0"));
    assert_string_equal(ended(kit, op)->body, "null");
    op = kit_call(kit, "find_stock_code", "{\"stock_code\":\"X\"}");
    kit_answer(kit, expect(kit, "/Query/Query"), 200,
               "ERROR: e.net exception raised: 100000");
    assert_ended(kit, op, CN_AUTH, "100000");
    kit_destroy(kit);
}

static void test_check(void **state)
{
    static const char *const versions[] = {"", "<html/>", "ERROR: no",
                                           "8.0 beta"};
    struct kit *kit = started(CONFIG);
    cn_op op = 0;

    (void)state;
    for (size_t index = 0; index < 4; index++) {
        op = kit_check(kit);
        kit_answer(kit, expect(kit, "/GetVersion"), 200, versions[index]);
        assert_ended(kit, op, CN_RETRY, "base_url");
    }
    op = kit_check(kit);
    kit_answer(kit, expect(kit, "/GetVersion"), 200, "\"7.0.0.6\"");
    kit_answer(kit, expect(kit, "/Logon"), 200, "ERROR: Invalid operator");
    assert_ended(kit, op, CN_AUTH, "Invalid operator");
    kit_destroy(kit);
}

static void test_configuration(void **state)
{
    static const char *const wrong[] = {
        CONFIG_START ",\"order_parameters\":{\"Process\":\"VALIDATE\"}}",
        CONFIG_START ",\"order_parameters\":{\"A b\":\"1\"}}",
        CONFIG_START ",\"order_key\":{\"length\":6,\"presentation\":7}}",
        "{\"base_url\":\"http://erp.test/Rest?x=1\"}", "{\"base_url\":\"/\"}"};
    struct kit *kit = NULL;
    cn_op op = 0;
    char *text = NULL;

    (void)state;
    for (size_t index = 0; index < sizeof(wrong) / sizeof(*wrong); index++) {
        kit = kit_create(&cn_plugin_v1, wrong[index]);
        assert_false(kit_start(kit));
        assert_non_null(strstr(kit_log(kit), "error:"));
        kit_destroy(kit);
    }
    kit = started(CONFIG_START
                  ",\"language\":\"05\",\"gateway_header\":\"X-Key\","
                  "\"gateway_key\":\"k\",\"order_parameters\":{"
                  "\"AllocationAction\":\"B\",\"TypeOfOrder\":\"ORD\","
                  "\"AllowZeroPrice\":\"\"}}");
    op = deliver(kit, ORDER_04);
    assert_string_equal(expect(kit, "/Logon")->url,
                        BASE_URL "/Logon?Operator=CRMLINK&CompanyId=EDU1&"
                                 "LanguageCode=05&LogLevel=&EncoreInstance=0&"
                                 "XmlIn=");
    assert_non_null(
        strstr(kit_pending(kit)->auth, ",header:X-Key gateway_key"));
    log_on(kit);
    assert_string_equal(expect(kit, "/Transaction/Post")->auth,
                        "header:X-Key gateway_key");
    text = parameter(kit_pending(kit)->url, "XmlParameters");
    assert_non_null(strstr(text, "<AllocationAction>B<"));
    assert_non_null(strstr(text, "<TypeOfOrder>ORD<"));
    assert_non_null(strstr(text, "<Process>IMPORT<"));
    assert_null(strstr(text, "AllowZeroPrice"));
    kit_answer(kit, kit_pending(kit), 200, CREATED_04);
    assert_ended(kit, op, CN_OK, NULL);
    free(text);
    kit_destroy(kit);
}

/* No document, password or personal text gets into the log. */
static void test_log_is_silent(void **state)
{
    struct kit *kit = started(CONFIG);
    cn_op op = deliver(kit, ORDER_04);

    (void)state;
    log_on(kit);
    kit_answer(kit, expect(kit, "/Transaction/Post"), 200, INVALID_SESSION);
    log_on(kit);
    kit_answer(kit, expect(kit, "/Transaction/Post"), 200, CREATED_04);
    assert_ended(kit, op, CN_OK, NULL);
    assert_null(strstr(kit_log(kit), "s3cret"));
    assert_null(strstr(kit_log(kit), "HS-90017"));
    assert_null(strstr(kit_log(kit), "9F2C"));
    kit_destroy(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logon_refused),
        cmocka_unit_test(test_logon_outcomes),
        cmocka_unit_test(test_longest_session),
        cmocka_unit_test(test_session_lost),
        cmocka_unit_test(test_session_lost_twice),
        cmocka_unit_test(test_session_lost_again_and_again),
        cmocka_unit_test(test_logon_fails_after_loss),
        cmocka_unit_test(test_one_call_at_a_time),
        cmocka_unit_test(test_order_is_finished_first),
        cmocka_unit_test(test_queue_is_bounded),
        cmocka_unit_test(test_cancel),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_idle_logoff),
        cmocka_unit_test(test_large_order),
        cmocka_unit_test(test_size_at_the_byte),
        cmocka_unit_test(test_size_refused),
        cmocka_unit_test(test_find_customer),
        cmocka_unit_test(test_find_stock_code),
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_configuration),
        cmocka_unit_test(test_log_is_silent)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
