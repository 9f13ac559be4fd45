/* rig.c - a directory with a store in it, the shim before it and the trace
 * beside it.
 *
 * One idea: what a watched program needs is in its environment, so the daemon
 * is watched as the driver is.  One thread. */
#include "rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process.h"
#include "proof.h"

enum {
    DRIVER_MS = 60000, /* far more than it takes */
    REMOVE_DEPTH = 16
};

__attribute__((noreturn)) static void give_up(const char *what)
{
    fprintf(stderr, "disk: %s: %s\n", what, strerror(errno));
    exit(PROOF_FAILED);
}

static void make_file(const char *path, off_t size)
{
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (file < 0 || (size && ftruncate(file, size)))
        give_up(path);
    close(file);
}

void rig_begin(struct rig *rig)
{
    const char *place = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
    char control[sizeof(rig->root) + 16];
    int file;

    memset(rig, 0, sizeof(*rig));
    snprintf(rig->root, sizeof(rig->root), "%s/connect-disk.XXXXXX", place);
    if (!mkdtemp(rig->root))
        give_up(rig->root);
    snprintf(rig->data, sizeof(rig->data), "%s/data", rig->root);
    snprintf(rig->cut, sizeof(rig->cut), "%s/cut", rig->root);
    snprintf(rig->trace, sizeof(rig->trace), "%s/trace", rig->root);
    snprintf(rig->log, sizeof(rig->log), "%s/log", rig->root);
    snprintf(control, sizeof(control), "%s/control", rig->root);
    if (mkdir(rig->data, 0700) || mkdir(rig->cut, 0700))
        give_up(rig->root);
    make_file(rig->trace, 0);
    make_file(control, sizeof(*rig->control));
    file = open(control, O_RDWR | O_CLOEXEC);
    rig->control = mmap(NULL, sizeof(*rig->control), PROT_READ | PROT_WRITE,
                        MAP_SHARED, file, 0);
    if (file < 0 || rig->control == MAP_FAILED)
        give_up(control);
    close(file);
}

static int remove_one(const char *path, const struct stat *about, int type,
                      struct FTW *walk)
{
    (void)about;
    (void)type;
    (void)walk;
    return remove(path);
}

void rig_end(struct rig *rig)
{
    rig_watch(rig, NULL, false, false);
    munmap(rig->control, sizeof(*rig->control));
    if (getenv("CONNECT_KEEP"))
        fprintf(stderr, "kept: %s\n", rig->root);
    else
        nftw(rig->root, remove_one, REMOVE_DEPTH, FTW_DEPTH | FTW_PHYS);
}

void rig_watch(const struct rig *rig, const char *directory, bool on,
               bool traced)
{
    char control[sizeof(rig->root) + 16];

    unsetenv("LD_PRELOAD");
    unsetenv("DISK_TRACE");
    unsetenv("DISK_ROOT");
    unsetenv("DISK_CONTROL");
    if (!on)
        return;
    snprintf(control, sizeof(control), "%s/control", rig->root);
    setenv("LD_PRELOAD", DISK_SHIM, 1);
    setenv("DISK_ROOT", directory, 1);
    setenv("DISK_CONTROL", control, 1);
    if (traced)
        setenv("DISK_TRACE", rig->trace, 1);
}

void rig_fault(struct rig *rig, int error, uint32_t ops, uint32_t files,
               int64_t after, int64_t times)
{
    rig->control->error = 0;
    rig->control->ops = ops;
    rig->control->files = files;
    rig->control->after = after;
    rig->control->times = times;
    rig->control->hits = 0;
    rig->control->error = (uint32_t)error;
}

void rig_no_fault(struct rig *rig)
{
    rig->control->error = 0;
}

int rig_drive(struct rig *rig, const char *size)
{
    const char *arguments[] = {DISK_DRIVER, rig->data, size, NULL};
    struct process process = {0};
    int status;

    rig_watch(rig, rig->data, true, true);
    status = process_start(&process, rig->log, arguments);
    rig_watch(rig, NULL, false, false);
    if (status)
        give_up(DISK_DRIVER);
    if (!process_wait(&process, DRIVER_MS)) {
        process_end(&process);
        return -1;
    }
    return process.exit_code;
}

void rig_empty(const char *directory)
{
    DIR *list = opendir(directory);
    struct dirent *entry;

    if (!list)
        give_up(directory);
    while ((entry = readdir(list))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            unlinkat(dirfd(list), entry->d_name, 0);
    }
    closedir(list);
}

void rig_again(struct rig *rig)
{
    rig_empty(rig->data);
    make_file(rig->trace, 0);
    make_file(rig->log, 0);
    memset(rig->control, 0, sizeof(*rig->control));
}

void rig_mark(const struct rig *rig, uint32_t fact, uint64_t number)
{
    struct disk_record head = {
        .kind = DISK_R_MARK, .file = fact, .offset = (int64_t)number};
    int file = open(rig->trace, O_WRONLY | O_APPEND | O_CLOEXEC);

    if (file < 0 || write(file, &head, sizeof(head)) != (ssize_t)sizeof(head))
        give_up(rig->trace);
    close(file);
}
