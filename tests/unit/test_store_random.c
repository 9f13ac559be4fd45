/* links: connect_store connect_base */
/* test_store_random.c - lanes, claims and entities under random work.
 *
 * From a seed, events come, newer ones overtake, runs are claimed, deliveries
 * end in all ways, people act, settle, edit and replay, what is old is pruned,
 * and the store is closed and opened, backed up and restored in between.  What
 * the target made is remembered here and outlives a restore.  After every round
 * what must always hold is asked of the file.  At the end, and from some of the
 * states on the way in a copy, everything must come to an end.  A failing seed
 * is printed: test_store_random SEED */
#include "store_kit.h"

#include <sys/stat.h>

enum {
    SEED_COUNT = 12,
    ROUNDS = 25,
    RUNS_MAX = 400,
    ENTITIES = 12,
    AHEAD_ONE_IN = 8
};

struct play {
    struct kit *kit;
    uint64_t random;
    /* Every other seed: one lane of deliveries, in which many are passed by,
     * and nobody but who comes back to them. */
    bool crowded;
    uint64_t run_count;
    bool active[RUNS_MAX]; /* by run number */
    int entity[RUNS_MAX];
    int created[ENTITIES]; /* what the target made; no restore undoes it */
    uint64_t events;
    bool backed_up;
    int overtaken, doubts, restores, settled, replayed, pruned,
        passed; /* happened */
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
    /* Nobody waits for ever: who waits, waits for an older one or for one on
     * its way, which will wake it; that cannot go round in a circle. */
    must_be(play,
            "SELECT count(*) FROM run WHERE state = 3 AND NOT EXISTS (SELECT 1"
            " FROM delivery AS d JOIN delivery AS f ON f.id <> d.id AND"
            " (f.lane = d.lane AND (f.hold = 2 AND f.id < d.id OR f.state IN"
            " (1, 2)) OR d.adopt AND f.entity = d.entity AND f.hold > 0 AND"
            " (f.id < d.id OR f.state IN (1, 2))) WHERE d.run = run.number AND"
            " d.waiting = 1)",
            0);
    must_be(play,
            "SELECT count(*) FROM delivery WHERE doubt <> (state IN (1, 2)) AND"
            " state <> 5",
            0);
    must_be(play,
            "SELECT count(*) FROM delivery JOIN run ON number = run WHERE"
            " run.state >= 6 AND hold > 0",
            0);
    /* Who was overtaken did nothing, and cannot have. */
    must_be(play,
            "SELECT count(*) FROM delivery JOIN run ON number = run WHERE"
            " code = 'overtaken' AND delivery.state <> 6",
            0);
    must_be(play,
            "SELECT count(*) FROM run WHERE (finished_ms > 0) <> (state >= 6)",
            0);
    must_be(play,
            "SELECT count(*) FROM record WHERE id NOT IN (SELECT record FROM"
            " run)",
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
    play->kit->newer =
        roll(play, 20) ? STORE_NEWER_WAITS : STORE_NEWER_OVERTAKES;
    result = kit_accept(play->kit, id, lanes[play->crowded ? 0 : roll(play, 4)],
                        claim);
    if (result.decision == STORE_DUPLICATE)
        return;
    play->overtaken += (int)result.overtaken;
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
    int *created = &play->created[play->entity[run]];
    bool asked = kit_delivery(play->kit, run) == DELIVERY_IN_DOUBT;

    /* Asked about what is there, the target says so, or nothing. */
    if (asked && *created && state == DELIVERY_READY)
        state = DELIVERY_DONE;
    play->kit->doubt = state == DELIVERY_PARKED && (asked || roll(play, 2));
    if (state == DELIVERY_DONE && !(asked && *created) && ++*created > 1)
        fail_msg("entity %d made twice", play->entity[run]);
    if (kit_settle(play->kit, run, state).decision != STORE_APPLIED)
        fail_msg("run %d in state %d, delivery in state %d: not %d", (int)run,
                 (int)kit_state(play->kit, run),
                 (int)kit_delivery(play->kit, run), (int)state);
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
    state = (enum delivery_state)kit_delivery(kit, run);
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
    if (state == DELIVERY_DONE) { /* a person said so */
        assert_int_equal(kit_run(kit, run, RUN_DONE).decision, STORE_APPLIED);
        play->active[run] = false;
        return;
    }
    snprintf(entity, sizeof(entity), "deal-%d", play->entity[run]);
    snprintf(lane, sizeof(lane), "customer-%d",
             play->crowded ? 0 : play->entity[run] % 5);
    if (state < 0)
        result = kit_deliver(
            kit, run, "post", entity, roll(play, 6) ? lane : "",
            KIT_ADOPT | (!play->crowded && roll(play, 2) ? 0 : KIT_SKIP));
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
    case STORE_DOUBT:
        assert_int_equal(kit_state(kit, run), RUN_ACTIVE);
        play->doubts++;
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

static void play_act_on(struct play *play, enum store_act act, uint64_t run)
{
    struct store_result result;

    if (act == STORE_REPLAY && play->run_count + 2 >= RUNS_MAX)
        return;
    result = kit_act(play->kit, act, run);
    if (act != STORE_REPLAY || result.decision != STORE_APPLIED)
        return;
    play->run_count = result.run;
    play->active[result.run] = false;
    play->entity[result.run] = play->entity[run];
    play->replayed++;
}

/* A person edits, or answers for a doubt; who says it is absent has looked. */
static void play_answer(struct play *play, uint64_t run)
{
    int *created = &play->created[play->entity[run]];
    bool happened = *created || roll(play, 2);

    if (!roll(play, 3)) {
        kit_edit(play->kit, run, roll(play, 2) ? "post" : NULL, "{\"n\":1}");
        return;
    }
    if (run >= RUNS_MAX ||
        kit_answer_doubt(play->kit, run, happened, "").decision !=
            STORE_APPLIED)
        return;
    *created |= happened;
    play->active[run] = false;
    play->settled++;
}

/* One that was passed by comes back while a younger one of its lane is on its
 * way: it waits for that, and others for both. */
static void play_retry_passed(struct play *play)
{
    int64_t run = kit_count(
        play->kit, "SELECT coalesce(max(d.run), 0) FROM delivery AS d JOIN"
                   " delivery AS f ON f.lane = d.lane AND f.state IN (1, 2)"
                   " WHERE d.hold = 1");

    if (run && kit_act(play->kit, STORE_RETRY, (uint64_t)run).decision ==
                   STORE_APPLIED)
        play->passed++;
}

static void play_act(struct play *play)
{
    static const enum store_act acts[] = {STORE_RETRY,   STORE_RETRY,
                                          STORE_RESTART, STORE_RELEASE,
                                          STORE_DISCARD, STORE_REPLAY};

    int64_t run = (int64_t)roll(play, play->run_count + 1);
    char sql[160];

    if (play->crowded && roll(play, 8)) {
        play_retry_passed(play);
        return;
    }

    /* Mostly somebody who needs it. */
    snprintf(sql, sizeof(sql),
             "SELECT coalesce(min(number), 0) FROM run WHERE state IN (4, 5)"
             " AND number >= %lld",
             (long long)run);
    if (roll(play, 4))
        run = kit_count(play->kit, sql);
    if (roll(play, 3))
        play_act_on(play, acts[roll(play, 6)], (uint64_t)run);
    else
        play_answer(play, (uint64_t)run);
}

static void play_prune(struct play *play)
{
    struct store_prune prune = {.run_age_ms = 5000,
                                .audit_age_ms = 3 * 3600 * 1000,
                                .bytes_max = (int64_t)roll(play, 2) * 600000,
                                .count = 1 + roll(play, 30)};

    if (!roll(play, 4))
        kit_step(play->kit, 2 * 3600 * 1000, 2 * 3600 * 1000);
    play->pruned += (int)kit_prune(play->kit, &prune).pruned;
    assert_int_equal(play->kit->status, 0);
}

static void backup_answered(void *arg, int status, uint64_t bytes,
                            const struct error *err)
{
    (void)arg;
    (void)bytes;
    if (status)
        fail_msg("%s", err->text);
}

/* The disk is lost, and a backup is put in its place: what the target made
 * since is not in it. */
static void play_restore(struct play *play)
{
    struct kit *kit = play->kit;
    struct error err = {""};
    char path[128];

    snprintf(path, sizeof(path), "%s-backup", kit->directory);
    if (!play->backed_up) {
        assert_int_equal(store_backup(kit->store, path, backup_answered, NULL),
                         0);
        store_drain(kit->store);
        play->backed_up = true;
        return;
    }
    kit_close(kit);
    if (store_restore(path, kit->directory, &err))
        fail_msg("%s", err.text);
    kit_remove_all(path);
    play->backed_up = false;
    kit_open(kit);
    memset(play->active, 0, sizeof(play->active));
    play->run_count = (uint64_t)kit_count(kit, "SELECT run_next - 1 FROM meta");
    play->restores++;
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
    if (!roll(play, 4))
        play_prune(play);
    if (!kindly && !roll(play, 6))
        play_restore(play);
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

/* Now everything goes well and people retry what is left: all comes to an end.
 */
static void play_to_rest(struct play *play)
{
    struct kit *kit = play->kit;

    for (int round = 0; round < 400; round++) {
        if (!kit_count(kit, "SELECT count(*) FROM run WHERE state < 6"))
            break;
        play_retry(play);
        play_round(play, true);
    }
    must_be(play, "SELECT count(*) FROM run WHERE state < 6", 0);
    must_be(play, "SELECT count(*) FROM delivery WHERE hold > 0", 0);
}

static void copy_file(const struct kit *from, const struct kit *to,
                      const char *name)
{
    static char bytes[65536];
    char path[128];
    size_t len;
    FILE *in, *out;

    snprintf(path, sizeof(path), "%s/%s", from->directory, name);
    in = fopen(path, "r");
    snprintf(path, sizeof(path), "%s/%s", to->directory, name);
    out = fopen(path, "w");
    assert_true(in && out);
    while ((len = fread(bytes, 1, sizeof(bytes), in)))
        assert_int_equal(fwrite(bytes, 1, len, out), len);
    fclose(in);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(chmod(path, 0600), 0);
}

/* What is now would come to rest: tried on a copy, as a crash leaves it. */
static void play_ahead(const struct play *now)
{
    static const char *const names[] = {"connect.db", "connect.db-wal",
                                        "lookup.key"};
    struct play *ahead = calloc(1, sizeof(*ahead));
    struct kit kit;

    *ahead = *now;
    memset(ahead->active, 0, sizeof(ahead->active));
    ahead->kit = &kit;
    kit_start(&kit);
    kit.wall_ms = now->kit->wall_ms;
    for (size_t index = 0; index < 3; index++)
        copy_file(now->kit, &kit, names[index]);
    kit_open(&kit);
    play_to_rest(ahead);
    store_close(kit.store);
    kit_remove(&kit);
    free(ahead);
}

static void play_seed(uint64_t seed)
{
    struct play *play = calloc(1, sizeof(*play));
    struct kit kit;
    char path[128];

    kit_start(&kit);
    kit_open(&kit);
    play->kit = &kit;
    play->random = seed;
    play->crowded = seed % 2 == 0;
    for (int round = 0; round < ROUNDS; round++) {
        play_round(play, false);
        if (!roll(play, AHEAD_ONE_IN))
            play_ahead(play);
    }
    play_to_rest(play);
    print_message("overtaken %d, restores %d, doubts %d, settled %d,"
                  " replayed %d, pruned %d, passed %d\n",
                  play->overtaken, play->restores, play->doubts, play->settled,
                  play->replayed, play->pruned, play->passed);
    store_close(kit.store);
    snprintf(path, sizeof(path), "%s-backup", kit.directory);
    kit_remove_all(path);
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
