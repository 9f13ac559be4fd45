/* comfnd.h - COMFND, SYSPRO's search in any table. */
#ifndef SYSPRO_COMFND_H
#define SYSPRO_COMFND_H

#include <stdbool.h>
#include <stddef.h>

#include <libxml/tree.h>

#include "answer.h"
#include "text.h"

/* column EQ value; keys in stored form. */
struct comfnd_condition {
    const char *column, *value;
};

struct comfnd_query {
    const char *table;
    unsigned rows_max;
    const char *const *columns;                /* NULL ends */
    const struct comfnd_condition *conditions; /* all must hold */
    size_t condition_count;
    const char *order_by;
};

void comfnd_write(const struct comfnd_query *query, struct text *out);

struct comfnd_rows {
    xmlDocPtr doc;    /* owned */
    xmlNodePtr *rows; /* owned; into doc */
    size_t count;
};

/* False unless the answer is one of that table whose counter says as many rows
 * as there are: nothing less proves that there is none. */
bool comfnd_read(const struct answer *answer, const char *table,
                 struct comfnd_rows *ret_rows);
void comfnd_done(struct comfnd_rows *rows);

/* The cleaned value of a column, "" when the row has no such column (field
 * security hides columns). */
void comfnd_value(const struct comfnd_rows *rows, size_t index,
                  const char *column, char *to, size_t size);

#endif
