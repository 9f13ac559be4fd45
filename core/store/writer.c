/* writer.c - group commit: many batches, one transaction, one sync.
 *
 * One idea: whatever waits is committed together, each batch inside a savepoint
 * so that it takes effect as a whole or not at all, and nobody hears anything
 * before the COMMIT came back from the disk.
 *
 * When a commit fails for want of space nothing took effect and the store goes
 * on; outcomes of what was already sent are tried once more with the reserve
 * given free.  When it fails for any reason that makes the file or its cache
 * doubtful, the connection is closed, everything in the log is written and
 * synced again, the whole database is checked, and only when it then says that
 * the failed commit is not in it the store goes on; else it is broken for good
 * and the daemon ends for its supervisor.  A failed COMMIT is never repeated.
 *
 * Called on the writer's thread, or on the loop in inline mode. */
#include "store/writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/apply.h"
#include "store/apply_value.h"
#include "store/audit.h"
#include "store/opening.h"

enum {
    /* Pages in the log before it is moved: 16 MiB, so that a page which many
     * commits change is moved once. */
    CHECKPOINT_PAGES = 4096,
    /* Difference of the two clocks between commits that the audit notes. */
    JUMP_MS = 60 * 1000,
    /* How exactly the age of audit entries is known. */
    AUDIT_TIME_MS = 3600 * 1000
};

static int writer_apply(struct writer *writer, struct store_batch *batch)
{
    int status = 0;

    batch->results =
        arena_take(&batch->arena, batch->count, sizeof(*batch->results));
    writer->arena = &batch->arena;
    for (size_t index = 0; !status && index < batch->count; index++) {
        writer->result = &batch->results[index];
        status = apply_change(writer, &batch->changes[index]);
        arena_clear(&writer->scratch);
    }
    writer->arena = NULL;
    writer->result = NULL;
    return status;
}

/* Is a failure the fault of this batch alone? */
static bool writer_fault_of_batch(int status)
{
    return status == -EINVAL || status == -E2BIG || status == -EBADMSG;
}

/* 0 also when the batch alone failed; its status says so. */
static int writer_batch(struct writer *writer, struct store_batch *batch)
{
    struct counters before = writer->counters;
    int undo, status = database_run_values(&writer->database, "SAVEPOINT batch",
                                           NULL, 0);

    if (status)
        return status;
    writer->steady_ms = batch->steady_ms;
    writer->wall_ms = batch->wall_ms;
    status = writer_apply(writer, batch);
    if (!status || !writer_fault_of_batch(status))
        return status ? status
                      : database_run_values(&writer->database, "RELEASE batch",
                                            NULL, 0);
    undo = database_exec(&writer->database, "ROLLBACK TO batch; RELEASE batch");
    writer->counters = before;
    batch->status = status;
    return undo;
}

int writer_note_time(struct writer *writer, int64_t steady_ms, int64_t wall_ms)
{
    char detail[64];
    int64_t jump_ms =
        (wall_ms - writer->wall_ms) - (steady_ms - writer->steady_ms);

    writer->steady_ms = steady_ms;
    writer->wall_ms = wall_ms;
    if (jump_ms < JUMP_MS && jump_ms > -JUMP_MS)
        return 0;
    snprintf(detail, sizeof(detail), "ms:%" PRId64, jump_ms);
    return audit_append(writer, NULL, "clock.jumped", 0, NULL, detail);
}

int writer_save(struct writer *writer)
{
    struct counters *counters = &writer->counters;
    struct store_bytes hash = {(const char *)counters->audit_hash,
                               AUDIT_HASH_BYTES};

    int status = 0;

    if (writer->steady_ms - counters->audit_time_ms >= AUDIT_TIME_MS) {
        counters->audit_time_ms = writer->steady_ms;
        status = database_run(&writer->database,
                              "INSERT OR REPLACE INTO audit_time (steady_ms,"
                              " sequence) VALUES (?1, ?2)",
                              value_number(writer->steady_ms),
                              value_number(counters->audit_sequence));
    }
    if (status)
        return status;
    counters->commit_number++;
    return database_run(
        &writer->database,
        "UPDATE meta SET name = ?1, wall_ms = ?2, steady_ms = ?3,"
        " commit_number = ?4, row_next = ?5, run_next = ?6,"
        " audit_sequence = ?7, audit_hash = ?8, event_count = ?9,"
        " duplicate_count = ?10, queued = ?11, ready = ?12, active = ?13,"
        " waiting = ?14, held = ?15, parked = ?16, done = ?17,"
        " discarded = ?18, forgotten_count = ?19",
        value_text(writer->owner), value_number(writer->wall_ms),
        value_number(writer->steady_ms), value_number(counters->commit_number),
        value_number(counters->row_next), value_number(counters->run_next),
        value_number(counters->audit_sequence), value_bytes(hash),
        value_number(counters->event_count),
        value_number(counters->duplicate_count),
        value_number(counters->runs[RUN_QUEUED]),
        value_number(counters->runs[RUN_READY]),
        value_number(counters->runs[RUN_ACTIVE]),
        value_number(counters->runs[RUN_WAITING]),
        value_number(counters->runs[RUN_HELD]),
        value_number(counters->runs[RUN_PARKED]),
        value_number(counters->runs[RUN_DONE]),
        value_number(counters->runs[RUN_DISCARDED]),
        value_number(counters->forgotten_count));
}

/* One alert while the disk is full, cleared when the reserve is back. */
static int writer_tell_space(struct writer *writer)
{
    struct change_value alert = {
        .first = "disk:full",
        .second = "the disk of the data directory is full: nothing new is "
                  "accepted or begun until there is room"};
    struct store_result result = {0};
    int status;

    if (writer->reserve.present)
        return value_alert_end(writer, alert.first);
    writer->result = &result;
    status = apply_alert(writer, &alert);
    writer->result = NULL;
    arena_done(&writer->scratch);
    return status;
}

/* One transaction over the batches whose status is 0, from this time on. */
static int writer_transaction(struct writer *writer,
                              struct store_batch *batches, int64_t now_ms,
                              int64_t now_wall_ms)
{
    struct counters before = writer->counters;
    int64_t steady_ms = writer->steady_ms, wall_ms = writer->wall_ms;
    enum space_told space =
        writer->reserve.present ? SPACE_TOLD_FREE : SPACE_TOLD_FULL;
    int status =
        database_run_values(&writer->database, "BEGIN IMMEDIATE", NULL, 0);

    if (status)
        return status;
    status = writer_note_time(writer, now_ms, now_wall_ms);
    if (!status && writer->space_told != space)
        status = writer_tell_space(writer);
    for (struct store_batch *batch = batches; !status && batch;
         batch = batch->next) {
        if (!batch->status)
            status = writer_batch(writer, batch);
    }
    if (!status)
        status = writer_save(writer);
    if (!status)
        status = database_run_values(&writer->database, "COMMIT", NULL, 0);
    if (!status) {
        writer->space_told = space;
        return 0;
    }
    if (!sqlite3_get_autocommit(writer->database.handle) &&
        database_exec(&writer->database, "ROLLBACK"))
        status = -EIO; /* what is not rolled back cannot be trusted */
    writer->counters = before;
    writer->steady_ms = steady_ms;
    writer->wall_ms = wall_ms;
    return status;
}

/* What begins is refused while there is no reserve to end it with. */
static void writer_refuse_new(struct store_batch *batches)
{
    for (; batches; batches = batches->next) {
        if (batches->begins && !batches->ends && !batches->status)
            batches->status = -ENOSPC;
    }
}

/* Is there anything to commit?  Refused senders come again and again; what is
 * kept back is not for writing that down. */
static bool writer_idle(const struct writer *writer,
                        const struct store_batch *batches)
{
    if (!batches || writer->space_told != SPACE_TOLD_FULL)
        return false;
    while (batches && batches->status)
        batches = batches->next;
    return !batches;
}

static void writer_commit_at(struct writer *writer, struct store_batch *batches,
                             int64_t now_ms, int64_t now_wall_ms)
{
    int status = -EIO;

    if (!writer->broken) {
        bool reserve = reserve_keep(&writer->reserve);
        if (!reserve)
            writer_refuse_new(batches);
        if (!reserve && writer_idle(writer, batches))
            return;
        status = writer_transaction(writer, batches, now_ms, now_wall_ms);
        if (status == -ENOSPC && reserve) {
            reserve_spend(&writer->reserve);
            writer_refuse_new(batches);
            status = writer_transaction(writer, batches, now_ms, now_wall_ms);
        }
        if (status == -EIO)
            opening_revive(writer);
    }
    if (!status)
        return;
    for (; batches; batches = batches->next) {
        if (!batches->status)
            batches->status = status;
    }
}

void writer_commit(struct writer *writer, struct store_batch *batches)
{
    writer_commit_at(writer, batches, batches->steady_ms, batches->wall_ms);
}

void writer_commit_time(struct writer *writer, int64_t steady_ms,
                        int64_t wall_ms)
{
    writer_commit_at(writer, NULL, steady_ms, wall_ms);
}

/* Tests want checkpoints within the life of a few deals. */
static int writer_checkpoint_pages(void)
{
#ifdef CONNECT_TEST_CLOCK
    const char *pages = getenv("CONNECT_TEST_CHECKPOINT");

    if (pages)
        return (int)strtol(pages, NULL, 10);
#endif
    return CHECKPOINT_PAGES;
}

void writer_checkpoint(struct writer *writer)
{
    int code, status;

    if (writer->broken ||
        writer->database.wal_pages < writer_checkpoint_pages())
        return;
    code = sqlite3_wal_checkpoint_v2(writer->database.handle, NULL,
                                     SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    status = database_status(&writer->database, code);
    /* The next commit says how large the log still is: as large as before while
     * somebody reads an older state, and then there is little to move. */
    writer->database.wal_pages = 0;
    if (status == -EIO)
        opening_revive(writer);
}
