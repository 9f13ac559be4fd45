/* read_deal.c - a box with all its names.
 *
 *     box -> pipeline -> (team) -> organizations, contacts one by one -> deal
 *
 * Pipeline and team come from the definitions that all tasks share.  When the
 * box or an organization has a key that they do not know, they are read afresh
 * once.  On the instance's thread. */
#include "read_deal.h"

#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "deal_read.h"
#include "definitions.h"
#include "text.h"

/* Organizations, and contacts, of one box that are read; more are told by their
 * keys only.  At 8 requests a second 50 of both take 12 s. */
enum { PARTIES_MAX = 50 };

struct reading {
    char *key;
    cJSON *box;
    struct structure *pipeline, *team; /* held, or NULL */
    bool pipeline_renewed, team_renewed;
    cJSON *organizations, *contacts; /* arrays of what was read */
    const cJSON *left; /* of the box: the next one to read; borrowed */
    bool contacts_now; /* left is a contact */
    size_t count;      /* of the present kind read so far */
};

static void destroy(void *work)
{
    struct reading *reading = work;

    structure_release(reading->pipeline);
    structure_release(reading->team);
    cJSON_Delete(reading->box);
    cJSON_Delete(reading->organizations);
    cJSON_Delete(reading->contacts);
    free(reading->key);
    free(reading);
}

static void end(struct task *task)
{
    struct reading *reading = task_work(task);
    const struct deal_source source = {.box = reading->box,
                                       .pipeline = reading->pipeline,
                                       .team = reading->team,
                                       .organizations = reading->organizations,
                                       .contacts = reading->contacts};
    size_t left_out = 0;
    cJSON *deal = deal_read(&source, &left_out);

    if (left_out)
        cn_logf(task_streak(task)->host, CN_LOG_WARN,
                "%zu value(s) of a box could not be told by name and were left "
                "out",
                left_out);
    task_done(task, deal);
}

/* ---- Organizations and contacts ------------------------------------------ */

static void next_party(struct task *task);

static void got_party(struct task *task, struct answer *answer)
{
    struct reading *reading = task_work(task);
    cJSON *list =
        reading->contacts_now ? reading->contacts : reading->organizations;
    const char *key = cn_json_text(cn_json_member(reading->left, "key"));
    const char *said = cn_json_text(cn_json_member(answer->json, "key"));

    if (!answer->gone && (!said || strcmp(said, key) != 0)) {
        task_fail(task, CN_RETRY, "Streak's answer is not the %s asked for",
                  reading->contacts_now ? "contact" : "organization");
        return;
    }
    if (answer->gone) { /* deleted, and the box still names it */
        cJSON *party = text_must(cJSON_CreateObject());

        text_put(party, "key", text_json(key, CN_ID_MAX));
        text_add(list, party);
    } else {
        text_add(list, answer_take(answer));
    }
    reading->left = reading->left->next;
    reading->count++;
    next_party(task);
}

static void got_new_team(struct task *task, void *structure)
{
    struct reading *reading = task_work(task);

    structure_release(reading->team);
    reading->team = structure_hold(structure);
    end(task);
}

/* All is read: do the definitions know the fields of the organizations? */
static void parties_read(struct task *task)
{
    struct reading *reading = task_work(task);
    bool known = true;

    CN_JSON_EACH(item, reading->organizations)
    {
        known = known && (!reading->team ||
                          deal_read_known(reading->team,
                                          cn_json_member(item, "fields")));
    }
    if (known || reading->team_renewed) {
        end(task);
        return;
    }
    reading->team_renewed = true;
    definitions_team(task, reading->pipeline->team_key, reading->team,
                     got_new_team);
}

/* Keys only for what is beyond the limit. */
static void take_the_rest(struct reading *reading, cJSON *list)
{
    for (; reading->left; reading->left = reading->left->next) {
        const char *key = cn_json_text(cn_json_member(reading->left, "key"));
        cJSON *party;

        if (!key)
            continue;
        party = text_must(cJSON_CreateObject());
        text_put(party, "key", text_json(key, CN_ID_MAX));
        text_add(list, party);
    }
}

static void next_party(struct task *task)
{
    struct reading *reading = task_work(task);
    const char *key;

    for (;;) {
        if (reading->count == PARTIES_MAX)
            take_the_rest(reading, reading->contacts_now
                                       ? reading->contacts
                                       : reading->organizations);
        /* What has no usable key cannot be read. */
        while (reading->left && !path_key_fits(cn_json_text(
                                    cn_json_member(reading->left, "key"))))
            reading->left = reading->left->next;
        if (reading->left || reading->contacts_now)
            break;
        reading->contacts_now = true;
        reading->count = 0;
        reading->left = cn_json_member(reading->box, "contacts");
        reading->left =
            cJSON_IsArray(reading->left) ? reading->left->child : NULL;
    }
    if (!reading->left) {
        parties_read(task);
        return;
    }
    key = cn_json_text(cn_json_member(reading->left, "key"));
    task_get(task, reading->contacts_now ? PATH_CONTACT : PATH_ORGANIZATION,
             key, got_party);
}

/* ---- Box, pipeline, team --------------------------------------------------
 */

static void got_team(struct task *task, void *structure)
{
    struct reading *reading = task_work(task);

    reading->team = structure_hold(structure);
    next_party(task);
}

static bool all_known(const struct reading *reading)
{
    const char *stage = cn_json_text(cn_json_member(reading->box, "stageKey"));

    return (!stage || structure_stage_name(reading->pipeline, stage)) &&
           deal_read_known(reading->pipeline,
                           cn_json_member(reading->box, "fields"));
}

static void got_pipeline(struct task *task, void *structure)
{
    struct reading *reading = task_work(task);
    const cJSON *organizations = cn_json_member(reading->box, "organizations");

    structure_release(reading->pipeline);
    reading->pipeline = structure_hold(structure);
    if (!all_known(reading) && !reading->pipeline_renewed) {
        reading->pipeline_renewed = true;
        definitions_pipeline(
            task, cn_json_text(cn_json_member(reading->box, "pipelineKey")),
            reading->pipeline, got_pipeline);
        return;
    }
    reading->left = cJSON_IsArray(organizations) ? organizations->child : NULL;
    if (reading->left && reading->pipeline->team_key)
        definitions_team(task, reading->pipeline->team_key, NULL, got_team);
    else
        next_party(task);
}

static void got_box(struct task *task, struct answer *answer)
{
    struct reading *reading = task_work(task);
    const char *pipeline, *key;

    if (answer->gone) {
        task_fail(task, CN_REJECTED, "the box is gone from Streak: %s",
                  answer->text);
        return;
    }
    key = cn_json_text(cn_json_member(answer->json, "key"));
    if (!key)
        key = cn_json_text(cn_json_member(answer->json, "boxKey"));
    pipeline = cn_json_text(cn_json_member(answer->json, "pipelineKey"));
    if (!key || !pipeline || strcmp(key, reading->key) != 0) {
        task_fail(task, CN_RETRY, "Streak's answer is not the box asked for");
        return;
    }
    reading->box = answer_take(answer);
    definitions_pipeline(task, pipeline, NULL, got_pipeline);
}

void read_deal_start(struct streak *streak, cn_op op, const cn_call *call)
{
    struct reading *reading = text_zero(sizeof(*reading));
    struct task *task = task_start(streak, op, TASK_CALL, reading, destroy);
    cJSON *arguments = NULL;

    reading->organizations = text_must(cJSON_CreateArray());
    reading->contacts = text_must(cJSON_CreateArray());
    if (!cn_json_read(call->body, NULL, &arguments, NULL))
        reading->key =
            text_copy(cn_json_text(cn_json_member(arguments, "box")));
    cJSON_Delete(arguments);
    if (reading->key)
        task_get(task, PATH_BOX, reading->key, got_box);
    else
        task_fail(task, CN_REJECTED, "read_deal needs the key of a box");
}
