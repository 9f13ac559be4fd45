/* fuzz_elf_entry.c - the file of a plugin, before any of its code runs.
 *
 * The first byte 0: the rest is a file.  Otherwise the rest is edits of four
 * bytes (place, place, length, value...) to the smallest plugin there is. */
#include <string.h>

#include "fuzz.h"
#include "plugin/elf_entry.h"

static char *base;
static size_t base_len;

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    struct elf_entry entry;
    struct error err = {""};

    (void)count;
    (void)arguments;
    base = fuzz_file(FUZZ_PLUGIN, &base_len);
    if (elf_entry_read(base, base_len, &entry, &err))
        fprintf(stderr, "the plugin to start from %s\n", err.text);
    FUZZ_MUST(!*err.text && entry.bind_now && entry.create_set);
    return 0;
}

static void look(const void *bytes, size_t len)
{
    struct elf_entry entry;
    struct error err = {""};

    if (elf_entry_read(bytes, len, &entry, &err))
        FUZZ_MUST(*err.text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint32_t edits = fuzz_number(&data, &size, 1);
    size_t len = edits ? base_len : size;
    char *copy = malloc(len ? len : 1);

    FUZZ_MUST(copy);
    if (len)
        memcpy(copy, edits ? base : (const char *)data, len);
    while (edits && size > 3) {
        size_t at = fuzz_number(&data, &size, 2) % base_len;
        size_t width = fuzz_number(&data, &size, 1) % 9;

        if (width == 8) /* cut */
            len = at;
        for (; width && size && at < base_len; at++, width--)
            copy[at] = (char)fuzz_number(&data, &size, 1);
    }
    if (len < base_len && edits) {
        char *cut = malloc(len ? len : 1);

        FUZZ_MUST(cut);
        memcpy(cut, copy, len);
        free(copy);
        copy = cut;
    }
    look(copy, len);
    free(copy);
    return 0;
}
