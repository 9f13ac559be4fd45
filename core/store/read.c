/* read.c - answers to queries.
 *
 * One idea: each query reads one state of the database in a read transaction on
 * a connection of its own, with a limit on its rows, so that people reading
 * never make the writer wait.  Everything is copied into the arena of the
 * answer.  Called on the reader's thread, or on the loop in inline mode. */
#include "store/read.h"

#include <errno.h>
#include <sodium.h>

#include "store/load.h"
#include "store/read_runs.h"

enum { LIMIT_DEFAULT = 50, LIMIT_MAX = 1000, HASH_BYTES = 32, QUEUE_MAX = 256 };

static void read_history_row(struct reading *reading, sqlite3_stmt *row,
                             struct store_history_row *entry)
{
    struct store_bytes hash = column_bytes(row, 7);
    char *hex = arena_take(reading->arena, hash.len * 2 + 1, 1);

    entry->sequence = column_count(row, 0);
    entry->wall_ms = column_number(row, 1);
    entry->actor = arena_text(reading->arena, column_text(row, 2));
    entry->act = arena_text(reading->arena, column_text(row, 3));
    entry->run = column_count(row, 4);
    entry->path = arena_text(reading->arena, column_text(row, 5));
    entry->detail = arena_text(reading->arena, column_text(row, 6));
    sodium_bin2hex(hex, hash.len * 2 + 1, (const unsigned char *)hash.ptr,
                   hash.len);
    entry->hash = hex;
}

static int read_history(struct reading *reading, bool of_run,
                        struct store_rows *rows)
{
    struct store_history_row *history =
        arena_take(reading->arena, reading->limit, sizeof(*history));
    size_t count = 0;
    sqlite3_stmt *row;
    int found = database_find(
        reading->database,
        of_run ? "SELECT sequence, wall_ms, actor, act, run, path, detail, hash"
                 " FROM audit WHERE run > 0 AND run = ?1 AND sequence > ?2"
                 " ORDER BY sequence LIMIT ?3"
               : "SELECT sequence, wall_ms, actor, act, run, path, detail, hash"
                 " FROM audit WHERE ?1 IS NOT NULL AND sequence > ?2"
                 " ORDER BY sequence LIMIT ?3",
        &row, value_count(reading->query->run),
        value_count(reading->query->sequence), value_count(reading->limit));

    while (found > 0) {
        read_history_row(reading, row, &history[count++]);
        found = database_next(reading->database, row);
    }
    rows->history = history;
    rows->history_count = count;
    return found;
}

static int read_one(struct reading *reading, struct store_rows *rows)
{
    struct store_work *work = arena_take(reading->arena, 1, sizeof(*work));
    int found =
        load_work(reading->database, reading->arena, reading->query->run, work);

    rows->work_steady_ms = reading->steady_ms;
    if (found <= 0)
        return found;
    rows->work = work;
    found = read_run(reading, rows);
    reading->limit = LIMIT_MAX;
    return found ? found : read_history(reading, true, rows);
}

static int read_sizes(struct reading *reading, struct store_rows *rows)
{
    static const char *const pragmas[] = {
        "PRAGMA page_size", "PRAGMA page_count", "PRAGMA freelist_count"};
    uint64_t numbers[3] = {0};

    for (size_t index = 0; index < 3; index++) {
        sqlite3_stmt *row;
        int found = database_find_values(reading->database, pragmas[index],
                                         NULL, 0, &row);
        if (found <= 0)
            return found;
        numbers[index] = column_count(row, 0);
        database_done(row);
    }
    rows->file_bytes = numbers[0] * numbers[1];
    rows->used_bytes = rows->file_bytes - numbers[0] * numbers[2];
    return 0;
}

static int read_counts(struct reading *reading, struct store_rows *rows)
{
    struct store_count_row *counts =
        arena_take(reading->arena, RUN_DISCARDED + 1, sizeof(*counts));
    sqlite3_stmt *row;
    int found = database_find_values(
        reading->database,
        "SELECT queued, ready, active, waiting, held, parked, done, discarded,"
        " event_count, duplicate_count, forgotten_count, restored_wall_ms"
        " FROM meta",
        NULL, 0, &row);

    if (found <= 0)
        return found;
    for (int state = 0; state <= RUN_DISCARDED; state++) {
        counts[state].state = (enum run_state)state;
        counts[state].count = column_count(row, state);
    }
    rows->event_count = column_count(row, RUN_DISCARDED + 1);
    rows->duplicate_count = column_count(row, RUN_DISCARDED + 2);
    rows->forgotten_count = column_count(row, RUN_DISCARDED + 3);
    rows->restored_wall_ms = column_number(row, RUN_DISCARDED + 4);
    database_done(row);
    found = read_sizes(reading, rows);
    if (found < 0)
        return found;
    for (int state = 0; state <= RUN_DISCARDED; state++) {
        /* Numbers are given out in the order of acceptance. */
        found = database_find(reading->database,
                              "SELECT accepted_wall_ms, number FROM run"
                              " WHERE state = ?1 ORDER BY number LIMIT 1",
                              &row, value_number(state));
        if (found < 0)
            return found;
        if (found) {
            counts[state].oldest_wall_ms = column_number(row, 0);
            counts[state].oldest = column_count(row, 1);
            database_done(row);
        }
    }
    rows->counts = counts;
    rows->count_count = RUN_DISCARDED + 1;
    return 0;
}

static int read_alert_count(struct reading *reading, struct store_rows *rows)
{
    sqlite3_stmt *row;
    int found = database_find_values(
        reading->database,
        "SELECT count(*), count(*) FILTER (WHERE NOT acknowledged) FROM alert",
        NULL, 0, &row);

    if (found <= 0)
        return found;
    rows->alert_total = column_count(row, 0);
    rows->alert_open = column_count(row, 1);
    database_done(row);
    return 0;
}

static int read_alerts(struct reading *reading, struct store_rows *rows)
{
    struct store_alert_row *alerts =
        arena_take(reading->arena, reading->limit, sizeof(*alerts));
    size_t count = 0;
    sqlite3_stmt *row;
    int found = database_find(
        reading->database,
        "SELECT id, cause, text, first_wall_ms, last_wall_ms, count,"
        " acknowledged, acknowledged_by, acknowledged_wall_ms FROM alert"
        " ORDER BY acknowledged, last_wall_ms DESC, id DESC LIMIT ?1",
        &row, value_count(reading->limit));

    while (found > 0) {
        struct store_alert_row *alert = &alerts[count++];
        int status = load_reason(reading->arena, row, 2, 0,
                                 column_number(row, 0), &alert->text);
        if (status || !alert->text)
            alert->text = "";
        alert->cause = arena_text(reading->arena, column_text(row, 1));
        alert->first_wall_ms = column_number(row, 3);
        alert->last_wall_ms = column_number(row, 4);
        alert->count = column_count(row, 5);
        alert->acknowledged = column_number(row, 6) != 0;
        if (alert->acknowledged) {
            alert->acknowledged_by =
                arena_text(reading->arena, column_text(row, 7));
            alert->acknowledged_wall_ms = column_number(row, 8);
        }
        found = database_next(reading->database, row);
    }
    rows->alerts = alerts;
    rows->alert_count = count;
    return found ? found : read_alert_count(reading, rows);
}

static int read_quarantine(struct reading *reading, struct store_rows *rows)
{
    struct store_quarantine_row *entries =
        arena_take(reading->arena, reading->limit, sizeof(*entries));
    uint64_t below = reading->query->run;
    size_t count = 0;
    sqlite3_stmt *row;
    /* What stands behind the content in a row costs reading all of it. */
    int found = database_find(
        reading->database,
        reading->query->brief
            ? "SELECT id, instance, reason, NULL, 0, 0, 0 FROM quarantine"
              " WHERE id < ?1 AND (?3 IS NULL OR instance = ?3)"
              " ORDER BY id DESC LIMIT ?2"
            : "SELECT id, instance, reason, content, first_wall_ms,"
              " last_wall_ms, count FROM quarantine"
              " WHERE id < ?1 AND (?3 IS NULL OR instance = ?3)"
              " ORDER BY id DESC LIMIT ?2",
        &row, value_number(below ? (int64_t)below : INT64_MAX),
        value_count(reading->limit), value_text(reading->query->instance));

    while (found > 0) {
        struct store_quarantine_row *entry = &entries[count++];
        int64_t id = column_number(row, 0);
        int status;

        entry->number = (uint64_t)id;
        entry->instance = arena_text(reading->arena, column_text(row, 1));
        status = load_reason(reading->arena, row, 2, 0, id, &entry->reason);
        if (!status)
            status =
                load_sealed(reading->arena, row, 3, 0, id, &entry->content);
        if (status) {
            database_done(row);
            return status;
        }
        entry->first_wall_ms = column_number(row, 4);
        entry->last_wall_ms = column_number(row, 5);
        entry->count = column_count(row, 6);
        found = database_next(reading->database, row);
    }
    rows->quarantine = entries;
    rows->quarantine_count = count;
    return found;
}

/* Rows of id, name, value; the name may be sealed. */
static int read_values(struct reading *reading, const char *sql,
                       bool sealed_name, struct store_rows *rows)
{
    struct store_value_row *values =
        arena_take(reading->arena, reading->limit, sizeof(*values));
    size_t count = 0;
    sqlite3_stmt *row;
    int found = database_find(reading->database, sql, &row,
                              value_text(reading->query->instance),
                              value_count(reading->limit));

    while (found > 0) {
        struct store_value_row *value = &values[count++];
        int64_t id = column_number(row, 0);
        int status = 0;

        if (sealed_name)
            status = load_reason(reading->arena, row, 1, 0, id, &value->name);
        else
            value->name = arena_text(reading->arena, column_text(row, 1));
        if (!status)
            status = load_sealed(reading->arena, row, 2, 0, id, &value->value);
        if (status) {
            database_done(row);
            return status;
        }
        found = database_next(reading->database, row);
    }
    rows->values = values;
    rows->value_count = count;
    return found;
}

static int read_flow(struct reading *reading, struct store_rows *rows)
{
    struct store_value_row *value =
        arena_take(reading->arena, 1, sizeof(*value));
    sqlite3_stmt *row;
    int found = database_find(
        reading->database,
        "SELECT text FROM flow_version WHERE flow = ?1 AND version = ?2", &row,
        value_text(reading->query->flow), value_text(reading->query->version));

    if (found <= 0)
        return found;
    value->name = arena_text(reading->arena, reading->query->version);
    value->value = arena_bytes(reading->arena, column_bytes(row, 0));
    database_done(row);
    rows->values = value;
    rows->value_count = 1;
    return 0;
}

/* Queues of runs that are ready or wake by time. */
static int read_ready(struct reading *reading, struct store_rows *rows)
{
    struct store_ready_row *ready =
        arena_take(reading->arena, QUEUE_MAX, sizeof(*ready));
    size_t count = 0;
    sqlite3_stmt *row;
    int found = database_find(
        reading->database,
        "SELECT queue, sum(due_now), coalesce(min(later), 0) FROM ("
        "SELECT queue, count(*) AS due_now, NULL AS later FROM run"
        " INDEXED BY run_claim WHERE state = 1 AND due_ms = 0"
        " GROUP BY queue UNION ALL "
        "SELECT queue, count(*), NULL FROM run INDEXED BY run_due"
        " WHERE due_ms > 0 AND due_ms <= ?1 GROUP BY queue UNION ALL "
        "SELECT queue, 0, min(due_ms) FROM run INDEXED BY run_due"
        " WHERE due_ms > 0 AND due_ms > ?1 GROUP BY queue)"
        " GROUP BY queue ORDER BY queue LIMIT ?2",
        &row, value_number(reading->steady_ms), value_number(QUEUE_MAX));

    while (found > 0) {
        ready[count].queue = arena_text(reading->arena, column_text(row, 0));
        ready[count].due_count = column_count(row, 1);
        ready[count].next_due_ms = column_number(row, 2);
        count++;
        found = database_next(reading->database, row);
    }
    rows->ready = ready;
    rows->ready_count = count;
    return found;
}

static int read_kind(struct reading *reading, struct store_rows *rows)
{
    switch (reading->query->kind) {
    case STORE_QUERY_RUNS:
        return read_runs(reading, rows);
    case STORE_QUERY_RUN:
        return read_one(reading, rows);
    case STORE_QUERY_COUNTS:
        return read_counts(reading, rows);
    case STORE_QUERY_HISTORY:
        return read_history(reading, reading->query->run > 0, rows);
    case STORE_QUERY_ALERTS:
        return read_alerts(reading, rows);
    case STORE_QUERY_QUARANTINE:
        return read_quarantine(reading, rows);
    case STORE_QUERY_CURSORS:
        return read_values(reading,
                           "SELECT id, stream, value FROM cursor"
                           " WHERE instance = ?1 ORDER BY stream LIMIT ?2",
                           false, rows);
    case STORE_QUERY_STATE:
        return read_values(reading,
                           "SELECT id, name, value FROM instance_state"
                           " WHERE instance = ?1 ORDER BY id LIMIT ?2",
                           true, rows);
    case STORE_QUERY_FLOW:
        return read_flow(reading, rows);
    case STORE_QUERY_READY:
        return read_ready(reading, rows);
    case STORE_QUERY_DOUBTS:
        return read_doubts(reading, rows);
    case STORE_QUERY_REASONS:
        return read_reasons(reading, rows);
    }
    return -EINVAL;
}

/* Nothing was changed.  When this fails for want of memory the transaction is
 * still open, and the next question ends it. */
static int read_end(struct database *database)
{
    return sqlite3_get_autocommit(database->handle)
               ? 0
               : database_exec(database, "ROLLBACK");
}

int read_answer(struct database *database, struct arena *arena,
                const struct store_query *query, int64_t steady_ms,
                struct store_rows *ret_rows)
{
    struct reading reading = {.database = database,
                              .arena = arena,
                              .query = query,
                              .steady_ms = steady_ms};
    int end, status = read_end(database); /* of one that did not end */

    if (!status)
        status = database_exec(database, "BEGIN");
    reading.limit = query->limit ? query->limit : LIMIT_DEFAULT;
    if (reading.limit > LIMIT_MAX)
        reading.limit = LIMIT_MAX;
    if (status)
        return status;
    status = read_kind(&reading, ret_rows);
    end = read_end(database);
    return status ? status : end;
}
