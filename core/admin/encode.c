/* encode.c - rows of the store as JSON, for the admin API.
 *
 * One idea: every word and member name of the API's replies is here or in the
 * handler that adds it, so that openapi.json can be held against few places.
 * Pure; called on the loop thread. */
#include "admin/encode.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "admin/advice.h"
#include "base/memory.h"

/* ---- Words --------------------------------------------------------------- */

static const char *const run_states[] = {
    "queued", "ready",  "active", "waiting",
    "held",   "parked", "done",   "discarded",
};

const char *encode_run_state(enum run_state state)
{
    return (unsigned)state <= RUN_DISCARDED ? run_states[state] : "unknown";
}

int encode_run_state_parse(const char *text, enum run_state *ret_state)
{
    for (int state = 0; state <= RUN_DISCARDED; state++)
        if (!strcmp(text, run_states[state])) {
            *ret_state = (enum run_state)state;
            return 0;
        }
    return -EINVAL;
}

const char *encode_step_state(enum step_state state)
{
    static const char *const words[] = {"open", "done", "skipped", "failed"};

    return (unsigned)state <= STEP_FAILED ? words[state] : "unknown";
}

const char *encode_delivery_state(enum delivery_state state)
{
    static const char *const words[] = {
        "ready", "sending", "in_doubt", "done", "held", "parked", "discarded",
    };

    return (unsigned)state <= DELIVERY_DISCARDED ? words[state] : "unknown";
}

const char *encode_instance_state(enum instance_state state)
{
    static const char *const words[] = {"starting", "running", "stuck",
                                        "failed", "stopped"};

    return (unsigned)state <= INSTANCE_STOPPED ? words[state] : "unknown";
}

/* ---- Members ------------------------------------------------------------- */

void encode_put_number(cJSON *object, const char *name, int64_t number)
{
    cn_json_put(object, name, cn_json_integer(number));
}

void encode_put_time(cJSON *object, const char *name, int64_t wall_ms)
{
    cn_json_put(object, name,
                wall_ms > 0 ? cn_json_integer(wall_ms) : cJSON_CreateNull());
}

void encode_put_bytes(cJSON *object, const char *name, struct store_bytes bytes)
{
    cn_str text = {bytes.ptr, bytes.len};
    cJSON *value = NULL;

    if (!bytes.ptr)
        value = cJSON_CreateNull();
    else
        value = cn_json_string(text);
    if (!value) { /* no UTF-8: show what can be shown */
        char *copy = memory_copy(bytes.ptr, bytes.len);
        for (size_t index = 0; index < bytes.len; index++)
            if ((unsigned char)copy[index] >= 0x80 || !copy[index])
                copy[index] = '?';
        value = cn_json_string((cn_str){copy, bytes.len});
        free(copy);
    }
    cn_json_put(object, name, value);
}

void encode_put_text(cJSON *object, const char *name, const char *text)
{
    struct store_bytes bytes = {text, text ? strlen(text) : 0};

    encode_put_bytes(object, name, bytes);
}

void encode_put_flag(cJSON *object, const char *name, bool flag)
{
    cn_json_put(object, name, cJSON_CreateBool(flag));
}

static void put_or_null(cJSON *object, const char *name, int64_t number,
                        bool is_there)
{
    cn_json_put(object, name,
                is_there ? cn_json_integer(number) : cJSON_CreateNull());
}

/* A stored JSON value. */
static cJSON *stored_value(struct store_bytes bytes)
{
    cn_json_limits limits = {.flags = CN_JSON_ALLOW_CASE_TWINS};
    cn_str text = {bytes.ptr, bytes.len};
    cJSON *value = NULL;

    if (!bytes.len || cn_json_read(text, &limits, &value, NULL))
        return cJSON_CreateNull();
    return value;
}

/* ---- Rows ---------------------------------------------------------------- */

cJSON *encode_run(const struct store_run_row *run)
{
    cJSON *object = cJSON_CreateObject();
    char advice[ADVICE_MAX];

    encode_put_number(object, "run", (int64_t)run->run);
    encode_put_text(object, "flow", run->flow);
    encode_put_text(object, "flow_version", run->flow_version);
    encode_put_text(object, "origin", run->origin);
    encode_put_text(object, "type", run->type);
    encode_put_bytes(object, "trigger_id", run->id);
    encode_put_bytes(object, "trigger_key", run->key);
    encode_put_text(object, "state", encode_run_state(run->state));
    encode_put_text(object, "queue",
                    run->queue && *run->queue ? run->queue : NULL);
    encode_put_text(object, "code", run->code);
    encode_put_text(object, "reason", run->reason);
    encode_put_time(object, "accepted_ms", run->accepted_wall_ms);
    encode_put_time(object, "finished_ms", run->finished_wall_ms);
    put_or_null(object, "due_in_ms", run->due_in_ms, run->due_in_ms >= 0);
    put_or_null(object, "behind", (int64_t)run->behind, run->behind != 0);
    encode_put_number(object, "waiting_behind", run->waiting_behind);
    cn_json_put(object, "label", stored_value(run->label));
    advice_for_run(run, advice);
    encode_put_text(object, "advice", advice[0] ? advice : NULL);
    return object;
}

cJSON *encode_history(const struct store_history_row *entry)
{
    cJSON *object = cJSON_CreateObject();

    encode_put_number(object, "sequence", (int64_t)entry->sequence);
    encode_put_time(object, "time_ms", entry->wall_ms);
    encode_put_text(object, "actor", entry->actor);
    encode_put_text(object, "act", entry->act);
    put_or_null(object, "run", (int64_t)entry->run, entry->run != 0);
    encode_put_text(object, "path",
                    entry->path && *entry->path ? entry->path : NULL);
    encode_put_text(object, "detail",
                    entry->detail && *entry->detail ? entry->detail : NULL);
    encode_put_text(object, "hash", entry->hash);
    return object;
}

cJSON *encode_reason(const struct store_reason_row *reason)
{
    cJSON *object = cJSON_CreateObject();

    encode_put_text(object, "state", encode_run_state(reason->state));
    encode_put_text(object, "code", reason->code);
    encode_put_text(object, "flow", reason->flow);
    encode_put_number(object, "count", (int64_t)reason->count);
    encode_put_time(object, "oldest_ms", reason->oldest_wall_ms);
    encode_put_number(object, "run", (int64_t)reason->run);
    encode_put_text(object, "reason", reason->reason);
    return object;
}

cJSON *encode_alert(const struct store_alert_row *alert)
{
    cJSON *object = cJSON_CreateObject();

    encode_put_text(object, "cause", alert->cause);
    encode_put_text(object, "text", alert->text);
    encode_put_time(object, "first_ms", alert->first_wall_ms);
    encode_put_time(object, "last_ms", alert->last_wall_ms);
    encode_put_number(object, "count", (int64_t)alert->count);
    encode_put_flag(object, "acknowledged", alert->acknowledged);
    encode_put_text(object, "acknowledged_by", alert->acknowledged_by);
    encode_put_time(object, "acknowledged_ms", alert->acknowledged_wall_ms);
    return object;
}

cJSON *encode_quarantine(const struct store_quarantine_row *entry)
{
    cJSON *object = cJSON_CreateObject();

    encode_put_number(object, "number", (int64_t)entry->number);
    encode_put_text(object, "instance", entry->instance);
    encode_put_text(object, "reason", entry->reason);
    encode_put_time(object, "first_ms", entry->first_wall_ms);
    encode_put_time(object, "last_ms", entry->last_wall_ms);
    encode_put_number(object, "count", (int64_t)entry->count);
    encode_put_number(object, "bytes", (int64_t)entry->content.len);
    return object;
}

cJSON *encode_roles(uint32_t roles)
{
    static const struct {
        uint32_t bit;
        const char *word;
    } words[] = {
        {ROLE_SOURCE, "poll"},         {ROLE_RECEIVER, "receive"},
        {ROLE_SINK, "deliver"},        {ROLE_PROBE, "probe"},
        {ROLE_TRANSFORM, "transform"}, {ROLE_CALL, "call"},
        {ROLE_CHECK, "check"},
    };
    cJSON *list = cJSON_CreateArray();

    for (size_t index = 0; index < sizeof(words) / sizeof(*words); index++)
        if (roles & words[index].bit)
            cn_json_append(list, cJSON_CreateString(words[index].word));
    return list;
}

cJSON *encode_instance(const struct instance_info *info)
{
    cJSON *object = cJSON_CreateObject();
    bool has_reason = info->reason && *info->reason;

    encode_put_text(object, "name", info->name);
    encode_put_text(object, "state", encode_instance_state(info->state));
    encode_put_text(object, "reason", has_reason ? info->reason : NULL);
    encode_put_text(object, "plugin", info->plugin_id);
    encode_put_text(object, "version", info->plugin_version);
    encode_put_text(object, "title", info->title);
    encode_put_text(object, "path", info->path);
    cn_json_put(object, "roles", encode_roles(info->roles));
    encode_put_number(object, "open", info->open_count);
    encode_put_number(object, "open_max", info->open_max);
    encode_put_number(object, "ended", (int64_t)info->ended_count);
    encode_put_number(object, "broken", (int64_t)info->broken_count);
    encode_put_number(object, "replaced", (int64_t)info->replaced_count);
    encode_put_number(object, "held_ms_max", (int64_t)info->held_ms_max);
    return object;
}
