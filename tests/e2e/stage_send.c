/* stage_send.c - the test's own sender of webhooks, and the ledgers.
 *
 * One idea: whatever is sent is written down with its answer before anything is
 * made of it, also what Streak's simulator sent (its own ledger).  Called on
 * the test's main thread. */
#include "stage_life.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "checker.h"
#include "store/store.h"

static const double DOUBLE_EXACT = 9007199254740992.0; /* 2 to the 53rd */

enum {
    PAGE = 1000, /* entries of one question */
    LOOKS_MAX = 5,
    READ_TRIES = 60,
    READ_AGAIN_MS = 20,
    HEADERS_MAX = 6,
    HEADER_BYTES_MAX = 600,
    TIME_DIGITS_MAX = 16 /* of a time in ms, as the plugin takes it */
};

/* ---- Sending ------------------------------------------------------------- */

/* The first of these members that is a time in ms, as it stands there.  What a
 * double does not keep is not taken for one. */
static bool time_of(const cJSON *element, char time[STAGE_TEXT_MAX])
{
    static const char *const names[] = {"lastSavedTimestamp",
                                        "lastUpdatedTimestamp", "timestamp"};

    for (size_t at = 0; at < sizeof(names) / sizeof(*names); at++) {
        const cJSON *item =
            cJSON_GetObjectItemCaseSensitive(element, names[at]);
        if (cJSON_IsNumber(item) && item->valuedouble >= DOUBLE_EXACT)
            return false;
        if (cJSON_IsNumber(item))
            snprintf(time, STAGE_TEXT_MAX, "%.17g", item->valuedouble);
        else
            snprintf(time, STAGE_TEXT_MAX, "%s",
                     stage_member(element, names[at]));
        if (*time && strlen(time) <= TIME_DIGITS_MAX &&
            !time[strspn(time, "0123456789")])
            return true;
    }
    return false;
}

/* What tells an event from another of its box: when the box was last saved.
 * Without a time it is the content, which only the count is taken of. */
static void add_event(cJSON *keys, cJSON *ids, const cJSON *element)
{
    const char *key = stage_member(element, "key");
    const char *event = stage_member(element, "eventType");
    char time[STAGE_TEXT_MAX], *id = NULL;

    if (!*key) /* what has none is quarantined, not stored as an event */
        return;
    if (!*event)
        event = stage_member(element, "event");
    if (!time_of(element, time))
        id = cJSON_PrintUnformatted(element);
    else if (asprintf(&id, "%s@%s%s%s", key, time, *event ? "/" : "", event) <
             0)
        abort();
    cJSON_AddItemToArray(keys, cJSON_CreateString(key));
    cJSON_AddItemToArray(ids, cJSON_CreateString(id));
    free(id);
}

/* The boxes of a body, none when it has none, as an entry of the ledger. */
static cJSON *entry_of(const char *body)
{
    cJSON *json = body ? cJSON_Parse(body) : NULL;
    cJSON *entry = cJSON_CreateObject();
    cJSON *keys = cJSON_AddArrayToObject(entry, "keys");
    cJSON *ids = cJSON_AddArrayToObject(entry, "ids");
    const cJSON *element;

    if (cJSON_IsArray(json)) {
        cJSON_ArrayForEach(element, json)
        {
            add_event(keys, ids, element);
        }
    } else if (cJSON_IsObject(json)) {
        add_event(keys, ids, json);
    }
    cJSON_Delete(json);
    return entry;
}

static void record(struct stage *stage, cJSON *entry, int status)
{
    cJSON_AddNumberToObject(entry, "status", status);
    cJSON_AddItemToArray(stage->sent, entry);
}

struct headers {
    char texts[HEADERS_MAX][HEADER_BYTES_MAX];
    const char *list[HEADERS_MAX + 1];
    size_t count;
};

static void add_header(struct headers *headers, const char *name,
                       const char *value)
{
    snprintf(headers->texts[headers->count], HEADER_BYTES_MAX, "%s: %s", name,
             value);
    headers->list[headers->count] = headers->texts[headers->count];
    headers->list[++headers->count] = NULL;
}

static void make_headers(const struct stage *stage,
                         const struct stage_webhook *webhook,
                         struct headers *headers)
{
    const char *type =
        webhook->content_type ? webhook->content_type : "application/json";
    const char *token = webhook->token ? webhook->token : stage->token;

    headers->count = 0;
    headers->list[0] = NULL;
    if (*type)
        add_header(headers, "Content-Type", type);
    else
        snprintf(headers->texts[headers->count], HEADER_BYTES_MAX,
                 "Content-Type:");
    if (!*type) { /* curl: a name alone takes the header away */
        headers->list[headers->count] = headers->texts[headers->count];
        headers->list[++headers->count] = NULL;
    }
    if (*token)
        add_header(headers, "X-Streak-Webhook-Token", token);
    if (webhook->header) {
        headers->list[headers->count] = webhook->header;
        headers->list[++headers->count] = NULL;
    }
}

static void make_url(const struct stage *stage,
                     const struct stage_webhook *webhook,
                     char url[STAGE_TEXT_MAX])
{
    if (webhook->path)
        snprintf(url, STAGE_TEXT_MAX, "http://127.0.0.1:%u%s", stage->port,
                 webhook->path);
    else
        snprintf(url, STAGE_TEXT_MAX, "http://127.0.0.1:%u/in/streak/%s",
                 stage->port, stage->path_secret);
}

struct web_answer stage_send(struct stage *stage,
                             const struct stage_webhook *webhook)
{
    struct headers headers;
    char url[STAGE_TEXT_MAX];
    struct web_request request = {.method = webhook->method,
                                  .url = url,
                                  .body = webhook->body,
                                  .body_len = webhook->body_len,
                                  .headers = headers.list};
    struct web_answer answer;

    make_headers(stage, webhook, &headers);
    make_url(stage, webhook, url);
    answer = web_call(stage->web, &request);
    record(stage, entry_of(webhook->body), answer.status);
    return answer;
}

char *stage_event_body(struct stage *stage, const char *const *keys,
                       size_t count)
{
    static const char *const headers[] = {
        /* sandbox-streak-key and an empty password */
        "Authorization: Basic c2FuZGJveC1zdHJlYWsta2V5Og==", NULL};
    char url[STAGE_TEXT_MAX * 2];
    struct web_request request = {.url = url, .headers = headers};
    cJSON *list = cJSON_CreateArray();
    char *text, *copy;

    for (size_t at = 0; at < count; at++) {
        struct web_answer answer;
        int tries = 1;
        snprintf(url, sizeof(url), "http://127.0.0.1:%u/api/v1/boxes/%s",
                 stage->streak_base, keys[at]);
        answer = web_call(stage->web, &request);
        /* A fault that was meant for the daemon. */
        while (answer.status != 200 && tries++ < READ_TRIES) {
            web_answer_end(&answer);
            process_nap(READ_AGAIN_MS);
            answer = web_call(stage->web, &request);
        }
        if (answer.status != 200)
            stage_fail(stage, "box %s: %d %s", keys[at], answer.status,
                       answer.body);
        cJSON_AddItemToArray(list, cJSON_Parse(answer.body));
        web_answer_end(&answer);
    }
    text = cJSON_PrintUnformatted(list);
    copy = memory_text(text);
    cJSON_free(text);
    cJSON_Delete(list);
    return copy;
}

int stage_send_boxes(struct stage *stage, const char *const *keys, size_t count)
{
    char *body = stage_event_body(stage, keys, count);
    struct stage_webhook webhook = {.body = body};
    struct web_answer answer = stage_send(stage, &webhook);
    int status = answer.status;

    web_answer_end(&answer);
    free(body);
    return status;
}

size_t stage_burst(struct stage *stage, const char *body, size_t count,
                   size_t connections)
{
    struct stage_webhook webhook = {.body = body};
    struct headers headers;
    char url[STAGE_TEXT_MAX];
    struct web_request request = {
        .url = url, .body = body, .headers = headers.list};
    int *statuses = memory_zero(count, sizeof(*statuses));
    cJSON *entry = entry_of(body);
    size_t good = 0;

    make_headers(stage, &webhook, &headers);
    make_url(stage, &webhook, url);
    web_burst(&request, count, connections, statuses);
    for (size_t at = 0; at < count; at++) {
        record(stage, cJSON_Duplicate(entry, true), statuses[at]);
        good += statuses[at] == 200;
    }
    cJSON_Delete(entry);
    free(statuses);
    return good;
}

void stage_send_at_once(struct stage *stage, char *const *bodies, size_t count,
                        int *statuses)
{
    struct stage_webhook webhook = {0};
    struct headers headers;
    char url[STAGE_TEXT_MAX];
    struct web_request *requests = memory_zero(count, sizeof(*requests));

    make_headers(stage, &webhook, &headers);
    make_url(stage, &webhook, url);
    for (size_t at = 0; at < count; at++)
        requests[at] = (struct web_request){
            .url = url, .body = bodies[at], .headers = headers.list};
    web_at_once(requests, count, statuses);
    for (size_t at = 0; at < count; at++)
        record(stage, entry_of(bodies[at]), statuses[at]);
    free(requests);
}

/* ---- Ledgers --------------------------------------------------------------
 */

/* Move all entries of a simulator's list over, page by page. */
static void take_entries(struct stage *stage, enum stage_side side,
                         const char *path, cJSON *list)
{
    int64_t after = 0;

    for (;;) {
        cJSON *told = stage_get(stage, side, "%slimit=%d&after=%lld", path,
                                PAGE, (long long)after);
        cJSON *entries = cJSON_GetObjectItemCaseSensitive(told, "entries");
        int count = cJSON_GetArraySize(entries);
        while (entries->child) {
            cJSON *entry = cJSON_DetachItemViaPointer(entries, entries->child);
            after = stage_number(entry, "number");
            cJSON_AddItemToArray(list, entry);
        }
        if (stage_number(told, "lost") > 0)
            stage_fail(stage, "%s: the ledger lost entries", path);
        cJSON_Delete(told);
        if (!count)
            return;
    }
}

/* The words of a list with commas. */
static cJSON *words_of(const char *at)
{
    cJSON *words = cJSON_CreateArray();

    while (*at) {
        size_t len = strcspn(at, ",");
        char *word = memory_copy(at, len);
        cJSON_AddItemToArray(words, cJSON_CreateString(word));
        free(word);
        at += len + (at[len] == ',');
    }
    return words;
}

/* What Streak's simulator sent, in the form of the test's own sender. */
static void take_deliveries(struct stage *stage, cJSON *list)
{
    cJSON *sent = cJSON_CreateArray();
    const cJSON *delivery;

    take_entries(stage, STREAK, "/_sim/deliveries?", sent);
    cJSON_ArrayForEach(delivery, sent)
    {
        cJSON *entry = cJSON_CreateObject();
        cJSON_AddItemToObject(entry, "keys",
                              words_of(stage_member(delivery, "keys")));
        if (stage_number(delivery, "number") > stage->restored_delivery)
            cJSON_AddItemToObject(entry, "ids",
                                  words_of(stage_member(delivery, "ids")));
        cJSON_AddNumberToObject(entry, "status",
                                (double)stage_number(delivery, "status"));
        cJSON_AddItemToArray(list, entry);
    }
    cJSON_Delete(sent);
}

void stage_restored(struct stage *stage)
{
    cJSON *told = stage_get(stage, STREAK, "/_sim/deliveries?limit=1"), *entry;

    stage->restored_delivery = stage_number(told, "last");
    cJSON_Delete(told);
    cJSON_ArrayForEach(entry, stage->sent)
    {
        cJSON_DeleteItemFromObjectCaseSensitive(entry, "ids");
    }
}

static cJSON *all_runs(struct stage *stage)
{
    cJSON *list = cJSON_CreateArray(), *page;
    const cJSON *run;
    int64_t before = INT32_MAX;

    while (before > 0) {
        page = stage_get(stage, ADMIN, "/v1/runs?limit=%d&before=%lld", PAGE,
                         (long long)before);
        cJSON_ArrayForEach(run, cJSON_GetObjectItemCaseSensitive(page, "runs"))
        {
            cJSON_AddItemToArray(
                list, stage_get(stage, ADMIN, "/v1/runs/%lld",
                                (long long)stage_number(run, "run")));
        }
        before = stage_number(page, "next");
        cJSON_Delete(page);
    }
    return list;
}

/* ---- What I7 and I8 look at -----------------------------------------------
 */

static void add_text(cJSON *texts, const char *where, const char *text)
{
    cJSON *item = cJSON_CreateObject();

    cJSON_AddStringToObject(item, "where", where);
    cJSON_AddStringToObject(item, "text", text ? text : "");
    cJSON_AddItemToArray(texts, item);
}

/* The whole history: its words, and how many events no flow wanted. */
static void take_history(struct stage *stage, cJSON *ledgers)
{
    cJSON *texts = cJSON_GetObjectItemCaseSensitive(ledgers, "texts");
    int64_t after = 0, runless = 0;
    bool more = true;

    while (more) {
        cJSON *page = stage_get(stage, ADMIN, "/v1/history?limit=%d&after=%lld",
                                PAGE, (long long)after);
        const cJSON *entry;
        char *text = cJSON_PrintUnformatted(page);
        cJSON_ArrayForEach(entry,
                           cJSON_GetObjectItemCaseSensitive(page, "history"))
        {
            runless += !strcmp(stage_member(entry, "act"), "event.accepted") &&
                       strstr(stage_member(entry, "detail"), " runs:0");
        }
        add_text(texts, "/v1/history", text);
        after = stage_number(page, "next");
        more = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(page, "more"));
        cJSON_free(text);
        cJSON_Delete(page);
    }
    cJSON_AddNumberToObject(ledgers, "runless", (double)runless);
}

static void take_program(const struct stage *stage, cJSON *program,
                         const char *log)
{
    const char *at = log;
    unsigned starts = 0;

    for (; (at = strstr(at, " is ready: webhooks on ")); at++)
        starts++;
    cJSON_AddStringToObject(program, "log", log);
    cJSON_AddNumberToObject(program, "starts", starts);
    cJSON_AddNumberToObject(program, "planned_starts", stage->launches);
    cJSON_AddNumberToObject(program, "cores",
                            (double)stage->connectd.crashes - stage->aborts);
}

static void take_texts(struct stage *stage, cJSON *ledgers)
{
    static const char *const lists[] = {
        "/v1/status", "/v1/plugins", "/v1/flows",     "/v1/runs?limit=1000",
        "/v1/parked", "/v1/alerts",  "/v1/quarantine"};
    const char *const secrets[] = {"sandbox-streak-key", "s3cret+1",
                                   stage->token, stage->path_secret,
                                   "c2FuZGJveC1zdHJlYWsta2V5"};
    cJSON *texts = cJSON_AddArrayToObject(ledgers, "texts");
    cJSON *forbidden = cJSON_AddArrayToObject(ledgers, "forbidden");
    cJSON *program = cJSON_AddObjectToObject(ledgers, "program");
    char *log = stage_log(stage);
    cJSON *told;

    for (size_t at = 0; at < sizeof(secrets) / sizeof(*secrets); at++)
        cJSON_AddItemToArray(forbidden, cJSON_CreateString(secrets[at]));
    if (stage->canary)
        cJSON_AddItemToArray(forbidden, cJSON_CreateString(stage->canary));
    told = stage_get(stage, SYSPRO, "/_sim/sessions");
    cJSON_AddItemToObject(
        ledgers, "sessions",
        cJSON_DetachItemFromObjectCaseSensitive(told, "issued"));
    cJSON_Delete(told);
    add_text(texts, "the log", log);
    for (size_t at = 0; at < sizeof(lists) / sizeof(*lists); at++) {
        struct web_answer answer =
            stage_try(stage, ADMIN, "GET", lists[at], NULL);
        add_text(texts, lists[at], answer.body);
        web_answer_end(&answer);
    }
    take_program(stage, program, log);
    free(log);
}

cJSON *stage_ledgers(struct stage *stage)
{
    cJSON *ledgers = cJSON_CreateObject(), *world, *orders, *sender;
    cJSON *pipeline;

    sender = cJSON_Duplicate(stage->sent, true);
    take_deliveries(stage, sender);
    cJSON_AddItemToObject(ledgers, "sender", sender);
    world = stage_get(stage, STREAK, "/_sim/world?boxes=100000");
    pipeline = cJSON_GetObjectItemCaseSensitive(world, "pipelines")->child;
    cJSON_AddItemToObject(
        ledgers, "deals",
        cJSON_DetachItemFromObjectCaseSensitive(pipeline, "boxes"));
    cJSON_AddItemToObject(
        ledgers, "organizations",
        cJSON_DetachItemFromObjectCaseSensitive(world, "organization_fields"));
    cJSON_Delete(world);
    orders = cJSON_AddArrayToObject(ledgers, "orders");
    take_entries(stage, SYSPRO, "/_sim/documents?kind=sales_order&", orders);
    take_entries(stage, STREAK, "/_sim/documents?kind=comment&",
                 cJSON_AddArrayToObject(ledgers, "comments"));
    cJSON_AddItemToObject(ledgers, "status",
                          stage_get(stage, ADMIN, "/v1/status"));
    cJSON_AddItemToObject(ledgers, "runs", all_runs(stage));
    take_texts(stage, ledgers);
    take_history(stage, ledgers);
    return ledgers;
}

/* I6 on the files, as an operator would after a crash. */
static void verify_audit(struct stage *stage)
{
    char directory[STAGE_PATH_MAX + 40];
    struct store_options options = {.directory = directory,
                                    .owner = "e2e",
                                    .clock = clock_system(),
                                    .inline_mode = true};
    struct store *store = NULL;
    struct error err = {""};

    snprintf(directory, sizeof(directory), "%s/data", stage->directory);
    if (store_open(&options, &store, &err) || store_verify(store, &err))
        stage_fail(stage, "I6: %s", err.text);
    store_close(store);
}

/* A stop writes to the log as well, a sanitizer's report most of all, and may
 * end badly. */
static void look_at_end(struct stage *stage)
{
    cJSON *ledgers = cJSON_CreateObject(),
          *program = cJSON_AddObjectToObject(ledgers, "program");
    char *log = stage_log(stage), *complaints = NULL;

    take_program(stage, program, log);
    if (checker_compare(ledgers, &complaints))
        stage_fail(stage, "after the stop: %.2000s", complaints);
    free(complaints);
    free(log);
    cJSON_Delete(ledgers);
}

/* Is all that is wrong that something still moves?  The daemon makes work of
 * its own too, as after a reload, and I5 gives it time. */
static bool still_moves(const cJSON *ledgers)
{
    char *complaints = NULL, *line, *rest;
    bool only = checker_compare(ledgers, &complaints) > 0;

    rest = complaints;
    while ((line = strsep(&rest, "\n")))
        only = only && (!*line || !strncmp(line, "I5:", 3));
    free(complaints);
    return only;
}

void stage_check(struct stage *stage)
{
    cJSON *ledgers;
    int looks = 1;

    stage_rest(stage);
    ledgers = stage_ledgers(stage);
    while (still_moves(ledgers) && looks++ < LOOKS_MAX) {
        cJSON_Delete(ledgers);
        stage_rest(stage);
        ledgers = stage_ledgers(stage);
    }
    stage_check_ledgers(stage, ledgers);
}

void stage_check_ledgers(struct stage *stage, cJSON *ledgers)
{
    char *complaints = NULL;
    size_t count;

    count = checker_compare(ledgers, &complaints);
    if (count) {
        char *text = cJSON_Print(ledgers);
        stage_write(stage, "ledgers.json", text);
        stage_fail(stage, "%zu complaints of the checker:\n%.4000s", count,
                   complaints);
    }
    free(complaints);
    cJSON_Delete(ledgers);
    stage_stop(stage);
    verify_audit(stage);
    look_at_end(stage);
}
