/* allocation.h - the library whose allocations fail has nothing to offer but
 * the allocation functions of the C library. */
#ifndef CONNECT_CRASH_ALLOCATION_H
#define CONNECT_CRASH_ALLOCATION_H

#include <stddef.h>

#endif
