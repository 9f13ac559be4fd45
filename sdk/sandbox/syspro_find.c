/* syspro_find.c - COMFND (search) and COMFCH (one row) on any table.
 *
 * The idea: the Where list becomes terms with brackets, evaluated for each row
 * by recursion, "and" before "or" as in SQL.  Names count in their exact case
 * and keys must come in stored form, because those are the mistakes a connector
 * makes.  A search by purchase order number looks only at the orders of that
 * number, so that look-ups stay quick beside 100,000 orders.
 * Called on the server's thread. */
#include "syspro_find.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "syspro_decimal.h"
#include "syspro_table.h"
#include "syspro_xml.h"

enum {
    COLUMNS_MAX = 100, /* no table has more */
    TERMS_MAX = 100,   /* of Where; enough for lists of keys */
    ROWS_MAX = 100000, /* an answer that still fits into memory */
    BRACKETS_MAX = 3,  /* as the schema says */
};

static const char *const version = "8.0.010";

enum condition { GT, GE, LT, LE, EQ, NE, LIKE };

struct term {
    bool is_or; /* before this term stands "or" */
    int open, close;
    const struct syspro_column *column;
    enum condition condition;
    char value[SYSPRO_TEXT_MAX];
    int64_t number;
};

struct find {
    const struct syspro_table *table;
    const struct syspro_column *columns[COLUMNS_MAX];
    size_t columns_len;
    const struct syspro_column *order_by[COLUMNS_MAX];
    size_t order_by_len;
    struct term terms[TERMS_MAX];
    size_t terms_len;
    size_t rows_limit;
    struct syspro_row *rows; /* owned */
    size_t rows_len, rows_capacity;
    struct buf *out;
};

static bool read_columns(struct find *find, xmlNodePtr parent,
                         const struct syspro_column **columns, size_t *len)
{
    char name[SYSPRO_TEXT_MAX];

    for (xmlNodePtr node = syspro_xml_child(parent, "Column"); node != NULL;
         node = syspro_xml_next(node)) {
        syspro_xml_text(node, name);
        const struct syspro_column *column =
            syspro_table_column(find->table, name);

        if (column == NULL || *len == COLUMNS_MAX) {
            buf_printf(find->out, "ERROR: Column '%.40s' not found on table %s",
                       name, find->table->name);
            return false;
        }
        columns[(*len)++] = column;
    }
    return true;
}

static bool read_condition(const char *text, enum condition *ret_condition)
{
    static const char *const names[] = {"GT", "GE", "LT",  "LE",
                                        "EQ", "NE", "LIKE"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcasecmp(text, names[i]) == 0) {
            *ret_condition = (enum condition)i;
            return true;
        }
    return false;
}

static bool read_brackets(xmlNodePtr node, const char *name, char bracket,
                          int *ret_count)
{
    char text[SYSPRO_TEXT_MAX];
    size_t count = 0;

    syspro_xml_child_text(node, name, text);
    while (text[count] == bracket)
        count++;
    *ret_count = (int)count;
    return text[count] == '\0' && count <= BRACKETS_MAX;
}

static bool read_term(struct find *find, xmlNodePtr node)
{
    struct term *term = &find->terms[find->terms_len];
    char text[SYSPRO_TEXT_MAX];
    const char *what = "Column";

    if (find->terms_len == TERMS_MAX) {
        buf_append_text(find->out, "ERROR: Too many expressions");
        return false;
    }
    memset(term, 0, sizeof(*term));
    syspro_xml_child_text(node, "Column", text);
    term->column = syspro_table_column(find->table, text);
    if (term->column == NULL)
        goto wrong;
    what = "AndOr";
    syspro_xml_child_text(node, what, text);
    term->is_or = strcasecmp(text, "or") == 0;
    if (!term->is_or && *text != '\0' && strcasecmp(text, "and") != 0)
        goto wrong;
    what = "Condition";
    syspro_xml_child_text(node, what, text);
    if (!read_condition(text, &term->condition))
        goto wrong;
    what = "OpenBracket or CloseBracket";
    if (!read_brackets(node, "OpenBracket", '(', &term->open) ||
        !read_brackets(node, "CloseBracket", ')', &term->close))
        goto wrong;
    what = "Value";
    syspro_xml_child_text(node, what, term->value);
    if (term->column->numeric && term->condition != LIKE &&
        syspro_decimal_read(term->value, 12, 6, &term->number) != 0)
        goto wrong;
    find->terms_len++;
    return true;
wrong:
    buf_printf(find->out, "ERROR: %s of an expression is invalid", what);
    return false;
}

static bool read_terms(struct find *find, xmlNodePtr where)
{
    int depth = 0;

    for (xmlNodePtr node = syspro_xml_child(where, "Expression"); node != NULL;
         node = syspro_xml_next(node)) {
        if (!read_term(find, node))
            return false;
        depth += find->terms[find->terms_len - 1].open;
        depth -= find->terms[find->terms_len - 1].close;
        if (depth < 0)
            break;
    }
    if (depth != 0)
        buf_append_text(find->out, "ERROR: Brackets of Where do not match");
    return depth == 0;
}

/* '*' any run, '?' one character. */
static bool is_like(const char *text, const char *pattern)
{
    const char *star = NULL, *retry = NULL;

    while (*text != '\0') {
        if (*pattern == '*') {
            star = ++pattern;
            retry = text;
        } else if (*pattern == '?' || *pattern == *text) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star;
            text = ++retry;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

static bool holds(const struct term *term, const struct syspro_row *row)
{
    char text[SYSPRO_CELL_MAX] = "";
    int64_t number = 0;
    int order = 0;

    term->column->read(row, text, &number);
    if (term->condition == LIKE) {
        if (term->column->numeric)
            syspro_column_show(term->column, row, text);
        return is_like(text, term->value);
    }
    if (term->column->numeric)
        order = (number > term->number) - (number < term->number);
    else
        order = strcmp(text, term->value);
    switch (term->condition) {
    case GT:
        return order > 0;
    case GE:
        return order >= 0;
    case LT:
        return order < 0;
    case LE:
        return order <= 0;
    case EQ:
        return order == 0;
    default:
        return order != 0;
    }
}

/* or-list of and-lists of terms or brackets.  opened: brackets of the current
 * term that are already entered.  Depth is at most the brackets' sum. */
static bool evaluate(const struct find *find, const struct syspro_row *row,
                     size_t *at, int opened, int *closed)
{
    bool any = false, all = true;

    for (;;) {
        const struct term *term = &find->terms[*at];
        bool value = false;

        if (term->open > opened) {
            value = evaluate(find, row, at, opened + 1, closed);
        } else {
            value = holds(term, row);
            *closed = term->close;
            (*at)++;
        }
        opened = 0;
        all = all && value;
        if (*closed > 0) {
            (*closed)--;
            return any || all;
        }
        if (*at >= find->terms_len)
            return any || all;
        if (find->terms[*at].is_or) {
            any = any || all;
            all = true;
        }
    }
}

static bool visit(void *arg, const struct syspro_row *row)
{
    struct find *find = arg;
    size_t at = 0;
    int closed = 0;

    if (find->terms_len > 0 && !evaluate(find, row, &at, 0, &closed))
        return true;
    if (find->rows_len == find->rows_capacity) {
        find->rows_capacity = find->rows_len > 0 ? find->rows_len * 2 : 8;
        find->rows =
            memory_grow(find->rows, find->rows_capacity, sizeof(*find->rows));
    }
    find->rows[find->rows_len++] = *row;
    return find->rows_len < ROWS_MAX;
}

static int compare_by(const struct syspro_column *column,
                      const struct syspro_row *a, const struct syspro_row *b)
{
    char text_a[SYSPRO_CELL_MAX] = "", text_b[SYSPRO_CELL_MAX] = "";
    int64_t number_a = 0, number_b = 0;

    column->read(a, text_a, &number_a);
    column->read(b, text_b, &number_b);
    return column->numeric ? (number_a > number_b) - (number_a < number_b)
                           : strcmp(text_a, text_b);
}

static int compare_rows(const void *a, const void *b, void *arg)
{
    const struct find *find = arg;
    int order = 0;

    for (size_t i = 0; i < find->order_by_len && order == 0; i++)
        order = compare_by(find->order_by[i], a, b);
    for (size_t i = 0; i < find->table->keys && order == 0; i++)
        order = compare_by(&find->table->columns[i], a, b);
    return order;
}

/* The PO number every row must have, or NULL. */
static const char *purchase_order_of(const struct find *find)
{
    const char *po = NULL;

    if (strcmp(find->table->name, "SorMaster") != 0)
        return NULL;
    for (size_t i = 0; i < find->terms_len; i++) {
        const struct term *term = &find->terms[i];

        if (i > 0 && term->is_or)
            return NULL;
        if (term->condition == EQ &&
            strcmp(term->column->name, "CustomerPoNumber") == 0)
            po = term->value;
    }
    return po;
}

static void search(struct find *find, struct syspro_company *company)
{
    const char *po = purchase_order_of(find);

    if (po == NULL) {
        find->table->walk(company, visit, find);
    } else {
        struct syspro_order *order = syspro_company_orders_by_po(company, po);

        for (; order != NULL; order = order->po_next) {
            struct syspro_row row = {.company = company, .order = order};

            if (!visit(find, &row))
                break;
        }
    }
    if (find->rows_len > 1)
        qsort_r(find->rows, find->rows_len, sizeof(*find->rows), compare_rows,
                find);
    if (find->rows_len > find->rows_limit)
        find->rows_len = find->rows_limit;
}

static void write_names(struct buf *out, const char *element,
                        const struct syspro_column *const *columns, size_t len)
{
    syspro_xml_open(out, element);
    for (size_t i = 0; i < len; i++)
        syspro_xml_leaf(out, "Column", columns[i]->name);
    syspro_xml_close(out, element);
}

static void write_found(const struct find *find)
{
    char text[SYSPRO_CELL_MAX];
    struct buf *out = find->out;

    syspro_xml_begin(out, find->table->name, version, "");
    syspro_xml_open(out, "HeaderDetails");
    syspro_xml_leaf(out, "TableName", find->table->name);
    write_names(out, "Columns", find->columns, find->columns_len);
    if (find->order_by_len > 0)
        write_names(out, "OrderBy", find->order_by, find->order_by_len);
    syspro_xml_close(out, "HeaderDetails");
    for (size_t i = 0; i < find->rows_len; i++) {
        syspro_xml_open(out, "Row");
        for (size_t j = 0; j < find->columns_len; j++) {
            syspro_column_show(find->columns[j], &find->rows[i], text);
            syspro_xml_leaf(out, find->columns[j]->name, text);
        }
        syspro_xml_close(out, "Row");
    }
    buf_printf(out, "<RowsReturned>%8zu</RowsReturned>\n", find->rows_len);
    syspro_xml_end(out, find->table->name);
}

static bool read_limit(struct find *find, xmlNodePtr root)
{
    char text[SYSPRO_TEXT_MAX];

    find->rows_limit = ROWS_MAX;
    if (!syspro_xml_child_text(root, "ReturnRows", text) || *text == '\0')
        return true;
    if (strlen(text) > 9 || strspn(text, "0123456789") != strlen(text)) {
        buf_append_text(find->out, "ERROR: ReturnRows is not numeric");
        return false;
    }
    find->rows_limit = (size_t)strtoul(text, NULL, 10);
    return true;
}

static const struct syspro_table *read_table(xmlNodePtr root, struct buf *out)
{
    char name[SYSPRO_TEXT_MAX];
    const struct syspro_table *table = NULL;

    syspro_xml_child_text(root, "TableName", name);
    table = syspro_table_find(name);
    if (table == NULL)
        buf_printf(out, "ERROR: Table '%.40s' not found", name);
    return table;
}

void syspro_find_query(struct syspro_company *company, const char *document,
                       struct buf *out)
{
    struct find *find = memory_zero(1, sizeof(*find));
    xmlDocPtr doc = syspro_xml_read(document, "XmlIn", "Query", out);
    xmlNodePtr root = doc != NULL ? xmlDocGetRootElement(doc) : NULL;

    find->out = out;
    if (root == NULL)
        goto out;
    find->table = read_table(root, out);
    if (find->table == NULL ||
        !read_columns(find, syspro_xml_child(root, "Columns"), find->columns,
                      &find->columns_len) ||
        !read_columns(find, syspro_xml_child(root, "OrderBy"), find->order_by,
                      &find->order_by_len) ||
        !read_terms(find, syspro_xml_child(root, "Where")) ||
        !read_limit(find, root))
        goto out;
    if (find->columns_len == 0) {
        buf_append_text(out, "ERROR: Columns are missing");
        goto out;
    }
    search(find, company);
    write_found(find);
out:
    xmlFreeDoc(doc);
    free(find->rows);
    free(find);
}

struct fetch {
    const struct syspro_table *table;
    char keys[2][SYSPRO_TEXT_MAX];
    bool numeric_key; /* of this company's customers or orders */
    struct syspro_row row;
    bool found;
};

/* Business objects take a short numeric key and pad it, unlike COMFND. */
static bool key_equal(const struct fetch *fetch, size_t i,
                      const struct syspro_row *row)
{
    const struct syspro_column *column = &fetch->table->columns[i];
    char cell[SYSPRO_CELL_MAX] = "", stored[SYSPRO_KEY_MAX];
    int64_t number = 0, wanted = 0;

    column->read(row, cell, &number);
    if (column->numeric)
        return syspro_decimal_read(fetch->keys[i], 12, 6, &wanted) == 0 &&
               wanted == number;
    if (strcmp(cell, fetch->keys[i]) == 0)
        return true;
    return i == 0 && fetch->numeric_key &&
           syspro_key_store(fetch->keys[i], true, stored) == 0 &&
           strcmp(cell, stored) == 0;
}

static bool visit_fetch(void *arg, const struct syspro_row *row)
{
    struct fetch *fetch = arg;

    for (size_t i = 0; i < fetch->table->keys; i++)
        if (!key_equal(fetch, i, row))
            return true;
    fetch->row = *row;
    fetch->found = true;
    return false;
}

void syspro_find_fetch(struct syspro_company *company, const char *document,
                       struct buf *out)
{
    xmlDocPtr doc = syspro_xml_read(document, "XmlIn", "Fetch", out);
    xmlNodePtr root = doc != NULL ? xmlDocGetRootElement(doc) : NULL;
    struct fetch fetch = {.numeric_key = false};
    char text[SYSPRO_CELL_MAX];

    if (root == NULL)
        goto out;
    fetch.table = read_table(root, out);
    if (fetch.table == NULL)
        goto out;
    const char *name = fetch.table->name;

    fetch.numeric_key = strncmp(name, "Sor", 3) == 0 ||
                        (strcmp(name, "ArCustomer") == 0 &&
                         company->options.customer_keys_numeric);
    syspro_xml_child_text(root, "Key", fetch.keys[0]);
    syspro_xml_child_text(root, "OptionalKey1", fetch.keys[1]);
    fetch.table->walk(company, visit_fetch, &fetch);
    if (!fetch.found) {
        buf_printf(out, "ERROR: Key '%.40s' not found on table %s",
                   fetch.keys[0], name);
        goto out;
    }
    syspro_xml_begin(out, name, version, "");
    for (const struct syspro_column *column = fetch.table->columns;
         column->name != NULL; column++) {
        syspro_column_show(column, &fetch.row, text);
        syspro_xml_leaf(out, column->name, text);
    }
    syspro_xml_end(out, name);
out:
    xmlFreeDoc(doc);
}
