/* seeded.h - the mistakes of the control build.
 *
 * A harness that never saw a mistake proves nothing.  The build with
 * -DCONNECT_SEEDED_BUGS=ON holds the mistakes of the fault catalogue, each
 * behind its name, switched on by the environment: CONNECT_BUG=F08 or a list
 * F08,F13.  In every other build seeded_bug is the constant false and the
 * compiler removes the mistake.  tests/proof/README.md lists the names.  Any
 * thread. */
#ifndef CONNECT_BASE_SEEDED_H
#define CONNECT_BASE_SEEDED_H

#include <stdbool.h>

#ifdef CONNECT_SEEDED_BUGS
bool seeded_bug(const char *name);
#else
#define seeded_bug(name) false
#endif

#endif
