/* kit_inside.h - what the parts of the kit share; not for tests. */
#ifndef CONNECT_KIT_INSIDE_H
#define CONNECT_KIT_INSIDE_H

#include <pthread.h>

#include <cjson/cJSON.h>

#include "kit.h"

enum kit_kind {
    KIT_POLL,
    KIT_DELIVER,
    KIT_PROBE,
    KIT_TRANSFORM,
    KIT_CALL,
    KIT_CHECK,
    KIT_STOP,
    KIT_RECEIVE,
    KIT_KINDS
};

/* A durable value, or one that an open operation set. */
struct kit_value {
    char *key, *value; /* owned */
    size_t len;
};

struct kit_values {
    struct kit_value *items; /* owned */
    size_t count;
};

struct kit_op {
    cn_op id;
    enum kit_kind kind;
    uint32_t room; /* records that may still be emitted */
    bool doubt;    /* a request with effect had no definite answer */
    struct kit_result result;
    struct kit_record *records;         /* result.records */
    const struct kit_outcome **settled; /* result.settled */
    struct kit_values values;           /* put, not durable yet */
};

struct kit_exchange { /* a request and the way back */
    struct kit_request request;
    void (*fn)(void *arg, const cn_http_response *);
    void *arg;
};

struct kit_timer {
    cn_timer id;
    uint64_t due_ms;
    void (*fn)(void *arg);
    void *arg;
};

struct kit_post {
    struct kit_post *next;
    void (*fn)(void *arg);
    void *arg;
};

/* A block the kit frees: when the plugin's function returns, or at the end. */
struct kit_block {
    struct kit_block *next;
    void *memory;
};

struct kit {
    cn_host host;     /* first: its address is what the plugin hands back */
    cn_plugin plugin; /* the plugin's table, as far as it reaches */
    void *self;
    bool started;
    pthread_t thread;

    cJSON *manifest; /* owned */
    cJSON *config;   /* owned; without credentials, with defaults */
    struct kit_values secrets, state;

    struct kit_op **ops; /* owned; by id - 1 */
    size_t op_count;
    struct kit_exchange **exchanges; /* owned; in the order sent */
    size_t exchange_count;
    struct kit_timer *timers; /* owned; any order */
    size_t timer_count;
    cn_timer timer_last;
    uint64_t now_ms;

    struct kit_block *kept, *lent;
    int inside; /* plugin functions that run now: 0 or 1 */

    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t posted;
    struct kit_post *posts; /* oldest first */
    char *log;
    char *breaches;
    bool collect;
};

/* ---- kit_memory.c ------------------------------------------------------- */

/* Memory that ends, ends the test. */
void *kit_must(void *memory);
void *kit_grow(void *array, size_t count, size_t size);
/* A copy with a NUL behind it: until the end, until the plugin's function
 * returns. */
char *kit_keep(struct kit *kit, const void *bytes, size_t len);
void *kit_lend(struct kit *kit, const void *bytes, size_t len);
cn_str kit_lend_text(struct kit *kit, const char *text);
void kit_drop(struct kit_block **blocks);

const struct kit_value *kit_values_get(const struct kit_values *values,
                                       const char *key);
/* An empty value stays in the list; NULL removes the key. */
void kit_values_set(struct kit_values *values, const char *key,
                    const char *bytes, size_t len);
void kit_values_done(struct kit_values *values);

/* ---- kit_config.c ------------------------------------------------------- */

/* Fill in manifest, config and secrets. */
void kit_config_load(struct kit *kit, const char *config);
bool kit_config_is_credential(const struct kit *kit, const char *name,
                              size_t len);

/* ---- kit_host.c --------------------------------------------------------- */

void kit_host_init(struct kit *kit);
void kit_breach(struct kit *kit, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A breach when this is not the instance's thread. */
void kit_host_on_thread(struct kit *kit, const char *what);
/* The operation when it is open, else a breach and NULL. */
struct kit_op *kit_host_open_op(struct kit *kit, cn_op op, const char *what);
/* The message a person reads must be there, be UTF-8 and hold no secret. */
void kit_host_check_text(struct kit *kit, const char *what, const char *text);

/* ---- kit_http.c --------------------------------------------------------- */

const cn_http *kit_http_table(void);
/* End all requests of an operation (0: those of the instance) without an
 * answer. */
void kit_http_end(struct kit *kit, cn_op op);

/* ---- kit.c -------------------------------------------------------------- */

void kit_enter(struct kit *kit);
/* Free what was lent, run posts, end requests of ended operations. */
void kit_leave(struct kit *kit);

#endif
