/* schema_path.h - what a schema says about a place in a value, before there is
 * one: so that pointers in record types and flows are checked when they are
 * loaded.  Included by schema.h.  [any thread] */
#ifndef CONNECT_CONFIG_SCHEMA_PATH_H
#define CONNECT_CONFIG_SCHEMA_PATH_H

#include <stdbool.h>

#include "base/error.h"

struct schema;

/* The schema of the value at a JSON Pointer.  -ENOENT: no value that keeps to
 * the schema has anything there.  *ret_schema is NULL when anything may be
 * there.  *ret_always: every value has it (all members on the way are required;
 * elements of arrays are not).  ret_always may be NULL. */
int schema_at(const struct schema *schema, const char *pointer,
              const struct schema **ret_schema, bool *ret_always) MUST_USE;
/* It allows texts only. */
bool schema_is_text(const struct schema *schema);
/* It is marked personal or a credential. */
bool schema_is_marked(const struct schema *schema);

#endif
