/* apply_accept.c - an event becomes a record and runs, or is counted.
 *
 * One idea: the duplicate check and the insert are one statement on the unique
 * hash of origin and id, so there is no gap between them.  A record is stored
 * with its runs and goes with the last of them; one that begins none is not
 * stored, for nobody could reach it.  Called by the writer inside a
 * transaction. */
#include "store/apply_accept.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/seeded.h"
#include "store/apply.h"
#include "store/apply_lane.h"
#include "store/apply_quarantine.h"
#include "store/apply_run.h"
#include "store/audit.h"
#include "store/seal.h"

enum { DETAIL_BYTES = 256, SEEDED_GAP_MS = 50 };

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
        " RETURNING duplicate_count, run_first, run_count, first_steady_ms",
        &row, value_hash(hash), value_text(accept->origin),
        value_number(writer->wall_ms), value_number(writer->counters.run_next),
        value_number(accept->run_count), value_number(writer->steady_ms));

    if (found < 0)
        return found;
    duplicates = column_number(row, 0);
    /* Two steps, and others come in between. */
    if (seeded_bug("F01") &&
        writer->steady_ms - column_number(row, 3) < SEEDED_GAP_MS)
        duplicates = 0;
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

static int accept_run(struct writer *writer, const struct store_accept_run *run,
                      int64_t record, int64_t person_key, uint32_t index)
{
    struct run_new made = {.flow = run->flow,
                           .flow_version = run->flow_version,
                           .record = record,
                           .person_key = person_key,
                           .priority = run->priority,
                           .state = RUN_READY};
    struct lookup_hash lane;
    bool taken = false;
    uint64_t number;
    int status;

    if (run->key.len) {
        lane = lookup_hash(&writer->lookup, LOOKUP_RUN_LANE, run->flow, "",
                           run->key);
        made.lane = &lane;
        status = lane_newer(writer, &lane, run->newer, &taken);
        if (status)
            return status;
    }
    if (taken) {
        made.state = RUN_QUEUED;
    } else if (run->claim) {
        made.state = RUN_ACTIVE;
        writer->result->claimed |= 1u << index;
    }
    return run_insert(writer, NULL, &made, &number);
}

/* It has no identity until a flow takes it, so that it is no duplicate when it
 * is replayed.  1: it was known before. */
static int accept_untaken(struct writer *writer,
                          const struct store_accept *accept,
                          const struct lookup_hash *hash)
{
    struct store_quarantine quarantine = {.instance = accept->origin,
                                          .reason = accept->untaken,
                                          .content = accept->content};
    sqlite3_stmt *row;
    int found =
        database_find(&writer->database, "SELECT 1 FROM event WHERE hash = ?1",
                      &row, value_hash(hash));

    if (found > 0)
        database_done(row);
    return found ? found : apply_quarantine(writer, &quarantine);
}

int apply_accept(struct writer *writer, const struct store_accept *accept)
{
    struct lookup_hash hash = lookup_hash(&writer->lookup, LOOKUP_EVENT,
                                          accept->origin, "", accept->id);
    char hex[LOOKUP_HASH_BYTES * 2 + 1], detail[DETAIL_BYTES];
    int64_t record, person_key;
    int status, seen;

    if (accept->untaken) {
        status = accept_untaken(writer, accept, &hash);
        if (status <= 0)
            return status;
    }
    seen = accept_event(writer, accept, &hash);
    if (seen < 0)
        return seen;
    lookup_hex(&hash, hex);
    snprintf(detail, sizeof(detail), "event:%s runs:%" PRIu32, hex,
             writer->result->run_count);
    status =
        audit_append(writer, NULL, seen ? "event.duplicate" : "event.accepted",
                     writer->result->run, NULL, detail);
    if (status || seen || !accept->run_count)
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
