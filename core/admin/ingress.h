/* ingress.h - webhooks in: who may call, what they get, and that 200 means
 * kept.
 *
 * Routes are /in/<instance>/<secret>.  The answers are the contract with the
 * senders:
 *
 *   200  stored (or known already, or unusable and quarantined)
 *   401  the plugin does not accept who sent it; constant body
 *   404  no such route; 405 with Allow: another method than POST
 *   415  no JSON
 *   429  too many refusals from this network; with Retry-After
 *   503  cannot be stored now; with Retry-After, connection closed
 *
 * and what the server says itself (http_server.h).  Never another status.
 * [loop thread] */
#ifndef CONNECT_ADMIN_INGRESS_H
#define CONNECT_ADMIN_INGRESS_H

#include "base/clock.h"
#include "config/config.h"
#include "flow/engine.h"
#include "net/http_server.h"
#include "plugin/instances.h"

struct ingress;

struct ingress_options {
    struct engine *engine;
    struct instances *instances;
    const struct clock *clock; /* for the rate of refusals */
    /* The configuration of now; asked for each request, for it may be
     * reloaded. */
    const struct config *(*config)(void *arg);
    void *arg;
};

struct ingress *ingress_create(const struct ingress_options *options);
/* Waiting requests are answered 503 first. */
void ingress_stop(struct ingress *ingress);
void ingress_destroy(struct ingress *ingress);

/* For http_server_options. */
int ingress_head(void *arg, const struct http_server_request *request,
                 struct http_server_answer *ret_answer);
void ingress_request(void *arg, struct http_server_exchange *exchange,
                     const struct http_server_request *request);

struct ingress_counts {
    uint64_t accepted, duplicates;              /* records */
    uint64_t quarantined, refused, unavailable; /* requests */
    uint32_t waiting; /* requests that wait for their plugin */
};
void ingress_count(const struct ingress *ingress,
                   struct ingress_counts *ret_counts);

#endif
