/* audit.c - what happened, in a chain of hashes.
 *
 * One idea: each entry's hash is BLAKE2b over the hash before and all columns,
 * and the end of the chain stands in meta, so an entry that was changed, taken
 * out or cut off the end shows.  The first entry follows 32 zero bytes, or the
 * last one that was pruned, whose number and hash stand in meta too.
 * Entries hold ids, states and hashes, never what people wrote.
 *
 * audit_append is called by the writer, the checks on any connection. */
#include "store/audit.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

struct audit_entry {
    uint64_t sequence;
    int64_t wall_ms;
    const char *actor, *act;
    uint64_t run;
    const char *path, *detail;
};

static void audit_number(crypto_generichash_state *state, uint64_t number)
{
    unsigned char bytes[8];

    for (int index = 0; index < 8; index++)
        bytes[index] = (unsigned char)(number >> (8 * index));
    crypto_generichash_update(state, bytes, sizeof(bytes));
}

static void audit_text(crypto_generichash_state *state, const char *text)
{
    size_t len = text ? strlen(text) : 0;

    audit_number(state, len);
    if (len)
        crypto_generichash_update(state, (const unsigned char *)text, len);
}

/* hash becomes the hash of entry, following what it was. */
static void audit_link(unsigned char hash[AUDIT_HASH_BYTES],
                       const struct audit_entry *entry)
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, NULL, 0, AUDIT_HASH_BYTES);
    crypto_generichash_update(&state, hash, AUDIT_HASH_BYTES);
    audit_number(&state, entry->sequence);
    audit_number(&state, (uint64_t)entry->wall_ms);
    audit_number(&state, entry->run);
    audit_text(&state, entry->actor);
    audit_text(&state, entry->act);
    audit_text(&state, entry->path);
    audit_text(&state, entry->detail);
    crypto_generichash_final(&state, hash, AUDIT_HASH_BYTES);
}

int audit_append(struct writer *writer, const char *actor, const char *act,
                 uint64_t run, const char *path, const char *detail)
{
    struct counters *counters = &writer->counters;
    struct audit_entry entry = {(uint64_t)counters->audit_sequence + 1,
                                writer->wall_ms,
                                actor ? actor : AUDIT_DAEMON,
                                act,
                                run,
                                path ? path : "",
                                detail ? detail : ""};

    audit_link(counters->audit_hash, &entry);
    counters->audit_sequence++;
    return database_run(
        &writer->database,
        "INSERT INTO audit (sequence, wall_ms, actor, act, run, path, detail,"
        " hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        value_count(entry.sequence), value_number(entry.wall_ms),
        value_text(entry.actor), value_text(entry.act), value_count(run),
        value_text(entry.path), value_text(entry.detail),
        value_bytes((struct store_bytes){(const char *)counters->audit_hash,
                                         AUDIT_HASH_BYTES}));
}

void audit_reason(struct writer *writer, const char *reason,
                  char text[AUDIT_REASON_BYTES])
{
    struct store_bytes bytes = {reason, reason ? strlen(reason) : 0};
    char hex[LOOKUP_HASH_BYTES * 2 + 1];
    struct lookup_hash hash;

    text[0] = '\0';
    if (!bytes.len)
        return;
    hash = lookup_hash(&writer->lookup, LOOKUP_CONTENT, "act", "", bytes);
    lookup_hex(&hash, hex);
    snprintf(text, AUDIT_REASON_BYTES, "reason:%s", hex);
}

/* The entry in a row of sequence, wall_ms, actor, act, run, path, detail. */
static struct audit_entry audit_row(sqlite3_stmt *row)
{
    struct audit_entry entry;

    entry.sequence = column_count(row, 0);
    entry.wall_ms = column_number(row, 1);
    entry.actor = column_text(row, 2);
    entry.act = column_text(row, 3);
    entry.run = column_count(row, 4);
    entry.path = column_text(row, 5);
    entry.detail = column_text(row, 6);
    return entry;
}

/* Walk entries from first on; hash is the one before. */
static int audit_walk(struct database *database, uint64_t first,
                      unsigned char hash[AUDIT_HASH_BYTES], uint64_t *ret_last,
                      struct error *err)
{
    sqlite3_stmt *row;
    uint64_t expected = first;
    int found =
        database_find(database,
                      "SELECT sequence, wall_ms, actor, act, run, path, detail,"
                      " hash FROM audit WHERE sequence >= ?1 ORDER BY sequence",
                      &row, value_count(first));

    while (found > 0) {
        struct audit_entry entry = audit_row(row);
        struct store_bytes stored = column_bytes(row, 7);
        bool good = entry.sequence == expected;

        audit_link(hash, &entry);
        if (!good || stored.len != AUDIT_HASH_BYTES ||
            memcmp(stored.ptr, hash, AUDIT_HASH_BYTES) != 0) {
            error_set(err,
                      "audit entry %" PRIu64 " does not follow from the one "
                      "before it",
                      expected);
            database_done(row);
            return -EBADMSG;
        }
        expected++;
        found = database_next(database, row);
    }
    *ret_last = expected - 1;
    return found;
}

/* The walk reached last with hash: is that what meta says? */
static int audit_check(struct database *database, uint64_t last,
                       const unsigned char hash[AUDIT_HASH_BYTES],
                       struct error *err)
{
    sqlite3_stmt *row;
    struct store_bytes stored;
    bool good;
    int found = database_find_values(
        database, "SELECT audit_sequence, audit_hash FROM meta", NULL, 0, &row);

    if (found <= 0)
        return found ? found : -EBADMSG;
    stored = column_bytes(row, 1);
    good = column_count(row, 0) == last && stored.len == AUDIT_HASH_BYTES &&
           memcmp(stored.ptr, hash, AUDIT_HASH_BYTES) == 0;
    if (!good)
        error_set(err,
                  "the audit ends with entry %" PRIu64 ", but entry %" PRIu64
                  " was written last",
                  last, column_count(row, 0));
    database_done(row);
    return good ? 0 : -EBADMSG;
}

/* The last entry that was pruned, with its hash; 0 and zeros: none was. */
static int audit_anchor(struct database *database, uint64_t *ret_sequence,
                        unsigned char hash[AUDIT_HASH_BYTES])
{
    sqlite3_stmt *row;
    struct store_bytes stored;
    int found = database_find_values(
        database, "SELECT anchor_sequence, anchor_hash FROM meta", NULL, 0,
        &row);

    if (found <= 0)
        return found ? found : -EBADMSG;
    *ret_sequence = column_count(row, 0);
    stored = column_bytes(row, 1);
    if (stored.len == AUDIT_HASH_BYTES)
        memcpy(hash, stored.ptr, AUDIT_HASH_BYTES);
    database_done(row);
    return 0;
}

int audit_check_end(struct database *database, struct error *err)
{
    unsigned char hash[AUDIT_HASH_BYTES] = {0};
    uint64_t last = 0;
    sqlite3_stmt *row;
    int status;
    /* The entry before the last gives the hash that the last follows. */
    int found = database_find_values(
        database,
        "SELECT sequence, hash FROM audit ORDER BY sequence DESC"
        " LIMIT 1 OFFSET 1",
        NULL, 0, &row);

    if (found < 0)
        return found;
    if (found) {
        struct store_bytes stored = column_bytes(row, 1);
        last = column_count(row, 0);
        if (stored.len == AUDIT_HASH_BYTES)
            memcpy(hash, stored.ptr, AUDIT_HASH_BYTES);
        database_done(row);
    } else {
        status = audit_anchor(database, &last, hash);
        if (status)
            return status;
    }
    status = audit_walk(database, last + 1, hash, &last, err);
    return status ? status : audit_check(database, last, hash, err);
}

int audit_verify(struct database *database, struct error *err)
{
    unsigned char hash[AUDIT_HASH_BYTES] = {0};
    uint64_t last = 0;
    /* One read transaction, so that entries appended meanwhile are not seen. */
    int end, status = database_exec(database, "BEGIN");

    if (status)
        return status;
    status = audit_anchor(database, &last, hash);
    if (!status)
        status = audit_walk(database, last + 1, hash, &last, err);
    if (!status)
        status = audit_check(database, last, hash, err);
    end = database_exec(database, "COMMIT");
    return status ? status : end;
}
