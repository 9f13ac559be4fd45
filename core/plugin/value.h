/* value.h - a table of small named values, as connect.state/1 has them.
 *
 * A table is a pointer that begins as NULL; uthash walks it by hh.  Not shared
 * between threads. */
#ifndef CONNECT_PLUGIN_VALUE_H
#define CONNECT_PLUGIN_VALUE_H

#include <connect/plugin.h>

#include "base/hash.h"

struct value {
    char *key;   /* owned */
    char *value; /* owned; len bytes and a NUL */
    size_t len;  /* 0: to be removed */
    UT_hash_handle hh;
};

/* An empty value stays in the table, as the wish to remove the key. */
void value_set(struct value **table, const char *key, cn_str value);
/* An empty value removes the key. */
void value_keep(struct value **table, const char *key, cn_str value);
struct value *value_find(struct value *table, const char *key);
void values_free(struct value **table);

#endif
