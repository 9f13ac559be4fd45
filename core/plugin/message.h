/* message.h - what core and runners say to each other: flat bytes.
 *
 * A message is a header and a payload without pointers, so that it can be
 * copied into another process one day.  Texts in a payload have a NUL behind
 * them; what is read points into the message. */
#ifndef CONNECT_PLUGIN_MESSAGE_H
#define CONNECT_PLUGIN_MESSAGE_H

#include <connect/plugin.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum message_kind {
    /* core to runner */
    MESSAGE_CREATE = 1,  /* make an instance */
    MESSAGE_START,       /* an operation */
    MESSAGE_CANCEL,      /* an operation is not wanted any more */
    MESSAGE_COMMIT,      /* all up to a cursor is stored */
    MESSAGE_VALUES,      /* durable values changed elsewhere */
    MESSAGE_HTTP_ANSWER, /* of a request the runner sent */
    MESSAGE_DESTROY,     /* destroy the instance */
    MESSAGE_ABANDON,     /* never call the instance again */
    MESSAGE_END,         /* end the thread */
    /* runner to core */
    MESSAGE_CREATED,   /* or not, with the reason */
    MESSAGE_OUTCOME,   /* an operation ended */
    MESSAGE_HTTP_SEND, /* send a request */
    MESSAGE_DESTROYED,
    MESSAGE_ENDED /* the runner's last */
};

enum {
    /* A payload: records or an answer of CN_BODY_MAX and what goes with it,
     * four times over; nothing a plugin may say needs more. */
    MESSAGE_BYTES_MAX = 4 * CN_BODY_MAX
};

struct message {
    struct message *prev, *next; /* of the mailbox that holds it */
    enum message_kind kind;
    bool secret;       /* wiped when freed */
    uint64_t instance; /* number of the instance */
    uint64_t op;       /* or 0 */
    size_t len;        /* of bytes */
    char bytes[];
};

/* Reads one value after another; once failed, everything is zero or empty. */
struct message_reader {
    const char *at;
    size_t left;
    bool failed;
};

/* A message with a copy of the payload, which may be NULL.  NULL when the
 * payload overflowed. */
struct message *message_create(enum message_kind kind, uint64_t instance,
                               uint64_t op, const struct buf *payload);
/* The whole of it, for itself. */
struct message *message_copy(const struct message *message);
void message_destroy(struct message *message);

void message_put_number(struct buf *payload, uint64_t number);
void message_put_str(struct buf *payload, cn_str text);
/* NULL stays NULL. */
void message_put_text(struct buf *payload, const char *text);

void message_read(struct message_reader *reader, const struct message *message);
uint64_t message_take_number(struct message_reader *reader);
cn_str message_take_str(struct message_reader *reader);
const char *message_take_text(struct message_reader *reader);
/* How many things follow, each of at least bytes_min; 0 when they cannot. */
size_t message_take_count(struct message_reader *reader, size_t bytes_min);

#endif
