/* convert_list.h - conversions between texts and lists, and choices.
 *
 * For convert*.c only. */
#ifndef CONNECT_FLOW_CONVERT_LIST_H
#define CONNECT_FLOW_CONVERT_LIST_H

#include "flow/convert_value.h"

int convert_boolean(const struct convert *convert, const cJSON *value,
                    cJSON **ret_value, struct error *err);
int convert_lookup(const struct convert *convert, const cJSON *value,
                   cJSON **ret_value, struct error *err);
int convert_table(const struct convert *convert, const cJSON *value,
                  cJSON **ret_value, struct error *err);
int convert_split(const struct convert *convert, const cJSON *value,
                  cJSON **ret_value, struct error *err);
int convert_join(const struct convert *convert, const cJSON *value,
                 cJSON **ret_value, struct error *err);
int convert_first(const struct convert *convert, const cJSON *value,
                  cJSON **ret_value, struct error *err);

#endif
