/* test_syspro.h - what the tests of the SYSPRO connector share: a kit that runs
 * it, the golden cases, and the parameters of an address. */
#ifndef CONNECT_TESTS_TEST_SYSPRO_H
#define CONNECT_TESTS_TEST_SYSPRO_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libxml/parser.h>
#include <libxml/tree.h>

#include <connect/json.h>
#include <connect/kit.h>
#include <connect/sdk.h>

#define SESSION_ID "9F2C41D07A8B5E4C9D3310B7E6A4C25800  "
#define SESSION_SENT "UserId=9F2C41D07A8B5E4C9D3310B7E6A4C25800%20%20&"
#define BASE_URL "http://erp.test:31002/SYSPROWCFService/Rest"
#define CONFIG_START                                                           \
    "{\"base_url\":\"" BASE_URL "\",\"operator\":\"CRMLINK\","                 \
    "\"operator_password\":\"s3cret+1\",\"company\":\"EDU1\""
#define CONFIG CONFIG_START "}"
#define INVALID_SESSION "ERROR: The supplied UserID is invalid."

/* The order of golden case 04. */
#define ORDER_04                                                               \
    "{\"external_id\":\"box-1\",\"customer\":\"0001207\","                     \
    "\"po_number\":\"HS-90017\",\"order_date\":\"2026-03-02\","                \
    "\"requested_ship_date\":\"2026-03-09\",\"lines\":[{\"line\":\"1\","       \
    "\"stock_code\":\"A100\",\"warehouse\":\"FG\",\"quantity\":\"3\","         \
    "\"unit\":\"EA\",\"price\":\"149.90000\"}]}"

extern const cn_plugin cn_plugin_v1;

static inline char *golden(const char *folder, const char *file)
{
    char path[512];
    char *text = calloc(1, 128 * 1024);
    FILE *stream = NULL;

    snprintf(path, sizeof(path), "%s/golden/syspro/%s/%s", TEST_SOURCE_DIR,
             folder, file);
    stream = fopen(path, "rb");
    assert_non_null(text);
    assert_non_null(stream);
    assert_true(fread(text, 1, 128 * 1024 - 1, stream) > 0);
    fclose(stream);
    return text;
}

static inline struct kit *started(const char *config)
{
    struct kit *kit = kit_create(&cn_plugin_v1, config);

    assert_true(kit_start(kit));
    return kit;
}

static inline cn_op deliver(struct kit *kit, const char *order)
{
    return kit_deliver(kit, "sales_order/1", "event-1", "box-1", order);
}

static inline cn_op probe(struct kit *kit, const char *order)
{
    return kit_probe(kit, "sales_order/1", "event-1", "box-1", order);
}

/* The request that waits, which must be of this path. */
static inline struct kit_request *expect(struct kit *kit, const char *path)
{
    struct kit_request *request = kit_pending(kit);
    size_t len = strlen(BASE_URL);

    assert_non_null(request);
    assert_int_equal(kit_pending_count(kit), 1);
    if (strncmp(request->url, BASE_URL, len) != 0 ||
        strncmp(request->url + len, path, strlen(path)) != 0 ||
        !memchr("?", request->url[len + strlen(path)], 2))
        fail_msg("%s is not %s", request->url, path);
    return request;
}

static inline void log_on(struct kit *kit)
{
    struct kit_request *request = expect(kit, "/Logon");

    assert_int_equal(request->effect, 0);
    kit_answer(kit, request, 200, SESSION_ID);
}

/* A started kit with a session, by a check. */
static inline struct kit *logged_on(const char *config)
{
    struct kit *kit = started(config);
    cn_op op = kit_check(kit);

    kit_answer(kit, expect(kit, "/GetVersion"), 200, "8.0.0.6");
    log_on(kit);
    kit_answer(kit, expect(kit, "/GetLogonProfile"), 200,
               "<UserProfile><SysproVersion>8.0.161</SysproVersion>"
               "</UserProfile>");
    assert_int_equal(kit_result(kit, op)->outcome.status, CN_OK);
    return kit;
}

static inline const struct kit_outcome *ended(struct kit *kit, cn_op op)
{
    assert_true(kit_result(kit, op)->done);
    return &kit_result(kit, op)->outcome;
}

static inline void assert_ended(struct kit *kit, cn_op op, cn_status status,
                                const char *words)
{
    const struct kit_outcome *outcome = ended(kit, op);

    if (outcome->status != status ||
        (words && !strstr(outcome->message, words) &&
         !strstr(outcome->body, words)))
        fail_msg("status %d, message %s, body %s; expected %d and %s",
                 (int)outcome->status, outcome->message, outcome->body,
                 (int)status, words ? words : "");
}

/* A parameter of an address, decoded; to free. */
static inline char *parameter(const char *url, const char *name)
{
    char key[64];
    const char *at = NULL;
    char *value = calloc(1, strlen(url) + 1), *to = value;

    snprintf(key, sizeof(key), "%s=", name);
    at = strstr(url, key);
    assert_non_null(at);
    assert_true(at[-1] == '&' || at[-1] == '?');
    for (at += strlen(key); *at && *at != '&' && *at != ' '; at++) {
        if (*at == '%') {
            char digits[3] = {at[1], at[2], '\0'};
            *to++ = (char)strtoul(digits, NULL, 16);
            at += 2;
        } else {
            *to++ = *at;
        }
    }
    return value;
}

static inline void print_element(const xmlNode *node, FILE *to)
{
    for (; node; node = node->next) {
        if (node->type != XML_ELEMENT_NODE) {
            fprintf(to, "%s", (const char *)node->content);
            continue;
        }
        fprintf(to, "<%s>", (const char *)node->name);
        print_element(node->children, to);
        fprintf(to, "</%s>", (const char *)node->name);
    }
}

/* Elements and texts of a document without attributes; to free. */
__attribute__((noinline, unused)) static char *bare(const char *document)
{
    xmlDocPtr doc = xmlReadMemory(document, (int)strlen(document), NULL, NULL,
                                  XML_PARSE_NONET | XML_PARSE_NOBLANKS);
    char *text = NULL;
    size_t len = 0;
    FILE *stream = open_memstream(&text, &len);

    assert_non_null(doc);
    print_element(xmlDocGetRootElement(doc), stream);
    fclose(stream);
    xmlFreeDoc(doc);
    return text;
}

static inline void assert_same_document(const char *left, const char *right)
{
    char *a = bare(left), *b = bare(right);

    assert_string_equal(a, b);
    free(a);
    free(b);
}

/* COMFND's answer about SorMaster or another table. */
#define ROWS(table, rows, count)                                               \
    "<?xml version=\"1.0\" encoding=\"Windows-1252\"?>\n<" table               \
    " Language='05' Version='8.0.010'>\n" rows "<RowsReturned>       " count   \
    "</RowsReturned>\n</" table ">\n "
#define ORDER_ROW(number, status, flag, po)                                    \
    "<Row><SalesOrder>" number "</SalesOrder><OrderStatus>" status             \
    "</OrderStatus><CancelledFlag>" flag "</CancelledFlag><DocumentType>O"     \
    "</DocumentType><CustomerPoNumber>" po "</CustomerPoNumber></Row>"
#define LINE_ROW(code, quantity, price)                                        \
    "<Row><SalesOrderLine>    1</SalesOrderLine><MStockCode>" code             \
    "</MStockCode><MOrderQty>            " quantity                            \
    "</MOrderQty><MOrderUom>EA</MOrderUom><MPrice>     " price                 \
    "</MPrice><MPriceUom>EA</MPriceUom></Row>"
#define LINES_04                                                               \
    ROWS("SorDetail", LINE_ROW("A100", "3.000000", "149.90000"), "1")

/* SORTOI's answer that refuses the header with a text. */
#define REFUSED(text)                                                          \
    "<SalesOrders><Orders><OrderHeader><CustomerPoNumber>HS-90017"             \
    "</CustomerPoNumber><ErrorMessages><ErrorDescription>" text                \
    "</ErrorDescription></ErrorMessages></OrderHeader></Orders>"               \
    "<StatusOfItems><ItemsProcessed>000001</ItemsProcessed></StatusOfItems>"   \
    "</SalesOrders>"

#endif
