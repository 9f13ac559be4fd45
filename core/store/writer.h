/* writer.h - the one connection that changes the database. */
#ifndef CONNECT_STORE_WRITER_H
#define CONNECT_STORE_WRITER_H

#include <stdint.h>

#include "store/arena.h"
#include "store/batch.h"
#include "store/database.h"
#include "store/lookup.h"
#include "store/reserve.h"
#include "store/store.h"

enum { AUDIT_HASH_BYTES = 32, RUN_STATE_COUNT = RUN_DISCARDED + 1 };

/* What the row in meta holds; put back when a batch is rolled back. */
struct counters {
    int64_t commit_number;
    int64_t row_next; /* ids of rows; also the order of deliveries */
    int64_t run_next;
    int64_t audit_sequence; /* of the last entry */
    unsigned char audit_hash[AUDIT_HASH_BYTES];
    int64_t event_count, duplicate_count;
    int64_t runs[RUN_STATE_COUNT];
    int64_t forgotten_count; /* finished runs that were pruned */
    int64_t audit_time_ms;   /* of the newest row in audit_time */
};

/* Whose turn it is among the runs of one queue and priority; see claim.c. */
struct claim_turn {
    char queue[40]; /* names of instances have at most 32 bytes */
    char flow[128]; /* that was served last */
    int64_t priority;
    uint32_t count; /* claims */
};

enum {
    CLAIM_TURNS = 64
}; /* more than instances that wait at once; one that is
    * forgotten begins with the first flow again */

/* What the alert of a full disk says. */
enum space_told { SPACE_TOLD_NOTHING, SPACE_TOLD_FREE, SPACE_TOLD_FULL };

struct writer {
    struct database database;
    struct lookup lookup;
    struct reserve reserve;
    int lock;    /* owned descriptor; held while the store is open */
    char *path;  /* owned; of the database */
    char *owner; /* owned; this daemon's name in claims */
    bool broken; /* nothing is believed any more: -EIO for good */
    enum space_told space_told;
    struct counters counters;   /* as committed, with the batch in work */
    int64_t steady_ms, wall_ms; /* now, for the batch in work */
    int64_t restored_ms;        /* steady time of the last restore; 0: none */
    struct arena scratch;       /* emptied after each change */
    /* Before a revive, which needs the log for itself: whoever reads is to
     * stop.  NULL: nobody else does. */
    void (*quiet)(void *arg);
    void *quiet_arg;
    struct claim_turn turns[CLAIM_TURNS];
    uint32_t turn_last; /* of turns, given away last */
    /* The batch in work. */
    struct arena *arena;         /* borrowed; results live in it */
    struct store_result *result; /* borrowed; of the change in work */
};

/* Commit the batches of a list, not empty, in one transaction and set their
 * status and results. */
void writer_commit(struct writer *writer, struct store_batch *batches);
/* Nothing was to be committed for long: save the clocks. */
void writer_commit_time(struct writer *writer, int64_t steady_ms,
                        int64_t wall_ms);
/* After the answers: move the log into the database when it has grown. */
void writer_checkpoint(struct writer *writer);
/* Inside a transaction: this is the time now.  A wall clock that went another
 * way than the monotonic one is noted in the audit. */
int writer_note_time(struct writer *writer, int64_t steady_ms,
                     int64_t wall_ms) MUST_USE;
/* Write the counters and clocks into meta, inside a transaction. */
int writer_save(struct writer *writer) MUST_USE;

#endif
