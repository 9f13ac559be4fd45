/* links: connect_store connect_base */
/* test_store_random.c - lanes, claims and entities under random work.
 *
 * From a seed, events come, runs are claimed, deliveries end in all ways,
 * people act, and the store is closed and opened in between.  After every round
 * what must always hold is asked of the file; at the end everything must come
 * to an end.  A failing seed is printed: test_store_random SEED */
#include "store_kit.h"

enum { SEED_COUNT = 8, ROUNDS = 25, RUNS_MAX = 400, ENTITIES = 12 };

struct play {
    struct kit *kit;
    uint64_t random;
    uint64_t run_count;
    bool active[RUNS_MAX]; /* by run number */
    int entity[RUNS_MAX];
    int created[ENTITIES];
    uint64_t events;
};

static uint64_t roll(struct play *play, uint64_t sides)
{
    play->random = play->random * 6364136223846793005u + 1442695040888963407u;
    return (play->random >> 33) % sides;
}

static void must_be(struct play *play, const char *sql, int64_t expected)
{
    int64_t found = kit_count(play->kit, sql);

    if (found != expected)
        fail_msg("%lld instead of %lld: %s", (long long)found,
                 (long long)expected, sql);
}

static void check_invariants(struct play *play)
{
    /* One in a lane of runs is not QUEUED, and it is the first. */
    must_be(play,
            "SELECT count(*) FROM run AS a WHERE lane IS NOT NULL AND state < 6"
            " AND (state = 0) <> EXISTS (SELECT 1 FROM run AS b WHERE b.lane ="
            " a.lane AND b.state < 6 AND b.number < a.number)",
            0);
    /* One of a lane of deliveries is being sent. */
    must_be(play,
            "SELECT count(*) FROM (SELECT 1 FROM delivery WHERE state = 1 AND"
            " lane IS NOT NULL GROUP BY lane HAVING count(*) > 1)",
            0);
    /* Who waits, waits for somebody. */
    must_be(play,
            "SELECT count(*) FROM run WHERE state = 3 AND NOT EXISTS (SELECT 1"
            " FROM delivery AS d JOIN delivery AS f ON f.hold > 0 AND f.id <>"
            " d.id AND (f.lane = d.lane OR f.entity = d.entity) WHERE d.run ="
            " run.number AND d.waiting = 1)",
            0);
    must_be(play,
            "SELECT count(*) FROM delivery WHERE doubt <> (state IN (1, 2)) AND"
            " state <> 5",
            0);
    must_be(play,
            "SELECT count(*) FROM delivery JOIN run ON number = run WHERE"
            " run.state >= 6 AND hold > 0",
            0);
    kit_verify(play->kit);
}

static void play_accept(struct play *play)
{
    static const char *const lanes[] = {"", "box-1", "box-2", "box-3"};
    char id[32];
    bool claim = roll(play, 2);
    struct store_result result;

    if (play->run_count + 2 >= RUNS_MAX)
        return;
    snprintf(id, sizeof(id), "event-%llu", (unsigned long long)play->events);
    if (roll(play, 5))
        play->events++; /* else the same comes again */
    result = kit_accept(play->kit, id, lanes[roll(play, 4)], claim);
    if (result.decision == STORE_DUPLICATE)
        return;
    play->run_count = result.run;
    play->active[result.run] = result.claimed & 1;
    play->entity[result.run] = (int)roll(play, ENTITIES);
}

static void play_claim(struct play *play)
{
    size_t count =
        kit_claim(play->kit, roll(play, 2) ? "syspro" : "", 1 + roll(play, 4));

    for (size_t index = 0; index < count; index++)
        play->active[play->kit->claimed[index]] = true;
}

static void play_settle(struct play *play, uint64_t run,
                        enum delivery_state state)
{
    play->kit->doubt = state == DELIVERY_PARKED && roll(play, 2);
    if (state == DELIVERY_DONE && ++play->created[play->entity[run]] > 1)
        fail_msg("entity %d made twice", play->entity[run]);
    assert_int_equal(kit_settle(play->kit, run, state).decision, STORE_APPLIED);
    play->kit->doubt = false;
}

/* The delivery was sent or probed: an outcome, and what the engine does then.
 */
static void play_outcome(struct play *play, uint64_t run, bool kindly)
{
    static const enum delivery_state outcomes[] = {
        DELIVERY_READY, DELIVERY_IN_DOUBT, DELIVERY_DONE,
        DELIVERY_HELD,  DELIVERY_PARKED,   DELIVERY_DONE};
    enum delivery_state state =
        kindly ? DELIVERY_DONE : outcomes[roll(play, 6)];
    struct kit *kit = play->kit;

    play_settle(play, run, state);
    kit->queue = "syspro";
    if (state == DELIVERY_HELD || state == DELIVERY_READY)
        kit->due_ms = store_steady_ms(kit->store) + (int64_t)roll(play, 3000);
    if (state == DELIVERY_DONE) {
        kit_run(kit, run, RUN_DONE);
    } else if (state != DELIVERY_IN_DOUBT) {
        kit_run(kit, run,
                state == DELIVERY_HELD    ? RUN_HELD
                : state == DELIVERY_READY ? RUN_READY
                                          : RUN_PARKED);
    }
    play->active[run] = state == DELIVERY_IN_DOUBT;
    kit->due_ms = 0;
    kit->queue = "";
}

/* Others of its lane or entity that are on their way, as a delivery begins. */
#define ALONE                                                                  \
    "SELECT count(*) FROM delivery AS d JOIN delivery AS o ON o.id <> d.id "   \
    "AND"                                                                      \
    " (o.lane = d.lane OR o.entity = d.entity) AND o.state IN (1, 2)"          \
    " WHERE d.run = %llu AND d.state = 1"

static void play_work(struct play *play, uint64_t run, bool kindly)
{
    struct kit *kit = play->kit;
    char sql[256], entity[32], lane[32];
    struct store_result result = {.decision = STORE_APPLIED};
    int64_t state;

    snprintf(sql, sizeof(sql),
             "SELECT coalesce(max(state), -1) FROM delivery WHERE run = %llu",
             (unsigned long long)run);
    state = kit_count(kit, sql);
    snprintf(entity, sizeof(entity), "deal-%d", play->entity[run]);
    snprintf(lane, sizeof(lane), "customer-%d", play->entity[run] % 5);
    if (state < 0)
        result =
            kit_deliver(kit, run, "post", entity, roll(play, 6) ? lane : "",
                        KIT_ADOPT | (roll(play, 2) ? 0 : KIT_SKIP));
    else if (state == DELIVERY_READY)
        result = kit_intent(kit, run);
    if (result.decision == STORE_APPLIED && state <= DELIVERY_READY) {
        snprintf(sql, sizeof(sql), ALONE, (unsigned long long)run);
        must_be(play, sql, 0);
        if (!roll(play, 3))
            return; /* its answer comes later */
    }
    switch (result.decision) {
    case STORE_APPLIED:
        play_outcome(play, run, kindly);
        break;
    case STORE_BEHIND:
        assert_int_equal(kit_state(kit, run), RUN_WAITING);
        play->active[run] = false;
        break;
    case STORE_EXISTS:
        assert_int_equal(play->created[play->entity[run]], 1);
        kit_run(kit, run, RUN_DONE);
        play->active[run] = false;
        break;
    default:
        fail_msg("run %llu refused in state %lld", (unsigned long long)run,
                 (long long)state);
    }
}

static void play_act(struct play *play)
{
    static const enum store_act acts[] = {
        STORE_RETRY, STORE_RETRY, STORE_RESTART, STORE_RELEASE, STORE_DISCARD};

    int64_t run = (int64_t)roll(play, play->run_count + 1);
    char sql[160];

    /* Mostly somebody who needs it. */
    snprintf(sql, sizeof(sql),
             "SELECT coalesce(min(number), 0) FROM run WHERE state IN (4, 5)"
             " AND number >= %lld",
             (long long)run);
    if (roll(play, 4))
        run = kit_count(play->kit, sql);
    kit_act(play->kit, acts[roll(play, 5)], (uint64_t)run);
}

static void play_round(struct play *play, bool kindly)
{
    for (int step = 0; step < 12; step++) {
        uint64_t run = 1 + roll(play, play->run_count + 1);

        if (!kindly)
            play_accept(play);
        if (!kindly && !roll(play, 3))
            play_act(play);
        play_claim(play);
        kit_step(play->kit, (int64_t)roll(play, 900), 500);
        if (run < RUNS_MAX && play->active[run])
            play_work(play, run, kindly);
    }
    for (uint64_t run = 1; run <= play->run_count; run++) {
        if (play->active[run] && (kindly || !roll(play, 3)))
            play_work(play, run, kindly);
    }
    if (!roll(play, 6)) {
        kit_reopen(play->kit);
        memset(play->active, 0, sizeof(play->active));
    }
    check_invariants(play);
}

/* People retry everything that is parked or held. */
static void play_retry(struct play *play)
{
    int64_t run = 0;
    char sql[128];

    for (;;) {
        snprintf(sql, sizeof(sql),
                 "SELECT coalesce(min(number), 0) FROM run WHERE state IN"
                 " (4, 5) AND number > %lld",
                 (long long)run);
        run = kit_count(play->kit, sql);
        if (!run)
            return;
        kit_act(play->kit, STORE_RETRY, (uint64_t)run);
    }
}

static void play_seed(uint64_t seed)
{
    struct play *play = calloc(1, sizeof(*play));
    struct kit kit;

    kit_start(&kit);
    kit_open(&kit);
    play->kit = &kit;
    play->random = seed;
    for (int round = 0; round < ROUNDS; round++)
        play_round(play, false);
    /* Now everything goes well and people retry what is left. */
    for (int round = 0; round < 400; round++) {
        if (!kit_count(&kit, "SELECT count(*) FROM run WHERE state < 6"))
            break;
        play_retry(play);
        play_round(play, true);
    }
    must_be(play, "SELECT count(*) FROM run WHERE state < 6", 0);
    must_be(play, "SELECT count(*) FROM delivery WHERE hold > 0", 0);
    store_close(kit.store);
    kit_remove(&kit);
    free(play);
}

static uint64_t first_seed = 1, seed_count = SEED_COUNT;

static void random_work_keeps_order(void **state)
{
    (void)state;
    for (uint64_t seed = first_seed; seed < first_seed + seed_count; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        play_seed(seed);
    }
}

int main(int argument_count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_work_keeps_order),
    };

    if (argument_count > 1) {
        first_seed = strtoull(arguments[1], NULL, 10);
        seed_count = argument_count > 2 ? strtoull(arguments[2], NULL, 10) : 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
