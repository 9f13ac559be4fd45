/* links: connect_flow connect_store connect_config connect_sdk connect_base */
/* What people do to runs, what newer records do to older ones, and what a
 * restored database may send. */
#include "engine_kit.h"

#include <sqlite3.h>

static struct {
    int status;
    unsigned answers;
    char text[1100];
    size_t applied, refused_count;
    uint64_t refused[ENGINE_ACTS_MAX];
} told;

static int setup(void **state)
{
    memset(&told, 0, sizeof(told));
    return kit_setup(state);
}

static void was_told(void *arg, int status, const struct error *err)
{
    (void)arg;
    told.status = status;
    told.answers++;
    snprintf(told.text, sizeof(told.text), "%s", err->text);
}

static int settle(struct world *world, bool happened, const char *reference)
{
    cn_str text = {reference, strlen(reference)};

    told.status = -EINPROGRESS;
    assert_int_equal(engine_settle(world->engine, "me", 1, happened, text,
                                   "I looked", was_told, NULL),
                     0);
    world_settle(world);
    return told.status;
}

static int edit(struct world *world, const char *path, const char *body,
                bool dry)
{
    cn_str text = {body, strlen(body)};

    told.status = -EINPROGRESS;
    assert_int_equal(engine_edit(world->engine, "me", 1, path, text, "a typo",
                                 dry, was_told, NULL),
                     0);
    world_settle(world);
    return told.status;
}

static void alerts_read(void *arg, int status, const struct store_rows *rows)
{
    assert_int_equal(status, 0);
    *(size_t *)arg = rows->alert_count;
}

static size_t alerts(struct world *world)
{
    struct store_query query = {.kind = STORE_QUERY_ALERTS};
    size_t count = 0;

    assert_int_equal(store_query(world->store, &query, alerts_read, &count), 0);
    world_settle(world);
    return count;
}

/* An order that may have arrived, and an ERP that cannot say for so long that
 * people were told. */
static void long_doubt(struct world *world)
{
    struct world_op op = to_erp(world);

    end_op(world, &op, CN_IN_DOUBT, false, "cut");
    for (int round = 0; round < 40 && !alerts(world); round++) {
        world_advance(world, 300000);
        if (!world->op_count)
            continue;
        op = take_op(world, OP_PROBE, "erp");
        end_op(world, &op, CN_RETRY, true, "cannot tell");
    }
    assert_int_equal(alerts(world), 1);
    assert_int_equal(world->op_count, 0);
    assert_int_equal(world_state(world, 1), RUN_READY);
}

static void end_tell(struct world *world, const char *number)
{
    struct world_op op = take_op(world, OP_DELIVER, "crm");
    char pattern[64];

    snprintf(pattern, sizeof(pattern), "\"Order\":\"%s\"", number);
    assert_non_null(strstr(op.body, pattern));
    end_op(world, &op, CN_OK, true, "{}");
}

/* ---- Answering a doubt -----------------------------------------------------
 */

static void test_a_person_says_that_it_happened(void **state)
{
    struct world *world = *state;

    long_doubt(world);
    assert_int_equal(settle(world, true, "000123"), 0);
    assert_int_equal(alerts(world), 0);
    end_tell(world, "000123");
    assert_int_equal(world->op_count, 0);
    assert_int_equal(world_state(world, 1), RUN_DONE);
    assert_int_equal(settle(world, true, "000123"), -EPERM);
}

static void test_the_reference_may_be_given_as_it_is_stored(void **state)
{
    struct world *world = *state;

    long_doubt(world);
    assert_int_equal(settle(world, true, "{\"number\":\"7\",\"more\":1}"), 0);
    end_tell(world, "7");
}

/* Without it the run would stand at the next step for good. */
static void test_the_reference_must_have_what_the_flow_reads(void **state)
{
    struct world *world = *state;

    long_doubt(world);
    assert_int_equal(settle(world, true, ""), -EINVAL);
    assert_non_null(strstr(told.text, "reference/number: is missing"));
    assert_int_equal(settle(world, true, "{\"nummer\":\"7\"}"), -EINVAL);
    assert_int_equal(world_state(world, 1), RUN_READY);
    assert_int_equal(alerts(world), 1);
}

static void test_a_person_says_that_it_did_not_happen(void **state)
{
    struct world *world = *state;
    struct world_op op;

    long_doubt(world);
    assert_int_equal(settle(world, false, ""), 0);
    assert_int_equal(alerts(world), 0);
    op = take_op(world, OP_DELIVER, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"8\"}");
    end_tell(world, "8");
}

/* Who looked before it was sent again does not make it be sent a third time. */
static void test_an_absence_counts_after_the_settle_time(void **state)
{
    struct world *world = *state;
    struct world_op op = to_erp(world);

    end_op(world, &op, CN_IN_DOUBT, false, "cut");
    assert_int_equal(settle(world, false, ""), -EPERM);
    assert_non_null(strstr(told.text, "counts in 60 s"));
    assert_int_equal(world_state(world, 1), RUN_READY);
    world->now_ms += 60000;
    assert_int_equal(settle(world, false, ""), 0);
    (void)take_op(world, OP_DELIVER, "erp");
}

static void test_only_a_doubt_can_be_answered(void **state)
{
    struct world *world = *state;
    struct world_op op;

    assert_int_equal(settle(world, true, "1"), -ENOENT);
    op = to_erp(world);
    assert_int_equal(settle(world, true, "1"), -EPERM); /* on its way */
    end_op(world, &op, CN_IN_DOUBT, false, "cut");
    world_advance(world, 5000);
    op = take_op(world, OP_PROBE, "erp");
    assert_int_equal(settle(world, true, "1"), -EPERM); /* being asked */
    end_op(world, &op, CN_OK, true, "{\"number\":\"9\"}");
    assert_int_equal(settle(world, true, "1"), -EPERM); /* known */
    end_tell(world, "9");
}

/* ---- Corrections -----------------------------------------------------------
 */

static char *rejected_body(struct world *world)
{
    struct world_op op = to_erp(world);
    char *body = strdup(op.body);

    end_op(world, &op, CN_REJECTED, true, "Stock code 'A100' is invalid");
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    return body;
}

static void put(char *body, const char *from, const char *to)
{
    char *at = strstr(body, from);

    assert_non_null(at);
    assert_int_equal(strlen(from), strlen(to));
    memcpy(at, to, strlen(to));
}

static void test_a_body_is_corrected_and_sent(void **state)
{
    struct world *world = *state;
    char *body = rejected_body(world);
    struct world_op op;

    put(body, "A100", "A101");
    assert_int_equal(edit(world, "post", body, true), 0);
    assert_int_equal(edit(world, "post", body, false), 0);
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    assert_int_equal(act(world, STORE_RETRY), 0);
    op = take_op(world, OP_DELIVER, "erp");
    assert_non_null(strstr(op.body, "A101"));
    assert_null(strstr(op.body, "A100"));
    assert_int_equal(edit(world, "post", body, false), -EPERM);
    end_op(world, &op, CN_OK, true, "{\"number\":\"1\"}");
    assert_int_equal(edit(world, "post", body, false), -EPERM);
    free(body);
}

static void edits_read(void *arg, int status, const struct store_rows *rows)
{
    unsigned *count = arg;

    assert_int_equal(status, 0);
    for (size_t index = 0; index < rows->history_count; index++) {
        const struct store_history_row *row = &rows->history[index];
        if (strcmp(row->act, "act.edited") != 0)
            continue;
        (*count)++;
        assert_string_equal(row->actor, "me");
        assert_non_null(strstr(row->detail, "reason:"));
        assert_null(strstr(row->detail, "typo"));
    }
}

static void test_the_audit_says_who_corrected_and_has_the_reason(void **state)
{
    struct world *world = *state;
    char *body = rejected_body(world);
    struct store_query query = {.kind = STORE_QUERY_RUN, .run = 1};
    unsigned count = 0;

    assert_int_equal(edit(world, "post", body, false), 0);
    assert_int_equal(store_query(world->store, &query, edits_read, &count), 0);
    world_settle(world);
    assert_int_equal(count, 1);
    free(body);
}

static void test_dry_changes_nothing(void **state)
{
    struct world *world = *state;
    char *body = rejected_body(world);
    struct world_op op;

    put(body, "A100", "A101");
    assert_int_equal(edit(world, "post", body, true), 0);
    assert_int_equal(act(world, STORE_RETRY), 0);
    op = take_op(world, OP_DELIVER, "erp");
    assert_non_null(strstr(op.body, "A100"));
    free(body);
}

static void test_a_wrong_body_is_refused_with_its_place(void **state)
{
    struct world *world = *state;
    char *body = rejected_body(world), *other = strdup(body);

    put(other, "\"quantity\":\"3\"", "\"quantity\":\"x\"");
    assert_int_equal(edit(world, "post", other, false), -EINVAL);
    assert_non_null(strstr(told.text, "/lines/0/quantity"));
    free(other);
    other = strdup(body);
    put(other, "\"external_id\":\"box1\"", "\"external_id\":\"box2\"");
    assert_int_equal(edit(world, "post", other, false), -EINVAL);
    assert_non_null(strstr(told.text, "/external_id: must stay"));
    free(other);
    other = strdup(body);
    put(other, "0001207", "0001208"); /* the order of deliveries */
    assert_int_equal(edit(world, "post", other, false), -EINVAL);
    assert_int_equal(edit(world, "tell", body, false), -ENOENT);
    assert_int_equal(engine_edit(world->engine, "me", 1, "post",
                                 (cn_str){"{", 1}, NULL, false, was_told, NULL),
                     -EINVAL);
    free(other);
    free(body);
}

static void test_what_is_in_doubt_is_not_edited(void **state)
{
    struct world *world = *state;
    char *body;
    struct world_op op = to_erp(world);

    body = strdup(op.body);
    end_op(world, &op, CN_IN_DOUBT, false, "cut");
    assert_int_equal(edit(world, "post", body, false), -EPERM);
    assert_int_equal(edit(world, NULL, "{\"box\":\"box1\"}", false), -EPERM);
    free(body);
}

static void test_the_record_is_corrected_for_this_run(void **state)
{
    struct world *world = *state;
    struct world_op op;

    free(rejected_body(world));
    assert_int_equal(edit(world, NULL, "{\"bax\":\"box7\"}", false), -EINVAL);
    assert_non_null(strstr(told.text, "box"));
    assert_int_equal(edit(world, NULL, "{\"box\":\"box7\"}", true), 0);
    assert_int_equal(edit(world, NULL, "{\"box\":\"box7\"}", false), 0);
    assert_int_equal(act(world, STORE_RESTART), 0);
    op = take_op(world, OP_CALL, "crm");
    assert_string_equal(op.key, "box7");
}

/* ---- Many at once, and again ------------------------------------------------
 */

static void were_acted(void *arg, int status, size_t applied,
                       const uint64_t *refused, size_t refused_count)
{
    (void)arg;
    told.status = status;
    told.answers++;
    told.applied = applied;
    told.refused_count = refused_count;
    for (size_t index = 0; index < refused_count; index++)
        told.refused[index] = refused[index];
}

static void test_many_are_acted_on_at_once(void **state)
{
    struct world *world = *state;
    uint64_t runs[ENGINE_ACTS_MAX + 1] = {1, 2, 77, 3};
    char id[8], box[8];

    for (int index = 1; index <= 3; index++) {
        snprintf(id, sizeof(id), "e%d", index);
        snprintf(box, sizeof(box), "b%d", index);
        accept_event(world, id, box);
        answer_deal(world, index == 2 ? "{\"stage\":\"Lead\"}"
                                      : "{\"stage\":\"Closed-Won\"}");
    }
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    assert_int_equal(world_state(world, 2), RUN_DONE);
    assert_int_equal(engine_acts(world->engine, "me", STORE_RESTART, runs, 4,
                                 "so", were_acted, NULL),
                     0);
    world_settle(world);
    assert_int_equal(told.status, 0);
    assert_int_equal(told.applied, 2);
    assert_int_equal(told.refused_count, 2);
    assert_int_equal(told.refused[0], 2);
    assert_int_equal(told.refused[1], 77);
    assert_int_equal(world->op_count, 2);
    assert_int_equal(engine_acts(world->engine, "me", STORE_RETRY, runs,
                                 ENGINE_ACTS_MAX + 1, "so", were_acted, NULL),
                     -EINVAL);
    assert_int_equal(engine_acts(world->engine, "me", STORE_RETRY, runs, 0,
                                 "so", were_acted, NULL),
                     -EINVAL);
}

/* The same record again, by a run of its own: the order is there and is
 * adopted, the deal is told once more. */
static void test_replay_makes_a_new_run_and_no_second_order(void **state)
{
    struct world *world = *state;
    struct world_op op = to_erp(world);

    assert_int_equal(act(world, STORE_REPLAY), -EPERM); /* it is active */
    end_op(world, &op, CN_OK, true, "{\"number\":\"5\"}");
    end_tell(world, "5");
    assert_int_equal(world_state(world, 1), RUN_DONE);
    assert_int_equal(act(world, STORE_REPLAY), 0);
    assert_int_equal(world->act_run, 2);
    answer_deal(world, deal_won);
    end_tell(world, "5");
    assert_int_equal(world->op_count, 0);
    assert_int_equal(world_state(world, 2), RUN_DONE);
}

/* ---- Newer records ----------------------------------------------------------
 */

static void overtaking(struct world *world)
{
    char *text = NULL;

    assert_true(asprintf(&text, "{\"newer\":\"overtakes\",%s", flow_text + 1) >
                0);
    engine_begin_flows(world->engine);
    world_add_flow(world, text);
    engine_end_flows(world->engine);
    free(text);
}

static void test_a_newer_record_overtakes_what_did_nothing(void **state)
{
    struct world *world = *state;
    struct world_op op;

    overtaking(world);
    accept_event(world, "e1", "box1");
    answer_deal(world, "{\"stage\":\"Closed-Won\"}");
    assert_int_equal(world_state(world, 1), RUN_PARKED);
    accept_event(world, "e2", "box1");
    assert_int_equal(world_state(world, 1), RUN_DISCARDED);
    assert_string_equal(world->code, "overtaken");
    assert_non_null(strstr(world->reason, "run 2"));
    op = take_op(world, OP_CALL, "crm");
    end_op(world, &op, CN_OK, true, "{\"stage\":\"Lead\"}");
    assert_int_equal(world_state(world, 2), RUN_DONE);
}

static void test_what_is_at_work_or_in_doubt_is_not_overtaken(void **state)
{
    struct world *world = *state;
    struct world_op op;

    overtaking(world);
    op = to_erp(world);
    accept_event(world, "e2", "box1");
    assert_int_equal(world_state(world, 1), RUN_ACTIVE);
    assert_int_equal(world_state(world, 2), RUN_QUEUED);
    end_op(world, &op, CN_IN_DOUBT, false, "cut");
    accept_event(world, "e3", "box1");
    assert_int_equal(world_state(world, 1), RUN_READY);
    assert_int_equal(world_state(world, 2), RUN_DISCARDED);
    assert_int_equal(world_state(world, 3), RUN_QUEUED);
    world_advance(world, 5000);
    op = take_op(world, OP_PROBE, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"4\"}");
    end_tell(world, "4");
    answer_deal(world, "{\"stage\":\"Lead\"}");
    assert_int_equal(world_state(world, 3), RUN_DONE);
}

/* What is held may be free now: a change in the source says so first. */
static void test_a_newer_record_wakes_what_is_held(void **state)
{
    struct world *world = *state;
    struct world_op op = to_erp(world);

    end_op(world, &op, CN_HOLD, true, "Customer is on hold");
    assert_int_equal(world_state(world, 1), RUN_HELD);
    accept_event(world, "e2", "box1");
    op = take_op(world, OP_DELIVER, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"6\"}");
    end_tell(world, "6");
    answer_deal(world, deal_won); /* the second one of the lane */
    end_tell(world, "6");
    assert_int_equal(world_state(world, 2), RUN_DONE);
}

static void accept_polled(struct world *world, const char *id, const char *box)
{
    char body[64];
    struct op_record record = {.type = "box_event/1",
                               .id = {id, strlen(id)},
                               .key = {box, strlen(box)}};
    struct engine_accept accept = {.origin = "crm",
                                   .records = &record,
                                   .record_count = 1,
                                   .stream = "boxes",
                                   .cursor = {"c", 1}};

    snprintf(body, sizeof(body), "{\"box\":\"%s\"}", box);
    record.body = (cn_str){body, strlen(body)};
    world->accept_open++;
    assert_int_equal(
        engine_accept(world->engine, &accept, world_accepted, world), 0);
    world_settle(world);
}

static void test_webhooks_go_before_polls(void **state)
{
    struct world *world = *state;
    struct world_op op;

    world->room_crm = 0;
    engine_instance_changed(world->engine, "crm");
    accept_polled(world, "p1", "box1");
    accept_polled(world, "p2", "box2");
    accept_event(world, "e1", "box3");
    world->room_crm = 1;
    engine_instance_changed(world->engine, "crm");
    world_settle(world);
    op = take_op(world, OP_CALL, "crm");
    assert_string_equal(op.key, "box3");
}

/* ---- A restored database ----------------------------------------------------
 */

/* As store_restore leaves it. */
static void restore(struct world *world)
{
    char path[200], sql[200];
    sqlite3 *database;
    int64_t steady_ms = store_steady_ms(world->store);

    close_world(world);
    snprintf(path, sizeof(path), "%s/connect.db", world->directory);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    snprintf(sql, sizeof(sql), "UPDATE meta SET restored_steady_ms = %lld",
             (long long)steady_ms);
    assert_int_equal(sqlite3_exec(database, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(database), SQLITE_OK);
    open_world(world);
}

static void test_a_restored_database_asks_before_it_sends(void **state)
{
    struct world *world = *state;
    struct world_op op;

    restore(world);
    accept_event(world, "e1", "box1");
    answer_deal(world, deal_won);
    op = take_op(world, OP_PROBE, "erp"); /* not a delivery */
    end_op(world, &op, CN_ABSENT, true, "");
    assert_int_equal(world->op_count, 0); /* not settled since the restore */
    world_advance(world, 61000);
    op = take_op(world, OP_PROBE, "erp");
    end_op(world, &op, CN_ABSENT, true, "");
    op = take_op(world, OP_DELIVER, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"11\"}");
    end_tell(world, "11"); /* may be repeated: sent */
    assert_int_equal(world_state(world, 1), RUN_DONE);
}

static void test_long_after_a_restore_one_question_is_enough(void **state)
{
    struct world *world = *state;
    struct world_op op;

    restore(world);
    world_advance(world, 3600000);
    accept_event(world, "e1", "box1");
    answer_deal(world, deal_won);
    op = take_op(world, OP_PROBE, "erp");
    end_op(world, &op, CN_ABSENT, true, "");
    op = take_op(world, OP_DELIVER, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"12\"}");
    end_tell(world, "12");
    world_advance(world, 401LL * DAY_MS);
    accept_event(world, "e2", "box2");
    answer_deal(world, "{\"key\":\"box2\",\"stage\":\"Closed-Won\",\"fields\":{"
                       "\"Customer\":\"0001207\",\"Lines\":\"A100; 3; 1\"}}");
    (void)take_op(world, OP_DELIVER, "erp");
}

static void test_an_order_made_after_the_backup_is_adopted(void **state)
{
    struct world *world = *state;
    struct world_op op;

    restore(world);
    accept_event(world, "e1", "box1");
    answer_deal(world, deal_won);
    op = take_op(world, OP_PROBE, "erp");
    end_op(world, &op, CN_OK, true, "{\"number\":\"13\"}");
    end_tell(world, "13");
    assert_int_equal(world_state(world, 1), RUN_DONE);
}

/* ---- What is old ------------------------------------------------------------
 */

static void count_runs(void *arg, int status, const struct store_rows *rows)
{
    assert_int_equal(status, 0);
    *(size_t *)arg = rows->run_count;
}

static size_t run_count(struct world *world)
{
    struct store_query query = {.kind = STORE_QUERY_RUNS};
    size_t count = 0;

    assert_int_equal(store_query(world->store, &query, count_runs, &count), 0);
    world_settle(world);
    return count;
}

static void test_old_runs_are_forgotten_their_orders_are_not(void **state)
{
    struct world *world = *state;
    struct world_op op = to_erp(world);

    end_op(world, &op, CN_OK, true, "{\"number\":\"5\"}");
    end_tell(world, "5");
    world_advance(world, 99LL * DAY_MS);
    assert_int_equal(run_count(world), 1);
    world_advance(world, 2LL * DAY_MS);
    assert_int_equal(run_count(world), 0);
    accept_event(world, "e2", "box1");
    answer_deal(world, deal_won);
    end_tell(world, "5");
}

#define ACTS_TEST(name)                                                        \
    cmocka_unit_test_setup_teardown(name, setup, kit_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ACTS_TEST(test_a_person_says_that_it_happened),
        ACTS_TEST(test_the_reference_may_be_given_as_it_is_stored),
        ACTS_TEST(test_the_reference_must_have_what_the_flow_reads),
        ACTS_TEST(test_a_person_says_that_it_did_not_happen),
        ACTS_TEST(test_an_absence_counts_after_the_settle_time),
        ACTS_TEST(test_only_a_doubt_can_be_answered),
        ACTS_TEST(test_a_body_is_corrected_and_sent),
        ACTS_TEST(test_the_audit_says_who_corrected_and_has_the_reason),
        ACTS_TEST(test_dry_changes_nothing),
        ACTS_TEST(test_a_wrong_body_is_refused_with_its_place),
        ACTS_TEST(test_what_is_in_doubt_is_not_edited),
        ACTS_TEST(test_the_record_is_corrected_for_this_run),
        ACTS_TEST(test_many_are_acted_on_at_once),
        ACTS_TEST(test_replay_makes_a_new_run_and_no_second_order),
        ACTS_TEST(test_a_newer_record_overtakes_what_did_nothing),
        ACTS_TEST(test_what_is_at_work_or_in_doubt_is_not_overtaken),
        ACTS_TEST(test_a_newer_record_wakes_what_is_held),
        ACTS_TEST(test_webhooks_go_before_polls),
        ACTS_TEST(test_a_restored_database_asks_before_it_sends),
        ACTS_TEST(test_long_after_a_restore_one_question_is_enough),
        ACTS_TEST(test_an_order_made_after_the_backup_is_adopted),
        ACTS_TEST(test_old_runs_are_forgotten_their_orders_are_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
