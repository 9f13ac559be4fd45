/* tls_server.c - TLS for accepted connections, over memory BIOs.
 *
 * One idea: OpenSSL never sees a socket; it is a function from bytes to bytes,
 * so that deadlines, limits and writing stay in one place, the connection.
 *
 * Must hold: nothing below TLS 1.2, no renegotiation, no session kept for
 * later.  Called by http_server.c and http_server_connection.c on the loop
 * thread. */
#include "net/tls_server.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "base/memory.h"

/* One TLS record decrypts to at most this many bytes. */
enum { RECORD_BYTES_MAX = 16 * 1024 };

struct tls_server {
    SSL_CTX *context; /* counted by OpenSSL; each session holds it */
};

struct tls_session {
    SSL *ssl;  /* owned */
    BIO *in;   /* owned by ssl: from the network */
    BIO *out;  /* owned by ssl: for the network */
    bool done; /* closed or failed: no more calls into ssl */
};

/* We speak HTTP/1.1 only; a client that offers no protocol is served too. */
static int protocol_select(SSL *ssl, const unsigned char **ret_protocol,
                           unsigned char *ret_len, const unsigned char *offered,
                           unsigned int offered_len, void *arg)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *selected = NULL;

    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&selected, ret_len, ours, sizeof(ours) - 1,
                              offered, offered_len) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *ret_protocol = selected;
    return SSL_TLSEXT_ERR_OK;
}

/* A key with a pass phrase would make OpenSSL ask on the terminal. */
static int phrase_refuse(char *text, int len, int writing, void *arg)
{
    (void)text;
    (void)len;
    (void)writing;
    (void)arg;
    return 0;
}

static void context_configure(SSL_CTX *context)
{
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_options(context,
                        SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                            SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE);
    /* Idle connections give their record buffers back. */
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_default_passwd_cb(context, phrase_refuse);
    SSL_CTX_set_alpn_select_cb(context, protocol_select, NULL);
}

int tls_server_create(const char *certificate_file, const char *key_file,
                      struct tls_server **ret_tls, struct error *err)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    int status = -EINVAL;

    if (!context) {
        error_set(err, "OpenSSL could not make a TLS context");
        return -ENOMEM;
    }
    context_configure(context);
    if (SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
        error_set(err, "OpenSSL has none of the ciphers the daemon uses");
    else if (SSL_CTX_use_certificate_chain_file(context, certificate_file) != 1)
        error_set(err, "certificate file %s cannot be read: %s",
                  certificate_file,
                  ERR_reason_error_string(ERR_peek_last_error()));
    else if (SSL_CTX_use_PrivateKey_file(context, key_file, SSL_FILETYPE_PEM) !=
             1)
        error_set(err, "key file %s cannot be read or does not fit %s: %s",
                  key_file, certificate_file,
                  ERR_reason_error_string(ERR_peek_last_error()));
    else
        status = 0;
    ERR_clear_error();
    if (status) {
        SSL_CTX_free(context);
        return status;
    }
    *ret_tls = memory_zero(1, sizeof(**ret_tls));
    (*ret_tls)->context = context;
    return 0;
}

void tls_server_destroy(struct tls_server *tls)
{
    if (!tls)
        return;
    SSL_CTX_free(tls->context);
    free(tls);
}

struct tls_session *tls_session_create(struct tls_server *tls)
{
    struct tls_session *session = memory_zero(1, sizeof(*session));

    session->ssl = SSL_new(tls->context);
    session->in = BIO_new(BIO_s_mem());
    session->out = BIO_new(BIO_s_mem());
    if (!session->ssl || !session->in || !session->out) {
        BIO_free(session->in);
        BIO_free(session->out);
        SSL_free(session->ssl);
        free(session);
        return NULL;
    }
    /* An empty BIO means "later", not "end". */
    BIO_set_mem_eof_return(session->in, -1);
    BIO_set_mem_eof_return(session->out, -1);
    SSL_set_bio(session->ssl, session->in, session->out);
    SSL_set_accept_state(session->ssl);
    return session;
}

void tls_session_destroy(struct tls_session *session)
{
    if (!session)
        return;
    SSL_free(session->ssl);
    free(session);
}

/* What a call that gave no bytes means: 0 later, else the end. */
static int session_verdict(struct tls_session *session, int result)
{
    int reason = SSL_get_error(session->ssl, result);

    ERR_clear_error();
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE)
        return 0;
    session->done = true;
    return reason == SSL_ERROR_ZERO_RETURN ? UV_EOF : -EPROTO;
}

int tls_session_feed(struct tls_session *session, const char *bytes, size_t len,
                     struct buf *plain)
{
    char record[RECORD_BYTES_MAX];
    int got;

    if (session->done || len > INT_MAX)
        return -EPROTO;
    if (BIO_write(session->in, bytes, (int)len) != (int)len)
        return -EPROTO;
    /* SSL_read does the handshake first when it is not done.  The loop is
     * bounded by the bytes that were fed. */
    while ((got = SSL_read(session->ssl, record, sizeof(record))) > 0) {
        if (buf_append(plain, record, (size_t)got))
            return -ENOBUFS;
    }
    return session_verdict(session, got);
}

bool tls_session_ready(const struct tls_session *session)
{
    return SSL_is_init_finished(session->ssl);
}

int tls_session_write(struct tls_session *session, const char *bytes,
                      size_t len)
{
    int written;

    if (session->done || len > INT_MAX)
        return -EPROTO;
    if (!len)
        return 0;
    /* A memory BIO takes everything at once. */
    written = SSL_write(session->ssl, bytes, (int)len);
    ERR_clear_error();
    return written == (int)len ? 0 : -EPROTO;
}

void tls_session_finish(struct tls_session *session)
{
    if (session->done || !SSL_is_init_finished(session->ssl))
        return;
    SSL_shutdown(session->ssl);
    ERR_clear_error();
}

int tls_session_take(struct tls_session *session, struct buf *bytes)
{
    char *pending = NULL;
    long len = BIO_get_mem_data(session->out, &pending);
    int status;

    if (len <= 0)
        return 0;
    status = buf_append(bytes, pending, (size_t)len);
    (void)BIO_reset(session->out);
    return status;
}
