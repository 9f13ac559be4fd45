/* apply_run.c - the state of a run.
 *
 *   QUEUED -> READY <-> ACTIVE -> WAITING, HELD, PARKED -> READY
 *                         |                                  |
 *                         +-> DONE        DISCARDED <--------+
 *
 * One idea: every change of a run's state goes through run_move, which keeps
 * the counts, the audit, the lane and the alerts about parked runs in step with
 * the row.  A run leaves QUEUED
 * only when it is first of its lane, and due_ms is set only while it waits for
 * a time.  Called by the writer inside a transaction. */
#include "store/apply_run.h"

#include <stdio.h>
#include <string.h>

#include "base/seeded.h"
#include "store/apply_delivery.h"
#include "store/apply_lane.h"
#include "store/apply_parked.h"
#include "store/audit.h"
#include "store/claim.h"
#include "store/seal.h"

enum { DETAIL_BYTES = 256 };

const char *run_state_act(enum run_state state)
{
    static const char *const acts[RUN_STATE_COUNT] = {
        "run.queued", "run.ready",  "run.active", "run.waiting",
        "run.held",   "run.parked", "run.done",   "run.discarded"};
    return acts[state];
}

int run_load(struct writer *writer, uint64_t number, struct run *ret_run)
{
    sqlite3_stmt *row;
    const char *owner;
    int found = database_find(
        &writer->database,
        "SELECT state, lane, owner, person_key FROM run WHERE number = ?1",
        &row, value_count(number));

    if (found <= 0)
        return found;
    ret_run->number = number;
    ret_run->state = (enum run_state)column_number(row, 0);
    ret_run->has_lane = column_hash(row, 1, &ret_run->lane);
    owner = column_text(row, 2);
    ret_run->owned = owner && !strcmp(owner, writer->owner);
    ret_run->person_key = column_number(row, 3);
    database_done(row);
    /* Of a damaged file: as if it were not there. */
    return (unsigned)ret_run->state < RUN_STATE_COUNT;
}

int run_insert(struct writer *writer, const char *actor,
               const struct run_new *made, uint64_t *ret_number)
{
    uint64_t number = (uint64_t)writer->counters.run_next++;
    bool active = made->state == RUN_ACTIVE;
    char detail[DETAIL_BYTES];
    int status = database_run(
        &writer->database,
        "INSERT INTO run (number, record, flow, flow_version, lane, state,"
        " queue, due_ms, priority, owner, lease_ms, person_key,"
        " accepted_wall_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, '', 0, ?7, ?8, ?9, ?10, ?11)",
        value_count(number), value_number(made->record), value_text(made->flow),
        value_text(made->flow_version), value_hash(made->lane),
        value_number(made->state), value_number(made->priority),
        value_text(active ? writer->owner : NULL),
        value_number(active ? writer->steady_ms + CLAIM_LEASE_MS : 0),
        value_number(made->person_key), value_number(writer->wall_ms));

    if (status)
        return status;
    *ret_number = number;
    writer->counters.runs[made->state]++;
    writer->result->ready_count += made->state == RUN_READY;
    snprintf(detail, sizeof(detail), "flow:%s version:%s", made->flow,
             made->flow_version);
    return audit_append(writer, actor, run_state_act(made->state), number, NULL,
                        detail);
}

int run_move(struct writer *writer, struct run *run, const char *actor,
             const struct store_run_change *change)
{
    bool active = change->state == RUN_ACTIVE;
    bool timed = change->state == RUN_READY || change->state == RUN_HELD;
    bool finished = change->state >= RUN_DONE;
    int64_t due_ms = timed ? change->due_ms : 0;
    struct store_bytes reason = {change->reason,
                                 change->reason ? strlen(change->reason) : 0};
    int status = 0;

    if (run->state == RUN_PARKED)
        status = parked_leave(writer, run->number);
    if (status)
        return status;
    if (change->state == RUN_READY && due_ms <= writer->steady_ms)
        due_ms = 0;
    if (due_ms && seeded_bug("F22")) /* as a time of day */
        due_ms += writer->wall_ms - writer->steady_ms;
    status = database_run(
        &writer->database,
        "UPDATE run SET state = ?2, queue = ?3, due_ms = ?4, owner = ?5,"
        " lease_ms = ?6, code = ?7, reason = ?8, finished_wall_ms = ?9,"
        " finished_ms = ?10 WHERE number = ?1",
        value_count(run->number), value_number(change->state),
        value_text(change->queue ? change->queue : ""),
        value_number(due_ms > 0 ? due_ms : 0),
        value_text(active ? writer->owner : NULL),
        value_number(active ? writer->steady_ms + CLAIM_LEASE_MS : 0),
        value_text(change->code),
        value_bytes(seal_bytes(&writer->scratch, run->person_key,
                               (int64_t)run->number, reason)),
        value_number(finished ? writer->wall_ms : 0),
        value_number(finished ? writer->steady_ms : 0));
    if (status)
        return status;
    writer->counters.runs[run->state]--;
    writer->counters.runs[change->state]++;
    run->state = change->state;
    if (change->state == RUN_READY && !due_ms)
        writer->result->ready_count++;
    status = audit_append(writer, actor, run_state_act(change->state),
                          run->number, NULL, change->code);
    if (!status && change->state == RUN_PARKED)
        status = parked_enter(writer, run->number);
    if (!status && finished)
        status = lane_wake_run(writer, run);
    return status;
}

int run_wake(struct writer *writer, struct run *run, const char *actor,
             const char *queue)
{
    struct store_run_change change = {
        .run = run->number, .state = RUN_READY, .queue = queue};

    return run_move(writer, run, actor, &change);
}

/* 1: a delivery of the run meets the condition of sql. */
static int run_has(struct writer *writer, const struct run *run,
                   const char *sql)
{
    sqlite3_stmt *row;
    int found =
        database_find(&writer->database, sql, &row, value_count(run->number));

    if (found > 0)
        database_done(row);
    return found;
}

int run_discard(struct writer *writer, struct run *run, const char *actor,
                const char *reason, const char *code)
{
    struct store_run_change change = {.run = run->number,
                                      .state = RUN_DISCARDED,
                                      .reason = reason,
                                      .code = code};
    int status = run_has(writer, run,
                         "SELECT 1 FROM delivery WHERE run = ?1 AND hold > 0"
                         " AND (doubt = 1 OR state IN (1, 2)) LIMIT 1");

    if (status > 0) {
        writer->result->decision = STORE_REFUSED;
        return 0;
    }
    if (!status)
        status = delivery_discard_all(writer, run->number, actor);
    return status ? status : run_move(writer, run, actor, &change);
}

/* May the engine take the run from its state to the wanted one? */
static bool run_allows(const struct run *run, enum run_state wanted)
{
    if (run->state >= RUN_DONE || (run->state == RUN_ACTIVE && !run->owned))
        return false;
    if (wanted == RUN_DISCARDED)
        return true;
    if (wanted == RUN_ACTIVE)
        return run->state == RUN_READY || run->state == RUN_ACTIVE;
    return run->state != RUN_QUEUED && wanted != RUN_QUEUED;
}

int apply_run(struct writer *writer, const struct store_run_change *change)
{
    struct run run;
    int status, found = run_load(writer, change->run, &run);

    if (found < 0)
        return found;
    if (!found || !run_allows(&run, change->state)) {
        writer->result->decision = STORE_REFUSED;
        return 0;
    }
    if (change->state == RUN_DISCARDED)
        return run_discard(writer, &run, NULL, change->reason, change->code);
    if (change->state == RUN_WAITING) {
        /* The one in front may have ended since the caller heard BEHIND. */
        status = run_has(writer, &run,
                         "SELECT 1 FROM delivery WHERE run = ?1 AND hold > 0"
                         " AND waiting = 1 LIMIT 1");
        if (status < 0)
            return status;
        if (!status)
            return run_wake(writer, &run, NULL, change->queue);
    }
    if (change->state == RUN_DONE) {
        /* An unfinished delivery of a finished run would block its lane. */
        status = run_has(writer, &run,
                         "SELECT 1 FROM delivery WHERE run = ?1 AND hold > 0"
                         " LIMIT 1");
        if (status) {
            writer->result->decision = STORE_REFUSED;
            return status < 0 ? status : 0;
        }
    }
    return run_move(writer, &run, NULL, change);
}
