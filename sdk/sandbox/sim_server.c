/* sim_server.c - the HTTP server and the loop of a simulator.
 *
 * One thread, one loop: it fires timers, lets the program take its turn, waits
 * for sockets and hands them to libmicrohttpd, which runs in its external epoll
 * mode.  Sockets are accepted here and not by libmicrohttpd, so that a fault
 * can stop listening and begin again.
 *
 * A request is an exchange: received -> (delay) -> handled -> (slow_commit) ->
 * answered, cut or reset.  While it waits its connection is suspended; the
 * handler runs from the timer, so that a change is made even when the caller
 * has gone.  The ledger gets its entry when the request is complete and its end
 * when the answer is decided. */
#include "sim_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>
#include <microhttpd.h>
#include <utlist.h>

#include "base/memory.h"
#include "sim_control.h"
#include "sim_json.h"
#include "sim_options.h"

enum {
    BODY_BYTES_MAX = 8 << 20,     /* largest order document and then some */
    CONNECTIONS_MAX = 4096,       /* four times the largest benchmark */
    CONNECTION_MEMORY = 96 << 10, /* a request line of 64 KiB fits: SYSPRO's
                                     own limit is lower and must be reached */
    IDLE_SECONDS_MAX = 120,       /* a keep-alive connection unused */
    PARAMETERS_MAX = 32,          /* no call of either product has more */
    ACCEPT_MAX = 64,              /* connections taken in one turn */
    BACKLOG = 1024,
    WAIT_MS_MAX = 1000, /* the loop turns at least this often */
    DRAIN_TURNS_MAX = 100
};

enum stage {
    STAGE_RECEIVING,
    STAGE_WAITING_BEFORE, /* suspended, the handler was not called */
    STAGE_WAITING_AFTER,  /* suspended, the answer is ready */
    STAGE_READY           /* libmicrohttpd may have the answer */
};

struct parameter {
    char *name;
    char *value;
};

struct link {
    int descriptor; /* owned by libmicrohttpd */
    bool control;   /* came in by the control port */
    bool busy;      /* has an exchange */
    struct link *prev, *next;
};

struct exchange {
    struct sim_server *server;
    struct MHD_Connection *connection;
    struct link *link;
    char *url;  /* owned */
    char *path; /* owned */
    struct buf body;
    struct sim_request request;
    struct sim_answer answer;
    const struct sim_fault *fault; /* that hit, or NULL */
    struct sim_timer timer;
    struct parameter parameters[PARAMETERS_MAX];
    size_t parameter_count;
    uint64_t number; /* in the ledger; 0: not there */
    enum stage stage;
    bool called; /* the headers were seen */
    bool suspended;
    bool parameters_read;
    struct exchange *prev, *next;
};

struct sim_server {
    const struct sim_program *program;
    struct sim_options options;
    struct sim_clock *clock;
    struct sim_ledger *ledger;
    struct sim_faults *faults;
    struct sim_random random;
    struct sim_control control;
    struct MHD_Daemon *daemon;
    struct exchange *exchanges; /* all that are not completed */
    struct link *links;
    struct sim_timer refuse_timer;
    void *multi; /* of the program, or NULL */
    int epoll;   /* of the daemon */
    int signals;
    int listener;
    int control_listener;
    bool refusing;
    bool resumed; /* a connection was, since libmicrohttpd ran */
};

struct sim_clock *sim_server_clock(struct sim_server *server)
{
    return server->clock;
}

struct sim_ledger *sim_server_ledger(struct sim_server *server)
{
    return server->ledger;
}

struct sim_faults *sim_server_faults(struct sim_server *server)
{
    return server->faults;
}

struct sim_random *sim_server_random(struct sim_server *server)
{
    return &server->random;
}

uint64_t sim_server_seed(const struct sim_server *server)
{
    return server->options.seed;
}

void sim_server_set_multi(struct sim_server *server, void *multi)
{
    server->multi = multi;
}

/* --- What a handler reads of a request --- */

const char *sim_request_header(const struct sim_request *request,
                               const char *name)
{
    const struct exchange *exchange = request->context;

    return MHD_lookup_connection_value(exchange->connection, MHD_HEADER_KIND,
                                       name);
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return -1;
}

char *sim_decode_percent(const char *text, size_t len, bool plus_is_blank,
                         size_t *ret_len)
{
    char *decoded = memory_zero(len + 1, 1);
    size_t end = 0;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '%' && len - i > 2) {
            int high = hex_digit(text[i + 1]);
            int low = hex_digit(text[i + 2]);

            if (high >= 0 && low >= 0) {
                decoded[end++] = (char)(high * 16 + low);
                i += 2;
                continue;
            }
        }
        decoded[end++] = plus_is_blank && text[i] == '+' ? ' ' : text[i];
    }
    if (ret_len)
        *ret_len = end;
    return decoded;
}

static void read_parameters(struct exchange *exchange)
{
    const char *part = exchange->request.query;

    exchange->parameters_read = true;
    while (*part && exchange->parameter_count < PARAMETERS_MAX) {
        struct parameter *parameter =
            &exchange->parameters[exchange->parameter_count++];
        size_t len = strcspn(part, "&");
        size_t name_len = strcspn(part, "=&");
        size_t value = name_len < len ? name_len + 1 : len;

        parameter->name = sim_decode_percent(part, name_len, true, NULL);
        parameter->value =
            sim_decode_percent(part + value, len - value, true, NULL);
        part += len + (part[len] == '&');
    }
}

const char *sim_request_query(struct sim_request *request, const char *name)
{
    struct exchange *exchange = request->context;

    if (!exchange->parameters_read)
        read_parameters(exchange);
    for (size_t i = 0; i < exchange->parameter_count; i++)
        if (strcmp(exchange->parameters[i].name, name) == 0)
            return exchange->parameters[i].value;
    return NULL;
}

int64_t sim_request_query_number(struct sim_request *request, const char *name,
                                 int64_t fallback)
{
    const char *text = sim_request_query(request, name);
    char *end = NULL;
    long long number;

    if (!text)
        return fallback;
    errno = 0;
    number = strtoll(text, &end, 10);
    return errno || end == text || *end ? fallback : (int64_t)number;
}

/* --- What a handler writes --- */

static void answer_set(struct sim_answer *answer, int status, char *body,
                       size_t len, const char *content_type)
{
    free(answer->body);
    answer->status = status;
    answer->body = body;
    answer->body_len = len;
    answer->content_type = content_type;
}

void sim_answer_buf(struct sim_answer *answer, int status,
                    const char *content_type, struct buf *buf)
{
    size_t len = buf->len;

    if (buf->overflow) {
        buf_done(buf);
        sim_answer_error(answer, 500, "the answer is too large");
        return;
    }
    answer_set(answer, status, len ? buf_take(buf) : NULL, len, content_type);
    buf_done(buf);
}

void sim_answer_text(struct sim_answer *answer, int status,
                     const char *content_type, const char *text)
{
    answer_set(answer, status, memory_text(text), strlen(text), content_type);
}

void sim_answer_tree(struct sim_answer *answer, int status, cJSON *tree)
{
    char *text = cJSON_PrintUnformatted(tree);

    cJSON_Delete(tree);
    answer_set(answer, status, text, text ? strlen(text) : 0,
               "application/json");
}

void sim_answer_error(struct sim_answer *answer, int status, const char *text)
{
    cJSON *tree = cJSON_CreateObject();

    cJSON_AddStringToObject(tree, "error", text);
    sim_answer_tree(answer, status, tree);
}

void sim_answer_header(struct sim_answer *answer, const char *name,
                       const char *value)
{
    assert(answer->header_count < SIM_HEADERS_MAX);
    answer->headers[answer->header_count].name = name;
    snprintf(answer->headers[answer->header_count].value,
             sizeof(answer->headers->value), "%s", value);
    answer->header_count++;
}

static void answer_done(struct sim_answer *answer)
{
    free(answer->body);
    memset(answer, 0, sizeof(*answer));
    answer->status = 200;
}

/* --- The life of an exchange --- */

static bool is_control(const struct exchange *exchange)
{
    return strncmp(exchange->path, "/_sim/", 6) == 0;
}

/* A fault that takes the place of the handler.  false: none does. */
static bool answer_instead(struct exchange *exchange)
{
    const struct sim_fault *fault = exchange->fault;
    struct sim_answer *answer = &exchange->answer;

    if (!fault)
        return false;
    switch (fault->kind) {
    case SIM_FAULT_CUT_BEFORE:
        answer->end = SIM_END_CUT;
        return true;
    case SIM_FAULT_RESET_BEFORE:
        answer->end = SIM_END_RESET;
        return true;
    case SIM_FAULT_STATUS:
        return !fault->commit;
    default:
        return false;
    }
}

/* What a fault does to an answer that is there. */
static void spoil_answer(struct exchange *exchange)
{
    const struct sim_fault *fault = exchange->fault;
    struct sim_answer *answer = &exchange->answer;
    bool committed = answer->committed;

    if (!fault)
        return;
    switch (fault->kind) {
    case SIM_FAULT_CUT_AFTER:
        answer->end = SIM_END_CUT;
        break;
    case SIM_FAULT_RESET_AFTER:
        answer->end = SIM_END_RESET;
        break;
    case SIM_FAULT_TRUNCATE:
        answer->end = SIM_END_TRUNCATE;
        answer->end_bytes = fault->bytes > 0 ? (size_t)fault->bytes : 0;
        break;
    case SIM_FAULT_SLOW_COMMIT:
        answer->delay_ms += fault->ms;
        break;
    case SIM_FAULT_EMPTY:
        answer_done(answer);
        answer->committed = committed;
        break;
    case SIM_FAULT_STATUS:
        answer_done(answer);
        sim_answer_text(answer, fault->status, fault->content_type,
                        fault->body ? fault->body : "");
        if (fault->retry_after)
            sim_answer_header(answer, "Retry-After", fault->retry_after);
        answer->committed = committed;
        break;
    default:
        break;
    }
}

static void note_end(struct exchange *exchange)
{
    const struct sim_answer *answer = &exchange->answer;
    bool sent =
        answer->end == SIM_END_ANSWER || answer->end == SIM_END_TRUNCATE;
    size_t bytes = sent ? answer->body_len : 0;
    const char *fault = exchange->fault ? exchange->fault->name : answer->fault;

    if (answer->end == SIM_END_TRUNCATE && answer->end_bytes < bytes)
        bytes = answer->end_bytes;
    if (exchange->number)
        sim_ledger_end_request(exchange->server->ledger, exchange->number,
                               sent ? answer->status : 0, bytes,
                               answer->committed, fault);
}

/* Call the handler, or what stands in its place; decide the answer. */
static void handle(struct exchange *exchange)
{
    struct sim_server *server = exchange->server;
    const struct sim_program *program = server->program;

    if (is_control(exchange))
        sim_control_handle(&server->control, &exchange->request,
                           &exchange->answer);
    else if (exchange->link->control)
        sim_answer_error(&exchange->answer, 404, "this is the control port");
    else if (server->refusing)
        exchange->answer.end = SIM_END_RESET;
    else if (exchange->body.overflow)
        sim_answer_error(&exchange->answer, 413, "body too large");
    else if (!answer_instead(exchange))
        program->handle(program->arg, &exchange->request, &exchange->answer);
    spoil_answer(exchange);
    note_end(exchange);
}

static void wait_for(struct exchange *exchange, enum stage stage, int64_t ms)
{
    struct sim_clock *clock = exchange->server->clock;

    exchange->stage = stage;
    if (!exchange->suspended) {
        exchange->suspended = true;
        MHD_suspend_connection(exchange->connection);
    }
    sim_clock_set_timer(clock, &exchange->timer, sim_clock_now_ms(clock) + ms);
}

static void resume(struct exchange *exchange)
{
    exchange->stage = STAGE_READY;
    if (exchange->suspended) {
        exchange->suspended = false;
        MHD_resume_connection(exchange->connection);
        exchange->server->resumed = true;
    }
}

/* Handle and then wait, if the answer is to be withheld. */
static void handle_and_wait(struct exchange *exchange)
{
    handle(exchange);
    if (exchange->answer.delay_ms > 0)
        wait_for(exchange, STAGE_WAITING_AFTER, exchange->answer.delay_ms);
    else
        resume(exchange);
}

static void on_timer(void *arg)
{
    struct exchange *exchange = arg;

    if (exchange->stage == STAGE_WAITING_BEFORE)
        handle_and_wait(exchange);
    else
        resume(exchange);
}

static void fill_request(struct exchange *exchange, const char *method)
{
    struct sim_request *request = &exchange->request;
    const char *query = strchr(exchange->url, '?');
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        exchange->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    exchange->path = memory_copy(exchange->url, strcspn(exchange->url, "?"));
    request->method = method;
    request->url = exchange->url;
    request->path = exchange->path;
    request->query = query ? query + 1 : "";
    request->header_bytes = info ? info->header_size : 0;
    request->context = exchange;
}

/* The whole request is there. */
static void receive(struct exchange *exchange)
{
    struct sim_request *request = &exchange->request;

    request->body = exchange->body.data ? exchange->body.data : "";
    request->body_len = exchange->body.len;
    if (!is_control(exchange)) {
        struct sim_server *server = exchange->server;

        exchange->number = sim_ledger_begin_request(
            server->ledger, request->method, request->url, request->body_len);
        if (!server->refusing)
            exchange->fault =
                sim_fault_take(server->faults, NULL, request->method,
                               request->url, request->body);
    }
    if (exchange->fault && exchange->fault->ms > 0 &&
        exchange->fault->kind != SIM_FAULT_SLOW_COMMIT)
        wait_for(exchange, STAGE_WAITING_BEFORE, exchange->fault->ms);
    else
        handle_and_wait(exchange);
}

/* --- libmicrohttpd --- */

static void reset_connection(const struct exchange *exchange)
{
    struct sockaddr unspecified = {.sa_family = AF_UNSPEC};

    /* Linux sends RST at once; the descriptor stays valid, so libmicrohttpd
     * closes it as always.  SO_LINGER of 0 would not do: libmicrohttpd shuts
     * the socket down before it closes it, and the caller sees a clean end. */
    if (connect(exchange->link->descriptor, &unspecified, sizeof(unspecified)))
        fprintf(stderr, "reset: %s\n", strerror(errno));
}

struct reader {
    char *body;
    size_t len;
    size_t end;
};

static ssize_t read_truncated(void *arg, uint64_t place, char *bytes,
                              size_t max)
{
    const struct reader *reader = arg;
    size_t left = place < reader->end ? reader->end - (size_t)place : 0;

    if (!left)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (left > max)
        left = max;
    memcpy(bytes, reader->body + place, left);
    return (ssize_t)left;
}

static void reader_free(void *arg)
{
    struct reader *reader = arg;

    free(reader->body);
    free(reader);
}

/* Takes the body out of the answer. */
static struct MHD_Response *make_response(struct sim_answer *answer)
{
    struct reader *reader = NULL;
    char *body = answer->body;

    answer->body = NULL;
    if (answer->end != SIM_END_TRUNCATE ||
        answer->end_bytes >= answer->body_len)
        return MHD_create_response_from_buffer(answer->body_len,
                                               body ? body : memory_zero(1, 1),
                                               MHD_RESPMEM_MUST_FREE);
    reader = memory_zero(1, sizeof(*reader));
    reader->body = body;
    reader->len = answer->body_len;
    reader->end = answer->end_bytes;
    return MHD_create_response_from_callback(
        answer->body_len, 4096, read_truncated, reader, reader_free);
}

static enum MHD_Result send_answer(struct exchange *exchange)
{
    struct sim_answer *answer = &exchange->answer;
    struct MHD_Response *response;
    enum MHD_Result result;

    if (answer->end == SIM_END_RESET)
        reset_connection(exchange);
    if (answer->end == SIM_END_RESET || answer->end == SIM_END_CUT)
        return MHD_NO;
    response = make_response(answer);
    if (answer->content_type && answer->body_len)
        MHD_add_response_header(response, "Content-Type", answer->content_type);
    for (size_t i = 0; i < answer->header_count; i++)
        MHD_add_response_header(response, answer->headers[i].name,
                                answer->headers[i].value);
    result = MHD_queue_response(exchange->connection, (unsigned)answer->status,
                                response);
    MHD_destroy_response(response);
    return result;
}

static void *on_uri(void *arg, const char *uri,
                    struct MHD_Connection *connection)
{
    struct sim_server *server = arg;
    struct exchange *exchange = memory_zero(1, sizeof(*exchange));

    exchange->server = server;
    exchange->connection = connection;
    exchange->url = memory_text(uri);
    exchange->answer.status = 200;
    exchange->timer.fire = on_timer;
    exchange->timer.arg = exchange;
    buf_init(&exchange->body, BODY_BYTES_MAX);
    DL_APPEND(server->exchanges, exchange);
    return exchange;
}

static enum MHD_Result on_access(void *arg, struct MHD_Connection *connection,
                                 const char *url, const char *method,
                                 const char *version, const char *upload,
                                 size_t *upload_len, void **state)
{
    struct exchange *exchange = *state;
    const union MHD_ConnectionInfo *info;

    (void)arg;
    (void)url;
    (void)version;
    if (!exchange->called) {
        exchange->called = true;
        info = MHD_get_connection_info(connection,
                                       MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        exchange->link = info->socket_context;
        exchange->link->busy = true;
        fill_request(exchange, method);
        return MHD_YES;
    }
    if (*upload_len) {
        buf_append(&exchange->body, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    }
    if (exchange->stage == STAGE_RECEIVING)
        receive(exchange);
    if (exchange->stage != STAGE_READY)
        return MHD_YES;
    return send_answer(exchange);
}

static void on_completed(void *arg, struct MHD_Connection *connection,
                         void **state, enum MHD_RequestTerminationCode code)
{
    struct sim_server *server = arg;
    struct exchange *exchange = *state;

    (void)connection;
    (void)code;
    if (!exchange)
        return;
    *state = NULL;
    sim_clock_clear_timer(server->clock, &exchange->timer);
    DL_DELETE(server->exchanges, exchange);
    if (exchange->link)
        exchange->link->busy = false;
    for (size_t i = 0; i < exchange->parameter_count; i++) {
        free(exchange->parameters[i].name);
        free(exchange->parameters[i].value);
    }
    answer_done(&exchange->answer);
    buf_done(&exchange->body);
    free(exchange->path);
    free(exchange->url);
    free(exchange);
}

static void on_connection(void *arg, struct MHD_Connection *connection,
                          void **context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct sim_server *server = arg;
    struct link *link = *context;
    struct sockaddr_in local = {.sin_port = 0};
    socklen_t len = sizeof(local);

    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        DL_DELETE(server->links, link);
        free(link);
        *context = NULL;
        return;
    }
    link = memory_zero(1, sizeof(*link));
    link->descriptor =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)
            ->connect_fd;
    if (getsockname(link->descriptor, (struct sockaddr *)&local, &len) == 0)
        link->control = ntohs(local.sin_port) == server->control.control_port;
    DL_APPEND(server->links, link);
    *context = link;
}

/* Paths reach the programs as they were sent. */
static size_t keep_escapes(void *arg, struct MHD_Connection *connection,
                           char *text)
{
    (void)arg;
    (void)connection;
    return strlen(text);
}

static int start_daemon(struct sim_server *server)
{
    const union MHD_DaemonInfo *info;

    server->daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0,
        NULL, NULL, on_access, server, MHD_OPTION_URI_LOG_CALLBACK, on_uri,
        server, MHD_OPTION_NOTIFY_COMPLETED, on_completed, server,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
        MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
        MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_SECONDS_MAX,
        MHD_OPTION_END);
    if (!server->daemon)
        return -EINVAL;
    info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    server->epoll = info->epoll_fd;
    return 0;
}

/* --- Listening --- */

/* A bound socket, or a negative errno. */
static int bind_port(const char *address, unsigned port)
{
    struct sockaddr_in local = {.sin_family = AF_INET};
    int one = 1;
    int descriptor;

    if (inet_pton(AF_INET, address, &local.sin_addr) != 1)
        return -EINVAL;
    local.sin_port = htons((uint16_t)port);
    descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return -errno;
    if (setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
        bind(descriptor, (struct sockaddr *)&local, sizeof(local))) {
        int status = -errno;

        close(descriptor);
        return status;
    }
    return descriptor;
}

static unsigned port_of(int descriptor)
{
    struct sockaddr_in local = {.sin_port = 0};
    socklen_t len = sizeof(local);

    getsockname(descriptor, (struct sockaddr *)&local, &len);
    return ntohs(local.sin_port);
}

static void close_idle(struct sim_server *server)
{
    struct link *link;

    DL_FOREACH(server->links, link)
    {
        if (!link->control && !link->busy)
            shutdown(link->descriptor, SHUT_RDWR);
    }
}

static void set_refuse(void *arg, bool refuse, int64_t ms)
{
    struct sim_server *server = arg;
    const char *address = server->options.address;

    sim_clock_clear_timer(server->clock, &server->refuse_timer);
    if (refuse && !server->refusing) {
        close(server->listener);
        /* Bound but not listening: callers are refused and the port stays
         * ours. */
        server->listener = bind_port(address, server->control.port);
        close_idle(server);
    } else if (!refuse && server->refusing) {
        if (server->listener < 0)
            server->listener = bind_port(address, server->control.port);
        if (server->listener < 0 || listen(server->listener, BACKLOG)) {
            fprintf(stderr, "port %u cannot be had back\n",
                    server->control.port);
            exit(1);
        }
    }
    server->refusing = refuse;
    if (refuse && ms > 0)
        sim_clock_set_timer(server->clock, &server->refuse_timer,
                            sim_clock_now_ms(server->clock) + ms);
}

static void on_refuse_end(void *arg)
{
    struct sim_server *server = arg;

    sim_fault_end(server->faults, SIM_FAULT_REFUSE);
    set_refuse(server, false, 0);
}

static void accept_all(struct sim_server *server, int listener)
{
    for (int i = 0; i < ACCEPT_MAX; i++) {
        struct sockaddr_in peer;
        socklen_t len = sizeof(peer);
        int descriptor = accept4(listener, (struct sockaddr *)&peer, &len,
                                 SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (descriptor < 0)
            return;
        /* It closes the descriptor when it has too many. */
        if (MHD_add_connection(server->daemon, descriptor,
                               (struct sockaddr *)&peer, len) == MHD_NO)
            return;
    }
}

/* Written beside and renamed, so that a reader sees all of it or none. */
static int write_port(const char *path, unsigned port)
{
    char beside[4096];
    FILE *file;
    int status = 0;

    if (!path)
        return 0;
    if (snprintf(beside, sizeof(beside), "%s.tmp", path) >= (int)sizeof(beside))
        return -ENAMETOOLONG;
    file = fopen(beside, "we");
    if (!file)
        return -errno;
    if (fprintf(file, "%u\n", port) < 0)
        status = -EIO;
    if (fclose(file) || (!status && rename(beside, path)))
        status = -errno;
    return status;
}

static int start_listening(struct sim_server *server)
{
    const struct sim_options *options = &server->options;
    int status;

    server->listener = bind_port(options->address, options->port);
    if (server->listener < 0)
        return server->listener;
    server->control_listener =
        bind_port(options->address, options->control_port);
    if (server->control_listener < 0)
        return server->control_listener;
    if (listen(server->listener, BACKLOG) ||
        listen(server->control_listener, BACKLOG))
        return -errno;
    server->control.port = port_of(server->listener);
    server->control.control_port = port_of(server->control_listener);
    status =
        write_port(options->control_port_file, server->control.control_port);
    return status ? status
                  : write_port(options->port_file, server->control.port);
}

/* --- The loop --- */

static int wait_ms(struct sim_server *server, int64_t timer_ms)
{
    MHD_UNSIGNED_LONG_LONG daemon_ms = 0;
    /* Resuming does not wake the epoll descriptor in the external mode. */
    int64_t ms = server->resumed ? 0 : WAIT_MS_MAX;

    if (timer_ms >= 0 && timer_ms < ms)
        ms = timer_ms;
    if (MHD_get_timeout(server->daemon, &daemon_ms) == MHD_YES &&
        daemon_ms < (MHD_UNSIGNED_LONG_LONG)ms)
        ms = (int64_t)daemon_ms;
    return (int)ms;
}

/* Wait for sockets; true when a signal asks to end. */
static bool wait_sockets(struct sim_server *server, int ms)
{
    int descriptors[4] = {server->signals, server->epoll,
                          server->control_listener,
                          server->refusing ? -1 : server->listener};
    struct curl_waitfd curl_wait[4];
    struct pollfd wait[4];
    unsigned count = server->refusing ? 3 : 4;
    int running = 0;

    for (unsigned i = 0; i < count; i++) {
        wait[i] = (struct pollfd){.fd = descriptors[i], .events = POLLIN};
        curl_wait[i] = (struct curl_waitfd){.fd = descriptors[i],
                                            .events = CURL_WAIT_POLLIN};
    }
    if (server->multi) {
        curl_multi_poll(server->multi, curl_wait, count, ms, NULL);
        curl_multi_perform(server->multi, &running);
        ms = 0;
    }
    if (poll(wait, count, ms) <= 0)
        return false;
    if (wait[2].revents)
        accept_all(server, server->control_listener);
    if (count == 4 && wait[3].revents)
        accept_all(server, server->listener);
    return wait[0].revents != 0;
}

static void run(struct sim_server *server)
{
    const struct sim_program *program = server->program;
    bool ending = false;

    while (!ending) {
        int64_t timer_ms = sim_clock_run_due(server->clock);

        if (program->turn)
            program->turn(program->arg);
        ending = wait_sockets(server, wait_ms(server, timer_ms));
        server->resumed = false;
        MHD_run(server->daemon);
    }
}

/* Waiting exchanges are answered at once, so that libmicrohttpd can end. */
static void stop_daemon(struct sim_server *server)
{
    struct exchange *exchange;

    if (!server->daemon)
        return;
    DL_FOREACH(server->exchanges, exchange)
    {
        if (!exchange->suspended)
            continue;
        sim_clock_clear_timer(server->clock, &exchange->timer);
        exchange->answer.end = SIM_END_CUT;
        resume(exchange);
    }
    for (int turn = 0; turn < DRAIN_TURNS_MAX && server->exchanges; turn++)
        MHD_run(server->daemon);
    MHD_stop_daemon(server->daemon);
    server->daemon = NULL;
}

static int open_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    signal(SIGPIPE, SIG_IGN);
    return signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void server_init(struct sim_server *server,
                        const struct sim_program *program)
{
    memset(server, 0, sizeof(*server));
    server->program = program;
    server->epoll = server->signals = -1;
    server->listener = server->control_listener = -1;
    server->refuse_timer.fire = on_refuse_end;
    server->refuse_timer.arg = server;
}

static int server_start(struct sim_server *server)
{
    const struct sim_program *program = server->program;
    int status;

    server->clock = sim_clock_create();
    server->ledger =
        sim_ledger_create(server->clock, program->secret_parameters);
    server->faults = sim_fault_create(server->options.seed);
    sim_fault_add_names(server->faults, program->fault_names);
    sim_random_init(&server->random, server->options.seed);
    if (server->options.ledger_file) {
        status =
            sim_ledger_open_file(server->ledger, server->options.ledger_file);
        if (status)
            return status;
    }
    server->control = (struct sim_control){.program = program,
                                           .clock = server->clock,
                                           .ledger = server->ledger,
                                           .faults = server->faults,
                                           .seed = server->options.seed,
                                           .set_refuse = set_refuse,
                                           .arg = server};
    server->signals = open_signals();
    status = server->signals < 0 ? -errno : start_daemon(server);
    if (!status)
        status = program->start(program->arg, server);
    return status ? status : start_listening(server);
}

static void server_stop(struct sim_server *server)
{
    stop_daemon(server);
    if (server->faults)
        server->program->stop(server->program->arg);
    if (server->listener >= 0)
        close(server->listener);
    if (server->control_listener >= 0)
        close(server->control_listener);
    if (server->signals >= 0)
        close(server->signals);
    sim_fault_destroy(server->faults);
    sim_ledger_destroy(server->ledger);
    sim_clock_destroy(server->clock);
}

int sim_main(int argc, char **argv, const struct sim_program *program)
{
    struct sim_server server;
    int status;

    server_init(&server, program);
    status = sim_options_read(argc, argv, program, &server.options);
    if (status)
        return status < 0 ? 2 : 0;
    status = server_start(&server);
    if (status) {
        fprintf(stderr, "%s: cannot start: %s\n", program->name,
                strerror(-status));
    } else {
        printf("%s listens on http://%s:%u (control: http://%s:%u/_sim/)\n",
               program->name, server.options.address, server.control.port,
               server.options.address, server.control.control_port);
        fflush(stdout);
        run(&server);
    }
    server_stop(&server);
    return status ? 1 : 0;
}
