/* convert_number.c - conversions of numbers and dates.
 *
 * Numbers are decimal texts throughout, dates are computed with integers;
 * nothing passes through a double.  Read on any thread. */
#include "flow/convert_number.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <connect/decimal.h>

#include "base/seeded.h"

#include "flow/convert_value.h"

/* Remove thousands separators that stand where they may. */
static int without_thousands(const struct convert *convert, const char *text,
                             char *plain, size_t size)
{
    const char *separator = convert->options.text;
    size_t len = 0, run = 0;
    bool seen = false, fraction = false;

    for (const char *at = text; *at; at++) {
        if (separator && *at == *separator && !fraction) {
            if (run == 0 || run > 3 || (seen && run != 3))
                return -EINVAL;
            seen = true;
            run = 0;
            continue;
        }
        if (*at == '.') {
            if (seen && run != 3)
                return -EINVAL;
            fraction = true;
        } else if (isdigit((unsigned char)*at)) {
            run++;
        }
        if (len + 1 >= size)
            return -EINVAL;
        plain[len++] = *at;
    }
    plain[len] = '\0';
    return seen && !fraction && run != 3 ? -EINVAL : 0;
}

static int read_decimal(const struct convert *convert, const cJSON *value,
                        cn_decimal *ret_number, struct error *err)
{
    char plain[96];
    const char *text;
    int status = convert_need_text(convert, value, &text, err);

    if (status)
        return status;
    if (without_thousands(convert, text, plain, sizeof(plain)) ||
        cn_decimal_parse_text(plain, ret_number))
        return convert_wrong(convert, value, err, "is not a decimal number");
    if (convert->options.min_set &&
        cn_decimal_compare(ret_number, &convert->options.low) < 0)
        return convert_wrong(convert, value, err, "is too small");
    if (convert->options.max_set &&
        cn_decimal_compare(ret_number, &convert->options.high) > 0)
        return convert_wrong(convert, value, err, "is too large");
    return 0;
}

static int give_decimal(const cn_decimal *number, cJSON **ret_value)
{
    char text[CN_DECIMAL_TEXT_MAX];

    cn_decimal_print(number, text);
    if (seeded_bug("F07")) /* money through a double */
        snprintf(text, sizeof(text), "%.17g", strtod(text, NULL));
    return convert_give_text(ret_value, text, strlen(text));
}

int convert_decimal(const struct convert *convert, const cJSON *value,
                    cJSON **ret_value, struct error *err)
{
    cn_decimal number;
    char what[80];
    int status = read_decimal(convert, value, &number, err);

    if (status)
        return status;
    if (convert->options.scale >= 0 &&
        cn_decimal_set_scale(&number, (uint32_t)convert->options.scale,
                             convert->options.round, &number)) {
        snprintf(what, sizeof(what),
                 "does not fit %" PRId64 " digits behind the point",
                 convert->options.scale);
        return convert_wrong(convert, value, err, what);
    }
    return give_decimal(&number, ret_value);
}

int convert_integer(const struct convert *convert, const cJSON *value,
                    cJSON **ret_value, struct error *err)
{
    cn_decimal number;
    int status = read_decimal(convert, value, &number, err);

    if (status)
        return status;
    if (cn_decimal_set_scale(&number, 0, CN_DECIMAL_EXACT, &number))
        return convert_wrong(convert, value, err, "is not a whole number");
    return give_decimal(&number, ret_value);
}

int convert_scaled(const struct convert *convert, const cJSON *value,
                   cJSON **ret_value, struct error *err)
{
    char factor_text[CN_DECIMAL_TEXT_MAX] = "0.";
    cn_decimal number, factor;
    int status = read_decimal(convert, value, &number, err);
    size_t len = 2;

    if (status)
        return status;
    for (int64_t at = 1; at < convert->options.shift; at++)
        factor_text[len++] = '0';
    factor_text[len++] = '1';
    factor_text[len] = '\0';
    if (cn_decimal_parse_text(factor_text, &factor) ||
        cn_decimal_multiply(&number, &factor, &number))
        return convert_wrong(convert, value, err, "has too many digits");
    return give_decimal(&number, ret_value);
}

/* ---- Dates --------------------------------------------------------------- */

static int read_ms(const struct convert *convert, const cJSON *value,
                   struct tm *ret_parts, struct error *err)
{
    const char *text;
    char *end;
    long long ms;
    time_t seconds;
    int status = convert_need_text(convert, value, &text, err);

    if (status)
        return status;
    errno = 0;
    ms = strtoll(text, &end, 10);
    /* Years 1970 to 9999: what a date of four digits can show. */
    if (errno || end == text || *end || ms < 0 || ms > 253402300799999LL)
        return convert_wrong(convert, value, err,
                             "is not a time in milliseconds since 1970");
    seconds = (time_t)(ms / 1000 + convert->options.zone_minutes * 60);
    return gmtime_r(&seconds, ret_parts) ? 0 : -EINVAL;
}

int convert_date_from_ms(const struct convert *convert, const cJSON *value,
                         cJSON **ret_value, struct error *err)
{
    struct tm parts;
    char text[40];
    int status = read_ms(convert, value, &parts, err);

    if (status)
        return status;
    strftime(text, sizeof(text),
             strstr(convert->kind->name, "time") ? "%Y-%m-%dT%H:%M:%SZ"
                                                 : "%Y-%m-%d",
             &parts);
    return convert_give_text(ret_value, text, strlen(text));
}

static bool day_exists(int year, int month, int day)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (year < 1 || month < 1 || month > 12 || day < 1)
        return false;
    return day <= days[month - 1] + (month == 2 && leap);
}

int convert_date(const struct convert *convert, const cJSON *value,
                 cJSON **ret_value, struct error *err)
{
    int year = 0, month = 0, day = 0;
    const char *text, *at;
    char made[40];
    int status = convert_need_text(convert, value, &text, err);

    if (status)
        return status;
    at = text;
    for (const char *format = convert->options.text; *format; format++) {
        int *part = *format == 'Y'   ? &year
                    : *format == 'M' ? &month
                    : *format == 'D' ? &day
                                     : NULL;
        int digits = 0;
        if (!part) {
            if (*at++ != *format)
                return convert_wrong(convert, value, err,
                                     "is not a date of the form "
                                     "the mapping names");
            continue;
        }
        while (isdigit((unsigned char)*at) &&
               digits++ < (part == &year ? 4 : 2))
            *part = *part * 10 + (*at++ - '0');
    }
    if (*at || !day_exists(year, month, day))
        return convert_wrong(convert, value, err, "is not a date");
    snprintf(made, sizeof(made), "%04d-%02d-%02d", year, month, day);
    return convert_give_text(ret_value, made, strlen(made));
}
