/* streak_hook.c - calls about webhook registrations.
 *
 * The scope is taken from the query string, as most clients send it, and from
 * the body, as one does.  The same registration twice is two registrations:
 * Streak does not help here and neither does this.
 * Used on the simulator's only thread. */
#include "streak_hook.h"

#include <string.h>

#include "sim_json.h"

static const char *read_scope(struct streak_call *call, const char *name)
{
    const char *key = sim_request_query(call->request, name);

    return key ? key : sim_json_text(call->body, name);
}

static bool is_http(const char *target)
{
    return target && (strncmp(target, "http://", 7) == 0 ||
                      strncmp(target, "https://", 8) == 0);
}

static void answer_hook(struct streak_call *call,
                        const struct streak_hook *hook)
{
    struct buf buf;

    streak_answer_begin(&buf);
    streak_webhook_show(hook, &buf);
    streak_answer(call, &buf);
}

void streak_register_webhook(struct streak_call *call)
{
    const char *event = sim_json_text(call->body, "event");
    const char *target = sim_json_text(call->body, "targetUrl");
    const char *pipeline = read_scope(call, "pipelineKey");
    const char *team = read_scope(call, "teamKey");
    const struct streak_hook *hook;
    struct streak_hook wish = {.team_scope = false};
    bool team_scope = false;
    const char *scope;

    if (!event || !is_http(target) ||
        !streak_webhook_event_known(event, &team_scope)) {
        streak_fail(call, 400, "Missing parameters");
        return;
    }
    scope = team_scope ? team : pipeline;
    if (!scope) {
        streak_fail(call, 400, "Missing parameters");
        return;
    }
    if (!streak_find(call, team_scope ? STREAK_TEAM : STREAK_PIPELINE, scope))
        return;
    wish.event = (char *)(uintptr_t)event;
    wish.target = (char *)(uintptr_t)target;
    wish.token = (char *)(uintptr_t)sim_json_text(call->body, "token");
    wish.scope_key = (char *)(uintptr_t)scope;
    wish.team_scope = team_scope;
    wish.creator_key = call->user->entity.key;
    hook = streak_webhook_add(call->streak->hooks, &wish);
    if (!hook) {
        streak_fail(call, 400, "too many webhooks");
        return;
    }
    call->answer->committed = true;
    answer_hook(call, hook);
}

static void list_hooks(struct streak_call *call, enum streak_kind kind)
{
    struct buf buf;

    if (!streak_find(call, kind, call->args[0]))
        return;
    streak_answer_begin(&buf);
    streak_webhook_list(call->streak->hooks, call->args[0], &buf);
    streak_answer(call, &buf);
}

void streak_list_pipeline_webhooks(struct streak_call *call)
{
    list_hooks(call, STREAK_PIPELINE);
}

void streak_list_team_webhooks(struct streak_call *call)
{
    list_hooks(call, STREAK_TEAM);
}

/* The registration of the path, or NULL after answering why not. */
static const struct streak_hook *find_hook(struct streak_call *call)
{
    const struct streak_hook *hook;

    if (!streak_key_decodes(call->args[0])) {
        streak_fail_key(call);
        return NULL;
    }
    hook = streak_webhook_find(call->streak->hooks, call->args[0]);
    if (!hook)
        streak_fail_unknown(call);
    else if (call->user->outsider)
        streak_fail(call, 401, NULL);
    return call->user->outsider ? NULL : hook;
}

void streak_get_webhook(struct streak_call *call)
{
    const struct streak_hook *hook = find_hook(call);

    if (hook)
        answer_hook(call, hook);
}

void streak_delete_webhook(struct streak_call *call)
{
    const struct streak_hook *hook = find_hook(call);

    if (!hook)
        return;
    streak_webhook_remove(call->streak->hooks, hook->key);
    call->answer->committed = true;
    streak_succeed(call);
}
