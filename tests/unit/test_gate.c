/* links: connect_flow connect_base */
/* The breaker, the line and the budget for repetition of one instance, with the
 * time in our hands; and a storm over all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "flow/gate.h"

#define GATE(of)                                                               \
    {                                                                          \
        .name = (char[]){"erp"}, .room = (of)                                  \
    }

/* ---- The breaker ----------------------------------------------------------
 */

static void opens_after_three_in_a_row(void **state)
{
    struct gate gate = GATE(8);

    (void)state;
    assert_int_equal(gate_state(&gate, 100), GATE_CLOSED);
    assert_false(gate_failed(&gate, 1, 100, 0, "down"));
    assert_false(gate_failed(&gate, 2, 100, 0, "down"));
    assert_false(gate_answered(&gate, 3, 100)); /* it was not one outage */
    assert_false(gate_failed(&gate, 1, 100, 0, "down"));
    assert_false(gate_failed(&gate, 2, 100, 0, "down"));
    assert_true(gate_admits(&gate, 100));
    assert_true(gate_failed(&gate, 4, 100, 0, "down"));
    assert_int_equal(gate_state(&gate, 100), GATE_OPEN);
    assert_string_equal(gate.reason, "down");
    assert_false(gate_admits(&gate, 100));
    gate_done(&gate);
}

static void lets_one_go_first_and_then_half(void **state)
{
    struct gate gate = GATE(8);
    int64_t until = gate_rest(&gate, 100, 0, 999, "down");
    uint32_t most;

    (void)state;
    assert_true(until > 100);
    assert_false(gate_admits(&gate, until - 1));
    assert_int_equal(gate_state(&gate, until), GATE_HALF_OPEN);
    assert_true(gate_admits(&gate, until));
    gate_take(&gate, 1, until);
    assert_false(gate_admits(&gate, until)); /* half open: one at a time */
    assert_int_equal(gate_appetite(&gate, until, 100), 0);
    gate_give(&gate);
    assert_true(gate_answered(&gate, 1, until));
    assert_int_equal(gate_state(&gate, until), GATE_CLOSED);
    for (most = 0; gate_admits(&gate, until); most++)
        gate_take(&gate, 10 + most, until);
    assert_int_equal(most, 5);
    /* Each answer makes one place more, besides its own. */
    for (int index = 0; index < 3; index++) {
        gate_give(&gate);
        assert_false(gate_answered(&gate, 10 + (uint64_t)index, until));
        gate_take(&gate, 20, until);
        if (gate_admits(&gate, until))
            gate_take(&gate, 21, until);
    }
    assert_int_equal(gate.open, 8);
    assert_int_equal(gate.width, 0);
    assert_false(gate_admits(&gate, until));
    gate_done(&gate);
}

static void the_probing_call_fails(void **state)
{
    struct gate gate = GATE(8);
    int64_t now_ms = 100, longest = 0;

    (void)state;
    /* With the worst of luck, an outage of an hour. */
    gate_rest(&gate, now_ms, 0, UINT64_MAX, "down");
    for (int calls = 1;; calls++) {
        int64_t rest_ms = gate.rest_until - now_ms;
        assert_true(rest_ms > 400);
        if (rest_ms > longest)
            longest = rest_ms;
        /* How late its end is noticed, compared with how long it lasted. */
        assert_true(rest_ms <= 1300 + (gate.rest_until - 100) / 30);
        assert_true(rest_ms <= 60400);
        now_ms = gate.rest_until;
        if (now_ms > 3600 * 1000) {
            assert_true(calls < 400);
            break;
        }
        gate_take(&gate, 7, now_ms);
        gate_give(&gate);
        assert_true(gate_failed(&gate, 7, now_ms, UINT64_MAX, "down"));
    }
    assert_true(longest > 30000);
    gate_done(&gate);
}

/* Ten operations that fail together are one outage, not ten. */
static void failures_together_count_once(void **state)
{
    struct gate one = GATE(10), ten = GATE(10), asked = GATE(10);

    (void)state;
    gate_rest(&one, 100, 0, 999, "down");
    for (int index = 0; index < 10; index++)
        gate_rest(&ten, 100, 0, 999, "down");
    assert_int_equal(one.rest_until, ten.rest_until);
    assert_int_equal(one.rests, ten.rests);
    for (int index = 0; index < 10; index++)
        gate_rest(&asked, 100, 30000 - (uint64_t)index, 0, "slow down");
    assert_int_equal(asked.rest_until, 30100); /* the longest */
    assert_int_equal(asked.rests, 1);
}

/* An answer to what began before the rest does not end it. */
static void the_rest_asked_for_is_kept(void **state)
{
    struct gate gate = GATE(4);

    (void)state;
    gate_take(&gate, 1, 100);
    gate_take(&gate, 2, 100);
    gate_rest(&gate, 110, 30000, 0, "slow down");
    assert_false(gate_answered(&gate, 2, 120));
    assert_int_equal(gate_state(&gate, 120), GATE_OPEN);
    assert_int_equal(gate_state(&gate, 30110), GATE_HALF_OPEN);
    gate_renew(&gate); /* made anew by a person */
    assert_int_equal(gate_state(&gate, 130), GATE_HALF_OPEN);
    gate_done(&gate);
}

/* One that rested lets one through to see, but not while it does not run: the
 * run would come back at once, and again. */
static void claims_nothing_without_room(void **state)
{
    struct gate gate = GATE(4);

    (void)state;
    gate.maybe = true;
    assert_int_equal(gate_appetite(&gate, 0, 100), 8);
    gate.broken = true;
    assert_int_equal(gate_appetite(&gate, 0, 100), 1);
    gate.room = 0;
    assert_int_equal(gate_appetite(&gate, 0, 100), 0);
    gate.broken = false;
    assert_int_equal(gate_appetite(&gate, 0, 100), 0);
}

/* ---- The line --------------------------------------------------------------
 */

static void flows_take_turns(void **state)
{
    static struct line_waiter waiters[1001];
    struct line line = {NULL, NULL, 0, 0};

    (void)state;
    for (int index = 0; index < 1000; index++)
        line_join(&line, &waiters[index], "many", false);
    line_join(&line, &waiters[1000], "one", false);
    assert_ptr_equal(line_next(&line), &waiters[0]);
    assert_ptr_equal(line_next(&line), &waiters[1000]);
    line_leave(&line, &waiters[2]);
    line_leave(&line, &waiters[2]);
    assert_ptr_equal(line_next(&line), &waiters[1]);
    assert_ptr_equal(line_next(&line), &waiters[3]);
    assert_int_equal(line.count, 996);
    while (line_next(&line))
        ;
    assert_int_equal(line.count, 0);
}

static void bulk_has_its_share(void **state)
{
    static struct line_waiter waiters[160];
    struct line line = {NULL, NULL, 0, 0};
    int bulk = 0;

    (void)state;
    for (int index = 0; index < 160; index++)
        line_join(&line, &waiters[index], index % 2 ? "a" : "b", index < 80);
    for (int index = 0; index < 80; index++)
        bulk += line_next(&line) - waiters < 80;
    assert_int_equal(bulk, 10);
    while (line_next(&line))
        ;
    assert_int_equal(line.count, 0);
}

/* ---- Repetition ------------------------------------------------------------
 */

static void a_tenth_may_be_repetition(void **state)
{
    struct storm storm = {0};
    int again = 0;

    (void)state;
    for (uint64_t run = 1; run <= 90; run++) {
        assert_true(storm_admits(&storm, run, 1000));
        storm_begin(&storm, run, 1000);
        storm_failed(&storm, run, 1000);
    }
    while (storm_admits(&storm, 1, 2000)) {
        storm_begin(&storm, 1, 2000);
        storm_failed(&storm, 1, 2000);
        again++;
    }
    assert_int_equal(again, 10);
    /* Of a minute: what was before is past. */
    storm_failed(&storm, 1, 70999);
    assert_false(storm_admits(&storm, 1, 70999));
    /* What was not tried is not repetition. */
    assert_true(storm_admits(&storm, 1000, 70999));
    /* Nothing fails any more. */
    assert_true(storm_admits(&storm, 1, 75999));
    storm_failed(&storm, 2, 76000);
    assert_false(storm_admits(&storm, 1, 76000));
    storm_begin(&storm, 2000, 76000);
    for (uint64_t run = 2000; run < 2010; run++)
        storm_answered(&storm, run);
    assert_false(storm_admits(&storm, 1, 76000)); /* after what is new */
    assert_true(storm_admits(&storm, 1, 76200));
    storm_done(&storm);
}

static void the_table_is_bounded(void **state)
{
    struct storm storm = {0};

    (void)state;
    for (uint64_t run = 1; run <= 10000; run++)
        storm_failed(&storm, run, 1000);
    assert_int_equal(storm_failures(&storm, 10000), 1);
    assert_int_equal(storm_failures(&storm, 10000 - 4095), 1);
    assert_int_equal(storm_failures(&storm, 10000 - 4096), 0);
    storm_answered(&storm, 10000);
    assert_int_equal(storm_failures(&storm, 10000), 0);
    /* One that ended is no answer. */
    assert_int_equal(storm.answered, 1);
    storm_ended(&storm, 9999);
    storm_ended(&storm, 9999);
    assert_int_equal(storm_failures(&storm, 9999), 0);
    assert_int_equal(storm_count(&storm), 4094);
    assert_int_equal(storm.answered, 1);
    storm_done(&storm);
}

/* ---- A storm (F15) ---------------------------------------------------------
 */

enum { JOBS = 500, SLOTS = 16, CALL_MS = 50, CALLS_MAX = 20000 };

struct job {
    int64_t due_ms;
    bool tried, open, done;
};

struct storm_world {
    struct gate gate;
    struct job jobs[JOBS];
    int64_t now_ms, ends[SLOTS];
    int running[SLOTS];
    int64_t at[CALLS_MAX]; /* when each call began */
    bool again[CALLS_MAX];
    int calls;
    unsigned seed;
};

static uint64_t dice(struct storm_world *world)
{
    world->seed = world->seed * 1103515245 + 12345;
    return (uint64_t)(world->seed >> 8) << 20 | world->seed;
}

/* As the store does: the oldest that is due. */
static int next_job(const struct storm_world *world)
{
    for (int index = 0; index < JOBS; index++) {
        const struct job *job = &world->jobs[index];
        if (!job->done && !job->open && job->due_ms <= world->now_ms)
            return index;
    }
    return -1;
}

static void begin_calls(struct storm_world *world)
{
    struct gate *gate = &world->gate;
    int index;

    while (gate_admits(gate, world->now_ms) && (index = next_job(world)) >= 0) {
        struct job *job = &world->jobs[index];
        uint64_t run = (uint64_t)index + 1;
        int slot = 0;
        bool probes; /* the breaker's own call */

        if (!gate_spares(gate, run, world->now_ms)) {
            job->due_ms = gate_later(gate, world->now_ms, dice(world));
            continue;
        }
        while (world->running[slot] >= 0)
            slot++;
        probes = gate->broken;
        gate_take(gate, run, world->now_ms);
        assert_true(world->calls < CALLS_MAX);
        world->at[world->calls] = world->now_ms;
        world->again[world->calls++] = job->tried && !probes;
        job->open = job->tried = true;
        world->running[slot] = index;
        world->ends[slot] = world->now_ms + CALL_MS;
    }
}

static void end_calls(struct storm_world *world, bool fails,
                      uint64_t retry_after_ms)
{
    struct gate *gate = &world->gate;

    for (int slot = 0; slot < SLOTS; slot++) {
        int index = world->running[slot];
        struct job *job = &world->jobs[index < 0 ? 0 : index];
        uint64_t run = (uint64_t)index + 1;

        if (index < 0 || world->ends[slot] > world->now_ms)
            continue;
        world->running[slot] = -1;
        job->open = false;
        gate_give(gate);
        if (!fails) {
            job->done = true;
            gate_answered(gate, run, world->now_ms);
            continue;
        }
        gate_slow(gate, run, world->now_ms, retry_after_ms, dice(world));
        job->due_ms = gate_again(gate, run, world->now_ms, dice(world));
    }
}

static bool all_done(const struct storm_world *world)
{
    for (int index = 0; index < JOBS; index++) {
        if (!world->jobs[index].done)
            return false;
    }
    return true;
}

/* Runs all jobs; the other side refuses everything until storm_ms.  The time of
 * the last one's end. */
static int64_t ride(struct storm_world *world, unsigned seed, int64_t storm_ms,
                    uint64_t retry_after_ms, unsigned percent)
{
    memset(world, 0, sizeof(*world));
    world->gate = (struct gate)GATE(SLOTS);
    world->seed = seed;
    for (int slot = 0; slot < SLOTS; slot++)
        world->running[slot] = -1;
    for (world->now_ms = 1; !all_done(world); world->now_ms++) {
        end_calls(world,
                  world->now_ms < storm_ms && dice(world) % 100 < percent,
                  retry_after_ms);
        begin_calls(world);
        assert_true(world->now_ms < 3600 * 1000);
    }
    gate_done(&world->gate);
    return world->now_ms;
}

/* Repetitions above a tenth of the calls, in the worst of all minutes. */
static int repetition(const struct storm_world *world)
{
    int worst = 0, from = 0, again = 0;

    for (int at = 0; at < world->calls; at++) {
        int above;
        again += world->again[at];
        while (world->at[at] - world->at[from] >= 60000)
            again -= world->again[from++];
        above = again - (at - from + 1) / 10;
        /* A full minute, or the end. */
        if ((at + 1 == world->calls ||
             world->at[at + 1] - world->at[from] >= 60000) &&
            above > worst)
            worst = above;
    }
    return worst;
}

static void a_storm_is_ridden_out(void **state)
{
    static const struct {
        int64_t storm_ms;
        uint64_t retry_after_ms;
    } cases[] = {
        {30000, 0}, {120000, 0}, {600000, 0}, {30000, 1000}, {300000, 30000}};
    static struct storm_world world;
    int64_t undisturbed = ride(&world, 1, 0, 0, 0);

    (void)state;
    assert_int_equal(world.calls, JOBS);
    assert_in_range(undisturbed, 1500, 1800); /* 500 by 16, 50 ms each */
    for (size_t at = 0; at < sizeof(cases) / sizeof(*cases); at++) {
        for (unsigned seed = 1; seed <= 20; seed++) {
            int64_t end = ride(&world, seed, cases[at].storm_ms,
                               cases[at].retry_after_ms, 100);
            int64_t seen = 0; /* the first call after it */
            for (int call = 0; !seen; call++)
                seen = world.at[call] + CALL_MS >= cases[at].storm_ms
                           ? world.at[call]
                           : 0;
            if ((end - seen) * 10 > undisturbed * 12)
                fail_msg("storm %zu, seed %u: %d ms instead of %d", at, seed,
                         (int)(end - seen), (int)undisturbed);
            if (repetition(&world) > 0)
                fail_msg("storm %zu, seed %u: %d too many repeated", at, seed,
                         repetition(&world));
            assert_true(seen - cases[at].storm_ms <=
                        2000 + (cases[at].retry_after_ms
                                    ? (int64_t)cases[at].retry_after_ms
                                    : cases[at].storm_ms / 2));
        }
    }
}

/* When one in three is refused, work goes on and repetition stays bounded. */
static void a_partial_storm_does_not_feed_itself(void **state)
{
    static struct storm_world world;

    (void)state;
    for (unsigned seed = 1; seed <= 20; seed++) {
        int64_t end = ride(&world, seed, 60000, 0, 33);
        int calls = 0;
        for (int at = 0; at < world.calls; at++)
            calls += world.at[at] < 60000;
        if (end >= 75000)
            fail_msg("%d", (int)end);
        /* Not more than half of it again, where a fixed second would repeat
         * without end. */
        assert_true(calls < JOBS * 3 / 2 + JOBS / 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opens_after_three_in_a_row),
        cmocka_unit_test(lets_one_go_first_and_then_half),
        cmocka_unit_test(the_probing_call_fails),
        cmocka_unit_test(failures_together_count_once),
        cmocka_unit_test(the_rest_asked_for_is_kept),
        cmocka_unit_test(claims_nothing_without_room),
        cmocka_unit_test(flows_take_turns),
        cmocka_unit_test(bulk_has_its_share),
        cmocka_unit_test(a_tenth_may_be_repetition),
        cmocka_unit_test(the_table_is_bounded),
        cmocka_unit_test(a_storm_is_ridden_out),
        cmocka_unit_test(a_partial_storm_does_not_feed_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
