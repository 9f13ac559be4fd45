/* backup.c - a copy of the store, made while everything goes on.
 *
 * One idea: a read transaction pins one state of the database, its pages are
 * copied some megabytes at a time by SQLite's own backup functions, and the
 * writer goes on beside it; only the log grows meanwhile.  A copy that was not
 * read back is no backup: all pages, the audit chain and the key are checked in
 * it, and only then it gets its name.
 *
 * backup_run is called on a thread of its own, in inline mode on the loop. */
#include "store/backup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "store/audit.h"
#include "store/database.h"
#include "store/files.h"
#include "store/log_check.h"
#include "store/opening.h"
#include "store/schema.h"

enum {
    PATH_MAX_BYTES = 3000, /* of the directory; a name must fit behind it */
    STEP_PAGES = 1024,     /* copied between two looks at stop: 4 MiB */
    CHECK_STEPS = 1000     /* of SQLite's machine, likewise */
};

struct backup *backup_create(const char *source, const struct lookup *lookup,
                             const char *directory)
{
    struct backup *backup;
    size_t len = strlen(directory);

    while (len > 1 && directory[len - 1] == '/')
        len--;
    if (directory[0] != '/' || len < 2 || len > PATH_MAX_BYTES)
        return NULL;
    backup = memory_zero(1, sizeof(*backup));
    backup->source = memory_text(source);
    backup->directory = memory_text(directory);
    backup->directory[len] = '\0';
    backup->lookup = *lookup;
    return backup;
}

void backup_destroy(struct backup *backup)
{
    if (!backup)
        return;
    lookup_done(&backup->lookup);
    free(backup->source);
    free(backup->directory);
    free(backup);
}

static int backup_pages(struct backup *backup, struct database *from,
                        struct database *to)
{
    sqlite3_backup *copy;
    int code = SQLITE_OK, status = database_exec(from, "BEGIN");

    if (status)
        return status;
    /* Reading anything pins the state that is copied. */
    status = database_exec(from, "SELECT commit_number FROM meta");
    copy = sqlite3_backup_init(to->handle, "main", from->handle, "main");
    if (!copy && !status)
        status = database_status(to, sqlite3_errcode(to->handle));
    while (!status && code == SQLITE_OK) {
        if (atomic_load(&backup->stop))
            status = -ECANCELED;
        else
            code = sqlite3_backup_step(copy, STEP_PAGES);
    }
    if (copy) {
        int end = sqlite3_backup_finish(copy);
        if (!status && end != SQLITE_OK)
            status = database_status(to, end);
    }
    if (!status && code != SQLITE_DONE)
        status = database_status(to, code);
    (void)!database_exec(from, "COMMIT"); /* it only read */
    return status;
}

static int backup_database(struct backup *backup, const char *partial)
{
    struct database from = {0}, to = {0};
    char *path = files_path(partial, "connect.db");
    /* Made here, so that its mode is not left to the library. */
    int status = files_write(partial, "connect.db", "", 0);

    if (!status)
        status = database_open(&from, backup->source, false, &backup->err);
    if (!status)
        status = database_open(&to, path, true, &backup->err);
    if (!status)
        status = database_exec(&to, "PRAGMA synchronous=OFF");
    if (!status)
        status = backup_pages(backup, &from, &to);
    database_close(&to);
    database_close(&from);
    free(path);
    return status;
}

/* Everything into partial, checked and on disk. */
static int backup_fill(struct backup *backup, const char *partial)
{
    uint64_t database_bytes = 0, key_bytes = 0;
    int status = files_write(partial, "lookup.key", backup->lookup.key,
                             LOOKUP_KEY_BYTES);

    if (!status)
        status = backup_database(backup, partial);
    if (!status)
        status = backup_check(partial, &backup->stop, &backup->err);
    if (!status)
        status = files_sync(partial, "connect.db", &database_bytes);
    if (!status)
        status = files_sync(partial, "lookup.key", &key_bytes);
    if (!status)
        status = lookup_sync_directory(partial);
    backup->bytes = database_bytes + key_bytes;
    return status;
}

/* The directory above; in place. */
static int backup_sync_parent(struct backup *backup)
{
    char *slash = strrchr(backup->directory, '/');
    int status;

    if (slash == backup->directory)
        return lookup_sync_directory("/");
    *slash = '\0';
    status = lookup_sync_directory(backup->directory);
    *slash = '/';
    return status;
}

static int backup_make(struct backup *backup)
{
    char *partial = memory_zero(strlen(backup->directory) + 16, 1);
    int status;

    snprintf(partial, strlen(backup->directory) + 16, "%s.partial",
             backup->directory);
    status = files_exist(backup->directory, ".") ? -EEXIST : 0;
    if (!status)
        status = files_clear(partial); /* of one that was killed */
    if (!status && mkdir(partial, 0700))
        status = -errno;
    if (!status) {
        status = backup_fill(backup, partial);
        if (!status && rename(partial, backup->directory))
            status = -errno;
        if (status && files_clear(partial) && !backup->err.text[0])
            error_set(&backup->err, "%s is left over, remove it", partial);
    }
    if (!status)
        status = backup_sync_parent(backup);
    free(partial);
    return status;
}

void backup_run(struct backup *backup)
{
    backup->status = backup_make(backup);
    if (backup->status == -ECANCELED && atomic_load(&backup->disk_failed))
        error_set(&backup->err,
                  "the backup %s was given up because the disk failed "
                  "meanwhile: look at the disk and make it again",
                  backup->directory);
    if (backup->status && !backup->err.text[0])
        error_set(&backup->err, "the backup %s cannot be made: %s",
                  backup->directory, strerror(-backup->status));
}

static int backup_stops(void *stop)
{
    return atomic_load((atomic_bool *)stop);
}

/* A check of pages that finds something leaves no error behind. */
static const char *damage_words(const struct writer *writer, int status)
{
    int code = writer->database.handle
                   ? sqlite3_errcode(writer->database.handle) & 0xff
                   : SQLITE_OK;

    if (!writer->database.handle)
        return strerror(-status);
    if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE)
        return "its pages do not fit together";
    return sqlite3_errmsg(writer->database.handle);
}

int backup_check(const char *directory, atomic_bool *stop, struct error *err)
{
    struct writer writer = {.lock = -1};
    int version = 0,
        status = lookup_open(&writer.lookup, directory, false, err);

    writer.path = files_path(directory, "connect.db");
    /* What was put aside by a restore may have a log. */
    if (!status)
        status = log_check(writer.path, err);
    if (!status)
        status = database_open(&writer.database, writer.path, true, err);
    if (!status && stop)
        sqlite3_progress_handler(writer.database.handle, CHECK_STEPS,
                                 backup_stops, stop);
    if (!status)
        status = schema_version(&writer.database, &version, err);
    if (!status && (version < 1 || version > SCHEMA_VERSION)) {
        error_set(err, "%s has schema %d, this program knows 1 to %d",
                  writer.path, version, (int)SCHEMA_VERSION);
        status = -EINVAL;
    }
    if (!status)
        status = opening_check_key(&writer, err);
    if (!status)
        status = opening_check_pages(&writer);
    if (!status)
        status = version > 1 ? audit_verify(&writer.database, err) : 0;
    if (stop && atomic_load(stop)) {
        status = -ECANCELED;
        error_set(err, "%s was not checked to the end", writer.path);
    }
    if (status && err && !err->text[0])
        error_set(err, "%s is damaged: %s", writer.path,
                  damage_words(&writer, status));
    database_close(&writer.database);
    lookup_done(&writer.lookup);
    free(writer.path);
    return status;
}
