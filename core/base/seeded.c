/* seeded.c - is a mistake of the control build switched on?
 *
 * One idea: the environment is read at each question, it does not change while
 * a program runs.  Any thread. */
#include "base/seeded.h"

#ifdef CONNECT_SEEDED_BUGS

#include <stdlib.h>
#include <string.h>

bool seeded_bug(const char *name)
{
    const char *at = getenv("CONNECT_BUG");
    size_t len = strlen(name);

    while (at && *at) {
        if (!strncmp(at, name, len) && (!at[len] || at[len] == ','))
            return true;
        at = strchr(at, ',');
        if (at)
            at++;
    }
    return false;
}

#else

/* ISO C wants a declaration in every file. */
typedef int seeded_none;

#endif
