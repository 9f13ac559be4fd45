/* syspro_line.c - checks of SORTOI's lines, and their stock.
 *
 * The idea: one function for each kind of line, all of which add to or change
 * a line of the draft's order; stock is looked at afterwards and only when
 * nothing was wrong, so that a rejected order has no effect to take back.
 * Called on the server's thread. */
#include "syspro_line.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "syspro_decimal.h"

static int line_number_next(const struct syspro_order *order)
{
    int last = 0;

    for (size_t i = 0; i < order->lines_len; i++)
        if (order->lines[i].number > last)
            last = order->lines[i].number;
    return last + 1;
}

static struct syspro_line *line_find(struct syspro_order *order, int number)
{
    for (size_t i = 0; i < order->lines_len; i++)
        if (order->lines[i].number == number)
            return &order->lines[i];
    return NULL;
}

static void line_remove(struct syspro_order *order, struct syspro_line *line)
{
    size_t at = (size_t)(line - order->lines);

    memmove(line, line + 1, (order->lines_len - at - 1) * sizeof(*line));
    order->lines_len--;
}

/* The line a section is for: a new one (A) or the existing one (C, D), which D
 * takes away.  NULL: nothing more to check. */
static struct syspro_line *line_for(struct syspro_draft *draft, xmlNodePtr node,
                                    char type)
{
    char action[SYSPRO_TEXT_MAX], number[SYSPRO_TEXT_MAX];
    struct syspro_line *line = NULL;

    syspro_xml_child_text(node, "LineActionType", action);
    syspro_xml_child_text(node, "CustomerPoLine", number);
    if (strlen(number) > 4 || strspn(number, "0123456789") != strlen(number)) {
        syspro_draft_error(draft, node, "CustomerPoLine '%.20s' is not numeric",
                           number);
        return NULL;
    }
    if (strlen(action) != 1 || strchr("ACD", action[0]) == NULL ||
        (draft->action == 'A' && action[0] != 'A')) {
        syspro_draft_error(draft, node, "Line action type '%.10s' is invalid",
                           action);
        return NULL;
    }
    if (action[0] == 'A') {
        line = syspro_order_add_line(draft->order);
        if (line == NULL) {
            syspro_draft_error(draft, node, "Too many lines");
            return NULL;
        }
        line->number = 0;
        line->number = line_number_next(draft->order);
        line->type = type;
        return line;
    }
    line = line_find(draft->order, (int)strtol(number, NULL, 10));
    if (line == NULL || line->type != type) {
        syspro_draft_error(draft, node, "Sales order line '%.10s' not found",
                           number);
        return NULL;
    }
    if (action[0] == 'D') {
        line_remove(draft->order, line);
        return NULL;
    }
    return line;
}

static void check_non_stocked(struct syspro_draft *draft, xmlNodePtr node,
                              struct syspro_line *line, bool asked)
{
    char text[SYSPRO_TEXT_MAX];
    int64_t cost = 0;

    line->non_stocked = true;
    if (syspro_draft_field(draft, node, "NsProductClass", 20, text))
        SYSPRO_SET(line->product_class, text);
    else if (asked)
        syspro_draft_error(draft, node,
                           "Product class is mandatory for a non-stocked "
                           "line");
    syspro_draft_number(draft, node, "NsUnitCost", 10, 5, text, &cost);
    if (syspro_draft_field(draft, node, "StockDescription", 50, text))
        SYSPRO_SET(line->description, text);
}

/* The item of a line; NULL for a non-stocked line or after a complaint. */
static struct syspro_item *check_item(struct syspro_draft *draft,
                                      xmlNodePtr node, struct syspro_line *line)
{
    char text[SYSPRO_TEXT_MAX], flag[SYSPRO_TEXT_MAX];
    char allowed = draft->parameters->non_stock;
    bool asked = syspro_xml_child_text(node, "NonStockedLine", flag) &&
                 strcmp(flag, "Y") == 0;

    if (line->stock_code[0] != '\0') /* a change; the code stays */
        return line->non_stocked
                   ? NULL
                   : syspro_company_item(draft->company, line->stock_code);
    if (!syspro_draft_field(draft, node, "StockCode", 30, text)) {
        syspro_draft_error(draft, node, "Stock code is missing");
        return NULL;
    }
    SYSPRO_SET(line->stock_code, text);
    struct syspro_item *item = syspro_company_item(draft->company, text);

    if ((asked && allowed != 'N') || (item == NULL && allowed == 'Y')) {
        check_non_stocked(draft, node, line, asked);
        return NULL;
    }
    if (item == NULL || asked) {
        syspro_draft_error(draft, node,
                           "Stock code '%s' is invalid and non-stocked items "
                           "are not allowed",
                           text);
        return NULL;
    }
    if (item->on_hold)
        syspro_draft_error(draft, node, "Stock code '%s' is on hold", text);
    SYSPRO_SET(line->description, item->description);
    SYSPRO_SET(line->product_class, item->product_class);
    if (draft->parameters->description_supplied &&
        syspro_draft_field(draft, node, "StockDescription", 50, text))
        SYSPRO_SET(line->description, text);
    return item;
}

/* The first warehouse of the parameter's list that holds the item. */
static bool warehouse_from_list(const struct syspro_draft *draft,
                                struct syspro_item *item,
                                char out[SYSPRO_TEXT_MAX])
{
    char list[256];
    char *rest = list, *code = NULL;

    SYSPRO_SET(list, draft->parameters->warehouse_list);
    while ((code = strsep(&rest, ", ")) != NULL)
        if (*code != '\0' && syspro_item_stock(item, code) != NULL) {
            syspro_text_set(out, SYSPRO_TEXT_MAX, code);
            return true;
        }
    return false;
}

/* Line, then header, then the parameter's list, then the item's own. */
static void check_warehouse(struct syspro_draft *draft, xmlNodePtr node,
                            struct syspro_line *line, struct syspro_item *item)
{
    char text[SYSPRO_TEXT_MAX];

    if (!syspro_draft_field(draft, node, "Warehouse", 10, text)) {
        if (line->warehouse[0] != '\0')
            return;
        if (draft->order->warehouse[0] != '\0')
            SYSPRO_SET(text, draft->order->warehouse);
        else if (item == NULL || !warehouse_from_list(draft, item, text))
            SYSPRO_SET(text, item != NULL ? item->warehouse : "");
    }
    if (*text == '\0')
        return;
    SYSPRO_SET(line->warehouse, text);
    if (!syspro_company_has_warehouse(draft->company, text))
        syspro_draft_error(draft, node, "Warehouse '%s' not found", text);
    else if (item != NULL && syspro_item_stock(item, text) == NULL)
        syspro_draft_error(draft, node,
                           "Stock code '%s' is not stocked in warehouse '%s'",
                           line->stock_code, text);
}

static bool item_has_uom(const struct syspro_item *item, const char *uom)
{
    return strcmp(item->stock_uom, uom) == 0 ||
           strcmp(item->alternate_uom, uom) == 0 ||
           strcmp(item->other_uom, uom) == 0;
}

static void check_uom(struct syspro_draft *draft, xmlNodePtr node,
                      const char *name, const struct syspro_line *line,
                      const struct syspro_item *item, bool mandatory,
                      char to[11])
{
    char text[SYSPRO_TEXT_MAX];
    size_t errors = draft->errors_len;

    if (!syspro_draft_field(draft, node, name, 10, text)) {
        if (mandatory && errors == draft->errors_len)
            syspro_draft_error(draft, node, "%s is missing", name);
        return;
    }
    syspro_text_set(to, 11, text);
    if (item != NULL && !item_has_uom(item, text))
        syspro_draft_error(draft, node,
                           "%s '%s' is invalid for stock code '%s'", name, text,
                           line->stock_code);
}

/* Whether a quantity has no more decimals than the item. */
static bool fits_decimals(int64_t quantity, int decimals)
{
    int64_t unit = 1000000;

    for (int i = 0; i < decimals; i++)
        unit /= 10;
    return quantity % unit == 0;
}

static void check_quantity(struct syspro_draft *draft, xmlNodePtr node,
                           struct syspro_line *line,
                           const struct syspro_item *item)
{
    char text[SYSPRO_TEXT_MAX];
    size_t errors = draft->errors_len;
    bool is_new = line->quantity_text[0] == '\0';

    if (!syspro_draft_number(draft, node, "OrderQty", 12, 6, text,
                             &line->quantity)) {
        if (is_new && errors == draft->errors_len)
            syspro_draft_error(draft, node, "OrderQty is missing");
        return;
    }
    SYSPRO_SET(line->quantity_text, text);
    if (line->quantity <= 0)
        syspro_draft_error(draft, node,
                           "OrderQty '%.20s' must be greater than zero", text);
    else if (item != NULL && !fits_decimals(line->quantity, item->decimals))
        syspro_draft_error(draft, node,
                           "OrderQty '%.20s' has more than %d decimals of "
                           "stock code '%s'",
                           text, item->decimals, line->stock_code);
}

static void check_price(struct syspro_draft *draft, xmlNodePtr node,
                        struct syspro_line *line,
                        const struct syspro_item *item)
{
    char text[SYSPRO_TEXT_MAX];
    int64_t sent = 0;
    size_t errors = draft->errors_len;
    bool is_new = line->price_text[0] == '\0';
    bool given = syspro_draft_number(draft, node, "Price", 10, 5, text, &sent);

    check_uom(draft, node, "PriceUom", line, item, given, line->price_uom);
    if (errors != draft->errors_len || (!given && !is_new))
        return;
    if (sent < 0)
        syspro_draft_error(draft, node, "Price '%.20s' is negative", text);
    SYSPRO_SET(line->price_sent, text);
    if (item != NULL && !(given && draft->parameters->price_entered)) {
        SYSPRO_SET(line->price_text, item->price_text);
        line->price = item->price;
    } else {
        SYSPRO_SET(line->price_text, given ? text : "0.00");
        line->price = sent;
    }
    if (line->price == 0 && !draft->parameters->zero_price_ok)
        syspro_draft_error(draft, node, "Zero price is not allowed");
}

static void check_discounts(struct syspro_draft *draft, xmlNodePtr node)
{
    static const char *const names[] = {"LineDiscPercent1", "LineDiscPercent2",
                                        "LineDiscPercent3"};
    char text[SYSPRO_TEXT_MAX];
    int64_t value = 0;

    for (size_t i = 0; i < 3; i++)
        if (syspro_draft_number(draft, node, names[i], 3, 2, text, &value) &&
            (value > 100000000 || value < -100000000))
            syspro_draft_error(draft, node,
                               "%s '%.20s' is not between -100 and 100",
                               names[i], text);
    syspro_draft_number(draft, node, "LineDiscValue", 12, 2, text, &value);
    if (syspro_xml_child_text(node, "LineDiscValFlag", text) && *text != '\0' &&
        strcmp(text, "V") != 0 && strcmp(text, "U") != 0)
        syspro_draft_error(draft, node, "LineDiscValFlag '%.10s' is invalid",
                           text);
}

static void check_small_fields(struct syspro_draft *draft, xmlNodePtr node)
{
    static const struct {
        const char *name;
        size_t characters;
    } fields[] = {{"CustomersPartNumber", 30}, {"LineCancelCode", 6},
                  {"PriceCode", 10},           {"ProductClass", 20},
                  {"CommissionCode", 10},      {"StockFstCode", 3},
                  {"UserDefined", 4},          {"StockDescription", 50}};
    char text[SYSPRO_TEXT_MAX];
    int64_t value = 0;

    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        syspro_draft_field(draft, node, fields[i].name, fields[i].characters,
                           text);
    syspro_draft_number(draft, node, "UnitMass", 12, 6, text, &value);
    syspro_draft_number(draft, node, "UnitVolume", 12, 6, text, &value);
    if (syspro_draft_field(draft, node, "StockTaxCode", 3, text) &&
        !draft->company->options.tax_code_changes)
        syspro_draft_error(draft, node,
                           "Tax code may not be changed for stocked items");
    /* An empty element trips SYSPRO even without load planning. */
    if (syspro_xml_child_text(node, "DeliveryLoad", text) && *text == '\0')
        syspro_draft_error(draft, node, "Delivery load '' is invalid");
}

static void check_line_dates(struct syspro_draft *draft, xmlNodePtr node,
                             struct syspro_line *line)
{
    char date[11];
    long ordered = 0, shipped = 0;

    syspro_draft_date(draft, node, "CustRequestDate", date);
    if (line->ship_date[0] == '\0')
        SYSPRO_SET(line->ship_date, draft->order->ship_date);
    if (!syspro_draft_date(draft, node, "LineShipDate", date))
        return;
    SYSPRO_SET(line->ship_date, date);
    if (!draft->parameters->earlier_ship_ok &&
        syspro_date_days(draft->order->order_date, &ordered) &&
        syspro_date_days(date, &shipped) &&
        shipped < ordered + draft->parameters->days_to_ship_min)
        syspro_draft_error(draft, node, "Line ship date '%s' is too early",
                           date);
}

static void check_allocation(struct syspro_draft *draft, xmlNodePtr node,
                             struct syspro_line *line)
{
    char text[SYSPRO_TEXT_MAX];

    line->allocation = draft->parameters->allocation;
    if (!syspro_xml_child_text(node, "AllocationAction", text) || *text == '\0')
        return;
    if (strlen(text) == 1 && strchr("FBA", *text) != NULL)
        line->allocation = *text;
    else
        syspro_draft_error(draft, node, "Allocation action '%.10s' is invalid",
                           text);
}

static void check_stock_line(struct syspro_draft *draft, xmlNodePtr node)
{
    struct syspro_line *line = line_for(draft, node, '1');

    if (line == NULL)
        return;
    bool is_new = line->stock_code[0] == '\0';
    size_t errors = draft->errors_len;
    struct syspro_item *item = check_item(draft, node, line);

    if (errors == draft->errors_len)
        check_warehouse(draft, node, line, item);
    check_quantity(draft, node, line, item);
    check_uom(draft, node, "OrderUom", line, item, is_new, line->uom);
    check_price(draft, node, line, item);
    check_discounts(draft, node);
    check_small_fields(draft, node);
    check_line_dates(draft, node, line);
    check_allocation(draft, node, line);
}

static void check_comment_line(struct syspro_draft *draft, xmlNodePtr node)
{
    struct syspro_line *line = line_for(draft, node, '6');
    char text[SYSPRO_TEXT_MAX];

    if (line == NULL)
        return;
    if (syspro_draft_field(draft, node, "Comment", 100, text))
        SYSPRO_SET(line->description, text);
    if (syspro_draft_field(draft, node, "CommentType", 1, text) &&
        strcmp(text, "I") != 0 && strcmp(text, "O") != 0)
        syspro_draft_error(draft, node, "Comment type '%s' is invalid", text);
    if (syspro_draft_field(draft, node, "AttachedLineNumber", 4, text)) {
        int number = (int)strtol(text, NULL, 10);

        if (number >= line->number || line_find(draft->order, number) == NULL)
            syspro_draft_error(draft, node, "Attached line '%s' not found",
                               text);
    }
}

/* A charge line: its value is the price of one. */
static void check_value(struct syspro_draft *draft, xmlNodePtr node,
                        struct syspro_line *line, const char *name)
{
    char text[SYSPRO_TEXT_MAX];
    size_t errors = draft->errors_len;
    int64_t value = 0;

    if (!syspro_draft_number(draft, node, name, 12, 2, text, &value)) {
        if (errors == draft->errors_len && line->price_text[0] == '\0')
            syspro_draft_error(draft, node, "%s is missing", name);
        return;
    }
    SYSPRO_SET(line->price_text, text);
    SYSPRO_SET(line->price_sent, text);
    SYSPRO_SET(line->quantity_text, "1");
    line->price = value;
    line->quantity = 1000000;
}

static void check_misc_line(struct syspro_draft *draft, xmlNodePtr node)
{
    struct syspro_line *line = line_for(draft, node, '5');
    char text[SYSPRO_TEXT_MAX];
    int64_t value = 0;

    if (line == NULL)
        return;
    check_value(draft, node, line, "MiscChargeValue");
    syspro_draft_number(draft, node, "MiscChargeCost", 12, 2, text, &value);
    syspro_draft_number(draft, node, "MiscQuantity", 12, 6, text, &value);
    bool coded = syspro_draft_field(draft, node, "MiscChargeCode", 6, text);

    if (syspro_draft_field(draft, node, "MiscProductClass", 20, text))
        SYSPRO_SET(line->product_class, text);
    else if (!coded && line->product_class[0] == '\0')
        syspro_draft_error(draft, node,
                           "Product class is mandatory without a charge code");
    if (syspro_draft_field(draft, node, "MiscDescription", 100, text))
        SYSPRO_SET(line->description, text);
    syspro_draft_field(draft, node, "MiscTaxCode", 3, text);
}

static void check_freight_line(struct syspro_draft *draft, xmlNodePtr node)
{
    struct syspro_line *line = line_for(draft, node, '4');
    char text[SYSPRO_TEXT_MAX];
    int64_t value = 0;

    if (line == NULL)
        return;
    check_value(draft, node, line, "FreightValue");
    syspro_draft_number(draft, node, "FreightCost", 12, 2, text, &value);
    syspro_draft_field(draft, node, "FreightTaxCode", 3, text);
}

void syspro_line_check_all(struct syspro_draft *draft)
{
    struct syspro_order *order = draft->order;

    if (draft->details != NULL)
        for (xmlNodePtr node = draft->details->children; node != NULL;
             node = node->next) {
            if (syspro_xml_is(node, "StockLine"))
                check_stock_line(draft, node);
            else if (syspro_xml_is(node, "CommentLine"))
                check_comment_line(draft, node);
            else if (syspro_xml_is(node, "MiscChargeLine"))
                check_misc_line(draft, node);
            else if (syspro_xml_is(node, "FreightLine"))
                check_freight_line(draft, node);
        }
    order->value = 0;
    for (size_t i = 0; i < order->lines_len; i++) {
        int64_t value = syspro_decimal_multiply(order->lines[i].quantity,
                                                order->lines[i].price);

        if (__builtin_add_overflow(order->value, value, &order->value))
            order->value = INT64_MAX / 4;
    }
    /* Sums of many orders must stay inside of 64 bits. */
    if (order->value > INT64_MAX / SYSPRO_ORDERS_MAX)
        syspro_draft_error(draft, draft->header, "Order value is too large");
}

/* Half of the work of one line: ship and back from what the row has free. */
static void split(struct syspro_line *line, const struct syspro_stock *stock)
{
    int64_t available = stock->on_hand - stock->allocated;

    if (available < 0)
        available = 0;
    line->ship = 0;
    if (line->allocation == 'A')
        line->ship = available < line->quantity ? available : line->quantity;
    else if (line->allocation == 'F' && available >= line->quantity)
        line->ship = line->quantity;
    line->back = line->quantity - line->ship;
}

static void warn_back_order(struct syspro_draft *draft,
                            const struct syspro_line *line,
                            const struct syspro_item *item)
{
    char quantity[SYSPRO_DECIMAL_TEXT_MAX];
    const size_t room =
        sizeof(draft->back_ordered) / sizeof(draft->back_ordered[0]);

    syspro_decimal_write(line->back, item->decimals, 0, quantity);
    syspro_draft_warn(draft,
                      "Quantity of %s placed on back order for stock code "
                      "'%s'",
                      quantity, line->stock_code);
    if (draft->back_ordered_len < room)
        SYSPRO_SET(draft->back_ordered[draft->back_ordered_len++],
                   line->stock_code);
}

void syspro_line_allocate(struct syspro_draft *draft)
{
    struct syspro_order *order = draft->order;

    for (size_t i = 0; i < order->lines_len; i++) {
        struct syspro_line *line = &order->lines[i];
        struct syspro_item *item =
            line->type == '1' && !line->non_stocked
                ? syspro_company_item(draft->company, line->stock_code)
                : NULL;
        struct syspro_stock *stock =
            item != NULL ? syspro_item_stock(item, line->warehouse) : NULL;

        if (line->allocation != 0 && stock == NULL) {
            line->ship = line->quantity;
            line->back = 0;
        } else if (line->allocation != 0) {
            split(line, stock);
            if (line->back > 0)
                warn_back_order(draft, line, item);
        }
        line->allocation = 0;
        if (stock != NULL) {
            stock->allocated += line->ship;
            stock->back_order += line->back;
        }
    }
    if (draft->customer != NULL)
        draft->customer->outstanding += order->value;
}
