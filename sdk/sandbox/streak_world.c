/* streak_world.c - what the Streak simulator knows, and its life.
 *
 * Objects are made and removed here and nowhere else; all of them stand in one
 * hash by key, so that a key leads to its object and its kind.  Keys and
 * numbers of stages, fields and options are never used again in one world.
 * Used on the simulator's only thread. */
#include "streak_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/memory.h"
#include "sim_json.h"

enum {
    FIELD_FIRST = 1001, /* as in all published samples */
    STAGE_FIRST = 5001,
    OPTION_FIRST = 9001,
    NUMBER_TEXT = 16 /* a decimal int with its NUL */
};

void streak_world_make_key(struct streak_world *world, enum streak_kind kind,
                           struct streak_entity *ret_entity)
{
    ret_entity->kind = kind;
    ret_entity->sequence = ++world->counter;
    streak_key_make(kind, world->seed, ret_entity->sequence, ret_entity->key);
}

static void add_entity(struct streak_world *world, enum streak_kind kind,
                       struct streak_entity *entity)
{
    streak_world_make_key(world, kind, entity);
    HASH_ADD_STR(world->entities, key, entity);
}

static void remove_entity(struct streak_world *world,
                          struct streak_entity *entity)
{
    HASH_DEL(world->entities, entity);
}

void *streak_world_find(const struct streak_world *world, enum streak_kind kind,
                        const char *key)
{
    struct streak_entity *entity = NULL;

    HASH_FIND_STR(world->entities, key, entity);
    return entity && entity->kind == kind ? (void *)entity : NULL;
}

/* --- Users --- */

struct streak_user *streak_world_add_user(struct streak_world *world,
                                          const char *email,
                                          const char *display_name,
                                          const char *full_name,
                                          const char *api_key, int64_t now_ms)
{
    struct streak_user *user = memory_zero(1, sizeof(*user));

    add_entity(world, STREAK_USER, &user->entity);
    user->email = memory_text(email);
    user->display_name = memory_text(display_name);
    user->full_name = memory_text(full_name);
    user->api_key = memory_text(api_key);
    user->created_ms = now_ms;
    LL_APPEND(world->users, user);
    return user;
}

struct streak_user *streak_world_user_by_email(const struct streak_world *world,
                                               const char *email)
{
    struct streak_user *user;

    LL_FOREACH(world->users, user)
    {
        if (!user->outsider && strcmp(user->email, email) == 0)
            return user;
    }
    return NULL;
}

struct streak_user *
streak_world_user_by_api_key(const struct streak_world *world,
                             const char *api_key)
{
    struct streak_user *user;

    LL_FOREACH(world->users, user)
    {
        if (user->api_key && strcmp(user->api_key, api_key) == 0)
            return user;
    }
    return NULL;
}

/* --- Pipelines --- */

struct streak_pipeline *streak_world_add_pipeline(struct streak_world *world,
                                                  struct streak_user *creator,
                                                  const char *name,
                                                  int64_t now_ms)
{
    struct streak_pipeline *pipeline = memory_zero(1, sizeof(*pipeline));

    add_entity(world, STREAK_PIPELINE, &pipeline->entity);
    pipeline->creator = creator;
    pipeline->name = memory_text(name);
    pipeline->fields = cJSON_CreateArray();
    pipeline->stages = cJSON_CreateArray();
    pipeline->next_field = FIELD_FIRST;
    pipeline->next_stage = STAGE_FIRST;
    pipeline->created_ms = pipeline->updated_ms = pipeline->saved_ms = now_ms;
    DL_APPEND(world->pipelines, pipeline);
    return pipeline;
}

void streak_world_remove_pipeline(struct streak_world *world,
                                  struct streak_pipeline *pipeline)
{
    while (pipeline->box_count)
        streak_world_remove_box(world,
                                pipeline->boxes[pipeline->box_count - 1]);
    remove_entity(world, &pipeline->entity);
    DL_DELETE(world->pipelines, pipeline);
    cJSON_Delete(pipeline->fields);
    cJSON_Delete(pipeline->stages);
    free(pipeline->boxes);
    free(pipeline->name);
    free(pipeline);
}

struct streak_pipeline *
streak_world_pipeline_by_name(const struct streak_world *world,
                              const char *name)
{
    struct streak_pipeline *pipeline;

    DL_FOREACH(world->pipelines, pipeline)
    {
        if (strcmp(pipeline->name, name) == 0)
            return pipeline;
    }
    return NULL;
}

/* The array of options of a definition, and what an option's name is called. */
static cJSON *options_of(const cJSON *definition, const char **ret_name)
{
    const cJSON *settings = sim_json_member(definition, "dropdownSettings");

    if (settings) {
        *ret_name = "name";
        return sim_json_member(settings, "items");
    }
    settings = sim_json_member(definition, "tagSettings");
    *ret_name = "tag";
    return sim_json_member(settings, "tags");
}

void streak_world_add_option(cJSON *definition, const char *name)
{
    const char *called;
    cJSON *options = options_of(definition, &called);
    int highest = OPTION_FIRST - 1;
    char number[NUMBER_TEXT];
    cJSON *option;

    cJSON_ArrayForEach(option, options)
    {
        const char *key = sim_json_text(option, "key");
        int value = key ? (int)strtol(key, NULL, 10) : 0;

        if (value > highest)
            highest = value;
    }
    snprintf(number, sizeof(number), "%d", highest + 1);
    option = cJSON_CreateObject();
    cJSON_AddStringToObject(option, "key", number);
    cJSON_AddStringToObject(option, called, name);
    cJSON_AddItemToArray(options, option);
}

static void add_options(cJSON *definition, const char *options)
{
    while (options && *options) {
        size_t len = strcspn(options, ",");
        char *name = memory_copy(options, len);

        streak_world_add_option(definition, name);
        free(name);
        options += len + (options[len] == ',');
    }
}

cJSON *streak_world_add_field(struct streak_pipeline *pipeline,
                              const char *name, const char *type,
                              const char *options, int64_t now_ms)
{
    cJSON *definition = cJSON_CreateObject();
    char number[NUMBER_TEXT];

    snprintf(number, sizeof(number), "%d", pipeline->next_field++);
    cJSON_AddStringToObject(definition, "name", name);
    cJSON_AddStringToObject(definition, "key", number);
    cJSON_AddStringToObject(definition, "type", type);
    if (strcmp(type, "DROPDOWN") == 0)
        cJSON_AddArrayToObject(
            cJSON_AddObjectToObject(definition, "dropdownSettings"), "items");
    else if (strcmp(type, "TAG") == 0)
        cJSON_AddArrayToObject(
            cJSON_AddObjectToObject(definition, "tagSettings"), "tags");
    else if (strcmp(type, "FORMULA") == 0)
        cJSON_AddStringToObject(definition, "defaultValue",
                                options ? options : "");
    if (strcmp(type, "FORMULA") != 0)
        add_options(definition, options);
    cJSON_AddNumberToObject(definition, "lastUpdatedTimestamp", (double)now_ms);
    cJSON_AddItemToArray(pipeline->fields, definition);
    return definition;
}

cJSON *streak_world_add_stage(struct streak_pipeline *pipeline,
                              const char *name)
{
    cJSON *stage = cJSON_CreateObject();
    char number[NUMBER_TEXT];

    snprintf(number, sizeof(number), "%d", pipeline->next_stage++);
    cJSON_AddStringToObject(stage, "key", number);
    cJSON_AddStringToObject(stage, "name", name);
    cJSON_AddItemToArray(pipeline->stages, stage);
    return stage;
}

static cJSON *find_in(const cJSON *array, const char *member, const char *text)
{
    cJSON *item;

    cJSON_ArrayForEach(item, array)
    {
        const char *value = sim_json_text(item, member);

        if (value && strcmp(value, text) == 0)
            return item;
    }
    return NULL;
}

cJSON *streak_pipeline_field(const struct streak_pipeline *pipeline,
                             const char *key)
{
    return find_in(pipeline->fields, "key", key);
}

cJSON *streak_pipeline_field_by_name(const struct streak_pipeline *pipeline,
                                     const char *name)
{
    return find_in(pipeline->fields, "name", name);
}

cJSON *streak_pipeline_stage(const struct streak_pipeline *pipeline,
                             const char *key)
{
    return find_in(pipeline->stages, "key", key);
}

cJSON *streak_pipeline_stage_by_name(const struct streak_pipeline *pipeline,
                                     const char *name)
{
    return find_in(pipeline->stages, "name", name);
}

size_t streak_pipeline_count_in_stage(const struct streak_pipeline *pipeline,
                                      const char *stage_key)
{
    size_t count = 0;

    for (size_t i = 0; i < pipeline->box_count; i++)
        if (strcmp(pipeline->boxes[i]->stage_key, stage_key) == 0)
            count++;
    return count;
}

/* --- Boxes and comments --- */

struct streak_box *streak_world_add_box(struct streak_world *world,
                                        struct streak_pipeline *pipeline,
                                        struct streak_user *creator,
                                        const char *name, const char *stage_key,
                                        int64_t now_ms)
{
    struct streak_box *box = memory_zero(1, sizeof(*box));

    add_entity(world, STREAK_BOX, &box->entity);
    box->pipeline = pipeline;
    box->creator = creator;
    box->name = memory_text(name);
    box->notes = memory_text("");
    box->stage_key = memory_text(stage_key);
    box->fields = cJSON_CreateObject();
    box->contacts = cJSON_CreateArray();
    box->organizations = cJSON_CreateArray();
    box->assigned = cJSON_CreateArray();
    box->followers = cJSON_CreateArray();
    box->linked = cJSON_CreateArray();
    cJSON_AddItemToArray(box->followers,
                         cJSON_CreateString(creator->entity.key));
    box->created_ms = box->updated_ms = now_ms;
    box->stage_changed_ms = box->saved_ms = now_ms;
    box->update_sequence = ++world->sequence;
    if (pipeline->box_count == pipeline->box_capacity) {
        pipeline->box_capacity =
            pipeline->box_capacity ? pipeline->box_capacity * 2 : 64;
        pipeline->boxes = memory_grow(pipeline->boxes, pipeline->box_capacity,
                                      sizeof(struct streak_box *));
    }
    pipeline->boxes[pipeline->box_count++] = box;
    return box;
}

void streak_world_remove_comment(struct streak_world *world,
                                 struct streak_comment *comment)
{
    struct streak_box *box = comment->box;

    remove_entity(world, &comment->entity);
    DL_DELETE(box->comments, comment);
    box->comment_count--;
    free(comment->message);
    free(comment);
}

void streak_world_remove_box(struct streak_world *world, struct streak_box *box)
{
    struct streak_pipeline *pipeline = box->pipeline;
    size_t place = pipeline->box_count;

    while (place && pipeline->boxes[place - 1] != box)
        place--;
    if (place) {
        memmove(&pipeline->boxes[place - 1], &pipeline->boxes[place],
                (pipeline->box_count - place) * sizeof(struct streak_box *));
        pipeline->box_count--;
    }
    while (box->comments)
        streak_world_remove_comment(world, box->comments);
    remove_entity(world, &box->entity);
    cJSON_Delete(box->fields);
    cJSON_Delete(box->contacts);
    cJSON_Delete(box->organizations);
    cJSON_Delete(box->assigned);
    cJSON_Delete(box->followers);
    cJSON_Delete(box->linked);
    free(box->name);
    free(box->notes);
    free(box->stage_key);
    free(box);
}

struct streak_comment *streak_world_add_comment(struct streak_world *world,
                                                struct streak_box *box,
                                                struct streak_user *creator,
                                                const char *message,
                                                int64_t now_ms)
{
    struct streak_comment *comment = memory_zero(1, sizeof(*comment));
    struct streak_entity newsfeed;

    add_entity(world, STREAK_COMMENT, &comment->entity);
    streak_world_make_key(world, STREAK_NEWSFEED, &newsfeed);
    memcpy(comment->newsfeed_key, newsfeed.key, sizeof(newsfeed.key));
    comment->box = box;
    comment->creator = creator;
    comment->message = memory_text(message);
    comment->created_ms = comment->saved_ms = now_ms;
    DL_APPEND(box->comments, comment);
    box->comment_count++;
    return comment;
}

/* --- Contacts and organizations --- */

static void add_nulls(cJSON *tree, const char *const *names)
{
    for (; *names; names++)
        cJSON_AddNullToObject(tree, *names);
}

static void add_arrays(cJSON *tree, const char *const *names)
{
    for (; *names; names++)
        cJSON_AddArrayToObject(tree, *names);
}

cJSON *streak_world_empty_party(enum streak_kind kind)
{
    static const char *const contact_texts[] = {
        "givenName",      "familyName",
        "title",          "other",
        "twitterHandle",  "facebookHandle",
        "linkedinHandle", "instagramHandle",
        "photoUrl",       NULL};
    static const char *const contact_lists[] = {
        "emailAddresses",    "phoneNumbers", "addresses", "domains",
        "normalizedDomains", "contactLinks", "orgLinks",  NULL};
    static const char *const organization_texts[] = {"name",
                                                     "other",
                                                     "industry",
                                                     "employeeCount",
                                                     "logoURL",
                                                     "twitterHandle",
                                                     "facebookHandle",
                                                     "linkedinHandle",
                                                     "instagramHandle",
                                                     NULL};
    static const char *const organization_lists[] = {
        "domains",   "normalizedDomains", "phoneNumbers",
        "addresses", "contactLinks",      "orgLinks",
        NULL};
    cJSON *tree = cJSON_CreateObject();

    add_nulls(tree,
              kind == STREAK_CONTACT ? contact_texts : organization_texts);
    add_arrays(tree,
               kind == STREAK_CONTACT ? contact_lists : organization_lists);
    cJSON_AddObjectToObject(tree, "fields");
    return tree;
}

struct streak_party *streak_world_add_party(struct streak_world *world,
                                            enum streak_kind kind, cJSON *tree,
                                            const struct streak_user *creator,
                                            int64_t now_ms)
{
    struct streak_party *party = memory_zero(1, sizeof(*party));

    add_entity(world, kind, &party->entity);
    party->tree = tree;
    party->saved_ms = now_ms;
    cJSON_AddStringToObject(tree, "key", party->entity.key);
    cJSON_AddStringToObject(tree, "teamKey", world->team->entity.key);
    cJSON_AddStringToObject(tree, "creatorKey", creator->entity.key);
    cJSON_AddStringToObject(tree, "lastSavedUserKey", creator->entity.key);
    cJSON_AddNumberToObject(tree, "creationDate", (double)now_ms);
    cJSON_AddNumberToObject(tree, "versionTimestamp", (double)now_ms);
    cJSON_AddNumberToObject(tree, "lastSavedTimestamp", (double)now_ms);
    if (kind == STREAK_CONTACT)
        DL_APPEND(world->contacts, party);
    else
        DL_APPEND(world->organizations, party);
    return party;
}

struct streak_party *
streak_world_organization_by_name(const struct streak_world *world,
                                  const char *name)
{
    struct streak_party *party;

    DL_FOREACH(world->organizations, party)
    {
        const char *text = sim_json_text(party->tree, "name");

        if (text && strcmp(text, name) == 0)
            return party;
    }
    return NULL;
}

/* --- The demo world --- */

static void add_custom_field(cJSON *fields, const char *name, int64_t now_ms)
{
    cJSON *definition = cJSON_AddObjectToObject(fields, "1001");

    cJSON_AddStringToObject(definition, "name", name);
    cJSON_AddStringToObject(definition, "key", "1001");
    cJSON_AddStringToObject(definition, "type", "TEXT_INPUT");
    cJSON_AddNumberToObject(definition, "lastUpdatedTimestamp", (double)now_ms);
}

static void add_demo_box(struct streak_world *world, const char *name,
                         const char *stage, const struct streak_party *party,
                         const struct streak_party *contact, const char *lines,
                         int64_t now_ms)
{
    struct streak_pipeline *pipeline = world->pipelines;
    struct streak_box *box = streak_world_add_box(
        world, pipeline, world->users, name,
        sim_json_text(streak_pipeline_stage_by_name(pipeline, stage), "key"),
        now_ms);
    cJSON *link = cJSON_CreateObject();

    cJSON_AddStringToObject(link, "key", party->entity.key);
    cJSON_AddBoolToObject(link, "isStarred", false);
    cJSON_AddItemToArray(box->organizations, link);
    link = cJSON_CreateObject();
    cJSON_AddStringToObject(link, "key", contact->entity.key);
    cJSON_AddBoolToObject(link, "isStarred", true);
    cJSON_AddItemToArray(box->contacts, link);
    cJSON_AddStringToObject(box->fields, "1001", lines);
}

static void add_demo_deals(struct streak_world *world, int64_t now_ms)
{
    static const struct {
        const char *organization, *domain, *customer;
        const char *given, *family, *email, *role;
        const char *box, *stage, *lines;
    } deals[] = {
        {"Bayside Tools Ltd", "bayside.test", "0001207", "Ida", "Marsh",
         "ida.marsh@bayside.test", "Buyer", "Bayside spring order", "Quoted",
         "A100; 3; 149.90\nB200; 10; 12.50"},
        {"Northgate Metals", "northgate.test", "0001310", "Tom", "Keller",
         "tom.keller@northgate.test", "Stores", "Northgate restock", "Quoted",
         "C300; 1000; 0.75\nB200; 40; 12.50"},
        {"Quay Street Joinery", "quaystreet.test", "0001415", "Ana", "Lopes",
         "ana.lopes@quaystreet.test", "Owner", "Quay Street fit-out", "Quoted",
         "A100; 12; 139.00"},
    };

    for (size_t i = 0; i < sizeof(deals) / sizeof(*deals); i++) {
        cJSON *tree = streak_world_empty_party(STREAK_ORGANIZATION);
        struct streak_party *organization, *contact;
        const char *domain = deals[i].domain;
        const char *email = deals[i].email;

        sim_json_put(tree, "name", cJSON_CreateString(deals[i].organization));
        sim_json_put(tree, "domains", cJSON_CreateStringArray(&domain, 1));
        sim_json_put(tree, "normalizedDomains",
                     cJSON_CreateStringArray(&domain, 1));
        cJSON_AddStringToObject(sim_json_member(tree, "fields"), "1001",
                                deals[i].customer);
        organization = streak_world_add_party(world, STREAK_ORGANIZATION, tree,
                                              world->users, now_ms);
        tree = streak_world_empty_party(STREAK_CONTACT);
        sim_json_put(tree, "givenName", cJSON_CreateString(deals[i].given));
        sim_json_put(tree, "familyName", cJSON_CreateString(deals[i].family));
        sim_json_put(tree, "emailAddresses",
                     cJSON_CreateStringArray(&email, 1));
        cJSON_AddStringToObject(sim_json_member(tree, "fields"), "1001",
                                deals[i].role);
        contact = streak_world_add_party(world, STREAK_CONTACT, tree,
                                         world->users, now_ms);
        add_demo_box(world, deals[i].box, deals[i].stage, organization, contact,
                     deals[i].lines, now_ms);
    }
}

void streak_world_init(struct streak_world *world, uint64_t seed,
                       int64_t now_ms)
{
    static const struct {
        const char *name, *type, *options;
    } fields[] = {
        {"Order lines", "TEXT_INPUT", NULL},
        {"Requested ship date", "DATE", NULL},
        {"SYSPRO customer", "TEXT_INPUT", NULL},
        {"SYSPRO order", "TEXT_INPUT", NULL},
        {"SYSPRO status", "TEXT_INPUT", NULL},
        {"Priority", "DROPDOWN", "Normal,High"},
        {"Channels", "TAG", "web,phone,partner"},
        {"Paid", "CHECKBOX", NULL},
        {"Notes for delivery", "TEXT_INPUT", NULL},
    };
    static const char *const stages[] = {"Lead", "Quoted", "Closed-Won",
                                         "Closed-Lost"};
    struct streak_pipeline *pipeline;
    struct streak_user *owner;

    memset(world, 0, sizeof(*world));
    world->seed = seed;
    owner = streak_world_add_user(world, "dana@example.test", "Dana",
                                  "Dana Reyes", "sandbox-streak-key", now_ms);
    streak_world_add_user(world, "outsider@example.test", "Outsider",
                          "Olaf Outsider", "sandbox-outsider-key", now_ms)
        ->outsider = true;
    world->team = memory_zero(1, sizeof(*world->team));
    add_entity(world, STREAK_TEAM, &world->team->entity);
    world->team->name = memory_text("Harbour Supplies");
    world->team->created_ms = now_ms;
    world->team->contact_fields = cJSON_CreateObject();
    world->team->organization_fields = cJSON_CreateObject();
    add_custom_field(world->team->contact_fields, "Role", now_ms);
    add_custom_field(world->team->organization_fields, "SYSPRO customer",
                     now_ms);
    pipeline = streak_world_add_pipeline(world, owner, "Sales", now_ms);
    for (size_t i = 0; i < sizeof(stages) / sizeof(*stages); i++)
        streak_world_add_stage(pipeline, stages[i]);
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        streak_world_add_field(pipeline, fields[i].name, fields[i].type,
                               fields[i].options, now_ms);
    add_demo_deals(world, now_ms);
}

static void free_parties(struct streak_world *world, struct streak_party *first)
{
    struct streak_party *party, *next;

    DL_FOREACH_SAFE(first, party, next)
    {
        remove_entity(world, &party->entity);
        cJSON_Delete(party->tree);
        free(party);
    }
}

void streak_world_done(struct streak_world *world)
{
    struct streak_user *user, *next;

    while (world->pipelines)
        streak_world_remove_pipeline(world, world->pipelines);
    free_parties(world, world->contacts);
    free_parties(world, world->organizations);
    if (world->team) {
        remove_entity(world, &world->team->entity);
        cJSON_Delete(world->team->contact_fields);
        cJSON_Delete(world->team->organization_fields);
        free(world->team->name);
        free(world->team);
    }
    LL_FOREACH_SAFE(world->users, user, next)
    {
        remove_entity(world, &user->entity);
        free(user->email);
        free(user->display_name);
        free(user->full_name);
        free(user->api_key);
        free(user);
    }
    memset(world, 0, sizeof(*world));
}
