/* read.h - answers to queries. */
#ifndef CONNECT_STORE_READ_H
#define CONNECT_STORE_READ_H

#include "store/arena.h"
#include "store/database.h"

/* What an answer is made with. */
struct reading {
    struct database *database; /* borrowed; a reader */
    struct arena *arena;       /* borrowed; owns the answer */
    const struct store_query *query;
    int64_t steady_ms; /* now */
    size_t limit;      /* rows at most */
};

/* Answer one query from one state of the database. */
int read_answer(struct database *database, struct arena *arena,
                const struct store_query *query, int64_t steady_ms,
                struct store_rows *ret_rows) MUST_USE;

#endif
