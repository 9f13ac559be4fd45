/* table.c - columns on a terminal.
 *
 * One idea: all cells are kept, then measured, then printed, so that columns
 * are as wide as what stands in them and no wider than TABLE_CELL_MAX; the last
 * one takes what is left.  One thread. */
#include "ctl/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { CELLS_MAX = 24000, GAP = 2, LAST_MIN = 20 };

struct cell {
    char *text;
    enum text_style style;
};

struct table {
    const char *heads[TABLE_COLUMNS_MAX];
    size_t column_count;
    struct cell *cells;
    size_t cell_count, capacity;
};

struct table *table_create(const char *const *heads)
{
    struct table *table = memory_zero(1, sizeof(*table));

    while (table->column_count < TABLE_COLUMNS_MAX &&
           heads[table->column_count]) {
        table->heads[table->column_count] = heads[table->column_count];
        table->column_count++;
    }
    return table;
}

void table_destroy(struct table *table)
{
    for (size_t index = 0; index < table->cell_count; index++)
        free(table->cells[index].text);
    free(table->cells);
    free(table);
}

void table_add(struct table *table, enum text_style style, const char *text)
{
    if (table->cell_count == CELLS_MAX) /* 1,000 rows of all columns */
        return;
    if (table->cell_count == table->capacity) {
        table->capacity = table->capacity ? table->capacity * 2 : 64;
        table->cells =
            memory_grow(table->cells, table->capacity, sizeof(*table->cells));
    }
    table->cells[table->cell_count].text = memory_text(text ? text : "");
    table->cells[table->cell_count].style = style;
    table->cell_count++;
}

void table_add_number(struct table *table, int64_t number)
{
    char text[32];

    snprintf(text, sizeof(text), "%" PRId64, number);
    table_add(table, TEXT_PLAIN, text);
}

size_t table_row_count(const struct table *table)
{
    return table->cell_count / table->column_count;
}

static const char *head_text(const struct table *table, size_t column)
{
    return table->heads[column] + (table->heads[column][0] == '>');
}

static size_t cell_width(const char *text)
{
    struct buf buf;
    size_t width;

    buf_init(&buf, TEXT_BYTES_MAX);
    text_escape(&buf, text, strlen(text));
    width = buf.len ? text_width(buf.data) : 0;
    buf_done(&buf);
    return width;
}

static void table_measure(const struct table *table, size_t width,
                          size_t *widths)
{
    size_t last = table->column_count - 1, used = 0;

    for (size_t column = 0; column < table->column_count; column++)
        widths[column] = text_width(head_text(table, column));
    for (size_t index = 0; index < table->cell_count; index++) {
        size_t column = index % table->column_count;
        size_t here = cell_width(table->cells[index].text);
        if (column != last && here > TABLE_CELL_MAX)
            here = TABLE_CELL_MAX;
        if (here > widths[column])
            widths[column] = here;
    }
    for (size_t column = 0; column < last; column++)
        used += widths[column] + GAP;
    if (width && used + widths[last] > width)
        widths[last] = width > used + LAST_MIN ? width - used : LAST_MIN;
}

static void print_cell(const struct table *table, const struct text_out *out,
                       size_t column, enum text_style style, const char *text,
                       const size_t *widths)
{
    bool is_last = column + 1 == table->column_count;
    size_t width = widths[column], here = cell_width(text);

    if (table->heads[column][0] == '>' && here < width) {
        fprintf(out->file, "%*s", (int)(width - here), "");
        width = here;
    }
    text_print_cell(out, style, text, width ? width : 1, !is_last);
    if (is_last)
        fputc('\n', out->file);
    else
        fprintf(out->file, "%*s", GAP, "");
}

void table_print(const struct table *table, const struct text_out *out)
{
    size_t widths[TABLE_COLUMNS_MAX];
    size_t whole = table_row_count(table) * table->column_count;

    table_measure(table, out->width, widths);
    for (size_t column = 0; column < table->column_count; column++)
        print_cell(table, out, column, TEXT_BOLD, head_text(table, column),
                   widths);
    for (size_t index = 0; index < whole; index++)
        print_cell(table, out, index % table->column_count,
                   table->cells[index].style, table->cells[index].text, widths);
}
