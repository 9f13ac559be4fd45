/* seal.c - free text on its way into the database and out of it.
 *
 * One idea: every column that may hold what people or other systems wrote
 * passes here, with the key of the person it concerns and the row it stands in.
 * A column that does not is a mistake.  Called on the writer's and the reader's
 * thread; no state. */
#include "store/seal.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "base/seeded.h"

enum {
    /* The version byte.  Neither is encrypted. */
    SEAL_PLAIN = 0x01, /* of old rows: nothing to check them by */
    SEAL_SUMMED = 0xc2,
    SEAL_SUM_BYTES = crypto_shorthash_BYTES
};

/* A disk's mistakes, not people's, so the key is no secret. */
static void seal_sum(struct store_bytes plain, unsigned char *sum)
{
    static const unsigned char key[crypto_shorthash_KEYBYTES];

    crypto_shorthash(sum, (const unsigned char *)plain.ptr, plain.len, key);
}

struct store_bytes seal_bytes(struct arena *arena, int64_t person_key,
                              int64_t row, struct store_bytes plain)
{
    struct store_bytes sealed = {NULL, 0};
    char *ptr;

    (void)person_key;
    (void)row;
    if (!plain.len)
        return sealed;
    ptr = arena_take(arena, plain.len + 1 + SEAL_SUM_BYTES, 1);
    ptr[0] = (char)SEAL_SUMMED;
    seal_sum(plain, (unsigned char *)ptr + 1);
    memcpy(ptr + 1 + SEAL_SUM_BYTES, plain.ptr, plain.len);
    sealed.ptr = ptr;
    sealed.len = plain.len + 1 + SEAL_SUM_BYTES;
    return sealed;
}

int seal_open(struct arena *arena, int64_t person_key, int64_t row,
              struct store_bytes sealed, struct store_bytes *ret_plain)
{
    unsigned char sum[SEAL_SUM_BYTES];
    struct store_bytes plain;
    size_t head = 1;

    (void)person_key;
    (void)row;
    if (!sealed.len) {
        *ret_plain = (struct store_bytes){"", 0};
        return 0;
    }
    if ((unsigned char)sealed.ptr[0] == SEAL_SUMMED)
        head += SEAL_SUM_BYTES;
    else if (sealed.ptr[0] != SEAL_PLAIN)
        return -EBADMSG;
    if (sealed.len < head)
        return -EBADMSG;
    plain = (struct store_bytes){sealed.ptr + head, sealed.len - head};
    if (head > 1) {
        seal_sum(plain, sum);
        if (memcmp(sum, sealed.ptr + 1, sizeof(sum)) != 0 &&
            !seeded_bug("F11record"))
            return -EBADMSG;
    }
    *ret_plain = arena_bytes(arena, plain);
    return 0;
}
