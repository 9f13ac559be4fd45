/* reserve.c - disk space kept back for outcomes.
 *
 * One idea: a file of some megabytes is allocated while there is room.  When
 * the disk is full it is emptied, so that what was already sent can still
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
    RESERVE_BYTES = 16 * 1024 * 1024
};

void reserve_open(struct reserve *reserve, const char *directory)
{
    size_t len = strlen(directory) + sizeof("/connect.reserve");

    reserve->path = memory_zero(len, 1);
    snprintf(reserve->path, len, "%s/connect.reserve", directory);
    reserve->present = false;
}

void reserve_done(struct reserve *reserve)
{
    free(reserve->path);
    reserve->path = NULL;
}

void reserve_spend(struct reserve *reserve)
{
    /* Removing needs no space; an error leaves less room, no more. */
    (void)unlink(reserve->path);
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
