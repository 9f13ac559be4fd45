/* store.h - the durable point: one interface, SQLite behind it.
 *
 * Everything that must survive is changed through store_commit: one call, one
 * batch of changes, one transaction, answered by a callback when it is synced
 * to disk.  Batches of many callers share one sync (group commit), yet each
 * batch takes effect as a whole or not at all.  Reading for people goes through
 * store_query on read-only connections and never waits for the writer.
 *
 * The store keeps what must be exact under concurrency, so that no caller has
 * to hold it in memory: which event was seen before, which run of a lane is
 * first, which delivery of a lane is first, who owns a run.  A change that
 * depends on such a fact answers with what was decided.
 *
 * A run is named by its number, given out by the store; a step by its run and
 * its path; a delivery belongs to a step and has its name.  Nothing here is a
 * row number of the database.
 *
 * Time.  All times are steady milliseconds (store_steady_ms): they go on with
 * the monotonic clock while the daemon runs and, over a restart, by the wall
 * clock, but never backwards and by STEADY_GAP_MAX_MS at most, so that a jump
 * of the wall clock neither fires nor delays anything.  Where a person needs a
 * date, a wall time stands beside it.
 *
 * Threads.  All functions are called on one thread, the loop; callbacks come on
 * the same thread, from store_drain.  options.notify is called on another
 * thread and only says that store_drain has work.
 *
 * Memory.  A batch borrows nothing: the append functions copy.  Results are
 * borrowed for the duration of the callback.
 */
#ifndef CONNECT_STORE_STORE_H
#define CONNECT_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/error.h"

struct store;
struct store_batch;

enum {
    STORE_QUEUE_MAX = 4096, /* batches waiting; more is -EAGAIN */
    STORE_QUEUE_BYTES_MAX = 64 * 1024 * 1024, /* of these; likewise */
    STORE_STEADY_GAP_MAX_MS = 24 * 3600 * 1000,
    STORE_PATH_MAX = 256, /* bytes of a step path */
    /* Runs that one accept overtakes; a lane of a flow that overtakes has two
     * or three. */
    STORE_OVERTAKEN_MAX = 256,
    /* An alert that was acknowledged is not shown as new for so long. */
    STORE_ALERT_QUIET_MS = 24 * 3600 * 1000,
    /* Runs that one query looks at; it says where to go on. */
    STORE_SCAN_MAX = 20000
};

struct store_bytes {
    const char *ptr;
    size_t len;
};

/* ---- States -------------------------------------------------------------- */

enum run_state {
    RUN_QUEUED,  /* an older run of its lane is not finished */
    RUN_READY,   /* to be claimed when due */
    RUN_ACTIVE,  /* claimed: an engine works on it */
    RUN_WAITING, /* a delivery waits behind another of its lane */
    RUN_HELD,    /* a delivery is held; wakes when due or released */
    RUN_PARKED, /* a person must act; counted by an alert, "parked:FLOW:CODE" */
    RUN_DONE,
    RUN_DISCARDED /* a person gave it up, or a newer version took its place;
                   * the reason says which */
};

enum step_state {
    STEP_OPEN,    /* began, no result yet */
    STEP_DONE,    /* has its result */
    STEP_SKIPPED, /* a condition was not met */
    STEP_FAILED   /* a mapping or call failed for good; reason says why */
};

enum delivery_state {
    DELIVERY_READY,    /* nothing sent, or definitely without effect */
    DELIVERY_SENDING,  /* the intent is durable, bytes may have left */
    DELIVERY_IN_DOUBT, /* bytes may have left and no definite answer came */
    DELIVERY_DONE,     /* has the other system's reference */
    DELIVERY_HELD,     /* a business reason of the other system */
    DELIVERY_PARKED,   /* a person must act */
    DELIVERY_DISCARDED
};

/* ---- Opening ------------------------------------------------------------- */

struct store_options {
    const char *directory;     /* holds connect.db and the look-up key */
    const char *owner;         /* this daemon's name in claims */
    const struct clock *clock; /* borrowed; also asked by the writer's thread
                                * when an hour passed without a commit */
    void (*notify)(void *arg); /* [any thread] store_drain has work */
    void *notify_arg;
    uint32_t commit_batch_max; /* batches in one transaction; 0: 512 */
    bool inline_mode;          /* no threads: store_drain does the work itself,
                                * for simulation and for offline tools */
};

/* Open or create, migrate, verify the audit chain's end, give back what this
 * owner had claimed: ACTIVE runs become READY and SENDING deliveries IN_DOUBT.
 * -EBUSY: another process has it open. */
int store_open(const struct store_options *options, struct store **ret_store,
               struct error *err) MUST_USE;
/* Commits what is queued, then closes.  Callbacks not yet delivered come now.
 */
void store_close(struct store *store);
/* Run the callbacks of what was committed or read.  In inline mode commit and
 * read first what was handed over before the call; what callbacks hand over
 * waits for the next one. */
void store_drain(struct store *store);

int64_t store_steady_ms(const struct store *store);
/* Batches queued and not yet answered. */
size_t store_backlog(const struct store *store);
/* Batches answered so far, well or not: when it has not changed, nothing that
 * can be read has. */
uint64_t store_commit_count(const struct store *store);

/* ---- Changing ------------------------------------------------------------ */

/* What one change decided. */
enum store_decision {
    STORE_APPLIED,   /* done as asked */
    STORE_DUPLICATE, /* accept: this event was stored before, run and run_count
                      * are those of then; quarantine, alert: counted */
    STORE_BEHIND,    /* delivery: waits behind another of its lane */
    STORE_EXISTS,    /* delivery: the entity has its reference already */
    STORE_REFUSED,   /* the row is not in a state that allows it */
    STORE_DOUBT      /* delivery, intent, in a restored database: nobody knows
                      * whether it was sent after the backup was made.  It is
                      * IN_DOUBT and the run stays ACTIVE: ask before sending */
};

struct store_result {
    enum store_decision decision;
    uint64_t run;            /* accept, replay: the first run made; BEHIND: the
                              * run that is in front; 0: none */
    uint32_t run_count;      /* accept: runs made, numbered from run on */
    uint32_t ready_count;    /* runs that became READY by this change */
    uint32_t claimed;        /* accept: bit n set: run n is ACTIVE for the
                              * caller; else it is READY or QUEUED */
    bool same;               /* EXISTS: the fingerprint is the one delivered */
    struct store_bytes body; /* EXISTS: the reference, one JSON value */
    const struct store_work *work; /* claim: the runs */
    size_t work_count;
    uint32_t pruned;    /* prune: rows forgotten */
    uint32_t overtaken; /* accept: older runs that were DISCARDED for it */
};

/* status: 0 or a negative errno; when negative nothing took effect.  results
 * has one entry per change, in the order of appending.
 *
 * -ENOSPC: the disk is full, or the space kept back for outcomes is in use:
 * then only batches that begin nothing new (no accept, quarantine, claim,
 * delivery, intent) or record an outcome (a delivery's change to anything but
 * READY) are taken; what a person settles, edits, retries or discards and what
 * is pruned is of those.  Later batches may succeed. -EIO: nothing of this
 * commit is believed.  If the store could not make sure that it is not in the
 * file it answers -EIO for good: end the process. -EINVAL, -E2BIG: this batch
 * alone is wrong, as with a path that is too long. -EBUSY: another process
 * holds the file. */
typedef void store_committed_fn(void *arg, int status,
                                const struct store_result *results,
                                size_t result_count);

struct store_batch *store_batch_create(void);
void store_batch_destroy(struct store_batch *batch); /* if not committed */

/* Takes the batch.  -EAGAIN: the queue is full, -ESHUTDOWN: the store closes;
 * the batch is still the caller's. */
int store_commit(struct store *store, struct store_batch *batch,
                 store_committed_fn *fn, void *arg) MUST_USE;

/* What an accepted run does to the older unfinished ones of its lane.  In both
 * cases a HELD run at the head of the lane wakes: READY, as by release. */
enum store_newer {
    STORE_NEWER_WAITS,    /* it waits for them */
    STORE_NEWER_OVERTAKES /* those that are not ACTIVE and of which nothing
                           * happened, is being sent or is in doubt become
                           * DISCARDED, code "overtaken"; at most
                           * STORE_OVERTAKEN_MAX, the newest; it waits for the
                           * others */
};

/* One run that an accepted event begins. */
struct store_accept_run {
    const char *flow;         /* name */
    const char *flow_version; /* as given to store_batch_flow */
    struct store_bytes key;   /* lane of the flow: runs of equal key stay in
                               * order; empty: a lane of its own */
    bool claim;               /* make it ACTIVE for the caller if its lane is
                               * free */
    int32_t priority;         /* smaller first */
    enum store_newer newer;   /* nothing without a key */
};

/* An event becomes a record and runs, or is counted as a duplicate.  Of one
 * that its flows do not want only the identity is kept; of one that no flow
 * takes not even that: what it came in goes into quarantine. */
struct store_accept {
    const char *origin;        /* instance that emitted it */
    const char *type;          /* "box_event/1" */
    struct store_bytes id;     /* identity of the event at its origin */
    struct store_bytes key;    /* its ordering key */
    struct store_bytes body;   /* one JSON value */
    struct store_bytes person; /* whom it concerns; may be empty */
    int64_t wall_ms;           /* when it happened */
    uint32_t change;           /* CN_UPSERT or CN_DELETE */
    uint32_t run_count;        /* at most 32 */
    const struct store_accept_run *runs;
    const char *untaken;        /* why no flow takes it; NULL: one does */
    struct store_bytes content; /* what it came in, then; the same bytes for
                                 * all of one batch, copied once */
};
void store_batch_accept(struct store_batch *batch,
                        const struct store_accept *accept);

/* Authenticated bytes that could not be used. */
struct store_quarantine {
    const char *instance;
    const char *reason; /* names the field, not its value */
    struct store_bytes content;
};
void store_batch_quarantine(struct store_batch *batch,
                            const struct store_quarantine *quarantine);

/* A run's state.  DONE and DISCARDED free its lane: the next QUEUED run of it
 * becomes READY (ready_count, which counts the run itself too when it is READY
 * now).  Any state but ACTIVE gives the claim up.  WAITING becomes READY when
 * nobody is in front any more.
 * REFUSED: it is finished; it is another owner's; it is QUEUED, unless it is
 * discarded; DONE while a delivery of it is unfinished; DISCARDED while one is
 * in doubt.  The changes of a batch take effect in their order. */
struct store_run_change {
    uint64_t run;
    enum run_state state;
    const char *queue;  /* READY: "" or the instance it waits for */
    int64_t due_ms;     /* READY, HELD: steady time of waking; 0: now, for
                         * HELD: only by release */
    const char *reason; /* for people; NULL: none */
    const char *code;   /* short machine word of the reason: "rejected" */
};
void store_batch_run(struct store_batch *batch,
                     const struct store_run_change *change);

/* A step, made or replaced as a whole. */
struct store_step {
    uint64_t run;
    const char *path; /* "lines[2].post" */
    enum step_state state;
    uint32_t attempts;         /* answers about the record so far */
    struct store_bytes result; /* one JSON value; may be empty */
    const char *reason;        /* may be NULL */
};
void store_batch_step(struct store_batch *batch, const struct store_step *step);

/* A delivery is made, with its intent if its lane is free.
 *
 * In a restored database (meta says when, for 400 days) one whose entity was
 * never delivered so far as the database knows, or that is sent although it
 * was, and that has not been asked about since, becomes IN_DOUBT instead of
 * SENDING, its intent_ms the time of the restore: DOUBT.  Asked about it is by
 * becoming READY from IN_DOUBT.
 *
 * In one transaction: when the entity (target instance, type without its
 * revision, source key; whichever flow delivers it) has been delivered already
 * and existing is adopt, nothing is made and the answer is
 * EXISTS, with its reference if it has one.  Else the row is made.  When no
 * older unfinished delivery of the same lane (target instance, type, order key)
 * is in front, it becomes SENDING with doubt set (APPLIED); else it stays
 * READY, and in the same transaction its run becomes WAITING, its claim given
 * up (BEHIND); the run becomes READY, in the queue of the target instance, when
 * its turn comes.  One that adopts also waits for the older unfinished ones of
 * its entity, in whichever lane.  REFUSED: the run is finished or has a
 * delivery of this path. */
struct store_delivery {
    uint64_t run;
    const char *path;
    const char *flow;
    const char *instance; /* target */
    const char *type;
    uint32_t change;
    bool adopt;                    /* an existing entity is adopted, not sent */
    bool skip_on_park;             /* a parked one does not block its lane */
    struct store_bytes source_key; /* entity: what it is in the source */
    struct store_bytes order_key;  /* lane; empty: a lane of its own */
    struct store_bytes person;
    struct store_bytes body; /* one JSON value */
};
void store_batch_delivery(struct store_batch *batch,
                          const struct store_delivery *delivery);

/* A READY delivery is to be sent (again): SENDING with doubt set, if it is the
 * first of its lane (APPLIED); else BEHIND as above.  EXISTS as above, the
 * delivery becomes DONE.  DOUBT as above.  REFUSED: not READY. */
void store_batch_intent(struct store_batch *batch, uint64_t run,
                        const char *path);

/* How an attempt, or a probe, ended. */
struct store_delivery_change {
    uint64_t run;
    const char *path;
    enum delivery_state state;    /* READY, IN_DOUBT, DONE, HELD, PARKED,
                                   * DISCARDED; doubt is cleared by all but
                                   * IN_DOUBT and PARKED-with-doubt */
    bool doubt;                   /* PARKED: it is still not known */
    uint32_t attempts;            /* answers about the record so far */
    uint32_t probes;              /* probes that could not tell so far */
    int64_t due_ms;               /* READY, IN_DOUBT, HELD: not before */
    const char *reason;           /* in the target's own words; NULL: none */
    struct store_bytes reference; /* DONE: what the target calls it, JSON */
};
/* REFUSED: there is no such delivery or it is finished.
 * DONE, DISCARDED, and PARKED with skip_on_park free the lane: the run of the
 * next delivery becomes READY (ready_count).  DONE writes the entity's
 * reference and version. */
void store_batch_delivery_change(struct store_batch *batch,
                                 const struct store_delivery_change *change);

void store_batch_cursor(struct store_batch *batch, const char *instance,
                        const char *stream, struct store_bytes cursor);
/* An empty value removes the key. */
void store_batch_state(struct store_batch *batch, const char *instance,
                       const char *key, struct store_bytes value);
/* The text of a flow, kept once per version; what is put last is the version of
 * today. */
void store_batch_flow(struct store_batch *batch, const char *name,
                      const char *version, struct store_bytes text);
/* One row per distinct cause; raised again it is counted, and shown as new
 * again when it was acknowledged longer ago than STORE_ALERT_QUIET_MS. */
void store_batch_alert(struct store_batch *batch, const char *cause,
                       const char *text);
/* The same, but each time is something of its own: it is shown as new although
 * the one before was acknowledged. */
void store_batch_alert_news(struct store_batch *batch, const char *cause,
                            const char *text);
/* A person has seen it; the row gets who and when.  REFUSED: none such. */
void store_batch_alert_acknowledge(struct store_batch *batch, const char *actor,
                                   const char *cause);
void store_batch_alert_clear(struct store_batch *batch, const char *cause);
/* The alert "doubt:RUN", if a delivery of the run is IN_DOUBT still; else
 * REFUSED. */
void store_batch_alert_doubt(struct store_batch *batch, uint64_t run,
                             const char *text);
/* What a person did.  State changes write their own entries. */
void store_batch_audit(struct store_batch *batch, const char *actor,
                       const char *act, uint64_t run, const char *detail);

/* A person's acts on a run; REFUSED when its state does not allow it.
 * retry: PARKED, HELD -> READY, as it was; a failed step is opened again with
 * its attempts cleared; a PARKED or HELD delivery becomes READY, or IN_DOUBT
 * when doubt is set.  restart: as retry, but the run begins anew, as it is now:
 * with the version of its flow that was put last; its steps and deliveries are
 * forgotten (the audit keeps them); REFUSED when a delivery of it is DONE, in
 * doubt, or was corrected by a person (store_batch_edit): that would be lost.
 * release: HELD -> READY.  discard: any but ACTIVE and finished -> DISCARDED;
 * REFUSED while a delivery of it is in doubt.  replay: of a PARKED or finished
 * run, which stays as it is: a new run of the same stored record, with the
 * version of its flow that was put last, in the same lane and priority;
 * result.run is its number, READY (ready_count) or QUEUED; the audit has it on
 * both.  It begins something, so it is not done on the reserve. */
enum store_act {
    STORE_RETRY,
    STORE_RESTART,
    STORE_RELEASE,
    STORE_DISCARD,
    STORE_REPLAY
};
void store_batch_act(struct store_batch *batch, const char *actor,
                     enum store_act act, uint64_t run, const char *reason);

/* A person answers for the delivery of a run that is in doubt (the oldest, if
 * there were several).  happened: it is DONE with reference (one JSON value, or
 * empty) and the entity is written; else it is READY.  The doubt and the alert
 * "doubt:RUN" are gone and the run is READY, as by retry.  Audit: act.happened,
 * act.absent.  REFUSED: the run is not READY, HELD or PARKED, or nothing of it
 * is in doubt. */
void store_batch_settle(struct store_batch *batch, const char *actor,
                        uint64_t run, bool happened,
                        struct store_bytes reference, const char *reason);

/* A person corrects what is stored; the audit has the hashes of old, new and
 * reason (act.edited).  The run stays in its state.
 * path NULL: the body of the trigger record, for this run alone: other runs of
 * the event keep theirs.  Its steps and deliveries, made of the old one, are
 * forgotten, so that it begins anew with STORE_RETRY too.  REFUSED: the run is
 * not PARKED or HELD, something of it happened, is being sent or is in doubt,
 * or a delivery of it was corrected, which would be lost. path: the
 * body of the delivery of this step.  REFUSED: there is none, it is not READY,
 * HELD or PARKED, it is in doubt, or the run is ACTIVE or finished. */
void store_batch_edit(struct store_batch *batch, const char *actor,
                      uint64_t run, const char *path, struct store_bytes body,
                      const char *reason);

/* A row of the quarantine goes, with its alert; the audit has
 * "quarantine.<word>" with the hashes of content and reason.  word: "replayed"
 * or "discarded".  Put it behind the accept of what was replayed, in the same
 * batch.  REFUSED: none such. */
void store_batch_quarantine_end(struct store_batch *batch, const char *actor,
                                uint64_t number, const char *word,
                                const char *reason);

/* Claim up to count runs of a queue that are due, READY or HELD with a due
 * time: by priority, one in eight of the next one and so on down; within it
 * flows take turns, each by number.  They become ACTIVE, owned, leased.  The
 * deliveries of a HELD run that are HELD become READY, as by release.  A run
 * whose stored data cannot be read is PARKED ("unreadable") instead.  Also
 * takes runs, of any queue, whose lease of another owner has ended. */
void store_batch_claim(struct store_batch *batch, const char *queue,
                       size_t count);
/* Give an ACTIVE run of this owner back as after a crash: READY, and what it
 * was SENDING becomes IN_DOUBT.  For an engine that could not record how an
 * attempt ended. */
void store_batch_recover(struct store_batch *batch, uint64_t run);
/* What may be forgotten; 0 in an age or in bytes_max: nothing for it.  Ages are
 * steady time. */
struct store_prune {
    int64_t event_age_ms; /* identities of events: their duplicates are no
                           * longer known */
    int64_t run_age_ms;   /* DONE and DISCARDED runs, since they finished, with
                           * steps, deliveries and records that no other run
                           * needs; alerts, since they were last raised, but
                           * for those about runs that are parked.
                           * What an entity was delivered as stays for ever:
                           * it prevents second orders */
    int64_t audit_age_ms; /* audit entries, from the old end; the chain then
                           * begins at the last one forgotten, whose number and
                           * hash stand in meta.  An hour late at most */
    int64_t quarantine_age_ms; /* content of the quarantine, since it last
                                * arrived; its alert goes with it, the audit
                                * has "quarantine.forgotten" */
    int64_t bytes_max; /* while more are in use (pages of the file that are
                        * not free), finished runs go whatever their age, the
                        * oldest first.  Freed pages are used again.  One
                        * alert, "database:small", while runs go within a day
                        * of their end or none is left to go */
    size_t count;      /* rows at most, of all kinds: a small transaction */
};
/* One small transaction; result.pruned rows.  When they are count, more may
 * wait: ask again. */
void store_batch_prune(struct store_batch *batch,
                       const struct store_prune *prune);
/* Renew the leases of all runs this owner holds. */
void store_batch_renew(struct store_batch *batch);

/* ---- What a claim loads -------------------------------------------------- */

struct store_step_row {
    const char *path;
    enum step_state state;
    uint32_t attempts;
    struct store_bytes result;
    const char *reason;
};

struct store_delivery_row {
    const char *path;
    const char *instance;
    const char *type;
    uint32_t change;
    enum delivery_state state;
    bool doubt;
    uint32_t attempts, probes;
    int64_t due_ms;
    int64_t intent_ms; /* steady time at which bytes were last on their way: of
                        * the intent, or of the doubt it came to; 0: none.  In
                        * doubt: later by as long as no daemon ran since */
    struct store_bytes body, reference;
    struct store_bytes source_key;
    const char *reason;
};

struct store_work {
    uint64_t run;
    const char *flow, *flow_version;
    const char *origin, *type;
    struct store_bytes id, key, body, person; /* of the trigger record */
    int64_t wall_ms;
    uint32_t change;
    int32_t priority; /* of the run */
    const struct store_step_row *steps;
    size_t step_count;
    const struct store_delivery_row *deliveries;
    size_t delivery_count;
};

/* ---- Reading ------------------------------------------------------------- */

enum store_query_kind {
    STORE_QUERY_RUNS,    /* summaries, newest first */
    STORE_QUERY_RUN,     /* one run: work, its summary in runs, history */
    STORE_QUERY_COUNTS,  /* how many in each state, what waits longest */
    STORE_QUERY_HISTORY, /* audit entries after a sequence number */
    STORE_QUERY_ALERTS,  /* those that nobody acknowledged first, the latest
                          * first */
    STORE_QUERY_QUARANTINE,
    STORE_QUERY_CURSORS, /* of one instance */
    STORE_QUERY_STATE,   /* small values of one instance */
    STORE_QUERY_FLOW,    /* the text of one flow version, in values */
    STORE_QUERY_READY,   /* queues with runs to claim, and the next due time */
    STORE_QUERY_REASONS, /* why runs are PARKED or HELD, the most frequent
                          * first */
    STORE_QUERY_DOUBTS   /* runs with a delivery IN_DOUBT for doubt_age_ms or
                          * longer and no alert "doubt:RUN" */
};

struct store_query {
    enum store_query_kind kind;
    uint64_t run;         /* RUN; RUNS: numbers below this; 0: from the top;
                           * QUARANTINE: likewise; HISTORY: only of it, 0: any */
    uint64_t sequence;    /* HISTORY: entries after this */
    uint32_t states;      /* RUNS: bit (1 << run_state); 0: all */
    const char *flow;     /* RUNS: only this, like code below; FLOW: its name;
                           * NULL: any */
    const char *version;  /* FLOW */
    const char *instance; /* CURSORS, STATE; QUARANTINE: only of this; RUNS:
                           * where it waits, came from or delivers to */
    size_t limit;         /* rows; 0: 50; at most 1000 */
    bool brief;           /* QUARANTINE: number, instance and reason only, for
                           * those who count; a row may have 1 MiB */
    /* RUNS: only these.  At most STORE_SCAN_MAX runs are looked at for one
     * answer: rows.run_next says where the next one begins. */
    const char *code;       /* of its reason */
    const char *type;       /* of its trigger record */
    const char *contains;   /* text in its reason, letters of either case */
    struct store_bytes key; /* of its trigger record, equal; empty: any */
    int64_t accepted_after_wall_ms, accepted_before_wall_ms; /* 0: any */
    int64_t doubt_age_ms;                                    /* DOUBTS */
};

struct store_run_row {
    uint64_t run;
    const char *flow, *flow_version, *origin, *type;
    enum run_state state;
    const char *queue, *code, *reason;
    int64_t accepted_wall_ms, finished_wall_ms; /* finished: 0 while open */
    int64_t due_in_ms;          /* until it wakes; 0: now; -1: not by time */
    uint64_t behind;            /* QUEUED, WAITING: the run in front; 0: none */
    uint32_t waiting_behind;    /* runs that wait for this one */
    struct store_bytes label;   /* what its first delivery is called by the
                                 * target, JSON; may be empty */
    struct store_bytes id, key; /* of the trigger record */
};

struct store_history_row {
    uint64_t sequence;
    int64_t wall_ms;
    const char *actor; /* "connectd" or who acted */
    const char *act;   /* "run.ready", "delivery.sending", "event.accepted" */
    uint64_t run;
    const char *path;
    const char *detail; /* ids, states and hashes only */
    const char *hash;   /* hex */
};

struct store_count_row {
    enum run_state state;
    uint64_t count;
    int64_t oldest_wall_ms; /* when the oldest of them was accepted */
    uint64_t oldest;        /* that one; 0: none */
};

struct store_reason_row {
    enum run_state state; /* PARKED or HELD */
    const char *code;     /* NULL: none */
    const char *flow;
    uint64_t count;
    int64_t oldest_wall_ms; /* when the oldest of them was accepted */
    uint64_t run;           /* that one, */
    const char *reason;     /* and its reason; NULL: none */
};

struct store_alert_row {
    const char *cause, *text;
    int64_t first_wall_ms, last_wall_ms;
    uint64_t count; /* how often it was raised; "parked:": runs now */
    bool acknowledged;
    const char *acknowledged_by; /* NULL unless acknowledged */
    int64_t acknowledged_wall_ms;
};

struct store_quarantine_row {
    uint64_t number;
    const char *instance, *reason;
    int64_t first_wall_ms, last_wall_ms;
    uint64_t count;
    struct store_bytes content;
};

struct store_value_row {
    const char *name; /* stream or key */
    struct store_bytes value;
};

struct store_ready_row {
    const char *queue;
    uint64_t due_count;  /* READY or HELD, and due now */
    int64_t next_due_ms; /* steady time of the earliest one not due; 0: none */
};

struct store_rows {
    const struct store_run_row *runs;
    size_t run_count;
    uint64_t run_next; /* RUNS: the run for the next page; 0: there is none */
    /* RUN */
    const struct store_work *work; /* NULL: no such run */
    int64_t work_steady_ms;        /* now, to compare due times with */
    const struct store_history_row *history;
    size_t history_count;
    const struct store_count_row *counts;
    size_t count_count;
    /* COUNTS */
    uint64_t event_count, duplicate_count;
    uint64_t forgotten_count; /* finished runs that were pruned */
    uint64_t used_bytes;      /* of the database; what is free in it not */
    uint64_t file_bytes;
    int64_t restored_wall_ms; /* 0: it was not restored from a backup */
    const struct store_reason_row *reasons;
    size_t reason_count;
    const uint64_t *doubts; /* numbers of runs */
    size_t doubt_count;
    const struct store_alert_row *alerts;
    size_t alert_count;
    uint64_t alert_total, alert_open; /* all there are; not acknowledged */
    const struct store_quarantine_row *quarantine;
    size_t quarantine_count;
    const struct store_value_row *values;
    size_t value_count;
    const struct store_ready_row *ready;
    size_t ready_count;
};

typedef void store_read_fn(void *arg, int status,
                           const struct store_rows *rows);

/* -EAGAIN: too many queries wait, -ESHUTDOWN: the store closes. */
int store_query(struct store *store, const struct store_query *query,
                store_read_fn *fn, void *arg) MUST_USE;

/* Walk the whole audit chain, from where it was pruned; 0, or -EBADMSG with the
 * first bad entry named. */
int store_verify(struct store *store, struct error *err) MUST_USE;

/* ---- Backup and restore -------------------------------------------------- */

/* How a backup ended; bytes of its files, err a sentence when status is
 * negative.  On the loop, from store_drain. */
typedef void store_backup_fn(void *arg, int status, uint64_t bytes,
                             const struct error *err);

/* Copy the database as it is now and the look-up key into directory, on a
 * thread of its own (inline mode: in store_drain), while everything goes on.
 * directory must not exist, the one above it must; it is made with mode 0700
 * under the name directory.partial and gets its own when all is in it, was
 * checked (pages, audit chain, key) and is on disk.  -EALREADY: another one is
 * under way; -EINVAL: not an absolute path, or too long; -ESHUTDOWN: the
 * store closes.  store_close ends one that is under way: -ECANCELED; so does a
 * disk that fails meanwhile. */
int store_backup(struct store *store, const char *directory,
                 store_backup_fn *fn, void *arg) MUST_USE;

/* Put a backup in the place of what data_directory holds; no daemon may run
 * there (-EBUSY).  The backup is copied, checked and brought to today's schema
 * first; then what was there is moved to before-restore-DATE inside the data
 * directory and the copy takes its place.  A process that is killed at any
 * point leaves either everything as it was or, after the next opening, the
 * restored database.
 * A restored database asks before it sends: see store_batch_delivery; what was
 * on its way in the backup is in doubt, and counts as sent at the time of the
 * restore.  Audit: store.restored. */
int store_restore(const char *backup_directory, const char *data_directory,
                  struct error *err) MUST_USE;

#endif
