/* apply_lane.c - who is first: runs in their lane, deliveries in theirs.
 *
 * One idea: nothing is kept about lanes but the rows themselves; first is who
 * has the smallest number among the unfinished, found by an index that holds
 * only those.  A delivery waits for the older ones of its lane, and for any
 * that is on its way: one that was parked and passed by may be older than what
 * is being sent.  A delivery that adopts waits for the older unfinished ones of
 * its entity in the same way, wherever they go, because they may give the
 * entity its reference.
 *
 * Waiting always points to an older delivery or to one on its way, so it cannot
 * go round in a circle.  Called by the writer inside a transaction. */
#include "store/apply_lane.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/seeded.h"
#include "store/apply_act.h"

int lane_wake_run(struct writer *writer, const struct run *finished)
{
    struct run next;
    sqlite3_stmt *row;
    uint64_t number;
    int found;

    if (!finished->has_lane)
        return 0;
    found = database_find(&writer->database,
                          "SELECT number, state FROM run WHERE lane = ?1 AND"
                          " state < 6 ORDER BY number LIMIT 1",
                          &row, value_hash(&finished->lane));
    if (found <= 0)
        return found;
    number = column_count(row, 0);
    found = column_number(row, 1) == RUN_QUEUED;
    database_done(row);
    if (!found)
        return 0;
    found = run_load(writer, number, &next);
    return found > 0 ? run_wake(writer, &next, NULL, "") : found;
}

int lane_taken(struct writer *writer, const struct lookup_hash *lane)
{
    sqlite3_stmt *row;
    int found =
        database_find(&writer->database,
                      seeded_bug("lane") /* an older one is not seen */
                          ? "SELECT 1 FROM run WHERE lane = ?1 AND 0"
                          : "SELECT 1 FROM run WHERE lane = ?1 AND state < 6"
                            " LIMIT 1",
                      &row, value_hash(lane));

    if (found > 0)
        database_done(row);
    return found;
}

/* The newest older run, below *number, of which nothing happened and nothing
 * may have, and about which a person need not decide ("absent": run_delivery.c,
 * of what is never repeated by itself). */
static int lane_unsent(struct writer *writer, const struct lookup_hash *lane,
                       uint64_t *number)
{
    sqlite3_stmt *row;
    int found = database_find(
        &writer->database,
        seeded_bug("overtake") /* what was delivered is not looked at */
            ? "SELECT number FROM run WHERE lane = ?1 AND state < 6 AND"
              " state <> 2 AND number < ?2 ORDER BY number DESC LIMIT 1"
            : "SELECT number FROM run WHERE lane = ?1 AND state < 6 AND state "
              "<> 2"
              " AND number < ?2 AND coalesce(code, '') <> 'absent'"
              " AND NOT EXISTS (SELECT 1 FROM delivery WHERE"
              " delivery.run = run.number AND (doubt = 1 OR"
              " delivery.state IN (1, 2, 3))) ORDER BY number DESC LIMIT 1",
        &row, value_hash(lane), value_count(*number));

    if (found > 0) {
        *number = column_count(row, 0);
        database_done(row);
    }
    return found;
}

/* From the newest on, so that none is woken only to be discarded. */
static int lane_overtake(struct writer *writer, const struct lookup_hash *lane)
{
    uint64_t newest = (uint64_t)writer->counters.run_next, number = newest;
    char reason[64];

    snprintf(reason, sizeof(reason),
             "a newer version (run %" PRIu64 ") took its place", newest);
    while (writer->result->overtaken < STORE_OVERTAKEN_MAX) {
        struct run run;
        int status, found = lane_unsent(writer, lane, &number);

        if (found > 0)
            found = run_load(writer, number, &run);
        if (found <= 0)
            return found;
        status = run_discard(writer, &run, NULL, reason, "overtaken");
        if (status)
            return status;
        writer->result->overtaken++;
    }
    return 0;
}

int lane_newer(struct writer *writer, const struct lookup_hash *lane,
               enum store_newer newer, bool *ret_taken)
{
    struct run head;
    uint64_t number;
    sqlite3_stmt *row;
    int status, found = lane_taken(writer, lane);

    *ret_taken = false;
    if (found > 0 && newer == STORE_NEWER_OVERTAKES) {
        status = lane_overtake(writer, lane);
        if (status)
            return status;
    }
    if (found <= 0)
        return found;
    found = database_find(&writer->database,
                          "SELECT number FROM run WHERE lane = ?1 AND"
                          " state < 6 ORDER BY number LIMIT 1",
                          &row, value_hash(lane));
    if (found <= 0)
        return found;
    number = column_count(row, 0);
    database_done(row);
    *ret_taken = true;
    found = run_load(writer, number, &head);
    if (found <= 0 || head.state != RUN_HELD)
        return found < 0 ? found : 0;
    return act_resume(writer, &head, false, NULL, "");
}

static int lane_run_of(struct writer *writer, const char *sql,
                       struct value place, int64_t id, uint64_t *ret_run)
{
    sqlite3_stmt *row;
    int found =
        database_find(&writer->database, sql, &row, place, value_number(id));

    if (found > 0) {
        *ret_run = column_count(row, 0);
        database_done(row);
    }
    return found;
}

int lane_front(struct writer *writer, const struct delivery *delivery,
               uint64_t *ret_run)
{
    int found = 0;

    *ret_run = 0;
    if (seeded_bug("lane")) /* nobody waits for anybody */
        return 0;
    if (delivery->has_lane)
        found = lane_run_of(writer,
                            "SELECT run FROM delivery WHERE lane = ?1 AND"
                            " hold = 2 AND id < ?2 ORDER BY id LIMIT 1",
                            value_hash(&delivery->lane), delivery->id, ret_run);
    if (!found && delivery->has_lane)
        found = lane_run_of(writer,
                            "SELECT run FROM delivery WHERE lane = ?1 AND"
                            " state IN (1, 2) AND id <> ?2 LIMIT 1",
                            value_hash(&delivery->lane), delivery->id, ret_run);
    if (!found && delivery->entity && delivery->adopt)
        found =
            lane_run_of(writer,
                        "SELECT run FROM delivery WHERE entity = ?1 AND"
                        " hold > 0 AND id <> ?2 AND"
                        " (id < ?2 OR state IN (1, 2))"
                        " ORDER BY id LIMIT 1",
                        value_number(delivery->entity), delivery->id, ret_run);
    return found < 0 ? found : 0;
}

int lane_wait(struct writer *writer, uint64_t number)
{
    struct store_run_change change = {.run = number, .state = RUN_WAITING};
    struct run run;
    int found = run_load(writer, number, &run);

    return found > 0 ? run_move(writer, &run, NULL, &change) : found;
}

/* Wake the waiting delivery id, if nothing stands before it. */
static int lane_wake_one(struct writer *writer, int64_t id)
{
    struct delivery delivery;
    struct run run;
    uint64_t front;
    int found = delivery_load_id(writer, id, &delivery);

    if (found <= 0 || !delivery.waiting)
        return found < 0 ? found : 0;
    found = lane_front(writer, &delivery, &front);
    if (found || front)
        return found;
    found = database_run(&writer->database,
                         "UPDATE delivery SET waiting = 0 WHERE id = ?1",
                         value_number(id));
    if (found)
        return found;
    found = run_load(writer, delivery.run, &run);
    if (found <= 0 || run.state != RUN_WAITING)
        return found < 0 ? found : 0;
    return run_wake(writer, &run, NULL, delivery.instance);
}

static int lane_wake_first(struct writer *writer, const char *sql,
                           struct value place)
{
    sqlite3_stmt *row;
    int64_t id;
    int found = database_find(&writer->database, sql, &row, place);

    if (found <= 0)
        return found;
    id = column_number(row, 0);
    database_done(row);
    return lane_wake_one(writer, id);
}

int lane_wake_delivery(struct writer *writer, const struct delivery *left)
{
    int status = 0;

    if (left->has_lane)
        status = lane_wake_first(writer,
                                 "SELECT id FROM delivery WHERE lane = ?1 AND"
                                 " hold = 2 ORDER BY id LIMIT 1",
                                 value_hash(&left->lane));
    if (!status && left->entity)
        status = lane_wake_first(writer,
                                 "SELECT id FROM delivery WHERE entity = ?1 AND"
                                 " hold > 0 AND waiting = 1"
                                 " ORDER BY id LIMIT 1",
                                 value_number(left->entity));
    return status;
}
