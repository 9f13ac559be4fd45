/* op_message.h - requests and outcomes of operations as flat payloads.
 *
 * What is taken points into the message it was taken from.  [any thread] */
#ifndef CONNECT_PLUGIN_OP_MESSAGE_H
#define CONNECT_PLUGIN_OP_MESSAGE_H

#include "plugin/message.h"
#include "plugin/op.h"

enum {
    OP_HEADERS_MAX = 256,  /* the server lets 100 through */
    OP_RECORDS_MAX = 10000 /* of one operation; memory is bounded by bytes */
};

void op_request_put(struct buf *payload, const struct op_request *request);
/* headers has room for OP_HEADERS_MAX. */
bool op_request_take(struct message_reader *reader,
                     struct op_request *ret_request, struct op_header *headers);

/* A record of an outcome, as op_outcome_take reads it. */
void op_record_put(struct buf *payload, const struct op_record *record);
void op_value_put(struct buf *payload, const struct op_value *value);

struct op_outcome_message {
    struct op_outcome outcome;
    struct op_record *records; /* owned */
    struct op_value *values;   /* owned */
};

/* Status, texts and marks; the caller puts the number of records, the records,
 * the number of values and the values behind. */
void op_outcome_put(struct buf *payload, const struct op_outcome *outcome);
bool op_outcome_take(struct message_reader *reader,
                     struct op_outcome_message *ret_outcome);
void op_outcome_done(struct op_outcome_message *outcome);

#endif
