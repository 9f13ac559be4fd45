/* value.c - a hash of small values.
 *
 * The same table serves the core (what is stored), an instance (its copy) and
 * an operation (what it wants to change); they differ in what an empty value
 * means. */
#include "plugin/value.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

static void value_free(struct value **table, struct value *value)
{
    HASH_DEL(*table, value);
    free(value->key);
    free(value->value);
    free(value);
}

struct value *value_find(struct value *table, const char *key)
{
    struct value *found;

    HASH_FIND_STR(table, key, found);
    return found;
}

void value_set(struct value **table, const char *key, cn_str value)
{
    struct value *found = value_find(*table, key);

    if (!found) {
        found = memory_zero(1, sizeof(*found));
        found->key = memory_text(key);
        HASH_ADD_KEYPTR(hh, *table, found->key, strlen(found->key), found);
    }
    free(found->value);
    found->value = memory_copy(value.ptr, value.len);
    found->len = value.len;
}

void value_keep(struct value **table, const char *key, cn_str value)
{
    struct value *found;

    if (value.len) {
        value_set(table, key, value);
        return;
    }
    found = value_find(*table, key);
    if (found)
        value_free(table, found);
}

void values_free(struct value **table)
{
    struct value *value, *next;

    HASH_ITER(hh, *table, value, next)
    {
        value_free(table, value);
    }
}
