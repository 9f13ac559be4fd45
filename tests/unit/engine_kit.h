/* engine_kit.h - one flow and the steps by which a test brings a run of it
 * along: for tests of the engine with the world of engine_world.h.
 *
 * Included by one source file each. */
#ifndef TESTS_UNIT_ENGINE_KIT_H
#define TESTS_UNIT_ENGINE_KIT_H

#include "engine_world.h"

enum { DAY_MS = 24 * 3600 * 1000 };

static const char flow_text[] =
    "{\"flow\":\"won\",\"trigger\":{\"instance\":\"crm\",\"type\":"
    "\"box_event/1\"},\"steps\":["
    "{\"name\":\"deal\",\"call\":\"read_deal\",\"on\":\"crm\",\"with\":[{"
    "\"to\":\"/box\",\"from\":\"/trigger/box\"}]},"
    "{\"name\":\"won\",\"filter\":{\"path\":\"/deal/stage\",\"equals\":"
    "\"Closed-Won\"}},"
    "{\"name\":\"order\",\"as\":\"sales_order/1\",\"transform\":["
    "{\"to\":\"/external_id\",\"from\":\"/deal/key\"},"
    "{\"to\":\"/customer\",\"from\":\"/deal/fields/Customer\"},"
    "{\"to\":\"/po_number\",\"from\":\"/deal/key\",\"convert\":[{\"short_key\":"
    "{\"prefix\":\"ST-\"}}]},"
    "{\"to\":\"/order_date\",\"value\":\"2026-03-02\"},"
    "{\"to\":\"/lines\",\"from\":\"/deal/fields/"
    "Lines\",\"convert\":[{\"table\":"
    "{\"columns\":[\"code\",\"quantity\",\"price\"]}}],\"each\":["
    "{\"to\":\"/line\",\"from\":\"/index\",\"convert\":\"string\"},"
    "{\"to\":\"/stock_code\",\"from\":\"/row/code\"},"
    "{\"to\":\"/quantity\",\"from\":\"/row/quantity\",\"convert\":\"decimal\"},"
    "{\"to\":\"/unit\",\"value\":\"EA\"},"
    "{\"to\":\"/price\",\"from\":\"/row/price\",\"convert\":[{\"decimal\":{"
    "\"scale\":5}}]}]}]},"
    "{\"name\":\"post\",\"deliver\":\"sales_order/1\",\"to\":\"erp\",\"body\":"
    "\"/order\"},"
    "{\"name\":\"tell\",\"deliver\":\"deal/1\",\"to\":\"crm\",\"body\":["
    "{\"to\":\"/key\",\"from\":\"/deal/key\"},"
    "{\"to\":\"/fields/Order\",\"from\":\"/post/reference/number\"}]}]}";

static inline void open_world(struct world *world)
{
    world_open(world);
    world_add_flow(world, flow_text);
    engine_wake(world->engine);
    world_settle(world);
}

/* A store that failed on the way fails the test. */
static inline void close_world(struct world *world)
{
    world_close(world);
    assert_false(world->store_failed);
}

static inline int kit_setup(void **state)
{
    struct world *world = world_create(1);

    world->event_keep_ms = 400LL * DAY_MS;
    world->run_keep_ms = 100LL * DAY_MS;
    open_world(world);
    *state = world;
    return 0;
}

static inline int kit_teardown(void **state)
{
    struct world *world = *state;
    bool failed;

    world_close(world);
    failed = world->store_failed;
    world_destroy(world);
    assert_false(failed);
    return 0;
}

static inline void accept_event(struct world *world, const char *id,
                                const char *box)
{
    assert_int_equal(world_accept(world, id, box), 0);
    world_settle(world);
}

/* The only open operation; ended by the test with one of the calls below. */
static inline struct world_op take_op(struct world *world, enum op_kind kind,
                                      const char *instance)
{
    struct world_op op;

    assert_int_equal(world->op_count, 1);
    op = world->ops[0];
    world->op_count = 0;
    assert_int_equal(op.kind, kind);
    assert_string_equal(op.instance, instance);
    return op;
}

static inline void end_op(struct world *world, const struct world_op *op,
                          cn_status status, bool answered, const char *text)
{
    struct op_outcome outcome = {.status = status, .answered = answered};

    world_op_end(op, &outcome, text);
    world_settle(world);
}

static const char deal_won[] =
    "{\"key\":\"box1\",\"stage\":\"Closed-Won\",\"fields\":{\"Customer\":"
    "\"0001207\",\"Lines\":\"A100; 3; 149.9\\nB200; 10; 12.50\"}}";

static inline void answer_deal(struct world *world, const char *deal)
{
    struct world_op op = take_op(world, OP_CALL, "crm");

    end_op(world, &op, CN_OK, true, deal);
}

static inline int act(struct world *world, enum store_act what)
{
    world->act_status = -EINPROGRESS;
    assert_int_equal(
        engine_act(world->engine, "me", what, 1, NULL, world_acted, world), 0);
    world_settle(world);
    return world->act_status;
}

static inline struct world_op to_erp(struct world *world)
{
    accept_event(world, "e1", "box1");
    answer_deal(world, deal_won);
    return take_op(world, OP_DELIVER, "erp");
}

#define ENGINE_TEST(name)                                                      \
    cmocka_unit_test_setup_teardown(name, kit_setup, kit_teardown)

#endif
