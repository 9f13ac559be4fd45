/* condition.c - compiled conditions and their evaluation.
 *
 * One idea: a condition is a tree of tests whose leaves compare one value at a
 * path with constants.  Comparing numbers is comparing decimals; nothing passes
 * through a double.  Everything that can be wrong with the text of a condition
 * is found when it is compiled.  Read on any thread after that. */
#include "flow/condition.h"

#include <errno.h>
#include <regex.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <connect/decimal.h>
#include <connect/json.h>

#include "base/memory.h"
#include "config/schema_pattern.h"

enum {
    DEPTH_MAX = 16,      /* conditions inside each other */
    TEXTS_MAX = 256,     /* texts one value is compared with */
    PATTERN_MAX = 1024,  /* bytes of a regular expression */
    SUBJECT_MAX = 65536, /* bytes a regular expression looks at */
    SHOWN_MAX = 80       /* bytes of a value in an error */
};

enum test_kind {
    TEST_ALL,
    TEST_ANY,
    TEST_NOT,
    TEST_EQUALS,
    TEST_NOT_EQUALS,
    TEST_EXISTS,
    TEST_MATCHES,
    TEST_CONTAINS,
    TEST_ABOVE,
    TEST_BELOW,
    TEST_AT_LEAST,
    TEST_AT_MOST
};

static const struct {
    const char *name;
    enum test_kind kind;
} operators[] = {
    {"equals", TEST_EQUALS},     {"not_equals", TEST_NOT_EQUALS},
    {"exists", TEST_EXISTS},     {"matches", TEST_MATCHES},
    {"contains", TEST_CONTAINS}, {"above", TEST_ABOVE},
    {"below", TEST_BELOW},       {"at_least", TEST_AT_LEAST},
    {"at_most", TEST_AT_MOST},
};

struct condition {
    enum test_kind kind;
    struct condition **parts; /* ALL, ANY, NOT */
    size_t part_count;
    char *path;
    char **texts; /* EQUALS, NOT_EQUALS, CONTAINS */
    size_t text_count;
    bool exists;
    bool ignore_case;
    bool has_pattern;
    regex_t pattern;
    cn_decimal number;
};

/* Where a mistake is, while compiling. */
struct place {
    char *pointer; /* 512 bytes */
    unsigned depth;
};

void condition_destroy(struct condition *condition)
{
    if (!condition)
        return;
    for (size_t index = 0; index < condition->part_count; index++)
        condition_destroy(condition->parts[index]);
    for (size_t index = 0; index < condition->text_count; index++)
        free(condition->texts[index]);
    if (condition->has_pattern)
        regfree(&condition->pattern);
    free(condition->parts);
    free(condition->texts);
    free(condition->path);
    free(condition);
}

static int compile(const cJSON *value, struct place place,
                   struct condition **ret_condition, struct error *err);

static void place_add(struct place *place, const char *name)
{
    size_t len = strlen(place->pointer);
    snprintf(place->pointer + len, 512 - len, "/%s", name);
}

static int compile_part(struct condition *condition, const cJSON *item,
                        struct place place, struct error *err)
{
    struct condition *part = NULL;
    int status = compile(item, place, &part, err);

    if (status)
        return status;
    condition->parts = memory_grow(condition->parts, condition->part_count + 1,
                                   sizeof(*condition->parts));
    condition->parts[condition->part_count++] = part;
    return 0;
}

static int compile_list(struct condition *condition, const cJSON *list,
                        struct place place, struct error *err)
{
    size_t start = strlen(place.pointer), index = 0;

    if (!cJSON_IsArray(list) || !list->child) {
        error_set(err, "must be a list of conditions");
        return -EINVAL;
    }
    CN_JSON_EACH(item, list)
    {
        char name[24];
        int status;
        snprintf(name, sizeof(name), "%zu", index++);
        place_add(&place, name);
        status = compile_part(condition, item, place, err);
        if (status)
            return status;
        place.pointer[start] = '\0';
    }
    return 0;
}

static int compile_text(struct condition *condition, const cJSON *item,
                        struct error *err)
{
    const char *text = cn_json_text(item);

    if (!text || condition->text_count >= TEXTS_MAX) {
        error_set(err, "must be a text, or a list of at most %d texts",
                  TEXTS_MAX);
        return -EINVAL;
    }
    condition->texts = memory_grow(condition->texts, condition->text_count + 1,
                                   sizeof(*condition->texts));
    condition->texts[condition->text_count++] = memory_text(text);
    return 0;
}

static int compile_texts(struct condition *condition, const cJSON *value,
                         struct error *err)
{
    int status = 0;

    if (!cJSON_IsArray(value))
        return compile_text(condition, value, err);
    CN_JSON_EACH(item, value)
    {
        if (!status)
            status = compile_text(condition, item, err);
    }
    return status;
}

static int compile_pattern(struct condition *condition, const cJSON *value,
                           struct error *err)
{
    char anchored[PATTERN_MAX + 8];
    int flags = REG_EXTENDED | REG_NOSUB;

    if (!cJSON_IsString(value) || strlen(value->valuestring) > PATTERN_MAX) {
        error_set(err, "must be a regular expression of at most %d bytes",
                  PATTERN_MAX);
        return -EINVAL;
    }
    if (condition->ignore_case)
        flags |= REG_ICASE;
    snprintf(anchored, sizeof(anchored), "^(%s)$", value->valuestring);
    if (regcomp(&condition->pattern, anchored, flags)) {
        error_set(err, "is not a POSIX extended regular expression");
        return -EINVAL;
    }
    condition->has_pattern = true;
    return 0;
}

static int compile_operand(struct condition *condition, const cJSON *value,
                           struct error *err)
{
    const char *text;

    switch (condition->kind) {
    case TEST_EQUALS:
    case TEST_NOT_EQUALS:
    case TEST_CONTAINS:
        return compile_texts(condition, value, err);
    case TEST_MATCHES:
        return compile_pattern(condition, value, err);
    case TEST_EXISTS:
        if (!cJSON_IsBool(value)) {
            error_set(err, "must be true or false");
            return -EINVAL;
        }
        condition->exists = cJSON_IsTrue(value);
        return 0;
    default:
        text = cn_json_text(value);
        if (!text || cn_decimal_parse_text(text, &condition->number)) {
            error_set(err, "must be a decimal number");
            return -EINVAL;
        }
        return 0;
    }
}

/* { "path": ..., OPERATOR: ..., "ignore_case": ... } */
static int compile_test(struct condition *condition, const cJSON *value,
                        struct place *place, struct error *err)
{
    const cJSON *path = cn_json_member(value, "path"), *operand = NULL;
    const cJSON *ignore = cn_json_member(value, "ignore_case");

    if (!cJSON_IsString(path) || path->valuestring[0] != '/') {
        error_set(err,
                  "needs \"path\": a JSON Pointer such as \"/deal/stage\", "
                  "or \"all\", \"any\" or \"not\"");
        return -EINVAL;
    }
    condition->path = memory_text(path->valuestring);
    condition->ignore_case = cJSON_IsTrue(ignore);
    CN_JSON_EACH(item, value)
    {
        size_t index = 0, count = sizeof(operators) / sizeof(operators[0]);
        if (item == path || item == ignore)
            continue;
        while (index < count && strcmp(operators[index].name, item->string))
            index++;
        if (index == count || operand) {
            place_add(place, item->string);
            error_set(err, "%s",
                      index == count
                          ? "is no operator; use equals, not_equals, exists, "
                            "matches, contains, above, below, at_least or "
                            "at_most"
                          : "is a second operator; combine conditions with "
                            "\"all\" or \"any\"");
            return -EINVAL;
        }
        operand = item;
        condition->kind = operators[index].kind;
    }
    if (!operand) {
        error_set(err, "needs an operator, such as \"equals\"");
        return -EINVAL;
    }
    place_add(place, operand->string);
    return compile_operand(condition, operand, err);
}

static int compile(const cJSON *value, struct place place,
                   struct condition **ret_condition, struct error *err)
{
    struct condition *condition = memory_zero(1, sizeof(*condition));
    const char *name =
        cJSON_IsObject(value) && value->child && !value->child->next
            ? value->child->string
            : "";
    int status;

    if (++place.depth > DEPTH_MAX || !cJSON_IsObject(value)) {
        error_set(err, "must be a condition, at most %d inside each other",
                  DEPTH_MAX);
        status = -EINVAL;
    } else if (!strcmp(name, "all") || !strcmp(name, "any")) {
        condition->kind = !strcmp(name, "all") ? TEST_ALL : TEST_ANY;
        place_add(&place, name);
        status = compile_list(condition, value->child, place, err);
    } else if (!strcmp(name, "not")) {
        condition->kind = TEST_NOT;
        place_add(&place, name);
        status = compile_part(condition, value->child, place, err);
    } else {
        status = compile_test(condition, value, &place, err);
    }
    if (status) {
        condition_destroy(condition);
        return status;
    }
    *ret_condition = condition;
    return 0;
}

int condition_create(const cJSON *value, struct condition **ret_condition,
                     char ret_pointer[512], struct error *err)
{
    struct place place = {ret_pointer, 0};

    ret_pointer[0] = '\0';
    return compile(value, place, ret_condition, err);
}

/* ---- Evaluation ---------------------------------------------------------- */

static bool text_is(const struct condition *condition, const char *text)
{
    for (size_t index = 0; index < condition->text_count; index++) {
        const char *other = condition->texts[index];
        if (condition->ignore_case ? !strcasecmp(text, other)
                                   : !strcmp(text, other))
            return true;
    }
    return false;
}

static bool text_holds(const struct condition *condition, const char *text)
{
    for (size_t index = 0; index < condition->text_count; index++) {
        const char *other = condition->texts[index];
        if (condition->ignore_case ? strcasestr(text, other) != NULL
                                   : strstr(text, other) != NULL)
            return true;
    }
    return false;
}

static bool value_contains(const struct condition *condition,
                           const cJSON *value)
{
    const char *text = cn_json_text(value);

    if (text)
        return text_holds(condition, text);
    if (!cJSON_IsArray(value))
        return false;
    CN_JSON_EACH(item, value)
    {
        text = cn_json_text(item);
        if (text && text_is(condition, text))
            return true;
    }
    return false;
}

static int value_compare(const struct condition *condition, const char *text,
                         struct error *err)
{
    cn_decimal number;
    int order;

    if (!text || cn_decimal_parse_text(text, &number)) {
        error_set(err, "%s: \"%.*s\" is not a decimal number", condition->path,
                  SHOWN_MAX, text ? text : "a list or object");
        return -EINVAL;
    }
    order = cn_decimal_compare(&number, &condition->number);
    switch (condition->kind) {
    case TEST_ABOVE:
        return order > 0;
    case TEST_BELOW:
        return order < 0;
    case TEST_AT_LEAST:
        return order >= 0;
    default:
        return order <= 0;
    }
}

static int test_met(const struct condition *condition, const cJSON *results,
                    struct error *err)
{
    const cJSON *value = cn_json_pointer(results, condition->path);
    const char *text = cn_json_text(value);
    bool present = value && !cJSON_IsNull(value);

    switch (condition->kind) {
    case TEST_EXISTS:
        return present == condition->exists;
    case TEST_EQUALS:
        return text && text_is(condition, text);
    case TEST_NOT_EQUALS:
        return !text || !text_is(condition, text);
    case TEST_CONTAINS:
        return present && value_contains(condition, value);
    case TEST_MATCHES:
        return text && strlen(text) <= SUBJECT_MAX &&
               schema_pattern_matches(&condition->pattern, text);
    default:
        return present ? value_compare(condition, text, err) : 0;
    }
}

int condition_met(const struct condition *condition, const cJSON *results,
                  struct error *err)
{
    bool wanted = condition->kind == TEST_ANY;
    int met;

    if (condition->kind > TEST_NOT)
        return test_met(condition, results, err);
    for (size_t index = 0; index < condition->part_count; index++) {
        met = condition_met(condition->parts[index], results, err);
        if (met < 0)
            return met;
        if (condition->kind == TEST_NOT)
            return !met;
        if (met == wanted)
            return met;
    }
    return !wanted;
}
