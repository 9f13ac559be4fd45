/* kit_http.c - an HTTP client whose server is the test.
 *
 * A request is copied and waits in a list until the test answers it; then the
 * plugin's function is called with an answer that is freed right after.  The
 * outcome follows the table in connect/ext/http.h.  On the test's thread. */
#include "kit_inside.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What the plugin may name is short; more is a mistake in the plugin. */
enum { AUTH_ENTRIES_MAX = 16, HEADERS_MAX = 64 };

static struct kit *kit_of(const cn_host *host)
{
    return (struct kit *)(uintptr_t)host;
}

/* Each lower-case word behind the scheme is the name of a credential. */
static void check_credential(struct kit *kit, const char *entry, size_t len)
{
    size_t at = len > 6 && !strncmp(entry, "basic ", 6) ? 6 : 0;

    if (!strncmp(entry, "header:", 7) || !strncmp(entry, "query:", 6)) {
        const char *space = memchr(entry, ' ', len);
        at = space ? (size_t)(space - entry) + 1 : len;
    }
    while (at < len) {
        size_t word = strcspn(entry + at, ":,");
        if (word > len - at)
            word = len - at;
        if (!kit_config_is_credential(kit, entry + at, word))
            kit_breach(kit,
                       "auth names \"%.*s\", which the manifest does not "
                       "mark writeOnly",
                       (int)word, entry + at);
        at += word + 1;
    }
}

static void check_auth(struct kit *kit, const char *auth)
{
    for (int count = 0; auth && *auth && count < AUTH_ENTRIES_MAX; count++) {
        size_t len = strcspn(auth, ",");
        while (len && *auth == ' ') {
            auth++;
            len--;
        }
        check_credential(kit, auth, len);
        auth += len;
        if (*auth == ',')
            auth++;
    }
}

static void check_request(struct kit *kit, const cn_http_request *request)
{
    static const char *const names[] = {"poll", "deliver", "probe", "transform",
                                        "call", "check",   "stop",  "receive"};
    const struct kit_op *op = NULL;

    if (request->size < sizeof(*request))
        kit_breach(kit, "a request's size is %u, the struct has %zu",
                   request->size, sizeof(*request));
    if (!request->method || !request->url)
        kit_breach(kit, "a request has no method or no URL");
    if (request->op)
        op = kit_host_open_op(kit, request->op, "a request");
    if (op && op->kind == KIT_RECEIVE)
        kit_breach(kit, "a request was sent from receive");
    if (request->effect && (!op || op->kind != KIT_DELIVER))
        kit_breach(kit, "a request with effect was sent from %s, not deliver",
                   op ? names[op->kind] : "no operation");
    check_auth(kit, request->auth);
}

static void copy_request(struct kit *kit, const cn_http_request *from,
                         struct kit_request *to)
{
    cn_header *headers = NULL;

    to->op = from->op;
    to->method = kit_keep(kit, from->method, strlen(from->method));
    to->url = kit_keep(kit, from->url, strlen(from->url));
    to->auth = kit_keep(kit, from->auth, from->auth ? strlen(from->auth) : 0);
    to->body = kit_keep(kit, from->body.ptr, from->body.len);
    to->body_len = from->body.len;
    to->timeout_ms = from->timeout_ms;
    to->effect = from->effect;
    to->header_count = from->header_count;
    if (from->header_count)
        headers = (cn_header *)(void *)kit_keep(
            kit, from->headers, from->header_count * sizeof(*headers));
    for (size_t index = 0; index < to->header_count; index++) {
        cn_header *header = &headers[index];
        header->name.ptr = kit_keep(kit, header->name.ptr, header->name.len);
        header->value.ptr = kit_keep(kit, header->value.ptr, header->value.len);
    }
    to->headers = headers;
}

static void http_send(const cn_host *host, const cn_http_request *request,
                      void (*fn)(void *arg, const cn_http_response *),
                      void *arg)
{
    struct kit *kit = kit_of(host);
    struct kit_exchange *exchange = kit_must(calloc(1, sizeof(*exchange)));

    kit_host_on_thread(kit, "http.send");
    check_request(kit, request);
    copy_request(kit, request, &exchange->request);
    exchange->fn = fn;
    exchange->arg = arg;
    kit->exchanges = kit_grow(kit->exchanges, kit->exchange_count + 1,
                              sizeof(struct kit_exchange *));
    kit->exchanges[kit->exchange_count++] = exchange;
}

const cn_http *kit_http_table(void)
{
    static const cn_http table = {sizeof(table), 0, http_send};

    return &table;
}

/* ---- What the test asks -------------------------------------------------- */

struct kit_request *kit_request(struct kit *kit, size_t index)
{
    if (index >= kit->exchange_count)
        return NULL;
    return &kit->exchanges[index]->request;
}

size_t kit_request_count(struct kit *kit)
{
    return kit->exchange_count;
}

struct kit_request *kit_pending(struct kit *kit)
{
    for (size_t index = 0; index < kit->exchange_count; index++) {
        if (!kit->exchanges[index]->request.answered)
            return &kit->exchanges[index]->request;
    }
    return NULL;
}

size_t kit_pending_count(struct kit *kit)
{
    size_t count = 0;

    for (size_t index = 0; index < kit->exchange_count; index++)
        count += !kit->exchanges[index]->request.answered;
    return count;
}

const char *kit_request_header(const struct kit_request *request,
                               const char *name)
{
    for (size_t index = 0; index < request->header_count; index++) {
        if (!strcasecmp(request->headers[index].name.ptr, name))
            return request->headers[index].value.ptr;
    }
    return NULL;
}

/* ---- Answers ------------------------------------------------------------- */

static cn_status status_of(uint32_t code, bool effect)
{
    if (code >= 200 && code < 300)
        return CN_OK;
    if (code == 429 || code == 503)
        return CN_RATE_LIMITED;
    if (code == 401 || code == 403)
        return CN_AUTH;
    if (code >= 500 || code == 408)
        return effect ? CN_IN_DOUBT : CN_RETRY;
    return CN_REJECTED;
}

/* The request is the exchange's first member. */
static struct kit_exchange *exchange_of(struct kit_request *request)
{
    if (!request || request->answered) {
        fprintf(stderr, "kit: the test answers a request %s\n",
                request ? "twice" : "that is not there");
        abort();
    }
    return (struct kit_exchange *)(void *)request;
}

/* Lend the answer to the plugin; outcome and headers are filled in already. */
static void answer(struct kit *kit, struct kit_exchange *exchange,
                   uint32_t code, cn_outcome *outcome, const cn_header *headers,
                   uint32_t header_count, cn_str body)
{
    struct kit_request *request = &exchange->request;
    struct kit_op *op = request->op && request->op <= kit->op_count
                            ? kit->ops[request->op - 1]
                            : NULL;
    cn_http_response response = {.size = sizeof(response),
                                 .code = code,
                                 .op = request->op,
                                 .headers = headers,
                                 .header_count = header_count};

    request->answered = true;
    if (op && request->effect && outcome->status == CN_IN_DOUBT)
        op->doubt = true;
    else if (op && code)
        op->doubt = false;
    kit_enter(kit);
    response.body.ptr = kit_lend(kit, body.ptr, body.len);
    response.body.len = body.len;
    if (outcome->message)
        outcome->message = kit_lend_text(kit, outcome->message).ptr;
    response.outcome = kit_lend(kit, outcome, sizeof(*outcome));
    exchange->fn(exchange->arg, kit_lend(kit, &response, sizeof(response)));
    kit_leave(kit);
}

void kit_answer(struct kit *kit, struct kit_request *request, uint32_t code,
                const char *body)
{
    cn_str text = {body, body ? strlen(body) : 0};

    kit_answer_headers(kit, request, code, NULL, text);
}

void kit_answer_headers(struct kit *kit, struct kit_request *request,
                        uint32_t code, const char *const *headers, cn_str body)
{
    struct kit_exchange *exchange = exchange_of(request);
    cn_outcome outcome = {.size = sizeof(outcome),
                          .status = status_of(code, request->effect)};
    cn_header *list = NULL;
    uint32_t count = 0;
    char message[64];

    snprintf(message, sizeof(message), "the server answered %u", code);
    if (outcome.status != CN_OK)
        outcome.message = message;
    while (headers && count < HEADERS_MAX && headers[2 * count])
        count++;
    if (count)
        list = kit_lend(kit, (cn_header[HEADERS_MAX]){{{NULL, 0}, {NULL, 0}}},
                        count * sizeof(*list));
    for (uint32_t index = 0; index < count; index++) {
        const char *name = headers[2 * index], *value = headers[2 * index + 1];
        list[index].name = kit_lend_text(kit, name);
        list[index].value = kit_lend_text(kit, value);
        if (outcome.status == CN_RATE_LIMITED &&
            !strcasecmp(name, "Retry-After"))
            outcome.retry_after_ms = 1000 * strtoull(value, NULL, 10);
    }
    answer(kit, exchange, code, &outcome, list, count, body);
}

void kit_answer_failure(struct kit *kit, struct kit_request *request,
                        enum kit_failure failure)
{
    static const char *const messages[] = {
        "the server cannot be reached", "the server did not answer",
        "the server's answer cannot be read", "there is no such credential",
        "given up because the host asked"};
    struct kit_exchange *exchange = exchange_of(request);
    cn_outcome outcome = {.size = sizeof(outcome),
                          .status = request->effect ? CN_IN_DOUBT : CN_RETRY,
                          .message = messages[failure]};

    if (failure == KIT_NOT_SENT)
        outcome.status = CN_RETRY;
    if (failure == KIT_NO_CREDENTIAL)
        outcome.status = CN_REJECTED;
    if (failure == KIT_CANCELLED && !request->effect)
        outcome.status = CN_CANCELLED;
    answer(kit, exchange, 0, &outcome, NULL, 0, (cn_str){NULL, 0});
}

void kit_http_end(struct kit *kit, cn_op op)
{
    for (size_t index = 0; index < kit->exchange_count; index++) {
        struct kit_request *request = &kit->exchanges[index]->request;
        if (!request->answered && request->op == op)
            kit_answer_failure(kit, request, KIT_CANCELLED);
    }
}
