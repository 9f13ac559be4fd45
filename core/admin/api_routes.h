/* api_routes.h - the routes of the admin API: one table.  [any thread] */
#ifndef CONNECT_ADMIN_API_ROUTES_H
#define CONNECT_ADMIN_API_ROUTES_H

#include <stddef.h>

#include "admin/api_call.h"

struct api_route {
    const char *method;  /* "GET" */
    const char *pattern; /* "/v1/runs/{run}/retry" */
    api_handler_fn *handler;
};

/* NULL behind the last. */
const struct api_route *api_route_at(size_t index);

enum { API_ALLOWED_MAX = 64 };

/* The route of a method and path as sent; ret_run and name get what stands at
 * {run} and {instance}.  -ENOENT: no such path (or no number at {run}); -EPERM:
 * another method, and allowed lists those that are served. */
int api_route_find(const char *method, const char *path,
                   const struct api_route **ret_route, uint64_t *ret_run,
                   char name[API_NAME_MAX],
                   char allowed[API_ALLOWED_MAX]) MUST_USE;

#endif
