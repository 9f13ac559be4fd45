/* schema_check.c - holds a value against a compiled schema.
 *
 * One walk over the value, in its own order, that stops at the first fault.
 * The work is linear in the value: members are found by bisection and what is
 * required is ticked off in a bit set.  A fault says what was expected and what
 * kind of thing is there, never the thing itself, so that no message carries a
 * payload or a credential.  Recursion is bounded by the depth of the schema.
 *
 * Called on any thread. */
#include "config/schema_check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <connect/json.h>

#include "config/nearest.h"
#include "config/schema_node.h"
#include "config/schema_pattern.h"

enum {
    TEXT_MAX = 256,      /* of an expectation */
    NAME_SHOWN_MAX = 48, /* bytes of a member's name in a message */
    WORDS_SHOWN_MAX = 8, /* of an enum */
    BITS_MAX = 1024,     /* properties of an object, see schema.c */
};

struct text {
    char bytes[TEXT_MAX];
    size_t len;
};

struct checker {
    struct schema_fault *fault;
    char path[sizeof(((struct schema_fault *)NULL)->path)];
    size_t path_len;
};

PRINTF_LIKE(2, 3)
static void text_add(struct text *text, const char *format, ...)
{
    size_t room = sizeof(text->bytes) - text->len;
    va_list arguments;
    int len;

    va_start(arguments, format);
    len = vsnprintf(text->bytes + text->len, room, format, arguments);
    va_end(arguments);
    if (len > 0)
        text->len += (size_t)len < room ? (size_t)len : room - 1;
}

/* ---- The place ---------------------------------------------------------- */

static size_t path_enter(struct checker *checker, const char *name)
{
    size_t before = checker->path_len, at = before;

    if (at + 1 < sizeof(checker->path))
        checker->path[at++] = '/';
    for (; *name && at + 3 < sizeof(checker->path); name++) {
        if (*name == '~' || *name == '/') {
            checker->path[at++] = '~';
            checker->path[at++] = *name == '~' ? '0' : '1';
        } else {
            checker->path[at++] = *name;
        }
    }
    checker->path[at] = '\0';
    checker->path_len = at;
    return before;
}

static size_t path_enter_index(struct checker *checker, size_t index)
{
    char name[24];

    snprintf(name, sizeof(name), "%zu", index);
    return path_enter(checker, name);
}

static void path_leave(struct checker *checker, size_t before)
{
    checker->path_len = before;
    checker->path[before] = '\0';
}

/* ---- The fault ---------------------------------------------------------- */

static size_t character_len(unsigned char first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xe0)
        return 2;
    return first < 0xf0 ? 3 : 4;
}

/* Control characters must not reach a terminal, and names are cut to length
 * without regard to characters. */
static void make_printable(char *text)
{
    size_t len = strlen(text), step;

    for (size_t at = 0; at < len; at += step) {
        step = character_len((unsigned char)text[at]);
        if (step > len - at || !cn_utf8_valid((cn_str){text + at, step})) {
            text[at] = '?';
            step = 1;
        } else if ((unsigned char)text[at] < 0x20 || text[at] == 0x7f) {
            text[at] = '?';
        }
    }
}

PRINTF_LIKE(3, 4)
static int refuse(struct checker *checker, const char *rule, const char *format,
                  ...)
{
    struct schema_fault *fault = checker->fault;
    char sentence[300]; /* beside 200 bytes of path */
    va_list arguments;

    if (!fault)
        return -EINVAL;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof(sentence), format, arguments);
    va_end(arguments);
    memcpy(fault->path, checker->path, checker->path_len + 1);
    snprintf(fault->rule, sizeof(fault->rule), "%s", rule);
    snprintf(fault->message, sizeof(fault->message), "%.200s%s: %s",
             checker->path_len ? checker->path : "top level",
             checker->path_len > 200 ? "..." : "", sentence);
    make_printable(fault->message);
    return -EINVAL;
}

static size_t count_characters(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static size_t count_children(const cJSON *value)
{
    size_t count = 0;

    CN_JSON_EACH(child, value)
    count++;
    return count;
}

static void describe_value(struct text *text, const cJSON *value)
{
    size_t count;

    switch (schema_kind(value)) {
    case KIND_NULL:
        text_add(text, "null");
        break;
    case KIND_BOOLEAN:
        text_add(text, "a truth value");
        break;
    case KIND_STRING:
        count = count_characters(value->valuestring);
        if (count == 0)
            text_add(text, "an empty text");
        else
            text_add(text, "a text of %zu character%s", count,
                     count == 1 ? "" : "s");
        break;
    case KIND_ARRAY:
        count = count_children(value);
        text_add(text, "an array of %zu element%s", count,
                 count == 1 ? "" : "s");
        break;
    case KIND_OBJECT:
        text_add(text, "an object");
        break;
    case KIND_NUMBER:
        text_add(text, "a number with a fraction");
        break;
    default:
        text_add(text, "a number");
    }
}

static void describe_range(struct text *text, size_t least, size_t most,
                           const char *things)
{
    if (least > 0 && least == most)
        text_add(text, " of %zu %s", least, things);
    else if (least > 0 && most != SIZE_MAX)
        text_add(text, " of %zu to %zu %s", least, most, things);
    else if (least > 0)
        text_add(text, " of at least %zu %s", least, things);
    else if (most != SIZE_MAX)
        text_add(text, " of at most %zu %s", most, things);
}

static void describe_bounds(struct text *text, const struct schema *schema)
{
    char least[CN_DECIMAL_TEXT_MAX], most[CN_DECIMAL_TEXT_MAX];

    cn_decimal_print(&schema->minimum.value, least);
    cn_decimal_print(&schema->maximum.value, most);
    if (schema->minimum.is_set && schema->maximum.is_set)
        text_add(text, " from %s to %s", least, most);
    else if (schema->minimum.is_set)
        text_add(text, " of at least %s", least);
    else if (schema->maximum.is_set)
        text_add(text, " of at most %s", most);
}

static void describe_words(struct text *text, const struct schema *schema)
{
    size_t count = 0;

    CN_JSON_EACH(word, schema->words)
    {
        const char *shown = cn_json_text(word);

        if (count++ == WORDS_SHOWN_MAX) {
            text_add(text, ", ...");
            break;
        }
        text_add(text, cJSON_IsString(word) ? "%s\"%.40s\"" : "%s%.40s",
                 count == 1   ? ""
                 : word->next ? ", "
                              : " or ",
                 shown ? shown : "null");
    }
}

static void describe_kind(struct text *text, const struct schema *schema,
                          unsigned kind)
{
    switch (kind) {
    case KIND_NULL:
        text_add(text, "null");
        break;
    case KIND_BOOLEAN:
        text_add(text, "true or false");
        break;
    case KIND_INTEGER:
    case KIND_NUMBER:
        text_add(text, kind == KIND_INTEGER ? "a whole number" : "a number");
        describe_bounds(text, schema);
        break;
    case KIND_STRING:
        text_add(text, "%s", schema_format_text(schema->format));
        describe_bounds(text, schema);
        describe_range(text, schema->length_min, schema->length_max,
                       "characters");
        break;
    case KIND_ARRAY:
        text_add(text, "an array");
        describe_range(text, schema->items_min, schema->items_max, "elements");
        break;
    default:
        text_add(text, "an object");
    }
}

static void describe_schema(struct text *text, const struct schema *schema)
{
    unsigned kinds = schema->kinds;

    if (schema->words) {
        describe_words(text, schema);
        return;
    }
    if (kinds & KIND_NUMBER)
        kinds &= ~(unsigned)KIND_INTEGER;
    for (unsigned kind = 1; kind <= KIND_OBJECT; kind <<= 1) {
        if (!(kinds & kind))
            continue;
        if (text->len)
            text_add(text, " or ");
        describe_kind(text, schema, kind);
    }
}

static int refuse_value(struct checker *checker, const struct schema *schema,
                        const cJSON *value, const char *rule)
{
    struct text expected = {.len = 0}, actual = {.len = 0};

    describe_schema(&expected, schema);
    describe_value(&actual, value);
    return refuse(checker, rule, "must be %s, is %s", expected.bytes,
                  actual.bytes);
}

static int refuse_count(struct checker *checker, const struct schema *schema,
                        const cJSON *value, const char *keyword, size_t limit)
{
    char rule[64];

    snprintf(rule, sizeof(rule), "%s %zu", keyword, limit);
    return refuse_value(checker, schema, value, rule);
}

/* ---- The checks --------------------------------------------------------- */

static int check_bound(struct checker *checker, const struct schema *schema,
                       const struct schema_bound *bound, const char *keyword,
                       bool is_outside)
{
    struct text expected = {.len = 0};
    char limit[CN_DECIMAL_TEXT_MAX], rule[64];

    if (!is_outside)
        return 0;
    describe_schema(&expected, schema);
    cn_decimal_print(&bound->value, limit);
    snprintf(rule, sizeof(rule), "%s %s", keyword, limit);
    return refuse(checker, rule, "must be %s, is a %s one", expected.bytes,
                  keyword[1] == 'i' ? "smaller" : "larger");
}

static int check_bounds(struct checker *checker, const struct schema *schema,
                        const char *literal)
{
    struct text expected = {.len = 0};
    cn_decimal number;
    int code;

    if (!schema->minimum.is_set && !schema->maximum.is_set)
        return 0;
    code = cn_decimal_parse(
        (cn_str){literal, strlen(literal)},
        CN_DECIMAL_ALLOW_EXPONENT | CN_DECIMAL_ALLOW_MINUS_ZERO, &number);
    if (code < 0) {
        describe_schema(&expected, schema);
        return refuse(checker, "number",
                      "must be %s, is one of too many digits", expected.bytes);
    }
    code = check_bound(checker, schema, &schema->minimum, "minimum",
                       schema->minimum.is_set &&
                           cn_decimal_compare(&number, &schema->minimum.value) <
                               0);
    if (code < 0)
        return code;
    return check_bound(checker, schema, &schema->maximum, "maximum",
                       schema->maximum.is_set &&
                           cn_decimal_compare(&number, &schema->maximum.value) >
                               0);
}

static int check_number(struct checker *checker, const struct schema *schema,
                        const cJSON *value)
{
    char literal[32];

    if (!cJSON_IsNumber(value))
        return check_bounds(checker, schema, value->valuestring);
    /* Made by our own code with cJSON, not read: small numbers only. */
    snprintf(literal, sizeof(literal), "%.15g", value->valuedouble);
    return check_bounds(checker, schema, literal);
}

static int check_pattern(struct checker *checker, const struct schema *schema,
                         const cJSON *value)
{
    struct text actual = {.len = 0};

    if (!schema->pattern)
        return 0;
    if (strlen(value->valuestring) <= PATTERN_TEXT_MAX &&
        schema_pattern_matches(&schema->regex, value->valuestring))
        return 0;
    describe_value(&actual, value);
    return refuse(checker, "pattern",
                  "must be a text that matches %.150s, is %s", schema->pattern,
                  actual.bytes);
}

static int check_string(struct checker *checker, const struct schema *schema,
                        const cJSON *value)
{
    const char *text = value->valuestring;
    char rule[64];
    int code;

    /* How the strict reader keeps a NUL: it would end the text elsewhere. */
    if (strstr(text, "\xc0\x80"))
        return refuse(checker, "text", "must be a text without U+0000");
    if (schema->length_min > 0 || schema->length_max != SIZE_MAX) {
        size_t count = count_characters(text);

        if (count < schema->length_min)
            return refuse_count(checker, schema, value, "minLength",
                                schema->length_min);
        if (count > schema->length_max)
            return refuse_count(checker, schema, value, "maxLength",
                                schema->length_max);
    }
    if (!schema_format_holds(schema->format, text)) {
        snprintf(rule, sizeof(rule), "format %s",
                 schema_format_word(schema->format));
        return refuse_value(checker, schema, value, rule);
    }
    code = check_bounds(checker, schema, text);
    return code < 0 ? code : check_pattern(checker, schema, value);
}

static int check(struct checker *checker, const struct schema *schema,
                 const cJSON *value);

static int check_array(struct checker *checker, const struct schema *schema,
                       const cJSON *value)
{
    size_t count = count_children(value), index = 0;

    if (count < schema->items_min)
        return refuse_count(checker, schema, value, "minItems",
                            schema->items_min);
    if (count > schema->items_max)
        return refuse_count(checker, schema, value, "maxItems",
                            schema->items_max);
    if (!schema->items)
        return 0;
    CN_JSON_EACH(item, value)
    {
        size_t before = path_enter_index(checker, index++);
        int code = check(checker, schema->items, item);

        if (code < 0)
            return code;
        path_leave(checker, before);
    }
    return 0;
}

static int refuse_member(struct checker *checker, const struct schema *schema,
                         const char *name)
{
    struct nearest nearest;

    nearest_init(&nearest, name);
    for (size_t index = 0; index < schema->property_count; index++)
        nearest_offer(&nearest, schema->properties[index].name);
    if (nearest.found)
        return refuse(checker, "additionalProperties",
                      "is not known here; did you mean \"%s\"?", nearest.found);
    return refuse(checker, "additionalProperties", "is not known here");
}

static int check_member(struct checker *checker, const struct schema *schema,
                        const cJSON *member, uint8_t *seen)
{
    const struct schema_property *property;
    size_t before = path_enter(checker, member->string), index = 0;
    int code = 0;

    property = schema_property_find(schema, member->string, &index);
    if (property) {
        seen[index / 8] |= (uint8_t)(1U << index % 8);
        code = check(checker, property->schema, member);
    } else if (schema->additional == ADDITIONAL_REFUSED) {
        code = refuse_member(checker, schema, member->string);
    } else if (schema->additional == ADDITIONAL_CHECKED) {
        code = check(checker, schema->additional_schema, member);
    }
    if (code == 0)
        path_leave(checker, before);
    return code;
}

static int check_object(struct checker *checker, const struct schema *schema,
                        const cJSON *value)
{
    uint8_t seen[BITS_MAX / 8] = {0};

    CN_JSON_EACH(member, value)
    {
        int code = check_member(checker, schema, member, seen);

        if (code < 0)
            return code;
    }
    for (size_t index = 0; index < schema->property_count; index++) {
        const struct schema_property *property = &schema->properties[index];

        if (property->required && !(seen[index / 8] & 1U << index % 8))
            return refuse(checker, "required", "must have \"%.*s\"",
                          NAME_SHOWN_MAX, property->name);
    }
    return 0;
}

static int check_words(struct checker *checker, const struct schema *schema,
                       const cJSON *value)
{
    if (schema->constant && !cn_json_equal(schema->constant, value)) {
        const char *shown = cn_json_text(schema->constant);

        return refuse(checker, "const", "must be exactly %.100s",
                      shown ? shown : "the constant of the schema");
    }
    if (!schema->words)
        return 0;
    CN_JSON_EACH(word, schema->words)
    {
        if (cn_json_equal(word, value))
            return 0;
    }
    return refuse_value(checker, schema, value, "enum");
}

static int check(struct checker *checker, const struct schema *schema,
                 const cJSON *value)
{
    unsigned kind = schema_kind(value);
    int code;

    if (!(kind & schema->kinds))
        return refuse_value(checker, schema, value, "type");
    code = check_words(checker, schema, value);
    if (code < 0)
        return code;
    if (kind & KIND_STRING)
        return check_string(checker, schema, value);
    if (kind & KIND_NUMBER)
        return check_number(checker, schema, value);
    if (kind & KIND_ARRAY)
        return check_array(checker, schema, value);
    if (kind & KIND_OBJECT)
        return check_object(checker, schema, value);
    return 0;
}

int schema_check(const struct schema *schema, const cJSON *value,
                 struct schema_fault *ret_fault)
{
    struct checker checker = {.fault = ret_fault};

    return check(&checker, schema, value);
}
