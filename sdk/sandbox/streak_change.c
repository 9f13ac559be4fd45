/* streak_change.c - changes with all that follows from them.
 *
 * A wish is checked as a whole before any of it is carried out, so a refused
 * update has changed nothing.  Lists replace, fields merge by key, a value that
 * clears a field takes it out of the box.  A change moves lastUpdatedTimestamp
 * and lastSavedTimestamp; a write that changes nothing moves the second only.
 * Used on the simulator's only thread. */
#include "streak_change.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "sim_json.h"
#include "streak_show.h"

enum { SHOWN_BYTES_MAX = 8 << 20 }; /* one object */

/* --- Checking --- */

static bool has_option(const cJSON *definition, const char *settings,
                       const char *list, const cJSON *value)
{
    const cJSON *option;

    cJSON_ArrayForEach(
        option, sim_json_member(sim_json_member(definition, settings), list))
    {
        const char *key = sim_json_text(option, "key");

        if (key && strcmp(key, value->valuestring) == 0)
            return true;
    }
    return false;
}

static bool is_clearing(const cJSON *value)
{
    return cJSON_IsNull(value) ||
           (cJSON_IsString(value) && !*value->valuestring) ||
           (cJSON_IsArray(value) && !value->child);
}

static bool fits_tag(const cJSON *definition, const cJSON *value)
{
    const cJSON *item;

    if (!cJSON_IsArray(value))
        return false;
    cJSON_ArrayForEach(item, value)
    {
        if (!cJSON_IsString(item) ||
            !has_option(definition, "tagSettings", "tags", item))
            return false;
    }
    return true;
}

/* A key or a list of keys. */
static bool fits_key(const cJSON *value)
{
    const cJSON *item;

    if (cJSON_IsString(value))
        return streak_key_decodes(value->valuestring);
    if (!cJSON_IsArray(value))
        return false;
    cJSON_ArrayForEach(item, value)
    {
        if (!cJSON_IsString(item) || !streak_key_decodes(item->valuestring))
            return false;
    }
    return true;
}

static bool fits(const char *type, const cJSON *definition, const cJSON *value)
{
    if (strcmp(type, "TEXT_INPUT") == 0)
        return cJSON_IsString(value);
    if (strcmp(type, "CHECKBOX") == 0)
        return cJSON_IsBool(value);
    if (strcmp(type, "DATE") == 0)
        return cJSON_IsNumber(value) &&
               floor(value->valuedouble) == value->valuedouble;
    if (strcmp(type, "DROPDOWN") == 0)
        return cJSON_IsString(value) &&
               has_option(definition, "dropdownSettings", "items", value);
    if (strcmp(type, "TAG") == 0)
        return fits_tag(definition, value);
    return fits_key(value);
}

enum streak_verdict streak_check_value(const struct streak *streak,
                                       const cJSON *definition,
                                       const cJSON *value)
{
    const char *type = sim_json_text(definition, "type");

    if (strcmp(type, "FORMULA") == 0)
        return STREAK_READ_ONLY;
    if (!value)
        return STREAK_BAD_VALUE;
    if (!streak->switches.strict || is_clearing(value))
        return STREAK_FINE;
    return fits(type, definition, value) ? STREAK_FINE : STREAK_BAD_VALUE;
}

/* The documented form of fields is JSON text inside the JSON body. */
static enum streak_verdict open_fields(cJSON *wish)
{
    const char *text = sim_json_text(wish, "fields");
    cJSON *fields;

    if (!text)
        return STREAK_FINE;
    fields = cJSON_Parse(text);
    if (!cJSON_IsObject(fields)) {
        cJSON_Delete(fields);
        return STREAK_SILENT;
    }
    sim_json_put(wish, "fields", fields);
    return STREAK_FINE;
}

static enum streak_verdict check_fields(const struct streak *streak,
                                        const struct streak_pipeline *pipeline,
                                        const cJSON *fields)
{
    const cJSON *value;

    if (!fields)
        return STREAK_FINE;
    if (!cJSON_IsObject(fields))
        return STREAK_SILENT;
    cJSON_ArrayForEach(value, fields)
    {
        const cJSON *definition =
            streak_pipeline_field(pipeline, value->string);
        enum streak_verdict verdict =
            definition ? streak_check_value(streak, definition, value)
                       : STREAK_BAD_KEY;

        if (!definition && !streak->switches.strict)
            continue;
        if (verdict != STREAK_FINE)
            return verdict;
    }
    return STREAK_FINE;
}

/* contacts and organizations: objects with a key.  Other shapes are answered
 * with null. */
static enum streak_verdict check_links(const struct streak *streak,
                                       enum streak_kind kind,
                                       const cJSON *links)
{
    const cJSON *link;

    if (!links)
        return STREAK_FINE;
    if (!cJSON_IsArray(links))
        return STREAK_SILENT;
    cJSON_ArrayForEach(link, links)
    {
        const char *key = sim_json_text(link, "key");

        if (!key)
            return STREAK_SILENT;
        if (!streak_key_decodes(key))
            return STREAK_BAD_KEY;
        if (!streak_world_find(&streak->world, kind, key))
            return STREAK_UNKNOWN_KEY;
    }
    return STREAK_FINE;
}

static enum streak_verdict check_assigned(const struct streak *streak,
                                          const cJSON *assigned)
{
    const cJSON *entry;

    if (!assigned)
        return STREAK_FINE;
    if (!cJSON_IsArray(assigned))
        return STREAK_SILENT;
    cJSON_ArrayForEach(entry, assigned)
    {
        const char *email = sim_json_text(entry, "email");

        if (!email)
            return STREAK_SILENT;
        if (!streak_world_user_by_email(&streak->world, email))
            return STREAK_BAD_VALUE;
    }
    return STREAK_FINE;
}

static enum streak_verdict check_keys(const cJSON *keys)
{
    const cJSON *key;

    if (!keys)
        return STREAK_FINE;
    if (!cJSON_IsArray(keys))
        return STREAK_SILENT;
    cJSON_ArrayForEach(key, keys)
    {
        if (!cJSON_IsString(key))
            return STREAK_SILENT;
        if (!streak_key_decodes(key->valuestring))
            return STREAK_BAD_KEY;
    }
    return STREAK_FINE;
}

static enum streak_verdict check_texts(const struct streak_pipeline *pipeline,
                                       const cJSON *wish)
{
    const cJSON *name = sim_json_member(wish, "name");
    const cJSON *notes = sim_json_member(wish, "notes");
    const cJSON *stage = sim_json_member(wish, "stageKey");

    if ((name && (!cJSON_IsString(name) || !*name->valuestring)) ||
        (notes && !cJSON_IsString(notes) && !cJSON_IsNull(notes)))
        return STREAK_BAD_VALUE;
    if (stage && (!cJSON_IsString(stage) ||
                  !streak_pipeline_stage(pipeline, stage->valuestring)))
        return STREAK_BAD_KEY;
    return STREAK_FINE;
}

enum streak_verdict streak_check_box(const struct streak *streak,
                                     const struct streak_pipeline *pipeline,
                                     cJSON *wish)
{
    enum streak_verdict verdict = open_fields(wish);

    if (!verdict)
        verdict = check_texts(pipeline, wish);
    if (!verdict)
        verdict =
            check_fields(streak, pipeline, sim_json_member(wish, "fields"));
    if (!verdict)
        verdict = check_links(streak, STREAK_CONTACT,
                              sim_json_member(wish, "contacts"));
    if (!verdict)
        verdict = check_links(streak, STREAK_ORGANIZATION,
                              sim_json_member(wish, "organizations"));
    if (!verdict)
        verdict = check_assigned(
            streak, sim_json_member(wish, "assignedToSharingEntries"));
    if (!verdict)
        verdict = check_keys(sim_json_member(wish, "linkedBoxKeys"));
    if (!verdict)
        verdict = check_keys(sim_json_member(wish, "followerKeys"));
    return verdict;
}

/* --- Carrying out --- */

static bool change_text(char **place, const char *text)
{
    if (!text || strcmp(*place, text) == 0)
        return false;
    free(*place);
    *place = memory_text(text);
    return true;
}

/* Takes value.  true: it differs from what was there. */
static bool change_tree(cJSON **place, cJSON *value)
{
    if (cJSON_Compare(*place, value, true)) {
        cJSON_Delete(value);
        return false;
    }
    cJSON_Delete(*place);
    *place = value;
    return true;
}

static bool change_fields(struct streak_box *box, const cJSON *fields)
{
    const cJSON *value;
    bool changed = false;

    cJSON_ArrayForEach(value, fields)
    {
        cJSON *old = sim_json_member(box->fields, value->string);

        if (!streak_pipeline_field(box->pipeline, value->string))
            continue;
        if (is_clearing(value)) {
            changed = changed || old;
            cJSON_DeleteItemFromObjectCaseSensitive(box->fields, value->string);
        } else if (!old || !cJSON_Compare(old, value, true)) {
            changed = true;
            sim_json_put(box->fields, value->string,
                         cJSON_Duplicate(value, true));
        }
    }
    return changed;
}

/* Only what Streak keeps of a link: its key and its star. */
static bool change_links(cJSON **place, const cJSON *links)
{
    cJSON *kept;
    const cJSON *link;

    if (!links)
        return false;
    kept = cJSON_CreateArray();
    cJSON_ArrayForEach(link, links)
    {
        cJSON *item = cJSON_CreateObject();

        cJSON_AddStringToObject(item, "key", sim_json_text(link, "key"));
        cJSON_AddBoolToObject(item, "isStarred",
                              sim_json_flag(link, "isStarred", false));
        cJSON_AddItemToArray(kept, item);
    }
    return change_tree(place, kept);
}

static bool change_assigned(struct streak_box *box, const cJSON *assigned)
{
    const cJSON *entry;
    cJSON *emails;

    if (!assigned)
        return false;
    emails = cJSON_CreateArray();
    cJSON_ArrayForEach(entry, assigned)
    {
        cJSON_AddItemToArray(emails,
                             cJSON_CreateString(sim_json_text(entry, "email")));
    }
    return change_tree(&box->assigned, emails);
}

static bool change_list(cJSON **place, const cJSON *list)
{
    return list && change_tree(place, cJSON_Duplicate(list, true));
}

static bool change_all_but_stage(struct streak_box *box, const cJSON *wish)
{
    bool changed = change_text(&box->name, sim_json_text(wish, "name"));

    changed |= change_text(&box->notes, sim_json_text(wish, "notes"));
    changed |= change_fields(box, sim_json_member(wish, "fields"));
    changed |= change_links(&box->contacts, sim_json_member(wish, "contacts"));
    changed |= change_links(&box->organizations,
                            sim_json_member(wish, "organizations"));
    changed |=
        change_assigned(box, sim_json_member(wish, "assignedToSharingEntries"));
    changed |=
        change_list(&box->linked, sim_json_member(wish, "linkedBoxKeys"));
    changed |=
        change_list(&box->followers, sim_json_member(wish, "followerKeys"));
    return changed;
}

static void note_box(struct streak *streak, const struct streak_box *box,
                     const char *change)
{
    cJSON *named = streak_show_named(box);

    sim_ledger_document(streak->ledger, "box", box->entity.key, box->name,
                        change, named);
    cJSON_Delete(named);
}

static void fire_box(struct streak *streak, const struct streak_box *box,
                     const char *event, const char *snapshot)
{
    streak_webhook_fire(streak->hooks, event, box->pipeline->entity.key,
                        STREAK_BOX, box->entity.key, snapshot);
}

bool streak_change_box(struct streak *streak, struct streak_box *box,
                       const cJSON *wish, bool created)
{
    int64_t now_ms = sim_clock_now_ms(streak->clock);
    bool edited = change_all_but_stage(box, wish);
    bool moved = change_text(&box->stage_key, sim_json_text(wish, "stageKey"));

    if (moved)
        box->stage_changed_ms = now_ms;
    if (edited || moved || created) {
        box->updated_ms = now_ms;
        box->update_sequence = ++streak->world.sequence;
    }
    if (edited || moved || created || streak->switches.same_moves_saved)
        box->saved_ms = now_ms;
    if (!edited && !moved && !created)
        return false;
    note_box(streak, box, created ? "create" : "update");
    if (created)
        fire_box(streak, box, "BOX_CREATE", NULL);
    if (edited && !created)
        fire_box(streak, box, "BOX_EDIT", NULL);
    if (moved && !created)
        fire_box(streak, box, "BOX_CHANGE_STAGE", NULL);
    return true;
}

void streak_delete_box(struct streak *streak, struct streak_box *box)
{
    struct buf snapshot;

    buf_init(&snapshot, SHOWN_BYTES_MAX);
    streak_show_box(&streak->world, box, &snapshot);
    fire_box(streak, box, "BOX_DELETE", snapshot.data);
    buf_done(&snapshot);
    note_box(streak, box, "delete");
    streak_world_remove_box(&streak->world, box);
}

struct streak_comment *streak_create_comment(struct streak *streak,
                                             struct streak_box *box,
                                             struct streak_user *creator,
                                             const char *message)
{
    int64_t now_ms = sim_clock_now_ms(streak->clock);
    struct streak_comment *comment =
        streak_world_add_comment(&streak->world, box, creator, message, now_ms);
    cJSON *detail = cJSON_CreateObject();
    char reference[STREAK_KEY_MAX + 256];

    box->saved_ms = now_ms;
    snprintf(reference, sizeof(reference), "%s %s", box->entity.key, message);
    cJSON_AddStringToObject(detail, "boxKey", box->entity.key);
    cJSON_AddStringToObject(detail, "message", message);
    sim_ledger_document(streak->ledger, "comment", comment->entity.key,
                        reference, "create", detail);
    cJSON_Delete(detail);
    streak_webhook_fire(streak->hooks, "COMMENT_CREATE",
                        box->pipeline->entity.key, STREAK_COMMENT,
                        comment->entity.key, NULL);
    return comment;
}

void streak_note_party(struct streak *streak, struct streak_party *party,
                       const struct streak_user *user, bool created)
{
    bool contact = party->entity.kind == STREAK_CONTACT;
    int64_t now_ms = sim_clock_now_ms(streak->clock);
    const char *name =
        sim_json_text(party->tree, contact ? "familyName" : "name");

    party->saved_ms = now_ms;
    sim_json_put(party->tree, "lastSavedUserKey",
                 cJSON_CreateString(user->entity.key));
    sim_json_put(party->tree, "versionTimestamp",
                 cJSON_CreateNumber((double)now_ms));
    sim_json_put(party->tree, "lastSavedTimestamp",
                 cJSON_CreateNumber((double)now_ms));
    sim_ledger_document(streak->ledger, contact ? "contact" : "organization",
                        party->entity.key, name ? name : "",
                        created ? "create" : "update", party->tree);
    if (contact)
        streak_webhook_fire(streak->hooks,
                            created ? "CONTACT_CREATE" : "CONTACT_UPDATE",
                            streak->world.team->entity.key, STREAK_CONTACT,
                            party->entity.key, NULL);
    else
        streak_webhook_fire(streak->hooks,
                            created ? "ORG_CREATE" : "ORG_UPDATE",
                            streak->world.team->entity.key, STREAK_ORGANIZATION,
                            party->entity.key, NULL);
}
