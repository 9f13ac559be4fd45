/* links: connect_flow connect_store connect_config connect_sdk connect_base */
/* Sequences of events that once sent twice, forgot a run, blocked an instance
 * or ended the process; each was found by reading or by random events. */
#include "engine_world.h"

#include "store/opening.h"

#define CALL_DEAL                                                              \
    "{\"name\":\"deal\",\"call\":\"read_deal\",\"on\":\"crm\",\"with\":[{"     \
    "\"to\":\"/box\",\"from\":\"/trigger/box\"}]},"

#define SAY(name, id)                                                          \
    "{\"name\":\"" name "\",\"deliver\":\"activity/1\",\"to\":\"erp\","        \
    "\"body\":[{\"to\":\"/external_id\",\"from\":\"" id "\"},{\"to\":"         \
    "\"/deal\",\"from\":\"/trigger/box\"},{\"to\":\"/text\",\"value\":"        \
    "\"hello\"}]}"

#define FLOW(name, steps)                                                      \
    "{\"flow\":\"" name "\",\"trigger\":{\"instance\":\"crm\",\"type\":"       \
    "\"box_event/1\"},\"steps\":[" steps "]}"

static const char say_flow[] = FLOW("say", CALL_DEAL SAY("say", "/deal/id"));
static const char other_flow[] =
    FLOW("other", CALL_DEAL SAY("say", "/deal/id"));
static const char newer_flow[] =
    FLOW("say", CALL_DEAL SAY("say", "/deal/id") "," SAY("more", "/deal/more"));

static void open_with(struct world *world, const char *flow)
{
    world_open(world);
    world_add_flow(world, flow);
    engine_wake(world->engine);
    world_settle(world);
}

static int setup(void **state)
{
    *state = world_create(1);
    return 0;
}

static int teardown(void **state)
{
    world_destroy(*state);
    return 0;
}

static void happen(struct world *world, const char *id, const char *box)
{
    assert_int_equal(world_accept(world, id, box), 0);
    world_settle(world);
}

static void end(struct world *world, cn_status status, bool answered,
                const char *text)
{
    struct op_outcome outcome = {.status = status, .answered = answered};

    assert_true(world->op_count > 0);
    world_end(world, 0, &outcome, text);
    world_settle(world);
}

static void expect(const struct world *world, enum op_kind kind,
                   const char *instance)
{
    assert_int_equal(world->op_count, 1);
    assert_int_equal(world->ops[0].kind, kind);
    assert_string_equal(world->ops[0].instance, instance);
}

static const char deal[] = "{\"id\":\"remark1\",\"more\":\"remark2\"}";

/* ---- Accepting and reloading --------------------------------------------- */

/* The runs of a duplicate are those of then; there were more flows then. */
static void test_duplicate_after_a_flow_is_gone(void **state)
{
    struct world *world = *state;

    open_with(world, say_flow);
    world_add_flow(world, other_flow);
    happen(world, "e1", "box1");
    assert_int_equal(world->op_count, 2);
    engine_begin_flows(world->engine);
    engine_end_flows(world->engine);
    happen(world, "e1", "box1");
    assert_int_equal(world->duplicates, 1);
}

static int no_room(struct world *world, bool *ret_now)
{
    (void)world;
    *ret_now = true;
    return -EAGAIN;
}

static int disk_full(struct world *world, bool *ret_now)
{
    (void)world;
    *ret_now = false;
    return -ENOSPC;
}

/* The store takes nothing while flows are loaded: they are there all the same,
 * and their text is stored with the first event. */
static void test_reload_while_the_store_is_full(void **state)
{
    struct world *world = *state;

    world_open(world);
    world->fail_commit = no_room;
    engine_begin_flows(world->engine);
    world_add_flow(world, say_flow);
    world_add_flow(world, other_flow);
    engine_end_flows(world->engine);
    world->fail_commit = NULL;
    happen(world, "e1", "box1");
    assert_int_equal(world->op_count, 2);
    world_close(world);
    open_with(world, newer_flow);
    world_advance(world, 2000);
    assert_int_equal(world->op_count, 2); /* both versions were stored */
}

/* That a text cannot be read just now parks nobody. */
static void test_version_that_cannot_be_read_now(void **state)
{
    struct world *world = *state;

    open_with(world, say_flow);
    happen(world, "e1", "box1");
    world_close(world);
    world->fail_query = no_room;
    open_with(world, newer_flow);
    world->fail_query = disk_full;
    world_advance(world, 2000);
    assert_int_equal(world->op_count, 0);
    assert_int_equal(world_state(world, 1), RUN_READY);
    world->fail_query = NULL;
    world_advance(world, 31000);
    expect(world, OP_CALL, "crm");
}

/* ---- Gates --------------------------------------------------------------- */

/* An intent that finds no room in the queue keeps no slot. */
static void test_intent_without_room_keeps_no_slot(void **state)
{
    struct world *world = *state;

    world->room_erp = 1;
    open_with(world, say_flow);
    happen(world, "e1", "box1");
    for (int round = 0; round < 3; round++) {
        struct op_outcome outcome = {.status = CN_OK, .answered = true};
        world->fail_commit = no_room;
        world_end(world, 0, &outcome, deal);
        world_settle(world);
        world->fail_commit = NULL;
        world_advance(world, 5000);
        expect(world, OP_CALL, "crm"); /* it was not stored: asked again */
    }
    end(world, CN_OK, true, deal);
    expect(world, OP_DELIVER, "erp");
}

static int refuse_calls(struct world *world, const struct op_request *request)
{
    (void)world;
    return request && request->kind == OP_CALL ? -EINVAL : 0;
}

/* Thousands wait for a slot and none can use it: they do not pile up on the
 * stack. */
static void test_many_refused_at_one_gate(void **state)
{
    struct world *world = *state;
    char id[16], box[16];

    world->room_crm = 1;
    world->runs_active_max = 4000;
    open_with(world, say_flow);
    for (int index = 0; index < 4000; index++) {
        snprintf(id, sizeof(id), "e%d", index);
        snprintf(box, sizeof(box), "b%d", index);
        assert_int_equal(world_accept(world, id, box), 0);
        if (index % 500 == 0)
            world_settle(world);
    }
    world_settle(world);
    world->fail_start = refuse_calls;
    end(world, CN_REJECTED, true, "no");
    world_advance(world, 60000);
    assert_int_equal(world->op_count, 0);
    assert_int_equal(world_state(world, 4000), RUN_PARKED);
}

/* A run is due and its instance does not run: the engine sleeps. */
static void test_due_without_room_sleeps(void **state)
{
    struct world *world = *state;

    open_with(world, say_flow);
    happen(world, "e1", "box1");
    end(world, CN_RETRY, true, "later");
    world->room_crm = 0;
    engine_instance_changed(world->engine, "crm");
    world_settle(world);
    world_advance(world, 3600000);
    world_advance(world, 1);
    assert_true(world->wake_ms - world->now_ms >= 1000);
    world->room_crm = 4;
    engine_instance_changed(world->engine, "crm");
    world_settle(world);
    expect(world, OP_CALL, "crm");
}

/* A slot that became free is used at once for what waits in the store, though
 * the run that had it goes on elsewhere. */
static void test_free_slot_claims_at_once(void **state)
{
    struct world *world = *state;
    char id[16], text[64];

    world->room_crm = 0;
    world->room_erp = 8;
    open_with(world, say_flow);
    for (int index = 0; index < 6; index++) {
        snprintf(id, sizeof(id), "e%d", index);
        happen(world, id, id);
    }
    world->room_crm = 1;
    engine_instance_changed(world->engine, "crm");
    world_settle(world);
    for (size_t index = 0; index < 6; index++) {
        assert_int_equal(world->op_count, index + 1);
        assert_int_equal(world->ops[index].kind, OP_CALL);
        snprintf(text, sizeof(text), "{\"id\":\"remark%zu\"}", index);
        struct op_outcome outcome = {.status = CN_OK, .answered = true};
        world_end(world, index, &outcome, text);
        world_settle(world);
        /* The delivery stands before the next call. */
        if (world->ops[index].kind == OP_CALL) {
            struct world_op call = world->ops[index];
            world->ops[index] = world->ops[index + 1];
            world->ops[index + 1] = call;
        }
    }
}

/* ---- At most one --------------------------------------------------------- */

/* A request that was open for long has just been given up: an absence counts
 * only after the settle time from now. */
static void test_settle_counts_from_the_doubt(void **state)
{
    struct world *world = *state;

    open_with(world, say_flow);
    happen(world, "e1", "box1");
    end(world, CN_OK, true, deal);
    world->now_ms += 300000;
    expect(world, OP_DELIVER, "erp");
    end(world, CN_IN_DOUBT, true, "cut");
    world_advance(world, 3000);
    expect(world, OP_PROBE, "erp");
    end(world, CN_ABSENT, true, "");
    world_advance(world, 30000);
    assert_int_equal(world->op_count, 0);
    world_advance(world, 40000);
    expect(world, OP_PROBE, "erp");
    end(world, CN_ABSENT, true, "");
    expect(world, OP_DELIVER, "erp");
}

/* The same over a crash: the doubt begins with the start. */
static void test_settle_counts_from_the_start(void **state)
{
    struct world *world = *state;

    open_with(world, say_flow);
    happen(world, "e1", "box1");
    end(world, CN_OK, true, deal);
    world->now_ms += 300000;
    world_crash(world);
    open_with(world, say_flow);
    world_advance(world, 1000);
    expect(world, OP_PROBE, "erp");
    end(world, CN_ABSENT, true, "");
    assert_int_equal(world->op_count, 0);
}

/* A start that is told of a wrong time of day: what it takes for the time that
 * has passed settles nothing. */
static void test_settle_counts_no_time_of_day(void **state)
{
    struct world *world = *state;

    open_with(world, say_flow);
    happen(world, "e1", "box1");
    end(world, CN_OK, true, deal);
    end(world, CN_IN_DOUBT, true, "cut");
    world->now_ms += 1000;
    world_crash(world);
    world->wall_ahead_ms = 3600000;
    open_with(world, say_flow);
    world_advance(world, 2000);
    expect(world, OP_PROBE, "erp");
    end(world, CN_ABSENT, true, "");
    assert_int_equal(world->op_count, 0);
    world_advance(world, 60000);
    expect(world, OP_PROBE, "erp");
    end(world, CN_ABSENT, true, "");
    expect(world, OP_DELIVER, "erp");
}

/* A target that has no name for what it made: there is still one of it. */
static void test_no_reference_is_no_absence(void **state)
{
    struct world *world = *state;

    open_with(world, say_flow);
    happen(world, "e1", "box1");
    end(world, CN_OK, true, deal);
    end(world, CN_OK, true, "");
    assert_int_equal(world_state(world, 1), RUN_DONE);
    happen(world, "e2", "box1");
    end(world, CN_OK, true, deal);
    assert_int_equal(world->op_count, 0);
    assert_int_equal(world_state(world, 2), RUN_DONE);
}

static int second_fails(struct world *world, bool *ret_now)
{
    size_t *left = world->arg;

    *ret_now = false;
    return *left > 0 && --*left == 0 ? -ENOSPC : 0;
}

/* Its turn came, it adopted what the one before had made, and the commit after
 * failed: it goes on with what it adopted. */
static void test_adopted_and_then_lost(void **state)
{
    struct world *world = *state;

    for (size_t at = 1; at < 12; at++) {
        char first[16], second[16], box[16], other[16], text[96];
        size_t left = 0;
        world->op_count = 0;
        if (world->engine)
            world_close(world);
        open_with(world, newer_flow);
        snprintf(first, sizeof(first), "e%zu", at);
        snprintf(second, sizeof(second), "f%zu", at);
        snprintf(box, sizeof(box), "b%zu", at);
        snprintf(other, sizeof(other), "c%zu", at);
        snprintf(text, sizeof(text), "{\"id\":\"one%zu\",\"more\":\"two%zu\"}",
                 at, at);
        happen(world, first, box);
        happen(world, second, other);
        end(world, CN_OK, true, text);
        end(world, CN_OK, true, text);
        expect(world, OP_DELIVER, "erp");
        world->arg = &left;
        left = at;
        world->fail_commit = second_fails;
        end(world, CN_OK, true, "{\"number\":\"1\"}");
        for (int round = 0; round < 40; round++) {
            world_advance(world, 40000);
            while (world->op_count)
                end(world, CN_OK, true,
                    world->ops[0].kind == OP_CALL ? text
                                                  : "{\"number\":\"1\"}");
        }
        world->fail_commit = NULL;
        assert_int_equal(world_state(world, 2 * at - 1), RUN_DONE);
        assert_int_equal(world_state(world, 2 * at), RUN_DONE);
    }
}

static void add_type(struct world *world, const char *repeat,
                     const char *existing)
{
    char text[512];
    struct error err = {""};
    cJSON *records;

    snprintf(text, sizeof(text),
             "[{\"type\":\"acme.pay/1\",\"title\":\"Payment\",\"key\":\"/id\","
             "\"repeat\":\"%s\",\"existing\":\"%s\",\"schema\":{\"type\":"
             "\"object\",\"required\":[\"id\"],\"properties\":{\"id\":{"
             "\"type\":\"string\",\"minLength\":1,\"maxLength\":64}}}}]",
             repeat, existing);
    records = cJSON_Parse(text);
    if (record_types_add(world->types, "com.acme", records, &err))
        fail_msg("%s", err.text);
    cJSON_Delete(records);
}

static void add_payment(struct world *world)
{
    add_type(world, "never", "adopt");
}

#define PAY(more)                                                              \
    FLOW("pay",                                                                \
         "{\"name\":\"pay\",\"deliver\":\"acme.pay/1\",\"to\":\"erp\","        \
         "\"body\":[{\"to\":\"/id\",\"from\":\"/trigger/box\"}]" more "}")

/* What must never be repeated is sent again by a person only. */
static void test_never_is_for_a_person(void **state)
{
    struct world *world = *state;

    add_payment(world);
    open_with(world, PAY(""));
    happen(world, "e1", "box1");
    end(world, CN_IN_DOUBT, true, "cut");
    world_advance(world, 70000);
    expect(world, OP_PROBE, "erp");
    end(world, CN_ABSENT, true, "");
    assert_int_equal(world->op_count, 0);
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    assert_string_equal(world->code, "absent");
    assert_int_equal(world_act(world, STORE_RETRY, 1), 0);
    expect(world, OP_DELIVER, "erp");
    end(world, CN_OK, true, "{}");
    assert_int_equal(world_state(world, 1), RUN_DONE);
}

#define PAY_NEWEST                                                             \
    "{\"flow\":\"pay\",\"newer\":\"overtakes\",\"trigger\":{\"instance\":"     \
    "\"crm\",\"type\":\"box_event/1\"},\"steps\":[{\"name\":\"pay\","          \
    "\"deliver\":\"acme.pay/1\",\"to\":\"erp\",\"body\":[{\"to\":\"/id\","     \
    "\"from\":\"/trigger/box\"}]}]}"

/* A newer event does not decide in a person's place. */
static void test_never_is_not_overtaken(void **state)
{
    struct world *world = *state;

    add_payment(world);
    open_with(world, PAY_NEWEST);
    happen(world, "e1", "box1");
    end(world, CN_IN_DOUBT, true, "cut");
    world_advance(world, 70000);
    end(world, CN_ABSENT, true, "");
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    assert_string_equal(world->code, "absent");
    happen(world, "e2", "box1");
    assert_int_equal(world->op_count, 0);
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    assert_int_equal(world_state(world, 2), RUN_QUEUED);
    assert_int_equal(world_act(world, STORE_DISCARD, 1), 0);
    expect(world, OP_DELIVER, "erp");
}

static int no_probe(struct world *world, const struct op_request *request)
{
    (void)world;
    return request && request->kind == OP_PROBE ? -ENOTSUP : 0;
}

/* Nobody can find out: parked, unless the flow says that twice is well. */
static void test_doubt_that_nobody_can_settle(void **state)
{
    struct world *world = *state;

    add_payment(world);
    world->fail_start = no_probe;
    open_with(world, PAY(""));
    happen(world, "e1", "box1");
    end(world, CN_IN_DOUBT, true, "cut");
    world_advance(world, 70000);
    assert_int_equal(world->op_count, 0);
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    engine_begin_flows(world->engine);
    world_add_flow(world, PAY(",\"accept_doubles\":true"));
    engine_end_flows(world->engine);
    happen(world, "e2", "box2");
    end(world, CN_IN_DOUBT, true, "cut");
    world_advance(world, 70000);
    expect(world, OP_DELIVER, "erp");
    end(world, CN_OK, true, "{}");
    assert_int_equal(world_state(world, 2), RUN_DONE);
}

/* What is in doubt each time: how often is it sent until it is parked, when a
 * question is answered "absent"? */
static int sent_until_parked(struct world *world, int64_t step_ms)
{
    int sent = 0;

    for (int round = 0; round < 200; round++) {
        while (world->op_count) {
            bool probe = world->ops[0].kind == OP_PROBE;
            sent += !probe;
            end(world, probe ? CN_ABSENT : CN_IN_DOUBT, probe, "500");
        }
        world_advance(world, step_ms);
    }
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    return sent;
}

static bool doubt_alert;

static void doubt_read(void *arg, int status, const struct store_rows *rows)
{
    (void)arg;
    assert_int_equal(status, 0);
    doubt_alert = false;
    for (size_t index = 0; index < rows->alert_count; index++)
        doubt_alert |= !strcmp(rows->alerts[index].cause, "doubt:1");
}

/* Is there an alert of a doubt of the first run? */
static bool doubts(struct world *world)
{
    struct store_query query = {.kind = STORE_QUERY_ALERTS};

    assert_int_equal(__real_store_query(world->store, &query, doubt_read, NULL),
                     0);
    world_settle(world);
    return doubt_alert;
}

static void settled(void *arg, int status, const struct error *err)
{
    (void)err;
    ((struct world *)arg)->act_status = status;
}

static int settle_as(struct world *world, bool happened)
{
    if (engine_settle(world->engine, "me", 1, happened, (cn_str){"{}", 2},
                      "test", settled, world))
        return -EAGAIN;
    world_settle(world);
    return world->act_status;
}

/* Each sending may have made one: there are five, whatever the answers. */
static void test_doubt_without_end_is_parked(void **state)
{
    struct world *world = *state;

    open_with(world, say_flow);
    happen(world, "e1", "box1");
    end(world, CN_OK, true, deal);
    assert_int_equal(sent_until_parked(world, 30000), 5);
    assert_string_equal(world->code, "not_arriving");
    assert_false(doubts(world));
    assert_int_equal(world_act(world, STORE_RETRY, 1), 0);
    expect(world, OP_DELIVER, "erp");
    end(world, CN_OK, true, "{\"number\":\"1\"}");
    assert_int_equal(world_state(world, 1), RUN_DONE);
}

static void test_doubles_are_counted(void **state)
{
    struct world *world = *state;

    add_payment(world);
    world->fail_start = no_probe;
    open_with(world, PAY(",\"accept_doubles\":true"));
    happen(world, "e1", "box1");
    assert_int_equal(sent_until_parked(world, 30000), 5);
    assert_string_equal(world->code, "in_doubt");
    assert_true(doubts(world));
    assert_int_equal(settle_as(world, true), 0);
    assert_int_equal(world_state(world, 1), RUN_DONE);
    assert_false(doubts(world));
}

/* Also when the plugin finds out only when it is asked. */
static void test_doubles_after_asking_are_counted(void **state)
{
    struct world *world = *state;
    int sent = 0;

    add_payment(world);
    open_with(world, PAY(",\"accept_doubles\":true"));
    happen(world, "e1", "box1");
    for (int round = 0; round < 100; round++) {
        while (world->op_count) {
            bool probe = world->ops[0].kind == OP_PROBE;
            sent += !probe;
            end(world, probe ? CN_UNSUPPORTED : CN_IN_DOUBT, probe, "500");
        }
        world_advance(world, 30000);
    }
    assert_int_equal(sent, 5);
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    assert_true(doubts(world));
}

/* What may be repeated safely is parked when it is what fails, ... */
static void test_safe_is_counted(void **state)
{
    struct world *world = *state;
    int sent = 0;

    add_type(world, "safe", "send");
    open_with(world, PAY(""));
    happen(world, "e1", "box1");
    for (int round = 0; round < 100; round++) {
        while (world->op_count) {
            sent++;
            end(world, CN_IN_DOUBT, true, "cannot be read");
        }
        world_advance(world, 30000);
    }
    assert_int_equal(sent, 5);
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    assert_string_equal(world->code, "in_doubt");
    assert_true(doubts(world));
    assert_int_equal(world_act(world, STORE_RETRY, 1), 0);
    expect(world, OP_DELIVER, "erp");
    end(world, CN_OK, true, "{}");
    assert_int_equal(world_state(world, 1), RUN_DONE);
    assert_false(doubts(world));
}

/* ... and not when nothing of its instance is answered; people hear of it. */
static void test_safe_outlasts_an_outage(void **state)
{
    struct world *world = *state;

    add_type(world, "safe", "send");
    open_with(world, PAY(""));
    for (int number = 1; number <= 4; number++) {
        char id[16];
        snprintf(id, sizeof(id), "e%d", number);
        happen(world, id, id);
    }
    for (int round = 0; round < 200; round++) {
        while (world->op_count)
            end(world, CN_IN_DOUBT, false, "504");
        world_advance(world, 30000);
    }
    for (uint64_t run = 1; run <= 4; run++)
        assert_int_not_equal(world_state(world, run), RUN_PARKED);
    assert_true(doubts(world));
    for (int round = 0; round < 20; round++) {
        while (world->op_count)
            end(world, CN_OK, true, "{}");
        world_advance(world, 60000);
    }
    for (uint64_t run = 1; run <= 4; run++)
        assert_int_equal(world_state(world, run), RUN_DONE);
    assert_false(doubts(world));
}

/* ---- A restored database ------------------------------------------------- */

static void restore(struct world *world, const char *flow)
{
    struct error err = {""};

    world_close(world);
    if (opening_mark_restored(world->directory,
                              world->now_ms + world->wall_ahead_ms, &err))
        fail_msg("%s", err.text);
    open_with(world, flow);
}

/* What is sent for each event, although it was delivered: the event may have
 * come before, after the backup. */
static void test_restored_update_is_asked_about(void **state)
{
    struct world *world = *state;

    add_type(world, "never", "send");
    open_with(world, PAY(""));
    happen(world, "e1", "box1");
    expect(world, OP_DELIVER, "erp");
    end(world, CN_OK, true, "{}");
    restore(world, PAY(""));
    happen(world, "e2", "box1");
    expect(world, OP_PROBE, "erp");
    end(world, CN_OK, true, "{}");
    assert_int_equal(world->op_count, 0);
    assert_int_equal(world_state(world, 2), RUN_DONE);
}

/* Asked about after the restore and absent: a person sends it again. */
static void test_restored_never_is_sent_by_a_person(void **state)
{
    struct world *world = *state;

    add_payment(world);
    open_with(world, PAY(""));
    happen(world, "e1", "box1");
    end(world, CN_IN_DOUBT, true, "cut");
    world_advance(world, 70000);
    end(world, CN_ABSENT, true, "");
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    restore(world, PAY(""));
    assert_int_equal(world_act(world, STORE_RETRY, 1), 0);
    world_advance(world, 70000);
    expect(world, OP_PROBE, "erp");
    end(world, CN_ABSENT, true, "");
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    assert_int_equal(world_act(world, STORE_RETRY, 1), 0);
    expect(world, OP_DELIVER, "erp");
    end(world, CN_OK, true, "{}");
    assert_int_equal(world_state(world, 1), RUN_DONE);
}

/* Twice is better than never, and once is better than twice. */
static void test_restored_asks_where_doubles_are_accepted(void **state)
{
    static const char flow[] = PAY(",\"accept_doubles\":true");
    struct world *world = *state;

    add_payment(world);
    open_with(world, flow);
    restore(world, flow);
    happen(world, "e1", "box1");
    expect(world, OP_PROBE, "erp");
    end(world, CN_OK, true, "{}");
    assert_int_equal(world_state(world, 1), RUN_DONE);
    world->fail_start = no_probe;
    happen(world, "e2", "box2");
    expect(world, OP_DELIVER, "erp");
}

/* ---- Streams ------------------------------------------------------------- */

static int gone(struct world *world, const struct op_request *request)
{
    (void)world;
    return request && request->kind == OP_POLL ? -ENOENT : 0;
}

/* A stream ends with its instance and begins again with it, at the interval it
 * has then. */
static void test_stream_of_a_removed_instance(void **state)
{
    struct world *world = *state;
    struct op_outcome page = {.kind = OP_POLL, .message = ""};

    open_with(world, say_flow);
    engine_add_source(world->engine, "crm", "boxes", 60000);
    world->fail_start = gone;
    world_advance(world, 1);
    world_advance(world, 2000);
    world->fail_start = NULL;
    world_advance(world, 3600000);
    assert_int_equal(world->op_count, 0);
    engine_add_source(world->engine, "crm", "boxes", 5000);
    world_advance(world, 1);
    expect(world, OP_POLL, "crm");
    struct world_op op = world->ops[--world->op_count];
    op.fn(op.arg, op.number, &page);
    world_settle(world);
    world_advance(world, 5000);
    expect(world, OP_POLL, "crm");
}

/* ---- Maps ---------------------------------------------------------------- */

/* What one element made in a case is not seen by the next one. */
static void test_elements_do_not_see_each_other(void **state)
{
    struct world *world = *state;
    static const char flow[] = FLOW(
        "map", CALL_DEAL
        "{\"name\":\"all\",\"map\":{\"over\":\"/deal/lines\",\"as\":\"line\","
        "\"steps\":[{\"name\":\"which\",\"switch\":[{\"when\":{\"path\":"
        "\"/line/rare\",\"exists\":true},\"steps\":[{\"name\":\"found\","
        "\"transform\":[{\"to\":\"/v\",\"from\":\"/line/rare\"}]}]}]},"
        "{\"name\":\"seen\",\"filter\":{\"path\":\"/found/v\",\"exists\":"
        "true}}," SAY("say", "/line/id") "]}}");

    open_with(world, flow);
    happen(world, "e1", "box1");
    end(world, CN_OK, true,
        "{\"lines\":[{\"id\":\"line1\",\"rare\":\"x\"},{\"id\":\"line2\"},"
        "{\"id\":\"line3\",\"rare\":\"y\"}]}");
    expect(world, OP_DELIVER, "erp");
    assert_string_equal(world->ops[0].key, "line1");
    /* Also when it is walked again in the middle of the map. */
    world_crash(world);
    open_with(world, flow);
    world_advance(world, 70000);
    expect(world, OP_PROBE, "erp");
    end(world, CN_OK, true, "{\"number\":\"1\"}");
    expect(world, OP_DELIVER, "erp");
    assert_string_equal(world->ops[0].key, "line3");
    end(world, CN_OK, true, "{\"number\":\"3\"}");
    assert_int_equal(world_state(world, 1), RUN_DONE);
}

#define FAULT_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        FAULT_TEST(test_duplicate_after_a_flow_is_gone),
        FAULT_TEST(test_reload_while_the_store_is_full),
        FAULT_TEST(test_version_that_cannot_be_read_now),
        FAULT_TEST(test_intent_without_room_keeps_no_slot),
        FAULT_TEST(test_many_refused_at_one_gate),
        FAULT_TEST(test_due_without_room_sleeps),
        FAULT_TEST(test_free_slot_claims_at_once),
        FAULT_TEST(test_settle_counts_from_the_doubt),
        FAULT_TEST(test_settle_counts_from_the_start),
        FAULT_TEST(test_settle_counts_no_time_of_day),
        FAULT_TEST(test_no_reference_is_no_absence),
        FAULT_TEST(test_adopted_and_then_lost),
        FAULT_TEST(test_never_is_for_a_person),
        FAULT_TEST(test_never_is_not_overtaken),
        FAULT_TEST(test_doubt_that_nobody_can_settle),
        FAULT_TEST(test_doubt_without_end_is_parked),
        FAULT_TEST(test_doubles_are_counted),
        FAULT_TEST(test_doubles_after_asking_are_counted),
        FAULT_TEST(test_safe_is_counted),
        FAULT_TEST(test_safe_outlasts_an_outage),
        FAULT_TEST(test_restored_update_is_asked_about),
        FAULT_TEST(test_restored_never_is_sent_by_a_person),
        FAULT_TEST(test_restored_asks_where_doubles_are_accepted),
        FAULT_TEST(test_stream_of_a_removed_instance),
        FAULT_TEST(test_elements_do_not_see_each_other),
    };

    if (count > 1) /* one of them, by name */
        cmocka_set_test_filter(arguments[1]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
