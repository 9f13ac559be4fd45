/* mask.c - what of a payload may be shown.
 *
 * One idea: no schema, no sight.  A value is masked by the schema its step or
 * type names, and when none can be found every leaf is.  Truth values and
 * numbers of filters and switches are results of the flow itself, and
 * references are the other system's names; both are shown.  Called on the loop
 * thread. */
#include "admin/mask.h"

#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

static cJSON *value_read(struct store_bytes bytes, bool *ret_cut)
{
    cn_json_limits limits = {.flags = CN_JSON_ALLOW_CASE_TWINS};
    cn_str text = {bytes.ptr, bytes.len};
    cJSON *value = NULL;

    *ret_cut = bytes.len > MASK_VALUE_BYTES_MAX;
    if (*ret_cut || !bytes.len || cn_json_read(text, &limits, &value, NULL))
        return cJSON_CreateNull();
    return value;
}

/* A new tree of the same shape in which every leaf is masked. */
static cJSON *mask_all(cJSON *value)
{
    bool is_list = cJSON_IsArray(value);
    cJSON *shape;

    if (cJSON_IsNull(value))
        return value;
    if (!is_list && !cJSON_IsObject(value)) {
        cJSON_Delete(value);
        return cJSON_CreateString(SCHEMA_MASK);
    }
    shape = is_list ? cJSON_CreateArray() : cJSON_CreateObject();
    while (value->child) {
        cJSON *child = cJSON_DetachItemViaPointer(value, value->child);
        char *name = child->string ? strdup(child->string) : NULL;
        cJSON *masked = mask_all(child);
        if (is_list)
            cn_json_append(shape, masked);
        else
            cn_json_put(shape, name, masked);
        free(name);
    }
    cJSON_Delete(value);
    return shape;
}

static cJSON *mask_by(const struct schema *schema, cJSON *value)
{
    if (cJSON_IsNull(value))
        return value;
    if (!schema)
        return mask_all(value);
    schema_mask(schema, value);
    return value;
}

static const struct schema *type_schema(const struct mask *mask,
                                        const char *type)
{
    const struct record_type *found =
        type ? record_types_find(mask->types, type) : NULL;

    return found ? found->schema : NULL;
}

cJSON *mask_record(const struct mask *mask, const char *type,
                   struct store_bytes bytes, bool *ret_cut)
{
    return mask_record_value(mask, type, value_read(bytes, ret_cut));
}

cJSON *mask_record_value(const struct mask *mask, const char *type,
                         cJSON *value)
{
    value = value ? value : cJSON_CreateNull();
    return mask->off ? value : mask_by(type_schema(mask, type), value);
}

cJSON *mask_shape(struct store_bytes bytes, bool *ret_cut)
{
    return mask_all(value_read(bytes, ret_cut));
}

cJSON *mask_reference(struct store_bytes bytes, bool *ret_cut)
{
    return value_read(bytes, ret_cut);
}

/* ---- Steps --------------------------------------------------------------- */

const char *mask_step_kind(enum step_kind kind)
{
    static const char *const words[] = {"call",      "filter", "switch",
                                        "transform", "map",    "deliver"};

    return (unsigned)kind <= STEP_DELIVER ? words[kind] : "unknown";
}

/* Paths are STORE_PATH_MAX bytes at most and lose a part each time, and flows
 * are as deep as their file was: this ends. */
const struct flow_step *mask_step(const struct flow_steps *steps,
                                  const char *path)
{
    size_t len = strcspn(path, ".[");
    const struct flow_step *found = NULL;
    const char *rest;

    for (size_t index = 0; index < steps->count && !found; index++)
        if (strlen(steps->steps[index].name) == len &&
            !memcmp(steps->steps[index].name, path, len))
            found = &steps->steps[index];
    rest = path + len;
    if (*rest == '[')
        rest += strcspn(rest, ".");
    if (!found || *rest != '.')
        return found;
    rest++;
    if (found->kind == STEP_MAP)
        return mask_step(&found->steps, rest);
    for (size_t index = 0; index < found->case_count; index++) {
        const struct flow_step *inner =
            mask_step(&found->cases[index].steps, rest);
        if (inner)
            return inner;
    }
    return NULL;
}

static cJSON *mask_by_step(const struct mask *mask,
                           const struct flow_step *step, cJSON *value)
{
    const struct schema *request, *response = NULL;

    switch (step->kind) {
    case STEP_CALL:
        if (!mask->instances ||
            instances_action(mask->instances, step->instance, step->action,
                             &request, &response))
            response = NULL;
        return mask_by(response, value);
    case STEP_TRANSFORM:
        return mask_by(step->type ? step->type->schema : NULL, value);
    case STEP_FILTER:
    case STEP_SWITCH:
    case STEP_DELIVER:
        return value;
    case STEP_MAP:
        break;
    }
    return mask_all(value);
}

/* The results of a map are those of the last of its steps. */
static cJSON *mask_map(const struct mask *mask, const struct flow_step *step,
                       cJSON *value)
{
    const struct flow_step *last =
        step->steps.count ? &step->steps.steps[step->steps.count - 1] : NULL;
    cJSON *list;

    if (!last || !cJSON_IsArray(value) || last->kind == STEP_MAP ||
        last->kind == STEP_SWITCH)
        return mask_all(value);
    list = cJSON_CreateArray();
    while (value->child)
        cn_json_append(list, mask_by_step(mask, last,
                                          cJSON_DetachItemViaPointer(
                                              value, value->child)));
    cJSON_Delete(value);
    return list;
}

cJSON *mask_result(const struct mask *mask, const char *path,
                   struct store_bytes bytes, bool *ret_cut)
{
    return mask_result_value(mask, path, value_read(bytes, ret_cut));
}

cJSON *mask_result_value(const struct mask *mask, const char *path,
                         cJSON *value)
{
    const struct flow_step *step =
        mask->flow ? mask_step(&mask->flow->steps, path) : NULL;

    value = value ? value : cJSON_CreateNull();
    if (mask->off || cJSON_IsNull(value))
        return value;
    if (!step)
        return mask_all(value);
    if (step->kind == STEP_MAP)
        return mask_map(mask, step, value);
    return mask_by_step(mask, step, value);
}
