/* api_history.c - what happened, in its order; and waiting for what happens
 * next.
 *
 * One idea: who waits is asked again when something was committed, and not
 * before; so following the history costs nothing while nothing happens.  What
 * was committed between a question and its answer wakes too, since the answer
 * comes with, or before, the word about the commit.  At most WAITERS_MAX wait;
 * the next one gets its empty page at once.  Called on the loop thread. */
#include "admin/api_history.h"

#include <stdlib.h>
#include <utlist.h>

#include <connect/json.h>

#include "admin/encode.h"
#include "base/memory.h"

enum {
    PAGE_DEFAULT = 50,
    PAGE_MAX = 1000,    /* as the store */
    WAITERS_MAX = 64,   /* consoles and people; each holds a connection */
    WAIT_MS_MAX = 30000 /* the server gives an answer 60 s */
};

struct api_waiter {
    struct api_waiter *prev, *next;
    uv_timer_t timer;
    struct api_call *call;
};

static void history_ask(struct api_call *call);

/* ---- Waiting ------------------------------------------------------------- */

static void waiter_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* Its call is the caller's again. */
static struct api_call *waiter_take(struct api_waiter *waiter)
{
    struct api_call *call = waiter->call;

    DL_DELETE(call->api->waiters, waiter);
    call->api->waiter_count--;
    uv_close((uv_handle_t *)&waiter->timer, waiter_closed);
    return call;
}

static void waited_long_enough(uv_timer_t *timer)
{
    api_call_end(waiter_take(timer->data), NULL);
}

static void history_wait(struct api_call *call, uint64_t wait_ms)
{
    struct api *api = call->api;
    struct api_waiter *waiter = memory_zero(1, sizeof(*waiter));

    waiter->call = call;
    uv_timer_init(api->options.loop, &waiter->timer);
    waiter->timer.data = waiter;
    uv_timer_start(&waiter->timer, waited_long_enough, wait_ms, 0);
    DL_APPEND(api->waiters, waiter);
    api->waiter_count++;
}

void api_history_changed(struct api *api)
{
    uint64_t count = store_commit_count(api->options.store);
    struct api_waiter *waiter, *next;

    if (count == api->commit_count)
        return;
    api->commit_count = count;
    DL_FOREACH_SAFE(api->waiters, waiter, next)
    {
        history_ask(waiter_take(waiter));
    }
}

void api_history_stop(struct api *api)
{
    struct api_waiter *waiter, *next;

    DL_FOREACH_SAFE(api->waiters, waiter, next)
    {
        api_call_end(waiter_take(waiter), NULL);
    }
}

/* ---- Asking -------------------------------------------------------------- */

static void history_read(void *arg, int status, const struct store_rows *rows)
{
    struct api_call *call = arg;
    struct api *api = call->api;
    uint64_t now_ms = uv_now(api->options.loop);
    size_t count;
    cJSON *list;

    if (status) {
        api_call_fail_errno(call, status, "the history cannot be read");
        return;
    }
    count = rows->history_count;
    cJSON_Delete(call->answer);
    call->answer = api_call_object(call);
    list = cJSON_CreateArray();
    for (size_t index = 0; index < count; index++)
        cn_json_append(list, encode_history(&rows->history[index]));
    cn_json_put(call->answer, "history", list);
    encode_put_number(
        call->answer, "next",
        (int64_t)(count ? rows->history[count - 1].sequence : call->after));
    encode_put_flag(call->answer, "more", count == call->limit);
    if (count || call->wait_until_ms <= now_ms || api->stopping ||
        api->waiter_count == WAITERS_MAX)
        api_call_end(call, NULL);
    else
        history_wait(call, call->wait_until_ms - now_ms);
}

static void history_ask(struct api_call *call)
{
    struct store_query query = {.kind = STORE_QUERY_HISTORY,
                                .limit = (size_t)call->limit,
                                .sequence = call->after,
                                .run = call->run};

    api_call_query(call, &query, history_read);
}

void api_history(struct api_call *call)
{
    uint64_t wait_ms = 0;
    bool ended = false;

    if (!api_call_page(call, "after", PAGE_DEFAULT, PAGE_MAX))
        return;
    api_call_number(call, "run", INT64_MAX, &call->run, &ended);
    if (!ended &&
        api_call_number(call, "wait_ms", WAIT_MS_MAX, &wait_ms, &ended))
        call->wait_until_ms = uv_now(call->api->options.loop) + wait_ms;
    if (!ended)
        history_ask(call);
}
