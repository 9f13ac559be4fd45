/* proxy.h - a TCP proxy between two programs of a test, that breaks what passes
 * at an exact byte.
 *
 *      client (the daemon) --> proxy --> server (a simulator)
 *
 * It runs on a thread of its own and takes a free port on loopback.  For each
 * connection it opens one to the server.  A plan function of the test says what
 * is to go wrong, for each way apart:
 *
 *   HTTP (raw false): once when a request has arrived as a whole, before a byte
 *     of it goes to the server (way PROXY_TO_SERVER, answer NULL), and once
 *     when its answer has arrived as a whole, before a byte of it goes to the
 *     client (way PROXY_TO_CLIENT).  The place of a fault counts from the first
 *     byte of that message.  A server that closes in the middle of an answer
 *     ends it there.
 *   raw: once for each way when the connection is accepted; bytes are passed on
 *     as they come, and the place counts from the connection's first byte.
 *
 * A server that refuses connections looks like one that resets them.
 *
 * "number" of an exchange is 0 on a fresh connection and above on one that is
 * used again.  The plan runs on the proxy's thread: what it shares with the
 * test needs a lock.  All other functions are for the thread that made it. */
#ifndef CONNECT_FAULT_PROXY_H
#define CONNECT_FAULT_PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum proxy_way { PROXY_TO_SERVER, PROXY_TO_CLIENT };

enum proxy_act {
    PROXY_PASS,
    PROXY_FIN,     /* so many bytes, then both ends are closed */
    PROXY_RESET,   /* so many bytes, then both ends are reset */
    PROXY_STALL,   /* so many bytes, then none, until the client closes */
    PROXY_LATE,    /* so many bytes; the rest after the client has closed, so
                    * that a request arrives when its sender has given up */
    PROXY_DRIP,    /* so many bytes at once, the rest one by one, ms apart */
    PROXY_CORRUPT, /* this byte is changed by mask, all others are right */
};

/* How an answer says where it ends; of HTTP only.  Set it at PROXY_TO_SERVER;
 * at PROXY_TO_CLIENT the answer is shown as it will be sent. */
enum proxy_framing {
    PROXY_AS_IT_IS,
    PROXY_CHUNKED, /* two chunks where there is enough for two */
    PROXY_TO_CLOSE /* no length; the end of the connection is its end */
};

struct proxy_fault {
    enum proxy_act act;
    uint64_t at;        /* bytes that pass before; corrupt: its index */
    unsigned char mask; /* corrupt: exclusive or */
    unsigned ms;        /* drip */
    enum proxy_framing framing;
};

/* Borrowed for the call. */
struct proxy_exchange {
    unsigned connection; /* 0, 1, ... as they were accepted */
    unsigned number;     /* of this connection's requests */
    enum proxy_way way;
    const char *request; /* NULL when raw; a NUL stands behind it */
    size_t request_len;
    const char *answer; /* NULL at PROXY_TO_SERVER; a NUL stands behind it */
    size_t answer_len;
};

/* Fill in fault, which is zero: pass. */
typedef void proxy_plan_fn(void *arg, const struct proxy_exchange *exchange,
                           struct proxy_fault *fault);

struct proxy;

/* NULL and errno when there is no port.  plan NULL: all passes. */
struct proxy *proxy_create(bool raw, proxy_plan_fn *plan, void *arg);
void proxy_destroy(struct proxy *proxy); /* may be NULL; resets what is open */
unsigned proxy_port(const struct proxy *proxy);
/* Where the server listens, on loopback; before it, clients are reset. */
void proxy_set_server(struct proxy *proxy, unsigned port);
/* Requests (raw: connections) that the server may still be working on, and late
 * ones that it has yet to get.  A test steps no clock while there are any. */
unsigned proxy_busy(const struct proxy *proxy);
unsigned proxy_connections(const struct proxy *proxy); /* accepted so far */
unsigned proxy_reused(const struct proxy *proxy); /* requests, not the first
                                                   * of their connection */

/* The value of a header in a message's head, or NULL; ret_len its length. */
const char *proxy_header(const char *message, size_t len, const char *name,
                         size_t *ret_len);

#endif
