/* http_candidates.c - which HTTP reader may stand at our door?
 *
 *     http_candidates probe NAME        run F03's table against a candidate
 *     http_candidates serve NAME PORT   serve until killed, for a load program
 *     http_candidates load PORT SECONDS CONNECTIONS
 *
 * A probe is let through when the candidate hands any request of the connection
 * to its owner.  Counted apart: how often that was the second request, that is,
 * how often bytes behind a dubious request were understood as a request.
 * Not every one that is let through is a hole by itself: a blank behind a
 * number is allowed by RFC 9112.  Ours refuses it all the same (F03). */
#include "candidate.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "http_probes.h"

enum {
    PROBE_WAIT_MS = 150, /* silence after which a candidate has decided */
    LOAD_BODY = 2048,    /* a webhook's size */
    LOAD_CONNECTIONS_MAX = 256,
};

struct candidate_counts *candidate_counts;

static const struct {
    const char *name;
    void (*serve)(int port);
} candidates[] = {
    {"microhttpd", candidate_microhttpd},
    {"evhttp", candidate_evhttp},
    {"http-parser", candidate_parser},
    {"http-parser+head", candidate_parser_head},
    {"connect", candidate_connect},
};

void candidate_saw(const char *target)
{
    candidate_counts->requests++;
    if (!strcmp(target, "/second"))
        candidate_counts->seconds++;
}

static int port_free(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t len = sizeof(address);
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (descriptor < 0 ||
        bind(descriptor, (struct sockaddr *)&address, sizeof(address)) ||
        getsockname(descriptor, (struct sockaddr *)&address, &len))
        exit(1);
    close(descriptor);
    return ntohs(address.sin_port);
}

static int client_open(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    struct timeval wait = {0, PROBE_WAIT_MS * 1000};
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);

    address.sin_port = htons((unsigned short)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(descriptor, (struct sockaddr *)&address, sizeof(address))) {
        close(descriptor);
        return -1;
    }
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    return descriptor;
}

struct result {
    int through, second, open;
};

static void probe_run(const struct http_probe *probe, int port,
                      struct result *result)
{
    char bytes[2048], answer[4096], first[32] = "no answer";
    ssize_t got;
    bool begun = false, closed = false;
    int client = client_open(port);

    candidate_counts->requests = 0;
    candidate_counts->seconds = 0;
    memcpy(bytes, probe->bytes, probe->len);
    memcpy(bytes + probe->len, PROBE_SECOND, sizeof(PROBE_SECOND) - 1);
    if (send(client, bytes, probe->len + sizeof(PROBE_SECOND) - 1,
             MSG_NOSIGNAL) < 0)
        closed = true;
    while (!closed && (got = recv(client, answer, sizeof(answer), 0)) != 0) {
        if (got < 0 && errno != EINTR)
            break;
        if (got > 0 && !begun)
            snprintf(first, sizeof(first), "%.*s", got > 12 ? 12 : (int)got,
                     answer);
        begun = true;
    }
    if (!closed && got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        result->open++;
    close(client);
    if (candidate_counts->requests)
        result->through++;
    if (candidate_counts->seconds)
        result->second++;
    if (candidate_counts->requests)
        printf("  let through: %-45s %s%s\n", probe->name, first,
               candidate_counts->seconds ? ", second request processed" : "");
}

static pid_t candidate_start(void (*serve)(int port), int port)
{
    pid_t child = fork();
    int i, client = -1;

    if (!child) {
        serve(port);
        _exit(1);
    }
    for (i = 0; i < 500 && client < 0; i++) {
        struct timespec wait = {0, 10000000};
        nanosleep(&wait, NULL);
        client = client_open(port);
    }
    if (client < 0)
        exit(1);
    close(client);
    return child;
}

static int probe_all(void (*serve)(int port), const char *name)
{
    struct result smuggling = {0}, malformed = {0};
    int port = port_free();
    pid_t child = candidate_start(serve, port);
    int i;

    printf("%s\n", name);
    for (i = 0; i < HTTP_PROBES_SMUGGLING; i++)
        probe_run(&http_probes_smuggling[i], port, &smuggling);
    for (i = 0; i < HTTP_PROBES_MALFORMED; i++)
        probe_run(&http_probes_malformed[i], port, &malformed);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    printf("%s: of %d smuggling probes %d let through, %d with the second "
           "request; of %d malformed %d, %d; left open %d\n\n",
           name, HTTP_PROBES_SMUGGLING, smuggling.through, smuggling.second,
           HTTP_PROBES_MALFORMED, malformed.through, malformed.second,
           smuggling.open + malformed.open);
    return smuggling.through + malformed.through;
}

static double seconds_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* One request in flight on each connection. */
static void load(int port, double seconds, int connections)
{
    static char request[LOAD_BODY + 256];
    struct epoll_event event = {.events = EPOLLIN}, ready[64];
    int epoll = epoll_create1(0);
    double begin, end;
    long answers = 0;
    size_t len;
    int i;

    len = (size_t)snprintf(request, sizeof(request),
                           "POST /in/streak/secret HTTP/1.1\r\n"
                           "Host: a.example\r\nUser-Agent: load\r\n"
                           "Content-Type: application/json\r\n"
                           "Content-Length: %d\r\n\r\n",
                           LOAD_BODY);
    memset(request + len, 'x', LOAD_BODY);
    len += LOAD_BODY;
    for (i = 0; i < connections && i < LOAD_CONNECTIONS_MAX; i++) {
        event.data.fd = client_open(port);
        if (event.data.fd < 0 ||
            epoll_ctl(epoll, EPOLL_CTL_ADD, event.data.fd, &event) ||
            send(event.data.fd, request, len, MSG_NOSIGNAL) < 0)
            exit(1);
    }
    begin = seconds_now();
    do {
        int count = epoll_wait(epoll, ready, 64, 1000);
        for (i = 0; i < count; i++) {
            char answer[4096];
            if (recv(ready[i].data.fd, answer, sizeof(answer), 0) <= 0 ||
                send(ready[i].data.fd, request, len, MSG_NOSIGNAL) < 0)
                exit(1);
            answers++;
        }
        end = seconds_now();
    } while (end - begin < seconds);
    printf("%.0f requests a second\n", (double)answers / (end - begin));
}

int main(int argc, char **argv)
{
    size_t i;

    setvbuf(stdout, NULL, _IOLBF, 0);
    candidate_counts =
        mmap(NULL, sizeof(*candidate_counts), PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (candidate_counts == MAP_FAILED)
        return 1;
    if (argc == 5 && !strcmp(argv[1], "load")) {
        load((int)strtol(argv[2], NULL, 10), strtod(argv[3], NULL),
             (int)strtol(argv[4], NULL, 10));
        return 0;
    }
    for (i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
        if (argc < 3 || strcmp(argv[2], candidates[i].name))
            continue;
        if (!strcmp(argv[1], "probe"))
            return probe_all(candidates[i].serve, candidates[i].name) != 0;
        if (argc == 4 && !strcmp(argv[1], "serve"))
            candidates[i].serve((int)strtol(argv[3], NULL, 10));
        return 0;
    }
    fprintf(stderr, "usage: http_candidates probe NAME | serve NAME PORT | "
                    "load PORT SECONDS CONNECTIONS\n");
    return 2;
}
