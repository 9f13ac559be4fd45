/* claim.c - runs that are ready become the work of one engine.
 *
 * One idea: a run that waits for a time stands in an index by time; when its
 * time has come it moves once to the index in which claims read, so a claim
 * touches about as many rows as it takes, however many wait.  In that index the
 * runs of a queue stand by priority, flow and number: flows take turns, so the
 * thousand runs of one do not keep the one run of another waiting.  Whose turn
 * it is is remembered in memory; it begins anew with the daemon.
 *
 * Whoever takes a run over, finds no delivery SENDING: bytes may have left and
 * the one who would hear the answer is gone, so it is IN_DOUBT.  Called by the
 * writer inside a transaction. */
#include "store/claim.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/seeded.h"
#include "store/apply_act.h"
#include "store/apply_delivery.h"
#include "store/apply_run.h"
#include "store/audit.h"
#include "store/load.h"

enum {
    /* Runs whose time has come that one claim looks at, so that the end of a
     * long outage does not hold the writer. */
    CLAIM_DUE_MAX = 256,
    CLAIM_COUNT_MAX = 1024, /* runs in one answer */
    /* One in so many is of the next priority, and of these again one in so many
     * of the one after it, so that what is not urgent is slow and never stands
     * still. */
    CLAIM_SHARE = 8
};

/* The first column of the first row of a query. */
static int claim_next(struct writer *writer, uint64_t *ret_number,
                      const char *sql, const struct value *values, int count)
{
    sqlite3_stmt *row;
    int found =
        database_find_values(&writer->database, sql, values, count, &row);

    if (found > 0) {
        *ret_number = column_count(row, 0);
        database_done(row);
    }
    return found;
}

/* Runs of the queue whose time has come can be claimed from now on. */
static int claim_due(struct writer *writer, const char *queue)
{
    for (int count = 0; count < CLAIM_DUE_MAX; count++) {
        uint64_t number;
        struct run run;
        int status,
            found = claim_next(
                writer, &number,
                "SELECT number FROM run WHERE due_ms > 0 AND queue = ?1 AND"
                " due_ms <= ?2 ORDER BY due_ms LIMIT 1",
                DATABASE_VALUES(value_text(queue),
                                value_number(seeded_bug("F22")
                                                 ? writer->wall_ms
                                                 : writer->steady_ms)));

        if (found > 0)
            found = run_load(writer, number, &run);
        if (found <= 0)
            return found;
        if (run.state == RUN_HELD)
            status = act_resume(writer, &run, false, NULL, queue);
        else
            status = database_run(&writer->database,
                                  "UPDATE run SET due_ms = 0 WHERE number = ?1",
                                  value_count(number));
        if (status)
            return status;
    }
    return 0;
}

/* Deliveries of a run that nobody sends any more. */
static int claim_doubt(struct writer *writer, uint64_t number)
{
    for (;;) {
        struct delivery delivery;
        uint64_t id;
        int found = claim_next(writer, &id,
                               "SELECT id FROM delivery WHERE run = ?1 AND"
                               " state = 1 LIMIT 1",
                               DATABASE_VALUES(value_count(number)));

        if (found > 0)
            found = delivery_load_id(writer, (int64_t)id, &delivery);
        if (found <= 0)
            return found;
        if (seeded_bug("F08send")) /* what was being sent is forgotten */
            found =
                delivery_move(writer, &delivery, DELIVERY_READY, false, NULL);
        else
            found =
                delivery_move(writer, &delivery, DELIVERY_IN_DOUBT, true, NULL);
        if (found)
            return found;
    }
}

/* ---- Whose turn it is ---------------------------------------------------- */

static struct claim_turn *turn_find(struct writer *writer, const char *queue,
                                    int64_t priority)
{
    struct claim_turn *turn;

    for (uint32_t at = 0; at < CLAIM_TURNS; at++) {
        turn = &writer->turns[at];
        if (turn->count && turn->priority == priority &&
            !strcmp(turn->queue, queue))
            return turn;
    }
    turn = &writer->turns[writer->turn_last++ % CLAIM_TURNS];
    memset(turn, 0, sizeof(*turn));
    snprintf(turn->queue, sizeof(turn->queue), "%s", queue);
    turn->priority = priority;
    return turn;
}

/* The most urgent priority behind `above` of which runs wait. */
static int turn_priority(struct writer *writer, const char *queue,
                         int64_t above, int64_t *ret_priority)
{
    sqlite3_stmt *row;
    int found = database_find(
        &writer->database,
        "SELECT priority FROM run INDEXED BY run_claim WHERE state = 1 AND"
        " due_ms = 0 AND queue = ?1 AND priority > ?2"
        " ORDER BY priority LIMIT 1",
        &row, value_text(queue), value_number(above));

    if (found > 0) {
        *ret_priority = column_number(row, 0);
        database_done(row);
    }
    return found;
}

/* The oldest run of the next flow in turn. */
static int turn_next(struct writer *writer, struct claim_turn *turn,
                     uint64_t *ret_number)
{
    const char *after = turn->flow;

    for (;;) {
        sqlite3_stmt *row;
        int found = database_find(
            &writer->database,
            "SELECT number, flow FROM run INDEXED BY run_claim WHERE state = 1"
            " AND due_ms = 0 AND queue = ?1 AND priority = ?2 AND flow > ?3"
            " ORDER BY flow, number LIMIT 1",
            &row, value_text(turn->queue), value_number(turn->priority),
            value_text(after));
        if (found > 0) {
            const char *flow = column_text(row, 1);
            *ret_number = column_count(row, 0);
            snprintf(turn->flow, sizeof(turn->flow), "%s", flow ? flow : "");
            database_done(row);
        }
        if (found || !*after)
            return found;
        after = ""; /* the last flow had its turn: from the first again */
    }
}

/* The run that is next in the queue, or one whose owner has gone. */
static int claim_choose(struct writer *writer, const char *queue, bool *others,
                        uint64_t *ret_number)
{
    int64_t priority = INT64_MIN;
    struct claim_turn *turn = NULL;
    int found = turn_priority(writer, queue, priority, &priority);

    /* As many rounds as there are priorities, at most. */
    while (found > 0) {
        turn = turn_find(writer, queue, priority);
        if (++turn->count % CLAIM_SHARE != 0)
            break;
        found = turn_priority(writer, queue, priority, &priority);
    }
    if (turn && found >= 0)
        return turn_next(writer, turn, ret_number);
    if (found || !*others)
        return found;
    found = claim_next(
        writer, ret_number,
        "SELECT number FROM run INDEXED BY run_lease WHERE state = 2 AND"
        " lease_ms <= ?1 AND owner <> ?2 ORDER BY lease_ms LIMIT 1",
        DATABASE_VALUES(value_number(writer->steady_ms),
                        value_text(writer->owner)));
    *others = found > 0;
    return found;
}

/* 1: work is filled in, 0: the run cannot be read and was parked. */
static int claim_one(struct writer *writer, uint64_t number,
                     struct store_work *work)
{
    struct store_run_change change = {.run = number, .state = RUN_ACTIVE};
    struct run run;
    int status, found = run_load(writer, number, &run);

    if (found < 0)
        return found;
    /* The index of a damaged file shows what is not there: it would be chosen
     * for ever. */
    if (!found || (run.state != RUN_READY && run.state != RUN_ACTIVE))
        return -EIO;
    status = run_move(writer, &run, NULL, &change);
    if (!status)
        status = claim_doubt(writer, number);
    if (status)
        return status;
    found = load_work(&writer->database, writer->arena, number, work);
    if (found && found != -EBADMSG)
        return found;
    /* Not what was sealed, or its record is gone. */
    memset(work, 0, sizeof(*work));
    change.state = RUN_PARKED;
    change.code = "unreadable";
    change.reason = "what is stored of this run cannot be read";
    return run_move(writer, &run, NULL, &change);
}

int claim_runs(struct writer *writer, const struct change_claim *claim)
{
    struct store_result *result = writer->result;
    size_t count = claim->count;
    bool others = true;
    uint64_t last = 0;
    struct store_work *work;
    int status = claim_due(writer, claim->queue);

    if (count > CLAIM_COUNT_MAX)
        count = CLAIM_COUNT_MAX;
    work = arena_take(writer->arena, count, sizeof(*work));
    result->work = work;
    while (!status && result->work_count < count) {
        uint64_t number;
        int found = claim_choose(writer, claim->queue, &others, &number);
        if (found <= 0) {
            status = found;
            break;
        }
        /* Chosen again although it was claimed or parked: the indexes of a
         * damaged file do not show its rows.  It would be so for ever. */
        if (number == last) {
            status = -EIO;
            break;
        }
        last = number;
        found = claim_one(writer, number, &work[result->work_count]);
        status = found < 0 ? found : 0;
        result->work_count += found > 0;
    }
    result->ready_count = 0; /* they are in the answer or will be claimed */
    return status;
}

int claim_renew(struct writer *writer)
{
    return database_run(
        &writer->database,
        "UPDATE run SET lease_ms = ?1 WHERE state = 2 AND owner = ?2",
        value_number(writer->steady_ms + CLAIM_LEASE_MS),
        value_text(writer->owner));
}

int claim_give_back(struct writer *writer, uint64_t number)
{
    struct run run;
    int status, found = run_load(writer, number, &run);

    if (found < 0)
        return found;
    if (!found || run.state != RUN_ACTIVE || !run.owned) {
        writer->result->decision = STORE_REFUSED;
        return 0;
    }
    status = claim_doubt(writer, number);
    return status ? status : run_wake(writer, &run, NULL, "");
}

int claim_recover(struct writer *writer)
{
    uint64_t last = 0;

    for (;;) {
        uint64_t number;
        int found = claim_next(
            writer, &number,
            "SELECT number FROM run INDEXED BY run_lease WHERE state = 2 AND"
            " owner = ?1 LIMIT 1",
            DATABASE_VALUES(value_text(writer->owner)));

        if (found <= 0)
            return found;
        if (number == last)
            return -EIO; /* see claim_runs */
        last = number;
        found = claim_give_back(writer, number);
        if (found)
            return found;
        arena_done(&writer->scratch);
    }
}
