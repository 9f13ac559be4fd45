/* schema_pattern.h - what a pattern may cost, and whether it fits.  [any
 * thread]
 */
#ifndef CONNECT_CONFIG_SCHEMA_PATTERN_H
#define CONNECT_CONFIG_SCHEMA_PATTERN_H

#include <regex.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum {
    PATTERN_BYTES_MAX = 256,
    /* Single characters and classes after all counts in braces are written
     * out, as the C library does.  At 1024 the worst pattern found took 0.3 s
     * on a text of 4 KiB and 20 MiB of memory; at 4096 15 s and 220 MiB. */
    PATTERN_ATOMS_MAX = 1024,
    /* The library tries a pattern from every byte of the text, so the cost
     * grows with its length, at worst with the square. */
    PATTERN_TEXT_MAX = 4096
};

/* -EINVAL with a sentence for a pattern that is too long, refers back or may
 * cost too much.  Whether it is a right one is for regcomp to say. */
int schema_pattern_check(const char *text, struct error *err) MUST_USE;

/* Does the text match?  The process ends when there is no memory to say. */
bool schema_pattern_matches(const regex_t *pattern, const char *text);

#endif
