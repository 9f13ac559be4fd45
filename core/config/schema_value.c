/* schema_value.c - defaults, masks and the comparison of schemas.
 *
 * The mask errs on the dark side: where a schema lists its members, a member it
 * does not know is masked as well, and so is a value of a kind the schema does
 * not allow, since the marks below it cannot be found.  Recursion is bounded by
 * the depth of the schema, below a mark by that of the value, which the strict
 * reader limits.
 *
 * Called on any thread; the value belongs to the caller. */
#include "config/schema_value.h"

#include <assert.h>
#include <string.h>

#include <connect/json.h>

#include "config/schema_node.h"
#include "base/memory.h"

/* ---- Defaults ----------------------------------------------------------- */

static void fill_property(const struct schema_property *property, cJSON *object)
{
    cJSON *copy;
    bool added;

    if (!property->schema->fallback || cn_json_member(object, property->name))
        return;
    copy = cJSON_Duplicate(property->schema->fallback, 1);
    added = cJSON_AddItemToObject(object, property->name, copy);
    /* Memory ended: nothing can go on with half a value. */
    assert(added);
    (void)added;
}

void schema_fill(const struct schema *schema, cJSON *value)
{
    if (cJSON_IsArray(value) && schema->items) {
        CN_JSON_EACH(item, value)
        schema_fill(schema->items, item);
    }
    if (!cJSON_IsObject(value))
        return;
    for (size_t index = 0; index < schema->property_count; index++)
        fill_property(&schema->properties[index], value);
    CN_JSON_EACH(member, value)
    {
        const struct schema_property *property =
            schema_property_find(schema, member->string, NULL);

        if (property)
            schema_fill(property->schema, member);
        else if (schema->additional == ADDITIONAL_CHECKED)
            schema_fill(schema->additional_schema, member);
    }
}

/* ---- Masks -------------------------------------------------------------- */

static void mask_whole(cJSON *value)
{
    cJSON_Delete(value->child);
    value->child = NULL;
    if (!(value->type & cJSON_IsReference))
        cJSON_free(value->valuestring);
    value->valuestring = memory_text(SCHEMA_MASK);
    value->valueint = 0;
    value->valuedouble = 0;
    value->type = cJSON_String | (value->type & cJSON_StringIsConst);
}

/* Of what is personal the structure may be seen. */
static void mask_leaves(cJSON *value)
{
    if (cJSON_IsObject(value) || cJSON_IsArray(value)) {
        CN_JSON_EACH(child, value)
        mask_leaves(child);
    } else if (!cJSON_IsNull(value)) {
        mask_whole(value);
    }
}

static void mask_member(const struct schema *schema, cJSON *member)
{
    const struct schema_property *property =
        schema_property_find(schema, member->string, NULL);

    if (property)
        schema_mask(property->schema, member);
    else if (schema->additional == ADDITIONAL_CHECKED)
        schema_mask(schema->additional_schema, member);
    else if (schema->additional == ADDITIONAL_REFUSED ||
             schema->property_count > 0)
        mask_whole(member);
}

void schema_mask(const struct schema *schema, cJSON *value)
{
    if (schema->secret || !(schema_kind(value) & schema->kinds)) {
        mask_whole(value);
    } else if (schema->personal != PERSONAL_NO) {
        mask_leaves(value);
    } else if (cJSON_IsObject(value)) {
        CN_JSON_EACH(member, value)
        mask_member(schema, member);
    } else if (cJSON_IsArray(value) && schema->items) {
        CN_JSON_EACH(item, value)
        schema_mask(schema->items, item);
    }
}

/* ---- Comparison --------------------------------------------------------- */

static bool equal_schemas(const struct schema *one, const struct schema *other)
{
    if (!one || !other)
        return one == other;
    return schema_equal(one, other);
}

static bool equal_values(const cJSON *one, const cJSON *other)
{
    if (!one || !other)
        return one == other;
    return cn_json_equal(one, other);
}

static bool equal_texts(const char *one, const char *other)
{
    if (!one || !other)
        return one == other;
    return !strcmp(one, other);
}

static bool equal_bounds(const struct schema_bound *one,
                         const struct schema_bound *other)
{
    if (!one->is_set || !other->is_set)
        return one->is_set == other->is_set;
    return cn_decimal_compare(&one->value, &other->value) == 0;
}

static bool holds_words(const cJSON *words, const cJSON *others)
{
    CN_JSON_EACH(word, words)
    {
        bool found = false;

        CN_JSON_EACH(other, others)
        found = found || cn_json_equal(word, other);
        if (!found)
            return false;
    }
    return true;
}

/* As sets: the order of an enum means nothing. */
static bool equal_words(const cJSON *one, const cJSON *other)
{
    if (!one || !other)
        return one == other;
    return holds_words(one, other) && holds_words(other, one);
}

static bool equal_properties(const struct schema *one,
                             const struct schema *other)
{
    if (one->property_count != other->property_count)
        return false;
    for (size_t index = 0; index < one->property_count; index++) {
        const struct schema_property *left = &one->properties[index];
        const struct schema_property *right = &other->properties[index];

        if (strcmp(left->name, right->name) ||
            left->required != right->required ||
            !schema_equal(left->schema, right->schema))
            return false;
    }
    return true;
}

bool schema_equal(const struct schema *one, const struct schema *other)
{
    return one->kinds == other->kinds && one->format == other->format &&
           one->additional == other->additional &&
           one->items_min == other->items_min &&
           one->items_max == other->items_max &&
           one->length_min == other->length_min &&
           one->length_max == other->length_max &&
           one->secret == other->secret && one->personal == other->personal &&
           equal_bounds(&one->minimum, &other->minimum) &&
           equal_bounds(&one->maximum, &other->maximum) &&
           equal_texts(one->pattern, other->pattern) &&
           equal_words(one->words, other->words) &&
           equal_values(one->constant, other->constant) &&
           equal_values(one->fallback, other->fallback) &&
           equal_schemas(one->items, other->items) &&
           equal_schemas(one->additional_schema, other->additional_schema) &&
           equal_properties(one, other);
}
