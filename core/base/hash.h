/* hash.h - the hash map of the daemon: uthash, ending the process with its
 * message when memory ends. */
#ifndef CONNECT_BASE_HASH_H
#define CONNECT_BASE_HASH_H

#include "base/memory.h"

#define uthash_fatal(text) memory_end()
#include <uthash.h>

#endif
