/* order_map.c - sales_order/1 as the two documents of an order import.
 *
 * The record's schema has the lengths of SYSPRO's fields, so nothing is cut
 * here but free text; quantities and prices are passed on as the texts they
 * are.  Empty elements are left out, since some of them mean something.  Pure.
 */
#include "order_map.h"

#include <stdio.h>
#include <string.h>

#include <connect/decimal.h>
#include <connect/json.h>
#include <connect/sdk.h>

#define DOCUMENT_HEAD                                                          \
    "<?xml version=\"1.0\" encoding=\"Windows-1252\"?><SalesOrders>"
#define DOCUMENT_TAIL "</SalesOrders>"

enum { COMMENT_LINES_MAX = 4, COMMENT_LINE_MAX = 100, ADDRESS_LINES_MAX = 5 };

struct field {
    const char *element, *pointer;
    size_t characters_max;
};

static const struct field header_fields[] = {
    {"OrderDate", "/order_date", 10},
    {"RequestedShipDate", "/requested_ship_date", 10},
    {"Currency", "/currency", 3},
    {"ShippingInstrs", "/shipping_instructions", 50},
    {"CustomerName", "/ship_to/name", 50},
    {"ShipAddress1", "/ship_to/address/0", 40},
    {"ShipAddress2", "/ship_to/address/1", 40},
    {"ShipAddress3", "/ship_to/address/2", 40},
    {"ShipAddress4", "/ship_to/address/3", 40},
    {"ShipAddress5", "/ship_to/address/4", 40},
    {"ShipPostalCode", "/ship_to/postal_code", 10},
    {"Email", "/ship_to/email", 80}};

/* ---- Parameters ---------------------------------------------------------- */

/* The set for orders from a CRM: section 2.1.1 of the interface's reference. */
static const char *const parameters[][2] = {{"Process", "IMPORT"},
                                            {"OrderStatus", "1"},
                                            {"AllowNonStockItems", "N"},
                                            {"AllowDuplicateOrderNumbers", "N"},
                                            {"CheckForCustomerPoNumbers", "Y"},
                                            {"AlwaysUsePriceEntered", "Y"},
                                            {"AllowZeroPrice", "N"},
                                            {"AllocationAction", "A"},
                                            {"IgnoreWarnings", "W"},
                                            {"WarnIfCustomerOnHold", "N"},
                                            {"AcceptOrdersIfNoCredit", "N"}};

enum { PARAMETER_COUNT = sizeof(parameters) / sizeof(*parameters) };

static bool is_recommended(const char *name)
{
    for (size_t index = 0; index < PARAMETER_COUNT; index++) {
        if (!strcmp(parameters[index][0], name))
            return true;
    }
    return false;
}

static const char *parameter_value(const struct settings *settings,
                                   size_t index)
{
    const char *value = cn_json_text(
        cn_json_member(settings->order_parameters, parameters[index][0]));

    return value ? value : parameters[index][1];
}

void order_map_parameters(const struct settings *settings, struct text *out)
{
    text_put(out, DOCUMENT_HEAD "<Parameters>");
    for (size_t index = 0; index < PARAMETER_COUNT; index++)
        text_put_element(out, parameters[index][0],
                         cn_text(parameter_value(settings, index)), 0);
    CN_JSON_EACH(item, settings->order_parameters)
    {
        if (!is_recommended(item->string))
            text_put_element(out, item->string, cn_text(cn_json_text(item)), 0);
    }
    text_put(out, "</Parameters>" DOCUMENT_TAIL);
}

/* ---- Document ------------------------------------------------------------ */

/* A code as it is sent. */
static const char *code(const char *text, bool upper, char to[KEY_MAX])
{
    text_trim(to, KEY_MAX, cn_text(text), upper);
    return to;
}

static void put_code(struct text *out, const char *element, const char *text,
                     bool upper, size_t characters_max)
{
    char to[KEY_MAX];

    if (text)
        text_put_element(out, element, cn_text(code(text, upper, to)),
                         characters_max);
}

/* Do the comments' own lines fit into SYSPRO's? */
static bool lines_fit(cn_str text)
{
    size_t position = 0, lines = 1, count = 0;

    while (position < text.len) {
        bool end = text_next(text, &position) == '\n';
        lines += end;
        count = end ? 0 : count + 1;
        if (lines > COMMENT_LINES_MAX || count > COMMENT_LINE_MAX)
            return false;
    }
    return true;
}

/* The order's comments as at most four elements of 100 characters: cut at their
 * line breaks where they fit, else as running text. */
static void put_comments(struct text *out, const cJSON *order)
{
    cn_str text = cn_text(cn_json_text_at(order, "/comments", ""));
    bool lines = lines_fit(text);
    size_t position = 0;

    for (size_t line = 0; line < COMMENT_LINES_MAX && position < text.len;
         line++) {
        size_t start = position, end = position;
        for (size_t count = 0; end < text.len && count < COMMENT_LINE_MAX;
             count++) {
            if (lines && text.ptr[end] == '\n')
                break;
            text_next(text, &end);
        }
        text_put_element(out, "OrderComments",
                         (cn_str){text.ptr + start, end - start},
                         COMMENT_LINE_MAX);
        position = end + (lines && end < text.len && text.ptr[end] == '\n');
    }
}

static void put_header(const struct settings *settings, const cJSON *order,
                       struct text *out)
{
    text_put(out, "<OrderHeader>");
    text_put_element(out, "CustomerPoNumber",
                     cn_text(cn_json_text_at(order, "/po_number", "")), 30);
    text_put(out, "<OrderActionType>A</OrderActionType>");
    put_code(out, "Customer", cn_json_text_at(order, "/customer", NULL),
             settings->upper_customer, 15);
    for (size_t index = 0;
         index < sizeof(header_fields) / sizeof(*header_fields); index++) {
        const struct field *field = &header_fields[index];
        const char *text = cn_json_text_at(order, field->pointer, "");
        text_put_element(out, field->element, cn_text(text),
                         field->characters_max);
    }
    put_code(out, "Warehouse", cn_json_text_at(order, "/warehouse", NULL),
             settings->upper_warehouse, 10);
    put_comments(out, order);
    text_put(out, "</OrderHeader>");
}

static const char *line_text(const cJSON *line, const char *name)
{
    const char *text = cn_json_text(cn_json_member(line, name));

    return text ? text : "";
}

static void put_line(const struct settings *settings, const cJSON *line,
                     struct text *out)
{
    const char *unit = line_text(line, "unit");
    const char *price = line_text(line, "price");
    const char *price_unit = line_text(line, "price_unit");

    text_put(out, "<StockLine>");
    text_put_element(out, "CustomerPoLine", cn_text(line_text(line, "line")),
                     4);
    text_put(out, "<LineActionType>A</LineActionType>");
    put_code(out, "StockCode", line_text(line, "stock_code"),
             settings->upper_stock_code, 30);
    text_put_element(out, "StockDescription",
                     cn_text(line_text(line, "description")), 50);
    put_code(out, "Warehouse", line_text(line, "warehouse"),
             settings->upper_warehouse, 10);
    text_put_element(out, "OrderQty", cn_text(line_text(line, "quantity")), 0);
    text_put_element(out, "OrderUom", cn_text(unit), 10);
    if (*price) { /* PriceUom is mandatory beside it */
        text_put_element(out, "Price", cn_text(price), 0);
        text_put_element(out, "PriceUom",
                         cn_text(*price_unit ? price_unit : unit), 10);
    }
    text_put_element(out, "LineShipDate", cn_text(line_text(line, "ship_date")),
                     10);
    text_put(out, "</StockLine>");
}

/* Decimal digits as SYSPRO takes them: a float's many places are refused
 * there, and here already. */
static bool decimal_fits(const char *text, size_t whole_max, size_t places_max)
{
    size_t whole = strspn(text, "0123456789");
    size_t places = 0;

    if (text[whole] == '.') {
        places = strspn(text + whole + 1, "0123456789");
        if (!places || text[whole + 1 + places])
            return false;
    } else if (text[whole]) {
        return false;
    }
    return whole && whole <= whole_max && places <= places_max;
}

static bool line_complete(const cJSON *line, char *why, size_t why_size)
{
    static const char *const required[] = {"line", "stock_code", "quantity",
                                           "unit"};
    const char *number = line_text(line, "line");
    const char *price = line_text(line, "price");

    for (size_t index = 0; index < 4; index++) {
        if (!*line_text(line, required[index])) {
            snprintf(why, why_size, "line %.8s has no %s", number,
                     required[index]);
            return false;
        }
    }
    if (!decimal_fits(line_text(line, "quantity"), 12, 6) ||
        (*price && !decimal_fits(price, 10, 5))) {
        snprintf(why, why_size,
                 "line %.8s: a quantity has at most 12 digits and 6 places, a "
                 "price 10 and 5",
                 number);
        return false;
    }
    return true;
}

static bool complete(const cJSON *order, char *why, size_t why_size)
{
    static const char *const required[] = {"/customer", "/po_number",
                                           "/order_date"};

    for (size_t index = 0; index < 3; index++) {
        if (!*cn_json_text_at(order, required[index], "")) {
            snprintf(why, why_size, "the order has no %s", required[index] + 1);
            return false;
        }
    }
    CN_JSON_EACH(line, cn_json_member(order, "lines"))
    {
        if (!line_complete(line, why, why_size))
            return false;
    }
    if (!cJSON_GetArraySize(cn_json_member(order, "lines"))) {
        snprintf(why, why_size, "the order has no lines");
        return false;
    }
    return true;
}

bool order_map_document(const struct settings *settings, const cJSON *order,
                        struct text *out, char *why, size_t why_size)
{
    if (!complete(order, why, why_size))
        return false;
    text_put(out, DOCUMENT_HEAD "<Orders>");
    put_header(settings, order, out);
    text_put(out, "<OrderDetails>");
    CN_JSON_EACH(line, cn_json_member(order, "lines"))
    put_line(settings, line, out);
    text_put(out, "</OrderDetails></Orders>" DOCUMENT_TAIL);
    if (out->failed)
        snprintf(why, why_size, "the order is too large");
    return !out->failed;
}

bool order_map_customer(const struct settings *settings, const cJSON *order,
                        char to[KEY_MAX])
{
    char cleaned[KEY_MAX];
    const char *customer = cn_json_text_at(order, "/customer", "");

    return key_stored(
        &settings->customer_key,
        cn_text(code(customer, settings->upper_customer, cleaned)), to);
}

/* ---- Comparing ----------------------------------------------------------- */

/* SYSPRO pads numbers with blanks (taken off already) and may put the minus
 * behind.  False: no decimal. */
static bool read_decimal(const char *text, cn_decimal *ret_value)
{
    size_t len = strlen(text);
    bool behind = len > 1 && text[len - 1] == '-';
    cn_str digits = {text, behind ? len - 1 : len};

    if (cn_decimal_parse(digits, CN_DECIMAL_ALLOW_MINUS_ZERO, ret_value))
        return false;
    if (behind)
        cn_decimal_negate(ret_value);
    return true;
}

static bool same_decimal(const char *ours, const char *theirs)
{
    cn_decimal left, right;

    return read_decimal(ours, &left) && read_decimal(theirs, &right) &&
           !cn_decimal_compare(&left, &right);
}

/* A value in another unit than ours cannot be compared. */
static bool same_unit(const struct comfnd_rows *rows, size_t row,
                      const char *column, const char *unit)
{
    char theirs[32];

    comfnd_value(rows, row, column, theirs, sizeof(theirs));
    return !*theirs || !strcmp(theirs, unit);
}

/* Unless told to keep our price, SYSPRO prices the line itself. */
static bool price_counts(const struct settings *settings)
{
    const char *value = cn_json_text(
        cn_json_member(settings->order_parameters, "AlwaysUsePriceEntered"));

    return !value || !strcmp(value, "Y");
}

static bool same_line(const struct settings *settings, const cJSON *line,
                      const struct comfnd_rows *rows, size_t row,
                      char *difference, size_t size)
{
    char sent[KEY_MAX], ours[KEY_MAX], theirs[64];
    const char *number = line_text(line, "line");
    const char *quantity = line_text(line, "quantity");
    const char *unit = line_text(line, "unit");
    const char *price = line_text(line, "price");
    const char *price_unit = line_text(line, "price_unit");

    comfnd_value(rows, row, "MStockCode", theirs, sizeof(theirs));
    code(line_text(line, "stock_code"), settings->upper_stock_code, sent);
    text_clean(ours, sizeof(ours), cn_text(sent)); /* as theirs was */
    if (strcmp(ours, theirs) != 0) {
        snprintf(difference, size, "line %.8s: stock code %s there, %s here",
                 number, theirs, ours);
        return false;
    }
    comfnd_value(rows, row, "MOrderQty", theirs, sizeof(theirs));
    if (*theirs && same_unit(rows, row, "MOrderUom", unit) &&
        !same_decimal(quantity, theirs)) {
        snprintf(difference, size, "line %.8s: quantity %s there, %s here",
                 number, theirs, quantity);
        return false;
    }
    comfnd_value(rows, row, "MPrice", theirs, sizeof(theirs));
    if (*price && *theirs && price_counts(settings) &&
        same_unit(rows, row, "MPriceUom", *price_unit ? price_unit : unit) &&
        !same_decimal(price, theirs)) {
        snprintf(difference, size, "line %.8s: price %s there, %s here", number,
                 theirs, price);
        return false;
    }
    return true;
}

/* The next row with a stock code: SYSPRO may have added comments and charges
 * between the lines that were sent. */
static size_t next_row(const struct comfnd_rows *rows, size_t row)
{
    char stock_code[32];

    for (; row < rows->count; row++) {
        comfnd_value(rows, row, "MStockCode", stock_code, sizeof(stock_code));
        if (*stock_code)
            break;
    }
    return row;
}

bool order_map_same(const struct settings *settings, const cJSON *order,
                    const struct comfnd_rows *rows, char *difference,
                    size_t size)
{
    size_t row = next_row(rows, 0), there = 0, here = 0;

    for (size_t at = row; at < rows->count; at = next_row(rows, at + 1))
        there++;
    here = (size_t)cJSON_GetArraySize(cn_json_member(order, "lines"));
    if (there != here) {
        snprintf(difference, size, "%zu stocked lines there, %zu here", there,
                 here);
        return false;
    }
    CN_JSON_EACH(line, cn_json_member(order, "lines"))
    {
        if (!same_line(settings, line, rows, row, difference, size))
            return false;
        row = next_row(rows, row + 1);
    }
    return true;
}
