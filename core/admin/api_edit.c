/* api_edit.c - a person corrects what a run works with.
 *
 * One idea: the engine holds the new body against the type's schema, and the
 * store decides whether the run's state allows it; here is only the way there
 * and the sentence back.  Called on the loop thread. */
#include "admin/api_edit.h"

#include <stdlib.h>
#include <string.h>

#include <connect/json.h>

#include "admin/api_acts.h"
#include "admin/encode.h"

static void edited(void *arg, int status, const struct error *err)
{
    struct api_call *call = arg;
    cJSON *object = api_acts_answer(call, status, err, "edit");

    if (!object)
        return;
    encode_put_text(object, "path", cn_json_text_at(call->body, "/path", NULL));
    encode_put_flag(object, "dry",
                    cJSON_IsTrue(cn_json_member(call->body, "dry")));
    api_call_end(call, object);
}

void api_edit(struct api_call *call)
{
    const cJSON *path = cn_json_member(call->body, "path");
    const cJSON *body = cn_json_member(call->body, "body");
    const char *reason;
    char *text;
    bool dry;
    int status;

    if (!api_acts_flag(call, "dry", false, &dry) ||
        !api_acts_reason(call, !dry, "why it is changed", &reason))
        return;
    if (path && !cJSON_IsNull(path) && !cJSON_IsString(path)) {
        api_call_fail(call, 400, "body",
                      "path must be that of a delivery, or null for the record "
                      "the run began with");
        return;
    }
    if (!cJSON_IsObject(body)) {
        api_call_fail(call, 400, "body", "body must be an object: the record");
        return;
    }
    text = cn_json_print(body);
    status = engine_edit(call->api->options.engine, call->actor, call->run,
                         cn_json_text(path), (cn_str){text, strlen(text)},
                         reason, dry, edited, call);
    free(text);
    if (status)
        api_call_fail_errno(call, status, "the store takes no changes now");
}
