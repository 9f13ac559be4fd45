/* links: connect_flow connect_store connect_config connect_base connect_sdk */
/* What the engine does at gates: many at once, flows in turn, polls and runs
 * under one rest, and what a poll may say about its stream. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine_kit.h"

static const char deal_lost[] = "{\"key\":\"box1\",\"stage\":\"Closed-Lost\"}";

static void rooms(struct world *world, uint32_t crm, uint32_t erp)
{
    world->room_crm = crm;
    world->room_erp = erp;
    engine_instance_changed(world->engine, "crm");
    engine_instance_changed(world->engine, "erp");
    world_settle(world);
}

static void accept_many(struct world *world, int count)
{
    char id[16], box[16];

    for (int at = 0; at < count; at++) {
        snprintf(id, sizeof(id), "e%d", at);
        snprintf(box, sizeof(box), "box%d", at);
        assert_int_equal(world_accept(world, id, box), 0);
    }
    world_settle(world);
}

static struct engine_gate_info gate_of(struct world *world, const char *name)
{
    struct engine_gate_info info = {0};

    for (size_t at = 0; engine_gate_info(world->engine, at, &info); at++) {
        if (!strcmp(info.instance, name))
            return info;
    }
    fail_msg("no gate %s", name);
    return info;
}

/* Keys of their own go side by side as far as there is room, and the next one
 * takes the place of one that ended at once, not a moment later. */
static void as_many_as_there_is_room(void **state)
{
    struct world *world = *state;
    char deal[256];

    rooms(world, 100, 4);
    accept_many(world, 10);
    assert_int_equal(world->op_count, 10);
    while (world->ops[0].kind == OP_CALL) {
        struct op_outcome outcome = {.status = CN_OK, .answered = true};
        snprintf(deal, sizeof(deal),
                 "{\"key\":\"%s\",\"stage\":\"Closed-Won\",\"fields\":{"
                 "\"Customer\":\"0001207\",\"Lines\":\"A100; 3; 149.9\"}}",
                 world->ops[0].key);
        world_end(world, 0, &outcome, deal);
        world_settle(world);
        for (size_t at = 1; at < world->op_count; at++) {
            struct world_op op = world->ops[at];
            if (world->ops[0].kind == OP_CALL || op.kind != OP_CALL)
                continue;
            world->ops[at] = world->ops[0];
            world->ops[0] = op;
        }
    }
    assert_int_equal(world->op_count, 4);
    assert_int_equal(gate_of(world, "erp").open, 4);
    assert_int_equal(gate_of(world, "erp").waiting, 6);
    for (int ended = 1; ended <= 6; ended++) {
        struct op_outcome outcome = {.status = CN_OK, .answered = true};
        size_t at = 0;
        while (strcmp(world->ops[at].instance, "erp") != 0)
            at++;
        world_end(world, at, &outcome, "{\"sales_order\":\"1\"}");
        world_settle(world);
        assert_int_equal(gate_of(world, "erp").open, 4);
        assert_int_equal(gate_of(world, "erp").waiting, 6 - ended);
    }
}

static const char single_text[] =
    "{\"flow\":\"single\",\"trigger\":{\"instance\":\"crm\",\"type\":"
    "\"box_event/1\",\"when\":{\"path\":\"/trigger/box\",\"equals\":"
    "\"single\"}},\"steps\":["
    "{\"name\":\"deal\",\"call\":\"read_deal\",\"on\":\"crm\",\"with\":[{"
    "\"to\":\"/box\",\"from\":\"/trigger/box\"}]}]}";

/* How many operations of others go before the first about this box. */
static int others_before(struct world *world, const char *box)
{
    for (int count = 0;; count++) {
        struct op_outcome outcome = {.status = CN_OK, .answered = true};
        assert_int_equal(world->op_count, 1);
        if (!strcmp(world->ops[0].key, box))
            return count;
        world_end(world, 0, &outcome, deal_lost);
        world_settle(world);
    }
}

static void flows_take_turns(void **state)
{
    struct world *world = *state;

    world_add_flow(world, single_text);
    rooms(world, 1, 1);
    accept_many(world, 1000);
    assert_int_equal(world_accept(world, "the one", "single"), 0);
    world_settle(world);
    /* The one that is open, one of the others, and those that were claimed
     * already. */
    assert_in_range(others_before(world, "single"), 1, 4);
}

/* What a poll finds out about the instance holds for runs, and the reverse. */
static void polls_share_the_rest(void **state)
{
    struct world *world = *state;
    struct op_outcome slow = {.status = CN_RATE_LIMITED,
                              .retry_after_ms = 30000};
    struct op_outcome fine = {
        .status = CN_OK, .answered = true, .cursor = {"c", 1}};

    engine_add_source(world->engine, "crm", "boxes", 1000);
    world_advance(world, 1);
    assert_int_equal(world->op_count, 1);
    assert_int_equal(world->ops[0].kind, OP_POLL);
    world_end(world, 0, &slow, "slow down");
    world_settle(world);
    assert_string_equal(gate_of(world, "crm").state, "open");
    accept_event(world, "e1", "box1");
    world_advance(world, 29998);
    assert_int_equal(world->op_count, 0);
    world_advance(world, 3);
    assert_true(world->op_count >= 1);
    assert_string_equal(gate_of(world, "crm").state, "half_open");
    while (world->op_count) {
        bool poll = world->ops[0].kind == OP_POLL;
        world_end(world, 0, &fine, poll ? "" : deal_lost);
        world_settle(world);
    }
    assert_string_equal(gate_of(world, "crm").state, "closed");
    world_advance(world, 1001);
    assert_int_equal(world->op_count, 1);
    assert_int_equal(world->ops[0].kind, OP_POLL);
}

/* Whoever waits is not let into an outage by the one that found it. */
static void one_goes_to_see(void **state)
{
    struct world *world = *state;
    struct op_outcome slow = {.status = CN_RATE_LIMITED,
                              .retry_after_ms = 30000};

    rooms(world, 4, 4);
    accept_event(world, "e0", "box0");
    world_end(world, 0, &slow, "slow down");
    world_settle(world);
    world_advance(world, 30001);
    assert_int_equal(world->op_count, 1);
    assert_string_equal(gate_of(world, "crm").state, "half_open");
    for (int at = 1; at <= 3; at++) {
        char id[16], box[16];
        snprintf(id, sizeof(id), "e%d", at);
        snprintf(box, sizeof(box), "box%d", at);
        assert_int_equal(world_accept(world, id, box), 0);
    }
    world_settle(world);
    assert_int_equal(world->op_count, 1);
    assert_int_equal(gate_of(world, "crm").waiting, 3);
    world_end(world, 0, &slow, "slow down");
    world_settle(world);
    assert_int_equal(world->op_count, 0);
    assert_string_equal(gate_of(world, "crm").state, "open");
}

static char causes[256];

static void alerts_read(void *arg, int status, const struct store_rows *rows)
{
    (void)arg;
    assert_int_equal(status, 0);
    causes[0] = '\0';
    for (size_t at = 0; at < rows->alert_count; at++)
        snprintf(causes + strlen(causes), sizeof(causes) - strlen(causes),
                 "%s;", rows->alerts[at].cause);
}

static const char *alerts_of(struct world *world)
{
    struct store_query query = {.kind = STORE_QUERY_ALERTS};

    assert_int_equal(store_query(world->store, &query, alerts_read, NULL), 0);
    world_settle(world);
    return causes;
}

/* Asking is traffic like all other: what the other side says to it holds. */
static void a_probe_rests_the_instance_too(void **state)
{
    struct world *world = *state;
    struct op_outcome slow = {.status = CN_RATE_LIMITED,
                              .retry_after_ms = 30000};
    struct op_outcome down = {.status = CN_RETRY, .retry_after_ms = 20000};
    struct op_outcome locked = {.status = CN_AUTH, .answered = true};
    struct op_outcome fine = {.status = CN_OK, .answered = true};
    struct op_outcome doubt = {.status = CN_IN_DOUBT, .effect_sent = true};

    rooms(world, 4, 4);
    accept_event(world, "e1", "box1");
    world_end(world, 0, &fine, deal_won);
    world_settle(world);
    assert_int_equal(world->ops[0].kind, OP_DELIVER);
    world_end(world, 0, &doubt, "cut");
    world_advance(world, 10000);
    assert_int_equal(world->ops[0].kind, OP_PROBE);
    world_end(world, 0, &slow, "slow down");
    world_settle(world);
    assert_int_equal(gate_of(world, "erp").rests_ms, 30000);
    world_advance(world, 29999);
    assert_int_equal(world->op_count, 0);
    world_advance(world, 2);
    assert_int_equal(world->op_count, 1);
    world_end(world, 0, &down, "503");
    world_settle(world);
    assert_int_equal(gate_of(world, "erp").rests_ms, 20000);
    world_advance(world, 20001);
    assert_int_equal(world->op_count, 1);
    world_end(world, 0, &locked, "no such user");
    world_settle(world);
    assert_in_range(gate_of(world, "erp").rests_ms, 30000, 60000);
    assert_string_equal(alerts_of(world), "auth:erp;");
    world_advance(world, 61000);
    assert_int_equal(world->op_count, 1);
    assert_int_equal(world->ops[0].kind, OP_PROBE);
    world_end(world, 0, &fine, "{\"number\":\"1\"}");
    world_settle(world);
    assert_string_equal(alerts_of(world), "");
}

static int no_room(struct world *world, bool *ret_now)
{
    (void)world;
    *ret_now = false;
    return -ENOSPC;
}

/* Who had no answer is remembered until it has one, and no longer than it goes
 * on. */
static void what_ends_did_not_fail(void **state)
{
    struct world *world = *state;
    struct op_outcome fine = {.status = CN_OK, .answered = true};
    struct op_outcome doubt = {.status = CN_IN_DOUBT, .effect_sent = true};
    struct op_outcome down = {.status = CN_RETRY};
    struct op_outcome unable = {.status = CN_UNSUPPORTED};

    rooms(world, 4, 4);
    accept_event(world, "e1", "box1");
    world_end(world, 0, &down, "down");
    world_settle(world);
    assert_int_equal(gate_of(world, "crm").failed, 1);
    assert_int_equal(act(world, STORE_DISCARD), 0);
    assert_int_equal(gate_of(world, "crm").failed, 0);
    accept_event(world, "e2", "box2");
    world_end(world, 0, &fine, deal_won);
    world_settle(world);
    assert_int_equal(world->ops[0].kind, OP_DELIVER);
    world_end(world, 0, &doubt, "cut");
    world_settle(world);
    assert_int_equal(gate_of(world, "erp").failed, 1);
    world_advance(world, 5000);
    assert_int_equal(world->ops[0].kind, OP_PROBE);
    world_end(world, 0, &unable, "cannot say");
    world_settle(world);
    assert_int_equal(world_state(world, 2), RUN_PARKED);
    assert_int_equal(gate_of(world, "erp").failed, 0);
}

/* A post that may have been carried out is asked about, but not before the time
 * that the other side asked for; and nobody else goes either. */
static void a_doubt_rests_the_instance_when_it_is_asked_for(void **state)
{
    struct world *world = *state;
    struct op_outcome fine = {.status = CN_OK, .answered = true};
    struct op_outcome doubt = {
        .status = CN_IN_DOUBT, .effect_sent = true, .retry_after_ms = 20000};

    rooms(world, 4, 4);
    accept_event(world, "e1", "box1");
    world_end(world, 0, &fine, deal_won);
    world_settle(world);
    assert_int_equal(world->ops[0].kind, OP_DELIVER);
    world_end(world, 0, &doubt, "503");
    world_settle(world);
    assert_int_equal(gate_of(world, "erp").rests_ms, 20000);
    accept_event(world, "e2", "box2");
    world_end(world, 0, &fine, deal_won);
    world_advance(world, 19999);
    assert_int_equal(world->op_count, 0);
    world_advance(world, 2);
    assert_int_equal(world->op_count, 1); /* one goes first to see */
    assert_string_equal(gate_of(world, "erp").state, "half_open");
}

/* Refused credentials are of the instance, not of the stream that finds out:
 * one alert and one rest, also for runs. */
static void refused_polls_rest_the_instance(void **state)
{
    struct world *world = *state;
    struct op_outcome locked = {.status = CN_AUTH, .answered = true};
    struct op_outcome fine = {
        .status = CN_OK, .answered = true, .cursor = {"c", 1}};

    engine_add_source(world->engine, "crm", "boxes", 1000);
    engine_add_source(world->engine, "crm", "tasks", 1000);
    world_advance(world, 1);
    assert_int_equal(world->op_count, 2);
    world_end(world, 0, &locked, "no such user");
    world_end(world, 0, &locked, "no such user");
    world_settle(world);
    assert_int_equal(gate_of(world, "crm").rests_ms, 60000);
    assert_string_equal(alerts_of(world), "auth:crm;");
    assert_int_equal(world_accept(world, "e1", "box1"), 0);
    world_settle(world);
    world_advance(world, 59990);
    assert_int_equal(world->op_count, 0);
    /* One of the streams goes to see; the run at the gate does too. */
    world_advance(world, 20);
    assert_int_equal(world->op_count, 2);
    assert_int_equal(
        (world->ops[0].kind == OP_POLL) + (world->ops[1].kind == OP_POLL), 1);
    world_end(world, world->ops[0].kind == OP_POLL ? 0 : 1, &fine, "");
    world_settle(world);
    assert_string_equal(alerts_of(world), "");
    assert_string_equal(gate_of(world, "crm").state, "closed");
}

/* A stream that was stopped is read again, by this daemon or the next. */
static void a_stream_that_works_again_is_told(void **state)
{
    struct world *world = *state;
    struct op_outcome wrong = {.status = CN_REJECTED, .answered = true};
    struct op_outcome fine = {
        .status = CN_OK, .answered = true, .cursor = {"c", 1}};

    for (int restart = 0; restart < 2; restart++) {
        engine_add_source(world->engine, "crm", "boxes", 1000);
        world_advance(world, 1);
        world_end(world, 0, &wrong, "no such list");
        world_settle(world);
        assert_string_equal(alerts_of(world), "source:crm:boxes;");
        world_advance(world, 10000);
        assert_int_equal(world->op_count, 0);
        if (restart) {
            close_world(world);
            open_world(world);
        }
        engine_add_source(world->engine, "crm", "boxes", 1000);
        world_advance(world, 1);
        assert_string_equal(alerts_of(world), "source:crm:boxes;");
        world->fail_commit = no_room; /* read, but not stored */
        world_end(world, 0, &fine, "");
        world_settle(world);
        world->fail_commit = NULL;
        assert_string_equal(alerts_of(world), "source:crm:boxes;");
        world_advance(world, 5000);
        assert_int_equal(world->op_count, 1);
        world_end(world, 0, &fine, "");
        world_settle(world);
        assert_string_equal(alerts_of(world), "");
        world_advance(world, 1001);
    }
}

static uint64_t overlaps[8];
static size_t overlap_count;

static int note_overlap(struct world *world, const struct op_request *request)
{
    (void)world;
    if (request->kind == OP_POLL && overlap_count < 8)
        overlaps[overlap_count++] = request->overlap_ms;
    return 0;
}

/* A round begins before the cursor; on the way through what waits it does not,
 * or it would never come to its end. */
static void a_round_begins_before_its_cursor(void **state)
{
    struct world *world = *state;
    struct op_outcome more = {
        .status = CN_OK, .answered = true, .cursor = {"c1", 2}, .more = 1};
    struct op_outcome last = {
        .status = CN_OK, .answered = true, .cursor = {"c2", 2}};

    world->fail_start = note_overlap;
    overlap_count = 0;
    engine_add_source(world->engine, "crm", "boxes", 1000);
    engine_overlap_source(world->engine, "crm", "boxes", 60000);
    world_advance(world, 1);
    world_end(world, 0, &more, "");
    world_settle(world);
    world_advance(world, 1);
    world_end(world, 0, &last, "");
    world_settle(world);
    world_advance(world, 1001);
    assert_int_equal(overlap_count, 3);
    assert_int_equal(overlaps[0], 60000);
    assert_int_equal(overlaps[1], 0);
    assert_int_equal(overlaps[2], 60000);
}

/* A round whose first page was not stored begins again as it began. */
static void a_page_not_stored_is_no_part_of_the_round(void **state)
{
    struct world *world = *state;
    struct op_outcome more = {
        .status = CN_OK, .answered = true, .cursor = {"c1", 2}, .more = 1};

    world->fail_start = note_overlap;
    overlap_count = 0;
    engine_add_source(world->engine, "crm", "boxes", 1000);
    engine_overlap_source(world->engine, "crm", "boxes", 60000);
    world_advance(world, 1);
    world->fail_commit = no_room;
    world_end(world, 0, &more, "");
    world_settle(world);
    world->fail_commit = NULL;
    world_advance(world, 5000);
    assert_int_equal(overlap_count, 2);
    assert_int_equal(overlaps[1], 60000);
}

static void was_acknowledged(void *arg, int status,
                             const struct store_result *results,
                             size_t result_count)
{
    (void)arg;
    (void)results;
    (void)result_count;
    assert_int_equal(status, 0);
}

static void acknowledged_read(void *arg, int status,
                              const struct store_rows *rows)
{
    assert_int_equal(status, 0);
    for (size_t at = 0; at < rows->alert_count; at++)
        *(int *)arg += rows->alerts[at].acknowledged;
}

static int acknowledged_of(struct world *world)
{
    struct store_query query = {.kind = STORE_QUERY_ALERTS};
    int count = 0;

    assert_int_equal(
        store_query(world->store, &query, acknowledged_read, &count), 0);
    world_settle(world);
    return count;
}

static void a_gap_is_an_alert(void **state)
{
    struct world *world = *state;
    struct store_batch *batch;
    struct op_outcome page = {
        .status = CN_OK, .answered = true, .cursor = {"c1", 2}, .gap = true};

    engine_add_source(world->engine, "crm", "boxes", 1000);
    world_advance(world, 1);
    world_end(world, 0, &page, "");
    world_settle(world);
    assert_string_equal(alerts_of(world), "gap:crm:boxes;");
    /* The next one is another, although somebody knows of the first. */
    batch = store_batch_create();
    store_batch_alert_acknowledge(batch, "ann", "gap:crm:boxes");
    assert_int_equal(
        __real_store_commit(world->store, batch, was_acknowledged, NULL), 0);
    world_settle(world);
    assert_int_equal(acknowledged_of(world), 1);
    world_advance(world, 1001);
    world_end(world, 0, &page, "");
    world_settle(world);
    assert_int_equal(acknowledged_of(world), 0);
}

/* In how many seconds the stream is asked next; 2000: not before. */
static int64_t next_poll(struct world *world)
{
    int64_t from_ms = world->now_ms;

    for (int second = 0; second < 2000 && !world->op_count; second++)
        world_advance(world, 1000);
    return (world->now_ms - from_ms) / 1000;
}

/* A plugin may ask for a rest that is none, or that never ends. */
static void a_stream_rests_no_longer_than_allowed(void **state)
{
    static const uint64_t asked[] = {UINT64_MAX, INT64_MAX, 1000000000000};
    static const cn_status ends[] = {CN_OK, CN_RETRY};
    struct world *world = *state;

    engine_add_source(world->engine, "crm", "boxes", 1000);
    world_advance(world, 1);
    for (size_t at = 0; at < 6; at++) {
        struct op_outcome page = {.status = ends[at % 2],
                                  .answered = true,
                                  .cursor = {"c1", 2},
                                  .retry_after_ms = asked[at / 2]};
        assert_int_equal(world->op_count, 1);
        world_end(world, 0, &page, "");
        world_settle(world);
        assert_in_range(next_poll(world), 900, 901);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(as_many_as_there_is_room),
        ENGINE_TEST(flows_take_turns),
        ENGINE_TEST(polls_share_the_rest),
        ENGINE_TEST(one_goes_to_see),
        ENGINE_TEST(a_probe_rests_the_instance_too),
        ENGINE_TEST(what_ends_did_not_fail),
        ENGINE_TEST(a_doubt_rests_the_instance_when_it_is_asked_for),
        ENGINE_TEST(refused_polls_rest_the_instance),
        ENGINE_TEST(a_stream_that_works_again_is_told),
        ENGINE_TEST(a_round_begins_before_its_cursor),
        ENGINE_TEST(a_page_not_stored_is_no_part_of_the_round),
        ENGINE_TEST(a_gap_is_an_alert),
        ENGINE_TEST(a_stream_rests_no_longer_than_allowed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
