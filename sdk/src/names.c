/* names.c - a hash table of names that cannot be flooded.
 *
 * Open addressing with linear steps, at most half full.  The hash is SipHash
 * 2-4 with a key drawn for each table: a fixed hash would let a sender choose a
 * million names that all fall into one slot.  Folding is part of the hash, so
 * that case twins meet in one slot as well.
 *
 * A table is used by the thread that made it. */
#include "names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { CAPACITY_FIRST = 64 }; /* tables start above a few members only */

static unsigned char fold_byte(unsigned char byte, bool fold)
{
    if (fold && byte >= 'A' && byte <= 'Z')
        return (unsigned char)(byte + ('a' - 'A'));
    return byte;
}

bool cn_names_equal(const char *left, const char *right, bool fold)
{
    const unsigned char *a = (const unsigned char *)left;
    const unsigned char *b = (const unsigned char *)right;

    while (*a && fold_byte(*a, fold) == fold_byte(*b, fold)) {
        a++;
        b++;
    }
    return *a == *b;
}

static uint64_t rotate(uint64_t word, unsigned count)
{
    return word << count | word >> (64 - count);
}

static void mix(uint64_t state[4], int rounds)
{
    while (rounds--) {
        state[0] += state[1];
        state[1] = rotate(state[1], 13) ^ state[0];
        state[0] = rotate(state[0], 32);
        state[2] += state[3];
        state[3] = rotate(state[3], 16) ^ state[2];
        state[0] += state[3];
        state[3] = rotate(state[3], 21) ^ state[0];
        state[2] += state[1];
        state[1] = rotate(state[1], 17) ^ state[2];
        state[2] = rotate(state[2], 32);
    }
}

static void absorb(uint64_t state[4], uint64_t word)
{
    state[3] ^= word;
    mix(state, 2);
    state[0] ^= word;
}

/* SipHash 2-4 over the bytes of name. */
static uint64_t hash_name(const struct cn_names *names, const char *name)
{
    uint64_t state[4] = {
        names->key[0] ^ 0x736f6d6570736575u,
        names->key[1] ^ 0x646f72616e646f6du,
        names->key[0] ^ 0x6c7967656e657261u,
        names->key[1] ^ 0x7465646279746573u,
    };
    uint64_t word = 0;
    size_t len = 0;

    for (; name[len]; len++) {
        unsigned char byte = fold_byte((unsigned char)name[len], names->fold);
        word |= (uint64_t)byte << (len % 8 * 8);
        if (len % 8 == 7) {
            absorb(state, word);
            word = 0;
        }
    }
    absorb(state, word | (uint64_t)len << 56);
    state[2] ^= 0xff;
    mix(state, 4);
    return state[0] ^ state[1] ^ state[2] ^ state[3];
}

int cn_names_init(struct cn_names *names, bool fold)
{
    memset(names, 0, sizeof(*names));
    names->fold = fold;
    /* Up to 256 bytes come whole or not at all. */
    if (getrandom(names->key, sizeof(names->key), 0) < 0)
        return -errno;
    return 0;
}

void cn_names_done(struct cn_names *names)
{
    cJSON_free(names->slots);
    memset(names, 0, sizeof(*names));
}

static void place(struct cn_names *names, uint64_t hash, cJSON *member)
{
    size_t index = (size_t)hash & (names->capacity - 1);

    while (names->slots[index].member)
        index = (index + 1) & (names->capacity - 1);
    names->slots[index].hash = hash;
    names->slots[index].member = member;
}

static int grow(struct cn_names *names)
{
    struct cn_names_slot *before = names->slots;
    size_t capacity_before = names->capacity;
    size_t capacity = capacity_before ? capacity_before * 2 : CAPACITY_FIRST;
    struct cn_names_slot *slots = cJSON_malloc(capacity * sizeof(*slots));

    if (!slots)
        return -ENOMEM;
    memset(slots, 0, capacity * sizeof(*slots));
    names->slots = slots;
    names->capacity = capacity;
    for (size_t index = 0; index < capacity_before; index++) {
        if (before[index].member)
            place(names, before[index].hash, before[index].member);
    }
    cJSON_free(before);
    return 0;
}

int cn_names_add(struct cn_names *names, cJSON *member)
{
    if (names->count >= names->capacity / 2) {
        int status = grow(names);
        if (status)
            return status;
    }
    place(names, hash_name(names, member->string), member);
    names->count++;
    return 0;
}

cJSON *cn_names_find(const struct cn_names *names, const char *name)
{
    uint64_t hash = hash_name(names, name);
    size_t index = (size_t)hash & (names->capacity - 1);

    if (!names->capacity)
        return NULL;
    while (names->slots[index].member) {
        const struct cn_names_slot *slot = &names->slots[index];
        if (slot->hash == hash &&
            cn_names_equal(slot->member->string, name, names->fold))
            return slot->member;
        index = (index + 1) & (names->capacity - 1);
    }
    return NULL;
}
