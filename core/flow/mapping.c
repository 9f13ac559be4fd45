/* mapping.c - a table of target field, source path and named conversions.
 *
 * One idea: a mapping is data, so its mistakes can be named before any record
 * comes, and a value that does not fit is named with field, value and rule when
 * one does.  Rows are applied in order; each sets one field of a new object.
 * Read on any thread after compiling. */
#include "flow/mapping.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "base/memory.h"
#include "flow/convert.h"

enum {
    ROWS_MAX = 300,   /* of one table */
    PATHS_MAX = 8,    /* alternatives of one field */
    CONVERTS_MAX = 8, /* of one field */
    EACH_DEPTH = 3,   /* tables inside each other */
    POINTER_MAX = 512,
    ITEMS_MAX = 1000 /* of a list that "each" goes through */
};

struct row {
    char *to;
    char *paths[PATHS_MAX];
    size_t path_count;
    cJSON *value;    /* a constant, or NULL */
    cJSON *fallback; /* default, or NULL */
    struct convert *converts[CONVERTS_MAX];
    size_t convert_count;
    bool required;
    struct mapping *each;
};

struct mapping {
    struct row *rows;
    size_t row_count;
};

/* ---- Compiling ----------------------------------------------------------- */

struct place {
    char *pointer;
    const cJSON *tables;
    unsigned depth;
};

static int wrong(const struct place *place, const char *member,
                 struct error *err, const char *what)
{
    size_t len = strlen(place->pointer);

    if (member)
        snprintf(place->pointer + len, POINTER_MAX - len, "/%s", member);
    error_set(err, "%s", what);
    return -EINVAL;
}

static int compile_paths(struct row *row, const cJSON *from,
                         const struct place *place, struct error *err)
{
    if (cJSON_IsString(from)) {
        row->paths[row->path_count++] = memory_text(from->valuestring);
    } else if (cJSON_IsArray(from)) {
        CN_JSON_EACH(item, from)
        {
            if (!cJSON_IsString(item) || row->path_count == PATHS_MAX)
                return wrong(place, "from", err,
                             "must be a path or a list of at most 8 paths");
            row->paths[row->path_count++] = memory_text(item->valuestring);
        }
    }
    for (size_t index = 0; index < row->path_count; index++) {
        if (row->paths[index][0] != '/')
            return wrong(place, "from", err,
                         "must be a path such as \"/deal/name\"");
    }
    return row->path_count
               ? 0
               : wrong(place, "from", err, "must be a path or a list of paths");
}

static int compile_converts(struct row *row, const cJSON *list,
                            const struct place *place, struct error *err)
{
    const cJSON *item = cJSON_IsArray(list) ? list->child : list;
    int status = 0;

    for (; item && !status; item = cJSON_IsArray(list) ? item->next : NULL) {
        if (row->convert_count == CONVERTS_MAX)
            return wrong(place, "convert", err, "at most 8 conversions");
        status = convert_create(item, place->tables,
                                &row->converts[row->convert_count], err);
        if (status) {
            size_t len = strlen(place->pointer);
            snprintf(place->pointer + len, POINTER_MAX - len, "/convert");
        } else {
            row->convert_count++;
        }
    }
    return status;
}

static int compile_rows(const cJSON *list, struct place place,
                        struct mapping **ret_mapping, struct error *err);

static int check_members(const cJSON *value, const struct place *place,
                         struct error *err)
{
    static const char *const known[] = {"to",      "from",    "value",
                                        "convert", "default", "required",
                                        "each",    "title",   NULL};

    CN_JSON_EACH(item, value)
    {
        size_t index = 0;
        while (known[index] && strcmp(known[index], item->string))
            index++;
        if (!known[index])
            return wrong(place, item->string, err,
                         "is not known here; use to, from, value, convert, "
                         "default, required or each");
    }
    return 0;
}

static int compile_row(const cJSON *value, const struct place *place,
                       struct row *row, struct error *err)
{
    const cJSON *to = cn_json_member(value, "to");
    const cJSON *constant = cn_json_member(value, "value");
    const cJSON *from = cn_json_member(value, "from");
    const cJSON *fallback = cn_json_member(value, "default");
    const cJSON *each = cn_json_member(value, "each");
    const cJSON *required = cn_json_member(value, "required");
    int status = cJSON_IsObject(value)
                     ? check_members(value, place, err)
                     : wrong(place, NULL, err,
                             "must be an object with \"to\" and \"from\"");

    if (!status && (!cJSON_IsString(to) || to->valuestring[0] != '/'))
        status =
            wrong(place, "to", err, "must be a field such as \"/customer\"");
    if (!status && !constant == !from)
        status = wrong(place, NULL, err, "needs either \"from\" or \"value\"");
    if (status)
        return status;
    row->to = memory_text(to->valuestring);
    if (constant)
        row->value = cJSON_Duplicate(constant, 1);
    else
        status = compile_paths(row, from, place, err);
    if (fallback)
        row->fallback = cJSON_Duplicate(fallback, 1);
    row->required = required ? cJSON_IsTrue(required) : !fallback;
    if (!status)
        status =
            compile_converts(row, cn_json_member(value, "convert"), place, err);
    if (!status && each) {
        struct place inner = *place;
        size_t len = strlen(inner.pointer);
        snprintf(inner.pointer + len, POINTER_MAX - len, "/each");
        status = compile_rows(each, inner, &row->each, err);
        if (!status)
            inner.pointer[len] = '\0';
    }
    return status;
}

static int compile_rows(const cJSON *list, struct place place,
                        struct mapping **ret_mapping, struct error *err)
{
    struct mapping *mapping;
    size_t start = strlen(place.pointer);
    int status = 0;

    if (!cJSON_IsArray(list) || !list->child || ++place.depth > EACH_DEPTH ||
        cJSON_GetArraySize(list) > ROWS_MAX)
        return wrong(&place, NULL, err,
                     "must be a list of 1 to 300 fields, at most 3 tables "
                     "inside each other");
    mapping = memory_zero(1, sizeof(*mapping));
    mapping->rows =
        memory_zero((size_t)cJSON_GetArraySize(list), sizeof(*mapping->rows));
    CN_JSON_EACH(item, list)
    {
        snprintf(place.pointer + start, POINTER_MAX - start, "/%zu",
                 mapping->row_count);
        status = compile_row(item, &place, &mapping->rows[mapping->row_count++],
                             err);
        if (status)
            break;
    }
    if (status) {
        mapping_destroy(mapping);
        return status;
    }
    place.pointer[start] = '\0';
    *ret_mapping = mapping;
    return 0;
}

int mapping_create(const cJSON *value, const cJSON *tables,
                   struct mapping **ret_mapping, char ret_pointer[512],
                   struct error *err)
{
    struct place place = {ret_pointer, tables, 0};

    ret_pointer[0] = '\0';
    return compile_rows(value, place, ret_mapping, err);
}

void mapping_destroy(struct mapping *mapping)
{
    if (!mapping)
        return;
    for (size_t index = 0; index < mapping->row_count; index++) {
        struct row *row = &mapping->rows[index];
        for (size_t at = 0; at < row->path_count; at++)
            free(row->paths[at]);
        for (size_t at = 0; at < row->convert_count; at++)
            convert_destroy(row->converts[at]);
        cJSON_Delete(row->value);
        cJSON_Delete(row->fallback);
        mapping_destroy(row->each);
        free(row->to);
    }
    free(mapping->rows);
    free(mapping);
}

/* prefix: where in the schema this table's fields are. */
static int rows_fit(const struct mapping *mapping, const struct schema *schema,
                    const char *prefix, char *pointer, struct error *err)
{
    size_t start = strlen(pointer);

    for (size_t index = 0; index < mapping->row_count; index++) {
        const struct row *row = &mapping->rows[index];
        const struct schema *found = NULL;
        char path[POINTER_MAX];
        int status;
        snprintf(path, sizeof(path), "%s%s", prefix, row->to);
        snprintf(pointer + start, POINTER_MAX - start, "/%zu/to", index);
        if (schema_at(schema, path, &found, NULL)) {
            error_set(err, "the record type has no field \"%s\"", path);
            return -EINVAL;
        }
        if (!row->each)
            continue;
        snprintf(path, sizeof(path), "%s%s/0", prefix, row->to);
        snprintf(pointer + start, POINTER_MAX - start, "/%zu/each", index);
        status = rows_fit(row->each, schema, path, pointer, err);
        if (status)
            return status;
    }
    pointer[start] = '\0';
    return 0;
}

int mapping_fits(const struct mapping *mapping, const struct schema *schema,
                 char ret_pointer[512], struct error *err)
{
    ret_pointer[0] = '\0';
    return rows_fit(mapping, schema, "", ret_pointer, err);
}

/* ---- Applying ------------------------------------------------------------ */

static int apply_rows(const struct mapping *mapping, cJSON *results,
                      cJSON **ret_value, char *field, struct error *err);

static bool empty(const cJSON *value)
{
    const char *text = cn_json_text(value);

    return !value || cJSON_IsNull(value) || (text && !*text);
}

static const cJSON *row_source(const struct row *row, const cJSON *results)
{
    const cJSON *found = NULL;

    if (row->value)
        return row->value;
    for (size_t index = 0; index < row->path_count && empty(found); index++)
        found = cn_json_pointer(results, row->paths[index]);
    return empty(found) ? NULL : found;
}

/* Put value at a pointer of target, making objects on the way. */
static int target_put(cJSON *target, const char *pointer, cJSON *value)
{
    char name[256];
    const char *at = pointer;

    for (;;) {
        size_t len = strcspn(at + 1, "/");
        cJSON *next;
        if (len >= sizeof(name)) {
            cJSON_Delete(value);
            return -EINVAL;
        }
        memcpy(name, at + 1, len);
        name[len] = '\0';
        at += len + 1;
        if (!*at)
            return cn_json_put(target, name, value);
        next = cn_json_member(target, name);
        if (!cJSON_IsObject(next)) {
            next = cJSON_CreateObject();
            cn_json_put(target, name, next);
        }
        target = next;
    }
}

static void results_set(cJSON *results, const char *name, cJSON *value)
{
    cJSON_DeleteItemFromObjectCaseSensitive(results, name);
    if (value)
        cJSON_AddItemReferenceToObject(results, name, value);
}

static void field_add(char *field, const char *to)
{
    size_t len = strlen(field);
    snprintf(field + len, POINTER_MAX - len, "%s", to);
}

/* Apply the inner table to every element of list; takes list. */
static int apply_each(const struct row *row, cJSON *results, cJSON *list,
                      cJSON **ret_value, char *field, struct error *err)
{
    cJSON *made = cJSON_CreateArray();
    size_t start = strlen(field), count = 0;
    int status = 0;

    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > ITEMS_MAX) {
        error_set(err, "is not a list of at most %d elements (each)",
                  ITEMS_MAX);
        status = -EINVAL;
    }
    CN_JSON_EACH(item, status ? NULL : list)
    {
        cJSON *index = cn_json_integer((int64_t)++count), *element = NULL;
        results_set(results, "row", item);
        results_set(results, "index", index);
        snprintf(field + start, POINTER_MAX - start, "/%zu", count - 1);
        status = apply_rows(row->each, results, &element, field, err);
        results_set(results, "index", NULL);
        cJSON_Delete(index);
        if (status)
            break;
        cn_json_append(made, element);
        field[start] = '\0';
    }
    results_set(results, "row", NULL);
    cJSON_Delete(list);
    if (status)
        cJSON_Delete(made);
    else
        *ret_value = made;
    return status;
}

static int row_convert(const struct row *row, const cJSON *source,
                       cJSON **ret_value, struct error *err)
{
    cJSON *value = cJSON_Duplicate(source, 1), *next = NULL;

    for (size_t index = 0; index < row->convert_count; index++) {
        int status = convert_apply(row->converts[index], value, &next, err);
        cJSON_Delete(value);
        if (status)
            return status;
        value = next;
    }
    *ret_value = value;
    return 0;
}

static int apply_row(const struct row *row, cJSON *results, cJSON *target,
                     char *field, struct error *err)
{
    const cJSON *source = row_source(row, results);
    size_t start = strlen(field);
    cJSON *value = NULL;
    int status = 0;

    field_add(field, row->to);
    if (!source && row->fallback) {
        value = cJSON_Duplicate(row->fallback, 1);
    } else if (!source) {
        if (row->required) {
            error_set(err, "is missing: there is nothing at %s (required)",
                      row->path_count ? row->paths[row->path_count - 1] : "");
            return -EINVAL;
        }
        field[start] = '\0';
        return 0;
    } else {
        status = row_convert(row, source, &value, err);
    }
    if (!status && row->required && empty(value)) {
        cJSON_Delete(value);
        error_set(err, "is empty (required)");
        return -EINVAL;
    }
    if (!status && row->each)
        status = apply_each(row, results, value, &value, field, err);
    if (!status)
        status = target_put(target, row->to, value);
    if (!status)
        field[start] = '\0';
    return status;
}

static int apply_rows(const struct mapping *mapping, cJSON *results,
                      cJSON **ret_value, char *field, struct error *err)
{
    cJSON *target = cJSON_CreateObject();

    for (size_t index = 0; index < mapping->row_count; index++) {
        int status =
            apply_row(&mapping->rows[index], results, target, field, err);
        if (status) {
            cJSON_Delete(target);
            return status;
        }
    }
    *ret_value = target;
    return 0;
}

int mapping_apply(const struct mapping *mapping, const cJSON *results,
                  cJSON **ret_value, char ret_field[512], struct error *err)
{
    cJSON *scope = cJSON_CreateObject();
    int status;

    /* "row" and "index" come and go; the caller's object stays as it is. */
    CN_JSON_EACH(item, results)
    {
        cJSON_AddItemReferenceToObject(scope, item->string, item);
    }
    ret_field[0] = '\0';
    status = apply_rows(mapping, scope, ret_value, ret_field, err);
    cJSON_Delete(scope);
    return status;
}
