/* session.h - one operator's session, and its calls one after another. */
#ifndef SYSPRO_SESSION_H
#define SYSPRO_SESSION_H

#include <stdint.h>

#include <connect/ext/http.h>
#include <connect/plugin.h>

#include "answer.h"
#include "request.h"
#include "settings.h"

struct session;

/* What became of a call.  With CN_OK e.net answered, and answer says what;
 * with anything else the status is fit for the end of an operation: after a
 * post, all but CN_IN_DOUBT mean that it did not run. */
struct session_result {
    cn_status status;
    uint64_t retry_after_ms;
    const char *message;
    const struct answer *answer; /* CN_OK only; borrowed until fn returns */
};

typedef void session_fn(void *arg, const struct session_result *result);

int session_create(const cn_host *host, const struct settings *settings,
                   struct session **ret_session);
void session_destroy(struct session *session);

/* Queue a call for an operation: QUERY, PROFILE, VERSION, or POST, which may
 * change SYSPRO and goes as POST_LARGE where it is too long for a GET.  The
 * texts are copied, the request's session is ignored.  fn is called once,
 * perhaps before this function returns: call it last. */
void session_send(struct session *session, cn_op op,
                  const struct request *request, session_fn *fn, void *arg);

/* Log off, behind the calls that wait; then fn.  Call it last. */
void session_leave(struct session *session, cn_op op, session_fn *fn,
                   void *arg);

/* The operation is not wanted any more: its calls that wait end. */
void session_cancel(struct session *session, cn_op op);

#endif
