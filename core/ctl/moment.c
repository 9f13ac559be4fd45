/* moment.c - times as people say them.
 *
 * One idea: two units are enough; the exact time stands beside where it
 * matters. Now is the daemon's, so that a stepped or wrong clock of this
 * machine does not turn the past into the future.  Pure. */
#include "ctl/moment.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static const struct {
    const char *name;
    int64_t ms;
} units[] = {
    {"d", 24 * 3600 * 1000},
    {"h", 3600 * 1000},
    {"min", 60 * 1000},
    {"s", 1000},
};

enum { UNIT_COUNT = sizeof(units) / sizeof(*units) };

void moment_span(int64_t span_ms, char text[MOMENT_MAX])
{
    int64_t rest, whole;

    if (span_ms < 0)
        span_ms = 0;
    if (span_ms < 1000) {
        snprintf(text, MOMENT_MAX, "%" PRId64 " ms", span_ms);
        return;
    }
    for (size_t index = 0; index < UNIT_COUNT; index++) {
        whole = span_ms / units[index].ms;
        if (!whole)
            continue;
        rest = index + 1 < UNIT_COUNT
                   ? span_ms % units[index].ms / units[index + 1].ms
                   : 0;
        if (rest)
            snprintf(text, MOMENT_MAX, "%" PRId64 " %s %" PRId64 " %s", whole,
                     units[index].name, rest, units[index + 1].name);
        else
            snprintf(text, MOMENT_MAX, "%" PRId64 " %s", whole,
                     units[index].name);
        return;
    }
}

void moment_relative(int64_t now_ms, int64_t wall_ms, char text[MOMENT_MAX])
{
    char span[MOMENT_MAX];
    int64_t past_ms = now_ms - wall_ms;

    if (past_ms > -1000 && past_ms < 1000) {
        snprintf(text, MOMENT_MAX, "just now");
        return;
    }
    moment_span(past_ms < 0 ? -past_ms : past_ms, span);
    if (past_ms < 0)
        snprintf(text, MOMENT_MAX, "in %.*s", MOMENT_MAX - 8, span);
    else
        snprintf(text, MOMENT_MAX, "%.*s ago", MOMENT_MAX - 8, span);
}

void moment_absolute(int64_t wall_ms, char text[MOMENT_MAX])
{
    char full[CLOCK_TEXT_MAX];

    clock_format(wall_ms, full);
    snprintf(text, MOMENT_MAX, "%.10s %.8sZ", full,
             strlen(full) > 19 ? full + 11 : "");
}

void moment_clock(int64_t wall_ms, char text[MOMENT_MAX])
{
    char full[CLOCK_TEXT_MAX];

    clock_format(wall_ms, full);
    snprintf(text, MOMENT_MAX, "%.8s", strlen(full) > 19 ? full + 11 : "");
}
