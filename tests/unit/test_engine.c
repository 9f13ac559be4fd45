/* links: connect_flow connect_store connect_config connect_sdk connect_base */
/* The engine over a real store in inline mode, with hand-driven instances and a
 * clock of its own: what is sent, when, how often, and what is stored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "flow/engine.h"

enum { OPS_MAX = 256, DAY_MS = 24 * 3600 * 1000 };

struct open_op { /* an operation the engine began and nobody ended yet */
    uint64_t number;
    enum op_kind kind;
    char instance[64], what[64];
    char body[4096];
    op_ended_fn *fn;
    void *arg;
};

struct world {
    char directory[64];
    int64_t now_ms;
    struct clock clock;
    struct store *store;
    struct record_types *types;
    struct engine *engine;
    struct open_op ops[OPS_MAX];
    size_t op_count;
    uint64_t next_op;
    uint32_t room;
    int accept_status;
    size_t accepted, duplicates;
    int act_status;
    enum run_state state; /* of the run last read */
    char reason[1024];
    char committed[64]; /* cursor told to the source */
};

static int64_t world_now(void *arg)
{
    return ((struct world *)arg)->now_ms;
}

static int world_op_start(void *arg, const struct op_request *request,
                          op_ended_fn *fn, void *fn_arg, uint64_t *ret_op,
                          struct error *err)
{
    struct world *world = arg;
    struct open_op *op = &world->ops[world->op_count++];
    cn_str body =
        request->kind == OP_CALL ? request->body : request->record.body;

    (void)err;
    assert_true(world->op_count <= OPS_MAX);
    memset(op, 0, sizeof(*op));
    op->number = *ret_op = ++world->next_op;
    op->kind = request->kind;
    op->fn = fn;
    op->arg = fn_arg;
    snprintf(op->instance, sizeof(op->instance), "%s", request->instance);
    snprintf(op->what, sizeof(op->what), "%s",
             request->kind == OP_CALL ? request->action : request->record.type);
    if (request->kind == OP_POLL)
        body = request->cursor;
    snprintf(op->body, sizeof(op->body), "%.*s", (int)body.len, body.ptr);
    return 0;
}

static void world_op_cancel(void *arg, uint64_t op)
{
    (void)arg;
    (void)op;
}

static void world_op_commit(void *arg, const char *instance, cn_str cursor)
{
    struct world *world = arg;

    (void)instance;
    snprintf(world->committed, sizeof(world->committed), "%.*s",
             (int)cursor.len, cursor.ptr);
}

static uint32_t world_op_room(void *arg, const char *instance)
{
    (void)instance;
    return ((struct world *)arg)->room;
}

static int world_jq(void *arg, const char *program, const char *input,
                    size_t len, ports_jq_fn *fn, void *fn_arg)
{
    (void)arg, (void)program, (void)input, (void)len, (void)fn, (void)fn_arg;
    return -1;
}

static void world_wake_at(void *arg, int64_t steady_ms)
{
    (void)arg;
    (void)steady_ms;
}

static uint64_t world_random(void *arg)
{
    (void)arg;
    return 12345;
}

static void world_store_failed(void *arg)
{
    (void)arg;
    fail_msg("the store failed");
}

static void settle(struct world *world)
{
    /* Inline: each drain does what is queued; a commit's answer may queue the
     * next, so a few rounds reach rest. */
    for (int round = 0; round < 50; round++)
        store_drain(world->store);
}

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

static void open_world(struct world *world)
{
    struct error err = {""};
    struct definition *flow = NULL;
    struct store_options store = {
        .directory = world->directory,
        .owner = "test",
        .clock = &world->clock,
        .inline_mode = true,
    };
    struct engine_options engine = {
        .ports = {world_op_start, world_op_cancel, world_op_commit,
                  world_op_room, world_jq, world_wake_at, world_random,
                  world_store_failed, world},
        .types = world->types,
        .limits = {.attempts_max = 5,
                   .retry_after_max_ms = 900000,
                   .delay_first_ms = 1000,
                   .delay_max_ms = 60000,
                   .hold_ms = 900000},
        .event_keep_ms = 400LL * DAY_MS,
    };

    if (store_open(&store, &world->store, &err))
        fail_msg("%s", err.text);
    engine.store = world->store;
    world->engine = engine_create(&engine);
    if (definition_create("won.json", flow_text, sizeof(flow_text) - 1, NULL,
                          world->types, &flow, &err))
        fail_msg("%s", err.text);
    assert_int_equal(engine_add_flow(world->engine, flow), 0);
    definition_release(flow);
    engine_wake(world->engine);
    settle(world);
}

static void close_world(struct world *world)
{
    store_close(world->store);
    engine_destroy(world->engine);
}

static int setup(void **state)
{
    struct world *world = calloc(1, sizeof(*world));
    struct error err = {""};

    snprintf(world->directory, sizeof(world->directory),
             "/tmp/test-engine-XXXXXX");
    assert_non_null(mkdtemp(world->directory));
    world->now_ms = 1000000;
    world->clock = (struct clock){world_now, world_now, world};
    world->room = 4;
    world->types = record_types_create();
    if (record_types_load(world->types, CONNECT_SOURCE_DIR "/config/records",
                          &err))
        fail_msg("%s", err.text);
    open_world(world);
    *state = world;
    return 0;
}

static int teardown(void **state)
{
    struct world *world = *state;
    char command[128];

    close_world(world);
    record_types_destroy(world->types);
    snprintf(command, sizeof(command), "%s", world->directory);
    for (const char *const *name =
             (const char *const[]){"connect.db", "connect.db-wal",
                                   "connect.db-shm", "lookup.key",
                                   "connect.reserve", NULL};
         *name; name++) {
        char path[200];
        snprintf(path, sizeof(path), "%s/%s", world->directory, *name);
        unlink(path);
    }
    rmdir(world->directory);
    free(world);
    return 0;
}

static void note_accepted(void *arg, int status, size_t accepted,
                          size_t duplicates)
{
    struct world *world = arg;

    world->accept_status = status;
    world->accepted += accepted;
    world->duplicates += duplicates;
}

static void accept_event(struct world *world, const char *id, const char *box)
{
    char body[256];
    struct op_record record = {
        .type = "box_event/1",
        .id = {id, strlen(id)},
        .key = {box, strlen(box)},
        .time_ms = world->now_ms,
    };
    struct engine_accept accept = {
        .origin = "crm", .records = &record, .record_count = 1};

    snprintf(body, sizeof(body), "{\"box\":\"%s\"}", box);
    record.body = (cn_str){body, strlen(body)};
    assert_int_equal(
        engine_accept(world->engine, &accept, note_accepted, world), 0);
    settle(world);
}

/* The only open operation; ended by the test with one of the calls below. */
static struct open_op take_op(struct world *world, enum op_kind kind,
                              const char *instance)
{
    struct open_op op;

    assert_int_equal(world->op_count, 1);
    op = world->ops[0];
    world->op_count = 0;
    assert_int_equal(op.kind, kind);
    assert_string_equal(op.instance, instance);
    return op;
}

static void end_op(struct world *world, const struct open_op *op,
                   cn_status status, bool answered, const char *text)
{
    struct op_outcome outcome = {
        .kind = op->kind,
        .status = status,
        .answered = answered,
        .message = status == CN_OK ? "" : text,
    };

    if (status == CN_OK)
        outcome.body = (cn_str){text, strlen(text)};
    op->fn(op->arg, op->number, &outcome);
    settle(world);
}

static const char deal_won[] =
    "{\"key\":\"box1\",\"stage\":\"Closed-Won\",\"fields\":{\"Customer\":"
    "\"0001207\",\"Lines\":\"A100; 3; 149.9\\nB200; 10; 12.50\"}}";

static void answer_deal(struct world *world, const char *deal)
{
    struct open_op op = take_op(world, OP_CALL, "crm");

    end_op(world, &op, CN_OK, true, deal);
}

static void run_was_read(void *arg, int status, const struct store_rows *rows)
{
    struct world *world = arg;

    assert_int_equal(status, 0);
    assert_true(rows->run_count >= 1);
    world->state = rows->runs[0].state;
    snprintf(world->reason, sizeof(world->reason), "%s",
             rows->runs[0].reason ? rows->runs[0].reason : "");
}

static enum run_state run_state_of(struct world *world, uint64_t run)
{
    struct store_query query = {.kind = STORE_QUERY_RUN, .run = run};

    assert_int_equal(store_query(world->store, &query, run_was_read, world), 0);
    settle(world);
    return world->state;
}

static void advance(struct world *world, int64_t ms)
{
    world->now_ms += ms;
    engine_wake(world->engine);
    settle(world);
}

static void test_deal_becomes_order(void **state)
{
    struct world *world = *state;
    struct open_op op;

    accept_event(world, "e1", "box1");
    assert_int_equal(world->accepted, 1);
    answer_deal(world, deal_won);
    op = take_op(world, OP_DELIVER, "erp");
    assert_string_equal(op.what, "sales_order/1");
    assert_non_null(strstr(op.body, "\"price\":\"149.90000\""));
    assert_non_null(strstr(op.body, "\"quantity\":\"10\""));
    end_op(world, &op, CN_OK, true, "{\"number\":\"015574\"}");
    op = take_op(world, OP_DELIVER, "crm");
    assert_non_null(strstr(op.body, "\"Order\":\"015574\""));
    end_op(world, &op, CN_OK, true, "{}");
    assert_int_equal(world->op_count, 0);
    assert_int_equal(run_state_of(world, 1), RUN_DONE);
}

static void test_other_stage_ends_quietly(void **state)
{
    struct world *world = *state;

    accept_event(world, "e1", "box1");
    answer_deal(world, "{\"key\":\"box1\",\"stage\":\"Lead\"}");
    assert_int_equal(world->op_count, 0);
    assert_int_equal(run_state_of(world, 1), RUN_DONE);
}

static void test_same_event_is_a_duplicate(void **state)
{
    struct world *world = *state;

    accept_event(world, "e1", "box1");
    accept_event(world, "e1", "box1");
    assert_int_equal(world->accepted, 1);
    assert_int_equal(world->duplicates, 1);
    assert_int_equal(world->op_count, 1);
}

/* Two events of one deal: the second waits for the first and adopts its order,
 * also when the deal changed meanwhile. */
static void test_second_event_adopts_the_order(void **state)
{
    struct world *world = *state;
    struct open_op op;

    accept_event(world, "e1", "box1");
    accept_event(world, "e2", "box1");
    answer_deal(world, deal_won);
    op = take_op(world, OP_DELIVER, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"015574\"}");
    op = take_op(world, OP_DELIVER, "crm");
    end_op(world, &op, CN_OK, true, "{}");
    answer_deal(world, "{\"key\":\"box1\",\"stage\":\"Closed-Won\",\"fields\":{"
                       "\"Customer\":\"0001207\",\"Lines\":\"A100; 4; 1\"}}");
    op = take_op(world, OP_DELIVER, "crm");
    assert_non_null(strstr(op.body, "\"Order\":\"015574\""));
    end_op(world, &op, CN_OK, true, "{}");
    assert_int_equal(world->op_count, 0);
    assert_int_equal(run_state_of(world, 2), RUN_DONE);
}

static struct open_op to_erp(struct world *world)
{
    accept_event(world, "e1", "box1");
    answer_deal(world, deal_won);
    return take_op(world, OP_DELIVER, "erp");
}

static void test_doubt_is_probed_and_adopted(void **state)
{
    struct world *world = *state;
    struct open_op op = to_erp(world);

    end_op(world, &op, CN_IN_DOUBT, false, "cut");
    assert_int_equal(world->op_count, 0);
    advance(world, 5000);
    op = take_op(world, OP_PROBE, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"015574\"}");
    op = take_op(world, OP_DELIVER, "crm");
    assert_non_null(strstr(op.body, "\"Order\":\"015574\""));
}

/* Absent counts only after the settle time; until then it is asked again. */
static void test_absent_before_settling_is_asked_again(void **state)
{
    struct world *world = *state;
    struct open_op op = to_erp(world);

    end_op(world, &op, CN_IN_DOUBT, false, "cut");
    advance(world, 5000);
    op = take_op(world, OP_PROBE, "erp");
    end_op(world, &op, CN_ABSENT, true, "");
    assert_int_equal(world->op_count, 0);
    advance(world, 70000);
    op = take_op(world, OP_PROBE, "erp");
    end_op(world, &op, CN_ABSENT, true, "");
    op = take_op(world, OP_DELIVER, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"7\"}");
    op = take_op(world, OP_DELIVER, "crm");
}

static void note_acted(void *arg, int status)
{
    ((struct world *)arg)->act_status = status;
}

/* What is there is not what was sent: a person looks; a retry asks again and
 * sends nothing. */
static void test_probe_that_finds_something_else_parks(void **state)
{
    struct world *world = *state;
    struct open_op op = to_erp(world);

    end_op(world, &op, CN_IN_DOUBT, false, "cut");
    advance(world, 5000);
    op = take_op(world, OP_PROBE, "erp");
    end_op(world, &op, CN_REJECTED, true, "exists with other amounts");
    assert_int_equal(run_state_of(world, 1), RUN_PARKED);
    assert_non_null(strstr(world->reason, "other amounts"));
    assert_int_equal(engine_act(world->engine, "me", STORE_RESTART, 1, NULL,
                                note_acted, world),
                     0);
    settle(world);
    assert_int_not_equal(world->act_status, 0);
    assert_int_equal(engine_act(world->engine, "me", STORE_RETRY, 1, NULL,
                                note_acted, world),
                     0);
    settle(world);
    (void)take_op(world, OP_PROBE, "erp");
}

static void test_outage_uses_no_attempt(void **state)
{
    struct world *world = *state;
    struct open_op op = to_erp(world);

    for (int round = 0; round < 60; round++) {
        end_op(world, &op, CN_RETRY, false, "connect refused");
        assert_int_equal(world->op_count, 0);
        advance(world, 120000);
        op = take_op(world, OP_DELIVER, "erp");
    }
    end_op(world, &op, CN_OK, true, "{\"number\":\"1\"}");
    op = take_op(world, OP_DELIVER, "crm");
    end_op(world, &op, CN_OK, true, "{}");
    assert_int_equal(run_state_of(world, 1), RUN_DONE);
}

static void test_answers_are_counted_and_parked(void **state)
{
    struct world *world = *state;
    struct open_op op = to_erp(world);

    for (int round = 0; round < 4; round++) {
        end_op(world, &op, CN_RETRY, true, "record locked");
        advance(world, 120000);
        op = take_op(world, OP_DELIVER, "erp");
    }
    end_op(world, &op, CN_RETRY, true, "record locked");
    advance(world, 120000);
    assert_int_equal(world->op_count, 0);
    assert_int_equal(run_state_of(world, 1), RUN_PARKED);
    assert_non_null(strstr(world->reason, "record locked"));
}

static void test_rejected_is_parked_then_restarted(void **state)
{
    struct world *world = *state;
    struct open_op op = to_erp(world);

    end_op(world, &op, CN_REJECTED, true, "Stock code 'A100' is invalid");
    assert_int_equal(run_state_of(world, 1), RUN_PARKED);
    assert_non_null(strstr(world->reason, "Stock code 'A100' is invalid"));
    assert_int_equal(engine_act(world->engine, "me", STORE_RESTART, 1, NULL,
                                note_acted, world),
                     0);
    settle(world);
    assert_int_equal(world->act_status, 0);
    answer_deal(world, deal_won);
    op = take_op(world, OP_DELIVER, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"2\"}");
    op = take_op(world, OP_DELIVER, "crm");
}

static void test_held_wakes_by_time_and_by_release(void **state)
{
    struct world *world = *state;
    struct open_op op = to_erp(world);

    end_op(world, &op, CN_HOLD, true, "Customer is on hold");
    assert_int_equal(run_state_of(world, 1), RUN_HELD);
    advance(world, 901000);
    op = take_op(world, OP_DELIVER, "erp");
    end_op(world, &op, CN_HOLD, true, "Customer is on hold");
    assert_int_equal(engine_act(world->engine, "me", STORE_RELEASE, 1, NULL,
                                note_acted, world),
                     0);
    settle(world);
    op = take_op(world, OP_DELIVER, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"2\"}");
    op = take_op(world, OP_DELIVER, "crm");
}

static void test_mapping_error_names_field_and_value(void **state)
{
    struct world *world = *state;

    accept_event(world, "e1", "box1");
    answer_deal(world, "{\"key\":\"box1\",\"stage\":\"Closed-Won\",\"fields\":{"
                       "\"Customer\":\"1\",\"Lines\":\"A100; 3 pcs; 1\"}}");
    assert_int_equal(run_state_of(world, 1), RUN_PARKED);
    assert_non_null(strstr(world->reason, "/lines/0/quantity"));
    assert_non_null(strstr(world->reason, "3 pcs"));
    assert_non_null(strstr(world->reason, "decimal"));
}

/* The process ends with an order on its way: after the start it is asked about,
 * never sent again. */
static void test_restart_in_sending_probes(void **state)
{
    struct world *world = *state;
    struct open_op op = to_erp(world);

    (void)op;
    close_world(world);
    open_world(world);
    advance(world, 1000);
    op = take_op(world, OP_PROBE, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"3\"}");
    op = take_op(world, OP_DELIVER, "crm");
}

static void test_restart_before_reading_reads_again(void **state)
{
    struct world *world = *state;

    accept_event(world, "e1", "box1");
    world->op_count = 0;
    close_world(world);
    open_world(world);
    answer_deal(world, deal_won);
    (void)take_op(world, OP_DELIVER, "erp");
}

static void test_no_more_at_once_than_room(void **state)
{
    struct world *world = *state;
    char id[16], box[16];

    for (int index = 0; index < 20; index++) {
        snprintf(id, sizeof(id), "e%d", index);
        snprintf(box, sizeof(box), "b%d", index);
        accept_event(world, id, box);
    }
    assert_int_equal(world->accepted, 20);
    assert_int_equal(world->op_count, 4);
    struct open_op first = world->ops[0];
    memmove(&world->ops[0], &world->ops[1], 3 * sizeof(world->ops[0]));
    world->op_count = 3;
    end_op(world, &first, CN_OK, true, "{\"key\":\"b0\",\"stage\":\"Lead\"}");
    assert_int_equal(world->op_count, 4);
}

static void deal_to_gate(struct world *world, const char *id, const char *box)
{
    char deal[256];

    snprintf(deal, sizeof(deal),
             "{\"key\":\"%s\",\"stage\":\"Closed-Won\",\"fields\":{"
             "\"Customer\":\"0001207\",\"Lines\":\"A100; 3; 149.9\"}}",
             box);
    accept_event(world, id, box);
    answer_deal(world, deal);
}

/* Deals whose order would go to a system that takes one at a time: the first is
 * being delivered, the others have come as far as the gate. */
static struct open_op three_at_a_full_gate(struct world *world)
{
    struct open_op first;

    world->room = 1;
    engine_instance_changed(world->engine, "crm");
    engine_instance_changed(world->engine, "erp");
    settle(world);
    deal_to_gate(world, "e1", "box1");
    first = take_op(world, OP_DELIVER, "erp");
    deal_to_gate(world, "e2", "box2");
    deal_to_gate(world, "e3", "box3");
    assert_int_equal(world->op_count, 0);
    return first;
}

static void test_full_gate_is_waited_for_in_memory(void **state)
{
    struct world *world = *state;
    struct open_op first = three_at_a_full_gate(world);

    assert_int_equal(run_state_of(world, 2), RUN_ACTIVE);
    assert_int_equal(run_state_of(world, 3), RUN_ACTIVE);
    end_op(world, &first, CN_OK, true, "{\"sales_order\":\"1\"}");
    (void)take_op(world, OP_DELIVER, "erp");
}

static void test_who_waits_in_memory_goes_back_at_an_outage(void **state)
{
    struct world *world = *state;
    struct open_op first = three_at_a_full_gate(world);

    end_op(world, &first, CN_RETRY, false, "no answer");
    assert_int_equal(world->op_count, 0);
    assert_int_equal(run_state_of(world, 1), RUN_READY);
    assert_int_equal(run_state_of(world, 3), RUN_READY);
    assert_int_equal(engine_active_count(world->engine), 0);
}

/* The identity of an event is known for 400 days, and then forgotten. */
static void test_old_events_are_forgotten(void **state)
{
    struct world *world = *state;

    accept_event(world, "e1", "box1");
    world->op_count = 0;
    advance(world, 399LL * DAY_MS);
    accept_event(world, "e1", "box1");
    assert_int_equal(world->duplicates, 1);
    advance(world, 2LL * DAY_MS);
    accept_event(world, "e1", "box1");
    assert_int_equal(world->duplicates, 1);
    assert_int_equal(world->accepted, 2);
}

static void value_was_read(void *arg, int status, const struct store_rows *rows)
{
    struct world *world = arg;

    assert_int_equal(status, 0);
    assert_int_equal(rows->value_count, 1);
    snprintf(world->committed, sizeof(world->committed), "%s=%.*s",
             rows->values[0].name, (int)rows->values[0].value.len,
             rows->values[0].value.ptr);
}

/* What a plugin puts through connect.state/1 is stored with the outcome. */
static void test_values_are_stored_with_the_outcome(void **state)
{
    struct world *world = *state;
    struct op_value value = {"session", {"s1", 2}};
    struct op_outcome outcome = {.kind = OP_CALL,
                                 .status = CN_OK,
                                 .answered = true,
                                 .message = "",
                                 .body = {deal_won, sizeof(deal_won) - 1},
                                 .values = &value,
                                 .value_count = 1};
    struct store_query query = {.kind = STORE_QUERY_STATE, .instance = "crm"};
    struct open_op op;

    accept_event(world, "e1", "box1");
    op = take_op(world, OP_CALL, "crm");
    op.fn(op.arg, op.number, &outcome);
    settle(world);
    assert_int_equal(store_query(world->store, &query, value_was_read, world),
                     0);
    settle(world);
    assert_string_equal(world->committed, "session=s1");
}

/* A page and its cursor are stored together; the next poll goes on from there,
 * also after a restart. */
static void test_poll_goes_on_from_the_stored_cursor(void **state)
{
    struct world *world = *state;
    struct op_record record = {.type = "box_event/1",
                               .id = {"p1", 2},
                               .key = {"box1", 4},
                               .body = {"{\"box\":\"box1\"}", 14}};
    struct op_outcome page = {.kind = OP_POLL,
                              .status = CN_OK,
                              .message = "",
                              .cursor = {"c1", 2},
                              .records = &record,
                              .record_count = 1};
    struct open_op op;

    engine_add_source(world->engine, "crm", "boxes", 60000);
    advance(world, 1);
    op = take_op(world, OP_POLL, "crm");
    assert_string_equal(op.body, "");
    op.fn(op.arg, op.number, &page);
    settle(world);
    assert_string_equal(world->committed, "c1");
    (void)take_op(world, OP_CALL, "crm"); /* the record's run */
    advance(world, 59000);
    assert_int_equal(world->op_count, 0);
    close_world(world);
    open_world(world);
    world->op_count = 0;
    engine_add_source(world->engine, "crm", "boxes", 60000);
    advance(world, 1);
    op = take_op(world, OP_POLL, "crm");
    assert_string_equal(op.body, "c1");
}

#define ENGINE_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(test_deal_becomes_order),
        ENGINE_TEST(test_other_stage_ends_quietly),
        ENGINE_TEST(test_same_event_is_a_duplicate),
        ENGINE_TEST(test_second_event_adopts_the_order),
        ENGINE_TEST(test_doubt_is_probed_and_adopted),
        ENGINE_TEST(test_absent_before_settling_is_asked_again),
        ENGINE_TEST(test_probe_that_finds_something_else_parks),
        ENGINE_TEST(test_outage_uses_no_attempt),
        ENGINE_TEST(test_answers_are_counted_and_parked),
        ENGINE_TEST(test_rejected_is_parked_then_restarted),
        ENGINE_TEST(test_held_wakes_by_time_and_by_release),
        ENGINE_TEST(test_mapping_error_names_field_and_value),
        ENGINE_TEST(test_restart_in_sending_probes),
        ENGINE_TEST(test_restart_before_reading_reads_again),
        ENGINE_TEST(test_no_more_at_once_than_room),
        ENGINE_TEST(test_full_gate_is_waited_for_in_memory),
        ENGINE_TEST(test_who_waits_in_memory_goes_back_at_an_outage),
        ENGINE_TEST(test_poll_goes_on_from_the_stored_cursor),
        ENGINE_TEST(test_old_events_are_forgotten),
        ENGINE_TEST(test_values_are_stored_with_the_outcome),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
