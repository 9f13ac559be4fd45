/* syspro_table.h - the company's state as SQL tables, for COMFND and COMFCH. */
#ifndef CONNECT_SANDBOX_SYSPRO_TABLE_H
#define CONNECT_SANDBOX_SYSPRO_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "syspro_company.h"

enum { SYSPRO_CELL_MAX = SYSPRO_TEXT(255) };

/* One row: which members count depends on the table. */
struct syspro_row {
    const struct syspro_company *company;
    const struct syspro_order *order;
    const struct syspro_line *line;
    const struct syspro_customer *customer;
    const struct syspro_item *item;
    const struct syspro_stock *stock;
};

struct syspro_column {
    const char *name;
    bool numeric; /* compared as a number, shown padded with blanks */
    int decimals, width;
    /* The value as text; numbers in millionths go through ret_number. */
    void (*read)(const struct syspro_row *row, char out[SYSPRO_CELL_MAX],
                 int64_t *ret_number);
};

struct syspro_table {
    const char *name;
    const struct syspro_column *columns; /* ends with a NULL name */
    size_t keys; /* the first so many columns are the key */
    /* Call with every row; stops when visit answers false. */
    void (*walk)(struct syspro_company *company,
                 bool (*visit)(void *arg, const struct syspro_row *row),
                 void *arg);
};

/* Exact name or NULL. */
const struct syspro_table *syspro_table_find(const char *name);
const struct syspro_column *
syspro_table_column(const struct syspro_table *table, const char *name);
/* A cell as the answer shows it. */
void syspro_column_show(const struct syspro_column *column,
                        const struct syspro_row *row,
                        char out[SYSPRO_CELL_MAX]);

#endif
