/* nearest.h - which known word a mistyped one may have meant.
 *
 * Only for messages to people.  [any thread] */
#ifndef CONNECT_CONFIG_NEAREST_H
#define CONNECT_CONFIG_NEAREST_H

#include <stddef.h>

struct nearest {
    const char *word;  /* as written; borrowed */
    const char *found; /* the nearest so far, NULL: none is near */
    size_t distance;   /* of found */
};

/* Begin; then offer every known word; then look at found. */
void nearest_init(struct nearest *nearest, const char *word);
void nearest_offer(struct nearest *nearest, const char *known);

#endif
