/* api_routes.c - the routes of the admin API: one table.
 *
 * One idea: the table is the only list of routes; openapi.json is held against
 * it by tests/unit/test_api.c.  {run} and {number} take a
 * number, {instance} a name.  Called on the loop thread. */
#include "admin/api_routes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/api_acts.h"
#include "admin/api_alerts.h"
#include "admin/api_backup.h"
#include "admin/api_bulk.h"
#include "admin/api_doctor.h"
#include "admin/api_edit.h"
#include "admin/api_history.h"
#include "admin/api_preview.h"
#include "admin/api_quarantine.h"
#include "admin/api_runs.h"
#include "admin/api_status.h"
#include "admin/openapi_text.h"

static void api_openapi(struct api_call *call)
{
    api_call_end_text(call, openapi_text, openapi_text_len);
}

static const struct api_route routes[] = {
    {"GET", "/v1/openapi.json", api_openapi},
    {"GET", "/v1/status", api_status},
    {"GET", "/v1/plugins", api_plugins},
    {"GET", "/v1/flows", api_flows},
    {"GET", "/v1/runs", api_runs},
    {"GET", "/v1/runs/{run}", api_run},
    {"POST", "/v1/runs/{run}/retry", api_retry},
    {"POST", "/v1/runs/{run}/release", api_release},
    {"POST", "/v1/runs/{run}/discard", api_discard},
    {"POST", "/v1/runs/{run}/replay", api_replay},
    {"POST", "/v1/runs/{run}/settle", api_settle},
    {"POST", "/v1/runs/{run}/preview", api_preview},
    {"PUT", "/v1/runs/{run}/body", api_edit},
    {"POST", "/v1/acts", api_bulk},
    {"GET", "/v1/parked", api_parked},
    {"GET", "/v1/reasons", api_reasons},
    {"GET", "/v1/history", api_history},
    {"GET", "/v1/alerts", api_alerts},
    {"POST", "/v1/alerts/acknowledge", api_alerts_acknowledge},
    {"GET", "/v1/quarantine", api_quarantine},
    {"POST", "/v1/quarantine/{number}/replay", api_quarantine_replay},
    {"POST", "/v1/quarantine/{number}/discard", api_quarantine_discard},
    {"POST", "/v1/backup", api_backup},
    {"GET", "/v1/backup", api_backup_state},
    {"GET", "/v1/doctor", api_doctor},
    {"POST", "/v1/reload", api_reload},
    {"POST", "/v1/check/{instance}", api_check},
#ifdef CONNECT_TEST_CLOCK
    {"POST", "/v1/test/clock", api_test_clock},
#endif
};

enum { ROUTE_COUNT = sizeof(routes) / sizeof(*routes) };

const struct api_route *api_route_at(size_t index)
{
    return index < ROUTE_COUNT ? &routes[index] : NULL;
}

static bool take_run(const char *text, size_t len, uint64_t *ret_run)
{
    uint64_t run = 0;

    if (!len || len > 18) /* fits into 63 bits */
        return false;
    for (size_t index = 0; index < len; index++) {
        if (text[index] < '0' || text[index] > '9')
            return false;
        run = run * 10 + (uint64_t)(text[index] - '0');
    }
    *ret_run = run;
    return run > 0;
}

static const char name_letters[] = "abcdefghijklmnopqrstuvwxyz"
                                   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

/* Names of instances are of letters, digits and a few signs, so no
 * percent-encoding is looked at. */
static bool take_name(const char *text, size_t len, char name[API_NAME_MAX])
{
    if (!len || len >= API_NAME_MAX)
        return false;
    for (size_t index = 0; index < len; index++)
        if (!strchr(name_letters, text[index]))
            return false;
    memcpy(name, text, len);
    name[len] = '\0';
    return true;
}

static bool matches(const char *pattern, const char *path, uint64_t *ret_run,
                    char name[API_NAME_MAX])
{
    while (*pattern && *path) {
        if (*pattern == '{') {
            size_t len = strcspn(path, "/");
            bool is_name = !strncmp(pattern, "{instance}", 10);
            if (!(!is_name ? take_run(path, len, ret_run)
                           : take_name(path, len, name)))
                return false;
            pattern += strcspn(pattern, "}") + 1;
            path += len;
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return !*pattern && !*path;
}

int api_route_find(const char *method, const char *path,
                   const struct api_route **ret_route, uint64_t *ret_run,
                   char name[API_NAME_MAX], char allowed[API_ALLOWED_MAX])
{
    int status = -ENOENT;

    allowed[0] = '\0';
    for (size_t index = 0; index < ROUTE_COUNT; index++) {
        const struct api_route *route = &routes[index];
        size_t len = strlen(allowed);
        if (!matches(route->pattern, path, ret_run, name))
            continue;
        if (!strcmp(route->method, method)) {
            *ret_route = route;
            return 0;
        }
        snprintf(allowed + len, API_ALLOWED_MAX - len, "%s%s", len ? ", " : "",
                 route->method);
        status = -EPERM;
    }
    return status;
}
