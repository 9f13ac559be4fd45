/* host_timer.c - timers and posts: ways back onto the instance's thread.
 *
 * Its one idea: a timer is named by a number and found by it, so stopping one
 * that fired is nothing; a post waits in a list under the host's lock, because
 * any thread may bring one, even after the instance ended. */
#include "plugin/host_timer.h"

#include <stdlib.h>
#include <utlist.h>

#include "base/memory.h"
#include "plugin/host_log.h"
#include "plugin/runner.h"

enum {
    TIMERS_MAX = 1024, /* of one instance; one each open request is plenty */
    POSTS_MAX = 16384  /* waiting; beyond it they are dropped and it is said */
};

struct host_timer {
    uv_timer_t timer; /* first; of the runner's loop */
    struct host *host;
    uint64_t id;
    void (*fn)(void *arg);
    void *arg;
    UT_hash_handle hh;
};

struct host_post {
    struct host_post *prev, *next;
    void (*fn)(void *arg);
    void *arg;
};

static void timer_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void timer_free(struct host *host, struct host_timer *timer)
{
    HASH_DEL(host->timers, timer);
    uv_close((uv_handle_t *)&timer->timer, timer_closed);
}

static void timer_fired(uv_timer_t *handle)
{
    struct host_timer *timer = handle->data;
    struct host *host = timer->host;
    void (*fn)(void *arg) = timer->fn;
    void *arg = timer->arg;

    if (atomic_load(&host->runner->abandoned))
        return;
    timer_free(host, timer);
    host_enter(host, NULL);
    fn(arg);
    (void)host_leave(host);
}

cn_timer host_timer_start(const cn_host *table, uint64_t delay_ms,
                          void (*fn)(void *arg), void *arg)
{
    struct host *host;
    struct host_timer *timer;

    if (!host_permits(table, "timer_start", &host))
        return 0;
    if (!fn || HASH_COUNT(host->timers) >= TIMERS_MAX) {
        host_complain(host, 0,
                      "started a timer without a function, or more "
                      "than %d",
                      TIMERS_MAX);
        return 0;
    }
    timer = memory_zero(1, sizeof(*timer));
    timer->host = host;
    timer->id = ++host->timer_last;
    timer->fn = fn;
    timer->arg = arg;
    timer->timer.data = timer;
    if (uv_timer_init(&host->runner->loop, &timer->timer)) {
        free(timer);
        return 0;
    }
    uv_update_time(&host->runner->loop);
    (void)uv_timer_start(&timer->timer, timer_fired, delay_ms, 0);
    HASH_ADD(hh, host->timers, id, sizeof(timer->id), timer);
    return timer->id;
}

void host_timer_stop(const cn_host *table, cn_timer id)
{
    struct host *host;
    struct host_timer *timer;

    if (!host_permits(table, "timer_stop", &host))
        return;
    HASH_FIND(hh, host->timers, &id, sizeof(id), timer);
    if (timer)
        timer_free(host, timer);
}

void host_timers_free(struct host *host)
{
    struct host_timer *timer, *next;

    HASH_ITER(hh, host->timers, timer, next)
    {
        timer_free(host, timer);
    }
}

void host_post(const cn_host *table, void (*fn)(void *arg), void *arg)
{
    struct host *host = (struct host *)(uintptr_t)table;
    struct host_post *post = memory_zero(1, sizeof(*post));
    const char *refused = NULL;

    post->fn = fn;
    post->arg = arg;
    uv_mutex_lock(&host->lock);
    if (!host->runner)
        refused = "called post after the instance had ended";
    else if (!fn)
        refused = "called post without a function";
    else if (host->post_count >= POSTS_MAX)
        refused = "posted faster than it works; a function was dropped";
    if (!refused) {
        DL_APPEND(host->posts, post);
        host->post_count++;
        mailbox_wake(host->runner->inbox);
    }
    uv_mutex_unlock(&host->lock);
    if (refused) {
        free(post);
        host_complain(host, 0, "%s", refused);
    }
}

static struct host_post *post_take(struct host *host)
{
    struct host_post *post;

    uv_mutex_lock(&host->lock);
    post = host->posts;
    if (post) {
        DL_DELETE(host->posts, post);
        host->post_count--;
    }
    uv_mutex_unlock(&host->lock);
    return post;
}

bool host_posts_run(struct host *host)
{
    struct host_post *post;
    bool here = true;

    /* At most what was there at the beginning, so that a post that posts again
     * lets the others have their turn. */
    for (size_t left = POSTS_MAX; here && left > 0; left--) {
        post = post_take(host);
        if (!post)
            break;
        host_enter(host, NULL);
        post->fn(post->arg);
        here = host_leave(host);
        free(post);
    }
    return here;
}

void host_posts_free(struct host *host)
{
    struct host_post *post;

    uv_mutex_lock(&host->lock);
    host->runner = NULL;
    uv_mutex_unlock(&host->lock);
    while ((post = post_take(host)))
        free(post);
}
