/* op_message.c - flattens operations.
 *
 * One idea: put and take list the same fields in the same order, side by side.
 * Pure; called on the core's loop and on runners. */
#include "plugin/op_message.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* The least bytes a header, record or value can have in a payload. */
enum { HEADER_BYTES = 18, RECORD_BYTES = 60, VALUE_BYTES = 18 };

void op_request_put(struct buf *payload, const struct op_request *request)
{
    message_put_number(payload, request->kind);
    message_put_number(payload, request->run);
    message_put_number(payload, request->timeout_ms);
    message_put_text(payload, request->stream);
    message_put_str(payload, request->cursor);
    message_put_number(payload, request->max_records);
    message_put_number(payload, request->overlap_ms);
    message_put_number(payload, request->record.change);
    message_put_text(payload, request->record.type);
    message_put_str(payload, request->record.id);
    message_put_str(payload, request->record.key);
    message_put_str(payload, request->record.body);
    message_put_number(payload, (uint64_t)request->record.time_ms);
    message_put_text(payload, request->record.origin);
    message_put_number(payload, request->record.attempt);
    message_put_text(payload, request->action);
    message_put_str(payload, request->call_id);
    message_put_str(payload, request->body);
    message_put_text(payload, request->method);
    message_put_text(payload, request->path);
    message_put_number(payload, request->header_count);
    for (size_t index = 0; index < request->header_count; index++) {
        message_put_str(payload, request->headers[index].name);
        message_put_str(payload, request->headers[index].value);
    }
}

bool op_request_take(struct message_reader *reader,
                     struct op_request *ret_request, struct op_header *headers)
{
    struct op_request *request = ret_request;

    memset(request, 0, sizeof(*request));
    request->kind = (enum op_kind)message_take_number(reader);
    request->run = message_take_number(reader);
    request->timeout_ms = message_take_number(reader);
    request->stream = message_take_text(reader);
    request->cursor = message_take_str(reader);
    request->max_records = (uint32_t)message_take_number(reader);
    request->overlap_ms = message_take_number(reader);
    request->record.size = sizeof(request->record);
    request->record.change = (uint32_t)message_take_number(reader);
    request->record.type = message_take_text(reader);
    request->record.id = message_take_str(reader);
    request->record.key = message_take_str(reader);
    request->record.body = message_take_str(reader);
    request->record.time_ms = (int64_t)message_take_number(reader);
    request->record.origin = message_take_text(reader);
    request->record.attempt = (uint32_t)message_take_number(reader);
    request->action = message_take_text(reader);
    request->call_id = message_take_str(reader);
    request->body = message_take_str(reader);
    request->method = message_take_text(reader);
    request->path = message_take_text(reader);
    request->header_count = message_take_count(reader, HEADER_BYTES);
    if (request->header_count > OP_HEADERS_MAX)
        return false;
    request->headers = headers;
    for (size_t index = 0; index < request->header_count; index++) {
        headers[index].name = message_take_str(reader);
        headers[index].value = message_take_str(reader);
    }
    return !reader->failed && request->kind <= OP_RECEIVE;
}

void op_record_put(struct buf *payload, const struct op_record *record)
{
    message_put_text(payload, record->type);
    message_put_str(payload, record->id);
    message_put_str(payload, record->key);
    message_put_str(payload, record->body);
    message_put_number(payload, (uint64_t)record->time_ms);
    message_put_number(payload, record->change);
}

void op_value_put(struct buf *payload, const struct op_value *value)
{
    message_put_text(payload, value->key);
    message_put_str(payload, value->value);
}

void op_outcome_put(struct buf *payload, const struct op_outcome *outcome)
{
    message_put_number(payload, outcome->kind);
    message_put_number(payload, (uint64_t)(int64_t)outcome->status);
    message_put_number(payload, outcome->retry_after_ms);
    message_put_text(payload, outcome->message);
    message_put_str(payload, outcome->body);
    message_put_str(payload, outcome->cursor);
    message_put_number(payload, outcome->more);
    message_put_number(payload, outcome->gap);
    message_put_number(payload, outcome->alert);
    message_put_number(payload, outcome->broken);
}

static void records_take(struct message_reader *reader,
                         struct op_outcome_message *message)
{
    size_t count = message_take_count(reader, RECORD_BYTES);

    message->records = memory_zero(count, sizeof(*message->records));
    message->outcome.records = message->records;
    message->outcome.record_count = count;
    for (size_t index = 0; index < count; index++) {
        struct op_record *record = &message->records[index];
        record->type = message_take_text(reader);
        record->id = message_take_str(reader);
        record->key = message_take_str(reader);
        record->body = message_take_str(reader);
        record->time_ms = (int64_t)message_take_number(reader);
        record->change = (uint32_t)message_take_number(reader);
        reader->failed |= !record->type;
    }
}

bool op_outcome_take(struct message_reader *reader,
                     struct op_outcome_message *ret_outcome)
{
    struct op_outcome *outcome = &ret_outcome->outcome;
    size_t count;

    memset(ret_outcome, 0, sizeof(*ret_outcome));
    outcome->kind = (enum op_kind)message_take_number(reader);
    outcome->status = (cn_status)(int64_t)message_take_number(reader);
    outcome->retry_after_ms = message_take_number(reader);
    outcome->message = message_take_text(reader);
    outcome->body = message_take_str(reader);
    outcome->cursor = message_take_str(reader);
    outcome->more = (uint32_t)message_take_number(reader);
    outcome->gap = message_take_number(reader) != 0;
    outcome->alert = message_take_number(reader) != 0;
    outcome->broken = message_take_number(reader) != 0;
    if (!outcome->message)
        outcome->message = "";
    records_take(reader, ret_outcome);
    count = message_take_count(reader, VALUE_BYTES);
    ret_outcome->values = memory_zero(count, sizeof(*ret_outcome->values));
    outcome->values = ret_outcome->values;
    outcome->value_count = count;
    for (size_t index = 0; index < count; index++) {
        ret_outcome->values[index].key = message_take_text(reader);
        ret_outcome->values[index].value = message_take_str(reader);
        reader->failed |= !ret_outcome->values[index].key;
    }
    return !reader->failed;
}

void op_outcome_done(struct op_outcome_message *outcome)
{
    free(outcome->records);
    free(outcome->values);
    memset(outcome, 0, sizeof(*outcome));
}
