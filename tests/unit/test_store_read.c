/* links: connect_store connect_base */
/* test_store_read.c - what people can ask the store. */
#include "store_kit.h"

struct answer {
    int status;
    bool came;
    void (*check)(struct kit *kit, const struct store_rows *rows);
    struct kit *kit;
};

static void answered(void *arg, int status, const struct store_rows *rows)
{
    struct answer *answer = arg;

    answer->came = true;
    answer->status = status;
    if (!status)
        answer->check(answer->kit, rows);
}

static void ask(struct kit *kit, const struct store_query *query,
                void (*check)(struct kit *, const struct store_rows *))
{
    struct answer answer = {.check = check, .kit = kit};

    assert_int_equal(store_query(kit->store, query, answered, &answer), 0);
    store_drain(kit->store);
    assert_true(answer.came);
    assert_int_equal(answer.status, 0);
}

static struct store_result value(struct kit *kit, const char *kind,
                                 const char *name, const char *text)
{
    struct store_batch *batch = store_batch_create();

    if (!strcmp(kind, "cursor"))
        store_batch_cursor(batch, "streak", name, kit_bytes(text));
    else if (!strcmp(kind, "state"))
        store_batch_state(batch, "streak", name, kit_bytes(text));
    else if (!strcmp(kind, "flow"))
        store_batch_flow(batch, "won-deal", name, kit_bytes(text));
    else if (!strcmp(kind, "alert"))
        store_batch_alert(batch, name, text);
    else if (!strcmp(kind, "clear"))
        store_batch_alert_clear(batch, name);
    else
        store_batch_audit(batch, "ann", name, 1, text);
    return kit_commit(kit, batch);
}

static void check_page(struct kit *kit, const struct store_rows *rows)
{
    assert_int_equal(rows->run_count, 2);
    assert_int_equal(rows->runs[0].run, 5);
    assert_int_equal(rows->runs[1].run, 4);
    assert_string_equal(rows->runs[0].flow, "won-deal");
    assert_string_equal(rows->runs[0].type, "box_event/1");
    assert_int_equal(rows->runs[0].accepted_wall_ms, kit->wall_ms);
}

static void check_next_page(struct kit *kit, const struct store_rows *rows)
{
    (void)kit;
    assert_int_equal(rows->run_count, 3);
    assert_int_equal(rows->runs[0].run, 3);
    assert_int_equal(rows->runs[2].run, 1);
}

static void check_states(struct kit *kit, const struct store_rows *rows)
{
    (void)kit;
    assert_int_equal(rows->run_count, 2);
    assert_int_equal(rows->runs[0].run, 4);
    assert_int_equal(rows->runs[0].state, RUN_QUEUED);
    assert_int_equal(rows->runs[0].behind, 1);
    assert_int_equal(rows->runs[0].due_in_ms, -1);
    assert_int_equal(rows->runs[1].run, 1);
    assert_int_equal(rows->runs[1].state, RUN_PARKED);
    assert_int_equal(rows->runs[1].waiting_behind, 2);
    assert_string_equal(rows->runs[1].reason, "a reason");
    assert_string_equal(rows->runs[1].code, "code");
    assert_string_equal(rows->runs[1].label.ptr, "\"SO-1\"");
}

static void check_waiting(struct kit *kit, const struct store_rows *rows)
{
    (void)kit;
    assert_int_equal(rows->run_count, 1);
    assert_int_equal(rows->runs[0].run, 3);
    assert_int_equal(rows->runs[0].behind, 2);
}

static void check_none(struct kit *kit, const struct store_rows *rows)
{
    (void)kit;
    assert_int_equal(rows->run_count, 0);
    assert_null(rows->work);
    assert_int_equal(rows->value_count, 0);
    assert_int_equal(rows->alert_count, 0);
}

static void check_run(struct kit *kit, const struct store_rows *rows)
{
    assert_non_null(rows->work);
    assert_int_equal(rows->work_steady_ms, store_steady_ms(kit->store));
    assert_string_equal(rows->work->body.ptr, "{\"n\":1}");
    assert_string_equal(rows->work->id.ptr, "a");
    assert_string_equal(rows->work->person.ptr, "ann@example.com");
    assert_int_equal(rows->work->step_count, 2);
    assert_string_equal(rows->work->steps[0].path, "read");
    assert_string_equal(rows->work->steps[0].result.ptr, "{\"deal\":1}");
    assert_string_equal(rows->work->steps[0].reason, "why");
    assert_int_equal(rows->work->steps[0].attempts, 3);
    assert_int_equal(rows->work->delivery_count, 1);
    assert_string_equal(rows->work->deliveries[0].reference.ptr, "\"SO-1\"");
    assert_string_equal(rows->work->deliveries[0].source_key.ptr, "deal-1");
    assert_string_equal(rows->work->deliveries[0].reason,
                        "in the target's words");
    assert_int_equal(rows->run_count, 1);
    assert_int_equal(rows->runs[0].state, RUN_PARKED);
    assert_true(rows->history_count >= 5);
    assert_string_equal(rows->history[0].act, "event.accepted");
    assert_string_equal(rows->history[1].act, "run.active");
    assert_string_equal(rows->history[2].act, "step.failed");
    assert_string_equal(rows->history[3].act, "delivery.sending");
    assert_string_equal(rows->history[3].path, "post");
    assert_int_equal(strlen(rows->history[0].hash), 64);
}

static void check_counts(struct kit *kit, const struct store_rows *rows)
{
    assert_int_equal(rows->count_count, 8);
    assert_int_equal(rows->counts[RUN_PARKED].count, 1);
    assert_int_equal(rows->counts[RUN_QUEUED].count, 1);
    assert_int_equal(rows->counts[RUN_READY].count, 1);
    assert_int_equal(rows->counts[RUN_READY].oldest_wall_ms, kit->wall_ms);
    assert_int_equal(
        rows->counts[RUN_READY].oldest,
        kit_count(kit, "SELECT min(number) FROM run WHERE state = 1"));
    assert_int_equal(rows->counts[RUN_DONE].oldest, 0);
    assert_int_equal(rows->event_count, 5);
    assert_int_equal(rows->duplicate_count, 1);
}

static void five_runs(struct kit *kit)
{
    kit_accept(kit, "a", "box", true);
    kit_accept(kit, "b", "", true);
    kit_accept(kit, "c", "", true);
    kit_accept(kit, "d", "box", true);
    kit_accept(kit, "e", "", false);
    kit_accept(kit, "e", "", false);
    kit_step_row(kit, 1, "read", STEP_FAILED);
    kit_step_row(kit, 1, "map", STEP_DONE);
    kit_deliver(kit, 1, "post", "deal-1", "customer", 0);
    kit_settle(kit, 1, DELIVERY_DONE);
    kit_run(kit, 1, RUN_PARKED);
    kit_deliver(kit, 2, "post", "deal-2", "customer", 0);
    kit_deliver(kit, 3, "post", "deal-3", "customer", 0);
}

static void runs_are_listed(void **state)
{
    struct kit *kit = *state;

    five_runs(kit);
    kit->doubt = false;
    ask(kit, &(struct store_query){.kind = STORE_QUERY_RUNS, .limit = 2},
        check_page);
    ask(kit, &(struct store_query){.kind = STORE_QUERY_RUNS, .run = 4},
        check_next_page);
    ask(kit,
        &(struct store_query){.kind = STORE_QUERY_RUNS,
                              .states = 1u << RUN_WAITING},
        check_waiting);
    ask(kit, &(struct store_query){.kind = STORE_QUERY_RUNS, .flow = "another"},
        check_none);
    ask(kit, &(struct store_query){.kind = STORE_QUERY_RUN, .run = 1},
        check_run);
    ask(kit, &(struct store_query){.kind = STORE_QUERY_RUN, .run = 99},
        check_none);
    ask(kit, &(struct store_query){.kind = STORE_QUERY_COUNTS}, check_counts);
    kit_accept(kit, "f", "box", false);
    ask(kit,
        &(struct store_query){.kind = STORE_QUERY_RUNS,
                              .states = 1u << RUN_PARKED | 1u << RUN_QUEUED,
                              .run = 6},
        check_states);
}

static void check_history(struct kit *kit, const struct store_rows *rows)
{
    (void)kit;
    assert_int_equal(rows->history_count, 2);
    assert_int_equal(rows->history[0].sequence, 3);
    assert_int_equal(rows->history[1].sequence, 4);
    assert_string_equal(rows->history[1].act, "note");
    assert_string_equal(rows->history[1].actor, "ann");
    assert_string_equal(rows->history[1].detail, "detail");
    assert_int_equal(rows->history[1].run, 1);
}

static void check_no_history(struct kit *kit, const struct store_rows *rows)
{
    (void)kit;
    assert_int_equal(rows->history_count, 0);
}

static void check_alerts(struct kit *kit, const struct store_rows *rows)
{
    assert_int_equal(rows->alert_count, 1);
    assert_string_equal(rows->alerts[0].cause, "syspro.auth");
    assert_string_equal(rows->alerts[0].text, "cannot log on again");
    assert_int_equal(rows->alerts[0].count, 2);
    assert_int_equal(rows->alerts[0].first_wall_ms, kit->wall_ms - 1000);
    assert_int_equal(rows->alerts[0].last_wall_ms, kit->wall_ms);
}

static void check_quarantine(struct kit *kit, const struct store_rows *rows)
{
    (void)kit;
    assert_int_equal(rows->quarantine_count, 2);
    assert_string_equal(rows->quarantine[1].content.ptr, "{bad");
    assert_string_equal(rows->quarantine[1].reason, "member /x");
    assert_int_equal(rows->quarantine[1].count, 2);
    assert_int_equal(rows->quarantine[0].count, 1);
    assert_true(rows->quarantine[0].number > rows->quarantine[1].number);
}

static void check_cursors(struct kit *kit, const struct store_rows *rows)
{
    (void)kit;
    assert_int_equal(rows->value_count, 2);
    assert_string_equal(rows->values[0].name, "boxes");
    assert_string_equal(rows->values[0].value.ptr, "page-2");
    assert_string_equal(rows->values[1].name, "tasks");
}

static void check_state(struct kit *kit, const struct store_rows *rows)
{
    (void)kit;
    assert_int_equal(rows->value_count, 1);
    assert_string_equal(rows->values[0].name, "hook");
    assert_string_equal(rows->values[0].value.ptr, "123");
}

static void check_flow(struct kit *kit, const struct store_rows *rows)
{
    (void)kit;
    assert_int_equal(rows->value_count, 1);
    assert_string_equal(rows->values[0].name, "v1");
    assert_string_equal(rows->values[0].value.ptr, "{\"first\":1}");
}

static struct store_result quarantine(struct kit *kit, const char *content)
{
    struct store_batch *batch = store_batch_create();
    struct store_quarantine what = {"streak", "member /x", kit_bytes(content)};

    store_batch_quarantine(batch, &what);
    return kit_commit(kit, batch);
}

static void values_are_kept(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "", true);
    value(kit, "note", "note", "detail");
    ask(kit, &(struct store_query){.kind = STORE_QUERY_HISTORY, .sequence = 2},
        check_history);
    ask(kit, &(struct store_query){.kind = STORE_QUERY_HISTORY, .run = 2},
        check_no_history);
    assert_int_equal(
        value(kit, "alert", "syspro.auth", "cannot log on").decision,
        STORE_APPLIED);
    kit_step(kit, 1000, 1000);
    assert_int_equal(
        value(kit, "alert", "syspro.auth", "cannot log on again").decision,
        STORE_DUPLICATE);
    ask(kit, &(struct store_query){.kind = STORE_QUERY_ALERTS}, check_alerts);
    value(kit, "clear", "syspro.auth", "");
    assert_int_equal(value(kit, "clear", "syspro.auth", "").decision,
                     STORE_REFUSED);
    ask(kit, &(struct store_query){.kind = STORE_QUERY_ALERTS}, check_none);
    assert_int_equal(quarantine(kit, "{bad").decision, STORE_APPLIED);
    assert_int_equal(quarantine(kit, "{bad").decision, STORE_DUPLICATE);
    assert_int_equal(quarantine(kit, "{worse").decision, STORE_APPLIED);
    ask(kit, &(struct store_query){.kind = STORE_QUERY_QUARANTINE},
        check_quarantine);
    value(kit, "cursor", "boxes", "page-1");
    value(kit, "cursor", "boxes", "page-2");
    value(kit, "cursor", "tasks", "page-9");
    ask(kit,
        &(struct store_query){.kind = STORE_QUERY_CURSORS,
                              .instance = "streak"},
        check_cursors);
    value(kit, "state", "hook", "12");
    value(kit, "state", "hook", "123");
    value(kit, "state", "gone", "1");
    value(kit, "state", "gone", "");
    ask(kit,
        &(struct store_query){.kind = STORE_QUERY_STATE, .instance = "streak"},
        check_state);
    value(kit, "flow", "v1", "{\"first\":1}");
    value(kit, "flow", "v1", "{\"second\":1}");
    ask(kit,
        &(struct store_query){
            .kind = STORE_QUERY_FLOW, .flow = "won-deal", .version = "v1"},
        check_flow);
    ask(kit,
        &(struct store_query){
            .kind = STORE_QUERY_FLOW, .flow = "won-deal", .version = "v2"},
        check_none);
    kit_verify(kit);
}

static void check_ready(struct kit *kit, const struct store_rows *rows)
{
    assert_int_equal(rows->ready_count, 2);
    assert_string_equal(rows->ready[0].queue, "");
    assert_int_equal(rows->ready[0].due_count, 1);
    assert_int_equal(rows->ready[0].next_due_ms, 0);
    assert_string_equal(rows->ready[1].queue, "syspro");
    assert_int_equal(rows->ready[1].due_count, 0);
    assert_int_equal(rows->ready[1].next_due_ms, kit->due_ms);
}

static void check_ready_later(struct kit *kit, const struct store_rows *rows)
{
    (void)kit;
    assert_int_equal(rows->ready_count, 2);
    assert_int_equal(rows->ready[1].due_count, 2);
    assert_int_equal(rows->ready[1].next_due_ms, 0);
}

static void ready_queues_are_told(void **state)
{
    struct kit *kit = *state;

    kit_accept(kit, "a", "", true);
    kit_accept(kit, "b", "", true);
    kit_accept(kit, "c", "", false);
    kit->queue = "syspro";
    kit->due_ms = store_steady_ms(kit->store) + 9000;
    kit_run(kit, 1, RUN_READY);
    kit_run(kit, 2, RUN_HELD);
    ask(kit, &(struct store_query){.kind = STORE_QUERY_READY}, check_ready);
    kit_step(kit, 9000, 0);
    ask(kit, &(struct store_query){.kind = STORE_QUERY_READY},
        check_ready_later);
}

static void free_text_is_sealed(void **state)
{
    struct kit *kit = *state;

    five_runs(kit);
    quarantine(kit, "{bad");
    value(kit, "cursor", "boxes", "page-1");
    value(kit, "state", "hook", "12");
    value(kit, "alert", "syspro.auth", "cannot log on");
    /* Every sealed column begins with the version byte. */
    assert_int_equal(
        kit_count(kit,
                  "SELECT count(*) FROM (SELECT event_id AS c FROM record UNION"
                  " ALL SELECT order_key FROM record UNION ALL SELECT person"
                  " FROM record UNION ALL SELECT body FROM record UNION ALL"
                  " SELECT result FROM step UNION ALL SELECT reason FROM step"
                  " UNION ALL SELECT reason FROM run UNION ALL SELECT body FROM"
                  " delivery UNION ALL SELECT reason FROM delivery UNION ALL"
                  " SELECT source_key FROM delivery UNION ALL SELECT order_key"
                  " FROM delivery UNION ALL SELECT reference FROM delivery"
                  " UNION ALL SELECT reference FROM entity UNION ALL SELECT"
                  " value FROM cursor UNION ALL SELECT name FROM instance_state"
                  " UNION ALL SELECT value FROM instance_state UNION ALL SELECT"
                  " text FROM alert UNION ALL SELECT content FROM quarantine"
                  " UNION ALL SELECT reason FROM quarantine) WHERE c IS NOT"
                  " NULL AND substr(hex(c), 1, 2) <> 'C2'"),
        0);
    /* The person has a key id, and no look-up column has the text. */
    assert_int_equal(
        kit_count(kit, "SELECT count(*) FROM record WHERE person_key = 0"), 0);
    assert_int_equal(
        kit_count(kit, "SELECT count(*) FROM step WHERE person_key = 0"), 0);
    assert_int_equal(kit_count(kit, "SELECT count(*) FROM person"), 1);
    assert_int_equal(
        kit_count(kit, "SELECT count(*) FROM audit WHERE actor || act || path"
                       " || detail LIKE '%reason%' AND act NOT LIKE 'act.%'"),
        0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(runs_are_listed),
        KIT_TEST(values_are_kept),
        KIT_TEST(ready_queues_are_told),
        KIT_TEST(free_text_is_sealed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
