/* links: syspro_static connect_kit */
/* The way of an order: deliver and probe, golden answers, every HTTP outcome.
 */
#include "test_syspro.h"

#define ORDER_HEAD(po)                                                         \
    "{\"external_id\":\"box-1\",\"customer\":\"0001207\",\"po_number\":\"" po  \
    "\",\"order_date\":\"2026-03-02\",\"requested_ship_date\":\"2026-03-09\"," \
    "\"lines\":["
#define ORDER_LINE(line, code, quantity, price)                                \
    "{\"line\":\"" line "\",\"stock_code\":\"" code                            \
    "\",\"warehouse\":\"FG\",\"quantity\":\"" quantity                         \
    "\",\"unit\":\"EA\",\"price\":\"" price "\"}"
#define ORDER_05                                                               \
    ORDER_HEAD("HS-90018")                                                     \
    ORDER_LINE("1", "A100", "1", "149.90000")                                  \
    "," ORDER_LINE("2", "B200", "10", "12.50000") "]}"
#define ORDER_06                                                               \
    ORDER_HEAD("HS-90019")                                                     \
    ORDER_LINE("1", "A100", "1", "149.90000")                                  \
    "," ORDER_LINE("2", "NOSUCH", "2", "5.00000") "]}"

/* Deliver and answer the post with the body of a golden case. */
static cn_op post_golden(struct kit *kit, const char *order, const char *folder,
                         const char *file)
{
    char *body = golden(folder, file);
    cn_op op = deliver(kit, order);
    struct kit_request *request = expect(kit, "/Transaction/Post");

    assert_int_equal(request->effect, 1);
    assert_string_equal(request->method, "GET");
    kit_answer(kit, request, 200, body);
    free(body);
    return op;
}

static void answer_golden(struct kit *kit, const char *path, const char *folder)
{
    char *body = golden(folder, "response.body");

    kit_answer(kit, expect(kit, path), 200, body);
    free(body);
}

/* Every element of the golden parameters is sent with that value. */
static void assert_parameters(const char *url, const char *folder)
{
    char *golden_text = golden(folder, "params.xml");
    char *sent = parameter(url, "XmlParameters");
    char *expected = bare(golden_text), *got = bare(sent), *at = NULL;
    char *start = strstr(expected, "<Parameters>") + strlen("<Parameters>");

    *strstr(expected, "</Parameters>") = '\0';
    for (at = start; *at;) {
        char element[128];
        char *end = strstr(at, "</");
        end = strchr(end, '>') + 1;
        snprintf(element, sizeof(element), "%.*s", (int)(end - at), at);
        if (!strstr(got, element))
            fail_msg("%s is not among %s", element, got);
        at = end;
    }
    assert_non_null(strstr(got, "<WarnIfCustomerOnHold>N<"));
    assert_non_null(strstr(got, "<AcceptOrdersIfNoCredit>N<"));
    free(golden_text);
    free(sent);
    free(expected);
    free(got);
}

static void assert_document(const char *url, const char *folder)
{
    char *expected = golden(folder, "xmlin.xml");
    char *sent = parameter(url, "XmlIn");

    assert_same_document(sent, expected);
    free(expected);
    free(sent);
}

static void test_created_without_number(void **state)
{
    struct kit *kit = started(CONFIG);
    cn_op op = deliver(kit, ORDER_04);
    struct kit_request *request = expect(kit, "/Logon");
    char *text = NULL;

    (void)state;
    assert_string_equal(request->auth,
                        "query:OperatorPassword operator_password,"
                        "query:CompanyPassword company_password,"
                        "header:X-Api-Key gateway_key");
    assert_string_equal(request->url,
                        BASE_URL "/Logon?Operator=CRMLINK&CompanyId=EDU1");
    answer_golden(kit, "/Logon", "01-logon-ok");
    request = expect(kit, "/Transaction/Post");
    assert_int_equal(request->effect, 1);
    assert_non_null(strstr(request->url, "?" SESSION_SENT));
    assert_parameters(request->url, "04-sortoi-add-clean-no-number");
    assert_document(request->url, "04-sortoi-add-clean-no-number");
    answer_golden(kit, "/Transaction/Post", "04-sortoi-add-clean-no-number");
    request = expect(kit, "/Query/Query");
    assert_int_equal(request->effect, 0);
    text = parameter(request->url, "XmlIn");
    assert_non_null(strstr(text, "<Column>Customer</Column><Condition>EQ"
                                 "</Condition><Value>000000000001207</Value>"));
    assert_non_null(strstr(text, "<Value>HS-90017</Value>"));
    assert_non_null(strstr(text, "<ReturnRows>"));
    free(text);
    answer_golden(kit, "/Query/Query", "10-comfnd-order-by-po");
    assert_ended(kit, op, CN_OK, NULL);
    assert_string_equal(ended(kit, op)->body,
                        "{\"sales_order\":\"020450\","
                        "\"sales_order_stored\":\"000000000020450\","
                        "\"customer\":\"0001207\",\"po_number\":\"HS-90017\","
                        "\"warnings\":[]}");
    assert_int_equal(kit_request_count(kit), 3);
    kit_destroy(kit);
}

static void test_created_with_warning(void **state)
{
    struct kit *kit = logged_on(CONFIG);
    cn_op op = deliver(kit, ORDER_05);

    (void)state;
    assert_document(expect(kit, "/Transaction/Post")->url,
                    "05-sortoi-add-with-warnings");
    answer_golden(kit, "/Transaction/Post", "05-sortoi-add-with-warnings");
    assert_ended(kit, op, CN_OK,
                 "\"warnings\":[\"Quantity of 4.000 placed on back order for "
                 "stock code 'B200'\"]");
    assert_ended(kit, op, CN_OK, "\"sales_order\":\"020451\"");
    assert_ended(kit, op, CN_OK, "\"000000000020451\"");
    kit_destroy(kit);
}

static void test_unknown_stock_code(void **state)
{
    struct kit *kit = logged_on(CONFIG);
    cn_op op = deliver(kit, ORDER_06);

    (void)state;
    assert_document(expect(kit, "/Transaction/Post")->url,
                    "06-sortoi-unknown-stock-code");
    answer_golden(kit, "/Transaction/Post", "06-sortoi-unknown-stock-code");
    assert_ended(kit, op, CN_REJECTED,
                 "StockLine 2 (NOSUCH): Stock code 'NOSUCH' is invalid and "
                 "non-stocked items are not allowed");
    kit_destroy(kit);
}

/* Other golden answers to a post, fed in as the answer to our order. */
static void test_golden_answers(void **state)
{
    static const struct {
        const char *folder, *file, *po;
        cn_status status;
        const char *words;
    } cases[] = {{"08-sortoi-rejected-empty-number", "response.body",
                  "HS-90021", CN_REJECTED, "without a reason"},
                 {"09-sortoi-all-line-types", "response.body", "#R&D 22", CN_OK,
                  "020452"},
                 {"05-sortoi-add-with-warnings", "response.body", "HS-90017",
                  CN_IN_DOUBT, "another order"},
                 {"06-sortoi-unknown-stock-code", "response.body", "HS-90017",
                  CN_IN_DOUBT, "another order"},
                 {"28-bo-not-licensed", "response.body", "HS-90017", CN_AUTH,
                  "e.net exception raised: 100000"},
                 {"31-sortos-validate-trap", "response.body", "HS-90017",
                  CN_IN_DOUBT, "unreadable"},
                 {"10-comfnd-order-by-po", "response.body", "HS-90017",
                  CN_IN_DOUBT, "unreadable"},
                 {"30-url-too-long", "response.body", "HS-90017", CN_IN_DOUBT,
                  "unreadable"},
                 {"29-gateway-401", "response.body", "HS-90017", CN_IN_DOUBT,
                  "unreadable"}};

    (void)state;
    for (size_t index = 0; index < sizeof(cases) / sizeof(*cases); index++) {
        struct kit *kit = logged_on(CONFIG);
        char order[1024];
        cn_op op = 0;
        snprintf(order, sizeof(order),
                 "{\"external_id\":\"b\",\"customer\":\"0001207\","
                 "\"po_number\":\"%s\",\"order_date\":\"2026-03-02\","
                 "\"lines\":[" ORDER_LINE("1", "A100", "3", "149.90") "]}",
                 cases[index].po);
        op = post_golden(kit, order, cases[index].folder, cases[index].file);
        assert_ended(kit, op, cases[index].status, cases[index].words);
        assert_int_equal(ended(kit, op)->alert,
                         !strcmp(cases[index].words, "another order"));
        kit_destroy(kit);
    }
}

/* The three bodies of case 25 lead to the look-up; then they say the same. */
static void test_wrapped_bodies(void **state)
{
    static const char *const files[] = {"response.body",
                                        "response-string.body"};
    char *session = golden("25-body-wrapped-json", "response-logon.body");

    (void)state;
    for (size_t index = 0; index < 2; index++) {
        struct kit *kit = started(CONFIG);
        cn_op op = deliver(kit, ORDER_04);
        char *body = golden("25-body-wrapped-json", files[index]);
        kit_answer(kit, expect(kit, "/Logon"), 200, session);
        assert_non_null(
            strstr(expect(kit, "/Transaction/Post")->url, SESSION_SENT));
        kit_answer(kit, kit_pending(kit), 200, body);
        answer_golden(kit, "/Query/Query", "10-comfnd-order-by-po");
        assert_ended(kit, op, CN_OK, "020450");
        free(body);
        kit_destroy(kit);
    }
    free(session);
}

/* After a post only these statuses of HTTP say that nothing was done. */
static void test_http_outcomes(void **state)
{
    static const struct {
        uint32_t code;
        cn_status status;
        const char *words;
    } cases[] = {
        {500, CN_IN_DOUBT, "500"},       {502, CN_IN_DOUBT, "502"},
        {503, CN_IN_DOUBT, "503"},       {504, CN_IN_DOUBT, "504"},
        {408, CN_IN_DOUBT, "408"},       {401, CN_AUTH, "gateway"},
        {403, CN_AUTH, "gateway"},       {429, CN_RATE_LIMITED, "429"},
        {404, CN_REJECTED, "base_url"},  {405, CN_REJECTED, "base_url"},
        {302, CN_REJECTED, "redirects"}, {307, CN_REJECTED, "redirects"},
        {400, CN_REJECTED, "too large"}, {414, CN_REJECTED, "too large"},
        {204, CN_IN_DOUBT, "unreadable"}};

    (void)state;
    for (size_t index = 0; index < sizeof(cases) / sizeof(*cases); index++) {
        struct kit *kit = logged_on(CONFIG_START ",\"post_large\":false}");
        cn_op op = deliver(kit, ORDER_04);
        kit_answer(kit, expect(kit, "/Transaction/Post"), cases[index].code,
                   NULL);
        assert_ended(kit, op, cases[index].status, cases[index].words);
        kit_destroy(kit);
    }
}

static void test_no_answer(void **state)
{
    static const struct {
        enum kit_failure failure;
        cn_status status;
    } cases[] = {{KIT_NOT_SENT, CN_RETRY},
                 {KIT_NO_ANSWER, CN_IN_DOUBT},
                 {KIT_UNREADABLE, CN_IN_DOUBT},
                 {KIT_NO_CREDENTIAL, CN_REJECTED}};

    (void)state;
    for (size_t index = 0; index < 4; index++) {
        struct kit *kit = logged_on(CONFIG);
        cn_op op = deliver(kit, ORDER_04);
        kit_answer_failure(kit, expect(kit, "/Transaction/Post"),
                           cases[index].failure);
        assert_ended(kit, op, cases[index].status, NULL);
        kit_destroy(kit);
    }
}

/* F14: answers of 200 that say nothing. */
static void test_unreadable_answers(void **state)
{
    static const char *const bodies[] = {
        "",
        " ",
        "\n",
        "{}",
        "null",
        "\"\"",
        "<string/>",
        "0",
        "020450",
        "<html><body>Log in</body></html>",
        "<!DOCTYPE SalesOrders><SalesOrders/>",
        "<SalesOrders><StatusOfItems><ItemsProcessed>000001</ItemsProcessed>",
        "<SalesOrders><StatusOfItems><ItemsProcessed>one</ItemsProcessed>"
        "</StatusOfItems></SalesOrders>",
        "<SalesOrders><Order><CustomerPoNumber>HS-90017</CustomerPoNumber>"
        "<SalesOrder>1</SalesOrder></Order><Order><SalesOrder>2</SalesOrder>"
        "</Order></SalesOrders>",
        "<SalesOrders><Order><SalesOrder>nonsense</SalesOrder></Order>"
        "</SalesOrders>"};

    (void)state;
    for (size_t index = 0; index < sizeof(bodies) / sizeof(*bodies); index++) {
        struct kit *kit = logged_on(CONFIG);
        cn_op op = deliver(kit, ORDER_04);
        kit_answer(kit, expect(kit, "/Transaction/Post"), 200, bodies[index]);
        assert_ended(kit, op, CN_IN_DOUBT, NULL);
        kit_destroy(kit);
    }
}

/* Each reason that SYSPRO gives has its next move. */
static void test_reasons(void **state)
{
    static const struct {
        const char *body;
        cn_status status;
    } cases[] = {
        {REFUSED("Customer '0001207' is on hold"), CN_HOLD},
        {REFUSED("Credit limit exceeded for customer '0001207'"), CN_HOLD},
        {REFUSED("Posting period 2026-03 is closed"), CN_HOLD},
        {REFUSED("The period is not open"), CN_HOLD},
        {REFUSED("Sales order record is in use by operator 'ADMIN'"), CN_RETRY},
        {REFUSED("Customer is being processed"), CN_RETRY},
        {REFUSED("Customer record LOCKED"), CN_RETRY},
        {REFUSED("Stock code is blocked"), CN_REJECTED},
        {REFUSED("Customer '0001207' not found"), CN_REJECTED},
        {REFUSED(""), CN_REJECTED},
        {REFUSED("Customer on hold</ErrorDescription><ErrorDescription>"
                 "Warehouse 'X' not found"),
         CN_REJECTED},
        {REFUSED("Record is locked</ErrorDescription><ErrorDescription>"
                 "Customer on hold"),
         CN_HOLD},
        {"ERROR: e.net exception raised: 100000", CN_AUTH},
        {"ERROR: The maximum number of e.net licenses is in use",
         CN_RATE_LIMITED},
        {"error: record locked", CN_RETRY}};

    (void)state;
    for (size_t index = 0; index < sizeof(cases) / sizeof(*cases); index++) {
        struct kit *kit = logged_on(CONFIG);
        cn_op op = deliver(kit, ORDER_04);
        kit_answer(kit, expect(kit, "/Transaction/Post"), 200,
                   cases[index].body);
        if (ended(kit, op)->status != cases[index].status)
            fail_msg("%s: %d", cases[index].body, (int)ended(kit, op)->status);
        kit_destroy(kit);
    }
}

/* The created order cannot be found: never "nothing happened". */
static void test_look_up_fails(void **state)
{
    static const char *const bodies[] = {
        "ERROR: something",
        "",
        "<SorMaster/>",
        "<SorMaster><RowsReturned>1</RowsReturned></SorMaster>",
        "<SorDetail><RowsReturned>0</RowsReturned></SorDetail>",
        ROWS("SorMaster", "", "0"),
        "<html/>",
        INVALID_SESSION,
        ROWS("SorMaster", ORDER_ROW("000000000020450", "1", "", "OTHER-1"),
             "1")};

    (void)state;
    for (size_t index = 0; index < sizeof(bodies) / sizeof(*bodies); index++) {
        struct kit *kit = logged_on(CONFIG);
        cn_op op = post_golden(kit, ORDER_04, "04-sortoi-add-clean-no-number",
                               "response.body");
        kit_answer(kit, expect(kit, "/Query/Query"), 200, bodies[index]);
        if (kit_pending(kit)) { /* the session was gone */
            log_on(kit);
            kit_answer(kit, expect(kit, "/Query/Query"), 200, bodies[index]);
        }
        assert_ended(kit, op, CN_IN_DOUBT, NULL);
        kit_destroy(kit);
    }
}

static void test_duplicate(void **state)
{
    static const char found[] = ROWS(
        "SorMaster", ORDER_ROW("000000000020450", "1", "", "HS-90017"), "1");
    static const struct {
        const char *orders, *lines;
        cn_status status;
        const char *words;
    } cases[] = {
        {found, LINES_04, CN_OK, "\"adopted\":true"},
        {found,
         ROWS("SorDetail", LINE_ROW("A100", "4.000000", "149.90000"), "1"),
         CN_REJECTED, "line 1: quantity 4.000000 there, 3 here"},
        {found,
         ROWS("SorDetail", LINE_ROW("A100", "3.000000", "149.91000"), "1"),
         CN_REJECTED, "price 149.91000 there, 149.90000 here"},
        {found,
         ROWS("SorDetail", LINE_ROW("B200", "3.000000", "149.90000"), "1"),
         CN_REJECTED, "stock code B200 there"},
        {found, ROWS("SorDetail", "", "0"), CN_REJECTED,
         "0 stocked lines there, 1 here"},
        {found, "ERROR: e.net exception raised: 100000", CN_OK,
         "could not be compared"},
        {found, "", CN_IN_DOUBT, "could not be read"},
        {ROWS("SorMaster", "", "0"), NULL, CN_REJECTED,
         "Duplicate order number"}};

    (void)state;
    for (size_t index = 0; index < sizeof(cases) / sizeof(*cases); index++) {
        struct kit *kit = logged_on(CONFIG);
        cn_op op = deliver(kit, ORDER_04);
        kit_answer(kit, expect(kit, "/Transaction/Post"), 200,
                   REFUSED("Duplicate order number - customer purchase order "
                           "HS-90017"));
        kit_answer(kit, expect(kit, "/Query/Query"), 200, cases[index].orders);
        if (cases[index].lines) {
            char *text = parameter(expect(kit, "/Query/Query")->url, "XmlIn");
            assert_non_null(strstr(text, "<TableName>SorDetail<"));
            assert_non_null(strstr(text, "<Value>000000000020450<"));
            free(text);
            kit_answer(kit, kit_pending(kit), 200, cases[index].lines);
        }
        assert_ended(kit, op, cases[index].status, cases[index].words);
        kit_destroy(kit);
    }
}

/* An ERROR that does not tell: only the look-up says what happened. */
static void test_unlisted_error(void **state)
{
    struct kit *kit = logged_on(CONFIG_START ",\"compare_lines\":\"never\"}");
    cn_op op = deliver(kit, ORDER_04);

    (void)state;
    kit_answer(kit, expect(kit, "/Transaction/Post"), 200,
               "ERROR: Unexpected \x93"
               "end\x94 of file");
    kit_answer(kit, expect(kit, "/Query/Query"), 200,
               ROWS("SorMaster", "", "0"));
    assert_ended(kit, op, CN_REJECTED,
                 "ERROR: Unexpected \xE2\x80\x9C"
                 "end");
    op = deliver(kit, ORDER_04);
    kit_answer(kit, expect(kit, "/Transaction/Post"), 200, "ERROR: what?");
    answer_golden(kit, "/Query/Query", "10-comfnd-order-by-po");
    assert_ended(kit, op, CN_OK, "020450");
    op = deliver(kit, ORDER_04);
    kit_answer(kit, expect(kit, "/Transaction/Post"), 200, "ERROR: what?");
    kit_answer_failure(kit, expect(kit, "/Query/Query"), KIT_NOT_SENT);
    assert_ended(kit, op, CN_IN_DOUBT, "could not be looked up");
    kit_destroy(kit);
}

/* An error beside an order's number: the look-up decides, and what is not there
 * is refused, or held, as the error says. */
static void test_error_beside_number(void **state)
{
    static const char answer[] =
        "<SalesOrders><Order><SalesOrder>020450</SalesOrder>"
        "<ErrorDescription>Customer 1 is on hold</ErrorDescription></Order>"
        "</SalesOrders>";
    struct kit *kit = logged_on(CONFIG_START ",\"compare_lines\":\"never\"}");
    cn_op op = deliver(kit, ORDER_04);

    (void)state;
    kit_answer(kit, expect(kit, "/Transaction/Post"), 200, answer);
    answer_golden(kit, "/Query/Query", "10-comfnd-order-by-po");
    assert_ended(kit, op, CN_OK, "020450");
    op = deliver(kit, ORDER_04);
    kit_answer(kit, expect(kit, "/Transaction/Post"), 200, answer);
    kit_answer(kit, expect(kit, "/Query/Query"), 200,
               ROWS("SorMaster", "", "0"));
    assert_ended(kit, op, CN_HOLD, "on hold");
    kit_destroy(kit);
}

/* "another amount": with compare_lines always, new orders are checked too. */
static void test_created_with_other_amount(void **state)
{
    struct kit *kit = logged_on(CONFIG_START ",\"compare_lines\":\"always\"}");
    cn_op op = post_golden(kit, ORDER_04, "04-sortoi-add-clean-no-number",
                           "response.body");

    (void)state;
    answer_golden(kit, "/Query/Query", "10-comfnd-order-by-po");
    kit_answer(
        kit, expect(kit, "/Query/Query"), 200,
        ROWS("SorDetail", LINE_ROW("A100", "3.000000", "14.99000"), "1"));
    assert_ended(kit, op, CN_IN_DOUBT, "other amounts");
    op = probe(kit, ORDER_04);
    answer_golden(kit, "/Query/Query", "10-comfnd-order-by-po");
    kit_answer(
        kit, expect(kit, "/Query/Query"), 200,
        ROWS("SorDetail", LINE_ROW("A100", "3.000000", "14.99000"), "1"));
    assert_ended(kit, op, CN_REJECTED, "exists with other amounts");
    kit_destroy(kit);
}

static void test_probe(void **state)
{
    static const struct {
        const char *body;
        cn_status status;
        const char *words;
    } cases[] = {
        {ROWS("SorMaster", ORDER_ROW("000000000020450", "1", "", "HS-90017"),
              "1"),
         CN_OK, "\"sales_order\":\"020450\""},
        {ROWS("SorMaster",
              ORDER_ROW("000000000020450", "\\", "", "HS-90017")
                  ORDER_ROW("000000000020460", "1", "", "HS-90017")
                      ORDER_ROW("000000000020455", "1", "", "HS-90017"),
              "3"),
         CN_OK, "\"sales_order\":\"020455\""},
        {ROWS("SorMaster",
              ORDER_ROW("000000000020450", "\\", "", "HS-90017")
                  ORDER_ROW("000000000020460", "1", "", "HS-90017"),
              "2"),
         CN_OK, "2 sales orders of this customer have this PO number"},
        {ROWS("SorMaster", ORDER_ROW("000000000020450", "9", "Y", "HS-90017"),
              "1"),
         CN_OK, "\"cancelled\":true"},
        {ROWS("SorMaster", "", "0"), CN_ABSENT, NULL},
        {ROWS("SorMaster", "", "1"), CN_RETRY, "unreadable"},
        {"<SorMaster></SorMaster>", CN_RETRY, "unreadable"},
        {ROWS("SorMaster", ORDER_ROW("000000000020450", "1", "", "hs-90017"),
              "1"),
         CN_ABSENT, NULL},
        {ROWS("SorMaster", ORDER_ROW("000000000020450", "1", "", "HS-1"), "1"),
         CN_RETRY, "unreadable"},
        {"ERROR: e.net exception raised: 100000", CN_AUTH, "100000"},
        {"ERROR: all licenses are in use", CN_RATE_LIMITED, "licenses"},
        {"ERROR: what?", CN_RETRY, "what?"},
        {"", CN_RETRY, NULL},
        {"<!DOCTYPE SorMaster><SorMaster><RowsReturned>0</RowsReturned>"
         "</SorMaster>",
         CN_RETRY, NULL}};

    (void)state;
    for (size_t index = 0; index < sizeof(cases) / sizeof(*cases); index++) {
        struct kit *kit = logged_on(CONFIG);
        cn_op op = probe(kit, ORDER_04);
        assert_int_equal(expect(kit, "/Query/Query")->effect, 0);
        kit_answer(kit, kit_pending(kit), 200, cases[index].body);
        if (kit_pending(kit))
            kit_answer(kit, expect(kit, "/Query/Query"), 200, LINES_04);
        assert_ended(kit, op, cases[index].status, cases[index].words);
        kit_destroy(kit);
    }
}

/* A credit note of the same PO number is not the order. */
static void test_credit_note(void **state)
{
    struct kit *kit = logged_on(CONFIG);
    cn_op op = probe(kit, ORDER_04);

    (void)state;
    kit_answer(kit, expect(kit, "/Query/Query"), 200,
               ROWS("SorMaster",
                    "<Row><SalesOrder>000000000020440</SalesOrder>"
                    "<DocumentType>C</DocumentType><CustomerPoNumber>HS-90017"
                    "</CustomerPoNumber></Row>",
                    "1"));
    assert_ended(kit, op, CN_ABSENT, NULL);
    kit_destroy(kit);
}

/* Whatever else stands in the way, "duplicate" says that the order is there. */
static void test_duplicate_among_others(void **state)
{
    struct kit *kit = logged_on(CONFIG);
    cn_op op = deliver(kit, ORDER_04);

    (void)state;
    kit_answer(
        kit, expect(kit, "/Transaction/Post"), 200,
        REFUSED("Warehouse 'X' not found</ErrorDescription>"
                "<ErrorDescription>Duplicate order number"
                "</ErrorDescription><ErrorDescription>Customer on hold"));
    answer_golden(kit, "/Query/Query", "10-comfnd-order-by-po");
    kit_answer(kit, expect(kit, "/Query/Query"), 200, LINES_04);
    assert_ended(kit, op, CN_OK, "\"adopted\":true");
    kit_destroy(kit);
}

/* What cannot be compared is not a difference: another unit, or a price that
 * SYSPRO was told to find itself; comments between the lines do not count. */
static void test_not_comparable(void **state)
{
    static const char *const configs[] = {
        CONFIG, CONFIG_START
        ",\"order_parameters\":{\"AlwaysUsePriceEntered\":\"N\"}}"};
    static const char *const rows[] = {
        "<Row><MStockCode>A100</MStockCode><MOrderQty>0.250000</MOrderQty>"
        "<MOrderUom>DZ</MOrderUom><MPrice>1798.80000</MPrice><MPriceUom>DZ"
        "</MPriceUom></Row>",
        "<Row><MStockCode/><LineType>6</LineType></Row><Row><MStockCode>A100"
        "</MStockCode><MOrderQty>3.000</MOrderQty><MOrderUom>EA</MOrderUom>"
        "<MPrice>151.00000</MPrice><MPriceUom>EA</MPriceUom></Row>"};

    (void)state;
    for (size_t index = 0; index < 2; index++) {
        struct kit *kit = logged_on(configs[index]);
        cn_op op = probe(kit, ORDER_04);
        char body[1024];
        answer_golden(kit, "/Query/Query", "10-comfnd-order-by-po");
        snprintf(body, sizeof(body),
                 "<SorDetail>%s<RowsReturned>%zu</RowsReturned></SorDetail>",
                 rows[index], index + 1);
        kit_answer(kit, expect(kit, "/Query/Query"), 200, body);
        assert_ended(kit, op, CN_OK, "020450");
        kit_destroy(kit);
    }
}

#define ACCENTS "\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9"
#define LONG_NAME "x" ACCENTS ACCENTS ACCENTS /* 43 bytes, cut inside one */

/* A message is cut between characters, wherever its end falls; the kit breaks
 * off otherwise. */
static void test_long_texts(void **state)
{
    char text[300] = "", body[4000];

    (void)state;
    for (size_t shift = 0; shift < 8; shift++) {
        struct kit *kit = logged_on(CONFIG);
        cn_op op = deliver(kit, ORDER_04);
        memset(text, 'x', shift);
        for (size_t len = shift; len < 240; len += 3)
            memcpy(text + len, "\xE2\x82\xAC", 4);
        snprintf(body, sizeof(body),
                 "<SalesOrders><" LONG_NAME ">"
                 "<ErrorDescription>%s</ErrorDescription>"
                 "<ErrorDescription>%s</ErrorDescription>"
                 "<ErrorDescription>%s</ErrorDescription>"
                 "</" LONG_NAME "></SalesOrders>",
                 text, text, text);
        kit_answer(kit, expect(kit, "/Transaction/Post"), 200, body);
        assert_ended(kit, op, CN_REJECTED, "\xE2\x82\xAC\xE2\x82\xAC");
        kit_destroy(kit);
    }
}

/* Blanks inside a code are sent as they are. */
static void test_blanks_in_codes(void **state)
{
    struct kit *kit = logged_on(CONFIG);
    char *text = NULL;
    cn_op op = deliver(kit, ORDER_HEAD("HS-90017")
                                ORDER_LINE("1", " a  1 ", "3", "1") "]}");

    (void)state;
    text = parameter(expect(kit, "/Transaction/Post")->url, "XmlIn");
    assert_non_null(strstr(text, "<StockCode>A  1</StockCode>"));
    kit_answer(kit, kit_pending(kit), 200, REFUSED("Duplicate order number"));
    answer_golden(kit, "/Query/Query", "10-comfnd-order-by-po");
    kit_answer(kit, expect(kit, "/Query/Query"), 200,
               ROWS("SorDetail", LINE_ROW("A  1", "3.000000", "1.00000"), "1"));
    assert_ended(kit, op, CN_OK, "\"adopted\":true");
    free(text);
    kit_destroy(kit);
}

/* A cancelled order is adopted as such; its lines say nothing any more. */
static void test_cancelled_is_not_compared(void **state)
{
    struct kit *kit = logged_on(CONFIG);
    cn_op op = probe(kit, ORDER_04);

    (void)state;
    kit_answer(kit, expect(kit, "/Query/Query"), 200,
               ROWS("SorMaster",
                    ORDER_ROW("000000000020450", "*", "", "HS-90017"),
                    "000001"));
    assert_int_equal(kit_pending_count(kit), 0);
    assert_ended(kit, op, CN_OK, "\"cancelled\":true");
    kit_destroy(kit);
}

/* The time that a gateway asks for is passed on. */
static void test_retry_after(void **state)
{
    static const char *const headers[] = {"Retry-After", "7", NULL};
    struct kit *kit = logged_on(CONFIG);
    cn_op op = deliver(kit, ORDER_04);

    (void)state;
    kit_answer_headers(kit, expect(kit, "/Transaction/Post"), 429, headers,
                       cn_text(""));
    assert_ended(kit, op, CN_RATE_LIMITED, NULL);
    assert_int_equal(ended(kit, op)->retry_after_ms, 7000);
    op = deliver(kit, ORDER_04);
    kit_answer_headers(kit, expect(kit, "/Transaction/Post"), 503, headers,
                       cn_text(""));
    assert_ended(kit, op, CN_IN_DOUBT, NULL);
    assert_int_equal(ended(kit, op)->retry_after_ms, 7000);
    kit_destroy(kit);
}

static void test_probe_without_answer(void **state)
{
    struct kit *kit = logged_on(CONFIG);
    cn_op op = probe(kit, ORDER_04);

    (void)state;
    kit_answer_failure(kit, expect(kit, "/Query/Query"), KIT_NO_ANSWER);
    assert_ended(kit, op, CN_RETRY, NULL);
    op = probe(kit, ORDER_04);
    answer_golden(kit, "/Query/Query", "11-comfnd-no-rows");
    assert_ended(kit, op, CN_ABSENT, NULL);
    op = probe(kit, ORDER_04);
    kit_answer(kit, expect(kit, "/Query/Query"), 404, NULL);
    assert_ended(kit, op, CN_RETRY, NULL);
    op = probe(kit, ORDER_04);
    kit_answer(kit, expect(kit, "/Query/Query"), 401, NULL);
    assert_ended(kit, op, CN_AUTH, NULL);
    kit_destroy(kit);
}

static void test_not_for_us(void **state)
{
    struct kit *kit = started(CONFIG);
    cn_record record = {.size = sizeof(record),
                        .change = CN_DELETE,
                        .type = "sales_order/1",
                        .id = CN_STR("e"),
                        .key = CN_STR("k"),
                        .body = CN_STR(ORDER_04)};
    cn_op op = kit_deliver_records(kit, &record, 1);

    (void)state;
    assert_ended(kit, op, CN_UNSUPPORTED, NULL);
    op = deliver(kit, "{\"customer\":\"ABC\",\"po_number\":\"X\"}");
    assert_ended(kit, op, CN_REJECTED, "customer_key");
    op = deliver(kit, "{\"customer\":\"1\",\"po_number\":\"X\","
                      "\"order_date\":\"2026-03-02\",\"lines\":[]}");
    assert_ended(kit, op, CN_REJECTED, "no lines");
    op = deliver(kit,
                 ORDER_HEAD("X") ORDER_LINE("1", "A", "1.0000001", "1") "]}");
    assert_ended(kit, op, CN_REJECTED, "line 1");
    assert_int_equal(kit_request_count(kit), 0);
    kit_destroy(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_created_without_number),
        cmocka_unit_test(test_created_with_warning),
        cmocka_unit_test(test_unknown_stock_code),
        cmocka_unit_test(test_golden_answers),
        cmocka_unit_test(test_wrapped_bodies),
        cmocka_unit_test(test_http_outcomes),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_unreadable_answers),
        cmocka_unit_test(test_reasons),
        cmocka_unit_test(test_look_up_fails),
        cmocka_unit_test(test_duplicate),
        cmocka_unit_test(test_unlisted_error),
        cmocka_unit_test(test_error_beside_number),
        cmocka_unit_test(test_created_with_other_amount),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_credit_note),
        cmocka_unit_test(test_duplicate_among_others),
        cmocka_unit_test(test_not_comparable),
        cmocka_unit_test(test_long_texts),
        cmocka_unit_test(test_blanks_in_codes),
        cmocka_unit_test(test_cancelled_is_not_compared),
        cmocka_unit_test(test_retry_after),
        cmocka_unit_test(test_probe_without_answer),
        cmocka_unit_test(test_not_for_us)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
