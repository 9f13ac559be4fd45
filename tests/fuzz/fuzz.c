/* fuzz.c - what the fuzz targets share.
 *
 * Splits an input into parts, and keeps one directory per process for targets
 * that need files.  A failure here is the machine's, never the input's: abort.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <connect/json.h>

static const char mark[] = "\n====\n";

static cn_str copy(const char *from, size_t len)
{
    char *to = malloc(len ? len : 1);

    FUZZ_MUST(to);
    if (len)
        memcpy(to, from, len);
    return (cn_str){to, len};
}

void fuzz_split(struct fuzz_input *input, const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size;

    memset(input, 0, sizeof(*input));
    while (input->count < FUZZ_PARTS_MAX - 1) {
        const char *next =
            size ? memmem(at, (size_t)(end - at), mark, strlen(mark)) : NULL;

        if (!next)
            break;
        input->parts[input->count++] = copy(at, (size_t)(next - at));
        at = next + strlen(mark);
    }
    input->parts[input->count++] = copy(at, (size_t)(end - at));
}

void fuzz_done(struct fuzz_input *input)
{
    for (size_t index = 0; index < input->count; index++)
        free((void *)(uintptr_t)input->parts[index].ptr);
}

char *fuzz_text(cn_str part)
{
    char *text = malloc(part.len + 1);

    FUZZ_MUST(text);
    if (part.len)
        memcpy(text, part.ptr, part.len);
    text[part.len] = '\0';
    return text;
}

cJSON *fuzz_json(cn_str part)
{
    cJSON *value = NULL;

    return cn_json_read(part, NULL, &value, NULL) ? NULL : value;
}

void fuzz_sentence(const char *text)
{
    FUZZ_MUST(*text && !strchr(text, '\n'));
    if (!cn_utf8_valid((cn_str){text, strlen(text)}))
        fprintf(stderr, "%s\n", text);
    FUZZ_MUST(cn_utf8_valid((cn_str){text, strlen(text)}));
}

uint32_t fuzz_number(const uint8_t **data, size_t *size, size_t bytes)
{
    uint32_t number = 0;

    for (; bytes && *size; bytes--) {
        number = number << 8 | **data;
        (*data)++;
        (*size)--;
    }
    return number;
}

char *fuzz_file(const char *path, size_t *ret_len)
{
    FILE *file = fopen(path, "rb");
    struct stat status;
    char *bytes;

    FUZZ_MUST(file && !fstat(fileno(file), &status));
    *ret_len = (size_t)status.st_size;
    bytes = malloc(*ret_len + 1);
    FUZZ_MUST(bytes && fread(bytes, 1, *ret_len, file) == *ret_len);
    bytes[*ret_len] = '\0';
    fclose(file);
    return bytes;
}

static char directory[128];

static void remove_directory(void)
{
    rmdir(directory); /* targets leave it empty */
}

const char *fuzz_directory(void)
{
    const char *parent = getenv("TMPDIR");

    if (!parent) /* in memory where that is possible: syncing is slow */
        parent = access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm";
    if (!*directory) {
        snprintf(directory, sizeof(directory), "%.80s/connect-fuzz-XXXXXX",
                 parent);
        FUZZ_MUST(mkdtemp(directory));
        atexit(remove_directory);
    }
    return directory;
}

void fuzz_write(const char *path, const void *bytes, size_t len)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    FUZZ_MUST(file >= 0 && write(file, bytes, len) == (ssize_t)len);
    close(file);
}
