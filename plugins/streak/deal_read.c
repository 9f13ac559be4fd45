/* deal_read.c - keys become names, numbers become texts.
 *
 * What Streak has empty is absent in the deal.  What cannot be told truly (an
 * option that the definitions do not have, a date that is none) is left out and
 * counted, since a raw key where a name is expected would be taken for one.
 * Dates are those of UTC.  Pure; on the instance's thread. */
#include "deal_read.h"

#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "text.h"

enum { /* limits of deal/1, in characters and elements */
       KEY_CHARACTERS_MAX = 256,
       NAME_CHARACTERS_MAX = 1000,
       TEXT_CHARACTERS_MAX = 1000000,
       ITEM_CHARACTERS_MAX = 10000,
       EMAIL_CHARACTERS_MAX = 320,
       LIST_MAX = 1000,
       TIME_DIGITS_MAX = 16
};

/* Gmail opens a box there (seen in use, not documented). */
static const char box_page[] = "https://mail.google.com/mail/u/0/#box/";

static bool empty(const cJSON *value)
{
    return !value || cJSON_IsNull(value) ||
           (cJSON_IsString(value) && !*value->valuestring) ||
           (cJSON_IsArray(value) && !value->child);
}

/* ---- Values of fields ---------------------------------------------------- */

/* People and links are keys, or objects that have one. */
static const char *text_of_item(const cJSON *item)
{
    static const char *const members[] = {"name", "fullName", "email", "key"};
    const char *text = cn_json_text(item);

    for (size_t at = 0; !text && at < sizeof(members) / sizeof(*members); at++)
        text = cn_json_text(cn_json_member(item, members[at]));
    return text;
}

static cJSON *list_of(const struct structure_field *field, const cJSON *list,
                      size_t *left_out)
{
    cJSON *texts = text_must(cJSON_CreateArray());
    size_t count = 0;

    CN_JSON_EACH(item, list)
    {
        const char *text = text_of_item(item);

        if (text && field->kind == FIELD_TAG)
            text = structure_option_name(field, text);
        if (!text || count == LIST_MAX) {
            ++*left_out;
            continue;
        }
        text_add(texts, text_json(text, ITEM_CHARACTERS_MAX));
        count++;
    }
    return texts;
}

static cJSON *date_of(const cJSON *value)
{
    char date[TEXT_DATE_MAX];
    const char *text = cn_json_text(value);
    char *end = NULL;
    long long time_ms = text ? strtoll(text, &end, 10) : 0;

    if (!text || end == text || *end || !text_date_from_ms(time_ms, date))
        return NULL;
    return text_json(date, TEXT_DATE_MAX);
}

static cJSON *check_of(const cJSON *value)
{
    const char *text = cn_json_text(value);

    if (text && text_same_name(text, "true"))
        return text_must(cJSON_CreateTrue());
    if (text && text_same_name(text, "false"))
        return text_must(cJSON_CreateFalse());
    return NULL;
}

static cJSON *value_of(const struct structure_field *field, const cJSON *value,
                       size_t *left_out)
{
    const char *text = text_of_item(value);

    if (cJSON_IsArray(value))
        return list_of(field, value, left_out);
    if (field->kind == FIELD_DATE)
        return date_of(value);
    if (field->kind == FIELD_CHECKBOX)
        return check_of(value);
    if (text && field->kind == FIELD_DROPDOWN)
        text = structure_option_name(field, text);
    return text ? text_json(text, TEXT_CHARACTERS_MAX) : NULL;
}

/* The fields in the order of their definitions. */
static cJSON *fields_of(const struct structure *structure, const cJSON *values,
                        size_t *left_out)
{
    cJSON *fields = text_must(cJSON_CreateObject());

    CN_JSON_EACH(value, values)
    {
        *left_out +=
            !empty(value) && !structure_field(structure, value->string);
    }
    for (size_t at = 0; at < structure->field_count; at++) {
        const struct structure_field *field = &structure->fields[at];
        const cJSON *value = cn_json_member(values, field->key);
        cJSON *named;

        if (empty(value))
            continue;
        named = value_of(field, value, left_out);
        if (named)
            text_put(fields, field->name, named);
        else
            ++*left_out;
    }
    return fields;
}

static bool option_known(const struct structure_field *field,
                         const cJSON *value)
{
    const char *text = cn_json_text(value);

    CN_JSON_EACH(item, cJSON_IsArray(value) ? value : NULL)
    {
        if (!option_known(field, item))
            return false;
    }
    if ((field->kind != FIELD_DROPDOWN && field->kind != FIELD_TAG) || !text)
        return true;
    return structure_option_name(field, text) != NULL;
}

bool deal_read_known(const struct structure *structure, const cJSON *fields)
{
    CN_JSON_EACH(value, fields)
    {
        const struct structure_field *field;

        if (empty(value) || !value->string)
            continue;
        field = structure_field(structure, value->string);
        if (!field || !option_known(field, value))
            return false;
    }
    return true;
}

/* ---- The deal ------------------------------------------------------------ */

static void put_text(cJSON *object, const char *name, const cJSON *value,
                     size_t characters_max)
{
    const char *text = cn_json_text(value);

    if (text)
        text_put(object, name, text_json(text, characters_max));
}

/* A time is digits and nothing else. */
static void put_time(cJSON *deal, const char *name, const cJSON *value)
{
    const char *text = cn_json_text(value);

    if (text && *text && strlen(text) <= TIME_DIGITS_MAX &&
        !text[strspn(text, "0123456789")])
        text_put(deal, name, text_json(text, TIME_DIGITS_MAX));
}

static void put_contact(cJSON *contact, const cJSON *from)
{
    const char *given = cn_json_text(cn_json_member(from, "givenName"));
    const char *family = cn_json_text(cn_json_member(from, "familyName"));
    const cJSON *emails = cn_json_member(from, "emailAddresses");
    const char *email = cn_json_text(emails ? emails->child : NULL);
    char *name = text_print("%s%s%s", given ? given : "",
                            given && *given && family && *family ? " " : "",
                            family ? family : "");

    if (*name)
        text_put(contact, "name", text_json(name, NAME_CHARACTERS_MAX));
    if (email && *email && strlen(email) <= EMAIL_CHARACTERS_MAX)
        text_put(contact, "email", text_json(email, EMAIL_CHARACTERS_MAX));
    free(name);
}

static cJSON *parties_of(const struct deal_source *source, const cJSON *list,
                         bool organizations, size_t *left_out)
{
    cJSON *parties = text_must(cJSON_CreateArray());
    size_t count = 0;

    CN_JSON_EACH(from, list)
    {
        const char *key = cn_json_text(cn_json_member(from, "key"));
        cJSON *party;

        if (!key || !*key || strlen(key) > KEY_CHARACTERS_MAX ||
            ++count > LIST_MAX) {
            ++*left_out;
            continue;
        }
        party = text_must(cJSON_CreateObject());
        text_put(party, "key", text_json(key, KEY_CHARACTERS_MAX));
        if (!organizations) {
            put_contact(party, from);
        } else if (from->child && from->child->next) {
            put_text(party, "name", cn_json_member(from, "name"),
                     NAME_CHARACTERS_MAX);
            if (source->team)
                text_put(party, "fields",
                         fields_of(source->team, cn_json_member(from, "fields"),
                                   left_out));
        }
        text_add(parties, party);
    }
    return parties;
}

static void put_place(cJSON *deal, const struct deal_source *source,
                      const char *key, size_t *left_out)
{
    const char *stage = cn_json_text(cn_json_member(source->box, "stageKey"));
    const char *name =
        stage ? structure_stage_name(source->pipeline, stage) : NULL;
    cJSON *pipeline = text_must(cJSON_CreateObject());
    char *url = text_print("%s%s", box_page, key);

    put_text(pipeline, "key", cn_json_member(source->box, "pipelineKey"),
             KEY_CHARACTERS_MAX);
    text_put(pipeline, "name",
             text_json(source->pipeline->name, NAME_CHARACTERS_MAX));
    text_put(deal, "pipeline", pipeline);
    if (name)
        text_put(deal, "stage", text_json(name, NAME_CHARACTERS_MAX));
    else
        ++*left_out;
    if (stage && *stage)
        text_put(deal, "stage_key", text_json(stage, KEY_CHARACTERS_MAX));
    if (!key[strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                         "0123456789-_")])
        text_put(deal, "url", text_json(url, NAME_CHARACTERS_MAX));
    free(url);
}

cJSON *deal_read(const struct deal_source *source, size_t *ret_left_out)
{
    const cJSON *box = source->box;
    const char *key = cn_json_text(cn_json_member(box, "key"));
    cJSON *deal = text_must(cJSON_CreateObject());
    size_t left_out = 0;

    if (!key)
        key = cn_json_text(cn_json_member(box, "boxKey"));
    if (!key)
        key = "";
    text_put(deal, "key", text_json(key, KEY_CHARACTERS_MAX));
    put_text(deal, "name", cn_json_member(box, "name"), NAME_CHARACTERS_MAX);
    put_place(deal, source, key, &left_out);
    put_text(deal, "notes", cn_json_member(box, "notes"), TEXT_CHARACTERS_MAX);
    text_put(
        deal, "fields",
        fields_of(source->pipeline, cn_json_member(box, "fields"), &left_out));
    text_put(deal, "organizations",
             parties_of(source, source->organizations, true, &left_out));
    text_put(deal, "contacts",
             parties_of(source, source->contacts, false, &left_out));
    put_time(deal, "created_ms", cn_json_member(box, "creationTimestamp"));
    put_time(deal, "updated_ms", cn_json_member(box, "lastUpdatedTimestamp"));
    put_time(deal, "stage_changed_ms",
             cn_json_member(box, "lastStageChangeTimestamp"));
    *ret_left_out = left_out;
    return deal;
}
