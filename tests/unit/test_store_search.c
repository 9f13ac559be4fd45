/* links: connect_store connect_base */
/* test_store_search.c - runs are found by what people know of them, and the
 * reasons for which they wait are counted. */
#include "store_kit.h"

enum { FOUND_MAX = 64 };

struct found {
    int status;
    uint64_t runs[FOUND_MAX];
    size_t count;
    uint64_t next;
    char id[64], key[64];
    struct store_reason_row reasons[8];
    char codes[8][32], texts[8][64];
    size_t reason_count;
    uint64_t quarantine;
    size_t quarantine_count, content_len;
    struct store_rows rows; /* numbers only */
    char by[32];
    bool acknowledged;
};

static void take_reasons(struct found *found, const struct store_rows *rows)
{
    for (size_t index = 0; index < rows->reason_count && index < 8; index++) {
        const struct store_reason_row *row = &rows->reasons[index];
        found->reasons[index] = *row;
        snprintf(found->codes[index], 32, "%s %s", row->code ? row->code : "-",
                 row->flow);
        snprintf(found->texts[index], 64, "%.60s",
                 row->reason ? row->reason : "");
    }
    found->reason_count = rows->reason_count;
}

static void take(void *arg, int status, const struct store_rows *rows)
{
    struct found *found = arg;

    found->status = status;
    found->rows = *rows;
    for (size_t index = 0; index < rows->run_count; index++) {
        if (index < FOUND_MAX)
            found->runs[index] = rows->runs[index].run;
    }
    found->count = rows->run_count;
    found->next = rows->run_next;
    if (rows->run_count) {
        snprintf(found->id, sizeof(found->id), "%s", rows->runs[0].id.ptr);
        snprintf(found->key, sizeof(found->key), "%s", rows->runs[0].key.ptr);
    }
    take_reasons(found, rows);
    found->quarantine_count = rows->quarantine_count;
    if (rows->quarantine_count) {
        found->quarantine = rows->quarantine[0].number;
        found->content_len = rows->quarantine[0].content.len;
    }
    for (size_t index = 0; index < rows->alert_count; index++) {
        const struct store_alert_row *alert = &rows->alerts[index];
        if (strcmp(alert->cause, "z") != 0)
            continue;
        found->acknowledged = alert->acknowledged;
        snprintf(found->by, sizeof(found->by), "%s",
                 alert->acknowledged_by ? alert->acknowledged_by : "nobody");
    }
}

static struct found ask(struct kit *kit, struct store_query query)
{
    struct found found = {.status = 1};

    assert_int_equal(store_query(kit->store, &query, take, &found), 0);
    store_drain(kit->store);
    assert_int_equal(found.status, 0);
    return found;
}

static struct found runs(struct kit *kit, struct store_query query)
{
    query.kind = STORE_QUERY_RUNS;
    return ask(kit, query);
}

static void park(struct kit *kit, uint64_t run, enum run_state state,
                 const char *code, const char *reason)
{
    struct store_batch *batch = store_batch_create();
    struct store_run_change change = {.run = run,
                                      .state = state,
                                      .queue = "",
                                      .code = code,
                                      .reason = reason};

    store_batch_run(batch, &change);
    kit_commit(kit, batch);
}

/* 1 parked, 2 parked with a delivery to syspro, 3 held, 4 ready, 5 active of
 * another source, type and flow. */
static void fill(struct kit *kit)
{
    struct store_batch *batch;
    struct store_accept_run run = {
        .flow = "payment", .flow_version = "v1", .claim = true};
    struct store_accept accept = {.origin = "bank",
                                  .type = "payment/1",
                                  .id = kit_bytes("p1"),
                                  .key = kit_bytes("invoice-7"),
                                  .body = kit_bytes("{}"),
                                  .run_count = 1,
                                  .runs = &run};

    kit_accept(kit, "a", "box-1", true);
    park(kit, 1, RUN_PARKED, "mapping", "field Price is missing");
    kit_step(kit, 1000, 1000);
    kit_accept(kit, "b", "box-2", true);
    kit_deliver(kit, 2, "post", "deal-2", "", 0);
    kit_settle(kit, 2, DELIVERY_PARKED);
    park(kit, 2, RUN_PARKED, "rejected", "the price is not 100% right");
    kit_step(kit, 1000, 1000);
    kit_accept(kit, "c", "box-3", true);
    park(kit, 3, RUN_HELD, "credit", "customer is on hold");
    kit_accept(kit, "d", "box-1", true);
    batch = store_batch_create();
    store_batch_accept(batch, &accept);
    kit_commit(kit, batch);
}

static void runs_are_found(void **state)
{
    struct kit *kit = *state;
    struct found found;
    int64_t start = kit->wall_ms;

    fill(kit);
    found = runs(kit, (struct store_query){.code = "rejected"});
    assert_int_equal(found.count, 1);
    assert_int_equal(found.runs[0], 2);
    assert_int_equal(found.next, 0);
    assert_string_equal(found.id, "b");
    assert_string_equal(found.key, "box-2");
    assert_int_equal(
        runs(kit, (struct store_query){.type = "payment/1"}).runs[0], 5);
    /* Where it came from, where it goes. */
    found = runs(kit, (struct store_query){.instance = "bank"});
    assert_int_equal(found.count, 1);
    found = runs(kit, (struct store_query){.instance = "syspro"});
    assert_int_equal(found.count, 1);
    assert_int_equal(found.runs[0], 2);
    assert_int_equal(
        runs(kit, (struct store_query){.instance = "streak"}).count, 4);
    /* Letters of either case; no pattern. */
    found = runs(kit, (struct store_query){.contains = "PRICE"});
    assert_int_equal(found.count, 2);
    assert_int_equal(
        runs(kit, (struct store_query){.contains = "100% right"}).count, 1);
    assert_int_equal(runs(kit, (struct store_query){.contains = "p%e"}).count,
                     0);
    found = runs(kit, (struct store_query){.key = kit_bytes("box-1")});
    assert_int_equal(found.count, 2);
    assert_int_equal(found.runs[0], 4);
    assert_int_equal(found.runs[1], 1);
    assert_int_equal(
        runs(kit, (struct store_query){.key = kit_bytes("box-")}).count, 0);
    assert_int_equal(
        runs(kit, (struct store_query){.key = kit_bytes("box-12")}).count, 0);
    /* All that was said must hold. */
    found = runs(kit, (struct store_query){.key = kit_bytes("box-1"),
                                           .code = "mapping",
                                           .states = 1u << RUN_PARKED,
                                           .flow = "won-deal"});
    assert_int_equal(found.count, 1);
    assert_int_equal(found.runs[0], 1);
    assert_int_equal(
        runs(kit, (struct store_query){.code = "mapping", .flow = "payment"})
            .count,
        0);
    found = runs(kit,
                 (struct store_query){.accepted_after_wall_ms = start + 1000,
                                      .accepted_before_wall_ms = start + 2000});
    assert_int_equal(found.count, 1);
    assert_int_equal(found.runs[0], 2);
}

static void pages_of_what_is_found(void **state)
{
    struct kit *kit = *state;
    struct found found;

    fill(kit);
    found = runs(kit, (struct store_query){.contains = "is", .limit = 2});
    assert_int_equal(found.count, 2);
    assert_int_equal(found.runs[1], 2);
    assert_int_equal(found.next, 2);
    found = runs(kit, (struct store_query){
                          .contains = "is", .limit = 2, .run = found.next});
    assert_int_equal(found.count, 1);
    assert_int_equal(found.runs[0], 1);
    assert_int_equal(found.next, 0);
    /* The same without a filter. */
    found = runs(kit, (struct store_query){.limit = 2});
    assert_int_equal(found.next, 4);
    found = runs(kit, (struct store_query){.limit = 3, .run = found.next});
    assert_int_equal(found.count, 3);
    found = runs(kit, (struct store_query){.limit = 9, .run = 4});
    assert_int_equal(found.next, 0);
}

/* The needle is the oldest of more runs than one answer looks at. */
static void search_is_bounded_and_goes_on(void **state)
{
    struct kit *kit = *state;
    struct store_query query = {.kind = STORE_QUERY_RUNS, .code = "needle"};
    struct found found;
    int asked = 0;

    kit->flow = "rare";
    kit_accept(kit, "a", "", true);
    kit->flow = NULL;
    park(kit, 1, RUN_PARKED, "needle", "here");
    for (int index = 0; index < STORE_SCAN_MAX; index += 500) {
        struct store_batch *batch = store_batch_create();
        for (int at = 0; at < 500; at++) {
            char id[32];
            snprintf(id, sizeof(id), "e%d", index + at);
            kit_append_accept(kit, batch, id, "", false);
        }
        kit_commit(kit, batch);
    }
    do {
        found = ask(kit, query);
        query.run = found.next;
        asked++;
    } while (!found.count && found.next);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.runs[0], 1);
    assert_int_equal(asked, 2);
    query = (struct store_query){.kind = STORE_QUERY_RUNS, .flow = "rare"};
    found = ask(kit, query);
    assert_int_equal(found.count, 0);
    query.run = found.next;
    assert_int_equal(ask(kit, query).count, 1);
    /* Where the state is known the others are not looked at. */
    query.run = 0;
    query.states = 1u << RUN_PARKED;
    assert_int_equal(ask(kit, query).count, 1);
}

static void reasons_are_counted(void **state)
{
    struct kit *kit = *state;
    struct found found;

    fill(kit);
    kit_accept(kit, "e", "box-5", true);
    park(kit, 6, RUN_PARKED, "rejected", "another");
    kit_accept(kit, "f", "box-6", true);
    park(kit, 7, RUN_PARKED, NULL, NULL);
    found = ask(kit, (struct store_query){.kind = STORE_QUERY_REASONS});
    assert_int_equal(found.reason_count, 4);
    assert_int_equal(found.reasons[0].count, 2);
    assert_int_equal(found.reasons[0].run, 2);
    assert_int_equal(found.reasons[0].state, RUN_PARKED);
    assert_string_equal(found.codes[0], "rejected won-deal");
    assert_string_equal(found.texts[0], "the price is not 100% right");
    assert_int_equal(found.reasons[0].oldest_wall_ms,
                     kit_count(kit, "SELECT accepted_wall_ms FROM run WHERE"
                                    " number = 2"));
    assert_int_equal(found.reasons[1].run, 1);
    assert_int_equal(found.reasons[2].state, RUN_HELD);
    assert_string_equal(found.codes[3], "- won-deal");
}

static void sizes_alerts_and_quarantine(void **state)
{
    struct kit *kit = *state;
    struct store_batch *batch = store_batch_create();
    struct store_quarantine entry = {
        .instance = "streak", .reason = "box", .content = kit_bytes("{]")};
    struct found found;

    fill(kit);
    found = ask(kit, (struct store_query){.kind = STORE_QUERY_COUNTS});
    assert_int_equal(found.rows.file_bytes,
                     kit_count(kit, "PRAGMA page_count") * 4096);
    assert_true(found.rows.used_bytes > 0 &&
                found.rows.used_bytes <= found.rows.file_bytes);
    assert_int_equal(found.rows.forgotten_count, 0);
    assert_int_equal(found.rows.restored_wall_ms, 0);
    store_batch_quarantine(batch, &entry);
    entry.instance = "bank";
    store_batch_quarantine(batch, &entry);
    kit_commit(kit, batch);
    found = ask(kit, (struct store_query){.kind = STORE_QUERY_QUARANTINE});
    assert_int_equal(found.quarantine_count, 2);
    found = ask(kit, (struct store_query){.kind = STORE_QUERY_QUARANTINE,
                                          .instance = "streak"});
    assert_int_equal(found.quarantine_count, 1);
    assert_int_equal(found.content_len, entry.content.len);
    found = ask(kit, (struct store_query){.kind = STORE_QUERY_QUARANTINE,
                                          .brief = true});
    assert_int_equal(found.quarantine_count, 2);
    assert_int_equal(found.content_len, 0);
    batch = store_batch_create();
    store_batch_alert(batch, "z", "text");
    kit_step(kit, 1, 1);
    kit_commit(kit, batch);
    found = ask(kit, (struct store_query){.kind = STORE_QUERY_ALERTS});
    assert_string_equal(found.by, "nobody");
    batch = store_batch_create();
    store_batch_alert_acknowledge(batch, "ann", "z");
    kit_commit(kit, batch);
    found = ask(kit, (struct store_query){.kind = STORE_QUERY_ALERTS});
    assert_true(found.acknowledged);
    assert_string_equal(found.by, "ann");
    kit_step(kit, STORE_ALERT_QUIET_MS, 0);
    batch = store_batch_create();
    store_batch_alert(batch, "z", "text");
    kit_commit(kit, batch);
    found = ask(kit, (struct store_query){.kind = STORE_QUERY_ALERTS});
    assert_string_equal(found.by, "nobody");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        KIT_TEST(runs_are_found),
        KIT_TEST(pages_of_what_is_found),
        KIT_TEST(search_is_bounded_and_goes_on),
        KIT_TEST(reasons_are_counted),
        KIT_TEST(sizes_alerts_and_quarantine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
