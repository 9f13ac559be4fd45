/* api.c - the admin API: from a request to its handler.
 *
 * One idea: everything that can be wrong with a request itself is answered
 * here, so that handlers get a route, a name and a body they can use.  An API
 * that is destroyed while calls wait is freed with the last of them.  Called on
 * the loop thread. */
#include "admin/api.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "admin/api_call.h"
#include "admin/api_history.h"
#include "admin/api_routes.h"
#include "base/memory.h"

enum {
    CALLS_MAX = 256, /* at once: people and a console; each may hold a
                      * page of rows */
    BODY_BYTES_MAX = 32 * 1024, /* of an act: 500 numbers of runs */
    BODY_VALUES_MAX = 1000,
    BODY_DEPTH_MAX = 6,
    /* A body with a record in it, as a person edits it.  The server itself
     * takes 1 MiB. */
    RECORD_BYTES_MAX = 1024 * 1024,
    RECORD_VALUES_MAX = 100000,
    RECORD_DEPTH_MAX = 66 /* two more than a record's own */
};

struct api *api_create(const struct api_options *options)
{
    struct api *api = memory_zero(1, sizeof(*api));

    api->options = *options;
    api->started_wall_ms = clock_wall_ms(options->clock);
    api->started_monotonic_ms = clock_monotonic_ms(options->clock);
    return api;
}

void api_stop(struct api *api)
{
    if (!api)
        return;
    api->stopping = true;
    api_history_stop(api);
}

void api_store_changed(struct api *api)
{
    api_history_changed(api);
}

void api_destroy(struct api *api)
{
    if (!api)
        return;
    api->destroyed = true;
    if (!api->open_count)
        free(api);
}

/* The body of an act: an object, or nothing.  False: the call was ended. */
static bool read_body(struct api_call *call, bool has_record)
{
    const struct http_server_request *request = call->request;
    cn_json_limits limits = {.bytes_max = BODY_BYTES_MAX,
                             .values_max = BODY_VALUES_MAX,
                             .depth_max = BODY_DEPTH_MAX};
    cn_str text = {request->body, request->body_len};
    cn_json_error error;

    if (has_record)
        limits = (cn_json_limits){.bytes_max = RECORD_BYTES_MAX,
                                  .values_max = RECORD_VALUES_MAX,
                                  .depth_max = RECORD_DEPTH_MAX};
    if (!request->body_len) {
        call->body = cJSON_CreateObject();
        return true;
    }
    if (cn_json_read(text, &limits, &call->body, &error)) {
        call->body = NULL;
        api_call_fail(call, 400, "body", "the body cannot be read: %s",
                      error.sentence);
        return false;
    }
    if (!cJSON_IsObject(call->body)) {
        api_call_fail(call, 400, "body", "the body must be an object");
        return false;
    }
    return true;
}

void api_request(struct api *api, struct http_server_exchange *exchange,
                 const struct http_server_request *request)
{
    struct api_call *call = api_call_begin(api, exchange, request);
    const struct api_route *route = NULL;
    char allowed[API_ALLOWED_MAX];
    int status;

    if (api->open_count > CALLS_MAX) {
        api_call_fail(call, 503, "busy", "too many questions wait already");
        return;
    }
    status = api_route_find(request->method, request->path, &route, &call->run,
                            call->name, allowed);
    if (status == -EPERM)
        api_call_fail_method(call, allowed);
    else if (status)
        api_call_fail(call, 404, "not_found",
                      "no such route; see /v1/openapi.json");
    else if (!strcmp(route->method, "GET") ||
             read_body(call, !strcmp(route->method, "PUT")))
        route->handler(call);
}
