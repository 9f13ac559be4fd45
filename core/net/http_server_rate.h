/* http_server_rate.h - who fails too often.
 *
 * Counts failures (wrong credentials, F02) by network, in windows that begin
 * with the first failure.  Ask only after the credentials were looked at: a
 * sender with the right ones is served whatever others behind the same address
 * do; one with wrong ones gets 429 in place of 401 while over the rate.
 * [loop thread] */
#ifndef CONNECT_NET_HTTP_SERVER_RATE_H
#define CONNECT_NET_HTTP_SERVER_RATE_H

#include <stdbool.h>
#include <stdint.h>

struct http_server_rate;

/* More than failures_max failures in window_ms are over the rate (F02: 20 a
 * minute). */
struct http_server_rate *http_server_rate_create(int failures_max,
                                                 int64_t window_ms);
void http_server_rate_destroy(struct http_server_rate *rate);
/* Count a failure of a network (http_server_request.network).  True when it is
 * over the rate; then ret_wait_s says in how many seconds it is not. */
bool http_server_rate_fail(struct http_server_rate *rate, const char *network,
                           int64_t monotonic_ms, int *ret_wait_s);

#endif
