/* read_filter.c - which runs a person asked for.
 *
 * One idea: people look for a needle now and then, the flow writes all day; so
 * there is no index for what people search by.  Runs are looked at one by one,
 * newest first, at most STORE_SCAN_MAX for one answer.  What is sealed is
 * opened and compared here.  Called on the reader's thread. */
#include "store/read_filter.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "store/load.h"

bool filter_wanted(const struct store_query *query)
{
    return query->flow || query->code || query->type || query->instance ||
           query->contains || query->key.len || query->accepted_after_wall_ms ||
           query->accepted_before_wall_ms;
}

static bool filter_contains(const char *text, const char *wanted)
{
    size_t len = strlen(wanted);

    for (; *text; text++) {
        if (!strncasecmp(text, wanted, len))
            return true;
    }
    return !len;
}

/* The parts that are sealed; a row of its own scratch memory. */
static bool filter_texts(const struct store_query *query, sqlite3_stmt *row,
                         uint64_t number)
{
    struct arena scratch = {0};
    struct store_bytes key;
    const char *reason = NULL;
    bool good = true;

    if (query->contains)
        good = !load_reason(&scratch, row, 1, column_number(row, 0),
                            (int64_t)number, &reason) &&
               reason && filter_contains(reason, query->contains);
    if (good && query->key.len)
        good = !load_sealed(&scratch, row, 4, column_number(row, 3),
                            column_number(row, 2), &key) &&
               key.len == query->key.len &&
               !memcmp(key.ptr, query->key.ptr, key.len);
    arena_done(&scratch);
    return good;
}

int filter_match(struct reading *reading, uint64_t number)
{
    const struct store_query *query = reading->query;
    sqlite3_stmt *row;
    bool good;
    int found = database_find(
        reading->database,
        "SELECT run.person_key, run.reason, record.id, record.person_key,"
        " record.order_key FROM run JOIN record ON record.id = run.record"
        " WHERE number = ?1 AND (?2 IS NULL OR code = ?2)"
        " AND (?3 IS NULL OR type = ?3) AND (?4 IS NULL OR queue = ?4"
        " OR origin = ?4 OR EXISTS (SELECT 1 FROM delivery WHERE"
        " delivery.run = number AND delivery.instance = ?4))"
        " AND accepted_wall_ms >= ?5 AND accepted_wall_ms < ?6"
        " AND (?7 IS NULL OR flow = ?7)",
        &row, value_count(number), value_text(query->code),
        value_text(query->type), value_text(query->instance),
        value_number(query->accepted_after_wall_ms),
        value_number(query->accepted_before_wall_ms
                         ? query->accepted_before_wall_ms
                         : INT64_MAX),
        value_text(query->flow));

    if (found <= 0)
        return found;
    good = filter_texts(query, row, number);
    database_done(row);
    return good;
}
