/* arena.h - memory of one batch or one answer, freed at once. */
#ifndef CONNECT_STORE_ARENA_H
#define CONNECT_STORE_ARENA_H

#include <stddef.h>

#include "store/store.h"

struct arena_block;

enum { ARENA_KEEP_BYTES = 64 * 1024 };

struct arena {
    struct arena_block *blocks; /* owned; the newest first */
    size_t bytes;               /* of all blocks */
};

void arena_init(struct arena *arena);
/* Free everything; the arena can be used again. */
void arena_done(struct arena *arena);
/* The same, but what was taken last is kept for the next time, up to
 * ARENA_KEEP_BYTES. */
void arena_clear(struct arena *arena);
/* Zeroed bytes, aligned for anything. */
void *arena_take(struct arena *arena, size_t count, size_t size)
    __attribute__((returns_nonnull));
/* Copies with a NUL behind them. */
struct store_bytes arena_bytes(struct arena *arena, struct store_bytes bytes);
const char *arena_text(struct arena *arena, const char *text); /* NULL: NULL */

#endif
