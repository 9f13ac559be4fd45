/* clock.c - the machine's clocks, and their text form.
 *
 * With CONNECT_TEST_CLOCK offsets are added to the clocks; they are atomic,
 * because the loop steps them while other threads read.  Called on any thread.
 */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

static _Atomic int64_t clock_offset_ms; /* of both clocks */
static _Atomic int64_t clock_jumped_ms; /* of the wall clock, in addition */

static int64_t clock_read_ms(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t clock_system_wall(void *arg)
{
    (void)arg;
    return clock_read_ms(CLOCK_REALTIME) + atomic_load(&clock_offset_ms) +
           atomic_load(&clock_jumped_ms);
}

static int64_t clock_system_monotonic(void *arg)
{
    (void)arg;
    return clock_read_ms(CLOCK_MONOTONIC) + atomic_load(&clock_offset_ms);
}

static int64_t clock_network_wall(void *arg)
{
    (void)arg;
    return clock_read_ms(CLOCK_REALTIME);
}

static int64_t clock_network_monotonic(void *arg)
{
    (void)arg;
    return clock_read_ms(CLOCK_MONOTONIC);
}

const struct clock *clock_network(void)
{
    static const struct clock network_clock = {clock_network_wall,
                                               clock_network_monotonic, NULL};
    return &network_clock;
}

const struct clock *clock_system(void)
{
    static const struct clock system_clock = {clock_system_wall,
                                              clock_system_monotonic, NULL};
    return &system_clock;
}

int64_t clock_wall_ms(const struct clock *clock)
{
    return clock->wall_ms(clock->arg);
}

int64_t clock_monotonic_ms(const struct clock *clock)
{
    return clock->monotonic_ms(clock->arg);
}

void clock_format(int64_t wall_ms, char text[CLOCK_TEXT_MAX])
{
    int64_t milliseconds = wall_ms % 1000;
    time_t seconds;
    struct tm parts;
    char day[24];

    if (milliseconds < 0)
        milliseconds += 1000;
    seconds = (time_t)((wall_ms - milliseconds) / 1000);
    if (!gmtime_r(&seconds, &parts) ||
        !strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &parts)) {
        snprintf(text, CLOCK_TEXT_MAX, "unknown");
        return;
    }
    snprintf(text, CLOCK_TEXT_MAX, "%s.%03dZ", day, (int)milliseconds);
}

#ifdef CONNECT_TEST_CLOCK
void clock_step(int64_t delta_ms)
{
    atomic_fetch_add(&clock_offset_ms, delta_ms);
}

void clock_jump(int64_t delta_ms)
{
    atomic_fetch_add(&clock_jumped_ms, delta_ms);
}
#endif
