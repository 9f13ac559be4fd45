/* apply_settle.c - how an attempt or a probe ended.
 *
 * One idea: outcome, entity and the next one of the lane change in one
 * transaction, so the entity has its reference before anybody
 * else of the lane begins.  Called by the writer inside a transaction. */
#include "store/apply_settle.h"

#include <string.h>

#include "store/seal.h"

int settle_reference(struct writer *writer, const struct delivery *delivery,
                     struct store_bytes reference)
{
    return database_run(
        &writer->database, "UPDATE delivery SET reference = ?2 WHERE id = ?1",
        value_number(delivery->id),
        value_bytes(seal_bytes(&writer->scratch, delivery->person_key,
                               delivery->id, reference)));
}

/* The entity has been delivered: its reference and version.  An answer without
 * a reference keeps the one before. */
static int settle_entity(struct writer *writer, const struct delivery *delivery,
                         struct store_bytes reference)
{
    sqlite3_stmt *row;
    int64_t person_key;
    int found = database_find(&writer->database,
                              "SELECT person_key FROM entity WHERE id = ?1",
                              &row, value_number(delivery->entity));

    if (found <= 0)
        return found;
    person_key = column_number(row, 0);
    database_done(row);
    return database_run(
        &writer->database,
        "UPDATE entity SET version_delivered = ?2, change = ?3,"
        " reference = coalesce(?4, reference), fingerprint ="
        " (SELECT fingerprint FROM delivery WHERE id = ?5) WHERE id = ?1",
        value_number(delivery->entity), value_number(delivery->version),
        value_number(delivery->change),
        value_bytes(seal_bytes(&writer->scratch, person_key, delivery->entity,
                               reference)),
        value_number(delivery->id));
}

int settle_done(struct writer *writer, const struct delivery *delivery,
                struct store_bytes reference)
{
    int status = 0;

    if (reference.len)
        status = settle_reference(writer, delivery, reference);
    if (!status && delivery->entity)
        status = settle_entity(writer, delivery, reference);
    return status;
}

int apply_settle(struct writer *writer,
                 const struct store_delivery_change *change)
{
    struct store_bytes reason = {change->reason,
                                 change->reason ? strlen(change->reason) : 0};
    struct delivery delivery;
    bool doubt = change->state == DELIVERY_IN_DOUBT ||
                 (change->state == DELIVERY_PARKED && change->doubt);
    int status,
        found = delivery_load(writer, change->run, change->path, &delivery);

    if (found < 0)
        return found;
    if (!found || !delivery.hold || change->state == DELIVERY_SENDING) {
        writer->result->decision = STORE_REFUSED;
        return 0;
    }
    status = database_run(
        &writer->database,
        "UPDATE delivery SET attempts = ?2, probes = ?3, due_ms = ?4,"
        " reason = ?5 WHERE id = ?1",
        value_number(delivery.id), value_number(change->attempts),
        value_number(change->probes), value_number(change->due_ms),
        value_bytes(seal_bytes(&writer->scratch, delivery.person_key,
                               delivery.id, reason)));
    if (!status && change->state == DELIVERY_DONE)
        status = settle_done(writer, &delivery, change->reference);
    return status
               ? status
               : delivery_move(writer, &delivery, change->state, doubt, NULL);
}
