/* config_text.c - reads a file that a person wrote and says where it is wrong.
 *
 * Positions are found by reading the text a second time, only when there is an
 * error, so that values carry no line numbers.  Only regular files are read: a
 * FIFO or a device in place of a configuration would block the daemon or never
 * end.  Called on any thread. */
#include "config/config_text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <connect/json.h>

#include "config/schema.h"

static const cn_json_limits limits = {
    .bytes_max = CONFIG_FILE_MAX,
    .values_max = 200000, /* far above any real file, small in memory */
    .depth_max = 64,
    .flags = CN_JSON_ALLOW_COMMENTS,
};

int config_parse(const char *name, const char *text, size_t len,
                 cJSON **ret_value, struct error *err)
{
    cn_json_error fault = {0};
    int code;

    /* Comments may hold anything, but a NUL would end the text wherever it is
     * kept as a C string, such as a flow in the store. */
    if (memchr(text, '\0', len)) {
        error_set(err, "%s: there is a NUL byte in it", name);
        return -EBADMSG;
    }
    code = cn_json_read((cn_str){text, len}, &limits, ret_value, &fault);
    if (code < 0)
        error_set(err, "%s:%zu:%zu: %s%s%s", name, fault.line, fault.column,
                  fault.pointer, fault.pointer[0] ? ": " : "", fault.sentence);
    return code;
}

unsigned config_line(const char *text, size_t len, const char *pointer)
{
    size_t line = 0, column = 0;

    if (cn_json_locate((cn_str){text, len}, &limits, pointer, &line, &column) <
        0)
        return 0;
    return (unsigned)line;
}

static int read_all(int descriptor, const char *path, size_t bytes_max,
                    char **ret_text, size_t *ret_len, struct error *err)
{
    char *text = malloc(bytes_max + 1);
    size_t len = 0;
    int code = 0;

    if (!text) {
        error_set(err, "%s: memory ended", path);
        return -ENOMEM;
    }
    /* Ends: every turn adds at least a byte or leaves. */
    while (len < bytes_max) {
        ssize_t got = read(descriptor, text + len, bytes_max - len);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            code = -errno;
            error_set(err, "%s: %s", path, strerror(-code));
            free(text);
            return code;
        }
        if (got == 0)
            break;
        len += (size_t)got;
    }
    text[len] = '\0';
    *ret_text = text;
    *ret_len = len;
    return 0;
}

int config_file(const char *path, size_t bytes_max, char **ret_text,
                size_t *ret_len, struct error *err)
{
    struct stat status;
    int code = 0;
    /* Without O_NONBLOCK opening a FIFO would wait for its writer. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (descriptor < 0 || fstat(descriptor, &status) < 0) {
        code = -errno;
        error_set(err, "%s: %s", path, strerror(-code));
        goto out;
    }
    if (!S_ISREG(status.st_mode)) {
        code = -EINVAL;
        error_set(err, "%s: must be a regular file", path);
        goto out;
    }
    if ((unsigned long long)status.st_size > bytes_max) {
        code = -E2BIG;
        error_set(err, "%s: must have at most %zu bytes, has %lld", path,
                  bytes_max, (long long)status.st_size);
        goto out;
    }
    code = read_all(descriptor, path, (size_t)status.st_size, ret_text, ret_len,
                    err);
out:
    if (descriptor >= 0)
        close(descriptor);
    return code;
}

static const char *last_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

int config_load(const char *path, const struct schema *schema, char **ret_text,
                size_t *ret_len, cJSON **ret_value, struct error *err)
{
    const char *name = last_name(path);
    struct schema_fault fault;
    cJSON *value = NULL;
    char *text = NULL;
    size_t len = 0;
    int code = config_file(path, CONFIG_FILE_MAX, &text, &len, err);

    if (code == 0)
        code = config_parse(name, text, len, &value, err);
    if (code == 0 && schema) {
        code = schema_check(schema, value, &fault);
        if (code < 0)
            error_set(err, "%s:%u: %s", name,
                      config_line(text, len, fault.path), fault.message);
    }
    if (code == 0) {
        *ret_value = value;
        value = NULL;
        if (ret_text) {
            *ret_text = text;
            *ret_len = len;
            text = NULL;
        }
    }
    cJSON_Delete(value);
    free(text);
    return code;
}
