/* seal.h - the one place through which free text enters and leaves the
 * database.
 *
 * Plain for now, with a sum that tells when the disk gave back other bytes.  A
 * version byte stands in front, so that rows written today can be told from
 * encrypted ones later.  The key of the person and the row go in already,
 * because they will be key and associated data. */
#ifndef CONNECT_STORE_SEAL_H
#define CONNECT_STORE_SEAL_H

#include <stdint.h>

#include "base/error.h"
#include "store/arena.h"

/* Sealed bytes, owned by the arena.  Nothing (len 0) stays nothing. */
struct store_bytes seal_bytes(struct arena *arena, int64_t person_key,
                              int64_t row, struct store_bytes plain);
/* The plain bytes with a NUL behind them; -EBADMSG: not what was
 * sealed. */
int seal_open(struct arena *arena, int64_t person_key, int64_t row,
              struct store_bytes sealed,
              struct store_bytes *ret_plain) MUST_USE;

#endif
