/* quiet.c - for the program it is linked into, nothing is synced.
 *
 * The harness opens thousands of laid-out states to look at them; it keeps none
 * of them, and a sync of each would only take time.  These stand before the C
 * library's own.  Called by SQLite and the store, any thread. */
#include "quiet.h"

int fsync(int descriptor)
{
    (void)descriptor;
    return 0;
}

int fdatasync(int descriptor)
{
    (void)descriptor;
    return 0;
}

int posix_fallocate(int descriptor, off_t offset, off_t len)
{
    (void)descriptor;
    (void)offset;
    (void)len;
    return 0;
}
