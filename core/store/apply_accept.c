/* apply_accept.c - an event becomes a record and runs, or is counted.
 *
 * One idea: the duplicate check and the insert are one statement on the unique
 * hash of origin and id, so there is no gap between them.  Called by the writer
 * inside a transaction. */
#include "store/apply_accept.h"

#include <inttypes.h>
#include <stdio.h>

#include "store/apply.h"
#include "store/apply_run.h"
#include "store/apply_value.h"
#include "store/audit.h"
#include "store/claim.h"
#include "store/seal.h"

enum { DETAIL_BYTES = 256 };

/* 1: seen before (the result says so), 0: new, or a negative errno. */
static int accept_event(struct writer *writer,
                        const struct store_accept *accept,
                        const struct lookup_hash *hash)
{
    struct store_result *result = writer->result;
    sqlite3_stmt *row;
    int64_t duplicates;
    int found = database_find(
        &writer->database,
        "INSERT INTO event (hash, origin, first_wall_ms, run_first, run_count,"
        " first_steady_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (hash) "
        "DO UPDATE SET"
        " duplicate_count = duplicate_count + 1"
        " RETURNING duplicate_count, run_first, run_count",
        &row, value_hash(hash), value_text(accept->origin),
        value_number(writer->wall_ms), value_number(writer->counters.run_next),
        value_number(accept->run_count), value_number(writer->steady_ms));

    if (found < 0)
        return found;
    duplicates = column_number(row, 0);
    result->run = column_count(row, 1);
    result->run_count = (uint32_t)column_number(row, 2);
    database_done(row);
    if (!result->run_count)
        result->run = 0;
    if (!duplicates) {
        writer->counters.event_count++;
        return 0;
    }
    writer->counters.duplicate_count++;
    result->decision = STORE_DUPLICATE;
    return 1;
}

static int accept_record(struct writer *writer,
                         const struct store_accept *accept, int64_t record,
                         int64_t person_key)
{
    struct arena *arena = &writer->scratch;

    return database_run(
        &writer->database,
        "INSERT INTO record (id, origin, type, change, wall_ms, person_key,"
        " event_id, order_key, person, body)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        value_number(record), value_text(accept->origin),
        value_text(accept->type), value_number(accept->change),
        value_number(accept->wall_ms), value_number(person_key),
        value_bytes(seal_bytes(arena, person_key, record, accept->id)),
        value_bytes(seal_bytes(arena, person_key, record, accept->key)),
        value_bytes(seal_bytes(arena, person_key, record, accept->person)),
        value_bytes(seal_bytes(arena, person_key, record, accept->body)));
}

/* 1: an unfinished run is in the lane. */
static int accept_lane_taken(struct writer *writer,
                             const struct lookup_hash *lane)
{
    sqlite3_stmt *row;
    int found;

    if (!lane)
        return 0;
    found =
        database_find(&writer->database,
                      "SELECT 1 FROM run WHERE lane = ?1 AND state < 6 LIMIT 1",
                      &row, value_hash(lane));
    if (found > 0)
        database_done(row);
    return found;
}

static int accept_run(struct writer *writer, const struct store_accept_run *run,
                      int64_t record, int64_t person_key, uint32_t index)
{
    struct lookup_hash hash, *lane = NULL;
    uint64_t number = (uint64_t)writer->counters.run_next++;
    enum run_state state = RUN_READY;
    char detail[DETAIL_BYTES];
    int taken, status;

    if (run->key.len) {
        hash = lookup_hash(&writer->lookup, LOOKUP_RUN_LANE, run->flow, "",
                           run->key);
        lane = &hash;
    }
    taken = accept_lane_taken(writer, lane);
    if (taken < 0)
        return taken;
    if (taken) {
        state = RUN_QUEUED;
    } else if (run->claim) {
        state = RUN_ACTIVE;
        writer->result->claimed |= 1u << index;
    } else {
        writer->result->ready_count++;
    }
    status = database_run(
        &writer->database,
        "INSERT INTO run (number, record, flow, flow_version, lane, state,"
        " queue, due_ms, priority, owner, lease_ms, person_key,"
        " accepted_wall_ms)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, '', 0, ?7, ?8, ?9, ?10, ?11)",
        value_count(number), value_number(record), value_text(run->flow),
        value_text(run->flow_version), value_hash(lane), value_number(state),
        value_number(run->priority),
        value_text(state == RUN_ACTIVE ? writer->owner : NULL),
        value_number(state == RUN_ACTIVE ? writer->steady_ms + CLAIM_LEASE_MS
                                         : 0),
        value_number(person_key), value_number(writer->wall_ms));
    if (status)
        return status;
    writer->counters.runs[state]++;
    snprintf(detail, sizeof(detail), "flow:%s version:%s", run->flow,
             run->flow_version);
    return audit_append(writer, NULL, run_state_act(state), number, NULL,
                        detail);
}

int apply_accept(struct writer *writer, const struct store_accept *accept)
{
    struct lookup_hash hash = lookup_hash(&writer->lookup, LOOKUP_EVENT,
                                          accept->origin, "", accept->id);
    char hex[LOOKUP_HASH_BYTES * 2 + 1], detail[DETAIL_BYTES];
    int64_t record, person_key;
    int status, seen = accept_event(writer, accept, &hash);

    if (seen < 0)
        return seen;
    lookup_hex(&hash, hex);
    snprintf(detail, sizeof(detail), "event:%s runs:%" PRIu32, hex,
             writer->result->run_count);
    status =
        audit_append(writer, NULL, seen ? "event.duplicate" : "event.accepted",
                     writer->result->run, NULL, detail);
    if (status || seen)
        return status;
    status = apply_person(writer, accept->person, &person_key);
    if (status)
        return status;
    record = writer->counters.row_next++;
    status = accept_record(writer, accept, record, person_key);
    for (uint32_t index = 0; !status && index < accept->run_count; index++)
        status =
            accept_run(writer, &accept->runs[index], record, person_key, index);
    return status;
}

/* People hear once of each distinct content. */
static int quarantine_alert(struct writer *writer, const char *instance,
                            const char *hex)
{
    char cause[DETAIL_BYTES];
    struct change_value alert = {
        .first = cause,
        .second = "Something arrived that cannot be used and is kept in the "
                  "quarantine.",
    };

    snprintf(cause, sizeof(cause), "quarantine:%s:%s", instance, hex);
    return apply_alert(writer, &alert);
}

int apply_quarantine(struct writer *writer,
                     const struct store_quarantine *quarantine)
{
    struct lookup_hash hash =
        lookup_hash(&writer->lookup, LOOKUP_CONTENT, quarantine->instance, "",
                    quarantine->content);
    struct arena *arena = &writer->scratch;
    struct store_bytes reason = {quarantine->reason, 0};
    char hex[LOOKUP_HASH_BYTES * 2 + 1], detail[DETAIL_BYTES];
    int64_t id = writer->counters.row_next, count;
    sqlite3_stmt *row;
    int found;

    while (reason.ptr && reason.ptr[reason.len])
        reason.len++;
    found = database_find(
        &writer->database,
        "INSERT INTO quarantine (id, instance, hash, person_key, reason,"
        " content, first_wall_ms, last_wall_ms, count)"
        " VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?6, 1)"
        " ON CONFLICT (instance, hash) DO UPDATE SET count = count + 1,"
        " last_wall_ms = excluded.last_wall_ms RETURNING count",
        &row, value_number(id), value_text(quarantine->instance),
        value_hash(&hash), value_bytes(seal_bytes(arena, 0, id, reason)),
        value_bytes(seal_bytes(arena, 0, id, quarantine->content)),
        value_number(writer->wall_ms));
    if (found < 0)
        return found;
    count = column_number(row, 0);
    database_done(row);
    if (count > 1) {
        writer->result->decision = STORE_DUPLICATE;
        return 0;
    }
    writer->counters.row_next++;
    lookup_hex(&hash, hex);
    snprintf(detail, sizeof(detail), "instance:%s content:%s",
             quarantine->instance, hex);
    found = audit_append(writer, NULL, "quarantine.added", 0, NULL, detail);
    return found ? found : quarantine_alert(writer, quarantine->instance, hex);
}

int apply_prune(struct writer *writer, const struct store_prune *prune)
{
    char detail[64];
    int status = database_run(
        &writer->database,
        "DELETE FROM event WHERE hash IN (SELECT hash FROM event WHERE"
        " first_steady_ms < ?1 ORDER BY first_steady_ms LIMIT ?2)",
        value_number(writer->steady_ms - prune->event_age_ms),
        value_count(prune->count));

    if (status)
        return status;
    writer->result->pruned =
        (uint32_t)sqlite3_changes64(writer->database.handle);
    if (!writer->result->pruned)
        return 0;
    snprintf(detail, sizeof(detail), "events:%" PRIu32, writer->result->pruned);
    return audit_append(writer, NULL, "event.pruned", 0, NULL, detail);
}
