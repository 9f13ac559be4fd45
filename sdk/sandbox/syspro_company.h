/* syspro_company.h - the state of one SYSPRO company.
 *
 * Everything the simulator knows about customers, items, stock and orders.
 * Plain structs with fixed texts (UTF-8, narrowed): the state is looked at from
 * many sides (import, queries, control routes) and owned by one place. */
#ifndef CONNECT_SANDBOX_SYSPRO_COMPANY_H
#define CONNECT_SANDBOX_SYSPRO_COMPANY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uthash.h>

/* Bytes of a text of n characters: three at most for each in Windows-1252. */
#define SYSPRO_TEXT(n) ((n)*3 + 1)

enum {
    SYSPRO_KEY_MAX = 21,          /* stored key with its NUL */
    SYSPRO_LINES_MAX = 2000,      /* lines of one order; SYSPRO ends at 9999 */
    SYSPRO_ORDERS_MAX = 200000,   /* at 3 to 4 KB each below 1 GB */
    SYSPRO_CUSTOMERS_MAX = 10000, /* control routes may not fill the memory */
    SYSPRO_ITEMS_MAX = 10000,
    SYSPRO_WAREHOUSES_MAX = 20, /* also stock rows of one item */
    SYSPRO_CODES_MAX = 20,      /* codes of one list */
};

struct syspro_customer {
    char code[SYSPRO_KEY_MAX]; /* stored form */
    char name[SYSPRO_TEXT(50)];
    char short_name[SYSPRO_TEXT(20)];
    char currency[4];
    char branch[11], salesperson[21], area[4], terms[3];
    char warehouse[11]; /* sales warehouse, "" none */
    char email[SYSPRO_TEXT(255)];
    char address[5][SYSPRO_TEXT(40)];
    char postal_code[11];
    bool on_hold;
    bool credit_check;    /* the limit below counts */
    bool po_mandatory;    /* for CheckForCustomerPoNumbers C */
    int64_t credit_limit; /* millionths */
    int64_t outstanding;  /* value of its open orders, millionths */
    UT_hash_handle hh;
};

struct syspro_stock {
    char warehouse[11];
    int64_t on_hand, allocated, back_order, on_order; /* millionths */
};

struct syspro_item {
    char code[31];
    char description[SYSPRO_TEXT(50)];
    char stock_uom[11], alternate_uom[11], other_uom[11];
    char product_class[21];
    char warehouse[11];  /* warehouse to use */
    char price_text[24]; /* selling price as set */
    int64_t price;
    int decimals; /* of a quantity, 0 to 6 */
    bool on_hold;
    struct syspro_stock stock[SYSPRO_WAREHOUSES_MAX];
    size_t stock_len;
    UT_hash_handle hh;
};

struct syspro_warehouse {
    char code[11];
    char description[SYSPRO_TEXT(50)];
};

struct syspro_line {
    int number; /* SYSPRO's line number */
    char type;  /* 1 stocked or non-stocked, 6 comment, 5 misc, 4 freight */
    bool non_stocked;
    char stock_code[31];
    char description[SYSPRO_TEXT(100)]; /* or the comment */
    char warehouse[11];
    char uom[11], price_uom[11];
    char quantity_text[24], price_text[24]; /* as sent, or as SYSPRO priced */
    char price_sent[24];                    /* "" when none was sent */
    char product_class[21];
    char ship_date[11];
    int64_t quantity, price, ship, back; /* millionths */
    char allocation; /* F, A or B while ship and back are to be found; else 0 */
};

struct syspro_order {
    char number[SYSPRO_KEY_MAX]; /* stored form */
    char customer[SYSPRO_KEY_MAX];
    char customer_name[SYSPRO_TEXT(50)];
    char po[SYSPRO_TEXT(30)];
    char status[2];
    bool cancelled;
    char currency[4];
    char order_date[11], entry_date[11], ship_date[11];
    char warehouse[11], branch[11], salesperson[21], terms[3];
    char alternate_key[11];
    char ship_address[5][SYSPRO_TEXT(40)];
    char ship_postal_code[11];
    char shipping_instructions[SYSPRO_TEXT(50)];
    char special_instructions[SYSPRO_TEXT(50)];
    char email[SYSPRO_TEXT(255)];
    int64_t value; /* of its open lines, millionths */
    struct syspro_line *lines;
    size_t lines_len, lines_capacity;
    struct syspro_order *po_next; /* another order with the same PO number */
    UT_hash_handle hh;
};

struct syspro_po {
    char po[SYSPRO_TEXT(30)];
    struct syspro_order *first;
    UT_hash_handle hh;
};

struct syspro_codes {
    char code[SYSPRO_CODES_MAX][21];
    size_t len;
};

/* Switches of the site; every one is named so in /_sim/company. */
struct syspro_options {
    bool customer_keys_numeric; /* stored with 15 digits */
    int customer_presentation;  /* digits shown */
    int order_presentation;
    bool duplicate_po_refused;      /* company option; only A bypasses it */
    bool cancelled_count_duplicate; /* cancelled orders count as duplicates */
    bool tax_code_changes;          /* StockTaxCode may be sent */
    char open_period_from[8];       /* CCYY-MM; "" all open */
    char clean_shape;               /* A or B */
    char body;                      /* r raw, j JSON-quoted, s <string> */
    int request_bytes_max;          /* request line and headers */
    int64_t idle_ms;                /* of a session; 0 never */
    int sessions_max;               /* licences; 0 no limit */
};

struct syspro_company {
    char id[5], name[SYSPRO_TEXT(50)], password[33];
    char operator_code[21], operator_password[65];
    char currency[4];
    struct syspro_options options;
    struct syspro_codes terms, salespersons, branches, areas;
    struct syspro_codes unlicensed; /* business objects that answer 100000 */
    struct syspro_warehouse warehouses[SYSPRO_WAREHOUSES_MAX];
    size_t warehouses_len;
    struct syspro_customer *customers; /* hash, owned */
    struct syspro_item *items;         /* hash, owned */
    struct syspro_order *orders;       /* hash in order of creation, owned */
    struct syspro_po *purchase_orders; /* hash, owned */
    uint64_t order_next;
};

/* The demo world; see README.md. */
void syspro_company_init(struct syspro_company *company);
void syspro_company_done(struct syspro_company *company);

/* Copy a text; what does not fit is cut between two characters. */
void syspro_text_set(char *to, size_t to_len, const char *from);
#define SYSPRO_SET(to, from) syspro_text_set(to, sizeof(to), from)

/* The stored form of a numeric or alphanumeric key of a given width;
 * -EINVAL when it cannot be one. */
int syspro_key_store(const char *text, bool numeric,
                     char ret_key[SYSPRO_KEY_MAX]);
/* The form shown to people: leading zeros dropped down to the given digits. */
void syspro_key_show(const char *key, int digits,
                     char ret_text[SYSPRO_KEY_MAX]);

struct syspro_customer *syspro_company_customer(struct syspro_company *company,
                                                const char *text);
struct syspro_item *syspro_company_item(struct syspro_company *company,
                                        const char *code);
bool syspro_company_has_warehouse(const struct syspro_company *company,
                                  const char *code);
bool syspro_codes_have(const struct syspro_codes *codes, const char *code);
struct syspro_order *syspro_company_order(struct syspro_company *company,
                                          const char *text);
/* The first order with that PO number (follow po_next), or NULL. */
struct syspro_order *syspro_company_orders_by_po(struct syspro_company *company,
                                                 const char *po);
struct syspro_stock *syspro_item_stock(struct syspro_item *item,
                                       const char *warehouse);

/* Add or find; NULL when the limit is reached or the key is impossible. */
struct syspro_customer *
syspro_company_put_customer(struct syspro_company *company, const char *code);
struct syspro_item *syspro_company_put_item(struct syspro_company *company,
                                            const char *code);
struct syspro_stock *syspro_item_put_stock(struct syspro_item *item,
                                           const char *warehouse);

/* Orders.  A draft is an order outside the company; adding it gives the
 * ownership away. */
struct syspro_line *syspro_order_add_line(struct syspro_order *order);
struct syspro_order *syspro_order_copy(const struct syspro_order *order);
void syspro_order_free(struct syspro_order *order);
/* The next automatic number, in stored form. */
void syspro_company_next_number(struct syspro_company *company,
                                char ret_number[SYSPRO_KEY_MAX]);
int syspro_company_add_order(struct syspro_company *company,
                             struct syspro_order *order);
/* Put changed in the place of the order with its number; changed is owned. */
void syspro_company_replace_order(struct syspro_company *company,
                                  struct syspro_order *changed);
/* Put the order's lines on stock rows (add 1) or take them off (add -1). */
void syspro_order_allocate(struct syspro_company *company,
                           const struct syspro_order *order, int add);

#endif
