/* condition.h - simple conditions on the results of a run, without a language.
 *
 *   { "path": "/deal/stage", "equals": "Closed-Won" }
 *   operators: equals, not_equals (text; several texts in an array: any of
 *   them), exists (true or false), matches (POSIX extended, anchored), contains
 *   (text in a text, or element of a list), above, below, at_least, at_most
 *   (decimals, compared exactly); ignore_case: true with the text operators
 *   { "all": [ ... ] }  { "any": [ ... ] }  { "not": { ... } }
 *
 * A path is a JSON Pointer whose first part names a result: "/trigger/event".
 * A missing value is no error but makes every operator false except exists:
 * false, not_equals; a value of a wrong kind (a text where a decimal is
 * compared) is an error that names it.  Compiled conditions never change. */
#ifndef CONNECT_FLOW_CONDITION_H
#define CONNECT_FLOW_CONDITION_H

#include <stdbool.h>
#include <cjson/cJSON.h>

#include "base/error.h"

struct condition;

/* Compile; err names the member at fault by JSON Pointer relative to value, in
 * ret_pointer (at most 512 bytes). */
int condition_create(const cJSON *value, struct condition **ret_condition,
                     char ret_pointer[512], struct error *err) MUST_USE;
void condition_destroy(struct condition *condition);

/* results: an object of results by name.  1 met, 0 not met, -EINVAL with err.
 */
int condition_met(const struct condition *condition, const cJSON *results,
                  struct error *err) MUST_USE;

#endif
