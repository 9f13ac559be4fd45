/* convert_number.h - conversions of numbers and dates.
 *
 * For convert*.c only. */
#ifndef CONNECT_FLOW_CONVERT_NUMBER_H
#define CONNECT_FLOW_CONVERT_NUMBER_H

#include "flow/convert_value.h"

int convert_decimal(const struct convert *convert, const cJSON *value,
                    cJSON **ret_value, struct error *err);
int convert_integer(const struct convert *convert, const cJSON *value,
                    cJSON **ret_value, struct error *err);
int convert_scaled(const struct convert *convert, const cJSON *value,
                   cJSON **ret_value, struct error *err);
int convert_date_from_ms(const struct convert *convert, const cJSON *value,
                         cJSON **ret_value, struct error *err);
int convert_date(const struct convert *convert, const cJSON *value,
                 cJSON **ret_value, struct error *err);

#endif
