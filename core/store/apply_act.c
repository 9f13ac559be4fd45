/* apply_act.c - what a person does to a run: retry, restart, release, discard,
 * replay.
 *
 * One idea: an act never makes anything be sent that is in doubt; such a
 * delivery comes back as IN_DOUBT and is probed first.  The reason a person
 * gives stands in the run, the audit has its hash.  Called by the writer inside
 * a transaction. */
#include "store/apply_act.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "store/apply_delivery.h"
#include "store/apply_lane.h"
#include "store/audit.h"

enum { DETAIL_BYTES = 256 };

static int act_reopen_steps(struct writer *writer, uint64_t run)
{
    return database_run(&writer->database,
                        "UPDATE step SET state = 0, attempts = 0,"
                        " reason = NULL WHERE run = ?1 AND state = 3",
                        value_count(run));
}

static int act_clear_attempts(struct writer *writer, uint64_t run)
{
    return database_run(&writer->database,
                        "UPDATE delivery SET attempts = 0, probes = 0"
                        " WHERE run = ?1 AND hold > 0",
                        value_count(run));
}

int act_resume(struct writer *writer, struct run *run, bool fresh,
               const char *actor, const char *queue)
{
    struct store_run_change change = {
        .run = run->number, .state = RUN_READY, .queue = queue};
    struct delivery delivery;
    int status = database_run(&writer->database,
                              "UPDATE delivery SET due_ms = 0 WHERE run = ?1"
                              " AND state IN (4, 5)",
                              value_count(run->number));

    if (!status && fresh)
        status = act_reopen_steps(writer, run->number);
    if (!status && fresh)
        status = act_clear_attempts(writer, run->number);
    while (!status) {
        sqlite3_stmt *row;
        int64_t id = 0;
        int found = database_find(
            &writer->database,
            "SELECT id FROM delivery WHERE run = ?1 AND state IN (4, 5)"
            " ORDER BY id LIMIT 1",
            &row, value_count(run->number));
        if (found > 0) {
            id = column_number(row, 0);
            database_done(row);
            found = delivery_load_id(writer, id, &delivery);
        }
        if (found <= 0) {
            status = found;
            break;
        }
        status =
            delivery_move(writer, &delivery,
                          delivery.doubt ? DELIVERY_IN_DOUBT : DELIVERY_READY,
                          delivery.doubt, actor);
    }
    return status ? status : run_move(writer, run, actor, &change);
}

/* detail: what else is to be said, or "". */
int act_note(struct writer *writer, const char *actor, const char *name,
             uint64_t run, const char *path, const char *detail,
             const char *reason)
{
    char text[DETAIL_BYTES], hash[AUDIT_REASON_BYTES];

    audit_reason(writer, reason, hash);
    snprintf(text, sizeof(text), "%s%s%s", detail, *detail && *hash ? " " : "",
             hash);
    return audit_append(writer, actor, name, run, path, *text ? text : NULL);
}

int act_has_happened(struct writer *writer, uint64_t run)
{
    sqlite3_stmt *row;
    int found = database_find(&writer->database,
                              "SELECT 1 FROM delivery WHERE run = ?1 AND"
                              " (doubt = 1 OR state IN (1, 2, 3)) LIMIT 1",
                              &row, value_count(run));

    if (found > 0)
        database_done(row);
    return found;
}

int act_was_edited(struct writer *writer, uint64_t run)
{
    sqlite3_stmt *row;
    int found = database_find(
        &writer->database,
        "SELECT 1 FROM audit JOIN delivery ON delivery.run = audit.run AND"
        " delivery.path = audit.path WHERE audit.run = ?1 AND audit.run > 0"
        " AND audit.act = 'act.edited' LIMIT 1",
        &row, value_count(run));

    if (found > 0)
        database_done(row);
    return found;
}

int act_forget(struct writer *writer, uint64_t run, const char *actor)
{
    int status = delivery_discard_all(writer, run, actor);

    if (!status)
        status = database_run(&writer->database,
                              "DELETE FROM delivery WHERE run = ?1",
                              value_count(run));
    if (!status)
        status =
            database_run(&writer->database, "DELETE FROM step WHERE run = ?1",
                         value_count(run));
    return status;
}

/* The run begins anew: what it did is forgotten, the audit keeps it. */
static int act_restart(struct writer *writer, struct run *run,
                       const char *actor)
{
    int status = act_has_happened(writer, run->number);

    if (!status)
        status = act_was_edited(writer, run->number);
    if (status > 0) {
        writer->result->decision = STORE_REFUSED;
        return 0;
    }
    if (!status)
        status = act_forget(writer, run->number, actor);
    if (!status)
        status = database_run(
            &writer->database,
            "UPDATE run SET flow_version = coalesce((SELECT version FROM"
            " flow_version AS known WHERE known.flow = run.flow ORDER BY"
            " current DESC LIMIT 1), flow_version) WHERE number = ?1",
            value_count(run->number));
    return status ? status : run_wake(writer, run, actor, "");
}

/* The row of a new run of the same record; the texts are in scratch. */
static int act_copy(struct writer *writer, uint64_t number,
                    struct run_new *made)
{
    sqlite3_stmt *row;
    int found = database_find(
        &writer->database,
        "SELECT flow, coalesce((SELECT version FROM flow_version AS known"
        " WHERE known.flow = run.flow ORDER BY current DESC LIMIT 1),"
        " flow_version), record, person_key, priority FROM run"
        " WHERE number = ?1",
        &row, value_count(number));

    if (found <= 0)
        return found;
    made->flow = arena_text(&writer->scratch, column_text(row, 0));
    made->flow_version = arena_text(&writer->scratch, column_text(row, 1));
    made->record = column_number(row, 2);
    made->person_key = column_number(row, 3);
    made->priority = (int32_t)column_number(row, 4);
    database_done(row);
    return made->flow && made->flow_version ? 1 : -EBADMSG;
}

/* A new run of the same record, behind what is in its lane. */
static int act_replay(struct writer *writer, const struct run *run,
                      const struct change_act *act)
{
    struct run_new made = {.state = RUN_READY};
    char detail[64];
    uint64_t number = 0;
    int status, found = act_copy(writer, run->number, &made);

    if (found <= 0)
        return found;
    if (run->has_lane) {
        made.lane = &run->lane;
        found = lane_taken(writer, &run->lane);
        if (found < 0)
            return found;
        if (found)
            made.state = RUN_QUEUED;
    }
    status = run_insert(writer, act->actor, &made, &number);
    if (status)
        return status;
    writer->result->run = number;
    snprintf(detail, sizeof(detail), "of:%" PRIu64, run->number);
    status =
        audit_append(writer, act->actor, "run.replays", number, NULL, detail);
    snprintf(detail, sizeof(detail), "run:%" PRIu64, number);
    return status ? status
                  : act_note(writer, act->actor, "act.replay", run->number,
                             NULL, detail, act->reason);
}

static bool act_allowed(const struct run *run, enum store_act act)
{
    switch (act) {
    case STORE_RETRY:
    case STORE_RESTART:
        return run->state == RUN_PARKED || run->state == RUN_HELD;
    case STORE_RELEASE:
        return run->state == RUN_HELD;
    case STORE_DISCARD:
        return run->state != RUN_ACTIVE && run->state < RUN_DONE;
    case STORE_REPLAY:
        return run->state == RUN_PARKED || run->state >= RUN_DONE;
    }
    return false;
}

int apply_act(struct writer *writer, const struct change_act *act)
{
    static const char *const names[] = {
        "act.retry", "act.restart", "act.release", "act.discard", "act.replay"};
    struct run run;
    int status, found = run_load(writer, act->run, &run);

    if (found <= 0 || !act_allowed(&run, act->act)) {
        writer->result->decision = STORE_REFUSED;
        return found < 0 ? found : 0;
    }
    if (act->act == STORE_REPLAY)
        return act_replay(writer, &run, act);
    if (act->act == STORE_DISCARD)
        status =
            run_discard(writer, &run, act->actor, act->reason, "discarded");
    else if (act->act == STORE_RESTART)
        status = act_restart(writer, &run, act->actor);
    else
        status =
            act_resume(writer, &run, act->act == STORE_RETRY, act->actor, "");
    if (status || writer->result->decision == STORE_REFUSED)
        return status;
    return act_note(writer, act->actor, names[act->act], act->run, NULL, "",
                    act->reason);
}
