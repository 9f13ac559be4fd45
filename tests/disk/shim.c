/* shim.c - preloaded into a store: writes down what reaches the disk, and lets
 * calls fail on demand.
 *
 * One idea: only files directly in DISK_ROOT are looked at, under one lock, so
 * that the trace has the order in which things happened.  A sync that shall
 * fail is not done, and the record says that what it should have saved is lost,
 * as Linux loses it: later syncs succeed and save nothing of it.  A write that
 * shall fail writes half.
 *
 * Loaded into connectd or the driver, any thread.  It never allocates. */
#include "control.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    DESCRIPTORS_MAX = 4096,
    PATH_BYTES = 4096,
    TRACE_LOW = 1000, /* descriptors that nobody minds */
    THE_DIRECTORY = -1,
    NOT_OURS = 0
};

static struct {
    pthread_mutex_t lock;
    char root[PATH_BYTES];
    size_t root_len;
    int trace;
    struct disk_control *control;
    int32_t ids[DESCRIPTORS_MAX]; /* of watched files */
    uint8_t files[DESCRIPTORS_MAX];
} shim = {.lock = PTHREAD_MUTEX_INITIALIZER, .trace = -1};

static struct {
    int (*open)(const char *, int, ...);
    int (*close)(int);
    ssize_t (*read)(int, void *, size_t);
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*pread)(int, void *, size_t, off_t);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    int (*fsync)(int);
    int (*fdatasync)(int);
    int (*ftruncate)(int, off_t);
    int (*rename)(const char *, const char *);
    int (*unlink)(const char *);
    int (*posix_fallocate)(int, off_t, off_t);
} real;

/* ISO C has no conversion from what dlsym gives to a function. */
static void find(void *place, const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    memcpy(place, &found, sizeof(found));
}

static void find_all(void)
{
    find(&real.open, "open");
    find(&real.close, "close");
    find(&real.read, "read");
    find(&real.write, "write");
    find(&real.pread, "pread");
    find(&real.pwrite, "pwrite");
    find(&real.fsync, "fsync");
    find(&real.fdatasync, "fdatasync");
    find(&real.ftruncate, "ftruncate");
    find(&real.rename, "rename");
    find(&real.unlink, "unlink");
    find(&real.posix_fallocate, "posix_fallocate");
}

static void begin(void) __attribute__((constructor));
static void begin(void)
{
    const char *root = getenv("DISK_ROOT"), *trace = getenv("DISK_TRACE");
    const char *control = getenv("DISK_CONTROL");
    int file;

    find_all();
    if (!root || !control)
        return;
    file = real.open(control, O_RDWR | O_CLOEXEC);
    if (file < 0)
        return;
    shim.control = mmap(NULL, sizeof(*shim.control), PROT_READ | PROT_WRITE,
                        MAP_SHARED, file, 0);
    real.close(file);
    if (shim.control == MAP_FAILED)
        abort();
    if (trace) {
        file = real.open(trace, O_WRONLY | O_APPEND | O_CLOEXEC);
        if (file < 0)
            abort();
        shim.trace = fcntl(file, F_DUPFD_CLOEXEC, TRACE_LOW);
        real.close(file);
    }
    shim.root_len = (size_t)snprintf(shim.root, sizeof(shim.root), "%s/", root);
}

/* ---- The trace ----------------------------------------------------------- */

static void record(enum disk_record_kind kind, uint32_t file, int64_t offset,
                   const void *bytes, size_t len)
{
    struct disk_record head = {.kind = (uint32_t)kind,
                               .file = file,
                               .offset = offset,
                               .len = (uint32_t)len};
    struct iovec parts[] = {{&head, sizeof(head)},
                            {(void *)(uintptr_t)bytes, len}};
    int saved = errno;

    /* One call: the harness appends to the same file. */
    if (shim.trace >= 0 &&
        writev(shim.trace, parts, 2) != (ssize_t)(sizeof(head) + len))
        abort();
    errno = saved;
}

/* ---- Names --------------------------------------------------------------- */

/* The name of a file directly in the root, "" for the root, NULL for others. */
static const char *name_in(const char *path, char whole[PATH_BYTES])
{
    size_t len = 0;

    if (!shim.root_len)
        return NULL;
    if (path[0] != '/' && getcwd(whole, PATH_BYTES)) {
        len = strlen(whole);
        whole[len++] = '/';
    }
    snprintf(whole + len, PATH_BYTES - len, "%s", path);
    len = strlen(whole);
    if (len + 1 == shim.root_len && !strncmp(whole, shim.root, len))
        return "";
    if (strncmp(whole, shim.root, shim.root_len) != 0 ||
        strchr(whole + shim.root_len, '/') ||
        len - shim.root_len >= DISK_NAME_BYTES)
        return NULL;
    return whole + shim.root_len;
}

static enum disk_file file_of(const char *name)
{
    size_t len = strlen(name);

    if (!strcmp(name, "connect.db"))
        return DISK_FILE_DB;
    if (len > 4 && !strcmp(name + len - 4, "-wal"))
        return DISK_FILE_WAL;
    if (len > 4 && !strcmp(name + len - 4, "-shm"))
        return DISK_FILE_SHM;
    return DISK_FILE_OTHER;
}

static struct disk_name *name_find(const char *name)
{
    for (size_t at = 0; at < DISK_NAMES_MAX; at++) {
        struct disk_name *row = &shim.control->names[at];
        if (row->id && !strcmp(row->name, name))
            return row;
    }
    return NULL;
}

static uint32_t name_make(const char *name)
{
    for (size_t at = 0; at < DISK_NAMES_MAX; at++) {
        struct disk_name *row = &shim.control->names[at];
        if (row->id)
            continue;
        snprintf(row->name, sizeof(row->name), "%s", name);
        row->id = ++shim.control->id_last;
        record(DISK_R_CREATE, row->id, 0, name, strlen(name));
        return row->id;
    }
    abort();
}

static int32_t id_of(int descriptor)
{
    if (descriptor < 0 || descriptor >= DESCRIPTORS_MAX)
        return NOT_OURS;
    return shim.ids[descriptor];
}

static void learn(int descriptor, const char *path, int flags)
{
    char whole[PATH_BYTES];
    const char *name = name_in(path, whole);
    struct disk_name *row;
    struct stat about;

    if (!name || descriptor < 0 || descriptor >= DESCRIPTORS_MAX)
        return;
    if (!*name || fstat(descriptor, &about) || S_ISDIR(about.st_mode)) {
        shim.ids[descriptor] = *name ? NOT_OURS : THE_DIRECTORY;
        return;
    }
    row = name_find(name);
    shim.ids[descriptor] = (int32_t)(row ? row->id : name_make(name));
    shim.files[descriptor] = (uint8_t)file_of(name);
    if (row && (flags & O_TRUNC))
        record(DISK_R_TRUNCATE, row->id, 0, NULL, 0);
}

/* ---- Faults -------------------------------------------------------------- */

/* Shall this call fail?  Sets errno. */
static bool fails(int descriptor, enum disk_op op)
{
    struct disk_control *control = shim.control;
    uint32_t file = DISK_FILE_OTHER;

    if (descriptor >= 0 && shim.ids[descriptor] != THE_DIRECTORY)
        file = shim.files[descriptor];
    control->calls[op]++;
    if (!control->error || !(control->ops & (1u << op)) ||
        !(control->files & (1u << file)) || !control->times)
        return false;
    if (control->after > 0) {
        control->after--;
        return false;
    }
    if (control->times > 0)
        control->times--;
    control->hits++;
    errno = (int)control->error;
    return true;
}

/* ---- The calls ----------------------------------------------------------- */

static int open_any(const char *path, int flags, mode_t mode)
{
    int descriptor;

    pthread_mutex_lock(&shim.lock);
    descriptor = real.open(path, flags, mode);
    if (shim.control && descriptor >= 0)
        learn(descriptor, path, flags);
    pthread_mutex_unlock(&shim.lock);
    return descriptor;
}

static mode_t mode_of(int flags, va_list arguments)
{
    return flags & O_CREAT ? (mode_t)va_arg(arguments, unsigned) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode;

    va_start(arguments, flags);
    mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_any(path, flags, mode);
}

int open64(const char *path, int flags, ...);
int open64(const char *path, int flags, ...)
{
    va_list arguments;
    mode_t mode;

    va_start(arguments, flags);
    mode = mode_of(flags, arguments);
    va_end(arguments);
    return open_any(path, flags, mode);
}

int close(int descriptor)
{
    bool failed = false;
    int code;

    if (!id_of(descriptor))
        return real.close(descriptor);
    pthread_mutex_lock(&shim.lock);
    failed = fails(descriptor, DISK_CLOSE);
    shim.ids[descriptor] = NOT_OURS;
    code = real.close(descriptor);
    pthread_mutex_unlock(&shim.lock);
    if (failed)
        errno = (int)shim.control->error;
    return failed ? -1 : code;
}

static ssize_t write_any(int descriptor, const void *bytes, size_t len,
                         off_t offset)
{
    ssize_t count = -1;
    bool failed;

    pthread_mutex_lock(&shim.lock);
    failed = fails(descriptor, DISK_WRITE);
    if (failed)
        len /= 2;
    if (offset < 0)
        offset = lseek(descriptor, 0, SEEK_CUR);
    if (shim.files[descriptor] != DISK_FILE_SHM)
        record(DISK_R_WRITE, (uint32_t)shim.ids[descriptor], offset, bytes,
               len);
    if (len || !failed)
        count = real.pwrite(descriptor, bytes, len, offset);
    if (count > 0)
        lseek(descriptor, offset + count, SEEK_SET);
    if (failed) {
        errno = (int)shim.control->error;
        count = -1;
    }
    pthread_mutex_unlock(&shim.lock);
    return count;
}

ssize_t write(int descriptor, const void *bytes, size_t len)
{
    if (id_of(descriptor) <= 0)
        return real.write(descriptor, bytes, len);
    return write_any(descriptor, bytes, len, -1);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t len, off_t offset)
{
    if (id_of(descriptor) <= 0)
        return real.pwrite(descriptor, bytes, len, offset);
    return write_any(descriptor, bytes, len, offset);
}

ssize_t pwrite64(int descriptor, const void *bytes, size_t len, off_t offset);
ssize_t pwrite64(int descriptor, const void *bytes, size_t len, off_t offset)
{
    return pwrite(descriptor, bytes, len, offset);
}

static bool read_fails(int descriptor)
{
    bool failed;

    if (id_of(descriptor) <= 0)
        return false;
    pthread_mutex_lock(&shim.lock);
    failed = fails(descriptor, DISK_READ);
    pthread_mutex_unlock(&shim.lock);
    return failed;
}

ssize_t read(int descriptor, void *bytes, size_t len)
{
    return read_fails(descriptor) ? -1 : real.read(descriptor, bytes, len);
}

ssize_t pread(int descriptor, void *bytes, size_t len, off_t offset)
{
    if (read_fails(descriptor))
        return -1;
    return real.pread(descriptor, bytes, len, offset);
}

ssize_t pread64(int descriptor, void *bytes, size_t len, off_t offset);
ssize_t pread64(int descriptor, void *bytes, size_t len, off_t offset)
{
    return pread(descriptor, bytes, len, offset);
}

static int sync_any(int descriptor, enum disk_op op)
{
    int32_t id;
    int code = -1;

    pthread_mutex_lock(&shim.lock);
    id = shim.ids[descriptor];
    if (!fails(descriptor, op)) {
        /* Nobody cuts the power here: the trace is what counts. */
        code = shim.trace >= 0    ? 0
               : op == DISK_FSYNC ? real.fsync(descriptor)
                                  : real.fdatasync(descriptor);
        if (!code)
            record(id == THE_DIRECTORY ? DISK_R_DIRECTORY : DISK_R_SYNC,
                   id == THE_DIRECTORY ? 0 : (uint32_t)id, 0, NULL, 0);
    } else if (id != THE_DIRECTORY) {
        record(DISK_R_SYNC_LOST, (uint32_t)id, 0, NULL, 0);
    }
    pthread_mutex_unlock(&shim.lock);
    return code;
}

int fsync(int descriptor)
{
    if (!id_of(descriptor))
        return real.fsync(descriptor);
    return sync_any(descriptor, DISK_FSYNC);
}

int fdatasync(int descriptor)
{
    if (!id_of(descriptor))
        return real.fdatasync(descriptor);
    return sync_any(descriptor, DISK_FDATASYNC);
}

int ftruncate(int descriptor, off_t size)
{
    int code = -1;

    if (id_of(descriptor) <= 0)
        return real.ftruncate(descriptor, size);
    pthread_mutex_lock(&shim.lock);
    if (!fails(descriptor, DISK_TRUNCATE)) {
        if (shim.files[descriptor] != DISK_FILE_SHM)
            record(DISK_R_TRUNCATE, (uint32_t)shim.ids[descriptor], size, NULL,
                   0);
        code = real.ftruncate(descriptor, size);
    }
    pthread_mutex_unlock(&shim.lock);
    return code;
}

int ftruncate64(int descriptor, off_t size);
int ftruncate64(int descriptor, off_t size)
{
    return ftruncate(descriptor, size);
}

int posix_fallocate(int descriptor, off_t offset, off_t len)
{
    bool failed;

    if (id_of(descriptor) <= 0)
        return real.posix_fallocate(descriptor, offset, len);
    pthread_mutex_lock(&shim.lock);
    failed = fails(descriptor, DISK_ALLOCATE);
    pthread_mutex_unlock(&shim.lock);
    if (failed)
        return (int)shim.control->error;
    /* In a trace its size says nothing; the zeros would only take time. */
    return shim.trace >= 0 ? 0 : real.posix_fallocate(descriptor, offset, len);
}

int posix_fallocate64(int descriptor, off_t offset, off_t len);
int posix_fallocate64(int descriptor, off_t offset, off_t len)
{
    return posix_fallocate(descriptor, offset, len);
}

static void renamed(const char *from, const char *to)
{
    char both[2 * DISK_NAME_BYTES];
    struct disk_name *old = name_find(to), *row = name_find(from);
    size_t from_len = strlen(from) + 1, to_len = strlen(to);

    if (!row)
        return;
    if (old)
        old->id = 0;
    memcpy(both, from, from_len);
    memcpy(both + from_len, to, to_len);
    record(DISK_R_RENAME, row->id, 0, both, from_len + to_len);
    snprintf(row->name, sizeof(row->name), "%s", to);
}

int rename(const char *from, const char *to)
{
    char whole_from[PATH_BYTES], whole_to[PATH_BYTES];
    const char *name_from = name_in(from, whole_from);
    const char *name_to = name_in(to, whole_to);
    int code = -1;

    if (!name_from || !name_to)
        return real.rename(from, to);
    pthread_mutex_lock(&shim.lock);
    if (!fails(-1, DISK_RENAME))
        code = real.rename(from, to);
    if (!code)
        renamed(name_from, name_to);
    pthread_mutex_unlock(&shim.lock);
    return code;
}

int unlink(const char *path)
{
    char whole[PATH_BYTES];
    const char *name = name_in(path, whole);
    struct disk_name *row;
    int code;

    if (!name || !*name)
        return real.unlink(path);
    pthread_mutex_lock(&shim.lock);
    code = real.unlink(path);
    row = name_find(name);
    if (!code && row) {
        record(DISK_R_UNLINK, row->id, 0, name, strlen(name));
        row->id = 0;
    }
    pthread_mutex_unlock(&shim.lock);
    return code;
}
