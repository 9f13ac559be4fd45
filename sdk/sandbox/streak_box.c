/* streak_box.c - calls about boxes, their field values and comments.
 *
 * Lists are live: newest first, so a box that changes between two pages moves
 * to the front and can be seen twice or missed.  That is what Streak does and
 * what a connector must bear.  Used on the simulator's only thread. */
#include "streak_box.h"

#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/memory.h"
#include "sim_json.h"
#include "streak_show.h"

enum { PAGE_DEFAULT_V2 = 100 };

static void answer_box(struct streak_call *call, const struct streak_box *box)
{
    struct buf buf;

    streak_answer_begin(&buf);
    streak_show_box(&call->streak->world, box, &buf);
    streak_answer(call, &buf);
}

/* --- Boxes --- */

static void create_box(struct streak_call *call, cJSON *wish)
{
    struct streak *streak = call->streak;
    struct streak_pipeline *pipeline =
        streak_find(call, STREAK_PIPELINE, call->args[0]);
    const char *name = sim_json_text(wish, "name");
    const char *stage = sim_json_text(wish, "stageKey");
    struct streak_box *box;

    if (!pipeline)
        return;
    if (!name || !*name) {
        streak_fail(call, 400, "Insufficient params for Box");
        return;
    }
    if (!pipeline->stages->child) {
        streak_fail_key(call);
        return;
    }
    if (streak_fail_verdict(call, streak_check_box(streak, pipeline, wish)))
        return;
    box = streak_world_add_box(
        &streak->world, pipeline, call->user, name,
        stage ? stage : sim_json_text(pipeline->stages->child, "key"),
        sim_clock_now_ms(streak->clock));
    streak_change_box(streak, box, wish, true);
    call->answer->committed = true;
    answer_box(call, box);
}

/* Creating takes fewer names than updating. */
static cJSON *pick(const cJSON *body, const char *const *names)
{
    cJSON *picked = cJSON_CreateObject();

    for (; *names; names++) {
        const cJSON *member = sim_json_member(body, *names);

        if (member)
            cJSON_AddItemToObject(picked, *names,
                                  cJSON_Duplicate(member, true));
    }
    return picked;
}

void streak_put_box(struct streak_call *call)
{
    static const char *const names[] = {"name", "stageKey", "notes", NULL};
    cJSON *wish = pick(call->body, names);

    create_box(call, wish);
    cJSON_Delete(wish);
}

void streak_post_box(struct streak_call *call)
{
    static const char *const names[] = {"name", "stageKey", "notes",
                                        "assignedToSharingEntries", NULL};
    cJSON *wish = pick(call->body, names);

    create_box(call, wish);
    cJSON_Delete(wish);
}

void streak_get_box(struct streak_call *call)
{
    const struct streak_box *box = streak_find(call, STREAK_BOX, call->args[0]);

    if (box)
        answer_box(call, box);
}

void streak_update_box(struct streak_call *call)
{
    struct streak_box *box = streak_find(call, STREAK_BOX, call->args[0]);

    if (!box ||
        streak_fail_verdict(
            call, streak_check_box(call->streak, box->pipeline, call->body)))
        return;
    call->answer->committed =
        streak_change_box(call->streak, box, call->body, false);
    answer_box(call, box);
}

void streak_remove_box(struct streak_call *call)
{
    struct streak_box *box = streak_find(call, STREAK_BOX, call->args[0]);

    if (!box)
        return;
    streak_delete_box(call->streak, box);
    call->answer->committed = true;
    streak_succeed(call);
}

static int by_creation(const void *a, const void *b)
{
    const struct streak_box *one = *(struct streak_box *const *)a;
    const struct streak_box *two = *(struct streak_box *const *)b;

    return one->entity.sequence < two->entity.sequence ? 1 : -1;
}

static int by_update(const void *a, const void *b)
{
    const struct streak_box *one = *(struct streak_box *const *)a;
    const struct streak_box *two = *(struct streak_box *const *)b;

    if (one->updated_ms != two->updated_ms)
        return one->updated_ms < two->updated_ms ? 1 : -1;
    return one->update_sequence < two->update_sequence ? 1 : -1;
}

/* The boxes of a pipeline in a stage (NULL: any), newest first; the caller
 * frees the array. */
static struct streak_box **sorted_boxes(const struct streak_pipeline *pipeline,
                                        const char *stage, bool updated,
                                        size_t *ret_count)
{
    struct streak_box **sorted =
        memory_zero(pipeline->box_count + 1, sizeof(struct streak_box *));
    size_t count = 0;

    for (size_t i = 0; i < pipeline->box_count; i++)
        if (!stage || strcmp(stage, pipeline->boxes[i]->stage_key) == 0)
            sorted[count++] = pipeline->boxes[i];
    qsort(sorted, count, sizeof(*sorted), updated ? by_update : by_creation);
    *ret_count = count;
    return sorted;
}

static void list_boxes(struct streak_call *call, bool wrapped)
{
    const struct streak_pipeline *pipeline =
        streak_find(call, STREAK_PIPELINE, call->args[0]);
    const char *sort = sim_request_query(call->request, "sortBy");
    const char *stage = sim_request_query(call->request, "stageKey");
    struct streak_box **sorted;
    size_t count, first, shown;
    struct buf buf;

    if (!pipeline)
        return;
    if (stage && !streak_pipeline_stage(pipeline, stage)) {
        streak_fail_key(call);
        return;
    }
    sorted =
        sorted_boxes(pipeline, stage,
                     sort && strcmp(sort, "lastUpdatedTimestamp") == 0, &count);
    first = streak_page(call, count, wrapped ? PAGE_DEFAULT_V2 : SIZE_MAX / 2,
                        &shown);
    streak_answer_begin(&buf);
    if (wrapped)
        buf_printf(&buf, "{\"hasNextPage\":%s,\"results\":",
                   first + shown < count ? "true" : "false");
    buf_append_text(&buf, "[");
    for (size_t i = 0; i < shown; i++) {
        buf_append_text(&buf, i ? "," : "");
        streak_show_box(&call->streak->world, sorted[first + i], &buf);
    }
    buf_append_text(&buf, wrapped ? "]}" : "]");
    free(sorted);
    streak_answer(call, &buf);
}

void streak_list_boxes_v1(struct streak_call *call)
{
    list_boxes(call, false);
}

void streak_list_boxes_v2(struct streak_call *call)
{
    list_boxes(call, true);
}

void streak_list_all_boxes(struct streak_call *call)
{
    const struct streak_pipeline *pipeline;
    const char *separator = "";
    struct buf buf;

    streak_answer_begin(&buf);
    buf_append_text(&buf, "[");
    DL_FOREACH(call->streak->world.pipelines, pipeline)
    {
        for (size_t i = 0; i < pipeline->box_count && !call->user->outsider;
             i++) {
            buf_append_text(&buf, separator);
            streak_show_box(&call->streak->world, pipeline->boxes[i], &buf);
            separator = ",";
        }
    }
    buf_append_text(&buf, "]");
    streak_answer(call, &buf);
}

/* --- Field values --- */

static void append_value(struct buf *buf, const char *key, const cJSON *value)
{
    buf_append_text(buf, "{\"key\":");
    sim_json_append_text(buf, key);
    buf_append_text(buf, ",\"value\":");
    sim_json_append_tree(buf, value);
    buf_append_text(buf, "}");
}

static void answer_value(struct streak_call *call, const cJSON *value)
{
    struct buf buf;

    streak_answer_begin(&buf);
    append_value(&buf, call->args[1], value);
    streak_answer(call, &buf);
}

void streak_list_values(struct streak_call *call)
{
    const struct streak_box *box = streak_find(call, STREAK_BOX, call->args[0]);
    const char *separator = "";
    const cJSON *value;
    struct buf buf;

    if (!box)
        return;
    streak_answer_begin(&buf);
    buf_append_text(&buf, "[");
    cJSON_ArrayForEach(value, box->fields)
    {
        buf_append_text(&buf, separator);
        append_value(&buf, value->string, value);
        separator = ",";
    }
    buf_append_text(&buf, "]");
    streak_answer(call, &buf);
}

void streak_get_value(struct streak_call *call)
{
    const struct streak_box *box = streak_find(call, STREAK_BOX, call->args[0]);

    if (!box)
        return;
    if (!streak_pipeline_field(box->pipeline, call->args[1]))
        streak_fail_key(call);
    else
        answer_value(call, sim_json_member(box->fields, call->args[1]));
}

void streak_set_value(struct streak_call *call)
{
    struct streak_box *box = streak_find(call, STREAK_BOX, call->args[0]);
    const cJSON *value = sim_json_member(call->body, "value");
    const cJSON *definition;
    cJSON *wish, *fields;

    if (!box)
        return;
    definition = streak_pipeline_field(box->pipeline, call->args[1]);
    if (!definition) {
        streak_fail_key(call);
        return;
    }
    if (streak_fail_verdict(
            call, streak_check_value(call->streak, definition, value)))
        return;
    wish = cJSON_CreateObject();
    fields = cJSON_AddObjectToObject(wish, "fields");
    cJSON_AddItemToObject(fields, call->args[1],
                          value ? cJSON_Duplicate(value, true)
                                : cJSON_CreateNull());
    call->answer->committed = streak_change_box(call->streak, box, wish, false);
    cJSON_Delete(wish);
    answer_value(call, value);
}

/* --- Comments --- */

static void answer_comment(struct streak_call *call,
                           const struct streak_comment *comment)
{
    struct buf buf;

    streak_answer_begin(&buf);
    streak_show_comment(comment, &buf);
    streak_answer(call, &buf);
}

void streak_post_comment(struct streak_call *call)
{
    struct streak_box *box = streak_find(call, STREAK_BOX, call->args[0]);
    const char *message = sim_json_text(call->body, "message");

    if (!box)
        return;
    if (!message || !*message) {
        streak_fail(call, 400, "Missing parameters");
        return;
    }
    call->answer->committed = true;
    answer_comment(
        call, streak_create_comment(call->streak, box, call->user, message));
}

void streak_list_comments(struct streak_call *call)
{
    const struct streak_box *box = streak_find(call, STREAK_BOX, call->args[0]);
    const struct streak_comment *comment;
    const char *separator = "";
    struct buf buf;

    if (!box)
        return;
    streak_answer_begin(&buf);
    buf_append_text(&buf, "{\"hasNextPage\":false,\"results\":[");
    DL_FOREACH(box->comments, comment)
    {
        buf_append_text(&buf, separator);
        streak_show_comment(comment, &buf);
        separator = ",";
    }
    buf_append_text(&buf, "]}");
    streak_answer(call, &buf);
}

void streak_get_comment(struct streak_call *call)
{
    const struct streak_comment *comment =
        streak_find(call, STREAK_COMMENT, call->args[0]);

    if (comment)
        answer_comment(call, comment);
}

void streak_update_comment(struct streak_call *call)
{
    struct streak_comment *comment =
        streak_find(call, STREAK_COMMENT, call->args[0]);
    const char *message = sim_json_text(call->body, "message");

    if (!comment)
        return;
    if (message && *message) {
        free(comment->message);
        comment->message = memory_text(message);
        comment->saved_ms = sim_clock_now_ms(call->streak->clock);
        call->answer->committed = true;
    }
    answer_comment(call, comment);
}

void streak_remove_comment(struct streak_call *call)
{
    struct streak_comment *comment =
        streak_find(call, STREAK_COMMENT, call->args[0]);

    if (!comment)
        return;
    comment->box->saved_ms = sim_clock_now_ms(call->streak->clock);
    sim_ledger_document(call->streak->ledger, "comment", comment->entity.key,
                        "", "delete", NULL);
    streak_world_remove_comment(&call->streak->world, comment);
    call->answer->committed = true;
    streak_succeed(call);
}
