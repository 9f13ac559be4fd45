/* stage_ask.c - questions to the three programs, and waiting for what they say.
 *
 * One idea: a wait is a condition that is looked at again and again, with a
 * bound; no nap is ever the proof of anything.  Called on the test's main
 * thread. */
#include "stage_life.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    POLL_MS = 4,
    RUNS_MAX = 1000, /* of one page */
    STEP_MAX_MS = 20 * 60 * 1000
};

const char *stage_member(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsString(item) ? item->valuestring : "";
}

int64_t stage_number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);

    return cJSON_IsNumber(item) ? (int64_t)item->valuedouble : -1;
}

/* ---- Calls --------------------------------------------------------------- */

struct web_answer stage_try(struct stage *stage, enum stage_side side,
                            const char *method, const char *path,
                            const char *body)
{
    static const char *const json[] = {"Content-Type: application/json", NULL};
    char url[4096];
    struct web_request request = {.method = method,
                                  .url = url,
                                  .headers = body ? json : NULL,
                                  .body = body};

    switch (side) {
    case STREAK:
        snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", stage->streak_port,
                 path);
        break;
    case SYSPRO:
        snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", stage->syspro_port,
                 path);
        break;
    default:
        snprintf(url, sizeof(url), "http://connect%s", path);
        request.socket = stage->socket;
    }
    return web_call(stage->web, &request);
}

static cJSON *ask(struct stage *stage, enum stage_side side, const char *path,
                  const char *body)
{
    struct web_answer answer = stage_try(stage, side, NULL, path, body);
    cJSON *json = cJSON_ParseWithLength(answer.body, answer.len);

    if (answer.status / 100 != 2 || !json)
        stage_fail(stage, "%s: status %d: %.500s (sent: %.300s)", path,
                   answer.status, answer.body, body ? body : "");
    web_answer_end(&answer);
    return json;
}

cJSON *stage_get(struct stage *stage, enum stage_side side, const char *format,
                 ...)
{
    va_list arguments;
    char *path;
    cJSON *json;

    va_start(arguments, format);
    path = stage_text(format, arguments);
    va_end(arguments);
    json = ask(stage, side, path, NULL);
    free(path);
    return json;
}

cJSON *stage_post(struct stage *stage, enum stage_side side, const char *path,
                  const char *format, ...)
{
    va_list arguments;
    char *body;
    cJSON *json;

    va_start(arguments, format);
    body = stage_text(format, arguments);
    va_end(arguments);
    json = ask(stage, side, path, body);
    free(body);
    return json;
}

void stage_tell(struct stage *stage, enum stage_side side, const char *path,
                const char *format, ...)
{
    va_list arguments;
    char *body;

    va_start(arguments, format);
    body = stage_text(format, arguments);
    va_end(arguments);
    cJSON_Delete(ask(stage, side, path, body));
    free(body);
}

void stage_fault(struct stage *stage, enum stage_side side, const char *format,
                 ...)
{
    va_list arguments;
    char *body;

    va_start(arguments, format);
    body = stage_text(format, arguments);
    va_end(arguments);
    cJSON_Delete(ask(stage, side, "/_sim/faults", body));
    free(body);
}

void stage_no_faults(struct stage *stage, enum stage_side side)
{
    struct web_answer answer =
        stage_try(stage, side, "DELETE", "/_sim/faults", NULL);

    stage_must(stage, answer.status == 200);
    web_answer_end(&answer);
}

/* ---- Deals and orders -----------------------------------------------------
 */

void stage_deal(struct stage *stage, const char *name, const char *organization,
                const char *lines, char key[STAGE_TEXT_MAX])
{
    cJSON *box = stage_post(stage, STREAK, "/_sim/boxes",
                            "{\"name\":\"%s\",\"pipeline\":\"Sales\",\"stage\":"
                            "\"Quoted\",\"organization\":\"%s\",\"fields\":{"
                            "\"Order lines\":\"%s\"}}",
                            name, organization, lines);

    snprintf(key, STAGE_TEXT_MAX, "%s", stage_member(box, "key"));
    cJSON_Delete(box);
    stage_must(stage, key[0]);
}

void stage_win(struct stage *stage, const char *key)
{
    char path[STAGE_TEXT_MAX + 40];

    snprintf(path, sizeof(path), "/_sim/boxes/%s", key);
    stage_tell(stage, STREAK, path, "{\"stage\":\"Closed-Won\"}");
}

void stage_field(struct stage *stage, const char *key, const char *name,
                 char text[STAGE_TEXT_MAX])
{
    cJSON *box = stage_get(stage, STREAK, "/_sim/boxes/%s", key);

    snprintf(
        text, STAGE_TEXT_MAX, "%s",
        stage_member(cJSON_GetObjectItemCaseSensitive(box, "fields"), name));
    cJSON_Delete(box);
}

cJSON *stage_win_many(struct stage *stage, unsigned count, const char *prefix)
{
    cJSON *told = stage_post(
        stage, STREAK, "/_sim/move-many",
        "{\"count\":%u,\"stage\":\"Closed-Won\",\"prefix\":\"%s\","
        "\"organization\":\"Bayside Tools Ltd\",\"fields\":{\"Order lines\":"
        "\"A100; 1; 149.90\\nB200; 2; 12.50\"}}",
        count, prefix);
    cJSON *keys = cJSON_DetachItemFromObjectCaseSensitive(told, "keys");

    cJSON_Delete(told);
    stage_must(stage, cJSON_GetArraySize(keys) == (int)count);
    return keys;
}

size_t stage_order_count(struct stage *stage)
{
    cJSON *told = stage_get(stage, SYSPRO,
                            "/_sim/documents?kind=sales_order&limit=100000");
    size_t count = (size_t)cJSON_GetArraySize(
        cJSON_GetObjectItemCaseSensitive(told, "entries"));

    cJSON_Delete(told);
    return count;
}

size_t stage_comment_count(struct stage *stage)
{
    cJSON *told =
        stage_get(stage, STREAK, "/_sim/documents?kind=comment&limit=100000");
    size_t count = (size_t)cJSON_GetArraySize(
        cJSON_GetObjectItemCaseSensitive(told, "entries"));

    cJSON_Delete(told);
    return count;
}

size_t stage_seen(struct stage *stage, enum stage_side side, const char *part)
{
    cJSON *told = stage_get(stage, side, "/_sim/ledger?limit=200000");
    const cJSON *entry;
    size_t count = 0;

    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(told, "entries"))
    {
        count += strstr(stage_member(entry, "path"), part) != NULL;
    }
    cJSON_Delete(told);
    return count;
}

/* ---- Runs ---------------------------------------------------------------- */

size_t stage_runs_in(struct stage *stage, const char *states)
{
    cJSON *told =
        stage_get(stage, ADMIN, "/v1/runs?limit=%d&state=%s", RUNS_MAX, states);
    size_t count = (size_t)cJSON_GetArraySize(
        cJSON_GetObjectItemCaseSensitive(told, "runs"));

    cJSON_Delete(told);
    return count;
}

int64_t stage_run_of(struct stage *stage, const char *key, const char *states)
{
    cJSON *told =
        stage_get(stage, ADMIN, "/v1/runs?limit=%d&state=%s", RUNS_MAX, states);
    const cJSON *run;
    int64_t found = 0;

    cJSON_ArrayForEach(run, cJSON_GetObjectItemCaseSensitive(told, "runs"))
    {
        cJSON *whole = stage_get(stage, ADMIN, "/v1/runs/%lld",
                                 (long long)stage_number(run, "run"));
        if (!strcmp(
                stage_member(cJSON_GetObjectItemCaseSensitive(whole, "trigger"),
                             "key"),
                key))
            found = stage_number(run, "run");
        cJSON_Delete(whole);
        if (found)
            break;
    }
    cJSON_Delete(told);
    return found;
}

void stage_run_text(struct stage *stage, int64_t run, const char *member,
                    char text[STAGE_TEXT_MAX])
{
    cJSON *whole = stage_get(stage, ADMIN, "/v1/runs/%lld", (long long)run);

    snprintf(text, STAGE_TEXT_MAX, "%s", stage_member(whole, member));
    cJSON_Delete(whole);
}

/* ---- Waiting --------------------------------------------------------------
 */

void stage_until(struct stage *stage, int64_t limit_ms, const char *what,
                 stage_condition *condition, void *arg)
{
    int64_t until = process_now_ms() + limit_ms;

    while (!condition(stage, arg)) {
        if (process_now_ms() > until)
            stage_fail(stage, "waited %lld ms for %s", (long long)limit_ms,
                       what);
        if (stage->connectd.id && !process_runs(&stage->connectd))
            stage_fail(stage, "waiting for %s: connectd ended with %d", what,
                       stage->connectd.exit_code);
        process_nap(POLL_MS);
    }
}

static bool orders_are(struct stage *stage, void *arg)
{
    return stage_order_count(stage) >= *(size_t *)arg;
}

void stage_until_orders(struct stage *stage, size_t count)
{
    char what[80];

    snprintf(what, sizeof(what), "%zu orders in SYSPRO", count);
    stage_until(stage, STAGE_REST_MS, what, orders_are, &count);
}

struct number_wanted {
    const char *key;
    char *text;
};

static bool has_number(struct stage *stage, void *arg)
{
    const struct number_wanted *wanted = arg;

    stage_field(stage, wanted->key, "SYSPRO order", wanted->text);
    return wanted->text[0] != '\0';
}

void stage_until_number(struct stage *stage, const char *key,
                        char number[STAGE_TEXT_MAX])
{
    struct number_wanted wanted = {key, number};

    stage_until(stage, STAGE_REST_MS, "the order number in the deal",
                has_number, &wanted);
}

/* The longest rest of a way to an instance; runs in its queue wait for it. */
static int64_t gate_rest(struct stage *stage, const char *queue,
                         bool *ret_active)
{
    cJSON *told = stage_get(stage, ADMIN, "/v1/status");
    const cJSON *gate;
    int64_t rest_ms = 0;

    *ret_active = stage_number(told, "active") > 0;
    cJSON_ArrayForEach(gate, cJSON_GetObjectItemCaseSensitive(told, "gates"))
    {
        if (!strcmp(stage_member(gate, "instance"), queue))
            rest_ms = stage_number(gate, "rests_ms");
    }
    cJSON_Delete(told);
    return rest_ms;
}

static bool instance_rests(struct stage *stage, void *arg)
{
    bool active;

    return gate_rest(stage, *(const char **)arg, &active) > 0;
}

void stage_until_instance_rests(struct stage *stage, const char *instance)
{
    stage_until(stage, STAGE_READY_MS, "the instance to rest", instance_rests,
                &instance);
}

/* ---- Rest ---------------------------------------------------------------- */

struct rest {
    int64_t fired;  /* events of Streak so far */
    bool sending;   /* some are on their way */
    size_t on_way;  /* runs that move, or will by themselves */
    int64_t due_ms; /* 0: some can go on now; else the least wait */
};

static void look_at_streak(struct stage *stage, struct rest *rest)
{
    cJSON *told = stage_get(stage, STREAK, "/_sim/webhooks");

    rest->fired = stage_number(told, "fired");
    rest->sending = stage_number(told, "waiting") > 0;
    cJSON_Delete(told);
}

/* Does it stand behind a run that is held or parked? */
static bool stands_behind(struct stage *stage, const cJSON *run)
{
    int64_t behind = stage_number(run, "behind");
    char state[STAGE_TEXT_MAX];

    for (int depth = 0; behind > 0 && depth < RUNS_MAX; depth++) {
        cJSON *front =
            stage_get(stage, ADMIN, "/v1/runs/%lld", (long long)behind);
        snprintf(state, sizeof(state), "%s", stage_member(front, "state"));
        behind = stage_number(front, "behind");
        cJSON_Delete(front);
        if (!strcmp(state, "held") || !strcmp(state, "parked"))
            return true;
    }
    return false;
}

static int64_t least(int64_t one, int64_t other)
{
    return one < other ? one : other;
}

static void look_at_runs(struct stage *stage, struct rest *rest)
{
    cJSON *told = stage_get(
        stage, ADMIN, "/v1/runs?limit=%d&state=queued,ready,active,waiting",
        RUNS_MAX);
    const cJSON *run;

    rest->on_way = 0;
    rest->due_ms = INT64_MAX;
    cJSON_ArrayForEach(run, cJSON_GetObjectItemCaseSensitive(told, "runs"))
    {
        const char *state = stage_member(run, "state");
        int64_t wait_ms = stage_number(run, "due_in_ms");
        bool active = false;
        if ((!strcmp(state, "queued") || !strcmp(state, "waiting"))) {
            rest->on_way += !stands_behind(stage, run);
            continue; /* the one in front decides when */
        }
        rest->on_way++;
        if (rest->due_ms == 0)
            break;
        if (!strcmp(state, "ready") && wait_ms <= 0)
            wait_ms = gate_rest(stage, stage_member(run, "queue"), &active);
        rest->due_ms = !strcmp(state, "active") || active || wait_ms <= 0
                           ? 0
                           : least(rest->due_ms, wait_ms);
    }
    cJSON_Delete(told);
}

void stage_rest_within(struct stage *stage, int64_t limit_ms)
{
    int64_t until = process_now_ms() + limit_ms;
    struct rest rest = {0}, before;

    for (;;) {
        look_at_streak(stage, &before);
        look_at_runs(stage, &rest);
        if (!before.sending && !rest.on_way) {
            look_at_streak(stage, &rest);
            if (rest.fired == before.fired)
                return;
        } else if (!before.sending && rest.due_ms > 0 &&
                   rest.due_ms < INT64_MAX &&
                   !(stage->busy && stage->busy(stage->busy_arg))) {
            stage_step(stage, least(rest.due_ms, STEP_MAX_MS) + 1);
        }
        if (process_now_ms() > until)
            stage_fail(stage, "no rest in %lld ms: %zu runs on their way",
                       (long long)limit_ms, rest.on_way);
        if (!process_runs(&stage->connectd))
            stage_fail(stage, "connectd ended with %d",
                       stage->connectd.exit_code);
        process_nap(POLL_MS);
    }
}

void stage_rest(struct stage *stage)
{
    stage_rest_within(stage, STAGE_REST_MS);
}
