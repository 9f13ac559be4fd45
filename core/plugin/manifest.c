/* manifest.c - reads manifests.
 *
 * Its one idea: everything a runner needs to check what a plugin says (schemas
 * of records and answers) is looked up here once, on the main thread, so that
 * no runner ever reads the table of record types while another plugin adds to
 * it. */
#include "plugin/manifest.h"

#include <connect/json.h>
#include <connect/plugin.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum {
    TYPES_MAX = 256,   /* real plugins have fewer than ten; a list to search */
    STREAMS_MAX = 64,  /* each is polled on its own */
    ACTIONS_MAX = 256, /* real plugins have fewer than fifty */
    MANIFEST_BYTES_MAX = 1024 * 1024,
    INTERVAL_DEFAULT_MS = 60 * 1000,
    RATE_MAX = 10000 /* as in the configuration */
};

static const char *const members[] = {
    "title",   "config",      "records", "takes", "emits", "streams",
    "actions", "repeat_safe", "network", "rate",  NULL};
static const char *const rate_members[] = {"per_second", "burst", NULL};
static const char *const stream_members[] = {"name", "interval_ms",
                                             "overlap_ms", NULL};
static const char *const action_members[] = {"title", "request", "response",
                                             NULL};

static int check_members(const cJSON *object, const char *place,
                         const char *const *known, struct error *err)
{
    if (!cJSON_IsObject(object)) {
        error_set(err, "manifest: %s must be an object", place);
        return -EINVAL;
    }
    CN_JSON_EACH(member, object)
    {
        size_t index = 0;
        while (known[index] && strcmp(known[index], member->string) != 0)
            index++;
        if (!known[index]) {
            error_set(err, "manifest: %s has \"%.64s\", which is not known",
                      place, member->string);
            return -EINVAL;
        }
    }
    return 0;
}

static bool name_valid(const char *name)
{
    return name && *name && strlen(name) <= CN_NAME_MAX;
}

static struct manifest_type *type_get(struct manifest *manifest,
                                      const char *name)
{
    struct manifest_type *type;

    for (size_t index = 0; index < manifest->type_count; index++) {
        if (!strcmp(manifest->types[index].name, name))
            return &manifest->types[index];
    }
    if (manifest->type_count == TYPES_MAX)
        return NULL;
    type = &manifest->types[manifest->type_count++];
    type->name = memory_text(name);
    return type;
}

enum list { LIST_TAKES, LIST_EMITS, LIST_SAFE };

static int read_types(struct manifest *manifest, const cJSON *root,
                      const char *member, enum list list,
                      const struct record_types *types, struct error *err)
{
    const cJSON *array = cn_json_member(root, member);

    if (array && !cJSON_IsArray(array)) {
        error_set(err, "manifest: /%s must be an array of record types",
                  member);
        return -EINVAL;
    }
    CN_JSON_EACH(item, array)
    {
        const char *name = cJSON_IsString(item) ? item->valuestring : NULL;
        const struct record_type *known =
            name ? record_types_find(types, name) : NULL;
        struct manifest_type *type = known ? type_get(manifest, name) : NULL;
        if (!type) {
            error_set(err,
                      "manifest: /%s names \"%.64s\", which is no known record "
                      "type",
                      member, name ? name : "");
            return -EINVAL;
        }
        type->schema = known->schema;
        type->takes |= list == LIST_TAKES;
        type->emits |= list == LIST_EMITS;
        type->repeat_safe |= list == LIST_SAFE;
    }
    return 0;
}

static int read_rate(struct manifest *manifest, const cJSON *root,
                     struct error *err)
{
    const cJSON *rate = cn_json_member(root, "rate");
    const cJSON *given = cn_json_member(rate, "burst");
    int64_t per_second = -1, burst = 0;
    int status;

    manifest->rate_burst = 1;
    if (!rate)
        return 0;
    status = check_members(rate, "/rate", rate_members, err);
    if (status)
        return status;
    if (cn_json_int64(cn_json_member(rate, "per_second"), &per_second) ||
        per_second < 0 || per_second > RATE_MAX ||
        (given && (cn_json_int64(given, &burst) || burst < 0)) ||
        burst > RATE_MAX) {
        error_set(err,
                  "manifest: /rate needs per_second, and may have burst, "
                  "whole numbers from 0 to %d",
                  RATE_MAX);
        return -EINVAL;
    }
    manifest->rate_per_second = (uint32_t)per_second;
    if (burst)
        manifest->rate_burst = (uint32_t)burst;
    else if (per_second)
        manifest->rate_burst = (uint32_t)per_second;
    return 0;
}

static int read_streams(struct manifest *manifest, const cJSON *root,
                        struct error *err)
{
    const cJSON *array = cn_json_member(root, "streams");

    if (array && !cJSON_IsArray(array)) {
        error_set(err, "manifest: /streams must be an array");
        return -EINVAL;
    }
    CN_JSON_EACH(item, array)
    {
        const cJSON *name = cn_json_member(item, "name");
        const cJSON *interval = cn_json_member(item, "interval_ms");
        const cJSON *overlap = cn_json_member(item, "overlap_ms");
        int64_t interval_ms = INTERVAL_DEFAULT_MS, overlap_ms = 0;
        int status = check_members(item, "/streams", stream_members, err);
        if (status)
            return status;
        if (!cJSON_IsString(name) || !name_valid(name->valuestring) ||
            manifest_stream(manifest, name->valuestring) ||
            manifest->stream_count == STREAMS_MAX ||
            (interval &&
             (cn_json_int64(interval, &interval_ms) || interval_ms < 0)) ||
            (overlap &&
             (cn_json_int64(overlap, &overlap_ms) || overlap_ms < 0))) {
            error_set(err, "manifest: /streams: each needs a name of its own; "
                           "interval_ms and overlap_ms are numbers of "
                           "milliseconds");
            return -EINVAL;
        }
        manifest->streams[manifest->stream_count++] = (struct manifest_stream){
            memory_text(name->valuestring), (uint64_t)interval_ms,
            (uint64_t)overlap_ms};
    }
    return 0;
}

/* A schema, or the name of a record type where a schema has the name of a JSON
 * type: {"type": "deal/1"}. */
static int read_schema(const cJSON *value, const struct record_types *types,
                       struct schema **ret_owned,
                       const struct schema **ret_schema, struct error *err)
{
    const cJSON *type = cn_json_member(value, "type");
    int status;

    if (!value)
        return 0;
    if (cJSON_IsString(type) && strchr(type->valuestring, '/')) {
        const struct record_type *known =
            record_types_find(types, type->valuestring);
        if (!known) {
            error_set(err, "\"%.64s\" is no known record type",
                      type->valuestring);
            return -EINVAL;
        }
        *ret_schema = known->schema;
        return 0;
    }
    status = schema_create(value, ret_owned, err);
    if (!status)
        *ret_schema = *ret_owned;
    return status;
}

static int read_action(struct manifest *manifest, const cJSON *item,
                       const struct record_types *types, struct error *err)
{
    struct manifest_action *action;
    struct error detail = {""};
    int status = check_members(item, "/actions", action_members, err);

    if (status)
        return status;
    if (!name_valid(item->string) || manifest->action_count == ACTIONS_MAX) {
        error_set(err,
                  "manifest: /actions: a name is too long, or there are "
                  "more than %d",
                  ACTIONS_MAX);
        return -EINVAL;
    }
    action = &manifest->actions[manifest->action_count++];
    action->name = memory_text(item->string);
    status = read_schema(cn_json_member(item, "request"), types,
                         &action->request_owned, &action->request, &detail);
    if (!status)
        status =
            read_schema(cn_json_member(item, "response"), types,
                        &action->response_owned, &action->response, &detail);
    if (status)
        error_set(err, "manifest: /actions/%s: %s", action->name, detail.text);
    return status;
}

static int read_actions(struct manifest *manifest, const cJSON *root,
                        const struct record_types *types, struct error *err)
{
    const cJSON *object = cn_json_member(root, "actions");

    if (object && !cJSON_IsObject(object)) {
        error_set(err, "manifest: /actions must be an object");
        return -EINVAL;
    }
    CN_JSON_EACH(item, object)
    {
        int status = read_action(manifest, item, types, err);
        if (status)
            return status;
    }
    return 0;
}

/* The schema of the configuration.  Unknown members of a configuration are
 * errors unless the plugin says otherwise. */
static int read_config(struct manifest *manifest, const cJSON *root,
                       struct error *err)
{
    const cJSON *value = cn_json_member(root, "config");
    struct error detail = {""};
    cJSON *copy = value ? cJSON_Duplicate(value, true) : cJSON_CreateObject();
    int status = 0;

    if (!copy || !cJSON_IsObject(copy)) {
        error_set(err, "manifest: /config must be a schema");
        cJSON_Delete(copy);
        return -EINVAL;
    }
    if (!cn_json_member(copy, "type"))
        status = cn_json_put_text(copy, "type", "object");
    if (!status && !cn_json_member(copy, "additionalProperties"))
        status = cn_json_put(copy, "additionalProperties", cJSON_CreateFalse());
    if (!status)
        status = schema_create(copy, &manifest->config, &detail);
    if (status)
        error_set(err, "manifest: /config: %s", detail.text);
    cJSON_Delete(copy);
    return status;
}

static int read_texts(struct manifest *manifest, const cJSON *root,
                      struct error *err)
{
    const cJSON *title = cn_json_member(root, "title");
    const cJSON *network = cn_json_member(root, "network");

    if (title && !cJSON_IsString(title)) {
        error_set(err, "manifest: /title must be a text");
        return -EINVAL;
    }
    if (network && (!cJSON_IsString(network) ||
                    strcmp(network->valuestring, "host") != 0)) {
        error_set(err, "manifest: /network must be \"host\" or absent");
        return -EINVAL;
    }
    manifest->title = memory_text(title ? title->valuestring : "");
    manifest->network_host = network != NULL;
    return 0;
}

static int manifest_fill(struct manifest *manifest, const char *plugin_id,
                         const cJSON *root, struct record_types *types,
                         struct error *err)
{
    const cJSON *records = cn_json_member(root, "records");
    int status = check_members(root, "it", members, err);

    if (!status)
        status = read_texts(manifest, root, err);
    if (!status)
        status = read_config(manifest, root, err);
    if (!status && records)
        status = record_types_add(types, plugin_id, records, err);
    if (!status)
        status = read_types(manifest, root, "takes", LIST_TAKES, types, err);
    if (!status)
        status = read_types(manifest, root, "emits", LIST_EMITS, types, err);
    if (!status)
        status =
            read_types(manifest, root, "repeat_safe", LIST_SAFE, types, err);
    if (!status)
        status = read_streams(manifest, root, err);
    if (!status)
        status = read_rate(manifest, root, err);
    if (!status)
        status = read_actions(manifest, root, types, err);
    return status;
}

int manifest_create(const char *plugin_id, const char *text,
                    struct record_types *types, struct manifest **ret_manifest,
                    struct error *err)
{
    struct manifest *manifest = NULL;
    cJSON *root = NULL;
    cn_json_error fault;
    cn_json_limits limits = {.bytes_max = MANIFEST_BYTES_MAX};
    int status =
        cn_json_read((cn_str){text, strlen(text)}, &limits, &root, &fault);

    if (status) {
        error_set(err, "manifest: line %zu: %s", fault.line, fault.sentence);
        return status;
    }
    manifest = memory_zero(1, sizeof(*manifest));
    manifest->types = memory_zero(TYPES_MAX, sizeof(*manifest->types));
    manifest->streams = memory_zero(STREAMS_MAX, sizeof(*manifest->streams));
    manifest->actions = memory_zero(ACTIONS_MAX, sizeof(*manifest->actions));
    status = manifest_fill(manifest, plugin_id, root, types, err);
    if (!status) {
        *ret_manifest = manifest;
        manifest = NULL;
    }
    manifest_destroy(manifest);
    cJSON_Delete(root);
    return status;
}

void manifest_destroy(struct manifest *manifest)
{
    if (!manifest)
        return;
    for (size_t index = 0; index < manifest->type_count; index++)
        free(manifest->types[index].name);
    for (size_t index = 0; index < manifest->stream_count; index++)
        free(manifest->streams[index].name);
    for (size_t index = 0; index < manifest->action_count; index++) {
        free(manifest->actions[index].name);
        schema_destroy(manifest->actions[index].request_owned);
        schema_destroy(manifest->actions[index].response_owned);
    }
    free(manifest->types);
    free(manifest->streams);
    free(manifest->actions);
    free(manifest->title);
    schema_destroy(manifest->config);
    free(manifest);
}

const struct manifest_type *manifest_type(const struct manifest *manifest,
                                          const char *name)
{
    for (size_t index = 0; name && index < manifest->type_count; index++) {
        if (!strcmp(manifest->types[index].name, name))
            return &manifest->types[index];
    }
    return NULL;
}

const struct manifest_action *manifest_action(const struct manifest *manifest,
                                              const char *name)
{
    for (size_t index = 0; name && index < manifest->action_count; index++) {
        if (!strcmp(manifest->actions[index].name, name))
            return &manifest->actions[index];
    }
    return NULL;
}

const struct manifest_stream *manifest_stream(const struct manifest *manifest,
                                              const char *name)
{
    for (size_t index = 0; name && index < manifest->stream_count; index++) {
        if (!strcmp(manifest->streams[index].name, name))
            return &manifest->streams[index];
    }
    return NULL;
}

bool manifest_secret(const struct manifest *manifest, const char *name,
                     size_t len)
{
    const char *known;

    for (size_t index = 0;
         (known = schema_secret_name(manifest->config, index)); index++) {
        if (strlen(known) == len && !memcmp(known, name, len))
            return true;
    }
    return false;
}
