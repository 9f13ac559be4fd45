/* seal.c - free text on its way into the database and out of it.
 *
 * One idea: every column that may hold what people or other systems wrote
 * passes here, with the key of the person it concerns and the row it stands in.
 * A column that does not is a mistake.  Called on the writer's and the reader's
 * thread; no state. */
#include "store/seal.h"

#include <errno.h>
#include <string.h>

enum { SEAL_PLAIN = 0x01 }; /* version byte: not encrypted */

struct store_bytes seal_bytes(struct arena *arena, int64_t person_key,
                              int64_t row, struct store_bytes plain)
{
    struct store_bytes sealed = {NULL, 0};
    char *ptr;

    (void)person_key;
    (void)row;
    if (!plain.len)
        return sealed;
    ptr = arena_take(arena, plain.len + 1, 1);
    ptr[0] = SEAL_PLAIN;
    memcpy(ptr + 1, plain.ptr, plain.len);
    sealed.ptr = ptr;
    sealed.len = plain.len + 1;
    return sealed;
}

int seal_open(struct arena *arena, int64_t person_key, int64_t row,
              struct store_bytes sealed, struct store_bytes *ret_plain)
{
    (void)person_key;
    (void)row;
    if (!sealed.len) {
        *ret_plain = (struct store_bytes){"", 0};
        return 0;
    }
    if (sealed.ptr[0] != SEAL_PLAIN)
        return -EBADMSG;
    *ret_plain = arena_bytes(
        arena, (struct store_bytes){sealed.ptr + 1, sealed.len - 1});
    return 0;
}
