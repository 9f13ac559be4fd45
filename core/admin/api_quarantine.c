/* api_quarantine.c - what arrived and could not be used.
 *
 * One idea: quarantined bytes are described by no schema, so their shape is
 * shown and every leaf masked; unmasked they are shown after that is recorded.
 * What is handed over again takes the way of a webhook, from the plugin's
 * receive to one commit, in which its row goes.  Called on the loop thread. */
#include "admin/api_quarantine.h"

#include <errno.h>
#include <inttypes.h>

#include <connect/ext/receiver.h>
#include <connect/json.h>

#include "admin/api_acts.h"
#include "admin/encode.h"
#include "admin/mask.h"

enum {
    SHOWN_MAX = 20, /* with contents: 1 MiB each at most */
    CONTENT_BYTES_MAX = 64 * 1024,
    RECEIVE_MS = 30000 /* a plugin's, that asks nobody */
};

/* ---- The list ------------------------------------------------------------ */

static cJSON *quarantine_item(const struct api_call *call,
                              const struct store_quarantine_row *row)
{
    cJSON *item = encode_quarantine(row);
    struct store_bytes content = row->content;
    bool cut;

    cn_json_put(item, "shape", mask_shape(content, &cut));
    if (content.len > CONTENT_BYTES_MAX)
        content.len = CONTENT_BYTES_MAX;
    if (call->unmasked)
        encode_put_bytes(item, "content", content);
    return item;
}

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
    for (size_t index = 0; index < count; index++)
        cn_json_append(list, quarantine_item(call, &rows->quarantine[index]));
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

    if (api_call_parameter(call, "instance", call->name, sizeof(call->name)))
        query.instance = call->name;
    api_call_query(call, &query, quarantine_read);
}

void api_quarantine(struct api_call *call)
{
    if (api_call_page(call, "before", SHOWN_MAX, SHOWN_MAX))
        api_call_show(call, "quarantine.shown", quarantine_ask);
}

/* ---- Handed over again --------------------------------------------------- */

static void no_such(struct api_call *call)
{
    api_call_fail(call, 404, "not_found",
                  "there is no number %" PRIu64 " in quarantine", call->run);
}

static void replayed(void *arg, int status, size_t accepted, size_t duplicates)
{
    struct api_call *call = arg;
    cJSON *object;

    if (status) {
        api_call_fail_errno(call, status, "it cannot be stored now");
        return;
    }
    object = api_call_object(call);
    encode_put_number(object, "number", (int64_t)call->run);
    encode_put_text(object, "act", "replay");
    encode_put_number(object, "accepted", (int64_t)accepted);
    encode_put_number(object, "duplicates", (int64_t)duplicates);
    api_call_end(call, object);
}

static void received(void *arg, uint64_t op, const struct op_outcome *outcome)
{
    struct api_call *call = arg;
    struct engine_accept accept = {
        .origin = call->name,
        .records = outcome->records,
        .record_count = outcome->record_count,
        .values = outcome->values,
        .value_count = outcome->value_count,
        .quarantine = call->run,
        .actor = call->actor,
    };
    const char *message = outcome->message ? outcome->message : "";
    int status;

    (void)op;
    if (outcome->status == CN_AUTH) {
        api_call_fail(call, 409, "not_possible",
                      "the plugin of %s does not take again what was kept; "
                      "change the object in its system, so that it is sent "
                      "anew",
                      call->name);
        return;
    }
    if (outcome->status != CN_OK) {
        api_call_fail(call, 409, "state", "it still cannot be used: %s",
                      *message ? message : op_status_text(outcome->status));
        return;
    }
    status = engine_accept(call->api->options.engine, &accept, replayed, call);
    if (status == -ENOENT)
        api_call_fail(call, 409, "state",
                      "no flow takes what %s makes of it: put the flow back "
                      "and reload",
                      call->name);
    else if (status)
        api_call_fail_errno(call, status, "it cannot be stored now");
}

static void replay_read(void *arg, int status, const struct store_rows *rows)
{
    struct api_call *call = arg;
    const struct store_quarantine_row *row = rows ? rows->quarantine : NULL;
    struct op_request request = {.kind = OP_RECEIVE,
                                 .action = CN_RECEIVER_KEPT,
                                 .instance = call->name,
                                 .method = "POST",
                                 .path = "/",
                                 .timeout_ms = RECEIVE_MS};
    struct error err = {""};
    uint64_t op;

    if (status) {
        api_call_fail_errno(call, status, "the quarantine cannot be read");
        return;
    }
    if (!rows->quarantine_count || row->number != call->run) {
        no_such(call);
        return;
    }
    snprintf(call->name, sizeof(call->name), "%s", row->instance);
    request.body = (cn_str){row->content.ptr, row->content.len};
    status = instances_start(call->api->options.instances, &request, received,
                             call, &op, &err);
    if (status == -EAGAIN)
        api_call_fail(call, 503, "busy", "%s does not take work now",
                      call->name);
    else if (status)
        api_call_fail(call, 409, "not_possible", "%s cannot be asked: %s",
                      call->name,
                      err.text[0] ? err.text
                                  : "there is no such instance, or it takes "
                                    "no webhooks");
}

void api_quarantine_replay(struct api_call *call)
{
    struct store_query query = {
        .kind = STORE_QUERY_QUARANTINE, .run = call->run + 1, .limit = 1};

    api_call_query(call, &query, replay_read);
}

/* ---- Given up ------------------------------------------------------------ */

static void discarded(void *arg, int status, const struct store_result *results,
                      size_t result_count)
{
    struct api_call *call = arg;
    cJSON *object;

    (void)result_count;
    if (status) {
        api_call_fail_errno(call, status, "the store takes no changes now");
        return;
    }
    if (results[0].decision == STORE_REFUSED) {
        no_such(call);
        return;
    }
    object = api_call_object(call);
    encode_put_number(object, "number", (int64_t)call->run);
    encode_put_text(object, "act", "discard");
    encode_put_number(object, "accepted", 0);
    encode_put_number(object, "duplicates", 0);
    api_call_end(call, object);
}

void api_quarantine_discard(struct api_call *call)
{
    struct store_batch *batch;
    const char *reason;
    int status;

    if (!api_acts_reason(call, true, "why it is given up", &reason))
        return;
    batch = store_batch_create();
    store_batch_quarantine_end(batch, call->actor, call->run, "discarded",
                               reason);
    status = store_commit(call->api->options.store, batch, discarded, call);
    if (!status)
        return;
    store_batch_destroy(batch);
    api_call_fail_errno(call, status, "the store takes no changes now");
}
