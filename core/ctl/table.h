/* table.h - columns on a terminal.
 *
 * Cells are texts from outside; they are escaped when printed.  When the table
 * is wider than the terminal its last column is cut; elsewhere (a pipe) nothing
 * is.  [one thread] */
#ifndef CONNECT_CTL_TABLE_H
#define CONNECT_CTL_TABLE_H

#include <stdint.h>

#include "ctl/text.h"

struct table;

enum { TABLE_COLUMNS_MAX = 12, TABLE_CELL_MAX = 60 };

/* heads: names of the columns, NULL behind the last.  A head that begins with
 * ">" has its cells at the right. */
struct table *table_create(const char *const *heads);
void table_destroy(struct table *table);
/* Cells are filled in from the left; a full row begins the next. */
void table_add(struct table *table, enum text_style style, const char *text);
void table_add_number(struct table *table, int64_t number);
size_t table_row_count(const struct table *table);
void table_print(const struct table *table, const struct text_out *out);

#endif
