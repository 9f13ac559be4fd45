/* api_preview.c - what a run would do, shown without doing it.
 *
 * One idea: the engine walks the flow and forgets it again; what it made is
 * masked like everything else, by the flow version it walked.  Shown unmasked
 * only after the audit entry about it is on disk.  Called on the loop thread.
 */
#include "admin/api_preview.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <connect/json.h>

#include "admin/encode.h"
#include "admin/mask.h"

/* Replace a member by what may be shown of it. */
static void put_masked(cJSON *object, const char *name, cJSON *masked)
{
    cJSON_DeleteItemFromObjectCaseSensitive(object, name);
    cn_json_put(object, name, masked);
}

static void preview_mask(const struct mask *mask, cJSON *result)
{
    CN_JSON_EACH(step, cn_json_member(result, "steps"))
    {
        cJSON *value = cJSON_DetachItemFromObjectCaseSensitive(step, "result");
        const char *path = cn_json_text_at(step, "/path", "");
        put_masked(step, "result", mask_result_value(mask, path, value));
    }
    CN_JSON_EACH(delivery, cn_json_member(result, "deliveries"))
    {
        cJSON *value =
            cJSON_DetachItemFromObjectCaseSensitive(delivery, "body");
        const char *type = cn_json_text_at(delivery, "/type", "");
        put_masked(delivery, "body", mask_record_value(mask, type, value));
    }
}

static void preview_show(struct api_call *call, const struct definition *flow)
{
    struct mask mask = {
        .types = call->api->options.types,
        .instances = call->api->options.instances,
        .flow = flow,
        .off = call->unmasked,
    };
    cJSON *result = call->answer;

    call->answer = NULL;
    preview_mask(&mask, result);
    encode_put_flag(result, "masked", !call->unmasked);
    encode_put_time(result, "now_ms", clock_wall_ms(call->api->options.clock));
    api_call_end(call, result);
}

/* The text of an older version; without it everything is masked. */
static void preview_flow_read(void *arg, int status,
                              const struct store_rows *rows)
{
    struct api_call *call = arg;
    struct error err = {""};

    if (!status && rows->value_count &&
        definition_create("stored flow", rows->values[0].value.ptr,
                          rows->values[0].value.len, NULL,
                          call->api->options.types, &call->flow, &err))
        call->flow = NULL;
    preview_show(call, call->flow);
}

static void preview_ended(void *arg, int status, const cJSON *result,
                          const struct error *err)
{
    struct store_query query = {.kind = STORE_QUERY_FLOW};
    struct api_call *call = arg;
    const struct definition *flow;

    if (status == -ENOENT) {
        api_call_fail(call, 404, "not_found", "there is no run %" PRIu64,
                      call->run);
        return;
    }
    if (status == -EAGAIN || status == -ESHUTDOWN) {
        api_call_fail(call, 503, "busy", "%s",
                      err && err->text[0] ? err->text : "try again");
        return;
    }
    if (status) {
        api_call_fail(call, 409, "not_possible", "%s",
                      err && err->text[0] ? err->text : strerror(-status));
        return;
    }
    call->answer = cJSON_Duplicate(result, 1);
    query.flow = cn_json_text_at(result, "/flow", "");
    query.version = cn_json_text_at(result, "/flow_version", "");
    flow = api_call_flow(call, query.flow, query.version);
    if (flow)
        preview_show(call, flow);
    else
        api_call_query(call, &query, preview_flow_read);
}

static void preview_begin(struct api_call *call)
{
    bool was = !strcmp(cn_json_text_at(call->body, "/flow", "now"), "was");
    int status = engine_shadow(
        call->api->options.engine, call->run,
        was ? ENGINE_SHADOW_AS_WAS : ENGINE_SHADOW_AS_NOW, preview_ended, call);

    if (status)
        api_call_fail_errno(call, status, "it cannot be tried now");
}

void api_preview(struct api_call *call)
{
    const char *flow = cn_json_text_at(call->body, "/flow", "");

    if (strcmp(flow, "was") != 0 && strcmp(flow, "now") != 0)
        api_call_fail(call, 400, "body",
                      "flow must be was (the version it began with) or now");
    else
        api_call_show(call, "payload.shown", preview_begin);
}

void api_preview_now(struct api_call *call)
{
    cJSON_DeleteItemFromObjectCaseSensitive(call->body, "flow");
    api_call_show(call, "payload.shown", preview_begin);
}
