/* daemon_state.h - the daemon's inside, for the files daemon*.c only.
 *
 * [loop thread] */
#ifndef CONNECT_DAEMON_DAEMON_STATE_H
#define CONNECT_DAEMON_DAEMON_STATE_H

#include "daemon/daemon.h"
#include "daemon/flows.h"
#include "net/http_client.h"
#include "plugin/jq_pool.h"

struct daemon {
    uv_loop_t *loop;
    char *config_path;
    char *public_address; /* since the start, as the instances have it; NULL:
                           * none */
    char *generations;    /* directory; NULL while only checking */
    struct config *config;
    struct record_types *types;
    struct store *store;
    struct http_client *http;
    struct instances *instances;
    struct engine *engine;
    struct jq_pool *jq;
    struct jq_known *jq_known; /* programs of flows that were loaded */
    uv_async_t store_async;    /* the store has answers */
    uv_timer_t wake_timer;     /* engine_wake */
    uv_timer_t limit_timer;    /* of a stop */
    unsigned handles_open;
    int64_t wake_at;                 /* steady; what the timer was set for */
    struct examination *examination; /* one at a time; NULL: none */
    void (*watch)(void *arg);        /* the store has committed; NULL: nobody */
    void *watch_arg;
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

struct flow_ports daemon_ports(struct daemon *daemon);
/* The HTTP client and the instances, none of them added yet. */
int daemon_make_instances(struct daemon *daemon, struct error *err) MUST_USE;
/* instances_add; the error names the place in the configuration. */
int daemon_add_instance(struct daemon *daemon,
                        const struct config_instance *config,
                        const struct op_value *values, size_t value_count,
                        struct error *err) MUST_USE;
/* instances_prepare, in the same way. */
int daemon_prepare_instance(struct daemon *daemon,
                            const struct config_instance *config,
                            struct error *err) MUST_USE;
enum { DAEMON_VALUES_MAX = 256 }; /* small durable values of one instance */
/* How many; they point into the rows. */
size_t daemon_values(const struct store_rows *rows,
                     struct op_value values[DAEMON_VALUES_MAX]);
/* Compile the flows of a configuration and put them in place of the old ones;
 * on a mistake the old ones stay. */
int daemon_load_flows(struct daemon *daemon, const struct config *config,
                      struct error *err) MUST_USE;

/* It ends soon after. */
void daemon_examine_stop(struct daemon *daemon);

#endif
