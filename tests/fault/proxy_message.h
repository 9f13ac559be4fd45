/* proxy_message.h - where an HTTP message ends, and other ways to say it. */
#ifndef CONNECT_FAULT_PROXY_MESSAGE_H
#define CONNECT_FAULT_PROXY_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "proxy.h"

/* The length of the first message of bytes, or 0: it has not ended yet.
 * bodyless: an answer to HEAD. */
size_t proxy_message_len(const char *bytes, size_t len, bool answer,
                         bool bodyless);
/* Another framing for a whole answer with Content-Length; others stay. */
void proxy_message_reframe(struct buf *answer, enum proxy_framing framing);

#endif
