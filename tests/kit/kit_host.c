/* kit_host.c - the cn_host table of the kit, and the watch over the contract.
 *
 * Every function copies what it is given and never calls the plugin.  What the
 * contract forbids is a breach: a line on stderr and an abort, or a line in a
 * list when the test collects breaches.  log and post may come from any thread;
 * all else must come from the thread that made the kit. */
#include "kit_inside.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

/* A breach is a sentence; a secret of less than four bytes is found in any
 * text by chance. */
enum { LINE_MAX = 512, SECRET_MIN = 4 };

static struct kit *kit_of(const cn_host *host)
{
    return (struct kit *)(uintptr_t)host;
}

/* ---- Breaches ------------------------------------------------------------ */

/* Add a line to a text of the kit; the lock is held. */
static void add_line(char **text, const char *prefix, const char *line)
{
    size_t before = *text ? strlen(*text) : 0;
    size_t size = before + strlen(prefix) + strlen(line) + 2;

    *text = kit_grow(*text, size, 1);
    snprintf(*text + before, size - before, "%s%s\n", prefix, line);
}

void kit_breach(struct kit *kit, const char *format, ...)
{
    char line[LINE_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&kit->lock);
    add_line(&kit->breaches, "", line);
    pthread_mutex_unlock(&kit->lock);
    if (kit->collect)
        return;
    fprintf(stderr, "kit: breach of the contract: %s\n", line);
    abort();
}

void kit_host_on_thread(struct kit *kit, const char *what)
{
    if (!pthread_equal(pthread_self(), kit->thread))
        kit_breach(kit, "%s was called on another thread", what);
}

struct kit_op *kit_host_open_op(struct kit *kit, cn_op op, const char *what)
{
    if (!op || op > kit->op_count) {
        kit_breach(kit, "%s for operation %llu, which never was", what,
                   (unsigned long long)op);
        return NULL;
    }
    if (kit->ops[op - 1]->result.done) {
        kit_breach(kit, "%s for operation %llu, which has ended", what,
                   (unsigned long long)op);
        return NULL;
    }
    return kit->ops[op - 1];
}

static bool utf8(const char *text)
{
    return cn_utf8_valid((cn_str){text, strlen(text)});
}

void kit_host_check_text(struct kit *kit, const char *what, const char *text)
{
    if (!text || !*text) {
        kit_breach(kit, "%s is empty", what);
        return;
    }
    if (!utf8(text))
        kit_breach(kit, "%s is not UTF-8", what);
    for (size_t index = 0; index < kit->secrets.count; index++) {
        const struct kit_value *secret = &kit->secrets.items[index];
        if (secret->len >= SECRET_MIN && strstr(text, secret->value))
            kit_breach(kit, "%s holds the secret \"%s\"", what, secret->key);
    }
}

/* False, after a breach, when a body is no JSON value. */
static bool check_body(struct kit *kit, const char *what, cn_str body)
{
    cn_json_error error = {0};
    cJSON *value = NULL;

    if (body.len > CN_BODY_MAX) {
        kit_breach(kit, "%s is too long", what);
        return false;
    }
    if (cn_json_read(body, NULL, &value, &error)) {
        kit_breach(kit, "%s is not one JSON value: %s at byte %zu (%s)", what,
                   error.sentence, error.offset, error.pointer);
        return false;
    }
    cJSON_Delete(value);
    return true;
}

/* ---- Records ------------------------------------------------------------- */

static bool check_name(struct kit *kit, const char *what, const char *name)
{
    if (name && *name && strlen(name) <= CN_NAME_MAX && utf8(name))
        return true;
    kit_breach(kit, "%s is missing, too long or not UTF-8", what);
    return false;
}

static bool check_id(struct kit *kit, const char *what, cn_str id, bool needed)
{
    if ((id.len || !needed) && id.len <= CN_ID_MAX && cn_utf8_valid(id) &&
        (!id.len || !memchr(id.ptr, 0, id.len)))
        return true;
    kit_breach(kit, "%s is missing, too long or not UTF-8", what);
    return false;
}

static bool manifest_emits(struct kit *kit, const char *type)
{
    const cJSON *types = cn_json_member(kit->manifest, "emits");

    CN_JSON_EACH(item, types)
    {
        if (cJSON_IsString(item) && !strcmp(item->valuestring, type))
            return true;
    }
    return false;
}

static bool check_record(struct kit *kit, const struct kit_op *op,
                         const cn_record *record)
{
    bool good = check_name(kit, "a record's type", record->type);

    if (record->size < sizeof(*record)) {
        kit_breach(kit, "a record's size is %u, the struct has %zu",
                   record->size, sizeof(*record));
        return false;
    }
    if (good && !manifest_emits(kit, record->type)) {
        kit_breach(kit, "the manifest does not list \"%s\" under emits",
                   record->type);
        good = false;
    }
    if (record->change != CN_UPSERT && record->change != CN_DELETE) {
        kit_breach(kit, "a record's change is %u", record->change);
        good = false;
    }
    good &=
        check_id(kit, "a record's id", record->id, op->kind != KIT_TRANSFORM);
    good &= check_id(kit, "a record's key", record->key, false);
    if (record->change != CN_DELETE || record->body.len)
        good &= check_body(kit, "a record's body", record->body);
    return good;
}

static cn_status host_emit(const cn_host *host, cn_op id,
                           const cn_record *record)
{
    struct kit *kit = kit_of(host);
    struct kit_op *op;
    struct kit_record *copy;

    kit_host_on_thread(kit, "emit");
    op = kit_host_open_op(kit, id, "emit");
    if (!op)
        return CN_INVALID;
    if (op->kind != KIT_POLL && op->kind != KIT_TRANSFORM &&
        op->kind != KIT_RECEIVE) {
        kit_breach(kit, "emit in an operation that takes no records");
        return CN_INVALID;
    }
    if (!check_record(kit, op, record))
        return CN_INVALID;
    if (!op->room)
        return CN_FULL;
    op->room--;
    op->records = kit_grow(op->records, op->result.record_count + 1,
                           sizeof(*op->records));
    copy = &op->records[op->result.record_count++];
    copy->change = record->change;
    copy->type = kit_keep(kit, record->type, strlen(record->type));
    copy->id = kit_keep(kit, record->id.ptr, record->id.len);
    copy->key = kit_keep(kit, record->key.ptr, record->key.len);
    copy->body = kit_keep(kit, record->body.ptr, record->body.len);
    copy->time_ms = record->time_ms;
    op->result.records = op->records;
    return CN_OK;
}

/* ---- Outcomes ------------------------------------------------------------ */

static bool status_fits(cn_status status, enum kit_kind kind)
{
    switch (status) {
    case CN_OK:
    case CN_RETRY:
    case CN_RATE_LIMITED:
    case CN_AUTH:
    case CN_REJECTED:
    case CN_CANCELLED:
    case CN_UNSUPPORTED:
    case CN_HOLD:
        return true;
    case CN_IN_DOUBT:
        return kind == KIT_DELIVER;
    case CN_ABSENT:
        return kind == KIT_PROBE;
    default:
        return false;
    }
}

/* Does this status of a deliver say that nothing took effect? */
static bool denies_effect(cn_status status)
{
    return status == CN_RETRY || status == CN_RATE_LIMITED ||
           status == CN_AUTH || status == CN_HOLD || status == CN_REJECTED ||
           status == CN_UNSUPPORTED;
}

static bool effect_pending(const struct kit *kit, cn_op op)
{
    for (size_t index = 0; index < kit->exchange_count; index++) {
        const struct kit_request *request = &kit->exchanges[index]->request;
        if (request->op == op && request->effect && !request->answered)
            return true;
    }
    return false;
}

static void check_outcome(struct kit *kit, const struct kit_op *op,
                          const cn_outcome *outcome)
{
    if (outcome->size < sizeof(*outcome))
        kit_breach(kit, "an outcome's size is %u, the struct has %zu",
                   outcome->size, sizeof(*outcome));
    if (!status_fits(outcome->status, op->kind))
        kit_breach(kit, "status %d does not fit the operation",
                   (int)outcome->status);
    if (outcome->message ||
        (outcome->status != CN_OK && outcome->status != CN_ABSENT))
        kit_host_check_text(kit, "an outcome's message", outcome->message);
    if (outcome->body.len)
        check_body(kit, "an outcome's body", outcome->body);
    if (outcome->cursor.len > CN_CURSOR_MAX || !cn_utf8_valid(outcome->cursor))
        kit_breach(kit, "a cursor is too long or not UTF-8");
    if (op->kind == KIT_DELIVER && denies_effect(outcome->status) &&
        (op->doubt || effect_pending(kit, op->id)))
        kit_breach(kit,
                   "status %d says that nothing took effect, but a request "
                   "with effect had no definite answer",
                   (int)outcome->status);
}

static struct kit_outcome copy_outcome(struct kit *kit,
                                       const cn_outcome *outcome)
{
    static const cn_outcome plain = {.size = sizeof(plain)};
    const cn_outcome *from = outcome ? outcome : &plain;
    const char *message = from->message ? from->message : "";

    return (struct kit_outcome){
        .status = from->status,
        .retry_after_ms = from->retry_after_ms,
        .alert = CN_HAS(from, alert),
        .message = kit_keep(kit, message, strlen(message)),
        .body = kit_keep(kit, from->body.ptr, from->body.len),
        .cursor = kit_keep(kit, from->cursor.ptr, from->cursor.len),
        .more = from->more};
}

static void host_settle(const cn_host *host, cn_op id, uint32_t index,
                        const cn_outcome *outcome)
{
    struct kit *kit = kit_of(host);
    struct kit_op *op;
    struct kit_outcome copy;

    kit_host_on_thread(kit, "settle");
    op = kit_host_open_op(kit, id, "settle");
    if (!op)
        return;
    if (op->kind != KIT_DELIVER || index >= op->result.settled_count) {
        kit_breach(kit, "settle for record %u, which there is not", index);
        return;
    }
    if (op->settled[index]) {
        kit_breach(kit, "record %u was settled twice", index);
        return;
    }
    if (outcome)
        check_outcome(kit, op, outcome);
    copy = copy_outcome(kit, outcome);
    op->settled[index] =
        (const struct kit_outcome *)(void *)kit_keep(kit, &copy, sizeof(copy));
}

static void host_done(const cn_host *host, cn_op id, const cn_outcome *outcome)
{
    struct kit *kit = kit_of(host);
    struct kit_op *op;

    kit_host_on_thread(kit, "done");
    op = kit_host_open_op(kit, id, "done");
    if (!op)
        return;
    if (outcome)
        check_outcome(kit, op, outcome);
    op->result.outcome = copy_outcome(kit, outcome);
    op->result.done = true;
    for (size_t index = 0; index < op->values.count; index++) {
        const struct kit_value *value = &op->values.items[index];
        if (op->result.outcome.status == CN_OK)
            kit_values_set(&kit->state, value->key,
                           value->len ? value->value : NULL, value->len);
    }
    kit_values_done(&op->values);
}

/* ---- Configuration ------------------------------------------------------- */

static cn_str host_config(const cn_host *host, const char *pointer)
{
    struct kit *kit = kit_of(host);
    const cJSON *value;
    cn_str text = {NULL, 0};
    char *printed;

    kit_host_on_thread(kit, "config");
    value = cn_json_pointer(kit->config, pointer);
    if (!value)
        return text;
    if (cJSON_IsString(value)) {
        text.len = strlen(value->valuestring);
        text.ptr = kit_keep(kit, value->valuestring, text.len);
        return text;
    }
    printed = kit_must(cn_json_print(value));
    text.len = strlen(printed);
    text.ptr = kit_keep(kit, printed, text.len);
    free(printed);
    return text;
}

static cn_str host_secret(const cn_host *host, const char *name)
{
    struct kit *kit = kit_of(host);
    const struct kit_value *value;

    kit_host_on_thread(kit, "secret");
    value = kit_values_get(&kit->secrets, name);
    return value ? kit_lend_text(kit, value->value) : (cn_str){NULL, 0};
}

/* ---- Time, threads, log -------------------------------------------------- */

static cn_timer host_timer_start(const cn_host *host, uint64_t delay_ms,
                                 void (*fn)(void *arg), void *arg)
{
    struct kit *kit = kit_of(host);
    struct kit_timer *timer;

    kit_host_on_thread(kit, "timer_start");
    kit->timers =
        kit_grow(kit->timers, kit->timer_count + 1, sizeof(*kit->timers));
    timer = &kit->timers[kit->timer_count++];
    timer->id = ++kit->timer_last;
    timer->due_ms = kit->now_ms + delay_ms;
    timer->fn = fn;
    timer->arg = arg;
    return timer->id;
}

static void host_timer_stop(const cn_host *host, cn_timer id)
{
    struct kit *kit = kit_of(host);

    kit_host_on_thread(kit, "timer_stop");
    for (size_t index = 0; index < kit->timer_count; index++) {
        if (kit->timers[index].id == id) {
            kit->timers[index] = kit->timers[--kit->timer_count];
            return;
        }
    }
    if (!id || id > kit->timer_last)
        kit_breach(kit, "timer_stop for a timer that never was");
}

static void host_post(const cn_host *host, void (*fn)(void *arg), void *arg)
{
    struct kit *kit = kit_of(host);
    struct kit_post *post = kit_must(calloc(1, sizeof(*post)));
    struct kit_post **last = &kit->posts;

    post->fn = fn;
    post->arg = arg;
    pthread_mutex_lock(&kit->lock);
    while (*last)
        last = &(*last)->next;
    *last = post;
    pthread_cond_signal(&kit->posted);
    pthread_mutex_unlock(&kit->lock);
}

static void host_log(const cn_host *host, int32_t level, const char *message)
{
    static const char *const names[] = {
        "debug: ", "info: ", "warn: ", "error: "};
    struct kit *kit = kit_of(host);

    if (level < CN_LOG_DEBUG || level > CN_LOG_ERROR) {
        kit_breach(kit, "log level %d", (int)level);
        level = CN_LOG_ERROR;
    }
    kit_host_check_text(kit, "a log line", message);
    pthread_mutex_lock(&kit->lock);
    add_line(&kit->log, names[level], message ? message : "");
    pthread_mutex_unlock(&kit->lock);
}

/* ---- connect.state/1 ----------------------------------------------------- */

static cn_str state_get(const cn_host *host, cn_op id, const char *key)
{
    struct kit *kit = kit_of(host);
    const struct kit_value *value = NULL;
    cn_str text = {NULL, 0};

    kit_host_on_thread(kit, "state.get");
    if (id && id <= kit->op_count)
        value = kit_values_get(&kit->ops[id - 1]->values, key);
    if (!value)
        value = kit_values_get(&kit->state, key);
    if (!value || !value->len) /* put empty: removed */
        return text;
    text.ptr = kit_lend(kit, value->value, value->len);
    text.len = value->len;
    return text;
}

static cn_status state_put(const cn_host *host, cn_op id, const char *key,
                           cn_str value)
{
    struct kit *kit = kit_of(host);
    struct kit_op *op;
    size_t count = kit->state.count;

    kit_host_on_thread(kit, "state.put");
    op = kit_host_open_op(kit, id, "state.put");
    if (!op)
        return CN_INVALID;
    if (!key || !*key || strlen(key) > CN_STATE_KEY_MAX ||
        value.len > CN_STATE_VALUE_MAX) {
        kit_breach(kit, "state.put: the key or the value is too long");
        return CN_INVALID;
    }
    for (size_t index = 0; index < op->values.count; index++)
        count += !kit_values_get(&kit->state, op->values.items[index].key);
    if (value.len && count >= CN_STATE_COUNT_MAX &&
        !kit_values_get(&kit->state, key) && !kit_values_get(&op->values, key))
        return CN_FULL;
    kit_values_set(&op->values, key, value.ptr ? value.ptr : "", value.len);
    return CN_OK;
}

static const void *host_extension(const cn_host *host, const char *id)
{
    static const cn_state state = {sizeof(state), 0, state_get, state_put};

    (void)host;
    if (!strcmp(id, CN_EXT_HTTP))
        return kit_http_table();
    return strcmp(id, CN_EXT_STATE) ? NULL : &state;
}

void kit_host_init(struct kit *kit)
{
    kit->host = (cn_host){.size = sizeof(cn_host),
                          .version = "kit",
                          .instance = "test",
                          .emit = host_emit,
                          .settle = host_settle,
                          .done = host_done,
                          .config = host_config,
                          .secret = host_secret,
                          .timer_start = host_timer_start,
                          .timer_stop = host_timer_stop,
                          .post = host_post,
                          .log = host_log,
                          .extension = host_extension};
}
