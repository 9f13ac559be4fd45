/* loader.c - opens plugins with libltdl.
 *
 * Its one idea: constructors run inside dlopen, so everything that can be known
 * is found out from the file before.  What must hold: only absolute paths of
 * regular files that nobody but root and we can write, in a directory of which
 * the same is true; libltdl never searches, never follows a .la file, never
 * unloads.  A path that was opened once gives the old code for ever, so a file
 * replaced under the same path is opened under a copy named by its hash.
 * Called on the main thread only; libltdl is not safe elsewhere. */
#include "plugin/loader.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <ltdl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/memory.h"
#include "plugin/elf_entry.h"

enum {
    FILE_BYTES_MAX = 256 * 1024 * 1024, /* larger than any vendor library */
    TABLE_SIZE_1_0 = 136,               /* sizeof(cn_plugin) of contract 1.0 */
    TABLE_SIZE_MAX = 4096 /* a size beyond it is a mistake, not a newer minor */
};

/* One path that dlopen has seen; kept until the process ends. */
struct opened {
    char *path;
    char hash[LOADER_HASH_TEXT];
    const cn_plugin *table; /* in the plugin */
    UT_hash_handle hh;
};

static struct opened *opened_paths; /* main thread */
static bool prepared;               /* main thread */

struct file {
    char path[PATH_MAX]; /* without symbolic links */
    void *bytes;         /* mapped */
    size_t len;
    char hash[LOADER_HASH_TEXT];
};

bool loader_normalise(void *ret_ours, size_t size, const void *theirs,
                      size_t min)
{
    uint32_t theirs_size = 0;

    if (!theirs)
        return false;
    memcpy(&theirs_size, theirs, sizeof(theirs_size));
    if (theirs_size < min)
        return false;
    memset(ret_ours, 0, size);
    memcpy(ret_ours, theirs, theirs_size < size ? theirs_size : size);
    return true;
}

static int loader_prepare(struct error *err)
{
    static const char *const variables[] = {"LTDL_LIBRARY_PATH", "LD_PRELOAD",
                                            "LD_AUDIT", NULL};

    if (prepared)
        return 0;
    /* The dynamic linker read this one when the process began; clearing it now
     * would not stop a plugin's libraries from being taken from there. */
    if (getenv("LD_LIBRARY_PATH") && *getenv("LD_LIBRARY_PATH")) {
        error_set(err, "LD_LIBRARY_PATH is set: it could put other code in "
                       "place of a plugin's libraries; start without it");
        return -EPERM;
    }
    for (size_t index = 0; variables[index]; index++)
        unsetenv(variables[index]);
    if (sodium_init() < 0 || lt_dlinit() || lt_dlsetsearchpath("")) {
        error_set(err, "the plugin loader could not be started");
        return -EIO;
    }
    prepared = true;
    return 0;
}

/* Nobody but root and we may have written it. */
static int check_owner(const struct stat *found, const char *what,
                       const char *path, struct error *err)
{
    if (found->st_uid != 0 && found->st_uid != geteuid()) {
        error_set(err,
                  "%s %s belongs to user %u; it must belong to root or to the "
                  "user the daemon runs as",
                  what, path, found->st_uid);
        return -EPERM;
    }
    if (found->st_mode & (S_IWGRP | S_IWOTH)) {
        error_set(err,
                  "%s %s can be written by others than its owner; run chmod "
                  "go-w on it",
                  what, path);
        return -EPERM;
    }
    return 0;
}

static int parent_of(const char *path, char parent[PATH_MAX])
{
    char copy[PATH_MAX];

    if ((size_t)snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy))
        return -ENAMETOOLONG;
    return realpath(dirname(copy), parent) ? 0 : -errno;
}

/* The file's path without symbolic links, in the directory that was named. */
static int check_path(const char *path, char real[PATH_MAX], struct error *err)
{
    char named[PATH_MAX], found[PATH_MAX];
    struct stat directory;
    int status;

    if (path[0] != '/') {
        error_set(err, "plugin %s: must be named by an absolute path", path);
        return -EINVAL;
    }
    if (strlen(path) < 3 || strcmp(path + strlen(path) - 3, ".so") != 0) {
        error_set(err, "plugin %s: the name of a plugin ends in .so", path);
        return -EINVAL;
    }
    if (!realpath(path, real)) {
        status = -errno;
        error_set(err, "plugin %s: %s", path, strerror(-status));
        return status;
    }
    status = parent_of(path, named);
    if (!status)
        status = parent_of(real, found);
    if (status || strcmp(named, found) != 0) {
        error_set(err, "plugin %s: is a link that leads out of its directory",
                  path);
        return -EPERM;
    }
    if (stat(found, &directory)) {
        status = -errno;
        error_set(err, "plugin %s: %s", path, strerror(-status));
        return status;
    }
    return check_owner(&directory, "directory", found, err);
}

static int file_check(const char *path, int descriptor, size_t *ret_len,
                      struct error *err)
{
    struct stat found;

    if (fstat(descriptor, &found)) {
        int status = -errno;
        error_set(err, "plugin %s: %s", path, strerror(-status));
        return status;
    }
    if (!S_ISREG(found.st_mode)) {
        error_set(err, "plugin %s: is not a regular file", path);
        return -EINVAL;
    }
    if (found.st_size <= 0 || found.st_size > FILE_BYTES_MAX) {
        error_set(err, "plugin %s: is empty or larger than %d MiB", path,
                  FILE_BYTES_MAX / 1024 / 1024);
        return -EFBIG;
    }
    *ret_len = (size_t)found.st_size;
    return check_owner(&found, "plugin", path, err);
}

static int file_open(const char *path, struct file *file, struct error *err)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    int descriptor = -1, status = check_path(path, file->path, err);

    if (status)
        return status;
    descriptor =
        open(file->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0) {
        status = -errno;
        error_set(err, "plugin %s: %s", path, strerror(-status));
        return status;
    }
    status = file_check(file->path, descriptor, &file->len, err);
    if (status)
        goto out;
    file->bytes = mmap(NULL, file->len, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (file->bytes == MAP_FAILED) {
        file->bytes = NULL;
        status = -errno;
        error_set(err, "plugin %s: %s", path, strerror(-status));
        goto out;
    }
    crypto_hash_sha256(hash, file->bytes, file->len);
    sodium_bin2hex(file->hash, sizeof(file->hash), hash, sizeof(hash));
out:
    close(descriptor);
    return status;
}

static void file_close(struct file *file)
{
    if (file->bytes)
        munmap(file->bytes, file->len);
    file->bytes = NULL;
}

static int check_size(const char *path, uint64_t size, struct error *err)
{
    if (size >= TABLE_SIZE_1_0 && size <= TABLE_SIZE_MAX)
        return 0;
    error_set(err,
              "plugin %s: its table has %llu bytes, contract 1.0 has %d: it "
              "was built against a header that was never released; build it "
              "again with the headers of this host",
              path, (unsigned long long)size, TABLE_SIZE_1_0);
    return -ENOEXEC;
}

static int check_entry(const struct file *file, struct error *err)
{
    struct elf_entry entry;
    struct error detail = {""};
    int status = elf_entry_read(file->bytes, file->len, &entry, &detail);

    if (status) {
        error_set(err, "plugin %s: %s", file->path, detail.text);
        return status;
    }
    status = check_size(file->path, entry.size, err);
    if (status)
        return status;
    if (entry.symbol_size < entry.size) {
        error_set(err,
                  "plugin %s: its table says %u bytes and has %llu; it is "
                  "damaged",
                  file->path, entry.size,
                  (unsigned long long)entry.symbol_size);
        return -ENOEXEC;
    }
    if (!entry.create_set) {
        error_set(err,
                  "plugin %s: its table lacks create or destroy, which "
                  "this host needs",
                  file->path);
        return -ENOEXEC;
    }
    if (!entry.bind_now) {
        error_set(err,
                  "plugin %s: is not linked with -z now, so that a missing "
                  "function would show at its first call only; link it with "
                  "-Wl,-z,defs,-z,now",
                  file->path);
        return -ENOEXEC;
    }
    return 0;
}

/* libltdl says "file not found" whatever the reason; dlopen knows it. */
static void explain_failure(const char *path, struct error *err)
{
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const char *reason = handle ? lt_dlerror() : dlerror();

    if (handle)
        dlclose(handle);
    error_set(err, "plugin %s: cannot be loaded: %s", path,
              reason ? reason : "the reason is not known");
}

static int module_open(const char *path, const cn_plugin **ret_table,
                       struct error *err)
{
    lt_dladvise advise = NULL;
    lt_dlhandle handle = NULL;
    const cn_plugin *table = NULL;
    int status = 0;

    if (!lt_dladvise_init(&advise) && !lt_dladvise_local(&advise) &&
        !lt_dladvise_resident(&advise))
        handle = lt_dlopenadvise(path, advise);
    if (advise)
        lt_dladvise_destroy(&advise);
    if (!handle) {
        explain_failure(path, err);
        return -ENOEXEC;
    }
    table = lt_dlsym(handle, "cn_plugin_v1");
    if (!table) {
        error_set(err, "plugin %s: has no cn_plugin_v1", path);
        return -ENOEXEC;
    }
    status = check_size(path, table->size, err);
    if (!status)
        *ret_table = table;
    return status;
}

static int table_check(const char *path, const cn_plugin *table,
                       struct error *err)
{
    const char *lacks = !table->id         ? "id"
                        : !table->version  ? "version"
                        : !table->manifest ? "manifest"
                        : !table->create   ? "create"
                        : !table->destroy  ? "destroy"
                                           : NULL;

    if (lacks) {
        error_set(err, "plugin %s: its table lacks %s, which this host needs",
                  path, lacks);
        return -ENOEXEC;
    }
    if (!*table->id || strlen(table->id) > CN_NAME_MAX ||
        strlen(table->version) > CN_NAME_MAX) {
        error_set(err, "plugin %s: its id or version is empty or too long",
                  path);
        return -ENOEXEC;
    }
    return 0;
}

static int generations_prepare(const char *directory, struct error *err)
{
    struct stat found;
    int status = 0;

    if ((mkdir(directory, 0700) && errno != EEXIST) || stat(directory, &found))
        status = -errno;
    if (status) {
        error_set(err, "%s: %s", directory, strerror(-status));
        return status;
    }
    return check_owner(&found, "directory", directory, err);
}

/* A copy of the file; one that a former process left is written anew, since
 * nobody has looked at it. */
static int generation_write(const struct file *file, const char *path,
                            struct error *err)
{
    char temporary[PATH_MAX + 8];
    size_t written = 0;
    int descriptor, status = 0;

    snprintf(temporary, sizeof(temporary), "%s.new", path);
    (void)unlink(temporary);
    descriptor = open(
        temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0500);
    while (descriptor >= 0 && written < file->len) {
        ssize_t part = write(descriptor, (char *)file->bytes + written,
                             file->len - written);
        if (part < 0)
            break;
        written += (size_t)part;
    }
    if (descriptor < 0 || written < file->len || rename(temporary, path))
        status = -errno;
    if (descriptor >= 0)
        close(descriptor);
    if (status)
        error_set(err, "%s: %s", temporary, strerror(-status));
    return status;
}

static struct opened *opened_find(const char *path)
{
    struct opened *opened;

    HASH_FIND_STR(opened_paths, path, opened);
    return opened;
}

/* The table of a checked file, opened or opened before. */
static int file_table(const struct file *file, const char *generations,
                      const cn_plugin **ret_table, struct error *err)
{
    char path[PATH_MAX];
    struct opened *opened = opened_find(file->path);
    int status;

    snprintf(path, sizeof(path), "%s", file->path);
    if (opened && strcmp(opened->hash, file->hash) != 0) {
        if (!generations) {
            error_set(err,
                      "plugin %s: was replaced while the daemon runs; its code "
                      "is used after a restart",
                      path);
            return -EBUSY;
        }
        status = generations_prepare(generations, err);
        if (status)
            return status;
        if (snprintf(path, sizeof(path), "%s/%s.so", generations, file->hash) >=
            (int)sizeof(path))
            return -ENAMETOOLONG;
        opened = opened_find(path);
        status = opened ? 0 : generation_write(file, path, err);
        if (status)
            return status;
    }
    if (!opened) {
        const cn_plugin *table = NULL;
        status = module_open(path, &table, err);
        if (status)
            return status;
        opened = memory_zero(1, sizeof(*opened));
        opened->path = memory_text(path);
        memcpy(opened->hash, file->hash, sizeof(opened->hash));
        opened->table = table;
        HASH_ADD_KEYPTR(hh, opened_paths, opened->path, strlen(opened->path),
                        opened);
    }
    *ret_table = opened->table;
    return 0;
}

int loader_open(const char *path, const char *sha256, const char *generations,
                struct loader_result *ret_result, struct error *err)
{
    struct loader_result result;
    struct file file = {.bytes = NULL};
    const cn_plugin *table = NULL;
    int status = loader_prepare(err);

    if (!status)
        status = file_open(path, &file, err);
    if (status)
        goto out;
    if (sha256 && strcasecmp(sha256, file.hash) != 0) {
        error_set(err,
                  "plugin %s: its SHA-256 is %s, the configuration wants %s",
                  path, file.hash, sha256);
        status = -EPERM;
        goto out;
    }
    status = check_entry(&file, err);
    if (!status)
        status = file_table(&file, generations, &table, err);
    if (!status && !loader_normalise(&result.table, sizeof(result.table), table,
                                     TABLE_SIZE_1_0))
        status = -ENOEXEC;
    if (!status)
        status = table_check(path, &result.table, err);
    if (status)
        goto out;
    memcpy(result.hash, file.hash, sizeof(result.hash));
    *ret_result = result;
out:
    file_close(&file);
    return status;
}
