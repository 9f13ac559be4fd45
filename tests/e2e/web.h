/* web.h - HTTP calls of the tests: to control routes, to the admin socket, and
 * as the sender of webhooks. */
#ifndef CONNECT_E2E_WEB_H
#define CONNECT_E2E_WEB_H

#include <stddef.h>

#include <cjson/cJSON.h>

struct web; /* keeps connections */

struct web_request {
    const char *method; /* NULL: POST with a body, else GET */
    const char *url;
    const char *socket;         /* unix socket, or NULL */
    const char *const *headers; /* "Name: value"; ends with NULL; may be NULL */
    const char *body;           /* NULL: none */
    size_t body_len;            /* 0: the length of the text */
};

struct web_answer {
    int status;    /* 0: none */
    char *headers; /* owned: status line and headers as they came */
    char *body;    /* owned, "" when empty */
    size_t len;
};

struct web *web_create(void);
void web_destroy(struct web *web);
/* One request; the answer is always to be ended with web_answer_end. */
struct web_answer web_call(struct web *web, const struct web_request *request);
void web_answer_end(struct web_answer *answer);
/* The same request count times over so many connections at once; statuses has
 * count places. */
void web_burst(const struct web_request *request, size_t count,
               size_t connections, int *statuses);
/* Different requests, each on a connection of its own, all at once; 64 at most.
 */
void web_at_once(const struct web_request *requests, size_t count,
                 int *statuses);

#endif
