/* apply_answer.c - what a person knows better: how a delivery in doubt ended,
 * and what a stored body should say.
 *
 * One idea: a person's word takes the same way as the target's: the same
 * outcome, entity and lane in one transaction.  A body is only changed where
 * nothing of it can have been sent, and a record only for the one run, because
 * the other runs of its event were not judged; it is begun anew with it.  The
 * audit has hashes of what was there before and after.  Called by the writer
 * inside a transaction. */
#include "store/apply_answer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "store/apply_act.h"
#include "store/apply_delivery.h"
#include "store/apply_prune.h"
#include "store/apply_settle.h"
#include "store/apply_value.h"
#include "store/load.h"
#include "store/seal.h"

enum { DETAIL_BYTES = 128 };

static int answer_refused(struct writer *writer)
{
    writer->result->decision = STORE_REFUSED;
    return 0;
}

/* 1: the oldest delivery of the run that is in doubt and not on its way. */
static int answer_doubt(struct writer *writer, uint64_t run,
                        struct delivery *delivery)
{
    sqlite3_stmt *row;
    int64_t id;
    int found = database_find(
        &writer->database,
        "SELECT id FROM delivery WHERE run = ?1 AND doubt = 1 AND hold > 0"
        " AND state <> 1 ORDER BY id LIMIT 1",
        &row, value_count(run));

    if (found <= 0)
        return found;
    id = column_number(row, 0);
    database_done(row);
    return delivery_load_id(writer, id, delivery);
}

int apply_answer(struct writer *writer, const struct change_answer *answer)
{
    char cause[64];
    struct delivery delivery;
    struct run run;
    int status, found = run_load(writer, answer->run, &run);

    if (found > 0 && run.state != RUN_READY && run.state != RUN_HELD &&
        run.state != RUN_PARKED)
        return answer_refused(writer);
    if (found > 0)
        found = answer_doubt(writer, answer->run, &delivery);
    if (found <= 0)
        return found ? found : answer_refused(writer);
    status = database_run(&writer->database,
                          "UPDATE delivery SET due_ms = 0, attempts = 0,"
                          " probes = 0, reason = NULL WHERE id = ?1",
                          value_number(delivery.id));
    if (!status && answer->happened)
        status = settle_done(writer, &delivery, answer->bytes);
    if (!status)
        status =
            delivery_move(writer, &delivery,
                          answer->happened ? DELIVERY_DONE : DELIVERY_READY,
                          false, answer->actor);
    if (!status)
        status = act_resume(writer, &run, true, answer->actor, "");
    snprintf(cause, sizeof(cause), "doubt:%" PRIu64, answer->run);
    if (!status)
        status = value_alert_end(writer, cause);
    return status ? status
                  : act_note(writer, answer->actor,
                             answer->happened ? "act.happened" : "act.absent",
                             answer->run, delivery.path, "", answer->reason);
}

static int edit_note(struct writer *writer, const struct change_answer *edit,
                     struct store_bytes before)
{
    char old_hex[LOOKUP_HASH_BYTES * 2 + 1], new_hex[LOOKUP_HASH_BYTES * 2 + 1];
    char detail[DETAIL_BYTES];
    struct lookup_hash hash =
        lookup_hash(&writer->lookup, LOOKUP_CONTENT, "edit", "", before);

    lookup_hex(&hash, old_hex);
    hash =
        lookup_hash(&writer->lookup, LOOKUP_CONTENT, "edit", "", edit->bytes);
    lookup_hex(&hash, new_hex);
    snprintf(detail, sizeof(detail), "old:%s new:%s", old_hex, new_hex);
    return act_note(writer, edit->actor, "act.edited", edit->run, edit->path,
                    detail, edit->reason);
}

/* The sealed columns of a record, sealed again for a row of another id. */
static int edit_seal(struct writer *writer, sqlite3_stmt *row, int column,
                     int64_t person_key, int64_t from, int64_t to,
                     struct store_bytes *ret_sealed)
{
    struct store_bytes plain;
    int status =
        load_sealed(&writer->scratch, row, column, person_key, from, &plain);

    if (!status)
        *ret_sealed = seal_bytes(&writer->scratch, person_key, to, plain);
    return status;
}

/* A copy of the record row with a new body; ret_before is the old body. */
static int edit_copy(struct writer *writer, const struct change_answer *edit,
                     int64_t from, int64_t to, struct store_bytes *ret_before)
{
    struct store_bytes id = {NULL, 0}, key = {NULL, 0}, person = {NULL, 0};
    int64_t person_key;
    sqlite3_stmt *row;
    int status, found = database_find(
                    &writer->database,
                    "SELECT person_key, event_id, order_key, person, body FROM"
                    " record WHERE id = ?1",
                    &row, value_number(from));

    if (found <= 0)
        return found ? found : -EBADMSG;
    person_key = column_number(row, 0);
    status = edit_seal(writer, row, 1, person_key, from, to, &id);
    if (!status)
        status = edit_seal(writer, row, 2, person_key, from, to, &key);
    if (!status)
        status = edit_seal(writer, row, 3, person_key, from, to, &person);
    if (!status)
        status =
            load_sealed(&writer->scratch, row, 4, person_key, from, ret_before);
    database_done(row);
    if (status)
        return status;
    return database_run(
        &writer->database,
        "INSERT INTO record (id, origin, type, change, wall_ms, person_key,"
        " event_id, order_key, person, body) SELECT ?2, origin, type, change,"
        " wall_ms, person_key, ?3, ?4, ?5, ?6 FROM record WHERE id = ?1",
        value_number(from), value_number(to), value_bytes(id), value_bytes(key),
        value_bytes(person),
        value_bytes(seal_bytes(&writer->scratch, person_key, to, edit->bytes)));
}

static int edit_record(struct writer *writer, const struct change_answer *edit,
                       const struct run *run)
{
    struct store_bytes before;
    int64_t from = 0, to = writer->counters.row_next++;
    sqlite3_stmt *row;
    int status, found;

    if (run->state != RUN_HELD && run->state != RUN_PARKED)
        return answer_refused(writer);
    found = act_has_happened(writer, run->number);
    if (!found)
        found = act_was_edited(writer, run->number);
    if (found)
        return found < 0 ? found : answer_refused(writer);
    /* What was made of the old record is not what this one asks for. */
    status = act_forget(writer, run->number, edit->actor);
    if (status)
        return status;
    found = database_find(&writer->database,
                          "SELECT record FROM run WHERE number = ?1", &row,
                          value_count(run->number));
    if (found <= 0)
        return found ? found : -EBADMSG;
    from = column_number(row, 0);
    database_done(row);
    status = edit_copy(writer, edit, from, to, &before);
    if (!status)
        status = database_run(&writer->database,
                              "UPDATE run SET record = ?2 WHERE number = ?1",
                              value_count(run->number), value_number(to));
    if (!status)
        status = prune_record(writer, from);
    return status ? status : edit_note(writer, edit, before);
}

static int edit_delivery(struct writer *writer,
                         const struct change_answer *edit,
                         const struct run *run)
{
    struct store_bytes before;
    struct lookup_hash fingerprint;
    struct delivery delivery;
    sqlite3_stmt *row;
    int status, found = delivery_load(writer, edit->run, edit->path, &delivery);

    if (found < 0)
        return found;
    if (!found || run->state == RUN_ACTIVE || run->state >= RUN_DONE ||
        delivery.doubt ||
        (delivery.state != DELIVERY_READY && delivery.state != DELIVERY_HELD &&
         delivery.state != DELIVERY_PARKED))
        return answer_refused(writer);
    found = database_find(&writer->database,
                          "SELECT body FROM delivery WHERE id = ?1", &row,
                          value_number(delivery.id));
    if (found <= 0)
        return found ? found : -EBADMSG;
    status = load_sealed(&writer->scratch, row, 0, delivery.person_key,
                         delivery.id, &before);
    database_done(row);
    if (status)
        return status;
    fingerprint = lookup_hash(&writer->lookup, LOOKUP_FINGERPRINT,
                              delivery.type, "", edit->bytes);
    status = database_run(
        &writer->database,
        "UPDATE delivery SET body = ?2, fingerprint = ?3 WHERE id = ?1",
        value_number(delivery.id),
        value_bytes(seal_bytes(&writer->scratch, delivery.person_key,
                               delivery.id, edit->bytes)),
        value_hash(&fingerprint));
    return status ? status : edit_note(writer, edit, before);
}

int apply_edit(struct writer *writer, const struct change_answer *edit)
{
    struct run run;
    int found = run_load(writer, edit->run, &run);

    if (found <= 0)
        return found ? found : answer_refused(writer);
    return edit->path ? edit_delivery(writer, edit, &run)
                      : edit_record(writer, edit, &run);
}
