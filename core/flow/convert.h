/* convert.h - named native conversions of one value, as mappings use them.
 *
 * A conversion takes a JSON value and gives a new one or an error that names
 * value and rule.  Written in a mapping as its name or { name: options }:
 *
 *   trim                     white space at both ends goes
 *   upper, lower             ASCII letters only
 *   text {max, overflow}     at most max characters; overflow "error" (default)
 *                            or "cut"
 *   string                   a number or truth value as its text
 *   decimal {scale, round, min, max, thousands}
 *                            a decimal number; scale: exactly so many digits
 *                            behind the point, round "exact" (default: an error
 *                            when digits would be lost), "half_even",
 * "half_up"; thousands: a separator that is allowed integer {min, max}       a
 * decimal without fraction scaled {shift}           the point moves shift
 * digits to the left: cents to units is 2 date_from_ms {zone_minutes} epoch
 * milliseconds to "2026-03-02" date_time_from_ms                 to
 * "2026-03-02T08:00:00Z" date {format}            a text by format (Y, M, D and
 * separators, such as "D.M.Y") to "2026-03-02" boolean true/false, "yes"/"no",
 * "1"/"0" to true or false lookup {table | values, missing}  a text to another
 * one; missing: "error" (default), "keep" or { "value": ... } table {columns,
 * rows, separator}  a text of lines to a list of objects; rows separated by
 * line ends (or rows), columns by separator (";"); empty lines go split
 * {separator}        a text to a list of texts join {separator}         a list
 * of texts to a text first                    the first element of a list
 *   prefix, suffix           a text before or behind
 *   short_key {prefix, length}  a text to a short one that is unique and always
 *                            the same: prefix and length (8 to 26) characters
 *                            of base32 of its BLAKE2b hash
 *
 * Compiled conversions never change. */
#ifndef CONNECT_FLOW_CONVERT_H
#define CONNECT_FLOW_CONVERT_H

#include <cjson/cJSON.h>

#include "base/error.h"

struct convert;

/* tables: look-up tables by name, or NULL. */
int convert_create(const cJSON *value, const cJSON *tables,
                   struct convert **ret_convert, struct error *err) MUST_USE;
void convert_destroy(struct convert *convert);

/* A new value that the caller deletes.  The error says "\"3 pcs\" is not a
 * decimal number (decimal)". */
int convert_apply(const struct convert *convert, const cJSON *value,
                  cJSON **ret_value, struct error *err) MUST_USE;

#endif
