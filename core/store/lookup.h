/* lookup.h - keyed hashes for the columns we search by.
 *
 * A look-up column never holds what it stands for: without the key nobody can
 * try names against it. */
#ifndef CONNECT_STORE_LOOKUP_H
#define CONNECT_STORE_LOOKUP_H

#include <stdbool.h>

#include "base/error.h"
#include "store/store.h"

enum {
    LOOKUP_KEY_BYTES = 32,
    LOOKUP_HASH_BYTES = 16 /* 2^64 rows before a likely collision */
};

struct lookup {
    unsigned char key[LOOKUP_KEY_BYTES];
};

struct lookup_hash {
    unsigned char bytes[LOOKUP_HASH_BYTES];
};

/* What is hashed, so that equal texts in different roles differ. */
enum lookup_domain {
    LOOKUP_EVENT = 1,
    LOOKUP_RUN_LANE,
    LOOKUP_DELIVERY_LANE,
    LOOKUP_ENTITY,
    LOOKUP_PERSON = 6, /* 5 is nobody's any more */
    LOOKUP_STATE,
    LOOKUP_CONTENT,
    LOOKUP_FINGERPRINT,
    LOOKUP_CHECK
};

/* Read directory/lookup.key, or make it when create is set. */
int lookup_open(struct lookup *lookup, const char *directory, bool create,
                struct error *err) MUST_USE;
/* The names in it are on disk; also for the database beside the key. */
int lookup_sync_directory(const char *directory) MUST_USE;
void lookup_done(struct lookup *lookup); /* wipes the key */
/* Two names (may be "") and bytes. */
struct lookup_hash lookup_hash(const struct lookup *lookup,
                               enum lookup_domain domain, const char *first,
                               const char *second, struct store_bytes bytes);
/* 32 hex digits and a NUL. */
void lookup_hex(const struct lookup_hash *hash,
                char text[LOOKUP_HASH_BYTES * 2 + 1]);

#endif
