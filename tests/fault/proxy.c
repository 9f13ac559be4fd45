/* proxy.c - connections, and the faults on them.
 *
 * One idea: everything that passes goes through flow_pass, which counts bytes
 * of the message and does the one thing the plan wanted at its place.  HTTP is
 * collected to whole messages first, so that the plan may look at them and "the
 * byte before the last" can be said.
 *
 *      on_read -> [collect -> plan] -> flow_pass -> end_write | strike
 *
 * What must hold: a connection is freed when both its ends and its timer are
 * closed, and every way out goes through connection_close.  The loop's thread
 * does all; the maker's thread reads counters and asks for the end. */
#include "proxy.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>
#include <uv.h>

#include "base/buf.h"
#include "base/memory.h"
#include "proxy_message.h"

enum {
    MESSAGE_BYTES_MAX = 20 << 20, /* above any limit of the programs tested */
    CONNECTIONS_MAX = 8192,       /* open; a test has a few thousand at most */
    BACKLOG = 1024,
    READ_BYTES = 65536
};

struct connection;

struct end {
    uv_tcp_t tcp;
    struct connection *connection;
    bool closing;
    bool ended; /* it will send no more */
    bool shut;  /* it gets no more */
};

struct flow {
    struct proxy_fault fault;
    uint64_t passed; /* of this message; raw: of the connection */
    struct buf kept; /* late and drip: to go later */
    bool last;       /* FIN follows what is kept */
};

struct connection {
    struct proxy *proxy;
    struct end client, server;
    uv_timer_t drip;
    bool drip_closing, drip_back; /* back: to the client */
    struct flow flows[2];         /* by way */
    struct buf request, answer;   /* HTTP: arriving, or waiting for its end */
    unsigned index, number;
    bool struck; /* nothing passes any more */
    bool asked;  /* HTTP: the server has, or will get, the request */
    bool counted, bodyless;
    unsigned handles; /* that are not closed */
    struct connection *prev, *next;
};

struct proxy {
    uv_loop_t loop;
    uv_thread_t thread;
    uv_tcp_t listener;
    uv_async_t stop;
    bool raw;
    proxy_plan_fn *plan;
    void *arg;
    unsigned port;
    struct connection *connections;
    unsigned open;
    atomic_uint server_port, busy, accepted, reused;
    char bytes[READ_BYTES];
};

/* ---- Ends ---------------------------------------------------------------- */

static void connection_free(struct connection *connection)
{
    struct proxy *proxy = connection->proxy;

    DL_DELETE(proxy->connections, connection);
    proxy->open--;
    buf_done(&connection->flows[PROXY_TO_SERVER].kept);
    buf_done(&connection->flows[PROXY_TO_CLIENT].kept);
    buf_done(&connection->request);
    buf_done(&connection->answer);
    free(connection);
}

static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;

    if (--connection->handles == 0)
        connection_free(connection);
}

static void on_end_closed(uv_handle_t *handle)
{
    struct end *end = handle->data;

    handle->data = end->connection;
    on_closed(handle);
}

static void count_busy(struct connection *connection, bool busy)
{
    if (busy && !connection->counted)
        atomic_fetch_add(&connection->proxy->busy, 1);
    else if (!busy && connection->counted)
        atomic_fetch_sub(&connection->proxy->busy, 1);
    connection->counted = busy;
}

static void close_drip(struct connection *connection)
{
    count_busy(connection, false);
    if (!connection->drip_closing)
        uv_close((uv_handle_t *)&connection->drip, on_closed);
    connection->drip_closing = true;
}

static void end_close(struct end *end, bool reset)
{
    if (end->closing)
        return;
    end->closing = end->ended = end->shut = true;
    if (!reset || uv_tcp_close_reset(&end->tcp, on_end_closed))
        uv_close((uv_handle_t *)&end->tcp, on_end_closed);
    if (end->connection->client.closing && end->connection->server.closing)
        close_drip(end->connection);
}

static void connection_close(struct connection *connection, bool reset)
{
    connection->struck = true;
    end_close(&connection->client, reset);
    end_close(&connection->server, reset);
}

static void on_shut(uv_shutdown_t *shutdown, int status)
{
    (void)status;
    free(shutdown);
}

/* FIN behind what was written; the end itself closes when its peer does. */
static void end_shut(struct end *end)
{
    uv_shutdown_t *shutdown;

    if (end->shut)
        return;
    end->shut = true;
    shutdown = memory_zero(1, sizeof(*shutdown));
    if (uv_shutdown(shutdown, (uv_stream_t *)&end->tcp, on_shut))
        free(shutdown);
    if (end->ended)
        end_close(end, false);
}

struct writing {
    uv_write_t write;
    char *bytes;
};

static void on_written(uv_write_t *write, int status)
{
    struct writing *writing = write->data;

    (void)status; /* reading tells of the end as well */
    free(writing->bytes);
    free(writing);
}

static void end_write(struct end *end, const char *bytes, size_t len)
{
    struct writing *writing;
    uv_buf_t buf;

    if (!len || end->shut)
        return;
    writing = memory_zero(1, sizeof(*writing));
    writing->bytes = memory_copy(bytes, len);
    writing->write.data = writing;
    buf = uv_buf_init(writing->bytes, (unsigned)len);
    if (uv_write(&writing->write, (uv_stream_t *)&end->tcp, &buf, 1,
                 on_written))
        on_written(&writing->write, 0);
}

/* ---- Faults -------------------------------------------------------------- */

static struct end *end_of(struct connection *connection, enum proxy_way way)
{
    return way == PROXY_TO_SERVER ? &connection->server : &connection->client;
}

static void strike(struct connection *connection, bool reset)
{
    connection->struck = true;
    count_busy(connection, false);
    if (reset) {
        connection_close(connection, true);
        return;
    }
    end_shut(&connection->client);
    end_shut(&connection->server);
}

static void on_drip(uv_timer_t *timer)
{
    struct connection *connection = timer->data;
    enum proxy_way way =
        connection->drip_back ? PROXY_TO_CLIENT : PROXY_TO_SERVER;
    struct flow *flow = &connection->flows[way];

    if (flow->kept.len && !connection->struck) {
        end_write(end_of(connection, way), flow->kept.data, 1);
        buf_consume(&flow->kept, 1);
    }
    if (flow->kept.len && !connection->struck)
        return;
    uv_timer_stop(timer);
    if (flow->last)
        strike(connection, false);
}

static void keep(struct connection *connection, enum proxy_way way,
                 const char *bytes, size_t len)
{
    struct flow *flow = &connection->flows[way];
    unsigned ms = flow->fault.ms ? flow->fault.ms : 1;

    if (!len)
        return;
    (void)buf_append(&flow->kept, bytes, len);
    if (flow->fault.act != PROXY_DRIP || connection->drip_closing)
        return;
    connection->drip_back = way == PROXY_TO_CLIENT;
    uv_timer_start(&connection->drip, on_drip, ms, ms);
}

static void write_changed(struct end *end, const char *bytes, size_t len,
                          size_t at, unsigned char mask)
{
    char *copy = memory_copy(bytes, len);

    copy[at] = (char)(copy[at] ^ (char)mask);
    end_write(end, copy, len);
    free(copy);
}

static void flow_pass(struct connection *connection, enum proxy_way way,
                      const char *bytes, size_t len)
{
    struct flow *flow = &connection->flows[way];
    struct end *end = end_of(connection, way);
    bool behind = flow->fault.at < flow->passed; /* its place has passed */
    uint64_t left = behind ? 0 : flow->fault.at - flow->passed;
    size_t before = left < len ? (size_t)left : len;

    if (connection->struck)
        return;
    flow->passed += len;
    switch (flow->fault.act) {
    case PROXY_PASS:
        end_write(end, bytes, len);
        return;
    case PROXY_CORRUPT:
        if (behind || before == len)
            end_write(end, bytes, len);
        else
            write_changed(end, bytes, len, before, flow->fault.mask);
        return;
    case PROXY_FIN:
    case PROXY_RESET:
        end_write(end, bytes, before);
        if (before < len)
            strike(connection, flow->fault.act == PROXY_RESET);
        return;
    case PROXY_STALL:
        end_write(end, bytes, before);
        return;
    case PROXY_LATE:
    case PROXY_DRIP:
        end_write(end, bytes, before);
        keep(connection, way, bytes + before, len - before);
        return;
    }
}

/* A message has passed: what was to strike behind its last byte does. */
static void flow_message_ends(struct connection *connection, enum proxy_way way,
                              bool fin)
{
    struct flow *flow = &connection->flows[way];

    if (connection->struck)
        return;
    if (flow->fault.act == PROXY_FIN || flow->fault.act == PROXY_RESET)
        strike(connection, flow->fault.act == PROXY_RESET);
    else if (fin && flow->kept.len)
        flow->last = true;
    else if (fin && flow->fault.act != PROXY_STALL)
        strike(connection, false);
}

/* ---- HTTP ---------------------------------------------------------------- */

static void plan(struct connection *connection, enum proxy_way way)
{
    struct proxy *proxy = connection->proxy;
    struct flow *flow = &connection->flows[way];
    struct proxy_exchange exchange = {
        .connection = connection->index,
        .number = connection->number,
        .way = way,
        .request = connection->request.data,
        .request_len = connection->request.len,
    };

    if (way == PROXY_TO_CLIENT) {
        exchange.answer = connection->answer.data;
        exchange.answer_len = connection->answer.len;
    }
    memset(&flow->fault, 0, sizeof(flow->fault));
    flow->passed = 0;
    buf_clear(&flow->kept);
    if (proxy->plan)
        proxy->plan(proxy->arg, &exchange, &flow->fault);
}

/* One whole request stands in connection->request: the client waits for its
 * answer, so nothing is behind it. */
static void http_ask(struct connection *connection)
{
    struct flow *flow = &connection->flows[PROXY_TO_SERVER];
    bool whole;

    if (connection->number)
        atomic_fetch_add(&connection->proxy->reused, 1);
    plan(connection, PROXY_TO_SERVER);
    connection->asked = true;
    connection->bodyless = !strncmp(connection->request.data, "HEAD ", 5);
    whole = flow->fault.act != PROXY_STALL && flow->fault.act != PROXY_FIN &&
            flow->fault.act != PROXY_RESET;
    count_busy(connection, whole);
    flow_pass(connection, PROXY_TO_SERVER, connection->request.data,
              connection->request.len);
    flow_message_ends(connection, PROXY_TO_SERVER, false);
}

/* The answer, or as much as the server gave of it. */
static void http_answer(struct connection *connection, bool server_ended)
{
    enum proxy_framing framing =
        connection->flows[PROXY_TO_SERVER].fault.framing;
    struct buf *answer = &connection->answer;

    count_busy(connection, false);
    connection->asked = false;
    if (!server_ended)
        proxy_message_reframe(answer, framing);
    plan(connection, PROXY_TO_CLIENT);
    flow_pass(connection, PROXY_TO_CLIENT, answer->data, answer->len);
    flow_message_ends(connection, PROXY_TO_CLIENT,
                      server_ended || framing == PROXY_TO_CLOSE);
    buf_clear(&connection->request);
    buf_clear(answer);
    connection->number++;
    if (connection->client.ended)
        connection_close(connection, false);
}

static void http_read(struct connection *connection, enum proxy_way way,
                      const char *bytes, size_t len)
{
    bool back = way == PROXY_TO_CLIENT;
    struct buf *buf = back ? &connection->answer : &connection->request;

    if (connection->struck || (back && !connection->asked))
        return;
    if (buf_append(buf, bytes, len)) {
        connection_close(connection, true);
        return;
    }
    if (!proxy_message_len(buf->data, buf->len, back, connection->bodyless))
        return;
    if (back)
        http_answer(connection, false);
    else if (!connection->asked)
        http_ask(connection);
}

/* ---- Ends that end ------------------------------------------------------- */

/* The client has closed: what was late goes now, and the server may finish. */
static void http_client_ended(struct connection *connection, bool reset)
{
    struct flow *flow = &connection->flows[PROXY_TO_SERVER];

    if (connection->struck || !connection->asked ||
        flow->fault.act == PROXY_STALL) {
        connection_close(connection, reset);
        return;
    }
    end_write(&connection->server, flow->kept.data, flow->kept.len);
    buf_clear(&flow->kept);
}

static void http_server_ended(struct connection *connection, bool reset)
{
    if (connection->struck) {
        end_close(&connection->server, false);
    } else if (connection->asked && connection->answer.len) {
        http_answer(connection, true);
    } else {
        count_busy(connection, false);
        end_close(&connection->server, false);
        connection->struck = true;
        if (reset || connection->client.ended)
            end_close(&connection->client, reset);
        else
            end_shut(&connection->client);
    }
}

/* One side has said its last word: the other hears of it behind what is kept.
 */
static void raw_ended(struct connection *connection, enum proxy_way way,
                      bool reset)
{
    struct flow *flow = &connection->flows[way];
    struct end *to = end_of(connection, way);

    if (reset || flow->fault.act == PROXY_STALL) {
        connection_close(connection, reset);
        return;
    }
    if (flow->fault.act == PROXY_LATE) {
        end_write(to, flow->kept.data, flow->kept.len);
        buf_clear(&flow->kept);
    }
    if (flow->kept.len)
        flow->last = true;
    else
        end_shut(to);
    if (connection->client.ended && connection->server.ended)
        connection_close(connection, false);
}

static void end_ended(struct end *end, bool reset)
{
    struct connection *connection = end->connection;
    bool client = end == &connection->client;

    end->ended = true;
    uv_read_stop((uv_stream_t *)&end->tcp);
    if (connection->proxy->raw)
        raw_ended(connection, client ? PROXY_TO_SERVER : PROXY_TO_CLIENT,
                  reset);
    else if (client)
        http_client_ended(connection, reset);
    else
        http_server_ended(connection, reset);
    if (end->shut)
        end_close(end, false);
}

/* ---- Reading ------------------------------------------------------------- */

static void on_alloc(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    struct end *end = handle->data;

    (void)wanted;
    *buf = uv_buf_init(end->connection->proxy->bytes, READ_BYTES);
}

static void on_read(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    struct end *end = stream->data;
    struct connection *connection = end->connection;
    enum proxy_way way =
        end == &connection->client ? PROXY_TO_SERVER : PROXY_TO_CLIENT;

    if (count < 0)
        end_ended(end, count != UV_EOF);
    else if (count > 0 && connection->proxy->raw)
        flow_pass(connection, way, buf->base, (size_t)count);
    else if (count > 0)
        http_read(connection, way, buf->base, (size_t)count);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct end *end = connect->data;

    free(connect);
    if (status == UV_ECANCELED)
        return;
    if (status)
        connection_close(end->connection, true);
    else
        uv_read_start((uv_stream_t *)&end->tcp, on_alloc, on_read);
}

static void loopback(unsigned port, struct sockaddr_in *address)
{
    memset(address, 0, sizeof(*address));
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address->sin_port = htons((uint16_t)port);
}

static void connect_server(struct connection *connection)
{
    unsigned port = atomic_load(&connection->proxy->server_port);
    uv_connect_t *connect = memory_zero(1, sizeof(*connect));
    struct sockaddr_in address;

    connect->data = &connection->server;
    loopback(port, &address);
    if (!port || uv_tcp_connect(connect, &connection->server.tcp,
                                (struct sockaddr *)&address, on_connected)) {
        free(connect);
        connection_close(connection, true);
    }
}

static void end_init(struct connection *connection, struct end *end)
{
    end->connection = connection;
    if (uv_tcp_init(&connection->proxy->loop, &end->tcp))
        abort();
    end->tcp.data = end;
    connection->handles++;
}

static struct connection *connection_create(struct proxy *proxy)
{
    struct connection *connection = memory_zero(1, sizeof(*connection));

    connection->proxy = proxy;
    DL_APPEND(proxy->connections, connection);
    proxy->open++;
    end_init(connection, &connection->client);
    end_init(connection, &connection->server);
    if (uv_timer_init(&proxy->loop, &connection->drip))
        abort();
    connection->drip.data = connection;
    connection->handles++;
    buf_init(&connection->request, MESSAGE_BYTES_MAX);
    buf_init(&connection->answer, MESSAGE_BYTES_MAX);
    buf_init(&connection->flows[PROXY_TO_SERVER].kept, MESSAGE_BYTES_MAX);
    buf_init(&connection->flows[PROXY_TO_CLIENT].kept, MESSAGE_BYTES_MAX);
    return connection;
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct proxy *proxy = stream->data;
    struct connection *connection;

    if (status)
        return;
    connection = connection_create(proxy);
    if (uv_accept(stream, (uv_stream_t *)&connection->client.tcp) ||
        proxy->open > CONNECTIONS_MAX) {
        connection_close(connection, true);
        return;
    }
    connection->index = atomic_fetch_add(&proxy->accepted, 1);
    uv_tcp_nodelay(&connection->client.tcp, 1);
    if (proxy->raw) {
        plan(connection, PROXY_TO_SERVER);
        plan(connection, PROXY_TO_CLIENT);
    }
    connect_server(connection);
    if (!connection->client.closing)
        uv_read_start((uv_stream_t *)&connection->client.tcp, on_alloc,
                      on_read);
}

/* ---- The proxy ----------------------------------------------------------- */

static void on_stop(uv_async_t *stop)
{
    struct proxy *proxy = stop->data;
    struct connection *connection, *next;

    uv_close((uv_handle_t *)&proxy->listener, NULL);
    uv_close((uv_handle_t *)&proxy->stop, NULL);
    DL_FOREACH_SAFE(proxy->connections, connection, next)
    {
        connection_close(connection, true);
    }
}

static void run(void *arg)
{
    struct proxy *proxy = arg;

    uv_run(&proxy->loop, UV_RUN_DEFAULT);
}

static int listen_on(struct proxy *proxy)
{
    struct sockaddr_in address;
    int len = sizeof(address), status;

    loopback(0, &address);
    status = uv_tcp_bind(&proxy->listener, (struct sockaddr *)&address, 0);
    if (!status)
        status =
            uv_listen((uv_stream_t *)&proxy->listener, BACKLOG, on_connection);
    if (!status)
        status = uv_tcp_getsockname(&proxy->listener,
                                    (struct sockaddr *)&address, &len);
    proxy->port = ntohs(address.sin_port);
    return status;
}

struct proxy *proxy_create(bool raw, proxy_plan_fn *plan_fn, void *arg)
{
    struct proxy *proxy = memory_zero(1, sizeof(*proxy));
    int status;

    proxy->raw = raw;
    proxy->plan = plan_fn;
    proxy->arg = arg;
    if (uv_loop_init(&proxy->loop) ||
        uv_tcp_init(&proxy->loop, &proxy->listener) ||
        uv_async_init(&proxy->loop, &proxy->stop, on_stop))
        abort();
    proxy->listener.data = proxy->stop.data = proxy;
    status = listen_on(proxy);
    if (!status)
        status = uv_thread_create(&proxy->thread, run, proxy);
    if (!status)
        return proxy;
    uv_close((uv_handle_t *)&proxy->listener, NULL);
    uv_close((uv_handle_t *)&proxy->stop, NULL);
    uv_run(&proxy->loop, UV_RUN_DEFAULT);
    uv_loop_close(&proxy->loop);
    free(proxy);
    errno = -status;
    return NULL;
}

void proxy_destroy(struct proxy *proxy)
{
    if (!proxy)
        return;
    uv_async_send(&proxy->stop);
    uv_thread_join(&proxy->thread);
    if (uv_loop_close(&proxy->loop))
        abort(); /* a handle was forgotten */
    free(proxy);
}

unsigned proxy_port(const struct proxy *proxy)
{
    return proxy->port;
}

void proxy_set_server(struct proxy *proxy, unsigned port)
{
    atomic_store(&proxy->server_port, port);
}

unsigned proxy_busy(const struct proxy *proxy)
{
    return atomic_load(&proxy->busy);
}

unsigned proxy_connections(const struct proxy *proxy)
{
    return atomic_load(&proxy->accepted);
}

unsigned proxy_reused(const struct proxy *proxy)
{
    return atomic_load(&proxy->reused);
}
