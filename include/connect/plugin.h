/* connect/plugin.h - the contract between the host and its connector plugins.
 *
 * A plugin is a shared object that exports one symbol, cn_plugin_v1: a table
 * of functions and a description in JSON.  The host makes any number of
 * instances of it, each with its own configuration and its own cn_host, and
 * hands them work as operations.  Every operation is the same story: the host
 * calls poll, deliver, transform, call or check with a fresh cn_op; the
 * plugin takes the time it needs, perhaps emitting records; then it calls
 * host->done exactly once for that cn_op, inside the call or any time later.
 *
 * These rules hold everywhere and are not repeated below.
 *
 *   Threads   All calls into an instance come from one thread, the same for
 *             its whole life, one at a time.  Other instances may share it:
 *             do not block, or set CN_BLOCKING and have a thread alone.
 *             Call host functions on it only, unless marked [any thread].
 *   Re-entry  A host function never calls the plugin before it has returned.
 *   Memory    What one side passes or returns is borrowed: valid until the
 *             plugin's running function returns or, given by the plugin, until
 *             the host function returns.  To keep it, copy it.  Neither side
 *             frees what the other allocated.
 *   Text      UTF-8.  Names and messages are C strings, data is cn_str.  A
 *             cn_str from the host has a NUL behind it that len leaves out.
 *   Growth    A struct that may grow starts with its size.  Who fills one in
 *             sets size to sizeof and unused fields to zero; who reads one
 *             takes all that lies behind size for zero.  Arrays hold pointers
 *             to such structs.  cn_str and cn_header are frozen.
 *   Failure   A status names the host's next move, not the cause; the message
 *             tells people the cause and contains no secret.
 *   Effects   Ending a deliver with RETRY, RATE_LIMITED, AUTH, HOLD, REJECTED or
 *             UNSUPPORTED asserts that nothing took effect.  CANCELLED, a number
 *             unknown to the host, a time-out or a crash count as IN_DOUBT,
 *             unless the host carried every request and sent none with effect.
 */
#ifndef CN_PLUGIN_H
#define CN_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Values ------------------------------------------------------------- */

typedef struct cn_str {
    const char *ptr; /* may be NULL when len is 0 */
    size_t      len;
} cn_str;

#define CN_STR(literal) { "" literal, sizeof(literal) - 1 } /* initializer */

typedef uint64_t cn_op;    /* names one operation; never 0, never reused */
typedef uint64_t cn_timer; /* names one timer; likewise */

typedef int32_t cn_status; /* unknown number: RETRY; from deliver IN_DOUBT */
enum {
    CN_OK           = 0, /* done */
    CN_RETRY        = 1, /* may work later: again, with growing delays */
    CN_RATE_LIMITED = 2, /* slow down: hold the whole instance, then again */
    CN_AUTH         = 3, /* credentials refused: hold, alert, renew, again */
    CN_REJECTED     = 4, /* will never work: set aside and go on */
    CN_CANCELLED    = 5, /* given up because the host asked */
    CN_UNSUPPORTED  = 6, /* not something this side does */
    CN_FULL         = 7, /* from the host only: not taken, no room left */
    CN_INVALID      = 8, /* from the host only: breaks this contract */
    CN_HOLD         = 9, /* a person or the calendar must act first (customer
                          * on hold, period closed): only this key waits */
    CN_IN_DOUBT     = 10, /* sent, but whether it took effect is unknown: the
                          * host asks probe and never simply repeats */
    CN_ABSENT       = 11 /* from probe only: certainly did not take effect */
};

enum { CN_LOG_DEBUG, CN_LOG_INFO, CN_LOG_WARN, CN_LOG_ERROR };

enum { /* limits in bytes; what exceeds them is CN_INVALID */
    CN_NAME_MAX = 128, CN_ID_MAX = 256, CN_CURSOR_MAX = 4096,
    CN_BODY_MAX = 16 * 1024 * 1024
};

/* ---- Records and outcomes ----------------------------------------------- */

enum { CN_UPSERT = 0, CN_DELETE = 1 };

/* One normalized fact on its way from a source to sinks. */
typedef struct cn_record {
    uint32_t    size;
    uint32_t    change;  /* CN_UPSERT or CN_DELETE */
    const char *type;    /* schema of the body and its revision: "order/1" */
    cn_str     id;      /* idempotency: same event, same id, ever after */
    cn_str     key;     /* order: equal keys stay in sequence; empty: none */
    cn_str     body;    /* one JSON value; money and ids are JSON strings */
    int64_t     time_ms; /* when it happened, UTC, since 1970 */
    const char *origin;  /* set by the host: the instance that emitted it */
    uint32_t    attempt; /* set by the host: 1, then 2 ... when redelivered */
    uint32_t    reserved;
} cn_record;

/* How an operation, or one record of it, ended. */
typedef struct cn_outcome {
    uint32_t    size;
    cn_status  status;
    uint64_t    retry_after_ms; /* not before; 0: the host decides */
    const char *message;        /* may be NULL */
    cn_str     body;           /* call: the answer; deliver, probe: what the
                                * other system calls it now; one JSON value */
    cn_str     cursor;         /* poll: where the next poll goes on */
    uint32_t    more;           /* poll: nonzero when more waits already */
    uint32_t    reserved;
    uint32_t    gap;            /* poll: nonzero when records between the cursor
                                 * and the first one emitted are lost, because
                                 * the source keeps them no longer or a count
                                 * of its own says so.  People are alerted */
    uint32_t    reserved_gap;
    uint32_t    alert;          /* deliver, probe: nonzero when the other system
                                 * said something about another record than
                                 * the one it was asked about: such an answer
                                 * is in doubt, and people are alerted at once,
                                 * however the doubt ends */
    uint32_t    reserved_alert;
} cn_outcome;

/* ---- Work the host hands to an instance ---------------------------------- */

typedef struct cn_poll {
    uint32_t    size;
    uint32_t    max_records; /* emit no more: it is all the room there is */
    const char *stream;      /* one of the manifest's; each has its cursor */
    cn_str      cursor;      /* of the last poll stored; first: empty */
    uint64_t    timeout_ms;  /* the operation is cancelled after this */
    uint64_t    overlap_ms;  /* begin so much before the cursor, as the stream's
                              * manifest says, since records may appear behind
                              * it; the host knows again what it has.  0 when
                              * the poll before said more */
} cn_poll;

typedef struct cn_delivery {
    uint32_t                 size;
    uint32_t                 count; /* 1 to max_batch; for transform always 1 */
    const cn_record *const *records;
    uint64_t                 timeout_ms;
} cn_delivery;

typedef struct cn_call {
    uint32_t    size;
    uint32_t    reserved;
    const char *action; /* one of the manifest's: "find_customer"; it asks
                         * and changes nothing, so it may be repeated */
    cn_str     id;     /* the same when the same call is made again */
    cn_str     body;   /* arguments: a JSON object, checked by the manifest */
    uint64_t    timeout_ms;
} cn_call;

/* ---- What the host offers to an instance --------------------------------- */

typedef struct cn_host cn_host; /* its address tells the host who calls */
struct cn_host {
    uint32_t    size;
    uint32_t    reserved;
    const char *version;  /* of the host; for logs, not for decisions */
    const char *instance; /* its name in the host's configuration */

    /* Add a record to an open poll, transform or receive.  It counts when that
     * operation ends CN_OK and is forgotten when it ends otherwise.
     * CN_FULL: not taken, you had max_records; end the poll.  Over a record
     * that was not taken CN_OK is not believed, or it would be lost: a poll is
     * asked again, unless it says gap, the others count as CN_REJECTED. */
    cn_status (*emit)(const cn_host *, cn_op, const cn_record *);

    /* Settle one record of a delivery, by index, ahead of the rest. */
    void (*settle)(const cn_host *, cn_op, uint32_t, const cn_outcome *);

    /* End the operation, settling what is not settled yet.  NULL: CN_OK. */
    void (*done)(const cn_host *, cn_op, const cn_outcome *);

    /* A value of this instance's configuration by JSON Pointer: strings bare,
     * all else as JSON text; "" is the whole.  Checked against the manifest,
     * defaults filled in, valid until destroy.  ptr is NULL: there is none. */
    cn_str (*config)(const cn_host *, const char *pointer);

    /* A credential in its present version, or ptr is NULL; do not keep it.
     * Prefer cn_http_request.auth, which keeps it out of the plugin. */
    cn_str (*secret)(const cn_host *, const char *name);

    /* Run fn once after delay_ms, unless stopped or destroyed before. */
    cn_timer (*timer_start)(const cn_host *, uint64_t delay_ms,
                             void (*fn)(void *arg), void *arg);
    void (*timer_stop)(const cn_host *, cn_timer);

    /* Run fn on the instance's thread: the way back from a plugin's own
     * threads.  Dropped if not run when destroy returns.  [any thread] */
    void (*post)(const cn_host *, void (*fn)(void *arg), void *arg);

    /* The host adds time, instance and operation.  [any thread] */
    void (*log)(const cn_host *, int32_t level, const char *message);

    /* A table of more functions, by id such as CN_EXT_HTTP, valid until
     * destroy, or NULL when this host does not have it. */
    const void *(*extension)(const cn_host *, const char *id);
};

/* ---- What a plugin is --------------------------------------------------- */

enum { CN_BLOCKING = 1 }; /* flags: its functions may block */

typedef struct cn_plugin {
    uint32_t    size;
    uint32_t    flags;
    const char *id;        /* reverse domain name: "com.example.shop" */
    const char *version;   /* of the plugin: "1.4.2" */
    const char *manifest;  /* JSON: title, config schema, actions, types */
    uint32_t    max_batch; /* records in one delivery; 0 means 1 */
    uint32_t    max_open;  /* open operations of each kind; 0 means 1 */

    /* Make an instance: read the configuration, allocate, do no I/O.  Return
     * what the calls below get as self, or log the reason and return NULL. */
    void *(*create)(const cn_host *);
    /* Free it, join its threads.  All its operations have ended by now. */
    void (*destroy)(void *self);

    /* A plugin plays the roles whose functions it has; the rest are NULL.
     *
     * Source: emit what follows the cursor, then end with the new cursor.  On
     * CN_OK the host stores records and cursor together, or neither.  A push
     * source leaves the operation open until something arrives. */
    void (*poll)(void *self, cn_op, const cn_poll *);
    /* Source, optional: all up to cursor is stored; acknowledge upstream. */
    void (*commit)(void *self, cn_str cursor);

    /* Sink: write the records to the other system.  The only way in which a
     * plugin changes anything outside. */
    void (*deliver)(void *self, cn_op, const cn_delivery *);
    /* Sink: did this record take effect?  Asked after CN_IN_DOUBT and after a
     * crash in mid-delivery, about one record.  End with CN_OK and the body
     * that deliver would have given, with CN_ABSENT, with CN_RETRY while it
     * cannot be told yet, or with CN_REJECTED when what is there is not what
     * was sent: a person must look.  A sink without it declares in the manifest which
     * types may be repeated without harm; the rest wait for a person. */
    void (*probe)(void *self, cn_op, const cn_delivery *);
    /* Transform: emit any number of records in place of the one delivered;
     * an empty id is derived from the id of that one. */
    void (*transform)(void *self, cn_op, const cn_delivery *);
    /* Actions: answer a question. */
    void (*call)(void *self, cn_op, const cn_call *);

    /* Optional: try the credentials and the connection. */
    void (*check)(void *self, cn_op);
    /* Optional: the last operation before destroy; say goodbye (log off). */
    void (*stop)(void *self, cn_op);
    /* Optional: the operation is not wanted any more; end it soon.  The host
     * has aborted the HTTP requests made for it. */
    void (*cancel)(void *self, cn_op);
    /* Optional: extensions of the plugin's side, such as CN_EXT_RECEIVER. */
    const void *(*extension)(const char *id);
} cn_plugin;

/* The entry.  Its number is the contract's major version: a host looks for the
 * newest it knows first, and a plugin may export several. */
#define CN_EXPORT __attribute__((visibility("default")))
CN_EXPORT extern const cn_plugin cn_plugin_v1;

/* True when a struct from the other side reaches to this field and has it set.
 * Needed for fields younger than 1.0 only; the above are always there. */
#define CN_HAS(table, field)                                              \
    ((size_t)((const char *)(&(table)->field + 1) - (const char *)(table)) \
         <= (table)->size && (table)->field)

#ifdef __cplusplus
}
#endif
#endif
