/* http_server_connection.h - one accepted connection, and what it sees of its
 * server.  Inner header of the HTTP server; http_server.h is the one to use.
 * [loop thread] */
#ifndef CONNECT_NET_HTTP_SERVER_CONNECTION_H
#define CONNECT_NET_HTTP_SERVER_CONNECTION_H

#include <uv.h>

#include "base/buf.h"
#include "net/http_server.h"
#include "net/http_server_exchange.h"
#include "net/http_server_message.h"
#include "net/tls_server.h"

/* One read; shared by all connections of a server, because libuv fills it and
 * hands it over in one go. */
enum { SERVER_READ_BYTES = 32 * 1024 };

struct network; /* how many connections an address has; http_server.c */

struct listener {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } socket;
    struct http_server *server;
    struct listener *next;
    struct tls_server *tls; /* owned; NULL: plain */
    char *certificate_file; /* owned */
    char *key_file;         /* owned */
    size_t body_bytes_max;
    void *tag; /* borrowed */
};

struct http_server {
    uv_loop_t *loop; /* borrowed */
    struct http_server_options options;
    struct http_server_counts counts;
    struct listener *listeners;
    struct connection *connections;         /* of counts.connections */
    struct http_server_exchange *exchanges; /* given out, not answered */
    struct network *networks;
    /* The socket of a connection is closed; frees the connection. */
    void (*on_gone)(struct connection *connection);
    uv_timer_t tick;
    int closing_count;  /* of the connections: no descriptor any more */
    int handles_open;   /* listeners, connections, tick */
    bool stopping;      /* no new connection, no next request */
    int64_t stop_by_ms; /* then all connections are closed */
    void (*on_stopped)(void *arg); /* */
    void *stopped_arg;             /* borrowed */
    char read_bytes[SERVER_READ_BYTES];
};

enum connection_state {
    CONNECTION_HANDSHAKE, /* TLS only */
    CONNECTION_IDLE,      /* answered; no byte of a next request yet */
    CONNECTION_HEAD,      /* the first one from accept, later from a byte on */
    CONNECTION_BODY,      /* */
    CONNECTION_HANDLING,  /* the owner has the exchange */
    CONNECTION_WRITING,   /* the answer */
    CONNECTION_LINGER,  /* answered for the last time; what comes is dropped */
    CONNECTION_CLOSING, /* libuv has it */
};

struct connection {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } socket;
    struct http_server *server; /* borrowed; outlives it */
    struct listener *listener;  /* borrowed; outlives it */
    struct connection *prev;    /* of the server's list */
    struct connection *next;    /* */
    struct network *network;    /* NULL on a unix socket */
    struct tls_session *tls;    /* owned; NULL: plain */
    struct exchange_peer peer;
    enum connection_state state;
    bool reading;             /* libuv reads */
    bool ended;               /* the client sends no more */
    bool close_after;         /* the answer being written is the last */
    int64_t deadline_ms;      /* absolute; of the state */
    int64_t body_begin_ms;    /* when the head ended */
    size_t body_received;     /* bytes of the body so far, with framing */
    size_t lingered;          /* bytes dropped */
    size_t accounted;         /* bytes counted for it by the server */
    struct buf input;         /* plain bytes not yet understood */
    struct buf output;        /* bytes that libuv writes */
    struct message_scan scan; /* of the head in input */
    struct message_chunks chunks;
    struct http_server_exchange *exchange; /* owned until given out */
    uv_write_t write;
    uv_shutdown_t shutdown;
};

/* Begin to serve an accepted connection that is in the server's list. */
void connection_start(struct connection *connection);
/* Look at its deadlines. */
void connection_tick(struct connection *connection, int64_t now_ms);
/* Give up the socket; the server's on_gone follows later. */
void connection_close(struct connection *connection);
/* The owner answers what this connection gave out. */
void connection_answer(struct connection *connection,
                       struct http_server_exchange *exchange,
                       const struct http_server_answer *answer);

/* *accounted bytes of the server's buffers become now bytes. */
void connection_account(struct http_server *server, size_t *accounted,
                        size_t now);

#endif
