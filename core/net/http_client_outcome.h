/* http_client_outcome.h - what an answer means for the operation that asked.
 *
 * Pure functions, apart from the client so that every row of the tables can be
 * tested without a socket.  [any thread] */
#ifndef CONNECT_NET_HTTP_CLIENT_OUTCOME_H
#define CONNECT_NET_HTTP_CLIENT_OUTCOME_H

#include <connect/plugin.h>
#include <stdbool.h>
#include <stdint.h>

#include "net/http_client.h"

/* The status that include/connect/ext/http.h promises.  effect: the request may
 * change the other system.  ret_retry_after_ms (may be NULL): what the other
 * side asked for, at most retry_after_ms_max; 0 when it asked for nothing or
 * the status does not mean to wait. */
cn_status http_outcome(bool effect, const struct http_answer *answer,
                       uint64_t retry_after_ms_max,
                       uint64_t *ret_retry_after_ms);
/* Did the other side say something about this request?  code 0: no answer. */
bool http_outcome_answered(uint32_t code);
/* Retry-After: seconds, or one of the three HTTP dates relative to wall_ms.
 * Nonsense, a negative number and a date in the past give 0. */
uint64_t http_outcome_retry_after(const char *value, int64_t wall_ms);

#endif
