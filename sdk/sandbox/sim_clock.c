/* sim_clock.c - the simulator's time and its timers.
 *
 * Time is the machine's monotonic clock plus an offset, or one number while
 * frozen.  Timers lie in a binary heap by (due time, order of setting), so that
 * a stepped clock fires them in one fixed order.  A timer that is set again by
 * its own function fires in the next round at the earliest: one call of
 * sim_clock_run_due ends.  Used on the simulator's only thread. */
#include "sim_clock.h"

#include <assert.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"

/* One timer for each waiting request and each undelivered event; both have
 * lower limits of their own. */
enum { TIMERS_MAX = 1000000 };

struct sim_clock {
    struct sim_timer **heap; /* from 1; heap[1] is due first */
    size_t count;
    size_t capacity;
    uint64_t sequence;
    int64_t offset_ms; /* simulated minus monotonic */
    int64_t frozen_ms;
    bool frozen;
};

static int64_t machine_ms(clockid_t id)
{
    struct timespec now;

    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct sim_clock *sim_clock_create(void)
{
    struct sim_clock *clock = memory_zero(1, sizeof(*clock));

    clock->offset_ms = machine_ms(CLOCK_REALTIME) - machine_ms(CLOCK_MONOTONIC);
    return clock;
}

void sim_clock_destroy(struct sim_clock *clock)
{
    if (!clock)
        return;
    free(clock->heap);
    free(clock);
}

int64_t sim_clock_now_ms(const struct sim_clock *clock)
{
    if (clock->frozen)
        return clock->frozen_ms;
    return machine_ms(CLOCK_MONOTONIC) + clock->offset_ms;
}

bool sim_clock_frozen(const struct sim_clock *clock)
{
    return clock->frozen;
}

void sim_clock_advance(struct sim_clock *clock, int64_t delta_ms)
{
    clock->offset_ms += delta_ms;
    clock->frozen_ms += delta_ms;
}

void sim_clock_set(struct sim_clock *clock, int64_t now_ms)
{
    sim_clock_advance(clock, now_ms - sim_clock_now_ms(clock));
}

void sim_clock_freeze(struct sim_clock *clock, bool frozen)
{
    int64_t now_ms = sim_clock_now_ms(clock);

    clock->frozen = frozen;
    clock->frozen_ms = now_ms;
    clock->offset_ms = now_ms - machine_ms(CLOCK_MONOTONIC);
}

static bool fires_before(const struct sim_timer *a, const struct sim_timer *b)
{
    if (a->due_ms != b->due_ms)
        return a->due_ms < b->due_ms;
    return a->sequence < b->sequence;
}

static void heap_put(struct sim_clock *clock, size_t place,
                     struct sim_timer *timer)
{
    clock->heap[place] = timer;
    timer->place = place;
}

static void heap_rise(struct sim_clock *clock, struct sim_timer *timer)
{
    size_t place = timer->place;

    while (place > 1 && fires_before(timer, clock->heap[place / 2])) {
        heap_put(clock, place, clock->heap[place / 2]);
        place /= 2;
    }
    heap_put(clock, place, timer);
}

static void heap_sink(struct sim_clock *clock, struct sim_timer *timer)
{
    size_t place = timer->place;

    while (place * 2 <= clock->count) {
        size_t child = place * 2;

        if (child < clock->count &&
            fires_before(clock->heap[child + 1], clock->heap[child]))
            child++;
        if (!fires_before(clock->heap[child], timer))
            break;
        heap_put(clock, place, clock->heap[child]);
        place = child;
    }
    heap_put(clock, place, timer);
}

bool sim_clock_timer_set(const struct sim_timer *timer)
{
    return timer->place > 0;
}

void sim_clock_clear_timer(struct sim_clock *clock, struct sim_timer *timer)
{
    struct sim_timer *last;
    size_t place = timer->place;

    if (!place)
        return;
    last = clock->heap[clock->count--];
    timer->place = 0;
    if (last == timer)
        return;
    heap_put(clock, place, last);
    heap_rise(clock, last);
    heap_sink(clock, last);
}

void sim_clock_set_timer(struct sim_clock *clock, struct sim_timer *timer,
                         int64_t due_ms)
{
    sim_clock_clear_timer(clock, timer);
    assert(clock->count < TIMERS_MAX);
    if (clock->count + 2 > clock->capacity) {
        clock->capacity = clock->capacity ? clock->capacity * 2 : 64;
        clock->heap = memory_grow(clock->heap, clock->capacity,
                                  sizeof(struct sim_timer *));
    }
    timer->due_ms = due_ms;
    timer->sequence = ++clock->sequence;
    heap_put(clock, ++clock->count, timer);
    heap_rise(clock, timer);
}

int64_t sim_clock_run_due(struct sim_clock *clock)
{
    uint64_t last = clock->sequence;
    int64_t now_ms = sim_clock_now_ms(clock);

    while (clock->count && clock->heap[1]->due_ms <= now_ms &&
           clock->heap[1]->sequence <= last) {
        struct sim_timer *timer = clock->heap[1];

        sim_clock_clear_timer(clock, timer);
        timer->fire(timer->arg);
    }
    if (!clock->count)
        return -1;
    if (clock->heap[1]->due_ms <= now_ms)
        return 0;
    return clock->frozen ? -1 : clock->heap[1]->due_ms - now_ms;
}
