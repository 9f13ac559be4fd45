/* tls_server.h - TLS for accepted connections, without a socket.
 *
 * A session turns bytes from the network into plain bytes and back; who reads
 * and writes the socket is not its business.  TLS 1.2 or newer.
 * [loop thread] */
#ifndef CONNECT_NET_TLS_SERVER_H
#define CONNECT_NET_TLS_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

struct tls_server;  /* a certificate and its key */
struct tls_session; /* one connection */

int tls_server_create(const char *certificate_file, const char *key_file,
                      struct tls_server **ret_tls, struct error *err) MUST_USE;
/* Sessions that were made from it live on. */
void tls_server_destroy(struct tls_server *tls);

/* NULL when OpenSSL refuses. */
struct tls_session *tls_session_create(struct tls_server *tls);
void tls_session_destroy(struct tls_session *session);
/* Take bytes from the network, append what they decrypt to.  0, UV_EOF when the
 * other side has closed, -EPROTO when it does not speak TLS as it should,
 * -ENOBUFS when plain is full.  Answers to it may wait in
 * tls_session_take in every case. */
int tls_session_feed(struct tls_session *session, const char *bytes, size_t len,
                     struct buf *plain) MUST_USE;
/* The handshake is done. */
bool tls_session_ready(const struct tls_session *session);
/* Encrypt; the result waits in tls_session_take. */
int tls_session_write(struct tls_session *session, const char *bytes,
                      size_t len) MUST_USE;
/* Say that nothing more will be written. */
void tls_session_finish(struct tls_session *session);
/* Append the bytes for the network. */
int tls_session_take(struct tls_session *session, struct buf *bytes) MUST_USE;

#endif
