/* streak_key.h - keys that look like Streak's. */
#ifndef CONNECT_SANDBOX_STREAK_KEY_H
#define CONNECT_SANDBOX_STREAK_KEY_H

#include <stdbool.h>
#include <stdint.h>

enum streak_kind {
    STREAK_USER,
    STREAK_TEAM,
    STREAK_PIPELINE,
    STREAK_BOX,
    STREAK_CONTACT,
    STREAK_ORGANIZATION,
    STREAK_COMMENT,
    STREAK_NEWSFEED,
    STREAK_WEBHOOK,
    STREAK_KIND_COUNT
};

enum { STREAK_KEY_MAX = 128 }; /* with its NUL; the longest made has 100 */

/* The counter-th key of a kind: the same for the same seed, and different for
 * every counter. */
void streak_key_make(enum streak_kind kind, uint64_t seed, uint64_t counter,
                     char ret_key[STREAK_KEY_MAX]);
/* Is this text a key at all, as opposed to a key that nothing has? */
bool streak_key_decodes(const char *key);

#endif
