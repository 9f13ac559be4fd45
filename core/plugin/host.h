/* host.h - the host as one plugin instance sees it.
 *
 * One struct host is the cn_host of one instance for its whole life on one
 * runner thread.  The struct itself is never freed, so that a call that comes
 * too late from a plugin's own thread finds a host that says no; what it held
 * is.
 *
 * Parts: host.c life and calls; host_emit.c, host_outcome.c what operations
 * give; host_config.c configuration and credentials; host_timer.c timers and
 * posts; host_http.c, host_state.c the extensions; host_log.c what is said
 * about it.  All functions are called on the instance's thread unless marked.
 */
#ifndef CONNECT_PLUGIN_HOST_H
#define CONNECT_PLUGIN_HOST_H

#include <cjson/cJSON.h>
#include <connect/ext/http.h>
#include <connect/ext/receiver.h>
#include <connect/ext/state.h>
#include <stdatomic.h>
#include <uv.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/hash.h"
#include "plugin/message.h"
#include "plugin/module.h"
#include "plugin/op.h"
#include "plugin/value.h"

struct runner;
struct host_post;
struct host_timer;
struct host_request;
struct host_text;
struct host_block;

enum {
    HOST_SECRETS_MAX = 32, /* credentials of one instance */
    HOST_REASON_MAX = 256
};

struct host_secret {
    char *name, *value; /* value is wiped */
};

struct host_op { /* an open operation */
    uint64_t id, run;
    enum op_kind kind;
    uint32_t max_records, record_count;
    const struct manifest_action *action; /* of a call */
    char *origin_id;                      /* transform: of the record */
    struct buf records;                   /* flat, as in an outcome */
    bool full;    /* a poll: it was told that there is no more room */
    bool refused; /* a record was not taken: an end with CN_OK would lose it */
    bool settled;
    struct buf settlement; /* flat outcome of the one record */
    struct value *values;  /* put in this operation */
    UT_hash_handle hh;
};

struct host {
    cn_host table;      /* first: what the plugin holds */
    struct host *older; /* all that ever were; never freed */
    char *name;         /* of the instance */
    char *plugin;       /* its id */
    uint64_t number;
    const struct module *module;
    uv_thread_t thread;
    atomic_bool open; /* false once destroyed or abandoned */

    uv_mutex_t lock;       /* guards the next group; any thread */
    struct runner *runner; /* NULL once closed */
    struct host_post *posts;
    size_t post_count;
    uint64_t log_refill_ms;       /* when tokens were last added */
    uint32_t log_tokens;          /* lines that may be logged now */
    uint64_t log_dropped;         /* lines since then */
    char reason[HOST_REASON_MAX]; /* last warning or error it logged */

    /* The instance's thread only. */
    void *self;
    cn_receiver receiver; /* size 0: it is none */
    bool calling;         /* plugin code runs */
    uint64_t current_op, current_run;
    uint64_t call_began; /* ns */
    uint64_t held_ms_max, held_ms_told;
    struct host_block *scratch;
    size_t scratch_bytes;
    struct host_op *ops;
    struct host_request *requests;
    uint64_t request_last;
    struct host_timer *timers;
    uint64_t timer_last;
    struct value *values;
    cJSON *config;
    struct host_text *texts;
    struct host_secret secrets[HOST_SECRETS_MAX];
    size_t secret_count;
    UT_hash_handle hh; /* by number, of the runner */
};

/* What CREATE says.  Points into the message when taken. */
struct host_setup {
    const char *name;
    uint64_t module;
    cn_str config; /* JSON without credentials */
    struct host_secret secrets[HOST_SECRETS_MAX];
    size_t secret_count;
    const struct op_value *values;
    size_t value_count;
};
void host_setup_put(struct buf *payload, const struct host_setup *setup);

/* Make the instance and call the plugin's create; tells the core. */
void host_create(struct runner *runner, const struct message *message);
void host_receive(struct host *host, const struct message *message);
/* Call destroy and free what the host held; tells the core. */
void host_destroy(struct host *host);
/* Never call the plugin again; what the plugin holds is lost. */
void host_abandon(struct host *host);
/* Its thread was left behind and ends now: say no to the plugin's own threads,
 * which go on.  What they may hold of the host stays. */
void host_leave_behind(struct host *host);
/* Around each call into the plugin.  host_leave is false when the runner was
 * left behind meanwhile: then return at once. */
void host_enter(struct host *host, const struct host_op *op);
bool host_leave(struct host *host);
/* May the plugin call this function here and now?  Complains if not. */
bool host_permits(const cn_host *table, const char *function,
                  struct host **ret_host);
struct host_op *host_op_find(struct host *host, uint64_t op);
/* Memory until the plugin's running function returns; NULL: too much. */
char *host_scratch(struct host *host, const void *bytes, size_t len);

#endif
