/* schema.c - compiles a JSON Schema of our subset into a tree of nodes.
 *
 * One table names every keyword, the kinds of values it speaks about and the
 * function that reads it; what is not in the table is refused, and so is a
 * keyword that has no meaning for the node's type: a rule nobody checks would
 * be worse than none.  A node without a type gets the one its keywords speak
 * about.
 *
 * Called while configuration and plugins are loaded, on one thread; the result
 * never changes. */
#include "config/schema.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "config/nearest.h"
#include "config/schema_node.h"
#include "config/schema_pattern.h"

enum {
    DEPTH_MAX = 32,        /* nodes inside each other: bounds all recursion */
    NODES_MAX = 4096,      /* in one schema: a manifest, not a data base */
    PROPERTIES_MAX = 1024, /* of one object; also bits of a check */
    PATH_MAX_BYTES = 512,
    NUMBER_MAX = 1000000000 /* of counts and lengths */
};

struct compiler {
    struct error *err;
    char path[PATH_MAX_BYTES]; /* JSON Pointer of the node being read */
    size_t path_len;
    size_t depth, nodes;
};

struct keyword {
    const char *name;
    unsigned kinds; /* what it speaks about; 0: any value */
    int (*read)(struct compiler *, struct schema *, const cJSON *);
};

static const char *const kind_words[KIND_COUNT] = {
    "null", "boolean", "integer", "number", "string", "array", "object"};

static int compile(struct compiler *compiler, const cJSON *value,
                   struct schema **ret_schema);

PRINTF_LIKE(2, 3)
static int refuse(struct compiler *compiler, const char *format, ...)
{
    char sentence[ERROR_TEXT_MAX];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    error_set(compiler->err, "schema %s: %s",
              compiler->path_len ? compiler->path : "top level", sentence);
    return -EINVAL;
}

static int refuse_memory(struct compiler *compiler)
{
    error_set(compiler->err, "schema: memory ended");
    return -ENOMEM;
}

/* Goes one step down and returns the length to come back to. */
static size_t path_enter(struct compiler *compiler, const char *name)
{
    size_t before = compiler->path_len;
    size_t at = before;

    if (at + 1 < PATH_MAX_BYTES)
        compiler->path[at++] = '/';
    for (; *name && at + 3 < PATH_MAX_BYTES; name++) {
        if (*name == '~' || *name == '/') {
            compiler->path[at++] = '~';
            compiler->path[at++] = *name == '~' ? '0' : '1';
        } else {
            compiler->path[at++] = *name;
        }
    }
    compiler->path[at] = '\0';
    compiler->path_len = at;
    return before;
}

static void path_leave(struct compiler *compiler, size_t before)
{
    compiler->path_len = before;
    compiler->path[before] = '\0';
}

unsigned schema_kind(const cJSON *value)
{
    if (cn_json_is_number(value))
        return cn_json_is_integer(value) ? KIND_INTEGER | KIND_NUMBER
                                         : KIND_NUMBER;
    if (cJSON_IsString(value))
        return KIND_STRING;
    if (cJSON_IsObject(value))
        return KIND_OBJECT;
    if (cJSON_IsArray(value))
        return KIND_ARRAY;
    if (cJSON_IsBool(value))
        return KIND_BOOLEAN;
    return cJSON_IsNull(value) ? KIND_NULL : 0;
}

const struct schema_property *schema_property_find(const struct schema *schema,
                                                   const char *name,
                                                   size_t *ret_index)
{
    size_t low = 0, high = schema->property_count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, schema->properties[middle].name);

        if (order == 0) {
            if (ret_index)
                *ret_index = middle;
            return &schema->properties[middle];
        }
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

/* ---- The keywords ------------------------------------------------------- */

static int read_kind(struct compiler *compiler, struct schema *schema,
                     const cJSON *word)
{
    for (unsigned index = 0; index < KIND_COUNT; index++) {
        if (cJSON_IsString(word) &&
            !strcmp(word->valuestring, kind_words[index])) {
            schema->kinds |= 1U << index;
            if (schema->kinds & KIND_NUMBER)
                schema->kinds |= KIND_INTEGER;
            return 0;
        }
    }
    return refuse(compiler, "must be \"null\", \"boolean\", \"integer\", "
                            "\"number\", \"string\", \"array\" or \"object\"");
}

static int read_type(struct compiler *compiler, struct schema *schema,
                     const cJSON *value)
{
    int code = 0;

    if (!cJSON_IsArray(value))
        return read_kind(compiler, schema, value);
    if (!value->child)
        return refuse(compiler, "must name at least one type");
    CN_JSON_EACH(word, value)
    {
        code = read_kind(compiler, schema, word);
        if (code < 0)
            break;
    }
    return code;
}

static int compare_properties(const void *one, const void *other)
{
    const struct schema_property *left = one, *right = other;

    return strcmp(left->name, right->name);
}

static int read_property(struct compiler *compiler,
                         struct schema_property *property, const cJSON *value)
{
    size_t before = path_enter(compiler, value->string);
    int code;

    property->name = strdup(value->string);
    code = property->name ? compile(compiler, value, &property->schema)
                          : refuse_memory(compiler);
    path_leave(compiler, before);
    return code;
}

static int read_properties(struct compiler *compiler, struct schema *schema,
                           const cJSON *value)
{
    size_t count = 0;

    if (!cJSON_IsObject(value))
        return refuse(compiler, "must be an object");
    CN_JSON_EACH(member, value)
    count++;
    if (count > PROPERTIES_MAX)
        return refuse(compiler, "must have at most %d members", PROPERTIES_MAX);
    schema->properties = calloc(count ? count : 1, sizeof(*schema->properties));
    if (!schema->properties)
        return refuse_memory(compiler);
    CN_JSON_EACH(member, value)
    {
        int code = read_property(
            compiler, &schema->properties[schema->property_count++], member);

        if (code < 0)
            return code;
    }
    qsort(schema->properties, count, sizeof(*schema->properties),
          compare_properties);
    return 0;
}

/* Reads after all others, when the properties are known. */
static int read_required(struct compiler *compiler, struct schema *schema,
                         const cJSON *value)
{
    if (!cJSON_IsArray(value))
        return refuse(compiler, "must be an array of names");
    CN_JSON_EACH(word, value)
    {
        const struct schema_property *property;
        size_t index = 0;

        if (!cJSON_IsString(word))
            return refuse(compiler, "must be an array of names");
        property = schema_property_find(schema, word->valuestring, &index);
        if (!property)
            return refuse(compiler, "names \"%s\", which properties lacks",
                          word->valuestring);
        if (property->required)
            return refuse(compiler, "names \"%s\" twice", word->valuestring);
        schema->properties[index].required = true;
    }
    return 0;
}

static int read_additional(struct compiler *compiler, struct schema *schema,
                           const cJSON *value)
{
    if (cJSON_IsBool(value)) {
        schema->additional =
            cJSON_IsTrue(value) ? ADDITIONAL_ALLOWED : ADDITIONAL_REFUSED;
        return 0;
    }
    schema->additional = ADDITIONAL_CHECKED;
    return compile(compiler, value, &schema->additional_schema);
}

static int read_items(struct compiler *compiler, struct schema *schema,
                      const cJSON *value)
{
    return compile(compiler, value, &schema->items);
}

static int read_count(struct compiler *compiler, const cJSON *value,
                      size_t *ret_count)
{
    int64_t number = -1;

    if (!cn_json_is_number(value) || cn_json_int64(value, &number) < 0 ||
        number < 0 || number > NUMBER_MAX)
        return refuse(compiler, "must be a whole number from 0 to %d",
                      NUMBER_MAX);
    *ret_count = (size_t)number;
    return 0;
}

static int read_items_min(struct compiler *compiler, struct schema *schema,
                          const cJSON *value)
{
    return read_count(compiler, value, &schema->items_min);
}

static int read_items_max(struct compiler *compiler, struct schema *schema,
                          const cJSON *value)
{
    return read_count(compiler, value, &schema->items_max);
}

static int read_length_min(struct compiler *compiler, struct schema *schema,
                           const cJSON *value)
{
    return read_count(compiler, value, &schema->length_min);
}

static int read_length_max(struct compiler *compiler, struct schema *schema,
                           const cJSON *value)
{
    return read_count(compiler, value, &schema->length_max);
}

static int read_pattern(struct compiler *compiler, struct schema *schema,
                        const cJSON *value)
{
    struct error cost = {""};
    char reason[128];
    int code;

    if (!cJSON_IsString(value))
        return refuse(compiler, "must be a text");
    if (schema_pattern_check(value->valuestring, &cost) < 0)
        return refuse(compiler, "%s", cost.text);
    code =
        regcomp(&schema->regex, value->valuestring, REG_EXTENDED | REG_NOSUB);
    if (code) {
        regerror(code, &schema->regex, reason, sizeof(reason));
        return refuse(compiler, "must be a POSIX extended expression: %s",
                      reason);
    }
    schema->pattern = strdup(value->valuestring);
    if (!schema->pattern) {
        regfree(&schema->regex);
        return refuse_memory(compiler);
    }
    return 0;
}

static int copy_value(struct compiler *compiler, const cJSON *value,
                      cJSON **ret_copy)
{
    *ret_copy = cJSON_Duplicate(value, 1);
    return *ret_copy ? 0 : refuse_memory(compiler);
}

static int read_enum(struct compiler *compiler, struct schema *schema,
                     const cJSON *value)
{
    if (!cJSON_IsArray(value) || !value->child)
        return refuse(compiler, "must be an array of at least one value");
    CN_JSON_EACH(word, value)
    {
        for (const cJSON *next = word->next; next; next = next->next) {
            if (cn_json_equal(word, next))
                return refuse(compiler, "must not hold a value twice");
        }
    }
    return copy_value(compiler, value, &schema->words);
}

static int read_const(struct compiler *compiler, struct schema *schema,
                      const cJSON *value)
{
    return copy_value(compiler, value, &schema->constant);
}

static int read_default(struct compiler *compiler, struct schema *schema,
                        const cJSON *value)
{
    return copy_value(compiler, value, &schema->fallback);
}

static int read_text(struct compiler *compiler, struct schema *schema,
                     const cJSON *value)
{
    (void)schema;
    return cJSON_IsString(value) ? 0 : refuse(compiler, "must be a text");
}

static int read_format(struct compiler *compiler, struct schema *schema,
                       const cJSON *value)
{
    if (!cJSON_IsString(value) ||
        schema_format_parse(value->valuestring, &schema->format) < 0)
        return refuse(compiler,
                      "must be \"decimal\", \"integer\", \"date\", "
                      "\"date-time\", \"uri\", \"json-pointer\" or \"type\"");
    return 0;
}

static int read_bound(struct compiler *compiler, const cJSON *value,
                      struct schema_bound *ret_bound)
{
    const char *text = cn_json_text(value);

    if (cJSON_IsBool(value) || !text ||
        cn_decimal_parse_text(text, &ret_bound->value) < 0)
        return refuse(compiler, "must be a decimal number or the text of one");
    ret_bound->is_set = true;
    return 0;
}

static int read_minimum(struct compiler *compiler, struct schema *schema,
                        const cJSON *value)
{
    return read_bound(compiler, value, &schema->minimum);
}

static int read_maximum(struct compiler *compiler, struct schema *schema,
                        const cJSON *value)
{
    return read_bound(compiler, value, &schema->maximum);
}

static int read_write_only(struct compiler *compiler, struct schema *schema,
                           const cJSON *value)
{
    if (!cJSON_IsBool(value))
        return refuse(compiler, "must be true or false");
    schema->secret = cJSON_IsTrue(value);
    /* /properties/<name>: below it nobody would look for a reference. */
    if (schema->secret &&
        (compiler->depth != 2 || strncmp(compiler->path, "/properties/", 12)))
        return refuse(compiler,
                      "credentials must be properties of the top level");
    return 0;
}

static int read_personal(struct compiler *compiler, struct schema *schema,
                         const cJSON *value)
{
    static const char *const words[] = {"name", "email", "address"};

    if (cJSON_IsBool(value)) {
        schema->personal = cJSON_IsTrue(value) ? PERSONAL_YES : PERSONAL_NO;
        return 0;
    }
    for (int index = 0; cJSON_IsString(value) && index < 3; index++) {
        if (!strcmp(value->valuestring, words[index])) {
            schema->personal = (enum schema_personal)(PERSONAL_NAME + index);
            return 0;
        }
    }
    return refuse(compiler, "must be true, false, \"name\", \"email\" or "
                            "\"address\"");
}

static const struct keyword keywords[] = {
    {"type", 0, read_type},
    {"properties", KIND_OBJECT, read_properties},
    {"required", KIND_OBJECT, read_required},
    {"additionalProperties", KIND_OBJECT, read_additional},
    {"items", KIND_ARRAY, read_items},
    {"minItems", KIND_ARRAY, read_items_min},
    {"maxItems", KIND_ARRAY, read_items_max},
    {"minLength", KIND_STRING, read_length_min},
    {"maxLength", KIND_STRING, read_length_max},
    {"pattern", KIND_STRING, read_pattern},
    {"format", KIND_STRING, read_format},
    {"minimum", KIND_NUMBER | KIND_INTEGER | KIND_STRING, read_minimum},
    {"maximum", KIND_NUMBER | KIND_INTEGER | KIND_STRING, read_maximum},
    {"writeOnly", KIND_STRING, read_write_only},
    {"enum", 0, read_enum},
    {"const", 0, read_const},
    {"default", 0, read_default},
    {"title", 0, read_text},
    {"description", 0, read_text},
    {"personal", 0, read_personal},
};
enum { KEYWORD_COUNT = sizeof(keywords) / sizeof(keywords[0]) };

/* ---- A node ------------------------------------------------------------- */

static const struct keyword *find_keyword(const char *name)
{
    for (size_t index = 0; index < KEYWORD_COUNT; index++) {
        if (!strcmp(name, keywords[index].name))
            return &keywords[index];
    }
    return NULL;
}

static int refuse_keyword(struct compiler *compiler, const char *name)
{
    struct nearest nearest;

    nearest_init(&nearest, name);
    for (size_t index = 0; index < KEYWORD_COUNT; index++)
        nearest_offer(&nearest, keywords[index].name);
    if (nearest.found)
        return refuse(compiler,
                      "keyword \"%s\" is not known here; did you mean "
                      "\"%s\"?",
                      name, nearest.found);
    return refuse(compiler, "keyword \"%s\" is not known here", name);
}

static int read_keyword(struct compiler *compiler, struct schema *schema,
                        const struct keyword *keyword, const cJSON *value)
{
    size_t before = path_enter(compiler, keyword->name);
    int code = keyword->read(compiler, schema, value);

    path_leave(compiler, before);
    return code;
}

/* The kinds the keywords speak about, for a node without a type.  Bounds alone
 * speak of numbers. */
static unsigned infer_kinds(const cJSON *value)
{
    unsigned kinds = 0, bounds = 0;

    CN_JSON_EACH(member, value)
    {
        const struct keyword *keyword = find_keyword(member->string);

        if (!keyword)
            continue;
        if (keyword->kinds & KIND_NUMBER)
            bounds = KIND_NUMBER | KIND_INTEGER;
        else
            kinds |= keyword->kinds;
    }
    if (kinds)
        return kinds;
    return bounds ? bounds : (1U << KIND_COUNT) - 1;
}

static int check_kinds(struct compiler *compiler, const struct schema *schema,
                       const cJSON *value)
{
    CN_JSON_EACH(member, value)
    {
        const struct keyword *keyword = find_keyword(member->string);

        if (keyword->kinds && !(keyword->kinds & schema->kinds))
            return refuse(compiler, "\"%s\" has no meaning for this type",
                          keyword->name);
    }
    if (schema->secret && schema->kinds != KIND_STRING)
        return refuse(compiler, "a credential must be a \"string\"");
    if ((schema->minimum.is_set || schema->maximum.is_set) &&
        (schema->kinds & KIND_STRING) && schema->format != FORMAT_DECIMAL &&
        schema->format != FORMAT_INTEGER)
        return refuse(compiler, "minimum and maximum of a text need the "
                                "format \"decimal\" or \"integer\"");
    return 0;
}

static int check_limits(struct compiler *compiler, const struct schema *schema)
{
    if (schema->items_min > schema->items_max)
        return refuse(compiler, "minItems must not exceed maxItems");
    if (schema->length_min > schema->length_max)
        return refuse(compiler, "minLength must not exceed maxLength");
    if (schema->minimum.is_set && schema->maximum.is_set &&
        cn_decimal_compare(&schema->minimum.value, &schema->maximum.value) > 0)
        return refuse(compiler, "minimum must not exceed maximum");
    return 0;
}

static int check_own_values(struct compiler *compiler,
                            const struct schema *schema)
{
    struct schema_fault fault;

    CN_JSON_EACH(word, schema->words)
    {
        if (!(schema_kind(word) & schema->kinds))
            return refuse(compiler, "enum must hold values of the type");
    }
    if (schema->constant && !(schema_kind(schema->constant) & schema->kinds))
        return refuse(compiler, "const must be a value of the type");
    if (schema->fallback && schema_check(schema, schema->fallback, &fault) < 0)
        return refuse(compiler, "the default breaks its own schema: %s",
                      fault.message);
    return 0;
}

static int compile_keywords(struct compiler *compiler, struct schema *schema,
                            const cJSON *value)
{
    const cJSON *required = cn_json_member(value, "required");
    int code = 0;

    CN_JSON_EACH(member, value)
    {
        const struct keyword *keyword = find_keyword(member->string);

        if (!keyword)
            return refuse_keyword(compiler, member->string);
        if (keyword->read == read_required)
            continue;
        code = read_keyword(compiler, schema, keyword, member);
        if (code < 0)
            return code;
    }
    if (required)
        code =
            read_keyword(compiler, schema, find_keyword("required"), required);
    if (code < 0)
        return code;
    if (!schema->kinds)
        schema->kinds = infer_kinds(value);
    code = check_kinds(compiler, schema, value);
    if (code == 0)
        code = check_limits(compiler, schema);
    return code == 0 ? check_own_values(compiler, schema) : code;
}

static int compile(struct compiler *compiler, const cJSON *value,
                   struct schema **ret_schema)
{
    struct schema *schema;
    int code;

    if (!cJSON_IsObject(value))
        return refuse(compiler, "must be a schema, that is an object");
    if (compiler->depth == DEPTH_MAX)
        return refuse(compiler, "must not be deeper than %d", DEPTH_MAX);
    if (++compiler->nodes > NODES_MAX)
        return refuse(compiler, "must not have more than %d parts", NODES_MAX);
    schema = calloc(1, sizeof(*schema));
    if (!schema)
        return refuse_memory(compiler);
    schema->items_max = SIZE_MAX;
    schema->length_max = SIZE_MAX;
    compiler->depth++;
    code = compile_keywords(compiler, schema, value);
    compiler->depth--;
    if (code < 0) {
        schema_destroy(schema);
        return code;
    }
    *ret_schema = schema;
    return 0;
}

int schema_create(const cJSON *value, struct schema **ret_schema,
                  struct error *err)
{
    struct compiler compiler = {.err = err};

    return compile(&compiler, value, ret_schema);
}

void schema_destroy(struct schema *schema)
{
    if (!schema)
        return;
    for (size_t index = 0; index < schema->property_count; index++) {
        free(schema->properties[index].name);
        schema_destroy(schema->properties[index].schema);
    }
    free(schema->properties);
    schema_destroy(schema->additional_schema);
    schema_destroy(schema->items);
    if (schema->pattern)
        regfree(&schema->regex);
    free(schema->pattern);
    cJSON_Delete(schema->words);
    cJSON_Delete(schema->constant);
    cJSON_Delete(schema->fallback);
    free(schema);
}

const char *schema_secret_name(const struct schema *schema, size_t index)
{
    for (size_t at = 0; at < schema->property_count; at++) {
        if (schema->properties[at].schema->secret && index-- == 0)
            return schema->properties[at].name;
    }
    return NULL;
}
