/* http_client.h - requests to other systems, over libcurl on a uv_loop.
 *
 * One client lives on one loop and is used on that loop's thread only.  It
 * verifies certificate and host name always, speaks TLS 1.2 or newer, follows
 * no redirect, keeps no cookie, asks no proxy and reads no setting from the
 * environment.  A request with effect travels on a connection of its own and
 * leaves the machine at most once.
 *
 * fn of a request comes exactly once, on a later turn of the loop, never from
 * inside http_client_send, _cancel or _destroy.  It may call all three.
 */
#ifndef CONNECT_NET_HTTP_CLIENT_H
#define CONNECT_NET_HTTP_CLIENT_H

#include <connect/ext/http.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/clock.h"
#include "base/error.h"

/* Zero means the default. */
struct http_client_options {
    const char *ca_file;      /* PEM file of authorities to trust as well as
                               * those of the system, or NULL */
    const char *ca_directory; /* in place of the system's directory of
                               * authorities (hashed names), or NULL */
    uint32_t open_max;        /* requests open at once; default 1024 */
    uint32_t connections_max; /* in all; default 64 */
    uint32_t host_connections_max; /* to one host and port; default 16 */
    uint64_t answer_bytes_max;     /* body; default and most 16 MiB */
    uint64_t timeout_ms;         /* of a request, from send on; default 30 s */
    uint64_t connect_timeout_ms; /* name, TCP and TLS; default 10 s */
    const struct clock *clock;   /* for dates in Retry-After; default system */
};

enum http_credential_kind {
    HTTP_BASIC,  /* name: user, value: password, both may be empty */
    HTTP_BEARER, /* value: token; name is not used */
    HTTP_HEADER, /* name: value */
    HTTP_QUERY   /* name=value, percent-encoded here, added to the query */
};

/* One credential, already resolved.  An empty value adds no header; in a query
 * it is added as "name=".  HTTP_BASIC is added when either half is set. */
struct http_credential {
    enum http_credential_kind kind;
    cn_str name;
    cn_str value;
};

/* Borrowed until http_client_send returns. */
struct http_client_request {
    const char *method;       /* "GET": capital letters */
    const char *url;          /* http or https, without user and fragment */
    const cn_header *headers; /* not those of framing, nor Host */
    size_t header_count;
    const struct http_credential *credentials;
    size_t credential_count;
    cn_str body;                 /* at most 16 MiB */
    uint64_t timeout_ms;         /* 0: the client's */
    uint64_t connect_timeout_ms; /* 0: the client's */
    uint64_t answer_bytes_max;   /* 0: the client's */
    bool effect; /* may change the other system, whatever the method says */
};

enum http_failure {
    HTTP_FAILURE_NONE,    /* an answer was read to its end */
    HTTP_FAILURE_RESOLVE, /* no address for the name; not sent */
    HTTP_FAILURE_CONNECT, /* no connection; not sent */
    HTTP_FAILURE_TLS,     /* handshake or certificate; not sent */
    HTTP_FAILURE_TIMEOUT_BEFORE_SENT,
    HTTP_FAILURE_TIMEOUT_AFTER_SENT,
    HTTP_FAILURE_CUT, /* the connection ended before the answer did, or, with
                       * effect, ended an answer that stated no length */
    HTTP_FAILURE_UNREADABLE, /* no HTTP, or an encoding nobody asked for */
    HTTP_FAILURE_TOO_LARGE,  /* body or head beyond the limit */
    HTTP_FAILURE_CANCELLED
};

/* Borrowed for the duration of the callback. */
struct http_answer {
    uint64_t id;   /* of the request */
    uint32_t code; /* 0 unless the failure is none */
    enum http_failure failure;
    bool sent;     /* a byte of the request may have left; in doubt: true */
    bool answered; /* the other side said something about this request: what
                    * counts as an attempt (1 to 499 but 408, 425, 429) */
    uint64_t retry_after_ms; /* as the other side wishes, not capped; 0: none */
    const cn_header *headers; /* none unless the failure is none */
    size_t header_count;
    cn_str body;         /* empty unless the failure is none */
    const char *message; /* one sentence for people: no URL, payload, secret */
};

typedef void (*http_answer_fn)(void *arg, const struct http_answer *answer);

struct http_client;

/* NULL when the options are unusable, with the reason in err.  options may be
 * NULL.  Ignores SIGPIPE for the process if nobody handles it. */
struct http_client *
http_client_create(uv_loop_t *loop, const struct http_client_options *options,
                   struct error *err) MUST_USE;
/* 0, or -EINVAL: the request breaks a rule above; -E2BIG: too large;
 * -ENOBUFS: open_max reached; -ECANCELED: the client is being destroyed.  fn is
 * called only after 0.  ret_id may be NULL. */
int http_client_send(struct http_client *client,
                     const struct http_client_request *request,
                     http_answer_fn fn, void *arg, uint64_t *ret_id) MUST_USE;
/* End a request as cancelled; one that ended already or is unknown is left
 * alone. */
void http_client_cancel(struct http_client *client, uint64_t id);
/* How many requests wait for their callback. */
size_t http_client_open_count(const struct http_client *client);
/* Cancel what is open, then free the client.  The loop must run until fn, which
 * comes after all callbacks of requests; it may be NULL.  client may be NULL,
 * then nothing is called. */
void http_client_destroy(struct http_client *client, void (*fn)(void *arg),
                         void *arg);

#endif
