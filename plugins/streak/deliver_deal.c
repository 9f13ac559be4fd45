/* deliver_deal.c - read, compare, write what differs, look at the answer.
 *
 *     box -> pipeline -> difference -> update -> no difference left
 *
 * A probe stops at the difference: none means that it took effect.  The same
 * update again changes nothing, so the type may be repeated without harm.
 * On the instance's thread. */
#include "deliver_deal.h"

#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "deal_change.h"
#include "definitions.h"
#include "text.h"

struct updating {
    cJSON *deal;
    const char *key; /* of the box; borrowed from deal */
    cJSON *box;
    struct structure *pipeline; /* held, or NULL */
    bool renewed;
    char words[TASK_TEXT_MAX]; /* why Streak refused the update */
};

static void destroy(void *work)
{
    struct updating *updating = work;

    structure_release(updating->pipeline);
    cJSON_Delete(updating->box);
    cJSON_Delete(updating->deal);
    free(updating);
}

static bool is_box(const struct updating *updating, const cJSON *json)
{
    const char *key = cn_json_text(cn_json_member(json, "key"));

    if (!key)
        key = cn_json_text(cn_json_member(json, "boxKey"));
    return key && strcmp(key, updating->key) == 0;
}

/* What was refused with "not found": the box, or something in the update? */
static void looked_again(struct task *task, struct answer *answer)
{
    struct updating *updating = task_work(task);

    if (answer->gone)
        task_fail(task, CN_REJECTED, "the box is gone from Streak: %s",
                  answer->text);
    else
        task_fail(task, CN_REJECTED, "Streak refused the update: %s",
                  updating->words);
}

/* Names, not values, of what Streak left out. */
static void say_not_taken(struct task *task, const struct updating *updating,
                          const cJSON *rest)
{
    const cJSON *fields = cn_json_member(rest, "fields");
    const cJSON *first = fields ? fields->child : rest->child;
    const struct structure_field *field =
        fields ? structure_field(updating->pipeline, first->string) : NULL;

    task_fail(task, CN_REJECTED, "Streak answered 200 but did not take %s%s%s",
              field ? "the field \"" : "", field ? field->name : first->string,
              field ? "\"" : "");
}

static void updated(struct task *task, struct answer *answer)
{
    struct updating *updating = task_work(task);
    struct deal_change_error err;
    cJSON *rest;

    if (answer->gone) {
        memcpy(updating->words, answer->text, sizeof(updating->words));
        task_get(task, PATH_BOX, updating->key, looked_again);
        return;
    }
    if (!answer->json) {
        task_fail(task, CN_REJECTED,
                  "Streak answered 200 but did not take the update");
        return;
    }
    if (!is_box(updating, answer->json)) {
        task_fail(task, CN_IN_DOUBT,
                  "Streak answered 200, but not about this "
                  "box");
        return;
    }
    rest = deal_change(updating->pipeline, answer->json, updating->deal, true,
                       &err);
    if (rest && !rest->child)
        task_done_key(task, "box", updating->key);
    else if (rest)
        say_not_taken(task, updating, rest);
    else
        task_fail(task, CN_REJECTED, "%s", err.sentence);
    cJSON_Delete(rest);
}

static void got_pipeline(struct task *task, void *structure)
{
    struct updating *updating = task_work(task);
    struct task_request request = {.path = PATH_BOX_UPDATE,
                                   .key = updating->key};
    struct deal_change_error err;

    structure_release(updating->pipeline);
    updating->pipeline = structure_hold(structure);
    request.body =
        deal_change(updating->pipeline, updating->box, updating->deal,
                    task_kind_of(task) == TASK_PROBE, &err);
    if (!request.body && err.unknown && !updating->renewed) {
        updating->renewed = true;
        definitions_pipeline(
            task, cn_json_text(cn_json_member(updating->box, "pipelineKey")),
            updating->pipeline, got_pipeline);
    } else if (!request.body) {
        task_fail(task, CN_REJECTED, "%s", err.sentence);
    } else if (!request.body->child) {
        cJSON_Delete(request.body);
        task_done_key(task, "box", updating->key);
    } else if (task_kind_of(task) == TASK_PROBE) {
        cJSON_Delete(request.body);
        task_fail(task, CN_ABSENT, "the box does not show the update");
    } else {
        task_send(task, &request, updated);
    }
}

static void got_box(struct task *task, struct answer *answer)
{
    struct updating *updating = task_work(task);
    const char *pipeline;

    if (answer->gone) {
        task_fail(task,
                  task_kind_of(task) == TASK_PROBE ? CN_ABSENT : CN_REJECTED,
                  "the box is gone from Streak: %s", answer->text);
        return;
    }
    pipeline = cn_json_text(cn_json_member(answer->json, "pipelineKey"));
    if (!pipeline || !is_box(updating, answer->json)) {
        task_fail(task, CN_RETRY, "Streak's answer is not the box asked for");
        return;
    }
    updating->box = answer_take(answer);
    definitions_pipeline(task, pipeline, NULL, got_pipeline);
}

void deliver_deal_start(struct streak *streak, cn_op op, enum task_kind kind,
                        const cn_record *record)
{
    struct updating *updating = text_zero(sizeof(*updating));
    struct task *task = task_start(streak, op, kind, updating, destroy);

    if (record->change == CN_DELETE) {
        task_fail(task, CN_UNSUPPORTED, "boxes are not deleted from here");
        return;
    }
    if (!cn_json_read(record->body, NULL, &updating->deal, NULL))
        updating->key = cn_json_text(cn_json_member(updating->deal, "key"));
    if (updating->key)
        task_get(task, PATH_BOX, updating->key, got_box);
    else
        task_fail(task, CN_REJECTED, "the deal has no key");
}
