/* schema_format.h - the forms a text may have to have.
 *
 * Pure functions.  [any thread] */
#ifndef CONNECT_CONFIG_SCHEMA_FORMAT_H
#define CONNECT_CONFIG_SCHEMA_FORMAT_H

#include <stdbool.h>

#include "base/error.h"

enum schema_format {
    FORMAT_NONE,
    FORMAT_DECIMAL,      /* -12.50: no plus, no idle zero in front, 38 digits */
    FORMAT_INTEGER,      /* the same without a fraction */
    FORMAT_DATE,         /* 2026-11-23, a day that exists */
    FORMAT_DATE_TIME,    /* RFC 3339: 2026-11-23T08:00:00.5Z or +01:00 */
    FORMAT_URI,          /* absolute: scheme and rest, ASCII without blanks */
    FORMAT_JSON_POINTER, /* RFC 6901 */
    FORMAT_TYPE,         /* sales_order/1, acme.part/2 */
    FORMAT_COUNT
};

/* 0 or -EINVAL for a word that is no format. */
int schema_format_parse(const char *word,
                        enum schema_format *ret_format) MUST_USE;
const char *schema_format_word(enum schema_format format);
/* For "must be ...": "a date such as 2026-11-23". */
const char *schema_format_text(enum schema_format format);
bool schema_format_holds(enum schema_format format, const char *text);

#endif
