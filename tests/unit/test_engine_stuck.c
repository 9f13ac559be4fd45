/* links: connect_flow connect_store connect_config connect_sdk connect_base */
/* Runs that cannot go on as they are: they come to their end or to a person,
 * and are never tried for ever. */
#include "engine_kit.h"

#include <sqlite3.h>

static const char list_flow[] =
    "{\"flow\":\"pay\",\"trigger\":{\"instance\":\"crm\",\"type\":"
    "\"acme.list/1\"},\"steps\":[{\"name\":\"all\",\"map\":{\"over\":"
    "\"/trigger/lines\",\"as\":\"line\",\"steps\":[{\"name\":\"pay\","
    "\"deliver\":\"acme.pay/1\",\"to\":\"erp\",\"body\":[{\"to\":\"/id\","
    "\"from\":\"/line/id\"}]}]}}]}";

static const char types_text[] =
    "[{\"type\":\"acme.pay/1\",\"title\":\"Payment\",\"key\":\"/id\","
    "\"repeat\":\"probe\",\"existing\":\"adopt\",\"schema\":{\"type\":"
    "\"object\",\"required\":[\"id\"],\"properties\":{\"id\":{\"type\":"
    "\"string\",\"minLength\":1,\"maxLength\":64}}}},"
    "{\"type\":\"acme.list/1\",\"title\":\"Payments\",\"key\":\"/id\","
    "\"repeat\":\"safe\",\"existing\":\"send\",\"schema\":{\"type\":"
    "\"object\",\"required\":[\"id\"],\"properties\":{\"id\":{\"type\":"
    "\"string\",\"minLength\":1,\"maxLength\":64},\"lines\":{\"type\":"
    "\"array\",\"maxItems\":9,\"items\":{\"type\":\"object\",\"required\":"
    "[\"id\"],\"properties\":{\"id\":{\"type\":\"string\",\"minLength\":1,"
    "\"maxLength\":64}}}}}}}]";

static void open_lists(struct world *world)
{
    world_open(world);
    world_add_flow(world, list_flow);
    engine_wake(world->engine);
    world_settle(world);
}

static int setup(void **state)
{
    struct world *world = world_create(1);
    cJSON *records = cJSON_Parse(types_text);
    struct error err = {""};

    if (record_types_add(world->types, "com.acme", records, &err))
        fail_msg("%s", err.text);
    cJSON_Delete(records);
    open_lists(world);
    *state = world;
    return 0;
}

/* All in one lane. */
static void list(struct world *world, const char *id, const char *body)
{
    struct op_record record = {.type = "acme.list/1",
                               .id = {id, strlen(id)},
                               .key = {"k", 1},
                               .time_ms = world->now_ms,
                               .body = {body, strlen(body)}};
    struct engine_accept accept = {
        .origin = "crm", .records = &record, .record_count = 1};

    world->accept_open++;
    assert_int_equal(
        engine_accept(world->engine, &accept, world_accepted, world), 0);
    world_settle(world);
}

static void sent(struct world *world, cn_status status, const char *text)
{
    struct world_op op = take_op(world, OP_DELIVER, "erp");

    end_op(world, &op, status, true, text);
}

static void edited(void *arg, int status, const struct error *err)
{
    (void)err;
    *(int *)arg = status;
}

static int edit(struct world *world, const char *body)
{
    int status = -EINPROGRESS;

    assert_int_equal(engine_edit(world->engine, "me", 1, NULL,
                                 (cn_str){body, strlen(body)}, "one is wrong",
                                 false, edited, &status),
                     0);
    world_settle(world);
    return status;
}

/* The daemon is stopped, and somebody is at its file. */
static void tamper(struct world *world, const char *sql)
{
    char path[200];
    sqlite3 *handle;

    world_close(world);
    snprintf(path, sizeof(path), "%s/connect.db", world->directory);
    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_changes(handle), 1);
    sqlite3_close(handle);
    open_lists(world);
}

static void alerts_read(void *arg, int status, const struct store_rows *rows)
{
    char *text = arg;
    size_t used = 0;

    assert_int_equal(status, 0);
    for (size_t at = 0; at < rows->alert_count; at++)
        used += (size_t)snprintf(text + used, 200 - used, "%s;",
                                 rows->alerts[at].cause);
}

static const char *alerts(struct world *world)
{
    static char text[200];
    struct store_query query = {.kind = STORE_QUERY_ALERTS};

    memset(text, 0, sizeof(text));
    assert_int_equal(store_query(world->store, &query, alerts_read, text), 0);
    world_settle(world);
    return text;
}

/* A run begins anew with a corrected record: what was made of the old one is
 * not sent any more, and holds nobody up. */
static void a_corrected_record_begins_anew(void **state)
{
    struct world *world = *state;
    struct world_op op;

    list(world, "e1", "{\"id\":\"a\",\"lines\":[{\"id\":\"bad\"}]}");
    list(world, "e2", "{\"id\":\"b\",\"lines\":[{\"id\":\"bad\"}]}");
    sent(world, CN_REJECTED, "no such account");
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    assert_int_equal(edit(world, "{\"id\":\"a\",\"lines\":[{\"id\":\"x\"}]}"),
                     0);
    assert_int_equal(act(world, STORE_RETRY), 0);
    op = take_op(world, OP_DELIVER, "erp");
    assert_string_equal(op.body, "{\"id\":\"x\"}");
    end_op(world, &op, CN_REJECTED, true, "nor this one");
    assert_int_equal(edit(world, "{\"id\":\"a\",\"lines\":[]}"), 0);
    assert_int_equal(act(world, STORE_RETRY), 0);
    assert_int_equal(world_state(world, 1), RUN_DONE);
    op = take_op(world, OP_DELIVER, "erp");
    assert_string_equal(op.body, "{\"id\":\"bad\"}");
    end_op(world, &op, CN_OK, true, "{\"number\":\"1\"}");
    assert_int_equal(world_state(world, 2), RUN_DONE);
    assert_string_equal(alerts(world), "");
}

#define LOSE_IT                                                                \
    "UPDATE delivery SET path = 'elsewhere', entity = NULL, lane = NULL"

/* A delivery to which the flow does not come, and nobody took it away. */
static void an_end_that_is_refused_is_for_a_person(void **state)
{
    struct world *world = *state;

    list(world, "e1", "{\"id\":\"a\",\"lines\":[{\"id\":\"bad\"}]}");
    sent(world, CN_REJECTED, "no such account");
    tamper(world, LOSE_IT);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(act(world, STORE_RETRY), 0);
        if (!round)
            sent(world, CN_OK, "{\"number\":\"1\"}");
        for (int minute = 0; minute < 10; minute++)
            world_advance(world, 60000);
        assert_int_equal(world_state(world, 1), RUN_PARKED);
        assert_string_equal(world->code, "refused");
        assert_string_equal(alerts(world), "parked:pay:refused;");
        assert_int_equal(world->op_count, 0);
    }
    assert_int_equal(act(world, STORE_DISCARD), 0);
    assert_string_equal(alerts(world), "");
}

/* Nor is a doubt about such a one forgotten. */
static void a_doubt_is_not_passed_over(void **state)
{
    struct world *world = *state;

    list(world, "e1", "{\"id\":\"a\",\"lines\":[{\"id\":\"p\"}]}");
    sent(world, CN_IN_DOUBT, "cut");
    tamper(world, LOSE_IT);
    world_advance(world, 70000);
    sent(world, CN_OK, "{\"number\":\"1\"}"); /* another, as it thinks */
    for (int minute = 0; minute < 10; minute++)
        world_advance(world, 60000);
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    assert_string_equal(world->code, "refused");
    assert_int_equal(act(world, STORE_DISCARD), -EPERM);
}

/* What the store has of the target's record is damaged. */
static void a_damaged_entity_is_for_a_person(void **state)
{
    struct world *world = *state;
    size_t commits;

    list(world, "e1", "{\"id\":\"a\",\"lines\":[{\"id\":\"p\"}]}");
    sent(world, CN_OK, "{\"number\":\"1\"}");
    tamper(world, "UPDATE entity SET reference = x'c2000102030405060708'");
    list(world, "e2", "{\"id\":\"b\",\"lines\":[{\"id\":\"p\"}]}");
    commits = world->commits;
    for (int second = 0; second < 600; second++)
        world_advance(world, 1000);
    assert_int_equal(world->op_count, 0);
    assert_int_equal(world_state(world, 2), RUN_PARKED);
    assert_string_equal(world->code, "unreadable");
    assert_string_equal(alerts(world), "parked:pay:unreadable;");
    assert_in_range(world->commits - commits, 3, 30);
}

#define STUCK_TEST(name)                                                       \
    cmocka_unit_test_setup_teardown(name, setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STUCK_TEST(a_corrected_record_begins_anew),
        STUCK_TEST(an_end_that_is_refused_is_for_a_person),
        STUCK_TEST(a_doubt_is_not_passed_over),
        STUCK_TEST(a_damaged_entity_is_for_a_person),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
