/* kit_memory.c - the kit's blocks and small keyed values.
 *
 * What is lent to the plugin has a block of its own of the exact size, so that
 * an address sanitizer sees a byte too far and a pointer kept too long.  Called
 * on the test's thread. */
#include "kit_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *kit_must(void *memory)
{
    if (!memory) {
        fprintf(stderr, "kit: no memory left\n");
        abort();
    }
    return memory;
}

void *kit_grow(void *array, size_t count, size_t size)
{
    return kit_must(realloc(array, (count ? count : 1) * size));
}

static void *add_block(struct kit_block **blocks, const void *bytes, size_t len)
{
    struct kit_block *block = kit_must(calloc(1, sizeof(*block)));

    block->memory = kit_must(malloc(len + 1));
    if (len)
        memcpy(block->memory, bytes, len);
    ((char *)block->memory)[len] = '\0';
    block->next = *blocks;
    *blocks = block;
    return block->memory;
}

char *kit_keep(struct kit *kit, const void *bytes, size_t len)
{
    return add_block(&kit->kept, bytes, len);
}

void *kit_lend(struct kit *kit, const void *bytes, size_t len)
{
    return add_block(&kit->lent, bytes, len);
}

cn_str kit_lend_text(struct kit *kit, const char *text)
{
    size_t len = text ? strlen(text) : 0;
    cn_str lent = {NULL, len};

    lent.ptr = kit_lend(kit, text, len);
    return lent;
}

void kit_drop(struct kit_block **blocks)
{
    while (*blocks) {
        struct kit_block *block = *blocks;
        *blocks = block->next;
        free(block->memory);
        free(block);
    }
}

static struct kit_value *find(const struct kit_values *values, const char *key)
{
    for (size_t index = 0; index < values->count; index++) {
        if (!strcmp(values->items[index].key, key))
            return &values->items[index];
    }
    return NULL;
}

const struct kit_value *kit_values_get(const struct kit_values *values,
                                       const char *key)
{
    return find(values, key);
}

static char *copy_bytes(const char *bytes, size_t len)
{
    char *copy = kit_must(malloc(len + 1));

    if (len)
        memcpy(copy, bytes, len);
    copy[len] = '\0';
    return copy;
}

void kit_values_set(struct kit_values *values, const char *key,
                    const char *bytes, size_t len)
{
    struct kit_value *value = find(values, key);
    char *copy = bytes ? copy_bytes(bytes, len) : NULL;

    if (!copy && !value)
        return;
    if (!copy) {
        free(value->key);
        free(value->value);
        *value = values->items[--values->count];
        return;
    }
    if (!value) {
        values->items =
            kit_grow(values->items, values->count + 1, sizeof(*values->items));
        value = &values->items[values->count++];
        value->key = copy_bytes(key, strlen(key));
    } else {
        free(value->value);
    }
    value->value = copy;
    value->len = len;
}

void kit_values_done(struct kit_values *values)
{
    for (size_t index = 0; index < values->count; index++) {
        free(values->items[index].key);
        free(values->items[index].value);
    }
    free(values->items);
    values->items = NULL;
    values->count = 0;
}
