/* api_call.h - one question to the admin API on its way to its answer.
 *
 * A handler begins a call and, at once or after answers of the store, the
 * engine or an instance, ends it with exactly one of the api_call_end
 * functions, which free it.  Errors look the same everywhere:
 *
 *   { "error": { "code": "not_found", "message": "there is no run 7" } }
 *
 * [loop thread] */
#ifndef CONNECT_ADMIN_API_CALL_H
#define CONNECT_ADMIN_API_CALL_H

#include <stdbool.h>
#include <cjson/cJSON.h>

#include "admin/api.h"

enum { API_NAME_MAX = 192, API_ACTOR_MAX = 128 };

struct api_waiter;

enum api_backup_state {
    API_BACKUP_NONE,
    API_BACKUP_RUNNING,
    API_BACKUP_DONE,
    API_BACKUP_FAILED
};

struct api_backup { /* the last one */
    enum api_backup_state state;
    char directory[1024];
    int64_t began_wall_ms, ended_wall_ms;
    uint64_t bytes;
    struct error err;
};

struct api {
    struct api_options options;
    struct api_waiter *waiters; /* for the history to grow */
    uint32_t waiter_count;
    uint64_t commit_count; /* of the store when they were asked last */
    int64_t started_wall_ms, started_monotonic_ms;
    struct api_backup backup;
    uint32_t open_count; /* calls not ended yet */
    bool stopping;       /* nothing new is begun */
    bool destroyed;      /* freed with the last call */
};

struct api_call;

/* A handler; the call is its to end. */
typedef void api_handler_fn(struct api_call *call);

struct api_call {
    struct api *api;
    struct http_server_exchange *exchange;
    const struct http_server_request *request; /* valid until answered */
    uint64_t run;                              /* of the path; 0: none */
    char name[API_NAME_MAX];                   /* of the path; "": none */
    char actor[API_ACTOR_MAX];                 /* "uid:1000 (mary)" */
    cJSON *body;        /* an object; NULL unless it is a POST */
    cJSON *answer;      /* what is gathered so far */
    bool unmasked;      /* payloads are asked for as they are */
    enum store_act act; /* what is tried */
    const char *needs;  /* what it would have needed; a constant */
    void *work;         /* of the handler; freed with work_free */
    void (*work_free)(void *work);
    struct definition *flow; /* of a run with an older flow; owned */
    bool flow_missing;       /* it cannot be found or read */
    api_handler_fn *show;    /* what comes when it is recorded */
    uint64_t limit;          /* rows of a page */
    uint64_t after;          /* where the page begins */
    uint64_t wait_until_ms;  /* an empty page may wait so long, loop time */
};

/* Copies what it needs of the request, but for the request itself. */
struct api_call *api_call_begin(struct api *api,
                                struct http_server_exchange *exchange,
                                const struct http_server_request *request);

/* A new object for an answer, with the time of now in it: "now_ms". */
cJSON *api_call_object(const struct api_call *call);
/* 200 with value, which is taken; NULL: with what was gathered. */
void api_call_end(struct api_call *call, cJSON *value);
void api_call_end_text(struct api_call *call, const char *text, size_t len);
/* An error.  code is a short word for machines, message for people. */
void api_call_fail(struct api_call *call, int status, const char *code,
                   const char *format, ...) PRINTF_LIKE(4, 5);
/* 405, with the methods that are served. */
void api_call_fail_method(struct api_call *call, const char *allowed);
/* What store, engine or instances answered: 503 when it may be asked again. */
void api_call_fail_errno(struct api_call *call, int status, const char *what);

/* A parameter of the query, percent-decoded and cut to size; false: none. */
bool api_call_parameter(const struct api_call *call, const char *name,
                        char *text, size_t size);
/* A number of the query.  False: there is none (*ret_number stays), or it is
 * wrong, when the call was ended with 400 and *ret_ended is set. */
bool api_call_number(struct api_call *call, const char *name, uint64_t max,
                     uint64_t *ret_number, bool *ret_ended);
/* A truth value: "1", "true" or an empty text. */
bool api_call_flag(const struct api_call *call, const char *name);
/* The page that is asked for: limit, and the parameter from says where it
 * begins; no limit or 0: the usual one.  False: the call was ended. */
bool api_call_page(struct api_call *call, const char *from, uint64_t usual,
                   uint64_t max);
/* "next" behind a page of count rows, the last of them numbered last: a full
 * page may have another behind it. */
void api_call_put_next(const struct api_call *call, cJSON *object, size_t count,
                       uint64_t last);

/* A flow version that is in use now, or NULL. */
const struct definition *api_call_flow(const struct api_call *call,
                                       const char *name, const char *version);

/* Ask the store; true when fn will be called, else the call was ended. */
bool api_call_query(struct api_call *call, const struct store_query *query,
                    store_read_fn *fn);

/* Record what a person did; fn when it is on disk, unless the call was ended.
 */
void api_call_audit(struct api_call *call, const char *act, const char *detail,
                    store_committed_fn *fn);
/* Show, as the flag unmasked asks for: unmasked only after the act is on disk,
 * else the call is ended. */
void api_call_show(struct api_call *call, const char *act,
                   api_handler_fn *show);

#endif
