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
    /* So long everything is kept, however much it is: what goes earlier for
     * want of room is told, and bytes that nobody could use do not go. */
    YOUNG_MS = 24 * 3600 * 1000,
    ALERTS_MAX = 1000 /* rows; above it old ones go that nobody acknowledged */
};
static const char prune_cause[] = "database:small";

/* What is left of the rows allowed, and what went. */
struct pruning {
    uint64_t left;
    uint64_t events, runs, alerts, audit, quarantine;
    bool too_large; /* it was, when runs were looked at last */
    bool young;     /* a run went that was YOUNG_MS old at most */
};

/* The oldest of what may go. */
struct oldest {
    uint64_t number; /* 0: none */
    int64_t ms;      /* when it ended, or last arrived */
    int64_t record;
    enum run_state state;
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

static int oldest_run(struct writer *writer, int64_t before_ms,
                      struct oldest *ret_oldest)
{
    sqlite3_stmt *row;
    int found = database_find(
        &writer->database,
        "SELECT number, finished_ms, record, state FROM run WHERE"
        " finished_ms > 0 AND finished_ms < ?1 ORDER BY finished_ms LIMIT 1",
        &row, value_number(before_ms));

    ret_oldest->number = 0;
    if (found <= 0)
        return found;
    ret_oldest->number = column_count(row, 0);
    ret_oldest->ms = column_number(row, 1);
    ret_oldest->record = column_number(row, 2);
    ret_oldest->state = (enum run_state)column_number(row, 3);
    database_done(row);
    /* Of a damaged file: it never goes. */
    return ret_oldest->state == RUN_DONE || ret_oldest->state == RUN_DISCARDED
               ? 0
               : -EBADMSG;
}

static int oldest_quarantine(struct writer *writer, int64_t before_ms,
                             struct oldest *ret_oldest)
{
    sqlite3_stmt *row;
    int found =
        database_find(&writer->database,
                      "SELECT id, last_ms FROM quarantine WHERE last_ms < ?1"
                      " ORDER BY last_ms LIMIT 1",
                      &row, value_number(before_ms));

    ret_oldest->number = 0;
    if (found <= 0)
        return found;
    ret_oldest->number = column_count(row, 0);
    ret_oldest->ms = column_number(row, 1);
    database_done(row);
    return 0;
}

/* As by a person's act: an audit entry, and its alert is gone. */
static int prune_quarantine(struct writer *writer, uint64_t number,
                            struct pruning *pruning)
{
    struct change_quarantine_end end = {.number = number, .word = "forgotten"};

    pruning->quarantine++;
    prune_spend(pruning, 1);
    return apply_quarantine_end(writer, &end);
}

static int prune_finished(struct writer *writer, const struct oldest *run,
                          struct pruning *pruning)
{
    int status = prune_run(writer, run->number, run->record, pruning);

    if (status)
        return status;
    writer->counters.runs[run->state]--;
    writer->counters.forgotten_count++;
    pruning->runs++;
    if (run->ms > writer->steady_ms - YOUNG_MS)
        pruning->young = true;
    return 0;
}

/* What is older than this may go; 0: nothing. */
static int64_t prune_before(const struct writer *writer, int64_t age_ms)
{
    return age_ms ? writer->steady_ms - age_ms : 0;
}

/* Finished runs and the quarantine, the older of both first. */
static int prune_content(struct writer *writer, const struct store_prune *prune,
                         struct pruning *pruning)
{
    while (pruning->left) {
        int64_t run_ms = prune_before(writer, prune->run_age_ms);
        int64_t quarantine_ms = prune_before(writer, prune->quarantine_age_ms);
        struct oldest run, quarantine;
        int status = prune_too_large(writer, prune->bytes_max);

        if (status < 0)
            return status;
        pruning->too_large = status > 0;
        if (pruning->too_large) {
            run_ms = INT64_MAX;
            quarantine_ms = writer->steady_ms - YOUNG_MS;
        }
        status = oldest_run(writer, run_ms, &run);
        if (!status)
            status = oldest_quarantine(writer, quarantine_ms, &quarantine);
        if (status || (!run.number && !quarantine.number))
            return status;
        if (!run.number || (quarantine.number && quarantine.ms < run.ms))
            status = prune_quarantine(writer, quarantine.number, pruning);
        else
            status = prune_finished(writer, &run, pruning);
        if (status)
            return status;
    }
    return 0;
}

/* One alert while runs go that just ended; it ends when none did for a day. */
static int prune_tell(struct writer *writer, const struct pruning *pruning)
{
    struct change_value alert = {
        .first = prune_cause,
        .second =
            "the database has no room: finished runs are forgotten within "
            "a day of their end; raise \"database_mib\" in the "
            "configuration, or see connectctl reasons for what fills it"};
    struct store_result *result = writer->result, unused = {0};
    sqlite3_stmt *row;
    int found;

    if (pruning->young) {
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
        status = prune_content(writer, prune, &pruning);
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
