/* reserve.c - disk space kept back for outcomes.
 *
 * One idea: a file of some megabytes is allocated while there is room.  When
 * the disk is full its space goes over to the database's log at once, before
 * whoever fills the disk takes it, so that what was already sent can still
 * record how it ended; nothing new begins until the file could be filled again.
 * Called by the writer. */
#include "store/reserve.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

enum {
    /* Some hundred deliveries may be open, each ends with some 20 pages, and
     * the log may have to be moved into the database once. */
    RESERVE_BYTES = 16 * 1024 * 1024,
    RESERVE_LEAST = 64 * 1024 /* less is not worth a try */
};

void reserve_open(struct reserve *reserve, const char *directory)
{
    size_t len = strlen(directory) + sizeof("/connect.reserve");

    reserve->path = memory_zero(len, 1);
    reserve->log = memory_zero(len, 1);
    snprintf(reserve->path, len, "%s/connect.reserve", directory);
    snprintf(reserve->log, len, "%s/connect.db-wal", directory);
    reserve->present = false;
}

void reserve_done(struct reserve *reserve)
{
    free(reserve->path);
    free(reserve->log);
    reserve->path = reserve->log = NULL;
}

/* Behind its end, where it grows; as much as can be had. */
static void reserve_give_log(const struct reserve *reserve)
{
    int descriptor = open(reserve->log, O_WRONLY | O_CLOEXEC);
    off_t len = RESERVE_BYTES;
    struct stat about;

    if (descriptor < 0)
        return;
    if (fstat(descriptor, &about))
        len = 0;
    while (len >= RESERVE_LEAST &&
           fallocate(descriptor, FALLOC_FL_KEEP_SIZE, about.st_size, len))
        len /= 2;
    close(descriptor);
}

void reserve_spend(struct reserve *reserve)
{
    /* Removing needs no space; an error leaves less room, no more. */
    (void)unlink(reserve->path);
    reserve_give_log(reserve);
    reserve->present = false;
}

bool reserve_keep(struct reserve *reserve)
{
    int descriptor;

    if (reserve->present)
        return true;
    descriptor = open(reserve->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return false;
    reserve->present = posix_fallocate(descriptor, 0, RESERVE_BYTES) == 0;
    close(descriptor);
    if (!reserve->present)
        (void)unlink(reserve->path);
    return reserve->present;
}
