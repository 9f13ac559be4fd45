/* opening.c - the directory, the lock, the key and the database.
 *
 * One idea: nothing that was written before is believed before it was read,
 * written and synced again: the log must be whole (log_check.c), is written
 * over itself and then moved into the database as a whole, which fails when the
 * disk does, and the end of the audit chain must be what meta says.  One
 * process has the store at a time (a lock on connect.lock), because a second
 * one would take the first one's work for its own.
 *
 * Steady time goes on here: by the wall clock since the last commit, but never
 * backwards and by a day at most.
 *
 * Called on the loop when the store opens and closes; opening_revive on the
 * writer's thread. */
#include "store/opening.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/apply_parked.h"
#include "store/apply_value.h"
#include "store/audit.h"
#include "store/claim.h"
#include "store/files.h"
#include "store/log_check.h"
#include "store/restore.h"
#include "store/schema.h"

enum {
    LOG_CHUNK = 256 * 1024,
    /* Each waits for BUSY_MS; readers of ours stop within one. */
    REVIVE_TRIES = 6
};

/* Of times and numbers: what no daemon reaches, far from overflow. */
static const int64_t COUNTER_MAX = INT64_C(1) << 60;

static int opening_lock(struct writer *writer, const char *directory,
                        struct error *err)
{
    char *path = files_path(directory, "connect.lock");
    int status = 0;

    if (mkdir(directory, 0700) && errno != EEXIST)
        status = -errno;
    if (!status) {
        writer->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (writer->lock < 0)
            status = -errno;
    }
    if (status) {
        error_set(err, "%s: %s", path, strerror(-status));
    } else if (flock(writer->lock, LOCK_EX | LOCK_NB)) {
        status = -EBUSY;
        error_set(err, "%s is in use by another process", directory);
    }
    free(path);
    return status;
}

/* Make the file with narrow rights; SQLite gives its companions the same. */
static int opening_file(struct writer *writer, bool *ret_new, struct error *err)
{
    struct stat about;
    int status = 0;
    int descriptor = open(writer->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (descriptor < 0 || fstat(descriptor, &about)) {
        status = -errno;
        error_set(err, "%s: %s", writer->path, strerror(-status));
    } else {
        *ret_new = about.st_size == 0;
    }
    if (descriptor >= 0)
        close(descriptor);
    return status;
}

/* Write the log over itself and sync it.  After a sync that failed, in this
 * process or in one before, the kernel may show bytes that are on no disk, and
 * a later sync then saves nothing of them and succeeds.  A checkpoint that
 * trusts such a log and is cut leaves a database that nothing can mend. */
static int opening_rewrite_log(const struct writer *writer)
{
    size_t len = strlen(writer->path) + sizeof("-wal");
    char *path = memory_zero(len, 1), *chunk = memory_zero(LOG_CHUNK, 1);
    off_t offset = 0;
    ssize_t count = 1;
    int descriptor, status = 0;

    snprintf(path, len, "%s-wal", writer->path);
    descriptor = open(path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0)
        status = errno == ENOENT ? 0 : -errno;
    while (descriptor >= 0 && !status && count > 0) {
        errno = EIO; /* of a write that is short */
        count = pread(descriptor, chunk, LOG_CHUNK, offset);
        if (count < 0 || (count && pwrite(descriptor, chunk, (size_t)count,
                                          offset) != count))
            status = errno == ENOSPC ? -ENOSPC : -EIO;
        offset += count;
    }
    if (descriptor >= 0 && !status && fdatasync(descriptor))
        status = -EIO;
    if (descriptor >= 0)
        close(descriptor);
    free(path);
    free(chunk);
    return status;
}

/* Write and sync everything that is in the log only. */
static int opening_settle_log(struct writer *writer)
{
    int code = sqlite3_wal_checkpoint_v2(
        writer->database.handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    return database_status(&writer->database, code);
}

/* Are all numbers of the first row such as we write?  Sums with what is behind
 * COUNTER_MAX would overflow. */
static bool opening_counters_fit(sqlite3_stmt *row)
{
    for (int column = 0; column < sqlite3_column_count(row); column++) {
        if (sqlite3_column_type(row, column) == SQLITE_BLOB)
            continue; /* the hash */
        if (column_number(row, column) < 0 ||
            column_number(row, column) > COUNTER_MAX)
            return false;
    }
    return true;
}

static int opening_read_counters(struct writer *writer)
{
    struct counters *counters = &writer->counters;
    struct store_bytes hash;
    sqlite3_stmt *row;
    int found = database_find_values(
        &writer->database,
        "SELECT commit_number, row_next, run_next, audit_sequence, audit_hash,"
        " event_count, duplicate_count, wall_ms, steady_ms, queued, ready,"
        " active, waiting, held, parked, done, discarded, forgotten_count,"
        " restored_steady_ms,"
        " (SELECT coalesce(max(steady_ms), 0) FROM audit_time) FROM meta",
        NULL, 0, &row);

    if (found <= 0)
        return found ? found : -EBADMSG;
    if (!opening_counters_fit(row)) {
        database_done(row);
        return -EBADMSG;
    }
    counters->commit_number = column_number(row, 0);
    counters->row_next = column_number(row, 1);
    counters->run_next = column_number(row, 2);
    counters->audit_sequence = column_number(row, 3);
    hash = column_bytes(row, 4);
    if (hash.len == AUDIT_HASH_BYTES)
        memcpy(counters->audit_hash, hash.ptr, hash.len);
    counters->event_count = column_number(row, 5);
    counters->duplicate_count = column_number(row, 6);
    writer->wall_ms = column_number(row, 7);
    writer->steady_ms = column_number(row, 8);
    for (int state = 0; state < RUN_STATE_COUNT; state++)
        counters->runs[state] = column_number(row, 9 + state);
    counters->forgotten_count = column_number(row, 9 + RUN_STATE_COUNT);
    writer->restored_ms = column_number(row, 10 + RUN_STATE_COUNT);
    counters->audit_time_ms = column_number(row, 11 + RUN_STATE_COUNT);
    database_done(row);
    return 0;
}

int opening_check_key(struct writer *writer, struct error *err)
{
    struct store_bytes nothing = {"", 0};
    struct lookup_hash stored,
        own = lookup_hash(&writer->lookup, LOOKUP_CHECK, "", "", nothing);
    sqlite3_stmt *row;
    bool empty, same;
    int found = database_find_values(
        &writer->database, "SELECT key_check FROM meta", NULL, 0, &row);

    if (found <= 0)
        return found ? found : -EBADMSG;
    empty = column_bytes(row, 0).len == 0;
    same = column_hash(row, 0, &stored) && !memcmp(&stored, &own, sizeof(own));
    database_done(row);
    if (empty)
        return database_run(&writer->database, "UPDATE meta SET key_check = ?1",
                            value_hash(&own));
    if (!same) {
        error_set(err, "lookup.key is not the key this database was made with");
        return -EBADMSG;
    }
    return 0;
}

/* What passed while nobody looked counts for no doubt: the wall clock alone
 * says how long it was, and that may be wrong by hours. */
static int opening_doubts(struct writer *writer, int64_t passed_ms)
{
    if (!passed_ms)
        return 0;
    return database_run(&writer->database,
                        "UPDATE delivery INDEXED BY delivery_entity SET"
                        " intent_ms = intent_ms + ?1"
                        " WHERE hold > 0 AND doubt = 1",
                        value_number(passed_ms));
}

/* The first transaction: claims of this owner are given back. */
static int opening_recover(struct writer *writer, const char *owner,
                           int64_t wall_ms, struct error *err)
{
    struct store_result result = {0};
    int64_t passed_ms = wall_ms - writer->wall_ms;
    int status;

    if (passed_ms < 0)
        passed_ms = 0;
    if (passed_ms > STORE_STEADY_GAP_MAX_MS)
        passed_ms = STORE_STEADY_GAP_MAX_MS;
    if (!writer->wall_ms) { /* new: no gap to note */
        writer->wall_ms = wall_ms;
        passed_ms = 0;
    }
    status = database_exec(&writer->database, "BEGIN IMMEDIATE");
    if (!status)
        status =
            writer_note_time(writer, writer->steady_ms + passed_ms, wall_ms);
    if (!status)
        status = opening_doubts(writer, passed_ms);
    writer->result = &result;
    if (!status)
        status = audit_append(writer, NULL, "store.opened", 0, NULL, owner);
    if (!status)
        status = claim_recover(writer);
    if (!status)
        status = parked_count(writer);
    arena_done(&writer->scratch);
    if (!status)
        status = writer_save(writer);
    if (!status)
        status = database_exec(&writer->database, "COMMIT");
    writer->result = NULL;
    if (status)
        error_set(err, "work in flight cannot be given back: %s",
                  strerror(-status));
    return status;
}

static int opening_check(struct writer *writer, struct error *err)
{
    int status = opening_settle_log(writer);

    if (status) {
        error_set(err, "%s: its log cannot be written: %s", writer->path,
                  sqlite3_errmsg(writer->database.handle));
        return status;
    }
    status = opening_read_counters(writer);
    if (status)
        error_set(err, "%s: its first row cannot be read", writer->path);
    return status ? status : audit_check_end(&writer->database, err);
}

/* Nobody knows what was sent after the backup: what was on its way then counts
 * as sent now, and what begins asks first. */
static int opening_mark(struct writer *writer, int64_t wall_ms)
{
    int64_t passed_ms = wall_ms - writer->wall_ms;
    int status = database_exec(&writer->database, "BEGIN IMMEDIATE");

    /* One more than ever before: what was asked about then does not count. */
    if (passed_ms < 1)
        passed_ms = 1;
    if (passed_ms > STORE_STEADY_GAP_MAX_MS)
        passed_ms = STORE_STEADY_GAP_MAX_MS;
    if (!status)
        status =
            writer_note_time(writer, writer->steady_ms + passed_ms, wall_ms);
    if (!status)
        status = database_run(&writer->database,
                              "UPDATE meta SET restored_steady_ms = ?1,"
                              " restored_wall_ms = ?2",
                              value_number(writer->steady_ms),
                              value_number(wall_ms));
    if (!status)
        status = database_run(&writer->database,
                              "UPDATE delivery SET intent_ms = ?1"
                              " WHERE doubt = 1",
                              value_number(writer->steady_ms));
    if (!status)
        status = audit_append(writer, NULL, "store.restored", 0, NULL, NULL);
    if (!status)
        status = writer_save(writer);
    if (!status)
        status = database_exec(&writer->database, "COMMIT");
    return status;
}

/* ---- What SQLite found ----------------------------------------------------
 */

/* The note that the next start must look at all of it. */
#define CHECK_NAME "connect.check"

static char *opening_note_path(const struct writer *writer)
{
    char *directory = memory_text(writer->path), *path;

    *strrchr(directory, '/') = '\0';
    path = files_path(directory, CHECK_NAME);
    free(directory);
    return path;
}

static void opening_note_damage(const struct writer *writer)
{
    char *path = opening_note_path(writer);
    int descriptor;

    descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor >= 0)
        close(descriptor);
    free(path);
}

/* 0: all makes sense, indexes too; -EBADMSG, with what does not in err. */
static int opening_check_all(struct writer *writer, struct error *err)
{
    sqlite3_stmt *row;
    const char *answer;
    int status = 0, found = database_find_values(&writer->database,
                                                 "PRAGMA integrity_check(1)",
                                                 NULL, 0, &row);

    if (found <= 0)
        return found ? found : -EIO;
    answer = column_text(row, 0);
    if (!answer || strcmp(answer, "ok") != 0) {
        status = -EBADMSG;
        error_set(err,
                  "%s is damaged (%.200s): keep a copy of the directory and "
                  "restore a backup (connectd --restore)",
                  writer->path, answer ? answer : "");
    }
    database_done(row);
    return status;
}

/* Inside a transaction: all indexes anew from the tables.  If they are good
 * then, only indexes were damaged. */
static int opening_reindex(struct writer *writer, struct error *err)
{
    struct change_value alert = {
        .first = "database:mended",
        .second = "an index of the database was damaged and was built again "
                  "from what is stored: the disk gave back other bytes than "
                  "were written; look at it, and make a backup"};
    struct store_result result = {0};
    int status = database_exec(&writer->database, "REINDEX");

    if (!status)
        status = opening_check_all(writer, err);
    if (!status)
        status = audit_append(writer, NULL, "store.reindexed", 0, NULL, NULL);
    writer->result = &result;
    if (!status)
        status = apply_alert(writer, &alert);
    writer->result = NULL;
    arena_clear(&writer->scratch);
    return status ? status : writer_save(writer);
}

/* SQLite found damage.  Mended where nothing but an index is hurt; else err has
 * what is. */
static int opening_mend(struct writer *writer, struct error *err)
{
    struct counters before = writer->counters;
    int status = opening_check_all(writer, err);

    if (status != -EBADMSG)
        return status;
    status = database_exec(&writer->database, "BEGIN IMMEDIATE");
    if (!status)
        status = opening_reindex(writer, err);
    if (!status)
        status = database_exec(&writer->database, "COMMIT");
    if (!status) {
        error_set(err, "%s", "");
        return 0;
    }
    writer->counters = before;
    if (!sqlite3_get_autocommit(writer->database.handle) &&
        database_exec(&writer->database, "ROLLBACK"))
        status = -EIO;
    return status;
}

/* After a process that ended because of damage. */
static int opening_check_noted(struct writer *writer, struct error *err)
{
    char *path = opening_note_path(writer);
    int status = 0;

    if (!access(path, F_OK)) {
        status = opening_mend(writer, err);
        if (!status)
            (void)unlink(path); /* else it is looked at once more */
    }
    free(path);
    return status;
}

static int opening_begin(struct writer *writer, const char *owner,
                         int64_t wall_ms, struct error *err)
{
    int status = opening_check(writer, err);

    if (!status)
        status = opening_check_noted(writer, err);
    if (!status)
        status = opening_recover(writer, owner, wall_ms, err);
    if (status && !sqlite3_get_autocommit(writer->database.handle) &&
        database_exec(&writer->database, "ROLLBACK"))
        status = -EIO;
    return status;
}

/* A damaged file shows anywhere, also where nobody had a sentence for it, or
 * one without the name of the file. */
static void opening_explain(const struct writer *writer, int status,
                            struct error *err)
{
    size_t directory_len = strlen(writer->path) - strlen("/connect.db");
    const char *reason = strerror(-status);
    struct error said;

    if (!err)
        return;
    said = *err;
    if (status == -EIO && writer->database.handle)
        reason = sqlite3_errmsg(writer->database.handle);
    if (!said.text[0])
        error_set(err, "%s: cannot be read: %s", writer->path, reason);
    else if (!memmem(said.text, strlen(said.text), writer->path, directory_len))
        error_set(err, "%s: %s", writer->path, said.text);
}

/* From the files to the first transaction.  A restore that was decided comes
 * before everything, each time: what it has not yet replaced is not to be
 * opened. */
static int opening_database(struct writer *writer, const char *directory,
                            const char *owner, int64_t wall_ms,
                            struct error *err)
{
    bool is_new = false;
    int version = 0, status = restore_finish(directory, err);

    if (!status)
        status = opening_file(writer, &is_new, err);
    if (!status)
        status = lookup_open(&writer->lookup, directory, is_new, err);
    if (!status)
        status = log_check(writer->path, err);
    if (!status)
        status = opening_rewrite_log(writer);
    if (!status)
        status = database_open(&writer->database, writer->path, true, err);
    if (!status)
        status = schema_version(&writer->database, &version, err);
    if (!status && version <= SCHEMA_VERSION) {
        status = database_durable(&writer->database);
        if (status)
            error_set(err, "%s: %s", writer->path,
                      sqlite3_errmsg(writer->database.handle));
    }
    if (!status)
        status = schema_migrate(&writer->database, version, err);
    if (!status)
        status = opening_check_key(writer, err);
    if (!status)
        status = opening_begin(writer, owner, wall_ms, err);
    return status;
}

int opening_open(struct writer *writer, const char *directory,
                 const char *owner, int64_t wall_ms, struct error *err)
{
    int status;

    memset(writer, 0, sizeof(*writer));
    writer->lock = -1;
    writer->path = files_path(directory, "connect.db");
    writer->owner = memory_text(owner);
    reserve_open(&writer->reserve, directory);
    status = opening_lock(writer, directory, err);
    if (!status)
        status = opening_database(writer, directory, owner, wall_ms, err);
    if (status == -ENOSPC && writer->lock >= 0) {
        /* What was kept back is for this: to see what is in flight.  Space may
         * have been missing anywhere, so all of it is done again. */
        reserve_spend(&writer->reserve);
        database_close(&writer->database);
        status = opening_database(writer, directory, owner, wall_ms, err);
    }
    if (!status)
        status = lookup_sync_directory(directory);
    if (!status)
        (void)reserve_keep(&writer->reserve);
    if (status) {
        opening_explain(writer, status, err);
        opening_close(writer);
    }
    return status;
}

int opening_mark_restored(const char *directory, int64_t wall_ms,
                          struct error *err)
{
    struct writer writer = {.lock = -1};
    int version = 0, status;

    writer.path = files_path(directory, "connect.db");
    writer.owner = memory_text("restore");
    reserve_open(&writer.reserve, directory);
    status = lookup_open(&writer.lookup, directory, false, err);
    if (!status)
        status = database_open(&writer.database, writer.path, true, err);
    if (!status)
        status = schema_version(&writer.database, &version, err);
    if (!status)
        status = database_durable(&writer.database);
    if (!status)
        status = schema_migrate(&writer.database, version, err);
    if (!status)
        status = opening_check(&writer, err);
    if (!status)
        status = opening_mark(&writer, wall_ms);
    if (!status)
        status = opening_settle_log(&writer);
    /* The last connection removes the log, now that it is empty. */
    if (!status)
        sqlite3_db_config(writer.database.handle,
                          SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    if (status)
        opening_explain(&writer, status, err);
    writer.broken = true; /* so that closing writes no more */
    opening_close(&writer);
    return status;
}

void opening_close(struct writer *writer)
{
    /* So that the file is whole without its log; the log stays if it fails. */
    if (writer->counters.commit_number && !writer->broken)
        (void)!opening_settle_log(writer);
    database_close(&writer->database);
    lookup_done(&writer->lookup);
    reserve_done(&writer->reserve);
    arena_done(&writer->scratch);
    free(writer->path);
    free(writer->owner);
    writer->path = writer->owner = NULL;
    if (writer->lock >= 0)
        close(writer->lock);
    writer->lock = -1;
}

int opening_check_pages(struct writer *writer)
{
    sqlite3_stmt *row;
    const char *answer;
    bool good;
    int found = database_find_values(&writer->database, "PRAGMA quick_check(1)",
                                     NULL, 0, &row);

    if (found <= 0)
        return found ? found : -EIO;
    answer = column_text(row, 0);
    good = answer && !strcmp(answer, "ok");
    database_done(row);
    return good ? 0 : -EIO;
}

/* As opening_check, when others may still read from the log. */
static int opening_check_alone(struct writer *writer)
{
    int status = -EBUSY;

    for (int tries = 0; status == -EBUSY && tries < REVIVE_TRIES; tries++) {
        if (writer->quiet)
            writer->quiet(writer->quiet_arg);
        status = opening_check(writer, NULL);
    }
    return status;
}

void opening_revive(struct writer *writer)
{
    struct counters before = writer->counters;
    int64_t steady_ms = writer->steady_ms, wall_ms = writer->wall_ms;
    bool corrupt = writer->database.corrupt;
    int status;

    database_close(&writer->database);
    status = log_check(writer->path, NULL);
    if (!status)
        status = opening_rewrite_log(writer);
    if (!status)
        status = database_open(&writer->database, writer->path, true, NULL);
    if (!status)
        status = database_durable(&writer->database);
    if (!status)
        status = opening_check_alone(writer);
    if (!status && writer->counters.commit_number != before.commit_number)
        status = -EIO; /* the commit that failed is there after all */
    writer->counters = before;
    writer->steady_ms = steady_ms;
    writer->wall_ms = wall_ms;
    if (!status)
        status =
            corrupt ? opening_mend(writer, NULL) : opening_check_pages(writer);
    if (status && (corrupt || writer->database.corrupt))
        opening_note_damage(writer);
    writer->broken = status != 0;
}
