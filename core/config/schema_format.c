/* schema_format.c - checks the form of a text, character by character.
 *
 * The forms are narrower than their standards where two readers could disagree:
 * decimals have one sign and no idle zeros, times have no leap second.  Every
 * check is one pass over the text and looks at nothing else.  Called by
 * schema.c and schema_check.c on any thread. */
#include "config/schema_format.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

enum {
    DIGITS_MAX = 38,     /* what connect/decimal.h can hold */
    TYPE_NAME_MAX = 122, /* with "/9999" and its NUL below CN_NAME_MAX */
    REVISION_MAX = 4     /* digits of a revision */
};

static const struct {
    const char *word, *text;
} formats[FORMAT_COUNT] = {
    [FORMAT_NONE] = {"", "a text"},
    [FORMAT_DECIMAL] = {"decimal", "a text that is a decimal number"},
    [FORMAT_INTEGER] = {"integer", "a text that is a whole number"},
    [FORMAT_DATE] = {"date", "a date such as \"2026-11-23\""},
    [FORMAT_DATE_TIME] = {"date-time",
                          "a time such as \"2026-11-23T08:00:00Z\""},
    [FORMAT_URI] = {"uri", "an address such as \"https://host/path\""},
    [FORMAT_JSON_POINTER] = {"json-pointer",
                             "a JSON Pointer such as \"/lines/0\""},
    [FORMAT_TYPE] = {"type", "a record type such as \"sales_order/1\""},
};

int schema_format_parse(const char *word, enum schema_format *ret_format)
{
    for (int index = FORMAT_NONE + 1; index < FORMAT_COUNT; index++) {
        if (!strcmp(word, formats[index].word)) {
            *ret_format = (enum schema_format)index;
            return 0;
        }
    }
    return -EINVAL;
}

const char *schema_format_word(enum schema_format format)
{
    return formats[format].word;
}

const char *schema_format_text(enum schema_format format)
{
    return formats[format].text;
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

static bool is_lower(char byte)
{
    return byte >= 'a' && byte <= 'z';
}

static bool is_letter(char byte)
{
    return is_lower(byte) || (byte >= 'A' && byte <= 'Z');
}

static size_t count_digits(const char *text)
{
    size_t count = 0;

    while (is_digit(text[count]))
        count++;
    return count;
}

static bool holds_number(const char *text, bool with_fraction)
{
    const char *at = text[0] == '-' ? text + 1 : text;
    const char *first = at;
    size_t count = count_digits(at);
    size_t fraction = 0;

    if (count == 0 || (at[0] == '0' && count > 1))
        return false;
    at += count;
    if (*at == '.' && with_fraction) {
        fraction = count_digits(at + 1);
        if (fraction == 0)
            return false;
        at += 1 + fraction;
    }
    if (*at != '\0' || count + fraction > DIGITS_MAX)
        return false;
    /* -0 and -0.00 are the mark of a broken sender. */
    return text[0] != '-' || strspn(first, "0.") != strlen(first);
}

/* Reads exactly count digits and moves on; -1 when there are none. */
static int take_number(const char **at, size_t count)
{
    int number = 0;

    for (size_t index = 0; index < count; index++) {
        if (!is_digit(**at))
            return -1;
        number = number * 10 + (**at - '0');
        (*at)++;
    }
    return number;
}

static bool take_byte(const char **at, char byte)
{
    if (**at != byte)
        return false;
    (*at)++;
    return true;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month == 2 && leap ? 29 : days[month - 1];
}

static bool take_date(const char **at)
{
    int year, month, day;

    year = take_number(at, 4);
    if (year < 0 || !take_byte(at, '-'))
        return false;
    month = take_number(at, 2);
    if (month < 1 || month > 12 || !take_byte(at, '-'))
        return false;
    day = take_number(at, 2);
    return day >= 1 && day <= days_of_month(year, month);
}

static bool take_clock(const char **at)
{
    int hour, minute;

    hour = take_number(at, 2);
    if (hour < 0 || hour > 23 || !take_byte(at, ':'))
        return false;
    minute = take_number(at, 2);
    return minute >= 0 && minute <= 59;
}

static bool holds_date_time(const char *text)
{
    const char *at = text;
    int second;

    if (!take_date(&at) || !take_byte(&at, 'T') || !take_clock(&at) ||
        !take_byte(&at, ':'))
        return false;
    second = take_number(&at, 2);
    if (second < 0 || second > 59)
        return false;
    if (take_byte(&at, '.')) {
        size_t count = count_digits(at);

        if (count == 0 || count > 9)
            return false;
        at += count;
    }
    if (take_byte(&at, 'Z'))
        return *at == '\0';
    if (!take_byte(&at, '+') && !take_byte(&at, '-'))
        return false;
    return take_clock(&at) && *at == '\0';
}

static bool holds_uri(const char *text)
{
    const char *at = text;

    if (!is_letter(*at))
        return false;
    while (is_letter(*at) || is_digit(*at) || (*at && strchr("+-.", *at)))
        at++;
    if (!take_byte(&at, ':') || *at == '\0')
        return false;
    if (!strncmp(text, "http", 4)) {
        if (strncmp(at, "//", 2) || at[2] == '\0' || strchr("/?#:@", at[2]))
            return false;
    }
    for (; *at; at++) {
        if (*at <= 0x20 || *at >= 0x7f || strchr("<>\"\\^`{|}", *at))
            return false;
    }
    return true;
}

static bool holds_pointer(const char *text)
{
    if (text[0] != '\0' && text[0] != '/')
        return false;
    for (const char *at = strchr(text, '~'); at; at = strchr(at + 1, '~')) {
        if (at[1] != '0' && at[1] != '1')
            return false;
    }
    return true;
}

static bool holds_type(const char *text)
{
    const char *at = text;
    size_t digits;

    if (!is_lower(*at))
        return false;
    while (is_lower(*at) || is_digit(*at) || *at == '_' || *at == '.')
        at++;
    if (at - text > TYPE_NAME_MAX || at[-1] == '.' || strstr(text, ".."))
        return false;
    if (!take_byte(&at, '/') || *at == '0')
        return false;
    digits = count_digits(at);
    return digits >= 1 && digits <= REVISION_MAX && at[digits] == '\0';
}

bool schema_format_holds(enum schema_format format, const char *text)
{
    const char *at = text;

    switch (format) {
    case FORMAT_DECIMAL:
        return holds_number(text, true);
    case FORMAT_INTEGER:
        return holds_number(text, false);
    case FORMAT_DATE:
        return take_date(&at) && *at == '\0';
    case FORMAT_DATE_TIME:
        return holds_date_time(text);
    case FORMAT_URI:
        return holds_uri(text);
    case FORMAT_JSON_POINTER:
        return holds_pointer(text);
    case FORMAT_TYPE:
        return holds_type(text);
    case FORMAT_NONE:
    case FORMAT_COUNT:
        break;
    }
    return true;
}
