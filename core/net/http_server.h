/* http_server.h - an HTTP/1.1 server on a uv_loop; knows no routes.
 *
 * One loop may carry several servers; limits and memory are counted for each.
 * What strangers reach and what administers the daemon are best two servers, so
 * that a flood at one leaves the other free.
 *
 * Requests are read strictly (http_server_message.h), held to limits and
 * absolute deadlines, and given to the owner one after another per connection.
 * The owner answers each exactly once, at once or later.  [loop thread]
 *
 * The server answers by itself, with a short JSON body: 400 for bad framing,
 * 408 for too slow, 413, 415, 431 for limits, 503 with Retry-After when memory
 * is at its limit or no answer came in time.  All of them close the connection.
 * At a limit of connections the one that has idled longest makes room; when
 * none idles, the new one is accepted and closed at once, so that no descriptor
 * stays open and the client hears at once that it must come again.
 *
 * The process must ignore SIGPIPE; libuv does not. */
#ifndef CONNECT_NET_HTTP_SERVER_H
#define CONNECT_NET_HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/clock.h"
#include "base/error.h"

struct http_server;          /* listeners and connections on one loop */
struct http_server_exchange; /* one request that waits for its answer */

struct http_server_header {
    const char *name;
    const char *value;
};

/* Everything is borrowed from the exchange: valid until it is answered.  In
 * on_head: until on_head returns. */
struct http_server_request {
    const char *method;  /* as sent: "POST" */
    const char *path;    /* as sent, percent-encoded, up to the "?" */
    const char *query;   /* behind the "?", or NULL */
    const char *body;    /* a NUL behind it; "" in on_head */
    size_t body_len;     /* bytes */
    const char *peer;    /* "192.0.2.1", "2001:db8::1", "unix" */
    const char *network; /* what rate limits count by: peer, or its /64 */
    int64_t peer_uid;    /* user at the other end of a unix socket, or -1 */
    void *listener_tag;  /* given to the listener */
    bool encrypted;      /* came over TLS */
    size_t header_count;
    const struct http_server_header *headers; /* names as sent */
};

enum { HTTP_SERVER_CLOSE = 1 }; /* answer flag: close the connection after */

/* Borrowed for the call.  Content-Length, Content-Type (application/json when
 * headers bring none) and Connection are set by the server.  A status the
 * product never gives (below 200, 201, 202, 204, 3xx, 410) is sent as 503.  503
 * closes the connection; whoever gives it adds Retry-After. */
struct http_server_answer {
    int status;
    unsigned flags;
    size_t header_count;
    const struct http_server_header *headers;
    const char *body; /* may be NULL; not sent for HEAD */
    size_t body_len;  /* at most 16 MiB; beyond it 503 is sent */
};

/* After the head, before the body.  0: read the body, on_request follows.
 * 1: refuse with *ret_answer, whose pointers must outlive the return
 * (constants, or memory of arg); the connection closes when a body was
 * announced. */
typedef int (*http_server_head_fn)(void *arg,
                                   const struct http_server_request *request,
                                   struct http_server_answer *ret_answer);
/* A whole request.  Call http_server_answer exactly once, now or later. */
typedef void (*http_server_request_fn)(
    void *arg, struct http_server_exchange *exchange,
    const struct http_server_request *request);

/* Start from http_server_options_default; every limit may be set. */
struct http_server_options {
    const struct clock *clock;         /* borrowed; deadlines use its monotonic
                                        * time */
    http_server_head_fn on_head;       /* may be NULL */
    http_server_request_fn on_request; /* required */
    void *arg;                         /* for both */
    int connections_max;               /* 4096; lowered at create to the
                                        * descriptors the process may open,
                                        * less 128 */
    int connections_per_network_max;   /* 2048; not for unix sockets, nor for
                                        * loopback: that is a proxy in front */
    bool limit_loopback;               /* it is, all the same; for tests */
    int handshakes_max;                /* 512; TLS handshakes under way, up to
                                        * 72 KiB each; the oldest makes room */
    size_t buffers_bytes_max;          /* 64 MiB; requests and answers held, all
                                        * connections together */
    int64_t handshake_ms;              /* 5 s; TLS, from accept */
    int64_t head_ms;                   /* 10 s; from accept or first byte */
    int64_t body_ms;                   /* 20 s; from the end of the head */
    int64_t body_rate_grace_ms;        /* 4 s; after it the rate counts */
    int64_t body_rate_min;             /* 500 bytes a second */
    int64_t idle_ms;                   /* 15 s; between two requests */
    int64_t handle_ms;                 /* 60 s; the owner's time to answer */
    int64_t write_ms;                  /* 20 s; the whole answer */
    int64_t linger_ms;                 /* 2 s; reading on after a refusal, so
                                        * that the client sees the answer */
    int64_t tick_ms;                   /* 100 ms; how exact deadlines are */
};

struct http_server_listener {
    const char *address;          /* "127.0.0.1", "::1"; NULL: unix socket */
    int port;                     /* 0: the kernel chooses */
    const char *path;             /* unix socket; a dead one is replaced */
    int mode;                     /* unix socket: 0600 or 0660 */
    const char *certificate_file; /* PEM chain; NULL: no TLS */
    const char *key_file;         /* PEM */
    size_t body_bytes_max;        /* 0: 1 MiB */
    void *tag;                    /* given with each request */
};

struct http_server_counts {
    int connections;      /* open now */
    int exchanges;        /* requests that wait for their answer */
    size_t buffers_bytes; /* held now */
    uint64_t requests;    /* given to on_request since the start */
    uint64_t refused;     /* answered or closed by the server itself */
    uint64_t timed_out;   /* of these: by a deadline */
    uint64_t turned_away; /* connections over a limit */
};

void http_server_options_default(struct http_server_options *ret_options);
/* Nothing listens yet.  The options are copied. */
int http_server_create(uv_loop_t *loop,
                       const struct http_server_options *options,
                       struct http_server **ret_server) MUST_USE;
/* Start listening.  ret_port (may be NULL) gets the TCP port. */
int http_server_listen(struct http_server *server,
                       const struct http_server_listener *listener,
                       int *ret_port, struct error *err) MUST_USE;
/* Read certificates and keys again; new connections use them.  On failure the
 * old ones stay. */
int http_server_reload(struct http_server *server, struct error *err) MUST_USE;

/* End an exchange.  Also right when its client has left.  The request and the
 * exchange are gone after. */
void http_server_answer(struct http_server_exchange *exchange,
                        const struct http_server_answer *answer);
/* Value of a header, name in any case; NULL when absent.  When a header comes
 * several times ret_count (may be NULL) says how often; the first is given. */
const char *http_server_header(const struct http_server_request *request,
                               const char *name, int *ret_count);
void http_server_count(const struct http_server *server,
                       struct http_server_counts *ret_counts);

/* Stop listening, close idle connections, let open requests finish for at most
 * drain_ms, then close all; on_stopped comes once, never from inside this
 * call. */
void http_server_stop(struct http_server *server, int64_t drain_ms,
                      void (*on_stopped)(void *arg), void *arg);
/* Only after on_stopped.  Exchanges not yet answered stay valid. */
void http_server_destroy(struct http_server *server);

#endif
