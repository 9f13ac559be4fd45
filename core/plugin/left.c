/* left.c - threads left behind that may still send something.
 *
 * Its one idea: a call that hangs in a plugin with a network of its own may
 * wake up at any time and send its delivery after all.  Until its thread has
 * ended, and the record type's settle time has passed since then, "it is not
 * there" is no answer for that instance: what is in doubt stays so, for a
 * person or a restart of the daemon, which ends the thread for sure.  An
 * instance that was removed and added again is still the same one.  How many
 * there are is bounded by how often an instance is replaced (instance.h).  Loop
 * thread. */
#include "plugin/left.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/memory.h"

enum { KEEP_MS = 24 * 3600 * 1000 }; /* the longest settle time */

struct left {
    struct left *prev, *next;
    char *instance;
    struct runner *runner; /* a reference; NULL: it has ended */
    uint64_t ended_ms;     /* loop time when that was seen */
};

/* Did a delivery begin here that has not ended? */
static bool has_delivery(const struct generation *generation)
{
    struct core_op *op, *next;

    HASH_ITER(hh, generation->entry->instances->ops, op, next)
    {
        if (op->generation == generation && op->kind == OP_DELIVER &&
            !op->unread)
            return true;
    }
    return false;
}

void left_note(struct generation *generation, struct runner *runner)
{
    struct instances *instances = generation->entry->instances;
    struct left *left;

    if (generation->setup->module->manifest->network_host ||
        !has_delivery(generation))
        return;
    left = memory_zero(1, sizeof(*left));
    left->instance = memory_text(generation->entry->name);
    left->runner = runner_share(runner);
    DL_APPEND(instances->left, left);
}

static void one_free(struct instances *instances, struct left *left)
{
    DL_DELETE(instances->left, left);
    runner_release(left->runner);
    free(left->instance);
    free(left);
}

void left_look(struct instances *instances)
{
    uint64_t now_ms = uv_now(instances->options.loop);
    struct left *left, *next;

    DL_FOREACH_SAFE(instances->left, left, next)
    {
        if (left->runner && atomic_load(&left->runner->ended)) {
            runner_release(left->runner);
            left->runner = NULL;
            left->ended_ms = now_ms;
        } else if (!left->runner && now_ms - left->ended_ms > KEEP_MS) {
            one_free(instances, left);
        }
    }
}

bool left_may_send(const struct instances *instances, const char *instance,
                   const char *type)
{
    const struct record_type *known =
        record_types_find(instances->options.types, type);
    uint64_t settle_ms = known ? (uint64_t)known->settle_ms : KEEP_MS;
    uint64_t now_ms = uv_now(instances->options.loop);
    const struct left *left;

    DL_FOREACH(instances->left, left)
    {
        if (!strcmp(left->instance, instance) &&
            (left->runner || now_ms - left->ended_ms < settle_ms))
            return true;
    }
    return false;
}

void left_free(struct instances *instances)
{
    while (instances->left)
        one_free(instances, instances->left);
}
