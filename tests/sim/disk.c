/* disk.c - a disk in memory under SQLite, in the hand of one seed.
 *
 * One idea: a file is what reads see (data), what is safe (base) and a log of
 * the writes between the two; a sync replays the log onto base, a power cut
 * replays a part of it.  Everything is process-wide, as the VFS is.  Locks and
 * shared memory are those of one process and one thread.
 *
 * What is not modelled: the removal of a file is safe at once. */
#include "disk.h"

#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proof.h"

enum {
    FILES_MAX = 64, /* a store has three, a backup some more */
    NAME_MAX_BYTES = 256,
    REGIONS_MAX = 64, /* of shared memory, 32 KiB each */
    SHM_LOCKS = 8,
    SECTOR = 512, /* what is torn is torn here */
    NEVER = -1
};

struct bytes {
    unsigned char *ptr; /* owned */
    size_t len, capacity;
};

struct disk_write { /* header of an entry in a file's log */
    size_t offset, len;
    bool truncate; /* to offset */
};

struct disk_file {
    char name[NAME_MAX_BYTES]; /* "": free */
    struct bytes data, base, log;
    bool named; /* its name is safe */
    unsigned open_count;
    unsigned shared_count;                  /* connections that read */
    const void *reserved_by, *exclusive_by; /* connections that write */
    unsigned char *regions[REGIONS_MAX];    /* owned */
    unsigned shm_count;                     /* connections that use them */
    unsigned shm_shared[SHM_LOCKS];         /* readers of a lock */
    const void *shm_exclusive[SHM_LOCKS];
};

struct disk_connection {
    sqlite3_file base; /* first */
    struct disk_file *file;
    int level;
    bool delete_on_close, shm;
    unsigned shm_shared, shm_exclusive; /* bits */
};

static struct {
    struct disk_file files[FILES_MAX];
    struct bytes saved[FILES_MAX];
    char saved_names[FILES_MAX][NAME_MAX_BYTES];
    bool have_saved;
    uint64_t random;
    struct {
        unsigned after, count;
    } broken[DISK_FAULT_COUNT];
    size_t room; /* bytes free; SIZE_MAX: no end */
    size_t reserve;
    long die_after;
    bool dead, observed;
    int last_errno;
    struct disk_figures figures;
} disk = {.room = SIZE_MAX, .die_after = NEVER};

/* ---- Bytes --------------------------------------------------------------- */

static void bytes_reserve(struct bytes *bytes, size_t len)
{
    if (len <= bytes->capacity)
        return;
    bytes->capacity = bytes->capacity ? bytes->capacity : 4096;
    while (bytes->capacity < len)
        bytes->capacity *= 2;
    bytes->ptr = realloc(bytes->ptr, bytes->capacity);
    assert(bytes->ptr);
}

static void bytes_put(struct bytes *bytes, size_t offset, const void *from,
                      size_t len)
{
    bytes_reserve(bytes, offset + len);
    if (offset > bytes->len)
        memset(bytes->ptr + bytes->len, 0, offset - bytes->len);
    if (len)
        memcpy(bytes->ptr + offset, from, len);
    if (offset + len > bytes->len)
        bytes->len = offset + len;
}

static void bytes_resize(struct bytes *bytes, size_t len)
{
    if (len > bytes->len)
        bytes_put(bytes, len, NULL, 0);
    bytes->len = len;
}

static void bytes_copy(struct bytes *to, const struct bytes *from)
{
    to->len = 0;
    bytes_put(to, 0, from->ptr, from->len);
}

/* ---- Faults -------------------------------------------------------------- */

static bool draw(unsigned of_hundred)
{
    return proof_below(&disk.random, 100) < of_hundred;
}

/* true: this I/O fails. */
static bool disk_fails(enum disk_fault fault)
{
    if (disk.observed)
        return false;
    disk.last_errno = EIO;
    if (disk.dead)
        return true;
    if (!disk.broken[fault].count)
        return false;
    if (disk.broken[fault].after) {
        disk.broken[fault].after--;
        return false;
    }
    disk.broken[fault].count--;
    disk.figures.faults[fault]++;
    return true;
}

/* Is this the I/O at which everything ends? */
static bool disk_dies(void)
{
    if (disk.observed || disk.dead || disk.die_after < 0)
        return disk.dead && !disk.observed;
    if (disk.die_after-- == 0)
        disk_die();
    return disk.dead;
}

static bool disk_takes(size_t bytes)
{
    if (disk.observed || disk.room == SIZE_MAX)
        return true;
    if (bytes > disk.room) {
        disk.figures.full++;
        disk.last_errno = ENOSPC;
        return false;
    }
    disk.room -= bytes;
    return true;
}

static void disk_gives(size_t bytes)
{
    if (disk.room != SIZE_MAX)
        disk.room += bytes;
}

/* ---- What is safe -------------------------------------------------------- */

static void file_log(struct disk_file *file, struct disk_write entry,
                     const void *content)
{
    bytes_put(&file->log, file->log.len, &entry, sizeof(entry));
    if (!entry.truncate)
        bytes_put(&file->log, file->log.len, content, entry.len);
}

/* A write that is there in part: each sector, or the rest of one, is or is
 * not. */
static void file_tear(struct disk_file *file, const struct disk_write *entry,
                      const unsigned char *content)
{
    size_t at = 0;

    while (at < entry->len) {
        size_t len = SECTOR - (entry->offset + at) % SECTOR;
        if (len > entry->len - at)
            len = entry->len - at;
        if (draw(50))
            bytes_put(&file->base, entry->offset + at, content + at, len);
        at += len;
    }
}

/* Bring what is in the log to what is safe; the chances are of a hundred. */
static void file_settle(struct disk_file *file, unsigned kept, unsigned torn)
{
    size_t at = 0;

    while (at < file->log.len) {
        struct disk_write entry;
        const unsigned char *content;
        unsigned fate =
            kept >= 100 ? 0 : (unsigned)proof_below(&disk.random, 100);
        memcpy(&entry, file->log.ptr + at, sizeof(entry));
        at += sizeof(entry);
        content = file->log.ptr + at;
        at += entry.len;
        if (fate < kept && entry.truncate) {
            bytes_resize(&file->base, entry.offset);
        } else if (fate < kept) {
            bytes_put(&file->base, entry.offset, content, entry.len);
        } else if (fate < kept + torn && !entry.truncate) {
            file_tear(file, &entry, content);
            disk.figures.torn++;
        } else {
            disk.figures.dropped++;
        }
        disk.figures.kept += fate < kept && kept < 100;
    }
    file->log.len = 0;
}

static void file_forget(struct disk_file *file)
{
    disk_gives(file->data.len);
    free(file->data.ptr);
    free(file->base.ptr);
    free(file->log.ptr);
    for (size_t index = 0; index < REGIONS_MAX; index++)
        free(file->regions[index]);
    memset(file, 0, sizeof(*file));
}

static struct disk_file *file_find(const char *name)
{
    for (size_t index = 0; index < FILES_MAX; index++) {
        if (!strcmp(disk.files[index].name, name))
            return &disk.files[index];
    }
    return NULL;
}

static struct disk_file *file_make(const char *name)
{
    struct disk_file *file = file_find("");

    assert(file && strlen(name) < NAME_MAX_BYTES);
    snprintf(file->name, sizeof(file->name), "%s", name);
    return file;
}

/* ---- Reading and writing ------------------------------------------------- */

static struct disk_connection *of(sqlite3_file *handle)
{
    return (struct disk_connection *)(void *)handle;
}

static int disk_read(sqlite3_file *handle, void *to, int len, sqlite3_int64 at)
{
    struct disk_file *file = of(handle)->file;
    size_t offset = (size_t)at, wanted = (size_t)len, have = 0;

    disk.figures.reads += !disk.observed;
    if (disk_fails(DISK_READ))
        return SQLITE_IOERR_READ;
    if (offset < file->data.len)
        have = file->data.len - offset;
    if (have > wanted)
        have = wanted;
    if (have)
        memcpy(to, file->data.ptr + offset, have);
    if (have == wanted)
        return SQLITE_OK;
    memset((unsigned char *)to + have, 0, wanted - have);
    return SQLITE_IOERR_SHORT_READ;
}

static int disk_write(sqlite3_file *handle, const void *from, int len,
                      sqlite3_int64 at)
{
    struct disk_file *file = of(handle)->file;
    size_t offset = (size_t)at, count = (size_t)len;
    size_t end = offset + count;

    assert(!disk.observed);
    disk.figures.writes++;
    if (disk_dies() || disk_fails(DISK_WRITE))
        return SQLITE_IOERR_WRITE;
    if (end > file->data.len && !disk_takes(end - file->data.len))
        return SQLITE_FULL;
    bytes_put(&file->data, offset, from, count);
    file_log(file, (struct disk_write){offset, count, false}, from);
    return SQLITE_OK;
}

static int disk_truncate(sqlite3_file *handle, sqlite3_int64 size)
{
    struct disk_file *file = of(handle)->file;
    size_t len = (size_t)size;

    if (disk_dies() || disk_fails(DISK_TRUNCATE))
        return SQLITE_IOERR_TRUNCATE;
    if (len < file->data.len)
        disk_gives(file->data.len - len);
    bytes_resize(&file->data, len);
    file_log(file, (struct disk_write){len, 0, true}, NULL);
    return SQLITE_OK;
}

static int disk_sync(sqlite3_file *handle, int flags)
{
    struct disk_file *file = of(handle)->file;

    (void)flags;
    disk.figures.syncs++;
    if (disk_dies())
        return SQLITE_IOERR_FSYNC;
    if (disk_fails(DISK_SYNC)) {
        /* The pages may be gone and count as clean from now on. */
        if (!disk.dead && draw(50)) {
            disk.figures.sync_lost++;
            file_settle(file, 30, 10);
        }
        return SQLITE_IOERR_FSYNC;
    }
    file_settle(file, 100, 0);
    file->named = true;
    return SQLITE_OK;
}

static int disk_size(sqlite3_file *handle, sqlite3_int64 *ret_size)
{
    if (disk_fails(DISK_READ))
        return SQLITE_IOERR_FSTAT;
    *ret_size = (sqlite3_int64)of(handle)->file->data.len;
    return SQLITE_OK;
}

/* ---- Locks --------------------------------------------------------------- */

static int disk_lock(sqlite3_file *handle, int level)
{
    struct disk_connection *own = of(handle);
    struct disk_file *file = own->file;

    if (level <= own->level)
        return SQLITE_OK;
    if (file->exclusive_by && file->exclusive_by != own)
        return SQLITE_BUSY;
    if (own->level == SQLITE_LOCK_NONE) {
        file->shared_count++;
        own->level = SQLITE_LOCK_SHARED;
    }
    if (level >= SQLITE_LOCK_RESERVED) {
        if (file->reserved_by && file->reserved_by != own)
            return SQLITE_BUSY;
        file->reserved_by = own;
        own->level = SQLITE_LOCK_RESERVED;
    }
    if (level == SQLITE_LOCK_EXCLUSIVE) {
        if (file->shared_count > 1)
            return SQLITE_BUSY;
        file->exclusive_by = own;
        own->level = level;
    }
    return SQLITE_OK;
}

static int disk_unlock(sqlite3_file *handle, int level)
{
    struct disk_connection *own = of(handle);
    struct disk_file *file = own->file;

    if (level >= own->level)
        return SQLITE_OK;
    if (file->exclusive_by == own)
        file->exclusive_by = NULL;
    if (file->reserved_by == own)
        file->reserved_by = NULL;
    if (level == SQLITE_LOCK_NONE)
        file->shared_count--;
    own->level = level;
    return SQLITE_OK;
}

static int disk_check_lock(sqlite3_file *handle, int *ret_locked)
{
    *ret_locked = of(handle)->file->reserved_by != NULL;
    return SQLITE_OK;
}

/* ---- Shared memory ------------------------------------------------------- */

static int disk_shm_map(sqlite3_file *handle, int region, int size, int extend,
                        void volatile **ret_ptr)
{
    struct disk_connection *own = of(handle);
    struct disk_file *file = own->file;

    assert(region >= 0 && region < REGIONS_MAX);
    *ret_ptr = NULL;
    if (disk.dead && !disk.observed) {
        disk.last_errno = EIO;
        return SQLITE_IOERR_SHMOPEN;
    }
    if (!own->shm) {
        own->shm = true;
        file->shm_count++;
    }
    if (!file->regions[region] && !extend)
        return SQLITE_OK;
    if (!file->regions[region]) {
        if (!disk_takes((size_t)size))
            return SQLITE_IOERR_SHMSIZE;
        disk_gives((size_t)size); /* only whether it fits */
        file->regions[region] = calloc(1, (size_t)size);
        assert(file->regions[region]);
    }
    *ret_ptr = file->regions[region];
    return SQLITE_OK;
}

static void shm_unlock(struct disk_connection *own, int index)
{
    struct disk_file *file = own->file;
    unsigned bit = 1u << index;

    if (own->shm_shared & bit)
        file->shm_shared[index]--;
    if (own->shm_exclusive & bit)
        file->shm_exclusive[index] = NULL;
    own->shm_shared &= ~bit;
    own->shm_exclusive &= ~bit;
}

static int disk_shm_lock(sqlite3_file *handle, int offset, int count, int flags)
{
    struct disk_connection *own = of(handle);
    struct disk_file *file = own->file;
    bool shared = (flags & SQLITE_SHM_SHARED) != 0;

    if (flags & SQLITE_SHM_UNLOCK) {
        for (int index = offset; index < offset + count; index++)
            shm_unlock(own, index);
        return SQLITE_OK;
    }
    for (int index = offset; index < offset + count; index++) {
        unsigned others =
            file->shm_shared[index] - ((own->shm_shared >> index) & 1u);
        if ((file->shm_exclusive[index] && file->shm_exclusive[index] != own) ||
            (!shared && others))
            return SQLITE_BUSY;
    }
    for (int index = offset; index < offset + count; index++) {
        unsigned bit = 1u << index;
        if (shared && !(own->shm_shared & bit)) {
            own->shm_shared |= bit;
            file->shm_shared[index]++;
        } else if (!shared) {
            own->shm_exclusive |= bit;
            file->shm_exclusive[index] = own;
        }
    }
    return SQLITE_OK;
}

static void disk_shm_barrier(sqlite3_file *handle)
{
    (void)handle;
}

/* The last one out empties it, as the first one in would. */
static int disk_shm_unmap(sqlite3_file *handle, int remove)
{
    struct disk_connection *own = of(handle);
    struct disk_file *file = own->file;

    (void)remove;
    if (!own->shm)
        return SQLITE_OK;
    for (int index = 0; index < SHM_LOCKS; index++)
        shm_unlock(own, index);
    own->shm = false;
    if (--file->shm_count)
        return SQLITE_OK;
    for (size_t index = 0; index < REGIONS_MAX; index++) {
        free(file->regions[index]);
        file->regions[index] = NULL;
    }
    return SQLITE_OK;
}

/* ---- The rest of a file -------------------------------------------------- */

static int disk_close(sqlite3_file *handle)
{
    struct disk_connection *own = of(handle);
    struct disk_file *file = own->file;

    (void)disk_shm_unmap(handle, 0);
    (void)disk_unlock(handle, SQLITE_LOCK_NONE);
    file->open_count--;
    if (own->delete_on_close && !file->open_count)
        file_forget(file);
    own->file = NULL;
    return SQLITE_OK;
}

static int disk_control(sqlite3_file *handle, int op, void *arg)
{
    (void)handle;
    (void)op;
    (void)arg;
    return SQLITE_NOTFOUND;
}

static int disk_sector(sqlite3_file *handle)
{
    (void)handle;
    return 4096; /* as SQLite takes it on Linux */
}

static int disk_character(sqlite3_file *handle)
{
    (void)handle;
    return SQLITE_IOCAP_POWERSAFE_OVERWRITE; /* as on Linux */
}

static const sqlite3_io_methods disk_methods = {
    2,
    disk_close,
    disk_read,
    disk_write,
    disk_truncate,
    disk_sync,
    disk_size,
    disk_lock,
    disk_unlock,
    disk_check_lock,
    disk_control,
    disk_sector,
    disk_character,
    disk_shm_map,
    disk_shm_lock,
    disk_shm_barrier,
    disk_shm_unmap,
    NULL,
    NULL,
};

/* ---- The VFS ------------------------------------------------------------- */

static int disk_open(sqlite3_vfs *vfs, sqlite3_filename name,
                     sqlite3_file *handle, int flags, int *ret_flags)
{
    struct disk_connection *own = of(handle);
    struct disk_file *file;

    (void)vfs;
    memset(own, 0, sizeof(*own));
    if (disk_fails(DISK_OPEN))
        return SQLITE_CANTOPEN;
    file = file_find(name ? name : "(temporary)");
    if (!file && !(flags & SQLITE_OPEN_CREATE))
        return SQLITE_CANTOPEN;
    if (!file)
        file = file_make(name ? name : "(temporary)");
    file->open_count++;
    own->file = file;
    own->delete_on_close = !name || (flags & SQLITE_OPEN_DELETEONCLOSE);
    own->base.pMethods = &disk_methods;
    if (ret_flags)
        *ret_flags = flags;
    return SQLITE_OK;
}

static int disk_delete(sqlite3_vfs *vfs, const char *name, int sync_directory)
{
    struct disk_file *file = file_find(name);

    (void)vfs;
    (void)sync_directory;
    if (disk_dies() || disk_fails(DISK_TRUNCATE))
        return SQLITE_IOERR_DELETE;
    if (!file)
        return SQLITE_IOERR_DELETE_NOENT;
    assert(!file->open_count);
    file_forget(file);
    return SQLITE_OK;
}

static int disk_access(sqlite3_vfs *vfs, const char *name, int flags,
                       int *ret_there)
{
    const struct disk_file *file = file_find(name);

    (void)vfs;
    if (disk_fails(DISK_OPEN))
        return SQLITE_IOERR_ACCESS;
    *ret_there = file && (flags != SQLITE_ACCESS_EXISTS || file->data.len);
    return SQLITE_OK;
}

static int disk_full_path(sqlite3_vfs *vfs, const char *name, int size,
                          char *path)
{
    (void)vfs;
    sqlite3_snprintf(size, path, "%s", name);
    return SQLITE_OK;
}

static int disk_randomness(sqlite3_vfs *vfs, int count, char *to)
{
    (void)vfs;
    for (int index = 0; index < count; index++)
        to[index] = (char)proof_below(&disk.random, 256);
    return count;
}

static int disk_sleep(sqlite3_vfs *vfs, int microseconds)
{
    (void)vfs;
    return microseconds; /* nobody else is there to wait for */
}

static int disk_time(sqlite3_vfs *vfs, double *ret_day)
{
    (void)vfs;
    *ret_day = 2461000.5;
    return SQLITE_OK;
}

static int disk_last_error(sqlite3_vfs *vfs, int size, char *text)
{
    (void)vfs;
    (void)size;
    (void)text;
    return disk.last_errno;
}

void disk_register(void)
{
    static sqlite3_vfs vfs = {
        .iVersion = 1,
        .szOsFile = sizeof(struct disk_connection),
        .mxPathname = NAME_MAX_BYTES,
        .zName = "sim",
        .xOpen = disk_open,
        .xDelete = disk_delete,
        .xAccess = disk_access,
        .xFullPathname = disk_full_path,
        .xRandomness = disk_randomness,
        .xSleep = disk_sleep,
        .xCurrentTime = disk_time,
        .xGetLastError = disk_last_error,
    };

    /* One thread, and the count of memory is for nobody. */
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    if (sqlite3_vfs_register(&vfs, 1) != SQLITE_OK)
        abort();
}

/* ---- The hand on it ------------------------------------------------------ */

void disk_format(uint64_t seed)
{
    for (size_t index = 0; index < FILES_MAX; index++)
        file_forget(&disk.files[index]);
    disk.random = seed;
    disk.have_saved = false;
    disk.dead = disk.observed = false;
    disk.die_after = NEVER;
    disk.reserve = 0;
    disk_calm();
    sqlite3_randomness(0, NULL); /* begins anew, from disk_randomness */
}

void disk_break(enum disk_fault fault, unsigned after, unsigned count)
{
    disk.broken[fault].after = after;
    disk.broken[fault].count = count;
}

void disk_room(size_t bytes)
{
    disk.room = bytes;
}

bool disk_is_full(void)
{
    return disk.room != SIZE_MAX;
}

void disk_calm(void)
{
    memset(disk.broken, 0, sizeof(disk.broken));
    disk.room = SIZE_MAX;
}

void disk_die_after(unsigned count)
{
    disk.die_after = (long)count;
}

void disk_die(void)
{
    disk.dead = true;
    disk.die_after = NEVER;
}

bool disk_dead(void)
{
    return disk.dead;
}

/* How much of what was not synced a cut leaves: all, nothing, or between. */
static void disk_lose(struct disk_file *file, unsigned how)
{
    static const unsigned kept[] = {0, 100, 50, 50, 90, 10};
    static const unsigned torn[] = {0, 0, 0, 30, 5, 30};

    if (!file->named && draw(50)) {
        file_forget(file);
        return;
    }
    /* 99: so that the fate of each is drawn and counted. */
    file_settle(file, kept[how] == 100 ? 99 : kept[how], torn[how]);
    file->named = true;
    disk_gives(file->data.len);
    bytes_copy(&file->data, &file->base);
    if (disk.room != SIZE_MAX)
        disk.room -= file->data.len < disk.room ? file->data.len : disk.room;
}

void disk_restart(bool power)
{
    unsigned how = (unsigned)proof_below(&disk.random, 6);

    for (size_t index = 0; index < FILES_MAX; index++) {
        struct disk_file *file = &disk.files[index];
        assert(!file->open_count);
        if (*file->name && power)
            disk_lose(file, how);
    }
    disk.dead = false;
    disk.die_after = NEVER;
}

bool disk_reserve_keep(size_t bytes)
{
    if (disk.reserve)
        return true;
    if (disk.dead || !disk_takes(bytes))
        return false;
    disk.reserve = bytes;
    return true;
}

void disk_reserve_spend(void)
{
    disk_gives(disk.reserve);
    disk.reserve = 0;
}

void disk_observe(bool on)
{
    disk.observed = on;
}

void disk_save(void)
{
    for (size_t index = 0; index < FILES_MAX; index++) {
        bytes_copy(&disk.saved[index], &disk.files[index].data);
        snprintf(disk.saved_names[index], NAME_MAX_BYTES, "%s",
                 disk.files[index].name);
    }
    disk.have_saved = true;
}

bool disk_saved(void)
{
    return disk.have_saved;
}

void disk_put_back(void)
{
    for (size_t index = 0; index < FILES_MAX; index++) {
        assert(!disk.files[index].open_count);
        file_forget(&disk.files[index]);
    }
    for (size_t index = 0; index < FILES_MAX; index++) {
        struct disk_file *file = &disk.files[index];
        if (!*disk.saved_names[index])
            continue;
        snprintf(file->name, sizeof(file->name), "%s", disk.saved_names[index]);
        bytes_copy(&file->data, &disk.saved[index]);
        bytes_copy(&file->base, &disk.saved[index]);
        file->named = true;
    }
}

const struct disk_figures *disk_figures(void)
{
    return &disk.figures;
}
