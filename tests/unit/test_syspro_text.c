/* links: syspro_static connect_kit */
/* Text, keys, addresses and documents: what is sent, byte by byte. */
#include "test_syspro.h"

#include "keys.h"
#include "order_map.h"
#include "request.h"
#include "text.h"

static char *as_xml(const char *utf8, size_t characters_max)
{
    struct text text;

    text_init(&text, 10000);
    text_put_xml(&text, cn_text(utf8), characters_max);
    text_put(&text, "");
    assert_false(text.failed);
    return text.ptr;
}

static void test_xml(void **state)
{
    static const char *const cases[][2] = {
        {"plain", "plain"},
        {"<a> & \"b\" 'c'", "&lt;a&gt; &amp; \"b\" 'c'"},
        {"]]>", "]]&gt;"},
        {"K\xC3\xB6ln", "K&#246;ln"},
        {"\xE2\x82\xAC 5", "&#8364; 5"},
        {"\xC5\xA0koda", "&#352;koda"},
        {"\xE2\x80\x93", "&#8211;"},
        {"Gda\xC5\x84sk", "Gda?sk"},
        {"\xE6\x9D\xB1\xE4\xBA\xAC", "??"},
        {"\xF0\x9F\x9A\x80!", "?!"},
        {"e\xCC\x81", "e"},
        {"a\tb\r\nc", "a b  c"},
        {"\x01\x1F\x7F\xC2\x85x", "x"},
        {"\xC2\xA0", "&#160;"}};

    (void)state;
    for (size_t index = 0; index < sizeof(cases) / sizeof(*cases); index++) {
        char *text = as_xml(cases[index][0], 0);
        assert_string_equal(text, cases[index][1]);
        free(text);
    }
}

/* Lengths count characters, not bytes of UTF-8 or of references. */
static void test_cut(void **state)
{
    char *text = as_xml("\xC3\xA9\xC3\xA9\xC3\xA9&x", 4);

    (void)state;
    assert_string_equal(text, "&#233;&#233;&#233;&amp;");
    free(text);
}

static void test_text_limits(void **state)
{
    struct text text;

    (void)state;
    text_init(&text, 5);
    text_put(&text, "12345");
    assert_false(text.failed);
    text_put(&text, "6");
    assert_true(text.failed);
    text_done(&text);
    text_init(&text, 5);
    text_put_xml(&text, cn_text("\xFF"), 0);
    assert_true(text.failed);
    text_done(&text);
}

static void test_clean(void **state)
{
    static const char *const cases[][2] = {
        {"  a  b \n", "a b"},
        {"Caf\xE9 \x80", "Caf\xC3\xA9 \xE2\x82\xAC"},
        {"Caf\xC3\xA9", "Caf\xC3\xA9"},
        {"\x81", "?"},
        {"   ", ""},
        {"12345678901234567", "123456789012345"},
        {"12345678901234\xC3\xA9", "12345678901234"}};
    char to[16];

    (void)state;
    for (size_t index = 0; index < sizeof(cases) / sizeof(*cases); index++) {
        text_clean(to, sizeof(to), cn_text(cases[index][0]));
        assert_string_equal(to, cases[index][1]);
    }
}

/* A code may have several blanks inside, which are part of it. */
static void test_trim(void **state)
{
    char to[8];

    (void)state;
    text_trim(to, sizeof(to), cn_text(" \n a  b1 \t"), true);
    assert_string_equal(to, "A  B1");
    text_trim(to, sizeof(to), cn_text("a\xC3\xA9"), true);
    assert_string_equal(to, "A\xC3\xA9");
    text_trim(to, sizeof(to), cn_text("123456\xC3\xA9"), false);
    assert_string_equal(to, "123456");
    text_trim(to, sizeof(to), cn_text("   "), false);
    assert_string_equal(to, "");
    text_trim(to, sizeof(to), cn_text(NULL), false);
    assert_string_equal(to, "");
}

static void test_encoding(void **state)
{
    struct text text;

    (void)state;
    text_init(&text, 1000);
    text_put_encoded(&text, cn_text("a-Z_0.9~ +&#%=?/\"<\xC3\xA9\n"));
    assert_string_equal(text.ptr, "a-Z_0.9~%20%2B%26%23%25%3D%3F%2F%22%3C"
                                  "%C3%A9%0A");
    text_done(&text);
}

static void test_keys(void **state)
{
    static const struct key_kind numeric = {true, 15, 7},
                                 alpha = {false, 15, 7},
                                 bare_kind = {true, 15, 0};
    char to[KEY_MAX];

    (void)state;
    assert_true(key_stored(&numeric, cn_text("0001207"), to));
    assert_string_equal(to, "000000000001207");
    assert_true(key_stored(&numeric, cn_text(" 1207 "), to));
    assert_string_equal(to, "000000000001207");
    assert_true(key_stored(&numeric, cn_text("000000000000000001207"), to));
    assert_string_equal(to, "000000000001207");
    assert_true(key_stored(&numeric, cn_text("0"), to));
    assert_string_equal(to, "000000000000000");
    assert_false(key_stored(&numeric, cn_text("1234567890123456"), to));
    assert_false(key_stored(&numeric, cn_text("12A"), to));
    assert_false(key_stored(&numeric, cn_text("-1"), to));
    assert_false(key_stored(&numeric, cn_text("  "), to));
    assert_false(key_stored(&numeric, cn_text(""), to));
    assert_true(key_stored(&alpha, cn_text(" 0100 "), to));
    assert_string_equal(to, "0100");
    assert_false(key_stored(&alpha, cn_text("a\nb"), to));
    assert_false(
        key_stored(&alpha, cn_text("1234567890123456789012345678901"), to));
    assert_true(key_shown(&numeric, cn_text("000000000001207"), to));
    assert_string_equal(to, "0001207");
    assert_true(key_shown(&numeric, cn_text("123456789"), to));
    assert_string_equal(to, "123456789");
    assert_true(key_shown(&bare_kind, cn_text("000000000001207"), to));
    assert_string_equal(to, "1207");
    assert_true(key_shown(&alpha, cn_text("0100"), to));
    assert_string_equal(to, "0100");
}

static void test_patterns(void **state)
{
    (void)state;
    assert_true(text_matches("The PERIOD 3 is Closed", "period*closed"));
    assert_false(text_matches("closed period", "period*closed"));
    assert_true(text_matches("abc", "abc"));
    assert_false(text_matches("ab", "abc"));
    assert_true(text_matches("xabc", "*abc*"));
    assert_false(text_matches("", "a"));
}

static char *document_of(const char *order_text, char *why, size_t size)
{
    struct settings settings = {.customer_key = {true, 15, 7},
                                .upper_customer = true,
                                .upper_stock_code = true};
    cJSON *order = NULL;
    struct text text;

    text_init(&text, 100000);
    assert_int_equal(cn_json_read(cn_text(order_text), NULL, &order, NULL), 0);
    if (!order_map_document(&settings, order, &text, why, size))
        text_done(&text);
    cJSON_Delete(order);
    return text.ptr;
}

#define HEAD                                                                   \
    "{\"external_id\":\"b\",\"customer\":\" abc\",\"po_number\":\"#R&D 22\","  \
    "\"order_date\":\"2026-03-02\","
#define LINES                                                                  \
    "\"lines\":[{\"line\":\"7\",\"stock_code\":\"a-1\",\"quantity\":\"2\","    \
    "\"unit\":\"EA\"}]}"

static void test_full_document(void **state)
{
    char why[128];
    char *text = document_of(
        HEAD "\"requested_ship_date\":\"2026-03-09\",\"currency\":\"GBP\","
             "\"warehouse\":\"fg\",\"comments\":\"one\\ntwo <3\","
             "\"shipping_instructions\":\"Gate 4\",\"ship_to\":{\"name\":"
             "\"M\xC3\xBCller\",\"address\":[\"Werkstr. 12\",\"\",\"K\xC3\xB6ln"
             "\"],\"postal_code\":\"50667\",\"email\":\"a@b.test\"},"
             "\"lines\":[{\"line\":\"1\",\"stock_code\":\"a100\","
             "\"description\":\"Bike\",\"quantity\":\"2.500000\",\"unit\":"
             "\"EA\",\"price\":\"149.90\",\"price_unit\":\"BX\",\"warehouse\":"
             "\"w2\",\"ship_date\":\"2026-04-01\"},{\"line\":\"2\","
             "\"stock_code\":\"B\",\"quantity\":\"1\",\"unit\":\"KG\"}]}",
        why, sizeof(why));

    (void)state;
    assert_string_equal(
        text,
        "<?xml version=\"1.0\" encoding=\"Windows-1252\"?><SalesOrders><Orders>"
        "<OrderHeader><CustomerPoNumber>#R&amp;D 22</CustomerPoNumber>"
        "<OrderActionType>A</OrderActionType><Customer>ABC</Customer>"
        "<OrderDate>2026-03-02</OrderDate>"
        "<RequestedShipDate>2026-03-09</RequestedShipDate>"
        "<Currency>GBP</Currency><ShippingInstrs>Gate 4</ShippingInstrs>"
        "<CustomerName>M&#252;ller</CustomerName>"
        "<ShipAddress1>Werkstr. 12</ShipAddress1>"
        "<ShipAddress3>K&#246;ln</ShipAddress3>"
        "<ShipPostalCode>50667</ShipPostalCode><Email>a@b.test</Email>"
        "<Warehouse>fg</Warehouse><OrderComments>one</OrderComments>"
        "<OrderComments>two &lt;3</OrderComments></OrderHeader><OrderDetails>"
        "<StockLine><CustomerPoLine>1</CustomerPoLine>"
        "<LineActionType>A</LineActionType><StockCode>A100</StockCode>"
        "<StockDescription>Bike</StockDescription><Warehouse>w2</Warehouse>"
        "<OrderQty>2.500000</OrderQty><OrderUom>EA</OrderUom>"
        "<Price>149.90</Price><PriceUom>BX</PriceUom>"
        "<LineShipDate>2026-04-01</LineShipDate></StockLine>"
        "<StockLine><CustomerPoLine>2</CustomerPoLine>"
        "<LineActionType>A</LineActionType><StockCode>B</StockCode>"
        "<OrderQty>1</OrderQty><OrderUom>KG</OrderUom></StockLine>"
        "</OrderDetails></Orders></SalesOrders>");
    free(text);
}

/* Five lines do not fit four elements: then they run on, at most 400. */
static void test_comments(void **state)
{
    char order[1200], why[128], comment[402];
    char *text = document_of(HEAD "\"comments\":\"a\\nb\\nc\\nd\\ne\"," LINES,
                             why, sizeof(why));

    (void)state;
    assert_non_null(
        strstr(text, "<OrderComments>a b c d e</OrderComments></OrderHeader>"));
    free(text);
    memset(comment, 'x', 401);
    comment[401] = '\0';
    snprintf(order, sizeof(order), HEAD "\"comments\":\"%s\"," LINES, comment);
    text = document_of(order, why, sizeof(why));
    for (int line = 0; line < 4; line++) {
        char *at = strstr(text, "<OrderComments>");
        assert_non_null(at);
        assert_int_equal(strspn(at + 15, "x"), 100);
        at[1] = '-';
    }
    assert_null(strstr(text, "<OrderComments>"));
    free(text);
}

static void test_decimals(void **state)
{
    static const struct {
        const char *quantity, *price;
        bool good;
    } cases[] = {{"1", "1", true},
                 {"123456789012.123456", "1234567890.12345", true},
                 {"6.5833333", "1", false},
                 {"1", "1.123456", false},
                 {"1234567890123", "1", false},
                 {"1", "12345678901", false},
                 {"1e3", "1", false},
                 {"1.", "1", false},
                 {".5", "1", false},
                 {"-1", "1", false},
                 {"1", "1,5", false},
                 {" 1", "1", false}};
    char order[512], why[128];

    (void)state;
    for (size_t index = 0; index < sizeof(cases) / sizeof(*cases); index++) {
        char *text = NULL;
        snprintf(order, sizeof(order),
                 HEAD "\"lines\":[{\"line\":\"1\",\"stock_code\":\"A\","
                      "\"quantity\":\"%s\",\"unit\":\"EA\",\"price\":\"%s\"}]}",
                 cases[index].quantity, cases[index].price);
        text = document_of(order, why, sizeof(why));
        if ((text != NULL) != cases[index].good)
            fail_msg("%s at %s", cases[index].quantity, cases[index].price);
        free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xml),           cmocka_unit_test(test_cut),
        cmocka_unit_test(test_text_limits),   cmocka_unit_test(test_clean),
        cmocka_unit_test(test_encoding),      cmocka_unit_test(test_trim),
        cmocka_unit_test(test_keys),          cmocka_unit_test(test_patterns),
        cmocka_unit_test(test_full_document), cmocka_unit_test(test_comments),
        cmocka_unit_test(test_decimals)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
