/* batch.h - changes on their way to the writer. */
#ifndef CONNECT_STORE_BATCH_H
#define CONNECT_STORE_BATCH_H

#include "store/arena.h"
#include "store/store.h"

enum change_kind {
    CHANGE_ACCEPT,
    CHANGE_QUARANTINE,
    CHANGE_RUN,
    CHANGE_STEP,
    CHANGE_DELIVERY,
    CHANGE_INTENT,
    CHANGE_SETTLE, /* store_batch_delivery_change */
    CHANGE_EDIT,
    CHANGE_ANSWER, /* store_batch_settle */
    CHANGE_CURSOR,
    CHANGE_STATE,
    CHANGE_FLOW,
    CHANGE_ALERT,
    CHANGE_ALERT_CLEAR,
    CHANGE_ALERT_DOUBT,
    CHANGE_ALERT_ACKNOWLEDGE,
    CHANGE_QUARANTINE_END,
    CHANGE_AUDIT,
    CHANGE_ACT,
    CHANGE_CLAIM,
    CHANGE_RECOVER,
    CHANGE_RENEW,
    CHANGE_PRUNE
};

/* Names and bytes of the kinds that need no struct of their own. */
struct change_value {
    const char *first, *second;
    struct store_bytes bytes;
    uint64_t run;
    const char *path;
    const char *detail;
    bool news; /* of an alert: each time is something else */
};

struct change_act {
    const char *actor;
    enum store_act act;
    uint64_t run;
    const char *reason;
};

/* What a person says of a run beyond an act. */
struct change_answer {
    const char *actor;
    uint64_t run;
    const char *path; /* edit: NULL: the trigger record */
    bool happened;
    struct store_bytes bytes; /* the reference, or the new body */
    const char *reason;
};

struct change_quarantine_end {
    const char *actor;
    uint64_t number;
    const char *word;
    const char *reason;
};

struct change_claim {
    const char *queue;
    size_t count;
};

struct change {
    enum change_kind kind;
    union {
        struct store_accept accept;
        struct store_quarantine quarantine;
        struct store_run_change run;
        struct store_step step;
        struct store_delivery delivery;
        struct store_delivery_change settle;
        struct change_value value;
        struct change_act act;
        struct change_claim claim;
        struct store_prune prune;
        struct change_answer answer;
        struct change_quarantine_end quarantine_end;
    } as;
};

struct store_batch {
    struct arena arena;     /* everything the changes and results point to */
    struct change *changes; /* owned */
    size_t count, capacity;
    bool begins; /* something new: not to be done on the reserve */
    bool ends;   /* an outcome: to be kept whatever begins with it */
    /* What the accepts before came in and its copy: one for a whole request. */
    struct store_bytes content_from, content;
    /* Set by store_commit. */
    store_committed_fn *fn;
    void *arg;
    int64_t steady_ms, wall_ms; /* when it was handed over */
    size_t bytes;               /* of its arena then */
    /* Set by the writer. */
    int status;
    struct store_result *results;
    struct store_batch *next; /* in whichever queue it is */
};

#endif
