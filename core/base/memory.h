/* memory.h - allocation that ends the process when memory ends.
 *
 * In the flow of records running out of memory is an abort with a message: the
 * store makes a crash harmless, untested recovery code would not be.  Code that
 * reads configuration or loads plugins calls malloc and returns an error. */
#ifndef CONNECT_BASE_MEMORY_H
#define CONNECT_BASE_MEMORY_H

#include <stddef.h>

/* End the process with the message. */
__attribute__((noreturn)) void memory_end(void);
/* Zeroed memory for count things of size bytes; the caller frees it. */
void *memory_zero(size_t count, size_t size)
    __attribute__((malloc, returns_nonnull));
/* ptr resized; the new part is not cleared. */
void *memory_grow(void *ptr, size_t count, size_t size)
    __attribute__((returns_nonnull));
/* A copy of len bytes with a NUL behind it; the caller frees it.  ptr may be
 * NULL when len is 0. */
char *memory_copy(const void *ptr, size_t len) __attribute__((returns_nonnull));
/* A copy of a text, or NULL for NULL. */
char *memory_text(const char *text);

#endif
