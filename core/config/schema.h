/* schema.h - the subset of JSON Schema that manifests and record types may use.
 *
 * Keywords: type (one name or an array), properties, required,
 * additionalProperties (true, false or a schema), items, minItems, maxItems,
 * minLength and maxLength (in characters), pattern (POSIX extended), enum,
 * const, default, title, description, format, minimum and maximum (decimal
 * strings or numbers, compared as decimals), writeOnly (a credential), personal
 * (true, or the kind: "name", "email", "address").  format: "decimal",
 * "integer", "date", "date-time", "uri", "json-pointer", "type" (a record type
 * name).  Any other keyword is an error: a rule nobody checks would be worse
 * than none.  Without a type a schema has the one its keywords speak about.
 * additionalProperties is true when absent, as in the standard: say false where
 * unknown members are mistakes.  writeOnly stands only at properties of the top
 * level, which are texts.
 *
 * A compiled schema never changes and may be read on any thread.  Values are
 * cJSON trees from the strict reader (connect/json.h), numbers as written. */
#ifndef CONNECT_CONFIG_SCHEMA_H
#define CONNECT_CONFIG_SCHEMA_H

#include <cjson/cJSON.h>

#include "base/error.h"
#include "config/schema_check.h"
#include "config/schema_path.h"
#include "config/schema_value.h"

struct schema;

/* Compile; value is borrowed for the call.  A mistake in the schema is named
 * with its place. */
int schema_create(const cJSON *value, struct schema **ret_schema,
                  struct error *err) MUST_USE;
void schema_destroy(struct schema *schema);

/* Names of the top-level properties marked writeOnly, one after another; NULL
 * behind the last. */
const char *schema_secret_name(const struct schema *schema, size_t index);

#endif
