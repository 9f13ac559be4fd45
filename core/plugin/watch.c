/* watch.c - time-outs of operations, and threads that hang.
 *
 * Its one idea: two things can be late.  An operation that was cancelled and
 * does not end: its instance is given up, and lives on without being called,
 * because its thread is fine.  A call that does not return: its thread is given
 * up with everything on it; the instances that only shared the thread begin
 * anew on another one and are not blamed.  Loop thread; time is the loop's, so
 * that stepping the daemon's clock gives up nobody. */
#include "plugin/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "plugin/bridge.h"
#include "plugin/left.h"
#include "plugin/operation.h"

enum {
    LOOK_MS_MAX = 100, /* how exact time-outs are */
    LOOK_MS_MIN = 5,
    LOOKS = 4 /* looks within the shortest time-out */
};

uint64_t watch_interval_ms(const struct instances_options *options)
{
    uint64_t shortest_ms = options->stuck_ms < options->operation_ms
                               ? options->stuck_ms
                               : options->operation_ms;
    uint64_t interval_ms = shortest_ms / LOOKS;

    if (interval_ms > LOOK_MS_MAX)
        return LOOK_MS_MAX;
    return interval_ms < LOOK_MS_MIN ? LOOK_MS_MIN : interval_ms;
}

/* Operations of a generation that is never called again. */
static void generation_lose(struct generation *generation, bool blamed,
                            const char *reason, struct core_op **list)
{
    struct entry *entry = generation->entry;
    bool serving = entry->active == generation || entry->pending == generation;

    operations_detach(generation, blamed, list);
    if (blamed)
        entry_log(entry, LOG_ERROR, 0, reason);
    generation_unlink(generation);
    if (serving)
        entry_replace(entry, blamed, reason);
    entry_sweep(entry);
}

static void generation_give_up(struct generation *generation,
                               const char *reason)
{
    struct instances *instances = generation->entry->instances;
    struct core_op *list = NULL;

    (void)mailbox_send_urgent(
        generation->runner->inbox,
        message_create(MESSAGE_ABANDON, generation->number, 0, NULL));
    generation_lose(generation, true, reason, &list);
    operations_lose(instances, list, reason);
}

/* What the thread never took out of its inbox never began. */
static void inbox_drain(struct instances *instances, struct runner *runner)
{
    struct message *message;

    while ((message = mailbox_take(runner->inbox))) {
        struct core_op *op = operation_find(instances, message->op);
        if (message->kind == MESSAGE_START && op)
            op->unread = true;
        message_destroy(message);
    }
}

static struct generation *generation_on(struct instances *instances,
                                        const struct runner *runner)
{
    struct generation *generation, *next;

    HASH_ITER(hh, instances->generations, generation, next)
    {
        if (generation->runner == runner)
            return generation;
    }
    return NULL;
}

static void runner_give_up(struct instances *instances, struct runner *runner,
                           const char *reason)
{
    bool calling = (atomic_load(&runner->calls) & 1) != 0;
    uint64_t culprit = calling ? atomic_load(&runner->calling) : 0;
    struct core_op *list = NULL;
    struct generation *generation;

    /* From here on the thread stops at the next look it takes. */
    atomic_store(&runner->abandoned, true);
    inbox_drain(instances, runner);
    DL_DELETE(instances->runners, runner);
    if (instances->shared == runner)
        instances->shared = NULL;
    instances->left_behind = true;
    while ((generation = generation_on(instances, runner))) {
        if (generation->number == culprit)
            left_note(generation, runner);
        generation->runner = NULL;
        generation_lose(generation, generation->number == culprit, reason,
                        &list);
    }
    runner_abandon(runner);
    operations_lose(instances, list, reason);
}

/* Since when one call into a plugin has been running, in ms; 0: none. */
static uint64_t runner_held_ms(struct runner *runner, uint64_t now_ms)
{
    uint64_t calls = atomic_load(&runner->calls);

    if (calls != runner->seen_calls || !(calls & 1)) {
        runner->seen_calls = calls;
        runner->seen_since_ms = now_ms;
        return 0;
    }
    return now_ms - runner->seen_since_ms;
}

/* How long a call may hold this thread.  On a shared one a plugin must not
 * block at all; one of its own may wait as long as its operations may take. */
static uint64_t held_limit_ms(const struct instances *instances,
                              const struct runner *runner)
{
    const struct instances_options *options = &instances->options;
    uint64_t limit_ms = options->stuck_ms, now_ms = uv_now(options->loop);
    struct core_op *op, *next;

    if (!runner->blocking)
        return limit_ms;
    limit_ms += options->operation_ms;
    HASH_ITER(hh, instances->ops, op, next)
    {
        if (op->generation && op->generation->runner == runner &&
            !op->cancelled && op->due_ms > now_ms)
            return UINT64_MAX; /* it has time; its own time-out comes first */
    }
    return limit_ms;
}

static void look_at_runners(struct instances *instances, uint64_t now_ms)
{
    struct runner *runner, *next;
    char reason[REASON_MAX];

    DL_FOREACH_SAFE(instances->runners, runner, next)
    {
        uint64_t held_ms = runner_held_ms(runner, now_ms);
        if (!held_ms || held_ms < held_limit_ms(instances, runner))
            continue;
        snprintf(reason, sizeof(reason),
                 "a call into the plugin has not returned for %" PRIu64
                 " ms; its thread is left behind",
                 held_ms);
        runner_give_up(instances, runner, reason);
        next = instances->runners; /* the list may have changed */
    }
}

static struct core_op *op_due(struct instances *instances, uint64_t now_ms)
{
    struct core_op *op, *next;

    HASH_ITER(hh, instances->ops, op, next)
    {
        if (op->generation && op->due_ms <= now_ms)
            return op;
    }
    return NULL;
}

static void op_late(struct instances *instances, struct core_op *op,
                    uint64_t now_ms)
{
    struct generation *generation = op->generation;
    struct runner *runner = generation->runner;
    char reason[REASON_MAX];
    uint64_t held_ms;

    if (!op->cancelled) {
        operation_cancel(op, now_ms);
        return;
    }
    held_ms = runner_held_ms(runner, now_ms);
    if (held_ms && atomic_load(&runner->calling) != generation->number) {
        /* Another instance holds the thread: it may be why this one has not
         * ended.  That one's own limit comes first. */
        op->due_ms = now_ms + watch_interval_ms(&instances->options);
        return;
    }
    snprintf(reason, sizeof(reason),
             "operation %" PRIu64 " (%s) did not end when it was cancelled; "
             "the instance is given up",
             op->id, op_kind_text(op->kind));
    if (held_ms)
        runner_give_up(instances, runner, reason);
    else
        generation_give_up(generation, reason);
}

void watch_look(struct instances *instances)
{
    uint64_t now_ms = uv_now(instances->options.loop);
    struct core_op *op;

    left_look(instances);
    look_at_runners(instances, now_ms);
    /* Each turn cancels an operation, removes one or puts it off, so this
     * ends. */
    while ((op = op_due(instances, now_ms)))
        op_late(instances, op, now_ms);
}

void watch_give_up_all(struct instances *instances)
{
    while (instances->runners)
        runner_give_up(instances, instances->runners,
                       "the daemon stops and the plugin did not");
}
