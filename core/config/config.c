/* config.c - reads connect.json into an immutable struct.
 *
 * The form is held against a schema (config_form.c); here stands what a schema
 * cannot say: addresses, names of instances, what needs what.  Everything the
 * struct points to is owned by it: texts in one list, credentials in another
 * that is wiped.  Credentials of plugins stay references, since only their
 * manifests say which members are credentials.
 *
 * Called at start and on reload, on one thread; the struct is read on any. */
#include "config/config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "config/config_form.h"
#include "config/schema.h"
#include "config/secret.h"

enum {
    INSTANCES_MAX = 64,     /* each has a thread or shares one */
    INSTANCE_NAME_MAX = 32, /* stands in paths, logs and identities */
    DEPTH_MAX = 64,         /* of a value, as the reader allows */
    PATH_SECRET_MIN = 16,   /* characters: nobody shall guess it */
    PATH_SECRET_MAX = 128
};

struct text {
    struct text *next;
    char bytes[];
};

struct secret {
    struct secret *next;
    char *value;
};

/* What the caller gets is its first member. */
struct owner {
    struct config config;
    cJSON *value;           /* the file, defaults filled in */
    struct text *texts;     /* all texts made here */
    struct secret *secrets; /* wiped in the end */
    struct config_instance *instances;
};

struct reader {
    struct owner *owner;
    const char *name; /* of the file, without directory */
    char *text;       /* the file; owned */
    size_t len;
    struct error *err;
};

/* ---- Errors and ownership ----------------------------------------------- */

PRINTF_LIKE(3, 4)
static int refuse(struct reader *reader, const char *pointer,
                  const char *format, ...)
{
    char sentence[ERROR_TEXT_MAX - 300];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    error_set(reader->err, "%s:%u: %.250s: %s", reader->name,
              config_line(reader->text, reader->len, pointer), pointer,
              sentence);
    return -EINVAL;
}

static int refuse_memory(struct reader *reader)
{
    error_set(reader->err, "%s: memory ended", reader->name);
    return -ENOMEM;
}

/* A text that lives as long as the configuration, or NULL. */
PRINTF_LIKE(2, 3)
static const char *keep(struct reader *reader, const char *format, ...)
{
    struct text *text;
    va_list arguments;
    int len;

    va_start(arguments, format);
    len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    text = malloc(sizeof(*text) + (size_t)len + 1);
    if (!text)
        return NULL;
    va_start(arguments, format);
    vsnprintf(text->bytes, (size_t)len + 1, format, arguments);
    va_end(arguments);
    text->next = reader->owner->texts;
    reader->owner->texts = text;
    return text->bytes;
}

/* Reads a credential that lives as long as the configuration. */
static int keep_secret(struct reader *reader, const char *pointer,
                       const char *reference, const char **ret_value)
{
    struct error reason = {""};
    struct secret *secret = calloc(1, sizeof(*secret));
    int code;

    if (!secret)
        return refuse_memory(reader);
    code = secret_read(reference, &secret->value, &reason);
    if (code < 0) {
        free(secret);
        refuse(reader, pointer, "%s", reason.text);
        return code;
    }
    secret->next = reader->owner->secrets;
    reader->owner->secrets = secret;
    *ret_value = secret->value;
    return 0;
}

void config_destroy(struct config *config)
{
    struct owner *owner = (struct owner *)config;

    if (!owner)
        return;
    while (owner->texts) {
        struct text *next = owner->texts->next;

        free(owner->texts);
        owner->texts = next;
    }
    while (owner->secrets) {
        struct secret *next = owner->secrets->next;

        secret_free(owner->secrets->value);
        free(owner->secrets);
        owner->secrets = next;
    }
    for (size_t index = 0; index < config->instance_count; index++)
        free((void *)(uintptr_t)owner->instances[index].webhooks);
    free(owner->instances);
    cJSON_Delete(owner->value);
    free(owner);
}

/* ---- Paths -------------------------------------------------------------- */

/* The path at a pointer, absolute or below the file's directory; NULL stays. */
static int take_path(struct reader *reader, const char *pointer,
                     const char **ret_path)
{
    const cJSON *value = reader->owner->value;
    const char *path = cn_json_text_at(value, pointer, NULL);

    if (!path)
        return 0;
    *ret_path = path[0] == '/' ? path
                               : keep(reader, "%s/%s",
                                      reader->owner->config.directory, path);
    return *ret_path ? 0 : refuse_memory(reader);
}

static int absolute_reference(struct reader *reader, cJSON *value)
{
    char *text = value->valuestring;
    const char *made;
    char *copy;

    if (strncmp(text, "file:", 5) || text[5] == '/')
        return 0;
    made =
        keep(reader, "file:%s/%s", reader->owner->config.directory, text + 5);
    copy = made ? strdup(made) : NULL;
    if (!copy)
        return refuse_memory(reader);
    cJSON_free(value->valuestring);
    value->valuestring = copy;
    return 0;
}

/* Makes every reference "file:..." in the file absolute.  The depth is bounded
 * by the strict reader. */
static int absolute_references(struct reader *reader, cJSON *value,
                               unsigned depth)
{
    int code = 0;

    if (cJSON_IsString(value))
        return absolute_reference(reader, value);
    if (depth == DEPTH_MAX)
        return 0;
    CN_JSON_EACH(child, value)
    {
        code = absolute_references(reader, child, depth + 1);
        if (code < 0)
            break;
    }
    return code;
}

/* ---- Sections ----------------------------------------------------------- */

static int take_tls(struct reader *reader)
{
    struct config *config = &reader->owner->config;
    const char *key =
        cn_json_text_at(reader->owner->value, "/listen/tls/key", NULL);
    const char *unused = NULL;
    int code;

    if (!key)
        return 0;
    code =
        take_path(reader, "/listen/tls/certificate", &config->tls_certificate);
    if (code < 0)
        return code;
    if (strncmp(key, "file:", 5))
        return refuse(reader, "/listen/tls/key",
                      "must be a reference that begins with file:");
    /* Read once, for its checks: the server reads the file itself. */
    code = keep_secret(reader, "/listen/tls/key", key, &unused);
    if (code == 0)
        config->tls_key = key + 5;
    return code;
}

static int take_listen(struct reader *reader)
{
    struct config *config = &reader->owner->config;
    const cJSON *value = reader->owner->value;
    unsigned char binary[sizeof(struct in6_addr)];
    int64_t port = 0;
    int code;

    config->listen_address = cn_json_text_at(value, "/listen/address", NULL);
    if (inet_pton(AF_INET, config->listen_address, binary) != 1 &&
        inet_pton(AF_INET6, config->listen_address, binary) != 1)
        return refuse(reader, "/listen/address",
                      "must be an IPv4 or IPv6 address such as \"127.0.0.1\" "
                      "or \"::1\"");
    code = cn_json_int64(cn_json_pointer(value, "/listen/port"), &port);
    config->listen_port = (uint16_t)port;
    return code < 0 ? code : take_tls(reader);
}

static int take_public_address(struct reader *reader)
{
    const char *address =
        cn_json_text_at(reader->owner->value, "/public_address", NULL);
    size_t len = address ? strlen(address) : 0;

    if (!address)
        return 0;
    while (len > 0 && address[len - 1] == '/')
        len--;
    reader->owner->config.public_address =
        keep(reader, "%.*s", (int)len, address);
    return reader->owner->config.public_address ? 0 : refuse_memory(reader);
}

static int take_limits(struct reader *reader)
{
    struct config_limits *limits = &reader->owner->config.limits;
    const cJSON *value = cn_json_member(reader->owner->value, "limits");
    const struct {
        const char *name;
        uint32_t *number;
    } members[] = {
        {"webhook_bytes", &limits->webhook_bytes},
        {"connections", &limits->connections},
        {"runs_active", &limits->runs_active},
        {"attempts", &limits->attempts},
        {"retry_after_ms", &limits->retry_after_ms},
        {"operation_ms", &limits->operation_ms},
        {"stuck_ms", &limits->stuck_ms},
        {"drain_ms", &limits->drain_ms},
        {"jq_processes", &limits->jq_processes},
        {"jq_ms", &limits->jq_ms},
        {"jq_mib", &limits->jq_mib},
        {"event_days", &limits->event_days},
        {"run_days", &limits->run_days},
        {"audit_days", &limits->audit_days},
        {"quarantine_days", &limits->quarantine_days},
        {"database_mib", &limits->database_mib},
    };

    for (size_t index = 0; index < sizeof(members) / sizeof(members[0]);
         index++) {
        int64_t number = 0;
        int code =
            cn_json_int64(cn_json_member(value, members[index].name), &number);

        if (code < 0)
            return code;
        *members[index].number = (uint32_t)number;
    }
    return 0;
}

static int take_rest(struct reader *reader)
{
    struct config *config = &reader->owner->config;
    const cJSON *value = reader->owner->value;
    const struct {
        const char *pointer;
        const char **path;
    } paths[] = {
        {"/data", &config->data},
        {"/plugins", &config->plugins},
        {"/records", &config->records},
        {"/flows", &config->flows},
        {"/ca_file", &config->ca_file},
        {"/admin/socket", &config->admin_socket},
    };

    for (size_t index = 0; index < sizeof(paths) / sizeof(paths[0]); index++) {
        int code = take_path(reader, paths[index].pointer, paths[index].path);

        if (code < 0)
            return code;
    }
    config->admin_group = cn_json_text_at(value, "/admin/group", NULL);
    config->log_form = cn_json_text_at(value, "/log/form", "auto");
    return log_level_parse(cn_json_text_at(value, "/log/level", "info"),
                           &config->log_level);
}

/* ---- Instances ---------------------------------------------------------- */

static int check_name(struct reader *reader, const char *pointer,
                      const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    size_t len = strlen(name);

    if (len > 0 && len <= INSTANCE_NAME_MAX && name[0] >= 'a' &&
        name[0] <= 'z' && strspn(name, letters) == len)
        return 0;
    return refuse(reader, pointer,
                  "the name of an instance must be 1 to %d small letters, "
                  "digits, _ and -, and begin with a letter",
                  INSTANCE_NAME_MAX);
}

static int take_plugin(struct reader *reader, const char *pointer,
                       const char *path, const char **ret_path)
{
    const struct config *config = &reader->owner->config;
    size_t len = strlen(path);

    if (len <= 3 || strcmp(path + len - 3, ".so"))
        return refuse(reader, pointer,
                      "must be a shared object such as \"streak.so\"");
    if (path[0] == '/')
        *ret_path = path;
    else if (strchr(path, '/'))
        *ret_path = keep(reader, "%s/%s", config->directory, path);
    else
        *ret_path = keep(reader, "%s/%s", config->plugins, path);
    return *ret_path ? 0 : refuse_memory(reader);
}

/* It stands in a URL, so its letters are those that need no escape. */
static int take_path_secret(struct reader *reader, const char *pointer,
                            const cJSON *value, const char **ret_secret)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "abcdefghijklmnopqrstuvwxyz0123456789_-";
    const char *secret = NULL;
    size_t len;
    int code;

    if (!value)
        return 0;
    code = keep_secret(reader, pointer, value->valuestring, &secret);
    if (code < 0)
        return code;
    len = strlen(secret);
    if (len < PATH_SECRET_MIN || len > PATH_SECRET_MAX ||
        strspn(secret, letters) != len)
        return refuse(reader, pointer,
                      "the credential must be %d to %d letters, digits, _ and "
                      "-",
                      PATH_SECRET_MIN, PATH_SECRET_MAX);
    *ret_secret = secret;
    return 0;
}

static int check_webhooks(struct reader *reader, const char *pointer,
                          const struct config_instance *instance)
{
    if (instance->webhook_count > 0 && !instance->path_secret)
        return refuse(reader, pointer,
                      "needs \"path_secret\" beside it, the end of the address "
                      "that is called");
    if (instance->webhook_count > 0 && !reader->owner->config.public_address)
        return refuse(reader, pointer,
                      "needs \"public_address\" at the top level, the address "
                      "that is called");
    for (size_t one = 0; one < instance->webhook_count; one++) {
        for (size_t other = 0; other < one; other++) {
            const struct config_webhook *left = &instance->webhooks[one];
            const struct config_webhook *right = &instance->webhooks[other];

            if (!strcmp(left->event, right->event) &&
                !strcmp(left->scope, right->scope))
                return refuse(reader, pointer,
                              "elements %zu and %zu are the same", other, one);
        }
    }
    return 0;
}

static int take_webhooks(struct reader *reader, const cJSON *value,
                         struct config_instance *instance)
{
    struct config_webhook *webhooks;
    size_t count = 0;

    CN_JSON_EACH(item, value)
    count++;
    if (count == 0)
        return 0;
    webhooks = calloc(count, sizeof(*webhooks));
    if (!webhooks)
        return refuse_memory(reader);
    instance->webhooks = webhooks;
    CN_JSON_EACH(item, value)
    {
        struct config_webhook *webhook = &webhooks[instance->webhook_count++];

        webhook->event = cn_json_text_at(item, "/event", "");
        webhook->scope = cn_json_text_at(item, "/scope", "");
    }
    return 0;
}

/* The pointer of a member of an instance.  Its name may be a wrong one and need
 * escapes. */
static const char *place_of(struct reader *reader, const cJSON *value,
                            const char *member)
{
    char name[2 * INSTANCE_NAME_MAX + 8];
    const char *pointer;
    size_t len = 0;

    for (const char *at = value->string; *at && len + 3 < sizeof(name); at++) {
        if (*at == '~' || *at == '/') {
            name[len++] = '~';
            name[len++] = *at == '~' ? '0' : '1';
        } else {
            name[len++] = *at;
        }
    }
    name[len] = '\0';
    pointer = keep(reader, "/instances/%s%s", name, member);
    return pointer ? pointer : "/instances";
}

/* The form has checked the numbers; without a burst it is a second's worth. */
static int take_rate(const cJSON *value, struct config_rate *rate)
{
    int64_t per_second = 0, burst = 0;
    int code = 0;

    if (!value)
        return 0;
    code = cn_json_int64(cn_json_member(value, "per_second"), &per_second);
    if (code == 0)
        code = cn_json_int64(cn_json_member(value, "burst"), &burst);
    if (burst == 0)
        burst = per_second > 0 ? per_second : 1;
    *rate = (struct config_rate){true, (uint32_t)per_second, (uint32_t)burst};
    return code;
}

static int take_instance(struct reader *reader, const cJSON *value,
                         struct config_instance *instance)
{
    const char *pointer = place_of(reader, value, "");
    int64_t open_max = 0;
    int code = check_name(reader, pointer, value->string);

    if (code < 0)
        return code;
    instance->name = value->string;
    instance->sha256 = cn_json_text_at(value, "/sha256", NULL);
    instance->config = cn_json_member(value, "config");
    instance->place = keep(reader, "%s:%u", reader->name,
                           config_line(reader->text, reader->len, pointer));
    if (!instance->place)
        return refuse_memory(reader);
    code =
        take_plugin(reader, place_of(reader, value, "/plugin"),
                    cn_json_text_at(value, "/plugin", ""), &instance->plugin);
    if (code == 0)
        code = take_path_secret(reader, place_of(reader, value, "/path_secret"),
                                cn_json_member(value, "path_secret"),
                                &instance->path_secret);
    instance->path_secret_from = cn_json_text_at(value, "/path_secret", NULL);
    if (code == 0)
        code =
            take_webhooks(reader, cn_json_member(value, "webhooks"), instance);
    if (code == 0)
        code = check_webhooks(reader, place_of(reader, value, "/webhooks"),
                              instance);
    if (code == 0)
        code = cn_json_int64(cn_json_member(value, "open_max"), &open_max);
    instance->open_max = (uint32_t)open_max;
    if (code == 0)
        code = take_rate(cn_json_member(value, "rate"), &instance->rate);
    return code;
}

static int take_instances(struct reader *reader)
{
    struct owner *owner = reader->owner;
    const cJSON *value = cn_json_member(owner->value, "instances");
    size_t count = 0;

    CN_JSON_EACH(member, value)
    count++;
    if (count > INSTANCES_MAX)
        return refuse(reader, "/instances", "must have at most %d members",
                      INSTANCES_MAX);
    owner->instances = calloc(count ? count : 1, sizeof(*owner->instances));
    if (!owner->instances)
        return refuse_memory(reader);
    owner->config.instances = owner->instances;
    CN_JSON_EACH(member, value)
    {
        int code = take_instance(
            reader, member, &owner->instances[owner->config.instance_count++]);

        if (code < 0)
            return code;
    }
    return 0;
}

/* ---- The whole ---------------------------------------------------------- */

static int create_form(struct schema **ret_form, struct error *err)
{
    cJSON *value = NULL;
    int code = config_parse("config_form.c", config_form, strlen(config_form),
                            &value, err);

    if (code == 0)
        code = schema_create(value, ret_form, err);
    cJSON_Delete(value);
    return code;
}

static int take_directory(struct reader *reader, const char *path)
{
    struct config *config = &reader->owner->config;
    char *real = realpath(path, NULL);
    char *slash;

    if (!real) {
        int code = -errno;

        error_set(reader->err, "%s: %s", path, strerror(-code));
        return code;
    }
    config->path = keep(reader, "%s", real);
    slash = strrchr(real, '/');
    slash[slash == real] = '\0';
    config->directory = keep(reader, "%s", real);
    free(real);
    return config->path && config->directory ? 0 : refuse_memory(reader);
}

static int take_all(struct reader *reader)
{
    int code = absolute_references(reader, reader->owner->value, 0);

    if (code == 0)
        code = take_listen(reader);
    if (code == 0)
        code = take_public_address(reader);
    if (code == 0)
        code = take_limits(reader);
    if (code == 0)
        code = take_rest(reader);
    return code == 0 ? take_instances(reader) : code;
}

int config_read(const char *path, struct config **ret_config, struct error *err)
{
    const char *slash = strrchr(path, '/');
    struct reader reader = {.name = slash ? slash + 1 : path, .err = err};
    struct schema *form = NULL;
    int code = -ENOMEM;

    reader.owner = calloc(1, sizeof(*reader.owner));
    if (!reader.owner)
        return refuse_memory(&reader);
    code = take_directory(&reader, path);
    if (code == 0)
        code = create_form(&form, err);
    if (code == 0)
        code = config_load(path, form, &reader.text, &reader.len,
                           &reader.owner->value, err);
    if (code == 0) {
        schema_fill(form, reader.owner->value);
        code = take_all(&reader);
    }
    if (code == 0) {
        struct config *config = &reader.owner->config;
        fingerprint_file(config->path, config->file_hash);
        fingerprint_flows(config->flows, config->flows_hash);
    }
    schema_destroy(form);
    free(reader.text);
    if (code < 0) {
        config_destroy(&reader.owner->config);
        return code;
    }
    *ret_config = &reader.owner->config;
    return 0;
}
