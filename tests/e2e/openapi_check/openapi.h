/* openapi.h - holds replies of the admin API against core/admin/openapi.json,
 * in both directions: what a reply has must be described, and what is described
 * must have been seen in some reply.  A header of its own, so that unit tests
 * and the e2e stage can use it without a library.
 *
 * Of JSON Schema it knows what the file uses: $ref into components, type (one
 * or several), enum, properties, required, additionalProperties false, items. A
 * member that is described and seen gets the mark "x-seen" in the tree. */
#ifndef CONNECT_TESTS_OPENAPI_H
#define CONNECT_TESTS_OPENAPI_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cjson/cJSON.h>

#define OPENAPI_SEEN "x-seen"

enum { OPENAPI_TEXT_MAX = 512, OPENAPI_DEPTH_MAX = 40 };

struct openapi {
    cJSON *file;
    char text[OPENAPI_TEXT_MAX]; /* what is wrong */
};

static inline int openapi_load(struct openapi *openapi, const char *path)
{
    FILE *file = fopen(path, "re");
    char *text;
    long len;

    openapi->file = NULL;
    if (!file)
        return -errno;
    fseek(file, 0, SEEK_END);
    len = ftell(file);
    rewind(file);
    text = calloc(1, (size_t)len + 1);
    if (fread(text, 1, (size_t)len, file) == (size_t)len)
        openapi->file = cJSON_Parse(text);
    fclose(file);
    free(text);
    return openapi->file ? 0 : -EBADMSG;
}

static inline void openapi_done(struct openapi *openapi)
{
    cJSON_Delete(openapi->file);
}

static inline cJSON *openapi_member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static inline void openapi_mark(cJSON *object)
{
    if (!openapi_member(object, OPENAPI_SEEN))
        cJSON_AddTrueToObject(object, OPENAPI_SEEN);
}

static inline cJSON *openapi_resolve(struct openapi *openapi, cJSON *schema)
{
    static const char prefix[] = "#/components/schemas/";
    const char *name = cJSON_GetStringValue(openapi_member(schema, "$ref"));
    cJSON *components = openapi_member(openapi->file, "components");

    if (!name || strncmp(name, prefix, sizeof(prefix) - 1) != 0)
        return schema;
    return openapi_member(openapi_member(components, "schemas"),
                          name + sizeof(prefix) - 1);
}

static inline bool openapi_is(const cJSON *value, const char *type)
{
    if (!strcmp(type, "object"))
        return cJSON_IsObject(value);
    if (!strcmp(type, "array"))
        return cJSON_IsArray(value);
    if (!strcmp(type, "string"))
        return cJSON_IsString(value);
    if (!strcmp(type, "boolean"))
        return cJSON_IsBool(value);
    if (!strcmp(type, "null"))
        return cJSON_IsNull(value);
    return !strcmp(type, "integer") && cJSON_IsNumber(value);
}

static inline bool openapi_type_fits(const cJSON *type, const cJSON *value)
{
    const cJSON *one;

    if (!type || cJSON_IsString(type))
        return !type || openapi_is(value, type->valuestring);
    cJSON_ArrayForEach(
        one, type) if (openapi_is(value, one->valuestring)) return true;
    return false;
}

static inline int openapi_fault(struct openapi *openapi, const char *place,
                                const char *what)
{
    snprintf(openapi->text, sizeof(openapi->text), "%.300s: %.150s", place,
             what);
    return -EINVAL;
}

static inline int openapi_check_value(struct openapi *openapi, cJSON *schema,
                                      const cJSON *value, const char *place,
                                      int depth);

static inline int openapi_check_object(struct openapi *openapi, cJSON *schema,
                                       const cJSON *value, const char *place,
                                       int depth)
{
    cJSON *properties = openapi_member(schema, "properties");
    const cJSON *one;
    char inner[OPENAPI_TEXT_MAX];

    cJSON_ArrayForEach(one, openapi_member(schema, "required"))
    {
        if (openapi_member(value, one->valuestring))
            continue;
        snprintf(inner, sizeof(inner), "%.300s/%.100s", place,
                 one->valuestring);
        return openapi_fault(openapi, inner, "is required and missing");
    }
    cJSON_ArrayForEach(one, value)
    {
        cJSON *property = openapi_member(properties, one->string);
        snprintf(inner, sizeof(inner), "%.300s/%.100s", place, one->string);
        if (!property &&
            cJSON_IsFalse(openapi_member(schema, "additionalProperties")))
            return openapi_fault(openapi, inner, "is not described");
        if (!property)
            continue;
        openapi_mark(property);
        if (openapi_check_value(openapi, property, one, inner, depth + 1))
            return -EINVAL;
    }
    return 0;
}

static inline int openapi_check_value(struct openapi *openapi, cJSON *schema,
                                      const cJSON *value, const char *place,
                                      int depth)
{
    const cJSON *one, *words;
    cJSON *items;

    schema = openapi_resolve(openapi, schema);
    if (!schema || depth > OPENAPI_DEPTH_MAX)
        return openapi_fault(openapi, place, "has no schema");
    openapi_mark(schema);
    if (!openapi_type_fits(openapi_member(schema, "type"), value))
        return openapi_fault(openapi, place, "is of another type");
    words = openapi_member(schema, "enum");
    if (words) {
        bool found = false;
        cJSON_ArrayForEach(one, words) found =
            found || cJSON_Compare(one, value, true);
        if (!found)
            return openapi_fault(openapi, place, "is none of the words");
    }
    if (cJSON_IsObject(value) && openapi_member(schema, "properties"))
        return openapi_check_object(openapi, schema, value, place, depth);
    items = openapi_member(schema, "items");
    if (cJSON_IsArray(value) && items)
        cJSON_ArrayForEach(one, value)
        {
            char inner[OPENAPI_TEXT_MAX];
            snprintf(inner, sizeof(inner), "%.300s[]", place);
            if (openapi_check_value(openapi, items, one, inner, depth + 1))
                return -EINVAL;
        }
    return 0;
}

/* Does "/v1/runs/7?limit=1" fit "/v1/runs/{run}"? */
static inline bool openapi_path_fits(const char *pattern, const char *path)
{
    while (*pattern && *path && *path != '?') {
        if (*pattern == '{') {
            pattern += strcspn(pattern, "}") + 1;
            path += strcspn(path, "/?");
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return !*pattern && (!*path || *path == '?');
}

/* A parameter of the query that is not described. */
static inline int openapi_check_query(struct openapi *openapi,
                                      const cJSON *operation, const char *path)
{
    const char *at = strchr(path, '?');
    const cJSON *one;

    while (at && *at) {
        size_t len = strcspn(++at, "=&");
        bool found = false;
        cJSON_ArrayForEach(one, openapi_member(operation, "parameters"))
        {
            const char *name =
                cJSON_GetStringValue(openapi_member(one, "name"));
            found = found ||
                    (name && strlen(name) == len && !memcmp(name, at, len));
        }
        if (!found)
            return openapi_fault(openapi, path,
                                 "has a parameter that is not "
                                 "described");
        at += strcspn(at, "&");
    }
    return 0;
}

static inline cJSON *openapi_operation(struct openapi *openapi,
                                       const char *method, const char *path)
{
    char word[16];
    cJSON *one;

    snprintf(word, sizeof(word), "%s", method);
    for (char *at = word; *at; at++)
        *at = (char)(*at >= 'A' && *at <= 'Z' ? *at + 32 : *at);
    cJSON_ArrayForEach(
        one,
        openapi_member(
            openapi->file,
            "paths")) if (openapi_path_fits(one->string,
                                            path)) return openapi_member(one,
                                                                         word);
    return NULL;
}

/* Hold one reply against the file: 0, or -EINVAL with openapi->text.  Replies
 * of 404 for paths and 405 for methods that are none are right too. */
static inline int openapi_reply(struct openapi *openapi, const char *method,
                                const char *path, int status, const cJSON *body)
{
    cJSON *operation = openapi_operation(openapi, method, path);
    cJSON *response, *schema, *components;
    char number[16], place[OPENAPI_TEXT_MAX];

    snprintf(place, sizeof(place), "%s %.200s %d", method, path, status);
    snprintf(number, sizeof(number), "%d", status);
    components =
        openapi_member(openapi_member(openapi->file, "components"), "schemas");
    if (!operation && (status == 404 || status == 405))
        return openapi_check_value(openapi, openapi_member(components, "Error"),
                                   body, place, 0);
    if (!operation)
        return openapi_fault(openapi, place, "is no described operation");
    response = openapi_member(openapi_member(operation, "responses"), number);
    if (!response)
        return openapi_fault(openapi, place, "is no described status");
    if (status == 200 && openapi_check_query(openapi, operation, path))
        return -EINVAL;
    openapi_mark(response);
    schema = openapi_member(
        openapi_member(openapi_member(response, "content"), "application/json"),
        "schema");
    return openapi_check_value(openapi, schema, body, place, 0);
}

typedef void openapi_unseen_fn(void *arg, const char *what);

static inline void openapi_unseen_in(const cJSON *schema, const char *name,
                                     openapi_unseen_fn *fn, void *arg)
{
    const cJSON *one;
    char text[OPENAPI_TEXT_MAX];

    cJSON_ArrayForEach(one, openapi_member(schema, "properties"))
    {
        snprintf(text, sizeof(text), "%.200s.%.100s", name, one->string);
        if (!openapi_member(one, OPENAPI_SEEN))
            fn(arg, text);
        openapi_unseen_in(one, text, fn, arg);
        if (openapi_member(one, "items"))
            openapi_unseen_in(openapi_member(one, "items"), text, fn, arg);
    }
}

/* What is described and was not seen: answers with 200, members.  Operations
 * with "x-only" are of special builds and left out. */
static inline void openapi_unseen(struct openapi *openapi,
                                  openapi_unseen_fn *fn, void *arg)
{
    const cJSON *path, *operation, *schema;
    char text[OPENAPI_TEXT_MAX];

    cJSON_ArrayForEach(path, openapi_member(openapi->file, "paths"))
        cJSON_ArrayForEach(operation, path)
    {
        const cJSON *response =
            openapi_member(openapi_member(operation, "responses"), "200");
        if (openapi_member(response, OPENAPI_SEEN) ||
            openapi_member(operation, "x-only"))
            continue;
        snprintf(text, sizeof(text), "%s %.200s", operation->string,
                 path->string);
        fn(arg, text);
    }
    cJSON_ArrayForEach(
        schema,
        openapi_member(openapi_member(openapi->file, "components"), "schemas"))
        openapi_unseen_in(schema, schema->string, fn, arg);
}

#endif
