/* buf.h - growing bytes with a mandatory limit.
 *
 * A buffer cannot be made without saying how large it may become.  When an
 * append would pass the limit nothing is appended, the buffer remembers that it
 * overflowed and every further append fails, so that a caller may check once at
 * the end. */
#ifndef CONNECT_BASE_BUF_H
#define CONNECT_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct buf {
    char *data;      /* owned; always a NUL behind len once appended to */
    size_t len;      /* bytes in use */
    size_t capacity; /* bytes allocated */
    size_t max;      /* limit of len */
    bool overflow;   /* an append was refused */
};

void buf_init(struct buf *buf, size_t bytes_max);
/* Free what it holds; may be called on a zeroed struct and twice. */
void buf_done(struct buf *buf);
void buf_clear(struct buf *buf);
/* 0 or -ENOBUFS. */
int buf_append(struct buf *buf, const void *bytes, size_t len);
int buf_append_text(struct buf *buf, const char *text);
int buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
/* Remove len bytes from the front. */
void buf_consume(struct buf *buf, size_t len);
/* The bytes as a text that the caller frees; the buffer is empty after. */
char *buf_take(struct buf *buf);

#endif
