/* op.h - one operation, as the core sees it: what is asked, how it ended.
 *
 * Plain values only, no thread, loop or plugin type, so that core/flow and its
 * simulation can include it.  Everything here can be written flat into a
 * mailbox message and read back (op_message.h). */
#ifndef CONNECT_PLUGIN_OP_H
#define CONNECT_PLUGIN_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <connect/plugin.h>

enum op_kind {
    OP_POLL,
    OP_DELIVER,
    OP_PROBE,
    OP_TRANSFORM,
    OP_CALL,
    OP_CHECK,
    OP_STOP,
    OP_RECEIVE
};

struct op_header {
    cn_str name, value;
};

/* What an instance is asked to do.  Borrowed for the call that starts it. */
struct op_request {
    enum op_kind kind;
    const char *instance; /* by name */
    uint64_t run;         /* for the log; 0: none */
    uint64_t timeout_ms;  /* 0: the configured time-out of operations */
    /* POLL */
    const char *stream;
    cn_str cursor;
    uint32_t max_records;
    uint64_t overlap_ms;
    /* DELIVER, PROBE, TRANSFORM: one record */
    cn_record record;
    /* CALL */
    const char *action;
    cn_str call_id;
    cn_str body;
    /* RECEIVE; action: NULL, or CN_RECEIVER_KEPT */
    const char *method, *path;
    const struct op_header *headers;
    size_t header_count;
};

struct op_record { /* emitted; type, id, key and body as the schema allows */
    const char *type;
    cn_str id, key, body;
    int64_t time_ms;
    uint32_t change;
};

struct op_value { /* put through connect.state/1 */
    const char *key;
    cn_str value;
};

/* How it ended.  Comes exactly once for every started operation, whatever the
 * plugin does.  Borrowed for the callback. */
struct op_outcome {
    enum op_kind kind;
    cn_status status;        /* never a number the host does not know: those
                              * are mapped before (see plugin.h) */
    uint64_t retry_after_ms; /* 0: none given */
    const char *message;     /* "" when none; the target's own words */
    cn_str body;
    cn_str cursor;
    uint32_t more;
    bool gap;         /* POLL: the source has lost records that nobody read */
    bool alert;       /* DELIVER, PROBE: the answer was about another record */
    bool answered;    /* the other side answered about this record: counts as
                       * an attempt.  False for no answer, 5xx on a read, 429 */
    bool effect_sent; /* a byte of a request with effect may have left */
    bool broken;      /* the plugin broke the contract, hung or was replaced */
    const struct op_record *records;
    size_t record_count;
    const struct op_value *values;
    size_t value_count;
};

typedef void op_ended_fn(void *arg, uint64_t op, const struct op_outcome *);

/* What the host knows of an operation from the requests it carried. */
struct op_facts {
    bool network_host; /* the manifest says: all requests go through the host */
    bool requested;    /* a request was sent, or tried */
    bool answered;     /* the last of them was answered, see op_outcome */
    bool effect_sent;  /* a byte of one with effect may have left */
    bool
        doubt; /* one with effect had no definite answer, and none came after */
};

/* What a status from the plugin means, by the rules of plugin.h.  ret_broken:
 * it is none the plugin may give; ret_overruled: the plugin says that nothing
 * took effect, and the host knows better. */
cn_status op_conclude(enum op_kind kind, cn_status said,
                      const struct op_facts *facts, bool *ret_broken,
                      bool *ret_overruled);
/* The status of an operation that a time-out or a crash ended. */
cn_status op_conclude_lost(enum op_kind kind, const struct op_facts *facts);
/* May a plugin end an operation of this kind so? */
bool op_status_known(enum op_kind kind, cn_status status);

const char *op_kind_text(enum op_kind kind);
const char *op_status_text(cn_status status);

#endif
