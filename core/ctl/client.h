/* client.h - questions to the daemon over its unix socket.  [one thread] */
#ifndef CONNECT_CTL_CLIENT_H
#define CONNECT_CTL_CLIENT_H

#include <stddef.h>
#include <cjson/cJSON.h>

#include "base/error.h"

struct client;

struct client *client_create(const char *socket_path);
void client_destroy(struct client *client);

/* Ask; body NULL: none.  0: answered with 200; -EREMOTEIO: refused,
 * with the daemon's sentence; -ECONNREFUSED: not reachable, with a sentence
 * that says what to do; other: a broken answer.  ret_value (may be NULL) gets
 * the answer's JSON, which the caller deletes, also when refused. */
int client_ask(struct client *client, const char *method, const char *path,
               const char *body, cJSON **ret_value, struct error *err) MUST_USE;
/* The text of the last answer; "" when there was none. */
const char *client_text(const struct client *client, size_t *ret_len);

#endif
