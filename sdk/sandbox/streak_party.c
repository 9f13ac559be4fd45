/* streak_party.c - calls about contacts and organizations.
 *
 * Both are one kind of thing with different names: a list of texts, a list of
 * lists, custom fields, links.  Names that are not in the lists are dropped
 * without a word, as Streak drops linkedInHandle.
 * Used on the simulator's only thread. */
#include "streak_party.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/memory.h"
#include "sim_json.h"

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000 };

static const char cursor_mark[] = "CioSJGoM"; /* as published cursors begin */

/* --- Taking properties over --- */

static bool is_text_list(const cJSON *list)
{
    const cJSON *item;

    if (!cJSON_IsArray(list))
        return false;
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsString(item))
            return false;
    }
    return true;
}

static bool is_link_name(const char *name)
{
    return strcmp(name, "contactLinks") == 0 || strcmp(name, "orgLinks") == 0;
}

static bool is_own_name(const char *name)
{
    static const char *const names[] = {"key",
                                        "teamKey",
                                        "creatorKey",
                                        "lastSavedUserKey",
                                        "creationDate",
                                        "versionTimestamp",
                                        "lastSavedTimestamp",
                                        "normalizedDomains"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

/* Links as Streak keeps them; NULL: a wrong shape. */
static cJSON *make_links(const cJSON *given, int64_t now_ms)
{
    cJSON *links = cJSON_CreateArray();
    const cJSON *item;

    cJSON_ArrayForEach(item, given)
    {
        const char *key = sim_json_text(item, "key");
        cJSON *link;

        if (!key || !streak_key_decodes(key)) {
            cJSON_Delete(links);
            return NULL;
        }
        link = cJSON_CreateObject();
        cJSON_AddStringToObject(link, "key", key);
        cJSON_AddBoolToObject(link, "isMagicLinked", false);
        cJSON_AddNumberToObject(link, "creationTimestamp", (double)now_ms);
        cJSON_AddItemToArray(links, link);
    }
    return links;
}

static enum streak_verdict take_fields(const struct streak_call *call,
                                       enum streak_kind kind, cJSON *tree,
                                       const cJSON *given)
{
    const struct streak_team *team = call->streak->world.team;
    const cJSON *known = kind == STREAK_CONTACT ? team->contact_fields
                                                : team->organization_fields;
    cJSON *fields = sim_json_member(tree, "fields");
    const cJSON *value;

    if (!cJSON_IsObject(given))
        return STREAK_SILENT;
    cJSON_ArrayForEach(value, given)
    {
        if (!sim_json_member(known, value->string))
            return STREAK_BAD_KEY;
        if (call->streak->switches.strict && !cJSON_IsString(value))
            return STREAK_BAD_VALUE;
    }
    cJSON_ArrayForEach(value, given)
    {
        sim_json_put(fields, value->string, cJSON_Duplicate(value, true));
    }
    return STREAK_FINE;
}

/* One property of a body into the tree. */
static enum streak_verdict take_one(const struct streak_call *call,
                                    enum streak_kind kind, cJSON *tree,
                                    const cJSON *given, bool created)
{
    const char *name = given->string;
    const cJSON *old = sim_json_member(tree, name);
    cJSON *links;

    if (!old || is_own_name(name))
        return STREAK_FINE;
    if (strcmp(name, "fields") == 0)
        return created ? STREAK_FINE : take_fields(call, kind, tree, given);
    if (is_link_name(name)) {
        if (created)
            return STREAK_FINE;
        links = cJSON_IsArray(given)
                    ? make_links(given, sim_clock_now_ms(call->streak->clock))
                    : NULL;
        if (!links)
            return STREAK_SILENT;
        sim_json_put(tree, name, links);
        return STREAK_FINE;
    }
    if (cJSON_IsArray(old) ? !is_text_list(given)
                           : !cJSON_IsString(given) && !cJSON_IsNull(given))
        return STREAK_SILENT;
    sim_json_put(tree, name, cJSON_Duplicate(given, true));
    return STREAK_FINE;
}

static void normalize_domains(cJSON *tree)
{
    cJSON *normalized = cJSON_Duplicate(sim_json_member(tree, "domains"), true);
    cJSON *item;

    cJSON_ArrayForEach(item, normalized)
    {
        for (char *letter = item->valuestring; *letter; letter++)
            *letter = (char)tolower((unsigned char)*letter);
    }
    sim_json_put(tree, "normalizedDomains", normalized);
}

static bool has_text(const cJSON *tree, const char *name)
{
    const char *text = sim_json_text(tree, name);

    return text && *text;
}

static bool has_item(const cJSON *tree, const char *name)
{
    return cJSON_GetArraySize(sim_json_member(tree, name)) > 0;
}

/* A text that stands in the list twice; NULL: none. */
static const char *find_double(const cJSON *list)
{
    const cJSON *one, *two;

    cJSON_ArrayForEach(one, list)
    {
        for (two = one->next; two; two = two->next)
            if (strcmp(one->valuestring, two->valuestring) == 0)
                return one->valuestring;
    }
    return NULL;
}

/* What must hold of a tree before it is stored; false after answering. */
static bool check_whole(struct streak_call *call, enum streak_kind kind,
                        const cJSON *tree)
{
    const char *twice = find_double(sim_json_member(tree, "emailAddresses"));
    char text[512];
    cJSON *error;

    if (twice) {
        snprintf(text, sizeof(text), "Contacts can't have duplicate emails: %s",
                 twice);
        error = cJSON_CreateObject();
        cJSON_AddStringToObject(error, "error", text);
        cJSON_AddNumberToObject(error, "errorCode", 801);
        cJSON_AddBoolToObject(error, "success", false);
        sim_answer_tree(call->answer, 400, error);
        return false;
    }
    if (kind == STREAK_CONTACT && !has_text(tree, "givenName") &&
        !has_text(tree, "familyName") && !has_item(tree, "emailAddresses")) {
        streak_fail(call, 400,
                    "Need to specify at least a name or email address");
        return false;
    }
    if (kind == STREAK_ORGANIZATION && !has_text(tree, "name") &&
        !has_item(tree, "domains")) {
        streak_fail(call, 400, "Need to specify at least a name or domain");
        return false;
    }
    return true;
}

/* Body into tree; false after answering why not. */
static bool take_all(struct streak_call *call, enum streak_kind kind,
                     cJSON *tree, bool created)
{
    const cJSON *given;

    cJSON_ArrayForEach(given, call->body)
    {
        if (streak_fail_verdict(call,
                                take_one(call, kind, tree, given, created)))
            return false;
    }
    normalize_domains(tree);
    return check_whole(call, kind, tree);
}

/* --- Calls --- */

static void answer_party(struct streak_call *call,
                         const struct streak_party *party)
{
    struct buf buf;

    streak_answer_begin(&buf);
    sim_json_append_tree(&buf, party->tree);
    streak_answer(call, &buf);
}

static bool share_item(const cJSON *one, const cJSON *two)
{
    const cJSON *a, *b;

    cJSON_ArrayForEach(a, one)
    {
        cJSON_ArrayForEach(b, two)
        {
            if (strcmp(a->valuestring, b->valuestring) == 0)
                return true;
        }
    }
    return false;
}

static struct streak_party *first_of(const struct streak_call *call,
                                     enum streak_kind kind)
{
    return kind == STREAK_CONTACT ? call->streak->world.contacts
                                  : call->streak->world.organizations;
}

/* getIfExisting: the first with an e-mail address or a domain in common. */
static struct streak_party *find_existing(struct streak_call *call,
                                          enum streak_kind kind,
                                          const cJSON *tree)
{
    const char *asked = sim_request_query(call->request, "getIfExisting");
    const char *name =
        kind == STREAK_CONTACT ? "emailAddresses" : "normalizedDomains";
    struct streak_party *party;

    if (!asked || strcmp(asked, "true") != 0)
        return NULL;
    DL_FOREACH(first_of(call, kind), party)
    {
        if (share_item(sim_json_member(party->tree, name),
                       sim_json_member(tree, name)))
            return party;
    }
    return NULL;
}

static void create_party(struct streak_call *call, enum streak_kind kind)
{
    struct streak *streak = call->streak;
    struct streak_party *party;
    cJSON *tree;

    if (!streak_find(call, STREAK_TEAM, call->args[0]))
        return;
    tree = streak_world_empty_party(kind);
    if (!take_all(call, kind, tree, true)) {
        cJSON_Delete(tree);
        return;
    }
    party = find_existing(call, kind, tree);
    if (party) {
        cJSON_Delete(tree);
        answer_party(call, party);
        return;
    }
    party = streak_world_add_party(&streak->world, kind, tree, call->user,
                                   sim_clock_now_ms(streak->clock));
    streak_note_party(streak, party, call->user, true);
    call->answer->committed = true;
    answer_party(call, party);
}

static void get_party(struct streak_call *call, enum streak_kind kind)
{
    const struct streak_party *party = streak_find(call, kind, call->args[0]);

    if (party)
        answer_party(call, party);
}

static void update_party(struct streak_call *call, enum streak_kind kind)
{
    struct streak_party *party = streak_find(call, kind, call->args[0]);
    cJSON *tree;

    if (!party)
        return;
    tree = cJSON_Duplicate(party->tree, true);
    if (!take_all(call, kind, tree, false)) {
        cJSON_Delete(tree);
        return;
    }
    cJSON_Delete(party->tree);
    party->tree = tree;
    streak_note_party(call->streak, party, call->user, false);
    call->answer->committed = true;
    answer_party(call, party);
}

static int by_key(const void *a, const void *b)
{
    const struct streak_party *one = *(struct streak_party *const *)a;
    const struct streak_party *two = *(struct streak_party *const *)b;

    return strcmp(one->entity.key, two->entity.key);
}

/* Contacts in the order of making, organizations by key; only those saved at
 * after_ms or later.  The caller frees the array. */
static struct streak_party **sorted_parties(const struct streak_call *call,
                                            enum streak_kind kind,
                                            int64_t after_ms, size_t *ret_count)
{
    struct streak_party *first = first_of(call, kind);
    struct streak_party **sorted;
    struct streak_party *party;
    size_t count = 0;

    DL_COUNT(first, party, count);
    sorted = memory_zero(count + 1, sizeof(struct streak_party *));
    count = 0;
    DL_FOREACH(first, party)
    {
        if (party->saved_ms >= after_ms)
            sorted[count++] = party;
    }
    if (kind == STREAK_ORGANIZATION)
        qsort(sorted, count, sizeof(*sorted), by_key);
    *ret_count = count;
    return sorted;
}

/* Where a cursor goes on; false: not a cursor. */
static bool read_cursor(struct streak_call *call, size_t *ret_first)
{
    const char *cursor = sim_request_query(call->request, "cursor");
    char *end = NULL;

    *ret_first = 0;
    if (!cursor || !*cursor)
        return true;
    if (strncmp(cursor, cursor_mark, sizeof(cursor_mark) - 1) != 0)
        return false;
    *ret_first = strtoul(cursor + sizeof(cursor_mark) - 1, &end, 16);
    return *end == '\0';
}

static void list_parties(struct streak_call *call, enum streak_kind kind)
{
    int64_t limit =
        sim_request_query_number(call->request, "limit", PAGE_DEFAULT);
    /* Seconds, unlike every other time of this interface. */
    int64_t after_ms =
        kind == STREAK_CONTACT
            ? sim_request_query_number(call->request, "after", 0) * 1000
            : 0;
    struct streak_party **sorted;
    size_t count, index, shown = 0;
    struct buf buf;

    if (!streak_find(call, STREAK_TEAM, call->args[0]))
        return;
    if (!read_cursor(call, &index)) {
        streak_fail(call, 400, "Invalid cursor");
        return;
    }
    if (limit < 1 || limit > PAGE_MAX)
        limit = limit < 1 ? PAGE_DEFAULT : PAGE_MAX;
    sorted = sorted_parties(call, kind, after_ms, &count);
    streak_answer_begin(&buf);
    buf_append_text(&buf, "{\"results\":[");
    for (; index < count && shown < (size_t)limit; index++, shown++) {
        buf_append_text(&buf, shown ? "," : "");
        sim_json_append_tree(&buf, sorted[index]->tree);
    }
    if (index < count)
        buf_printf(&buf, "],\"cursor\":\"%s%08zx\"}", cursor_mark, index);
    else
        buf_append_text(&buf, "],\"cursor\":null}");
    free(sorted);
    streak_answer(call, &buf);
}

void streak_create_contact(struct streak_call *call)
{
    create_party(call, STREAK_CONTACT);
}

void streak_list_contacts(struct streak_call *call)
{
    list_parties(call, STREAK_CONTACT);
}

void streak_get_contact(struct streak_call *call)
{
    get_party(call, STREAK_CONTACT);
}

void streak_update_contact(struct streak_call *call)
{
    update_party(call, STREAK_CONTACT);
}

void streak_create_organization(struct streak_call *call)
{
    create_party(call, STREAK_ORGANIZATION);
}

void streak_list_organizations(struct streak_call *call)
{
    list_parties(call, STREAK_ORGANIZATION);
}

void streak_get_organization(struct streak_call *call)
{
    get_party(call, STREAK_ORGANIZATION);
}

void streak_update_organization(struct streak_call *call)
{
    update_party(call, STREAK_ORGANIZATION);
}
