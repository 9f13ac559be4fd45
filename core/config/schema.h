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
 * than none.
 *
 * A compiled schema never changes and may be read on any thread.  Values are
 * cJSON trees from the strict reader (connect/json.h), numbers as written. */
#ifndef CONNECT_CONFIG_SCHEMA_H
#define CONNECT_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <cjson/cJSON.h>

#include "base/error.h"

struct schema;

struct schema_fault {
    char path[512];    /* JSON Pointer of the value at fault */
    char rule[64];     /* "required", "maxLength 30" */
    char message[512]; /* "/lines/0/quantity: must be a decimal number, is a
                        * text of 3 characters"; never the value of a property
                        * marked personal or writeOnly */
};

/* Compile; value is borrowed for the call.  A mistake in the schema is named
 * with its place. */
int schema_create(const cJSON *value, struct schema **ret_schema,
                  struct error *err) MUST_USE;
void schema_destroy(struct schema *schema);

/* 0, or -EINVAL with the first fault. */
int schema_check(const struct schema *schema, const cJSON *value,
                 struct schema_fault *ret_fault) MUST_USE;
/* Add the defaults of absent properties to value, in depth. */
void schema_fill(const struct schema *schema, cJSON *value);
/* Replace what is personal or a credential by "***", in place. */
void schema_mask(const struct schema *schema, cJSON *value);
/* Two schemas allow and mark the same (keyword order and texts for people do
 * not count). */
bool schema_equal(const struct schema *one, const struct schema *other);
/* Names of the top-level properties marked writeOnly, one after another. */
const char *schema_secret_name(const struct schema *schema, size_t index);

#endif
