/* deal_change.c - names become keys, and only what differs is sent.
 *
 * One function finds the difference between a deal and a box.  It is asked
 * before the write, with the box as read, and after it, with the box as
 * answered: what differs then was not taken, for Streak answers 200 also to
 * what it ignores.  Lists are whole in Streak: what is added goes with all that
 * is there.  There is no version to compare, so of two writers at the same
 * moment the later one wins.  Pure; on the instance's thread. */
#include "deal_change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/decimal.h>
#include <connect/json.h>

#include "text.h"

enum { NAME_SHOWN_MAX = 120 }; /* bytes of a name in a sentence */

CN_PRINTF_LIKE(3, 4)
static void refuse(struct deal_change_error *err, bool unknown,
                   const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(err->sentence, sizeof(err->sentence), format, arguments);
    va_end(arguments);
    err->unknown = unknown;
}

static void shown(const char *name, char text[NAME_SHOWN_MAX])
{
    text_printable(name, text, NAME_SHOWN_MAX);
}

static bool empty(const cJSON *value)
{
    return !value || cJSON_IsNull(value) ||
           (cJSON_IsString(value) && !*value->valuestring) ||
           (cJSON_IsArray(value) && !value->child);
}

static bool is_list(const struct structure_field *field)
{
    return field->kind == FIELD_TAG || field->kind == FIELD_LINK;
}

/* ---- Sets of keys ---------------------------------------------------------
 */

/* An item is a key, or an object that has one. */
static const char *key_of(const cJSON *item)
{
    const char *text = cn_json_text(item);

    return text ? text : cn_json_text(cn_json_member(item, "key"));
}

static const cJSON *find_key(const cJSON *list, const char *key)
{
    CN_JSON_EACH(item, list)
    {
        const char *other = key_of(item);

        if (other && strcmp(other, key) == 0)
            return item;
    }
    return NULL;
}

static bool has_all(const cJSON *list, const cJSON *wanted)
{
    CN_JSON_EACH(item, wanted)
    {
        const char *key = key_of(item);

        if (key && !find_key(list, key))
            return false;
    }
    return true;
}

static const cJSON *only_array(const cJSON *value)
{
    return cJSON_IsArray(value) ? value : NULL;
}

/* ---- One field ------------------------------------------------------------
 */

static cJSON *wanted_date(const char *text)
{
    int64_t time_ms;

    return text_date_to_ms(text, &time_ms) ? cn_json_integer(time_ms) : NULL;
}

static cJSON *wanted_check(const cJSON *value)
{
    const char *text = cn_json_text(value);

    if (text && text_same_name(text, "true"))
        return cJSON_CreateTrue();
    if (text && text_same_name(text, "false"))
        return cJSON_CreateFalse();
    return NULL;
}

/* The key of an option, as a value; NULL, and why, when there is none. */
static cJSON *wanted_option(const struct structure_field *field,
                            const char *name, struct deal_change_error *err)
{
    char field_shown[NAME_SHOWN_MAX], name_shown[NAME_SHOWN_MAX];
    const char *key = structure_option_key(field, name);

    if (key)
        return text_json(key, CN_ID_MAX);
    shown(field->name, field_shown);
    shown(name, name_shown);
    refuse(err, true, "the field \"%s\" has no option \"%s\" in Streak",
           field_shown, name_shown);
    return NULL;
}

static cJSON *wanted_list(const struct structure_field *field,
                          const cJSON *value, struct deal_change_error *err)
{
    cJSON *list = text_must(cJSON_CreateArray());

    CN_JSON_EACH(item, value)
    {
        const char *text = cn_json_text(item);
        cJSON *key = NULL;

        if (text && field->kind == FIELD_TAG)
            key = wanted_option(field, text, err);
        else if (text)
            key = text_json(text, CN_ID_MAX);
        if (!key) {
            cJSON_Delete(list);
            return NULL;
        }
        if (find_key(list, key->valuestring))
            cJSON_Delete(key);
        else
            text_add(list, key);
    }
    return list;
}

static cJSON *cleared(const struct structure_field *field)
{
    if (is_list(field))
        return text_must(cJSON_CreateArray());
    if (field->kind == FIELD_CHECKBOX)
        return text_must(cJSON_CreateFalse());
    return text_must(cJSON_CreateString(""));
}

/* What Streak is to hold; NULL, and why, when the value does not fit. */
static cJSON *wanted_value(const struct structure_field *field,
                           const cJSON *value, struct deal_change_error *err)
{
    char name[NAME_SHOWN_MAX];
    const char *text = cJSON_IsString(value) ? value->valuestring : NULL;
    cJSON *wanted = NULL;

    shown(field->name, name);
    if (field->kind == FIELD_FORMULA) {
        refuse(err, false,
               "the field \"%s\" is computed by Streak and cannot "
               "be written",
               name);
        return NULL;
    }
    if (empty(value))
        return cleared(field);
    if (is_list(field) && cJSON_IsArray(value))
        return wanted_list(field, value, err);
    if (field->kind == FIELD_DROPDOWN && text)
        return wanted_option(field, text, err);
    if (field->kind == FIELD_CHECKBOX)
        wanted = wanted_check(value);
    else if (field->kind == FIELD_DATE && text)
        wanted = wanted_date(text);
    else if (field->kind == FIELD_LINK && text)
        wanted = text_json(text, CN_ID_MAX);
    else if (field->kind == FIELD_TEXT && text)
        wanted = cn_json_string(cn_text(text));
    if (!wanted)
        refuse(err, false, "the value for the field \"%s\" is not %s", name,
               field->kind == FIELD_CHECKBOX ? "true or false"
               : field->kind == FIELD_DATE   ? "a date like 2026-01-31"
               : is_list(field)              ? "a list"
                                             : "a text");
    return wanted;
}

/* A text that looks like a number may come back as one. */
static bool same_text(const cJSON *current, const cJSON *wanted, bool written)
{
    const char *left = cn_json_text(current), *right = wanted->valuestring;
    cn_decimal left_value, right_value;

    if (!left)
        return false;
    if (text_same(left, right))
        return true;
    return written && cn_json_is_number(current) &&
           !cn_decimal_parse(cn_text(left), CN_DECIMAL_ALLOW_EXPONENT,
                             &left_value) &&
           !cn_decimal_parse_text(right, &right_value) &&
           !cn_decimal_compare(&left_value, &right_value);
}

static bool same_day(const cJSON *current, const cJSON *wanted)
{
    char left[TEXT_DATE_MAX], right[TEXT_DATE_MAX];
    int64_t left_ms, right_ms;

    return !cn_json_int64(current, &left_ms) &&
           !cn_json_int64(wanted, &right_ms) &&
           text_date_from_ms(left_ms, left) &&
           text_date_from_ms(right_ms, right) && !strcmp(left, right);
}

static bool same_value(const struct structure_field *field,
                       const cJSON *current, const cJSON *wanted, bool written)
{
    const char *key;

    if (field->kind == FIELD_CHECKBOX) {
        const char *text = cn_json_text(current);

        return cJSON_IsTrue(wanted) == (text && text_same_name(text, "true"));
    }
    if (empty(current) || empty(wanted))
        return empty(current) && empty(wanted);
    if (field->kind == FIELD_DATE)
        return same_day(current, wanted);
    if (is_list(field) && cJSON_IsArray(wanted) && cJSON_IsArray(current))
        return has_all(current, wanted) && has_all(wanted, current);
    if (is_list(field)) {
        const cJSON *list = cJSON_IsArray(current) ? current : wanted;
        const cJSON *single = list == current ? wanted : current;

        key = key_of(single);
        return key && list->child && !list->child->next &&
               key_of(list->child) && !strcmp(key_of(list->child), key);
    }
    return same_text(current, wanted, written);
}

/* ---- All fields -----------------------------------------------------------
 */

static const struct structure_field *
find_field(const struct structure *pipeline, const char *name,
           struct deal_change_error *err)
{
    const struct structure_field *field = structure_field_named(pipeline, name);
    char name_shown[NAME_SHOWN_MAX];

    if (field)
        return field;
    shown(name, name_shown);
    refuse(err, true, "there is no field \"%s\" in the pipeline", name_shown);
    return NULL;
}

static bool change_fields(const struct structure *pipeline,
                          const cJSON *current, const cJSON *fields,
                          cJSON *changed, bool written,
                          struct deal_change_error *err)
{
    CN_JSON_EACH(value, fields)
    {
        const struct structure_field *field =
            find_field(pipeline, value->string, err);
        cJSON *wanted = field ? wanted_value(field, value, err) : NULL;

        if (!wanted)
            return false;
        if (same_value(field, cn_json_member(current, field->key), wanted,
                       written))
            cJSON_Delete(wanted);
        else
            text_put(changed, field->key, wanted);
    }
    return true;
}

/* What is there, or what the deal puts there, and what is added. */
static bool add_to_field(const struct structure_field *field,
                         const cJSON *current, const cJSON *value,
                         cJSON *changed, struct deal_change_error *err)
{
    const cJSON *base = cn_json_member(changed, field->key);
    cJSON *added = wanted_list(field, value, err), *whole;

    if (!added)
        return false;
    if (!base)
        base = cn_json_member(current, field->key);
    whole = text_must(cJSON_CreateArray());
    CN_JSON_EACH(item, only_array(base))
    {
        if (key_of(item))
            text_add(whole, text_json(key_of(item), CN_ID_MAX));
    }
    if (base && !cJSON_IsArray(base) && key_of(base) && *key_of(base))
        text_add(whole, text_json(key_of(base), CN_ID_MAX));
    CN_JSON_EACH(item, added)
    {
        if (!find_key(whole, item->valuestring))
            text_add(whole, text_json(item->valuestring, CN_ID_MAX));
    }
    cJSON_Delete(added);
    if (same_value(field, cn_json_member(current, field->key), whole, false)) {
        cJSON_DeleteItemFromObjectCaseSensitive(changed, field->key);
        cJSON_Delete(whole);
        return true;
    }
    text_put(changed, field->key, whole);
    return true;
}

static bool add_fields(const struct structure *pipeline, const cJSON *current,
                       const cJSON *fields, cJSON *changed,
                       struct deal_change_error *err)
{
    CN_JSON_EACH(value, fields)
    {
        const struct structure_field *field =
            find_field(pipeline, value->string, err);
        char name[NAME_SHOWN_MAX];

        if (!field)
            return false;
        if (!is_list(field)) {
            shown(field->name, name);
            refuse(err, false,
                   "the field \"%s\" holds one value, nothing can be added",
                   name);
            return false;
        }
        if (!add_to_field(field, current, value, changed, err))
            return false;
    }
    return true;
}

/* ---- Contacts and organizations -------------------------------------------
 */

/* Links are objects; isStarred is kept as it is. */
static void add_link(cJSON *links, const cJSON *current, const char *key)
{
    const cJSON *known = find_key(current, key);
    cJSON *link;

    if (find_key(links, key))
        return;
    link = text_must(cJSON_CreateObject());
    text_put(link, "key", text_json(key, CN_ID_MAX));
    text_put(
        link, "isStarred",
        cJSON_CreateBool(cJSON_IsTrue(cn_json_member(known, "isStarred"))));
    text_add(links, link);
}

static void change_links(const char *name, const cJSON *box, const cJSON *deal,
                         cJSON *change)
{
    const cJSON *current = only_array(cn_json_member(box, name));
    const cJSON *whole = only_array(cn_json_member(deal, name));
    const cJSON *added =
        only_array(cn_json_member(cn_json_member(deal, "add"), name));
    cJSON *links;

    if (!whole && !added)
        return;
    links = text_must(cJSON_CreateArray());
    CN_JSON_EACH(item, whole ? whole : current)
    {
        if (key_of(item))
            add_link(links, current, key_of(item));
    }
    CN_JSON_EACH(item, added)
    {
        if (key_of(item))
            add_link(links, current, key_of(item));
    }
    if (has_all(current, links) && has_all(links, current))
        cJSON_Delete(links);
    else
        text_put(change, name, links);
}

/* ---- The whole ------------------------------------------------------------
 */

static void change_text(const char *name, const cJSON *box, const cJSON *deal,
                        cJSON *change)
{
    const char *wanted = cn_json_text(cn_json_member(deal, name));
    const char *current = cn_json_text(cn_json_member(box, name));

    if (wanted && !text_same(current ? current : "", wanted))
        text_put(change, name, cn_json_string(cn_text(wanted)));
}

static bool change_stage(const struct structure *pipeline, const cJSON *box,
                         const cJSON *deal, cJSON *change,
                         struct deal_change_error *err)
{
    const char *key = cn_json_text(cn_json_member(deal, "stage_key"));
    const char *name = cn_json_text(cn_json_member(deal, "stage"));
    const char *current = cn_json_text(cn_json_member(box, "stageKey"));
    char name_shown[NAME_SHOWN_MAX];

    if (!key && !name)
        return true;
    shown(key ? key : name, name_shown);
    if (key && !structure_stage_name(pipeline, key)) {
        refuse(err, true, "there is no stage with the key \"%s\"", name_shown);
        return false;
    }
    if (!key)
        key = structure_stage_key(pipeline, name);
    if (!key) {
        refuse(err, true, "there is no stage \"%s\" in the pipeline",
               name_shown);
        return false;
    }
    if (!current || strcmp(current, key) != 0)
        text_put(change, "stageKey", text_json(key, CN_ID_MAX));
    return true;
}

cJSON *deal_change(const struct structure *pipeline, const cJSON *box,
                   const cJSON *deal, bool written,
                   struct deal_change_error *err)
{
    const cJSON *current = cn_json_member(box, "fields");
    const cJSON *add = cn_json_member(deal, "add");
    cJSON *change = text_must(cJSON_CreateObject());
    cJSON *fields = text_must(cJSON_CreateObject());

    memset(err, 0, sizeof(*err));
    change_text("name", box, deal, change);
    change_text("notes", box, deal, change);
    change_links("contacts", box, deal, change);
    change_links("organizations", box, deal, change);
    if (!change_stage(pipeline, box, deal, change, err) ||
        !change_fields(pipeline, current, cn_json_member(deal, "fields"),
                       fields, written, err) ||
        !add_fields(pipeline, current, cn_json_member(add, "fields"), fields,
                    err)) {
        cJSON_Delete(fields);
        cJSON_Delete(change);
        return NULL;
    }
    if (fields->child)
        text_put(change, "fields", fields);
    else
        cJSON_Delete(fields);
    return change;
}
