/* secret.c - reads credentials from where a reference points, and wipes them.
 *
 * A value is read into one buffer that is wiped before it is given back, and
 * the caller gets a copy of the exact length.  Ownership and mode are asked of
 * the opened file, not of its name, so that nothing can be exchanged in
 * between.  A text that is no reference is never repeated in an error: it may
 * be the credential itself, pasted in the wrong place.
 *
 * Called while configuration is loaded; secret_equal on any thread. */
#include "config/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    NAME_MAX_BYTES = 255, /* of a variable or a systemd credential */
    PATH_MAX_BYTES = 4096,
    MODE_OTHERS = 077, /* any right of group or others */
    MODE_WORLD = 007
};

/* Takes len bytes to a value; the error names the reference. */
static int take_value(const char *reference, const char *bytes, size_t len,
                      char **ret_value, struct error *err)
{
    char *value;

    if (len > 0 && bytes[len - 1] == '\n')
        len -= len > 1 && bytes[len - 2] == '\r' ? 2 : 1;
    if (len == 0) {
        error_set(err, "%s: is empty", reference);
        return -EINVAL;
    }
    if (len > SECRET_MAX) {
        error_set(err, "%s: must have at most %d bytes", reference, SECRET_MAX);
        return -E2BIG;
    }
    if (memchr(bytes, '\0', len)) {
        error_set(err, "%s: must not hold a NUL byte", reference);
        return -EINVAL;
    }
    value = malloc(len + 1);
    if (!value) {
        error_set(err, "%s: memory ended", reference);
        return -ENOMEM;
    }
    memcpy(value, bytes, len);
    value[len] = '\0';
    *ret_value = value;
    return 0;
}

static int check_file(int descriptor, const char *reference, const char *path,
                      mode_t forbidden, struct error *err)
{
    struct stat status;

    if (fstat(descriptor, &status) < 0) {
        int code = -errno;

        error_set(err, "%s: %s", reference, strerror(-code));
        return code;
    }
    if (!S_ISREG(status.st_mode)) {
        error_set(err, "%s: must be a regular file", reference);
        return -EINVAL;
    }
    if (status.st_uid != 0 && status.st_uid != geteuid()) {
        error_set(err,
                  "%s: must belong to root or to the user of the daemon; run "
                  "chown",
                  reference);
        return -EPERM;
    }
    if (status.st_mode & forbidden) {
        error_set(err,
                  "%s: others have rights on it (mode %04o); run chmod "
                  "600 %s",
                  reference, (unsigned)(status.st_mode & 07777), path);
        return -EPERM;
    }
    return 0;
}

static int read_file(const char *reference, const char *path, mode_t forbidden,
                     char **ret_value, struct error *err)
{
    /* Two more for a line end, one more to see that there is too much. */
    enum { ROOM = SECRET_MAX + 3 };
    char *bytes = malloc(ROOM);
    size_t len = 0;
    int code = 0;
    /* Without O_NONBLOCK opening a FIFO would wait for its writer. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (!bytes || descriptor < 0) {
        code = bytes ? -errno : -ENOMEM;
        error_set(err, "%s: %s", reference, strerror(-code));
        goto out;
    }
    code = check_file(descriptor, reference, path, forbidden, err);
    if (code < 0)
        goto out;
    /* Ends: every turn adds at least a byte or leaves. */
    while (len < ROOM) {
        ssize_t got = read(descriptor, bytes + len, ROOM - len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            code = -errno;
            error_set(err, "%s: %s", reference, strerror(-code));
            goto out;
        }
        if (got == 0)
            break;
        len += (size_t)got;
    }
    code = take_value(reference, bytes, len, ret_value, err);
out:
    if (bytes)
        sodium_memzero(bytes, len);
    free(bytes);
    if (descriptor >= 0)
        close(descriptor);
    return code;
}

static int read_variable(const char *reference, const char *name,
                         char **ret_value, struct error *err)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789_";
    const char *value;
    size_t len = strlen(name);

    if (len == 0 || len > NAME_MAX_BYTES || strspn(name, letters) != len) {
        error_set(err, "env: must be followed by the name of a variable: "
                       "letters, digits and _");
        return -EINVAL;
    }
    value = getenv(name);
    if (!value) {
        error_set(err, "%s: the variable is not set", reference);
        return -ENOENT;
    }
    return take_value(reference, value, strlen(value), ret_value, err);
}

static int read_credential(const char *reference, const char *name,
                           char **ret_value, struct error *err)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789_.-";
    const char *directory = getenv("CREDENTIALS_DIRECTORY");
    char path[PATH_MAX_BYTES];
    size_t len = strlen(name);

    if (len == 0 || len > NAME_MAX_BYTES || name[0] == '.' ||
        strspn(name, letters) != len) {
        error_set(err, "systemd: must be followed by the name of a "
                       "credential: letters, digits, _ . and -");
        return -EINVAL;
    }
    if (!directory || directory[0] != '/') {
        error_set(err,
                  "%s: CREDENTIALS_DIRECTORY is not set; add "
                  "LoadCredential=%s:PATH to the unit",
                  reference, name);
        return -ENOENT;
    }
    if (snprintf(path, sizeof(path), "%s/%s", directory, name) >=
        (int)sizeof(path)) {
        error_set(err, "%s: the path is too long", reference);
        return -ENAMETOOLONG;
    }
    /* systemd gives a service its right by an access list, whose mask stands
     * where the rights of the group do. */
    return read_file(reference, path, MODE_WORLD, ret_value, err);
}

int secret_read(const char *reference, char **ret_value, struct error *err)
{
    if (!strncmp(reference, "file:/", 6))
        return read_file(reference, reference + 5, MODE_OTHERS, ret_value, err);
    if (!strncmp(reference, "file:", 5)) {
        error_set(err, "%s: must name an absolute path", reference);
        return -EINVAL;
    }
    if (!strncmp(reference, "env:", 4))
        return read_variable(reference, reference + 4, ret_value, err);
    if (!strncmp(reference, "systemd:", 8))
        return read_credential(reference, reference + 8, ret_value, err);
    error_set(err, "must be a reference to a credential that begins with "
                   "file:, env: or systemd:");
    return -EINVAL;
}

void secret_free(char *value)
{
    if (value)
        sodium_memzero(value, strlen(value));
    free(value);
}

int secret_equal(const char *one, size_t one_len, const char *other,
                 size_t other_len)
{
    if (one_len != other_len)
        return 0;
    return one_len == 0 || sodium_memcmp(one, other, one_len) == 0;
}
