/* claim.c - runs that are ready become the work of one engine.
 *
 * One idea: a run that waits for a time stands in an index by time; when its
 * time has come it moves once to the index in which claims read, so a claim
 * touches about as many rows as it takes, however many wait.
 *
 * Whoever takes a run over, finds no delivery SENDING: bytes may have left and
 * the one who would hear the answer is gone, so it is IN_DOUBT.  Called by the
 * writer inside a transaction. */
#include "store/claim.h"

#include <errno.h>
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
    CLAIM_COUNT_MAX = 1024 /* runs in one answer */
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
                                value_number(writer->steady_ms)));

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
            found = delivery_move(writer, &delivery, DELIVERY_IN_DOUBT, true,
                                  NULL);
        if (found)
            return found;
    }
}

/* The run in front of the queue, or one whose owner has gone. */
static int claim_choose(struct writer *writer, const char *queue, bool *others,
                        uint64_t *ret_number)
{
    int found = claim_next(
        writer, ret_number,
        "SELECT number FROM run WHERE state = 1 AND due_ms = 0 AND queue = ?1"
        " ORDER BY priority, number LIMIT 1",
        DATABASE_VALUES(value_text(queue)));

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

    if (found <= 0)
        return found;
    status = run_move(writer, &run, NULL, &change);
    if (!status)
        status = claim_doubt(writer, number);
    if (status)
        return status;
    status = load_work(&writer->database, writer->arena, number, work);
    if (status != -EBADMSG)
        return status;
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
