/* receive.c - a webhook becomes one small box_event/1 for each element.
 *
 * A delivery is an array of changed objects, or one object, in the state they
 * had when it was sent; nothing says which event it was.  So only the key of
 * the box goes on, and the box is read afterwards.  It is a matter of an
 * element how late it comes and how often; its identity is the object and the
 * time of its last save.  No request is made here.  On the instance's thread.
 */
#include "receive.h"

#include <stdlib.h>
#include <string.h>

#include <connect/ext/receiver.h>
#include <connect/json.h>
#include <connect/sdk.h>

#include "text.h"

enum {
    ELEMENTS_MAX = 1000, /* of one delivery; Streak sends a handful */
    KEY_MAX = 256,       /* limits of box_event/1 */
    EVENT_MAX = 64,
    TIME_DIGITS_MAX = 16
};

static const char token_header[] = "X-Streak-Webhook-Token";

/* ---- Who sent it ----------------------------------------------------------
 */

static bool token_is(const cn_host *host, cn_str token, const char *secret)
{
    cn_str expected = host->secret(host, secret);

    return expected.ptr && expected.len && cn_secret_equal(token, expected);
}

/* Exactly one header, and the right one. */
static bool sent_by_streak(const cn_host *host, const cn_http_request *request)
{
    cn_str token = {NULL, 0};
    uint32_t count = 0;
    bool now, before;

    if (request->auth && strcmp(request->auth, CN_RECEIVER_KEPT) == 0)
        return true; /* accepted when it came; only the host sets this */
    for (uint32_t at = 0; at < request->header_count; at++) {
        cn_str found = cn_header_find(&request->headers[at], 1, token_header);

        if (!found.ptr)
            continue;
        token = found;
        count++;
    }
    now = token_is(host, token, "webhook_token");
    before = token_is(host, token, "webhook_token_previous");
    return count == 1 && (now || before);
}

/* ---- What it says ---------------------------------------------------------
 */

static const char *text_in(const cJSON *element, const char *name, size_t max)
{
    const cJSON *value = cn_json_member(element, name);

    return cJSON_IsString(value) && *value->valuestring &&
                   strlen(value->valuestring) <= max &&
                   !memchr(value->valuestring, 0xC0, strlen(value->valuestring))
               ? value->valuestring
               : NULL;
}

static const char *digits_in(const cJSON *element, const char *name)
{
    const char *text = cn_json_text(cn_json_member(element, name));

    return text && *text && strlen(text) <= TIME_DIGITS_MAX &&
                   !text[strspn(text, "0123456789")]
               ? text
               : NULL;
}

static const char *time_of(const cJSON *element)
{
    const char *text = digits_in(element, "lastSavedTimestamp");

    if (!text)
        text = digits_in(element, "lastUpdatedTimestamp");
    if (!text)
        text = digits_in(element, "timestamp");
    return text;
}

/* The box that the element is, or hangs on.  Stages have short numbers for
 * keys, contacts and organizations have a team and no pipeline. */
static const char *box_of(const cJSON *element)
{
    const char *box = text_in(element, "boxKey", KEY_MAX);
    const char *key = text_in(element, "key", KEY_MAX);

    if (box)
        return box;
    if (!key || !key[strspn(key, "0123456789")] ||
        (cn_json_member(element, "teamKey") &&
         !cn_json_member(element, "pipelineKey")))
        return NULL;
    return key;
}

static const char *event_of(const cJSON *element)
{
    const char *event = text_in(element, "eventType", EVENT_MAX);

    if (!event)
        event = text_in(element, "event", EVENT_MAX);
    return event && !event[strspn(event, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefgh"
                                         "ijklmnopqrstuvwxyz0123456789_.-")]
               ? event
               : NULL;
}

/* Object and time; without a time the content tells two events apart. */
static char *id_of(const cJSON *element, const char *box, const char *time)
{
    const char *key = text_in(element, "key", KEY_MAX);
    const char *event = event_of(element);
    char hash[TEXT_HASH_MAX];
    char *id, *whole;

    if (!time) {
        whole = text_must(cn_json_print(element));
        text_hash(whole, hash);
        free(whole);
    }
    id = text_print("%s@%s%s%s", key ? key : box, time ? time : hash,
                    event ? "/" : "", event ? event : "");
    if (strlen(id) > CN_ID_MAX) {
        text_hash(id, hash);
        free(id);
        id = text_copy(hash);
    }
    return id;
}

static cn_status emit(const cn_host *host, cn_op op, const cJSON *element)
{
    const char *box = box_of(element), *time = time_of(element);
    const char *event = event_of(element);
    const char *pipeline = text_in(element, "pipelineKey", KEY_MAX);
    char *id = id_of(element, box, time), *text;
    cJSON *body = text_must(cJSON_CreateObject());
    cn_record record = {.size = sizeof(record), .type = "box_event/1"};
    cn_status status;

    text_put(body, "box", text_json(box, KEY_MAX));
    if (event)
        text_put(body, "event", text_json(event, EVENT_MAX));
    if (pipeline)
        text_put(body, "pipeline", text_json(pipeline, KEY_MAX));
    if (time) {
        text_put(body, "version", text_json(time, TIME_DIGITS_MAX));
        record.time_ms = strtoll(time, NULL, 10);
    }
    text = text_must(cn_json_print(body));
    record.id = cn_text(id);
    record.key = cn_text(box);
    record.body = cn_text(text);
    status = host->emit(host, op, &record);
    cJSON_Delete(body);
    free(text);
    free(id);
    return status;
}

/* All elements are looked at before the first is emitted. */
static bool check(const cn_host *host, cn_op op, const cJSON *json)
{
    size_t index = 0;

    if (cJSON_IsObject(json)) {
        if (box_of(json))
            return true;
        cn_fail(host, op, CN_REJECTED, "the object names no box");
        return false;
    }
    if (!cJSON_IsArray(json)) {
        cn_fail(host, op, CN_REJECTED,
                "the body is neither an array nor an object");
        return false;
    }
    CN_JSON_EACH(element, json)
    {
        if (index == ELEMENTS_MAX || !box_of(element)) {
            cn_fail(host, op, CN_REJECTED,
                    index == ELEMENTS_MAX ? "there are more than %zu elements"
                                          : "element /%zu names no box",
                    index);
            return false;
        }
        index++;
    }
    return true;
}

void receive_webhook(const cn_host *host, cn_op op,
                     const cn_http_request *request)
{
    cn_json_error error;
    cJSON *json = NULL;
    cn_status status = CN_OK;

    if (!sent_by_streak(host, request)) {
        cn_fail(host, op, CN_AUTH, "the webhook has no right token");
        return;
    }
    if (cn_json_read(request->body, NULL, &json, &error)) {
        cn_fail(host, op, CN_REJECTED, "the body is no JSON: %s (byte %zu)",
                error.sentence, error.offset);
        return;
    }
    if (!check(host, op, json))
        goto out;
    if (cJSON_IsObject(json))
        status = emit(host, op, json);
    CN_JSON_EACH(element, cJSON_IsArray(json) ? json : NULL)
    {
        if (status == CN_OK)
            status = emit(host, op, element);
    }
    if (status == CN_OK)
        cn_done(host, op);
    else
        cn_fail(host, op, status == CN_INVALID ? CN_REJECTED : CN_RETRY,
                "the host did not take an event (%d)", (int)status);
out:
    cJSON_Delete(json);
}
