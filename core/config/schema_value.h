/* schema_value.h - what a schema changes in a value: defaults and masks.
 * Included by schema.h.  [any thread] */
#ifndef CONNECT_CONFIG_SCHEMA_VALUE_H
#define CONNECT_CONFIG_SCHEMA_VALUE_H

#include <stdbool.h>
#include <cjson/cJSON.h>

struct schema;

#define SCHEMA_MASK "***"

/* Add the defaults of absent properties to value, in depth. */
void schema_fill(const struct schema *schema, cJSON *value);
/* Replace what is personal or a credential by "***", in place: of a personal
 * object or array every text, number and truth value in it.  What the schema
 * does not describe where it describes the rest, or describes as another kind
 * of value, is replaced too, since nobody looked at it. */
void schema_mask(const struct schema *schema, cJSON *value);
/* Two schemas allow and mark the same (keyword order and texts for people do
 * not count). */
bool schema_equal(const struct schema *one, const struct schema *other);

#endif
