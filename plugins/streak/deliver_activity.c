/* deliver_activity.c - a comment that can be found again.
 *
 *     list, page by page -> found: its key
 *                        -> not found: create (deliver), absent (probe)
 *
 * Streak knows no id of ours, so it stands at the end of the text as [ext:ID].
 * A create is not idempotent, so the list is read before each of them.
 * On the instance's thread. */
#include "deliver_activity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "text.h"

/* Pages of one list that are read.  Some say that Streak ignores the page and
 * tells all at once; a box with more comments than this has is a mistake. */
enum { PAGES_MAX = 50, NUMBER_MAX = 12 };

struct remark {
    cJSON *activity;
    const char *box; /* borrowed from activity, as the next */
    const char *text;
    char *mark;  /* "[ext:ID]" */
    char *first; /* key of the first comment of the last page, or NULL */
    unsigned page;
    char words[TASK_TEXT_MAX]; /* why Streak refused the comment */
};

static void destroy(void *work)
{
    struct remark *remark = work;

    cJSON_Delete(remark->activity);
    free(remark->mark);
    free(remark->first);
    free(remark);
}

static const char *comment_key(const cJSON *comment)
{
    const char *key = cn_json_text(cn_json_member(comment, "key"));

    return key ? key : cn_json_text(cn_json_member(comment, "commentKey"));
}

static bool carries(const cJSON *comment, const char *mark)
{
    const char *message = cn_json_text(cn_json_member(comment, "message"));

    return message && strstr(message, mark);
}

/* ---- Creating -------------------------------------------------------------
 */

static void looked_again(struct task *task, struct answer *answer)
{
    struct remark *remark = task_work(task);

    if (answer->gone)
        task_fail(task, CN_REJECTED, "the box is gone from Streak: %s",
                  answer->text);
    else
        task_fail(task, CN_REJECTED, "Streak refused the comment: %s",
                  remark->words);
}

static void look_again(struct task *task, const struct answer *answer)
{
    struct remark *remark = task_work(task);

    memcpy(remark->words, answer->text, sizeof(remark->words));
    task_get(task, PATH_BOX, remark->box, looked_again);
}

static void created(struct task *task, struct answer *answer)
{
    struct remark *remark = task_work(task);
    const char *key = comment_key(answer->json);

    if (answer->gone)
        look_again(task, answer);
    else if (key && carries(answer->json, remark->mark))
        task_done_key(task, "comment", key);
    else
        task_fail(task, CN_IN_DOUBT,
                  "Streak answered 200, but not with this comment");
}

static void create(struct task *task)
{
    struct remark *remark = task_work(task);
    struct task_request request = {.path = PATH_COMMENT_CREATE,
                                   .key = remark->box,
                                   .body = text_must(cJSON_CreateObject())};
    char *message = text_print("%s %s", remark->text, remark->mark);

    text_put(request.body, "message", cn_json_string(cn_text(message)));
    free(message);
    task_send(task, &request, created);
}

/* ---- Looking --------------------------------------------------------------
 */

static void listed(struct task *task, struct answer *answer);

static void ask_for_page(struct task *task)
{
    struct remark *remark = task_work(task);
    char number[NUMBER_MAX];
    const struct task_request request = {.path = PATH_COMMENTS,
                                         .key = remark->box,
                                         .value = remark->page ? number : NULL};

    snprintf(number, sizeof(number), "%u", remark->page);
    task_send(task, &request, listed);
}

static void not_found(struct task *task)
{
    if (task_kind_of(task) == TASK_PROBE)
        task_fail(task, CN_ABSENT, "no comment of the box carries this id");
    else
        create(task);
}

static void next_page(struct task *task, const cJSON *list)
{
    struct remark *remark = task_work(task);
    const char *first = comment_key(list->child);

    /* The same page again: this Streak does not page. */
    if (!first || (remark->first && !strcmp(remark->first, first))) {
        not_found(task);
        return;
    }
    free(remark->first);
    remark->first = text_copy(first);
    if (++remark->page < PAGES_MAX)
        ask_for_page(task);
    else
        task_fail(task, CN_RETRY,
                  "the box has too many comments to look "
                  "through");
}

static void listed(struct task *task, struct answer *answer)
{
    struct remark *remark = task_work(task);
    const cJSON *list = answer->json;

    if (answer->gone && task_kind_of(task) == TASK_PROBE) {
        task_fail(task, CN_ABSENT, "the box is gone from Streak: %s",
                  answer->text);
        return;
    }
    if (answer->gone) {
        look_again(task, answer);
        return;
    }
    if (!cJSON_IsArray(list))
        list = cn_json_member(list, "results");
    if (!cJSON_IsArray(list)) {
        task_fail(task, CN_RETRY, "Streak's answer is no list of comments");
        return;
    }
    CN_JSON_EACH(comment, list)
    {
        if (carries(comment, remark->mark) && comment_key(comment)) {
            task_done_key(task, "comment", comment_key(comment));
            return;
        }
    }
    if (cJSON_IsTrue(cn_json_member(answer->json, "hasNextPage")))
        next_page(task, list);
    else
        not_found(task);
}

void deliver_activity_start(struct streak *streak, cn_op op,
                            enum task_kind kind, const cn_record *record)
{
    struct remark *remark = text_zero(sizeof(*remark));
    struct task *task = task_start(streak, op, kind, remark, destroy);
    const char *id = NULL;

    if (record->change == CN_DELETE) {
        task_fail(task, CN_UNSUPPORTED, "comments are not deleted from here");
        return;
    }
    if (!cn_json_read(record->body, NULL, &remark->activity, NULL)) {
        id = cn_json_text(cn_json_member(remark->activity, "external_id"));
        remark->box = cn_json_text(cn_json_member(remark->activity, "deal"));
        remark->text = cn_json_text(cn_json_member(remark->activity, "text"));
    }
    if (!id || !remark->box || !remark->text) {
        task_fail(task, CN_REJECTED, "the activity lacks id, deal or text");
        return;
    }
    remark->mark = text_print("[ext:%s]", id);
    ask_for_page(task);
}
