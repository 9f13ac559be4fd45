/* schema_node.h - a compiled schema, as the files schema*.c see it.
 *
 * Nobody outside these files includes this: the rest of the daemon knows
 * schema.h.  Written by schema.c only, read on any thread. */
#ifndef CONNECT_CONFIG_SCHEMA_NODE_H
#define CONNECT_CONFIG_SCHEMA_NODE_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>
#include <connect/decimal.h>

#include "config/schema.h"
#include "config/schema_format.h"

enum { /* kinds of values, as bits */
       KIND_NULL = 1,
       KIND_BOOLEAN = 2,
       KIND_INTEGER = 4,
       KIND_NUMBER = 8, /* with integers */
       KIND_STRING = 16,
       KIND_ARRAY = 32,
       KIND_OBJECT = 64,
       KIND_COUNT = 7
};

enum schema_additional {
    ADDITIONAL_ALLOWED,
    ADDITIONAL_REFUSED,
    ADDITIONAL_CHECKED
};

enum schema_personal {
    PERSONAL_NO,
    PERSONAL_YES,
    PERSONAL_NAME,
    PERSONAL_EMAIL,
    PERSONAL_ADDRESS
};

struct schema_property {
    char *name;            /* owned */
    struct schema *schema; /* owned */
    bool required;
};

struct schema_bound { /* minimum or maximum */
    bool is_set;
    cn_decimal value;
};

/* All pointers are owned. */
struct schema {
    unsigned kinds;                     /* KIND_ bits; never 0 */
    struct schema_property *properties; /* sorted by name */
    size_t property_count;
    enum schema_additional additional;
    struct schema *additional_schema; /* ADDITIONAL_CHECKED */
    struct schema *items;             /* NULL: anything */
    size_t items_min, items_max;      /* SIZE_MAX: no limit */
    size_t length_min, length_max;    /* in characters; likewise */
    char *pattern;                    /* NULL: none */
    regex_t regex;                    /* compiled when pattern is not NULL */
    cJSON *words;                     /* enum: array, or NULL */
    cJSON *constant;                  /* or NULL */
    cJSON *fallback;                  /* default, or NULL */
    enum schema_format format;
    struct schema_bound minimum, maximum;
    bool secret; /* writeOnly */
    enum schema_personal personal;
};

/* The kind of a value as the strict reader makes it; 0 for none of JSON's. */
unsigned schema_kind(const cJSON *value);
/* The property of that name or NULL; ret_index may be NULL. */
const struct schema_property *schema_property_find(const struct schema *schema,
                                                   const char *name,
                                                   size_t *ret_index);

#endif
