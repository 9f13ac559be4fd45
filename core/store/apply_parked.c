/* apply_parked.c - the alert about parked runs, one per flow and reason.
 *
 * One idea: the count of the alert's row is the number of runs that are parked
 * so, kept with each run that comes and goes, so that nobody ever looks through
 * the others; with the last one the row goes.  What must hold after every
 * transaction: as many rows as there are flows and codes with a PARKED run,
 * each with their count.  Only opening counts them, because a daemon that did
 * not know these alerts may have written the file.
 *
 * Called by the writer inside a transaction. */
#include "store/apply_parked.h"

#include <stdio.h>

#include "store/apply_value.h"

enum {
    /* A flow's name has 100 bytes at most and a code is a word of ours; what is
     * longer, of a damaged file, is cut. */
    CAUSE_BYTES = 256,
    TEXT_BYTES = 512,
    /* Kinds that opening puts right: a few codes of each flow.  More has only a
     * damaged file, and it is to open all the same. */
    KINDS_MAX = 1000
};

struct kind { /* of parked runs */
    char cause[CAUSE_BYTES];
    char text[TEXT_BYTES];
};

/* 1: it is there, 0: no such run, or a negative errno. */
static int kind_of(struct writer *writer, uint64_t run, struct kind *kind)
{
    sqlite3_stmt *row;
    const char *flow, *code;
    int found = database_find(
        &writer->database,
        "SELECT flow, coalesce(code, 'other') FROM run WHERE number = ?1", &row,
        value_count(run));

    if (found <= 0)
        return found;
    flow = column_text(row, 0);
    code = column_text(row, 1);
    flow = flow ? flow : "";
    code = code ? code : "";
    snprintf(kind->cause, sizeof(kind->cause), PARKED_PREFIX "%.120s:%.100s",
             flow, code);
    snprintf(kind->text, sizeof(kind->text),
             "Runs of flow %.120s are parked (%.100s): they do not go on until "
             "a person acts. See: connectctl parked --flow %.120s",
             flow, code, flow);
    database_done(row);
    return 1;
}

int parked_enter(struct writer *writer, uint64_t run)
{
    struct kind kind;
    int found = kind_of(writer, run, &kind);

    if (found > 0)
        found = value_alert_raise(writer, kind.cause, kind.text);
    return found < 0 ? found : 0;
}

int parked_leave(struct writer *writer, uint64_t run)
{
    struct kind kind;
    int status, found = kind_of(writer, run, &kind);

    if (found <= 0)
        return found;
    status = database_run(&writer->database,
                          "UPDATE alert SET count = count - 1 WHERE cause = ?1"
                          " AND count > 1",
                          value_text(kind.cause));
    if (status || sqlite3_changes(writer->database.handle))
        return status;
    return value_alert_end(writer, kind.cause);
}

/* The alerts of kinds of which nothing is parked go. */
static int parked_end(struct writer *writer)
{
    for (int count = 0; count < KINDS_MAX; count++) {
        const char *cause;
        sqlite3_stmt *row;
        int found = database_find_values(
            &writer->database,
            "SELECT cause FROM alert WHERE cause GLOB '" PARKED_PREFIX "*' AND"
            " cause NOT IN (SELECT '" PARKED_PREFIX "' || flow || ':' ||"
            " coalesce(code, 'other') FROM run WHERE state = 5) LIMIT 1",
            NULL, 0, &row);

        if (found <= 0)
            return found;
        cause = arena_text(&writer->scratch, column_text(row, 0));
        database_done(row);
        found = value_alert_end(writer, cause);
        if (found)
            return found;
    }
    return 0;
}

/* One kind whose alert is missing or says another number; 1: there was one. */
static int parked_mend(struct writer *writer)
{
    struct kind kind;
    uint64_t run;
    int64_t total;
    sqlite3_stmt *row;
    int found = database_find_values(
        &writer->database,
        "SELECT number, total FROM (SELECT '" PARKED_PREFIX "' || flow || ':'"
        " || coalesce(code, 'other') AS kind, min(number) AS number, count(*)"
        " AS total FROM run WHERE state = 5 GROUP BY kind) LEFT JOIN alert ON"
        " alert.cause = kind WHERE alert.count IS NOT total LIMIT 1",
        NULL, 0, &row);

    if (found <= 0)
        return found;
    run = column_count(row, 0);
    total = column_number(row, 1);
    database_done(row);
    found = kind_of(writer, run, &kind);
    if (found > 0)
        found = value_alert_raise(writer, kind.cause, kind.text);
    if (found >= 0)
        found = database_run(&writer->database,
                             "UPDATE alert SET count = ?2 WHERE cause = ?1",
                             value_text(kind.cause), value_number(total));
    return found ? found : 1;
}

int parked_count(struct writer *writer)
{
    int found = parked_end(writer);

    for (int count = 0; !found && count < KINDS_MAX; count++) {
        found = parked_mend(writer);
        if (!found)
            break;
        found = found < 0 ? found : 0;
    }
    return found;
}
