/* arena.c - memory of one batch or one answer, freed at once.
 *
 * Blocks are filled from the front; what does not fit opens a new block, as
 * large as needed.  Nothing is given back singly, so a borrowed pointer stays
 * good until arena_done.  Belongs to one thread at a time: a batch travels from
 * the loop to the writer and back with its arena. */
#include "store/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { BLOCK_BYTES = 2048 }; /* one usual event with its runs */

struct arena_block {
    struct arena_block *next;
    size_t used, capacity;
    alignas(max_align_t) char bytes[];
};

void arena_init(struct arena *arena)
{
    arena->blocks = NULL;
    arena->bytes = 0;
}

void arena_done(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
    arena->bytes = 0;
}

void arena_clear(struct arena *arena)
{
    struct arena_block *kept = arena->blocks;

    if (!kept || kept->capacity > ARENA_KEEP_BYTES) {
        arena_done(arena);
        return;
    }
    arena->blocks = kept->next;
    arena_done(arena);
    kept->next = NULL;
    kept->used = 0;
    arena->blocks = kept;
    arena->bytes = kept->capacity;
}

void *arena_take(struct arena *arena, size_t count, size_t size)
{
    const size_t align = alignof(max_align_t);
    struct arena_block *block = arena->blocks;
    size_t len;
    void *ptr;

    if (size && count > ((size_t)-1 / 2) / size)
        abort();
    len = (count * size + align - 1) / align * align;
    if (!block || block->capacity - block->used < len) {
        size_t capacity = len > BLOCK_BYTES ? len : BLOCK_BYTES;
        block = memory_grow(NULL, 1, sizeof(*block) + capacity);
        block->next = arena->blocks;
        block->used = 0;
        block->capacity = capacity;
        arena->blocks = block;
        arena->bytes += capacity;
    }
    ptr = block->bytes + block->used;
    block->used += len;
    memset(ptr, 0, len);
    return ptr;
}

struct store_bytes arena_bytes(struct arena *arena, struct store_bytes bytes)
{
    struct store_bytes copy = {"", 0};

    if (bytes.len) {
        char *ptr = arena_take(arena, bytes.len + 1, 1);
        memcpy(ptr, bytes.ptr, bytes.len);
        copy.ptr = ptr;
        copy.len = bytes.len;
    }
    return copy;
}

const char *arena_text(struct arena *arena, const char *text)
{
    return text ? arena_bytes(arena, (struct store_bytes){text, strlen(text)})
                      .ptr
                : NULL;
}
