/* schema.c - the tables, and how older ones become today's.
 *
 * One idea: migrations[n] takes a database from version n to n + 1, the first
 * makes everything, and a released one is never edited.  Columns called
 * person_key say with whose key the sealed columns of the row are sealed;
 * columns called hash, lane or fingerprint hold keyed hashes (lookup.h).
 *
 * The finished rows of years stay in the tables.  So that they slow nothing
 * down, every look-up of the flow goes through an index with a condition that
 * only open rows meet.  The numbers in these conditions are the enums of
 * store.h, checked below.
 *
 * Called by the writer when it opens. */
#include "store/schema.h"

#include <errno.h>
#include <stdio.h>

#include "store/store.h"

_Static_assert(RUN_QUEUED == 0 && RUN_READY == 1 && RUN_ACTIVE == 2 &&
                   RUN_WAITING == 3 && RUN_HELD == 4 && RUN_PARKED == 5 &&
                   RUN_DONE == 6 && RUN_DISCARDED == 7,
               "stored");
_Static_assert(DELIVERY_READY == 0 && DELIVERY_SENDING == 1 &&
                   DELIVERY_IN_DOUBT == 2 && DELIVERY_DONE == 3 &&
                   DELIVERY_HELD == 4 && DELIVERY_PARKED == 5 &&
                   DELIVERY_DISCARDED == 6,
               "stored");
_Static_assert(STEP_OPEN == 0 && STEP_DONE == 1 && STEP_SKIPPED == 2 &&
                   STEP_FAILED == 3,
               "stored");

/* "CnnC" in the file's header, so that no other database is taken for ours. */
enum { APPLICATION_ID = 0x436e6e43 };

static const char migration_1_common[] =
    "PRAGMA application_id = 1131310659;"
    /* One row, written with every commit: the clocks, the next numbers, the end
     * of the audit chain and how many runs are in which state. */
    "CREATE TABLE meta ("
    " id INTEGER PRIMARY KEY CHECK (id = 1),"
    " schema_version INTEGER NOT NULL,"
    " name TEXT NOT NULL," /* of the daemon that wrote last */
    " key_check BLOB NOT NULL,"
    " created_wall_ms INTEGER NOT NULL,"
    " wall_ms INTEGER NOT NULL, steady_ms INTEGER NOT NULL,"
    " commit_number INTEGER NOT NULL,"
    " row_next INTEGER NOT NULL, run_next INTEGER NOT NULL,"
    " audit_sequence INTEGER NOT NULL, audit_hash BLOB NOT NULL,"
    " event_count INTEGER NOT NULL, duplicate_count INTEGER NOT NULL,"
    " queued INTEGER NOT NULL, ready INTEGER NOT NULL,"
    " active INTEGER NOT NULL, waiting INTEGER NOT NULL,"
    " held INTEGER NOT NULL, parked INTEGER NOT NULL,"
    " done INTEGER NOT NULL, discarded INTEGER NOT NULL);"
    "INSERT INTO meta VALUES (1, 1, '', x'', 0, 0, 1, 0, 1, 1, 0,"
    " zeroblob(32), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);"
    /* Who is concerned; the id names the key of the person. */
    "CREATE TABLE person (id INTEGER PRIMARY KEY, hash BLOB NOT NULL UNIQUE);"
    /* The first identity.  Refers to nothing and nothing refers to it, because
     * it outlives runs: 400 days, pruned by event_time. */
    "CREATE TABLE event ("
    " hash BLOB PRIMARY KEY," /* origin and id of the event */
    " origin TEXT NOT NULL, first_wall_ms INTEGER NOT NULL,"
    " first_steady_ms INTEGER NOT NULL," /* what its age is counted from */
    " duplicate_count INTEGER NOT NULL DEFAULT 0,"
    " run_first INTEGER NOT NULL, run_count INTEGER NOT NULL"
    ") WITHOUT ROWID;"
    "CREATE INDEX event_time ON event (first_steady_ms);"
    "CREATE TABLE record ("
    " id INTEGER PRIMARY KEY, origin TEXT NOT NULL, type TEXT NOT NULL,"
    " change INTEGER NOT NULL, wall_ms INTEGER NOT NULL,"
    " person_key INTEGER NOT NULL,"
    " event_id BLOB, order_key BLOB, person BLOB, body BLOB);";

static const char migration_1_runs[] =
    /* due_ms is 0 unless the run waits for a time. */
    "CREATE TABLE run ("
    " number INTEGER PRIMARY KEY,"
    " record INTEGER NOT NULL REFERENCES record (id),"
    " flow TEXT NOT NULL, flow_version TEXT NOT NULL,"
    " lane BLOB," /* none: a lane of its own */
    " state INTEGER NOT NULL, queue TEXT NOT NULL, due_ms INTEGER NOT NULL,"
    " priority INTEGER NOT NULL,"
    " owner TEXT, lease_ms INTEGER NOT NULL DEFAULT 0,"
    " person_key INTEGER NOT NULL, code TEXT, reason BLOB,"
    " accepted_wall_ms INTEGER NOT NULL,"
    " finished_wall_ms INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX run_state ON run (state, number);"
    "CREATE INDEX run_lane ON run (lane, number) WHERE state < 6;"
    "CREATE INDEX run_claim ON run (queue, priority, number)"
    " WHERE state = 1 AND due_ms = 0;"
    "CREATE INDEX run_due ON run (queue, due_ms) WHERE due_ms > 0;"
    "CREATE INDEX run_lease ON run (lease_ms) WHERE state = 2;"
    "CREATE TABLE step ("
    " id INTEGER PRIMARY KEY," /* the order in which steps began */
    " run INTEGER NOT NULL REFERENCES run (number), path TEXT NOT NULL,"
    " state INTEGER NOT NULL, attempts INTEGER NOT NULL,"
    " person_key INTEGER NOT NULL, result BLOB, reason BLOB,"
    " UNIQUE (run, path));"
    /* The second and third identity: what it is in the source, what the target
     * calls it, and which version of it was delivered last. */
    "CREATE TABLE entity ("
    " id INTEGER PRIMARY KEY,"
    " hash BLOB NOT NULL UNIQUE," /* flow, type, source key */
    " flow TEXT NOT NULL, type TEXT NOT NULL,"
    " person_key INTEGER NOT NULL, reference BLOB,"
    " version_made INTEGER NOT NULL DEFAULT 0,"
    " version_delivered INTEGER NOT NULL DEFAULT 0,"
    " change INTEGER NOT NULL DEFAULT 0,"
    " fingerprint BLOB);"
    "CREATE TABLE xref ("
    " hash BLOB PRIMARY KEY," /* target instance, type, reference */
    " instance TEXT NOT NULL, entity INTEGER NOT NULL REFERENCES entity (id)"
    ") WITHOUT ROWID;"
    /* hold: 2 stands in its lane, 1 unfinished but passed by (parked, skip),
     * 0 finished.  waiting: its run is to be woken when its turn comes. */
    "CREATE TABLE delivery ("
    " id INTEGER PRIMARY KEY," /* the order within a lane */
    " run INTEGER NOT NULL REFERENCES run (number), path TEXT NOT NULL,"
    " instance TEXT NOT NULL, type TEXT NOT NULL, change INTEGER NOT NULL,"
    " adopt INTEGER NOT NULL, skip_on_park INTEGER NOT NULL,"
    " lane BLOB, entity INTEGER REFERENCES entity (id),"
    " version INTEGER NOT NULL,"
    " state INTEGER NOT NULL, hold INTEGER NOT NULL,"
    " waiting INTEGER NOT NULL, doubt INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL DEFAULT 0,"
    " probes INTEGER NOT NULL DEFAULT 0, due_ms INTEGER NOT NULL DEFAULT 0,"
    " intent_ms INTEGER NOT NULL DEFAULT 0,"
    " person_key INTEGER NOT NULL, source_key BLOB, order_key BLOB,"
    " body BLOB, fingerprint BLOB, reference BLOB, reason BLOB,"
    " UNIQUE (run, path));"
    "CREATE INDEX delivery_lane ON delivery (lane, id) WHERE hold = 2;"
    "CREATE INDEX delivery_flight ON delivery (lane) WHERE state IN (1, 2);"
    "CREATE INDEX delivery_entity ON delivery (entity, id) WHERE hold > 0;";

static const char migration_1_values[] =
    "CREATE TABLE cursor ("
    " id INTEGER PRIMARY KEY, instance TEXT NOT NULL, stream TEXT NOT NULL,"
    " person_key INTEGER NOT NULL, value BLOB, UNIQUE (instance, stream));"
    "CREATE TABLE instance_state ("
    " id INTEGER PRIMARY KEY, instance TEXT NOT NULL, hash BLOB NOT NULL,"
    " person_key INTEGER NOT NULL, name BLOB, value BLOB,"
    " UNIQUE (instance, hash));"
    "CREATE TABLE flow_version ("
    " flow TEXT NOT NULL, version TEXT NOT NULL, wall_ms INTEGER NOT NULL,"
    " current INTEGER NOT NULL, text BLOB, PRIMARY KEY (flow, version)) "
    "WITHOUT ROWID;"
    "CREATE TABLE alert ("
    " id INTEGER PRIMARY KEY, cause TEXT NOT NULL UNIQUE,"
    " person_key INTEGER NOT NULL, text BLOB,"
    " first_wall_ms INTEGER NOT NULL, last_wall_ms INTEGER NOT NULL,"
    " count INTEGER NOT NULL, acknowledged INTEGER NOT NULL DEFAULT 0);"
    "CREATE TABLE quarantine ("
    " id INTEGER PRIMARY KEY, instance TEXT NOT NULL, hash BLOB NOT NULL,"
    " person_key INTEGER NOT NULL, reason BLOB, content BLOB,"
    " first_wall_ms INTEGER NOT NULL, last_wall_ms INTEGER NOT NULL,"
    " count INTEGER NOT NULL, UNIQUE (instance, hash));"
    /* Ids, states and hashes only; each row's hash covers the row before. */
    "CREATE TABLE audit ("
    " sequence INTEGER PRIMARY KEY, wall_ms INTEGER NOT NULL,"
    " actor TEXT NOT NULL, act TEXT NOT NULL, run INTEGER NOT NULL,"
    " path TEXT NOT NULL, detail TEXT NOT NULL, hash BLOB NOT NULL);"
    "CREATE INDEX audit_run ON audit (run, sequence) WHERE run > 0;";

static const char migration_2[] =
    /* Since when the file is a restored one, where the audit chain begins, and
     * how many finished runs are gone. */
    "ALTER TABLE meta ADD COLUMN restored_steady_ms INTEGER NOT NULL"
    " DEFAULT 0;"
    "ALTER TABLE meta ADD COLUMN restored_wall_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE meta ADD COLUMN anchor_sequence INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE meta ADD COLUMN anchor_hash BLOB NOT NULL DEFAULT"
    " x'0000000000000000000000000000000000000000000000000000000000000000';"
    "ALTER TABLE meta ADD COLUMN forgotten_count INTEGER NOT NULL DEFAULT 0;"
    /* Steady time of the end, 0 while open; by wall time where only that is
     * known. */
    "ALTER TABLE run ADD COLUMN finished_ms INTEGER NOT NULL DEFAULT 0;"
    "UPDATE run SET finished_ms = max(1, (SELECT steady_ms FROM meta) -"
    " max(0, (SELECT wall_ms FROM meta) - finished_wall_ms)) WHERE state >= 6;"
    "CREATE INDEX run_finished ON run (finished_ms) WHERE finished_ms > 0;"
    "CREATE INDEX run_record ON run (record);"
    /* Flows take turns within a queue: claim.c. */
    "DROP INDEX run_claim;"
    "CREATE INDEX run_claim ON run (queue, priority, flow, number)"
    " WHERE state = 1 AND due_ms = 0;"
    /* When it was last asked about and found to be absent. */
    "ALTER TABLE delivery ADD COLUMN asked_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE alert ADD COLUMN last_ms INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE alert ADD COLUMN acknowledged_by TEXT;"
    "ALTER TABLE alert ADD COLUMN acknowledged_wall_ms INTEGER NOT NULL"
    " DEFAULT 0;"
    "ALTER TABLE alert ADD COLUMN acknowledged_ms INTEGER NOT NULL DEFAULT 0;"
    "UPDATE alert SET last_ms = (SELECT steady_ms FROM meta);"
    /* How far the audit was at a steady time: one row an hour. */
    "CREATE TABLE audit_time (steady_ms INTEGER PRIMARY KEY,"
    " sequence INTEGER NOT NULL);"
    "INSERT INTO audit_time SELECT steady_ms, audit_sequence FROM meta;";

static const char migration_3[] =
    /* An entity is its target's: the hash is of instance, type without revision
     * and source key.  Those of before have flow, type and source key in
     * theirs, and get the new one when they are met again: apply_delivery.c.
     * Which target they were delivered to only xref knows, which nobody else
     * read. */
    "ALTER TABLE entity ADD COLUMN instance TEXT;"
    "ALTER TABLE entity ADD COLUMN named_by_flow INTEGER NOT NULL DEFAULT 0;"
    "UPDATE entity SET named_by_flow = 1;"
    "UPDATE entity SET instance = xref.instance FROM xref"
    " WHERE xref.entity = entity.id;"
    "CREATE INDEX entity_flow ON entity (flow, type) WHERE named_by_flow = 1;"
    "DROP TABLE xref;"
    /* Steady time at which it last arrived. */
    "ALTER TABLE quarantine ADD COLUMN last_ms INTEGER NOT NULL DEFAULT 0;"
    "UPDATE quarantine SET last_ms = (SELECT steady_ms FROM meta);"
    "CREATE INDEX quarantine_time ON quarantine (last_ms);"
    /* Of events that began no run; nobody can reach them. */
    "DELETE FROM record WHERE NOT EXISTS (SELECT 1 FROM run WHERE"
    " run.record = record.id);";

static int schema_create(struct database *database)
{
    int status = database_exec(database, migration_1_common);

    if (!status)
        status = database_exec(database, migration_1_runs);
    if (!status)
        status = database_exec(database, migration_1_values);
    return status;
}

static int schema_extend(struct database *database)
{
    return database_exec(database, migration_2);
}

static int schema_tidy(struct database *database)
{
    return database_exec(database, migration_3);
}

typedef int migration_fn(struct database *database);
static migration_fn *const migrations[SCHEMA_VERSION] = {
    schema_create, schema_extend, schema_tidy};

static int schema_number(struct database *database, const char *sql,
                         int64_t *ret_number)
{
    sqlite3_stmt *row;
    int found = database_find_values(database, sql, NULL, 0, &row);

    if (found > 0) {
        *ret_number = column_number(row, 0);
        database_done(row);
    }
    return found < 0 ? found : 0;
}

int schema_version(struct database *database, int *ret_version,
                   struct error *err)
{
    int64_t tables = 0, application = 0, version = 0;
    int status =
        schema_number(database, "SELECT count(*) FROM sqlite_schema", &tables);

    if (!status && tables)
        status = schema_number(database, "PRAGMA application_id", &application);
    if (!status && tables && application == APPLICATION_ID)
        status = schema_number(database, "SELECT schema_version FROM meta",
                               &version);
    if (status) {
        error_set(err, "the database cannot be read: %s",
                  sqlite3_errmsg(database->handle));
        return status;
    }
    if (tables && version < 1) {
        error_set(err, "the file is not a database of Connect");
        return -EINVAL;
    }
    *ret_version = (int)version;
    return 0;
}

int schema_migrate(struct database *database, int version, struct error *err)
{
    int status;

    if (version > SCHEMA_VERSION) {
        error_set(err,
                  "the database has schema %d, this program knows schemas up "
                  "to %d; start a newer connectd",
                  version, (int)SCHEMA_VERSION);
        return -EINVAL;
    }
    if (version == SCHEMA_VERSION)
        return 0;
    status = database_exec(database, "BEGIN IMMEDIATE");
    for (int from = version; !status && from < SCHEMA_VERSION; from++)
        status = migrations[from](database);
    if (!status)
        status = database_run(database, "UPDATE meta SET schema_version = ?1",
                              value_number(SCHEMA_VERSION));
    if (!status)
        status = database_exec(database, "COMMIT");
    if (status) {
        error_set(err, "the database cannot be brought to schema %d: %s",
                  (int)SCHEMA_VERSION, sqlite3_errmsg(database->handle));
        if (!sqlite3_get_autocommit(database->handle) &&
            database_exec(database, "ROLLBACK"))
            status = -EIO;
    }
    return status;
}
