/* daemon.c - wires store, client, instances and engine to one loop.
 *
 * One idea: every part is made bottom up and taken down top down, and each step
 * of either may wait for the loop.  Start: configuration, record types, store,
 * instances with their stored values, flows, ready.  Stop: the engine gives its
 * runs back, the instances say goodbye, the client ends, the store closes.
 * What must hold: nothing is accepted before ready; the store outlives all that
 * writes to it.  Called on the loop thread; store_notify on the store's. */
#include "daemon/daemon.h"

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
#include "plugin/jq_pool.h"

enum {
    VALUES_MAX = 256,      /* small durable values of one instance */
    DELAY_FIRST_MS = 1000, /* of a growing delay */
    DELAY_MAX_MS = 600000,
    HOLD_MS = 15 * 60 * 1000, /* what is held is looked at again after this */
    CLIENT_OPEN_MAX = 4096,
    CLIENT_CONNECTIONS = 512,
    CLIENT_HOST_CONNECTIONS = 256,
    JQ_QUEUE_MAX = 256
};

struct daemon {
    uv_loop_t *loop;
    char *config_path;
    char *generations; /* directory; NULL while only checking */
    struct config *config;
    struct record_types *types;
    struct store *store;
    struct http_client *http;
    struct instances *instances;
    struct engine *engine;
    struct jq_pool *jq;
    uv_async_t store_async; /* the store has answers */
    uv_timer_t wake_timer;  /* engine_wake */
    uv_timer_t limit_timer; /* of a stop */
    unsigned handles_open;
    int64_t wake_at; /* steady; what the timer was set for */
    /* starting */
    size_t next_instance;
    daemon_ready_fn *ready;
    void *ready_arg;
    struct error err;
    /* stopping */
    bool engine_stopped, instances_stopping;
    void (*stopped)(void *arg);
    void *stopped_arg;
};

/* ---- Ports of the engine ------------------------------------------------- */

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
    return info->open_max;
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

    if (daemon->store)
        store_drain(daemon->store);
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

static int make_instances(struct daemon *daemon, struct error *err)
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
        .public_address = daemon->config->public_address,
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

static void make_engine(struct daemon *daemon)
{
    const struct config_limits *limits = &daemon->config->limits;
    struct engine_options options = {
        .store = daemon->store,
        .ports =
            {
                .op_start = port_op_start,
                .op_cancel = port_op_cancel,
                .op_commit = port_op_commit,
                .op_room = port_op_room,
                .jq_start = port_jq_start,
                .wake_at = port_wake_at,
                .random = port_random,
                .store_failed = port_store_failed,
                .arg = daemon,
            },
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
        .event_keep_ms = (int64_t)limits->event_days * 24 * 3600 * 1000,
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

static void report_mistake(void *arg, const char *text)
{
    (void)arg;
    log_write(LOG_ERROR, NULL, "%s", text);
}

static void load_sources(struct daemon *daemon, const struct config *config)
{
    for (size_t index = 0; index < config->instance_count; index++) {
        const char *name = config->instances[index].name, *stream;
        uint64_t interval_ms = 0;
        for (size_t at = 0; (stream = instances_stream(daemon->instances, name,
                                                       at, &interval_ms));
             at++)
            engine_add_source(daemon->engine, name, stream, interval_ms);
    }
}

static int load_flows(struct daemon *daemon, const struct config *config,
                      struct error *err)
{
    struct flows_source source = {config, daemon->types, daemon->instances};
    struct flows *flows = memory_zero(1, sizeof(*flows));
    int status = flows_load(&source, flows, report_mistake, daemon, err);

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

static void values_read(void *arg, int status, const struct store_rows *rows)
{
    struct daemon *daemon = arg;
    const struct config_instance *config =
        &daemon->config->instances[daemon->next_instance];
    struct op_value values[VALUES_MAX];
    size_t count = 0;

    for (size_t index = 0;
         !status && index < rows->value_count && count < VALUES_MAX; index++) {
        const struct store_value_row *row = &rows->values[index];
        values[count++] =
            (struct op_value){row->name, {row->value.ptr, row->value.len}};
    }
    if (!daemon->instances) { /* stopped before it was started */
        start_ended(daemon, -ECANCELED);
        return;
    }
    if (!status)
        status = instances_add(daemon->instances, config, values, count,
                               &daemon->err);
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
    struct store_query query = {.kind = STORE_QUERY_STATE, .limit = VALUES_MAX};
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
    status = load_flows(daemon, daemon->config, &daemon->err);
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
        status = make_instances(daemon, &daemon->err);
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

/* ---- Webhooks to register ------------------------------------------------ */

static void register_stored(void *arg, int status, size_t accepted,
                            size_t duplicates)
{
    (void)arg;
    (void)accepted;
    (void)duplicates;
    if (status)
        log_write(LOG_ERROR, NULL,
                  "the registration of webhooks could not be stored: %s",
                  strerror(-status));
}

/* A hash of the address, so that another address is another version. */
static void address_id(const struct config *config,
                       const struct config_instance *instance, char hex[33])
{
    unsigned char hash[16];
    char address[2048];

    snprintf(address, sizeof(address), "%s/in/%s/%s", config->public_address,
             instance->name, instance->path_secret);
    crypto_generichash(hash, sizeof(hash), (const unsigned char *)address,
                       strlen(address), NULL, 0);
    sodium_bin2hex(hex, 33, hash, sizeof(hash));
    sodium_memzero(address, sizeof(address));
}

static int register_one(struct daemon *daemon,
                        const struct config_instance *instance,
                        const struct config_webhook *webhook)
{
    char external_id[320], id[420], address[33];
    cJSON *body = cJSON_CreateObject();
    struct op_record record = {.type = "webhook/1", .change = CN_UPSERT};
    struct engine_accept accept = {
        .origin = FLOWS_ORIGIN,
        .records = &record,
        .record_count = 1,
    };
    char *text;
    int status;

    address_id(daemon->config, instance, address);
    snprintf(external_id, sizeof(external_id), "%s/%s/%s", instance->name,
             webhook->event, webhook->scope);
    cn_json_put_text(body, "external_id", external_id);
    cn_json_put_text(body, "event", webhook->event);
    cn_json_put_text(body, "scope", webhook->scope);
    cn_json_put_text(body, "address_id", address);
    text = cn_json_print(body);
    cJSON_Delete(body);
    record.time_ms = clock_wall_ms(clock_system());
    /* Every start looks once whether the registration is still there. */
    snprintf(id, sizeof(id), "%.250s %s %" PRId64, external_id, address,
             record.time_ms);
    record.id = (cn_str){id, strlen(id)};
    record.key = (cn_str){external_id, strlen(external_id)};
    record.body = (cn_str){text, strlen(text)};
    status = engine_accept(daemon->engine, &accept, register_stored, daemon);
    free(text);
    return status;
}

int daemon_register(struct daemon *daemon, struct error *err)
{
    int status = 0;

    for (size_t index = 0; index < daemon->config->instance_count; index++) {
        const struct config_instance *instance =
            &daemon->config->instances[index];
        if (!instance->webhook_count)
            continue;
        if (!daemon->config->public_address || !instance->path_secret) {
            error_set(err,
                      "%s: instance %s has webhooks; it needs \"path_secret\", "
                      "and the configuration \"public_address\"",
                      instance->place, instance->name);
            return -EINVAL;
        }
        for (size_t at = 0; !status && at < instance->webhook_count; at++)
            status = register_one(daemon, instance, &instance->webhooks[at]);
    }
    if (status)
        error_set(err, "the registration of webhooks could not be stored");
    return status;
}

/* ---- Reload -------------------------------------------------------------- */

static bool same_text(const char *one, const char *other)
{
    return one == other || (one && other && !strcmp(one, other));
}

static const struct config_instance *find_instance(const struct config *config,
                                                   const char *name)
{
    for (size_t index = 0; index < config->instance_count; index++) {
        if (!strcmp(config->instances[index].name, name))
            return &config->instances[index];
    }
    return NULL;
}

/* Back to the configuration that runs: what was replaced is made again. */
static void restore_instances(struct daemon *daemon, size_t count,
                              const struct config *fresh)
{
    for (size_t index = 0; index < count; index++) {
        const char *name = fresh->instances[index].name;
        const struct config_instance *old = find_instance(daemon->config, name);
        struct error err = {""};
        if (!old)
            instances_remove(daemon->instances, name);
        else if (instances_add(daemon->instances, old, NULL, 0, &err))
            log_write(LOG_ERROR, NULL, "instance %s: %s", name, err.text);
    }
}

/* Every instance is made anew beside its old one: behind an equal reference the
 * credential, and behind an equal path the plugin, may be another. */
static int reload_instances(struct daemon *daemon, const struct config *fresh,
                            struct error *err)
{
    for (size_t index = 0; index < fresh->instance_count; index++) {
        int status = instances_add(daemon->instances, &fresh->instances[index],
                                   NULL, 0, err);
        if (status) {
            restore_instances(daemon, index, fresh);
            return status;
        }
    }
    return 0;
}

static void remove_instances(struct daemon *daemon, const struct config *fresh)
{
    for (size_t index = 0; index < daemon->config->instance_count; index++) {
        const char *name = daemon->config->instances[index].name;
        if (!find_instance(fresh, name))
            instances_remove(daemon->instances, name);
    }
}

static void note_restart(const struct config *old, const struct config *fresh,
                         struct error *ret_note)
{
    if (!same_text(old->data, fresh->data) ||
        !same_text(old->listen_address, fresh->listen_address) ||
        old->listen_port != fresh->listen_port ||
        !same_text(old->admin_socket, fresh->admin_socket) ||
        !same_text(old->public_address, fresh->public_address) ||
        !same_text(old->ca_file, fresh->ca_file) ||
        memcmp(&old->limits, &fresh->limits, sizeof(old->limits)) != 0)
        error_set(ret_note, "\"data\", \"listen\", \"admin\", "
                            "\"public_address\", \"ca_file\" and \"limits\" "
                            "take effect with the next start");
    else
        error_set(ret_note, "%s", "");
}

int daemon_reload(struct daemon *daemon, struct error *ret_note,
                  struct error *err)
{
    struct config *fresh = NULL;
    int status = config_read(daemon->config_path, &fresh, err);

    if (!status)
        status = reload_instances(daemon, fresh, err);
    if (!status) {
        status = load_flows(daemon, fresh, err);
        if (status)
            restore_instances(daemon, fresh->instance_count, fresh);
    }
    if (status) {
        config_destroy(fresh);
        return status;
    }
    note_restart(daemon->config, fresh, ret_note);
    remove_instances(daemon, fresh);
    config_destroy(daemon->config);
    daemon->config = fresh;
    return daemon_register(daemon, err);
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
    free(daemon->config_path);
    free(daemon->generations);
    free(daemon);
}

#ifdef CONNECT_TEST_CLOCK
void daemon_clock_stepped(struct daemon *daemon)
{
    engine_wake(daemon->engine);
}
#endif

/* ---- Check --------------------------------------------------------------- */

struct check {
    struct daemon *daemon;
    int mistakes;
};

static void check_report(void *arg, const char *text)
{
    struct check *check = arg;

    check->mistakes++;
    fprintf(stderr, "%s\n", text);
}

static void check_instances(struct check *check)
{
    struct daemon *daemon = check->daemon;

    for (size_t index = 0; index < daemon->config->instance_count; index++) {
        const struct config_instance *instance =
            &daemon->config->instances[index];
        struct error err = {""};
        if (instances_add(daemon->instances, instance, NULL, 0, &err))
            check_report(check, err.text);
    }
}

static void check_flows(struct check *check)
{
    struct daemon *daemon = check->daemon;
    struct flows_source source = {daemon->config, daemon->types,
                                  daemon->instances};
    struct flows *flows = memory_zero(1, sizeof(*flows));
    struct error err = {""};
    int status = flows_load(&source, flows, check_report, check, &err);

    if (!status)
        printf("%zu instances and %zu flows are in order\n",
               daemon->config->instance_count, flows->count);
    flows_done(flows);
    free(flows);
}

static void check_stopped(void *arg)
{
    (void)arg;
}

int daemon_check(uv_loop_t *loop, const char *config_path)
{
    struct check check = {.mistakes = 0};
    struct error err = {""};

    if (daemon_create(loop, config_path, &check.daemon, &err)) {
        check_report(&check, err.text);
        return check.mistakes;
    }
    if (make_instances(check.daemon, &err))
        check_report(&check, err.text);
    else
        check_instances(&check);
    if (!check.mistakes)
        check_flows(&check);
    daemon_stop(check.daemon, check_stopped, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    daemon_destroy(check.daemon);
    return check.mistakes;
}
