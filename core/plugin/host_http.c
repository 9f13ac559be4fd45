/* host_http.c - connect.http/1 on the plugin's side.
 *
 * Its one idea: a request is a number in a table here and a message to the
 * core; whatever happens to it, an answer with that number comes back through
 * the inbox and finds its function once.  A request that cannot even be sent is
 * answered the same way, so that fn never runs inside send. */
#include "plugin/host_http.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "plugin/host_log.h"
#include "plugin/http_message.h"
#include "plugin/runner.h"

enum {
    REQUEST_SIZE_1_0 = 80, /* sizeof(cn_http_request) of contract 1.0 */
    /* Open at once; beyond it they are told to retry.  A plugin with one
     * request for each delivery, probe and call that it may have open never
     * meets the limit: being told to retry counts as an attempt. */
    REQUESTS_LEAST = 64,
    REQUESTS_SLOT = 3,
    SLOTS_MAX = 1024, /* of an instance, as in the configuration */
    /* Beyond it, waiting answers included, a plugin floods its own thread and
     * is not answered at all. */
    REQUESTS_FLOOD = 4096
};

struct host_request {
    uint64_t number, op;
    void (*fn)(void *arg, const cn_http_response *response);
    void *arg;
    UT_hash_handle hh;
};

static uint32_t requests_max(const struct host *host)
{
    uint32_t slots = host->module->table.max_open;
    uint32_t most = REQUESTS_SLOT * (slots < SLOTS_MAX ? slots : SLOTS_MAX);

    return most > REQUESTS_LEAST ? most : REQUESTS_LEAST;
}

/* Answer without having sent anything, on a later turn of the loop. */
static void request_refuse(struct host *host, const struct host_request *entry,
                           cn_status status, const char *reason)
{
    cn_outcome outcome = {
        .size = sizeof(outcome), .status = status, .message = reason};
    cn_http_response response = {
        .size = sizeof(response), .op = entry->op, .outcome = &outcome};
    struct buf payload;

    buf_init(&payload, MESSAGE_BYTES_MAX);
    http_message_put_answer(&payload, entry->number, &response);
    mailbox_send_urgent(
        host->runner->inbox,
        message_create(MESSAGE_HTTP_ANSWER, host->number, entry->op, &payload));
    buf_done(&payload);
}

static const char *request_fault(struct host *host,
                                 const cn_http_request *request)
{
    if (!request->method || !request->url)
        return "the request has no method or URL";
    if (request->header_count > HTTP_MESSAGE_HEADERS_MAX ||
        (request->header_count && !request->headers))
        return "the request has too many headers";
    if (request->body.len > CN_BODY_MAX ||
        (request->body.len && !request->body.ptr))
        return "the request's body is larger than CN_BODY_MAX";
    if (request->op && !host_op_find(host, request->op))
        return "the request names an operation that is not open";
    return NULL;
}

static void http_send(const cn_host *table, const cn_http_request *raw,
                      void (*fn)(void *arg, const cn_http_response *response),
                      void *arg)
{
    struct host *host;
    struct host_request *entry;
    struct buf payload;
    cn_http_request request = {0};
    const char *wrong = NULL;

    if (!host_permits(table, "http send", &host))
        return;
    if (!fn || HASH_COUNT(host->requests) >= REQUESTS_FLOOD) {
        host_complain(host, 0,
                      "sent a request without a function, or %d of "
                      "them at once",
                      REQUESTS_FLOOD);
        return;
    }
    if (!loader_normalise(&request, sizeof(request), raw, REQUEST_SIZE_1_0))
        wrong = "the request has a size that no contract had";
    else
        wrong = request_fault(host, &request);
    entry = memory_zero(1, sizeof(*entry));
    entry->number = ++host->request_last;
    entry->op = request.op;
    entry->fn = fn;
    entry->arg = arg;
    HASH_ADD(hh, host->requests, number, sizeof(entry->number), entry);
    if (wrong) {
        host_complain(host, request.op, "sent a wrong HTTP request: %s", wrong);
        request_refuse(host, entry, CN_REJECTED, wrong);
        return;
    }
    if (HASH_COUNT(host->requests) > requests_max(host)) {
        request_refuse(host, entry, CN_RETRY,
                       "the instance has too many open HTTP requests");
        return;
    }
    buf_init(&payload, MESSAGE_BYTES_MAX);
    http_message_put_request(&payload, entry->number, &request);
    if (mailbox_send(host->runner->outbox,
                     message_create(MESSAGE_HTTP_SEND, host->number, request.op,
                                    &payload)))
        request_refuse(host, entry, CN_RETRY,
                       "the host has no room for more HTTP requests");
    buf_done(&payload);
}

void host_http_answer(struct host *host, const struct message *message)
{
    struct message_reader reader;
    cn_header headers[HTTP_MESSAGE_HEADERS_MAX];
    cn_http_response response;
    cn_outcome outcome;
    struct host_request *entry, found;
    uint64_t number;

    message_read(&reader, message);
    if (!http_message_take_answer(&reader, &number, &response, &outcome,
                                  headers))
        return;
    HASH_FIND(hh, host->requests, &number, sizeof(number), entry);
    if (!entry)
        return;
    found = *entry;
    HASH_DEL(host->requests, entry);
    free(entry);
    response.op = found.op;
    host_enter(host, found.op ? host_op_find(host, found.op) : NULL);
    found.fn(found.arg, &response);
    (void)host_leave(host);
}

bool host_http_end(struct host *host)
{
    cn_outcome outcome = {.size = sizeof(outcome),
                          .status = CN_CANCELLED,
                          .message = "the instance ends"};
    cn_http_response response = {.size = sizeof(response), .outcome = &outcome};

    /* A function may send again; what it sends is answered here too, but not
     * for ever. */
    for (size_t left = REQUESTS_FLOOD; host->requests && left > 0; left--) {
        struct host_request *entry = host->requests;
        struct host_request found = *entry;
        HASH_DEL(host->requests, entry);
        free(entry);
        response.op = found.op;
        host_enter(host, NULL);
        found.fn(found.arg, &response);
        if (!host_leave(host))
            return false;
    }
    return true;
}

void host_http_free(struct host *host)
{
    struct host_request *entry, *next;

    HASH_ITER(hh, host->requests, entry, next)
    {
        HASH_DEL(host->requests, entry);
        free(entry);
    }
}

const void *host_http_extension(void)
{
    static const cn_http http = {.size = sizeof(cn_http), .send = http_send};

    return &http;
}
