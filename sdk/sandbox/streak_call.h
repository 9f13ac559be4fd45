/* streak_call.h - one call of the interface on its way through the simulator.
 */
#ifndef CONNECT_SANDBOX_STREAK_CALL_H
#define CONNECT_SANDBOX_STREAK_CALL_H

#include "streak_change.h"
#include "streak_state.h"

enum { STREAK_ARGS_MAX = 3 }; /* keys in a path */

struct streak_call {
    struct streak *streak;
    struct sim_request *request;
    struct sim_answer *answer;
    struct streak_user *user;                       /* whose key it is */
    char args[STREAK_ARGS_MAX][2 * STREAK_KEY_MAX]; /* keys in the path */
    cJSON *body; /* of POST: the object; of PUT: the form and the query as
                    texts; else NULL */
};

typedef void streak_call_fn(struct streak_call *call);

/* Answers. */
void streak_fail(struct streak_call *call, int status, const char *text);
void streak_fail_key(struct streak_call *call);     /* not a key, or gone */
void streak_fail_unknown(struct streak_call *call); /* nothing has it */
/* Answer what a verdict calls for; false: it is fine. */
bool streak_fail_verdict(struct streak_call *call, enum streak_verdict verdict);
void streak_succeed(struct streak_call *call); /* {"success":true} */
/* The bytes of buf as JSON; ends the buffer. */
void streak_answer(struct streak_call *call, struct buf *buf);
void streak_answer_begin(struct buf *buf);

/* The object of a key in the path, or NULL after answering why not. */
void *streak_find(struct streak_call *call, enum streak_kind kind,
                  const char *key);

/* page and limit of a list.  Returns the index of the first of count items and
 * how many; a page past the end has none. */
size_t streak_page(struct streak_call *call, size_t count, size_t limit_default,
                   size_t *ret_count);

#endif
