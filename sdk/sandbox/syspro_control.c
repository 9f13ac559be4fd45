/* syspro_control.c - control routes: what a person at the site would change.
 *
 * The idea: each kind of thing has a table of member names and where they go;
 * a body is applied member by member, and a name that is in no table is an
 * error, so that a test does not believe in a switch that does not exist.
 * What must hold: a refused body may have been applied in part; the test then
 * stops anyway.  Called on the server's thread. */
#include "syspro_control.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim_json.h"
#include "syspro_decimal.h"
#include "syspro_xml.h"

/* Orders in one answer; a test that wants more pages through the ledger. */
enum { ORDERS_LISTED_MAX = 10000 };

const char syspro_control_help[] =
    "  GET  /_sim/company           customers, items, stock, options\n"
    "  POST /_sim/company           the same members, each optional\n"
    "  POST /_sim/customers         "
    "{\"customer\":\"0001415\",\"on_hold\":false}\n"
    "  POST /_sim/items             {\"stock_code\":\"A100\",\"stock\":[..]}\n"
    "  GET  /_sim/orders?po=TEXT    orders; with po only of that number\n"
    "  POST /_sim/orders            "
    "{\"sales_order\":\"020450\",\"status\":\"9\"}\n"
    "  GET  /_sim/orders/duplicates customer and po with more than one order\n"
    "  GET  /_sim/sessions          the ids of all sessions there ever were\n"
    "  POST /_sim/sessions/evict    end all sessions, as another logon would\n"
    "  POST /_sim/restart           the same, as a restart of the service\n"
    "  POST /_sim/shape             {\"clean\":\"A\"|\"B\",\"body\":\"raw\"|"
    "\"json\"|\"string\"}\n";

enum kind { TEXT, FLAG, NUMBER, WIDE, AMOUNT };

struct member {
    const char *name;
    enum kind kind;
    size_t offset, size;
};

#define MEMBER(name, kind, type, field)                                        \
    {                                                                          \
        name, kind, offsetof(struct type, field),                              \
            sizeof(((struct type *)0)->field)                                  \
    }

static const struct member customer_members[] = {
    MEMBER("name", TEXT, syspro_customer, name),
    MEMBER("short_name", TEXT, syspro_customer, short_name),
    MEMBER("currency", TEXT, syspro_customer, currency),
    MEMBER("branch", TEXT, syspro_customer, branch),
    MEMBER("salesperson", TEXT, syspro_customer, salesperson),
    MEMBER("area", TEXT, syspro_customer, area),
    MEMBER("terms", TEXT, syspro_customer, terms),
    MEMBER("warehouse", TEXT, syspro_customer, warehouse),
    MEMBER("email", TEXT, syspro_customer, email),
    MEMBER("on_hold", FLAG, syspro_customer, on_hold),
    MEMBER("credit_check", FLAG, syspro_customer, credit_check),
    MEMBER("credit_limit", AMOUNT, syspro_customer, credit_limit),
    MEMBER("po_mandatory", FLAG, syspro_customer, po_mandatory),
    {NULL, TEXT, 0, 0},
};

static const struct member item_members[] = {
    MEMBER("description", TEXT, syspro_item, description),
    MEMBER("uom", TEXT, syspro_item, stock_uom),
    MEMBER("alternate_uom", TEXT, syspro_item, alternate_uom),
    MEMBER("other_uom", TEXT, syspro_item, other_uom),
    MEMBER("product_class", TEXT, syspro_item, product_class),
    MEMBER("warehouse", TEXT, syspro_item, warehouse),
    MEMBER("price", TEXT, syspro_item, price_text),
    MEMBER("decimals", NUMBER, syspro_item, decimals),
    MEMBER("on_hold", FLAG, syspro_item, on_hold),
    {NULL, TEXT, 0, 0},
};

static const struct member stock_members[] = {
    MEMBER("warehouse", TEXT, syspro_stock, warehouse),
    MEMBER("on_hand", AMOUNT, syspro_stock, on_hand),
    MEMBER("allocated", AMOUNT, syspro_stock, allocated),
    MEMBER("back_order", AMOUNT, syspro_stock, back_order),
    MEMBER("on_order", AMOUNT, syspro_stock, on_order),
    {NULL, TEXT, 0, 0},
};

static const struct member option_members[] = {
    MEMBER("customer_keys_numeric", FLAG, syspro_options,
           customer_keys_numeric),
    MEMBER("customer_presentation", NUMBER, syspro_options,
           customer_presentation),
    MEMBER("order_presentation", NUMBER, syspro_options, order_presentation),
    MEMBER("duplicate_po_refused", FLAG, syspro_options, duplicate_po_refused),
    MEMBER("cancelled_count_duplicate", FLAG, syspro_options,
           cancelled_count_duplicate),
    MEMBER("tax_code_changes", FLAG, syspro_options, tax_code_changes),
    MEMBER("open_period_from", TEXT, syspro_options, open_period_from),
    MEMBER("request_bytes_max", NUMBER, syspro_options, request_bytes_max),
    MEMBER("idle_ms", WIDE, syspro_options, idle_ms),
    MEMBER("sessions_max", NUMBER, syspro_options, sessions_max),
    {NULL, TEXT, 0, 0},
};

static const struct member company_members[] = {
    MEMBER("id", TEXT, syspro_company, id),
    MEMBER("name", TEXT, syspro_company, name),
    MEMBER("password", TEXT, syspro_company, password),
    MEMBER("operator", TEXT, syspro_company, operator_code),
    MEMBER("operator_password", TEXT, syspro_company, operator_password),
    MEMBER("currency", TEXT, syspro_company, currency),
    MEMBER("next_sales_order", WIDE, syspro_company, order_next),
    {NULL, TEXT, 0, 0},
};

static const struct {
    const char *name;
    size_t offset;
} code_lists[] = {
    {"terms", offsetof(struct syspro_company, terms)},
    {"salespersons", offsetof(struct syspro_company, salespersons)},
    {"branches", offsetof(struct syspro_company, branches)},
    {"areas", offsetof(struct syspro_company, areas)},
    {"unlicensed", offsetof(struct syspro_company, unlicensed)},
};

/* --- Telling --- */

static void tell(cJSON *tree, const struct member *members, const void *from)
{
    char text[SYSPRO_DECIMAL_TEXT_MAX];

    for (; members->name != NULL; members++) {
        const char *at = (const char *)from + members->offset;
        int64_t wide = 0;

        switch (members->kind) {
        case TEXT:
            cJSON_AddStringToObject(tree, members->name, at);
            break;
        case FLAG:
            cJSON_AddBoolToObject(tree, members->name, *(const bool *)at);
            break;
        case NUMBER:
            cJSON_AddNumberToObject(tree, members->name,
                                    *(const int *)(const void *)at);
            break;
        case WIDE:
            memcpy(&wide, at, sizeof(wide));
            cJSON_AddNumberToObject(tree, members->name, (double)wide);
            break;
        case AMOUNT:
            memcpy(&wide, at, sizeof(wide));
            syspro_decimal_write(wide, 6, 0, text);
            cJSON_AddStringToObject(tree, members->name, text);
            break;
        }
    }
}

static cJSON *tell_item(const struct syspro_item *item)
{
    cJSON *tree = cJSON_CreateObject();
    cJSON *stock = NULL;

    cJSON_AddStringToObject(tree, "stock_code", item->code);
    tell(tree, item_members, item);
    stock = cJSON_AddArrayToObject(tree, "stock");
    for (size_t i = 0; i < item->stock_len; i++) {
        cJSON *row = cJSON_CreateObject();

        tell(row, stock_members, &item->stock[i]);
        cJSON_AddItemToArray(stock, row);
    }
    return tree;
}

static void tell_customers(const struct syspro_company *company, cJSON *tree)
{
    cJSON *list = cJSON_AddArrayToObject(tree, "customers");
    struct syspro_customer *customer, *next;
    char code[SYSPRO_KEY_MAX], amount[SYSPRO_DECIMAL_TEXT_MAX];

    HASH_ITER(hh, company->customers, customer, next)
    {
        cJSON *row = cJSON_CreateObject();

        syspro_key_show(customer->code, company->options.customer_presentation,
                        code);
        cJSON_AddStringToObject(row, "customer", code);
        tell(row, customer_members, customer);
        syspro_decimal_write(customer->outstanding, 2, 0, amount);
        cJSON_AddStringToObject(row, "outstanding", amount);
        cJSON_AddItemToArray(list, row);
    }
}

static void get_company(struct syspro_service *service,
                        struct sim_request *request, struct sim_answer *answer)
{
    struct syspro_company *company = &service->company;
    cJSON *tree = cJSON_CreateObject();
    cJSON *list = NULL;
    struct syspro_item *item, *next;

    (void)request;
    tell(tree, company_members, company);
    cJSON_DeleteItemFromObject(tree, "operator_password");
    tell(cJSON_AddObjectToObject(tree, "options"), option_members,
         &company->options);
    for (size_t i = 0; i < sizeof(code_lists) / sizeof(code_lists[0]); i++) {
        const struct syspro_codes *codes =
            (const void *)((const char *)company + code_lists[i].offset);

        list = cJSON_AddArrayToObject(tree, code_lists[i].name);
        for (size_t j = 0; j < codes->len; j++)
            cJSON_AddItemToArray(list, cJSON_CreateString(codes->code[j]));
    }
    list = cJSON_AddArrayToObject(tree, "warehouses");
    for (size_t i = 0; i < company->warehouses_len; i++) {
        cJSON *row = cJSON_CreateObject();

        cJSON_AddStringToObject(row, "code", company->warehouses[i].code);
        cJSON_AddStringToObject(row, "description",
                                company->warehouses[i].description);
        cJSON_AddItemToArray(list, row);
    }
    tell_customers(company, tree);
    list = cJSON_AddArrayToObject(tree, "items");
    HASH_ITER(hh, company->items, item, next)
    cJSON_AddItemToArray(list, tell_item(item));
    sim_answer_tree(answer, 200, tree);
}

/* --- Changing --- */

static bool put_text(void *at, size_t size, const cJSON *value)
{
    char text[SYSPRO_TEXT_MAX];

    if (!cJSON_IsString(value))
        return false;
    syspro_text_set(text, sizeof(text), value->valuestring);
    syspro_xml_narrow(text);
    if (strlen(text) >= size)
        return false;
    syspro_text_set(at, size, text);
    return true;
}

static bool put_member(const struct member *member, void *to,
                       const cJSON *value)
{
    char *at = (char *)to + member->offset;
    int64_t wide = 0;

    switch (member->kind) {
    case TEXT:
        return put_text(at, member->size, value);
    case FLAG:
        if (cJSON_IsBool(value))
            *(bool *)at = cJSON_IsTrue(value);
        return cJSON_IsBool(value);
    case NUMBER:
        if (cJSON_IsNumber(value))
            memcpy(at, &value->valueint, sizeof(int));
        return cJSON_IsNumber(value) && value->valueint >= 0;
    case WIDE:
        if (!cJSON_IsNumber(value) || value->valuedouble < 0 ||
            value->valuedouble > 1e15)
            return false;
        wide = (int64_t)value->valuedouble;
        memcpy(at, &wide, sizeof(wide));
        return true;
    default:
        if (!cJSON_IsString(value) ||
            syspro_decimal_read(value->valuestring, 12, 6, &wide) != 0)
            return false;
        memcpy(at, &wide, sizeof(wide));
        return true;
    }
}

/* Apply one member; false when it is in no table or has a wrong value. */
static bool put(const struct member *members, void *to, const cJSON *value)
{
    for (; members->name != NULL; members++)
        if (strcmp(members->name, value->string) == 0)
            return put_member(members, to, value);
    return false;
}

/* The member that was wrong, or NULL.  skip: handled by the caller. */
static const char *put_all(const struct member *members, void *to,
                           const cJSON *tree, const char *skip,
                           const char *skip_too)
{
    for (const cJSON *value = tree->child; value != NULL; value = value->next)
        if (strcmp(value->string, skip) != 0 &&
            strcmp(value->string, skip_too) != 0 && !put(members, to, value))
            return value->string;
    return NULL;
}

static const char *put_customer(struct syspro_company *company,
                                const cJSON *tree)
{
    const char *code = sim_json_text(tree, "customer");
    struct syspro_customer *customer =
        code != NULL ? syspro_company_put_customer(company, code) : NULL;

    if (customer == NULL)
        return "customer";
    return put_all(customer_members, customer, tree, "customer", "outstanding");
}

static const char *put_stock(struct syspro_item *item, const cJSON *tree)
{
    const char *warehouse = sim_json_text(tree, "warehouse");
    struct syspro_stock *stock =
        warehouse != NULL && strlen(warehouse) < sizeof(stock->warehouse)
            ? syspro_item_put_stock(item, warehouse)
            : NULL;

    if (stock == NULL)
        return "warehouse";
    return put_all(stock_members, stock, tree, "", "");
}

static const char *put_item(struct syspro_company *company, const cJSON *tree)
{
    const char *code = sim_json_text(tree, "stock_code");
    struct syspro_item *item =
        code != NULL ? syspro_company_put_item(company, code) : NULL;
    const char *wrong = NULL;
    const cJSON *row = NULL;

    if (item == NULL)
        return "stock_code";
    wrong = put_all(item_members, item, tree, "stock_code", "stock");
    if (wrong == NULL && item->decimals > 6)
        wrong = "decimals";
    if (wrong == NULL &&
        syspro_decimal_read(item->price_text, 10, 5, &item->price) != 0)
        wrong = "price";
    cJSON_ArrayForEach(row, sim_json_member(tree, "stock"))
    {
        if (wrong == NULL)
            wrong = put_stock(item, row);
    }
    return wrong;
}

static const char *put_warehouse(struct syspro_company *company,
                                 const cJSON *tree)
{
    const char *code = sim_json_text(tree, "code");
    const char *description = sim_json_text(tree, "description");
    struct syspro_warehouse *warehouse = NULL;

    if (code == NULL || strlen(code) >= sizeof(warehouse->code) ||
        company->warehouses_len == SYSPRO_WAREHOUSES_MAX)
        return "code";
    if (syspro_company_has_warehouse(company, code))
        return NULL;
    warehouse = &company->warehouses[company->warehouses_len++];
    SYSPRO_SET(warehouse->code, code);
    SYSPRO_SET(warehouse->description,
               description != NULL ? description : code);
    return NULL;
}

static const char *put_codes(struct syspro_codes *codes, const cJSON *list)
{
    const cJSON *value = NULL;

    codes->len = 0;
    cJSON_ArrayForEach(value, list)
    {
        if (codes->len == SYSPRO_CODES_MAX ||
            !put_text(codes->code[codes->len], sizeof(codes->code[0]), value))
            return list->string;
        codes->len++;
    }
    return NULL;
}

static const char *put_each(struct syspro_company *company, const cJSON *list,
                            const char *(*put_one)(struct syspro_company *,
                                                   const cJSON *))
{
    const cJSON *value = NULL;
    const char *wrong = NULL;

    cJSON_ArrayForEach(value, list)
    {
        wrong = put_one(company, value);
        if (wrong != NULL)
            break;
    }
    return wrong;
}

static const char *put_company_member(struct syspro_company *company,
                                      const cJSON *value)
{
    if (strcmp(value->string, "customers") == 0)
        return put_each(company, value, put_customer);
    if (strcmp(value->string, "items") == 0)
        return put_each(company, value, put_item);
    if (strcmp(value->string, "warehouses") == 0)
        return put_each(company, value, put_warehouse);
    if (strcmp(value->string, "options") == 0)
        return put_all(option_members, &company->options, value, "", "");
    for (size_t i = 0; i < sizeof(code_lists) / sizeof(code_lists[0]); i++)
        if (strcmp(value->string, code_lists[i].name) == 0)
            return put_codes((void *)((char *)company + code_lists[i].offset),
                             value);
    return put(company_members, company, value) ? NULL : value->string;
}

static const char *put_company(struct syspro_company *company,
                               const cJSON *tree)
{
    const char *wrong = NULL;

    for (const cJSON *value = tree->child; value != NULL && wrong == NULL;
         value = value->next)
        wrong = put_company_member(company, value);
    return wrong;
}

/* Run a change on the body: one object, or an array of them. */
static void change(struct syspro_service *service, struct sim_request *request,
                   struct sim_answer *answer,
                   const char *(*put_one)(struct syspro_company *,
                                          const cJSON *))
{
    cJSON *tree = cJSON_ParseWithLength(request->body, request->body_len);
    char text[128];
    const char *wrong = "body";

    if (cJSON_IsObject(tree))
        wrong = put_one(&service->company, tree);
    else if (cJSON_IsArray(tree))
        wrong = put_each(&service->company, tree, put_one);
    if (wrong == NULL) {
        sim_answer_text(answer, 200, "application/json", "{\"ok\":true}");
    } else {
        snprintf(text, sizeof(text), "%.60s: unknown or wrong", wrong);
        sim_answer_error(answer, 400, text);
    }
    cJSON_Delete(tree);
}

static void post_company(struct syspro_service *service,
                         struct sim_request *request, struct sim_answer *answer)
{
    change(service, request, answer, put_company);
}

static void post_customers(struct syspro_service *service,
                           struct sim_request *request,
                           struct sim_answer *answer)
{
    change(service, request, answer, put_customer);
}

static void post_items(struct syspro_service *service,
                       struct sim_request *request, struct sim_answer *answer)
{
    change(service, request, answer, put_item);
}

static const char *put_order(struct syspro_company *company, const cJSON *tree)
{
    const char *number = sim_json_text(tree, "sales_order");
    const char *status = sim_json_text(tree, "status");
    struct syspro_order *order =
        number != NULL ? syspro_company_order(company, number) : NULL;

    if (order == NULL)
        return "sales_order";
    if (status == NULL || strlen(status) != 1 ||
        strchr("012348 9FS\\*", status[0]) == NULL)
        return "status";
    SYSPRO_SET(order->status, status);
    order->cancelled = strchr("\\*", status[0]) != NULL;
    return NULL;
}

static void post_orders(struct syspro_service *service,
                        struct sim_request *request, struct sim_answer *answer)
{
    change(service, request, answer, put_order);
}

static void get_orders(struct syspro_service *service,
                       struct sim_request *request, struct sim_answer *answer)
{
    struct syspro_company *company = &service->company;
    const char *po = sim_request_query(request, "po");
    cJSON *tree = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(tree, "orders");
    struct syspro_order *order, *next;
    size_t count = 0;

    if (po != NULL) {
        order = syspro_company_orders_by_po(company, po);
        for (; order != NULL; order = order->po_next, count++)
            cJSON_AddItemToArray(list, syspro_service_describe(company, order));
    } else {
        HASH_ITER(hh, company->orders, order, next)
        if (count++ < ORDERS_LISTED_MAX)
            cJSON_AddItemToArray(list, syspro_service_describe(company, order));
    }
    cJSON_AddNumberToObject(tree, "count", (double)count);
    sim_answer_tree(answer, 200, tree);
}

/* Orders of the same customer among those of one PO number. */
static size_t count_customer(const struct syspro_po *entry,
                             const char *customer)
{
    size_t count = 0;

    for (const struct syspro_order *order = entry->first; order != NULL;
         order = order->po_next)
        if (strcmp(order->customer, customer) == 0)
            count++;
    return count;
}

static void get_duplicates(struct syspro_service *service,
                           struct sim_request *request,
                           struct sim_answer *answer)
{
    struct syspro_company *company = &service->company;
    cJSON *tree = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(tree, "duplicates");
    struct syspro_po *entry, *next;
    char code[SYSPRO_KEY_MAX];

    (void)request;
    HASH_ITER(hh, company->purchase_orders, entry, next)
    {
        size_t count = count_customer(entry, entry->first->customer);

        if (*entry->po == '\0' || count < 2)
            continue;
        cJSON *row = cJSON_CreateObject();

        syspro_key_show(entry->first->customer,
                        company->options.customer_presentation, code);
        cJSON_AddStringToObject(row, "customer", code);
        cJSON_AddStringToObject(row, "po", entry->po);
        cJSON_AddNumberToObject(row, "count", (double)count);
        cJSON_AddItemToArray(list, row);
    }
    sim_answer_tree(answer, 200, tree);
}

static void get_sessions(struct syspro_service *service,
                         struct sim_request *request, struct sim_answer *answer)
{
    const struct syspro_sessions *sessions = &service->sessions;
    cJSON *tree = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(tree, "issued");

    (void)request;
    for (size_t i = 0; i < sessions->issued_count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateString(sessions->issued[i]));
    sim_answer_tree(answer, 200, tree);
}

static void post_evict(struct syspro_service *service,
                       struct sim_request *request, struct sim_answer *answer)
{
    cJSON *tree = cJSON_CreateObject();

    (void)request;
    cJSON_AddNumberToObject(
        tree, "ended", (double)syspro_session_close_all(&service->sessions));
    sim_answer_tree(answer, 200, tree);
}

static const char *put_shape(struct syspro_company *company, const cJSON *tree)
{
    const char *clean = sim_json_text(tree, "clean");
    const char *body = sim_json_text(tree, "body");

    if (clean != NULL && strcmp(clean, "A") != 0 && strcmp(clean, "B") != 0)
        return "clean";
    if (body != NULL && strcmp(body, "raw") != 0 && strcmp(body, "json") != 0 &&
        strcmp(body, "string") != 0)
        return "body";
    if (clean != NULL)
        company->options.clean_shape = clean[0];
    if (body != NULL)
        company->options.body = body[0];
    return clean == NULL && body == NULL ? "clean" : NULL;
}

static void post_shape(struct syspro_service *service,
                       struct sim_request *request, struct sim_answer *answer)
{
    change(service, request, answer, put_shape);
}

static const struct {
    const char *method;
    const char *path;
    void (*run)(struct syspro_service *service, struct sim_request *request,
                struct sim_answer *answer);
} routes[] = {
    {"GET", "company", get_company},
    {"POST", "company", post_company},
    {"POST", "customers", post_customers},
    {"POST", "items", post_items},
    {"GET", "orders", get_orders},
    {"POST", "orders", post_orders},
    {"GET", "orders/duplicates", get_duplicates},
    {"GET", "sessions", get_sessions},
    {"POST", "sessions/evict", post_evict},
    {"POST", "restart", post_evict},
    {"POST", "shape", post_shape},
};

bool syspro_control_handle(struct syspro_service *service, const char *path,
                           struct sim_request *request,
                           struct sim_answer *answer)
{
    for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
        if (strcmp(routes[i].path, path) != 0 ||
            strcmp(routes[i].method, request->method) != 0)
            continue;
        routes[i].run(service, request, answer);
        return true;
    }
    return false;
}
