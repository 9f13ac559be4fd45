/* engine_edit.c - a person corrects what a run works with.
 *
 * Called on the loop thread. */
#include "flow/engine_state.h"

#include <errno.h>

int engine_edit(struct engine *engine, const char *actor, uint64_t run,
                const char *path, cn_str body, const char *reason, bool dry,
                engine_edited_fn *fn, void *arg)
{
    (void)engine, (void)actor, (void)run, (void)path, (void)body, (void)reason;
    (void)dry, (void)fn, (void)arg;
    return -ENOSYS;
}
