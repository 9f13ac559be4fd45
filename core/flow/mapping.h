/* mapping.h - a table of target field, source path and named conversions.
 *
 *   [ { "to": "/customer", "from": "/deal/organizations/0/fields/SYSPRO
 * customer", "convert": [ "trim", { "text": { "max": 15 } } ], "required": true
 * }, { "to": "/order_date", "from": "/deal/updated_ms", "convert": [ {
 * "date_from_ms": { "zone_minutes": 0 } } ] }, { "to": "/currency", "value":
 * "GBP" }, { "to": "/lines", "from": "/deal/fields/Order lines", "convert": [ {
 * "table": { "columns": [ "stock_code", "quantity", "price" ] } } ], "each": [
 * { "to": "/quantity", "from": "/row/quantity", ... } ] } ]
 *
 * from: one path, or an array of paths of which the first present one counts.
 * default: used when no path is present or the text is empty.  required (true
 * unless a default is given or "required": false): missing is an error.  each:
 * a table applied to every element of the converted list, where the element is
 * the result "row" and its number from 1 "index".
 *
 * Conversions (convert.h): trim, upper, lower, text {max, overflow: "error" |
 * "cut"}, decimal {scale, round: "exact" | "half_even" | "half_up", min, max,
 * thousands: ","}, integer, date_from_ms, date_time_from_ms, date {format},
 * lookup {table | values, missing: "error" | "keep"}, table {rows, separator,
 * columns}, join {separator}, prefix, suffix, short_key {prefix, length},
 * boolean, list, first, string, concat.
 *
 * A missing or wrong value gives an error that names step, field, value and
 * rule: "step order, field /lines/1/quantity: \"3 pcs\" is not a decimal number
 * (decimal)".  Values of fields whose schema is marked personal are not shown:
 * mapping_apply is told by the caller.  Compiled tables never change; no value
 * passes through a double. */
#ifndef CONNECT_FLOW_MAPPING_H
#define CONNECT_FLOW_MAPPING_H

#include <cjson/cJSON.h>

#include "base/error.h"
#include "config/schema.h"

struct mapping;

/* tables: the flow's named look-up tables, an object of objects of texts, or
 * NULL; kept by copy. */
int mapping_create(const cJSON *value, const cJSON *tables,
                   struct mapping **ret_mapping, char ret_pointer[512],
                   struct error *err) MUST_USE;
void mapping_destroy(struct mapping *mapping);

/* Every target is a field that a schema has; the first that is not is named by
 * its place in the table. */
int mapping_fits(const struct mapping *mapping, const struct schema *schema,
                 char ret_pointer[512], struct error *err) MUST_USE;

/* A new object that the caller deletes.  field: in ret_field the target field
 * at fault (at most 512 bytes). */
int mapping_apply(const struct mapping *mapping, const cJSON *results,
                  cJSON **ret_value, char ret_field[512],
                  struct error *err) MUST_USE;

#endif
