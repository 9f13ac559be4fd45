/* apply_step.c - a step of a run, made or replaced as a whole.
 *
 * The row keeps its id when it is replaced, because its columns are sealed with
 * it and steps are shown in the order in which they began.  Called by the
 * writer inside a transaction. */
#include "store/apply_step.h"

#include <errno.h>
#include <string.h>

#include "store/apply_run.h"
#include "store/audit.h"
#include "store/seal.h"

static int step_find(struct writer *writer, const struct store_step *step,
                     int64_t *ret_id)
{
    sqlite3_stmt *row;
    int found = database_find(
        &writer->database, "SELECT id FROM step WHERE run = ?1 AND path = ?2",
        &row, value_count(step->run), value_text(step->path));

    if (found > 0) {
        *ret_id = column_number(row, 0);
        database_done(row);
    }
    return found;
}

int apply_step(struct writer *writer, const struct store_step *step)
{
    struct store_bytes reason = {step->reason,
                                 step->reason ? strlen(step->reason) : 0};
    struct arena *arena = &writer->scratch;
    struct run run;
    int64_t id = 0;
    int status, found;

    if (strlen(step->path) >= STORE_PATH_MAX)
        return -EINVAL;
    found = run_load(writer, step->run, &run);
    if (found <= 0 || run.state >= RUN_DONE) {
        writer->result->decision = STORE_REFUSED;
        return found < 0 ? found : 0;
    }
    found = step_find(writer, step, &id);
    if (found < 0)
        return found;
    if (!found)
        id = writer->counters.row_next++;
    status = database_run(
        &writer->database,
        "INSERT INTO step (id, run, path, state, attempts, person_key, result,"
        " reason) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
        " ON CONFLICT (id) DO UPDATE SET state = excluded.state,"
        " attempts = excluded.attempts, person_key = excluded.person_key,"
        " result = excluded.result, reason = excluded.reason",
        value_number(id), value_count(step->run), value_text(step->path),
        value_number(step->state), value_number(step->attempts),
        value_number(run.person_key),
        value_bytes(seal_bytes(arena, run.person_key, id, step->result)),
        value_bytes(seal_bytes(arena, run.person_key, id, reason)));
    if (!status && step->state == STEP_FAILED)
        status = audit_append(writer, NULL, "step.failed", step->run,
                              step->path, NULL);
    return status;
}
