/* http_server_message.h - the strict reader of one HTTP/1 request.
 *
 * Pure: bytes in, a verdict out; no clock, no socket.  What it refuses that
 * RFC 9112 would allow is listed in README.md. */
#ifndef CONNECT_NET_HTTP_SERVER_MESSAGE_H
#define CONNECT_NET_HTTP_SERVER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "net/http_server.h"

enum {
    MESSAGE_HEAD_BYTES_MAX = 16 * 1024, /* F05: above it 431 */
    MESSAGE_HEADERS_MAX = 100,          /* F05: above it 431 */
};

/* Looks for the end of a head while it grows.  Zero it for each request. */
struct message_scan {
    size_t position; /* bytes looked at */
    size_t lines;    /* complete lines seen */
    size_t head_len; /* with the empty line; 0 until the head is complete */
};

struct message_head {
    char *method;                      /* these four point into text */
    char *path;                        /* */
    char *query;                       /* or NULL */
    bool keep_alive;                   /* the client wants a next request */
    bool head_only;                    /* HEAD: the answer has no body */
    bool chunked;                      /* else content_length counts */
    bool expect_continue;              /* waits for 100 */
    bool version_1_0;                  /* HTTP/1.0 */
    uint64_t content_length;           /* 0 when absent */
    struct http_server_header *fields; /* owned; names and values in text */
    size_t field_count;
};

/* Decodes a chunked body.  Zero it for each request. */
struct message_chunks {
    int state;
    int digits;         /* of the chunk size so far */
    uint64_t size;      /* left of this chunk */
    uint64_t wire_size; /* bytes taken, framing included */
    bool complete;
};

/* Look at bytes[0..len), of which scan->position were seen before.  0, or the
 * status that refuses the request: 400 or 431. */
int message_scan(struct message_scan *scan, const char *bytes,
                 size_t len) MUST_USE;
/* Split text[0..len), a complete head, in place.  0 or 400 or 415; on 0 the
 * caller ends it with message_head_done and keeps text as long. */
int message_head_read(struct message_head *head, char *text,
                      size_t len) MUST_USE;
void message_head_done(struct message_head *head);
/* Take bytes until the body is complete.  0, or 400, or 413 when the body's
 * limit is passed; ret_used says how many bytes belonged to the body. */
int message_chunks_read(struct message_chunks *chunks, const char *bytes,
                        size_t len, struct buf *body,
                        size_t *ret_used) MUST_USE;

#endif
