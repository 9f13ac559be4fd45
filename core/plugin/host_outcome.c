/* host_outcome.c - how a plugin ends its operations.
 *
 * Its one idea: what the plugin says is checked here, on its own thread, and
 * leaves as one flat message; a status the host does not know, or a text that
 * breaks the contract, travels as CN_INVALID with the mark "broken", and the
 * core decides what that means (op.c).  An operation is found by its number, so
 * ending it twice finds nothing. */
#include "plugin/host_outcome.h"

#include <connect/json.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "plugin/host_config.h"
#include "plugin/host_log.h"
#include "plugin/host_state.h"
#include "plugin/op_message.h"
#include "plugin/runner.h"

enum {
    MESSAGE_TEXT_MAX = 2000, /* a person reads it; the rest is cut */
    OUTCOME_SIZE_1_0 = 64    /* sizeof(cn_outcome) of contract 1.0 */
};

void host_op_free(struct host *host, struct host_op *op)
{
    HASH_DEL(host->ops, op);
    buf_done(&op->records);
    buf_done(&op->settlement);
    values_free(&op->values);
    free(op->origin_id);
    free(op);
}

/* A copy of at most MESSAGE_TEXT_MAX bytes that is UTF-8, without
 * credentials. */
static char *text_clean(struct host *host, const char *text)
{
    size_t len = strnlen(text, MESSAGE_TEXT_MAX);
    char *copy;

    while (text[len] && len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
        len--;
    copy = memory_copy(text, len);
    if (!cn_utf8_valid((cn_str){copy, len})) {
        for (size_t index = 0; index < len; index++) {
            if ((unsigned char)copy[index] >= 0x80)
                copy[index] = '?';
        }
    }
    host_secret_mask(host, copy);
    return copy;
}

/* What is wrong with the body, or NULL. */
static const char *body_fault(const struct host_op *op,
                              const cn_outcome *outcome,
                              struct schema_fault *fault)
{
    const struct schema *schema =
        op->action && outcome->status == CN_OK ? op->action->response : NULL;
    const char *wrong = NULL;
    cn_json_error error;
    cJSON *value = NULL;

    if (!outcome->body.len)
        return schema ? "the answer is empty" : NULL;
    if (!outcome->body.ptr || outcome->body.len > CN_BODY_MAX)
        return "the body is larger than CN_BODY_MAX";
    if (cn_json_read(outcome->body, NULL, &value, &error))
        return "the body is not one JSON value";
    /* null says "not found", which is an answer to every question. */
    if (schema && !cJSON_IsNull(value) && schema_check(schema, value, fault))
        wrong = fault->message;
    cJSON_Delete(value);
    return wrong;
}

static const char *outcome_fault(const struct host_op *op,
                                 const cn_outcome *outcome,
                                 struct schema_fault *fault)
{
    if (!op_status_known(op->kind, outcome->status))
        return "the status is none that a plugin may give here";
    if (outcome->cursor.len &&
        (!outcome->cursor.ptr || outcome->cursor.len > CN_CURSOR_MAX ||
         !cn_utf8_valid(outcome->cursor)))
        return "the cursor is too long or not UTF-8";
    return body_fault(op, outcome, fault);
}

/* Does it say that all is well while a record would be lost?  A poll that says
 * so itself has people alerted. */
static bool outcome_loses(const struct host_op *op, const cn_outcome *outcome)
{
    return op->refused && outcome->status == CN_OK &&
           !(op->kind == OP_POLL && outcome->gap);
}

/* The outcome as a flat payload without records and values. */
static cn_status outcome_flatten(struct host *host, const struct host_op *op,
                                 const cn_outcome *raw, struct buf *payload)
{
    cn_outcome outcome = {.size = sizeof(outcome), .status = CN_OK};
    struct op_outcome flat = {.kind = op->kind};
    struct schema_fault fault = {"", "", ""};
    const char *wrong = NULL;
    bool loses;
    char *message;

    if (raw &&
        !loader_normalise(&outcome, sizeof(outcome), raw, OUTCOME_SIZE_1_0))
        wrong = "its outcome has a size that no contract had";
    else
        wrong = outcome_fault(op, &outcome, &fault);
    loses = !wrong && outcome_loses(op, &outcome);
    if (loses)
        wrong = "it says OK, but a record that it emitted was not taken";
    message = text_clean(host, outcome.message ? outcome.message : "");
    flat.status = wrong ? CN_INVALID : outcome.status;
    /* What was handed over rests or is in quarantine until a person looks; a
     * page is read again. */
    if (loses && op->kind != OP_POLL)
        flat.status = CN_REJECTED;
    flat.broken = wrong != NULL;
    flat.message = wrong ? wrong : message;
    flat.retry_after_ms = outcome.retry_after_ms;
    if (!wrong) {
        flat.body = outcome.body;
        flat.cursor = outcome.cursor;
        flat.more = outcome.more;
        flat.gap = op->kind == OP_POLL && outcome.gap != 0;
        flat.alert = outcome.alert != 0 &&
                     (op->kind == OP_DELIVER || op->kind == OP_PROBE);
    } else {
        host_complain(host, op->id, "ended its operation wrongly: %s", wrong);
    }
    op_outcome_put(payload, &flat);
    free(message);
    return flat.status;
}

void host_settle(const cn_host *table, cn_op id, uint32_t index,
                 const cn_outcome *outcome)
{
    struct host *host;
    struct host_op *op;

    if (!host_permits(table, "settle", &host))
        return;
    op = host_op_find(host, id);
    if (!op || op->kind != OP_DELIVER || index != 0 || op->settled) {
        host_complain(host, id,
                      "settled a record that is not open: operation %" PRIu64
                      ", index %u",
                      id, index);
        return;
    }
    op->settled = true;
    (void)outcome_flatten(host, op, outcome, &op->settlement);
}

void host_done(const cn_host *table, cn_op id, const cn_outcome *outcome)
{
    struct host *host;
    struct host_op *op;
    struct buf payload;
    cn_status status = CN_OK;

    if (!host_permits(table, "done", &host))
        return;
    op = host_op_find(host, id);
    if (!op) {
        host_complain(host, id,
                      "called done for operation %" PRIu64
                      ", which is not open here (ended already, or never its)",
                      id);
        return;
    }
    buf_init(&payload, MESSAGE_BYTES_MAX);
    if (op->settled)
        (void)buf_append(&payload, op->settlement.data, op->settlement.len);
    else
        status = outcome_flatten(host, op, outcome, &payload);
    message_put_number(&payload, op->record_count);
    (void)buf_append(&payload, op->records.data, op->records.len);
    host_values_put(host, op, &payload, status == CN_OK);
    message_put_number(&payload, host->held_ms_max);
    mailbox_send_urgent(
        host->runner->outbox,
        message_create(MESSAGE_OUTCOME, host->number, id, &payload));
    buf_done(&payload);
    host_op_free(host, op);
}
