/* api_call.c - one question to the admin API on its way to its answer.
 *
 * One idea: a call owns everything between request and answer, and whoever ends
 * it frees it, so that a handler that waits for the store cannot leak or answer
 * twice.  Answers are built as trees and printed at the end; what is larger
 * than the server sends is an error that says so.  Called on the loop thread.
 */
#include "admin/api_call.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "admin/encode.h"
#include "base/memory.h"

enum {
    ANSWER_BYTES_MAX = 16 * 1024 * 1024, /* the server sends no more */
    MESSAGE_MAX = 1024,
    USER_BYTES_MAX = 4096 /* an entry of the user database */
};

/* "uid:1000 (mary)": the number is the fact, the name a help. */
static void call_actor(const struct http_server_request *request, char *actor,
                       size_t size)
{
    char bytes[USER_BYTES_MAX];
    struct passwd entry, *found = NULL;

    if (request->peer_uid < 0) {
        snprintf(actor, size, "unknown");
        return;
    }
    if (getpwuid_r((uid_t)request->peer_uid, &entry, bytes, sizeof(bytes),
                   &found) ||
        !found)
        snprintf(actor, size, "uid:%" PRId64, request->peer_uid);
    else
        snprintf(actor, size, "uid:%" PRId64 " (%s)", request->peer_uid,
                 found->pw_name);
}

struct api_call *api_call_begin(struct api *api,
                                struct http_server_exchange *exchange,
                                const struct http_server_request *request)
{
    struct api_call *call = memory_zero(1, sizeof(*call));

    call->api = api;
    call->exchange = exchange;
    call->request = request;
    call_actor(request, call->actor, sizeof(call->actor));
    api->open_count++;
    return call;
}

/* Send and forget. */
static void call_answer(struct api_call *call,
                        const struct http_server_answer *answer)
{
    struct api *api = call->api;

    http_server_answer(call->exchange, answer);
    cJSON_Delete(call->body);
    cJSON_Delete(call->answer);
    if (call->flow)
        definition_release(call->flow);
    if (call->work_free)
        call->work_free(call->work);
    free(call);
    api->open_count--;
    if (api->destroyed && !api->open_count)
        free(api);
}

cJSON *api_call_object(const struct api_call *call)
{
    cJSON *object = cJSON_CreateObject();

    cn_json_put(object, "now_ms",
                cn_json_integer(clock_wall_ms(call->api->options.clock)));
    return object;
}

void api_call_end_text(struct api_call *call, const char *text, size_t len)
{
    struct http_server_answer answer = {
        .status = 200, .body = text, .body_len = len};

    call_answer(call, &answer);
}

void api_call_end(struct api_call *call, cJSON *value)
{
    char *text = cn_json_print(value ? value : call->answer);
    size_t len = text ? strlen(text) : 0;

    cJSON_Delete(value);
    if (!text || len >= ANSWER_BYTES_MAX) {
        api_call_fail(call, 500, "too_large",
                      "the answer has more than %d MiB; ask for less",
                      ANSWER_BYTES_MAX / 1024 / 1024);
    } else {
        text[len] = '\n'; /* for people who look with curl */
        api_call_end_text(call, text, len + 1);
    }
    free(text);
}

static void call_fail_with(struct api_call *call, int status, const char *code,
                           const char *message,
                           const struct http_server_header *header)
{
    cJSON *value = cJSON_CreateObject(), *error = cJSON_CreateObject();
    struct http_server_answer answer = {
        .status = status, .headers = header, .header_count = header ? 1 : 0};
    char *text;

    encode_put_text(error, "code", code);
    encode_put_text(error, "message", message); /* may be cut */
    cn_json_put(value, "error", error);
    text = cn_json_print(value);
    cJSON_Delete(value);
    answer.body = text;
    answer.body_len = text ? strlen(text) : 0;
    call_answer(call, &answer);
    free(text);
}

void api_call_fail(struct api_call *call, int status, const char *code,
                   const char *format, ...)
{
    static const struct http_server_header retry = {"Retry-After", "5"};
    char message[MESSAGE_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    call_fail_with(call, status, code, message, status == 503 ? &retry : NULL);
}

void api_call_fail_method(struct api_call *call, const char *allowed)
{
    struct http_server_header header = {"Allow", allowed};
    char message[MESSAGE_MAX];

    snprintf(message, sizeof(message), "only %s is served here", allowed);
    call_fail_with(call, 405, "method", message, &header);
}

void api_call_fail_errno(struct api_call *call, int status, const char *what)
{
    if (status == -EAGAIN || status == -ENOSPC)
        api_call_fail(call, 503, "busy", "%s: %s", what,
                      status == -EAGAIN ? "too much waits already"
                                        : "no space left on the disk");
    else
        api_call_fail(call, 500, "failed", "%s: %s", what, strerror(-status));
}

/* ---- Parameters ---------------------------------------------------------- */

static int hex_value(char letter)
{
    if (letter >= '0' && letter <= '9')
        return letter - '0';
    if (letter >= 'a' && letter <= 'f')
        return letter - 'a' + 10;
    if (letter >= 'A' && letter <= 'F')
        return letter - 'A' + 10;
    return -1;
}

static void decode(const char *from, size_t len, char *text, size_t size)
{
    size_t out = 0;

    for (size_t index = 0; index < len && out + 1 < size; index++) {
        char letter = from[index];
        if (letter == '%' && index + 2 < len &&
            hex_value(from[index + 1]) >= 0 &&
            hex_value(from[index + 2]) >= 0) {
            letter = (char)(hex_value(from[index + 1]) * 16 +
                            hex_value(from[index + 2]));
            index += 2;
        } else if (letter == '+') {
            letter = ' ';
        }
        text[out++] = letter;
    }
    text[out] = '\0';
}

bool api_call_parameter(const struct api_call *call, const char *name,
                        char *text, size_t size)
{
    const char *at = call->request->query;
    size_t name_len = strlen(name);

    while (at && *at) {
        size_t len = strcspn(at, "&");
        size_t equals = strcspn(at, "=&");
        if (equals == name_len && !memcmp(at, name, name_len)) {
            size_t skip = equals < len ? equals + 1 : len;
            decode(at + skip, len - skip, text, size);
            return true;
        }
        at += len;
        at += *at == '&';
    }
    return false;
}

bool api_call_number(struct api_call *call, const char *name, uint64_t max,
                     uint64_t *ret_number, bool *ret_ended)
{
    char text[32];
    char *end;
    unsigned long long number;

    if (!api_call_parameter(call, name, text, sizeof(text)))
        return false;
    errno = 0;
    number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || number > max) {
        api_call_fail(call, 400, "parameter",
                      "%s must be a number from 0 to %" PRIu64, name, max);
        *ret_ended = true;
        return false;
    }
    *ret_number = number;
    return true;
}

bool api_call_flag(const struct api_call *call, const char *name)
{
    char text[8];

    return api_call_parameter(call, name, text, sizeof(text)) &&
           (!*text || !strcmp(text, "1") || !strcmp(text, "true"));
}

bool api_call_page(struct api_call *call, const char *from, uint64_t usual,
                   uint64_t max)
{
    bool ended = false;

    call->limit = usual;
    api_call_number(call, "limit", max, &call->limit, &ended);
    if (!ended)
        api_call_number(call, from, INT64_MAX, &call->after, &ended);
    if (ended)
        return false;
    if (!call->limit)
        call->limit = usual;
    return true;
}

void api_call_put_next(const struct api_call *call, cJSON *object, size_t count,
                       uint64_t last)
{
    if (count && count == call->limit)
        encode_put_number(object, "next", (int64_t)last);
    else
        encode_put_text(object, "next", NULL);
}

const struct definition *api_call_flow(const struct api_call *call,
                                       const char *name, const char *version)
{
    const struct definition *flow;

    for (size_t index = 0;
         (flow = engine_flow_at(call->api->options.engine, index)); index++)
        if (!strcmp(flow->name, name) && !strcmp(flow->version, version))
            return flow;
    return NULL;
}

bool api_call_query(struct api_call *call, const struct store_query *query,
                    store_read_fn *fn)
{
    int status = store_query(call->api->options.store, query, fn, call);

    if (status)
        api_call_fail_errno(call, status, "the store cannot be read now");
    return status == 0;
}

void api_call_audit(struct api_call *call, const char *act, const char *detail,
                    store_committed_fn *fn)
{
    struct store_batch *batch = store_batch_create();
    int status;

    store_batch_audit(batch, call->actor, act, call->run, detail);
    status = store_commit(call->api->options.store, batch, fn, call);
    if (status) {
        store_batch_destroy(batch);
        api_call_fail_errno(call, status, "the store takes no changes now");
    }
}

static void unmasked_audited(void *arg, int status,
                             const struct store_result *results,
                             size_t result_count)
{
    struct api_call *call = arg;

    (void)results;
    (void)result_count;
    if (status)
        api_call_fail_errno(call, status,
                            "cannot be shown unmasked, since "
                            "that cannot be recorded");
    else
        call->show(call);
}

void api_call_show(struct api_call *call, const char *act, api_handler_fn *show)
{
    call->unmasked = api_call_flag(call, "unmasked");
    call->show = show;
    if (call->unmasked)
        api_call_audit(call, act, NULL, unmasked_audited);
    else
        show(call);
}
