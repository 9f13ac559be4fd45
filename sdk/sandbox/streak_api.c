/* streak_api.c - the interface: who calls, how often, which call.
 *
 * One table holds version, method, path and function.  The version is part of
 * a route: a path of the other version is unknown, as with Streak.  In order:
 * the key (two different 401), the rate, the path, the kind of body (1.3 of the
 * reference: v1 PUT reads forms, v1 POST and v2 POST read JSON, and a form on a
 * v1 POST is answered 200 with null).  Used on the simulator's only thread. */
#include "streak_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "sim_json.h"
#include "streak_box.h"
#include "streak_hook.h"
#include "streak_party.h"
#include "streak_structure.h"

enum {
    API_KEY_MAX = 256, /* characters of a key that are looked at */
    FORM_MAX = 64      /* parameters of a form */
};

/* A path: "*" stands for one key. */
struct route {
    int version;
    const char *method;
    const char *path;
    streak_call_fn *fn;
};

static const struct route routes[] = {
    {1, "GET", "users/me", streak_get_me},
    {1, "GET", "users/*", streak_get_user},
    {2, "GET", "users/me/teams", streak_list_teams},
    {2, "GET", "teams", streak_list_teams},
    {2, "GET", "teams/*", streak_get_team},
    {2, "GET", "teams/*/users", streak_list_team_users},
    {1, "GET", "pipelines", streak_list_pipelines_v1},
    {2, "GET", "pipelines", streak_list_pipelines_v2},
    {1, "PUT", "pipelines", streak_put_pipeline},
    {1, "GET", "pipelines/*", streak_get_pipeline},
    {2, "GET", "pipelines/*", streak_get_pipeline},
    {1, "POST", "pipelines/*", streak_post_pipeline},
    {1, "DELETE", "pipelines/*", streak_delete_pipeline},
    {1, "GET", "pipelines/*/stages", streak_list_stages},
    {2, "GET", "pipelines/*/stages", streak_list_stages_v2},
    {1, "PUT", "pipelines/*/stages", streak_put_stage},
    {1, "GET", "pipelines/*/stages/*", streak_get_stage},
    {1, "POST", "pipelines/*/stages/*", streak_post_stage},
    {1, "DELETE", "pipelines/*/stages/*", streak_delete_stage},
    {1, "GET", "pipelines/*/fields", streak_list_fields},
    {1, "PUT", "pipelines/*/fields", streak_put_field},
    {2, "POST", "pipelines/*/fields", streak_put_field},
    {1, "GET", "pipelines/*/fields/*", streak_get_field},
    {1, "POST", "pipelines/*/fields/*", streak_post_field},
    {1, "DELETE", "pipelines/*/fields/*", streak_delete_field},
    {1, "GET", "pipelines/*/boxes", streak_list_boxes_v1},
    {2, "GET", "pipelines/*/boxes", streak_list_boxes_v2},
    {1, "PUT", "pipelines/*/boxes", streak_put_box},
    {2, "POST", "pipelines/*/boxes", streak_post_box},
    {1, "GET", "boxes", streak_list_all_boxes},
    {1, "GET", "boxes/*", streak_get_box},
    {1, "POST", "boxes/*", streak_update_box},
    {1, "DELETE", "boxes/*", streak_remove_box},
    {1, "GET", "boxes/*/fields", streak_list_values},
    {1, "GET", "boxes/*/fields/*", streak_get_value},
    {1, "POST", "boxes/*/fields/*", streak_set_value},
    {1, "PUT", "boxes/*/comments", streak_post_comment},
    {2, "POST", "boxes/*/comments", streak_post_comment},
    {2, "GET", "boxes/*/comments", streak_list_comments},
    {2, "GET", "comments/*", streak_get_comment},
    {2, "POST", "comments/*", streak_update_comment},
    {2, "DELETE", "comments/*", streak_remove_comment},
    {2, "POST", "teams/*/contacts", streak_create_contact},
    {2, "GET", "teams/*/contacts", streak_list_contacts},
    {2, "GET", "contacts/*", streak_get_contact},
    {2, "POST", "contacts/*", streak_update_contact},
    {2, "POST", "teams/*/organizations", streak_create_organization},
    {2, "GET", "teams/*/organizations", streak_list_organizations},
    {2, "GET", "organizations/*", streak_get_organization},
    {2, "POST", "organizations/*", streak_update_organization},
    {2, "POST", "webhooks", streak_register_webhook},
    {2, "GET", "webhooks/*", streak_get_webhook},
    {2, "DELETE", "webhooks/*", streak_delete_webhook},
    {2, "GET", "pipelines/*/webhooks", streak_list_pipeline_webhooks},
    {2, "GET", "teams/*/webhooks", streak_list_team_webhooks},
};

/* --- Who calls --- */

/* Base64 of the standard alphabet; returns the number of bytes. */
static size_t decode_base64(const char *text, char *ret_bytes, size_t max)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopq"
                                   "rstuvwxyz0123456789+/";
    unsigned bits = 0, held = 0;
    size_t len = 0;

    for (; *text && *text != '=' && len < max; text++) {
        const char *place = strchr(alphabet, *text);

        if (!place)
            return 0;
        bits = (bits << 6) | (unsigned)(place - alphabet);
        held += 6;
        if (held >= 8) {
            held -= 8;
            ret_bytes[len++] = (char)(bits >> held);
        }
    }
    return len;
}

/* The key of "Basic base64(key:)" or "Bearer key"; false: not of that form. */
static bool read_api_key(const char *header, char ret_key[API_KEY_MAX])
{
    size_t len;

    if (strncasecmp(header, "Bearer ", 7) == 0) {
        snprintf(ret_key, API_KEY_MAX, "%s", header + 7);
        return true;
    }
    if (strncasecmp(header, "Basic ", 6) != 0)
        return false;
    len = decode_base64(header + 6, ret_key, API_KEY_MAX - 1);
    ret_key[len] = '\0';
    /* The password must be empty: the colon ends the text. */
    if (len < 2 || strchr(ret_key, ':') != ret_key + len - 1)
        return false;
    ret_key[len - 1] = '\0';
    return true;
}

static bool log_on(struct streak_call *call)
{
    const char *header = sim_request_header(call->request, "Authorization");
    char key[API_KEY_MAX];

    if (!header) {
        sim_answer_text(call->answer, 401, "application/json",
                        "{\"error\":\"Authentication required\"}");
        return false;
    }
    if (read_api_key(header, key))
        call->user = streak_world_user_by_api_key(&call->streak->world, key);
    if (!call->user)
        streak_fail(call, 401, "invalid api key");
    return call->user != NULL;
}

/* --- How often --- */

void streak_api_fill_bucket(struct streak *streak)
{
    streak->tokens = streak->rate * 1000;
    streak->tokens_ms = sim_clock_now_ms(streak->clock);
}

static bool within_rate(struct streak_call *call)
{
    struct streak *streak = call->streak;
    int64_t now_ms = sim_clock_now_ms(streak->clock);
    int64_t passed_ms = now_ms - streak->tokens_ms;

    if (streak->rate <= 0)
        return true;
    if (passed_ms > 1000)
        passed_ms = 1000;
    if (passed_ms > 0)
        streak->tokens += passed_ms * streak->rate;
    if (streak->tokens > streak->rate * 1000)
        streak->tokens = streak->rate * 1000;
    streak->tokens_ms = now_ms;
    if (streak->tokens >= 1000) {
        streak->tokens -= 1000;
        return true;
    }
    call->answer->status = 429;
    if (streak->switches.limit_body)
        streak_fail(call, 429, "too many requests");
    if (streak->switches.limit_header)
        sim_answer_header(call->answer, "Retry-After", "2");
    return false;
}

/* --- Which call --- */

/* Does the path match, part by part?  Keys go into args. */
static bool match_path(const char *pattern, const char *path,
                       char args[STREAK_ARGS_MAX][2 * STREAK_KEY_MAX])
{
    size_t count = 0;

    while (*pattern && *path) {
        size_t pattern_len = strcspn(pattern, "/");
        size_t len = strcspn(path, "/");

        if (*pattern == '*') {
            if (!len || len >= 2 * STREAK_KEY_MAX || count >= STREAK_ARGS_MAX)
                return false;
            memcpy(args[count], path, len);
            args[count++][len] = '\0';
        } else if (len != pattern_len || strncmp(pattern, path, len) != 0) {
            return false;
        }
        pattern += pattern_len + (pattern[pattern_len] == '/');
        path += len + (path[len] == '/');
    }
    return !*pattern && !*path;
}

/* NULL: no such path. */
static const struct route *find_route(struct streak_call *call)
{
    const char *path = call->request->path;
    int version;

    if (strncmp(path, "/api/v1/", 8) == 0)
        version = 1;
    else if (strncmp(path, "/api/v2/", 8) == 0)
        version = 2;
    else
        return NULL;
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes); i++)
        if (routes[i].version == version &&
            strcmp(routes[i].method, call->request->method) == 0 &&
            match_path(routes[i].path, path + 8, call->args))
            return &routes[i];
    return NULL;
}

/* --- Kinds of body --- */

static bool has_type(const struct streak_call *call, const char *type)
{
    const char *header = sim_request_header(call->request, "Content-Type");
    size_t len = strlen(type);

    return header && strncasecmp(header, type, len) == 0 &&
           (header[len] == '\0' || header[len] == ';' || header[len] == ' ');
}

/* A form as an object of texts. */
static void read_form(cJSON *object, const char *text)
{
    for (int count = 0; *text && count < FORM_MAX; count++) {
        size_t len = strcspn(text, "&");
        size_t name_len = strcspn(text, "=&");
        size_t start = name_len < len ? name_len + 1 : len;
        char *name = sim_decode_percent(text, name_len, true, NULL);
        char *value = sim_decode_percent(text + start, len - start, true, NULL);

        sim_json_put(object, name, cJSON_CreateString(value));
        free(name);
        free(value);
        text += len + (text[len] == '&');
    }
}

static bool read_json(struct streak_call *call, const char *text)
{
    call->body = cJSON_ParseWithOpts(text, NULL, 1);
    if (cJSON_IsObject(call->body))
        return true;
    sim_answer_text(call->answer, 400, "application/json",
                    "{\"error\":\"Missing parameters\",\"success\":false}");
    return false;
}

/* v1 POST: JSON, or JSON inside one form parameter; any other form is answered
 * 200 with null and changes nothing. */
static bool read_v1_post(struct streak_call *call)
{
    const char *text;
    cJSON *form;
    bool fine;

    if (has_type(call, "application/json"))
        return read_json(call, call->request->body);
    form = cJSON_CreateObject();
    read_form(form, call->request->body);
    text = sim_json_text(form, "json");
    if (!text)
        sim_answer_text(call->answer, 200, "application/json", "null");
    fine = text && read_json(call, text);
    cJSON_Delete(form);
    return fine;
}

static bool read_body(struct streak_call *call, const struct route *route)
{
    const struct sim_request *request = call->request;

    if (strcmp(route->method, "PUT") == 0) {
        call->body = cJSON_CreateObject();
        read_form(call->body, request->query);
        if (has_type(call, "application/x-www-form-urlencoded"))
            read_form(call->body, request->body);
        return true;
    }
    if (strcmp(route->method, "POST") != 0)
        return true;
    if (route->version == 1)
        return read_v1_post(call);
    if (has_type(call, "application/json"))
        return read_json(call, request->body);
    sim_answer_text(call->answer, 400, "application/json",
                    "{\"error\":\"Missing parameters\",\"success\":false}");
    return false;
}

void streak_api_handle(struct streak *streak, struct sim_request *request,
                       struct sim_answer *answer)
{
    struct streak_call call = {
        .streak = streak, .request = request, .answer = answer};
    const struct route *route;

    if (!log_on(&call) || !within_rate(&call))
        return;
    route = find_route(&call);
    if (!route)
        streak_fail(&call, 400, "Invalid API path specified");
    else if (read_body(&call, route))
        route->fn(&call);
    cJSON_Delete(call.body);
}
