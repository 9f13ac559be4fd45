/* links: connect_net connect_base PkgConfig::OPENSSL */
/* The HTTP client against a peer that answers by a script: one thread a
 * connection, raw bytes, so that every way of breaking an answer can be made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"
#include "net/http_client.h"
#include "net/http_client_head.h"
#include "net/http_client_outcome.h"

enum {
    CONNECTIONS_MAX = 512, /* one peer sees in one test */
    REQUEST_MAX = 2 * 1024 * 1024
};

/* ---- The peer ---- */

struct step {
    const char *answer; /* NULL: none */
    size_t len;         /* 0: all of it */
    bool close;         /* after the answer; reset: with RST */
    bool reset;
    bool hang; /* keep the connection open and say nothing more */
};

struct peer {
    int listener;
    uint16_t port;
    pthread_t thread;
    const struct step *steps; /* the last one repeats */
    size_t step_count;
    SSL_CTX *tls; /* borrowed; NULL: plain */
    bool deaf;    /* accept and read nothing */
    pthread_mutex_t lock;
    size_t connection_count; /* below: under the lock */
    size_t request_count;
    size_t failed_handshakes;
    char *request; /* the last one, whole */
    size_t request_len;
    int sockets[CONNECTIONS_MAX];
    pthread_t threads[CONNECTIONS_MAX];
};

struct connection {
    struct peer *peer;
    int socket;
    SSL *ssl;
};

static ssize_t receive(struct connection *connection, char *bytes, size_t len)
{
    if (connection->ssl)
        return SSL_read(connection->ssl, bytes, (int)len);
    return recv(connection->socket, bytes, len, 0);
}

static void transmit(struct connection *connection, const char *bytes,
                     size_t len)
{
    while (len) {
        ssize_t sent = connection->ssl
                           ? SSL_write(connection->ssl, bytes, (int)len)
                           : send(connection->socket, bytes, len, MSG_NOSIGNAL);
        if (sent <= 0)
            return;
        bytes += sent;
        len -= (size_t)sent;
    }
}

/* A whole request into bytes; its length, or 0 when the client left. */
static size_t receive_request(struct connection *connection, char *bytes)
{
    size_t len = 0, need = 0;

    while (len < REQUEST_MAX) {
        ssize_t got = receive(connection, bytes + len, REQUEST_MAX - len);
        char *end, *length;

        if (got <= 0)
            return 0;
        len += (size_t)got;
        bytes[len] = '\0';
        end = strstr(bytes, "\r\n\r\n");
        if (end && !need) {
            need = (size_t)(end + 4 - bytes);
            length = strcasestr(bytes, "\r\nContent-Length: ");
            if (length && length < end)
                need += strtoul(length + 18, NULL, 10);
        }
        if (need && len >= need)
            return len;
    }
    return 0;
}

static struct step record(struct peer *peer, const char *bytes, size_t len)
{
    struct step step;
    size_t index;

    pthread_mutex_lock(&peer->lock);
    index = peer->request_count++;
    if (index >= peer->step_count)
        index = peer->step_count - 1;
    step = peer->steps[index];
    free(peer->request);
    peer->request = memory_copy(bytes, len);
    peer->request_len = len;
    pthread_mutex_unlock(&peer->lock);
    return step;
}

static void serve_requests(struct connection *connection)
{
    char *bytes = memory_zero(REQUEST_MAX + 1, 1);
    size_t len;

    while ((len = receive_request(connection, bytes))) {
        struct step step = record(connection->peer, bytes, len);
        struct linger linger = {1, 0};

        if (step.answer)
            transmit(connection, step.answer,
                     step.len ? step.len : strlen(step.answer));
        if (step.reset)
            setsockopt(connection->socket, SOL_SOCKET, SO_LINGER, &linger,
                       sizeof(linger));
        if (step.close || step.reset)
            break;
        while (step.hang && receive(connection, bytes, 1) > 0)
            continue;
    }
    free(bytes);
}

static void *serve(void *arg)
{
    struct connection *connection = arg;
    struct peer *peer = connection->peer;
    char byte;

    if (peer->deaf) {
        while (recv(connection->socket, &byte, 1, 0) > 0)
            continue;
        goto out;
    }
    if (peer->tls) {
        connection->ssl = SSL_new(peer->tls);
        SSL_set_fd(connection->ssl, connection->socket);
        if (SSL_accept(connection->ssl) != 1) {
            pthread_mutex_lock(&peer->lock);
            peer->failed_handshakes++;
            pthread_mutex_unlock(&peer->lock);
            goto out;
        }
    }
    serve_requests(connection);
out:
    SSL_free(connection->ssl);
    pthread_mutex_lock(&peer->lock);
    for (size_t index = 0; index < peer->connection_count; index++) {
        if (peer->sockets[index] == connection->socket)
            peer->sockets[index] = -1;
    }
    pthread_mutex_unlock(&peer->lock);
    close(connection->socket);
    free(connection);
    return NULL;
}

static void *listen_loop(void *arg)
{
    struct peer *peer = arg;

    for (;;) {
        int socket = accept(peer->listener, NULL, NULL), yes = 1;
        struct connection *connection;
        size_t index;

        if (socket < 0)
            return NULL;
        setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
        connection = memory_zero(1, sizeof(*connection));
        connection->peer = peer;
        connection->socket = socket;
        pthread_mutex_lock(&peer->lock);
        index = peer->connection_count++;
        assert_true(index < CONNECTIONS_MAX);
        peer->sockets[index] = socket;
        pthread_create(&peer->threads[index], NULL, serve, connection);
        pthread_mutex_unlock(&peer->lock);
    }
}

static struct peer *peer_start(const struct step *steps, size_t step_count,
                               SSL_CTX *tls, bool deaf)
{
    struct peer *peer = memory_zero(1, sizeof(*peer));
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);

    peer->steps = steps;
    peer->step_count = step_count;
    peer->tls = tls;
    peer->deaf = deaf;
    pthread_mutex_init(&peer->lock, NULL);
    peer->listener = socket(AF_INET, SOCK_STREAM, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(0, bind(peer->listener, (struct sockaddr *)&address, len));
    assert_int_equal(0, listen(peer->listener, 128));
    getsockname(peer->listener, (struct sockaddr *)&address, &len);
    peer->port = ntohs(address.sin_port);
    pthread_create(&peer->thread, NULL, listen_loop, peer);
    return peer;
}

static void peer_stop(struct peer *peer)
{
    shutdown(peer->listener, SHUT_RDWR);
    pthread_join(peer->thread, NULL);
    close(peer->listener);
    pthread_mutex_lock(&peer->lock);
    for (size_t index = 0; index < peer->connection_count; index++) {
        if (peer->sockets[index] >= 0)
            shutdown(peer->sockets[index], SHUT_RDWR);
    }
    pthread_mutex_unlock(&peer->lock);
    for (size_t index = 0; index < peer->connection_count; index++)
        pthread_join(peer->threads[index], NULL);
    pthread_mutex_destroy(&peer->lock);
    free(peer->request);
    free(peer);
}

static size_t peer_requests(struct peer *peer)
{
    size_t count;

    pthread_mutex_lock(&peer->lock);
    count = peer->request_count;
    pthread_mutex_unlock(&peer->lock);
    return count;
}

static size_t peer_connections(struct peer *peer)
{
    size_t count;

    pthread_mutex_lock(&peer->lock);
    count = peer->connection_count;
    pthread_mutex_unlock(&peer->lock);
    return count;
}

/* ---- Names ------------------------------------------------------------------
 *
 * libcurl's getaddrinfo is this one, so that no name leaves the machine and one
 * name never resolves until the test lets it. */

static sem_t name_gate;

__attribute__((visibility("default"))) int
getaddrinfo(const char *restrict node, const char *restrict service,
            const struct addrinfo *restrict hints,
            struct addrinfo **restrict result)
{
    int (*real)(const char *, const char *, const struct addrinfo *,
                struct addrinfo **);
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");

    if (node && !strcmp(node, "blocked.test")) {
        sem_wait(&name_gate);
        return EAI_NONAME;
    }
    if (node && strstr(node, ".test"))
        node = strncmp(node, "peer.test", 9) ? NULL : "127.0.0.1";
    if (!node)
        return EAI_NONAME;
    memcpy(&real, &symbol, sizeof(real));
    return real(node, service, hints, result);
}

/* ---- One client and what it was told ---- */

struct heard {
    uv_loop_t *loop; /* stopped by the answer, or NULL */
    unsigned calls;
    uint64_t id;
    uint32_t code;
    enum http_failure failure;
    bool sent, answered;
    uint64_t retry_after_ms;
    size_t header_count;
    char *body;
    size_t body_len;
    char header[128]; /* the first one's value */
    char message[256];
};

struct fixture {
    uv_loop_t loop;
    struct http_client *client;
    struct http_client_options options;
    unsigned closed;
};

static int64_t fixed_ms(void *arg)
{
    (void)arg;
    return INT64_C(1700000000000); /* 2023-11-14T22:13:20Z */
}

static const struct clock fixed_clock = {fixed_ms, fixed_ms, NULL};

static void start(struct fixture *fixture)
{
    struct error err = {""};

    uv_loop_init(&fixture->loop);
    fixture->closed = 0;
    fixture->options.clock = &fixed_clock;
    fixture->client =
        http_client_create(&fixture->loop, &fixture->options, &err);
    assert_string_equal("", err.text);
    assert_non_null(fixture->client);
}

static void on_client_closed(void *arg)
{
    struct fixture *fixture = arg;
    fixture->closed++;
}

static void finish(struct fixture *fixture)
{
    http_client_destroy(fixture->client, on_client_closed, fixture);
    assert_int_equal(0, uv_run(&fixture->loop, UV_RUN_DEFAULT));
    assert_int_equal(1, fixture->closed);
    assert_int_equal(0, uv_loop_close(&fixture->loop));
}

static void on_answer(void *arg, const struct http_answer *answer)
{
    struct heard *heard = arg;

    heard->calls++;
    if (heard->loop)
        uv_stop(heard->loop);
    heard->id = answer->id;
    heard->code = answer->code;
    heard->failure = answer->failure;
    heard->sent = answer->sent;
    heard->answered = answer->answered;
    heard->retry_after_ms = answer->retry_after_ms;
    heard->header_count = answer->header_count;
    free(heard->body);
    heard->body = memory_copy(answer->body.ptr, answer->body.len);
    heard->body_len = answer->body.len;
    if (answer->header_count)
        snprintf(heard->header, sizeof(heard->header), "%s",
                 answer->headers[0].value.ptr);
    snprintf(heard->message, sizeof(heard->message), "%s", answer->message);
}

static void wait_for(struct fixture *fixture, struct heard *heard)
{
    heard->loop = &fixture->loop;
    while (!heard->calls)
        uv_run(&fixture->loop, UV_RUN_DEFAULT);
    heard->loop = NULL;
    assert_int_equal(1, heard->calls);
}

static void forget(struct heard *heard)
{
    free(heard->body);
    memset(heard, 0, sizeof(*heard));
}

static void ask(struct fixture *fixture,
                const struct http_client_request *request, struct heard *heard)
{
    forget(heard);
    assert_int_equal(
        0, http_client_send(fixture->client, request, on_answer, heard, NULL));
    assert_int_equal(0, heard->calls);
    wait_for(fixture, heard);
}

static const char *url_of(const struct peer *peer, const char *path)
{
    static char url[512];

    snprintf(url, sizeof(url), "http%s://127.0.0.1:%u%s", peer->tls ? "s" : "",
             (unsigned)peer->port, path);
    return url;
}

static struct http_client_request get_of(const struct peer *peer, bool effect)
{
    struct http_client_request request = {
        .method = "GET", .url = url_of(peer, "/"), .effect = effect};
    return request;
}

#define OK_ANSWER                                                              \
    "HTTP/1.1 200 OK\r\nX-First: one\r\nContent-Length: 5\r\n\r\nhello"

static const struct step ok_steps[] = {{.answer = OK_ANSWER}};

/* ---- Pure parts ---- */

static void outcome_follows_the_table(void **state)
{
    static const struct {
        uint32_t code;
        enum http_failure failure;
        bool sent;
        cn_status read, effect;
    } rows[] = {
        {200, HTTP_FAILURE_NONE, true, CN_OK, CN_OK},
        {204, HTTP_FAILURE_NONE, true, CN_OK, CN_OK},
        {299, HTTP_FAILURE_NONE, true, CN_OK, CN_OK},
        {302, HTTP_FAILURE_NONE, true, CN_REJECTED, CN_REJECTED},
        {400, HTTP_FAILURE_NONE, true, CN_REJECTED, CN_REJECTED},
        {401, HTTP_FAILURE_NONE, true, CN_AUTH, CN_AUTH},
        {403, HTTP_FAILURE_NONE, true, CN_AUTH, CN_AUTH},
        {404, HTTP_FAILURE_NONE, true, CN_REJECTED, CN_REJECTED},
        {408, HTTP_FAILURE_NONE, true, CN_RETRY, CN_IN_DOUBT},
        {409, HTTP_FAILURE_NONE, true, CN_REJECTED, CN_REJECTED},
        {429, HTTP_FAILURE_NONE, true, CN_RATE_LIMITED, CN_RATE_LIMITED},
        {500, HTTP_FAILURE_NONE, true, CN_RETRY, CN_IN_DOUBT},
        {502, HTTP_FAILURE_NONE, true, CN_RETRY, CN_IN_DOUBT},
        {503, HTTP_FAILURE_NONE, true, CN_RATE_LIMITED, CN_RATE_LIMITED},
        {504, HTTP_FAILURE_NONE, true, CN_RETRY, CN_IN_DOUBT},
        {599, HTTP_FAILURE_NONE, true, CN_RETRY, CN_IN_DOUBT},
        {0, HTTP_FAILURE_RESOLVE, false, CN_RETRY, CN_RETRY},
        {0, HTTP_FAILURE_CONNECT, false, CN_RETRY, CN_RETRY},
        {0, HTTP_FAILURE_TLS, false, CN_RETRY, CN_RETRY},
        {0, HTTP_FAILURE_TIMEOUT_BEFORE_SENT, false, CN_RETRY, CN_RETRY},
        {0, HTTP_FAILURE_TIMEOUT_AFTER_SENT, true, CN_RETRY, CN_IN_DOUBT},
        {0, HTTP_FAILURE_CUT, true, CN_RETRY, CN_IN_DOUBT},
        {0, HTTP_FAILURE_UNREADABLE, true, CN_RETRY, CN_IN_DOUBT},
        {0, HTTP_FAILURE_TOO_LARGE, true, CN_REJECTED, CN_IN_DOUBT},
        {0, HTTP_FAILURE_CANCELLED, false, CN_CANCELLED, CN_CANCELLED},
        {0, HTTP_FAILURE_CANCELLED, true, CN_CANCELLED, CN_IN_DOUBT},
    };

    (void)state;
    for (size_t index = 0; index < sizeof(rows) / sizeof(rows[0]); index++) {
        struct http_answer answer = {.code = rows[index].code,
                                     .failure = rows[index].failure,
                                     .sent = rows[index].sent,
                                     .retry_after_ms = 5000};
        cn_status read, effect;
        uint64_t wait_ms = 1;

        effect = http_outcome(true, &answer, 9000, NULL);
        read = http_outcome(false, &answer, 3000, &wait_ms);
        if (read != rows[index].read || effect != rows[index].effect)
            fail_msg("row %zu: read %d, effect %d", index, read, effect);
        assert_int_equal(read == CN_RETRY || read == CN_RATE_LIMITED ? 3000 : 0,
                         wait_ms);
    }
}

static void answers_that_count_as_attempts(void **state)
{
    static const uint32_t counted[] = {1, 200, 302, 400, 401, 403, 409, 499};
    static const uint32_t not_counted[] = {0, 408, 425, 429, 500, 503, 599};

    (void)state;
    for (size_t index = 0; index < sizeof(counted) / sizeof(uint32_t); index++)
        assert_true(http_outcome_answered(counted[index]));
    for (size_t index = 0; index < sizeof(not_counted) / sizeof(uint32_t);
         index++)
        assert_false(http_outcome_answered(not_counted[index]));
}

static void retry_after_is_read_or_ignored(void **state)
{
    static const struct {
        const char *value;
        uint64_t ms;
    } rows[] = {
        {"30", 30000},
        {"0", 0},
        {"007", 7000},
        {"1000000000", UINT64_C(1000000000000)},
        {"99999999999999999999", 0},
        {"-5", 0},
        {"+5", 0},
        {"1e9", 0},
        {"1.5", 0},
        {"30 seconds", 0},
        {"soon", 0},
        {"", 0},
        {" 30", 0},
        {"Tue, 14 Nov 2023 22:14:20 GMT", 60000},
        {"Tuesday, 14-Nov-23 22:14:20 GMT", 60000},
        {"Tue Nov 14 22:14:20 2023", 60000},
        {"Tue Nov  5 22:14:20 2024", UINT64_C(30844860000)},
        {"Tue, 14 Nov 2023 22:12:20 GMT", 0},
        {"Sunday, 06-Nov-94 08:49:37 GMT", 0},
        {"Tue, 14 Nov 2023 22:14:20 GMT and more", 0},
        {"Tue, 14 Nov 2023 22:14:20 CET", 0},
        {"Tue, 14 Nov 2023 25:14:20 GMT", 0},
        {"Tue, 41 Nov 2023 22:14:20 GMT", 0},
        {"Tue, 14 Xyz 2023 22:14:20 GMT", 0},
        {"Tue, 14 Nov", 0},
    };

    (void)state;
    for (size_t index = 0; index < sizeof(rows) / sizeof(rows[0]); index++) {
        uint64_t ms =
            http_outcome_retry_after(rows[index].value, fixed_ms(NULL));
        if (ms != rows[index].ms)
            fail_msg("\"%s\" gave %llu", rows[index].value,
                     (unsigned long long)ms);
    }
}

/* The verdict on a head given as text; 1 when it is complete. */
static int verdict_on(const char *text)
{
    struct http_head head;
    int status = 0;

    http_head_init(&head);
    while (!status && *text) {
        size_t len = strcspn(text, "\n");
        len += text[len] == '\n';
        status = http_head_line(&head, text, len);
        text += len;
    }
    if (!status && head.complete)
        status = 1;
    http_head_done(&head);
    return status;
}

static void heads_are_read_strictly(void **state)
{
#define HEAD "HTTP/1.1 200 OK\r\n"
    static const struct {
        const char *text;
        int verdict;
    } rows[] = {
        {HEAD "\r\n", 1},
        {"HTTP/1.0 404\r\n\r\n", 1},
        {HEAD "A: b\r\nC:\r\n\r\n", 1},
        {HEAD "A: b\r\n c\r\n\r\n", 1},
        {HEAD "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 1},
        {HEAD "Transfer-Encoding: chunked\r\n\r\nTrailer: x\r\n", 1},
        {HEAD "Content-Encoding: identity\r\n\r\n", 1},
        {"HTTP/1.1 100 Continue\r\n\r\n", 0},
        {"HTTP/1.1 103 Hints\r\nLink: x\r\n\r\n" HEAD "\r\n", 1},
        {HEAD "A: b\r\n", 0},
        {"HTTP/2 200 OK\r\n\r\n", -EPROTO},
        {"HTTP/1.1 99 OK\r\n\r\n", -EPROTO},
        {"HTTP/1.1 600 OK\r\n\r\n", -EPROTO},
        {"HTTP/1.1 2000 OK\r\n\r\n", -EPROTO},
        {"HTTP/1.1 101 Switching\r\n\r\n", -EPROTO},
        {"HELLO\r\n", -EPROTO},
        {HEAD "A b\r\n\r\n", -EPROTO},
        {HEAD "A : b\r\n\r\n", -EPROTO},
        {HEAD ": b\r\n\r\n", -EPROTO},
        {HEAD " folded\r\n\r\n", -EPROTO},
        {HEAD "A: b\rc\r\n\r\n", -EPROTO},
        {HEAD "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", -EPROTO},
        {HEAD "Content-Length: +5\r\n\r\n", -EPROTO},
        {HEAD "Content-Length:\r\n\r\n", -EPROTO},
        {HEAD "Content-Length: 1234567890123456789\r\n\r\n", -EPROTO},
        {HEAD "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
         -EPROTO},
        {HEAD "Transfer-Encoding: gzip\r\n\r\n", -EPROTO},
        {HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n", -EPROTO},
        {HEAD "Content-Encoding: gzip\r\n\r\n", -EPROTO},
    };

    (void)state;
    for (size_t index = 0; index < sizeof(rows) / sizeof(rows[0]); index++) {
        int verdict = verdict_on(rows[index].text);
        if (verdict != rows[index].verdict)
            fail_msg("row %zu gave %d", index, verdict);
    }
#undef HEAD
}

static void heads_are_limited(void **state)
{
    struct http_head head;
    int status = 0;
    size_t count = 0;
    char *line = memory_zero(8192, 1);

    (void)state;
    http_head_init(&head);
    assert_int_equal(0, http_head_line(&head, "HTTP/1.1 200 OK\r\n", 17));
    while (!(status = http_head_line(&head, "A: b\r\n", 6)))
        count++;
    assert_int_equal(-E2BIG, status);
    assert_int_equal(HTTP_HEAD_COUNT_MAX, count);
    http_head_done(&head);

    http_head_init(&head);
    for (count = 0; !(status = http_head_line(
                          &head, "HTTP/1.1 102 Processing\r\n\r\n", 25)) &&
                    !(status = http_head_line(&head, "\r\n", 2));)
        count++;
    assert_int_equal(-E2BIG, status);
    http_head_done(&head);

    memset(line, 'v', 8191);
    memcpy(line, "Name: ", 6);
    http_head_init(&head);
    assert_int_equal(0, http_head_line(&head, "HTTP/1.1 200 OK\r\n", 17));
    for (count = 0; !(status = http_head_line(&head, line, 8191));)
        count++;
    assert_int_equal(-E2BIG, status);
    assert_int_equal(7, count);
    http_head_done(&head);
    free(line);
}

/* ---- Answers ---- */

static void an_answer_arrives_whole(void **state)
{
    struct fixture fixture = {0};
    struct peer *peer = peer_start(ok_steps, 1, NULL, false);
    struct http_client_request request = get_of(peer, false);
    struct heard heard = {0};

    (void)state;
    start(&fixture);
    ask(&fixture, &request, &heard);
    assert_int_equal(200, heard.code);
    assert_int_equal(HTTP_FAILURE_NONE, heard.failure);
    assert_true(heard.sent);
    assert_true(heard.answered);
    assert_int_equal(2, heard.header_count);
    assert_string_equal("one", heard.header);
    assert_string_equal("hello", heard.body);
    assert_string_equal("the other side answered 200", heard.message);
    assert_int_equal(0, http_client_open_count(fixture.client));
    finish(&fixture);
    peer_stop(peer);
    forget(&heard);
}

static void codes_cross_the_wire(void **state)
{
    static const struct step steps[] = {
        {.answer = "HTTP/1.1 503 Busy\r\nRetry-After: 30\r\n"
                   "Content-Length: 0\r\n\r\n"},
        {.answer = "HTTP/1.1 429 Busy\r\nContent-Length: 0\r\n"
                   "Retry-After: Tue, 14 Nov 2023 22:14:20 GMT\r\n\r\n"},
        {.answer = "HTTP/1.1 302 Elsewhere\r\nLocation: /secret\r\n"
                   "Content-Length: 0\r\n\r\n"},
        {.answer = "HTTP/1.1 204 None\r\n\r\n"},
        {.answer = "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 201 Made\r\n"
                   "X-First: late\r\nContent-Length: 2\r\n\r\nok"},
        {.answer = "HTTP/1.1 200 OK\r\nX-First: c\r\n"
                   "Transfer-Encoding: chunked\r\n\r\n"
                   "2\r\nab\r\n1\r\nc\r\n0\r\nTrailer: t\r\n\r\n"},
        {.answer = "HTTP/1.0 200 OK\r\nX-First: z\r\n\r\nuntil the end",
         .close = true},
    };
    static const uint32_t codes[] = {503, 429, 302, 204, 201, 200, 200};
    static const uint64_t waits[] = {30000, 60000, 0, 0, 0, 0, 0};
    static const char *const bodies[] = {
        "", "", "", "", "ok", "abc", "until the end"};
    struct fixture fixture = {0};
    struct peer *peer = peer_start(steps, 7, NULL, false);
    struct heard heard = {0};

    (void)state;
    start(&fixture);
    for (size_t index = 0; index < 7; index++) {
        struct http_client_request request = get_of(peer, false);

        ask(&fixture, &request, &heard);
        assert_int_equal(codes[index], heard.code);
        assert_int_equal(waits[index], heard.retry_after_ms);
        assert_string_equal(bodies[index], heard.body);
        assert_int_equal(index + 1, peer_requests(peer));
    }
    assert_int_equal(2, heard.header_count + 1); /* no trailer among them */
    assert_int_equal(1, peer_connections(peer));
    finish(&fixture);
    peer_stop(peer);
    forget(&heard);
}

static void unreadable_answers_are_none(void **state)
{
    static const char *const answers[] = {
        "HELO\r\n\r\n",
        "HTTP/0.9 200 OK\r\n\r\n",
        "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n"
        "Content-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
        "Content-Length: 2\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n"
        "Content-Length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
    };
    struct heard heard = {0};

    (void)state;
    for (size_t index = 0; index < 7; index++) {
        struct step step = {.answer = answers[index], .close = true};
        struct fixture fixture = {0};
        struct peer *peer = peer_start(&step, 1, NULL, false);
        struct http_client_request request = get_of(peer, true);

        start(&fixture);
        ask(&fixture, &request, &heard);
        if (heard.failure != HTTP_FAILURE_UNREADABLE &&
            heard.failure != HTTP_FAILURE_CUT)
            fail_msg("row %zu: failure %d", index, (int)heard.failure);
        if (index != 6)
            assert_int_equal(HTTP_FAILURE_UNREADABLE, heard.failure);
        assert_int_equal(0, heard.code);
        assert_int_equal(0, heard.body_len);
        assert_true(heard.sent);
        assert_int_equal(1, peer_requests(peer));
        finish(&fixture);
        peer_stop(peer);
    }
    forget(&heard);
}

static void cut_at_every_byte(const char *answer, size_t len, bool reset,
                              bool effect)
{
    struct heard heard = {0};

    for (size_t cut = 0; cut < len; cut++) {
        struct step step = {.answer = cut ? answer : NULL,
                            .len = cut,
                            .close = true,
                            .reset = reset};
        struct fixture fixture = {0};
        struct peer *peer = peer_start(&step, 1, NULL, false);
        struct http_client_request request = get_of(peer, effect);

        start(&fixture);
        ask(&fixture, &request, &heard);
        if (heard.failure != HTTP_FAILURE_CUT &&
            heard.failure != HTTP_FAILURE_UNREADABLE)
            fail_msg("cut at %zu: failure %d", cut, (int)heard.failure);
        assert_int_equal(0, heard.code);
        assert_true(heard.sent);
        assert_false(heard.answered);
        finish(&fixture);
        assert_int_equal(1, peer_requests(peer));
        peer_stop(peer);
    }
    forget(&heard);
}

static void an_answer_cut_anywhere_is_none(void **state)
{
    static const char chunked[] =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "2\r\nab\r\n0\r\n\r\n";

    (void)state;
    cut_at_every_byte(OK_ANSWER, strlen(OK_ANSWER), false, true);
    cut_at_every_byte(OK_ANSWER, strlen(OK_ANSWER), false, false);
    cut_at_every_byte(OK_ANSWER, strlen(OK_ANSWER), true, true);
    /* Only the last line feed may be missing: the end was said by then. */
    cut_at_every_byte(chunked, strlen(chunked) - 1, false, true);
}

/* ---- Repetition ---- */

static void reads_share_a_connection_effects_do_not(void **state)
{
    struct fixture fixture = {0};
    struct peer *peer = peer_start(ok_steps, 1, NULL, false);
    struct heard heard = {0};
    struct http_client_request request = get_of(peer, true);

    (void)state;
    start(&fixture);
    ask(&fixture, &request, &heard);
    assert_int_equal(1, peer_connections(peer));
    request.effect = false;
    for (int index = 0; index < 5; index++)
        ask(&fixture, &request, &heard);
    assert_int_equal(2, peer_connections(peer));
    request.effect = true;
    for (int index = 0; index < 5; index++)
        ask(&fixture, &request, &heard);
    assert_int_equal(7, peer_connections(peer));
    assert_int_equal(11, peer_requests(peer));
    finish(&fixture);
    peer_stop(peer);
    forget(&heard);
}

/* The peer takes a request on a connection that was used before and closes
 * without a byte.  libcurl sends a pure read again by itself; what has effect
 * goes out once, GET or POST. */
static void an_effect_is_never_sent_twice(void **state)
{
    static const struct step steps[] = {
        {.answer = OK_ANSWER}, {.close = true}, {.answer = OK_ANSWER}};
    static const struct step resets[] = {
        {.answer = OK_ANSWER}, {.reset = true}, {.answer = OK_ANSWER}};
    static const char *const methods[] = {"GET", "POST"};
    struct heard heard = {0};

    (void)state;
    for (int variant = 0; variant < 8; variant++) {
        struct fixture fixture = {0};
        struct peer *peer =
            peer_start(variant & 1 ? resets : steps, 3, NULL, false);
        struct http_client_request request = get_of(peer, false);

        start(&fixture);
        ask(&fixture, &request, &heard); /* leaves a connection behind */
        request.method = methods[variant / 2 % 2];
        request.effect = variant >= 4;
        ask(&fixture, &request, &heard);
        if (request.effect) {
            assert_int_equal(HTTP_FAILURE_CUT, heard.failure);
            assert_true(heard.sent);
            assert_int_equal(2, peer_requests(peer));
        } else if (!(variant & 1)) {
            assert_int_equal(200, heard.code);
            assert_string_equal("hello", heard.body);
            assert_int_equal(3, peer_requests(peer));
        }
        finish(&fixture);
        peer_stop(peer);
    }
    forget(&heard);
}

/* ---- Limits ---- */

static void time_outs_know_whether_it_was_sent(void **state)
{
    static const struct step hang[] = {{.hang = true}};
    static const struct step half[] = {
        {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
         .hang = true}};
    struct fixture fixture = {0};
    struct peer *silent = peer_start(hang, 1, NULL, false);
    struct peer *slow = peer_start(half, 1, NULL, false);
    struct peer *deaf = peer_start(hang, 1, NULL, true);
    struct http_client_request request = get_of(silent, true);
    struct heard heard = {0};
    char url[64];

    (void)state;
    start(&fixture);
    request.timeout_ms = 200;
    ask(&fixture, &request, &heard);
    assert_int_equal(HTTP_FAILURE_TIMEOUT_AFTER_SENT, heard.failure);
    assert_true(heard.sent);
    assert_int_equal(1, peer_requests(silent));

    request.url = url_of(slow, "/");
    ask(&fixture, &request, &heard);
    assert_int_equal(HTTP_FAILURE_TIMEOUT_AFTER_SENT, heard.failure);
    assert_int_equal(0, heard.code);
    assert_int_equal(0, heard.body_len);

    /* A handshake that stalls. */
    snprintf(url, sizeof(url), "https://127.0.0.1:%u/", (unsigned)deaf->port);
    request.url = url;
    request.connect_timeout_ms = 100;
    request.timeout_ms = 60000;
    ask(&fixture, &request, &heard);
    assert_int_equal(HTTP_FAILURE_TIMEOUT_BEFORE_SENT, heard.failure);
    assert_false(heard.sent);
    finish(&fixture);
    peer_stop(silent);
    peer_stop(slow);
    peer_stop(deaf);
    forget(&heard);
}

/* One that waits for a connection until its time is up was not sent. */
static void a_request_may_wait_in_vain(void **state)
{
    static const struct step hang[] = {{.hang = true}};
    struct fixture fixture = {.options = {.connections_max = 1}};
    struct peer *peer = peer_start(hang, 1, NULL, false);
    struct http_client_request request = get_of(peer, true);
    struct heard heard = {0}, other = {0};

    (void)state;
    start(&fixture);
    assert_int_equal(
        0, http_client_send(fixture.client, &request, on_answer, &other, NULL));
    while (!peer_requests(peer))
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
    request.timeout_ms = 100;
    ask(&fixture, &request, &heard);
    assert_int_equal(HTTP_FAILURE_TIMEOUT_BEFORE_SENT, heard.failure);
    assert_false(heard.sent);
    assert_int_equal(1, peer_requests(peer));
    finish(&fixture);
    assert_true(other.sent);
    peer_stop(peer);
    forget(&heard);
    forget(&other);
}

/* Requests that wait for one host stand in nobody else's way. */
static void a_crowded_host_holds_up_no_other(void **state)
{
    static const struct step hang[] = {{.hang = true}};
    struct fixture fixture = {.options = {.host_connections_max = 1}};
    struct peer *crowded = peer_start(hang, 1, NULL, false);
    struct peer *peer = peer_start(ok_steps, 1, NULL, false);
    struct http_client_request request = get_of(crowded, true);
    struct heard stuck[3] = {{0}}, heard[5] = {{0}};

    (void)state;
    start(&fixture);
    for (int index = 0; index < 3; index++)
        assert_int_equal(0, http_client_send(fixture.client, &request,
                                             on_answer, &stuck[index], NULL));
    request.url = url_of(peer, "/");
    request.timeout_ms = 5000;
    for (int index = 0; index < 5; index++)
        assert_int_equal(0, http_client_send(fixture.client, &request,
                                             on_answer, &heard[index], NULL));
    for (int index = 0; index < 5; index++) {
        wait_for(&fixture, &heard[index]);
        assert_int_equal(200, heard[index].code);
        forget(&heard[index]);
    }
    finish(&fixture);
    for (int index = 0; index < 3; index++) {
        assert_int_equal(HTTP_FAILURE_CANCELLED, stuck[index].failure);
        forget(&stuck[index]);
    }
    peer_stop(crowded);
    peer_stop(peer);
}

static void answers_have_a_limit(void **state)
{
    static const char *const answers[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n12345678901",
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
         "b\r\n12345678901\r\n0\r\n\r\n"),
        "HTTP/1.0 200 OK\r\n\r\n12345678901",
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n1234567890",
    };
    struct heard heard = {0};

    (void)state;
    for (size_t index = 0; index < 4; index++) {
        struct step step = {.answer = answers[index], .close = true};
        struct fixture fixture = {0};
        struct peer *peer = peer_start(&step, 1, NULL, false);
        struct http_client_request request = get_of(peer, false);

        if (index == 1)
            fixture.options.answer_bytes_max = 10;
        else
            request.answer_bytes_max = 10;
        start(&fixture);
        ask(&fixture, &request, &heard);
        assert_int_equal(index == 3 ? HTTP_FAILURE_NONE
                                    : HTTP_FAILURE_TOO_LARGE,
                         heard.failure);
        assert_int_equal(index == 3 ? 10 : 0, heard.body_len);
        assert_true(heard.sent);
        finish(&fixture);
        peer_stop(peer);
    }
    forget(&heard);
}

static void open_requests_have_a_limit(void **state)
{
    static const struct step hang[] = {{.hang = true}};
    struct fixture fixture = {.options = {.open_max = 2}};
    struct peer *peer = peer_start(hang, 1, NULL, false);
    struct http_client_request request = get_of(peer, false);
    struct heard heard[3] = {{0}};
    uint64_t id;

    (void)state;
    start(&fixture);
    assert_int_equal(0, http_client_send(fixture.client, &request, on_answer,
                                         &heard[0], &id));
    assert_int_equal(0, http_client_send(fixture.client, &request, on_answer,
                                         &heard[1], NULL));
    assert_int_equal(-ENOBUFS, http_client_send(fixture.client, &request,
                                                on_answer, &heard[2], NULL));
    http_client_cancel(fixture.client, id);
    wait_for(&fixture, &heard[0]);
    assert_int_equal(0, http_client_send(fixture.client, &request, on_answer,
                                         &heard[2], NULL));
    finish(&fixture);
    assert_int_equal(1, heard[1].calls);
    assert_int_equal(1, heard[2].calls);
    peer_stop(peer);
    for (int index = 0; index < 3; index++)
        forget(&heard[index]);
}

/* More requests than connections wait their turn, and all are answered. */
static void connections_have_a_limit(void **state)
{
    struct fixture fixture = {.options = {.host_connections_max = 3}};
    struct peer *peer = peer_start(ok_steps, 1, NULL, false);
    struct http_client_request request = get_of(peer, false);
    struct heard heard[40] = {{0}};

    (void)state;
    start(&fixture);
    for (int index = 0; index < 40; index++) {
        request.effect = index % 2;
        assert_int_equal(0, http_client_send(fixture.client, &request,
                                             on_answer, &heard[index], NULL));
    }
    for (int index = 0; index < 40; index++) {
        wait_for(&fixture, &heard[index]);
        assert_int_equal(200, heard[index].code);
        forget(&heard[index]);
    }
    assert_int_equal(40, peer_requests(peer));
    finish(&fixture);
    peer_stop(peer);
}

/* ---- What goes out ---- */

static void credentials_are_added(void **state)
{
    static const cn_header headers[] = {
        {CN_STR("X-Empty"), CN_STR("")},
        {CN_STR("Content-Type"), CN_STR("application/json")}};
    static const struct http_credential credentials[] = {
        {HTTP_BASIC, CN_STR("user"), CN_STR("pass:word")},
        {HTTP_HEADER, CN_STR("X-Api-Key"), CN_STR("key-1")},
        {HTTP_HEADER, CN_STR("X-Absent"), CN_STR("")},
        {HTTP_QUERY, CN_STR("Password"), CN_STR("a b&c=\xe4+%")},
        {HTTP_QUERY, CN_STR("Empty"), CN_STR("")}};
    struct fixture fixture = {0};
    struct peer *peer = peer_start(ok_steps, 1, NULL, false);
    struct http_client_request request = {.method = "PUT",
                                          .url = url_of(peer, "/a%20b?x=1"),
                                          .headers = headers,
                                          .header_count = 2,
                                          .credentials = credentials,
                                          .credential_count = 5,
                                          .body = CN_STR("{\"a\":1}")};
    struct heard heard = {0};

    (void)state;
    start(&fixture);
    ask(&fixture, &request, &heard);
    assert_int_equal(200, heard.code);
    assert_ptr_equal(peer->request,
                     strstr(peer->request,
                            "PUT /a%20b?x=1&Password=a%20b%26c%3D%E4%2B%25"
                            "&Empty= HTTP/1.1\r\n"));
    assert_non_null(strstr(
        peer->request, "\r\nAuthorization: Basic dXNlcjpwYXNzOndvcmQ=\r\n"));
    assert_non_null(strstr(peer->request, "\r\nX-Api-Key: key-1\r\n"));
    assert_non_null(strstr(peer->request, "\r\nX-Empty:\r\n"));
    assert_null(strstr(peer->request, "X-Absent"));
    assert_non_null(
        strstr(peer->request, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(peer->request, "\r\n\r\n{\"a\":1}"));
    assert_null(strcasestr(peer->request, "Accept-Encoding"));
    assert_null(strcasestr(peer->request, "Expect"));
    assert_null(strcasestr(peer->request, "Cookie"));
    finish(&fixture);
    peer_stop(peer);
    forget(&heard);
}

static void a_token_is_added_and_a_body_has_no_type(void **state)
{
    static const struct http_credential token[] = {
        {HTTP_BEARER, CN_STR(""), CN_STR("abc.def")}};
    static const struct http_credential key[] = {
        {HTTP_BASIC, CN_STR("key"), CN_STR("")}};
    struct fixture fixture = {0};
    struct peer *peer = peer_start(ok_steps, 1, NULL, false);
    struct http_client_request request = {.method = "POST",
                                          .url = url_of(peer, ""),
                                          .credentials = token,
                                          .credential_count = 1};
    struct heard heard = {0};

    (void)state;
    start(&fixture);
    ask(&fixture, &request, &heard);
    assert_non_null(
        strstr(peer->request, "\r\nAuthorization: Bearer abc.def\r\n"));
    assert_non_null(strstr(peer->request, "\r\nContent-Length: 0\r\n"));
    assert_null(strcasestr(peer->request, "Content-Type"));
    request.credentials = key;
    ask(&fixture, &request, &heard);
    assert_non_null(
        strstr(peer->request, "\r\nAuthorization: Basic a2V5Og==\r\n"));
    finish(&fixture);
    peer_stop(peer);
    forget(&heard);
}

static void a_large_body_goes_out_whole(void **state)
{
    size_t len = 1024 * 1024 + 1; /* from where on libcurl would expect 100 */
    char *body = memory_zero(len, 1);
    struct fixture fixture = {0};
    struct peer *peer = peer_start(ok_steps, 1, NULL, false);
    struct http_client_request request = {.method = "POST",
                                          .url = url_of(peer, "/"),
                                          .body = {body, len},
                                          .effect = true};
    struct heard heard = {0};

    (void)state;
    for (size_t index = 0; index < len; index++)
        body[index] = (char)(index * 7 + index / 251);
    start(&fixture);
    ask(&fixture, &request, &heard);
    assert_int_equal(200, heard.code);
    assert_memory_equal(body, peer->request + peer->request_len - len, len);
    assert_null(strcasestr(peer->request, "Expect"));
    finish(&fixture);
    peer_stop(peer);
    forget(&heard);
    free(body);
}

static void nothing_is_read_from_the_environment(void **state)
{
    struct fixture fixture = {0};
    struct peer *peer = peer_start(ok_steps, 1, NULL, false);
    struct http_client_request request = get_of(peer, false);
    struct heard heard = {0};
    char directory[] = "/tmp/connect-test-XXXXXX", path[64];
    FILE *file;

    (void)state;
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/.netrc", directory);
    file = fopen(path, "w");
    assert_non_null(file);
    fputs("machine 127.0.0.1 login canary password canary\n", file);
    fclose(file);
    setenv("HOME", directory, 1);
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
    start(&fixture);
    ask(&fixture, &request, &heard);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    assert_int_equal(200, heard.code);
    assert_null(strcasestr(peer->request, "Authorization"));
    finish(&fixture);
    unlink(path);
    rmdir(directory);
    peer_stop(peer);
    forget(&heard);
}

static void never(void *arg, const struct http_answer *answer)
{
    (void)arg;
    (void)answer;
    fail_msg("called after a refusal");
}

static void requests_that_break_a_rule_are_refused(void **state)
{
    static const char *const urls[] = {"ftp://127.0.0.1/",
                                       "file:///etc/passwd",
                                       "127.0.0.1/",
                                       "http://",
                                       "http://user@127.0.0.1/",
                                       "http://user:pass@127.0.0.1/",
                                       "http://127.0.0.1/#part",
                                       "http://127.0.0.1/a b",
                                       "http://127.0.0.1/\r\nX: y",
                                       "http://127.0.0.1:99999/",
                                       "http://b\xc3\xbc.test/",
                                       ""};
    static const cn_header headers[] = {
        {CN_STR("Host"), CN_STR("other")},
        {CN_STR("content-length"), CN_STR("1")},
        {CN_STR("Transfer-Encoding"), CN_STR("chunked")},
        {CN_STR("Accept-Encoding"), CN_STR("gzip")},
        {CN_STR("Connection"), CN_STR("close")},
        {CN_STR("X Y"), CN_STR("v")},
        {CN_STR(""), CN_STR("v")},
        {CN_STR("X\r\nY"), CN_STR("v")},
        {CN_STR("X"), CN_STR("v\r\nY: z")},
        {CN_STR("X"), CN_STR("v\0w")}};
    static const char *const methods[] = {"", "get", "GET /", "CONNECT",
                                          "GET\r\n"};
    static const struct http_credential twice[] = {
        {HTTP_BEARER, CN_STR(""), CN_STR("a")},
        {HTTP_BASIC, CN_STR("b"), CN_STR("c")}};
    static const struct http_credential colon[] = {
        {HTTP_BASIC, CN_STR("a:b"), CN_STR("c")}};
    struct fixture fixture = {0};
    struct http_client_request good = {.method = "GET",
                                       .url = "http://127.0.0.1:1/"};
    struct http_client_request request;

    (void)state;
    start(&fixture);
#define REFUSED(expected)                                                      \
    assert_int_equal(expected, http_client_send(fixture.client, &request,      \
                                                never, NULL, NULL))
    for (size_t index = 0; index < sizeof(urls) / sizeof(urls[0]); index++) {
        request = good;
        request.url = urls[index];
        REFUSED(-EINVAL);
    }
    for (size_t index = 0; index < 10; index++) {
        request = good;
        request.headers = &headers[index];
        request.header_count = 1;
        REFUSED(-EINVAL);
    }
    for (size_t index = 0; index < 5; index++) {
        request = good;
        request.method = methods[index];
        REFUSED(-EINVAL);
    }
    request = good;
    request.credentials = twice;
    request.credential_count = 2;
    REFUSED(-EINVAL);
    request.credentials = colon;
    request.credential_count = 1;
    REFUSED(-EINVAL);
    request = good;
    request.body.len = CN_BODY_MAX + 1;
    REFUSED(-E2BIG);
#undef REFUSED
    assert_int_equal(0, http_client_open_count(fixture.client));
    finish(&fixture);
}

/* ---- No connection ---- */

static void what_was_not_sent_is_known(void **state)
{
    struct fixture fixture = {0};
    struct peer *peer = peer_start(ok_steps, 1, NULL, false);
    struct http_client_request request = get_of(peer, true);
    char url[64];
    struct heard heard = {0};

    (void)state;
    snprintf(url, sizeof(url), "http://127.0.0.1:%u/?secret=canary",
             (unsigned)peer->port);
    peer_stop(peer); /* nobody listens there now */
    request.url = url;
    start(&fixture);
    ask(&fixture, &request, &heard);
    assert_int_equal(HTTP_FAILURE_CONNECT, heard.failure);
    assert_false(heard.sent);
    assert_string_equal("no connection to the other side: connection refused",
                        heard.message);
    request.url = "http://missing.test/?secret=canary";
    ask(&fixture, &request, &heard);
    assert_int_equal(HTTP_FAILURE_RESOLVE, heard.failure);
    assert_false(heard.sent);
    assert_null(strstr(heard.message, "canary"));
    finish(&fixture);
    forget(&heard);
}

/* A name that does not resolve must not hold the loop when time is up. */
static void a_blocked_name_does_not_block_the_loop(void **state)
{
    struct fixture fixture = {0};
    struct http_client_request request = {
        .method = "GET", .url = "http://blocked.test/", .timeout_ms = 100};
    struct heard heard = {0};

    (void)state;
    start(&fixture);
    ask(&fixture, &request, &heard);
    assert_int_equal(HTTP_FAILURE_TIMEOUT_BEFORE_SENT, heard.failure);
    assert_false(heard.sent);
    finish(&fixture);
    sem_post(&name_gate); /* after all: it was still waiting */
    forget(&heard);
}

/* ---- Cancelling ---- */

static void a_request_can_be_cancelled(void **state)
{
    static const struct step hang[] = {{.hang = true}};
    struct fixture fixture = {0};
    struct peer *peer = peer_start(hang, 1, NULL, false);
    struct http_client_request request = get_of(peer, true);
    struct heard heard = {0};
    uint64_t id = 0;

    (void)state;
    start(&fixture);
    assert_int_equal(
        0, http_client_send(fixture.client, &request, on_answer, &heard, &id));
    http_client_cancel(fixture.client, id);
    http_client_cancel(fixture.client, id);
    http_client_cancel(fixture.client, id + 1);
    assert_int_equal(0, heard.calls);
    wait_for(&fixture, &heard);
    assert_int_equal(HTTP_FAILURE_CANCELLED, heard.failure);
    assert_int_equal(id, heard.id);
    assert_false(heard.sent);

    forget(&heard);
    assert_int_equal(
        0, http_client_send(fixture.client, &request, on_answer, &heard, &id));
    while (!peer_requests(peer))
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
    http_client_cancel(fixture.client, id);
    wait_for(&fixture, &heard);
    assert_int_equal(HTTP_FAILURE_CANCELLED, heard.failure);
    assert_true(heard.sent);
    finish(&fixture);
    assert_int_equal(1, heard.calls);
    peer_stop(peer);
    forget(&heard);
}

struct chain {
    struct fixture *fixture;
    struct http_client_request request;
    uint64_t other;
    unsigned calls;
};

static void on_chain(void *arg, const struct http_answer *answer)
{
    struct chain *chain = arg;
    uint64_t id = 0;

    (void)answer;
    chain->calls++;
    if (chain->calls == 1) {
        assert_int_equal(0, http_client_send(chain->fixture->client,
                                             &chain->request, on_chain, chain,
                                             &id));
        http_client_cancel(chain->fixture->client, id);
        http_client_cancel(chain->fixture->client, chain->other);
    } else if (chain->calls == 2) {
        http_client_destroy(chain->fixture->client, on_client_closed,
                            chain->fixture);
        assert_int_equal(-ECANCELED,
                         http_client_send(chain->fixture->client,
                                          &chain->request, never, NULL, NULL));
    }
}

/* From inside a callback: send, cancel itself and others, destroy. */
static void a_callback_may_do_anything(void **state)
{
    static const struct step steps[] = {{.answer = OK_ANSWER}, {.hang = true}};
    struct fixture fixture = {0};
    struct peer *peer = peer_start(steps, 2, NULL, false);
    struct chain chain = {.fixture = &fixture, .request = get_of(peer, false)};

    (void)state;
    start(&fixture);
    assert_int_equal(0, http_client_send(fixture.client, &chain.request,
                                         on_chain, &chain, NULL));
    assert_int_equal(0, http_client_send(fixture.client, &chain.request,
                                         on_chain, &chain, &chain.other));
    assert_int_equal(0, uv_run(&fixture.loop, UV_RUN_DEFAULT));
    assert_int_equal(3, chain.calls);
    assert_int_equal(1, fixture.closed);
    assert_int_equal(0, uv_loop_close(&fixture.loop));
    peer_stop(peer);
}

static void destroy_ends_what_is_open(void **state)
{
    static const struct step hang[] = {{.hang = true}};
    struct fixture fixture = {0};
    struct peer *peer = peer_start(hang, 1, NULL, false);
    struct http_client_request request = get_of(peer, false);
    struct heard heard[10] = {{0}};

    (void)state;
    start(&fixture);
    for (int index = 0; index < 10; index++)
        assert_int_equal(0, http_client_send(fixture.client, &request,
                                             on_answer, &heard[index], NULL));
    while (peer_requests(peer) < 10)
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
    finish(&fixture);
    for (int index = 0; index < 10; index++) {
        assert_int_equal(1, heard[index].calls);
        assert_int_equal(HTTP_FAILURE_CANCELLED, heard[index].failure);
        forget(&heard[index]);
    }
    peer_stop(peer);
    http_client_destroy(NULL, NULL, NULL);
}

/* ---- TLS ---- */

struct identity {
    EVP_PKEY *key;
    X509 *certificate;
};

struct wanted_certificate {
    const char *names;  /* subjectAltName, or NULL */
    const char *common; /* the subject's common name */
    long from_s, to_s;  /* relative to now */
    unsigned rsa_bits;  /* 0: EC P-256 */
    const EVP_MD *digest;
    bool authority;
};

static void add_extension(X509 *certificate, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    assert_non_null(extension);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

static struct identity identity_make(const struct wanted_certificate *wanted,
                                     const struct identity *issuer)
{
    static long serial = 1;
    struct identity made;
    X509_NAME *name;

    made.key =
        wanted->rsa_bits ? EVP_RSA_gen(wanted->rsa_bits) : EVP_EC_gen("P-256");
    made.certificate = X509_new();
    X509_set_version(made.certificate, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.certificate), serial++);
    X509_gmtime_adj(X509_getm_notBefore(made.certificate), wanted->from_s);
    X509_gmtime_adj(X509_getm_notAfter(made.certificate), wanted->to_s);
    name = X509_get_subject_name(made.certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)wanted->common, -1, -1,
                               0);
    X509_set_issuer_name(made.certificate,
                         issuer ? X509_get_subject_name(issuer->certificate)
                                : name);
    X509_set_pubkey(made.certificate, made.key);
    if (wanted->names)
        add_extension(made.certificate, NID_subject_alt_name, wanted->names);
    if (wanted->authority)
        add_extension(made.certificate, NID_basic_constraints,
                      "critical,CA:TRUE");
    assert_true(X509_sign(made.certificate, issuer ? issuer->key : made.key,
                          wanted->digest ? wanted->digest : EVP_sha256()) > 0);
    return made;
}

static void identity_free(struct identity *identity)
{
    EVP_PKEY_free(identity->key);
    X509_free(identity->certificate);
}

static SSL_CTX *tls_server(const struct identity *identity, int version_max)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

    SSL_CTX_set_security_level(tls, 0);
    assert_int_equal(1, SSL_CTX_use_certificate(tls, identity->certificate));
    assert_int_equal(1, SSL_CTX_use_PrivateKey(tls, identity->key));
    if (version_max) {
        SSL_CTX_set_min_proto_version(tls, TLS1_VERSION);
        SSL_CTX_set_max_proto_version(tls, version_max);
    }
    return tls;
}

enum { YEAR_S = 365 * 24 * 3600 };

static struct {
    struct identity authority, stranger;
    char directory[40];
    char file[64];
} trust;

static int tls_setup(void **state)
{
    struct wanted_certificate wanted = {.common = "Test Authority",
                                        .from_s = -YEAR_S,
                                        .to_s = YEAR_S,
                                        .authority = true};
    FILE *file;

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    sem_init(&name_gate, 0, 0);
    strncpy(trust.directory, "/tmp/connect-test-XXXXXX",
            sizeof(trust.directory) - 1);
    assert_non_null(mkdtemp(trust.directory));
    snprintf(trust.file, sizeof(trust.file), "%s/ca.pem", trust.directory);
    trust.authority = identity_make(&wanted, NULL);
    wanted.common = "Another Authority";
    trust.stranger = identity_make(&wanted, NULL);
    file = fopen(trust.file, "w");
    assert_non_null(file);
    PEM_write_X509(file, trust.authority.certificate);
    fclose(file);
    return 0;
}

static int tls_teardown(void **state)
{
    (void)state;
    unlink(trust.file);
    rmdir(trust.directory);
    identity_free(&trust.authority);
    identity_free(&trust.stranger);
    return 0;
}

/* Ask a TLS peer with this certificate; host is what the URL says. */
static void ask_tls(const struct wanted_certificate *wanted,
                    const struct identity *issuer, int version_max,
                    const char *host, struct heard *heard, size_t *ret_requests)
{
    struct identity identity = identity_make(wanted, issuer);
    SSL_CTX *tls = tls_server(&identity, version_max);
    struct fixture fixture = {.options = {.ca_file = trust.file}};
    struct peer *peer = peer_start(ok_steps, 1, tls, false);
    struct http_client_request request = {.method = "GET", .effect = true};
    char url[128];

    snprintf(url, sizeof(url), "https://%s:%u/", host, (unsigned)peer->port);
    request.url = url;
    start(&fixture);
    ask(&fixture, &request, heard);
    *ret_requests = peer_requests(peer);
    finish(&fixture);
    peer_stop(peer);
    SSL_CTX_free(tls);
    identity_free(&identity);
}

static void certificates_are_verified(void **state)
{
    static const struct wanted_certificate good = {
        .names = "IP:127.0.0.1,DNS:peer.test",
        .common = "x",
        .from_s = -3600,
        .to_s = 3600};
    struct {
        const char *title;
        struct wanted_certificate wanted;
        const struct identity *issuer;
        int version_max;
        const char *host;
        bool fits;
        const char *part; /* of the sentence */
    } rows[] = {
        {"good, by address", good, &trust.authority, 0, "127.0.0.1", true, ""},
        {"good, by name", good, &trust.authority, 0, "peer.test", true, ""},
        {"good, name with a dot", good, &trust.authority, 0, "peer.test.", true,
         ""},
        {"TLS 1.2", good, &trust.authority, TLS1_2_VERSION, "127.0.0.1", true,
         ""},
        {"TLS 1.1", good, &trust.authority, TLS1_1_VERSION, "127.0.0.1", false,
         "no TLS 1.2"},
        {"self-signed", good, NULL, 0, "127.0.0.1", false, "certificate"},
        {"unknown authority", good, &trust.stranger, 0, "127.0.0.1", false,
         "certificate"},
        {"another name", good, &trust.authority, 0, "localhost", false,
         "ostname mismatch"},
        {"expired", good, &trust.authority, 0, "127.0.0.1", false, "expired"},
        {"not yet valid", good, &trust.authority, 0, "127.0.0.1", false,
         "not yet valid"},
        {"name only in the subject", good, &trust.authority, 0, "peer.test",
         false, "ostname mismatch"},
        {"1024 bits", good, &trust.authority, 0, "127.0.0.1", false,
         "too weak"},
        {"SHA-1", good, &trust.authority, 0, "127.0.0.1", false, "too weak"},
    };

    (void)state;
    rows[8].wanted.to_s = -60;
    rows[9].wanted.from_s = 60;
    rows[10].wanted.names = NULL;
    rows[10].wanted.common = "peer.test";
    rows[11].wanted.rsa_bits = 1024;
    rows[12].wanted.digest = EVP_sha1();
    for (size_t index = 0; index < sizeof(rows) / sizeof(rows[0]); index++) {
        struct heard heard = {0};
        size_t requests = 0;

        ask_tls(&rows[index].wanted, rows[index].issuer,
                rows[index].version_max, rows[index].host, &heard, &requests);
        if (rows[index].fits != (heard.code == 200) ||
            requests != rows[index].fits)
            fail_msg("%s: code %u, %zu requests, %s", rows[index].title,
                     (unsigned)heard.code, requests, heard.message);
        if (!rows[index].fits &&
            (heard.sent || heard.failure != HTTP_FAILURE_TLS ||
             !strstr(heard.message, rows[index].part)))
            fail_msg("%s: failure %d, sent %d, %s", rows[index].title,
                     (int)heard.failure, heard.sent, heard.message);
        forget(&heard);
    }
}

static void plain_http_on_a_tls_port_is_refused(void **state)
{
    static const struct step steps[] = {
        {.answer = "HTTP/1.1 400 Bad\r\n\r\n", .close = true}};
    static const struct http_credential token[] = {
        {HTTP_BEARER, CN_STR(""), CN_STR("canary")}};
    struct fixture fixture = {.options = {.ca_file = trust.file}};
    struct peer *peer = peer_start(steps, 1, NULL, true);
    struct http_client_request request = {.method = "GET",
                                          .credentials = token,
                                          .credential_count = 1,
                                          .effect = true};
    struct heard heard = {0};
    char url[64];

    (void)state;
    snprintf(url, sizeof(url), "https://127.0.0.1:%u/", (unsigned)peer->port);
    request.url = url;
    start(&fixture);
    assert_int_equal(
        0, http_client_send(fixture.client, &request, on_answer, &heard, NULL));
    /* The peer says HTTP before the handshake, as a plain server would. */
    while (!heard.calls) {
        pthread_mutex_lock(&peer->lock);
        if (peer->connection_count == 1 && peer->sockets[0] >= 0 &&
            !peer->request_count) {
            peer->request_count++;
            send(peer->sockets[0], "HTTP/1.1 400 Bad\r\n\r\n", 20,
                 MSG_NOSIGNAL);
        }
        pthread_mutex_unlock(&peer->lock);
        uv_run(&fixture.loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(HTTP_FAILURE_TLS, heard.failure);
    assert_false(heard.sent);
    finish(&fixture);
    peer_stop(peer);
    forget(&heard);
}

/* Without a length only the end of TLS tells a whole answer from a part. */
static void a_tls_answer_without_an_end_is_cut(void **state)
{
    static const struct step steps[] = {
        {.answer = "HTTP/1.0 200 OK\r\n\r\nhalf an ans", .close = true}};
    static const struct wanted_certificate good = {
        .names = "IP:127.0.0.1", .common = "x", .from_s = -3600, .to_s = 3600};
    struct identity identity = identity_make(&good, &trust.authority);
    SSL_CTX *tls = tls_server(&identity, 0);
    struct fixture fixture = {.options = {.ca_file = trust.file}};
    struct peer *peer = peer_start(steps, 1, tls, false);
    struct http_client_request request = get_of(peer, true);
    struct heard heard = {0};

    (void)state;
    start(&fixture);
    ask(&fixture, &request, &heard);
    assert_int_equal(HTTP_FAILURE_CUT, heard.failure);
    assert_true(heard.sent);
    finish(&fixture);
    peer_stop(peer);
    SSL_CTX_free(tls);
    identity_free(&identity);
    forget(&heard);
}

/* The certificate changes to one of a stranger between two requests. */
static void each_connection_is_verified(void **state)
{
    static const struct wanted_certificate good = {
        .names = "IP:127.0.0.1", .common = "x", .from_s = -3600, .to_s = 3600};
    struct identity first = identity_make(&good, &trust.authority);
    struct identity second = identity_make(&good, &trust.stranger);
    SSL_CTX *tls = tls_server(&first, 0);
    struct fixture fixture = {.options = {.ca_file = trust.file}};
    struct peer *peer = peer_start(ok_steps, 1, tls, false);
    struct http_client_request request = get_of(peer, true);
    struct heard heard = {0};

    (void)state;
    start(&fixture);
    ask(&fixture, &request, &heard);
    assert_int_equal(200, heard.code);
    SSL_CTX_use_certificate(tls, second.certificate);
    SSL_CTX_use_PrivateKey(tls, second.key);
    ask(&fixture, &request, &heard);
    assert_int_equal(HTTP_FAILURE_TLS, heard.failure);
    assert_int_equal(1, peer_requests(peer));
    SSL_CTX_use_certificate(tls, first.certificate);
    SSL_CTX_use_PrivateKey(tls, first.key);
    ask(&fixture, &request, &heard);
    assert_int_equal(200, heard.code);
    finish(&fixture);
    peer_stop(peer);
    SSL_CTX_free(tls);
    identity_free(&first);
    identity_free(&second);
    forget(&heard);
}

static void session_keys_are_not_written_down(void **state)
{
    static const struct wanted_certificate good = {
        .names = "IP:127.0.0.1", .common = "x", .from_s = -3600, .to_s = 3600};
    char path[96];
    struct heard heard = {0};
    size_t requests = 0;
    FILE *file;

    (void)state;
    snprintf(path, sizeof(path), "%s/keys", trust.directory);
    ask_tls(&good, &trust.authority, 0, "127.0.0.1", &heard, &requests);
    assert_int_equal(200, heard.code);
    file = fopen(path, "r");
    if (file) {
        int first = fgetc(file);
        fclose(file);
        unlink(path);
        assert_int_equal(EOF, first);
    }
    forget(&heard);
}

static void unusable_authorities_are_refused(void **state)
{
    struct http_client_options options = {.ca_file = "/nonexistent/ca.pem"};
    struct error err = {""};
    uv_loop_t loop;

    (void)state;
    uv_loop_init(&loop);
    assert_null(http_client_create(&loop, &options, &err));
    assert_non_null(strstr(err.text, "/nonexistent/ca.pem"));
    assert_int_equal(0, uv_loop_close(&loop));
}

static int setup(void **state)
{
    static char path[96];
    int status = tls_setup(state);

    /* Read once, when libcurl starts. */
    snprintf(path, sizeof(path), "%s/keys", trust.directory);
    setenv("SSLKEYLOGFILE", path, 1);
    return status;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outcome_follows_the_table),
        cmocka_unit_test(answers_that_count_as_attempts),
        cmocka_unit_test(retry_after_is_read_or_ignored),
        cmocka_unit_test(heads_are_read_strictly),
        cmocka_unit_test(heads_are_limited),
        cmocka_unit_test(an_answer_arrives_whole),
        cmocka_unit_test(codes_cross_the_wire),
        cmocka_unit_test(unreadable_answers_are_none),
        cmocka_unit_test(an_answer_cut_anywhere_is_none),
        cmocka_unit_test(reads_share_a_connection_effects_do_not),
        cmocka_unit_test(an_effect_is_never_sent_twice),
        cmocka_unit_test(time_outs_know_whether_it_was_sent),
        cmocka_unit_test(a_request_may_wait_in_vain),
        cmocka_unit_test(a_crowded_host_holds_up_no_other),
        cmocka_unit_test(answers_have_a_limit),
        cmocka_unit_test(open_requests_have_a_limit),
        cmocka_unit_test(connections_have_a_limit),
        cmocka_unit_test(credentials_are_added),
        cmocka_unit_test(a_token_is_added_and_a_body_has_no_type),
        cmocka_unit_test(a_large_body_goes_out_whole),
        cmocka_unit_test(nothing_is_read_from_the_environment),
        cmocka_unit_test(requests_that_break_a_rule_are_refused),
        cmocka_unit_test(what_was_not_sent_is_known),
        cmocka_unit_test(a_blocked_name_does_not_block_the_loop),
        cmocka_unit_test(a_request_can_be_cancelled),
        cmocka_unit_test(a_callback_may_do_anything),
        cmocka_unit_test(destroy_ends_what_is_open),
        cmocka_unit_test(certificates_are_verified),
        cmocka_unit_test(plain_http_on_a_tls_port_is_refused),
        cmocka_unit_test(a_tls_answer_without_an_end_is_cut),
        cmocka_unit_test(each_connection_is_verified),
        cmocka_unit_test(session_keys_are_not_written_down),
        cmocka_unit_test(unusable_authorities_are_refused),
    };

    return cmocka_run_group_tests_name("http_client", tests, setup,
                                       tls_teardown);
}
