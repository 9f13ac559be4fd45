/* host_emit.c - takes records from a plugin.
 *
 * Its one idea: a record is checked against everything the contract says in the
 * call that brings it, so that the plugin's author sees which one was wrong,
 * and rests flat in its operation until that ends.  What must hold: one that
 * was not taken is never passed over in silence (see host_outcome.c). */
#include "plugin/host_emit.h"

#include <connect/json.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "plugin/host_log.h"
#include "plugin/op_message.h"

enum {
    RECORD_SIZE_1_0 = 88, /* sizeof(cn_record) of contract 1.0 */
    DERIVED_MAX = CN_ID_MAX + 32
};

static const char *text_fault(cn_str text, size_t max)
{
    if (text.len && !text.ptr)
        return "a text has a length and no bytes";
    if (text.len > max)
        return "an id or key is longer than CN_ID_MAX";
    if (!cn_utf8_valid(text) || (text.len && memchr(text.ptr, 0, text.len)))
        return "an id or key is not UTF-8";
    return NULL;
}

/* The body as it will be stored, or what is wrong with it.  Defaults of its
 * type are filled in. */
static const char *body_read(const struct schema *schema,
                             const cn_record *record, char **ret_body,
                             struct schema_fault *fault)
{
    const char *wrong = NULL;
    cn_json_error error;
    cJSON *value = NULL;

    if (record->change == CN_DELETE && !record->body.len) {
        *ret_body = memory_copy(NULL, 0);
        return NULL;
    }
    if (record->body.len > CN_BODY_MAX)
        return "the body is larger than CN_BODY_MAX";
    if (!record->body.ptr || cn_json_read(record->body, NULL, &value, &error))
        return "the body is not one JSON value in UTF-8";
    schema_fill(schema, value);
    if (record->change == CN_UPSERT && schema_check(schema, value, fault))
        wrong = fault->message;
    else
        *ret_body = cn_json_print(value);
    cJSON_Delete(value);
    if (!wrong && !*ret_body)
        wrong = "the body could not be written";
    return wrong;
}

static const char *record_fault(const struct host *host,
                                const struct host_op *op,
                                const cn_record *record,
                                const struct manifest_type **ret_type)
{
    const char *wrong = text_fault(record->id, CN_ID_MAX);

    if (!wrong)
        wrong = text_fault(record->key, CN_ID_MAX);
    if (wrong)
        return wrong;
    if (!record->id.len && op->kind != OP_TRANSFORM)
        return "it has no id";
    if (record->change != CN_UPSERT && record->change != CN_DELETE)
        return "its change is neither CN_UPSERT nor CN_DELETE";
    if (!record->type || strnlen(record->type, CN_NAME_MAX + 1) > CN_NAME_MAX)
        return "it has no type, or one longer than CN_NAME_MAX";
    *ret_type = manifest_type(host->module->manifest, record->type);
    if (!*ret_type || !(*ret_type)->emits)
        return "its type is not among those the manifest emits";
    return NULL;
}

/* "<id of the record transformed>#<number>", cut at the front when too long:
 * the number must stay. */
static cn_str derived_id(const struct host_op *op, char text[DERIVED_MAX])
{
    char number[32];
    size_t left, len = strlen(op->origin_id);

    snprintf(number, sizeof(number), "#%" PRIu32, op->record_count + 1);
    left = CN_ID_MAX - strlen(number);
    snprintf(text, DERIVED_MAX, "%s%s",
             op->origin_id + (len > left ? len - left : 0), number);
    return (cn_str){text, strlen(text)};
}

/* A poll learns so that its page is full, once, and goes on from there the next
 * time; for the others there is no next time. */
static cn_status record_full(struct host_op *op)
{
    op->refused |= op->kind != OP_POLL || op->full;
    op->full = true;
    return CN_FULL;
}

static cn_status record_add(struct host_op *op, const cn_record *record,
                            const struct manifest_type *type, const char *body)
{
    char derived[DERIVED_MAX];
    struct buf *records = &op->records;
    struct op_record flat = {.type = type->name,
                             .id = record->id,
                             .key = record->key,
                             .body = {body, strlen(body)},
                             .time_ms = record->time_ms,
                             .change = record->change};
    const size_t rest = 1024; /* more than what stands beside the texts */

    if (!flat.id.len)
        flat.id = derived_id(op, derived);
    if (flat.body.len + flat.id.len + flat.key.len + rest >
        records->max - records->len)
        return record_full(op);
    op_record_put(records, &flat);
    op->record_count++;
    return CN_OK;
}

cn_status host_emit(const cn_host *table, cn_op id, const cn_record *raw)
{
    struct host *host;
    struct host_op *op;
    struct schema_fault fault = {"", "", ""};
    const struct manifest_type *type = NULL;
    const char *wrong = NULL;
    char *body = NULL;
    cn_record record;
    cn_status status = CN_INVALID;

    if (!host_permits(table, "emit", &host))
        return CN_INVALID;
    op = host_op_find(host, id);
    if (!op || (op->kind != OP_POLL && op->kind != OP_TRANSFORM &&
                op->kind != OP_RECEIVE)) {
        host_complain(host, id,
                      "emitted into operation %" PRIu64
                      ", which is not open or takes no records",
                      id);
        return CN_INVALID;
    }
    if (op->full || op->record_count >= op->max_records)
        return record_full(op);
    if (!loader_normalise(&record, sizeof(record), raw, RECORD_SIZE_1_0))
        wrong = "its size is none that a contract had";
    if (!wrong)
        wrong = record_fault(host, op, &record, &type);
    if (!wrong)
        wrong = body_read(type->schema, &record, &body, &fault);
    op->refused |= wrong != NULL;
    if (wrong)
        host_complain(host, id, "emitted a record that was not taken: %s",
                      wrong);
    else
        status = record_add(op, &record, type, body);
    free(body);
    return status;
}
