/* target.c - the other system of the benchmark.
 *
 * One idea: a process of its own that does as little as possible, so that what
 * is measured is the daemon.  The delay is equal for all, so what waits is a
 * list in the order of arrival.  Serves POST with a "seq" in its body, and GET
 * of /orders/<seq> for probes. */
#include "target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

#include "base/memory.h"
#include "measure.h"

enum {
    REQUEST_MAX = 4096, /* the sink sends some 400 bytes */
    EVENTS_MAX = 256,   /* of one look */
    BACKLOG = 4096
};

struct visitor {                 /* one connection */
    struct visitor *prev, *next; /* in waiting */
    int descriptor;
    size_t len;
    uint64_t seq, due_ns;
    bool waits;
    char request[REQUEST_MAX + 1];
};

struct server {
    struct board *board;
    int wake, epoll, listener;
    uint64_t delay_ns;
    struct visitor *waiting;
};

/* ---- Answers ------------------------------------------------------------- */

static void visitor_close(struct server *server, struct visitor *visitor)
{
    if (visitor->waits)
        DL_DELETE(server->waiting, visitor);
    close(visitor->descriptor);
    free(visitor);
}

static void visitor_send(struct visitor *visitor, int code, const char *body)
{
    char answer[256];
    int len = snprintf(answer, sizeof(answer),
                       "HTTP/1.1 %d X\r\nContent-Type: application/json\r\n"
                       "Content-Length: %zu\r\n\r\n%s",
                       code, strlen(body), body);

    (void)!send(visitor->descriptor, answer, (size_t)len, MSG_NOSIGNAL);
    visitor->len = 0;
}

static void visitor_arrived(struct server *server, struct visitor *visitor)
{
    char body[64];
    uint64_t none = 0, one = 1;

    snprintf(body, sizeof(body), "{\"number\":\"T-%llu\"}",
             (unsigned long long)visitor->seq);
    /* Noted, then answered: it may be stopped between the two. */
    if (!atomic_compare_exchange_strong(
            &server->board->arrived_ns[visitor->seq], &none,
            measure_now_ns())) {
        atomic_fetch_add(&server->board->doubled, 1);
        visitor_send(visitor, 200, body);
        return;
    }
    visitor_send(visitor, 200, body);
    (void)!write(server->wake, &one, sizeof(one));
}

static void serve_due(struct server *server)
{
    uint64_t now_ns = measure_now_ns();
    struct visitor *visitor;

    while ((visitor = server->waiting) && visitor->due_ns <= now_ns) {
        DL_DELETE(server->waiting, visitor);
        visitor->waits = false;
        visitor_arrived(server, visitor);
    }
}

/* ---- Requests ------------------------------------------------------------ */

static void visitor_request(struct server *server, struct visitor *visitor)
{
    const char *seq = strstr(visitor->request, "\"seq\":\"");
    uint64_t found = 0;

    if (!strncmp(visitor->request, "GET /orders/", 12)) {
        found = strtoull(visitor->request + 12, NULL, 10);
        atomic_fetch_add(&server->board->probes, 1);
        if (found < BOARD_SLOTS && server->board->arrived_ns[found])
            visitor_send(visitor, 200, "{\"number\":\"T\"}");
        else
            visitor_send(visitor, 404, "{}");
        return;
    }
    if (seq)
        found = strtoull(seq + 7, NULL, 10);
    if (!found || found >= BOARD_SLOTS) {
        atomic_fetch_add(&server->board->strange, 1);
        visitor_send(visitor, 400, "{}");
        return;
    }
    visitor->seq = found;
    if (!server->delay_ns) {
        visitor_arrived(server, visitor);
        return;
    }
    visitor->due_ns = measure_now_ns() + server->delay_ns;
    visitor->waits = true;
    DL_APPEND(server->waiting, visitor);
}

/* Is the request whole? */
static bool request_whole(const struct visitor *visitor)
{
    const char *end = strstr(visitor->request, "\r\n\r\n");
    const char *length = strcasestr(visitor->request, "\nContent-Length:");
    size_t body = 0;

    if (!end)
        return false;
    if (length && length < end)
        body = strtoull(length + 16, NULL, 10);
    return visitor->len >= (size_t)(end - visitor->request) + 4 + body;
}

static void visitor_read(struct server *server, struct visitor *visitor)
{
    ssize_t got = recv(visitor->descriptor, visitor->request + visitor->len,
                       REQUEST_MAX - visitor->len, 0);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        visitor_close(server, visitor);
        return;
    }
    visitor->len += (size_t)got;
    visitor->request[visitor->len] = '\0';
    if (!visitor->waits && request_whole(visitor))
        visitor_request(server, visitor);
}

static void server_accept(struct server *server)
{
    int descriptor;

    while ((descriptor = accept4(server->listener, NULL, NULL,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct visitor *visitor = memory_zero(1, sizeof(*visitor));
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = visitor};
        visitor->descriptor = descriptor;
        epoll_ctl(server->epoll, EPOLL_CTL_ADD, descriptor, &event);
    }
}

/* ---- Life ---------------------------------------------------------------- */

static int server_wait_ms(const struct server *server)
{
    uint64_t now_ns = measure_now_ns();

    if (!server->waiting)
        return -1;
    if (server->waiting->due_ns <= now_ns)
        return 0;
    return (int)((server->waiting->due_ns - now_ns + 999999) / 1000000);
}

static void server_run(struct server *server)
{
    struct epoll_event events[EVENTS_MAX];
    struct epoll_event first = {.events = EPOLLIN, .data.ptr = NULL};

    server->epoll = epoll_create1(EPOLL_CLOEXEC);
    epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->listener, &first);
    for (;;) {
        int count = epoll_wait(server->epoll, events, EVENTS_MAX,
                               server_wait_ms(server));
        for (int index = 0; index < count; index++) {
            if (events[index].data.ptr)
                visitor_read(server, events[index].data.ptr);
            else
                server_accept(server);
        }
        serve_due(server);
    }
}

/* A socket bound to *port, or to a free one when 0; or a negative errno. */
static int bind_port(int *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int one = 1;
    int descriptor =
        socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    address.sin_port = htons((uint16_t)*port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (descriptor < 0 ||
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
        bind(descriptor, (struct sockaddr *)&address, sizeof(address)) ||
        getsockname(descriptor, (struct sockaddr *)&address, &len)) {
        int status = -errno;
        if (descriptor >= 0)
            close(descriptor);
        return status;
    }
    *port = ntohs(address.sin_port);
    return descriptor;
}

/* The socket stays bound and never listens: the port refuses, unless another
 * socket listens on it, and nobody else is given it. */
int target_closed_port(void)
{
    int port = 0;

    return bind_port(&port) < 0 ? 0 : port;
}

int board_open(struct target *target)
{
    void *board = mmap(NULL, sizeof(*target->board), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (board == MAP_FAILED)
        return -errno;
    target->board = board;
    target->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return target->wake < 0 ? -errno : 0;
}

int target_start(struct target *target, unsigned delay_ms)
{
    target->port = target_closed_port();
    return target->port ? target_return(target, delay_ms) : -EADDRINUSE;
}

int target_return(struct target *target, unsigned delay_ms)
{
    struct server server = {.board = target->board,
                            .wake = target->wake,
                            .delay_ns = (uint64_t)delay_ms * 1000000u};

    server.listener = bind_port(&target->port);
    if (server.listener < 0)
        return server.listener;
    if (listen(server.listener, BACKLOG)) {
        int status = -errno;
        close(server.listener);
        return status;
    }
    target->process = fork();
    if (!target->process) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        server_run(&server);
        _exit(1);
    }
    close(server.listener);
    return target->process < 0 ? -errno : 0;
}

void target_stop(struct target *target)
{
    if (target->process <= 0)
        return;
    kill(target->process, SIGKILL);
    waitpid(target->process, NULL, 0);
    target->process = 0;
}
