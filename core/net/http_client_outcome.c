/* http_client_outcome.c - answers to statuses, and the reading of Retry-After.
 *
 * One idea: what is certain to have had no effect may be repeated, what is not
 * certain may not.  Nothing is certain about a request with effect of which a
 * byte may have left and whose answer was not read to its end.  Pure; called by
 * the client and by the host's HTTP extension on any thread. */
#include "net/http_client_outcome.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
    SECONDS_DIGITS_MAX = 12, /* 30,000 years; more digits are nonsense */
    CENTURY_PIVOT = 50       /* RFC 9110 5.6.7: a two-digit year further ahead
                              * than this is one of the last century */
};

bool http_outcome_answered(uint32_t code)
{
    return code >= 1 && code <= 499 && code != 408 && code != 425 &&
           code != 429;
}

static cn_status status_of_code(bool effect, uint32_t code)
{
    if (code >= 200 && code <= 299)
        return CN_OK;
    if (code == 429 || code == 503)
        return CN_RATE_LIMITED;
    if (code == 401 || code == 403)
        return CN_AUTH;
    if (code < 200 || code >= 500 || code == 408)
        return effect ? CN_IN_DOUBT : CN_RETRY;
    return CN_REJECTED;
}

static cn_status status_of(bool effect, const struct http_answer *answer)
{
    bool doubt = effect && answer->sent;

    switch (answer->failure) {
    case HTTP_FAILURE_NONE:
        return status_of_code(effect, answer->code);
    case HTTP_FAILURE_CANCELLED:
        return doubt ? CN_IN_DOUBT : CN_CANCELLED;
    case HTTP_FAILURE_TOO_LARGE:
        /* Asking again would bring the same answer again. */
        return doubt ? CN_IN_DOUBT : CN_REJECTED;
    case HTTP_FAILURE_RESOLVE:
    case HTTP_FAILURE_CONNECT:
    case HTTP_FAILURE_TLS:
    case HTTP_FAILURE_TIMEOUT_BEFORE_SENT:
    case HTTP_FAILURE_TIMEOUT_AFTER_SENT:
    case HTTP_FAILURE_CUT:
    case HTTP_FAILURE_UNREADABLE:
        break;
    }
    return doubt ? CN_IN_DOUBT : CN_RETRY;
}

cn_status http_outcome(bool effect, const struct http_answer *answer,
                       uint64_t retry_after_ms_max,
                       uint64_t *ret_retry_after_ms)
{
    cn_status status = status_of(effect, answer);
    uint64_t wait_ms = 0;

    if (status == CN_RATE_LIMITED || status == CN_RETRY)
        wait_ms = answer->retry_after_ms;
    if (wait_ms > retry_after_ms_max)
        wait_ms = retry_after_ms_max;
    if (ret_retry_after_ms)
        *ret_retry_after_ms = wait_ms;
    return status;
}

static int month_of(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int month = 0; month < 12; month++) {
        if (!strncmp(names + 3 * month, name, 3) && strlen(name) == 3)
            return month;
    }
    return -1;
}

static int year_of_two_digits(int year, int64_t wall_ms)
{
    time_t now = (time_t)(wall_ms / 1000);
    struct tm today;

    gmtime_r(&now, &today);
    year += (today.tm_year + 1900) / 100 * 100;
    return year > today.tm_year + 1900 + CENTURY_PIVOT ? year - 100 : year;
}

static bool in_range(const struct tm *date)
{
    return date->tm_mon >= 0 && date->tm_mday >= 1 && date->tm_mday <= 31 &&
           date->tm_hour >= 0 && date->tm_hour <= 23 && date->tm_min >= 0 &&
           date->tm_min <= 59 && date->tm_sec >= 0 && date->tm_sec <= 60 &&
           date->tm_year >= 70 && date->tm_year <= 8099;
}

/* One of the three forms of RFC 9110 5.6.7; true and the parts when it is. */
static bool date_parts(const char *value, int64_t wall_ms, struct tm *date)
{
    char month[4] = "";
    int year = 0, end = 0;

    memset(date, 0, sizeof(*date));
    if (sscanf(value, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT%n",
               &date->tm_mday, month, &year, &date->tm_hour, &date->tm_min,
               &date->tm_sec, &end) == 6 &&
        end) {
        date->tm_year = year - 1900;
    } else if (sscanf(value,
                      "%*9[A-Za-z], %2d-%3[A-Za-z]-%2d %2d:%2d:%2d GMT%n",
                      &date->tm_mday, month, &year, &date->tm_hour,
                      &date->tm_min, &date->tm_sec, &end) == 6 &&
               end) {
        date->tm_year = year_of_two_digits(year, wall_ms) - 1900;
    } else if (sscanf(value, "%*3[A-Za-z] %3[A-Za-z] %2d %2d:%2d:%2d %4d%n",
                      month, &date->tm_mday, &date->tm_hour, &date->tm_min,
                      &date->tm_sec, &year, &end) == 6 &&
               end) {
        date->tm_year = year - 1900;
    }
    date->tm_mon = month_of(month);
    return end && !value[end] && in_range(date);
}

uint64_t http_outcome_retry_after(const char *value, int64_t wall_ms)
{
    size_t digits = strspn(value, "0123456789");
    uint64_t seconds = 0;
    struct tm date;
    int64_t when_ms;

    if (digits && !value[digits]) {
        if (digits > SECONDS_DIGITS_MAX)
            return 0;
        for (size_t index = 0; index < digits; index++)
            seconds = seconds * 10 + (uint64_t)(value[index] - '0');
        return seconds * 1000;
    }
    if (!isalpha((unsigned char)value[0]) || !date_parts(value, wall_ms, &date))
        return 0;
    when_ms = (int64_t)timegm(&date) * 1000;
    return when_ms > wall_ms ? (uint64_t)(when_ms - wall_ms) : 0;
}
