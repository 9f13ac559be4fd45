/* read_runs.c - summaries of runs: what it does, why it waits, who waits.
 *
 * One idea: first the numbers of the page are found, in an index by state where
 * only some states are wanted, then each is read with what stands around it.
 * Called on the reader's thread. */
#include "store/read_runs.h"

#include <errno.h>
#include <stdint.h>

#include "store/load.h"
#include "store/read_filter.h"

enum {
    /* Who waits behind a run is counted up to here; nobody reads further. */
    BEHIND_MAX = 1000,
    /* Numbers that are looked up at once; not less than the rows of an
     * answer. */
    PAGE_RUNS = 1000
};

/* One number of a query with one or two values; 0 when there is none. */
static int read_number(struct reading *reading, const char *sql,
                       const struct value *values, int count,
                       uint64_t *ret_number)
{
    sqlite3_stmt *row;
    int found =
        database_find_values(reading->database, sql, values, count, &row);

    *ret_number = 0;
    if (found > 0) {
        *ret_number = column_count(row, 0);
        database_done(row);
    }
    return found < 0 ? found : 0;
}

static int read_neighbours(struct reading *reading, struct value lane,
                           struct store_run_row *run)
{
    uint64_t runs = 0, deliveries = 0;
    int status = 0;

    if (run->state == RUN_QUEUED)
        return read_number(reading,
                           "SELECT min(number) FROM run WHERE lane = ?1 AND"
                           " state < 6",
                           DATABASE_VALUES(lane), &run->behind);
    if (run->state >= RUN_DONE)
        return 0;
    if (run->state == RUN_WAITING)
        status = read_number(
            reading,
            "SELECT front.run FROM delivery JOIN delivery AS front"
            " ON front.hold = 2 AND front.lane = delivery.lane"
            " AND front.id <> delivery.id AND (front.id < delivery.id OR"
            " front.state IN (1, 2)) WHERE delivery.run = ?1 AND"
            " delivery.waiting = 1 ORDER BY front.id LIMIT 1",
            DATABASE_VALUES(value_count(run->run)), &run->behind);
    if (!status && run->state == RUN_WAITING && !run->behind)
        status = read_number(
            reading,
            "SELECT front.run FROM delivery JOIN delivery AS front"
            " ON front.hold > 0 AND front.entity = delivery.entity"
            " AND front.id <> delivery.id WHERE delivery.run = ?1 AND"
            " delivery.waiting = 1 ORDER BY front.id LIMIT 1",
            DATABASE_VALUES(value_count(run->run)), &run->behind);
    if (!status)
        status = read_number(
            reading,
            "SELECT count(*) FROM (SELECT 1 FROM run WHERE lane = ?1 AND"
            " state < 6 AND number > ?2 LIMIT ?3)",
            DATABASE_VALUES(lane, value_count(run->run),
                            value_number(BEHIND_MAX)),
            &runs);
    if (!status)
        status = read_number(
            reading,
            "SELECT count(*) FROM (SELECT 1 FROM delivery JOIN delivery AS"
            " later ON later.hold = 2 AND later.lane = delivery.lane AND"
            " later.id > delivery.id AND later.run <> ?1 AND later.waiting = 1"
            " WHERE delivery.run = ?1 AND delivery.hold = 2 LIMIT ?2)",
            DATABASE_VALUES(value_count(run->run), value_number(BEHIND_MAX)),
            &deliveries);
    run->waiting_behind = (uint32_t)(runs + deliveries);
    return status;
}

static int read_label(struct reading *reading, struct store_run_row *run)
{
    sqlite3_stmt *row;
    int status,
        found = database_find(
            reading->database,
            "SELECT id, person_key, reference FROM delivery WHERE run = ?1 AND"
            " reference IS NOT NULL ORDER BY id LIMIT 1",
            &row, value_count(run->run));

    if (found <= 0)
        return found;
    status = load_sealed(reading->arena, row, 2, column_number(row, 1),
                         column_number(row, 0), &run->label);
    database_done(row);
    return status;
}

static int64_t read_due_in(const struct reading *reading, enum run_state state,
                           int64_t due_ms)
{
    if (state != RUN_READY && (state != RUN_HELD || !due_ms))
        return -1;
    return due_ms > reading->steady_ms ? due_ms - reading->steady_ms : 0;
}

static int read_summary(struct reading *reading, uint64_t number,
                        struct store_run_row *run)
{
    struct arena *arena = reading->arena;
    struct store_bytes lane;
    sqlite3_stmt *row;
    int status,
        found = database_find(
            reading->database,
            "SELECT run.flow, run.flow_version, record.origin, record.type,"
            " run.state, run.queue, run.code, run.due_ms, run.accepted_wall_ms,"
            " run.finished_wall_ms, run.lane, run.person_key, run.reason,"
            " record.id, record.person_key, record.event_id, record.order_key"
            " FROM run JOIN record ON record.id = run.record WHERE number = ?1",
            &row, value_count(number));

    if (found <= 0)
        return found;
    run->run = number;
    run->flow = arena_text(arena, column_text(row, 0));
    run->flow_version = arena_text(arena, column_text(row, 1));
    run->origin = arena_text(arena, column_text(row, 2));
    run->type = arena_text(arena, column_text(row, 3));
    run->state = (enum run_state)column_number(row, 4);
    run->queue = arena_text(arena, column_text(row, 5));
    run->code = arena_text(arena, column_text(row, 6));
    run->due_in_ms = read_due_in(reading, run->state, column_number(row, 7));
    run->accepted_wall_ms = column_number(row, 8);
    run->finished_wall_ms = column_number(row, 9);
    lane = arena_bytes(arena, column_bytes(row, 10));
    status = load_reason(arena, row, 12, column_number(row, 11),
                         (int64_t)number, &run->reason);
    if (!status)
        status = load_sealed(arena, row, 15, column_number(row, 14),
                             column_number(row, 13), &run->id);
    if (!status)
        status = load_sealed(arena, row, 16, column_number(row, 14),
                             column_number(row, 13), &run->key);
    database_done(row);
    if (status == -EBADMSG) { /* shown without, so that it can be found */
        run->reason = "what is stored of it cannot be read";
        status = 0;
    }
    if (!status)
        status = read_neighbours(reading, value_bytes(lane), run);
    if (!status)
        status = read_label(reading, run);
    return status && status != -EBADMSG ? status : 1;
}

#define PAGE_OF(state, bit)                                                    \
    "SELECT * FROM (SELECT number FROM run WHERE state = " state               \
    " AND (?1 & " bit ") <> 0 AND number < ?2 ORDER BY number DESC LIMIT ?3)"

/* clang-format off */
static const char page_of_states[] =
    PAGE_OF("0", "1") " UNION ALL " PAGE_OF("1", "2") " UNION ALL "
    PAGE_OF("2", "4") " UNION ALL " PAGE_OF("3", "8") " UNION ALL "
    PAGE_OF("4", "16") " UNION ALL " PAGE_OF("5", "32") " UNION ALL "
    PAGE_OF("6", "64") " UNION ALL " PAGE_OF("7", "128")
    " ORDER BY 1 DESC LIMIT ?3";
/* clang-format on */

static const char page_of_all[] =
    "SELECT number FROM run WHERE ?1 = 0 AND number < ?2"
    " ORDER BY number DESC LIMIT ?3";

/* Up to count numbers of runs below, newest first; their count. */
static int read_page(struct reading *reading, uint64_t below, size_t count,
                     uint64_t *numbers, size_t *ret_count)
{
    const struct store_query *query = reading->query;
    size_t taken = 0;
    sqlite3_stmt *row;
    int found = database_find(
        reading->database, query->states ? page_of_states : page_of_all, &row,
        value_number(query->states),
        value_number(below ? (int64_t)below : INT64_MAX), value_count(count));

    while (found > 0 && taken < count) {
        numbers[taken++] = column_count(row, 0);
        found = database_next(reading->database, row);
    }
    if (found > 0)
        database_done(row);
    *ret_count = taken;
    return found < 0 ? found : 0;
}

int read_runs(struct reading *reading, struct store_rows *rows)
{
    struct store_run_row *runs =
        arena_take(reading->arena, reading->limit, sizeof(*runs));
    uint64_t *numbers = arena_take(reading->arena, PAGE_RUNS, sizeof(*numbers));
    uint64_t below = reading->query->run;
    size_t count = 0, looked = 0, page = PAGE_RUNS;
    bool all = !filter_wanted(reading->query);

    if (all)
        page = reading->limit;
    while (count < reading->limit && looked < STORE_SCAN_MAX) {
        size_t taken, index;
        int status = read_page(reading, below, page, numbers, &taken);

        for (index = 0; !status && index < taken && count < reading->limit;
             index++) {
            int found = all ? 1 : filter_match(reading, numbers[index]);
            if (found > 0)
                found = read_summary(reading, numbers[index], &runs[count]);
            count += found > 0;
            status = found < 0 ? found : 0;
        }
        if (status)
            return status;
        looked += index;
        if (index)
            below = numbers[index - 1];
        rows->run_next = index < page && index == taken ? 0 : below;
        if (!rows->run_next)
            break;
    }
    rows->runs = runs;
    rows->run_count = count;
    return 0;
}

int read_run(struct reading *reading, struct store_rows *rows)
{
    struct store_run_row *run = arena_take(reading->arena, 1, sizeof(*run));
    int found = read_summary(reading, reading->query->run, run);

    rows->runs = run;
    rows->run_count = found > 0;
    return found < 0 ? found : 0;
}

int read_reasons(struct reading *reading, struct store_rows *rows)
{
    struct store_reason_row *reasons =
        arena_take(reading->arena, reading->limit, sizeof(*reasons));
    size_t count = 0;
    sqlite3_stmt *row;
    int found = database_find(
        reading->database,
        "SELECT grouped.state, grouped.code, grouped.flow, total, first,"
        " run.accepted_wall_ms, run.person_key, run.reason FROM ("
        "SELECT state, code, flow, count(*) AS total, min(number) AS first"
        " FROM run WHERE state IN (4, 5) GROUP BY state, code, flow) AS grouped"
        " JOIN run ON run.number = first ORDER BY total DESC, first LIMIT ?1",
        &row, value_count(reading->limit));

    while (found > 0) {
        struct store_reason_row *reason = &reasons[count++];

        reason->state = (enum run_state)column_number(row, 0);
        reason->code = arena_text(reading->arena, column_text(row, 1));
        reason->flow = arena_text(reading->arena, column_text(row, 2));
        reason->count = column_count(row, 3);
        reason->run = column_count(row, 4);
        reason->oldest_wall_ms = column_number(row, 5);
        if (load_reason(reading->arena, row, 7, column_number(row, 6),
                        (int64_t)reason->run, &reason->reason))
            reason->reason = "what is stored of it cannot be read";
        found = database_next(reading->database, row);
    }
    rows->reasons = reasons;
    rows->reason_count = count;
    return found;
}

int read_doubts(struct reading *reading, struct store_rows *rows)
{
    uint64_t *doubts =
        arena_take(reading->arena, reading->limit, sizeof(*doubts));
    size_t count = 0;
    sqlite3_stmt *row;
    int found = database_find(
        reading->database,
        "SELECT DISTINCT run FROM delivery INDEXED BY delivery_flight"
        " WHERE state IN (1, 2) AND state = 2 AND intent_ms <= ?1 AND"
        " NOT EXISTS (SELECT 1 FROM alert WHERE cause = 'doubt:' || run)"
        " LIMIT ?2",
        &row, value_number(reading->steady_ms - reading->query->doubt_age_ms),
        value_count(reading->limit));

    while (found > 0) {
        doubts[count++] = column_count(row, 0);
        found = database_next(reading->database, row);
    }
    rows->doubts = doubts;
    rows->doubt_count = count;
    return found;
}
