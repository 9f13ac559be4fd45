/* restore.c - a backup takes the place of what is there.
 *
 *   data/restore.new    the copy, while it is made, checked and marked
 *   data/restore.ready  the same, renamed: from here on it is decided
 *   data/before-restore-DATE  what was there
 *
 * One idea: two files cannot be replaced at once, one directory can be renamed
 * at once.  Before that rename everything is as it was and the copy is only in
 * the way; after it, whoever opens the data directory first finishes the moves.
 * Each move is a rename whose both ends show whether it was done, so they can
 * be begun again at any point.
 *
 * Called offline by connectd --restore; restore_finish by every opening. */
#include "store/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/backup.h"
#include "store/files.h"
#include "store/lookup.h"
#include "store/opening.h"
#include "store/store.h"

#define ASIDE_PREFIX "before-restore-"

enum {
    ASIDE_BYTES = 64,  /* the name of the directory for what was there */
    ASIDE_TRIES = 100, /* restores in one second */
    PATH_BYTES = 4096
};

/* The name written into the copy when it was made. */
static int restore_aside(const char *ready, char name[ASIDE_BYTES])
{
    char *path = files_path(ready, "aside");
    int status = 0, descriptor = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t len = -1;

    free(path);
    if (descriptor >= 0)
        len = read(descriptor, name, ASIDE_BYTES - 1);
    if (len < 0)
        status = -errno;
    if (descriptor >= 0)
        close(descriptor);
    if (status)
        return status;
    name[len] = '\0';
    if (strncmp(name, ASIDE_PREFIX, strlen(ASIDE_PREFIX)) != 0 ||
        strchr(name, '/'))
        return -EBADMSG;
    return 0;
}

/* What stands in the way of a name goes aside, if anything does. */
static int restore_move_aside(const char *data, const char *aside,
                              const char *name)
{
    if (!files_exist(data, name))
        return 0;
    if (mkdir(aside, 0700) && errno != EEXIST)
        return -errno;
    return files_move(data, aside, name);
}

/* The copy's files take their places.  Both are still in ready, or only the
 * database is, or none. */
static int restore_place(const char *data, const char *ready)
{
    static const char *const old[] = {"connect.db-wal", "connect.db-shm",
                                      "connect.db"};
    char name[ASIDE_BYTES], *aside;
    int status;

    if (!files_exist(ready, "connect.db"))
        return 0;
    status = restore_aside(ready, name);
    if (status)
        return status;
    aside = files_path(data, name);
    if (files_exist(ready, "lookup.key")) {
        status = restore_move_aside(data, aside, "lookup.key");
        if (!status)
            status = files_move(ready, data, "lookup.key");
    }
    for (size_t index = 0; !status && index < sizeof(old) / sizeof(*old);
         index++)
        status = restore_move_aside(data, aside, old[index]);
    if (!status && files_exist(data, name))
        status = lookup_sync_directory(aside);
    /* The old names are gone for good before the new one is there, so that no
     * log is ever taken for one of a database that is not its own. */
    if (!status)
        status = lookup_sync_directory(data);
    if (!status)
        status = files_move(ready, data, "connect.db");
    if (!status)
        status = lookup_sync_directory(data);
    free(aside);
    return status;
}

int restore_finish(const char *data_directory, struct error *err)
{
    char *ready;
    int status;

    if (!files_exist(data_directory, "restore.ready"))
        return 0;
    ready = files_path(data_directory, "restore.ready");
    status = restore_place(data_directory, ready);
    if (!status)
        status = files_clear(ready);
    if (!status)
        status = lookup_sync_directory(data_directory);
    if (status)
        error_set(err, "%s: the restore cannot be finished: %s", ready,
                  strerror(-status));
    free(ready);
    return status;
}

/* A name for what is there now that is not taken. */
static int restore_name(const char *data, char name[ASIDE_BYTES],
                        int64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    char date[32];

    if (!gmtime_r(&seconds, &utc) ||
        !strftime(date, sizeof(date), "%Y%m%dT%H%M%SZ", &utc))
        return -EOVERFLOW;
    for (int count = 1; count < ASIDE_TRIES; count++) {
        snprintf(name, ASIDE_BYTES, count > 1 ? "%s%s-%d" : "%s%s",
                 ASIDE_PREFIX, date, count);
        if (!files_exist(data, name))
            return 0;
    }
    return -EEXIST;
}

/* What is wrong with the copy, which is gone when a person reads this, is wrong
 * with the backup. */
static void restore_blame(const char *backup, const char *staged,
                          struct error *err)
{
    struct error why = *err;
    const char *at = strstr(why.text, staged);
    int before = at ? (int)(at - why.text) : (int)strlen(why.text);

    error_set(err, "%.*s%s%s; nothing was changed: restore another backup",
              before, why.text, at ? backup : "",
              at ? at + strlen(staged) : "");
}

/* The copy, whole, marked as restored, and on disk. */
static int restore_stage(const char *backup, const char *data,
                         const char *staged, struct error *err)
{
    char name[ASIDE_BYTES];
    uint64_t bytes;
    int64_t wall_ms = clock_wall_ms(clock_system());
    int status = files_copy(backup, staged, "connect.db");

    /* A directory that was put aside may have a log that belongs to it. */
    if (!status && files_exist(backup, "connect.db-wal"))
        status = files_copy(backup, staged, "connect.db-wal");
    if (!status)
        status = files_copy(backup, staged, "lookup.key");
    if (status == -ENOENT)
        error_set(err,
                  "%s is no backup: connect.db or lookup.key is not in it; "
                  "give the directory that connectctl backup made",
                  backup);
    else if (status)
        error_set(err, "%s cannot be copied: %s", backup, strerror(-status));
    if (status)
        return status;
    status = backup_check(staged, NULL, err);
    if (status && err)
        restore_blame(backup, staged, err);
    if (!status)
        status = opening_mark_restored(staged, wall_ms, err);
    if (!status)
        status = restore_name(data, name, wall_ms);
    if (!status)
        status = files_write(staged, "aside", name, strlen(name));
    if (!status)
        status = files_sync(staged, "connect.db", &bytes);
    return status ? status : lookup_sync_directory(staged);
}

static int restore_locked(const char *backup, const char *data,
                          struct error *err)
{
    char *staged = files_path(data, "restore.new");
    char *ready = files_path(data, "restore.ready");
    int status = restore_finish(data, err); /* of one before */

    if (!status)
        status = files_clear(staged);
    if (!status && mkdir(staged, 0700))
        status = -errno;
    if (!status) {
        status = restore_stage(backup, data, staged, err);
        if (!status && rename(staged, ready))
            status = -errno;
        if (status)
            (void)!files_clear(staged); /* the next restore tries again */
    }
    if (!status)
        status = lookup_sync_directory(data);
    if (!status)
        status = restore_finish(data, err);
    if (status && err && !err->text[0])
        error_set(err, "%s cannot be restored from %s: %s", data, backup,
                  strerror(-status));
    free(staged);
    free(ready);
    return status;
}

int store_restore(const char *backup_directory, const char *data_directory,
                  struct error *err)
{
    int lock, status = 0;
    char *path;

    if (strlen(backup_directory) >= PATH_BYTES ||
        strlen(data_directory) >= PATH_BYTES) {
        error_set(err, "a path is too long");
        return -ENAMETOOLONG;
    }
    if (mkdir(data_directory, 0700) && errno != EEXIST) {
        status = -errno;
        error_set(err, "%s: %s", data_directory, strerror(-status));
        return status;
    }
    path = files_path(data_directory, "connect.lock");
    lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) {
        status = -errno;
        error_set(err, "%s: %s", path, strerror(-status));
    } else if (flock(lock, LOCK_EX | LOCK_NB)) {
        status = -EBUSY;
        error_set(err, "%s is in use by another process; stop connectd first",
                  data_directory);
    } else {
        status = restore_locked(backup_directory, data_directory, err);
    }
    if (lock >= 0)
        close(lock);
    free(path);
    return status;
}
