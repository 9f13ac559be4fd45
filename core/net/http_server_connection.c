/* http_server_connection.c - one connection: bytes to requests, answers to
 * bytes.
 *
 * One idea: a connection is in exactly one state, each state has one absolute
 * deadline that bytes do not move, and one function, advance, goes as far
 * through the states as the bytes in hand allow.
 *
 *     HANDSHAKE -> HEAD -> BODY -> HANDLING -> WRITING -> IDLE -> HEAD ...
 *                    \_______\____ refusal ______/   \
 *                                                     LINGER -> CLOSING
 *
 * The next request is not looked at before the answer to the last one is
 * written.  A last answer is followed by LINGER: the sending side is shut and
 * what still comes is dropped for a moment, since closing a socket with unread
 * bytes would destroy the answer on its way.
 *
 * Must hold: nothing is read into memory beyond INPUT_BYTES_MAX; while libuv
 * writes the output buffer nobody touches it; after a framing error no further
 * byte of the connection is understood.  Called by http_server.c and by libuv
 * on the loop thread. */
#include "net/http_server_connection.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/memory.h"
#include "base/seeded.h"

enum {
    /* A request that waits for the one before it: reading pauses here. */
    INPUT_HOLD_BYTES = MESSAGE_HEAD_BYTES_MAX,
    /* That, one read, and one TLS record that was completed by it. */
    INPUT_BYTES_MAX = INPUT_HOLD_BYTES + SERVER_READ_BYTES + 16 * 1024,
    /* What is encrypted at once, so that OpenSSL's buffer stays small. */
    ENCRYPT_BYTES = 64 * 1024,
    /* Dropped after a refusal before the client is cut off: a body of the
     * default limit and what its sockets hold. */
    LINGER_BYTES_MAX = 4 * 1024 * 1024,
    /* An idle connection keeps an input buffer up to this size. */
    INPUT_KEEP_BYTES = 4 * 1024,
};

static void connection_advance(struct connection *connection);

static int64_t now_ms(const struct connection *connection)
{
    return clock_monotonic_ms(connection->server->options.clock);
}

static void state_enter(struct connection *connection,
                        enum connection_state state, int64_t limit_ms)
{
    connection->state = state;
    connection->deadline_ms = now_ms(connection) + limit_ms;
}

void connection_account(struct http_server *server, size_t *accounted,
                        size_t now)
{
    server->counts.buffers_bytes += now - *accounted;
    *accounted = now;
}

static void buffers_account(struct connection *connection)
{
    size_t now = connection->input.capacity + connection->output.capacity;

    if (connection->exchange)
        connection_account(connection->server, &connection->exchange->accounted,
                           exchange_size(connection->exchange));
    connection_account(connection->server, &connection->accounted, now);
}

/* ---- closing ---- */

static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;

    connection_account(connection->server, &connection->accounted, 0);
    tls_session_destroy(connection->tls);
    buf_done(&connection->input);
    buf_done(&connection->output);
    connection->server->on_gone(connection);
}

/* The exchange is the owner's when it was given out, else ours. */
static void exchange_part(struct connection *connection)
{
    struct http_server_exchange *exchange = connection->exchange;

    connection->exchange = NULL;
    if (!exchange)
        return;
    exchange->connection = NULL;
    if (exchange->given)
        return;
    connection_account(connection->server, &exchange->accounted, 0);
    exchange_destroy(exchange);
}

void connection_close(struct connection *connection)
{
    if (connection->state == CONNECTION_CLOSING)
        return;
    connection->state = CONNECTION_CLOSING;
    connection->server->closing_count++;
    exchange_part(connection);
    uv_close(&connection->socket.handle, on_closed);
}

/* ---- writing ---- */

/* Small things that the protocols say between answers (a handshake, an alert,
 * "100 Continue").  Nothing else is being written then, so the socket takes
 * them at once; a client that lets them pile up is closed. */
static int output_try(struct connection *connection)
{
    struct buf *output = &connection->output;
    uv_buf_t bytes;
    int written;

    assert(connection->state != CONNECTION_WRITING);
    if (!output->len)
        return 0;
    bytes = uv_buf_init(output->data, (unsigned)output->len);
    written = uv_try_write(&connection->socket.stream, &bytes, 1);
    if (written < 0 || (size_t)written != output->len)
        return -EPIPE;
    buf_done(output);
    return 0;
}

static int tls_output_try(struct connection *connection)
{
    int status = tls_session_take(connection->tls, &connection->output);

    return status ? status : output_try(connection);
}

static void on_shutdown(uv_shutdown_t *shutdown, int status)
{
    (void)shutdown;
    (void)status;
}

static void linger_begin(struct connection *connection)
{
    buf_done(&connection->input);
    if (connection->ended ||
        uv_shutdown(&connection->shutdown, &connection->socket.stream,
                    on_shutdown)) {
        connection_close(connection);
        return;
    }
    state_enter(connection, CONNECTION_LINGER,
                connection->server->options.linger_ms);
}

static void reading_start(struct connection *connection);

static void reading_stop(struct connection *connection)
{
    uv_read_stop(&connection->socket.stream);
    connection->reading = false;
}

/* The answer is written and the connection goes on. */
static void idle_begin(struct connection *connection)
{
    if (!connection->input.len && connection->input.capacity > INPUT_KEEP_BYTES)
        buf_done(&connection->input);
    state_enter(connection, CONNECTION_IDLE,
                connection->server->options.idle_ms);
    connection_advance(connection);
    if (connection->ended && (connection->state == CONNECTION_IDLE ||
                              connection->state == CONNECTION_HEAD ||
                              connection->state == CONNECTION_BODY))
        connection_close(connection);
}

static void on_written(uv_write_t *write, int status)
{
    struct connection *connection = write->handle->data;

    if (connection->state == CONNECTION_CLOSING)
        return;
    buf_done(&connection->output);
    if (status) {
        connection_close(connection);
        return;
    }
    if (connection->close_after)
        linger_begin(connection);
    else
        idle_begin(connection);
    if (connection->state == CONNECTION_CLOSING)
        return;
    reading_start(connection);
    buffers_account(connection);
}

/* Turn the plain answer in output into TLS records, slice by slice. */
static int output_encrypt(struct connection *connection)
{
    struct buf plain = connection->output;
    size_t done = 0;
    int status = 0;

    buf_init(&connection->output, plain.max + plain.max / 4);
    while (!status && done < plain.len) {
        size_t slice =
            plain.len - done < ENCRYPT_BYTES ? plain.len - done : ENCRYPT_BYTES;

        status = tls_session_write(connection->tls, plain.data + done, slice);
        if (!status)
            status = tls_session_take(connection->tls, &connection->output);
        done += slice;
    }
    if (!status && connection->close_after) {
        tls_session_finish(connection->tls);
        status = tls_session_take(connection->tls, &connection->output);
    }
    buf_done(&plain);
    return status;
}

/* Send the last or only answer of the request in hand. */
static void answer_send(struct connection *connection,
                        const struct http_server_answer *answer,
                        const struct message_head *head)
{
    uv_buf_t bytes;
    int status = 0;

    connection->close_after =
        (answer->flags & HTTP_SERVER_CLOSE) || answer->status == 503 ||
        connection->server->stopping || !head || !head->keep_alive;
    /* While a TLS answer is written nothing else may be. */
    if (connection->tls)
        reading_stop(connection);
    assert(!connection->output.len);
    answer_write(&connection->output, answer, head && head->head_only,
                 connection->close_after);
    if (connection->tls)
        status = output_encrypt(connection);
    if (!status) {
        bytes = uv_buf_init(connection->output.data,
                            (unsigned)connection->output.len);
        status = uv_write(&connection->write, &connection->socket.stream,
                          &bytes, 1, on_written);
    }
    if (status) {
        connection_close(connection);
        return;
    }
    state_enter(connection, CONNECTION_WRITING,
                connection->server->options.write_ms);
}

/* The server's own answer, the last of the connection. */
static void refuse(struct connection *connection, int status)
{
    struct http_server_answer answer;

    connection->server->counts.refused++;
    exchange_part(connection);
    buf_clear(&connection->input);
    answer_own(status, &answer);
    answer_send(connection, &answer, NULL);
}

void connection_answer(struct connection *connection,
                       struct http_server_exchange *exchange,
                       const struct http_server_answer *answer)
{
    assert(connection->state == CONNECTION_HANDLING);
    assert(connection->exchange == exchange);
    connection->exchange = NULL;
    exchange->connection = NULL;
    answer_send(connection, answer, &exchange->head);
    if (connection->state != CONNECTION_CLOSING)
        buffers_account(connection);
}

/* ---- understanding ---- */

static void exchange_give(struct connection *connection)
{
    struct http_server *server = connection->server;
    struct http_server_exchange *exchange = connection->exchange;

    exchange_body_end(exchange);
    buffers_account(connection);
    state_enter(connection, CONNECTION_HANDLING, server->options.handle_ms);
    exchange->given = true;
    DL_APPEND(server->exchanges, exchange);
    server->counts.exchanges++;
    server->counts.requests++;
    server->options.on_request(server->options.arg, exchange,
                               &exchange->request);
}

/* The owner may refuse before a body is sent.  True when it did. */
static bool head_refused(struct connection *connection, bool body_follows)
{
    const struct http_server_options *options = &connection->server->options;
    struct http_server_exchange *exchange = connection->exchange;
    struct http_server_answer answer = {0};

    if (!options->on_head ||
        !options->on_head(options->arg, &exchange->request, &answer))
        return false;
    if (body_follows)
        answer.flags |= HTTP_SERVER_CLOSE;
    /* The answer looks at the head, so the exchange goes after it. */
    connection->exchange = NULL;
    answer_send(connection, &answer, &exchange->head);
    connection_account(connection->server, &exchange->accounted, 0);
    exchange_destroy(exchange);
    return true;
}

static int continue_send(struct connection *connection)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

    if (!connection->tls) {
        int status = buf_append(&connection->output, text, sizeof(text) - 1);
        return status ? status : output_try(connection);
    }
    if (tls_session_write(connection->tls, text, sizeof(text) - 1))
        return -EPROTO;
    return tls_output_try(connection);
}

static void head_end(struct connection *connection)
{
    struct http_server_exchange *exchange = connection->exchange;
    const struct message_head *head = &exchange->head;
    bool body_follows = head->chunked || head->content_length;

    if (head_refused(connection, body_follows))
        return;
    state_enter(connection, CONNECTION_BODY,
                connection->server->options.body_ms);
    connection->body_begin_ms = now_ms(connection);
    connection->body_received = 0;
    memset(&connection->chunks, 0, sizeof(connection->chunks));
    if (!body_follows)
        exchange_give(connection);
    else if (head->expect_continue && !connection->input.len &&
             continue_send(connection))
        connection_close(connection);
}

/* True when it got further. */
static bool head_step(struct connection *connection)
{
    struct buf *input = &connection->input;
    int status = message_scan(&connection->scan, input->data, input->len);
    size_t len = connection->scan.head_len;

    if (status) {
        refuse(connection, status);
        return false;
    }
    if (!len)
        return false;
    status = exchange_create(input->data, len, &connection->peer,
                             connection->listener->body_bytes_max,
                             &connection->exchange);
    if (status) {
        refuse(connection, status);
        return false;
    }
    connection->exchange->server = connection->server;
    connection->exchange->connection = connection;
    connection->exchange->request.listener_tag = connection->listener->tag;
    connection->exchange->request.encrypted = connection->tls != NULL;
    buf_consume(input, len);
    memset(&connection->scan, 0, sizeof(connection->scan));
    head_end(connection);
    return true;
}

static bool body_step(struct connection *connection)
{
    struct http_server_exchange *exchange = connection->exchange;
    struct buf *input = &connection->input;
    struct buf *body = &exchange->body;
    size_t used = input->len;
    bool complete;
    int status = 0;

    if (exchange->head.chunked) {
        status = message_chunks_read(&connection->chunks, input->data,
                                     input->len, body, &used);
        complete = connection->chunks.complete;
    } else {
        if (used > exchange->head.content_length - body->len)
            used = (size_t)exchange->head.content_length - body->len;
        if (buf_append(body, input->data, used))
            status = 413;
        complete = body->len == exchange->head.content_length;
    }
    if (status) {
        refuse(connection, status);
        return false;
    }
    connection->body_received += used;
    buf_consume(input, used);
    if (complete)
        exchange_give(connection);
    return complete;
}

static void connection_advance(struct connection *connection)
{
    bool further = true;

    /* Each round consumes a head or a body, so the input bounds it. */
    while (further && connection->input.len) {
        switch (connection->state) {
        case CONNECTION_IDLE:
            state_enter(connection, CONNECTION_HEAD,
                        connection->server->options.head_ms);
            break;
        case CONNECTION_HEAD:
            further = head_step(connection);
            break;
        case CONNECTION_BODY:
            further = body_step(connection);
            break;
        default:
            further = false;
        }
    }
}

/* ---- reading ---- */

static void on_allocate(uv_handle_t *handle, size_t suggested,
                        uv_buf_t *ret_bytes)
{
    struct connection *connection = handle->data;

    (void)suggested;
    *ret_bytes = uv_buf_init(connection->server->read_bytes, SERVER_READ_BYTES);
}

static void handshake_look(struct connection *connection)
{
    if (connection->state != CONNECTION_HANDSHAKE ||
        !tls_session_ready(connection->tls))
        return;
    state_enter(connection, CONNECTION_HEAD,
                connection->server->options.head_ms);
}

/* Bytes from the network into input.  0 or why the connection ends. */
static int input_take(struct connection *connection, const char *bytes,
                      size_t len)
{
    int status, sent;

    if (!connection->tls)
        return buf_append(&connection->input, bytes, len);
    status = tls_session_feed(connection->tls, bytes, len, &connection->input);
    /* Also an alert on failure: it tells the client why. */
    sent = tls_output_try(connection);
    if (!status)
        handshake_look(connection);
    return status ? status : sent;
}

/* The client sends no more.  What it asked is still answered. */
static void input_end(struct connection *connection)
{
    connection->ended = true;
    reading_stop(connection);
    if (connection->state != CONNECTION_HANDLING &&
        connection->state != CONNECTION_WRITING)
        connection_close(connection);
}

static void linger_drop(struct connection *connection, size_t len)
{
    connection->lingered += len;
    if (connection->lingered > LINGER_BYTES_MAX)
        connection_close(connection);
}

static bool memory_ended(const struct connection *connection)
{
    const struct http_server *server = connection->server;

    return server->counts.buffers_bytes > server->options.buffers_bytes_max &&
           (connection->state == CONNECTION_IDLE ||
            connection->state == CONNECTION_HEAD ||
            connection->state == CONNECTION_BODY);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *bytes)
{
    struct connection *connection = stream->data;
    int status;

    if (got == 0)
        return;
    if (got == UV_EOF) {
        input_end(connection);
        return;
    }
    if (got < 0) {
        connection_close(connection);
        return;
    }
    if (connection->state == CONNECTION_LINGER) {
        linger_drop(connection, (size_t)got);
        return;
    }
    if (seeded_bug("F04")) /* a deadline that each byte moves */
        state_enter(connection, connection->state,
                    connection->server->options.head_ms);
    status = input_take(connection, bytes->base, (size_t)got);
    if (status == UV_EOF && connection->input.len)
        connection->ended = true;
    else if (status) {
        connection_close(connection);
        return;
    }
    if (memory_ended(connection))
        refuse(connection, 503);
    else
        connection_advance(connection);
    if (connection->state == CONNECTION_CLOSING)
        return;
    if (connection->input.len > INPUT_HOLD_BYTES)
        reading_stop(connection);
    buffers_account(connection);
}

static void reading_start(struct connection *connection)
{
    bool served = connection->state != CONNECTION_HANDLING &&
                  connection->state != CONNECTION_WRITING;

    if (connection->reading || connection->ended || !served)
        return;
    if (uv_read_start(&connection->socket.stream, on_allocate, on_read))
        connection_close(connection);
    else
        connection->reading = true;
}

void connection_start(struct connection *connection)
{
    const struct http_server_options *options = &connection->server->options;

    buf_init(&connection->input, INPUT_BYTES_MAX);
    buf_init(&connection->output, INPUT_BYTES_MAX);
    if (connection->listener->tls) {
        connection->tls = tls_session_create(connection->listener->tls);
        if (!connection->tls) {
            connection_close(connection);
            return;
        }
        state_enter(connection, CONNECTION_HANDSHAKE, options->handshake_ms);
    } else {
        state_enter(connection, CONNECTION_HEAD, options->head_ms);
    }
    buffers_account(connection);
    reading_start(connection);
}

/* ---- deadlines ---- */

static bool body_too_slow(const struct connection *connection, int64_t now)
{
    const struct http_server_options *options = &connection->server->options;
    int64_t spent_ms = now - connection->body_begin_ms;

    return connection->state == CONNECTION_BODY &&
           spent_ms > options->body_rate_grace_ms &&
           (int64_t)connection->body_received * 1000 <
               options->body_rate_min * spent_ms;
}

void connection_tick(struct connection *connection, int64_t now)
{
    struct http_server_counts *counts = &connection->server->counts;

    if (connection->state == CONNECTION_CLOSING ||
        (now < connection->deadline_ms && !body_too_slow(connection, now)))
        return;
    switch (connection->state) {
    case CONNECTION_HEAD:
        counts->timed_out++;
        if (!connection->input.len) {
            counts->refused++;
            connection_close(connection);
            return;
        }
        refuse(connection, 408);
        break;
    case CONNECTION_BODY:
        counts->timed_out++;
        refuse(connection, 408);
        break;
    case CONNECTION_HANDLING:
        counts->timed_out++;
        refuse(connection, 503);
        break;
    case CONNECTION_HANDSHAKE:
    case CONNECTION_WRITING:
        counts->timed_out++;
        counts->refused++;
        connection_close(connection);
        return;
    default: /* idle, linger */
        connection_close(connection);
        return;
    }
    if (connection->state != CONNECTION_CLOSING)
        buffers_account(connection);
}
