/* apply_value.c - cursors, small values, flow texts, alerts, notes.
 *
 * One idea: each is one row found by its name, written over or counted.  A row
 * that is written over keeps its id, with which its columns are sealed.  Called
 * by the writer inside a transaction. */
#include "store/apply_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "store/audit.h"
#include "store/seal.h"

/* The id of the row that sql finds, or a new one; 1: it was there. */
static int value_row(struct writer *writer, const char *sql, struct value first,
                     struct value second, int64_t *ret_id)
{
    sqlite3_stmt *row;
    int found = database_find(&writer->database, sql, &row, first, second);

    if (found > 0) {
        *ret_id = column_number(row, 0);
        database_done(row);
    } else if (!found) {
        *ret_id = writer->counters.row_next++;
    }
    return found;
}

int apply_cursor(struct writer *writer, const struct change_value *value)
{
    int64_t id;
    int found = value_row(
        writer, "SELECT id FROM cursor WHERE instance = ?1 AND stream = ?2",
        value_text(value->first), value_text(value->second), &id);

    if (found < 0)
        return found;
    return database_run(
        &writer->database,
        "INSERT INTO cursor (id, instance, stream, person_key, value)"
        " VALUES (?1, ?2, ?3, 0, ?4)"
        " ON CONFLICT (id) DO UPDATE SET value = excluded.value",
        value_number(id), value_text(value->first), value_text(value->second),
        value_bytes(seal_bytes(&writer->scratch, 0, id, value->bytes)));
}

int apply_state(struct writer *writer, const struct change_value *value)
{
    struct store_bytes name = {value->second, strlen(value->second)};
    struct lookup_hash hash =
        lookup_hash(&writer->lookup, LOOKUP_STATE, value->first, "", name);
    struct arena *arena = &writer->scratch;
    int64_t id;
    int found = value_row(
        writer,
        "SELECT id FROM instance_state WHERE instance = ?1 AND hash = ?2",
        value_text(value->first), value_hash(&hash), &id);

    if (found < 0)
        return found;
    if (!value->bytes.len)
        return database_run(&writer->database,
                            "DELETE FROM instance_state WHERE id = ?1",
                            value_number(id));
    return database_run(
        &writer->database,
        "INSERT INTO instance_state (id, instance, hash, person_key, name,"
        " value) VALUES (?1, ?2, ?3, 0, ?4, ?5)"
        " ON CONFLICT (id) DO UPDATE SET value = excluded.value",
        value_number(id), value_text(value->first), value_hash(&hash),
        value_bytes(seal_bytes(arena, 0, id, name)),
        value_bytes(seal_bytes(arena, 0, id, value->bytes)));
}

int apply_flow(struct writer *writer, const struct change_value *value)
{
    /* The first text of a version stays: runs began with it.  What was put last
     * is the version that a run begins anew with. */
    return database_run(
        &writer->database,
        "INSERT INTO flow_version (flow, version, wall_ms, current, text)"
        " VALUES (?1, ?2, ?3, (SELECT coalesce(max(current), 0) + 1 FROM"
        " flow_version), ?4)"
        " ON CONFLICT DO UPDATE SET current = excluded.current",
        value_text(value->first), value_text(value->second),
        value_number(writer->wall_ms), value_bytes(value->bytes));
}

int value_alert_raise(struct writer *writer, const char *cause,
                      const char *said)
{
    struct store_bytes text = {said, strlen(said)};
    int64_t id;
    int status,
        found = value_row(
            writer, "SELECT id FROM alert WHERE cause = ?1 AND ?2 IS NULL",
            value_text(cause), value_text(NULL), &id);

    if (found < 0)
        return found;
    status = database_run(
        &writer->database,
        "INSERT INTO alert (id, cause, person_key, text, first_wall_ms,"
        " last_wall_ms, count, last_ms) VALUES (?1, ?2, 0, ?3, ?4, ?4, 1, ?5)"
        " ON CONFLICT (id) DO UPDATE SET count = count + 1,"
        " text = excluded.text, last_wall_ms = excluded.last_wall_ms,"
        " last_ms = excluded.last_ms, acknowledged ="
        " acknowledged AND excluded.last_ms - acknowledged_ms < ?6",
        value_number(id), value_text(cause),
        value_bytes(seal_bytes(&writer->scratch, 0, id, text)),
        value_number(writer->wall_ms), value_number(writer->steady_ms),
        value_number(STORE_ALERT_QUIET_MS));
    if (!status && !found)
        status = audit_append(writer, NULL, "alert.raised", 0, NULL, cause);
    return status ? status : found;
}

/* Whoever acknowledged the row has not heard of this one. */
static int value_alert_reopen(struct writer *writer, const char *cause)
{
    int status = database_run(
        &writer->database, "UPDATE alert SET acknowledged = 0 WHERE cause = ?1",
        value_text(cause));

    return status ? status
                  : audit_append(writer, NULL, "alert.raised", 0, NULL, cause);
}

int apply_alert(struct writer *writer, const struct change_value *value)
{
    int found = value_alert_raise(writer, value->first, value->second);

    if (found <= 0)
        return found;
    writer->result->decision = STORE_DUPLICATE;
    return value->news ? value_alert_reopen(writer, value->first) : 0;
}

int apply_alert_doubt(struct writer *writer, const struct change_value *value)
{
    char cause[64];
    struct change_value alert = {.first = cause, .second = value->second};
    sqlite3_stmt *row;
    int found = database_find(&writer->database,
                              "SELECT 1 FROM delivery WHERE run = ?1 AND"
                              " state = 2 LIMIT 1",
                              &row, value_count(value->run));

    if (found <= 0) {
        writer->result->decision = STORE_REFUSED;
        return found;
    }
    database_done(row);
    snprintf(cause, sizeof(cause), "doubt:%" PRIu64, value->run);
    return apply_alert(writer, &alert);
}

/* 1: it was there and is cleared, 0: none such, or a negative errno. */
static int value_alert_clear(struct writer *writer, const char *cause)
{
    int status =
        database_run(&writer->database, "DELETE FROM alert WHERE cause = ?1",
                     value_text(cause));

    if (status || !sqlite3_changes(writer->database.handle))
        return status;
    status = audit_append(writer, NULL, "alert.cleared", 0, NULL, cause);
    return status ? status : 1;
}

int value_alert_end(struct writer *writer, const char *cause)
{
    int found = value_alert_clear(writer, cause);

    return found < 0 ? found : 0;
}

int apply_alert_clear(struct writer *writer, const struct change_value *value)
{
    int found = value_alert_clear(writer, value->first);

    if (found <= 0)
        writer->result->decision = STORE_REFUSED;
    return found < 0 ? found : 0;
}

int apply_alert_acknowledge(struct writer *writer,
                            const struct change_value *value)
{
    int status = database_run(
        &writer->database,
        "UPDATE alert SET acknowledged = 1, acknowledged_by = ?2,"
        " acknowledged_wall_ms = ?3, acknowledged_ms = ?4 WHERE cause = ?1",
        value_text(value->first), value_text(value->second),
        value_number(writer->wall_ms), value_number(writer->steady_ms));

    if (status || !sqlite3_changes(writer->database.handle)) {
        writer->result->decision = STORE_REFUSED;
        return status;
    }
    return audit_append(writer, value->second, "alert.acknowledged", 0, NULL,
                        value->first);
}

int apply_audit(struct writer *writer, const struct change_value *value)
{
    return audit_append(writer, value->first, value->second, value->run, NULL,
                        value->detail);
}
