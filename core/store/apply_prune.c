/* apply_prune.c - what is forgotten.
 *
 * One idea: each kind goes from its old end, found by an index, and never more
 * rows in one transaction than the caller allows, so that the flow does not
 * wait.  What prevents second orders (entity, xref) is never touched.  The
 * audit chain loses its old end as a whole; the last entry that went stays in
 * meta with its hash, so that the rest can still be checked.
 *
 * The alert about parked runs is of no age: it goes with the last of them.
 *
 * Freed pages are used again; the file does not become smaller.  Called by the
 * writer inside a transaction. */
#include "store/apply_prune.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "store/apply_parked.h"
#include "store/audit.h"

enum { DETAIL_BYTES = 128 };

/* What is left of the rows allowed, and what went. */
struct pruning {
    uint64_t left;
    uint64_t events, runs, alerts, audit;
};

/* Rows went; of a run some more may have gone than were left. */
static void prune_spend(struct pruning *pruning, int64_t rows)
{
    pruning->left -=
        (uint64_t)rows < pruning->left ? (uint64_t)rows : pruning->left;
}

static int64_t prune_changes(struct writer *writer)
{
    return sqlite3_changes64(writer->database.handle);
}

static int prune_events(struct writer *writer, int64_t age_ms,
                        struct pruning *pruning)
{
    int status;

    if (!age_ms)
        return 0;
    status = database_run(
        &writer->database,
        "DELETE FROM event WHERE hash IN (SELECT hash FROM event WHERE"
        " first_steady_ms < ?1 ORDER BY first_steady_ms LIMIT ?2)",
        value_number(writer->steady_ms - age_ms), value_count(pruning->left));
    if (status)
        return status;
    pruning->events = (uint64_t)prune_changes(writer);
    prune_spend(pruning, (int64_t)pruning->events);
    return 0;
}

int prune_record(struct writer *writer, int64_t record)
{
    return database_run(&writer->database,
                        "DELETE FROM record WHERE id = ?1 AND NOT EXISTS"
                        " (SELECT 1 FROM run WHERE record = ?1)",
                        value_number(record));
}

static int prune_run(struct writer *writer, uint64_t number, int64_t record,
                     struct pruning *pruning)
{
    static const char *const parts[] = {"DELETE FROM step WHERE run = ?1",
                                        "DELETE FROM delivery WHERE run = ?1",
                                        "DELETE FROM run WHERE number = ?1"};
    int status = 0;

    for (size_t part = 0; !status && part < sizeof(parts) / sizeof(*parts);
         part++) {
        status =
            database_run(&writer->database, parts[part], value_count(number));
        if (!status)
            prune_spend(pruning, prune_changes(writer));
    }
    if (!status)
        status = prune_record(writer, record);
    if (!status)
        prune_spend(pruning, prune_changes(writer));
    return status;
}

static int prune_pragma(struct writer *writer, const char *sql,
                        int64_t *ret_number)
{
    sqlite3_stmt *row;
    int found = database_find_values(&writer->database, sql, NULL, 0, &row);

    if (found <= 0)
        return found ? found : -EIO;
    *ret_number = column_number(row, 0);
    database_done(row);
    return 0;
}

/* More than bytes_max is in use. */
static int prune_too_large(struct writer *writer, int64_t bytes_max)
{
    int64_t pages = 0, unused = 0, bytes = 0;
    int status;

    if (!bytes_max)
        return 0;
    status = prune_pragma(writer, "PRAGMA page_count", &pages);
    if (!status)
        status = prune_pragma(writer, "PRAGMA freelist_count", &unused);
    if (!status)
        status = prune_pragma(writer, "PRAGMA page_size", &bytes);
    return status ? status : (pages - unused) * bytes > bytes_max;
}

static int prune_runs(struct writer *writer, const struct store_prune *prune,
                      struct pruning *pruning)
{
    while (pruning->left) {
        int64_t age_ms = prune->run_age_ms, before_ms = 0, record;
        enum run_state state;
        uint64_t number;
        sqlite3_stmt *row;
        int status, found = prune_too_large(writer, prune->bytes_max);

        if (found < 0)
            return found;
        if (found)
            before_ms = INT64_MAX;
        else if (age_ms)
            before_ms = writer->steady_ms - age_ms;
        found = database_find(
            &writer->database,
            "SELECT number, record, state FROM run WHERE finished_ms > 0 AND"
            " finished_ms < ?1 ORDER BY finished_ms LIMIT 1",
            &row, value_number(before_ms));
        if (found <= 0)
            return found;
        number = column_count(row, 0);
        record = column_number(row, 1);
        state = (enum run_state)column_number(row, 2);
        database_done(row);
        if (state != RUN_DONE && state != RUN_DISCARDED)
            return -EBADMSG; /* of a damaged file: it never goes */
        status = prune_run(writer, number, record, pruning);
        if (status)
            return status;
        writer->counters.runs[state]--;
        writer->counters.forgotten_count++;
        pruning->runs++;
    }
    return 0;
}

static int prune_alerts(struct writer *writer, int64_t age_ms,
                        struct pruning *pruning)
{
    int status;

    if (!age_ms || !pruning->left)
        return 0;
    status = database_run(
        &writer->database,
        "DELETE FROM alert WHERE id IN (SELECT id FROM alert WHERE"
        " last_ms < ?1 AND cause NOT GLOB '" PARKED_PREFIX "*'"
        " ORDER BY last_ms LIMIT ?2)",
        value_number(writer->steady_ms - age_ms), value_count(pruning->left));
    if (status)
        return status;
    pruning->alerts = (uint64_t)prune_changes(writer);
    prune_spend(pruning, (int64_t)pruning->alerts);
    return 0;
}

/* The chain begins behind entry last from now on. */
static int prune_audit_to(struct writer *writer, int64_t last)
{
    struct database *database = &writer->database;
    struct store_bytes hash;
    sqlite3_stmt *row;
    int status, found = database_find(
                    database, "SELECT hash FROM audit WHERE sequence = ?1",
                    &row, value_number(last));

    if (found <= 0)
        return found ? found : -EBADMSG;
    hash = arena_bytes(&writer->scratch, column_bytes(row, 0));
    database_done(row);
    if (hash.len != AUDIT_HASH_BYTES)
        return -EBADMSG;
    status = database_run(database,
                          "UPDATE meta SET anchor_sequence = ?1,"
                          " anchor_hash = ?2",
                          value_number(last), value_bytes(hash));
    if (!status)
        status = database_run(database,
                              "DELETE FROM audit_time WHERE sequence <= ?1",
                              value_number(last));
    if (!status)
        status =
            database_run(database, "DELETE FROM audit WHERE sequence <= ?1",
                         value_number(last));
    return status;
}

static int prune_audit(struct writer *writer, int64_t age_ms,
                       struct pruning *pruning)
{
    int64_t first = 0, last = 0;
    sqlite3_stmt *row;
    int status, found;

    if (!age_ms || !pruning->left)
        return 0;
    found = database_find(
        &writer->database,
        "SELECT anchor_sequence, (SELECT coalesce(max(sequence), 0) FROM"
        " audit_time WHERE steady_ms < ?1) FROM meta",
        &row, value_number(writer->steady_ms - age_ms));
    if (found <= 0)
        return found;
    first = column_number(row, 0) + 1;
    last = column_number(row, 1);
    database_done(row);
    if (last - first >= (int64_t)pruning->left)
        last = first + (int64_t)pruning->left - 1;
    if (last < first)
        return 0;
    status = prune_audit_to(writer, last);
    if (status)
        return status;
    pruning->audit = (uint64_t)prune_changes(writer);
    prune_spend(pruning, (int64_t)pruning->audit);
    return 0;
}

int apply_prune(struct writer *writer, const struct store_prune *prune)
{
    struct pruning pruning = {.left = prune->count};
    char detail[DETAIL_BYTES];
    int status = prune_events(writer, prune->event_age_ms, &pruning);

    if (!status)
        status = prune_runs(writer, prune, &pruning);
    if (!status)
        status = prune_alerts(writer, prune->run_age_ms, &pruning);
    if (!status)
        status = prune_audit(writer, prune->audit_age_ms, &pruning);
    if (status)
        return status;
    writer->result->pruned = (uint32_t)(prune->count - pruning.left);
    if (!writer->result->pruned)
        return 0;
    snprintf(detail, sizeof(detail),
             "events:%" PRIu64 " runs:%" PRIu64 " alerts:%" PRIu64
             " audit:%" PRIu64,
             pruning.events, pruning.runs, pruning.alerts, pruning.audit);
    return audit_append(writer, NULL, "store.pruned", 0, NULL, detail);
}
