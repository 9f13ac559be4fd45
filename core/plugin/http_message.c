/* http_message.c - flattens HTTP requests and answers.
 *
 * One idea: put and take list the same fields in the same order, side by side.
 * Pure; called on the core's loop and on runners. */
#include "plugin/http_message.h"

#include <string.h>

enum { HEADER_BYTES = 18 /* the least a header has in a payload */ };

static void headers_put(struct buf *payload, const cn_header *headers,
                        size_t count)
{
    if (count > HTTP_MESSAGE_HEADERS_MAX)
        count = HTTP_MESSAGE_HEADERS_MAX;
    message_put_number(payload, count);
    for (size_t index = 0; index < count; index++) {
        message_put_str(payload, headers[index].name);
        message_put_str(payload, headers[index].value);
    }
}

static uint32_t headers_take(struct message_reader *reader, cn_header *headers)
{
    size_t count = message_take_count(reader, HEADER_BYTES);

    if (count > HTTP_MESSAGE_HEADERS_MAX) {
        reader->failed = true;
        return 0;
    }
    for (size_t index = 0; index < count; index++) {
        headers[index].name = message_take_str(reader);
        headers[index].value = message_take_str(reader);
    }
    return (uint32_t)count;
}

void http_message_put_request(struct buf *payload, uint64_t number,
                              const cn_http_request *request)
{
    message_put_number(payload, number);
    message_put_text(payload, request->method);
    message_put_text(payload, request->url);
    message_put_text(payload, request->auth);
    message_put_str(payload, request->body);
    message_put_number(payload, request->timeout_ms);
    message_put_number(payload, request->effect);
    headers_put(payload, request->headers, request->header_count);
}

bool http_message_take_request(struct message_reader *reader,
                               uint64_t *ret_number,
                               cn_http_request *ret_request,
                               cn_header headers[HTTP_MESSAGE_HEADERS_MAX])
{
    memset(ret_request, 0, sizeof(*ret_request));
    ret_request->size = sizeof(*ret_request);
    *ret_number = message_take_number(reader);
    ret_request->method = message_take_text(reader);
    ret_request->url = message_take_text(reader);
    ret_request->auth = message_take_text(reader);
    ret_request->body = message_take_str(reader);
    ret_request->timeout_ms = message_take_number(reader);
    ret_request->effect = (uint32_t)message_take_number(reader);
    ret_request->headers = headers;
    ret_request->header_count = headers_take(reader, headers);
    return !reader->failed && ret_request->method && ret_request->url;
}

void http_message_put_answer(struct buf *payload, uint64_t number,
                             const cn_http_response *response)
{
    message_put_number(payload, number);
    message_put_number(payload, response->code);
    message_put_number(payload, (uint64_t)response->outcome->status);
    message_put_number(payload, response->outcome->retry_after_ms);
    message_put_text(payload, response->outcome->message);
    message_put_str(payload, response->body);
    headers_put(payload, response->headers, response->header_count);
}

bool http_message_take_answer(struct message_reader *reader,
                              uint64_t *ret_number,
                              cn_http_response *ret_response,
                              cn_outcome *outcome,
                              cn_header headers[HTTP_MESSAGE_HEADERS_MAX])
{
    memset(ret_response, 0, sizeof(*ret_response));
    memset(outcome, 0, sizeof(*outcome));
    ret_response->size = sizeof(*ret_response);
    outcome->size = sizeof(*outcome);
    *ret_number = message_take_number(reader);
    ret_response->code = (uint32_t)message_take_number(reader);
    outcome->status = (cn_status)message_take_number(reader);
    outcome->retry_after_ms = message_take_number(reader);
    outcome->message = message_take_text(reader);
    ret_response->body = message_take_str(reader);
    ret_response->headers = headers;
    ret_response->header_count = headers_take(reader, headers);
    ret_response->outcome = outcome;
    return !reader->failed;
}
