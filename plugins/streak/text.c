/* text.c - the small change of the connector: texts, dates, members.
 *
 * One idea: what comes from Streak is cleaned here before it goes into a
 * record, so that no member of a record can be too long or hold U+0000, and
 * what cannot be made because memory ended stops the process: the host's store
 * repeats what was open.  Pure; any thread. */
#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

void *text_must(void *ptr)
{
    if (ptr)
        return ptr;
    fputs("streak: memory ended\n", stderr);
    abort();
}

void *text_zero(size_t size)
{
    return text_must(calloc(1, size ? size : 1));
}

char *text_copy(const char *text)
{
    return text ? text_must(cn_copy(cn_text(text))) : NULL;
}

char *text_print(const char *format, ...)
{
    va_list arguments;
    char *text;
    int len;

    va_start(arguments, format);
    len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    text = text_zero(len < 0 ? 1 : (size_t)len + 1);
    va_start(arguments, format);
    if (len > 0)
        vsnprintf(text, (size_t)len + 1, format, arguments);
    va_end(arguments);
    return text;
}

void text_put(cJSON *object, const char *name, cJSON *value)
{
    if (cn_json_put(object, name, text_must(value)))
        text_must(NULL);
}

void text_add(cJSON *array, cJSON *value)
{
    if (cn_json_append(array, text_must(value)))
        text_must(NULL);
}

char *text_clean(const char *text, size_t characters_max)
{
    char *clean = text_zero(strlen(text) + 1);
    size_t characters = 0, len = 0;

    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == 0xC0) { /* the reader's U+0000 is C0 80 */
            text += text[1] != '\0';
            continue;
        }
        if ((byte & 0xC0) != 0x80 && ++characters > characters_max)
            break;
        clean[len++] = *text;
    }
    clean[len] = '\0';
    return clean;
}

cJSON *text_json(const char *text, size_t characters_max)
{
    char *clean = text_clean(text, characters_max);
    cJSON *value = cn_json_string(cn_text(clean));

    /* Not UTF-8 cannot be: the reader has refused it. */
    if (!value)
        value = cn_json_string(cn_text("?"));
    free(clean);
    return text_must(value);
}

static char lower(char letter)
{
    return letter >= 'A' && letter <= 'Z' ? (char)(letter | 0x20) : letter;
}

bool text_same_name(const char *left, const char *right)
{
    while (*left && lower(*left) == lower(*right)) {
        left++;
        right++;
    }
    return !*left && !*right;
}

static bool white(char letter)
{
    return letter == ' ' || letter == '\t' || letter == '\r' || letter == '\n';
}

bool text_same(const char *left, const char *right)
{
    size_t left_len, right_len, i = 0, j = 0;

    while (white(*left))
        left++;
    while (white(*right))
        right++;
    left_len = strlen(left);
    right_len = strlen(right);
    while (left_len && white(left[left_len - 1]))
        left_len--;
    while (right_len && white(right[right_len - 1]))
        right_len--;
    while (i < left_len && j < right_len) {
        if (left[i] == '\r' && left[i + 1] == '\n')
            i++;
        if (right[j] == '\r' && right[j + 1] == '\n')
            j++;
        if (left[i++] != right[j++])
            return false;
    }
    return i == left_len && j == right_len;
}

bool text_holds(const char *text, const char *part)
{
    for (; *text; text++) {
        size_t at = 0;

        while (part[at] && lower(text[at]) == lower(part[at]))
            at++;
        if (!part[at])
            return true;
    }
    return !*part;
}

void text_printable(const char *from, char *to, size_t size)
{
    char *clean = text_clean(from, size);
    size_t len = strlen(clean);

    if (len >= size) {
        len = size - 1;
        while (len && ((unsigned char)clean[len] & 0xC0) == 0x80)
            len--;
    }
    for (size_t at = 0; at < len; at++)
        to[at] = (unsigned char)clean[at] < 0x20 || clean[at] == 0x7F
                     ? ' '
                     : clean[at];
    to[len] = '\0';
    free(clean);
}

/* ---- Dates --------------------------------------------------------------- */

enum { DAY_MS = 86400000 };

/* Days from 1970-01-01 to a day of the Gregorian calendar.  The year is taken
 * to begin in March, so that a leap day is the last one. */
static int64_t days_from_date(int64_t year, int64_t month, int64_t day)
{
    int64_t shifted = month <= 2 ? year - 1 : year;
    int64_t century = shifted / 400;
    int64_t year_of_era = shifted - century * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day;

    return century * 146097 + year_of_era * 365 + year_of_era / 4 -
           year_of_era / 100 + day_of_year - 719469;
}

bool text_date_from_ms(int64_t time_ms, char date[TEXT_DATE_MAX])
{
    static const int64_t first_ms = -62135596800000; /* 0001-01-01 */
    static const int64_t end_ms = 253402300800000;   /* 10000-01-01 */
    int64_t days, year, month;

    if (time_ms < first_ms || time_ms >= end_ms)
        return false;
    days = (time_ms - (time_ms % DAY_MS + DAY_MS) % DAY_MS) / DAY_MS;
    year = days < 0 ? 1969 + days / 365 : 1970 + days / 366;
    while (days >= days_from_date(year + 1, 1, 1))
        year++;
    month = 1;
    while (month < 12 && days >= days_from_date(year, month + 1, 1))
        month++;
    snprintf(date, TEXT_DATE_MAX, "%04u-%02u-%02u", (unsigned)year % 10000,
             (unsigned)month % 100,
             (unsigned)(days - days_from_date(year, month, 1) + 1) % 100);
    return true;
}

bool text_date_to_ms(const char *date, int64_t *ret_time_ms)
{
    char back[TEXT_DATE_MAX];
    int64_t parts[3] = {0, 0, 0}, time_ms;
    int part = 0;

    if (strlen(date) != TEXT_DATE_MAX - 1)
        return false;
    for (; *date; date++) {
        if (*date == '-' && part < 2)
            part++;
        else if (*date >= '0' && *date <= '9')
            parts[part] = parts[part] * 10 + (*date - '0');
        else
            return false;
    }
    if (parts[0] < 1 || parts[1] < 1 || parts[1] > 12 || parts[2] < 1 ||
        parts[2] > 31)
        return false;
    time_ms = days_from_date(parts[0], parts[1], parts[2]) * DAY_MS;
    /* The 31st of April comes back as another day. */
    if (!text_date_from_ms(time_ms, back) ||
        strcmp(back, date - (TEXT_DATE_MAX - 1)) != 0)
        return false;
    *ret_time_ms = time_ms;
    return true;
}

void text_hash(const char *text, char hash[TEXT_HASH_MAX])
{
    /* FNV-1a, and the same with another start and a shift between. */
    uint64_t first = 0xcbf29ce484222325, second = 0x84222325cbf29ce4;

    for (; *text; text++) {
        first = (first ^ (unsigned char)*text) * 0x100000001b3;
        second = (second ^ (unsigned char)*text) * 0x100000001b3;
        second ^= second >> 29;
    }
    snprintf(hash, TEXT_HASH_MAX, "%016llx%016llx", (unsigned long long)first,
             (unsigned long long)second);
}
