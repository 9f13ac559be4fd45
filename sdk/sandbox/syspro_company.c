/* syspro_company.c - customers, items, stock and orders of one company.
 *
 * The idea: hash maps by stored key, plus one from PO number to orders, since
 * both the duplicate check and the connector's look-up go that way and must
 * stay quick with 100,000 orders.
 * What must hold: each order is in both maps; an order's allocation is on the
 * stock rows exactly once; a customer's outstanding value is the sum of its
 * open orders.  Called on the server's thread only. */
#include "syspro_company.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "syspro_decimal.h"

enum { NUMERIC_DIGITS = 15 }; /* numeric keys are stored in 15 digits */

void syspro_text_set(char *to, size_t to_len, const char *from)
{
    size_t len = strnlen(from, to_len);

    if (len == to_len) {
        len--;
        while (len > 0 && ((unsigned char)from[len] & 0xC0u) == 0x80u)
            len--;
    }
    memmove(to, from, len);
    to[len] = '\0';
}

int syspro_key_store(const char *text, bool numeric,
                     char ret_key[SYSPRO_KEY_MAX])
{
    size_t len = strlen(text);

    if (len == 0 || len >= SYSPRO_KEY_MAX)
        return -EINVAL;
    if (!numeric) {
        memcpy(ret_key, text, len + 1);
        return 0;
    }
    if (strspn(text, "0123456789") != len)
        return -EINVAL;
    while (len > NUMERIC_DIGITS && *text == '0') {
        text++;
        len--;
    }
    if (len > NUMERIC_DIGITS)
        return -EINVAL;
    memset(ret_key, '0', NUMERIC_DIGITS);
    memcpy(ret_key + NUMERIC_DIGITS - len, text, len + 1);
    return 0;
}

void syspro_key_show(const char *key, int digits, char ret_text[SYSPRO_KEY_MAX])
{
    size_t len = strlen(key);

    if (strspn(key, "0123456789") == len)
        while (len > (size_t)digits && *key == '0') {
            key++;
            len--;
        }
    syspro_text_set(ret_text, SYSPRO_KEY_MAX, key);
}

struct syspro_customer *syspro_company_customer(struct syspro_company *company,
                                                const char *text)
{
    struct syspro_customer *customer = NULL;
    char key[SYSPRO_KEY_MAX];

    if (syspro_key_store(text, company->options.customer_keys_numeric, key) ==
        0)
        HASH_FIND_STR(company->customers, key, customer);
    return customer;
}

struct syspro_item *syspro_company_item(struct syspro_company *company,
                                        const char *code)
{
    struct syspro_item *item = NULL;

    HASH_FIND_STR(company->items, code, item);
    return item;
}

bool syspro_company_has_warehouse(const struct syspro_company *company,
                                  const char *code)
{
    for (size_t i = 0; i < company->warehouses_len; i++)
        if (strcmp(company->warehouses[i].code, code) == 0)
            return true;
    return false;
}

bool syspro_codes_have(const struct syspro_codes *codes, const char *code)
{
    for (size_t i = 0; i < codes->len; i++)
        if (strcmp(codes->code[i], code) == 0)
            return true;
    return false;
}

struct syspro_order *syspro_company_order(struct syspro_company *company,
                                          const char *text)
{
    struct syspro_order *order = NULL;
    char key[SYSPRO_KEY_MAX];

    if (syspro_key_store(text, true, key) == 0)
        HASH_FIND_STR(company->orders, key, order);
    return order;
}

struct syspro_order *syspro_company_orders_by_po(struct syspro_company *company,
                                                 const char *po)
{
    struct syspro_po *entry = NULL;

    HASH_FIND_STR(company->purchase_orders, po, entry);
    return entry != NULL ? entry->first : NULL;
}

struct syspro_stock *syspro_item_stock(struct syspro_item *item,
                                       const char *warehouse)
{
    for (size_t i = 0; i < item->stock_len; i++)
        if (strcmp(item->stock[i].warehouse, warehouse) == 0)
            return &item->stock[i];
    return NULL;
}

struct syspro_customer *
syspro_company_put_customer(struct syspro_company *company, const char *code)
{
    struct syspro_customer *customer = syspro_company_customer(company, code);
    char key[SYSPRO_KEY_MAX];

    if (customer != NULL)
        return customer;
    if (syspro_key_store(code, company->options.customer_keys_numeric, key) !=
            0 ||
        strlen(key) > NUMERIC_DIGITS ||
        HASH_COUNT(company->customers) >= SYSPRO_CUSTOMERS_MAX)
        return NULL;
    customer = memory_zero(1, sizeof(*customer));
    SYSPRO_SET(customer->code, key);
    SYSPRO_SET(customer->currency, company->currency);
    SYSPRO_SET(customer->branch, "10");
    SYSPRO_SET(customer->salesperson, "100");
    SYSPRO_SET(customer->area, "N");
    SYSPRO_SET(customer->terms, "30");
    HASH_ADD_STR(company->customers, code, customer);
    return customer;
}

struct syspro_item *syspro_company_put_item(struct syspro_company *company,
                                            const char *code)
{
    struct syspro_item *item = syspro_company_item(company, code);

    if (item != NULL)
        return item;
    if (*code == '\0' || strlen(code) >= sizeof(item->code) ||
        HASH_COUNT(company->items) >= SYSPRO_ITEMS_MAX)
        return NULL;
    item = memory_zero(1, sizeof(*item));
    SYSPRO_SET(item->code, code);
    SYSPRO_SET(item->stock_uom, "EA");
    SYSPRO_SET(item->product_class, "GEN");
    SYSPRO_SET(item->warehouse, "FG");
    SYSPRO_SET(item->price_text, "0.00");
    item->decimals = 3;
    HASH_ADD_STR(company->items, code, item);
    return item;
}

struct syspro_stock *syspro_item_put_stock(struct syspro_item *item,
                                           const char *warehouse)
{
    struct syspro_stock *stock = syspro_item_stock(item, warehouse);

    if (stock != NULL)
        return stock;
    if (item->stock_len == SYSPRO_WAREHOUSES_MAX)
        return NULL;
    stock = &item->stock[item->stock_len++];
    memset(stock, 0, sizeof(*stock));
    SYSPRO_SET(stock->warehouse, warehouse);
    return stock;
}

struct syspro_line *syspro_order_add_line(struct syspro_order *order)
{
    if (order->lines_len == SYSPRO_LINES_MAX)
        return NULL;
    if (order->lines_len == order->lines_capacity) {
        order->lines_capacity =
            order->lines_capacity > 0 ? order->lines_capacity * 2 : 1;
        order->lines = memory_grow(order->lines, order->lines_capacity,
                                   sizeof(*order->lines));
    }
    struct syspro_line *line = &order->lines[order->lines_len++];

    memset(line, 0, sizeof(*line));
    return line;
}

struct syspro_order *syspro_order_copy(const struct syspro_order *order)
{
    struct syspro_order *copy = memory_zero(1, sizeof(*copy));

    *copy = *order;
    memset(&copy->hh, 0, sizeof(copy->hh));
    copy->po_next = NULL;
    copy->lines = NULL;
    copy->lines_capacity = order->lines_len;
    if (order->lines_len > 0) {
        copy->lines = memory_zero(order->lines_len, sizeof(*copy->lines));
        memcpy(copy->lines, order->lines,
               order->lines_len * sizeof(*copy->lines));
    }
    return copy;
}

void syspro_order_free(struct syspro_order *order)
{
    if (order == NULL)
        return;
    free(order->lines);
    free(order);
}

void syspro_company_next_number(struct syspro_company *company,
                                char ret_number[SYSPRO_KEY_MAX])
{
    do {
        snprintf(ret_number, SYSPRO_KEY_MAX, "%015" PRIu64,
                 company->order_next++);
    } while (syspro_company_order(company, ret_number) != NULL);
}

static void index_order(struct syspro_company *company,
                        struct syspro_order *order)
{
    struct syspro_po *entry = NULL;

    HASH_FIND_STR(company->purchase_orders, order->po, entry);
    if (entry == NULL) {
        entry = memory_zero(1, sizeof(*entry));
        SYSPRO_SET(entry->po, order->po);
        HASH_ADD_STR(company->purchase_orders, po, entry);
    }
    struct syspro_order **at = &entry->first;

    while (*at != NULL)
        at = &(*at)->po_next;
    order->po_next = NULL;
    *at = order;
}

static void unindex_order(struct syspro_company *company,
                          struct syspro_order *order)
{
    struct syspro_po *entry = NULL;

    HASH_FIND_STR(company->purchase_orders, order->po, entry);
    if (entry == NULL)
        return;
    struct syspro_order **at = &entry->first;

    while (*at != NULL && *at != order)
        at = &(*at)->po_next;
    if (*at != NULL)
        *at = order->po_next;
    if (entry->first == NULL) {
        HASH_DEL(company->purchase_orders, entry);
        free(entry);
    }
}

int syspro_company_add_order(struct syspro_company *company,
                             struct syspro_order *order)
{
    if (HASH_COUNT(company->orders) >= SYSPRO_ORDERS_MAX)
        return -ENOSPC;
    HASH_ADD_STR(company->orders, number, order);
    index_order(company, order);
    return 0;
}

void syspro_company_replace_order(struct syspro_company *company,
                                  struct syspro_order *changed)
{
    struct syspro_order *old = syspro_company_order(company, changed->number);
    struct syspro_order swap;

    /* The node stays where it is, so that the order of creation holds. */
    if (old == NULL)
        return;
    unindex_order(company, old);
    swap = *old;
    *old = *changed;
    old->hh = swap.hh;
    changed->lines = swap.lines;
    syspro_order_free(changed);
    index_order(company, old);
}

void syspro_order_allocate(struct syspro_company *company,
                           const struct syspro_order *order, int add)
{
    struct syspro_customer *customer =
        syspro_company_customer(company, order->customer);

    if (customer != NULL)
        customer->outstanding += add * order->value;
    for (size_t i = 0; i < order->lines_len; i++) {
        const struct syspro_line *line = &order->lines[i];
        struct syspro_item *item =
            line->type == '1' && !line->non_stocked
                ? syspro_company_item(company, line->stock_code)
                : NULL;
        struct syspro_stock *stock =
            item != NULL ? syspro_item_stock(item, line->warehouse) : NULL;

        if (stock == NULL)
            continue;
        stock->allocated += add * line->ship;
        stock->back_order += add * line->back;
    }
}

static void add_code(struct syspro_codes *codes, const char *code)
{
    SYSPRO_SET(codes->code[codes->len], code);
    codes->len++;
}

static void demo_customer(struct syspro_company *company, const char *code,
                          const char *name, const char *street, bool on_hold)
{
    struct syspro_customer *customer =
        syspro_company_put_customer(company, code);

    SYSPRO_SET(customer->name, name);
    SYSPRO_SET(customer->short_name, name);
    SYSPRO_SET(customer->address[0], street);
    SYSPRO_SET(customer->address[2], "Bristol");
    SYSPRO_SET(customer->postal_code, "BS1 4XX");
    customer->on_hold = on_hold;
}

static void demo_item(struct syspro_company *company, const char *code,
                      const char *description, const char *price, int decimals,
                      int64_t on_hand)
{
    struct syspro_item *item = syspro_company_put_item(company, code);

    SYSPRO_SET(item->description, description);
    SYSPRO_SET(item->price_text, price);
    item->decimals = decimals;
    syspro_decimal_read(price, 10, 5, &item->price);
    syspro_item_put_stock(item, "FG")->on_hand = on_hand * 1000000;
}

void syspro_company_init(struct syspro_company *company)
{
    static const struct syspro_warehouse warehouses[] = {
        {"FG", "Finished goods"}, {"W2", "Overflow store"}};

    memset(company, 0, sizeof(*company));
    SYSPRO_SET(company->id, "EDU1");
    SYSPRO_SET(company->name, "Harbour Supplies");
    SYSPRO_SET(company->operator_code, "CRMLINK");
    SYSPRO_SET(company->operator_password, "s3cret+1");
    SYSPRO_SET(company->currency, "GBP");
    company->options = (struct syspro_options){
        .customer_keys_numeric = true,
        .customer_presentation = 7,
        .order_presentation = 6,
        .duplicate_po_refused = true,
        .cancelled_count_duplicate = true,
        .clean_shape = 'A',
        .body = 'r',
        .request_bytes_max = 16384,
        .idle_ms = 20 * 60 * 1000,
    };
    add_code(&company->terms, "30");
    add_code(&company->salespersons, "100");
    add_code(&company->branches, "10");
    add_code(&company->areas, "N");
    memcpy(company->warehouses, warehouses, sizeof(warehouses));
    company->warehouses_len = 2;
    company->order_next = 20450;
    demo_customer(company, "0001207", "Bayside Tools Ltd", "1 Quay Road",
                  false);
    demo_customer(company, "0001310", "Northgate Metals", "22 Forge Lane",
                  false);
    demo_customer(company, "0001415", "Quay Street Joinery", "9 Quay Street",
                  true);
    demo_item(company, "A100", "City bicycle", "149.90", 3, 500);
    demo_item(company, "B200", "Bicycle bell", "12.50", 3, 2000);
    demo_item(company, "C300", "Brake cable, by the metre", "0.75", 6, 10000);
}

void syspro_company_done(struct syspro_company *company)
{
    struct syspro_customer *customer, *customer_next;
    struct syspro_item *item, *item_next;
    struct syspro_order *order, *order_next;
    struct syspro_po *entry, *entry_next;

    HASH_ITER(hh, company->customers, customer, customer_next)
    {
        HASH_DEL(company->customers, customer);
        free(customer);
    }
    HASH_ITER(hh, company->items, item, item_next)
    {
        HASH_DEL(company->items, item);
        free(item);
    }
    HASH_ITER(hh, company->purchase_orders, entry, entry_next)
    {
        HASH_DEL(company->purchase_orders, entry);
        free(entry);
    }
    HASH_ITER(hh, company->orders, order, order_next)
    {
        HASH_DEL(company->orders, order);
        syspro_order_free(order);
    }
}
