/* mailbox.h - a bounded queue of messages to the thread of a loop.
 *
 * Any thread sends; the loop's thread takes.  Whoever holds a mailbox holds a
 * reference, so a sender that was left behind never meets freed memory. */
#ifndef CONNECT_PLUGIN_MAILBOX_H
#define CONNECT_PLUGIN_MAILBOX_H

#include <uv.h>

#include "base/error.h"
#include "plugin/message.h"

struct mailbox;

/* Messages wait, or mailbox_wake was called.  [loop thread] */
typedef void mailbox_fn(void *arg);

/* Two references: the caller's and the loop's, which mailbox_close returns. */
int mailbox_create(uv_loop_t *loop, size_t count_max, size_t bytes_max,
                   mailbox_fn *fn, void *arg,
                   struct mailbox **ret_mailbox) MUST_USE;
/* Take over the message.  -ENOBUFS: full, -ECANCELED: closed; it is freed then.
 * [any thread] */
int mailbox_send(struct mailbox *mailbox, struct message *message);
/* The same beyond the limits, for messages that are bounded by what they
 * answer: one outcome for each operation, one end for each instance. */
int mailbox_send_urgent(struct mailbox *mailbox, struct message *message);
/* Would a message of that length be taken?  [any thread] */
bool mailbox_has_room(struct mailbox *mailbox, size_t len);
/* Make the loop call fn.  [any thread] */
void mailbox_wake(struct mailbox *mailbox);
/* The oldest message, which the caller frees, or NULL.  [any thread] */
struct message *mailbox_take(struct mailbox *mailbox);
/* Nothing comes in any more, fn is not called again; what waits can still be
 * taken.  [loop thread] */
void mailbox_close(struct mailbox *mailbox);
void mailbox_release(struct mailbox *mailbox);

#endif
