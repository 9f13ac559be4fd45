/* bridge.c - carries HTTP requests of plugins to the client and back.
 *
 * Its one idea: all that the host knows about effects it learns here.  Each
 * request and answer is noted in the operation it belongs to, before the plugin
 * hears of it, so that the plugin cannot be believed against what was seen.
 * Credentials are put in here and never reach the runner.  Loop thread. */
#include "plugin/bridge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "base/memory.h"
#include "net/http_client.h"
#include "net/http_client_outcome.h"
#include "plugin/http_message.h"

enum {
    CREDENTIALS_MAX = 8, /* entries of one auth */
    AUTH_WORDS_MAX = 64  /* one word of an entry, less the NUL */
};

/* ---- Answers ------------------------------------------------------------ */

static void answer_send(struct generation *generation, uint64_t number,
                        uint64_t op, const cn_http_response *response)
{
    struct mailbox *inbox = generation->runner->inbox;
    cn_outcome small = *response->outcome;
    cn_http_response cut = {.size = sizeof(cut), .op = op, .outcome = &small};
    struct buf payload;
    int status;

    buf_init(&payload, MESSAGE_BYTES_MAX);
    http_message_put_answer(&payload, number, response);
    status =
        mailbox_send(inbox, message_create(MESSAGE_HTTP_ANSWER,
                                           generation->number, op, &payload));
    if (status == -ENOBUFS) {
        /* No room for the answer: say that there was none. */
        small.message = "the host has no room for the answer";
        if (small.status == CN_OK)
            small.status = CN_RETRY;
        buf_clear(&payload);
        http_message_put_answer(&payload, number, &cut);
        (void)mailbox_send_urgent(inbox, message_create(MESSAGE_HTTP_ANSWER,
                                                        generation->number, op,
                                                        &payload));
    }
    buf_done(&payload);
}

static void refuse(struct generation *generation, uint64_t number, uint64_t op,
                   cn_status status, const char *reason)
{
    cn_outcome outcome = {
        .size = sizeof(outcome), .status = status, .message = reason};
    cn_http_response response = {
        .size = sizeof(response), .op = op, .outcome = &outcome};

    answer_send(generation, number, op, &response);
}

static struct core_op *op_of(struct instances *instances, uint64_t id)
{
    struct core_op *op;

    HASH_FIND(hh, instances->ops, &id, sizeof(id), op);
    return op;
}

static void facts_note(struct op_facts *facts, bool effect, cn_status status,
                       const struct http_answer *answer)
{
    facts->requested = true;
    /* The last one counts: a log-on that is answered says nothing about the
     * record when the request that carries it is not. */
    facts->answered = answer->answered;
    facts->effect_sent |= effect && answer->sent;
    if (effect && status == CN_IN_DOUBT)
        facts->doubt = true;
    else if (answer->answered)
        facts->doubt = false;
}

static void bridge_answered(void *arg, const struct http_answer *answer)
{
    struct bridge_request *request = arg;
    struct generation *generation = request->generation;
    struct core_op *op;
    cn_outcome outcome = {.size = sizeof(outcome), .message = answer->message};
    cn_http_response response = {.size = sizeof(response),
                                 .code = answer->code,
                                 .op = request->op,
                                 .outcome = &outcome,
                                 .headers = answer->headers,
                                 .header_count = (uint32_t)answer->header_count,
                                 .body = answer->body};

    if (!generation)
        goto out;
    DL_DELETE(generation->requests, request);
    outcome.status = http_outcome(
        request->effect, answer, request->instances->options.retry_after_ms_max,
        &outcome.retry_after_ms);
    op = request->op ? op_of(request->instances, request->op) : NULL;
    if (op)
        facts_note(&op->facts, request->effect, outcome.status, answer);
    answer_send(generation, request->number, request->op, &response);
out:
    free(request);
}

/* ---- Credentials -------------------------------------------------------- */

struct auth {
    const struct setup *setup;
    struct http_credential credentials[CREDENTIALS_MAX];
    size_t count;
};

static cn_str trimmed(const char *from, const char *to)
{
    while (from < to && *from == ' ')
        from++;
    while (to > from && to[-1] == ' ')
        to--;
    return (cn_str){from, (size_t)(to - from)};
}

/* The credential of that name; false when the manifest has none. */
static bool auth_secret(const struct auth *auth, cn_str name, cn_str *ret_value)
{
    const char *value;

    if (!name.len || name.len > AUTH_WORDS_MAX)
        return false;
    value = setup_secret(auth->setup, name.ptr, name.len);
    if (!value)
        return false;
    *ret_value = (cn_str){value, strlen(value)};
    return true;
}

static bool begins(cn_str text, const char *with)
{
    return text.len > strlen(with) && !memcmp(text.ptr, with, strlen(with));
}

/* One entry of auth, as ext/http.h describes them. */
static bool auth_entry(struct auth *auth, cn_str entry)
{
    struct http_credential *made = &auth->credentials[auth->count];
    const char *end = entry.ptr + entry.len;
    const char *space = entry.len ? memchr(entry.ptr, ' ', entry.len) : NULL;
    const char *colon;
    cn_str first, second;

    if (auth->count == CREDENTIALS_MAX || !entry.len)
        return false;
    auth->count++;
    memset(made, 0, sizeof(*made));
    if (!space) {
        made->kind = HTTP_BEARER;
        return auth_secret(auth, entry, &made->value);
    }
    first = trimmed(entry.ptr, space);
    second = trimmed(space, end);
    if (begins(first, "header:") || begins(first, "query:")) {
        made->kind = first.ptr[0] == 'h' ? HTTP_HEADER : HTTP_QUERY;
        colon = memchr(first.ptr, ':', first.len);
        made->name = trimmed(colon + 1, first.ptr + first.len);
        return made->name.len && auth_secret(auth, second, &made->value);
    }
    if (first.len != 5 || memcmp(first.ptr, "basic", 5) != 0)
        return false;
    made->kind = HTTP_BASIC;
    colon = second.len ? memchr(second.ptr, ':', second.len) : NULL;
    if (!colon)
        return auth_secret(auth, second, &made->name);
    return auth_secret(auth, trimmed(second.ptr, colon), &made->name) &&
           auth_secret(auth, trimmed(colon + 1, second.ptr + second.len),
                       &made->value);
}

static bool auth_read(struct auth *auth, const char *text)
{
    while (text) {
        const char *comma = strchr(text, ',');
        const char *end = comma ? comma : text + strlen(text);
        if (!auth_entry(auth, trimmed(text, end)))
            return false;
        text = comma ? comma + 1 : NULL;
    }
    return true;
}

/* ---- Requests ----------------------------------------------------------- */

/* Why the plugin may not send this, or NULL. */
static const char *request_refused(const struct instances *instances,
                                   const struct core_op *op, uint64_t op_id,
                                   const cn_http_request *request)
{
    if (!instances->options.http)
        return "this host has no HTTP client";
    if (op_id && !op)
        return "the operation ended before the request was sent";
    if (op && op->kind == OP_RECEIVE)
        return "a receive makes no request";
    if (!request->effect)
        return NULL;
    if (!op)
        return "a request with effect must name its delivery";
    if (op->kind != OP_DELIVER && op->kind != OP_STOP)
        return "only a delivery may send a request with effect";
    return NULL;
}

static void bridge_complain(const struct generation *generation, uint64_t op,
                            const char *reason)
{
    struct log_about about = {.op = op, .instance = generation->entry->name};

    log_write(LOG_WARN, &about, "plugin %s: an HTTP request was refused: %s",
              generation->setup->module->table.id, reason);
}

static void request_send(struct bridge_request *entry, struct core_op *op,
                         const struct http_client_request *request)
{
    struct generation *generation = entry->generation;
    struct instances *instances = entry->instances;
    int status = http_client_send(instances->options.http, request,
                                  bridge_answered, entry, &entry->http);

    /* Also when there is no room: that is no answer about the record. */
    if (op && (!status || status == -ENOBUFS))
        op->facts.requested = true;
    if (!status) {
        DL_APPEND(generation->requests, entry);
        return;
    }
    if (status == -ENOBUFS || status == -ECANCELED)
        refuse(generation, entry->number, entry->op, CN_RETRY,
               "the host has no room for more HTTP requests");
    else
        refuse(generation, entry->number, entry->op, CN_REJECTED,
               "the HTTP request is malformed or too large");
    free(entry);
}

void bridge_send(struct generation *generation, const struct message *message)
{
    struct instances *instances = generation->entry->instances;
    struct message_reader reader;
    cn_header headers[HTTP_MESSAGE_HEADERS_MAX];
    cn_http_request request;
    struct auth auth = {.setup = generation->setup};
    struct core_op *op = op_of(instances, message->op);
    struct bridge_request *entry;
    uint64_t number;
    const char *refused;

    message_read(&reader, message);
    if (!http_message_take_request(&reader, &number, &request, headers))
        return; /* our own message; cannot happen */
    if (op && op->generation != generation)
        op = NULL;
    refused = request_refused(instances, op, message->op, &request);
    if (!refused && request.auth && !auth_read(&auth, request.auth))
        refused = "auth names a credential that the manifest does not know";
    if (refused) {
        bridge_complain(generation, message->op, refused);
        refuse(generation, number, message->op, CN_REJECTED, refused);
        return;
    }
    entry = memory_zero(1, sizeof(*entry));
    entry->generation = generation;
    entry->instances = instances;
    entry->number = number;
    entry->op = message->op;
    entry->effect = request.effect != 0;
    request_send(entry, op,
                 &(struct http_client_request){
                     .method = request.method,
                     .url = request.url,
                     .headers = headers,
                     .header_count = request.header_count,
                     .credentials = auth.credentials,
                     .credential_count = auth.count,
                     .body = request.body,
                     .timeout_ms = request.timeout_ms,
                     .effect = entry->effect,
                 });
}

void bridge_cancel(struct generation *generation, uint64_t op)
{
    struct bridge_request *request;

    DL_FOREACH(generation->requests, request)
    {
        if (request->op == op)
            http_client_cancel(generation->entry->instances->options.http,
                               request->http);
    }
}

void bridge_settle(struct generation *generation, struct core_op *op)
{
    struct bridge_request *request;

    DL_FOREACH(generation->requests, request)
    {
        if (request->op == op->id && request->effect)
            op->facts.effect_sent = op->facts.doubt = true;
    }
    bridge_cancel(generation, op->id);
}

void bridge_forget(struct generation *generation)
{
    struct bridge_request *request, *next;

    DL_FOREACH_SAFE(generation->requests, request, next)
    {
        DL_DELETE(generation->requests, request);
        request->generation = NULL;
        http_client_cancel(generation->entry->instances->options.http,
                           request->http);
    }
}
