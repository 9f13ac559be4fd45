/* lookup.c - keyed hashes for the columns we search by.
 *
 * One idea: BLAKE2b with a key that lives beside the database in a file of its
 * own, so that a copy of the database alone answers no guess.  The key file is
 * written and synced before the first hash is stored; losing it would make
 * every event look new, so a database without its key is refused.  Read-only
 * after opening, hence used on the writer's and the reader's thread. */
#include "store/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

int lookup_sync_directory(const char *directory)
{
    int status = 0;
    int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (descriptor < 0)
        return -errno;
    if (fsync(descriptor))
        status = -errno;
    close(descriptor);
    return status;
}

static int lookup_write(struct lookup *lookup, const char *directory,
                        const char *path)
{
    char draft[PATH_BYTES + 8];
    int status = 0, descriptor;

    snprintf(draft, sizeof(draft), "%s.new", path);
    randombytes_buf(lookup->key, sizeof(lookup->key));
    descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (descriptor < 0)
        return -errno;
    errno = EIO;
    if (write(descriptor, lookup->key, sizeof(lookup->key)) !=
            (ssize_t)sizeof(lookup->key) ||
        fsync(descriptor))
        status = -errno;
    if (close(descriptor) && !status)
        status = -errno;
    if (!status && rename(draft, path))
        status = -errno;
    return status ? status : lookup_sync_directory(directory);
}

static int lookup_read(struct lookup *lookup, const char *path,
                       struct error *err)
{
    unsigned char bytes[LOOKUP_KEY_BYTES + 1];
    struct stat about;
    ssize_t len = -1;
    int status = 0;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);

    if (descriptor < 0)
        return -errno;
    if (fstat(descriptor, &about)) {
        status = -errno;
    } else if (about.st_mode & 077) {
        error_set(err, "%s may be read by others; its mode must be 0600", path);
        status = -EPERM;
    } else {
        len = read(descriptor, bytes, sizeof(bytes));
        if (len != LOOKUP_KEY_BYTES) {
            error_set(err, "%s is not a look-up key of %d bytes", path,
                      LOOKUP_KEY_BYTES);
            status = -EBADMSG;
        }
    }
    close(descriptor);
    if (!status)
        memcpy(lookup->key, bytes, sizeof(lookup->key));
    sodium_memzero(bytes, sizeof(bytes));
    return status;
}

int lookup_open(struct lookup *lookup, const char *directory, bool create,
                struct error *err)
{
    char path[PATH_BYTES];
    int status;

    if (sodium_init() < 0) {
        error_set(err, "libsodium found no source of random numbers");
        return -EIO;
    }
    snprintf(path, sizeof(path), "%s/lookup.key", directory);
    status = lookup_read(lookup, path, err);
    if (status != -ENOENT)
        return status;
    if (!create) {
        error_set(err, "%s is missing; the database cannot be used without it",
                  path);
        return status;
    }
    status = lookup_write(lookup, directory, path);
    if (status)
        error_set(err, "%s: %s", path, strerror(-status));
    return status;
}

void lookup_done(struct lookup *lookup)
{
    sodium_memzero(lookup, sizeof(*lookup));
}

static void lookup_update(crypto_generichash_state *state, const void *ptr,
                          size_t len)
{
    /* The length in front keeps ("a", "bc") and ("ab", "c") apart; byte by
     * byte, so that the file means the same on every machine. */
    unsigned char prefix[8];

    for (int index = 0; index < 8; index++)
        prefix[index] = (unsigned char)((uint64_t)len >> (8 * index));
    crypto_generichash_update(state, prefix, sizeof(prefix));
    if (len)
        crypto_generichash_update(state, ptr, len);
}

struct lookup_hash lookup_hash(const struct lookup *lookup,
                               enum lookup_domain domain, const char *first,
                               const char *second, struct store_bytes bytes)
{
    struct lookup_hash hash;
    crypto_generichash_state state;
    unsigned char tag = (unsigned char)domain;

    crypto_generichash_init(&state, lookup->key, sizeof(lookup->key),
                            sizeof(hash.bytes));
    crypto_generichash_update(&state, &tag, 1);
    lookup_update(&state, first, strlen(first));
    lookup_update(&state, second, strlen(second));
    lookup_update(&state, bytes.ptr, bytes.len);
    crypto_generichash_final(&state, hash.bytes, sizeof(hash.bytes));
    return hash;
}

void lookup_hex(const struct lookup_hash *hash,
                char text[LOOKUP_HASH_BYTES * 2 + 1])
{
    sodium_bin2hex(text, LOOKUP_HASH_BYTES * 2 + 1, hash->bytes,
                   sizeof(hash->bytes));
}
