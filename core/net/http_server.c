/* http_server.c - listeners, the list of connections, limits and stopping.
 *
 * One idea: everything that a stranger can make us hold is counted here, and
 * one timer looks at all deadlines, so that a test can put in its own clock and
 * no connection costs a timer.  What happens inside a connection is
 * http_server_connection.c.
 *
 *     listener --accept--> connection --head, body--> exchange --> the owner
 *        |                     |                         |
 *        +---- http_server: lists, counts, one tick -----+
 *
 * Must hold: descriptors in use stay below the process's limit by
 * DESCRIPTORS_RESERVED; a connection over a limit is closed at once; an
 * exchange given out stays valid until it is answered, even when the server is
 * gone.  Called by the daemon and by libuv on the loop thread. */
#include "net/http_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utlist.h>

#include "base/hash.h"
#include "base/memory.h"
#include "net/http_server_connection.h"

enum {
    /* Left for the store, the HTTP client, logs and plugins. */
    DESCRIPTORS_RESERVED = 128,
    CONNECTIONS_LEAST = 16, /* however few descriptors there are */
    /* Connections the kernel completes while the loop is busy; it cuts this to
     * net.core.somaxconn. */
    BACKLOG = 1024,
    BODY_BYTES_MAX = 1024 * 1024, /* F05: the default */
};

/* Connections of one address; freed when it has none.  Bounded by the number
 * of connections. */
struct network {
    char name[EXCHANGE_PEER_MAX];
    int count;
    UT_hash_handle hh;
};

void http_server_options_default(struct http_server_options *ret_options)
{
    memset(ret_options, 0, sizeof(*ret_options));
    ret_options->clock = clock_system();
    ret_options->connections_max = 4096;
    ret_options->connections_per_network_max = 2048;
    ret_options->handshakes_max = 512;
    ret_options->buffers_bytes_max = 64 * 1024 * 1024;
    ret_options->handshake_ms = 5000;
    ret_options->head_ms = 10000;
    ret_options->body_ms = 20000;
    ret_options->body_rate_grace_ms = 4000;
    ret_options->body_rate_min = 500;
    ret_options->idle_ms = 15000;
    ret_options->handle_ms = 60000;
    ret_options->write_ms = 20000;
    ret_options->linger_ms = 2000;
    ret_options->tick_ms = 100;
}

/* ---- who is connected ---- */

static void peer_of_address(struct exchange_peer *peer,
                            const struct sockaddr_storage *address)
{
    struct in6_addr six;

    if (address->ss_family == AF_INET) {
        inet_ntop(AF_INET, &((const struct sockaddr_in *)address)->sin_addr,
                  peer->address, sizeof(peer->address));
        memcpy(peer->network, peer->address, sizeof(peer->network));
        return;
    }
    six = ((const struct sockaddr_in6 *)address)->sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&six)) {
        inet_ntop(AF_INET, &six.s6_addr[12], peer->address,
                  sizeof(peer->address));
        memcpy(peer->network, peer->address, sizeof(peer->network));
        return;
    }
    inet_ntop(AF_INET6, &six, peer->address, sizeof(peer->address));
    /* One customer of a provider has at least a /64. */
    memset(&six.s6_addr[8], 0, 8);
    inet_ntop(AF_INET6, &six, peer->network, sizeof(peer->network) - 3);
    memcpy(peer->network + strlen(peer->network), "/64", 4);
}

static int peer_read(struct connection *connection)
{
    struct exchange_peer *peer = &connection->peer;
    struct sockaddr_storage address = {0};
    struct ucred user;
    socklen_t user_len = sizeof(user);
    int address_len = sizeof(address);
    uv_os_fd_t descriptor;
    int status;

    peer->uid = -1;
    if (connection->socket.handle.type == UV_TCP) {
        status = uv_tcp_getpeername(&connection->socket.tcp,
                                    (struct sockaddr *)&address, &address_len);
        if (!status)
            peer_of_address(peer, &address);
        return status;
    }
    memcpy(peer->address, "unix", 5);
    memcpy(peer->network, "unix", 5);
    status = uv_fileno(&connection->socket.handle, &descriptor);
    if (status)
        return status;
    if (!getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &user, &user_len))
        peer->uid = (int64_t)user.uid;
    return 0;
}

static bool peer_is_loopback(const struct exchange_peer *peer)
{
    return !strncmp(peer->address, "127.", 4) || !strcmp(peer->address, "::1");
}

/* 0, or -EMFILE when the address has enough. */
static int network_enter(struct connection *connection)
{
    struct http_server *server = connection->server;
    struct network *network = NULL;

    if (connection->socket.handle.type != UV_TCP ||
        (peer_is_loopback(&connection->peer) &&
         !server->options.limit_loopback))
        return 0;
    HASH_FIND_STR(server->networks, connection->peer.network, network);
    if (network &&
        network->count >= server->options.connections_per_network_max)
        return -EMFILE;
    if (!network) {
        network = memory_zero(1, sizeof(*network));
        memcpy(network->name, connection->peer.network, sizeof(network->name));
        HASH_ADD_STR(server->networks, name, network);
    }
    network->count++;
    connection->network = network;
    return 0;
}

static void network_leave(struct connection *connection)
{
    struct network *network = connection->network;

    connection->network = NULL;
    if (!network || --network->count)
        return;
    HASH_DEL(connection->server->networks, network);
    free(network);
}

/* ---- the end of things ---- */

static void on_handle_closed(struct http_server *server)
{
    if (!--server->handles_open)
        server->on_stopped(server->stopped_arg);
}

static void on_tick_closed(uv_handle_t *handle)
{
    on_handle_closed(handle->data);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;

    on_handle_closed(listener->server);
}

static void listener_destroy(struct listener *listener)
{
    tls_server_destroy(listener->tls);
    free(listener->certificate_file);
    free(listener->key_file);
    free(listener);
}

static void stop_when_empty(struct http_server *server)
{
    uv_handle_t *tick = (uv_handle_t *)&server->tick;

    if (server->stopping && !server->counts.connections && !uv_is_closing(tick))
        uv_close(tick, on_tick_closed);
}

static void on_connection_gone(struct connection *connection)
{
    struct http_server *server = connection->server;

    network_leave(connection);
    DL_DELETE(server->connections, connection);
    server->counts.connections--;
    server->closing_count--;
    free(connection);
    if (!server->counts.connections && !server->stopping)
        uv_timer_stop(&server->tick);
    stop_when_empty(server);
    on_handle_closed(server);
}

/* ---- deadlines ---- */

static void on_tick(uv_timer_t *tick)
{
    struct http_server *server = tick->data;
    int64_t now_ms = clock_monotonic_ms(server->options.clock);
    bool stop_now = server->stopping && now_ms >= server->stop_by_ms;
    struct connection *connection, *next;

    DL_FOREACH_SAFE(server->connections, connection, next)
    {
        if (stop_now)
            connection_close(connection);
        else
            connection_tick(connection, now_ms);
    }
}

static void tick_start(struct http_server *server)
{
    uint64_t tick_ms = (uint64_t)server->options.tick_ms;

    if (!uv_is_active((uv_handle_t *)&server->tick))
        uv_timer_start(&server->tick, on_tick, tick_ms, tick_ms);
}

/* ---- accepting ---- */

/* Those that hold a descriptor. */
static int connections_open(const struct http_server *server)
{
    return server->counts.connections - server->closing_count;
}

/* Idle connections are a courtesy; one that waits at the door is work. */
static void idle_longest_close(struct http_server *server)
{
    struct connection *connection, *longest = NULL;

    DL_FOREACH(server->connections, connection)
    {
        if (connection->state != CONNECTION_IDLE)
            continue;
        if (!longest || connection->deadline_ms < longest->deadline_ms)
            longest = connection;
    }
    if (longest)
        connection_close(longest);
}

/* An honest handshake takes a few round trips; the oldest one had the longest
 * time for them.  Measured: OpenSSL holds 9 KiB for a new session, 72 KiB from
 * the first byte, 18 KiB once it is established. */
static void handshake_oldest_close(struct http_server *server)
{
    struct connection *connection, *oldest = NULL;
    int count = 0;

    DL_FOREACH(server->connections, connection)
    {
        if (connection->state != CONNECTION_HANDSHAKE)
            continue;
        count++;
        if (!oldest)
            oldest = connection;
    }
    if (!oldest || count < server->options.handshakes_max)
        return;
    server->counts.turned_away++;
    connection_close(oldest);
}

static struct connection *connection_create(struct listener *listener)
{
    struct http_server *server = listener->server;
    struct connection *connection = memory_zero(1, sizeof(*connection));
    int status;

    connection->server = server;
    connection->listener = listener;
    if (listener->socket.handle.type == UV_TCP)
        status = uv_tcp_init(server->loop, &connection->socket.tcp);
    else
        status = uv_pipe_init(server->loop, &connection->socket.pipe, 0);
    if (status) {
        free(connection);
        return NULL;
    }
    connection->socket.handle.data = connection;
    DL_APPEND(server->connections, connection);
    server->counts.connections++;
    server->handles_open++;
    return connection;
}

static int connection_admit(struct connection *connection)
{
    struct http_server *server = connection->server;
    int status = uv_accept(&connection->listener->socket.stream,
                           &connection->socket.stream);

    if (!status)
        status = peer_read(connection);
    if (status)
        return status;
    if (server->stopping)
        return -ECANCELED;
    if (connections_open(server) > server->options.connections_max)
        status = -EMFILE;
    if (!status)
        status = network_enter(connection);
    if (status)
        server->counts.turned_away++;
    else if (connection->socket.handle.type == UV_TCP)
        uv_tcp_nodelay(&connection->socket.tcp, 1);
    return status;
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct listener *listener = stream->data;
    struct http_server *server = listener->server;
    struct connection *connection;

    if (status)
        return; /* the client left, or libuv shed it for want of descriptors */
    if (connections_open(server) >= server->options.connections_max)
        idle_longest_close(server);
    if (listener->tls)
        handshake_oldest_close(server);
    connection = connection_create(listener);
    if (!connection)
        return;
    tick_start(server);
    if (connection_admit(connection))
        connection_close(connection);
    else
        connection_start(connection);
}

/* ---- listening ---- */

static int tcp_open(struct listener *listener,
                    const struct http_server_listener *wanted, int *ret_port,
                    struct error *err)
{
    uv_tcp_t *tcp = &listener->socket.tcp;
    struct sockaddr_storage address = {0};
    int address_len = sizeof(address);
    int status = uv_ip4_addr(wanted->address, wanted->port,
                             (struct sockaddr_in *)&address);

    if (status)
        status = uv_ip6_addr(wanted->address, wanted->port,
                             (struct sockaddr_in6 *)&address);
    if (status) {
        error_set(err, "%s is not an IPv4 or IPv6 address", wanted->address);
        return status;
    }
    status = uv_tcp_bind(tcp, (struct sockaddr *)&address, 0);
    if (!status)
        status = uv_listen(&listener->socket.stream, BACKLOG, on_connection);
    if (!status)
        status =
            uv_tcp_getsockname(tcp, (struct sockaddr *)&address, &address_len);
    if (status)
        error_set(err, "cannot listen on %s port %d: %s", wanted->address,
                  wanted->port, uv_strerror(status));
    else if (ret_port)
        *ret_port = ntohs(address.ss_family == AF_INET
                              ? ((struct sockaddr_in *)&address)->sin_port
                              : ((struct sockaddr_in6 *)&address)->sin6_port);
    return status;
}

/* A socket nobody listens on is what a killed process left. */
static int dead_socket_remove(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct stat about;
    int descriptor, status = 0;

    if (lstat(path, &about))
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(about.st_mode))
        return -EEXIST;
    descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0)
        return -errno;
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (!connect(descriptor, (struct sockaddr *)&address, sizeof(address)))
        status = -EADDRINUSE;
    else if (errno != ECONNREFUSED)
        status = errno == EAGAIN ? -EADDRINUSE : -errno;
    close(descriptor);
    if (!status && unlink(path))
        status = -errno;
    return status;
}

static int unix_open(struct listener *listener,
                     const struct http_server_listener *wanted,
                     struct error *err)
{
    struct sockaddr_un address;
    int status;

    /* libuv 1.44 would cut it silently. */
    if (strlen(wanted->path) >= sizeof(address.sun_path))
        status = -ENAMETOOLONG;
    else
        status = dead_socket_remove(wanted->path);
    if (!status)
        status = uv_pipe_bind(&listener->socket.pipe, wanted->path);
    /* Before listen nobody can connect, so the mode is never too wide. */
    if (!status && chmod(wanted->path, (mode_t)wanted->mode))
        status = -errno;
    if (!status)
        status = uv_listen(&listener->socket.stream, BACKLOG, on_connection);
    if (status)
        error_set(err, "cannot listen on socket %s: %s", wanted->path,
                  uv_strerror(status));
    return status;
}

int http_server_listen(struct http_server *server,
                       const struct http_server_listener *wanted, int *ret_port,
                       struct error *err)
{
    struct listener *listener = memory_zero(1, sizeof(*listener));
    int status = 0;

    assert(!server->stopping);
    assert(wanted->address || wanted->path);
    listener->server = server;
    listener->body_bytes_max =
        wanted->body_bytes_max ? wanted->body_bytes_max : BODY_BYTES_MAX;
    listener->tag = wanted->tag;
    listener->certificate_file = memory_text(wanted->certificate_file);
    listener->key_file = memory_text(wanted->key_file);
    if (listener->certificate_file)
        status = tls_server_create(listener->certificate_file,
                                   listener->key_file ? listener->key_file : "",
                                   &listener->tls, err);
    if (!status && wanted->address)
        status = uv_tcp_init(server->loop, &listener->socket.tcp);
    else if (!status)
        status = uv_pipe_init(server->loop, &listener->socket.pipe, 0);
    if (status) {
        listener_destroy(listener);
        return status;
    }
    /* From here on libuv knows it: it goes with the server. */
    listener->socket.handle.data = listener;
    LL_PREPEND(server->listeners, listener);
    server->handles_open++;
    if (wanted->address)
        return tcp_open(listener, wanted, ret_port, err);
    return unix_open(listener, wanted, err);
}

int http_server_reload(struct http_server *server, struct error *err)
{
    struct listener *listener;

    LL_FOREACH(server->listeners, listener)
    {
        struct tls_server *tls;
        int status;

        if (!listener->tls)
            continue;
        status = tls_server_create(listener->certificate_file,
                                   listener->key_file, &tls, err);
        if (status)
            return status;
        tls_server_destroy(listener->tls);
        listener->tls = tls;
    }
    return 0;
}

/* ---- the server ---- */

static int connections_allowed(int wanted)
{
    struct rlimit limit;
    rlim_t allowed;

    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == RLIM_INFINITY)
        return wanted;
    if (limit.rlim_cur < DESCRIPTORS_RESERVED + CONNECTIONS_LEAST)
        return CONNECTIONS_LEAST;
    allowed = limit.rlim_cur - DESCRIPTORS_RESERVED;
    return allowed < (rlim_t)wanted ? (int)allowed : wanted;
}

int http_server_create(uv_loop_t *loop,
                       const struct http_server_options *options,
                       struct http_server **ret_server)
{
    struct http_server *server = memory_zero(1, sizeof(*server));
    int status;

    assert(options->on_request && options->clock);
    server->loop = loop;
    server->options = *options;
    server->options.connections_max =
        connections_allowed(options->connections_max);
    server->on_gone = on_connection_gone;
    status = uv_timer_init(loop, &server->tick);
    if (status) {
        free(server);
        return status;
    }
    server->tick.data = server;
    server->handles_open = 1;
    *ret_server = server;
    return 0;
}

void http_server_answer(struct http_server_exchange *exchange,
                        const struct http_server_answer *answer)
{
    struct http_server *server = exchange->server;

    if (exchange->connection)
        connection_answer(exchange->connection, exchange, answer);
    if (server) {
        DL_DELETE(server->exchanges, exchange);
        server->counts.exchanges--;
        connection_account(server, &exchange->accounted, 0);
    }
    exchange_destroy(exchange);
}

void http_server_count(const struct http_server *server,
                       struct http_server_counts *ret_counts)
{
    *ret_counts = server->counts;
}

void http_server_stop(struct http_server *server, int64_t drain_ms,
                      void (*on_stopped)(void *arg), void *arg)
{
    struct connection *connection, *next;
    struct listener *listener;

    assert(!server->stopping);
    server->stopping = true;
    server->on_stopped = on_stopped;
    server->stopped_arg = arg;
    server->stop_by_ms = clock_monotonic_ms(server->options.clock) + drain_ms;
    LL_FOREACH(server->listeners, listener)
    uv_close(&listener->socket.handle, on_listener_closed);
    DL_FOREACH_SAFE(server->connections, connection, next)
    {
        if (connection->state == CONNECTION_HANDSHAKE ||
            connection->state == CONNECTION_IDLE ||
            connection->state == CONNECTION_LINGER ||
            (connection->state == CONNECTION_HEAD && !connection->input.len))
            connection_close(connection);
    }
    stop_when_empty(server);
}

void http_server_destroy(struct http_server *server)
{
    struct http_server_exchange *exchange, *next_exchange;
    struct listener *listener, *next_listener;

    if (!server)
        return;
    assert(!server->handles_open);
    DL_FOREACH_SAFE(server->exchanges, exchange, next_exchange)
    {
        DL_DELETE(server->exchanges, exchange);
        exchange->server = NULL;
    }
    LL_FOREACH_SAFE(server->listeners, listener, next_listener)
    listener_destroy(listener);
    free(server);
}
