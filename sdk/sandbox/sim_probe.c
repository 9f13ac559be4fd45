/* sim_probe.c - for tests: a simulator in a child process.
 *
 * The child prints one line when it listens; the parent reads it through a
 * pipe, so nothing is waited for by the clock.  The receiver keeps what came in
 * under one mutex; its thread appends, the test's thread reads.
 * Everything but the receiver's handler runs on the test's thread. */
#include "sim_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <curl/curl.h>
#include <microhttpd.h>

#include "base/memory.h"

enum {
    ARGS_MAX = 32,
    LINE_MAX_BYTES = 512,
    REPLY_BYTES_MAX = 64 << 20,
    BODY_BYTES_MAX = 64 << 20,
    RECEIVED_MAX = 100000, /* webhooks of one test */
    SCRIPT_MAX = 64,
    WAIT_SECONDS = 20,
    CALL_MS_MAX = 20000 /* a call that hangs fails the test */
};

/* --- The child --- */

static int read_ports(int descriptor, struct sim_probe *probe)
{
    char line[LINE_MAX_BYTES] = "";
    size_t len = 0;
    const char *first, *second;

    while (len + 1 < sizeof(line) && !strchr(line, '\n')) {
        ssize_t count = read(descriptor, line + len, sizeof(line) - 1 - len);

        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return -EPIPE;
        len += (size_t)count;
        line[len] = '\0';
    }
    first = strstr(line, "127.0.0.1:");
    second = first ? strstr(first + 1, "127.0.0.1:") : NULL;
    if (!second)
        return -EPROTO;
    probe->port = (unsigned)strtoul(first + 10, NULL, 10);
    probe->control_port = (unsigned)strtoul(second + 10, NULL, 10);
    return 0;
}

int sim_probe_start(struct sim_probe *probe, const struct sim_program *program,
                    const char *const *args)
{
    char *argv[ARGS_MAX] = {NULL};
    int pipe_ends[2];
    int count = 0;
    int status;

    argv[count++] = (char *)(uintptr_t)program->name;
    for (; args && *args && count + 1 < ARGS_MAX; args++)
        argv[count++] = (char *)(uintptr_t)*args;
    if (pipe(pipe_ends))
        return -errno;
    fflush(NULL);
    probe->child = fork();
    if (probe->child == 0) {
        /* A test that dies leaves no simulator behind. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(pipe_ends[1], STDOUT_FILENO);
        close(pipe_ends[0]);
        close(pipe_ends[1]);
        exit(sim_main(count, argv, program));
    }
    close(pipe_ends[1]);
    status = probe->child < 0 ? -errno : read_ports(pipe_ends[0], probe);
    close(pipe_ends[0]);
    return status;
}

int sim_probe_stop(struct sim_probe *probe)
{
    int status = 0;

    kill(probe->child, SIGTERM);
    while (waitpid(probe->child, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* --- Calls --- */

static size_t take_body(char *bytes, size_t size, size_t count, void *arg)
{
    return buf_append(arg, bytes, size * count) ? 0 : size * count;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct sim_reply *reply = arg;
    size_t len = size * count;

    if (len > 13 && strncasecmp(bytes, "Retry-After: ", 13) == 0)
        snprintf(reply->retry_after, sizeof(reply->retry_after), "%.*s",
                 (int)(len - 15), bytes + 13);
    if (len > 14 && strncasecmp(bytes, "Content-Type: ", 14) == 0)
        snprintf(reply->content_type, sizeof(reply->content_type), "%.*s",
                 (int)(len - 16), bytes + 14);
    return len;
}

static struct sim_reply call(unsigned port, const char *method,
                             const char *path, const char *const *headers,
                             const char *body)
{
    struct sim_reply reply = {.result = CURLE_FAILED_INIT};
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    CURL *easy = curl_easy_init();
    struct buf text, url;

    buf_init(&text, REPLY_BYTES_MAX);
    buf_init(&url, 1 << 20);
    buf_printf(&url, "http://127.0.0.1:%u", port);
    buf_append_text(&url, path);
    for (; headers && *headers; headers++)
        list = curl_slist_append(list, *headers);
    curl_easy_setopt(easy, CURLOPT_URL, url.data);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)CALL_MS_MAX);
    if (body)
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, method);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, &text);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, &reply);
    reply.result = (int)curl_easy_perform(easy);
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &reply.status);
    reply.len = text.len;
    reply.text = text.data ? buf_take(&text) : memory_text("");
    reply.json = cJSON_ParseWithOpts(reply.text, NULL, 1);
    curl_easy_cleanup(easy);
    curl_slist_free_all(list);
    buf_done(&text);
    buf_done(&url);
    return reply;
}

struct sim_reply sim_probe_call(const struct sim_probe *probe,
                                const char *method, const char *path,
                                const char *const *headers, const char *body)
{
    return call(probe->port, method, path, headers, body);
}

struct sim_reply sim_probe_control(const struct sim_probe *probe,
                                   const char *path, const char *body)
{
    return call(probe->control_port, body ? "POST" : "GET", path, NULL, body);
}

void sim_reply_done(struct sim_reply *reply)
{
    free(reply->text);
    cJSON_Delete(reply->json);
    memset(reply, 0, sizeof(*reply));
}

/* --- The receiver --- */

struct sim_receiver {
    struct MHD_Daemon *daemon;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t arrived;
    struct sim_received *received;
    size_t count;
    size_t capacity;
    int script[SCRIPT_MAX];
    size_t script_count;
    size_t script_next;
};

static char *copy_header(struct MHD_Connection *connection, const char *name)
{
    return memory_text(
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name));
}

/* Keep it and say what to answer. */
static int keep(struct sim_receiver *receiver,
                struct MHD_Connection *connection, const char *path,
                struct buf *body)
{
    struct sim_received received = {
        .path = memory_text(path),
        .token = copy_header(connection, "X-Streak-Webhook-Token"),
        .content_type = copy_header(connection, "Content-Type"),
        .text = body->data ? buf_take(body) : memory_text("")};
    int status = 200;

    received.json = cJSON_ParseWithOpts(received.text, NULL, 1);
    pthread_mutex_lock(&receiver->mutex);
    if (receiver->count == receiver->capacity) {
        receiver->capacity = receiver->capacity ? receiver->capacity * 2 : 64;
        receiver->received = memory_grow(receiver->received, receiver->capacity,
                                         sizeof(*receiver->received));
    }
    if (receiver->count >= RECEIVED_MAX)
        abort();
    receiver->received[receiver->count++] = received;
    if (receiver->script_next < receiver->script_count)
        status = receiver->script[receiver->script_next++];
    pthread_cond_broadcast(&receiver->arrived);
    pthread_mutex_unlock(&receiver->mutex);
    return status;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *connection,
                                  const char *path, const char *method,
                                  const char *version, const char *upload,
                                  size_t *upload_len, void **state)
{
    struct buf *body = *state;
    struct MHD_Response *response;
    enum MHD_Result result;
    int status;

    (void)method;
    (void)version;
    if (!body) {
        body = memory_zero(1, sizeof(*body));
        buf_init(body, BODY_BYTES_MAX);
        *state = body;
        return MHD_YES;
    }
    if (*upload_len) {
        buf_append(body, upload, *upload_len);
        *upload_len = 0;
        return MHD_YES;
    }
    status = keep(arg, connection, path, body);
    response = MHD_create_response_from_buffer(0, (void *)(uintptr_t) "",
                                               MHD_RESPMEM_PERSISTENT);
    result = MHD_queue_response(connection, (unsigned)status, response);
    MHD_destroy_response(response);
    return result;
}

static void on_completed(void *arg, struct MHD_Connection *connection,
                         void **state, enum MHD_RequestTerminationCode code)
{
    struct buf *body = *state;

    (void)arg;
    (void)connection;
    (void)code;
    if (body)
        buf_done(body);
    free(body);
    *state = NULL;
}

struct sim_receiver *sim_receiver_start(void)
{
    struct sim_receiver *receiver = memory_zero(1, sizeof(*receiver));
    struct sockaddr_in local = {.sin_family = AF_INET};

    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    pthread_mutex_init(&receiver->mutex, NULL);
    pthread_cond_init(&receiver->arrived, NULL);
    receiver->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, receiver,
        MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_SOCK_ADDR,
        (struct sockaddr *)&local, MHD_OPTION_END);
    if (!receiver->daemon)
        abort();
    return receiver;
}

unsigned sim_receiver_port(const struct sim_receiver *receiver)
{
    return MHD_get_daemon_info(receiver->daemon, MHD_DAEMON_INFO_BIND_PORT)
        ->port;
}

void sim_receiver_clear(struct sim_receiver *receiver)
{
    pthread_mutex_lock(&receiver->mutex);
    for (size_t i = 0; i < receiver->count; i++) {
        free(receiver->received[i].path);
        free(receiver->received[i].token);
        free(receiver->received[i].content_type);
        free(receiver->received[i].text);
        cJSON_Delete(receiver->received[i].json);
    }
    receiver->count = 0;
    receiver->script_count = receiver->script_next = 0;
    pthread_mutex_unlock(&receiver->mutex);
}

void sim_receiver_stop(struct sim_receiver *receiver)
{
    MHD_stop_daemon(receiver->daemon);
    sim_receiver_clear(receiver);
    pthread_cond_destroy(&receiver->arrived);
    pthread_mutex_destroy(&receiver->mutex);
    free(receiver->received);
    free(receiver);
}

void sim_receiver_script(struct sim_receiver *receiver, const int *statuses,
                         size_t count)
{
    pthread_mutex_lock(&receiver->mutex);
    receiver->script_count = count < SCRIPT_MAX ? count : SCRIPT_MAX;
    receiver->script_next = 0;
    memcpy(receiver->script, statuses,
           receiver->script_count * sizeof(*statuses));
    pthread_mutex_unlock(&receiver->mutex);
}

bool sim_receiver_wait(struct sim_receiver *receiver, size_t count)
{
    struct timespec until;
    bool there;
    int status = 0;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += WAIT_SECONDS;
    pthread_mutex_lock(&receiver->mutex);
    while (receiver->count < count && status == 0)
        status = pthread_cond_timedwait(&receiver->arrived, &receiver->mutex,
                                        &until);
    there = receiver->count >= count;
    pthread_mutex_unlock(&receiver->mutex);
    return there;
}

size_t sim_receiver_count(struct sim_receiver *receiver)
{
    size_t count;

    pthread_mutex_lock(&receiver->mutex);
    count = receiver->count;
    pthread_mutex_unlock(&receiver->mutex);
    return count;
}

const struct sim_received *sim_receiver_get(struct sim_receiver *receiver,
                                            size_t index)
{
    const struct sim_received *received;

    pthread_mutex_lock(&receiver->mutex);
    received = index < receiver->count ? &receiver->received[index] : NULL;
    pthread_mutex_unlock(&receiver->mutex);
    return received;
}
