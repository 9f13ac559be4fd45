/* structure.h - the names of a pipeline or of a team's organizations: stages,
 * fields, options. */
#ifndef CONNECT_STREAK_STRUCTURE_H
#define CONNECT_STREAK_STRUCTURE_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

enum field_kind {
    FIELD_TEXT, /* and every kind that Streak may invent */
    FIELD_DATE,
    FIELD_CHECKBOX,
    FIELD_DROPDOWN,
    FIELD_TAG,
    FIELD_FORMULA,
    FIELD_LINK /* contacts, organizations, people: keys */
};

struct structure_name { /* a stage or an option */
    char *key, *name;
};

struct structure_field {
    char *key;
    char *name; /* unique in its structure, ASCII case apart */
    enum field_kind kind;
    struct structure_name *options; /* of DROPDOWN and TAG */
    size_t option_count;
};

/* Never changes once it is made; shared by counting references. */
struct structure {
    unsigned references;
    char *name;     /* of the pipeline; "" for a team */
    char *team_key; /* of the pipeline, or NULL */
    struct structure_field *fields;
    size_t field_count;
    size_t renamed_count; /* fields that got a number behind their name */
    struct structure_name *stages; /* in their order */
    size_t stage_count;
};

/* NULL when it is no pipeline or team at all. */
struct structure *structure_of_pipeline(const cJSON *pipeline);
struct structure *structure_of_team(const cJSON *team);
struct structure *structure_hold(struct structure *structure);
void structure_release(struct structure *structure); /* NULL is fine */

/* NULL: there is none.  Names are compared without ASCII case. */
const struct structure_field *structure_field(const struct structure *structure,
                                              const char *key);
const struct structure_field *
structure_field_named(const struct structure *structure, const char *name);
const char *structure_stage_name(const struct structure *structure,
                                 const char *key);
const char *structure_stage_key(const struct structure *structure,
                                const char *name);
const char *structure_option_name(const struct structure_field *field,
                                  const char *key);
const char *structure_option_key(const struct structure_field *field,
                                 const char *name);

#endif
