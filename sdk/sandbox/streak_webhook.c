/* streak_webhook.c - registrations and the sending of events.
 *
 *   fire -> held (modes hold_back, burst) -> delayed (timer) -> ready
 *        -> sending -> done | delayed again (retry, duplicate) | lost
 *
 * A body is made when an event is sent for the first time, so an event that
 * waited shows newer data; a retry sends the same bytes again.  Requests go out
 * over one curl multi handle that the server's loop waits for, with as many at
 * a time as the mode says, on connections that stay open.  A registration that
 * was deleted stays in memory until the end, so that an event on its way may
 * still point to it.  Everything runs on the simulator's only thread. */
#include "streak_webhook.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>
#include <utlist.h>

#include "base/memory.h"
#include "sim_json.h"

enum {
    HOOKS_MAX = 10000,         /* registrations of one run, deleted ones too */
    EVENTS_MAX = 100000,       /* waiting; 300 MB of bodies at worst */
    TRANSFERS_MAX = 64,        /* connections at a time */
    BODY_BYTES_MAX = 64 << 20, /* one array of objects */
    KEYS_BYTES_MAX = 64 << 10, /* keys of one array in the ledger */
    CONNECT_MS_MAX = 10000     /* as the time-out of the whole */
};

enum event_state { EVENT_HELD, EVENT_DELAYED, EVENT_READY, EVENT_SENDING };

struct event {
    struct streak_hooks *hooks;
    struct streak_hook *hook; /* borrowed */
    enum streak_kind kind;
    char key[STREAK_KEY_MAX];
    char *snapshot; /* owned, or NULL */
    char *body;     /* owned; NULL before the first try */
    char *keys;     /* owned; of the objects in the body */
    char *ids;      /* owned; of their states */
    struct sim_timer timer;
    enum event_state state;
    uint64_t id;
    int attempt;               /* tries so far */
    int64_t duplicates;        /* sent again so far */
    struct event *prev, *next; /* in the list of its state */
};

struct transfer {
    CURL *easy; /* NULL until first used */
    struct curl_slist *headers;
    struct event *event; /* NULL: free */
    int64_t began_ms;
};

struct streak_hooks {
    struct sim_server *server;
    streak_show_fn *show;
    void *arg;
    CURLM *multi;
    struct streak_hook *registered;
    struct streak_hook *gone;
    size_t hook_count; /* both lists */
    struct event *held;
    struct event *delayed;
    struct event *ready;
    size_t held_count;
    size_t event_count; /* all states */
    size_t ready_count;
    size_t sending_count;
    struct transfer transfers[TRANSFERS_MAX];
    struct sim_timer hold_timer;
    struct streak_hook_modes modes;
    uint64_t last_id;
    uint64_t counter; /* of keys */
    uint64_t fired;
    uint64_t done;
    uint64_t dropped; /* by a mode */
    uint64_t lost;    /* tries used up, or no room */
};

static const struct {
    const char *name;
    bool team_scope;
} events[] = {
    {"BOX_CREATE", false},
    {"BOX_DELETE", false},
    {"BOX_EDIT", false},
    {"BOX_CHANGE_STAGE", false},
    {"BOX_CHANGE_PIPELINE", false},
    {"BOX_NEW_EMAIL_ADDRESS", false},
    {"STAGE_CREATE", false},
    {"COMMENT_CREATE", false},
    {"MEETING_CREATE", false},
    {"MEETING_UPDATE", false},
    {"TASK_CREATE", false},
    {"TASK_COMPLETE", false},
    {"TASK_DUE", false},
    {"CONTACT_CREATE", true},
    {"CONTACT_UPDATE", true},
    {"CONTACT_DELETE", true},
    {"ORG_CREATE", true},
    {"ORG_UPDATE", true},
    {"ORG_DELETE", true},
};

bool streak_webhook_event_known(const char *event, bool *ret_team_scope)
{
    for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
        if (strcmp(events[i].name, event) == 0) {
            *ret_team_scope = events[i].team_scope;
            return true;
        }
    }
    return false;
}

static void modes_init(struct streak_hook_modes *modes)
{
    *modes = (struct streak_hook_modes){
        .delay_ms = 200,
        .spread_ms = 100,
        .timeout_ms = 10000,
        .retry_waits_ms = {1000, 5000, 30000, 120000, 600000},
        .retry_wait_count = 5,
        .tries = 10,
        .connections = 8,
        .hold_ms = 1000,
        .batch = 1,
    };
}

/* --- Events and their lists --- */

static struct event **list_of(struct streak_hooks *hooks,
                              enum event_state state)
{
    switch (state) {
    case EVENT_HELD:
        return &hooks->held;
    case EVENT_READY:
        return &hooks->ready;
    default:
        return &hooks->delayed;
    }
}

/* Take an event out of the list of its state; sending events are in none. */
static void leave(struct event *event)
{
    struct streak_hooks *hooks = event->hooks;
    struct event **list = list_of(hooks, event->state);

    sim_clock_clear_timer(sim_server_clock(hooks->server), &event->timer);
    if (event->state == EVENT_SENDING)
        return;
    DL_DELETE(*list, event);
    if (event->state == EVENT_READY)
        hooks->ready_count--;
    if (event->state == EVENT_HELD)
        hooks->held_count--;
}

static void enter(struct event *event, enum event_state state)
{
    struct streak_hooks *hooks = event->hooks;
    struct event **list = list_of(hooks, state);

    event->state = state;
    if (state == EVENT_SENDING)
        return;
    DL_APPEND(*list, event);
    if (state == EVENT_READY)
        hooks->ready_count++;
    if (state == EVENT_HELD)
        hooks->held_count++;
}

static void event_free(struct event *event)
{
    event->hooks->event_count--;
    free(event->snapshot);
    free(event->body);
    free(event->keys);
    free(event->ids);
    free(event);
}

static void remove_event(struct event *event)
{
    leave(event);
    event_free(event);
}

static void on_due(void *arg)
{
    struct event *event = arg;

    leave(event);
    enter(event, EVENT_READY);
}

static void delay(struct event *event, int64_t ms)
{
    struct sim_clock *clock = sim_server_clock(event->hooks->server);

    enter(event, EVENT_DELAYED);
    sim_clock_set_timer(clock, &event->timer, sim_clock_now_ms(clock) + ms);
}

static void delay_first(struct event *event)
{
    struct streak_hooks *hooks = event->hooks;
    const struct streak_hook_modes *modes = &hooks->modes;
    uint64_t spread = modes->spread_ms > 0 ? (uint64_t)modes->spread_ms + 1 : 0;

    delay(event, modes->delay_ms +
                     (int64_t)sim_random_below(sim_server_random(hooks->server),
                                               spread));
}

/* --- Held events --- */

static void release_held(struct streak_hooks *hooks)
{
    sim_clock_clear_timer(sim_server_clock(hooks->server), &hooks->hold_timer);
    while (hooks->held) {
        /* Reverse order for hold_back: the last of the list is first->prev. */
        struct event *event =
            hooks->modes.hold_back > 0 ? hooks->held->prev : hooks->held;

        leave(event);
        enter(event, EVENT_READY);
    }
}

static void on_hold_end(void *arg)
{
    release_held(arg);
}

static void hold(struct event *event)
{
    struct streak_hooks *hooks = event->hooks;
    const struct streak_hook_modes *modes = &hooks->modes;
    struct sim_clock *clock = sim_server_clock(hooks->server);
    size_t wanted = modes->hold_back > 0 ? (size_t)modes->hold_back + 1
                                         : (size_t)modes->burst;

    enter(event, EVENT_HELD);
    if (hooks->held_count >= wanted)
        release_held(hooks);
    else if (!sim_clock_timer_set(&hooks->hold_timer))
        sim_clock_set_timer(clock, &hooks->hold_timer,
                            sim_clock_now_ms(clock) + modes->hold_ms);
}

static bool drops(struct streak_hooks *hooks)
{
    struct streak_hook_modes *modes = &hooks->modes;

    if (modes->drop_next > 0) {
        modes->drop_next--;
        return true;
    }
    return modes->drop_share > 0 &&
           sim_random_share(sim_server_random(hooks->server)) <
               modes->drop_share;
}

static void fire_one(struct streak_hooks *hooks, struct streak_hook *hook,
                     enum streak_kind kind, const char *key,
                     const char *snapshot)
{
    struct event *event;

    hooks->fired++;
    if (drops(hooks)) {
        hooks->dropped++;
        return;
    }
    if (hooks->event_count >= EVENTS_MAX) {
        hooks->lost++;
        return;
    }
    event = memory_zero(1, sizeof(*event));
    event->hooks = hooks;
    event->hook = hook;
    event->kind = kind;
    event->id = ++hooks->last_id;
    event->snapshot = memory_text(snapshot);
    event->timer.fire = on_due;
    event->timer.arg = event;
    snprintf(event->key, sizeof(event->key), "%s", key);
    hooks->event_count++;
    if (hooks->modes.hold_back > 0 || hooks->modes.burst > 0)
        hold(event);
    else
        delay_first(event);
}

void streak_webhook_fire(struct streak_hooks *hooks, const char *event,
                         const char *scope_key, enum streak_kind kind,
                         const char *key, const char *snapshot)
{
    struct streak_hook *hook;

    DL_FOREACH(hooks->registered, hook)
    {
        if (strcmp(hook->event, event) == 0 &&
            strcmp(hook->scope_key, scope_key) == 0)
            fire_one(hooks, hook, kind, key, snapshot);
    }
}

/* --- Sending --- */

static bool append_object(struct streak_hooks *hooks, const struct event *event,
                          struct buf *body)
{
    struct sim_clock *clock = sim_server_clock(hooks->server);

    if (hooks->modes.small_record) {
        buf_append_text(body, "{\"eventType\":");
        sim_json_append_text(body, event->hook->event);
        buf_append_text(body, ",\"pipelineKey\":");
        sim_json_append_text(body, event->hook->scope_key);
        buf_append_text(body, ",\"boxKey\":");
        sim_json_append_text(body, event->key);
        buf_printf(body, ",\"timestamp\":%lld}",
                   (long long)sim_clock_now_ms(clock));
        return true;
    }
    if (event->snapshot) {
        buf_append_text(body, event->snapshot);
        return true;
    }
    return hooks->show(hooks->arg, event->kind, event->key, body);
}

/* What tells two states of an object apart: its key and the time of its last
 * save, or the event's own time and name where the record is a small one. */
static void append_id(const char *object, const char *key, struct buf *ids)
{
    cJSON *tree = cJSON_Parse(object);
    int64_t time_ms = sim_json_number(tree, "lastSavedTimestamp", -1);
    const char *name = sim_json_text(tree, "eventType");

    if (time_ms < 0)
        time_ms = sim_json_number(tree, "timestamp", 0);
    buf_printf(ids, "%s%s@%lld%s%s", ids->len ? "," : "", key,
               (long long)time_ms, name ? "/" : "", name ? name : "");
    cJSON_Delete(tree);
}

/* Add a comma, the object, its key and its id; leaves body as it was when the
 * object is gone. */
static bool append_event(struct streak_hooks *hooks, const struct event *event,
                         struct buf *body, struct buf *keys, struct buf *ids)
{
    size_t len = body->len, start;

    buf_append_text(body, len > 1 ? "," : "");
    start = body->len;
    if (!append_object(hooks, event, body)) {
        body->len = len;
        return false;
    }
    buf_printf(keys, "%s%s", keys->len ? "," : "", event->key);
    append_id(body->data + start, event->key, ids);
    return true;
}

static void note_delivery(const struct event *event, int status,
                          int64_t took_ms, const char *note)
{
    const char *target = event->hook->target;
    const char *last = strrchr(target, '/');
    char shown[256];
    struct sim_delivery delivery = {.event = event->hook->event,
                                    .target = shown,
                                    .keys =
                                        event->keys ? event->keys : event->key,
                                    .ids = event->ids ? event->ids : "",
                                    .id = event->id,
                                    .attempt = event->attempt,
                                    .status = status,
                                    .took_ms = took_ms,
                                    .note = note};

    snprintf(shown, sizeof(shown), "%.*s/***", last ? (int)(last - target) : 0,
             target);
    sim_ledger_delivery(sim_server_ledger(event->hooks->server), &delivery);
}

/* Make the body of a first try, with others of its registration when the mode
 * is batch.  false: the object is gone, nothing is to be sent. */
static bool make_body(struct event *event)
{
    struct streak_hooks *hooks = event->hooks;
    int64_t room = hooks->modes.batch - 1;
    struct buf body, keys, ids;
    struct event *other, *next;
    bool any;

    buf_init(&body, BODY_BYTES_MAX);
    buf_init(&keys, KEYS_BYTES_MAX);
    buf_init(&ids, KEYS_BYTES_MAX);
    buf_append_text(&body, "[");
    any = append_event(hooks, event, &body, &keys, &ids);
    DL_FOREACH_SAFE(hooks->ready, other, next)
    {
        if (room <= 0)
            break;
        if (other->hook != event->hook || other->body)
            continue;
        any = append_event(hooks, other, &body, &keys, &ids) || any;
        room--;
        remove_event(other);
    }
    buf_append_text(&body, "]");
    if (any) {
        event->body = buf_take(&body);
        event->keys = buf_take(&keys);
        event->ids = buf_take(&ids);
    }
    buf_done(&body);
    buf_done(&keys);
    buf_done(&ids);
    return any;
}

static size_t swallow(char *bytes, size_t size, size_t count, void *arg)
{
    (void)bytes;
    (void)arg;
    return size * count;
}

static void start_transfer(struct streak_hooks *hooks,
                           struct transfer *transfer, struct event *event)
{
    const struct streak_hook *hook = event->hook;
    char header[512];
    CURL *easy;

    if (!transfer->easy)
        transfer->easy = curl_easy_init();
    easy = transfer->easy;
    curl_easy_reset(easy);
    transfer->headers =
        curl_slist_append(NULL, "Content-Type: application/json");
    transfer->headers = curl_slist_append(transfer->headers, "Expect:");
    if (hook->token) {
        snprintf(header, sizeof(header), "X-Streak-Webhook-Token: %s",
                 hook->token);
        transfer->headers = curl_slist_append(transfer->headers, header);
    }
    curl_easy_setopt(easy, CURLOPT_URL, hook->target);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(event->body));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, event->body);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "streak-sim");
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)hooks->modes.timeout_ms);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS_MAX);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    transfer->event = event;
    transfer->began_ms = sim_clock_now_ms(sim_server_clock(hooks->server));
    hooks->sending_count++;
    event->attempt++;
    curl_multi_add_handle(hooks->multi, easy);
}

static struct transfer *free_transfer(struct streak_hooks *hooks)
{
    int64_t most = hooks->modes.connections;

    for (int64_t i = 0; i < most && i < TRANSFERS_MAX; i++)
        if (!hooks->transfers[i].event)
            return &hooks->transfers[i];
    return NULL;
}

static void send_ready(struct streak_hooks *hooks)
{
    struct transfer *transfer;

    while (hooks->ready && (transfer = free_transfer(hooks))) {
        struct event *event = hooks->ready;

        leave(event);
        enter(event, EVENT_SENDING);
        if (!event->body && !make_body(event)) {
            note_delivery(event, 0, 0, "the object is gone");
            hooks->lost++;
            event_free(event);
            continue;
        }
        start_transfer(hooks, transfer, event);
    }
}

static void retry(struct event *event)
{
    struct streak_hooks *hooks = event->hooks;
    const struct streak_hook_modes *modes = &hooks->modes;
    size_t index = (size_t)event->attempt - 1;

    if (event->hook->gone || event->attempt >= modes->tries) {
        hooks->lost++;
        event_free(event);
        return;
    }
    if (index >= modes->retry_wait_count)
        index = modes->retry_wait_count - 1;
    delay(event, modes->retry_waits_ms[index]);
}

static void succeed(struct event *event)
{
    struct streak_hooks *hooks = event->hooks;

    hooks->done++;
    if (event->hook->gone || event->duplicates >= hooks->modes.duplicate) {
        event_free(event);
        return;
    }
    event->duplicates++;
    event->attempt = 0;
    delay_first(event);
}

static void finish(struct streak_hooks *hooks, struct transfer *transfer,
                   CURLcode result)
{
    struct event *event = transfer->event;
    int64_t now_ms = sim_clock_now_ms(sim_server_clock(hooks->server));
    long status = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    if (result != CURLE_OK)
        status = 0;
    curl_multi_remove_handle(hooks->multi, transfer->easy);
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
    transfer->event = NULL;
    hooks->sending_count--;
    note_delivery(event, (int)status, now_ms - transfer->began_ms,
                  result == CURLE_OK ? "" : curl_easy_strerror(result));
    if (status == 200) {
        succeed(event);
    } else if (status == 410) {
        struct streak_hook *hook = event->hook;

        event_free(event);
        streak_webhook_remove(hooks, hook->key);
    } else {
        retry(event);
    }
}

void streak_webhook_turn(struct streak_hooks *hooks)
{
    CURLMsg *message;
    int left = 0;

    while ((message = curl_multi_info_read(hooks->multi, &left))) {
        struct transfer *transfer = NULL;
        CURLcode result = message->data.result;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
        finish(hooks, transfer, result);
    }
    send_ready(hooks);
}

/* --- Registrations --- */

const struct streak_hook *streak_webhook_add(struct streak_hooks *hooks,
                                             const struct streak_hook *hook)
{
    struct streak_hook *copy;

    if (hooks->hook_count >= HOOKS_MAX)
        return NULL;
    copy = memory_zero(1, sizeof(*copy));
    streak_key_make(STREAK_WEBHOOK, sim_server_seed(hooks->server),
                    ++hooks->counter, copy->key);
    copy->event = memory_text(hook->event);
    copy->target = memory_text(hook->target);
    copy->token = memory_text(hook->token);
    copy->scope_key = memory_text(hook->scope_key);
    copy->team_scope = hook->team_scope;
    copy->creator_key = memory_text(hook->creator_key);
    hooks->hook_count++;
    DL_APPEND(hooks->registered, copy);
    return copy;
}

static struct streak_hook *find_hook(const struct streak_hooks *hooks,
                                     const char *key)
{
    struct streak_hook *hook;

    DL_FOREACH(hooks->registered, hook)
    {
        if (strcmp(hook->key, key) == 0)
            return hook;
    }
    return NULL;
}

const struct streak_hook *streak_webhook_find(const struct streak_hooks *hooks,
                                              const char *key)
{
    return find_hook(hooks, key);
}

static void remove_events(struct event *first, const struct streak_hook *hook)
{
    struct event *event, *next;

    DL_FOREACH_SAFE(first, event, next)
    {
        if (!hook || event->hook == hook)
            remove_event(event);
    }
}

void streak_webhook_remove(struct streak_hooks *hooks, const char *key)
{
    struct streak_hook *hook = find_hook(hooks, key);

    if (!hook)
        return;
    DL_DELETE(hooks->registered, hook);
    DL_APPEND(hooks->gone, hook);
    hook->gone = true;
    remove_events(hooks->held, hook);
    remove_events(hooks->delayed, hook);
    remove_events(hooks->ready, hook);
}

void streak_webhook_show(const struct streak_hook *hook, struct buf *buf)
{
    buf_append_text(buf, "{\"key\":");
    sim_json_append_text(buf, hook->key);
    buf_append_text(buf, ",\"webhookKey\":");
    sim_json_append_text(buf, hook->key);
    buf_append_text(buf, ",\"event\":");
    sim_json_append_text(buf, hook->event);
    buf_append_text(buf, ",\"targetUrl\":");
    sim_json_append_text(buf, hook->target);
    buf_append_text(buf,
                    hook->team_scope ? ",\"teamKey\":" : ",\"pipelineKey\":");
    sim_json_append_text(buf, hook->scope_key);
    buf_append_text(buf, ",\"creatorKey\":");
    sim_json_append_text(buf, hook->creator_key);
    buf_append_text(buf, "}");
}

void streak_webhook_list(const struct streak_hooks *hooks,
                         const char *scope_key, struct buf *buf)
{
    const struct streak_hook *hook;
    const char *separator = "";

    buf_append_text(buf, "[");
    DL_FOREACH(hooks->registered, hook)
    {
        if (scope_key && strcmp(hook->scope_key, scope_key) != 0)
            continue;
        buf_append_text(buf, separator);
        streak_webhook_show(hook, buf);
        separator = ",";
    }
    buf_append_text(buf, "]");
}

/* --- Control --- */

static void set_waits(struct streak_hook_modes *modes, const cJSON *waits)
{
    const cJSON *wait;
    size_t count = 0;

    cJSON_ArrayForEach(wait, waits)
    {
        if (count < STREAK_RETRY_WAITS_MAX && cJSON_IsNumber(wait))
            modes->retry_waits_ms[count++] = (int64_t)wait->valuedouble;
    }
    if (count)
        modes->retry_wait_count = count;
}

void streak_webhook_set_modes(struct streak_hooks *hooks, const cJSON *given)
{
    struct streak_hook_modes *modes = &hooks->modes;
    const struct {
        const char *name;
        int64_t *place;
    } numbers[] = {
        {"delay_ms", &modes->delay_ms},       {"spread_ms", &modes->spread_ms},
        {"timeout_ms", &modes->timeout_ms},   {"tries", &modes->tries},
        {"connections", &modes->connections}, {"duplicate", &modes->duplicate},
        {"hold_back", &modes->hold_back},     {"burst", &modes->burst},
        {"hold_ms", &modes->hold_ms},         {"batch", &modes->batch},
        {"drop_next", &modes->drop_next},
    };
    const cJSON *share = sim_json_member(given, "drop_share");

    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
        *numbers[i].place =
            sim_json_number(given, numbers[i].name, *numbers[i].place);
    if (cJSON_IsNumber(share))
        modes->drop_share = share->valuedouble;
    modes->small_record =
        sim_json_flag(given, "small_record", modes->small_record);
    set_waits(modes, sim_json_member(given, "retry_waits_ms"));
    if (modes->connections < 1)
        modes->connections = 1;
    if (modes->hold_back <= 0 && modes->burst <= 0)
        release_held(hooks);
}

void streak_webhook_show_state(const struct streak_hooks *hooks,
                               struct buf *buf)
{
    const struct streak_hook_modes *modes = &hooks->modes;
    size_t delayed = hooks->event_count - hooks->held_count -
                     hooks->ready_count - hooks->sending_count;

    buf_printf(
        buf,
        "{\"waiting\":%zu,\"held\":%zu,\"delayed\":%zu,\"ready\":%zu,"
        "\"sending\":%zu,\"fired\":%llu,\"done\":%llu,\"dropped\":%llu,"
        "\"lost\":%llu,",
        hooks->event_count, hooks->held_count, delayed, hooks->ready_count,
        hooks->sending_count, (unsigned long long)hooks->fired,
        (unsigned long long)hooks->done, (unsigned long long)hooks->dropped,
        (unsigned long long)hooks->lost);
    buf_printf(buf,
               "\"modes\":{\"delay_ms\":%lld,\"spread_ms\":%lld,"
               "\"timeout_ms\":%lld,\"tries\":%lld,\"connections\":%lld,"
               "\"duplicate\":%lld,\"hold_back\":%lld,\"burst\":%lld,"
               "\"hold_ms\":%lld,\"batch\":%lld,\"drop_next\":%lld,"
               "\"drop_share\":%g,\"small_record\":%s},\"registrations\":",
               (long long)modes->delay_ms, (long long)modes->spread_ms,
               (long long)modes->timeout_ms, (long long)modes->tries,
               (long long)modes->connections, (long long)modes->duplicate,
               (long long)modes->hold_back, (long long)modes->burst,
               (long long)modes->hold_ms, (long long)modes->batch,
               (long long)modes->drop_next, modes->drop_share,
               modes->small_record ? "true" : "false");
    streak_webhook_list(hooks, NULL, buf);
    buf_append_text(buf, "}");
}

/* --- Life --- */

struct streak_hooks *streak_webhook_create(struct sim_server *server,
                                           streak_show_fn *show, void *arg)
{
    struct streak_hooks *hooks = memory_zero(1, sizeof(*hooks));

    hooks->server = server;
    hooks->show = show;
    hooks->arg = arg;
    hooks->multi = curl_multi_init();
    hooks->hold_timer.fire = on_hold_end;
    hooks->hold_timer.arg = hooks;
    modes_init(&hooks->modes);
    sim_server_set_multi(server, hooks->multi);
    return hooks;
}

static void stop_transfers(struct streak_hooks *hooks)
{
    for (size_t i = 0; i < TRANSFERS_MAX; i++) {
        struct transfer *transfer = &hooks->transfers[i];

        if (!transfer->event)
            continue;
        curl_multi_remove_handle(hooks->multi, transfer->easy);
        curl_slist_free_all(transfer->headers);
        transfer->headers = NULL;
        event_free(transfer->event);
        transfer->event = NULL;
        hooks->sending_count--;
    }
}

static void free_hooks(struct streak_hook *first)
{
    struct streak_hook *hook, *next;

    DL_FOREACH_SAFE(first, hook, next)
    {
        free(hook->event);
        free(hook->target);
        free(hook->token);
        free(hook->scope_key);
        free(hook->creator_key);
        free(hook);
    }
}

void streak_webhook_reset(struct streak_hooks *hooks)
{
    sim_clock_clear_timer(sim_server_clock(hooks->server), &hooks->hold_timer);
    stop_transfers(hooks);
    remove_events(hooks->held, NULL);
    remove_events(hooks->delayed, NULL);
    remove_events(hooks->ready, NULL);
    free_hooks(hooks->registered);
    free_hooks(hooks->gone);
    hooks->registered = hooks->gone = NULL;
    hooks->hook_count = 0;
    hooks->counter = 0;
    hooks->fired = hooks->done = hooks->dropped = hooks->lost = 0;
    modes_init(&hooks->modes);
}

void streak_webhook_destroy(struct streak_hooks *hooks)
{
    if (!hooks)
        return;
    streak_webhook_reset(hooks);
    for (size_t i = 0; i < TRANSFERS_MAX; i++)
        curl_easy_cleanup(hooks->transfers[i].easy);
    curl_multi_cleanup(hooks->multi);
    free(hooks);
}
