/* apply_prune.c - what is forgotten.
 *
 * One idea: each kind goes from its old end, found by an index, and never more
 * rows in one transaction than the caller allows, so that the flow does not
 * wait.  What prevents second orders (entity) is never touched.  The
 * audit chain loses its old end as a whole; the last entry that went stays in
 * meta with its hash, so that the rest can still be checked.
 *
 * An alert goes when it is old and a person has acknowledged it; the one about
 * parked runs is of no age: it goes with the last of them.
 *
 * Freed pages are used again; the file does not become smaller (README.md says
 * why).  Called by the writer inside a transaction. */
#include "store/apply_prune.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "store/apply_parked.h"
#include "store/apply_quarantine.h"
#include "store/apply_value.h"
#include "store/audit.h"

enum {
    DETAIL_BYTES = 160,
    YOUNG_MS = 24 * 3600 * 1000, /* a run that goes earlier than so is told */
    ALERTS_MAX = 1000 /* rows; above it old ones go that nobody acknowledged */
};
static const char prune_cause[] = "database:small";

/* What is left of the rows allowed, and what went. */
struct pruning {
    uint64_t left;
    uint64_t events, runs, alerts, audit, quarantine;
    bool too_large; /* it was, when runs were looked at last */
    bool young;     /* a run went that was YOUNG_MS old at most */
    bool full;      /* too large, and no finished run is left */
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

static int prune_number(struct writer *writer, const char *sql,
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
    status = prune_number(writer, "PRAGMA page_count", &pages);
    if (!status)
        status = prune_number(writer, "PRAGMA freelist_count", &unused);
    if (!status)
        status = prune_number(writer, "PRAGMA page_size", &bytes);
    return status ? status : (pages - unused) * bytes > bytes_max;
}

/* Forget the oldest finished run that ended before this; 1: there was one. */
static int prune_oldest_run(struct writer *writer, int64_t before_ms,
                            struct pruning *pruning)
{
    sqlite3_stmt *row;
    uint64_t number;
    int64_t finished_ms, record;
    enum run_state state;
    int status, found = database_find(
                    &writer->database,
                    "SELECT number, finished_ms, record, state FROM run WHERE"
                    " finished_ms > 0 AND finished_ms < ?1"
                    " ORDER BY finished_ms LIMIT 1",
                    &row, value_number(before_ms));

    if (found <= 0)
        return found;
    number = column_count(row, 0);
    finished_ms = column_number(row, 1);
    record = column_number(row, 2);
    state = (enum run_state)column_number(row, 3);
    database_done(row);
    if (state != RUN_DONE && state != RUN_DISCARDED)
        return -EBADMSG; /* of a damaged file: it never goes */
    status = prune_run(writer, number, record, pruning);
    if (status)
        return status;
    writer->counters.runs[state]--;
    writer->counters.forgotten_count++;
    pruning->runs++;
    if (finished_ms > writer->steady_ms - YOUNG_MS)
        pruning->young = true;
    return 1;
}

static int prune_runs(struct writer *writer, const struct store_prune *prune,
                      struct pruning *pruning)
{
    while (pruning->left) {
        int64_t age_ms = prune->run_age_ms, before_ms = 0;
        int found = prune_too_large(writer, prune->bytes_max);

        if (found < 0)
            return found;
        pruning->too_large = found > 0;
        if (pruning->too_large)
            before_ms = INT64_MAX;
        else if (age_ms)
            before_ms = writer->steady_ms - age_ms;
        found = prune_oldest_run(writer, before_ms, pruning);
        pruning->full = !found && pruning->too_large;
        if (found <= 0)
            return found;
    }
    return 0;
}

/* By age alone: it was accepted, and is open until a person has looked.  As by
 * that person's act: an audit entry, and its alert is gone. */
static int prune_quarantine(struct writer *writer, int64_t age_ms,
                            struct pruning *pruning)
{
    while (age_ms && pruning->left) {
        struct change_quarantine_end end = {.word = "forgotten"};
        sqlite3_stmt *row;
        int status,
            found =
                database_find(&writer->database,
                              "SELECT id FROM quarantine WHERE"
                              " last_ms < ?1 ORDER BY last_ms LIMIT 1",
                              &row, value_number(writer->steady_ms - age_ms));

        if (found <= 0)
            return found;
        end.number = column_count(row, 0);
        database_done(row);
        pruning->quarantine++;
        prune_spend(pruning, 1);
        status = apply_quarantine_end(writer, &end);
        if (status)
            return status;
    }
    return 0;
}

/* One alert while runs go that just ended, or there is no room although all
 * have gone; it ends when that was not so for a day. */
static int prune_tell(struct writer *writer, const struct pruning *pruning)
{
    struct change_value alert = {
        .first = prune_cause,
        .second =
            "the database has no room: finished runs are forgotten within "
            "a day of their end; raise \"database_mib\" in the "
            "configuration, or see connectctl reasons and connectctl "
            "quarantine for what fills it: what is open is never forgotten"};
    struct store_result *result = writer->result, unused = {0};
    sqlite3_stmt *row;
    int found;

    if (pruning->young || pruning->full) {
        writer->result = &unused;
        found = apply_alert(writer, &alert);
        writer->result = result;
        return found;
    }
    if (pruning->too_large)
        return 0;
    found = database_find(
        &writer->database,
        "SELECT 1 FROM alert WHERE cause = ?1 AND last_ms < ?2", &row,
        value_text(prune_cause), value_number(writer->steady_ms - YOUNG_MS));
    if (found <= 0)
        return found;
    database_done(row);
    return value_alert_end(writer, prune_cause);
}

static int alerts_end(struct writer *writer, int64_t age_ms, bool seen,
                      uint64_t count, struct pruning *pruning)
{
    uint64_t gone;
    int status;

    if (count > pruning->left)
        count = pruning->left;
    status =
        database_run(&writer->database,
                     "DELETE FROM alert WHERE id IN (SELECT id FROM alert WHERE"
                     " last_ms < ?1 AND acknowledged = ?2 AND cause NOT GLOB"
                     " '" PARKED_PREFIX "*' ORDER BY last_ms LIMIT ?3)",
                     value_number(writer->steady_ms - age_ms),
                     value_number(seen), value_count(count));
    if (status)
        return status;
    gone = (uint64_t)prune_changes(writer);
    pruning->alerts += gone;
    prune_spend(pruning, (int64_t)gone);
    return 0;
}

/* What nobody has acknowledged stays until it is over, unless there is so much
 * of it that nobody reads it. */
static int prune_alerts(struct writer *writer, int64_t age_ms,
                        struct pruning *pruning)
{
    int64_t count = 0;
    int status;

    if (!age_ms || !pruning->left)
        return 0;
    status = alerts_end(writer, age_ms, true, pruning->left, pruning);
    if (!status)
        status = prune_number(writer, "SELECT count(*) FROM alert", &count);
    if (status || count <= ALERTS_MAX)
        return status;
    return alerts_end(writer, age_ms, false, (uint64_t)(count - ALERTS_MAX),
                      pruning);
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
        status = prune_quarantine(writer, prune->quarantine_age_ms, &pruning);
    if (!status)
        status = prune_alerts(writer, prune->run_age_ms, &pruning);
    if (!status)
        status = prune_audit(writer, prune->audit_age_ms, &pruning);
    if (!status)
        status = prune_tell(writer, &pruning);
    if (status)
        return status;
    writer->result->pruned = (uint32_t)(prune->count - pruning.left);
    if (!writer->result->pruned)
        return 0;
    snprintf(detail, sizeof(detail),
             "events:%" PRIu64 " runs:%" PRIu64 " alerts:%" PRIu64
             " audit:%" PRIu64 " quarantine:%" PRIu64,
             pruning.events, pruning.runs, pruning.alerts, pruning.audit,
             pruning.quarantine);
    return audit_append(writer, NULL, "store.pruned", 0, NULL, detail);
}
