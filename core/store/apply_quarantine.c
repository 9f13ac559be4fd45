/* apply_quarantine.c - authenticated bytes that could not be used.
 *
 * One idea: equal content of one instance is one row that is counted, so a
 * sender who repeats himself fills nothing; its alert comes and goes with it.
 * Called by the writer inside a transaction. */
#include "store/apply_quarantine.h"

#include <stdio.h>
#include <string.h>

#include "store/apply_value.h"
#include "store/audit.h"
#include "store/seal.h"

enum { DETAIL_BYTES = 256 };

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
        " content, first_wall_ms, last_wall_ms, count, last_ms)"
        " VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?6, 1, ?7)"
        " ON CONFLICT (instance, hash) DO UPDATE SET count = count + 1,"
        " last_wall_ms = excluded.last_wall_ms, last_ms = excluded.last_ms"
        " RETURNING count",
        &row, value_number(id), value_text(quarantine->instance),
        value_hash(&hash), value_bytes(seal_bytes(arena, 0, id, reason)),
        value_bytes(seal_bytes(arena, 0, id, quarantine->content)),
        value_number(writer->wall_ms), value_number(writer->steady_ms));
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

int apply_quarantine_end(struct writer *writer,
                         const struct change_quarantine_end *end)
{
    char hex[LOOKUP_HASH_BYTES * 2 + 1], reason[AUDIT_REASON_BYTES];
    char act[64], detail[DETAIL_BYTES], cause[DETAIL_BYTES];
    struct lookup_hash hash;
    const char *instance;
    sqlite3_stmt *row;
    int status,
        found = database_find(
            &writer->database,
            "DELETE FROM quarantine WHERE id = ?1 RETURNING instance, hash",
            &row, value_count(end->number));

    if (found <= 0) {
        writer->result->decision = STORE_REFUSED;
        return found;
    }
    instance = arena_text(&writer->scratch, column_text(row, 0));
    if (column_hash(row, 1, &hash))
        lookup_hex(&hash, hex);
    else
        hex[0] = '\0'; /* of a damaged file */
    database_done(row);
    audit_reason(writer, end->reason, reason);
    snprintf(act, sizeof(act), "quarantine.%s", end->word);
    snprintf(detail, sizeof(detail), "instance:%s content:%s%s%s", instance,
             hex, *reason ? " " : "", reason);
    snprintf(cause, sizeof(cause), "quarantine:%s:%s", instance, hex);
    status = audit_append(writer, end->actor, act, 0, NULL, detail);
    return status ? status : value_alert_end(writer, cause);
}
