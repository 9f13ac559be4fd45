/* convert_value.h - what all conversions share.
 *
 * For convert*.c only. */
#ifndef CONNECT_FLOW_CONVERT_VALUE_H
#define CONNECT_FLOW_CONVERT_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include <connect/decimal.h>

#include "flow/convert.h"

enum { CONVERT_KEY_MAX = 26 }; /* 130 bits: the whole of the hash used */

struct convert_options {
    int64_t max, min_set, max_set, shift, scale, length, zone_minutes;
    cn_decimal low, high;
    int round;
    bool cut, keep;
    char *text; /* thousands, separator, prefix, format */
    char *rows; /* table: row separator */
    char **columns;
    size_t column_count;
    cJSON *values;    /* lookup */
    cJSON *otherwise; /* lookup: value for what is missing */
    char *table;      /* lookup: its name, for errors */
};

struct convert_kind {
    const char *name;
    const char *const *members; /* options it knows, NULL-terminated */
    int (*apply)(const struct convert *, const cJSON *, cJSON **,
                 struct error *);
};

struct convert {
    const struct convert_kind *kind;
    struct convert_options options;
};

/* The error "\"3 pcs\" is not a decimal number (decimal)"; returns -EINVAL. */
int convert_wrong(const struct convert *convert, const cJSON *value,
                  struct error *err, const char *what);
/* The text of a scalar, or an error; -EILSEQ, without a sentence, when it has
 * U+0000, which no target takes. */
int convert_need_text(const struct convert *convert, const cJSON *value,
                      const char **ret_text, struct error *err);
/* -EILSEQ, without a sentence, when the text has U+0000. */
int convert_give_text(cJSON **ret_value, const char *text, size_t len);

#endif
