/* comfnd.c - COMFND, SYSPRO's search in any table.
 *
 * Without a number of rows it gives the whole table, it compares keys in stored
 * form, and a key in the wrong form finds nothing.  An answer without rows is
 * what decides that an order does not exist and may be posted, so it is
 * believed only when table and counter agree.  Pure. */
#include "comfnd.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "xml.h"

enum { ROWS_MAX = 20000 }; /* an order has at most 9,999 lines */

static void put(struct text *out, const char *name, const char *value)
{
    text_put_element(out, name, (cn_str){value, strlen(value)}, 0);
}

void comfnd_write(const struct comfnd_query *query, struct text *out)
{
    char number[16];

    snprintf(number, sizeof(number), "%u", query->rows_max);
    text_put(out, "<?xml version=\"1.0\" encoding=\"Windows-1252\"?><Query>");
    put(out, "TableName", query->table);
    put(out, "ReturnRows", number);
    text_put(out, "<Columns>");
    for (const char *const *column = query->columns; *column; column++)
        put(out, "Column", *column);
    text_put(out, "</Columns><Where>");
    for (size_t index = 0; index < query->condition_count; index++) {
        text_put(out, "<Expression><AndOr>and</AndOr>");
        put(out, "Column", query->conditions[index].column);
        put(out, "Condition", "EQ");
        put(out, "Value", query->conditions[index].value);
        text_put(out, "</Expression>");
    }
    text_put(out, "</Where><OrderBy>");
    put(out, "Column", query->order_by);
    text_put(out, "</OrderBy></Query>");
}

static bool collect(struct comfnd_rows *rows, const xmlNode *root)
{
    size_t count = 0;

    for (xmlNodePtr node = root->children; node; node = node->next)
        count += xml_is(node, "Row");
    if (count > ROWS_MAX)
        return false;
    rows->rows = calloc(count + 1, sizeof(*rows->rows));
    if (!rows->rows)
        return false;
    for (xmlNodePtr node = root->children; node; node = node->next) {
        if (xml_is(node, "Row"))
            rows->rows[rows->count++] = node;
    }
    return true;
}

/* The counter is there, is a number and says as many as were found. */
static bool counted(const xmlNode *root, size_t count)
{
    char said[16], found[16];
    const char *digits = said;

    xml_text(xml_child(root, "RowsReturned"), said, sizeof(said));
    while (digits[0] == '0' && digits[1])
        digits++;
    snprintf(found, sizeof(found), "%zu", count);
    return !strcmp(digits, found);
}

bool comfnd_read(const struct answer *answer, const char *table,
                 struct comfnd_rows *ret_rows)
{
    struct comfnd_rows rows = {.doc = NULL};
    xmlNodePtr root = NULL;

    if (answer->kind == ANSWER_XML)
        rows.doc = xml_read(answer->text, answer->utf8);
    root = rows.doc ? xmlDocGetRootElement(rows.doc) : NULL;
    if (!xml_is(root, table) || !collect(&rows, root) ||
        !counted(root, rows.count)) {
        comfnd_done(&rows);
        return false;
    }
    *ret_rows = rows;
    return true;
}

void comfnd_done(struct comfnd_rows *rows)
{
    free(rows->rows);
    xmlFreeDoc(rows->doc);
    *rows = (struct comfnd_rows){.doc = NULL};
}

void comfnd_value(const struct comfnd_rows *rows, size_t index,
                  const char *column, char *to, size_t size)
{
    xml_text(xml_child(rows->rows[index], column), to, size);
}
