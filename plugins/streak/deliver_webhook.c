/* deliver_webhook.c - one registration for an event of a pipeline, and no other
 * of ours.
 *
 *     list -> create when there is none -> delete our others, one by one
 *
 * Ours are those whose address begins like the host's webhook address, to its
 * last slash: what follows is the secret of the path, and it changes.  The new
 * one is made before the old ones go, so that no event falls between.  The same
 * delivery again finds everything done.  A record that is deleted removes all
 * of ours.  On the instance's thread. */
#include "deliver_webhook.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "text.h"

/* Pages of one list that are read, as for comments. */
enum { PAGES_MAX = 20, NUMBER_MAX = 12 };

struct hooking {
    cJSON *webhook;
    const char *event, *scope; /* borrowed from webhook */
    bool removing;             /* the record is deleted */
    char *address;             /* ours, with the path's secret */
    char *token;
    char *kept;   /* key of the registration that stays, or NULL */
    cJSON *extra; /* keys of ours that have to go */
    char *first;  /* key of the first one of the last page, or NULL */
    unsigned page;
};

static void wipe(char *text)
{
    volatile char *at = text;

    while (at && *at)
        *at++ = 0;
    free(text);
}

static void destroy(void *work)
{
    struct hooking *hooking = work;

    cJSON_Delete(hooking->webhook);
    cJSON_Delete(hooking->extra);
    wipe(hooking->address);
    wipe(hooking->token);
    free(hooking->kept);
    free(hooking->first);
    free(hooking);
}

static const char *hook_key(const cJSON *hook)
{
    const char *key = cn_json_text(cn_json_member(hook, "key"));

    return key ? key : cn_json_text(cn_json_member(hook, "webhookKey"));
}

/* ---- Deleting -------------------------------------------------------------
 */

static void end(struct task *task)
{
    struct hooking *hooking = task_work(task);

    if (hooking->kept)
        task_done_key(task, "webhook", hooking->kept);
    else
        task_done(task, cJSON_CreateNull());
}

static void delete_next(struct task *task);

static void deleted(struct task *task, struct answer *answer)
{
    struct hooking *hooking = task_work(task);

    (void)answer; /* gone is as good */
    cJSON_DeleteItemFromArray(hooking->extra, 0);
    delete_next(task);
}

static void delete_next(struct task *task)
{
    struct hooking *hooking = task_work(task);
    const cJSON *first = hooking->extra->child;

    if (first)
        task_get(task, PATH_WEBHOOK_DELETE, first->valuestring, deleted);
    else
        end(task);
}

/* ---- Creating -------------------------------------------------------------
 */

static void created(struct task *task, struct answer *answer)
{
    struct hooking *hooking = task_work(task);
    const char *key = hook_key(answer->json);
    const char *event = cn_json_text(cn_json_member(answer->json, "event"));

    if (answer->gone) {
        task_fail(task, CN_REJECTED, "the pipeline is gone from Streak: %s",
                  answer->text);
        return;
    }
    if (!key || (event && strcmp(event, hooking->event) != 0)) {
        task_fail(task, CN_IN_DOUBT,
                  "Streak answered 200, but not with this webhook");
        return;
    }
    hooking->kept = text_copy(key);
    delete_next(task);
}

static void create(struct task *task)
{
    struct hooking *hooking = task_work(task);
    struct task_request request = {.path = PATH_WEBHOOK_CREATE,
                                   .value = hooking->scope,
                                   .body = text_must(cJSON_CreateObject())};

    text_put(request.body, "event", text_json(hooking->event, CN_ID_MAX));
    text_put(request.body, "targetUrl",
             cn_json_string(cn_text(hooking->address)));
    text_put(request.body, "token", cn_json_string(cn_text(hooking->token)));
    task_send(task, &request, created);
}

/* ---- Looking --------------------------------------------------------------
 */

static bool is_ours(const struct hooking *hooking, const char *target)
{
    const char *slash = strrchr(hooking->address, '/');
    size_t len = (size_t)(slash - hooking->address) + 1;

    return strncmp(target, hooking->address, len) == 0;
}

static void look_at(struct hooking *hooking, const cJSON *hook)
{
    const char *key = hook_key(hook);
    const char *event = cn_json_text(cn_json_member(hook, "event"));
    const char *target = cn_json_text(cn_json_member(hook, "targetUrl"));

    if (!key || !event || !target || strcmp(event, hooking->event) != 0 ||
        !is_ours(hooking, target))
        return;
    if (!hooking->kept && !hooking->removing &&
        strcmp(target, hooking->address) == 0)
        hooking->kept = text_copy(key);
    else
        text_add(hooking->extra, text_json(key, CN_ID_MAX));
}

static void all_seen(struct task *task)
{
    struct hooking *hooking = task_work(task);
    bool wanted = hooking->kept || hooking->removing;

    if (task_kind_of(task) == TASK_PROBE && wanted && !hooking->extra->child)
        end(task);
    else if (task_kind_of(task) == TASK_PROBE)
        task_fail(task, CN_ABSENT, "the webhooks are not as they should be");
    else if (wanted)
        delete_next(task);
    else
        create(task);
}

static void listed(struct task *task, struct answer *answer);

static void ask_for_page(struct task *task)
{
    struct hooking *hooking = task_work(task);
    char number[NUMBER_MAX];
    const struct task_request request = {.path = PATH_WEBHOOKS,
                                         .key = hooking->scope,
                                         .value =
                                             hooking->page ? number : NULL};

    snprintf(number, sizeof(number), "%u", hooking->page);
    task_send(task, &request, listed);
}

static void listed(struct task *task, struct answer *answer)
{
    struct hooking *hooking = task_work(task);
    const cJSON *list = answer->json;
    const char *first;

    if (answer->gone) {
        task_fail(task, CN_REJECTED, "the pipeline is gone from Streak: %s",
                  answer->text);
        return;
    }
    if (!cJSON_IsArray(list))
        list = cn_json_member(list, "results");
    if (!cJSON_IsArray(list)) {
        task_fail(task, CN_RETRY, "Streak's answer is no list of webhooks");
        return;
    }
    first = hook_key(list->child);
    if (first && hooking->first && !strcmp(first, hooking->first)) {
        all_seen(task); /* the same page again: this Streak does not page */
        return;
    }
    CN_JSON_EACH(hook, list)
    {
        look_at(hooking, hook);
    }
    if (!first || ++hooking->page == PAGES_MAX ||
        !cJSON_IsTrue(cn_json_member(answer->json, "hasNextPage"))) {
        all_seen(task);
        return;
    }
    free(hooking->first);
    hooking->first = text_copy(first);
    ask_for_page(task);
}

void deliver_webhook_start(struct streak *streak, cn_op op, enum task_kind kind,
                           const cn_record *record)
{
    struct hooking *hooking = text_zero(sizeof(*hooking));
    struct task *task = task_start(streak, op, kind, hooking, destroy);
    cn_str address = streak->host->secret(streak->host, "webhook_address");

    hooking->removing = record->change == CN_DELETE;
    hooking->extra = text_must(cJSON_CreateArray());
    hooking->address = text_must(cn_copy(address));
    hooking->token =
        text_must(cn_copy(streak->host->secret(streak->host, "webhook_token")));
    if (!cn_json_read(record->body, NULL, &hooking->webhook, NULL)) {
        hooking->event =
            cn_json_text(cn_json_member(hooking->webhook, "event"));
        hooking->scope =
            cn_json_text(cn_json_member(hooking->webhook, "scope"));
    }
    if (!strchr(hooking->address, '/'))
        task_fail(task, CN_REJECTED,
                  "no webhook address: public_address or path_secret is not "
                  "configured");
    else if (!hooking->event || !hooking->scope)
        task_fail(task, CN_REJECTED, "the webhook lacks event or scope");
    else
        ask_for_page(task);
}
