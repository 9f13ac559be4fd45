/* sim_clock.h - the simulator's time, which a test may set, step and stop.
 *
 * Every time a simulator writes into an answer and everything it waits for
 * comes from here.  Unless frozen it runs as fast as the machine's clock. */
#ifndef CONNECT_SANDBOX_SIM_CLOCK_H
#define CONNECT_SANDBOX_SIM_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_clock;

/* Embedded in its owner and zeroed by it; fire and arg are set by the owner. */
struct sim_timer {
    void (*fire)(void *arg); /* called once; may set the timer again */
    void *arg;               /* borrowed */
    int64_t due_ms;          /* kept by the clock */
    uint64_t sequence;       /* kept by the clock: equal times fire in order */
    size_t place;            /* kept by the clock: place in the heap, from 1 */
};

struct sim_clock *sim_clock_create(void);
void sim_clock_destroy(struct sim_clock *clock);

/* Milliseconds since 1970. */
int64_t sim_clock_now_ms(const struct sim_clock *clock);
bool sim_clock_frozen(const struct sim_clock *clock);
void sim_clock_advance(struct sim_clock *clock, int64_t delta_ms);
void sim_clock_set(struct sim_clock *clock, int64_t now_ms);
void sim_clock_freeze(struct sim_clock *clock, bool frozen);

/* Fire once at due_ms; a timer that is set already is moved. */
void sim_clock_set_timer(struct sim_clock *clock, struct sim_timer *timer,
                         int64_t due_ms);
void sim_clock_clear_timer(struct sim_clock *clock, struct sim_timer *timer);
bool sim_clock_timer_set(const struct sim_timer *timer);

/* Fire what is due.  Returns the milliseconds until the next timer, or -1 when
 * there is none or the clock stands still. */
int64_t sim_clock_run_due(struct sim_clock *clock);

#endif
