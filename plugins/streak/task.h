/* task.h - one operation on its way through several requests.
 *
 * A task has at most one request open.  What the answer means for the host is
 * decided here once; the steps of a task see answers of success and "it is
 * gone" only, all others have ended the task already. */
#ifndef CONNECT_STREAK_TASK_H
#define CONNECT_STREAK_TASK_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <connect/ext/http.h>
#include <connect/sdk.h>

#include "paths.h"

struct definitions;
struct task;

/* The instance: what plugin.c makes and all tasks share. */
struct streak {
    const cn_host *host; /* borrowed, as the next */
    const cn_http *http;
    char *base_url;                  /* owned; without a slash at its end */
    const char *auth;                /* a literal */
    struct definitions *definitions; /* owned */
    struct task *tasks;              /* open ones, owned */
    unsigned limited_count;          /* answers of 429 in a row */
};

enum task_kind { TASK_CALL, TASK_DELIVER, TASK_PROBE, TASK_CHECK };

enum { TASK_TEXT_MAX = 301 }; /* of Streak's own words, with their NUL */

struct answer {
    bool gone; /* 404, or 400 with a text about the key */
    uint32_t code;
    cJSON *json;              /* NULL when empty or null */
    char text[TASK_TEXT_MAX]; /* gone: Streak's own words */
};

typedef void task_step(struct task *task, struct answer *answer);

/* Make a task of an operation.  work is freed with work_destroy at its end;
 * both may be NULL. */
struct task *task_start(struct streak *streak, cn_op op, enum task_kind kind,
                        void *work, void (*work_destroy)(void *work));
struct streak *task_streak(const struct task *task);
void *task_work(const struct task *task);
enum task_kind task_kind_of(const struct task *task);
cn_op task_op(const struct task *task);

struct task_request {
    enum path_id path;
    const char *key;   /* for the "*" of the path */
    const char *value; /* of the path's parameter */
    cJSON *body;       /* owned by the call; NULL: none */
};

/* Send a request and go on with step. */
void task_send(struct task *task, const struct task_request *request,
               task_step *step);
void task_get(struct task *task, enum path_id path, const char *key,
              task_step *step);
/* The answer's value, to free, or NULL. */
cJSON *answer_take(struct answer *answer);

/* The ends.  The task is freed. */
void task_done(struct task *task, cJSON *body); /* body is owned by the call */
void task_done_key(struct task *task, const char *name, const char *key);
void task_fail(struct task *task, cn_status status, const char *format, ...)
    CN_PRINTF_LIKE(3, 4);
void task_pass(struct task *task, const cn_outcome *outcome);

/* The host does not want this operation any more. */
void task_cancel(struct streak *streak, cn_op op);

/* For definitions.c: the task waits for what another one loads. */
struct task_wait {
    void *entry;    /* waited for, or NULL */
    uint64_t round; /* of the loading waited for */
    void *loads;    /* this task is the one that loads it, or NULL */
    void (*fn)(struct task *task, void *found);
};
struct task_wait *task_wait(struct task *task);
struct task *task_next(const struct streak *streak, const struct task *task);

#endif
