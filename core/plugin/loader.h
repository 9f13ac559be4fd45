/* loader.h - from a path to a checked table of functions.
 *
 * Nothing of a plugin runs before its file was checked: whose it is, who can
 * write it, what it offers.  Code that was loaded stays loaded.
 *
 * All functions are called on the main thread. */
#ifndef CONNECT_PLUGIN_LOADER_H
#define CONNECT_PLUGIN_LOADER_H

#include <connect/plugin.h>
#include <stdbool.h>

#include "base/error.h"

enum { LOADER_HASH_TEXT = 65 }; /* SHA-256 in hex and a NUL */

struct loader_result {
    cn_plugin table; /* of this host's size; what the plugin lacks is zero */
    char hash[LOADER_HASH_TEXT];
};

/* Load the plugin at an absolute path.  sha256: hex that the file must have, or
 * NULL.  generations: directory of our own for copies of plugins that were
 * replaced under the same path, or NULL: those are refused. */
int loader_open(const char *path, const char *sha256, const char *generations,
                struct loader_result *ret_result, struct error *err) MUST_USE;

/* A struct that grows: size bytes of ours, filled with what theirs brings, the
 * rest zero.  False when theirs is smaller than min. */
bool loader_normalise(void *ret_ours, size_t size, const void *theirs,
                      size_t min) MUST_USE;

#endif
