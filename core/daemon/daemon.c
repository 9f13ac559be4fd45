/* daemon.c - wires store, client, instances and engine to one loop.
 *
 * One idea: every part is made bottom up and taken down top down, and each step
 * of either may wait for the loop.  Start: configuration, record types, store,
 * instances with their stored values, flows, ready.  Stop: the engine gives its
 * runs back, the instances say goodbye, the client ends, the store closes.
 * What must hold: nothing is accepted before ready; the store outlives all that
 * writes to it.  Called on the loop thread; store_notify on the store's. */
#include "daemon/daemon_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sodium.h>

#include <connect/json.h>

#include "base/log.h"
#include "base/memory.h"
#include "daemon/flows.h"
#include "net/http_client.h"

enum {
    DELAY_FIRST_MS = 1000, /* of a growing delay */
    DELAY_MAX_MS = 600000,
    DAY_MS = 24 * 3600 * 1000,
    HOLD_MS = 15 * 60 * 1000, /* what is held is looked at again after this */
    CLIENT_OPEN_MAX = 4096,
    CLIENT_CONNECTIONS = 512,
    CLIENT_HOST_CONNECTIONS = 256,
    JQ_QUEUE_MAX = 256
};

/* ---- Making the parts ---------------------------------------------------- */

/* [store thread] */
static void store_notify(void *arg)
{
    struct daemon *daemon = arg;

    uv_async_send(&daemon->store_async);
}

static void store_async_fired(uv_async_t *async)
{
    struct daemon *daemon = async->data;

    if (!daemon->store)
        return;
    store_drain(daemon->store);
    if (daemon->watch)
        daemon->watch(daemon->watch_arg);
}

static void instance_changed(void *arg, const char *name)
{
    struct daemon *daemon = arg;

    if (daemon->engine)
        engine_instance_changed(daemon->engine, name);
}

static int make_store(struct daemon *daemon, struct error *err)
{
    struct store_options options = {
        .directory = daemon->config->data,
        .owner = "connectd",
        .clock = clock_system(),
        .notify = store_notify,
        .notify_arg = daemon,
    };

    if (mkdir(daemon->config->data, 0700) && errno != EEXIST) {
        error_set(err, "%s: cannot make the data directory: %s",
                  daemon->config->data, strerror(errno));
        return -EIO;
    }
    return store_open(&options, &daemon->store, err);
}

/* Where copies of plugins go that are replaced while we run. */
static int make_generations(struct daemon *daemon, struct error *err)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s/plugins", daemon->config->data);
    if (mkdir(path, 0700) && errno != EEXIST) {
        error_set(err, "%s: cannot make the directory: %s", path,
                  strerror(errno));
        return -EIO;
    }
    daemon->generations = memory_text(path);
    return 0;
}

int daemon_make_instances(struct daemon *daemon, struct error *err)
{
    struct http_client_options client = {
        .ca_file = daemon->config->ca_file,
        .open_max = CLIENT_OPEN_MAX,
        .connections_max = CLIENT_CONNECTIONS,
        .host_connections_max = CLIENT_HOST_CONNECTIONS,
        .timeout_ms = daemon->config->limits.operation_ms,
        .clock = clock_system(),
    };
    struct instances_options options = {
        .loop = daemon->loop,
        .types = daemon->types,
        .clock = clock_system(),
        .operation_ms = daemon->config->limits.operation_ms,
        .stuck_ms = daemon->config->limits.stuck_ms,
        .retry_after_ms_max = daemon->config->limits.retry_after_ms,
        .public_address = daemon->public_address,
        .generations = daemon->generations,
        .changed = instance_changed,
        .arg = daemon,
    };

    daemon->http = http_client_create(daemon->loop, &client, err);
    if (!daemon->http)
        return -EINVAL;
    options.http = daemon->http;
    return instances_create(&options, &daemon->instances, err);
}

/* The instance's mistakes name its place in the configuration. */
static int placed(const struct config_instance *config, int status,
                  const struct error *why, struct error *err)
{
    if (status)
        error_set(err, "%s: instance %s: %s", config->place, config->name,
                  why->text);
    return status;
}

int daemon_add_instance(struct daemon *daemon,
                        const struct config_instance *config,
                        const struct op_value *values, size_t value_count,
                        struct error *err)
{
    struct error why = {""};
    int status =
        instances_add(daemon->instances, config, values, value_count, &why);

    return placed(config, status, &why, err);
}

int daemon_prepare_instance(struct daemon *daemon,
                            const struct config_instance *config,
                            struct error *err)
{
    struct error why = {""};
    int status = instances_prepare(daemon->instances, config, &why);

    return placed(config, status, &why, err);
}

static void make_engine(struct daemon *daemon)
{
    const struct config_limits *limits = &daemon->config->limits;
    struct engine_options options = {
        .store = daemon->store,
        .ports = daemon_ports(daemon),
        .types = daemon->types,
        .limits =
            {
                .attempts_max = limits->attempts,
                .retry_after_max_ms = limits->retry_after_ms,
                .delay_first_ms = DELAY_FIRST_MS,
                .delay_max_ms = DELAY_MAX_MS,
                .hold_ms = HOLD_MS,
            },
        .runs_active_max = limits->runs_active,
        .event_keep_ms = (int64_t)limits->event_days * DAY_MS,
        .run_keep_ms = (int64_t)limits->run_days * DAY_MS,
        .audit_keep_ms = (int64_t)limits->audit_days * DAY_MS,
        .quarantine_keep_ms = (int64_t)limits->quarantine_days * DAY_MS,
        .database_bytes_max = (int64_t)limits->database_mib * 1024 * 1024,
    };

    daemon->engine = engine_create(&options);
}

static int make_jq(struct daemon *daemon, struct error *err)
{
    const struct config_limits *limits = &daemon->config->limits;
    struct jq_pool_options options = {
        .processes = limits->jq_processes,
        .time_ms = limits->jq_ms,
        .memory_mib = limits->jq_mib,
        .queue_max = JQ_QUEUE_MAX,
    };

    return jq_pool_create(daemon->loop, &options, &daemon->jq, err);
}

static void open_handles(struct daemon *daemon)
{
    uv_async_init(daemon->loop, &daemon->store_async, store_async_fired);
    uv_timer_init(daemon->loop, &daemon->wake_timer);
    uv_timer_init(daemon->loop, &daemon->limit_timer);
    daemon->store_async.data = daemon;
    daemon->wake_timer.data = daemon;
    daemon->limit_timer.data = daemon;
    daemon->handles_open = 3;
}

static int read_types(const struct config *config,
                      struct record_types **ret_types, struct error *err)
{
    struct record_types *types = record_types_create();
    int status;

    if (!types) {
        error_set(err, "out of memory");
        return -ENOMEM;
    }
    status = record_types_load(types, config->records, err);
    if (status)
        record_types_destroy(types);
    else
        *ret_types = types;
    return status;
}

int daemon_create(uv_loop_t *loop, const char *config_path,
                  struct daemon **ret_daemon, struct error *err)
{
    struct daemon *daemon = memory_zero(1, sizeof(*daemon));
    int status;

    daemon->loop = loop;
    daemon->config_path = memory_text(config_path);
    status = config_read(config_path, &daemon->config, err);
    if (!status)
        status = read_types(daemon->config, &daemon->types, err);
    if (status) {
        config_destroy(daemon->config);
        free(daemon->config_path);
        free(daemon);
        return status;
    }
    daemon->public_address = memory_text(daemon->config->public_address);
    open_handles(daemon);
    *ret_daemon = daemon;
    return 0;
}

/* ---- Starting ------------------------------------------------------------ */

static void start_next(struct daemon *daemon);

static void start_ended(struct daemon *daemon, int status)
{
    daemon_ready_fn *ready = daemon->ready;

    daemon->ready = NULL;
    if (ready)
        ready(daemon->ready_arg, status, &daemon->err);
}

void daemon_report(void *arg, const char *text)
{
    (void)arg;
    log_write(LOG_ERROR, NULL, "%s", text);
}

static void load_sources(struct daemon *daemon, const struct config *config)
{
    for (size_t index = 0; index < config->instance_count; index++) {
        const char *name = config->instances[index].name, *stream;
        uint64_t interval_ms = 0, overlap_ms = 0;
        for (size_t at = 0;
             (stream = instances_stream(daemon->instances, name, at,
                                        &interval_ms, &overlap_ms));
             at++) {
            engine_add_source(daemon->engine, name, stream, interval_ms);
            engine_overlap_source(daemon->engine, name, stream, overlap_ms);
        }
    }
}

int daemon_load_flows(struct daemon *daemon, const struct config *config,
                      struct error *err)
{
    struct flows_source source = {config, daemon->types, daemon->instances,
                                  &daemon->jq_known};
    struct flows *flows = memory_zero(1, sizeof(*flows));
    int status = flows_load(&source, flows, daemon_report, daemon, err);

    if (!status) {
        engine_begin_flows(daemon->engine);
        for (size_t index = 0; !status && index < flows->count; index++)
            status = engine_add_flow(daemon->engine, flows->items[index]);
        engine_end_flows(daemon->engine);
        load_sources(daemon, config);
    }
    flows_done(flows);
    free(flows);
    return status;
}

size_t daemon_values(const struct store_rows *rows,
                     struct op_value values[DAEMON_VALUES_MAX])
{
    size_t count = 0;

    for (size_t index = 0;
         index < rows->value_count && count < DAEMON_VALUES_MAX; index++) {
        const struct store_value_row *row = &rows->values[index];
        values[count++] =
            (struct op_value){row->name, {row->value.ptr, row->value.len}};
    }
    return count;
}

static void values_read(void *arg, int status, const struct store_rows *rows)
{
    struct daemon *daemon = arg;
    const struct config_instance *config =
        &daemon->config->instances[daemon->next_instance];
    struct op_value values[DAEMON_VALUES_MAX];
    size_t count = status ? 0 : daemon_values(rows, values);

    if (!daemon->instances) { /* stopped before it was started */
        start_ended(daemon, -ECANCELED);
        return;
    }
    if (!status)
        status =
            daemon_add_instance(daemon, config, values, count, &daemon->err);
    else
        error_set(&daemon->err, "cannot read the values of instance %s",
                  config->name);
    daemon->next_instance++;
    if (status)
        start_ended(daemon, status);
    else
        start_next(daemon);
}

/* One instance after another: its stored values, then the instance. */
static void start_next(struct daemon *daemon)
{
    struct store_query query = {.kind = STORE_QUERY_STATE,
                                .limit = DAEMON_VALUES_MAX};
    int status;

    if (daemon->next_instance < daemon->config->instance_count) {
        query.instance = daemon->config->instances[daemon->next_instance].name;
        status = store_query(daemon->store, &query, values_read, daemon);
        if (status) {
            error_set(&daemon->err, "the store takes no questions");
            start_ended(daemon, status);
        }
        return;
    }
    make_engine(daemon);
    status = daemon_load_flows(daemon, daemon->config, &daemon->err);
    if (!status)
        engine_wake(daemon->engine);
    start_ended(daemon, status);
}

void daemon_start(struct daemon *daemon, daemon_ready_fn *ready, void *arg)
{
    int status;

    daemon->ready = ready;
    daemon->ready_arg = arg;
    status = make_store(daemon, &daemon->err);
    if (!status)
        status = make_generations(daemon, &daemon->err);
    if (!status)
        status = daemon_make_instances(daemon, &daemon->err);
    if (!status)
        status = make_jq(daemon, &daemon->err);
    if (status)
        start_ended(daemon, status);
    else
        start_next(daemon);
}

void daemon_parts(struct daemon *daemon, struct daemon_parts *ret_parts)
{
    ret_parts->config = daemon->config;
    ret_parts->types = daemon->types;
    ret_parts->store = daemon->store;
    ret_parts->instances = daemon->instances;
    ret_parts->engine = daemon->engine;
}

void daemon_watch(struct daemon *daemon, void (*fn)(void *arg), void *arg)
{
    daemon->watch = fn;
    daemon->watch_arg = arg;
}

/* ---- Stopping ------------------------------------------------------------ */

static void handle_closed(uv_handle_t *handle)
{
    struct daemon *daemon = handle->data;

    if (--daemon->handles_open == 0)
        daemon->stopped(daemon->stopped_arg);
}

static void stop_store(struct daemon *daemon)
{
    if (daemon->store)
        store_close(daemon->store);
    daemon->store = NULL;
    uv_close((uv_handle_t *)&daemon->store_async, handle_closed);
    uv_close((uv_handle_t *)&daemon->wake_timer, handle_closed);
    uv_close((uv_handle_t *)&daemon->limit_timer, handle_closed);
}

static void client_stopped(void *arg)
{
    struct daemon *daemon = arg;

    daemon->http = NULL;
    stop_store(daemon);
}

static void jq_stopped(void *arg)
{
    struct daemon *daemon = arg;

    daemon->jq = NULL;
    if (daemon->http)
        http_client_destroy(daemon->http, client_stopped, daemon);
    else
        stop_store(daemon);
}

static void stop_rest(struct daemon *daemon)
{
    uv_timer_stop(&daemon->limit_timer);
    uv_timer_stop(&daemon->wake_timer);
    if (daemon->jq)
        jq_pool_stop(daemon->jq, jq_stopped, daemon);
    else
        jq_stopped(daemon);
}

static void instances_stopped(void *arg)
{
    struct daemon *daemon = arg;

    instances_destroy(daemon->instances);
    daemon->instances = NULL;
    stop_rest(daemon);
}

static void stop_instances(struct daemon *daemon, uint64_t limit_ms)
{
    if (daemon->instances_stopping)
        return;
    daemon->instances_stopping = true;
    if (daemon->instances)
        instances_stop(daemon->instances, limit_ms, instances_stopped, daemon);
    else
        stop_rest(daemon);
}

static void engine_stopped(void *arg)
{
    struct daemon *daemon = arg;

    daemon->engine_stopped = true;
    stop_instances(daemon, daemon->config->limits.drain_ms);
}

/* What is open has not ended in time: it is cancelled, and what was sent will
 * be asked about after the next start. */
static void limit_timer_fired(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;

    log_write(LOG_WARN, NULL,
              "not all work ended within the limit; what was sent is asked "
              "about at the next start");
    if (daemon->instances)
        instances_cancel_all(daemon->instances);
    stop_instances(daemon, daemon->config->limits.stuck_ms);
}

void daemon_stop(struct daemon *daemon, void (*stopped)(void *arg), void *arg)
{
    daemon->stopped = stopped;
    daemon->stopped_arg = arg;
    daemon_examine_stop(daemon);
    uv_timer_start(&daemon->limit_timer, limit_timer_fired,
                   daemon->config->limits.drain_ms, 0);
    if (daemon->engine)
        engine_stop(daemon->engine, engine_stopped, daemon);
    else
        stop_instances(daemon, daemon->config->limits.drain_ms);
}

void daemon_destroy(struct daemon *daemon)
{
    if (!daemon)
        return;
    engine_destroy(daemon->engine);
    record_types_destroy(daemon->types);
    config_destroy(daemon->config);
    jq_known_free(&daemon->jq_known);
    free(daemon->config_path);
    free(daemon->public_address);
    free(daemon->generations);
    free(daemon);
}

#ifdef CONNECT_TEST_CLOCK
void daemon_clock_stepped(struct daemon *daemon)
{
    engine_wake(daemon->engine);
}
#endif
