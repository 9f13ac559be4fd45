/* links: connect_store connect_base */
/* test_store_newer.c - a newer version wakes what is held, and takes the place
 * of what nobody has sent. */
#include "store_kit.h"

static void held_head_wakes(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "box-1", true);
    kit_deliver(kit, 1, "post", "deal-1", "customer", 0);
    kit_settle(kit, 1, DELIVERY_HELD);
    kit_run(kit, 1, RUN_HELD);
    /* Others of other lanes change nothing. */
    kit_accept(kit, "b", "box-2", true);
    assert_int_equal(kit_state(kit, 1), RUN_HELD);
    assert_int_equal(kit_accept(kit, "c", "box-1", true).ready_count, 1);
    assert_int_equal(kit->result.claimed, 0);
    assert_int_equal(kit_state(kit, 1), RUN_READY);
    assert_int_equal(kit_delivery(kit, 1), DELIVERY_READY);
    assert_int_equal(kit_state(kit, 3), RUN_QUEUED);
    kit_verify(kit);
}

static void held_doubt_wakes_in_doubt(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "box-1", true);
    kit_deliver(kit, 1, "post", "deal-1", "customer", 0);
    kit->doubt = true;
    kit_settle(kit, 1, DELIVERY_PARKED);
    kit_run(kit, 1, RUN_HELD);
    kit->newer = STORE_NEWER_OVERTAKES;
    assert_int_equal(kit_accept(kit, "b", "box-1", true).overtaken, 0);
    assert_int_equal(kit_state(kit, 1), RUN_READY);
    assert_int_equal(kit_delivery(kit, 1), DELIVERY_IN_DOUBT);
    kit_verify(kit);
}

static void parked_head_stays(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "box-1", true);
    kit_run(kit, 1, RUN_PARKED);
    kit_accept(kit, "b", "box-1", true);
    assert_int_equal(kit_state(kit, 1), RUN_PARKED);
    assert_int_equal(kit_state(kit, 2), RUN_QUEUED);
    kit_verify(kit);
}

static void unsent_ones_are_overtaken(void **state)
{
    static const enum run_state states[] = {RUN_PARKED, RUN_HELD, RUN_READY};
    struct kit *kit = *state;

    for (size_t index = 0; index < 3; index++) {
        char id[32];
        uint64_t first;

        kit->newer = STORE_NEWER_WAITS;
        snprintf(id, sizeof(id), "a%zu", index);
        first = kit_accept(kit, id, "box-1", true).run;
        kit_deliver(kit, first, "post", id, "customer", 0);
        kit_settle(kit, first,
                   states[index] == RUN_PARKED ? DELIVERY_PARKED
                   : states[index] == RUN_HELD ? DELIVERY_HELD
                                               : DELIVERY_READY);
        kit->due_ms = store_steady_ms(kit->store) + 9000;
        if (states[index] == RUN_PARKED)
            kit->due_ms = 0;
        kit_run(kit, first, states[index]);
        kit->due_ms = 0;
        snprintf(id, sizeof(id), "b%zu", index);
        kit_accept(kit, id, "box-1", false);
        kit->newer = STORE_NEWER_OVERTAKES;
        snprintf(id, sizeof(id), "c%zu", index);
        kit_accept(kit, id, "box-1", true);
        assert_int_equal(kit->result.overtaken, 2);
        assert_int_equal(kit->result.claimed, 1);
        assert_int_equal(kit->result.ready_count, 0);
        assert_int_equal(kit_state(kit, first), RUN_DISCARDED);
        assert_int_equal(kit_delivery(kit, first), DELIVERY_DISCARDED);
        assert_int_equal(kit_state(kit, first + 1), RUN_DISCARDED);
        assert_int_equal(kit_state(kit, first + 2), RUN_ACTIVE);
        kit_run(kit, first + 2, RUN_DONE);
        kit_verify(kit);
    }
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM run WHERE code ="
                                    " 'overtaken' AND state = 7"),
                     6);
    assert_int_equal(
        kit_count(kit, "SELECT count(*) FROM run WHERE number = 1 AND"
                       " substr(reason, 10) = CAST('a newer version (run 3)"
                       " took its place' AS BLOB)"),
        1);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM audit WHERE act ="
                                    " 'run.discarded' AND detail ="
                                    " 'overtaken'"),
                     6);
}

static void what_happened_or_may_have_stays(void **state)
{
    struct kit *kit = *state;

    kit->newer = STORE_NEWER_OVERTAKES;
    /* An engine works on it, and may send at any moment. */
    kit_accept(kit, "z", "box-9", true);
    assert_int_equal(kit_accept(kit, "z2", "box-9", true).overtaken, 0);
    assert_int_equal(kit_state(kit, 1), RUN_ACTIVE);
    kit_run(kit, 1, RUN_DONE);
    kit_act(kit, STORE_DISCARD, 2);
    /* Being sent. */
    kit_accept(kit, "a", "box-1", true);
    kit_deliver(kit, 3, "post", "deal-1", "", 0);
    assert_int_equal(kit_accept(kit, "b", "box-1", true).overtaken, 0);
    assert_int_equal(kit_state(kit, 3), RUN_ACTIVE);
    /* Only the one between is. */
    assert_int_equal(kit_accept(kit, "c", "box-1", true).overtaken, 1);
    assert_int_equal(kit_state(kit, 4), RUN_DISCARDED);
    assert_int_equal(kit_state(kit, 5), RUN_QUEUED);
    /* In doubt. */
    kit->doubt = true;
    kit_settle(kit, 3, DELIVERY_PARKED);
    kit_run(kit, 3, RUN_PARKED);
    kit->doubt = false;
    assert_int_equal(kit_accept(kit, "d", "box-1", true).overtaken, 1);
    assert_int_equal(kit_state(kit, 3), RUN_PARKED);
    /* Part of it happened. */
    kit_answer_doubt(kit, 3, true, "\"SO-1\"");
    kit_claim(kit, "", 1);
    kit_run(kit, 3, RUN_PARKED);
    assert_int_equal(kit_accept(kit, "e", "box-1", true).overtaken, 1);
    assert_int_equal(kit_state(kit, 3), RUN_PARKED);
    assert_int_equal(kit_state(kit, 7), RUN_QUEUED);
    /* A lane of another flow or of its own is no concern. */
    assert_int_equal(kit_accept(kit, "f", "", true).overtaken, 0);
    kit_verify(kit);
}

static void overtaken_one_frees_its_delivery_lane(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "box-1", true);
    kit_deliver(kit, 1, "post", "deal-1", "customer", 0);
    kit_settle(kit, 1, DELIVERY_HELD);
    kit_run(kit, 1, RUN_HELD);
    kit_accept(kit, "b", "box-2", true);
    assert_int_equal(
        kit_deliver(kit, 2, "post", "deal-2", "customer", 0).decision,
        STORE_BEHIND);
    kit->newer = STORE_NEWER_OVERTAKES;
    assert_int_equal(kit_accept(kit, "c", "box-1", true).ready_count, 1);
    assert_int_equal(kit_state(kit, 2), RUN_READY);
    kit_verify(kit);
}

static void overtaking_has_a_limit(void **state)
{
    struct kit *kit = *state;
    struct store_batch *batch = store_batch_create();
    char id[32];

    kit_append_accept(kit, batch, "first", "box-1", true);
    for (int index = 0; index < STORE_OVERTAKEN_MAX + 10; index++) {
        snprintf(id, sizeof(id), "n%d", index);
        kit_append_accept(kit, batch, id, "box-1", false);
    }
    kit_commit(kit, batch);
    kit_run(kit, 1, RUN_PARKED);
    kit->newer = STORE_NEWER_OVERTAKES;
    assert_int_equal(kit_accept(kit, "last", "box-1", true).overtaken,
                     STORE_OVERTAKEN_MAX);
    assert_int_equal(kit_accept(kit, "last2", "box-1", true).overtaken, 12);
    assert_int_equal(kit->result.claimed, 1);
    kit_verify(kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(held_head_wakes),
        KIT_TEST(held_doubt_wakes_in_doubt),
        KIT_TEST(parked_head_stays),
        KIT_TEST(unsent_ones_are_overtaken),
        KIT_TEST(what_happened_or_may_have_stays),
        KIT_TEST(overtaken_one_frees_its_delivery_lane),
        KIT_TEST(overtaking_has_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
