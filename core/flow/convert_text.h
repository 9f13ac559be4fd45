/* convert_text.h - conversions of texts.
 *
 * For convert*.c only. */
#ifndef CONNECT_FLOW_CONVERT_TEXT_H
#define CONNECT_FLOW_CONVERT_TEXT_H

#include "flow/convert_value.h"

int convert_trim(const struct convert *convert, const cJSON *value,
                 cJSON **ret_value, struct error *err);
int convert_case(const struct convert *convert, const cJSON *value,
                 cJSON **ret_value, struct error *err);
int convert_text(const struct convert *convert, const cJSON *value,
                 cJSON **ret_value, struct error *err);
int convert_string(const struct convert *convert, const cJSON *value,
                   cJSON **ret_value, struct error *err);
int convert_affix(const struct convert *convert, const cJSON *value,
                  cJSON **ret_value, struct error *err);
int convert_short_key(const struct convert *convert, const cJSON *value,
                      cJSON **ret_value, struct error *err);

#endif
