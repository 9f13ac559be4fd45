/* links: sim_syspro */
/* test_sim_syspro.c - the SYSPRO simulator over raw HTTP, without the plugin.
 *
 * The simulator runs in a child process; each test begins with the demo world.
 * Three parts: requests that must be refused with their text and make nothing,
 * the golden cases compared byte by byte, and behaviour (sessions, stock,
 * queries, faults, the HTTP face). */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "base/buf.h"
#include "base/memory.h"
#include "syspro.h"

enum { BYTES_MAX = 160 << 20 };

static pid_t child;
static char base[64]; /* http://127.0.0.1:PORT */
static char session[64];
static CURL *curl;
static long status;
static char type[128];
static struct buf body;
/* libcurl repeats a request by itself when a reused connection dies, and
 * would so hide a cut. */
static bool fresh;
static long timeout_ms = 30000;

/* --- The child and HTTP --- */

static void run_child(int output)
{
    char *argv[] = {(char[]){"syspro-sim"}, (char[]){"--port"}, (char[]){"0"},
                    NULL};

    dup2(output, STDOUT_FILENO);
    close(output);
    exit(syspro_run(3, argv));
}

static int group_setup(void **state)
{
    char line[256];
    int ends[2];
    unsigned port = 0;

    (void)state;
    if (pipe(ends) != 0)
        return -1;
    child = fork();
    if (child == 0) {
        close(ends[0]);
        run_child(ends[1]);
    }
    close(ends[1]);
    FILE *output = fdopen(ends[0], "r");

    if (output == NULL || fgets(line, sizeof(line), output) == NULL ||
        sscanf(line, "%*[^:]:%*[^:]:%u", &port) != 1)
        return -1;
    fclose(output);
    snprintf(base, sizeof(base), "http://127.0.0.1:%u", port);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    curl = curl_easy_init();
    buf_init(&body, BYTES_MAX);
    return 0;
}

static int group_teardown(void **state)
{
    int result = 0;

    (void)state;
    curl_easy_cleanup(curl);
    curl_global_cleanup();
    buf_done(&body);
    kill(child, SIGTERM);
    waitpid(child, &result, 0);
    /* A sanitizer report of the simulator makes this test fail. */
    return WIFEXITED(result) && WEXITSTATUS(result) == 0 ? 0 : -1;
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    (void)arg;
    buf_append(&body, bytes, size * count);
    return size * count;
}

/* One request; the answer is in status, type and body. */
static CURLcode request(const char *method, const char *path, const char *data,
                        const char *data_type)
{
    struct curl_slist *headers = NULL;
    struct buf url;
    char header[128];
    char *found = NULL;

    buf_init(&url, 1 << 20);
    buf_printf(&url, "%s%s", base, path);
    curl_easy_reset(curl);
    buf_clear(&body);
    curl_easy_setopt(curl, CURLOPT_URL, url.data);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, timeout_ms);
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(curl, CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
    if (data != NULL) {
        snprintf(header, sizeof(header), "Content-Type: %s", data_type);
        headers = curl_slist_append(headers, header);
        headers = curl_slist_append(headers, "Expect:");
        curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, data);
    }
    CURLcode code = curl_easy_perform(curl);

    status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &found);
    snprintf(type, sizeof(type), "%s", found != NULL ? found : "");
    curl_slist_free_all(headers);
    buf_done(&url);
    if (body.len == 0)
        buf_append_text(&body, "");
    return code;
}

static void control(const char *path, const char *json)
{
    assert_int_equal(request("POST", path, json, "application/json"), CURLE_OK);
    if (status != 200)
        print_message("%s: %s\n", path, body.data);
    assert_int_equal(status, 200);
}

static void fault(const char *json)
{
    control("/_sim/faults", json);
}

static void log_on(void)
{
    request("GET",
            "/SYSPROWCFService/Rest/Logon?Operator=CRMLINK"
            "&OperatorPassword=s3cret%2B1&CompanyId=EDU1&CompanyPassword=",
            NULL, NULL);
    assert_int_equal(status, 200);
    assert_int_equal(body.len, 36);
    snprintf(session, sizeof(session), "%s", body.data);
}

static int test_setup(void **state)
{
    (void)state;
    control("/_sim/reset", "{}");
    /* The clock does not go back to its own time by a reset. */
    control("/_sim/clock", "{\"frozen\":false,\"set_ms\":1772445600000}");
    log_on();
    return 0;
}

static void add_parameter(struct buf *url, const char *name, const char *value)
{
    char *escaped = curl_easy_escape(curl, value, 0);

    buf_printf(url, "&%s=%s", name, escaped);
    curl_free(escaped);
}

static void call_path(const char *path, const char *object,
                      const char *parameters, const char *document)
{
    struct buf url;

    buf_init(&url, 1 << 20);
    buf_printf(&url, "/SYSPROWCFService/Rest%s?v=1", path);
    add_parameter(&url, "UserId", session);
    if (object != NULL)
        add_parameter(&url, "BusinessObject", object);
    if (parameters != NULL)
        add_parameter(&url, "XmlParameters", parameters);
    add_parameter(&url, "XmlIn", document);
    assert_int_equal(request("GET", url.data, NULL, NULL), CURLE_OK);
    buf_done(&url);
}

static void post(const char *parameters, const char *document)
{
    call_path("/Transaction/Post", "SORTOI", parameters, document);
}

static void query(const char *object, const char *document)
{
    call_path("/Query/Query", object, NULL, document);
}

static void assert_has(const char *text)
{
    if (strstr(body.data, text) == NULL)
        fail_msg("no \"%s\" in:\n%s", text, body.data);
}

static void assert_has_not(const char *text)
{
    if (strstr(body.data, text) != NULL)
        fail_msg("\"%s\" in:\n%s", text, body.data);
}

static long count_orders(void)
{
    request("GET", "/_sim/orders", NULL, NULL);
    const char *at = strstr(body.data, "\"count\":");

    assert_non_null(at);
    return strtol(at + 8, NULL, 10);
}

/* --- Documents --- */

#define HEADER                                                                 \
    "<CustomerPoNumber>T-1</CustomerPoNumber>"                                 \
    "<OrderActionType>A</OrderActionType><Customer>0001207</Customer>"         \
    "<OrderDate>2026-03-02</OrderDate>"                                        \
    "<RequestedShipDate>2026-03-09</RequestedShipDate>"
#define LINE                                                                   \
    "<StockLine><CustomerPoLine>1</CustomerPoLine>"                            \
    "<LineActionType>A</LineActionType><StockCode>A100</StockCode>"            \
    "<Warehouse>FG</Warehouse><OrderQty>3</OrderQty><OrderUom>EA</OrderUom>"   \
    "<Price>149.90000</Price><PriceUom>EA</PriceUom></StockLine>"
#define SETTINGS                                                               \
    "<Process>IMPORT</Process><OrderStatus>1</OrderStatus>"                    \
    "<AllowNonStockItems>N</AllowNonStockItems>"                               \
    "<AlwaysUsePriceEntered>Y</AlwaysUsePriceEntered>"                         \
    "<AllocationAction>A</AllocationAction>"
#define WARN "<IgnoreWarnings>W</IgnoreWarnings>"
#define L_BEGIN                                                                \
    "<StockLine><CustomerPoLine>1</CustomerPoLine>"                            \
    "<LineActionType>A</LineActionType>"
#define L_STOCK "<StockCode>A100</StockCode><Warehouse>FG</Warehouse>"
#define L_QTY "<OrderQty>3</OrderQty><OrderUom>EA</OrderUom>"
#define L_PRICE "<Price>1.00</Price><PriceUom>EA</PriceUom>"
#define L_END "</StockLine>"

static char *parameters_of(const char *settings)
{
    struct buf text;

    buf_init(&text, 1 << 20);
    buf_printf(&text,
               "<?xml version=\"1.0\" encoding=\"Windows-1252\"?>\n"
               "<SalesOrders><Parameters>%s</Parameters></SalesOrders>",
               settings);
    return buf_take(&text);
}

static char *document_of(const char *header, const char *lines)
{
    struct buf text;

    buf_init(&text, 1 << 20);
    buf_printf(&text,
               "<?xml version=\"1.0\" encoding=\"Windows-1252\"?>\n"
               "<SalesOrders><Orders><OrderHeader>%s</OrderHeader>"
               "<OrderDetails>%s</OrderDetails></Orders></SalesOrders>",
               header, lines);
    return buf_take(&text);
}

static void import(const char *settings, const char *header, const char *lines)
{
    char *parameters = parameters_of(settings);
    char *document = document_of(header, lines);

    post(parameters, document);
    free(parameters);
    free(document);
}

/* --- Refusals --- */

struct refusal {
    const char *settings; /* NULL: SETTINGS WARN */
    const char *header;   /* NULL: HEADER */
    const char *lines;    /* NULL: LINE */
    const char *text;     /* the ErrorDescription */
    const char *before;   /* body of POST /_sim/company, or NULL */
};

#define FIFTY "12345678901234567890123456789012345678901234567890"

static const struct refusal header_refusals[] = {
    {.header = "<CustomerPoNumber>T-1</CustomerPoNumber><OrderActionType>A"
               "</OrderActionType><Customer>0009999</Customer>",
     .text = "Customer '0009999' not found"},
    {.header = "<CustomerPoNumber>T-1</CustomerPoNumber><OrderActionType>A"
               "</OrderActionType><Customer>ABC</Customer>",
     .text = "Customer 'ABC' not found"},
    {.header = "<CustomerPoNumber>T-1</CustomerPoNumber><OrderActionType>A"
               "</OrderActionType>",
     .text = "Customer is missing"},
    {.header = "<CustomerPoNumber>T-1</CustomerPoNumber><OrderActionType>A"
               "</OrderActionType><Customer>0001415</Customer>",
     .text = "Customer '0001415' is on hold"},
    {.header = "<CustomerPoNumber>T-1</CustomerPoNumber><OrderActionType>X"
               "</OrderActionType><Customer>0001207</Customer>",
     .text = "Order action type 'X' is invalid"},
    {.text = "Credit limit exceeded for customer '0001207'",
     .before = "{\"customers\":[{\"customer\":\"0001207\","
               "\"credit_check\":true,\"credit_limit\":\"449.69\"}]}"},
    {.header = HEADER "<Currency>USD</Currency>",
     .text = "Currency 'USD' differs from the customer's currency 'GBP'"},
    {.header = "<OrderActionType>A</OrderActionType><Customer>0001207"
               "</Customer>",
     .text = "Customer purchase order number is mandatory"},
    {.header = "<CustomerPoNumber>1234567890123456789012345678901"
               "</CustomerPoNumber><OrderActionType>A</OrderActionType>"
               "<Customer>0001207</Customer>",
     .text = "CustomerPoNumber exceeds 30 characters"},
    {.header = "<CustomerPoNumber>T-1</CustomerPoNumber><OrderActionType>A"
               "</OrderActionType><Customer>0001207</Customer>"
               "<OrderDate>2026-03-02</OrderDate>"
               "<RequestedShipDate>2026-03-01</RequestedShipDate>",
     .text = "Requested ship date '2026-03-01' is too early"},
    {.settings = SETTINGS WARN "<MinimumDaysToShip>8</MinimumDaysToShip>",
     .text = "Requested ship date '2026-03-09' is too early"},
    {.header = "<CustomerPoNumber>T-1</CustomerPoNumber><OrderActionType>A"
               "</OrderActionType><Customer>0001207</Customer>"
               "<OrderDate>02/03/2026</OrderDate>",
     .text = "OrderDate '02/03/2026' is not a valid date"},
    {.header = "<CustomerPoNumber>T-1</CustomerPoNumber><OrderActionType>A"
               "</OrderActionType><Customer>0001207</Customer>"
               "<OrderDate>2026-02-29</OrderDate>",
     .text = "OrderDate '2026-02-29' is not a valid date"},
    {.text = "Posting period 2026-03 is closed",
     .before = "{\"options\":{\"open_period_from\":\"2026-04\"}}"},
    {.header = HEADER "<Warehouse>ZZ</Warehouse>",
     .text = "Warehouse 'ZZ' not found"},
    {.header = HEADER "<ShipAddress1>12345678901234567890123456789012345678901"
                      "</ShipAddress1>",
     .text = "ShipAddress1 exceeds 40 characters"},
    {.header = HEADER "<ShippingInstrs>" FIFTY "1</ShippingInstrs>",
     .text = "ShippingInstrs exceeds 50 characters"},
    {.header = HEADER "<ShipPostalCode>12345678901</ShipPostalCode>",
     .text = "ShipPostalCode exceeds 10 characters"},
    {.header = HEADER
     "<OrderComments>" FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY
     "1</OrderComments>",
     .text = "OrderComments exceeds 400 characters"},
    {.header = HEADER "<InvoiceTerms>99</InvoiceTerms>",
     .text = "InvoiceTerms '99' not found"},
    {.header = HEADER "<Salesperson>NOBODY</Salesperson>",
     .text = "Salesperson 'NOBODY' not found"},
    {.header = HEADER "<AlternateReference>deal-1</AlternateReference>",
     .text = "AlternateReference 'deal-1' not found"},
    {.header = HEADER "<SalesOrder>777</SalesOrder>",
     .text = "Manual sales order numbers are not allowed"},
    {.header = HEADER "<OrderDiscPercent1>100.01</OrderDiscPercent1>",
     .text = "OrderDiscPercent1 '100.01' is not between -100 and 100"},
    {.header = "<CustomerPoNumber>T-1</CustomerPoNumber><OrderActionType>C"
               "</OrderActionType><SalesOrder>4</SalesOrder>",
     .text = "Sales order '4' not found"},
    {.header = "<CustomerPoNumber>T-1</CustomerPoNumber><OrderActionType>D"
               "</OrderActionType>",
     .text = "Sales order is missing"},
};

#define QTY(text)                                                              \
    L_BEGIN L_STOCK "<OrderQty>" text "</OrderQty>"                            \
                    "<OrderUom>EA</OrderUom>" L_PRICE L_END
#define PRICE(text)                                                            \
    L_BEGIN L_STOCK L_QTY "<Price>" text "</Price>"                            \
                          "<PriceUom>EA</PriceUom>" L_END

static const struct refusal line_refusals[] = {
    {.lines = L_BEGIN "<StockCode>NOSUCH</StockCode>" L_QTY L_PRICE L_END,
     .text = "Stock code 'NOSUCH' is invalid and non-stocked items are not "
             "allowed"},
    {.lines = L_BEGIN "<StockCode>a100</StockCode>" L_QTY L_PRICE L_END,
     .text = "Stock code 'a100' is invalid and non-stocked items are not "
             "allowed"},
    {.lines = L_BEGIN L_QTY L_PRICE L_END, .text = "Stock code is missing"},
    {.lines = L_BEGIN
     "<StockCode>1234567890123456789012345678901</StockCode>" L_QTY L_PRICE
         L_END,
     .text = "StockCode exceeds 30 characters"},
    {.lines = L_BEGIN
     "<StockCode>A100</StockCode><Warehouse>W2</Warehouse>" L_QTY L_PRICE L_END,
     .text = "Stock code 'A100' is not stocked in warehouse 'W2'"},
    {.lines = L_BEGIN
     "<StockCode>A100</StockCode><Warehouse>ZZ</Warehouse>" L_QTY L_PRICE L_END,
     .text = "Warehouse 'ZZ' not found"},
    {.text = "Stock code 'A100' is on hold",
     .before = "{\"items\":[{\"stock_code\":\"A100\",\"on_hold\":true}]}"},
    {.lines = L_BEGIN L_STOCK "<OrderQty>3</OrderQty>" L_PRICE L_END,
     .text = "OrderUom is missing"},
    {.lines = L_BEGIN L_STOCK
     "<OrderQty>3</OrderQty><OrderUom>BX</OrderUom>" L_PRICE L_END,
     .text = "OrderUom 'BX' is invalid for stock code 'A100'"},
    {.lines = L_BEGIN L_STOCK L_QTY "<Price>1.00</Price>" L_END,
     .text = "PriceUom is missing"},
    {.lines = L_BEGIN L_STOCK L_QTY
     "<Price>1.00</Price><PriceUom>KG</PriceUom>" L_END,
     .text = "PriceUom 'KG' is invalid for stock code 'A100'"},
    {.lines = L_BEGIN L_STOCK "<OrderUom>EA</OrderUom>" L_PRICE L_END,
     .text = "OrderQty is missing"},
    {.lines = QTY("0"), .text = "OrderQty '0' must be greater than zero"},
    {.lines = QTY("-3"), .text = "OrderQty '-3' must be greater than zero"},
    {.lines = QTY("3-"), .text = "OrderQty '3-' must be greater than zero"},
    {.lines = QTY("three"), .text = "OrderQty 'three' is not numeric"},
    {.lines = QTY("3e0"), .text = "OrderQty '3e0' is not numeric"},
    {.lines = QTY("1,000"), .text = "OrderQty '1,000' is not numeric"},
    {.lines = QTY("+3"), .text = "OrderQty '+3' is not numeric"},
    {.lines = QTY("3."), .text = "OrderQty '3.' is not numeric"},
    {.lines = QTY("6.583333333333333"),
     .text = "OrderQty '6.583333333333333' is not numeric"},
    {.lines = QTY("1.1234567"),
     .text = "OrderQty '1.1234567' exceeds 12 digits and 6 decimals"},
    {.lines = QTY("1234567890123"),
     .text = "OrderQty '1234567890123' exceeds 12 digits and 6 decimals"},
    {.lines = QTY("1.0005"),
     .text = "OrderQty '1.0005' has more than 3 decimals of stock code 'A100'"},
    {.lines = PRICE("1.123456"),
     .text = "Price '1.123456' exceeds 10 digits and 5 decimals"},
    {.lines = PRICE("12345678901"),
     .text = "Price '12345678901' exceeds 10 digits and 5 decimals"},
    {.lines = PRICE("1.5E2"), .text = "Price '1.5E2' is not numeric"},
    {.lines = PRICE("-1.00"), .text = "Price '-1.00' is negative"},
    {.lines = PRICE("0.00"), .text = "Zero price is not allowed"},
    {.lines = "<StockLine><LineActionType>C</LineActionType>" L_STOCK L_QTY
         L_PRICE L_END,
     .text = "Line action type 'C' is invalid"},
    {.lines = "<StockLine>" L_STOCK L_QTY L_PRICE L_END,
     .text = "Line action type '' is invalid"},
    {.lines = "<StockLine><CustomerPoLine>10000</CustomerPoLine>"
              "<LineActionType>A</LineActionType>" L_STOCK L_QTY L_PRICE L_END,
     .text = "CustomerPoLine '10000' is not numeric"},
    {.lines =
         L_BEGIN L_STOCK L_QTY L_PRICE "<UserDefined>12345</UserDefined>" L_END,
     .text = "UserDefined exceeds 4 characters"},
    {.lines = L_BEGIN L_STOCK L_QTY L_PRICE "<DeliveryLoad/>" L_END,
     .text = "Delivery load '' is invalid"},
    {.lines =
         L_BEGIN L_STOCK L_QTY L_PRICE "<StockTaxCode>B</StockTaxCode>" L_END,
     .text = "Tax code may not be changed for stocked items"},
    {.lines = L_BEGIN L_STOCK L_QTY L_PRICE
     "<LineShipDate>2026-03-01</LineShipDate>" L_END,
     .text = "Line ship date '2026-03-01' is too early"},
    {.lines = L_BEGIN L_STOCK L_QTY L_PRICE
     "<AllocationAction>S</AllocationAction>" L_END,
     .text = "Allocation action 'S' is invalid"},
    {.lines = L_BEGIN L_STOCK L_QTY L_PRICE
     "<LineDiscPercent1>101</LineDiscPercent1>" L_END,
     .text = "LineDiscPercent1 '101' is not between -100 and 100"},
    {.lines = L_BEGIN L_STOCK L_QTY L_PRICE
     "<LineDiscValFlag>X</LineDiscValFlag>" L_END,
     .text = "LineDiscValFlag 'X' is invalid"},
    {.lines = "<CommentLine><LineActionType>A</LineActionType><Comment>x"
              "</Comment><CommentType>Z</CommentType></CommentLine>",
     .text = "Comment type 'Z' is invalid"},
    {.lines = "<FreightLine><LineActionType>A</LineActionType></FreightLine>",
     .text = "FreightValue is missing"},
    {.lines = QTY("999999999999"), .text = "Order value is too large"},
    {.settings = SETTINGS WARN,
     .lines = L_BEGIN "<StockCode>NS</StockCode>" L_QTY L_PRICE
                      "<NonStockedLine>Y</NonStockedLine>" L_END,
     .text = "Stock code 'NS' is invalid and non-stocked items are not "
             "allowed"},
    {.settings = "<Process>IMPORT</Process>"
                 "<AllowNonStockItems>S</AllowNonStockItems>" WARN,
     .lines = L_BEGIN "<StockCode>NS</StockCode>" L_QTY L_PRICE
                      "<NonStockedLine>Y</NonStockedLine>" L_END,
     .text = "Product class is mandatory for a non-stocked line"},
    {.lines =
         "<CommentLine><LineActionType>A</LineActionType><Comment>" FIFTY FIFTY
         "1</Comment></CommentLine>",
     .text = "Comment exceeds 100 characters"},
    {.lines = LINE "<CommentLine><LineActionType>A</LineActionType><Comment>x"
                   "</Comment><AttachedLineNumber>7</AttachedLineNumber>"
                   "</CommentLine>",
     .text = "Attached line '7' not found"},
    {.lines = "<MiscChargeLine><LineActionType>A</LineActionType>"
              "<MiscChargeValue>1.00</MiscChargeValue></MiscChargeLine>",
     .text = "Product class is mandatory without a charge code"},
    {.lines = "<FreightLine><LineActionType>A</LineActionType>"
              "<FreightValue>1.005</FreightValue></FreightLine>",
     .text = "FreightValue '1.005' exceeds 12 digits and 2 decimals"},
};

static void refuse(const struct refusal *refusal)
{
    char text[512];

    test_setup(NULL);
    if (refusal->before != NULL)
        control("/_sim/company", refusal->before);
    import(refusal->settings ? refusal->settings : SETTINGS WARN,
           refusal->header ? refusal->header : HEADER,
           refusal->lines ? refusal->lines : LINE);
    assert_int_equal(status, 200);
    snprintf(text, sizeof(text), "<ErrorDescription>%s</ErrorDescription>",
             refusal->text);
    assert_has(text);
    assert_has("<ItemsProcessed>000001</ItemsProcessed>");
    assert_has_not("<SalesOrder>0");
    assert_int_equal(count_orders(), 0);
    request("GET", "/_sim/documents", NULL, NULL);
    assert_has("\"entries\":[]");
    request("GET", "/_sim/company", NULL, NULL);
    assert_has("\"allocated\":\"0.000000\"");
    assert_has_not("\"allocated\":\"3.000000\"");
}

static void test_header_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(header_refusals) / sizeof(*header_refusals);
         i++)
        refuse(&header_refusals[i]);
}

static void test_line_refusals(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(line_refusals) / sizeof(*line_refusals); i++)
        refuse(&line_refusals[i]);
}

static void assert_clean(void)
{
    assert_has("<ItemsProcessed>000001</ItemsProcessed>");
    assert_has_not("<Order>");
    assert_has_not("ErrorDescription");
    assert_has_not("ValidationStatus");
}

/* The other side of the refusals: what they differ from is taken. */
static void test_good_order(void **state)
{
    (void)state;
    import(SETTINGS WARN, HEADER, LINE);
    assert_clean();
    assert_int_equal(count_orders(), 1);
    request("GET", "/_sim/documents?kind=sales_order&reference=T-1", NULL,
            NULL);
    assert_has("\"customer\":\"0001207\"");
    assert_has("\"quantity\":\"3\"");
    assert_has("\"price\":\"149.90000\"");
    assert_has("\"sales_order\":\"020450\"");
    assert_has("\"same_reference\":1");
}

static void test_errors_are_collected(void **state)
{
    (void)state;
    import(SETTINGS WARN, HEADER "<Currency>USD</Currency>",
           QTY("x") PRICE("y"));
    assert_has("differs from the customer's currency");
    assert_has("OrderQty 'x' is not numeric");
    assert_has("Price 'y' is not numeric");
    assert_int_equal(count_orders(), 0);
}

static void test_unreadable_documents(void **state)
{
    static const struct {
        const char *parameters, *document, *text;
    } cases[] = {
        {"", "<SalesOrders><Orders>",
         "ERROR: XmlIn - XML document is not well"},
        {"", "", "ERROR: XmlIn - XML document is not well"},
        {"", "<Query/>", "ERROR: XmlIn - root element is not SalesOrders"},
        {"", "<SalesOrders/>", "ERROR: XmlIn - no or too many Orders"},
        {"<a>", "<SalesOrders/>", "ERROR: XmlParameters - XML document is not"},
        {"", "<!DOCTYPE a><SalesOrders/>", "ERROR: XmlIn - DTD is prohibited"},
        {"",
         "<!DOCTYPE a [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
         "<SalesOrders>&e;</SalesOrders>",
         "ERROR: XmlIn - DTD is prohibited"},
        {"<SalesOrders><Parameters><Process>Import</Process></Parameters>"
         "</SalesOrders>",
         "<SalesOrders><Orders/></SalesOrders>",
         "ERROR: Invalid value 'Import' for parameter Process"},
        {"<SalesOrders><Parameters><AllocationAction>R</AllocationAction>"
         "</Parameters></SalesOrders>",
         "<SalesOrders><Orders/></SalesOrders>",
         "ERROR: Invalid value 'R' for parameter AllocationAction"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        post(cases[i].parameters, cases[i].document);
        assert_int_equal(status, 200);
        assert_string_equal(type, "application/octet-stream");
        assert_ptr_equal(strstr(body.data, cases[i].text), body.data);
    }
    assert_int_equal(count_orders(), 0);
}

/* --- Golden cases --- */

static char *golden(const char *name)
{
    char path[512];
    struct buf text;
    char part[4096];
    size_t len = 0;

    snprintf(path, sizeof(path), "%s/golden/syspro/%s", TEST_SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");

    if (file == NULL)
        fail_msg("no %s", path);
    buf_init(&text, 1 << 20);
    while ((len = fread(part, 1, sizeof(part), file)) > 0)
        buf_append(&text, part, len);
    fclose(file);
    buf_append(&text, "", 0);
    return buf_take(&text);
}

static void replace_session(char *text)
{
    static const char recorded[] = "9F2C41D07A8B5E4C9D3310B7E6A4C25800";
    char *at = NULL;

    while ((at = strstr(text, recorded)) != NULL)
        memcpy(at, session, strlen(recorded));
}

/* Send a case's request line with the session of now. */
static void send_case(const char *dir)
{
    char name[128];

    snprintf(name, sizeof(name), "%s/request.line", dir);
    char *line = golden(name);
    char *path = strchr(line, ' ');
    char *end = strstr(line, " HTTP/1.1");

    assert_non_null(path);
    assert_non_null(end);
    *end = '\0';
    replace_session(line);
    assert_int_equal(request("GET", path + 1, NULL, NULL), CURLE_OK);
    free(line);
}

static void assert_body(const char *dir, const char *file)
{
    char name[128];

    snprintf(name, sizeof(name), "%s/%s", dir, file);
    char *wanted = golden(name);

    assert_string_equal(body.data, wanted);
    free(wanted);
}

static void replay(const char *dir)
{
    send_case(dir);
    assert_int_equal(status, 200);
    assert_string_equal(type, "application/octet-stream");
    assert_body(dir, "response.body");
}

static void next_number(const char *json)
{
    control("/_sim/company", json);
}

static void test_golden_sessions(void **state)
{
    (void)state;
    send_case("01-logon-ok");
    assert_int_equal(status, 200);
    assert_string_equal(type, "application/octet-stream");
    assert_int_equal(body.len, 36);
    assert_int_equal(strspn(body.data, "0123456789ABCDEF"), 34);
    assert_string_equal(body.data + 34, "  ");
    replay("02-logon-bad-password");
    /* The second logon above ended the session of the set-up. */
    replay("03-session-invalid");
}

static void test_golden_orders(void **state)
{
    (void)state;
    replay("04-sortoi-add-clean-no-number");
    replay("10-comfnd-order-by-po");
    replay("11-comfnd-no-rows");
    control("/_sim/items",
            "{\"stock_code\":\"B200\",\"stock\":[{\"warehouse\":\"FG\","
            "\"on_hand\":\"6\"}]}");
    replay("05-sortoi-add-with-warnings");
    replay("06-sortoi-unknown-stock-code");
    replay("07-sortoi-validate-ok");
    fault("{\"fault\":\"reject_empty\"}");
    replay("08-sortoi-rejected-empty-number");
    assert_int_equal(count_orders(), 2);
    control("/_sim/shape", "{\"clean\":\"B\"}");
    replay("09-sortoi-all-line-types");
    assert_int_equal(count_orders(), 3);
    replay("28-bo-not-licensed");
    replay("31-sortos-validate-trap");
    request("GET", "/_sim/orders?po=HS-90017", NULL, NULL);
    assert_has("\"status\":\"1\"");
}

static void test_golden_large(void **state)
{
    char item[128];
    char *data = golden("20-postld-large-order/request.body");

    (void)state;
    for (int i = 1; i <= 60; i++) {
        snprintf(item, sizeof(item),
                 "{\"stock_code\":\"A%03d\",\"stock\":[{\"warehouse\":\"FG\","
                 "\"on_hand\":\"10\"}]}",
                 i);
        control("/_sim/items", item);
    }
    next_number("{\"next_sales_order\":20460}");
    control("/_sim/shape", "{\"clean\":\"B\"}");
    send_case("30-url-too-long");
    assert_int_equal(status, 400);
    assert_string_equal(type, "text/html; charset=us-ascii");
    assert_body("30-url-too-long", "response.body");
    assert_int_equal(count_orders(), 0);
    replace_session(data);
    request("POST", "/SYSPROWCFService/Rest/Transaction/PostLD", data,
            "application/xml");
    assert_int_equal(status, 200);
    assert_body("20-postld-large-order", "response.body");
    assert_int_equal(count_orders(), 1);
    free(data);
}

static void test_golden_wrapped(void **state)
{
    (void)state;
    control("/_sim/shape", "{\"body\":\"json\"}");
    send_case("25-body-wrapped-json");
    assert_string_equal(type, "application/json; charset=utf-8");
    assert_body("25-body-wrapped-json", "response.body");
    send_case("01-logon-ok");
    assert_int_equal(body.len, 38);
    assert_int_equal(body.data[0], '"');
    assert_string_equal(body.data + 35, "  \"");
    memcpy(session, body.data + 1, 36);
    control("/_sim/reset", "{}");
    log_on();
    control("/_sim/shape", "{\"body\":\"string\"}");
    send_case("25-body-wrapped-json");
    assert_body("25-body-wrapped-json", "response-string.body");
}

static void test_golden_gateway(void **state)
{
    (void)state;
    fault("{\"fault\":\"status\",\"status\":401,\"content_type\":"
          "\"application/json\",\"body\":\"{\\\"statusCode\\\":401,"
          "\\\"message\\\":\\\"Access token is missing or expired.\\\"}\"}");
    send_case("29-gateway-401");
    assert_int_equal(status, 401);
    assert_string_equal(type, "application/json");
    assert_body("29-gateway-401", "response.body");
}

/* Inferred: the names that must be there, not the bytes. */
static void test_golden_stock(void **state)
{
    (void)state;
    control("/_sim/items",
            "{\"stock_code\":\"A100\",\"product_class\":\"BIKE\",\"stock\":["
            "{\"warehouse\":\"FG\",\"on_hand\":\"1554.53\",\"allocated\":"
            "\"50\"},{\"warehouse\":\"W2\",\"on_hand\":\"75\"}]}");
    send_case("15-invqry-two-warehouses");
    assert_has("<QtyOnHand>         1554.530000</QtyOnHand>\n"
               "<Edited_QtyOnHand>1,554.530</Edited_QtyOnHand>\n"
               "<AvailableQty>         1504.530000</AvailableQty>\n"
               "<Edited_AvailableQty>1,504.530</Edited_AvailableQty>\n");
    assert_has("<Decimals>              3</Decimals>\n");
    assert_has("<WarehouseTotals>\n<QtyOnHand>         1554.530000");
    assert_has_not("<Warehouse>W2");
}

/* --- Rules of SORTOI --- */

static void test_process_defaults_to_validate(void **state)
{
    char *document = document_of(HEADER, LINE);

    (void)state;
    post("", document);
    assert_has("<Status>Successful</Status>");
    assert_int_equal(count_orders(), 0);
    import("<ValidateOnly>Y</ValidateOnly>", HEADER, QTY("x"));
    assert_has("<Status>Failed</Status>");
    assert_has("OrderQty 'x' is not numeric");
    /* Parameters SORTOI does not know are ignored: this does import. */
    import(SETTINGS WARN "<ValidateOnly>Y</ValidateOnly>", HEADER, LINE);
    assert_int_equal(count_orders(), 1);
    free(document);
}

static void test_duplicate_po(void **state)
{
    (void)state;
    import(SETTINGS WARN, HEADER, LINE);
    assert_clean();
    import(SETTINGS WARN, HEADER, LINE);
    assert_has("Duplicate order number - customer purchase order 'T-1' already "
               "exists");
    import(SETTINGS WARN "<AllowDuplicateOrderNumbers>Y"
                         "</AllowDuplicateOrderNumbers>",
           HEADER, LINE);
    assert_has("Duplicate order number");
    /* The same number of another customer is no duplicate. */
    import(SETTINGS WARN,
           "<CustomerPoNumber>T-1</CustomerPoNumber><OrderActionType>A"
           "</OrderActionType><Customer>1310</Customer>",
           LINE);
    assert_clean();
    import(SETTINGS WARN "<AllowDuplicateOrderNumbers>A"
                         "</AllowDuplicateOrderNumbers>",
           HEADER, LINE);
    assert_clean();
    request("GET", "/_sim/orders/duplicates", NULL, NULL);
    assert_has("{\"customer\":\"0001207\",\"po\":\"T-1\",\"count\":2}");
    request("GET", "/_sim/documents?reference=T-1", NULL, NULL);
    assert_has("\"same_reference\":3");
    assert_int_equal(count_orders(), 3);
}

static void test_duplicate_po_switches(void **state)
{
    static const char cancel[] =
        "<CustomerPoNumber>T-1</CustomerPoNumber><OrderActionType>D"
        "</OrderActionType><SalesOrder>20450</SalesOrder>";

    (void)state;
    import(SETTINGS WARN, HEADER, LINE);
    import(SETTINGS WARN, cancel, "");
    assert_clean();
    import(SETTINGS WARN, HEADER, LINE);
    assert_has("Duplicate order number");
    control("/_sim/company",
            "{\"options\":{\"cancelled_count_duplicate\":false}}");
    import(SETTINGS WARN, HEADER, LINE);
    assert_clean();
    import(SETTINGS WARN, HEADER, LINE);
    assert_has("Duplicate order number");
    control("/_sim/company", "{\"options\":{\"duplicate_po_refused\":false}}");
    import(SETTINGS WARN "<AllowDuplicateOrderNumbers>Y"
                         "</AllowDuplicateOrderNumbers>",
           HEADER, LINE);
    assert_clean();
}

static void test_po_check_follows_customer(void **state)
{
    static const char no_po[] =
        "<OrderActionType>A</OrderActionType><Customer>0001207</Customer>";
    static const char follow[] = SETTINGS WARN
        "<CheckForCustomerPoNumbers>C</CheckForCustomerPoNumbers>";

    (void)state;
    import(follow, no_po, LINE);
    assert_clean();
    control("/_sim/customers", "{\"customer\":\"1207\",\"po_mandatory\":true}");
    import(follow, no_po, LINE);
    assert_has("Customer purchase order number is mandatory");
    import(SETTINGS WARN
           "<CheckForCustomerPoNumbers>N</CheckForCustomerPoNumbers>",
           no_po, LINE);
    assert_clean();
}

static void test_hold_and_release(void **state)
{
    static const char held[] =
        "<CustomerPoNumber>T-1</CustomerPoNumber><OrderActionType>A"
        "</OrderActionType><Customer>0001415</Customer>";

    (void)state;
    import(SETTINGS WARN, held, LINE);
    assert_has("Customer '0001415' is on hold");
    import(SETTINGS "<WarnIfCustomerOnHold>Y</WarnIfCustomerOnHold>", held,
           LINE);
    assert_has("<ItemsRejectedWithWarnings>000001</ItemsRejectedWithWarnings>");
    assert_has("<SalesOrder/>");
    assert_int_equal(count_orders(), 0);
    import(SETTINGS WARN "<WarnIfCustomerOnHold>Y</WarnIfCustomerOnHold>", held,
           LINE);
    assert_has("<WarningDescription>Customer '0001415' is on hold");
    assert_has("<SalesOrder>020450</SalesOrder>");
    control("/_sim/customers", "{\"customer\":\"0001415\",\"on_hold\":false}");
    import(SETTINGS WARN,
           "<CustomerPoNumber>T-2</CustomerPoNumber><OrderActionType>A"
           "</OrderActionType><Customer>0001415</Customer>",
           LINE);
    assert_clean();
}

static void test_credit_counts_orders(void **state)
{
    static const char second[] =
        "<CustomerPoNumber>T-2</CustomerPoNumber><OrderActionType>A"
        "</OrderActionType><Customer>0001207</Customer>";

    (void)state;
    control("/_sim/customers", "{\"customer\":\"1207\",\"credit_check\":true,"
                               "\"credit_limit\":\"449.70\"}");
    import(SETTINGS WARN, HEADER, LINE);
    assert_clean();
    import(SETTINGS WARN, second, LINE);
    assert_has("Credit limit exceeded");
    import(SETTINGS WARN "<AcceptOrdersIfNoCredit>Y</AcceptOrdersIfNoCredit>",
           second, LINE);
    assert_has("<WarningDescription>Credit limit exceeded");
    assert_int_equal(count_orders(), 2);
}

static void assert_stock(const char *allocated, const char *back_order)
{
    char text[128];

    request("GET", "/_sim/company", NULL, NULL);
    snprintf(text, sizeof(text),
             "\"on_hand\":\"2.000000\",\"allocated\":\"%s\",\"back_order\":"
             "\"%s\"",
             allocated, back_order);
    assert_has(text);
}

static void test_allocation(void **state)
{
    static const struct {
        const char *action, *allocated, *back_order;
    } cases[] = {{"A", "2.000000", "1.000000"},
                 {"F", "0.000000", "3.000000"},
                 {"B", "0.000000", "3.000000"}};
    char settings[512];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        test_setup(NULL);
        control("/_sim/items",
                "{\"stock_code\":\"A100\",\"stock\":[{\"warehouse\":\"FG\","
                "\"on_hand\":\"2\"}]}");
        snprintf(settings, sizeof(settings),
                 "<Process>IMPORT</Process><IgnoreWarnings>N</IgnoreWarnings>"
                 "<AllocationAction>%s</AllocationAction>",
                 cases[i].action);
        import(settings, HEADER, LINE);
        assert_has("<ItemsRejectedWithWarnings>000001");
        assert_stock("0.000000", "0.000000");
        *strstr(settings, ">N<") = '>';
        strstr(settings, ">N<")[1] = 'W';
        import(settings, HEADER, LINE);
        assert_has("placed on back order for stock code 'A100'");
        assert_stock(cases[i].allocated, cases[i].back_order);
        import(SETTINGS WARN,
               "<OrderActionType>D</OrderActionType>"
               "<SalesOrder>20450</SalesOrder>",
               "");
        assert_stock("0.000000", "0.000000");
    }
}

static void test_price_is_a_hint(void **state)
{
    (void)state;
    import("<Process>IMPORT</Process>", HEADER, PRICE("1.00"));
    assert_clean();
    request("GET", "/_sim/orders?po=T-1", NULL, NULL);
    assert_has("\"price\":\"149.90\",\"price_sent\":\"1.00\"");
}

static void test_non_stocked(void **state)
{
    (void)state;
    import("<Process>IMPORT</Process>"
           "<AllowNonStockItems>Y</AllowNonStockItems>",
           HEADER, L_BEGIN "<StockCode>TYPO</StockCode>" L_QTY L_PRICE L_END);
    assert_clean();
    request("GET", "/_sim/orders?po=T-1", NULL, NULL);
    assert_has("\"type\":\"non_stocked\",\"stock_code\":\"TYPO\"");
}

static void test_warehouse_resolution(void **state)
{
    static const char line[] =
        L_BEGIN "<StockCode>A100</StockCode>" L_QTY L_PRICE L_END;

    (void)state;
    control("/_sim/items",
            "{\"stock_code\":\"A100\",\"stock\":[{\"warehouse\":\"W2\","
            "\"on_hand\":\"9\"}]}");
    import(SETTINGS WARN, HEADER, line);
    import(SETTINGS WARN
           "<WarehouseListToUse>ZZ,W2</WarehouseListToUse>"
           "<AllowDuplicateOrderNumbers>A</AllowDuplicateOrderNumbers>",
           HEADER, line);
    import(SETTINGS WARN
           "<AllowDuplicateOrderNumbers>A</AllowDuplicateOrderNumbers>",
           HEADER "<Warehouse>W2</Warehouse>", line);
    query("COMFND", "<Query><TableName>SorDetail</TableName><Columns>"
                    "<Column>MWarehouse</Column></Columns></Query>");
    assert_has("<Row>\n<MWarehouse>FG</MWarehouse>\n</Row>\n"
               "<Row>\n<MWarehouse>W2</MWarehouse>\n</Row>\n"
               "<Row>\n<MWarehouse>W2</MWarehouse>\n</Row>\n");
}

static void test_change_and_cancel(void **state)
{
    static const char change[] =
        "<OrderActionType>C</OrderActionType><SalesOrder>020450</SalesOrder>"
        "<NewCustomerPoNumber>T-9</NewCustomerPoNumber>"
        "<Currency>USD</Currency><ShipAddress1>{blank}</ShipAddress1>";

    (void)state;
    import(SETTINGS WARN, HEADER, LINE);
    import(SETTINGS WARN, change,
           "<StockLine><CustomerPoLine>1</CustomerPoLine><LineActionType>C"
           "</LineActionType><OrderQty>5</OrderQty></StockLine>"
           "<StockLine><LineActionType>A</LineActionType><StockCode>B200"
           "</StockCode>" L_QTY L_PRICE "</StockLine>");
    assert_clean();
    request("GET", "/_sim/orders?po=T-9", NULL, NULL);
    assert_has("\"count\":1");
    assert_has("\"line\":1,\"type\":\"stock\",\"stock_code\":\"A100\"");
    assert_has("\"quantity\":\"5\",\"uom\":\"EA\",\"price\":\"149.90000\"");
    assert_has("\"line\":2,\"type\":\"stock\",\"stock_code\":\"B200\"");
    import(SETTINGS WARN, change,
           "<StockLine><CustomerPoLine>7</CustomerPoLine><LineActionType>C"
           "</LineActionType><OrderQty>5</OrderQty></StockLine>");
    assert_has("Sales order line '7' not found");
    import(SETTINGS WARN,
           "<OrderActionType>D</OrderActionType><SalesOrder>20450</SalesOrder>",
           "");
    assert_clean();
    import(SETTINGS WARN, change, "");
    assert_has("Sales order '020450' is complete or cancelled");
    request("GET", "/_sim/documents", NULL, NULL);
    assert_has("\"commits\":3");
    request("GET", "/_sim/company", NULL, NULL);
    assert_has_not("\"allocated\":\"5.000000\"");
    assert_has_not("\"outstanding\":\"749");
}

static void set_status(const char *parameters, const char *from, const char *to)
{
    char document[512];

    snprintf(document, sizeof(document),
             "<PostSorOrderStatus><Item><SalesOrder>20450</SalesOrder>"
             "<OrderStatus>%s</OrderStatus><NewOrderStatus>%s</NewOrderStatus>"
             "</Item></PostSorOrderStatus>",
             from, to);
    call_path("/Transaction/Post", "SORTOS", parameters, document);
}

static void test_status(void **state)
{
    static const char really[] =
        "<PostSorOrderStatus><Parameters><ValidateOnly>N</ValidateOnly>"
        "</Parameters></PostSorOrderStatus>";

    (void)state;
    import(SETTINGS WARN, HEADER, LINE);
    set_status("", "1", "8");
    assert_has("<ItemsInvalid>000000</ItemsInvalid>");
    set_status(really, "4", "8");
    assert_has("<ErrorDescription>Sales order is not in the status expected");
    set_status(really, "1", "7");
    assert_has("<ErrorDescription>New order status is invalid");
    request("GET", "/_sim/orders?po=T-1", NULL, NULL);
    assert_has("\"status\":\"1\"");
    set_status(really, "1", "8");
    request("GET", "/_sim/orders?po=T-1", NULL, NULL);
    assert_has("\"status\":\"8\"");
    set_status("<a/>", "8", "9");
    assert_has("ERROR: XmlParameters - root element is not");
}

static void test_several_orders(void **state)
{
    char *parameters = parameters_of(SETTINGS WARN);

    (void)state;
    post(parameters,
         "<SalesOrders><Orders><OrderHeader>" HEADER
         "</OrderHeader><OrderDetails>" LINE "</OrderDetails></Orders>"
         "<Orders><OrderHeader><CustomerPoNumber>T-2</CustomerPoNumber>"
         "<OrderActionType>A</OrderActionType><Customer>0009999</Customer>"
         "</OrderHeader></Orders></SalesOrders>");
    assert_has("<ItemsProcessed>000002</ItemsProcessed>");
    assert_has("Customer '0009999' not found");
    assert_int_equal(count_orders(), 1);
    free(parameters);
}

static void test_too_many_lines(void **state)
{
    struct buf lines;

    (void)state;
    buf_init(&lines, 1 << 20);
    for (int i = 0; i < 2001; i++)
        buf_append_text(&lines, "<CommentLine><LineActionType>A"
                                "</LineActionType><Comment>x</Comment>"
                                "</CommentLine>");
    char *parameters = parameters_of(SETTINGS WARN);
    char *document = document_of(HEADER, lines.data);
    struct buf envelope;

    buf_init(&envelope, 2 << 20);
    buf_printf(&envelope,
               "<TransactionPostLD xmlns=\"http://SYSPROWcfService\"><UserId>"
               "%s</UserId><BusinessObject>SORTOI</BusinessObject>"
               "<XmlParameters><![CDATA[%s]]></XmlParameters><XmlIn>"
               "<![CDATA[%s]]></XmlIn></TransactionPostLD>",
               session, parameters, document);
    request("POST", "/SYSPROWCFService/Rest/Transaction/PostLD", envelope.data,
            "application/xml");
    assert_has("<ErrorDescription>Too many lines</ErrorDescription>");
    assert_int_equal(count_orders(), 0);
    free(parameters);
    free(document);
    buf_done(&lines);
    buf_done(&envelope);
}

static void test_manual_number(void **state)
{
    static const char manual[] =
        SETTINGS WARN "<AllowManualOrderNumberToBeUsed>Y"
                      "</AllowManualOrderNumberToBeUsed>"
                      "<AllowDuplicateOrderNumbers>A"
                      "</AllowDuplicateOrderNumbers>";

    (void)state;
    import(manual, HEADER "<SalesOrder>777</SalesOrder>", LINE);
    assert_clean();
    import(manual, HEADER "<SalesOrder>000777</SalesOrder>", LINE);
    assert_has("Sales order '000777' already exists");
    import(manual, HEADER "<SalesOrder>SO-1</SalesOrder>", LINE);
    assert_has("Sales order 'SO-1' is not numeric");
}

static void test_text_and_unknown_elements(void **state)
{
    (void)state;
    /* U+015F is not in Windows-1252, U+20AC is. */
    import(SETTINGS WARN,
           HEADER "<ShippingInstrs>M&#252;ller \xC5\x9F &#8364;"
                  "</ShippingInstrs><Colour>red</Colour>"
                  "<shipaddress1>x</shipaddress1>",
           LINE);
    assert_clean();
    query("COMFND", "<Query><TableName>SorMaster</TableName><Columns>"
                    "<Column>ShippingInstrs</Column></Columns></Query>");
    assert_has("<ShippingInstrs>M\xFCller ? \x80</ShippingInstrs>");
}

/* --- Queries --- */

static void find_customers(const char *where)
{
    char text[2048];

    snprintf(text, sizeof(text),
             "<Query><TableName>ArCustomer</TableName><Columns><Column>Customer"
             "</Column></Columns><Where>%s</Where></Query>",
             where);
    query("COMFND", text);
}

#define TERM(column, condition, value)                                         \
    "<Expression><Column>" column "</Column><Condition>" condition             \
    "</Condition><Value>" value "</Value></Expression>"

static void assert_rows(size_t count)
{
    char text[64];

    snprintf(text, sizeof(text), "<RowsReturned>%8zu</RowsReturned>", count);
    assert_has(text);
}

static void test_find(void **state)
{
    static const struct {
        const char *where;
        size_t rows;
    } cases[] = {
        {"", 3},
        {TERM("Customer", "EQ", "000000000001207"), 1},
        {TERM("Customer", "EQ", "0001207"), 0}, /* not the stored form */
        {TERM("Customer", "NE", "000000000001207"), 2},
        {TERM("Customer", "GT", "000000000001207"), 2},
        {TERM("Customer", "GE", "000000000001207"), 3},
        {TERM("Customer", "LT", "000000000001310"), 1},
        {TERM("Customer", "LE", "000000000001310"), 2},
        {TERM("Name", "LIKE", "*Metals"), 1},
        {TERM("Name", "Like", "Q?ay*"), 1},
        {TERM("Name", "LIKE", "quay*"), 0},
        {TERM("CreditLimit", "GE", "0"), 3},
        {TERM("Name", "LIKE", "B*") TERM("Customer", "GT", "0"), 1},
        {TERM("Name", "LIKE",
              "B*") "<Expression><AndOr>or</AndOr>"
                    "<Column>CustomerOnHold</Column><Condition>EQ</Condition>"
                    "<Value>Y</Value></Expression>",
         2},
        {"<Expression><OpenBracket>(</OpenBracket><Column>Name</Column>"
         "<Condition>LIKE</Condition><Value>B*</Value></Expression>"
         "<Expression><AndOr>or</AndOr><Column>CustomerOnHold</Column>"
         "<Condition>EQ</Condition><Value>Y</Value><CloseBracket>)"
         "</CloseBracket></Expression>" TERM("Customer", "EQ",
                                             "000000000001415"),
         1},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        find_customers(cases[i].where);
        assert_rows(cases[i].rows);
    }
}

static void test_find_refusals(void **state)
{
    (void)state;
    find_customers(TERM("customer", "EQ", "1"));
    assert_string_equal(body.data, "ERROR: Column of an expression is invalid");
    find_customers(TERM("Customer", "IS", "1"));
    assert_string_equal(body.data,
                        "ERROR: Condition of an expression is invalid");
    find_customers("<Expression><OpenBracket>(</OpenBracket><Column>Name"
                   "</Column><Condition>EQ</Condition></Expression>");
    assert_string_equal(body.data, "ERROR: Brackets of Where do not match");
    query("COMFND", "<Query><TableName>arcustomer</TableName></Query>");
    assert_string_equal(body.data, "ERROR: Table 'arcustomer' not found");
    query("COMFND", "<Query><TableName>ArCustomer</TableName></Query>");
    assert_string_equal(body.data, "ERROR: Columns are missing");
    query("COMFND", "<Query><TableName>ArCustomer</TableName><Columns><Column>"
                    "NAME</Column></Columns></Query>");
    assert_has("ERROR: Column 'NAME' not found");
    query("COMFND", "<!DOCTYPE Query><Query/>");
    assert_has("ERROR: XmlIn - DTD is prohibited");
    query("SORQRY", "<Query/>");
    assert_string_equal(body.data, "ERROR: e.net exception raised: 100000");
}

static void test_find_orders(void **state)
{
    (void)state;
    query("COMFND", "<Query><TableName>InvWarehouse</TableName><ReturnRows>2"
                    "</ReturnRows><Columns><Column>StockCode</Column><Column>"
                    "QtyOnHand</Column></Columns><OrderBy><Column>QtyOnHand"
                    "</Column></OrderBy></Query>");
    assert_has("<Row>\n<StockCode>A100</StockCode>\n"
               "<QtyOnHand>          500.000000</QtyOnHand>\n</Row>\n"
               "<Row>\n<StockCode>B200</StockCode>\n");
    assert_rows(2);
}

static void test_fetch_and_queries(void **state)
{
    (void)state;
    call_path("/Query/Fetch", NULL, NULL,
              "<Fetch><TableName>ArCustomer</TableName><Key>0001207</Key>"
              "<FullKeyProvided>N</FullKeyProvided></Fetch>");
    assert_has("<Customer>000000000001207</Customer>\n<Name>Bayside Tools Ltd");
    call_path("/Query/Fetch", NULL, NULL,
              "<Fetch><TableName>InvMaster</TableName><Key>B200</Key></Fetch>");
    assert_has("<StockCode>B200</StockCode>");
    call_path("/Query/Fetch", NULL, NULL,
              "<Fetch><TableName>InvMaster</TableName><Key>X</Key></Fetch>");
    assert_has("ERROR: Key 'X' not found on table InvMaster");
    query("ARSQRY", "<Query><Key><Customer>0001415</Customer></Key></Query>");
    assert_has("<CustomerOnHold>Y</CustomerOnHold>");
    query("ARSQRY", "<Query><Key><Customer>9</Customer></Key></Query>");
    assert_string_equal(body.data, "ERROR: Customer '9' not found");
    query("INVQRY", "<Query><Key><StockCode>X</StockCode></Key></Query>");
    assert_string_equal(body.data, "ERROR: Stock code 'X' not found");
}

/* --- Sessions and the HTTP face --- */

static const char any_query[] =
    "<Query><TableName>InvMaster</TableName><Columns><Column>StockCode"
    "</Column></Columns></Query>";

static const char no_session[] = "ERROR: The supplied UserID is invalid.";

static void test_sessions(void **state)
{
    char old[64];

    (void)state;
    query("COMFND", any_query);
    assert_has("<Row>");
    session[34] = '\0'; /* without the two blanks */
    query("COMFND", any_query);
    assert_has("<Row>");
    memcpy(old, session, sizeof(old));
    log_on();
    assert_string_not_equal(old, session);
    query("COMFND", any_query);
    assert_has("<Row>");
    memcpy(session, old, sizeof(old));
    query("COMFND", any_query);
    assert_string_equal(body.data, no_session);
    log_on();
    control("/_sim/sessions/evict", "{}");
    import(SETTINGS WARN, HEADER, LINE);
    assert_string_equal(body.data, no_session);
    assert_int_equal(count_orders(), 0);
    log_on();
    control("/_sim/clock", "{\"advance_ms\":1200001}");
    query("COMFND", any_query);
    assert_string_equal(body.data, no_session);
}

static void test_log_on_and_off(void **state)
{
    char path[256];

    (void)state;
    request("GET",
            "/sysprowcfservice/REST/logon?CompanyId=EDU1&CompanyPassword="
            "&OperatorPassword=s3cret+1&Operator=CRMLINK",
            NULL, NULL); /* a bare plus is a blank */
    assert_string_equal(body.data, "ERROR: Invalid operator password");
    request("GET",
            "/SYSPROWCFService/Rest/Logon?Operator=CRMLINK"
            "&OperatorPassword=s3cret%2B1&CompanyId=EDU1",
            NULL, NULL); /* left out is not blank */
    assert_string_equal(body.data,
                        "ERROR: Parameter CompanyPassword was not supplied");
    request("GET",
            "/SYSPROWCFService/Rest/Logon?Operator=CRMLINK"
            "&OperatorPassword=s3cret%2B1&CompanyId=NONE&CompanyPassword=",
            NULL, NULL);
    assert_string_equal(body.data, "ERROR: Invalid company");
    fault("{\"fault\":\"licence_full\"}");
    send_case("01-logon-ok");
    assert_has("ERROR: The maximum number of e.net licenses is in use");
    log_on();
    snprintf(path, sizeof(path),
             "/SYSPROWCFService/Rest/GetLogonProfile?"
             "UserId=%.34s%%20%%20",
             session);
    request("GET", path, NULL, NULL);
    assert_has("<CompanyName>Harbour Supplies</CompanyName>");
    assert_has("<LocalCurrencyCode>GBP</LocalCurrencyCode>");
    assert_has("<CompanyDate>2026-03-02</CompanyDate>");
    snprintf(path, sizeof(path), "/SYSPROWCFService/Rest/Logoff?UserId=%.34s",
             session);
    request("GET", path, NULL, NULL);
    assert_string_equal(body.data, "0");
    request("GET", path, NULL, NULL);
    assert_string_equal(body.data,
                        "ERROR: Unable to read the SYSPRO base directory "
                        "registry string BaseDir8");
}

static void test_http_face(void **state)
{
    char *document = document_of(HEADER, LINE);

    (void)state;
    request("GET", "/SYSPROWCFSERVICE/rest/GETVERSION", NULL, NULL);
    assert_int_equal(status, 200);
    assert_string_equal(body.data, "8.0.0.6");
    request("GET", "/SYSPROWCFService/Rest/GetServiceName", NULL, NULL);
    assert_int_equal(status, 200);
    request("GET", "/SYSPROWCFService/Rest/NoSuch", NULL, NULL);
    assert_int_equal(status, 404);
    request("GET", "/other", NULL, NULL);
    assert_int_equal(status, 404);
    request("POST", "/SYSPROWCFService/Rest/Transaction/Post", "x",
            "application/xml");
    assert_int_equal(status, 405);
    request("GET", "/SYSPROWCFService/Rest/Transaction/PostLD", NULL, NULL);
    assert_int_equal(status, 405);
    /* XmlParameters may be blank but not left out. */
    call_path("/Transaction/Post", "SORTOI", NULL, document);
    assert_string_equal(body.data,
                        "ERROR: Parameter XmlParameters was not supplied");
    request("POST", "/SYSPROWCFService/Rest/Transaction/PostLD",
            "<TransactionPostLD><UserId/></TransactionPostLD>",
            "application/xml");
    assert_has("ERROR: Body is not a TransactionPostLD");
    request("POST", "/SYSPROWCFService/Rest/Transaction/PostLD", "{}",
            "application/json");
    assert_has("ERROR: Content type is not supported");
    free(document);
}

/* The limit counts the request line and the headers. */
static void test_size_limit(void **state)
{
    char *path = memory_zero(1, 17000);
    static const char start[] = "/SYSPROWCFService/Rest/GetVersion?x=";

    (void)state;
    memset(path, 'x', 16000);
    memcpy(path, start, strlen(start));
    request("GET", path, NULL, NULL);
    assert_int_equal(status, 200);
    memset(path, 'x', 16384);
    memcpy(path, start, strlen(start));
    request("GET", path, NULL, NULL);
    assert_int_equal(status, 400);
    assert_has("The size of the request headers is too long.");
    control("/_sim/company", "{\"options\":{\"request_bytes_max\":1000}}");
    path[1200] = '\0';
    request("GET", path, NULL, NULL);
    assert_int_equal(status, 400);
    free(path);
}

/* --- Faults --- */

static void test_own_faults(void **state)
{
    (void)state;
    fault("{\"fault\":\"evict_session\",\"match\":\"/Transaction/Post\"}");
    query("COMFND", any_query);
    assert_has("<Row>");
    import(SETTINGS WARN, HEADER, LINE);
    assert_string_equal(body.data, no_session);
    log_on();
    fault("{\"fault\":\"exception_100000\",\"match\":"
          "\"BusinessObject=SORTOI\"}");
    query("COMFND", any_query);
    assert_has("<Row>");
    import(SETTINGS WARN, HEADER, LINE);
    assert_string_equal(body.data, "ERROR: e.net exception raised: 100000");
    control("/_sim/company", "{\"unlicensed\":[\"COMFND\"]}");
    query("COMFND", any_query);
    assert_string_equal(body.data, "ERROR: e.net exception raised: 100000");
    fault("{\"fault\":\"record_lock\"}");
    import(SETTINGS WARN, HEADER, LINE);
    assert_has("is in use by operator");
    fault("{\"fault\":\"period_closed\"}");
    import(SETTINGS WARN, HEADER, LINE);
    assert_has("Posting period is closed");
    assert_int_equal(count_orders(), 0);
    fault("{\"fault\":\"wrong_reference\"}");
    import(SETTINGS WARN, HEADER, LINE);
    assert_has("<CustomerPoNumber>OTHER-1</CustomerPoNumber>");
    assert_has("<SalesOrder>019999</SalesOrder>");
    assert_int_equal(count_orders(), 1);
    request("GET", "/_sim/ledger", NULL, NULL);
    assert_has("\"committed\":true,\"answered\":true,\"fault\":"
               "\"wrong_reference\"");
}

static void post_url(struct buf *url)
{
    char *parameters = parameters_of(SETTINGS WARN);
    char *document = document_of(HEADER, LINE);

    buf_init(url, 1 << 20);
    buf_printf(url, "/SYSPROWCFService/Rest/Transaction/Post?v=1");
    add_parameter(url, "UserId", session);
    add_parameter(url, "BusinessObject", "SORTOI");
    add_parameter(url, "XmlParameters", parameters);
    add_parameter(url, "XmlIn", document);
    free(parameters);
    free(document);
}

static void test_commit_and_cut(void **state)
{
    struct buf url;

    (void)state;
    post_url(&url);
    fresh = true;
    fault("{\"fault\":\"cut_before_commit\",\"match\":\"/Transaction/Post\"}");
    assert_int_not_equal(request("GET", url.data, NULL, NULL), CURLE_OK);
    assert_int_equal(count_orders(), 0);
    fault("{\"fault\":\"cut_after_commit\",\"match\":\"/Transaction/Post\"}");
    assert_int_not_equal(request("GET", url.data, NULL, NULL), CURLE_OK);
    assert_int_equal(count_orders(), 1);
    fresh = false;
    buf_done(&url);
}

/* The order is committed when the caller has long given up. */
static void test_late_commit(void **state)
{
    struct buf url;

    (void)state;
    post_url(&url);
    control("/_sim/clock", "{\"frozen\":true}");
    fault("{\"fault\":\"delay\",\"ms\":60000,\"match\":\"/Transaction/Post\"}");
    timeout_ms = 200;
    assert_int_equal(request("GET", url.data, NULL, NULL),
                     CURLE_OPERATION_TIMEDOUT);
    timeout_ms = 30000;
    assert_int_equal(count_orders(), 0);
    control("/_sim/clock", "{\"advance_ms\":60000}");
    assert_int_equal(count_orders(), 1);
    control("/_sim/clock", "{\"frozen\":false}");
    buf_done(&url);
}

static void test_hostile_answers(void **state)
{
    static const struct {
        const char *attack, *text;
        size_t bytes_min;
    } cases[] = {
        {"external", "<!ENTITY e SYSTEM \"file:///etc/passwd\">", 0},
        {"network", "<!ENTITY e SYSTEM \"http://", 0},
        {"parameter", "<!ENTITY % p SYSTEM \"http://", 0},
        {"laughs", "<!ENTITY e12 \"&e11;&e11;", 0},
        {"quadratic", "&e;&e;&e;", 150000},
        {"deep", "<a><a><a>", 300000 * 7},
        {"huge", "<Note>0123456789abcdef", 100 << 20},
        {"plain", "<!DOCTYPE InvMaster [\n]>", 0},
        {"encoding", "encoding=\"UTF-16\"", 0},
    };
    char json[128];

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        snprintf(json, sizeof(json),
                 "{\"fault\":\"doctype\",\"attack\":\"%s\"}", cases[i].attack);
        fault(json);
        query("COMFND", any_query);
        assert_int_equal(status, 200);
        assert_non_null(strstr(body.data, cases[i].text));
        assert_non_null(strstr(body.data, "<RowsReturned>       3"));
        assert_true(body.len >= cases[i].bytes_min);
    }
    query("COMFND", any_query);
    assert_has_not("<!DOCTYPE");
}

static void test_control_refusals(void **state)
{
    static const struct {
        const char *path, *json;
    } cases[] = {
        {"/_sim/company", "{\"optoins\":{}}"},
        {"/_sim/company", "{\"options\":{\"clean\":true}}"},
        {"/_sim/company", "not json"},
        {"/_sim/customers", "{\"customer\":\"ABC\"}"},
        {"/_sim/customers", "{\"customer\":\"1207\",\"on_hold\":\"N\"}"},
        {"/_sim/items", "{\"stock_code\":\"A100\",\"decimals\":7}"},
        {"/_sim/items", "{\"stock_code\":\"A100\",\"price\":\"1e2\"}"},
        {"/_sim/orders", "{\"sales_order\":\"1\",\"status\":\"9\"}"},
        {"/_sim/shape", "{\"clean\":\"C\"}"},
        {"/_sim/faults", "{\"fault\":\"nothing\"}"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        request("POST", cases[i].path, cases[i].json, "application/json");
        assert_int_equal(status, 400);
        assert_has("\"error\"");
    }
}

/* The ledger names no secret. */
static void test_ledger_masks(void **state)
{
    (void)state;
    request("GET", "/_sim/ledger?limit=1000", NULL, NULL);
    assert_has("OperatorPassword=***");
    assert_has_not("s3cret");
    assert_has_not(session);
}

int main(void)
{
#define RUN(name) cmocka_unit_test_setup(name, test_setup)
    const struct CMUnitTest tests[] = {
        RUN(test_header_refusals),
        RUN(test_line_refusals),
        RUN(test_good_order),
        RUN(test_errors_are_collected),
        RUN(test_unreadable_documents),
        RUN(test_golden_sessions),
        RUN(test_golden_orders),
        RUN(test_golden_large),
        RUN(test_golden_wrapped),
        RUN(test_golden_gateway),
        RUN(test_golden_stock),
        RUN(test_process_defaults_to_validate),
        RUN(test_duplicate_po),
        RUN(test_duplicate_po_switches),
        RUN(test_po_check_follows_customer),
        RUN(test_hold_and_release),
        RUN(test_credit_counts_orders),
        RUN(test_allocation),
        RUN(test_price_is_a_hint),
        RUN(test_non_stocked),
        RUN(test_warehouse_resolution),
        RUN(test_change_and_cancel),
        RUN(test_status),
        RUN(test_several_orders),
        RUN(test_too_many_lines),
        RUN(test_manual_number),
        RUN(test_text_and_unknown_elements),
        RUN(test_find),
        RUN(test_find_refusals),
        RUN(test_find_orders),
        RUN(test_fetch_and_queries),
        RUN(test_sessions),
        RUN(test_log_on_and_off),
        RUN(test_http_face),
        RUN(test_size_limit),
        RUN(test_own_faults),
        RUN(test_commit_and_cut),
        RUN(test_late_commit),
        RUN(test_hostile_answers),
        RUN(test_control_refusals),
        RUN(test_ledger_masks),
    };

    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
