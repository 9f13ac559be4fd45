/* http_client.c - requests to other systems: libcurl multi on a uv_loop.
 *
 * One idea: libcurl decides nothing about safety by itself.  Every handle is
 * set up by http_client_rules with the same rules, none of which an option can
 * relax, and a request with effect is counted where it goes out: on_sending()
 * runs when the connection stands, TLS included, and before the first byte of
 * the request. That is also how `sent` is known, and where a second sending of
 * a request with effect is stopped (libcurl repeats a request when a reused
 * connection dies).
 *
 *   send -> open (table, libcurl) -> ended (list) -> fn -> freed
 *                 cancel, destroy ----^
 *
 * What must hold: a request is in `open` or in `ended`, never both; fn is
 * called from drain() only, which only callbacks of the loop call; no function
 * of libcurl is called from inside one of its callbacks.
 *
 * All on the loop's thread.  libcurl resolves names on threads of its own. */
#include "net/http_client.h"

#include <assert.h>
#include <curl/curl.h>
#include <errno.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/seeded.h"
#include "net/http_client_build.h"
#include "net/http_client_head.h"
#include "net/http_client_library.h"
#include "net/http_client_outcome.h"
#include "net/http_client_rules.h"

enum {
    OPEN_MAX = 1024,      /* requests; each costs about 32 KiB while open */
    CONNECTIONS_MAX = 64, /* far below the limit of descriptors */
    HOST_CONNECTIONS_MAX = 16, /* what one server takes without complaint */
    TIMEOUT_MS = 30 * 1000,
    TIMEOUT_MS_MAX = 24 * 3600 * 1000, /* beyond a day nobody waits */
    CONNECT_TIMEOUT_MS = 10 * 1000,
    ANSWER_BYTES_MAX = CN_BODY_MAX,
    REQUEST_BYTES_MAX = CN_BODY_MAX
};

struct socket_watch {
    uv_poll_t poll;
    struct http_client *client;
    curl_socket_t socket;
    struct socket_watch *prev, *next;
};

/* One host and port, while a request for it is open. */
struct place {
    char *name; /* owned: host:port */
    uint32_t request_count;
    uint32_t active_count; /* of them, with libcurl */
    UT_hash_handle hh;     /* in places */
};

struct request {
    struct http_client *client;
    struct place *place;  /* borrowed; NULL when ended */
    uint64_t deadline_ms; /* on the loop's clock */
    bool active;          /* with libcurl */
    uint64_t id;
    http_answer_fn fn;
    void *arg;
    CURL *easy;                 /* owned; NULL when ended */
    struct curl_slist *headers; /* owned; libcurl reads it while open */
    char *url;                  /* owned; may hold credentials */
    char *host;                 /* owned; for the certificate */
    char *body;                 /* owned; libcurl reads it while open */
    size_t body_len;
    bool effect;
    bool bodyless;             /* HEAD */
    uint32_t sendings;         /* how often the request went out */
    enum http_failure stopped; /* why a callback of ours ended it, or none */
    struct http_head head;
    struct buf answer; /* the body */
    enum http_failure failure;
    char message[160];
    UT_hash_handle hh;           /* in open */
    struct request *prev, *next; /* in waiting or ended */
};

struct http_client {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t timer;     /* libcurl's next time-out */
    uv_timer_t deadline;  /* of the request that ends first */
    uint64_t deadline_ms; /* when it fires; 0: it does not */
    uv_timer_t turn; /* runs drain() when something ended outside the loop */
    struct socket_watch *watches;
    uint32_t handle_count; /* of the loop, not closed yet */
    struct http_client_options limits;
    char *ca_file;
    char *ca_directory;
    uint64_t id_last;
    struct request *open;    /* by id */
    struct request *waiting; /* of those, oldest first */
    uint32_t active_count;   /* of those, with libcurl */
    struct place *places;
    struct request *ended; /* wait for their callback */
    size_t open_count;     /* open and ended */
    bool closing;
    void (*closed_fn)(void *arg);
    void *closed_arg;
};

/* ---- Ending a request ---- */

static void request_free(struct request *request)
{
    if (!request)
        return;
    curl_easy_cleanup(request->easy);
    curl_slist_free_all(request->headers);
    http_build_wipe(request->url, request->url ? strlen(request->url) : 0);
    http_build_wipe(request->body, request->body_len);
    free(request->host);
    http_head_done(&request->head);
    buf_done(&request->answer);
    free(request);
}

/* Without a stated length only the end of the connection ends an answer, also
 * over TLS, whose own end libcurl does not insist on. */
static bool end_is_certain(const struct request *request)
{
    const struct http_head *head = &request->head;

    return head->chunked || head->has_length || request->bodyless ||
           head->code == 204 || head->code == 304;
}

static enum http_failure failure_of(const struct request *request,
                                    CURLcode result)
{
    bool sent = request->sendings > 0;

    if (request->stopped != HTTP_FAILURE_NONE)
        return request->stopped;
    switch (result) {
    case CURLE_OK:
        if (!request->head.complete ||
            (request->effect && !end_is_certain(request)))
            return HTTP_FAILURE_CUT;
        return HTTP_FAILURE_NONE;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return sent ? HTTP_FAILURE_CUT : HTTP_FAILURE_RESOLVE;
    case CURLE_OPERATION_TIMEDOUT:
        return sent ? HTTP_FAILURE_TIMEOUT_AFTER_SENT
                    : HTTP_FAILURE_TIMEOUT_BEFORE_SENT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_USE_SSL_FAILED:
        return sent ? HTTP_FAILURE_CUT : HTTP_FAILURE_TLS;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_BAD_CONTENT_ENCODING:
        return sent ? HTTP_FAILURE_UNREADABLE : HTTP_FAILURE_CONNECT;
    default:
        return sent ? HTTP_FAILURE_CUT : HTTP_FAILURE_CONNECT;
    }
}

static void describe_connect(struct request *request)
{
    long reason = 0;

    curl_easy_getinfo(request->easy, CURLINFO_OS_ERRNO, &reason);
    snprintf(request->message, sizeof(request->message),
             "no connection to the other side%s%s", reason ? ": " : "",
             reason ? uv_strerror((int)-reason) : "");
}

static void describe_tls(struct request *request, CURLcode result)
{
    long verdict = X509_V_OK;

    curl_easy_getinfo(request->easy, CURLINFO_SSL_VERIFYRESULT, &verdict);
    /* Unspecified is what OpenSSL says before it has looked. */
    if (verdict != X509_V_OK && verdict != X509_V_ERR_UNSPECIFIED)
        snprintf(request->message, sizeof(request->message),
                 "the other side's certificate is refused: %s",
                 X509_verify_cert_error_string(verdict));
    else
        snprintf(request->message, sizeof(request->message),
                 "no TLS 1.2 or newer with the other side: %s",
                 curl_easy_strerror(result));
}

static void describe(struct request *request, CURLcode result)
{
    static const char *const texts[] = {
        [HTTP_FAILURE_RESOLVE] = "no address for the other side's name",
        [HTTP_FAILURE_TIMEOUT_BEFORE_SENT] =
            "no connection to the other side in time",
        [HTTP_FAILURE_TIMEOUT_AFTER_SENT] =
            "no complete answer in time; the request was sent",
        [HTTP_FAILURE_CUT] = "the connection ended before the answer did",
        [HTTP_FAILURE_UNREADABLE] = "the answer cannot be read as HTTP",
        [HTTP_FAILURE_TOO_LARGE] = "the answer is larger than the limit",
        [HTTP_FAILURE_CANCELLED] = "given up because the host asked"};

    if (request->failure == HTTP_FAILURE_NONE)
        snprintf(request->message, sizeof(request->message),
                 "the other side answered %u", (unsigned)request->head.code);
    else if (request->failure == HTTP_FAILURE_CONNECT)
        describe_connect(request);
    else if (request->failure == HTTP_FAILURE_TLS)
        describe_tls(request, result);
    else
        snprintf(request->message, sizeof(request->message), "%s",
                 texts[request->failure]);
}

static void place_leave(struct http_client *client, struct place *place)
{
    if (--place->request_count)
        return;
    HASH_DEL(client->places, place);
    free(place->name);
    free(place);
}

/* Takes over name. */
static struct place *place_enter(struct http_client *client, char *name)
{
    struct place *place = NULL;

    HASH_FIND_STR(client->places, name, place);
    if (place) {
        free(name);
    } else {
        place = memory_zero(1, sizeof(*place));
        place->name = name;
        HASH_ADD_KEYPTR(hh, client->places, place->name, strlen(place->name),
                        place);
    }
    place->request_count++;
    return place;
}

/* Move a request from open to ended; its callback comes with drain(). */
static void request_end(struct request *request, CURLcode result)
{
    struct http_client *client = request->client;

    request->failure = failure_of(request, result);
    describe(request, result);
    if (request->active) {
        curl_multi_remove_handle(client->multi, request->easy);
        request->place->active_count--;
        client->active_count--;
    } else {
        DL_DELETE(client->waiting, request);
    }
    curl_easy_cleanup(request->easy);
    request->easy = NULL;
    place_leave(client, request->place);
    request->place = NULL;
    HASH_DEL(client->open, request);
    DL_APPEND(client->ended, request);
}

/* Give to libcurl what has a connection to use, oldest first. */
static void admit(struct http_client *client)
{
    const struct http_client_options *limits = &client->limits;
    struct request *request, *next;
    CURLMcode status;

    DL_FOREACH_SAFE(client->waiting, request, next)
    {
        if (client->active_count >= limits->connections_max)
            return;
        if (request->place->active_count >= limits->host_connections_max)
            continue;
        DL_DELETE(client->waiting, request);
        request->active = true;
        request->place->active_count++;
        client->active_count++;
        status = curl_multi_add_handle(client->multi, request->easy);
        assert(!status); /* fails for misuse only */
        (void)status;
    }
}

static void request_answer(struct request *request)
{
    const struct clock *clock = request->client->limits.clock;
    struct http_answer answer = {.id = request->id,
                                 .failure = request->failure,
                                 .sent = request->sendings > 0,
                                 .message = request->message};
    const char *retry_after;

    if (request->failure == HTTP_FAILURE_NONE) {
        answer.code = request->head.code;
        answer.answered = http_outcome_answered(answer.code);
        retry_after = http_head_value(&request->head, "Retry-After");
        if (retry_after)
            answer.retry_after_ms =
                http_outcome_retry_after(retry_after, clock_wall_ms(clock));
        answer.headers = http_head_headers(&request->head);
        answer.header_count = request->head.header_count;
        answer.body.ptr = request->answer.data;
        answer.body.len = request->answer.len;
    }
    request->fn(request->arg, &answer);
}

static void client_free(struct http_client *client)
{
    void (*fn)(void *arg) = client->closed_fn;
    void *arg = client->closed_arg;

    free(client->ca_file);
    free(client->ca_directory);
    free(client);
    if (fn)
        fn(arg);
}

static void on_closed(uv_handle_t *handle)
{
    struct http_client *client = handle->data;

    if (!--client->handle_count)
        client_free(client);
}

static void on_watch_closed(uv_handle_t *handle)
{
    struct socket_watch *watch = (struct socket_watch *)handle;
    struct http_client *client = watch->client;

    free(watch);
    if (!--client->handle_count)
        client_free(client);
}

static void watch_close(struct socket_watch *watch)
{
    DL_DELETE(watch->client->watches, watch);
    uv_close((uv_handle_t *)&watch->poll, on_watch_closed);
}

static void client_close(struct http_client *client)
{
    struct socket_watch *watch, *next;

    curl_multi_cleanup(client->multi);
    client->multi = NULL;
    DL_FOREACH_SAFE(client->watches, watch, next)
    watch_close(watch);
    uv_close((uv_handle_t *)&client->timer, on_closed);
    uv_close((uv_handle_t *)&client->deadline, on_closed);
    uv_close((uv_handle_t *)&client->turn, on_closed);
}

/* Call the callbacks of what has ended.  What ends meanwhile waits for the next
 * turn, so that a callback which cancels cannot keep the loop here. */
static void drain(struct http_client *client)
{
    struct request *list = client->ended, *request, *next;

    client->ended = NULL;
    admit(client);
    DL_FOREACH_SAFE(list, request, next)
    {
        client->open_count--;
        request_answer(request);
        request_free(request);
    }
    if (client->closing && !client->ended && client->multi)
        client_close(client);
}

static void on_turn(uv_timer_t *timer)
{
    drain(timer->data);
}

static void drain_later(struct http_client *client)
{
    int status = uv_timer_start(&client->turn, on_turn, 0, 0);
    assert(!status);
    (void)status;
}

/* ---- The loop and libcurl ---- */

static void collect(struct http_client *client)
{
    CURLMsg *message;
    int waiting;

    /* At most one message a request that is open. */
    while ((message = curl_multi_info_read(client->multi, &waiting))) {
        struct request *request = NULL;
        CURLcode result = message->data.result;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &request);
        request_end(request, result);
    }
    drain(client);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct socket_watch *watch = poll->data;
    struct http_client *client = watch->client;
    int flags = 0, running;

    if (status < 0)
        flags |= CURL_CSELECT_ERR;
    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    curl_multi_socket_action(client->multi, watch->socket, flags, &running);
    collect(client);
}

static void on_timeout(uv_timer_t *timer)
{
    struct http_client *client = timer->data;
    int running;

    curl_multi_socket_action(client->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(client);
}

static void deadline_set(struct http_client *client, uint64_t deadline_ms);

static void on_deadline(uv_timer_t *timer)
{
    struct http_client *client = timer->data;
    uint64_t now_ms = uv_now(client->loop), first_ms = 0;
    struct request *request, *next;

    client->deadline_ms = 0;
    HASH_ITER(hh, client->open, request, next)
    {
        if (request->deadline_ms <= now_ms) {
            request->stopped = request->sendings
                                   ? HTTP_FAILURE_TIMEOUT_AFTER_SENT
                                   : HTTP_FAILURE_TIMEOUT_BEFORE_SENT;
            request_end(request, CURLE_OPERATION_TIMEDOUT);
        } else if (!first_ms || request->deadline_ms < first_ms) {
            first_ms = request->deadline_ms;
        }
    }
    if (first_ms)
        deadline_set(client, first_ms);
    drain(client);
}

/* Make sure that on_deadline runs at this time or before. */
static void deadline_set(struct http_client *client, uint64_t deadline_ms)
{
    uint64_t now_ms = uv_now(client->loop);
    int status;

    if (client->deadline_ms && client->deadline_ms <= deadline_ms)
        return;
    client->deadline_ms = deadline_ms;
    status = uv_timer_start(&client->deadline, on_deadline,
                            deadline_ms > now_ms ? deadline_ms - now_ms : 0, 0);
    assert(!status);
    (void)status;
}

static struct socket_watch *watch_create(struct http_client *client,
                                         curl_socket_t socket)
{
    struct socket_watch *watch = memory_zero(1, sizeof(*watch));

    if (uv_poll_init_socket(client->loop, &watch->poll, socket)) {
        free(watch);
        return NULL;
    }
    watch->poll.data = watch;
    watch->client = client;
    watch->socket = socket;
    client->handle_count++;
    DL_APPEND(client->watches, watch);
    curl_multi_assign(client->multi, socket, watch);
    return watch;
}

static int on_socket(CURL *easy, curl_socket_t socket, int what, void *arg,
                     void *socket_arg)
{
    struct http_client *client = arg;
    struct socket_watch *watch = socket_arg;
    int events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch) {
            curl_multi_assign(client->multi, socket, NULL);
            watch_close(watch);
        }
        return 0;
    }
    if (!watch)
        watch = watch_create(client, socket);
    if (!watch)
        return -1;
    if (what & CURL_POLL_IN)
        events |= UV_READABLE;
    if (what & CURL_POLL_OUT)
        events |= UV_WRITABLE;
    return uv_poll_start(&watch->poll, events, on_poll) ? -1 : 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct http_client *client = arg;

    (void)multi;
    if (timeout_ms < 0)
        return uv_timer_stop(&client->timer);
    /* The loop's time is that of its last turn; a timer set by it would fire
     * early. */
    uv_update_time(client->loop);
    return uv_timer_start(&client->timer, on_timeout, (uint64_t)timeout_ms, 0);
}

/* ---- Callbacks of one request ---- */

/* The connection stands and the request goes out now. */
static int on_sending(void *arg, char *address, char *own_address, int port,
                      int own_port)
{
    struct request *request = arg;

    (void)address;
    (void)own_address;
    (void)port;
    (void)own_port;
    if (request->effect && request->sendings && !seeded_bug("F13")) {
        request->stopped = HTTP_FAILURE_CUT;
        return CURL_PREREQFUNC_ABORT;
    }
    request->sendings++;
    /* What an earlier sending of a pure read brought is forgotten. */
    http_head_done(&request->head);
    http_head_init(&request->head);
    buf_clear(&request->answer);
    return CURL_PREREQFUNC_OK;
}

static size_t on_head(char *line, size_t size, size_t count, void *arg)
{
    struct request *request = arg;
    int status = http_head_line(&request->head, line, size * count);

    if (!status)
        return size * count;
    request->stopped =
        status == -E2BIG ? HTTP_FAILURE_TOO_LARGE : HTTP_FAILURE_UNREADABLE;
    return 0;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct request *request = arg;

    if (!buf_append(&request->answer, bytes, size * count))
        return size * count;
    request->stopped = HTTP_FAILURE_TOO_LARGE;
    return 0;
}

/* ---- Setting up a request ---- */

/* The first refusal of libcurl; set once, asked once. */
#define SET(status, easy, option, value)                                       \
    ((status) = (status) ? (status) : curl_easy_setopt(easy, option, value))

static CURLcode set_callbacks(CURL *easy, struct request *request)
{
    CURLcode status = CURLE_OK;

    SET(status, easy, CURLOPT_PRIVATE, request);
    SET(status, easy, CURLOPT_PREREQFUNCTION, on_sending);
    SET(status, easy, CURLOPT_PREREQDATA, request);
    SET(status, easy, CURLOPT_HEADERFUNCTION, on_head);
    SET(status, easy, CURLOPT_HEADERDATA, request);
    SET(status, easy, CURLOPT_WRITEFUNCTION, on_body);
    SET(status, easy, CURLOPT_WRITEDATA, request);
    return status;
}

static CURLcode set_request(CURL *easy, struct request *request,
                            const struct http_client_request *wanted)
{
    uint64_t connect_ms = wanted->connect_timeout_ms
                              ? wanted->connect_timeout_ms
                              : request->client->limits.connect_timeout_ms;
    CURLcode status = CURLE_OK;

    if (connect_ms > TIMEOUT_MS_MAX)
        connect_ms = TIMEOUT_MS_MAX;
    SET(status, easy, CURLOPT_URL, request->url);
    SET(status, easy, CURLOPT_HTTPHEADER, request->headers);
    SET(status, easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    if (request->bodyless) {
        SET(status, easy, CURLOPT_NOBODY, 1L);
    } else if (request->body_len || !strcmp(wanted->method, "POST") ||
               !strcmp(wanted->method, "PUT") ||
               !strcmp(wanted->method, "PATCH")) {
        SET(status, easy, CURLOPT_POST, 1L);
        SET(status, easy, CURLOPT_POSTFIELDSIZE_LARGE,
            (curl_off_t)request->body_len);
        SET(status, easy, CURLOPT_POSTFIELDS, request->body);
    }
    SET(status, easy, CURLOPT_CUSTOMREQUEST, wanted->method);
    if (wanted->effect && !seeded_bug("F13")) {
        SET(status, easy, CURLOPT_FRESH_CONNECT, 1L);
        SET(status, easy, CURLOPT_FORBID_REUSE, 1L);
    }
    return status;
}

static uint64_t answer_limit(const struct http_client *client,
                             const struct http_client_request *wanted)
{
    uint64_t most = client->limits.answer_bytes_max;

    return wanted->answer_bytes_max && wanted->answer_bytes_max < most
               ? wanted->answer_bytes_max
               : most;
}

static int request_create(struct http_client *client,
                          const struct http_client_request *wanted,
                          struct request **ret_request)
{
    struct request *request;
    char *place = NULL;
    CURL *easy;
    int status;

    if (!http_build_method_fits(wanted->method))
        return -EINVAL;
    if (wanted->body.len > REQUEST_BYTES_MAX)
        return -E2BIG;
    request = memory_zero(1, sizeof(*request));
    request->client = client;
    request->effect = wanted->effect;
    request->bodyless = !strcmp(wanted->method, "HEAD");
    http_head_init(&request->head);
    buf_init(&request->answer, answer_limit(client, wanted));
    request->body = memory_copy(wanted->body.ptr, wanted->body.len);
    request->body_len = wanted->body.len;
    status = http_build_url(wanted, &request->url);
    if (status)
        goto out;
    status = http_rules_host(request->url, &request->host, &place);
    if (status)
        goto out;
    status = http_build_headers(wanted, &request->headers);
    if (status)
        goto out;
    status = -EINVAL;
    easy = request->easy = curl_easy_init();
    if (easy &&
        !http_rules_set(easy, request->host, client->ca_file,
                        client->ca_directory) &&
        !set_callbacks(easy, request) && !set_request(easy, request, wanted))
        status = 0;
out:
    if (status) {
        free(place);
        request_free(request);
    } else {
        request->place = place_enter(client, place);
        *ret_request = request;
    }
    return status;
}

/* ---- The client ---- */

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
    return value ? value : fallback;
}

static void set_limits(struct http_client *client,
                       const struct http_client_options *options)
{
    struct http_client_options *limits = &client->limits;

    if (options)
        *limits = *options;
    limits->ca_file = limits->ca_directory = NULL;
    limits->open_max = or_default(limits->open_max, OPEN_MAX);
    limits->connections_max =
        or_default(limits->connections_max, CONNECTIONS_MAX);
    limits->host_connections_max =
        or_default(limits->host_connections_max, HOST_CONNECTIONS_MAX);
    if (!limits->answer_bytes_max ||
        limits->answer_bytes_max > ANSWER_BYTES_MAX)
        limits->answer_bytes_max = ANSWER_BYTES_MAX;
    if (!limits->timeout_ms)
        limits->timeout_ms = TIMEOUT_MS;
    if (!limits->connect_timeout_ms)
        limits->connect_timeout_ms = CONNECT_TIMEOUT_MS;
    if (!limits->clock)
        limits->clock = clock_system();
}

/* The system's directory of authorities, unless another is named. */
static char *directory_of(const struct http_client_options *options)
{
    CURL *easy;
    char *system = NULL, *directory;

    if (options && options->ca_directory)
        return memory_text(options->ca_directory);
    easy = curl_easy_init();
    if (easy)
        curl_easy_getinfo(easy, CURLINFO_CAPATH, &system);
    directory = memory_text(system);
    curl_easy_cleanup(easy);
    return directory;
}

static int check_trust(const struct http_client *client, struct error *err)
{
    X509_STORE *store;
    int loaded;

    if (!client->ca_file)
        return 0;
    if (!client->ca_directory) {
        error_set(err,
                  "this libcurl knows no directory of authorities; name "
                  "one beside the file \"%s\"",
                  client->ca_file);
        return -EINVAL;
    }
    store = X509_STORE_new();
    loaded = store && X509_STORE_load_file(store, client->ca_file) == 1;
    X509_STORE_free(store);
    if (!loaded)
        error_set(err, "\"%s\" cannot be read as a PEM file of certificates",
                  client->ca_file);
    return loaded ? 0 : -EINVAL;
}

static void multi_start(struct http_client *client)
{
    const struct http_client_options *limits = &client->limits;
    CURLM *multi = client->multi;

    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, client);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, client);
    curl_multi_setopt(multi, CURLMOPT_PIPELINING, (long)CURLPIPE_NOTHING);
    /* Idle ones; those in use are as many as admit() lets through. */
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS,
                      (long)limits->connections_max);
}

struct http_client *
http_client_create(uv_loop_t *loop, const struct http_client_options *options,
                   struct error *err)
{
    struct http_client *client;
    int started = http_library_start();

    client = memory_zero(1, sizeof(*client));
    client->loop = loop;
    set_limits(client, options);
    client->ca_file = memory_text(options ? options->ca_file : NULL);
    client->ca_directory = directory_of(options);
    if (check_trust(client, err))
        goto out;
    client->multi = started ? NULL : curl_multi_init();
    if (!client->multi) {
        error_set(err, "libcurl does not start");
        goto out;
    }
    multi_start(client);
    if (uv_timer_init(loop, &client->timer) ||
        uv_timer_init(loop, &client->deadline) ||
        uv_timer_init(loop, &client->turn))
        abort(); /* cannot fail in libuv 1 */
    client->timer.data = client->deadline.data = client->turn.data = client;
    client->handle_count = 3;
    return client;
out:
    client_free(client);
    return NULL;
}

static uint64_t timeout_of(const struct http_client *client,
                           const struct http_client_request *wanted)
{
    uint64_t timeout_ms =
        wanted->timeout_ms ? wanted->timeout_ms : client->limits.timeout_ms;

    return timeout_ms < TIMEOUT_MS_MAX ? timeout_ms : TIMEOUT_MS_MAX;
}

int http_client_send(struct http_client *client,
                     const struct http_client_request *wanted,
                     http_answer_fn fn, void *arg, uint64_t *ret_id)
{
    struct request *request;
    int status;

    assert(fn);
    if (client->closing)
        return -ECANCELED;
    if (client->open_count >= client->limits.open_max)
        return -ENOBUFS;
    status = request_create(client, wanted, &request);
    if (status)
        return status;
    request->fn = fn;
    request->arg = arg;
    request->id = ++client->id_last;
    uv_update_time(client->loop);
    request->deadline_ms = uv_now(client->loop) + timeout_of(client, wanted);
    deadline_set(client, request->deadline_ms);
    HASH_ADD(hh, client->open, id, sizeof(request->id), request);
    DL_APPEND(client->waiting, request);
    client->open_count++;
    admit(client);
    if (ret_id)
        *ret_id = request->id;
    return 0;
}

static void request_cancel(struct request *request)
{
    request->stopped = HTTP_FAILURE_CANCELLED;
    request_end(request, CURLE_OK);
    drain_later(request->client);
}

void http_client_cancel(struct http_client *client, uint64_t id)
{
    struct request *request = NULL;

    HASH_FIND(hh, client->open, &id, sizeof(id), request);
    if (request)
        request_cancel(request);
}

size_t http_client_open_count(const struct http_client *client)
{
    return client->open_count;
}

void http_client_destroy(struct http_client *client, void (*fn)(void *arg),
                         void *arg)
{
    struct request *request, *next;

    if (!client)
        return;
    assert(!client->closing);
    client->closing = true;
    client->closed_fn = fn;
    client->closed_arg = arg;
    HASH_ITER(hh, client->open, request, next)
    request_cancel(request);
    drain_later(client);
}
