/* api_lists.c - alerts and quarantine.
 *
 * One idea: each is one question to the store with a limit, and the answer says
 * where the next page begins.  Quarantined bytes are of strangers and described
 * by no schema: they are shown only unmasked, which is recorded first.  Called
 * on the loop thread. */
#include "admin/api_lists.h"

#include <connect/json.h>

#include "admin/encode.h"

enum {
    PAGE_MAX = 1000,           /* as the store */
    QUARANTINE_SHOWN_MAX = 20, /* with contents: 1 MiB each at most */
    CONTENT_BYTES_MAX = 64 * 1024
};

/* ---- Alerts -------------------------------------------------------------- */

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
    api_call_end(call, object);
}

void api_alerts(struct api_call *call)
{
    struct store_query query = {.kind = STORE_QUERY_ALERTS, .limit = PAGE_MAX};

    api_call_query(call, &query, alerts_read);
}

/* ---- Quarantine ---------------------------------------------------------- */

static void quarantine_read(void *arg, int status,
                            const struct store_rows *rows)
{
    struct api_call *call = arg;
    cJSON *object, *list;
    size_t count;

    if (status) {
        api_call_fail_errno(call, status, "the quarantine cannot be read");
        return;
    }
    count = rows->quarantine_count;
    object = api_call_object(call);
    list = cJSON_CreateArray();
    for (size_t index = 0; index < count; index++) {
        const struct store_quarantine_row *row = &rows->quarantine[index];
        cJSON *item = encode_quarantine(row);
        struct store_bytes content = row->content;
        if (content.len > CONTENT_BYTES_MAX)
            content.len = CONTENT_BYTES_MAX;
        if (call->unmasked)
            encode_put_bytes(item, "content", content);
        cn_json_append(list, item);
    }
    cn_json_put(object, "quarantine", list);
    encode_put_flag(object, "masked", !call->unmasked);
    api_call_put_next(call, object, count,
                      count ? rows->quarantine[count - 1].number : 0);
    api_call_end(call, object);
}

static void quarantine_ask(struct api_call *call)
{
    struct store_query query = {.kind = STORE_QUERY_QUARANTINE,
                                .run = call->after,
                                .limit = (size_t)call->limit};

    api_call_query(call, &query, quarantine_read);
}

void api_quarantine(struct api_call *call)
{
    if (api_call_page(call, "before", QUARANTINE_SHOWN_MAX,
                      QUARANTINE_SHOWN_MAX))
        api_call_show(call, "quarantine.shown", quarantine_ask);
}
