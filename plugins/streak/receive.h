/* receive.h - webhooks of Streak. */
#ifndef CONNECT_STREAK_RECEIVE_H
#define CONNECT_STREAK_RECEIVE_H

#include <connect/ext/http.h>

void receive_webhook(const cn_host *host, cn_op op,
                     const cn_http_request *request);

#endif
