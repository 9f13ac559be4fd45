/* files.c - the files of a store: named, copied, synced.
 *
 * One idea: a file that is written here is new, belongs to us alone (0600) and
 * is on disk when the function returns 0; names are made durable by syncing
 * their directory (lookup_sync_directory), which the caller does when the
 * order matters.  Called on the thread of a backup and by a restore. */
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

enum { COPY_BYTES = 1024 * 1024 /* at once; large enough for any disk */ };

char *files_path(const char *directory, const char *name)
{
    size_t len = strlen(directory) + strlen(name) + 2;
    char *path = memory_zero(len, 1);

    snprintf(path, len, "%s/%s", directory, name);
    return path;
}

bool files_exist(const char *directory, const char *name)
{
    char *path = files_path(directory, name);
    struct stat about;
    bool found = lstat(path, &about) == 0;

    free(path);
    return found;
}

static int files_put(int descriptor, const char *bytes, size_t len)
{
    while (len) {
        ssize_t done = write(descriptor, bytes, len);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done ? -errno : -EIO;
        bytes += done;
        len -= (size_t)done;
    }
    return 0;
}

/* From one descriptor to the other until the end. */
static int files_pour(int from, int to)
{
    char *bytes = memory_zero(COPY_BYTES, 1);
    ssize_t len;
    int status = 0;

    while (!status && (len = read(from, bytes, COPY_BYTES)) != 0) {
        if (len > 0)
            status = files_put(to, bytes, (size_t)len);
        else if (errno != EINTR)
            status = -errno;
    }
    free(bytes);
    return status;
}

/* Sync, close, and pass the first failure on. */
static int files_end(int descriptor, int status)
{
    if (!status && fsync(descriptor))
        status = -errno;
    if (close(descriptor) && !status)
        status = -errno;
    return status;
}

static int files_make(const char *directory, const char *name)
{
    char *path = files_path(directory, name);
    int descriptor =
        open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    free(path);
    return descriptor < 0 ? -errno : descriptor;
}

int files_copy(const char *from_directory, const char *to_directory,
               const char *name)
{
    char *path = files_path(from_directory, name);
    int to, status, from = open(path, O_RDONLY | O_CLOEXEC);

    free(path);
    if (from < 0)
        return -errno;
    to = files_make(to_directory, name);
    status = to < 0 ? to : files_end(to, files_pour(from, to));
    close(from);
    return status;
}

int files_write(const char *directory, const char *name, const void *bytes,
                size_t len)
{
    int descriptor = files_make(directory, name);

    if (descriptor < 0)
        return descriptor;
    return files_end(descriptor, files_put(descriptor, bytes, len));
}

int files_sync(const char *directory, const char *name, uint64_t *ret_bytes)
{
    char *path = files_path(directory, name);
    struct stat about;
    int status = 0, descriptor = open(path, O_RDWR | O_CLOEXEC);

    free(path);
    if (descriptor < 0)
        return -errno;
    if (fstat(descriptor, &about))
        status = -errno;
    else
        *ret_bytes = (uint64_t)about.st_size;
    return files_end(descriptor, status);
}

int files_move(const char *from_directory, const char *to_directory,
               const char *name)
{
    char *from = files_path(from_directory, name);
    char *to = files_path(to_directory, name);
    int status = rename(from, to) ? -errno : 0;

    free(from);
    free(to);
    return status;
}

int files_clear(const char *directory)
{
    static const char *const names[] = {"connect.db",     "connect.db-wal",
                                        "connect.db-shm", "connect.db-journal",
                                        "lookup.key",     "aside"};

    for (size_t index = 0; index < sizeof(names) / sizeof(*names); index++) {
        char *path = files_path(directory, names[index]);
        int code = unlink(path);

        free(path);
        if (code && errno != ENOENT)
            return -errno;
    }
    return rmdir(directory) && errno != ENOENT ? -errno : 0;
}
