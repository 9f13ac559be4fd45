/* structure.c - definitions of a pipeline or a team, read into plain tables.
 *
 * Streak tells fields by key and lets two fields have one name; records tell
 * them by name, and there no two names may differ in ASCII case only.  So the
 * later of two gets " (2)" here, in the order of the definitions, and from here
 * on a name is as good as a key.  Pure; on the instance's thread. */
#include "structure.h"

#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "text.h"

enum {
    NAME_MAX_CHARACTERS = 1000, /* longest name of a stage in deal/1 */
    FIELDS_MAX = 2000,          /* a pipeline has some dozens */
    NUMBERS_MAX = 20,           /* behind one name; then keys go there */
    NAMES_MAX = 5000            /* stages, or options of one field */
};

static char *clean_name(const cJSON *value, const char *fallback)
{
    const char *text = cn_json_text(value);
    char *name = text_clean(text ? text : "", NAME_MAX_CHARACTERS);

    if (*name)
        return name;
    free(name);
    return text_copy(fallback);
}

/* ---- Reading ------------------------------------------------------------- */

static size_t count_of(const cJSON *list, size_t max)
{
    size_t count = 0;

    CN_JSON_EACH(item, list)
    {
        count += count < max;
    }
    return count;
}

static void read_options(const cJSON *list, const char *called,
                         struct structure_field *field)
{
    size_t max = count_of(list, NAMES_MAX);

    field->options = text_zero(max * sizeof(*field->options));
    CN_JSON_EACH(item, list)
    {
        const char *key = cn_json_text(cn_json_member(item, "key"));
        struct structure_name *option = &field->options[field->option_count];

        if (!key || field->option_count == max)
            continue;
        option->key = text_copy(key);
        option->name = clean_name(cn_json_member(item, called), key);
        field->option_count++;
    }
}

static enum field_kind kind_of(const char *type)
{
    static const struct {
        const char *type;
        enum field_kind kind;
    } kinds[] = {{"DATE", FIELD_DATE},
                 {"CHECKBOX", FIELD_CHECKBOX},
                 {"DROPDOWN", FIELD_DROPDOWN},
                 {"TAG", FIELD_TAG},
                 {"FORMULA", FIELD_FORMULA},
                 {"TEAM_CONTACT", FIELD_LINK},
                 {"TEAM_ORGANIZATION", FIELD_LINK},
                 {"PERSON", FIELD_LINK}};

    for (size_t at = 0; type && at < sizeof(kinds) / sizeof(*kinds); at++) {
        if (strcmp(kinds[at].type, type) == 0)
            return kinds[at].kind;
    }
    return FIELD_TEXT;
}

/* A name that no field has yet: "Total", "Total (2)", "Total (3)"; with the key
 * in it when there are very many. */
static char *unique_name(struct structure *structure, char *name,
                         const char *key)
{
    char *unique = text_copy(name);

    for (unsigned number = 2; structure_field_named(structure, unique);
         number++) {
        free(unique);
        unique = number <= NUMBERS_MAX
                     ? text_print("%s (%u)", name, number)
                     : text_print("%s (%s %u)", name, key, number);
        structure->renamed_count += number == 2;
    }
    free(name);
    return unique;
}

/* An array of definitions, or an object of them by key. */
static void read_fields(const cJSON *list, struct structure *structure)
{
    size_t max = count_of(list, FIELDS_MAX);

    structure->fields = text_zero(max * sizeof(*structure->fields));
    CN_JSON_EACH(item, list)
    {
        struct structure_field *field =
            &structure->fields[structure->field_count];
        const char *key = cn_json_text(cn_json_member(item, "key"));

        if (!key)
            key = item->string;
        if (!key || structure->field_count == max ||
            structure_field(structure, key))
            continue;
        field->name = unique_name(
            structure, clean_name(cn_json_member(item, "name"), key), key);
        field->key = text_copy(key);
        field->kind = kind_of(cn_json_text(cn_json_member(item, "type")));
        if (field->kind == FIELD_DROPDOWN)
            read_options(cn_json_pointer(item, "/dropdownSettings/items"),
                         "name", field);
        if (field->kind == FIELD_TAG)
            read_options(cn_json_pointer(item, "/tagSettings/tags"), "tag",
                         field);
        structure->field_count++;
    }
}

static void add_stage(struct structure *structure, const cJSON *stage)
{
    struct structure_name *entry = &structure->stages[structure->stage_count];
    const char *key = cn_json_text(cn_json_member(stage, "key"));

    if (!key && stage)
        key = stage->string;
    if (!key || structure_stage_name(structure, key))
        return;
    entry->key = text_copy(key);
    entry->name = clean_name(cn_json_member(stage, "name"), key);
    structure->stage_count++;
}

/* The order is that of stageOrder; what it leaves out follows. */
static void read_stages(const cJSON *pipeline, struct structure *structure)
{
    const cJSON *stages = cn_json_member(pipeline, "stages");
    size_t max = count_of(stages, NAMES_MAX);

    structure->stages = text_zero(max * sizeof(*structure->stages));
    CN_JSON_EACH(key, cn_json_member(pipeline, "stageOrder"))
    {
        const char *text = cn_json_text(key);

        if (text && structure->stage_count < max)
            add_stage(structure, cn_json_member(stages, text));
    }
    CN_JSON_EACH(stage, stages)
    {
        if (structure->stage_count < max)
            add_stage(structure, stage);
    }
}

struct structure *structure_of_pipeline(const cJSON *pipeline)
{
    struct structure *structure;

    if (!cJSON_IsArray(cn_json_member(pipeline, "fields")) ||
        !cJSON_IsObject(cn_json_member(pipeline, "stages")))
        return NULL;
    structure = text_zero(sizeof(*structure));
    structure->references = 1;
    structure->name = clean_name(cn_json_member(pipeline, "name"), "");
    structure->team_key =
        text_copy(cn_json_text(cn_json_member(pipeline, "teamKey")));
    read_fields(cn_json_member(pipeline, "fields"), structure);
    read_stages(pipeline, structure);
    return structure;
}

struct structure *structure_of_team(const cJSON *team)
{
    struct structure *structure;

    if (!cn_json_text(cn_json_member(team, "key")))
        return NULL;
    structure = text_zero(sizeof(*structure));
    structure->references = 1;
    structure->name = text_copy("");
    read_fields(cn_json_pointer(team, "/organizationSettings/fields"),
                structure);
    structure->stages = text_zero(0);
    return structure;
}

struct structure *structure_hold(struct structure *structure)
{
    structure->references++;
    return structure;
}

static void free_names(struct structure_name *names, size_t count)
{
    for (size_t at = 0; at < count; at++) {
        free(names[at].key);
        free(names[at].name);
    }
    free(names);
}

void structure_release(struct structure *structure)
{
    if (!structure || --structure->references)
        return;
    for (size_t at = 0; at < structure->field_count; at++) {
        struct structure_field *field = &structure->fields[at];

        free(field->key);
        free(field->name);
        free_names(field->options, field->option_count);
    }
    free(structure->fields);
    free_names(structure->stages, structure->stage_count);
    free(structure->name);
    free(structure->team_key);
    free(structure);
}

/* ---- Asking -------------------------------------------------------------- */

const struct structure_field *structure_field(const struct structure *structure,
                                              const char *key)
{
    for (size_t at = 0; at < structure->field_count; at++) {
        if (strcmp(structure->fields[at].key, key) == 0)
            return &structure->fields[at];
    }
    return NULL;
}

const struct structure_field *
structure_field_named(const struct structure *structure, const char *name)
{
    for (size_t at = 0; at < structure->field_count; at++) {
        if (text_same_name(structure->fields[at].name, name))
            return &structure->fields[at];
    }
    return NULL;
}

static const char *name_of(const struct structure_name *names, size_t count,
                           const char *key)
{
    for (size_t at = 0; at < count; at++) {
        if (strcmp(names[at].key, key) == 0)
            return names[at].name;
    }
    return NULL;
}

static const char *key_of(const struct structure_name *names, size_t count,
                          const char *name)
{
    const char *found = NULL;

    for (size_t at = 0; at < count; at++) {
        if (strcmp(names[at].name, name) == 0)
            return names[at].key;
        if (!found && text_same_name(names[at].name, name))
            found = names[at].key;
    }
    return found;
}

const char *structure_stage_name(const struct structure *structure,
                                 const char *key)
{
    return name_of(structure->stages, structure->stage_count, key);
}

const char *structure_stage_key(const struct structure *structure,
                                const char *name)
{
    return key_of(structure->stages, structure->stage_count, name);
}

const char *structure_option_name(const struct structure_field *field,
                                  const char *key)
{
    return name_of(field->options, field->option_count, key);
}

const char *structure_option_key(const struct structure_field *field,
                                 const char *name)
{
    return key_of(field->options, field->option_count, name);
}
