/* load.h - a run with everything that belongs to it, out of the database. */
#ifndef CONNECT_STORE_LOAD_H
#define CONNECT_STORE_LOAD_H

#include "store/arena.h"
#include "store/database.h"

/* 1: found, 0: no such run, or a negative errno.  Memory is the arena's. */
int load_work(struct database *database, struct arena *arena, uint64_t run,
              struct store_work *ret_work) MUST_USE;

/* A sealed column, and the same as a text; a broken one is -EBADMSG. */
int load_sealed(struct arena *arena, sqlite3_stmt *row, int column,
                int64_t person_key, int64_t id,
                struct store_bytes *ret_bytes) MUST_USE;
int load_reason(struct arena *arena, sqlite3_stmt *row, int column,
                int64_t person_key, int64_t id, const char **ret_text) MUST_USE;

#endif
