/* http_server_exchange.c - one request from its head to its answer.
 *
 * One idea: an exchange owns what the request's pointers point into, so that
 * the owner of the server may keep them while it commits, and the client may
 * leave meanwhile.  The answer is turned into bytes at once and borrowed no
 * longer.
 *
 * Must hold: no answer with a status the product never gives leaves here
 * (section 2 of the fault catalogue: 410 makes a webhook delete itself, and
 * other success codes are not promised to be understood).  Called by
 * http_server_connection.c on the loop thread. */
#include "net/http_server_exchange.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

/* An answer is one piece in memory: a page of the console or a list of runs is
 * far smaller.  The head of an answer is small change beside it. */
enum {
    ANSWER_BODY_BYTES_MAX = 16 * 1024 * 1024,
    ANSWER_BYTES_MAX = ANSWER_BODY_BYTES_MAX + 64 * 1024,
};

int exchange_create(const char *head, size_t len,
                    const struct exchange_peer *peer, size_t body_bytes_max,
                    struct http_server_exchange **ret_exchange)
{
    struct http_server_exchange *exchange = memory_zero(1, sizeof(*exchange));
    struct http_server_request *request = &exchange->request;
    int status;

    exchange->text = memory_copy(head, len);
    exchange->text_len = len;
    exchange->peer = *peer;
    buf_init(&exchange->body, body_bytes_max);
    status = message_head_read(&exchange->head, exchange->text, len);
    if (!status && exchange->head.content_length > body_bytes_max)
        status = 413;
    if (status) {
        exchange_destroy(exchange);
        return status;
    }
    request->method = exchange->head.method;
    request->path = exchange->head.path;
    request->query = exchange->head.query;
    request->headers = exchange->head.fields;
    request->header_count = exchange->head.field_count;
    request->body = "";
    request->peer = exchange->peer.address;
    request->network = exchange->peer.network;
    request->peer_uid = exchange->peer.uid;
    *ret_exchange = exchange;
    return 0;
}

void exchange_destroy(struct http_server_exchange *exchange)
{
    if (!exchange)
        return;
    message_head_done(&exchange->head);
    buf_done(&exchange->body);
    free(exchange->text);
    free(exchange);
}

void exchange_body_end(struct http_server_exchange *exchange)
{
    if (exchange->body.data)
        exchange->request.body = exchange->body.data;
    exchange->request.body_len = exchange->body.len;
}

size_t exchange_size(const struct http_server_exchange *exchange)
{
    return sizeof(*exchange) + exchange->text_len + exchange->body.capacity +
           (exchange->head.fields ? MESSAGE_HEADERS_MAX : 0) *
               sizeof(*exchange->head.fields);
}

const char *http_server_header(const struct http_server_request *request,
                               const char *name, int *ret_count)
{
    const char *value = NULL;
    int count = 0;
    size_t i;

    for (i = 0; i < request->header_count; i++) {
        if (strcasecmp(request->headers[i].name, name))
            continue;
        if (!count++)
            value = request->headers[i].value;
    }
    if (ret_count)
        *ret_count = count;
    return value;
}

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *reason;
    } reasons[] = {
        {200, "OK"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {413, "Content Too Large"},
        {415, "Unsupported Media Type"},
        {422, "Unprocessable Content"},
        {429, "Too Many Requests"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {503, "Service Unavailable"},
    };
    size_t i;

    for (i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reasons[i].status == status)
            return reasons[i].reason;
    }
    return "Status";
}

static bool status_served(int status)
{
    if (status < 200 || status > 599 || (status >= 300 && status < 400))
        return false;
    return status != 201 && status != 202 && status != 204 && status != 410;
}

/* A header's text comes from the owner, who may have it from elsewhere: what
 * could end the line becomes a blank. */
static void text_write(struct buf *output, const char *text)
{
    size_t begin = output->len;
    size_t i;

    (void)buf_append_text(output, text);
    for (i = begin; i < output->len; i++) {
        unsigned char c = (unsigned char)output->data[i];
        if (c < 0x20 || c == 0x7f)
            output->data[i] = ' ';
    }
}

void answer_write(struct buf *output, const struct http_server_answer *answer,
                  bool head_only, bool closing)
{
    struct http_server_answer replaced;
    bool typed = false;
    size_t i;

    if (!status_served(answer->status) ||
        answer->body_len > ANSWER_BODY_BYTES_MAX) {
        answer_own(503, &replaced);
        answer = &replaced;
    }
    output->max = ANSWER_BYTES_MAX;
    (void)buf_printf(output, "HTTP/1.1 %d %s\r\n", answer->status,
                     reason_of(answer->status));
    for (i = 0; i < answer->header_count; i++) {
        if (!strcasecmp(answer->headers[i].name, "Content-Type"))
            typed = true;
        text_write(output, answer->headers[i].name);
        (void)buf_append_text(output, ": ");
        text_write(output, answer->headers[i].value);
        (void)buf_append_text(output, "\r\n");
    }
    if (!typed)
        (void)buf_append_text(output, "Content-Type: application/json\r\n");
    (void)buf_printf(output, "Content-Length: %zu\r\n%s\r\n", answer->body_len,
                     closing ? "Connection: close\r\n" : "");
    if (!head_only)
        (void)buf_append(output, answer->body, answer->body_len);
    /* The limit was checked above; headers come from our own code. */
    assert(!output->overflow);
}

void answer_own(int status, struct http_server_answer *ret_answer)
{
    static const struct http_server_header retry = {"Retry-After", "10"};
    static const struct {
        int status;
        const char *body;
    } bodies[] = {
        {400, "{\"error\":\"the request is not well formed\"}\n"},
        {408, "{\"error\":\"the request came too slowly\"}\n"},
        {413, "{\"error\":\"the body is too large\"}\n"},
        {415, "{\"error\":\"no content encoding is served\"}\n"},
        {431, "{\"error\":\"the headers are too large\"}\n"},
        {503, "{\"error\":\"try again later\"}\n"},
    };
    size_t i = 0;

    while (bodies[i].status != status)
        assert(++i < sizeof(bodies) / sizeof(bodies[0]));
    memset(ret_answer, 0, sizeof(*ret_answer));
    ret_answer->status = status;
    ret_answer->flags = HTTP_SERVER_CLOSE;
    ret_answer->body = bodies[i].body;
    ret_answer->body_len = strlen(bodies[i].body);
    if (status == 503) {
        ret_answer->headers = &retry;
        ret_answer->header_count = 1;
    }
}
