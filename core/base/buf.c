/* buf.c - growing bytes with a mandatory limit.
 *
 * Capacity doubles up to the limit; the byte behind len is always NUL.  Memory
 * that ends, ends the process (memory.h).  Not shared between threads. */
#include "base/buf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { CAPACITY_FIRST = 256 }; /* most texts of a log line or header fit */

void buf_init(struct buf *buf, size_t bytes_max)
{
    memset(buf, 0, sizeof(*buf));
    buf->max = bytes_max;
}

void buf_done(struct buf *buf)
{
    free(buf->data);
    buf->data = NULL;
    buf->len = buf->capacity = 0;
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
    buf->overflow = false;
    if (buf->data)
        buf->data[0] = '\0';
}

static int buf_reserve(struct buf *buf, size_t len)
{
    size_t capacity = buf->capacity ? buf->capacity : CAPACITY_FIRST;

    if (buf->overflow || len > buf->max || buf->len > buf->max - len) {
        buf->overflow = true;
        return -ENOBUFS;
    }
    while (capacity < buf->len + len + 1)
        capacity *= 2;
    if (capacity != buf->capacity) {
        buf->data = memory_grow(buf->data, capacity, 1);
        buf->capacity = capacity;
    }
    return 0;
}

int buf_append(struct buf *buf, const void *bytes, size_t len)
{
    int status = buf_reserve(buf, len);
    if (status)
        return status;
    if (len)
        memcpy(buf->data + buf->len, bytes, len);
    buf->len += len;
    buf->data[buf->len] = '\0';
    return 0;
}

int buf_append_text(struct buf *buf, const char *text)
{
    return buf_append(buf, text, strlen(text));
}

int buf_printf(struct buf *buf, const char *format, ...)
{
    va_list arguments;
    int len, status;

    va_start(arguments, format);
    len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    if (len < 0)
        return -EINVAL;
    status = buf_reserve(buf, (size_t)len);
    if (status)
        return status;
    va_start(arguments, format);
    vsnprintf(buf->data + buf->len, (size_t)len + 1, format, arguments);
    va_end(arguments);
    buf->len += (size_t)len;
    return 0;
}

void buf_consume(struct buf *buf, size_t len)
{
    if (len > buf->len)
        len = buf->len;
    if (!len)
        return;
    memmove(buf->data, buf->data + len, buf->len - len);
    buf->len -= len;
    buf->data[buf->len] = '\0';
}

char *buf_take(struct buf *buf)
{
    char *data = buf->data ? buf->data : memory_copy(NULL, 0);
    size_t max = buf->max;

    buf_init(buf, max);
    return data;
}
