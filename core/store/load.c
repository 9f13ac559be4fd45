/* load.c - a run with everything that belongs to it, out of the database.
 *
 * Called by the writer for a claim and by the reader for a query, each on its
 * own connection. */
#include "store/load.h"

#include <errno.h>
#include <string.h>

#include "base/memory.h"
#include "store/seal.h"

int load_sealed(struct arena *arena, sqlite3_stmt *row, int column,
                int64_t person_key, int64_t id, struct store_bytes *ret_bytes)
{
    return seal_open(arena, person_key, id, column_bytes(row, column),
                     ret_bytes);
}

int load_reason(struct arena *arena, sqlite3_stmt *row, int column,
                int64_t person_key, int64_t id, const char **ret_text)
{
    struct store_bytes plain;
    int status = load_sealed(arena, row, column, person_key, id, &plain);

    if (!status)
        *ret_text = plain.len ? plain.ptr : NULL;
    return status;
}

/* Room for one more in an array that grows by doubling in the arena. */
static void *load_grow(struct arena *arena, void *array, size_t count,
                       size_t size)
{
    void *grown;

    if (count & (count - 1) || count == 1)
        return array;
    grown = arena_take(arena, count ? count * 2 : 2, size);
    if (count)
        memcpy(grown, array, count * size);
    return grown;
}

static int load_steps(struct database *database, struct arena *arena,
                      uint64_t run, struct store_work *work)
{
    struct store_step_row *steps = NULL;
    size_t count = 0;
    sqlite3_stmt *row;
    int found = database_find(database,
                              "SELECT id, path, state, attempts, person_key,"
                              " result, reason FROM step WHERE run = ?1"
                              " ORDER BY id",
                              &row, value_count(run));

    while (found > 0) {
        struct store_step_row *step;
        int64_t id = column_number(row, 0), key = column_number(row, 4);
        int status;

        steps = load_grow(arena, steps, count, sizeof(*steps));
        step = &steps[count++];
        step->path = arena_text(arena, column_text(row, 1));
        step->state = (enum step_state)column_number(row, 2);
        step->attempts = (uint32_t)column_number(row, 3);
        status = step->state <= STEP_FAILED ? 0 : -EBADMSG;
        if (!status)
            status = load_sealed(arena, row, 5, key, id, &step->result);
        if (!status)
            status = load_reason(arena, row, 6, key, id, &step->reason);
        if (status) {
            database_done(row);
            return status;
        }
        found = database_next(database, row);
    }
    work->steps = steps;
    work->step_count = count;
    return found;
}

static int load_delivery(struct arena *arena, sqlite3_stmt *row,
                         struct store_delivery_row *delivery)
{
    int64_t id = column_number(row, 0), key = column_number(row, 11);
    int status;

    delivery->path = arena_text(arena, column_text(row, 1));
    delivery->instance = arena_text(arena, column_text(row, 2));
    delivery->type = arena_text(arena, column_text(row, 3));
    delivery->change = (uint32_t)column_number(row, 4);
    delivery->state = (enum delivery_state)column_number(row, 5);
    delivery->doubt = column_number(row, 6) != 0;
    delivery->attempts = (uint32_t)column_number(row, 7);
    delivery->probes = (uint32_t)column_number(row, 8);
    delivery->due_ms = column_number(row, 9);
    delivery->intent_ms = column_number(row, 10);
    status = delivery->state <= DELIVERY_DISCARDED ? 0 : -EBADMSG;
    if (!status)
        status = load_sealed(arena, row, 12, key, id, &delivery->body);
    if (!status)
        status = load_sealed(arena, row, 13, key, id, &delivery->reference);
    if (!status)
        status = load_sealed(arena, row, 14, key, id, &delivery->source_key);
    if (!status)
        status = load_reason(arena, row, 15, key, id, &delivery->reason);
    return status;
}

static int load_deliveries(struct database *database, struct arena *arena,
                           uint64_t run, struct store_work *work)
{
    struct store_delivery_row *deliveries = NULL;
    size_t count = 0;
    sqlite3_stmt *row;
    int found = database_find(
        database,
        "SELECT id, path, instance, type, change, state, doubt, attempts,"
        " probes, due_ms, intent_ms, person_key, body, reference, source_key,"
        " reason FROM delivery WHERE run = ?1 ORDER BY id",
        &row, value_count(run));

    while (found > 0) {
        int status;

        deliveries = load_grow(arena, deliveries, count, sizeof(*deliveries));
        status = load_delivery(arena, row, &deliveries[count++]);
        if (status) {
            database_done(row);
            return status;
        }
        found = database_next(database, row);
    }
    work->deliveries = deliveries;
    work->delivery_count = count;
    return found;
}

static int load_trigger(struct arena *arena, sqlite3_stmt *row,
                        struct store_work *work)
{
    int64_t id = column_number(row, 2), key = column_number(row, 7);
    int status;

    work->flow = arena_text(arena, column_text(row, 0));
    work->flow_version = arena_text(arena, column_text(row, 1));
    work->origin = arena_text(arena, column_text(row, 3));
    work->type = arena_text(arena, column_text(row, 4));
    work->change = (uint32_t)column_number(row, 5);
    work->wall_ms = column_number(row, 6);
    status = load_sealed(arena, row, 8, key, id, &work->id);
    if (!status)
        status = load_sealed(arena, row, 9, key, id, &work->key);
    if (!status)
        status = load_sealed(arena, row, 10, key, id, &work->person);
    if (!status)
        status = load_sealed(arena, row, 11, key, id, &work->body);
    return status;
}

int load_work(struct database *database, struct arena *arena, uint64_t run,
              struct store_work *ret_work)
{
    sqlite3_stmt *row;
    int status,
        found = database_find(
            database,
            "SELECT run.flow, run.flow_version, record.id, record.origin,"
            " record.type, record.change, record.wall_ms, record.person_key,"
            " record.event_id, record.order_key, record.person, record.body,"
            " run.priority"
            " FROM run JOIN record ON record.id = run.record WHERE number = ?1",
            &row, value_count(run));

    if (found <= 0)
        return found;
    ret_work->run = run;
    ret_work->priority = (int32_t)column_number(row, 12);
    status = load_trigger(arena, row, ret_work);
    database_done(row);
    if (!status)
        status = load_steps(database, arena, run, ret_work);
    if (!status)
        status = load_deliveries(database, arena, run, ret_work);
    return status ? status : 1;
}
