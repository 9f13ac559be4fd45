/* streak_world.h - what the Streak simulator knows: users, team, pipelines,
 * boxes, contacts, organizations, comments.
 *
 * The world only stores.  Its JSON is in streak_show, rules of the interface
 * are in streak_api, events in streak_webhook. */
#ifndef CONNECT_SANDBOX_STREAK_WORLD_H
#define CONNECT_SANDBOX_STREAK_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <uthash.h>

#include "base/buf.h"
#include "streak_key.h"

/* Every object begins with this and stands in one hash by key. */
struct streak_entity {
    char key[STREAK_KEY_MAX];
    enum streak_kind kind;
    uint64_t sequence; /* order of making */
    UT_hash_handle hh;
};

struct streak_user {
    struct streak_entity entity;
    char *email; /* owned, as all texts here */
    char *display_name;
    char *full_name;
    char *api_key; /* NULL: cannot log on */
    bool outsider; /* of no team: no right to any object */
    int64_t created_ms;
    struct streak_user *next;
};

struct streak_team {
    struct streak_entity entity;
    char *name;
    cJSON *contact_fields;      /* definitions by key */
    cJSON *organization_fields; /* the same */
    int64_t created_ms;
};

struct streak_pipeline {
    struct streak_entity entity;
    struct streak_user *creator;
    char *name;
    cJSON *fields;  /* array of definitions */
    cJSON *stages;  /* array of {key,name} in stageOrder */
    int next_field; /* numbers are never used again */
    int next_stage;
    struct streak_box **boxes; /* in the order of making */
    size_t box_count;
    size_t box_capacity;
    int64_t created_ms;
    int64_t updated_ms;
    int64_t saved_ms;
    struct streak_pipeline *prev, *next;
};

struct streak_comment {
    struct streak_entity entity;
    struct streak_box *box;
    struct streak_user *creator;
    char newsfeed_key[STREAK_KEY_MAX];
    char *message;
    int64_t created_ms;
    int64_t saved_ms;
    struct streak_comment *prev, *next;
};

struct streak_box {
    struct streak_entity entity;
    struct streak_pipeline *pipeline;
    struct streak_user *creator;
    char *name;
    char *notes;
    char *stage_key;
    cJSON *fields;        /* value by field key */
    cJSON *contacts;      /* [{key,isStarred}] */
    cJSON *organizations; /* the same */
    cJSON *assigned;      /* e-mail addresses of users */
    cJSON *followers;     /* user keys */
    cJSON *linked;        /* box keys */
    struct streak_comment *comments;
    size_t comment_count;
    int64_t created_ms;
    int64_t updated_ms;
    int64_t stage_changed_ms;
    int64_t saved_ms;
    uint64_t update_sequence; /* order of the latest update */
};

/* A contact or an organization: the tree is what the interface shows. */
struct streak_party {
    struct streak_entity entity;
    cJSON *tree;
    int64_t saved_ms;
    struct streak_party *prev, *next;
};

struct streak_world {
    uint64_t seed;
    uint64_t counter;  /* of keys, and the order of making */
    uint64_t sequence; /* of updates */
    struct streak_entity *entities;
    struct streak_user *users; /* the first is the owner */
    struct streak_team *team;
    struct streak_pipeline *pipelines;
    struct streak_party *contacts;
    struct streak_party *organizations;
    bool extra_properties; /* show a property nobody knows */
};

/* Build the demo world; now_ms is when all of it was made. */
void streak_world_init(struct streak_world *world, uint64_t seed,
                       int64_t now_ms);
void streak_world_done(struct streak_world *world);

/* NULL when the kind has no such key. */
void *streak_world_find(const struct streak_world *world, enum streak_kind kind,
                        const char *key);
struct streak_user *streak_world_user_by_email(const struct streak_world *world,
                                               const char *email);
struct streak_user *
streak_world_user_by_api_key(const struct streak_world *world,
                             const char *api_key);
/* The first of a name; NULL when there is none. */
struct streak_pipeline *
streak_world_pipeline_by_name(const struct streak_world *world,
                              const char *name);
struct streak_party *
streak_world_organization_by_name(const struct streak_world *world,
                                  const char *name);

struct streak_user *streak_world_add_user(struct streak_world *world,
                                          const char *email,
                                          const char *display_name,
                                          const char *full_name,
                                          const char *api_key, int64_t now_ms);
struct streak_pipeline *streak_world_add_pipeline(struct streak_world *world,
                                                  struct streak_user *creator,
                                                  const char *name,
                                                  int64_t now_ms);
void streak_world_remove_pipeline(struct streak_world *world,
                                  struct streak_pipeline *pipeline);
/* options: NULL or names separated by commas.  Returns the definition. */
cJSON *streak_world_add_field(struct streak_pipeline *pipeline,
                              const char *name, const char *type,
                              const char *options, int64_t now_ms);
cJSON *streak_world_add_stage(struct streak_pipeline *pipeline,
                              const char *name);
/* Give the options of a DROPDOWN or TAG their keys; keeps those there. */
void streak_world_add_option(cJSON *definition, const char *name);

struct streak_box *streak_world_add_box(struct streak_world *world,
                                        struct streak_pipeline *pipeline,
                                        struct streak_user *creator,
                                        const char *name, const char *stage_key,
                                        int64_t now_ms);
void streak_world_remove_box(struct streak_world *world,
                             struct streak_box *box);
/* Takes tree, which gets its key and times. */
struct streak_party *streak_world_add_party(struct streak_world *world,
                                            enum streak_kind kind, cJSON *tree,
                                            const struct streak_user *creator,
                                            int64_t now_ms);
/* Every property a contact or an organization has, with nothing in it. */
cJSON *streak_world_empty_party(enum streak_kind kind);
struct streak_comment *streak_world_add_comment(struct streak_world *world,
                                                struct streak_box *box,
                                                struct streak_user *creator,
                                                const char *message,
                                                int64_t now_ms);
void streak_world_remove_comment(struct streak_world *world,
                                 struct streak_comment *comment);
/* A key of its own for an object the world does not hold. */
void streak_world_make_key(struct streak_world *world, enum streak_kind kind,
                           struct streak_entity *ret_entity);

/* Look-ups inside a pipeline; NULL when absent. */
cJSON *streak_pipeline_field(const struct streak_pipeline *pipeline,
                             const char *key);
cJSON *streak_pipeline_field_by_name(const struct streak_pipeline *pipeline,
                                     const char *name);
cJSON *streak_pipeline_stage(const struct streak_pipeline *pipeline,
                             const char *key);
cJSON *streak_pipeline_stage_by_name(const struct streak_pipeline *pipeline,
                                     const char *name);
size_t streak_pipeline_count_in_stage(const struct streak_pipeline *pipeline,
                                      const char *stage_key);

#endif
