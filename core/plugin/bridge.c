/* bridge.c - carries HTTP requests of plugins to the client and back.
 *
 * Its one idea: all that the host knows about effects it learns here.  Each
 * request and answer is noted in the operation it belongs to, before the plugin
 * hears of it, so that the plugin cannot be believed against what was seen.
 * Credentials are put in here and never reach the runner.
 *
 * A request for which the instance's budget has no token waits here as the
 * message it came in; until its token comes nothing of it was sent, and an
 * operation that ends meanwhile is not in doubt because of it.  How many wait
 * and how long is limited in budget.c.  Loop thread. */
#include "plugin/bridge.h"

#include <errno.h>
#include <stddef.h>
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
    /* Bodies of one instance that wait for tokens; beyond it they are told to
     * come again.  Four of the largest, thousands of usual ones. */
    HELD_BYTES_MAX = 64 * 1024 * 1024,
    HELD_AGAIN_MS = 1000,
    AUTH_WORDS_MAX = 64 /* one word of an entry, less the NUL */
};

/* ---- Answers ------------------------------------------------------------ */

static void answer_send(struct generation *generation, uint64_t number,
                        uint64_t op, const cn_http_response *response)
{
    struct mailbox *inbox;
    cn_outcome small = *response->outcome;
    cn_http_response cut = {.size = sizeof(cut), .op = op, .outcome = &small};
    struct buf payload;
    int status;

    if (!generation->runner)
        return; /* its thread was left behind: nobody is there to hear it */
    inbox = generation->runner->inbox;
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

/* The request's operation, while it is open and this generation's. */
static struct core_op *request_op(const struct generation *generation,
                                  uint64_t op_id)
{
    struct core_op *op = op_of(generation->entry->instances, op_id);

    return op && op->generation == generation ? op : NULL;
}

static void request_failed(struct bridge_request *entry, int status)
{
    if (status == -ENOBUFS || status == -ECANCELED)
        refuse(entry->generation, entry->number, entry->op, CN_RETRY,
               "the host has no room for more HTTP requests");
    else
        refuse(entry->generation, entry->number, entry->op, CN_REJECTED,
               "the HTTP request is malformed or too large");
}

/* Give it to the client; it is in the generation's list and leaves it when it
 * cannot be sent. */
static void request_send(struct bridge_request *entry,
                         const struct message *message)
{
    struct generation *generation = entry->generation;
    struct core_op *op = request_op(generation, entry->op);
    struct auth auth = {.setup = generation->setup};
    struct message_reader reader;
    cn_header headers[HTTP_MESSAGE_HEADERS_MAX];
    cn_http_request request;
    uint64_t number;
    int status;

    /* Both were read before, by bridge_send. */
    message_read(&reader, message);
    status = http_message_take_request(&reader, &number, &request, headers) &&
                     (!request.auth || auth_read(&auth, request.auth))
                 ? 0
                 : -EINVAL;
    if (!status)
        status = http_client_send(entry->instances->options.http,
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
                                  },
                                  bridge_answered, entry, &entry->http);
    /* Also when there is no room: that is no answer about the record, whatever
     * was answered before. */
    if (op && (!status || status == -ENOBUFS)) {
        op->facts.requested = true;
        op->facts.answered = false;
    }
    if (!status)
        return;
    DL_DELETE(generation->requests, entry);
    request_failed(entry, status);
    free(entry);
}

/* ---- Budgets ------------------------------------------------------------ */

static struct bridge_request *request_of(struct budget_waiter *waiter)
{
    return (struct bridge_request *)(void *)((char *)waiter -
                                             offsetof(struct bridge_request,
                                                      waiter));
}

static void budgets_fired(uv_timer_t *timer);

/* Send what has its token, and come again when the next one has. */
static void budgets_serve(struct instances *instances)
{
    uint64_t now_ms = uv_now(instances->options.loop);
    uint64_t due_ms = 0;

    for (struct entry *entry = instances->entries; entry;
         entry = entry->hh.next) {
        struct budget_waiter *waiter;
        uint64_t wait_ms;
        while ((waiter = budget_next(&entry->budget, now_ms))) {
            struct bridge_request *request = request_of(waiter);
            struct message *held = request->held;
            request->held = NULL;
            entry->held_bytes -= held->len;
            request_send(request, held);
            message_destroy(held);
        }
        wait_ms = budget_due_ms(&entry->budget, now_ms);
        if (wait_ms && (!due_ms || wait_ms < due_ms))
            due_ms = wait_ms;
    }
    if (due_ms && !uv_is_closing((uv_handle_t *)&instances->budget_timer))
        (void)!uv_timer_start(&instances->budget_timer, budgets_fired, due_ms,
                              0);
}

static void budgets_fired(uv_timer_t *timer)
{
    budgets_serve(timer->data);
}

int bridge_open(struct instances *instances)
{
    instances->budget_timer.data = instances;
    return uv_timer_init(instances->options.loop, &instances->budget_timer);
}

/* Somebody waits for a token of this budget: look again in time for it, however
 * far off the next token of another one is. */
static void budget_expect(struct instances *instances, struct budget *budget)
{
    uv_timer_t *timer = &instances->budget_timer;
    uint64_t due_ms = budget_due_ms(budget, uv_now(instances->options.loop));

    if (!uv_is_active((uv_handle_t *)timer) ||
        due_ms < uv_timer_get_due_in(timer))
        (void)!uv_timer_start(timer, budgets_fired, due_ms, 0);
}

/* Without a token: keep a copy and wait. */
static void request_wait(struct bridge_request *entry, bool bulk,
                         const struct message *message)
{
    struct generation *generation = entry->generation;
    struct budget *budget = &generation->entry->budget;
    struct instances *instances = entry->instances;
    struct core_op *op = request_op(generation, entry->op);
    uint64_t delay_ms = 0;

    /* What ends while it waits says nothing about the record, whatever was
     * answered before. */
    if (op) {
        op->facts.requested = true;
        op->facts.answered = false;
    }
    if (generation->entry->held_bytes + message->len > HELD_BYTES_MAX)
        delay_ms = HELD_AGAIN_MS;
    if (delay_ms || !budget_wait(budget, &entry->waiter, bulk,
                                 uv_now(instances->options.loop), &delay_ms)) {
        cn_outcome outcome = {.size = sizeof(outcome),
                              .status = CN_RATE_LIMITED,
                              .retry_after_ms = delay_ms,
                              .message = "the instance's rate is used up"};
        cn_http_response response = {
            .size = sizeof(response), .op = entry->op, .outcome = &outcome};
        DL_DELETE(generation->requests, entry);
        answer_send(generation, entry->number, entry->op, &response);
        free(entry);
        return;
    }
    entry->held = message_copy(message);
    generation->entry->held_bytes += message->len;
    budget_expect(instances, budget);
}

/* It waits for a token and is not wanted any more: certainly not sent. */
static void request_abandon(struct bridge_request *request)
{
    struct generation *generation = request->generation;

    budget_leave(&generation->entry->budget, &request->waiter);
    generation->entry->held_bytes -= request->held->len;
    DL_DELETE(generation->requests, request);
    refuse(generation, request->number, request->op, CN_CANCELLED,
           "given up before anything was sent");
    message_destroy(request->held);
    free(request);
}

void bridge_send(struct generation *generation, const struct message *message)
{
    struct instances *instances = generation->entry->instances;
    struct message_reader reader;
    cn_header headers[HTTP_MESSAGE_HEADERS_MAX];
    cn_http_request request;
    struct auth auth = {.setup = generation->setup};
    struct core_op *op = request_op(generation, message->op);
    struct bridge_request *entry;
    uint64_t number;
    const char *refused;

    message_read(&reader, message);
    if (!http_message_take_request(&reader, &number, &request, headers))
        return; /* our own message; cannot happen */
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
    DL_APPEND(generation->requests, entry);
    if (budget_pass(&generation->entry->budget,
                    uv_now(instances->options.loop)))
        request_send(entry, message);
    else
        request_wait(entry, op && op->kind == OP_POLL, message);
}

void bridge_cancel(struct generation *generation, uint64_t op)
{
    struct bridge_request *request, *next;

    DL_FOREACH_SAFE(generation->requests, request, next)
    {
        if (request->op != op)
            continue;
        if (request->held)
            request_abandon(request);
        else
            http_client_cancel(generation->entry->instances->options.http,
                               request->http);
    }
}

void bridge_settle(struct generation *generation, struct core_op *op)
{
    struct bridge_request *request;

    DL_FOREACH(generation->requests, request)
    {
        if (request->op == op->id && request->effect && !request->held)
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
        if (request->held) {
            budget_leave(&generation->entry->budget, &request->waiter);
            generation->entry->held_bytes -= request->held->len;
            message_destroy(request->held);
            free(request);
        } else {
            http_client_cancel(generation->entry->instances->options.http,
                               request->http);
        }
    }
}
