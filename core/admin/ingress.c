/* ingress.c - webhooks in.
 *
 * One idea: a request is a RECEIVE operation of its instance followed by one
 * commit, and its answer is the end of that chain: 200 comes from the callback
 * of the commit and from nowhere else.  Requests beyond what the plugin takes
 * at once wait in a bounded queue in the order they came.  The secret in the
 * path is compared in constant time and whatever is wrong with a route gives
 * the same 404.  Called on the loop thread. */
#include "admin/ingress.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <utlist.h>

#include "base/log.h"
#include "base/memory.h"
#include "config/secret.h"
#include "net/http_server_rate.h"

enum {
    WAITING_MAX = 2048, /* requests before their plugin: with 1 MiB bodies
                         * the server's own buffer limit comes first */
    HEADERS_MAX = 100,  /* the server's own limit */
    REFUSALS_MAX = 20,  /* of one network in a minute, then 429 */
    REFUSALS_MS = 60 * 1000
};

struct waiting { /* one request on its way */
    struct waiting *prev, *next;
    struct ingress *ingress;
    struct http_server_exchange *exchange;
    const struct http_server_request *request; /* valid until answered */
    char *instance;
    bool queued;
};

struct ingress {
    struct ingress_options options;
    struct waiting *queue; /* for room at their instance */
    uint32_t queue_count;
    uint32_t open; /* requests not answered yet */
    bool stopping, destroyed;
    struct http_server_rate *rate;
    struct http_server_answer rate_answer; /* of the last refusal over the rate;
                                            * borrowed until it is sent */
    struct http_server_header wait_header;
    char wait_text[16];
    struct ingress_counts counts;
};

/* ---- Answers ------------------------------------------------------------- */

static const struct http_server_header allow_post[] = {{"Allow", "POST"}};
static const struct http_server_header retry_soon[] = {{"Retry-After", "5"}};

#define BODY(text) .body = text, .body_len = sizeof(text) - 1

static const struct http_server_answer answer_kept = {.status = 200,
                                                      BODY("{}\n")};
static const struct http_server_answer answer_unknown = {
    .status = 401, BODY("{\"error\":\"not authenticated\"}\n")};
static const struct http_server_answer answer_no_route = {
    .status = 404, BODY("{\"error\":\"no such route\"}\n")};
static const struct http_server_answer answer_method = {
    .status = 405,
    .headers = allow_post,
    .header_count = 1,
    BODY("{\"error\":\"only POST is served here\"}\n")};
static const struct http_server_answer answer_type = {
    .status = 415,
    BODY("{\"error\":\"only application/json is served here\"}\n")};
static const struct http_server_answer answer_rate = {
    .status = 429, BODY("{\"error\":\"too many refused requests\"}\n")};
static const struct http_server_answer answer_later = {
    .status = 503,
    .flags = HTTP_SERVER_CLOSE,
    .headers = retry_soon,
    .header_count = 1,
    BODY("{\"error\":\"cannot be stored now\"}\n")};

/* ---- Refusals by network --------------------------------------------------
 */

/* Count a refusal: the answer it gets. */
static const struct http_server_answer *
refuse(struct ingress *ingress, const struct http_server_request *request,
       const struct http_server_answer *answer)
{
    int wait_s = 0;

    ingress->counts.refused++;
    if (!http_server_rate_fail(ingress->rate, request->network,
                               clock_monotonic_ms(ingress->options.clock),
                               &wait_s))
        return answer;
    snprintf(ingress->wait_text, sizeof(ingress->wait_text), "%d", wait_s);
    ingress->wait_header =
        (struct http_server_header){"Retry-After", ingress->wait_text};
    ingress->rate_answer = answer_rate;
    ingress->rate_answer.headers = &ingress->wait_header;
    ingress->rate_answer.header_count = 1;
    return &ingress->rate_answer;
}

/* ---- Routes -------------------------------------------------------------- */

/* The instance of a path /in/<instance>/<secret>, or NULL. */
static const struct config_instance *route(const struct ingress *ingress,
                                           const char *path)
{
    const struct config *config = ingress->options.config(ingress->options.arg);
    const char *name, *secret;
    size_t len;

    if (strncmp(path, "/in/", 4) != 0)
        return NULL;
    name = path + 4;
    len = strcspn(name, "/");
    if (!len || name[len] != '/')
        return NULL;
    secret = name + len + 1;
    for (size_t index = 0; index < config->instance_count; index++) {
        const struct config_instance *instance = &config->instances[index];
        if (strlen(instance->name) == len &&
            !memcmp(instance->name, name, len) && instance->path_secret &&
            secret_equal(instance->path_secret, strlen(instance->path_secret),
                         secret, strlen(secret)))
            return instance;
    }
    return NULL;
}

static bool is_json(const struct http_server_request *request)
{
    int count = 0;
    const char *type = http_server_header(request, "Content-Type", &count);
    static const char json[] = "application/json";
    size_t len = sizeof(json) - 1;

    return type && count == 1 && !strncasecmp(type, json, len) &&
           (type[len] == '\0' || type[len] == ';' || type[len] == ' ');
}

int ingress_head(void *arg, const struct http_server_request *request,
                 struct http_server_answer *ret_answer)
{
    struct ingress *ingress = arg;

    if (!route(ingress, request->path))
        *ret_answer = *refuse(ingress, request, &answer_no_route);
    else if (strcmp(request->method, "POST") != 0)
        *ret_answer = answer_method;
    else if (!is_json(request))
        *ret_answer = answer_type;
    else
        return 0;
    return 1;
}

/* ---- One request --------------------------------------------------------- */

static void ingress_serve_queue(struct ingress *ingress);

static void ingress_free(struct ingress *ingress)
{
    http_server_rate_destroy(ingress->rate);
    free(ingress);
}

static void waiting_end(struct waiting *waiting,
                        const struct http_server_answer *answer)
{
    struct ingress *ingress = waiting->ingress;

    if (waiting->queued) {
        DL_DELETE(ingress->queue, waiting);
        ingress->queue_count--;
    }
    if (answer == &answer_later)
        ingress->counts.unavailable++;
    http_server_answer(waiting->exchange, answer);
    ingress->open--;
    free(waiting->instance);
    free(waiting);
    if (ingress->destroyed && !ingress->open)
        ingress_free(ingress);
}

static void accepted(void *arg, int status, size_t accepted_count,
                     size_t duplicate_count)
{
    struct waiting *waiting = arg;
    struct ingress *ingress = waiting->ingress;

    ingress->counts.accepted += accepted_count;
    ingress->counts.duplicates += duplicate_count;
    waiting_end(waiting, status ? &answer_later : &answer_kept);
}

static void quarantined(void *arg, int status, size_t accepted_count,
                        size_t duplicate_count)
{
    struct waiting *waiting = arg;

    (void)accepted_count;
    (void)duplicate_count;
    if (!status)
        waiting->ingress->counts.quarantined++;
    waiting_end(waiting, status ? &answer_later : &answer_kept);
}

static void waiting_quarantine(struct waiting *waiting, const char *reason)
{
    cn_str content = {waiting->request->body, waiting->request->body_len};
    struct log_about about = {.instance = waiting->instance};

    log_write(LOG_WARN, &about, "a webhook is quarantined: %s", reason);
    if (engine_quarantine(waiting->ingress->options.engine, waiting->instance,
                          reason, content, quarantined, waiting))
        waiting_end(waiting, &answer_later);
}

static void received(void *arg, uint64_t op, const struct op_outcome *outcome)
{
    struct waiting *waiting = arg;
    struct ingress *ingress = waiting->ingress;
    struct engine_accept accept = {
        .origin = waiting->instance,
        .records = outcome->records,
        .record_count = outcome->record_count,
        .content = {waiting->request->body, waiting->request->body_len},
        .values = outcome->values,
        .value_count = outcome->value_count,
    };

    (void)op;
    if (outcome->status == CN_AUTH)
        waiting_end(waiting,
                    refuse(ingress, waiting->request, &answer_unknown));
    else if (outcome->status == CN_REJECTED)
        waiting_quarantine(waiting, outcome->message);
    else if (outcome->status != CN_OK ||
             engine_accept(ingress->options.engine, &accept, accepted, waiting))
        waiting_end(waiting, &answer_later);
    ingress_serve_queue(ingress);
}

/* Begin the operation: 0, or -EAGAIN when its instance has no room. */
static int waiting_begin(struct waiting *waiting)
{
    const struct http_server_request *request = waiting->request;
    struct op_header headers[HEADERS_MAX];
    struct error err = {""};
    struct op_request op = {
        .kind = OP_RECEIVE,
        .instance = waiting->instance,
        .method = request->method,
        .path = request->path,
        .headers = headers,
        .header_count = request->header_count < HEADERS_MAX
                            ? request->header_count
                            : HEADERS_MAX,
        .body = {request->body, request->body_len},
    };
    uint64_t number;

    for (size_t index = 0; index < op.header_count; index++) {
        const struct http_server_header *header = &request->headers[index];
        headers[index].name = (cn_str){header->name, strlen(header->name)};
        headers[index].value = (cn_str){header->value, strlen(header->value)};
    }
    return instances_start(waiting->ingress->options.instances, &op, received,
                           waiting, &number, &err);
}

static bool instance_runs(const struct ingress *ingress, const char *name)
{
    const struct instance_info *info =
        instances_find(ingress->options.instances, name);

    return info && info->state == INSTANCE_RUNNING;
}

/* What waited, in its order for each instance, as far as there is room now. One
 * instance that is full or hangs does not hold up the others. */
static void ingress_serve_queue(struct ingress *ingress)
{
    const char *full = NULL; /* an instance that had no room just now */
    struct waiting *waiting, *next;

    DL_FOREACH_SAFE(ingress->queue, waiting, next)
    {
        int status;
        if (full && !strcmp(full, waiting->instance))
            continue;
        status = waiting_begin(waiting);
        if (status == -EAGAIN && instance_runs(ingress, waiting->instance)) {
            full = waiting->instance;
            continue;
        }
        if (status) {
            waiting_end(waiting, &answer_later);
            continue;
        }
        DL_DELETE(ingress->queue, waiting);
        waiting->queued = false;
        ingress->queue_count--;
    }
}

/* Does a request of the same instance wait already? */
static bool is_before(const struct ingress *ingress, const char *instance)
{
    const struct waiting *waiting;

    DL_FOREACH(ingress->queue, waiting)
    {
        if (!strcmp(waiting->instance, instance))
            return true;
    }
    return false;
}

void ingress_request(void *arg, struct http_server_exchange *exchange,
                     const struct http_server_request *request)
{
    struct ingress *ingress = arg;
    const struct config_instance *instance = route(ingress, request->path);
    struct waiting *waiting;
    int status;

    if (!instance || ingress->stopping) { /* gone between head and body */
        http_server_answer(exchange, &answer_later);
        return;
    }
    waiting = memory_zero(1, sizeof(*waiting));
    waiting->ingress = ingress;
    waiting->exchange = exchange;
    waiting->request = request;
    waiting->instance = memory_text(instance->name);
    ingress->open++;
    /* No end of an operation may be coming that would serve them. */
    ingress_serve_queue(ingress);
    status = is_before(ingress, waiting->instance) ? -EAGAIN
                                                   : waiting_begin(waiting);
    if (!status)
        return;
    if (status != -EAGAIN || ingress->queue_count == WAITING_MAX ||
        !instance_runs(ingress, waiting->instance)) {
        waiting_end(waiting, &answer_later);
        return;
    }
    DL_APPEND(ingress->queue, waiting);
    waiting->queued = true;
    ingress->queue_count++;
}

/* ---- Life ---------------------------------------------------------------- */

struct ingress *ingress_create(const struct ingress_options *options)
{
    struct ingress *ingress = memory_zero(1, sizeof(*ingress));

    ingress->options = *options;
    ingress->rate = http_server_rate_create(REFUSALS_MAX, REFUSALS_MS);
    return ingress;
}

void ingress_stop(struct ingress *ingress)
{
    struct waiting *waiting, *next;

    ingress->stopping = true;
    DL_FOREACH_SAFE(ingress->queue, waiting, next)
    {
        waiting_end(waiting, &answer_later);
    }
}

void ingress_destroy(struct ingress *ingress)
{
    if (!ingress)
        return;
    ingress->destroyed = true;
    if (!ingress->open)
        ingress_free(ingress);
}

void ingress_count(const struct ingress *ingress,
                   struct ingress_counts *ret_counts)
{
    *ret_counts = ingress->counts;
    ret_counts->waiting = ingress->queue_count;
}
