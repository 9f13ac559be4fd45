/* clock.h - time, behind one seam.
 *
 * Everything that waits asks this clock, so that a test can put in its own.
 * The wall clock is for people and for what is stored; delays are measured on
 * the monotonic clock, so that a jump of the wall clock neither fires nor
 * delays anything.  A build with CONNECT_TEST_CLOCK can step the clocks of the
 * process; no other build has these functions. */
#ifndef CONNECT_BASE_CLOCK_H
#define CONNECT_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

struct clock {
    int64_t (*wall_ms)(void *arg);      /* UTC, since 1970 */
    int64_t (*monotonic_ms)(void *arg); /* since some start, never back */
    void *arg;                          /* borrowed */
};

/* The machine's clocks.  [any thread] */
const struct clock *clock_system(void);

/* The same, never stepped: for the deadlines of connections, whose other ends
 * live in real time even when a test steps ours.  [any thread] */
const struct clock *clock_network(void);

int64_t clock_wall_ms(const struct clock *clock);
int64_t clock_monotonic_ms(const struct clock *clock);

enum { CLOCK_TEXT_MAX = 32 };
/* "2026-11-23T08:00:00.000Z" into text. */
void clock_format(int64_t wall_ms, char text[CLOCK_TEXT_MAX]);

#ifdef CONNECT_TEST_CLOCK
/* Move both system clocks forwards, for tests only.  [any thread] */
void clock_step(int64_t delta_ms);
/* Let the wall clock alone jump, either way, as when a person sets it or the
 * machine wakes from a suspend.  [any thread] */
void clock_jump(int64_t delta_ms);
#endif

#endif
