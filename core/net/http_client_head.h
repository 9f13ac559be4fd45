/* http_client_head.h - reads the head of an answer, line by line.
 *
 * Stricter than libcurl where leniency could mistake one answer for another.
 * Pure: bytes in, a verdict out; the caller owns the struct.  [any thread] */
#ifndef CONNECT_NET_HTTP_CLIENT_HEAD_H
#define CONNECT_NET_HTTP_CLIENT_HEAD_H

#include <connect/ext/http.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { HTTP_HEAD_COUNT_MAX = 100 }; /* headers of one answer */

struct http_head {
    struct buf text;     /* name NUL value NUL, one after another; owned */
    size_t bytes;        /* of all heads, interim answers and trailers too */
    size_t header_count; /* of the head in text */
    uint32_t code;       /* of the status line read last */
    bool inside;         /* a status line was read, its blank line not */
    bool complete;       /* the head of the final answer was read */
    bool chunked;        /* Transfer-Encoding was seen */
    bool has_length;     /* Content-Length was seen */
    uint64_t length;     /* its value */
    cn_header headers[HTTP_HEAD_COUNT_MAX]; /* into text; set by _headers */
};

void http_head_init(struct http_head *head);
void http_head_done(struct http_head *head);
/* One line with its line end.  0; -EPROTO: not an answer we can read; -E2BIG:
 * more than the limits. */
int http_head_line(struct http_head *head, const char *line,
                   size_t len) MUST_USE;
/* The headers of the final answer, header_count of them, borrowed from head. */
const cn_header *http_head_headers(struct http_head *head);
/* The value of the first header of this name, or NULL. */
const char *http_head_value(struct http_head *head, const char *name);

#endif
