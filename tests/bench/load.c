/* load.c - webhooks, as many in flight as asked for.
 *
 * One idea: a closed loop over raw sockets; one more event is sent for each
 * that finishes, and a finished one is an answer or an arrival at the target.
 * Every event of the program has a number of its own, which is where its times
 * are found.  Called on one thread. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"

enum {
    ANSWER_MAX = 2048,
    REQUEST_MAX = 1024,
    REST_MS = 30000 /* for what is in flight at the end */
};

struct sender { /* one connection */
    int descriptor;
    bool busy;
    uint64_t seq;
    size_t len;
    char answer[ANSWER_MAX + 1];
};

struct load {
    const struct load_options *options;
    struct load_result *result;
    int epoll;
    struct sender *senders;
    unsigned *idle; /* senders that are free */
    unsigned idle_count;
    uint64_t open;                         /* events in flight */
    uint64_t begin_ns, counted_ns, end_ns; /* of sending, of counting */
    uint64_t cpu_begin_ns, cpu_end_ns;
    bool counting, over;
    int status;
};

static uint64_t seq_next = 1;         /* of the whole program */
static uint64_t sent_ns[BOARD_SLOTS]; /* by number */

static const char note[] =
    "The quick brown fox jumps over the lazy dog and then writes about it: "
    "a note as people write them, with some words that are of no use to "
    "anybody but fill the space that a real one takes.";

/* ---- Sending ------------------------------------------------------------- */

static int sender_open(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_port = htons((uint16_t)port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (descriptor < 0 ||
        connect(descriptor, (struct sockaddr *)&address, sizeof(address))) {
        int status = -errno;
        if (descriptor >= 0)
            close(descriptor);
        return status;
    }
    return descriptor;
}

static size_t request_make(char *request, const char *path, uint64_t seq)
{
    char body[REQUEST_MAX / 2];
    int len = snprintf(body, sizeof(body),
                       "{\"seq\":\"%llu\",\"amount\":\"149.90\",\"note\":"
                       "\"%s\"}",
                       (unsigned long long)seq, note);

    len = snprintf(request, REQUEST_MAX,
                   "POST %s HTTP/1.1\r\nHost: localhost\r\n"
                   "Content-Type: application/json\r\nContent-Length: %d\r\n"
                   "\r\n%s",
                   path, len, body);
    return (size_t)len;
}

static int sender_connect(struct load *load, unsigned index)
{
    struct sender *sender = &load->senders[index];
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = index};

    sender->descriptor = sender_open(load->options->port);
    if (sender->descriptor < 0)
        return sender->descriptor;
    return epoll_ctl(load->epoll, EPOLL_CTL_ADD, sender->descriptor, &event)
               ? -errno
               : 0;
}

static int sender_send(struct load *load, unsigned index)
{
    struct sender *sender = &load->senders[index];
    char request[REQUEST_MAX];
    size_t len;

    sender->seq = seq_next++;
    len = request_make(request, load->options->path, sender->seq);
    sent_ns[sender->seq] = measure_now_ns();
    if (send(sender->descriptor, request, len, MSG_NOSIGNAL) != (ssize_t)len)
        return -EPIPE;
    sender->busy = true;
    sender->len = 0;
    load->open++;
    load->result->sent++;
    return 0;
}

/* Events that are due when they come at a fixed rate. */
static bool rate_allows(const struct load *load)
{
    double since_s = (double)(measure_now_ns() - load->begin_ns) / 1e9;

    return (double)load->result->sent < since_s * load->options->per_second;
}

static bool may_send(const struct load *load)
{
    const struct load_options *options = load->options;

    return !load->over && (options->per_second <= 0 || rate_allows(load)) &&
           load->idle_count && load->open < options->width &&
           seq_next < BOARD_SLOTS &&
           (!options->count_max || load->result->sent < options->count_max);
}

/* ---- Finishing ----------------------------------------------------------- */

static uint64_t cpu_now_ns(const struct load *load)
{
    struct timespec used;

    if (!load->options->cpu || clock_gettime(load->options->cpu, &used))
        return 0;
    return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

static void load_finished(struct load *load, uint64_t count)
{
    load->open -= count;
    if (load->counting && !load->over)
        load->result->finished += count;
}

static void answer_take(struct load *load, struct sender *sender, int code)
{
    uint64_t now_ns = measure_now_ns();

    if (code == 200) {
        load->result->answered++;
        if (load->counting && !load->over)
            samples_add(&load->result->answer_ms,
                        (double)(now_ns - sent_ns[sender->seq]) / 1e6);
        if (!load->options->until_arrived)
            load_finished(load, 1);
    } else {
        load->result->refused++;
        sent_ns[sender->seq] = 0;
        load->open--;
    }
}

/* The status of a whole answer, or 0 when more must come. */
static int answer_code(const struct sender *sender)
{
    const char *end = strstr(sender->answer, "\r\n\r\n");
    const char *length = strcasestr(sender->answer, "\nContent-Length:");
    size_t body = 0;

    if (!end)
        return 0;
    if (length && length < end)
        body = strtoull(length + 16, NULL, 10);
    if (sender->len < (size_t)(end - sender->answer) + 4 + body)
        return 0;
    return (int)strtol(sender->answer + 9, NULL, 10);
}

static int sender_read(struct load *load, unsigned index)
{
    struct sender *sender = &load->senders[index];
    ssize_t got = recv(sender->descriptor, sender->answer + sender->len,
                       ANSWER_MAX - sender->len, MSG_DONTWAIT);
    int code;

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (got <= 0) {
        close(sender->descriptor);
        if (sender->busy)
            return -ECONNRESET;
        return sender_connect(load, index);
    }
    sender->len += (size_t)got;
    sender->answer[sender->len] = '\0';
    code = answer_code(sender);
    if (!code || !sender->busy)
        return 0;
    sender->busy = false;
    load->idle[load->idle_count++] = index;
    answer_take(load, sender, code);
    if (code == 200)
        return 0;
    close(sender->descriptor); /* a refusal closes */
    return sender_connect(load, index);
}

static void arrivals_read(struct load *load)
{
    uint64_t count = 0;

    if (read(load->options->target->wake, &count, sizeof(count)) ==
        (ssize_t)sizeof(count))
        load_finished(load, count);
}

/* ---- The loop ------------------------------------------------------------ */

static void load_clock(struct load *load)
{
    uint64_t now_ns = measure_now_ns();

    if (!load->counting && now_ns >= load->counted_ns) {
        load->counting = true;
        load->counted_ns = now_ns;
        load->cpu_begin_ns = cpu_now_ns(load);
    }
    if (!load->over &&
        (now_ns >= load->end_ns ||
         (load->options->count_max &&
          load->result->sent == load->options->count_max && !load->open))) {
        load->over = true;
        load->cpu_end_ns = cpu_now_ns(load);
        load->end_ns = now_ns;
    }
}

static int load_turn(struct load *load, int wait_ms)
{
    struct epoll_event events[LOAD_WIDTH_MAX];
    int status = 0, count;

    while (!status && may_send(load))
        status = sender_send(load, load->idle[--load->idle_count]);
    count =
        status ? 0 : epoll_wait(load->epoll, events, LOAD_WIDTH_MAX, wait_ms);
    for (int index = 0; !status && index < count; index++) {
        if (events[index].data.u32 == UINT32_MAX)
            arrivals_read(load);
        else
            status = sender_read(load, events[index].data.u32);
    }
    load_clock(load);
    if (!status && load->options->turn)
        status = load->options->turn(load->options->turn_arg, measure_now_ns());
    return status;
}

static int load_open(struct load *load)
{
    const struct load_options *options = load->options;
    struct epoll_event wake = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
    uint64_t old;
    int status = 0;

    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    load->senders = memory_zero(options->width, sizeof(*load->senders));
    load->idle = memory_zero(options->width, sizeof(*load->idle));
    for (unsigned index = 0; !status && index < options->width; index++) {
        status = sender_connect(load, index);
        load->idle[load->idle_count++] = index;
    }
    if (!status && options->until_arrived) {
        (void)!read(options->target->wake, &old, sizeof(old));
        status =
            epoll_ctl(load->epoll, EPOLL_CTL_ADD, options->target->wake, &wake)
                ? -errno
                : 0;
    }
    return status;
}

static void load_close(struct load *load)
{
    for (unsigned index = 0; index < load->options->width; index++) {
        if (load->senders[index].descriptor > 0)
            close(load->senders[index].descriptor);
    }
    free(load->senders);
    free(load->idle);
    close(load->epoll);
}

static void load_count(struct load *load)
{
    struct load_result *result = load->result;

    result->seconds = (double)(load->end_ns - load->counted_ns) / 1e9;
    result->lost = load->open;
    if (result->finished && load->cpu_begin_ns)
        result->cpu_us = (double)(load->cpu_end_ns - load->cpu_begin_ns) / 1e3 /
                         (double)result->finished;
    for (uint64_t seq = result->first;
         load->options->until_arrived && seq < seq_next; seq++) {
        uint64_t at = load->options->target->board->arrived_ns[seq];
        if (sent_ns[seq] && at >= load->counted_ns && at <= load->end_ns)
            samples_add(&result->arrive_ms, (double)(at - sent_ns[seq]) / 1e6);
    }
}

int load_run(const struct load_options *options, struct load_result *ret_result)
{
    struct load load = {
        .options = options, .result = ret_result, .begin_ns = measure_now_ns()};
    uint64_t rest_ns;
    int status;

    memset(ret_result, 0, sizeof(*ret_result));
    ret_result->first = seq_next;
    load.counted_ns = load.begin_ns + (uint64_t)(options->warm_s * 1e9);
    load.end_ns = load.counted_ns + (uint64_t)(options->seconds * 1e9);
    status = load_open(&load);
    load_clock(&load);
    while (!status && !load.over)
        status = load_turn(&load, 10);
    rest_ns = measure_now_ns() + REST_MS * 1000000ull;
    while (!status && load.open && measure_now_ns() < rest_ns)
        status = load_turn(&load, 10);
    load_count(&load);
    load_close(&load);
    return status;
}

void load_result_done(struct load_result *result)
{
    samples_done(&result->answer_ms);
    samples_done(&result->arrive_ms);
}

void load_backlog(const struct load_result *result, const struct board *board,
                  uint64_t since_ns, struct load_backlog *ret_backlog)
{
    memset(ret_backlog, 0, sizeof(*ret_backlog));
    for (uint64_t seq = result->first; seq < result->first + result->sent;
         seq++) {
        uint64_t at = board->arrived_ns[seq];
        if (!sent_ns[seq])
            continue; /* refused */
        ret_backlog->missing += !at;
        if (at && at < since_ns)
            continue;
        if (at && (!ret_backlog->first_ns || at < ret_backlog->first_ns))
            ret_backlog->first_ns = at;
        if (sent_ns[seq] >= since_ns)
            continue;
        ret_backlog->count++;
        if (at > ret_backlog->last_ns)
            ret_backlog->last_ns = at;
    }
}

int load_one(int port, const char *path)
{
    struct sender sender = {.len = 0};
    char request[REQUEST_MAX];
    size_t len = request_make(request, path, seq_next++);
    int code = 0;
    ssize_t got = 1;

    sender.descriptor = sender_open(port);
    if (sender.descriptor < 0)
        return 0;
    if (send(sender.descriptor, request, len, MSG_NOSIGNAL) == (ssize_t)len) {
        while (!code && got > 0 && sender.len < ANSWER_MAX) {
            got = recv(sender.descriptor, sender.answer + sender.len,
                       ANSWER_MAX - sender.len, 0);
            sender.len += got > 0 ? (size_t)got : 0;
            sender.answer[sender.len] = '\0';
            code = answer_code(&sender);
        }
    }
    close(sender.descriptor);
    return code;
}
