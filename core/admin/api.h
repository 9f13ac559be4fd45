/* api.h - the admin API: HTTP and JSON under /v1, for connectctl and the
 * console.
 *
 * Serves requests that the owner of the unix socket hands over.  Everything it
 * shows is masked by the marks of the record types.  [loop thread] */
#ifndef CONNECT_ADMIN_API_H
#define CONNECT_ADMIN_API_H

#include "admin/ingress.h"
#include "base/clock.h"
#include "base/error.h"
#include "config/config.h"
#include "config/record_type.h"
#include "daemon/daemon.h"
#include "flow/engine.h"
#include "net/http_server.h"
#include "plugin/instances.h"
#include "store/store.h"

struct api;

struct api_options {
    uv_loop_t *loop;
    struct store *store;
    struct engine *engine;
    struct instances *instances;
    const struct record_types *types;
    const struct ingress *ingress; /* its counts; may be NULL */
    const struct clock *clock;
    const char *version;
    /* The configuration of now. */
    const struct config *(*config)(void *arg);
    /* Read it again, with a note (may be empty); as daemon_reload. */
    int (*reload)(void *arg, daemon_registered_fn *registered, void *fn_arg,
                  struct error *ret_note, struct error *err);
    /* Look at the configuration on disk; as daemon_examine. */
    int (*examine)(void *arg, daemon_examined_fn *fn, void *fn_arg);
    /* As daemon_webhook_at. */
    bool (*webhook)(void *arg, size_t index,
                    struct daemon_webhook *ret_webhook);
#ifdef CONNECT_TEST_CLOCK
    void (*clock_stepped)(void *arg);
#endif
    void *arg;
};

struct api *api_create(const struct api_options *options);
/* Answer what waits for something to happen; what is begun after this ends
 * early.  Before the store and the instances are stopped. */
void api_stop(struct api *api);
void api_destroy(struct api *api);
/* Something was committed: the history may have grown. */
void api_store_changed(struct api *api);

/* Answers the exchange, now or later. */
void api_request(struct api *api, struct http_server_exchange *exchange,
                 const struct http_server_request *request);

#endif
