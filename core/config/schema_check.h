/* schema_check.h - does a value keep to a compiled schema?  Included by
 * schema.h. */
#ifndef CONNECT_CONFIG_SCHEMA_CHECK_H
#define CONNECT_CONFIG_SCHEMA_CHECK_H

#include <cjson/cJSON.h>

#include "base/error.h"

struct schema;

/* Path and message hold names of members, which in a payload may be somebody's
 * data: they belong in the store; a log takes the rule. */
struct schema_fault {
    char path[512];    /* JSON Pointer of the value at fault; cut */
    char rule[64];     /* "required", "maxLength 30" */
    char message[512]; /* "/lines/0/quantity: must be a text that is a decimal
                        * number, is a text of 3 characters"; never a value */
};

/* 0, or -EINVAL with the first fault in the order of the value.  Texts with
 * U+0000 are refused everywhere.  [any thread] */
int schema_check(const struct schema *schema, const cJSON *value,
                 struct schema_fault *ret_fault) MUST_USE;

#endif
