/* streak_structure.c - users, teams, pipelines, stages and field definitions.
 *
 * Lists come in three shapes, as Streak has them: bare arrays in v1, results
 * with hasNextPage in v2, stages as an object by key in both.
 * Used on the simulator's only thread. */
#include "streak_structure.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/memory.h"
#include "sim_json.h"
#include "streak_show.h"

enum { PAGE_DEFAULT = 100, PIPELINES_MAX = 1000 };

static int64_t now_of(const struct streak_call *call)
{
    return sim_clock_now_ms(call->streak->clock);
}

/* --- Users and teams --- */

static void answer_user(struct streak_call *call,
                        const struct streak_user *user)
{
    struct buf buf;

    if (!user)
        return;
    streak_answer_begin(&buf);
    streak_show_user(user, &buf);
    streak_answer(call, &buf);
}

void streak_get_me(struct streak_call *call)
{
    answer_user(call, call->user);
}

void streak_get_user(struct streak_call *call)
{
    answer_user(call, streak_find(call, STREAK_USER, call->args[0]));
}

void streak_list_teams(struct streak_call *call)
{
    struct buf buf;

    streak_answer_begin(&buf);
    buf_append_text(&buf, "{\"hasNextPage\":false,\"results\":[");
    if (!call->user->outsider)
        streak_show_team(&call->streak->world, &buf);
    buf_append_text(&buf, "]}");
    streak_answer(call, &buf);
}

void streak_get_team(struct streak_call *call)
{
    struct buf buf;

    if (!streak_find(call, STREAK_TEAM, call->args[0]))
        return;
    streak_answer_begin(&buf);
    streak_show_team(&call->streak->world, &buf);
    streak_answer(call, &buf);
}

void streak_list_team_users(struct streak_call *call)
{
    const struct streak_user *user;
    const char *separator = "";
    struct buf buf;

    if (!streak_find(call, STREAK_TEAM, call->args[0]))
        return;
    streak_answer_begin(&buf);
    buf_append_text(&buf, "{\"hasNextPage\":false,\"results\":[");
    LL_FOREACH(call->streak->world.users, user)
    {
        if (user->outsider)
            continue;
        buf_append_text(&buf, separator);
        streak_show_user(user, &buf);
        separator = ",";
    }
    buf_append_text(&buf, "]}");
    streak_answer(call, &buf);
}

/* --- Pipelines --- */

static int newest_first(int64_t a_ms, int64_t b_ms, uint64_t a, uint64_t b)
{
    if (a_ms != b_ms)
        return a_ms < b_ms ? 1 : -1;
    return a < b ? 1 : -1;
}

static int by_creation(const void *a, const void *b)
{
    const struct streak_pipeline *one = *(struct streak_pipeline *const *)a;
    const struct streak_pipeline *two = *(struct streak_pipeline *const *)b;

    return newest_first(one->created_ms, two->created_ms, one->entity.sequence,
                        two->entity.sequence);
}

static int by_update(const void *a, const void *b)
{
    const struct streak_pipeline *one = *(struct streak_pipeline *const *)a;
    const struct streak_pipeline *two = *(struct streak_pipeline *const *)b;

    return newest_first(one->updated_ms, two->updated_ms, one->entity.sequence,
                        two->entity.sequence);
}

static void append_pipelines(struct streak_call *call, bool wrapped)
{
    struct streak_world *world = &call->streak->world;
    const char *sort = sim_request_query(call->request, "sortBy");
    struct streak_pipeline *sorted[PIPELINES_MAX];
    struct streak_pipeline *pipeline;
    size_t count = 0, first, shown;
    struct buf buf;

    DL_FOREACH(world->pipelines, pipeline)
    {
        if (count < PIPELINES_MAX && !call->user->outsider)
            sorted[count++] = pipeline;
    }
    qsort(sorted, count, sizeof(*sorted),
          sort && strcmp(sort, "lastUpdatedTimestamp") == 0 ? by_update
                                                            : by_creation);
    first = streak_page(call, count, wrapped ? PAGE_DEFAULT : PIPELINES_MAX,
                        &shown);
    streak_answer_begin(&buf);
    if (wrapped)
        buf_printf(&buf, "{\"hasNextPage\":%s,\"results\":",
                   first + shown < count ? "true" : "false");
    buf_append_text(&buf, "[");
    for (size_t i = 0; i < shown; i++) {
        buf_append_text(&buf, i ? "," : "");
        streak_show_pipeline(world, sorted[first + i], &buf);
    }
    buf_append_text(&buf, wrapped ? "]}" : "]");
    streak_answer(call, &buf);
}

void streak_list_pipelines_v1(struct streak_call *call)
{
    append_pipelines(call, false);
}

void streak_list_pipelines_v2(struct streak_call *call)
{
    append_pipelines(call, true);
}

static void answer_pipeline(struct streak_call *call,
                            const struct streak_pipeline *pipeline)
{
    struct buf buf;

    if (!pipeline)
        return;
    streak_answer_begin(&buf);
    streak_show_pipeline(&call->streak->world, pipeline, &buf);
    streak_answer(call, &buf);
}

void streak_get_pipeline(struct streak_call *call)
{
    answer_pipeline(call, streak_find(call, STREAK_PIPELINE, call->args[0]));
}

/* How many names a comma list has; 0 for none. */
static size_t count_list(const char *list)
{
    size_t count = list && *list ? 1 : 0;

    for (; list && *list; list++)
        count += *list == ',';
    return count;
}

/* The index-th name of a comma list; the caller frees it. */
static char *list_item(const char *list, size_t index)
{
    while (index--)
        list += strcspn(list, ",") + 1;
    return memory_copy(list, strcspn(list, ","));
}

void streak_put_pipeline(struct streak_call *call)
{
    const char *name = sim_json_text(call->body, "name");
    const char *team = sim_json_text(call->body, "teamKey");
    const char *stages = sim_json_text(call->body, "stageNames");
    const char *fields = sim_json_text(call->body, "fieldNames");
    const char *types = sim_json_text(call->body, "fieldTypes");
    struct streak_pipeline *pipeline;

    if (!name || !*name || !team || count_list(fields) != count_list(types)) {
        streak_fail(call, 400, "Insufficient params for Pipeline");
        return;
    }
    if (!streak_find(call, STREAK_TEAM, team))
        return;
    pipeline = streak_world_add_pipeline(&call->streak->world, call->user, name,
                                         now_of(call));
    for (size_t i = 0; i < count_list(stages); i++) {
        char *stage = list_item(stages, i);

        streak_world_add_stage(pipeline, stage);
        free(stage);
    }
    for (size_t i = 0; i < count_list(fields); i++) {
        char *field = list_item(fields, i);
        char *type = list_item(types, i);

        streak_world_add_field(pipeline, field, type, NULL, now_of(call));
        free(field);
        free(type);
    }
    call->answer->committed = true;
    answer_pipeline(call, pipeline);
}

static void touch(struct streak_call *call, struct streak_pipeline *pipeline)
{
    pipeline->updated_ms = pipeline->saved_ms = now_of(call);
    call->answer->committed = true;
}

void streak_post_pipeline(struct streak_call *call)
{
    struct streak_pipeline *pipeline =
        streak_find(call, STREAK_PIPELINE, call->args[0]);
    const char *name = sim_json_text(call->body, "name");

    if (!pipeline)
        return;
    if (name && *name && strcmp(name, pipeline->name) != 0) {
        free(pipeline->name);
        pipeline->name = memory_text(name);
        touch(call, pipeline);
    }
    answer_pipeline(call, pipeline);
}

void streak_delete_pipeline(struct streak_call *call)
{
    struct streak_pipeline *pipeline =
        streak_find(call, STREAK_PIPELINE, call->args[0]);

    if (!pipeline)
        return;
    if (pipeline->box_count) {
        streak_fail(call, 400, "pipeline still has boxes");
        return;
    }
    streak_world_remove_pipeline(&call->streak->world, pipeline);
    call->answer->committed = true;
    streak_succeed(call);
}

/* --- Stages --- */

static void answer_tree(struct streak_call *call, const cJSON *tree)
{
    struct buf buf;

    streak_answer_begin(&buf);
    sim_json_append_tree(&buf, tree);
    streak_answer(call, &buf);
}

/* Pipeline and stage of the path, or false after answering why not. */
static bool find_stage(struct streak_call *call,
                       struct streak_pipeline **ret_pipeline, cJSON **ret_stage)
{
    *ret_pipeline = streak_find(call, STREAK_PIPELINE, call->args[0]);
    if (!*ret_pipeline)
        return false;
    *ret_stage = streak_pipeline_stage(*ret_pipeline, call->args[1]);
    if (!*ret_stage)
        streak_fail_key(call);
    return *ret_stage != NULL;
}

void streak_list_stages(struct streak_call *call)
{
    struct streak_pipeline *pipeline =
        streak_find(call, STREAK_PIPELINE, call->args[0]);
    struct buf buf;

    if (!pipeline)
        return;
    streak_answer_begin(&buf);
    streak_show_stages(pipeline, &buf);
    streak_answer(call, &buf);
}

void streak_list_stages_v2(struct streak_call *call)
{
    if (call->streak->switches.v2_stages)
        streak_list_stages(call);
    else
        streak_fail(call, 400, "Invalid API path specified");
}

void streak_get_stage(struct streak_call *call)
{
    struct streak_pipeline *pipeline;
    cJSON *stage;

    if (find_stage(call, &pipeline, &stage))
        answer_tree(call, stage);
}

void streak_put_stage(struct streak_call *call)
{
    struct streak_pipeline *pipeline =
        streak_find(call, STREAK_PIPELINE, call->args[0]);
    const char *name = sim_json_text(call->body, "name");
    const cJSON *stage;

    if (!pipeline)
        return;
    if (!name || !*name) {
        streak_fail(call, 400, "Insufficient params for Stage");
        return;
    }
    stage = streak_world_add_stage(pipeline, name);
    touch(call, pipeline);
    answer_tree(call, stage);
}

void streak_post_stage(struct streak_call *call)
{
    const char *name = sim_json_text(call->body, "name");
    struct streak_pipeline *pipeline;
    cJSON *stage;

    if (!find_stage(call, &pipeline, &stage))
        return;
    if (name && *name) {
        sim_json_put(stage, "name", cJSON_CreateString(name));
        touch(call, pipeline);
    }
    answer_tree(call, stage);
}

void streak_delete_stage(struct streak_call *call)
{
    struct streak_pipeline *pipeline;
    cJSON *stage;

    if (!find_stage(call, &pipeline, &stage))
        return;
    if (streak_pipeline_count_in_stage(pipeline, call->args[1])) {
        streak_fail(call, 400, "stage still has boxes");
        return;
    }
    if (cJSON_GetArraySize(pipeline->stages) == 1) {
        streak_fail(call, 400, "a pipeline needs a stage");
        return;
    }
    cJSON_Delete(cJSON_DetachItemViaPointer(pipeline->stages, stage));
    touch(call, pipeline);
    streak_succeed(call);
}

/* --- Field definitions --- */

static bool find_field(struct streak_call *call,
                       struct streak_pipeline **ret_pipeline, cJSON **ret_field)
{
    *ret_pipeline = streak_find(call, STREAK_PIPELINE, call->args[0]);
    if (!*ret_pipeline)
        return false;
    *ret_field = streak_pipeline_field(*ret_pipeline, call->args[1]);
    if (!*ret_field)
        streak_fail_key(call);
    return *ret_field != NULL;
}

void streak_list_fields(struct streak_call *call)
{
    struct streak_pipeline *pipeline =
        streak_find(call, STREAK_PIPELINE, call->args[0]);

    if (pipeline)
        answer_tree(call, pipeline->fields);
}

void streak_get_field(struct streak_call *call)
{
    struct streak_pipeline *pipeline;
    cJSON *field;

    if (find_field(call, &pipeline, &field))
        answer_tree(call, field);
}

static bool type_known(const char *type)
{
    static const char *const types[] = {"TEXT_INPUT",  "DATE",     "DROPDOWN",
                                        "TAG",         "CHECKBOX", "FORMULA",
                                        "TEAM_CONTACT"};

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (strcmp(types[i], type) == 0)
            return true;
    return false;
}

void streak_put_field(struct streak_call *call)
{
    struct streak_pipeline *pipeline =
        streak_find(call, STREAK_PIPELINE, call->args[0]);
    const char *name = sim_json_text(call->body, "name");
    const char *type = sim_json_text(call->body, "type");
    const cJSON *field;

    if (!pipeline)
        return;
    if (!name || !*name || !type || !type_known(type)) {
        streak_fail(call, 400, "Insufficient params for Field");
        return;
    }
    field = streak_world_add_field(pipeline, name, type, NULL, now_of(call));
    touch(call, pipeline);
    answer_tree(call, field);
}

/* Options of a body, added one by one; without addOnly the rest is removed. */
static void set_options(struct streak_call *call, cJSON *field,
                        const char *settings, const char *list,
                        const char *called)
{
    const cJSON *given =
        sim_json_member(sim_json_member(call->body, settings), list);
    cJSON *own = sim_json_member(sim_json_member(field, settings), list);
    const char *add_only = sim_request_query(call->request, "addOnly");
    const cJSON *option;

    if (!given || !own)
        return;
    if (!add_only || strcmp(add_only, "true") != 0)
        while (own->child)
            cJSON_Delete(cJSON_DetachItemViaPointer(own, own->child));
    cJSON_ArrayForEach(option, given)
    {
        const char *name = sim_json_text(option, called);

        if (name && sim_json_text(option, "key"))
            cJSON_AddItemToArray(own, cJSON_Duplicate(option, true));
        else if (name)
            streak_world_add_option(field, name);
    }
}

void streak_post_field(struct streak_call *call)
{
    const char *name = sim_json_text(call->body, "name");
    const char *type = sim_json_text(call->body, "type");
    struct streak_pipeline *pipeline;
    cJSON *field;

    if (!find_field(call, &pipeline, &field))
        return;
    if (type && strcmp(type, sim_json_text(field, "type")) != 0) {
        streak_fail(call, 400, "Can't change the type of a field");
        return;
    }
    if (name && *name)
        sim_json_put(field, "name", cJSON_CreateString(name));
    set_options(call, field, "dropdownSettings", "items", "name");
    set_options(call, field, "tagSettings", "tags", "tag");
    sim_json_put(field, "lastUpdatedTimestamp",
                 cJSON_CreateNumber((double)now_of(call)));
    touch(call, pipeline);
    answer_tree(call, field);
}

void streak_delete_field(struct streak_call *call)
{
    struct streak_pipeline *pipeline;
    cJSON *field;

    if (!find_field(call, &pipeline, &field))
        return;
    for (size_t i = 0; i < pipeline->box_count; i++)
        cJSON_DeleteItemFromObjectCaseSensitive(pipeline->boxes[i]->fields,
                                                call->args[1]);
    cJSON_Delete(cJSON_DetachItemViaPointer(pipeline->fields, field));
    touch(call, pipeline);
    streak_succeed(call);
}
