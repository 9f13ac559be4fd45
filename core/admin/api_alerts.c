/* api_alerts.c - what the daemon wants people to know, and that they do.
 *
 * One idea: an acknowledged alert stays in the list, with who and when; it is
 * the daemon that takes it away when its cause is gone.  Called on the loop
 * thread. */
#include "admin/api_alerts.h"

#include <string.h>

#include <connect/json.h>

#include "admin/encode.h"

enum {
    ALERTS_MAX = 1000, /* as the store */
    CAUSE_MAX = 512
};

static void alerts_read(void *arg, int status, const struct store_rows *rows)
{
    struct api_call *call = arg;
    cJSON *object, *list;

    if (status) {
        api_call_fail_errno(call, status, "the alerts cannot be read");
        return;
    }
    object = api_call_object(call);
    list = cJSON_CreateArray();
    for (size_t index = 0; index < rows->alert_count; index++)
        cn_json_append(list, encode_alert(&rows->alerts[index]));
    cn_json_put(object, "alerts", list);
    encode_put_number(object, "more",
                      (int64_t)(rows->alert_total - rows->alert_count));
    api_call_end(call, object);
}

void api_alerts(struct api_call *call)
{
    struct store_query query = {.kind = STORE_QUERY_ALERTS,
                                .limit = ALERTS_MAX};

    api_call_query(call, &query, alerts_read);
}

/* ---- Acknowledging ------------------------------------------------------- */

static void acknowledged(void *arg, int status,
                         const struct store_result *results,
                         size_t result_count)
{
    struct api_call *call = arg;
    const char *cause = cn_json_text_at(call->body, "/cause", NULL);
    size_t count = 0;
    cJSON *object;

    if (status) {
        api_call_fail_errno(call, status, "the store takes no changes now");
        return;
    }
    for (size_t index = 0; index < result_count; index++)
        count += results[index].decision != STORE_REFUSED;
    if (cause && !count) {
        api_call_fail(call, 404, "not_found",
                      "there is no alert with this cause");
        return;
    }
    object = api_call_object(call);
    encode_put_number(object, "acknowledged", (int64_t)count);
    api_call_end(call, object);
}

static void acknowledge(struct api_call *call, struct store_batch *batch)
{
    int status =
        store_commit(call->api->options.store, batch, acknowledged, call);

    if (!status)
        return;
    store_batch_destroy(batch);
    api_call_fail_errno(call, status, "the store takes no changes now");
}

static void acknowledge_all(void *arg, int status,
                            const struct store_rows *rows)
{
    struct api_call *call = arg;
    struct store_batch *batch;

    if (status) {
        api_call_fail_errno(call, status, "the alerts cannot be read");
        return;
    }
    batch = store_batch_create();
    for (size_t index = 0; index < rows->alert_count; index++)
        if (!rows->alerts[index].acknowledged)
            store_batch_alert_acknowledge(batch, call->actor,
                                          rows->alerts[index].cause);
    acknowledge(call, batch);
}

void api_alerts_acknowledge(struct api_call *call)
{
    struct store_query query = {.kind = STORE_QUERY_ALERTS,
                                .limit = ALERTS_MAX};
    const char *cause = cn_json_text_at(call->body, "/cause", NULL);
    bool all = cJSON_IsTrue(cn_json_member(call->body, "all"));
    struct store_batch *batch;

    if (all == (cause != NULL) || (cause && strlen(cause) > CAUSE_MAX)) {
        api_call_fail(call, 400, "body",
                      "either cause, that of an alert, or all: true");
        return;
    }
    if (all) {
        api_call_query(call, &query, acknowledge_all);
        return;
    }
    batch = store_batch_create();
    store_batch_alert_acknowledge(batch, call->actor, cause);
    acknowledge(call, batch);
}
