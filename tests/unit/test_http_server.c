/* links: connect_net connect_base PkgConfig::OPENSSL */
/* test_http_server.c - the HTTP server against raw bytes on loopback.
 *
 * One idea: server and clients run on one thread; whenever a client would wait
 * the loop turns once.  Deadlines follow a clock that only the test moves, so
 * nothing waits for real seconds and nothing depends on how fast the machine
 * is. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "http_probes.h"
#include "net/http_server.h"

#define HOST "Host: a.example\r\n"

enum {
    TURNS_MAX = 20000, /* of the loop, for one answer; each at most 2 ms */
    HELD_MAX = 8,
    ANSWER_MAX = 64 * 1024,
    LARGE_BYTES = 8 * 1024 * 1024,
};

struct fixture {
    uv_loop_t loop;
    uv_timer_t wake; /* so that a turn of the loop never sleeps long */
    struct clock clock;
    int64_t now_ms;
    struct http_server_options options;
    struct http_server *server;
    int port;
    int requests;
    int seconds; /* requests for /second */
    struct http_server_exchange *held[HELD_MAX];
    int held_count;
    char seen[512];      /* of the last request */
    size_t seen_body;    /* */
    unsigned body_sum;   /* */
    int64_t seen_uid;    /* */
    bool seen_encrypted; /* */
    void *seen_tag;      /* */
    bool stopping;
    int stopped;
    char *large;
    char directory[64];
};

static int64_t fixture_clock(void *arg)
{
    return ((struct fixture *)arg)->now_ms;
}

static void on_wake(uv_timer_t *timer)
{
    (void)timer;
}

static void answer_text(struct http_server_exchange *exchange, int status,
                        const char *text, unsigned flags)
{
    struct http_server_answer answer = {.status = status,
                                        .flags = flags,
                                        .body = text,
                                        .body_len = strlen(text)};

    http_server_answer(exchange, &answer);
}

static int on_head(void *arg, const struct http_server_request *request,
                   struct http_server_answer *ret_answer)
{
    (void)arg;
    if (strcmp(request->path, "/refused"))
        return 0;
    ret_answer->status = 401;
    ret_answer->body = "{}";
    ret_answer->body_len = 2;
    return 1;
}

static void request_note(struct fixture *fixture,
                         const struct http_server_request *request)
{
    size_t i;

    fixture->requests++;
    if (!strcmp(request->path, "/second"))
        fixture->seconds++;
    snprintf(fixture->seen, sizeof(fixture->seen), "%s %s %s %s %s",
             request->method, request->path,
             request->query ? request->query : "-", request->peer,
             request->network);
    fixture->seen_body = request->body_len;
    fixture->body_sum = 0;
    for (i = 0; i < request->body_len; i++)
        fixture->body_sum =
            fixture->body_sum * 31 + (unsigned char)request->body[i];
    assert_int_equal(request->body[request->body_len], '\0');
    fixture->seen_uid = request->peer_uid;
    fixture->seen_encrypted = request->encrypted;
    fixture->seen_tag = request->listener_tag;
}

static void on_request(void *arg, struct http_server_exchange *exchange,
                       const struct http_server_request *request)
{
    static const struct http_server_header odd[] = {
        {"X-Odd", "a\r\nX-Injected: b"}, {"Content-Type", "text/plain"}};
    struct fixture *fixture = arg;
    struct http_server_answer answer = {.status = 200};

    request_note(fixture, request);
    if (!strcmp(request->path, "/hold")) {
        assert_in_range(fixture->held_count, 0, HELD_MAX - 1);
        fixture->held[fixture->held_count++] = exchange;
    } else if (!strcmp(request->path, "/gone")) {
        answer_text(exchange, 410, "{}", 0);
    } else if (!strcmp(request->path, "/later")) {
        answer_text(exchange, 503, "{}", 0);
    } else if (!strcmp(request->path, "/close")) {
        answer_text(exchange, 200, "bye", HTTP_SERVER_CLOSE);
    } else if (!strcmp(request->path, "/odd")) {
        answer.headers = odd;
        answer.header_count = 2;
        http_server_answer(exchange, &answer);
    } else if (!strcmp(request->path, "/large")) {
        answer.body = fixture->large;
        answer.body_len = LARGE_BYTES;
        http_server_answer(exchange, &answer);
    } else {
        answer_text(exchange, 200, "fine", 0);
    }
}

static struct fixture *fixture_begin(void)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    assert_non_null(fixture);
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(uv_loop_init(&fixture->loop), 0);
    assert_int_equal(uv_timer_init(&fixture->loop, &fixture->wake), 0);
    uv_timer_start(&fixture->wake, on_wake, 2, 2);
    fixture->now_ms = 1000000;
    fixture->clock.wall_ms = fixture_clock;
    fixture->clock.monotonic_ms = fixture_clock;
    fixture->clock.arg = fixture;
    http_server_options_default(&fixture->options);
    fixture->options.clock = &fixture->clock;
    fixture->options.on_head = on_head;
    fixture->options.on_request = on_request;
    fixture->options.arg = fixture;
    fixture->options.tick_ms = 1;
    snprintf(fixture->directory, sizeof(fixture->directory),
             "/tmp/connect-http-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    return fixture;
}

static void fixture_create(struct fixture *fixture)
{
    assert_int_equal(
        http_server_create(&fixture->loop, &fixture->options, &fixture->server),
        0);
}

static void fixture_listen_on(struct fixture *fixture, size_t body_bytes_max)
{
    struct http_server_listener listener = {.address = "127.0.0.1",
                                            .body_bytes_max = body_bytes_max,
                                            .tag = fixture};
    struct error err = {""};

    assert_int_equal(
        http_server_listen(fixture->server, &listener, &fixture->port, &err),
        0);
    assert_in_range(fixture->port, 1, 65535);
}

static void fixture_listen(struct fixture *fixture, size_t body_bytes_max)
{
    fixture_create(fixture);
    fixture_listen_on(fixture, body_bytes_max);
}

static struct fixture *fixture_plain(void)
{
    struct fixture *fixture = fixture_begin();

    fixture_listen(fixture, 0);
    return fixture;
}

static void on_stopped(void *arg)
{
    ((struct fixture *)arg)->stopped++;
}

static void turn(struct fixture *fixture)
{
    uv_run(&fixture->loop, UV_RUN_ONCE);
}

static void turns(struct fixture *fixture, int count)
{
    while (count--)
        turn(fixture);
}

/* Move the test's clock and let the server look at it. */
static void pass(struct fixture *fixture, int64_t delta_ms)
{
    fixture->now_ms += delta_ms;
    turns(fixture, 4);
}

static void fixture_end(struct fixture *fixture)
{
    struct http_server_counts counts;
    int i;

    if (!fixture->stopping)
        http_server_stop(fixture->server, 0, on_stopped, fixture);
    for (i = 0; i < TURNS_MAX && !fixture->stopped; i++)
        turn(fixture);
    assert_int_equal(fixture->stopped, 1);
    http_server_count(fixture->server, &counts);
    assert_int_equal(counts.connections, 0);
    if (!counts.exchanges)
        assert_int_equal(counts.buffers_bytes, 0);
    http_server_destroy(fixture->server);
    uv_close((uv_handle_t *)&fixture->wake, NULL);
    uv_run(&fixture->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&fixture->loop), 0);
    free(fixture->large);
    rmdir(fixture->directory);
    free(fixture);
}

/* ---- clients ---- */

static int client_open(struct fixture *fixture)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(client >= 0);
    address.sin_port = htons((uint16_t)fixture->port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    /* The kernel completes it; the loop need not turn. */
    assert_int_equal(
        connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(fcntl(client, F_SETFL, O_NONBLOCK), 0);
    return client;
}

/* False when the server has closed before everything was sent. */
static bool client_send(struct fixture *fixture, int client, const char *bytes,
                        size_t len)
{
    int i;

    for (i = 0; i < TURNS_MAX && len; i++) {
        ssize_t sent = send(client, bytes, len, MSG_NOSIGNAL);

        if (sent < 0 && errno != EAGAIN)
            return false;
        if (sent > 0) {
            bytes += sent;
            len -= (size_t)sent;
        }
        turn(fixture);
    }
    assert_int_equal(len, 0);
    return true;
}

static bool client_say(struct fixture *fixture, int client, const char *text)
{
    return client_send(fixture, client, text, strlen(text));
}

struct answer {
    char text[ANSWER_MAX]; /* what came, NUL behind it */
    size_t len;            /* all that came, also beyond the text */
    bool closed;           /* and then the end */
};

/* Read until the end, or until `until` has come (NULL: the end). */
static void client_read(struct fixture *fixture, int client,
                        struct answer *answer, const char *until)
{
    int i;

    memset(answer, 0, sizeof(*answer));
    for (i = 0; i < TURNS_MAX; i++) {
        char bytes[16 * 1024];
        ssize_t got = recv(client, bytes, sizeof(bytes), 0);

        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            answer->closed = true;
            return;
        }
        if (got > 0 && answer->len + (size_t)got < ANSWER_MAX)
            memcpy(answer->text + answer->len, bytes, (size_t)got);
        if (got > 0)
            answer->len += (size_t)got;
        if (until && strstr(answer->text, until))
            return;
        if (got < 0)
            turn(fixture);
    }
    fail_msg("no answer; so far: %s", answer->text);
}

/* One connection, all bytes at once, everything until the end. */
static void ask(struct fixture *fixture, const char *bytes, size_t len,
                struct answer *answer)
{
    int client = client_open(fixture);

    client_send(fixture, client, bytes, len);
    client_read(fixture, client, answer, NULL);
    close(client);
}

static void ask_text(struct fixture *fixture, const char *text,
                     struct answer *answer)
{
    ask(fixture, text, strlen(text), answer);
}

static int status_of(const struct answer *answer)
{
    if (strncmp(answer->text, "HTTP/1.1 ", 9))
        return 0;
    return (int)strtol(answer->text + 9, NULL, 10);
}

static int count_of(const char *text, const char *part)
{
    int count = 0;

    while ((text = strstr(text, part))) {
        count++;
        text += strlen(part);
    }
    return count;
}

/* ---- F03 ---- */

/* pieces: 0 all at once, else so many bytes at a time. */
static void probe_run(struct fixture *fixture, const struct http_probe *probe,
                      size_t piece)
{
    struct answer *answer = calloc(1, sizeof(*answer));
    char bytes[2048];
    size_t len = probe->len, done = 0;
    int requests = fixture->requests;
    int client = client_open(fixture);

    assert_non_null(answer);
    memcpy(bytes, probe->bytes, len);
    memcpy(bytes + len, PROBE_SECOND, sizeof(PROBE_SECOND) - 1);
    len += sizeof(PROBE_SECOND) - 1;
    while (done < len) {
        size_t now = piece && piece < len - done ? piece : len - done;
        if (!client_send(fixture, client, bytes + done, now))
            break;
        done += now;
    }
    client_read(fixture, client, answer, NULL);
    close(client);
    if (status_of(answer) != 400 || count_of(answer->text, "HTTP/1.1 ") != 1 ||
        !answer->closed || fixture->requests != requests)
        fail_msg("probe \"%s\" (%zu bytes at a time): status %d, %d requests "
                 "processed, answers: %s",
                 probe->name, piece, status_of(answer),
                 fixture->requests - requests, answer->text);
    free(answer);
}

static void probes_refused(void **state)
{
    struct fixture *fixture = fixture_plain();
    int i;

    (void)state;
    for (i = 0; i < HTTP_PROBES_SMUGGLING; i++)
        probe_run(fixture, &http_probes_smuggling[i], 0);
    for (i = 0; i < HTTP_PROBES_MALFORMED; i++)
        probe_run(fixture, &http_probes_malformed[i], 0);
    assert_int_equal(fixture->seconds, 0);
    fixture_end(fixture);
}

/* However the network cuts them. */
static void probes_refused_in_pieces(void **state)
{
    struct fixture *fixture = fixture_plain();
    int i;

    (void)state;
    for (i = 0; i < HTTP_PROBES_SMUGGLING; i++) {
        probe_run(fixture, &http_probes_smuggling[i], 1);
        probe_run(fixture, &http_probes_smuggling[i], 7);
    }
    for (i = 0; i < HTTP_PROBES_MALFORMED; i++)
        probe_run(fixture, &http_probes_malformed[i], 1);
    assert_int_equal(fixture->seconds, 0);
    fixture_end(fixture);
}

/* The strictness does not refuse what real senders write. */
static void plain_requests_served(void **state)
{
    static const char *const requests[] = {
        "GET /a HTTP/1.1\r\n" HOST "\r\n",
        "GET /a?b=c%20d&e=/?:@ HTTP/1.1\r\nhost:a.example:8080\r\n\r\n",
        "GET /a HTTP/1.1\r\nHost: [::1]:80\r\nX-A:\t b \t\r\nX-B:\r\n\r\n",
        "POST /a HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n",
        "POST /a HTTP/1.1\r\n" HOST "content-length:5\r\n\r\nhello",
        "POST /a HTTP/1.1\r\n" HOST "transfer-encoding: chunked\r\n\r\n"
        "5\r\nhello\r\n00a\r\n0123456789\r\n0\r\n\r\n",
        "DELETE /a HTTP/1.1\r\n" HOST "X-Text: f\xc3\xbcnf\r\n\r\n",
        "POST /a HTTP/1.0\r\n" HOST "Content-Length: 5\r\n\r\nhello",
    };
    struct fixture *fixture = fixture_plain();
    struct answer *answer = calloc(1, sizeof(*answer));
    size_t i, piece;

    (void)state;
    for (i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
        for (piece = 0; piece < 2; piece++) {
            int client = client_open(fixture);
            const char *c = requests[i];

            if (!piece)
                client_say(fixture, client, c);
            for (; piece && *c; c++)
                client_send(fixture, client, c, 1);
            client_read(fixture, client, answer, "fine");
            assert_int_equal(status_of(answer), 200);
            close(client);
        }
    }
    assert_int_equal(fixture->requests, 16);
    free(answer);
    fixture_end(fixture);
}

/* ---- what the handler sees and says ---- */

static void request_shown(void **state)
{
    struct fixture *fixture = fixture_plain();
    struct answer *answer = calloc(1, sizeof(*answer));

    (void)state;
    ask_text(fixture,
             "POST /in/x/y?z=1 HTTP/1.1\r\n" HOST
             "Connection: keep-alive, close\r\nContent-Length: 3\r\n\r\nabc",
             answer);
    assert_int_equal(status_of(answer), 200);
    assert_string_equal(fixture->seen, "POST /in/x/y z=1 127.0.0.1 127.0.0.1");
    assert_int_equal(fixture->seen_body, 3);
    assert_int_equal(fixture->body_sum, ('a' * 31 + 'b') * 31 + 'c');
    assert_int_equal(fixture->seen_uid, -1);
    assert_false(fixture->seen_encrypted);
    assert_ptr_equal(fixture->seen_tag, fixture);
    assert_non_null(strstr(answer->text, "\r\nContent-Length: 4\r\n"));
    assert_non_null(
        strstr(answer->text, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(answer->text, "\r\nConnection: close\r\n"));
    free(answer);
    fixture_end(fixture);
}

static void keep_alive_and_pipelining(void **state)
{
    struct fixture *fixture = fixture_plain();
    struct answer *answer = calloc(1, sizeof(*answer));
    int client = client_open(fixture);

    (void)state;
    client_say(fixture, client, "GET /one HTTP/1.1\r\n" HOST "\r\n");
    client_read(fixture, client, answer, "fine");
    assert_null(strstr(answer->text, "Connection: close"));
    client_say(fixture, client,
               "POST /two HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nab"
               "GET /three HTTP/1.1\r\n" HOST "\r\n"
               "GET /close HTTP/1.1\r\n" HOST "\r\n"
               "GET /second HTTP/1.1\r\n" HOST "\r\n");
    client_read(fixture, client, answer, NULL);
    assert_int_equal(count_of(answer->text, "HTTP/1.1 200"), 3);
    assert_int_equal(fixture->requests, 4);
    assert_int_equal(fixture->seconds, 0);
    assert_true(answer->closed);
    close(client);
    free(answer);
    fixture_end(fixture);
}

/* A second request is not looked at before the first is answered. */
static void pipelining_waits(void **state)
{
    struct fixture *fixture = fixture_plain();
    struct answer *answer = calloc(1, sizeof(*answer));
    struct http_server_counts counts;
    char filler[4096];
    int client = client_open(fixture);
    size_t sent = 0;
    int i;

    (void)state;
    client_say(fixture, client, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    memset(filler, 'a', sizeof(filler));
    client_say(fixture, client,
               "POST /b HTTP/1.1\r\n" HOST "Content-Length: 1000000\r\n\r\n");
    for (i = 0; i < 200; i++) {
        ssize_t now = send(client, filler, sizeof(filler), MSG_NOSIGNAL);
        if (now > 0)
            sent += (size_t)now;
        turn(fixture);
    }
    assert_int_equal(fixture->requests, 1);
    assert_int_equal(fixture->held_count, 1);
    http_server_count(fixture->server, &counts);
    assert_true(counts.buffers_bytes < 160 * 1024);
    answer_text(fixture->held[0], 200, "held", 0);
    while (sent < 1000000) {
        size_t rest = 1000000 - sent;
        size_t now = rest < sizeof(filler) ? rest : sizeof(filler);
        client_send(fixture, client, filler, now);
        sent += now;
    }
    client_read(fixture, client, answer, "fine");
    assert_int_equal(fixture->requests, 2);
    assert_int_equal(fixture->seen_body, 1000000);
    close(client);
    free(answer);
    fixture_end(fixture);
}

static void half_closed_client_answered(void **state)
{
    struct fixture *fixture = fixture_plain();
    struct answer *answer = calloc(1, sizeof(*answer));
    int client = client_open(fixture);

    (void)state;
    assert_true(client_say(fixture, client,
                           "GET /hold HTTP/1.1\r\n" HOST "\r\n"
                           "GET /b HTTP/1.1\r\n" HOST "\r\n"));
    assert_int_equal(shutdown(client, SHUT_WR), 0);
    turns(fixture, 20);
    assert_int_equal(fixture->held_count, 1);
    answer_text(fixture->held[0], 200, "held", 0);
    client_read(fixture, client, answer, NULL);
    assert_int_equal(count_of(answer->text, "HTTP/1.1 200"), 2);
    close(client);
    free(answer);
    fixture_end(fixture);
}

static void head_method(void **state)
{
    struct fixture *fixture = fixture_plain();
    struct answer *answer = calloc(1, sizeof(*answer));

    (void)state;
    ask_text(fixture,
             "HEAD /a HTTP/1.1\r\n" HOST "\r\n"
             "GET /close HTTP/1.1\r\n" HOST "\r\n",
             answer);
    assert_non_null(strstr(answer->text, "Content-Length: 4\r\n\r\nHTTP/1.1"));
    assert_int_equal(fixture->requests, 2);
    free(answer);
    fixture_end(fixture);
}

static void expect_continue(void **state)
{
    struct fixture *fixture = fixture_plain();
    struct answer *answer = calloc(1, sizeof(*answer));
    int client = client_open(fixture);

    (void)state;
    client_say(fixture, client,
               "POST /a HTTP/1.1\r\n" HOST
               "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    client_read(fixture, client, answer, "\r\n\r\n");
    assert_string_equal(answer->text, "HTTP/1.1 100 Continue\r\n\r\n");
    client_say(fixture, client, "abc");
    client_read(fixture, client, answer, "fine");
    assert_int_equal(status_of(answer), 200);
    close(client);
    /* A refused head gets its status instead. */
    ask_text(fixture,
             "POST /refused HTTP/1.1\r\n" HOST
             "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n",
             answer);
    assert_int_equal(status_of(answer), 401);
    assert_true(answer->closed);
    free(answer);
    fixture_end(fixture);
}

static void head_refused_early(void **state)
{
    struct fixture *fixture = fixture_plain();
    struct answer *answer = calloc(1, sizeof(*answer));
    int client = client_open(fixture);

    (void)state;
    /* Without a body the connection goes on. */
    client_say(fixture, client, "GET /refused HTTP/1.1\r\n" HOST "\r\n");
    client_read(fixture, client, answer, "{}");
    assert_int_equal(status_of(answer), 401);
    client_say(fixture, client,
               "POST /refused HTTP/1.1\r\n" HOST
               "Content-Length: 900000\r\n\r\n" PROBE_SECOND);
    client_read(fixture, client, answer, NULL);
    assert_int_equal(status_of(answer), 401);
    assert_int_equal(fixture->requests, 0);
    close(client);
    free(answer);
    fixture_end(fixture);
}

static void status_never_given(void **state)
{
    struct fixture *fixture = fixture_plain();
    struct answer *answer = calloc(1, sizeof(*answer));
    int client = client_open(fixture);

    (void)state;
    client_say(fixture, client, "GET /gone HTTP/1.1\r\n" HOST "\r\n");
    client_read(fixture, client, answer, "again later");
    assert_int_equal(status_of(answer), 503);
    close(client);
    /* 503 closes (section 2 of the fault catalogue). */
    ask_text(fixture, "GET /later HTTP/1.1\r\n" HOST "\r\n", answer);
    assert_int_equal(status_of(answer), 503);
    assert_non_null(strstr(answer->text, "\r\nConnection: close\r\n"));
    free(answer);
    fixture_end(fixture);
}

static void answer_header_cannot_inject(void **state)
{
    struct fixture *fixture = fixture_plain();
    struct answer *answer = calloc(1, sizeof(*answer));
    int client = client_open(fixture);

    (void)state;
    client_say(fixture, client, "GET /odd HTTP/1.1\r\n" HOST "\r\n");
    client_read(fixture, client, answer, "\r\n\r\n");
    assert_non_null(strstr(answer->text, "X-Odd: a  X-Injected: b\r\n"));
    assert_int_equal(count_of(answer->text, "Content-Type"), 1);
    close(client);
    free(answer);
    fixture_end(fixture);
}

static void client_that_left_is_answered(void **state)
{
    struct fixture *fixture = fixture_plain();
    struct linger hard = {1, 0};
    struct http_server_counts counts;
    int client = client_open(fixture);

    (void)state;
    client_say(fixture, client,
               "POST /hold HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\nabc");
    turns(fixture, 10);
    assert_int_equal(fixture->held_count, 1);
    setsockopt(client, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
    close(client); /* a reset */
    turns(fixture, 20);
    http_server_count(fixture->server, &counts);
    assert_int_equal(counts.connections, 0);
    assert_int_equal(counts.exchanges, 1);
    answer_text(fixture->held[0], 200, "late", 0);
    http_server_count(fixture->server, &counts);
    assert_int_equal(counts.exchanges, 0);
    assert_int_equal(counts.buffers_bytes, 0);
    fixture_end(fixture);
}

static void large_answer(void **state)
{
    struct fixture *fixture = fixture_begin();
    struct answer *answer = calloc(1, sizeof(*answer));
    struct http_server_counts counts;
    int client;

    (void)state;
    fixture->large = malloc(LARGE_BYTES);
    memset(fixture->large, 'x', LARGE_BYTES);
    fixture_listen(fixture, 0);
    ask_text(fixture,
             "GET /large HTTP/1.1\r\nConnection: close\r\n" HOST "\r\n",
             answer);
    assert_int_equal(status_of(answer), 200);
    assert_true(answer->len > LARGE_BYTES);
    assert_true(answer->len < LARGE_BYTES + 200);
    /* One that is not taken is given up after its deadline. */
    client = client_open(fixture);
    client_say(fixture, client, "GET /large HTTP/1.1\r\n" HOST "\r\n");
    turns(fixture, 10);
    assert_int_equal(fixture->requests, 2);
    pass(fixture, 19999);
    http_server_count(fixture->server, &counts);
    assert_int_equal(counts.connections, 1);
    pass(fixture, 2);
    http_server_count(fixture->server, &counts);
    assert_int_equal(counts.connections, 0);
    assert_int_equal(counts.timed_out, 1);
    close(client);
    free(answer);
    fixture_end(fixture);
}

/* ---- F04 ---- */

static void expect_status_after(struct fixture *fixture, int client, int status)
{
    struct answer *answer = calloc(1, sizeof(*answer));

    client_read(fixture, client, answer, NULL);
    assert_true(answer->closed);
    assert_int_equal(status_of(answer), status);
    close(client);
    free(answer);
}

static void expect_open(struct fixture *fixture, int connections)
{
    struct http_server_counts counts;

    http_server_count(fixture->server, &counts);
    assert_int_equal(counts.connections, connections);
}

/* Bytes do not move the deadline: one a second, and still ten seconds. */
static void slow_head(void **state)
{
    static const char head[] = "POST /a HTTP/1.1\r\n" HOST;
    struct fixture *fixture = fixture_plain();
    int client = client_open(fixture);
    int silent = client_open(fixture);
    int i;

    (void)state;
    turns(fixture, 4);
    for (i = 0; i < 9; i++) {
        client_send(fixture, client, head + i, 1);
        pass(fixture, 1000);
    }
    pass(fixture, 999);
    expect_open(fixture, 2);
    pass(fixture, 2);
    expect_status_after(fixture, client, 408);
    expect_status_after(fixture, silent, 0);
    fixture_end(fixture);
}

static void slow_body(void **state)
{
    struct fixture *fixture = fixture_plain();
    int client = client_open(fixture);
    int i;

    (void)state;
    client_say(fixture, client,
               "POST /a HTTP/1.1\r\n" HOST "Content-Length: 20000\r\n\r\n");
    turns(fixture, 4);
    for (i = 0; i < 4; i++) {
        client_send(fixture, client, "x", 1);
        pass(fixture, 1000);
    }
    expect_open(fixture, 1);
    pass(fixture, 1);
    expect_status_after(fixture, client, 408);
    assert_int_equal(fixture->requests, 0);
    fixture_end(fixture);
}

/* Above the least rate, still 20 s in all. */
static void long_body(void **state)
{
    static char bytes[1000];
    struct fixture *fixture = fixture_plain();
    int client = client_open(fixture);
    int i;

    (void)state;
    memset(bytes, 'x', sizeof(bytes));
    client_say(fixture, client,
               "POST /a HTTP/1.1\r\n" HOST "Content-Length: 900000\r\n\r\n");
    for (i = 0; i < 19; i++) {
        client_send(fixture, client, bytes, sizeof(bytes));
        pass(fixture, 1000);
    }
    client_send(fixture, client, bytes, sizeof(bytes));
    pass(fixture, 999);
    expect_open(fixture, 1);
    pass(fixture, 2);
    expect_status_after(fixture, client, 408);
    fixture_end(fixture);
}

static void idle_connection(void **state)
{
    struct fixture *fixture = fixture_plain();
    struct answer *answer = calloc(1, sizeof(*answer));
    int client = client_open(fixture);

    (void)state;
    client_say(fixture, client, "GET /a HTTP/1.1\r\n" HOST "\r\n");
    client_read(fixture, client, answer, "fine");
    pass(fixture, 14999);
    expect_open(fixture, 1);
    pass(fixture, 2);
    expect_status_after(fixture, client, 0);
    free(answer);
    fixture_end(fixture);
}

static void owner_too_slow(void **state)
{
    struct fixture *fixture = fixture_plain();
    struct answer *answer = calloc(1, sizeof(*answer));
    int client = client_open(fixture);

    (void)state;
    client_say(fixture, client, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    turns(fixture, 10);
    assert_int_equal(fixture->held_count, 1);
    pass(fixture, 60001);
    client_read(fixture, client, answer, NULL);
    assert_int_equal(status_of(answer), 503);
    assert_non_null(strstr(answer->text, "\r\nRetry-After: "));
    answer_text(fixture->held[0], 200, "late", 0);
    close(client);
    free(answer);
    fixture_end(fixture);
}

/* After a refusal what still comes is dropped, for a while only. */
static void lingering_ends(void **state)
{
    struct fixture *fixture = fixture_plain();
    int client = client_open(fixture);

    (void)state;
    client_say(fixture, client, "nonsense\r\n\r\n");
    turns(fixture, 10);
    expect_open(fixture, 1);
    client_say(fixture, client, PROBE_SECOND);
    pass(fixture, 1999);
    expect_open(fixture, 1);
    pass(fixture, 2);
    expect_open(fixture, 0);
    assert_int_equal(fixture->seconds, 0);
    close(client);
    fixture_end(fixture);
}

static void many_slow_connections(void **state)
{
    enum { SLOW = 2000 };
    static const char head[] = "POST /a HTTP/1.1\r\n" HOST "X-Slow: ";
    struct fixture *fixture = fixture_begin();
    struct answer *answer = calloc(1, sizeof(*answer));
    struct rlimit limit;
    struct mallinfo2 before, after;
    int *clients = calloc(SLOW, sizeof(*clients));
    size_t grown;
    int i;

    (void)state;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < 2 * SLOW + 256)
        skip();
    fixture->options.connections_per_network_max = 1;
    fixture_listen(fixture, 0);
    before = mallinfo2();
    for (i = 0; i < SLOW; i++) {
        clients[i] = client_open(fixture);
        client_send(fixture, clients[i], head, sizeof(head) - 1);
    }
    turns(fixture, 10);
    expect_open(fixture, SLOW);
    after = mallinfo2();
    grown = after.uordblks - before.uordblks;
    print_message("%d slow connections hold %zu KiB\n", SLOW, grown / 1024);
    assert_true(grown < 16 * 1024 * 1024);
    /* A good sender is still served. */
    ask_text(fixture, "GET /close HTTP/1.1\r\n" HOST "\r\n", answer);
    assert_int_equal(status_of(answer), 200);
    pass(fixture, 10001);
    for (i = 0; i < SLOW; i++)
        expect_status_after(fixture, clients[i], 408);
    free(clients);
    free(answer);
    fixture_end(fixture);
}

static void connection_limits(void **state)
{
    struct fixture *fixture = fixture_begin();
    struct answer *answer = calloc(1, sizeof(*answer));
    struct http_server_counts counts;
    int first, second, third, fourth;

    (void)state;
    fixture->options.connections_max = 2;
    fixture_listen(fixture, 0);
    first = client_open(fixture);
    client_say(fixture, first, "GET /a HTTP/1.1\r\n" HOST "\r\n");
    client_read(fixture, first, answer, "fine");
    second = client_open(fixture);
    client_say(fixture, second, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    turns(fixture, 10);
    /* The idle one makes room. */
    third = client_open(fixture);
    client_say(fixture, third, "GET /a HTTP/1.1\r\n");
    expect_status_after(fixture, first, 0);
    client_say(fixture, third, HOST "\r\n");
    client_read(fixture, third, answer, "fine");
    client_say(fixture, third, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    turns(fixture, 10);
    /* None is idle: turned away at once. */
    fourth = client_open(fixture);
    expect_status_after(fixture, fourth, 0);
    http_server_count(fixture->server, &counts);
    assert_int_equal(counts.turned_away, 1);
    assert_int_equal(fixture->held_count, 2);
    answer_text(fixture->held[0], 200, "held", 0);
    answer_text(fixture->held[1], 200, "held", 0);
    client_read(fixture, second, answer, "held");
    client_read(fixture, third, answer, "held");
    close(second);
    close(third);
    free(answer);
    fixture_end(fixture);
}

/* Descriptors are left for the rest of the process. */
static void descriptor_limit(void **state)
{
    enum { ALLOWED = 20, MORE = 5 };
    struct fixture *fixture = fixture_begin();
    struct http_server_counts counts;
    struct rlimit before, fewer;
    int clients[ALLOWED + MORE], i;

    (void)state;
    getrlimit(RLIMIT_NOFILE, &before);
    fewer = before;
    fewer.rlim_cur = 128 + ALLOWED;
    setrlimit(RLIMIT_NOFILE, &fewer);
    fixture_create(fixture);
    setrlimit(RLIMIT_NOFILE, &before);
    fixture_listen_on(fixture, 0);
    for (i = 0; i < ALLOWED + MORE; i++)
        clients[i] = client_open(fixture);
    for (i = ALLOWED; i < ALLOWED + MORE; i++)
        expect_status_after(fixture, clients[i], 0);
    http_server_count(fixture->server, &counts);
    assert_int_equal(counts.connections, ALLOWED);
    assert_int_equal(counts.turned_away, MORE);
    for (i = 0; i < ALLOWED; i++)
        close(clients[i]);
    fixture_end(fixture);
}

static void address_limit(void **state)
{
    struct fixture *fixture = fixture_begin();
    struct answer *answer = calloc(1, sizeof(*answer));
    int first, second;

    (void)state;
    fixture->options.connections_per_network_max = 1;
    fixture->options.limit_loopback = true;
    fixture_listen(fixture, 0);
    first = client_open(fixture);
    client_say(fixture, first, "GET /a HTTP/1.1\r\n" HOST "\r\n");
    client_read(fixture, first, answer, "fine");
    second = client_open(fixture);
    expect_status_after(fixture, second, 0);
    close(first);
    turns(fixture, 10);
    ask_text(fixture, "GET /close HTTP/1.1\r\n" HOST "\r\n", answer);
    assert_int_equal(status_of(answer), 200);
    free(answer);
    fixture_end(fixture);
}

static void memory_limit(void **state)
{
    struct fixture *fixture = fixture_begin();
    struct answer *answer = calloc(1, sizeof(*answer));
    static char bytes[150000];
    int first, second;

    (void)state;
    fixture->options.buffers_bytes_max = 100000;
    fixture_listen(fixture, 0);
    memset(bytes, 'x', sizeof(bytes));
    first = client_open(fixture);
    client_say(fixture, first,
               "POST /hold HTTP/1.1\r\n" HOST "Content-Length: 150000\r\n\r\n");
    client_send(fixture, first, bytes, sizeof(bytes));
    client_read(fixture, first, answer, NULL);
    assert_int_equal(status_of(answer), 503);
    close(first);
    turns(fixture, 10);
    second = client_open(fixture);
    client_say(fixture, second, "GET /a HTTP/1.1\r\n" HOST "\r\n");
    client_read(fixture, second, answer, "fine");
    assert_int_equal(status_of(answer), 200);
    close(second);
    free(answer);
    fixture_end(fixture);
}

/* ---- F05 ---- */

static void announced_too_large(void **state)
{
    struct fixture *fixture = fixture_plain();
    struct answer *answer = calloc(1, sizeof(*answer));

    (void)state;
    ask_text(fixture,
             "POST /a HTTP/1.1\r\n" HOST
             "Content-Length: 1073741824\r\n\r\n" PROBE_SECOND,
             answer);
    assert_int_equal(status_of(answer), 413);
    ask_text(fixture,
             "POST /a HTTP/1.1\r\n" HOST
             "Content-Length: 1048577\r\n\r\n" PROBE_SECOND,
             answer);
    assert_int_equal(status_of(answer), 413);
    ask_text(fixture,
             "POST /a HTTP/1.1\r\n" HOST
             "Transfer-Encoding: chunked\r\n\r\n100001\r\n",
             answer);
    assert_int_equal(status_of(answer), 413);
    assert_int_equal(fixture->requests, 0);
    free(answer);
    fixture_end(fixture);
}

/* Chunks of chunk_len bytes for ever; how many bytes were taken. */
static void chunks_for_ever(struct fixture *fixture, size_t chunk_len)
{
    struct answer *answer = calloc(1, sizeof(*answer));
    struct http_server_counts counts;
    char chunk[4200];
    size_t most = 0;
    int client = client_open(fixture);
    int len, i;

    len = snprintf(chunk, sizeof(chunk), "%zx\r\n", chunk_len);
    memset(chunk + len, 'x', chunk_len);
    memcpy(chunk + len + chunk_len, "\r\n", 2);
    client_say(fixture, client,
               "POST /a HTTP/1.1\r\n" HOST
               "Transfer-Encoding: chunked\r\n\r\n");
    for (i = 0; i < 2000000; i++) {
        size_t total = (size_t)len + chunk_len + 2;
        ssize_t sent = send(client, chunk, total, MSG_NOSIGNAL);

        if (sent == (ssize_t)total && i % 64)
            continue;
        turn(fixture);
        http_server_count(fixture->server, &counts);
        if (counts.buffers_bytes > most)
            most = counts.buffers_bytes;
        if (counts.refused || (sent < 0 && errno != EAGAIN))
            break;
        /* A part of a chunk went out: send the rest of it. */
        if (sent > 0)
            client_send(fixture, client, chunk + sent, total - (size_t)sent);
        else if (sent < 0)
            i--;
    }
    client_read(fixture, client, answer, NULL);
    assert_int_equal(status_of(answer), 413);
    assert_true(most < 3 * 1024 * 1024);
    assert_int_equal(fixture->requests, 0);
    close(client);
    free(answer);
}

static void chunked_bombs(void **state)
{
    struct fixture *fixture = fixture_plain();

    (void)state;
    chunks_for_ever(fixture, 4096);
    fixture_end(fixture);
    fixture = fixture_plain();
    chunks_for_ever(fixture, 1);
    fixture_end(fixture);
}

static void body_at_the_limit(void **state)
{
    struct fixture *fixture = fixture_begin();
    struct answer *answer = calloc(1, sizeof(*answer));

    (void)state;
    fixture_listen(fixture, 10);
    ask_text(fixture,
             "POST /close HTTP/1.1\r\n" HOST
             "Content-Length: 10\r\n\r\n0123456789",
             answer);
    assert_int_equal(status_of(answer), 200);
    ask_text(fixture,
             "POST /close HTTP/1.1\r\n" HOST
             "Transfer-Encoding: chunked\r\n\r\n"
             "5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n",
             answer);
    assert_int_equal(status_of(answer), 200);
    assert_int_equal(fixture->seen_body, 10);
    ask_text(fixture,
             "POST /close HTTP/1.1\r\n" HOST
             "Content-Length: 11\r\n\r\n0123456789a",
             answer);
    assert_int_equal(status_of(answer), 413);
    ask_text(fixture,
             "POST /close HTTP/1.1\r\n" HOST
             "Transfer-Encoding: chunked\r\n\r\n"
             "5\r\n01234\r\n6\r\n56789a\r\n0\r\n\r\n",
             answer);
    assert_int_equal(status_of(answer), 413);
    free(answer);
    fixture_end(fixture);
}

static void head_too_large(void **state)
{
    struct fixture *fixture = fixture_plain();
    struct answer *answer = calloc(1, sizeof(*answer));
    size_t size = 1024 * 1024;
    char *bytes = malloc(size + 16);
    size_t len;
    int i;

    (void)state;
    /* 1 MiB of one header, then of one line. */
    len = (size_t)snprintf(bytes, size, "GET /a HTTP/1.1\r\n" HOST "X-A: ");
    memset(bytes + len, 'x', size - len);
    ask(fixture, bytes, size, answer);
    assert_int_equal(status_of(answer), 431);
    memset(bytes, 'G', size);
    ask(fixture, bytes, size, answer);
    assert_int_equal(status_of(answer), 431);
    /* 100 headers are served, 101 are not; nor are 10,000. */
    for (i = 100; i <= 10000; i = i == 100 ? 101 : i + 9899) {
        int line;
        len = (size_t)snprintf(bytes, size, "GET /close HTTP/1.1\r\n" HOST);
        for (line = 1; line < i; line++)
            len += (size_t)snprintf(bytes + len, size - len, "a:\r\n");
        len += (size_t)snprintf(bytes + len, size - len, "\r\n");
        ask(fixture, bytes, len, answer);
        assert_int_equal(status_of(answer), i == 100 ? 200 : 431);
    }
    assert_int_equal(fixture->requests, 1);
    free(bytes);
    free(answer);
    fixture_end(fixture);
}

/* 16 KiB exactly is served, one byte more is not. */
static void head_at_the_limit(void **state)
{
    struct fixture *fixture = fixture_plain();
    struct answer *answer = calloc(1, sizeof(*answer));
    char bytes[16 * 1024 + 16];
    int more;

    (void)state;
    for (more = 0; more < 2; more++) {
        size_t end = 16 * 1024 + (size_t)more;
        size_t len = (size_t)snprintf(bytes, sizeof(bytes),
                                      "GET /close HTTP/1.1\r\n" HOST "X-A: ");

        memset(bytes + len, 'x', end - len);
        memcpy(bytes + end - 4, "\r\n\r\n", 4);
        ask(fixture, bytes, end, answer);
        assert_int_equal(status_of(answer), more ? 431 : 200);
    }
    free(answer);
    fixture_end(fixture);
}

static void content_encoding_refused(void **state)
{
    struct fixture *fixture = fixture_plain();
    struct answer *answer = calloc(1, sizeof(*answer));

    (void)state;
    ask_text(
        fixture,
        "POST /a HTTP/1.1\r\n" HOST
        "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello" PROBE_SECOND,
        answer);
    assert_int_equal(status_of(answer), 415);
    assert_int_equal(count_of(answer->text, "HTTP/1.1 "), 1);
    assert_int_equal(fixture->requests, 0);
    free(answer);
    fixture_end(fixture);
}

/* ---- stopping ---- */

static void stop_finishes_what_is_open(void **state)
{
    struct fixture *fixture = fixture_plain();
    struct answer *answer = calloc(1, sizeof(*answer));
    int idle = client_open(fixture);
    int client = client_open(fixture);

    (void)state;
    client_say(fixture, idle, "GET /a HTTP/1.1\r\n" HOST "\r\n");
    client_read(fixture, idle, answer, "fine");
    client_say(fixture, client, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    turns(fixture, 10);
    assert_int_equal(fixture->held_count, 1);
    fixture->stopping = true;
    http_server_stop(fixture->server, 5000, on_stopped, fixture);
    expect_status_after(fixture, idle, 0);
    assert_int_equal(fixture->stopped, 0);
    answer_text(fixture->held[0], 200, "held", 0);
    client_read(fixture, client, answer, NULL);
    assert_int_equal(status_of(answer), 200);
    assert_non_null(strstr(answer->text, "Connection: close"));
    close(client);
    free(answer);
    fixture_end(fixture);
}

static void stop_has_a_limit(void **state)
{
    struct fixture *fixture = fixture_plain();
    struct http_server_exchange *held;
    int client = client_open(fixture);

    (void)state;
    client_say(fixture, client, "GET /hold HTTP/1.1\r\n" HOST "\r\n");
    turns(fixture, 10);
    held = fixture->held[0];
    assert_non_null(held);
    fixture->stopping = true;
    http_server_stop(fixture->server, 5000, on_stopped, fixture);
    pass(fixture, 4999);
    assert_int_equal(fixture->stopped, 0);
    pass(fixture, 2);
    turns(fixture, 10);
    assert_int_equal(fixture->stopped, 1);
    expect_status_after(fixture, client, 0);
    fixture_end(fixture);
    /* The exchange outlives the server. */
    answer_text(held, 200, "late", 0);
}

/* ---- other listeners ---- */

static void unix_socket(void **state)
{
    struct fixture *fixture = fixture_begin();
    struct answer *answer = calloc(1, sizeof(*answer));
    struct http_server_listener listener = {.mode = 0600};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct error err = {""};
    struct stat about;
    char path[100], too_long[200];
    int stale, client;

    (void)state;
    fixture_create(fixture);
    snprintf(path, sizeof(path), "%s/admin.sock", fixture->directory);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    /* What a killed daemon left behind is replaced. */
    stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(stale, (struct sockaddr *)&address, sizeof(address)),
                     0);
    close(stale);
    listener.path = path;
    assert_int_equal(http_server_listen(fixture->server, &listener, NULL, &err),
                     0);
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 0777, 0600);
    /* One that is listened on is not. */
    assert_int_equal(http_server_listen(fixture->server, &listener, NULL, &err),
                     -EADDRINUSE);
    assert_non_null(strstr(err.text, path));
    memset(too_long, 'a', sizeof(too_long) - 1);
    too_long[sizeof(too_long) - 1] = '\0';
    listener.path = too_long;
    assert_int_equal(http_server_listen(fixture->server, &listener, NULL, &err),
                     -ENAMETOOLONG);

    client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(
        connect(client, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(fcntl(client, F_SETFL, O_NONBLOCK), 0);
    client_say(fixture, client, "GET /a HTTP/1.1\r\n" HOST "\r\n");
    client_read(fixture, client, answer, "fine");
    assert_string_equal(fixture->seen, "GET /a - unix unix");
    assert_int_equal(fixture->seen_uid, (int64_t)getuid());
    close(client);
    free(answer);
    fixture_end(fixture);
    assert_int_equal(stat(path, &about), -1);
}

static void address_unusable(void **state)
{
    struct fixture *fixture = fixture_plain();
    struct http_server_listener listener = {.address = "localhost"};
    struct error err = {""};

    (void)state;
    assert_true(http_server_listen(fixture->server, &listener, NULL, &err) < 0);
    assert_non_null(strstr(err.text, "localhost"));
    listener.address = "127.0.0.1";
    listener.port = fixture->port;
    assert_int_equal(http_server_listen(fixture->server, &listener, NULL, &err),
                     -EADDRINUSE);
    fixture_end(fixture);
}

/* ---- TLS ---- */

static void certificate_write(const char *certificate_file,
                              const char *key_file)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    FILE *file;

    assert_non_null(key);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               (const unsigned char *)"a.example", -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
    file = fopen(certificate_file, "w");
    assert_non_null(file);
    PEM_write_X509(file, certificate);
    fclose(file);
    file = fopen(key_file, "w");
    assert_non_null(file);
    PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static void fixture_listen_tls(struct fixture *fixture)
{
    char certificate_file[100], key_file[100];
    struct http_server_listener listener = {.address = "127.0.0.1",
                                            .certificate_file =
                                                certificate_file,
                                            .key_file = key_file};
    struct error err = {""};

    snprintf(certificate_file, sizeof(certificate_file), "%s/certificate.pem",
             fixture->directory);
    snprintf(key_file, sizeof(key_file), "%s/key.pem", fixture->directory);
    fixture_create(fixture);
    assert_true(http_server_listen(fixture->server, &listener, &fixture->port,
                                   &err) < 0);
    assert_non_null(strstr(err.text, "certificate.pem"));
    certificate_write(certificate_file, key_file);
    assert_int_equal(
        http_server_listen(fixture->server, &listener, &fixture->port, &err),
        0);
    assert_int_equal(http_server_reload(fixture->server, &err), 0);
    unlink(certificate_file);
    unlink(key_file);
    /* Nothing to reload from: the old one stays. */
    assert_true(http_server_reload(fixture->server, &err) < 0);
}

/* True when the handshake succeeds. */
static bool tls_connect(struct fixture *fixture, SSL *ssl)
{
    int i;

    for (i = 0; i < TURNS_MAX; i++) {
        int result = SSL_connect(ssl);

        if (result == 1)
            return true;
        if (SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ)
            return false;
        turn(fixture);
    }
    return false;
}

static size_t tls_read(struct fixture *fixture, SSL *ssl, char *text,
                       size_t size, size_t wanted)
{
    size_t len = 0;
    int i;

    for (i = 0; i < TURNS_MAX && len < wanted; i++) {
        char bytes[16 * 1024];
        int got = SSL_read(ssl, bytes, sizeof(bytes));

        if (got > 0) {
            if (len + (size_t)got < size)
                memcpy(text + len, bytes, (size_t)got);
            len += (size_t)got;
        } else if (SSL_get_error(ssl, got) == SSL_ERROR_WANT_READ) {
            turn(fixture);
        } else {
            break;
        }
    }
    text[len < size ? len : size - 1] = '\0';
    return len;
}

static void tls_version(struct fixture *fixture, int version, bool served)
{
    static const char request[] =
        "POST /a HTTP/1.1\r\n" HOST "Expect: 100-continue\r\n"
        "Content-Length: 5\r\n\r\n";
    static const char last[] =
        "GET /large HTTP/1.1\r\nConnection: close\r\n" HOST "\r\n";
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    int client = client_open(fixture);
    SSL *ssl;
    char text[1000];

    SSL_CTX_set_security_level(context, 0);
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_max_proto_version(context, version);
    ssl = SSL_new(context);
    SSL_set_fd(ssl, client);
    assert_int_equal(tls_connect(fixture, ssl), served);
    if (served) {
        assert_int_equal(SSL_write(ssl, request, sizeof(request) - 1),
                         sizeof(request) - 1);
        tls_read(fixture, ssl, text, sizeof(text), 25);
        assert_string_equal(text, "HTTP/1.1 100 Continue\r\n\r\n");
        SSL_write(ssl, "hello", 5);
        tls_read(fixture, ssl, text, sizeof(text), 20);
        assert_memory_equal(text, "HTTP/1.1 200", 12);
        assert_true(fixture->seen_encrypted);
        assert_int_equal(fixture->seen_body, 5);
        /* The same connection again, large, to the end. */
        SSL_write(ssl, last, sizeof(last) - 1);
        assert_true(tls_read(fixture, ssl, text, sizeof(text),
                             2 * LARGE_BYTES) > LARGE_BYTES);
        assert_int_equal(SSL_get_shutdown(ssl), SSL_RECEIVED_SHUTDOWN);
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(client);
    turns(fixture, 10);
}

static void tls_served(void **state)
{
    struct fixture *fixture = fixture_begin();

    (void)state;
    fixture->large = malloc(LARGE_BYTES);
    memset(fixture->large, 'x', LARGE_BYTES);
    fixture_listen_tls(fixture);
    tls_version(fixture, TLS1_3_VERSION, true);
    tls_version(fixture, TLS1_2_VERSION, true);
    tls_version(fixture, TLS1_1_VERSION, false);
    assert_int_equal(fixture->requests, 4);
    expect_open(fixture, 0);
    fixture_end(fixture);
}

static void tls_handshake_stalled(void **state)
{
    enum { STALLED = 500 };
    struct fixture *fixture = fixture_begin();
    struct mallinfo2 before, after;
    int clients[STALLED];
    int plain, i;

    (void)state;
    fixture_listen_tls(fixture);
    before = mallinfo2();
    for (i = 0; i < STALLED; i++) {
        clients[i] = client_open(fixture);
        client_send(fixture, clients[i], "\x16\x03\x01\x02", 4);
    }
    turns(fixture, 10);
    after = mallinfo2();
    print_message("%d stalled handshakes hold %zu KiB\n", STALLED,
                  (after.uordblks - before.uordblks) / 1024);
    pass(fixture, 4999);
    expect_open(fixture, STALLED);
    pass(fixture, 2);
    for (i = 0; i < STALLED; i++)
        expect_status_after(fixture, clients[i], 0);
    /* Plain HTTP on the TLS port. */
    plain = client_open(fixture);
    client_say(fixture, plain, PROBE_SECOND);
    expect_status_after(fixture, plain, 0);
    assert_int_equal(fixture->requests, 0);
    fixture_end(fixture);
}

/* More handshakes than allowed: the oldest goes, a good client is served. */
static void tls_handshake_limit(void **state)
{
    struct fixture *fixture = fixture_begin();
    int first, second;

    (void)state;
    fixture->large = malloc(LARGE_BYTES);
    memset(fixture->large, 'x', LARGE_BYTES);
    fixture->options.handshakes_max = 2;
    fixture_listen_tls(fixture);
    first = client_open(fixture);
    turns(fixture, 4);
    second = client_open(fixture);
    turns(fixture, 4);
    expect_open(fixture, 2);
    tls_version(fixture, TLS1_3_VERSION, true);
    expect_open(fixture, 1);
    expect_status_after(fixture, first, 0);
    close(second);
    fixture_end(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_requests_served),
        cmocka_unit_test(probes_refused),
        cmocka_unit_test(probes_refused_in_pieces),
        cmocka_unit_test(request_shown),
        cmocka_unit_test(keep_alive_and_pipelining),
        cmocka_unit_test(pipelining_waits),
        cmocka_unit_test(half_closed_client_answered),
        cmocka_unit_test(head_method),
        cmocka_unit_test(expect_continue),
        cmocka_unit_test(head_refused_early),
        cmocka_unit_test(status_never_given),
        cmocka_unit_test(answer_header_cannot_inject),
        cmocka_unit_test(client_that_left_is_answered),
        cmocka_unit_test(large_answer),
        cmocka_unit_test(slow_head),
        cmocka_unit_test(slow_body),
        cmocka_unit_test(long_body),
        cmocka_unit_test(idle_connection),
        cmocka_unit_test(owner_too_slow),
        cmocka_unit_test(lingering_ends),
        cmocka_unit_test(many_slow_connections),
        cmocka_unit_test(connection_limits),
        cmocka_unit_test(descriptor_limit),
        cmocka_unit_test(address_limit),
        cmocka_unit_test(memory_limit),
        cmocka_unit_test(announced_too_large),
        cmocka_unit_test(chunked_bombs),
        cmocka_unit_test(body_at_the_limit),
        cmocka_unit_test(head_too_large),
        cmocka_unit_test(head_at_the_limit),
        cmocka_unit_test(content_encoding_refused),
        cmocka_unit_test(stop_finishes_what_is_open),
        cmocka_unit_test(stop_has_a_limit),
        cmocka_unit_test(unix_socket),
        cmocka_unit_test(address_unusable),
        cmocka_unit_test(tls_served),
        cmocka_unit_test(tls_handshake_stalled),
        cmocka_unit_test(tls_handshake_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
