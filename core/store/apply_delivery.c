/* apply_delivery.c - deliveries: made, intended, given up.
 *
 * One idea: the row is made in the place it keeps for ever (its id), and the
 * intent is durable in the same transaction when nothing stands before it.
 * Doubt is set with the intent.  An entity that has its reference is never
 * delivered again by one who adopts, neither when the delivery is made nor when
 * its turn comes later.  In a restored database what was not seen to happen may
 * have happened after the backup, so it is in doubt before it is ever sent.
 * Called by the writer inside a transaction. */
#include "store/apply_delivery.h"

#include <errno.h>
#include <string.h>

#include "store/apply.h"
#include "store/apply_lane.h"
#include "store/apply_settle.h"
#include "store/audit.h"
#include "store/seal.h"

/* As long as event identities are kept: what was accepted after the backup may
 * come again for so long. */
static const int64_t RESTORED_MS = INT64_C(400) * 24 * 3600 * 1000;

/* The columns that delivery_take reads. */
#define DELIVERY_COLUMNS                                                       \
    "id, run, path, lane, entity, version, state, hold, waiting, doubt,"       \
    " adopt, skip_on_park, change, person_key, instance, type, asked_ms"

static void delivery_take(struct writer *writer, sqlite3_stmt *row,
                          struct delivery *delivery)
{
    delivery->id = column_number(row, 0);
    delivery->run = column_count(row, 1);
    delivery->path = arena_text(&writer->scratch, column_text(row, 2));
    delivery->has_lane = column_hash(row, 3, &delivery->lane);
    delivery->entity = column_number(row, 4);
    delivery->version = column_number(row, 5);
    delivery->state = (enum delivery_state)column_number(row, 6);
    delivery->hold = (int)column_number(row, 7);
    delivery->waiting = column_number(row, 8) != 0;
    delivery->doubt = column_number(row, 9) != 0;
    delivery->adopt = column_number(row, 10) != 0;
    delivery->skip_on_park = column_number(row, 11) != 0;
    delivery->change = (uint32_t)column_number(row, 12);
    delivery->person_key = column_number(row, 13);
    delivery->instance = arena_text(&writer->scratch, column_text(row, 14));
    delivery->type = arena_text(&writer->scratch, column_text(row, 15));
    delivery->asked_ms = column_number(row, 16);
    database_done(row);
}

int delivery_load(struct writer *writer, uint64_t run, const char *path,
                  struct delivery *ret_delivery)
{
    sqlite3_stmt *row;
    int found = database_find(&writer->database,
                              "SELECT " DELIVERY_COLUMNS
                              " FROM delivery WHERE run = ?1 AND path = ?2",
                              &row, value_count(run), value_text(path));

    if (found <= 0)
        return found;
    delivery_take(writer, row, ret_delivery);
    /* Of a damaged file: as if it were not there. */
    return ret_delivery->state <= DELIVERY_DISCARDED;
}

int delivery_load_id(struct writer *writer, int64_t id,
                     struct delivery *ret_delivery)
{
    sqlite3_stmt *row;
    int found =
        database_find(&writer->database,
                      "SELECT " DELIVERY_COLUMNS " FROM delivery WHERE id = ?1",
                      &row, value_number(id));

    if (found <= 0)
        return found;
    delivery_take(writer, row, ret_delivery);
    /* Of a damaged file: as if it were not there. */
    return ret_delivery->state <= DELIVERY_DISCARDED;
}

static const char *delivery_state_act(enum delivery_state state)
{
    static const char *const acts[] = {"delivery.ready",    "delivery.sending",
                                       "delivery.in_doubt", "delivery.done",
                                       "delivery.held",     "delivery.parked",
                                       "delivery.discarded"};
    return acts[state];
}

/* Bytes may be on their way. */
static bool delivery_flies(enum delivery_state state)
{
    return state == DELIVERY_SENDING || state == DELIVERY_IN_DOUBT;
}

static int delivery_hold(const struct delivery *delivery)
{
    if (delivery->state == DELIVERY_DONE ||
        delivery->state == DELIVERY_DISCARDED)
        return 0;
    return delivery->state == DELIVERY_PARKED && delivery->skip_on_park ? 1 : 2;
}

int delivery_move(struct writer *writer, struct delivery *delivery,
                  enum delivery_state state, bool doubt, const char *actor)
{
    int hold = delivery->hold;
    bool landed = delivery_flies(delivery->state) && !delivery_flies(state);
    int status;

    delivery->state = state;
    delivery->doubt = doubt;
    delivery->hold = delivery_hold(delivery);
    delivery->waiting = false;
    status = database_run(
        &writer->database,
        "UPDATE delivery SET state = ?2, doubt = ?3, hold = ?4, waiting = 0,"
        " intent_ms = CASE WHEN ?2 = 1 OR (?2 = 2 AND state = 1) THEN ?5"
        " ELSE intent_ms END, asked_ms = CASE WHEN ?2 IN (0, 5) AND ?3 = 0"
        " AND doubt = 1 AND state <> 1 THEN ?5 ELSE asked_ms END"
        " WHERE id = ?1",
        value_number(delivery->id), value_number(state), value_number(doubt),
        value_number(delivery->hold), value_number(writer->steady_ms));
    if (!status)
        status =
            audit_append(writer, actor, delivery_state_act(state),
                         delivery->run, delivery->path, doubt ? "doubt" : NULL);
    /* An older one may wait for what was on its way, wherever that is now. */
    if (!status && (delivery->hold < hold || landed))
        status = lane_wake_delivery(writer, delivery);
    return status;
}

int delivery_discard_all(struct writer *writer, uint64_t run, const char *actor)
{
    struct delivery delivery;
    sqlite3_stmt *row;
    int found, status;

    for (;;) {
        found = database_find(&writer->database,
                              "SELECT " DELIVERY_COLUMNS
                              " FROM delivery WHERE run = ?1 AND hold > 0"
                              " ORDER BY id LIMIT 1",
                              &row, value_count(run));
        if (found <= 0)
            return found;
        delivery_take(writer, row, &delivery);
        status =
            delivery_move(writer, &delivery, DELIVERY_DISCARDED, false, actor);
        if (status)
            return status;
    }
}

/* The entity has been delivered already: the result says as what. */
static int delivery_exists(struct writer *writer, int64_t entity,
                           const struct lookup_hash *fingerprint,
                           struct store_bytes *ret_reference)
{
    struct store_result *result = writer->result;
    struct lookup_hash delivered;
    sqlite3_stmt *row;
    int status, found = database_find(&writer->database,
                                      "SELECT reference, fingerprint,"
                                      " person_key, version_delivered"
                                      " FROM entity WHERE id = ?1",
                                      &row, value_number(entity));

    *ret_reference = (struct store_bytes){NULL, 0};
    if (found <= 0)
        return found;
    /* It may have been delivered to a target that has no name for it. */
    if (!column_number(row, 3)) {
        database_done(row);
        return 0;
    }
    status = seal_open(writer->arena, column_number(row, 2), entity,
                       column_bytes(row, 0), ret_reference);
    result->decision = STORE_EXISTS;
    result->body = *ret_reference;
    result->same = column_hash(row, 1, &delivered) &&
                   !memcmp(&delivered, fingerprint, sizeof(delivered));
    database_done(row);
    return status ? status : 1;
}

/* ---- Entities ------------------------------------------------------------
 * What a target knows as one thing: by the instance, the type without its
 * revision and the key, whichever flow delivers it, so that a renamed or a
 * second flow finds what was made before it. */

static struct lookup_hash entity_hash(struct writer *writer,
                                      const struct store_delivery *made)
{
    char *name = arena_take(&writer->scratch, strlen(made->type) + 1, 1);

    memcpy(name, made->type, strcspn(made->type, "/"));
    return lookup_hash(&writer->lookup, LOOKUP_ENTITY, made->instance, name,
                       made->source_key);
}

/* The next flow and type, in their order, of entities that version 2 named by
 * their flow and nobody has met since. */
static int entity_flow_next(struct writer *writer, const char **flow,
                            const char **type)
{
    sqlite3_stmt *row;
    int found = database_find(
        &writer->database,
        "SELECT flow, type FROM entity WHERE named_by_flow = 1 AND"
        " (flow, type) > (?1, ?2) ORDER BY flow, type LIMIT 1",
        &row, value_text(*flow), value_text(*type));

    if (found > 0) {
        *flow = arena_text(&writer->scratch, column_text(row, 0));
        *type = arena_text(&writer->scratch, column_text(row, 1));
        database_done(row);
    }
    return found;
}

/* One that this flow made of the same thing, for this target or, as nothing is
 * known of its delivery, for any; ret_done: it was delivered. */
static int entity_of_flow(struct writer *writer,
                          const struct store_delivery *made, const char *flow,
                          const char *type, int64_t *ret_entity, bool *ret_done)
{
    struct lookup_hash hash = lookup_hash(&writer->lookup, LOOKUP_ENTITY, flow,
                                          type, made->source_key);
    sqlite3_stmt *row;
    int found = database_find(
        &writer->database,
        "SELECT id, version_delivered FROM entity WHERE hash = ?1 AND"
        " named_by_flow = 1 AND coalesce(instance, ?2) = ?2",
        &row, value_hash(&hash), value_text(made->instance));

    if (found > 0) {
        *ret_entity = column_number(row, 0);
        *ret_done = column_number(row, 1) > 0;
        database_done(row);
    }
    return found;
}

/* What version 2 made of it, under the name that it has from now on; the one
 * delivered, if several flows made one. */
static int entity_rename(struct writer *writer,
                         const struct store_delivery *made,
                         const struct lookup_hash *hash)
{
    size_t len = strcspn(made->type, "/");
    const char *flow = "", *type = "";
    int64_t entity = 0, one;
    bool done = false;
    int found;

    while (!done && (found = entity_flow_next(writer, &flow, &type)) > 0) {
        if (strcspn(type, "/") != len || strncmp(type, made->type, len) != 0)
            continue;
        found = entity_of_flow(writer, made, flow, type, &one, &done);
        if (found < 0)
            return found;
        if (found)
            entity = one;
    }
    if (!done && found < 0)
        return found;
    if (!entity)
        return 0;
    return database_run(&writer->database,
                        "UPDATE entity SET hash = ?2, named_by_flow = 0,"
                        " instance = ?3 WHERE id = ?1",
                        value_number(entity), value_hash(hash),
                        value_text(made->instance));
}

static int entity_find(struct writer *writer, const struct lookup_hash *hash,
                       struct delivery *delivery)
{
    sqlite3_stmt *row;
    int found =
        database_find(&writer->database,
                      "SELECT id, version_made FROM entity WHERE hash = ?1",
                      &row, value_hash(hash));

    if (found > 0) {
        delivery->entity = column_number(row, 0);
        delivery->version = column_number(row, 1) + 1;
        database_done(row);
    }
    return found;
}

/* Find or make the entity, and count the version to be made of it. */
static int delivery_entity(struct writer *writer,
                           const struct store_delivery *made,
                           int64_t person_key, struct delivery *delivery)
{
    struct lookup_hash hash = entity_hash(writer, made);
    int found = entity_find(writer, &hash, delivery);

    if (!found) {
        found = entity_rename(writer, made, &hash);
        if (!found)
            found = entity_find(writer, &hash, delivery);
    }
    if (found)
        return found < 0 ? found : 0;
    delivery->entity = writer->counters.row_next++;
    delivery->version = 1;
    return database_run(&writer->database,
                        "INSERT INTO entity (id, hash, flow, type, instance,"
                        " person_key) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                        value_number(delivery->entity), value_hash(&hash),
                        value_text(made->flow), value_text(made->type),
                        value_text(made->instance), value_number(person_key));
}

/* ---- Making --------------------------------------------------------------
 */

static int delivery_insert(struct writer *writer,
                           const struct store_delivery *made,
                           const struct delivery *delivery,
                           const struct lookup_hash *fingerprint)
{
    struct arena *arena = &writer->scratch;
    int64_t id = delivery->id, person_key = delivery->person_key;
    bool waiting = delivery->state == DELIVERY_READY;
    int64_t intent_ms = delivery->state == DELIVERY_SENDING ? writer->steady_ms
                        : delivery->state == DELIVERY_IN_DOUBT
                            ? writer->restored_ms
                            : 0;
    int status = database_run(
        &writer->database,
        "INSERT INTO delivery (id, run, path, instance, type, change, adopt,"
        " skip_on_park, lane, entity, version, state, hold, waiting, doubt,"
        " intent_ms, person_key, source_key, order_key, body, fingerprint)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 2, ?13,"
        " ?14, ?15, ?16, ?17, ?18, ?19, ?20)",
        value_number(id), value_count(made->run), value_text(made->path),
        value_text(made->instance), value_text(made->type),
        value_number(made->change), value_number(made->adopt),
        value_number(made->skip_on_park),
        value_hash(delivery->has_lane ? &delivery->lane : NULL),
        delivery->entity ? value_number(delivery->entity) : value_text(NULL),
        value_number(delivery->version), value_number(delivery->state),
        value_number(waiting), value_number(!waiting), value_number(intent_ms),
        value_number(person_key),
        value_bytes(seal_bytes(arena, person_key, id, made->source_key)),
        value_bytes(seal_bytes(arena, person_key, id, made->order_key)),
        value_bytes(seal_bytes(arena, person_key, id, made->body)),
        value_hash(fingerprint));

    if (!status && delivery->entity)
        status = database_run(
            &writer->database,
            "UPDATE entity SET version_made = ?2 WHERE id = ?1",
            value_number(delivery->entity), value_number(delivery->version));
    return status;
}

/* Everything of a new delivery that follows from what the caller said. */
static int delivery_prepare(struct writer *writer, const struct run *run,
                            const struct store_delivery *made,
                            struct delivery *delivery)
{
    int status = 0;

    memset(delivery, 0, sizeof(*delivery));
    delivery->run = made->run;
    delivery->adopt = made->adopt;
    delivery->version = 1;
    delivery->person_key = run->person_key;
    if (made->person.len)
        status = apply_person(writer, made->person, &delivery->person_key);
    if (!status && made->source_key.len)
        status = delivery_entity(writer, made, delivery->person_key, delivery);
    if (made->order_key.len) {
        delivery->has_lane = true;
        delivery->lane =
            lookup_hash(&writer->lookup, LOOKUP_DELIVERY_LANE, made->instance,
                        made->type, made->order_key);
    }
    return status;
}

/* 1: the database was restored, and whether this was sent after the backup
 * nobody knows. */
static int delivery_unsure(struct writer *writer,
                           const struct delivery *delivery)
{
    sqlite3_stmt *row;
    int found;

    if (!writer->restored_ms || delivery->asked_ms >= writer->restored_ms ||
        writer->steady_ms - writer->restored_ms > RESTORED_MS)
        return 0;
    /* What is sent each time may have been sent in this version, too. */
    if (!delivery->entity || !delivery->adopt)
        return 1;
    found = database_find(&writer->database,
                          "SELECT version_delivered FROM entity WHERE id = ?1",
                          &row, value_number(delivery->entity));
    if (found > 0) {
        found = column_number(row, 0) == 0;
        database_done(row);
    }
    return found;
}

int apply_delivery(struct writer *writer, const struct store_delivery *made)
{
    struct store_result *result = writer->result;
    struct lookup_hash fingerprint = lookup_hash(
        &writer->lookup, LOOKUP_FINGERPRINT, made->type, "", made->body);
    struct delivery delivery;
    struct store_bytes reference;
    struct run run;
    int status, found = run_load(writer, made->run, &run);

    if (strlen(made->path) >= STORE_PATH_MAX)
        return -EINVAL;
    if (found > 0 && run.state < RUN_DONE) {
        found = delivery_load(writer, made->run, made->path, &delivery);
        if (!found)
            found = delivery_prepare(writer, &run, made, &delivery);
        else if (found > 0)
            result->decision = STORE_REFUSED;
    } else {
        result->decision = STORE_REFUSED;
    }
    if (found < 0 || result->decision == STORE_REFUSED)
        return found < 0 ? found : 0;
    if (delivery.entity && made->adopt) {
        found =
            delivery_exists(writer, delivery.entity, &fingerprint, &reference);
        if (found)
            return found < 0 ? found
                             : audit_append(writer, NULL, "delivery.adopted",
                                            made->run, made->path, NULL);
    }
    delivery.id = writer->counters.row_next++;
    status = lane_front(writer, &delivery, &result->run);
    if (status)
        return status;
    if (result->run) {
        result->decision = STORE_BEHIND;
        delivery.state = DELIVERY_READY;
    } else {
        found = delivery_unsure(writer, &delivery);
        if (found < 0)
            return found;
        if (found)
            result->decision = STORE_DOUBT;
        delivery.state = found ? DELIVERY_IN_DOUBT : DELIVERY_SENDING;
    }
    status = delivery_insert(writer, made, &delivery, &fingerprint);
    if (!status)
        status =
            audit_append(writer, NULL, delivery_state_act(delivery.state),
                         made->run, made->path, result->run ? NULL : "doubt");
    return status || !result->run ? status : lane_wait(writer, made->run);
}

/* 1: an older delivery gave the entity its reference meanwhile; it is adopted
 * and this one is done. */
static int delivery_adopt(struct writer *writer, struct delivery *delivery)
{
    struct lookup_hash fingerprint = {{0}};
    struct store_bytes reference;
    sqlite3_stmt *row;
    int status,
        found = database_find(&writer->database,
                              "SELECT fingerprint FROM delivery WHERE id = ?1",
                              &row, value_number(delivery->id));

    if (found <= 0)
        return found;
    (void)column_hash(row, 0, &fingerprint);
    database_done(row);
    found = delivery_exists(writer, delivery->entity, &fingerprint, &reference);
    if (found <= 0)
        return found;
    status = settle_reference(writer, delivery, reference);
    if (!status)
        status = audit_append(writer, NULL, "delivery.adopted", delivery->run,
                              delivery->path, NULL);
    if (!status)
        status = delivery_move(writer, delivery, DELIVERY_DONE, false, NULL);
    return status ? status : 1;
}

int apply_intent(struct writer *writer, const struct change_value *value)
{
    struct store_result *result = writer->result;
    struct delivery delivery;
    int status,
        found = delivery_load(writer, value->run, value->path, &delivery);

    if (found < 0)
        return found;
    if (!found || delivery.state != DELIVERY_READY) {
        result->decision = STORE_REFUSED;
        return 0;
    }
    status = lane_front(writer, &delivery, &result->run);
    if (status)
        return status;
    if (result->run) {
        result->decision = STORE_BEHIND;
        status = database_run(&writer->database,
                              "UPDATE delivery SET waiting = 1 WHERE id = ?1",
                              value_number(delivery.id));
        return status ? status : lane_wait(writer, value->run);
    }
    if (delivery.adopt && delivery.entity) {
        found = delivery_adopt(writer, &delivery);
        if (found)
            return found < 0 ? found : 0;
    }
    found = delivery_unsure(writer, &delivery);
    if (found <= 0)
        return found ? found
                     : delivery_move(writer, &delivery, DELIVERY_SENDING, true,
                                     NULL);
    result->decision = STORE_DOUBT;
    status = database_run(
        &writer->database, "UPDATE delivery SET intent_ms = ?2 WHERE id = ?1",
        value_number(delivery.id), value_number(writer->restored_ms));
    return status ? status
                  : delivery_move(writer, &delivery, DELIVERY_IN_DOUBT, true,
                                  NULL);
}
