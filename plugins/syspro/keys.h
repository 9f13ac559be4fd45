/* keys.h - SYSPRO's keys in the form it stores and the form it shows. */
#ifndef SYSPRO_KEYS_H
#define SYSPRO_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include <connect/plugin.h>

enum { KEY_MAX = 31 }; /* 30 characters, the longest key, and a NUL */

/* How one kind of key is set up in a company. */
struct key_kind {
    bool numeric;        /* digits only, stored filled up with zeros */
    size_t length;       /* stored digits of a numeric key */
    size_t presentation; /* digits shown at least; 0: no leading zeros */
};

/* Blanks at both ends are taken off.  False: empty, too long, or not a key of
 * that kind. */
bool key_stored(const struct key_kind *kind, cn_str key, char to[KEY_MAX]);
/* The short form that people see. */
bool key_shown(const struct key_kind *kind, cn_str key, char to[KEY_MAX]);

#endif
