/* http_server_exchange.h - one request from its head to its answer.
 *
 * The exchange owns every byte of the request, so that it outlives its
 * connection.  [loop thread] */
#ifndef CONNECT_NET_HTTP_SERVER_EXCHANGE_H
#define CONNECT_NET_HTTP_SERVER_EXCHANGE_H

#include "net/http_server.h"
#include "net/http_server_message.h"

struct connection;

enum { EXCHANGE_PEER_MAX = 64 }; /* an IPv6 address, a scope, "/64" */

struct exchange_peer {
    char address[EXCHANGE_PEER_MAX];
    char network[EXCHANGE_PEER_MAX];
    int64_t uid;
};

struct http_server_exchange {
    struct http_server *server;         /* NULL once the server is gone */
    struct connection *connection;      /* NULL once the client has left */
    struct http_server_exchange *prev;  /* of the server's list */
    struct http_server_exchange *next;  /* */
    struct http_server_request request; /* borrows from the fields below */
    struct message_head head;
    struct exchange_peer peer;
    struct buf body;
    char *text;       /* owned; the head */
    size_t text_len;  /* bytes */
    size_t accounted; /* bytes counted for it by the server */
    bool given;       /* to the owner, who ends it */
};

/* Read a complete head.  0 and an exchange the caller destroys, or the status
 * that refuses it. */
int exchange_create(const char *head, size_t len,
                    const struct exchange_peer *peer, size_t body_bytes_max,
                    struct http_server_exchange **ret_exchange) MUST_USE;
void exchange_destroy(struct http_server_exchange *exchange);
/* The body is complete: let the request show it. */
void exchange_body_end(struct http_server_exchange *exchange);
/* Bytes it holds. */
size_t exchange_size(const struct http_server_exchange *exchange);

/* The status line, headers and body as bytes.  head_only leaves the body out,
 * closing says so to the client. */
void answer_write(struct buf *output, const struct http_server_answer *answer,
                  bool head_only, bool closing);
/* The server's own answer for a status of http_server.h's list. */
void answer_own(int status, struct http_server_answer *ret_answer);

#endif
