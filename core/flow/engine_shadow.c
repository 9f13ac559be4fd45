/* engine_shadow.c - what a run would do, shown without doing it.
 *
 * Called on the loop thread. */
#include "flow/engine_state.h"

#include <errno.h>

int engine_shadow(struct engine *engine, uint64_t run,
                  enum engine_shadow_version version, engine_shadow_fn *fn,
                  void *arg)
{
    (void)engine, (void)run, (void)version, (void)fn, (void)arg;
    return -ENOSYS;
}
