/* daemon_ports.c - the engine's ports: instances, jq, the wake-up timer.
 *
 * While the parts are taken down the engine may still ask; what is gone answers
 * that it does not take work.  [loop thread] */
#include "daemon/daemon_state.h"

#include <errno.h>
#include <unistd.h>
#include <sodium.h>

#include "base/log.h"

static int port_op_start(void *arg, const struct op_request *request,
                         op_ended_fn *fn, void *fn_arg, uint64_t *ret_op,
                         struct error *err)
{
    struct daemon *daemon = arg;

    if (!daemon->instances) /* the last commits are answered after them */
        return -EAGAIN;
    return instances_start(daemon->instances, request, fn, fn_arg, ret_op, err);
}

static void port_op_cancel(void *arg, uint64_t op)
{
    struct daemon *daemon = arg;

    instances_cancel(daemon->instances, op);
}

static void port_op_commit(void *arg, const char *instance, cn_str cursor)
{
    struct daemon *daemon = arg;

    if (daemon->instances)
        instances_commit(daemon->instances, instance, cursor);
}

static uint32_t port_op_room(void *arg, const char *instance)
{
    struct daemon *daemon = arg;
    const struct instance_info *info =
        daemon->instances ? instances_find(daemon->instances, instance) : NULL;

    if (!info || info->state != INSTANCE_RUNNING)
        return 0;
    return info->room;
}

static bool port_op_known(void *arg, const char *instance)
{
    struct daemon *daemon = arg;

    return !daemon->instances || instances_find(daemon->instances, instance);
}

static int port_jq_start(void *arg, const char *program, const char *input,
                         size_t len, ports_jq_fn *fn, void *fn_arg)
{
    struct daemon *daemon = arg;

    if (!daemon->jq)
        return -EAGAIN;
    return jq_pool_start(daemon->jq, program, input, len, fn, fn_arg);
}

static void wake_timer_fired(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;

    engine_wake(daemon->engine);
}

static void port_wake_at(void *arg, int64_t steady_ms)
{
    struct daemon *daemon = arg;
    int64_t delay_ms = steady_ms - store_steady_ms(daemon->store);

    if (uv_is_active((uv_handle_t *)&daemon->wake_timer) &&
        daemon->wake_at == steady_ms)
        return;
    daemon->wake_at = steady_ms;
    uv_update_time(daemon->loop);
    uv_timer_start(&daemon->wake_timer, wake_timer_fired,
                   delay_ms > 0 ? (uint64_t)delay_ms : 0, 0);
}

static uint64_t port_random(void *arg)
{
    uint64_t number;

    (void)arg;
    randombytes_buf(&number, sizeof(number));
    return number;
}

/* Nothing is acknowledged any more; what was is on disk. */
static void port_store_failed(void *arg)
{
    (void)arg;
    log_write(LOG_ERROR, NULL,
              "the store cannot be written (I/O errors): ending, so that the "
              "supervisor starts anew; look at the disk");
    _exit(1);
}

struct flow_ports daemon_ports(struct daemon *daemon)
{
    struct flow_ports ports = {
        .op_start = port_op_start,
        .op_cancel = port_op_cancel,
        .op_commit = port_op_commit,
        .op_room = port_op_room,
        .op_known = port_op_known,
        .jq_start = port_jq_start,
        .wake_at = port_wake_at,
        .random = port_random,
        .store_failed = port_store_failed,
        .arg = daemon,
    };

    return ports;
}
