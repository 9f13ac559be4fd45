/* http_message.h - HTTP requests of plugins and their answers as flat payloads.
 *
 * What is taken points into the message it was taken from.  [any thread] */
#ifndef CONNECT_PLUGIN_HTTP_MESSAGE_H
#define CONNECT_PLUGIN_HTTP_MESSAGE_H

#include <connect/ext/http.h>

#include "plugin/message.h"

enum { HTTP_MESSAGE_HEADERS_MAX = 256 /* of a request or an answer */ };

/* header_count of the request is at most HTTP_MESSAGE_HEADERS_MAX. */
void http_message_put_request(struct buf *payload, uint64_t number,
                              const cn_http_request *request);
bool http_message_take_request(struct message_reader *reader,
                               uint64_t *ret_number,
                               cn_http_request *ret_request,
                               cn_header headers[HTTP_MESSAGE_HEADERS_MAX]);

/* Headers beyond the limit are left out. */
void http_message_put_answer(struct buf *payload, uint64_t number,
                             const cn_http_response *response);
/* response->outcome becomes outcome. */
bool http_message_take_answer(struct message_reader *reader,
                              uint64_t *ret_number,
                              cn_http_response *ret_response,
                              cn_outcome *outcome,
                              cn_header headers[HTTP_MESSAGE_HEADERS_MAX]);

#endif
