/* links: connect_store connect_base */
/* test_store.c - the store's promises: duplicates, lanes, claims, restarts. */
#include "store_kit.h"

static void duplicate_is_counted(void **state)
{
    struct kit *kit = *state;
    struct store_result first = kit_accept(kit, "event-1", "box-1", false);
    struct store_result again = kit_accept(kit, "event-1", "box-1", false);
    struct store_result other = kit_accept(kit, "event-2", "box-1", false);

    assert_int_equal(first.decision, STORE_APPLIED);
    assert_int_equal(first.run, 1);
    assert_int_equal(first.ready_count, 1);
    assert_int_equal(again.decision, STORE_DUPLICATE);
    assert_int_equal(again.run, 1);
    assert_int_equal(again.ready_count, 0);
    assert_int_equal(other.decision, STORE_APPLIED);
    assert_int_equal(other.ready_count, 0); /* behind the first */
    kit_reopen(kit);
    assert_int_equal(kit_accept(kit, "event-1", "box-1", false).decision,
                     STORE_DUPLICATE);
    kit_step(kit, 40LL * 24 * 3600 * 1000, 40LL * 24 * 3600 * 1000);
    assert_int_equal(kit_accept(kit, "event-1", "box-1", false).decision,
                     STORE_DUPLICATE);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run"), 2);
    assert_int_equal(kit_count(kit, "SELECT sum(duplicate_count) FROM event"),
                     3);
    kit_verify(kit);
}

static void lane_keeps_the_order_of_runs(void **state)
{
    struct kit *kit = *state;

    assert_int_equal(kit_accept(kit, "a", "box", true).claimed, 1);
    assert_int_equal(kit_accept(kit, "b", "box", true).claimed, 0);
    assert_int_equal(kit_accept(kit, "c", "box", true).claimed, 0);
    assert_int_equal(kit_accept(kit, "d", "", true).claimed, 1);
    assert_int_equal(kit_claim(kit, "", 10), 0);
    /* Parked and held keep the lane. */
    assert_int_equal(kit_run(kit, 1, RUN_PARKED).ready_count, 0);
    assert_int_equal(kit_state(kit, 2), RUN_QUEUED);
    /* A queued run cannot be pushed forwards. */
    assert_int_equal(kit_run(kit, 2, RUN_READY).decision, STORE_REFUSED);
    assert_int_equal(kit_act(kit, STORE_RETRY, 1).ready_count, 1);
    assert_int_equal(kit_claim(kit, "", 10), 1);
    assert_int_equal(kit_run(kit, 1, RUN_DONE).ready_count, 1);
    assert_int_equal(kit_state(kit, 2), RUN_READY);
    assert_int_equal(kit_state(kit, 3), RUN_QUEUED);
    /* Discarding one in the middle wakes nobody. */
    assert_int_equal(kit_accept(kit, "e", "box", true).claimed, 0);
    assert_int_equal(kit_act(kit, STORE_DISCARD, 3).ready_count, 0);
    assert_int_equal(kit_state(kit, 5), RUN_QUEUED);
    assert_int_equal(kit_act(kit, STORE_DISCARD, 2).ready_count, 1);
    assert_int_equal(kit_state(kit, 5), RUN_READY);
    assert_int_equal(kit_run(kit, 1, RUN_READY).decision, STORE_REFUSED);
    kit_verify(kit);
}

static void deliveries_wait_in_their_lane(void **state)
{
    struct kit *kit = *state;
    struct store_result result;

    kit_accept(kit, "a", "", true);
    kit_accept(kit, "b", "", true);
    kit_accept(kit, "c", "", true);
    result = kit_deliver(kit, 1, "post", "deal-1", "customer", 0);
    assert_int_equal(result.decision, STORE_APPLIED);
    assert_int_equal(kit_delivery(kit, 1), DELIVERY_SENDING);
    result = kit_deliver(kit, 2, "post", "deal-2", "customer", 0);
    assert_int_equal(result.decision, STORE_BEHIND);
    assert_int_equal(result.run, 1);
    assert_int_equal(kit_state(kit, 2), RUN_WAITING);
    assert_int_equal(kit_deliver(kit, 3, "post", "deal-3", "other", 0).decision,
                     STORE_APPLIED);
    /* Held and in doubt keep the lane. */
    assert_int_equal(kit_settle(kit, 1, DELIVERY_IN_DOUBT).ready_count, 0);
    assert_int_equal(kit_settle(kit, 1, DELIVERY_HELD).ready_count, 0);
    assert_int_equal(kit_settle(kit, 1, DELIVERY_PARKED).ready_count, 0);
    assert_int_equal(kit_intent(kit, 1).decision, STORE_REFUSED);
    assert_int_equal(kit_settle(kit, 1, DELIVERY_READY).ready_count, 0);
    assert_int_equal(kit_intent(kit, 1).decision, STORE_APPLIED);
    assert_int_equal(kit_settle(kit, 1, DELIVERY_DONE).ready_count, 1);
    assert_int_equal(kit_state(kit, 2), RUN_READY);
    /* It is found in the queue of its target. */
    assert_int_equal(kit_claim(kit, "", 10), 0);
    assert_int_equal(kit_claim(kit, "syspro", 10), 1);
    assert_int_equal(kit_intent(kit, 2).decision, STORE_APPLIED);
    assert_int_equal(kit_settle(kit, 2, DELIVERY_DONE).decision, STORE_APPLIED);
    assert_int_equal(kit_settle(kit, 2, DELIVERY_DONE).decision, STORE_REFUSED);
    kit_verify(kit);
}

static void parked_with_skip_is_passed_by(void **state)
{
    struct kit *kit = *state;

    for (int run = 0; run < 4; run++)
        kit_accept(kit, (const char *[]){"a", "b", "c", "d"}[run], "", true);
    kit_deliver(kit, 1, "post", "deal-1", "customer", KIT_SKIP);
    assert_int_equal(
        kit_deliver(kit, 2, "post", "deal-2", "customer", 0).decision,
        STORE_BEHIND);
    assert_int_equal(kit_settle(kit, 1, DELIVERY_PARKED).ready_count, 1);
    kit_run(kit, 1, RUN_PARKED);
    assert_int_equal(kit_claim(kit, "syspro", 1), 1);
    assert_int_equal(kit_intent(kit, 2).decision, STORE_APPLIED);
    /* The older one comes back while the younger is on its way: it waits. */
    assert_int_equal(kit_act(kit, STORE_RETRY, 1).ready_count, 1);
    assert_int_equal(kit_claim(kit, "", 1), 1);
    assert_int_equal(kit_intent(kit, 1).decision, STORE_BEHIND);
    assert_int_equal(
        kit_deliver(kit, 3, "post", "deal-3", "customer", 0).decision,
        STORE_BEHIND);
    assert_int_equal(kit_settle(kit, 2, DELIVERY_DONE).ready_count, 1);
    assert_int_equal(kit_state(kit, 1), RUN_READY);
    assert_int_equal(kit_state(kit, 3), RUN_WAITING);
    /* Discarding frees the lane. */
    assert_int_equal(kit_act(kit, STORE_DISCARD, 1).ready_count, 1);
    assert_int_equal(kit_state(kit, 3), RUN_READY);
    kit_verify(kit);
}

/* What was on its way comes back to be sent again while an older one waits for
 * it: the older one goes first, and neither waits for ever. */
static void older_goes_when_the_younger_comes_back(void **state)
{
    static const enum delivery_state back[] = {DELIVERY_READY, DELIVERY_HELD,
                                               DELIVERY_PARKED};
    struct kit *kit = *state;

    for (uint64_t round = 0; round < 3; round++) {
        const char *lane = (const char *[]){"x", "y", "z"}[round];
        uint64_t old = 2 * round + 1, young = 2 * round + 2;
        char id[32];

        for (uint64_t run = old; run <= young; run++) {
            snprintf(id, sizeof(id), "e%d", (int)run);
            kit_accept(kit, id, "", true);
        }
        kit_deliver(kit, old, "post", "", lane, KIT_SKIP);
        kit_settle(kit, old, DELIVERY_PARKED);
        kit_run(kit, old, RUN_PARKED);
        kit_deliver(kit, young, "post", "", lane, 0);
        kit_act(kit, STORE_RETRY, old);
        assert_int_equal(kit_claim(kit, "", 1), 1);
        assert_int_equal(kit_intent(kit, old).decision, STORE_BEHIND);
        assert_int_equal(kit_settle(kit, young, back[round]).ready_count, 1);
        assert_int_equal(kit_state(kit, old), RUN_READY);
        if (back[round] == DELIVERY_READY)
            assert_int_equal(kit_intent(kit, young).decision, STORE_BEHIND);
        assert_int_equal(kit_claim(kit, "syspro", 1), 1);
        assert_int_equal(kit_intent(kit, old).decision, STORE_APPLIED);
        kit_settle(kit, old, DELIVERY_DONE);
        kit_run(kit, old, RUN_DONE);
        kit_run(kit, young, RUN_PARKED);
    }
    kit_verify(kit);
}

static void entity_is_created_once(void **state)
{
    struct kit *kit = *state;
    struct store_result result;

    for (int run = 0; run < 5; run++)
        kit_accept(kit, (const char *[]){"a", "b", "c", "d", "e"}[run], "",
                   true);
    kit_deliver(kit, 1, "post", "deal", "", KIT_ADOPT);
    /* Of the same entity, though in no common lane. */
    result = kit_deliver(kit, 2, "post", "deal", "", KIT_ADOPT);
    assert_int_equal(result.decision, STORE_BEHIND);
    assert_int_equal(result.run, 1);
    assert_int_equal(kit_settle(kit, 1, DELIVERY_DONE).ready_count, 1);
    assert_int_equal(kit_claim(kit, "syspro", 1), 1);
    result = kit_intent(kit, 2);
    assert_int_equal(result.decision, STORE_EXISTS);
    assert_true(result.same);
    assert_string_equal(kit->body, "\"SO-1\"");
    assert_int_equal(kit_delivery(kit, 2), DELIVERY_DONE);
    result = kit_deliver(kit, 3, "post", "deal", "", KIT_ADOPT);
    assert_int_equal(result.decision, STORE_EXISTS);
    assert_int_equal(
        kit_count(kit, "SELECT count(*) FROM delivery WHERE run = 3"), 0);
    /* An update is sent, and is the entity's next version. */
    kit->order_body = "{\"lines\":2}";
    assert_int_equal(kit_deliver(kit, 4, "post", "deal", "", 0).decision,
                     STORE_APPLIED);
    kit_settle(kit, 4, DELIVERY_DONE);
    assert_int_equal(kit_count(kit, "SELECT version_delivered FROM entity"), 3);
    kit->order_body = "{\"lines\":1}";
    result = kit_deliver(kit, 5, "post", "deal", "", KIT_ADOPT);
    assert_int_equal(result.decision, STORE_EXISTS);
    assert_false(result.same);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM entity"), 1);
    kit_verify(kit);
}

/* A flow that was renamed, a second flow and the next revision of the type mean
 * the same order; another target has its own. */
static void entity_is_the_targets(void **state)
{
    struct kit *kit = *state;

    for (int run = 0; run < 5; run++)
        kit_accept(kit, (const char *[]){"a", "b", "c", "d", "e"}[run], "",
                   true);
    kit_deliver(kit, 1, "post", "deal", "", KIT_ADOPT);
    kit->maker = "another";
    assert_int_equal(kit_deliver(kit, 2, "post", "deal", "", KIT_ADOPT).run, 1);
    kit_settle(kit, 1, DELIVERY_DONE);
    assert_int_equal(
        kit_deliver(kit, 3, "post", "deal", "", KIT_ADOPT).decision,
        STORE_EXISTS);
    kit->type = "sales_order/2";
    assert_int_equal(
        kit_deliver(kit, 4, "post", "deal", "", KIT_ADOPT).decision,
        STORE_EXISTS);
    kit->type = "sales_order_line/1";
    assert_int_equal(
        kit_deliver(kit, 4, "line", "deal", "", KIT_ADOPT).decision,
        STORE_APPLIED);
    kit->type = "sales_order/1";
    kit->instance = "elsewhere";
    assert_int_equal(
        kit_deliver(kit, 5, "post", "deal", "", KIT_ADOPT).decision,
        STORE_APPLIED);
    kit_verify(kit);
}

static void entity_in_doubt_is_waited_for(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "", true);
    kit_accept(kit, "b", "", true);
    kit_deliver(kit, 1, "post", "deal", "", KIT_ADOPT | KIT_SKIP);
    kit_deliver(kit, 2, "post", "deal", "", KIT_ADOPT);
    kit->doubt = true;
    /* Passed by in its lane, but not by those of its entity. */
    assert_int_equal(kit_settle(kit, 1, DELIVERY_PARKED).ready_count, 0);
    kit->doubt = false;
    kit_run(kit, 1, RUN_PARKED);
    assert_int_equal(kit_act(kit, STORE_DISCARD, 1).decision, STORE_REFUSED);
    assert_int_equal(kit_act(kit, STORE_RESTART, 1).decision, STORE_REFUSED);
    assert_int_equal(kit_act(kit, STORE_RETRY, 1).decision, STORE_APPLIED);
    assert_int_equal(kit_delivery(kit, 1), DELIVERY_IN_DOUBT);
    assert_int_equal(kit_state(kit, 2), RUN_WAITING);
    kit_claim(kit, "", 1);
    kit_settle(kit, 1, DELIVERY_READY); /* probed: absent */
    kit_run(kit, 1, RUN_PARKED);
    assert_int_equal(kit_act(kit, STORE_DISCARD, 1).ready_count, 1);
    assert_int_equal(kit_claim(kit, "syspro", 1), 1);
    assert_int_equal(kit_intent(kit, 2).decision, STORE_APPLIED);
    kit_verify(kit);
}

static void restart_gives_work_back(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "x", true);
    kit_accept(kit, "b", "y", true);
    kit_accept(kit, "c", "z", false);
    kit_step_row(kit, 1, "read", STEP_DONE);
    kit_deliver(kit, 1, "post", "deal", "customer", 0);
    kit_reopen(kit);
    assert_int_equal(kit_state(kit, 1), RUN_READY);
    assert_int_equal(kit_state(kit, 2), RUN_READY);
    assert_int_equal(kit_delivery(kit, 1), DELIVERY_IN_DOUBT);
    assert_int_equal(kit_claim(kit, "", 10), 3);
    assert_int_equal(kit->claimed[0], 1);
    assert_int_equal(kit->claimed[2], 3);
    assert_string_equal(kit->work_step, "read");
    assert_string_equal(kit->work_body, "{\"n\":1}");
    assert_int_equal(kit->work_deliveries, 1);
    assert_int_equal(kit_recover(kit, 2).ready_count, 1);
    assert_int_equal(kit_recover(kit, 2).decision, STORE_REFUSED);
    assert_int_equal(kit_state(kit, 2), RUN_READY);
    kit_verify(kit);
}

static void claims_come_in_order_and_when_due(void **state)
{
    struct kit *kit = *state;
    int64_t now_ms;

    kit->priority = 5;
    kit_accept(kit, "a", "", false);
    kit_accept(kit, "b", "", false);
    kit->priority = 1;
    kit_accept(kit, "c", "", false);
    assert_int_equal(kit_claim(kit, "", 2), 2);
    assert_int_equal(kit->claimed[0], 3);
    assert_int_equal(kit->claimed[1], 1);
    now_ms = store_steady_ms(kit->store);
    kit->due_ms = now_ms + 5000;
    kit->queue = "syspro";
    kit_run(kit, 1, RUN_READY);
    kit->due_ms = now_ms + 3000;
    kit_run(kit, 3, RUN_HELD);
    kit->due_ms = 0;
    kit->queue = "";
    assert_int_equal(kit_claim(kit, "syspro", 5), 0);
    kit_step(kit, 3000, 3000);
    assert_int_equal(kit_claim(kit, "syspro", 5), 1);
    assert_int_equal(kit->claimed[0], 3);
    kit_run(kit, 3, RUN_HELD); /* by release only */
    kit_step(kit, 10000, 10000);
    assert_int_equal(kit_claim(kit, "syspro", 5), 1);
    assert_int_equal(kit->claimed[0], 1);
    assert_int_equal(kit_act(kit, STORE_RELEASE, 3).ready_count, 1);
    assert_int_equal(kit_act(kit, STORE_RELEASE, 3).decision, STORE_REFUSED);
    assert_int_equal(kit_claim(kit, "", 5), 2);
    kit_verify(kit);
}

/* Which flow each of the runs claimed is of: the flows are accepted one after
 * another, so many runs of each. */
static void flows_claimed(struct kit *kit, size_t count, size_t each,
                          char *flows)
{
    size_t claimed = kit_claim(kit, "", count);

    for (size_t index = 0; index < claimed; index++)
        flows[index] = (char)('a' + (kit->claimed[index] - 1) / each);
    flows[claimed] = '\0';
}

static void flows_take_turns(void **state)
{
    static const char *const names[] = {"alpha", "beta", "gamma"};
    struct kit *kit = *state;
    char flows[65], id[32];

    for (size_t flow = 0; flow < 3; flow++) {
        kit->flow = names[flow];
        for (int index = 0; index < 20; index++) {
            snprintf(id, sizeof(id), "%zu.%d", flow, index);
            kit_accept(kit, id, "", false);
        }
    }
    flows_claimed(kit, 4, 20, flows);
    assert_string_equal(flows, "abca");
    assert_int_equal(kit->claimed[3], 2); /* each by number */
    flows_claimed(kit, 1, 20, flows);
    assert_string_equal(flows, "b"); /* the turn goes on */
    flows_claimed(kit, 4, 20, flows);
    assert_string_equal(flows, "cabc");
    flows_claimed(kit, 60, 20, flows);
    assert_int_equal(strlen(flows), 51);
    assert_string_equal(flows + 48, "abc");
    kit_verify(kit);
}

static void one_run_is_not_behind_a_thousand(void **state)
{
    struct kit *kit = *state;
    struct store_batch *batch = store_batch_create();
    char ids[1000][8], flows[65];

    kit->flow = "alpha";
    for (int index = 0; index < 1000; index++) {
        snprintf(ids[index], sizeof(ids[index]), "%d", index);
        kit_append_accept(kit, batch, ids[index], "", false);
    }
    kit_commit(kit, batch);
    kit->flow = "beta";
    kit_accept(kit, "the one", "", false);
    flows_claimed(kit, 2, 1000, flows);
    assert_string_equal(flows, "ab");
    assert_int_equal(kit_claim(kit, "", 1024), 999);
}

static void bulk_comes_after_and_never_starves(void **state)
{
    struct kit *kit = *state;
    char flows[65], id[32];
    size_t bulk = 0;

    kit->priority = 1;
    for (int index = 0; index < 40; index++) {
        snprintf(id, sizeof(id), "bulk %d", index);
        kit_accept(kit, id, "", false);
    }
    kit->priority = 0;
    for (int index = 0; index < 40; index++) {
        snprintf(id, sizeof(id), "now %d", index);
        kit_accept(kit, id, "", false);
    }
    for (int round = 0; round < 5; round++) {
        flows_claimed(kit, 8, 40, flows); /* "a" is bulk */
        for (const char *at = flows; *at; at++)
            bulk += *at == 'a';
    }
    assert_int_equal(bulk, 5);
    flows_claimed(kit, 60, 40, flows);
    assert_int_equal(strlen(flows), 40);
    assert_int_equal(flows[39], 'a');
}

/* However much is urgent, and however much is less so. */
static void no_priority_starves(void **state)
{
    struct kit *kit = *state;
    char flows[129], id[32];

    for (kit->priority = 0; kit->priority < 3; kit->priority++) {
        for (int index = 0; index < 100; index++) {
            snprintf(id, sizeof(id), "%d.%d", (int)kit->priority, index);
            kit_accept(kit, id, "", false);
        }
    }
    flows_claimed(kit, 64, 100, flows); /* "c" is the last priority */
    assert_non_null(strchr(flows, 'c'));
    assert_ptr_equal(strchr(flows, 'c'), strrchr(flows, 'c'));
}

static void batch_is_whole_or_nothing(void **state)
{
    struct kit *kit = *state;
    char path[STORE_PATH_MAX + 10];
    struct store_step bad = {.run = 1, .path = path};
    struct store_batch *batch = store_batch_create();
    struct store_batch *good = store_batch_create();

    memset(path, 'p', sizeof(path) - 1);
    path[sizeof(path) - 1] = '\0';
    kit_accept(kit, "a", "x", true);
    kit_append_accept(kit, batch, "b", "y", false);
    store_batch_step(batch, &bad);
    kit_append_accept(kit, good, "c", "z", false);
    assert_int_equal(kit_commit_both(kit, batch, good), -EINVAL);
    assert_int_equal(kit->status, 0);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run"), 2);
    assert_int_equal(kit_count(kit, "SELECT max(number) FROM run"), 2);
    assert_int_equal(kit_accept(kit, "b", "y", false).decision, STORE_APPLIED);
    kit_verify(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(duplicate_is_counted),
        KIT_TEST(lane_keeps_the_order_of_runs),
        KIT_TEST(deliveries_wait_in_their_lane),
        KIT_TEST(parked_with_skip_is_passed_by),
        KIT_TEST(older_goes_when_the_younger_comes_back),
        KIT_TEST(entity_is_created_once),
        KIT_TEST(entity_is_the_targets),
        KIT_TEST(entity_in_doubt_is_waited_for),
        KIT_TEST(restart_gives_work_back),
        KIT_TEST(claims_come_in_order_and_when_due),
        KIT_TEST(flows_take_turns),
        KIT_TEST(one_run_is_not_behind_a_thousand),
        KIT_TEST(bulk_comes_after_and_never_starves),
        KIT_TEST(no_priority_starves),
        KIT_TEST(batch_is_whole_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
