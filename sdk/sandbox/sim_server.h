/* sim_server.h - the HTTP server, options and control routes that both
 * simulators share.
 *
 * A simulator is a struct sim_program: a handler for the product's own routes,
 * a handler for control routes of its own under /_sim/, and functions that make
 * its world, put it back and end it.  sim_main does the rest: options, the
 * listening line, the loop, the ledger, the clock, the faults.  Everything runs
 * on one thread, so a program needs no locks; a handler must not block. */
#ifndef CONNECT_SANDBOX_SIM_SERVER_H
#define CONNECT_SANDBOX_SIM_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "sim_clock.h"
#include "sim_fault.h"
#include "sim_ledger.h"
#include "sim_random.h"

struct sim_server;

/* A request fully received.  All pointers live until the handler returns. */
struct sim_request {
    const char *method;
    const char *url;     /* "/path?query" exactly as sent */
    const char *path;    /* without the query, not decoded */
    const char *query;   /* behind the question mark, not decoded; "" if none */
    const char *body;    /* a NUL stands behind it; "" when there is none */
    size_t body_len;     /* bytes */
    size_t header_bytes; /* request line and headers together */
    void *context;       /* of the server */
};

/* How an answer ends; the faults of the base set this themselves. */
enum sim_end {
    SIM_END_ANSWER,   /* the answer is sent */
    SIM_END_CUT,      /* closed without one byte */
    SIM_END_RESET,    /* reset without one byte */
    SIM_END_TRUNCATE, /* closed after bytes of the body */
};

enum { SIM_HEADERS_MAX = 8 }; /* no answer of either product needs more */

/* Filled in by a handler; starts as status 200, no body, no change. */
struct sim_answer {
    int status;
    char *body; /* taken by the server, freed with free(); NULL: empty */
    size_t body_len;
    const char *content_type; /* static text; NULL: none */
    struct {
        const char *name; /* static text */
        char value[128];
    } headers[SIM_HEADERS_MAX];
    size_t header_count;
    bool committed;    /* a change was made */
    const char *fault; /* a fault of one's own that hit; valid for ever */
    int64_t delay_ms;  /* the answer is withheld this long */
    enum sim_end end;
    size_t end_bytes; /* SIM_END_TRUNCATE: bytes of the body sent */
};

/* An option of the program's own: --name VALUE. */
struct sim_option {
    const char *name;  /* without dashes; NULL ends the list */
    const char *value; /* what the help shows for it, "N" */
    const char *help;
    int (*set)(void *arg, const char *value); /* 0 or negative: refused */
};

struct sim_program {
    const char *name;                     /* "streak-sim" */
    const char *about;                    /* one paragraph for --help */
    const char *routes;                   /* own control routes for --help */
    const struct sim_option *options;     /* may be NULL */
    const char *const *secret_parameters; /* not kept in the ledger; or NULL */
    const char *const *fault_names;       /* own kinds of fault; or NULL */
    void *arg;                            /* first argument of the functions */
    int (*start)(void *arg, struct sim_server *server); /* make the world */
    void (*reset)(void *arg); /* back to the demo world */
    void (*stop)(void *arg);
    void (*handle)(void *arg, struct sim_request *request,
                   struct sim_answer *answer);
    /* path is what follows "/_sim/".  false: no such route. */
    bool (*control)(void *arg, const char *path, struct sim_request *request,
                    struct sim_answer *answer);
    /* Called in each turn of the loop, after the timers; may be NULL. */
    void (*turn)(void *arg);
};

/* The whole program; returns its exit code. */
int sim_main(int argc, char **argv, const struct sim_program *program);

/* What a program works with, from start to stop. */
struct sim_clock *sim_server_clock(struct sim_server *server);
struct sim_ledger *sim_server_ledger(struct sim_server *server);
struct sim_faults *sim_server_faults(struct sim_server *server);
struct sim_random *sim_server_random(struct sim_server *server);
uint64_t sim_server_seed(const struct sim_server *server);
/* A curl multi handle (CURLM *) that the loop shall wait for and perform;
 * borrowed.  The program reads its messages in turn. */
void sim_server_set_multi(struct sim_server *server, void *multi);

/* NULL when absent. */
const char *sim_request_header(const struct sim_request *request,
                               const char *name);
/* A query parameter, decoded; NULL when absent.  Lives as long as request. */
const char *sim_request_query(struct sim_request *request, const char *name);
int64_t sim_request_query_number(struct sim_request *request, const char *name,
                                 int64_t fallback);
/* Decoded text for the caller to free: %XX, and + to blank when asked for.
 * ret_len may be NULL. */
char *sim_decode_percent(const char *text, size_t len, bool plus_is_blank,
                         size_t *ret_len);

/* Fill an answer.  The tree and the buffer's bytes are taken. */
void sim_answer_tree(struct sim_answer *answer, int status, cJSON *tree);
void sim_answer_buf(struct sim_answer *answer, int status,
                    const char *content_type, struct buf *buf);
void sim_answer_text(struct sim_answer *answer, int status,
                     const char *content_type, const char *text);
/* {"error": text} for control routes. */
void sim_answer_error(struct sim_answer *answer, int status, const char *text);
void sim_answer_header(struct sim_answer *answer, const char *name,
                       const char *value);

#endif
