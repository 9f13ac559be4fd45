/* runner.c - the thread on which plugin code runs.
 *
 * Its one idea: the thread does nothing but take messages from its inbox and
 * run what was posted, and after each call into a plugin it looks whether the
 * core still wants it.  What must hold: once abandoned it touches neither the
 * core's mailbox nor a plugin again; it frees what is its own and ends.  The
 * runner belongs to both sides and goes with the last. */
#include "plugin/runner.h"

#include <pthread.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/memory.h"
#include "plugin/host.h"
#include "plugin/host_timer.h"

enum {
    INBOX_COUNT_MAX = 4096, /* more than all instances may have open */
    /* Requests of CN_BODY_MAX for several instances; beyond it the flow is told
     * to come again. */
    INBOX_BYTES_MAX = 128 * 1024 * 1024,
    OUTBOX_COUNT_MAX = 4096,
    OUTBOX_BYTES_MAX = 128 * 1024 * 1024, /* requests; outcomes are urgent */
    BATCH_MAX = 64, /* messages in one turn, so that timers get theirs */
    STACK_BYTES = 8 * 1024 * 1024 /* what plugin authors are used to */
};

struct runner *runner_share(struct runner *runner)
{
    atomic_fetch_add(&runner->references, 1);
    return runner;
}

void runner_release(struct runner *runner)
{
    if (!runner || atomic_fetch_sub(&runner->references, 1) > 1)
        return;
    mailbox_release(runner->inbox);
    mailbox_release(runner->outbox);
    free(runner);
}

static struct host *host_by_number(struct runner *runner, uint64_t number)
{
    struct host *host;

    HASH_FIND(hh, runner->hosts, &number, sizeof(number), host);
    return host;
}

static void runner_dispatch(struct runner *runner,
                            const struct message *message)
{
    struct host *host;

    if (message->kind == MESSAGE_CREATE) {
        host_create(runner, message);
        return;
    }
    if (message->kind == MESSAGE_END) {
        runner->ending = true;
        return;
    }
    host = host_by_number(runner, message->instance);
    if (host)
        host_receive(host, message);
}

static bool runner_left(const struct runner *runner)
{
    return atomic_load(&runner->abandoned);
}

static void posts_run(struct runner *runner)
{
    struct host *host, *next;

    HASH_ITER(hh, runner->hosts, host, next)
    {
        if (!host_posts_run(host))
            return;
    }
}

static void runner_work(void *arg)
{
    struct runner *runner = arg;
    struct message *message = NULL;

    for (int left = BATCH_MAX; left > 0; left--) {
        if (runner_left(runner) || !(message = mailbox_take(runner->inbox)))
            break;
        runner_dispatch(runner, message);
        message_destroy(message);
        if (left == 1)
            mailbox_wake(runner->inbox);
    }
    if (!runner_left(runner))
        posts_run(runner);
    if (runner_left(runner) || runner->ending)
        uv_stop(&runner->loop);
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* The instances of a thread that was left behind outlive it. */
static void hosts_leave_behind(struct runner *runner)
{
    struct host *host, *next;

    HASH_ITER(hh, runner->hosts, host, next)
    {
        HASH_DEL(runner->hosts, host);
        host_leave_behind(host);
    }
}

static void runner_run(void *arg)
{
    struct runner *runner = arg;

    while (!runner->ending && !runner_left(runner))
        (void)uv_run(&runner->loop, UV_RUN_DEFAULT);
    hosts_leave_behind(runner);
    mailbox_close(runner->inbox);
    uv_walk(&runner->loop, close_handle, NULL); /* timers left behind */
    (void)uv_run(&runner->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&runner->loop);
    /* Nobody takes it when the core has left; it is freed with the mailbox. */
    mailbox_send_urgent(runner->outbox,
                        message_create(MESSAGE_ENDED, 0, 0, NULL));
    atomic_store(&runner->ended, true);
    runner_release(runner);
}

int runner_create(uv_loop_t *core_loop, bool blocking, mailbox_fn *fn,
                  void *owner, struct runner **ret_runner, struct error *err)
{
    struct runner *runner = memory_zero(1, sizeof(*runner));
    uv_thread_options_t options = {UV_THREAD_HAS_STACK_SIZE, STACK_BYTES};
    int status = uv_loop_init(&runner->loop);

    if (status) {
        error_set(err, "a thread for plugins could not be started: %s",
                  uv_strerror(status));
        free(runner);
        return status;
    }
    atomic_init(&runner->references, 2);
    runner->blocking = blocking;
    runner->owner = owner;
    status = mailbox_create(&runner->loop, INBOX_COUNT_MAX, INBOX_BYTES_MAX,
                            runner_work, runner, &runner->inbox);
    if (!status)
        status = mailbox_create(core_loop, OUTBOX_COUNT_MAX, OUTBOX_BYTES_MAX,
                                fn, runner, &runner->outbox);
    if (!status)
        status =
            uv_thread_create_ex(&runner->thread, &options, runner_run, runner);
    if (!status) {
        *ret_runner = runner;
        return 0;
    }
    error_set(err, "a thread for plugins could not be started: %s",
              uv_strerror(status));
    if (runner->outbox)
        mailbox_close(runner->outbox);
    if (runner->inbox) {
        mailbox_close(runner->inbox);
        (void)uv_run(&runner->loop, UV_RUN_DEFAULT);
    }
    (void)uv_loop_close(&runner->loop);
    atomic_store(&runner->references, 1);
    runner_release(runner);
    return status;
}

void runner_join(struct runner *runner)
{
    (void)uv_thread_join(&runner->thread);
    mailbox_close(runner->outbox);
    runner_release(runner);
}

void runner_abandon(struct runner *runner)
{
    atomic_store(&runner->abandoned, true);
    mailbox_wake(runner->inbox);
    mailbox_close(runner->outbox);
    (void)pthread_detach(runner->thread);
    runner_release(runner);
}
