/* memory.c - allocation that cannot fail.
 *
 * One idea: there is nothing useful to do without memory but to stop with a
 * message; everything accepted is in the store.  Called on any thread. */
#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void memory_end(void)
{
    static const char message[] =
        "connect: out of memory; stopping, what was accepted is stored\n";
    /* No formatting here: it might allocate. */
    ssize_t written = write(STDERR_FILENO, message, sizeof(message) - 1);
    (void)written;
    abort();
}

void *memory_zero(size_t count, size_t size)
{
    void *ptr = calloc(count ? count : 1, size ? size : 1);
    if (!ptr)
        memory_end();
    return ptr;
}

void *memory_grow(void *ptr, size_t count, size_t size)
{
    void *grown;

    if (size && count > SIZE_MAX / size)
        memory_end();
    grown = realloc(ptr, count && size ? count * size : 1);
    if (!grown)
        memory_end();
    return grown;
}

char *memory_copy(const void *ptr, size_t len)
{
    char *copy = memory_zero(len + 1, 1);
    if (len)
        memcpy(copy, ptr, len);
    return copy;
}

char *memory_text(const char *text)
{
    return text ? memory_copy(text, strlen(text)) : NULL;
}
