/* record_type.c - reads the definitions of record types and keeps them.
 *
 * A definition is itself held against a schema, so that a mistake in one is
 * named like a mistake in any configuration.  The pointers to key, order and
 * person are followed through the type's own schema when it is loaded: a key
 * that some record might lack is a mistake of the definition, not of the
 * record.
 *
 * The table only grows.  Types are allocated one by one, so that a pointer to
 * one stays good; the lock guards the array alone.  Filled while configuration
 * and plugins are loaded, read on any thread. */
#include "config/record_type.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "config/config_text.h"

enum {
    TYPES_MAX = 512, /* shared ones and those of all plugins */
    PATH_MAX_BYTES = 4096
};

/* The form of a definition; settle_ms is limited to a day. */
static const char definition_text[] =
    "{\"type\":\"object\",\"additionalProperties\":false,"
    "\"required\":[\"type\",\"key\",\"repeat\",\"existing\",\"schema\"],"
    "\"properties\":{"
    "\"type\":{\"type\":\"string\",\"format\":\"type\"},"
    "\"title\":{\"type\":\"string\",\"maxLength\":200},"
    "\"key\":{\"type\":\"string\",\"format\":\"json-pointer\","
    "\"minLength\":2,\"maxLength\":200},"
    "\"order_by\":{\"type\":\"string\",\"format\":\"json-pointer\","
    "\"minLength\":2,\"maxLength\":200},"
    "\"person\":{\"type\":\"string\",\"format\":\"json-pointer\","
    "\"minLength\":2,\"maxLength\":200},"
    "\"repeat\":{\"enum\":[\"safe\",\"probe\",\"never\"]},"
    "\"existing\":{\"enum\":[\"adopt\",\"send\"]},"
    "\"settle_ms\":{\"type\":\"integer\",\"minimum\":0,"
    "\"maximum\":86400000,\"default\":60000},"
    "\"schema\":{\"type\":\"object\"}}}";

struct record_types {
    pthread_rwlock_t lock;     /* guards the two below */
    struct record_type **list; /* owned, room for TYPES_MAX */
    size_t count;
};

/* Types that are not in the table yet, so that a failure adds none. */
struct batch {
    struct record_type *list[TYPES_MAX]; /* owned until merged */
    size_t count;
    const struct record_types *types; /* what is known */
    struct schema *definition;        /* owned */
};

struct record_types *record_types_create(void)
{
    struct record_types *types = calloc(1, sizeof(*types));

    if (!types)
        return NULL;
    types->list = calloc(TYPES_MAX, sizeof(struct record_type *));
    if (!types->list || pthread_rwlock_init(&types->lock, NULL)) {
        free(types->list);
        free(types);
        return NULL;
    }
    return types;
}

/* The members are const for readers; here is where they were made. */
static void free_const(const void *ptr)
{
    union {
        const void *in;
        void *out;
    } cast = {.in = ptr};

    free(cast.out);
}

static void type_destroy(struct record_type *type)
{
    union {
        const struct schema *in;
        struct schema *out;
    } cast = {.in = NULL};

    if (!type)
        return;
    cast.in = type->schema;
    schema_destroy(cast.out);
    free_const(type->name);
    free_const(type->title);
    free_const(type->key_pointer);
    free_const(type->order_pointer);
    free_const(type->person_pointer);
    free(type);
}

void record_types_destroy(struct record_types *types)
{
    if (!types)
        return;
    for (size_t index = 0; index < types->count; index++)
        type_destroy(types->list[index]);
    free(types->list);
    pthread_rwlock_destroy(&types->lock);
    free(types);
}

/* ---- One definition ----------------------------------------------------- */

static char *copy_text_at(const cJSON *value, const char *pointer,
                          const char *fallback)
{
    const char *text = cn_json_text_at(value, pointer, fallback);

    return text ? strdup(text) : NULL;
}

/* The minimum length is asked of the schema by checking an empty text. */
static int check_pointer(const struct schema *schema, const char *member,
                         const char *pointer, bool needs_always,
                         struct error *err)
{
    const struct schema *found = NULL;
    bool always = false;
    cJSON *empty;
    int code;

    if (schema_at(schema, pointer, &found, &always) < 0 || !found ||
        !schema_is_text(found)) {
        error_set(err, "/%s: must point to a text of the schema, not to %s",
                  member, pointer);
        return -EINVAL;
    }
    if (!needs_always)
        return 0;
    if (!always) {
        error_set(err,
                  "/%s: must point to a text that the schema requires, %s is "
                  "not",
                  member, pointer);
        return -EINVAL;
    }
    empty = cJSON_CreateString("");
    code = empty ? schema_check(found, empty, NULL) : -ENOMEM;
    cJSON_Delete(empty);
    if (code == 0) {
        error_set(err,
                  "/%s: must point to a text that cannot be empty (minLength "
                  "1), %s can",
                  member, pointer);
        return -EINVAL;
    }
    return code == -ENOMEM ? code : 0;
}

static int check_pointers(const struct record_type *type, struct error *err)
{
    int code = check_pointer(type->schema, "key", type->key_pointer, true, err);

    if (code == 0)
        code = check_pointer(type->schema, "order_by", type->order_pointer,
                             true, err);
    if (code == 0 && type->person_pointer)
        code = check_pointer(type->schema, "person", type->person_pointer,
                             false, err);
    return code;
}

static enum record_repeat parse_repeat(const char *word)
{
    if (!strcmp(word, "safe"))
        return REPEAT_SAFE;
    return strcmp(word, "probe") ? REPEAT_NEVER : REPEAT_PROBE;
}

static int type_read(struct record_type *type, const cJSON *value,
                     struct error *err)
{
    const char *key = cn_json_text_at(value, "/key", "");
    struct schema *schema = NULL;
    int code;

    type->name = copy_text_at(value, "/type", NULL);
    type->title = copy_text_at(value, "/title", type->name);
    type->key_pointer = strdup(key);
    type->order_pointer = copy_text_at(value, "/order_by", key);
    type->person_pointer = copy_text_at(value, "/person", NULL);
    if (!type->name || !type->title || !type->key_pointer ||
        !type->order_pointer ||
        (cn_json_member(value, "person") && !type->person_pointer)) {
        error_set(err, "memory ended");
        return -ENOMEM;
    }
    type->repeat = parse_repeat(cn_json_text_at(value, "/repeat", ""));
    type->existing = strcmp(cn_json_text_at(value, "/existing", ""), "adopt")
                         ? EXISTING_SEND
                         : EXISTING_ADOPT;
    code = cn_json_int64(cn_json_member(value, "settle_ms"), &type->settle_ms);
    if (code < 0)
        return code;
    code = schema_create(cn_json_member(value, "schema"), &schema, err);
    if (code < 0)
        return code;
    type->schema = schema;
    return check_pointers(type, err);
}

static bool equal_texts(const char *one, const char *other)
{
    if (!one || !other)
        return one == other;
    return !strcmp(one, other);
}

/* Titles are for people and may differ. */
static bool type_equal(const struct record_type *one,
                       const struct record_type *other)
{
    return !strcmp(one->key_pointer, other->key_pointer) &&
           !strcmp(one->order_pointer, other->order_pointer) &&
           equal_texts(one->person_pointer, other->person_pointer) &&
           one->repeat == other->repeat && one->existing == other->existing &&
           one->settle_ms == other->settle_ms &&
           schema_equal(one->schema, other->schema);
}

/* ---- The table ---------------------------------------------------------- */

static int batch_init(struct batch *batch, const struct record_types *types,
                      struct error *err)
{
    cJSON *value = NULL;
    int code = config_parse("record_type.c", definition_text,
                            sizeof(definition_text) - 1, &value, err);

    batch->types = types;
    if (code == 0)
        code = schema_create(value, &batch->definition, err);
    cJSON_Delete(value);
    return code;
}

static void batch_done(struct batch *batch)
{
    for (size_t index = 0; index < batch->count; index++)
        type_destroy(batch->list[index]);
    schema_destroy(batch->definition);
}

static const struct record_type *batch_find(const struct batch *batch,
                                            const char *name)
{
    for (size_t index = 0; index < batch->count; index++) {
        if (!strcmp(batch->list[index]->name, name))
            return batch->list[index];
    }
    return record_types_find(batch->types, name);
}

/* Takes the type over in any case. */
static int batch_add(struct batch *batch, struct record_type *type,
                     struct error *err)
{
    const struct record_type *known = batch_find(batch, type->name);
    int code = 0;

    if (!known && batch->count < TYPES_MAX) {
        batch->list[batch->count++] = type;
        return 0;
    }
    if (!known) {
        error_set(err, "there must be at most %d record types", TYPES_MAX);
        code = -E2BIG;
    } else if (!type_equal(known, type)) {
        error_set(err,
                  "/type: \"%s\" is defined already, and not like this; give "
                  "it another revision",
                  type->name);
        code = -EEXIST;
    }
    type_destroy(type);
    return code;
}

/* value has kept to the definition's schema. */
static int batch_read(struct batch *batch, cJSON *value, struct error *err)
{
    struct record_type *type = calloc(1, sizeof(*type));
    int code;

    if (!type) {
        error_set(err, "memory ended");
        return -ENOMEM;
    }
    schema_fill(batch->definition, value);
    code = type_read(type, value, err);
    if (code < 0) {
        type_destroy(type);
        return code;
    }
    return batch_add(batch, type, err);
}

static int batch_merge(struct batch *batch, struct record_types *types,
                       struct error *err)
{
    int code = 0;

    pthread_rwlock_wrlock(&types->lock);
    if (types->count + batch->count > TYPES_MAX) {
        error_set(err, "there must be at most %d record types", TYPES_MAX);
        code = -E2BIG;
    } else {
        memcpy(types->list + types->count, batch->list,
               batch->count * sizeof(batch->list[0]));
        types->count += batch->count;
        batch->count = 0;
    }
    pthread_rwlock_unlock(&types->lock);
    return code;
}

const struct record_type *record_types_find(const struct record_types *types,
                                            const char *name)
{
    const struct record_type *found = NULL;

    for (size_t index = 0; !found; index++) {
        const struct record_type *type = record_types_at(types, index);

        if (!type)
            break;
        if (!strcmp(type->name, name))
            found = type;
    }
    return found;
}

const struct record_type *record_types_at(const struct record_types *types,
                                          size_t index)
{
    /* The lock is no part of what is const. */
    union {
        const pthread_rwlock_t *in;
        pthread_rwlock_t *out;
    } lock = {.in = &types->lock};
    const struct record_type *type = NULL;

    pthread_rwlock_rdlock(lock.out);
    if (index < types->count)
        type = types->list[index];
    pthread_rwlock_unlock(lock.out);
    return type;
}

/* ---- Files -------------------------------------------------------------- */

/* "sales_order/1" lives in sales_order.1.json, so that it is found by name. */
static int check_file_name(const char *file, const cJSON *value,
                           struct error *err)
{
    const char *type = cn_json_text_at(value, "/type", "");
    const char *slash = strchr(type, '/');
    char expected[256];

    snprintf(expected, sizeof(expected), "%.*s.%s.json", (int)(slash - type),
             type, slash + 1);
    if (!strcmp(file, expected))
        return 0;
    error_set(err, "/type: \"%s\" must be in a file named %s", type, expected);
    return -EINVAL;
}

/* The line of what a sentence that begins with a JSON Pointer is about; one
 * about the schema begins with "schema" and a pointer inside it. */
static unsigned line_of(const char *text, size_t len, const char *sentence)
{
    char pointer[ERROR_TEXT_MAX + 8];
    bool in_schema = !strncmp(sentence, "schema ", 7);
    const char *start = in_schema ? sentence + 7 : sentence;
    size_t pointer_len = start[0] == '/' ? strcspn(start, ":") : 0;

    snprintf(pointer, sizeof(pointer), "%s%.*s", in_schema ? "/schema" : "",
             (int)pointer_len, start);
    return config_line(text, len, pointer);
}

static int load_file(struct batch *batch, const char *directory,
                     const char *file, struct error *err)
{
    struct error reason = {""};
    char path[PATH_MAX_BYTES];
    cJSON *value = NULL;
    char *text = NULL;
    size_t len = 0;
    int code;

    if (snprintf(path, sizeof(path), "%s/%s", directory, file) >=
        (int)sizeof(path)) {
        error_set(err, "%s: the path is too long", file);
        return -ENAMETOOLONG;
    }
    code = config_load(path, batch->definition, &text, &len, &value, err);
    if (code < 0)
        return code;
    code = check_file_name(file, value, &reason);
    if (code == 0)
        code = batch_read(batch, value, &reason);
    if (code < 0)
        error_set(err, "%s:%u: %.900s", file, line_of(text, len, reason.text),
                  reason.text);
    cJSON_Delete(value);
    free(text);
    return code;
}

static int is_definition(const struct dirent *entry)
{
    size_t len = strlen(entry->d_name);

    return entry->d_name[0] != '.' && len > 5 &&
           !strcmp(entry->d_name + len - 5, ".json");
}

int record_types_load(struct record_types *types, const char *directory,
                      struct error *err)
{
    struct batch batch = {.count = 0};
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, is_definition, alphasort);
    int code = 0;

    if (count < 0) {
        code = -errno;
        error_set(err, "%s: %s", directory, strerror(-code));
        return code;
    }
    code = batch_init(&batch, types, err);
    for (int index = 0; index < count; index++) {
        if (code == 0)
            code = load_file(&batch, directory, entries[index]->d_name, err);
        free(entries[index]);
    }
    free(entries);
    if (code == 0)
        code = batch_merge(&batch, types, err);
    batch_done(&batch);
    return code;
}

/* ---- Plugins ------------------------------------------------------------ */

static bool in_name_space(const char *plugin_id, const char *type)
{
    const char *dot = strchr(plugin_id, '.');
    const char *space = dot ? dot + 1 : plugin_id;
    size_t type_len = strcspn(type, "/");
    size_t len = 0;

    /* Whole words from the left of the id that are followed by a dot in the
     * type: one turn a word. */
    while (space[len]) {
        len += strcspn(space + len, ".");
        if (len < type_len && !strncmp(space, type, len) && type[len] == '.')
            return true;
        if (space[len] == '.')
            len++;
    }
    return false;
}

static int add_record(struct batch *batch, const char *plugin_id, size_t index,
                      cJSON *record, struct error *err)
{
    struct error reason = {""};
    struct schema_fault fault;
    const char *type;
    int code = schema_check(batch->definition, record, &fault);

    if (code < 0) {
        error_set(err, "/records/%zu: %.900s", index, fault.message);
        return code;
    }
    type = cn_json_text_at(record, "/type", "");
    if (!in_name_space(plugin_id, type)) {
        error_set(err,
                  "/records/%zu/type: the plugin %s must not define \"%s\", "
                  "which is outside its name space",
                  index, plugin_id, type);
        return -EPERM;
    }
    code = batch_read(batch, record, &reason);
    if (code < 0)
        error_set(err, "/records/%zu (%s): %.900s", index, type, reason.text);
    return code;
}

int record_types_add(struct record_types *types, const char *plugin_id,
                     const cJSON *records, struct error *err)
{
    struct batch batch = {.count = 0};
    cJSON *copy = NULL;
    size_t index = 0;
    int code;

    if (!records)
        return 0;
    if (!cJSON_IsArray(records)) {
        error_set(err, "/records: must be an array");
        return -EINVAL;
    }
    code = batch_init(&batch, types, err);
    if (code < 0)
        return code;
    copy = cJSON_Duplicate(records, 1); /* defaults are filled in */
    if (!copy) {
        error_set(err, "memory ended");
        code = -ENOMEM;
    }
    CN_JSON_EACH(record, copy)
    {
        if (code == 0)
            code = add_record(&batch, plugin_id, index++, record, err);
    }
    if (code == 0)
        code = batch_merge(&batch, types, err);
    cJSON_Delete(copy);
    batch_done(&batch);
    return code;
}
