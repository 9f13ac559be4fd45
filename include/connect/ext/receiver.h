/* connect/ext/receiver.h - webhooks, offered by a plugin.
 *
 * The host owns the listener, the framing and the answer; the plugin says who
 * sent the request and what it means.
 */
#ifndef CN_EXT_RECEIVER_H
#define CN_EXT_RECEIVER_H

#include <connect/ext/http.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CN_EXT_RECEIVER "connect.receiver/1"

/* auth of a request is NULL when it comes in.  It is this text when the request
 * came before, its sender was accepted, it was quarantined, and a person now
 * hands it over again: the headers, and with them the sender's credential, were
 * not kept.  A plugin that does not look at it answers AUTH, and the request
 * stays where it is. */
#define CN_RECEIVER_KEPT "kept"

typedef struct cn_receiver {
    uint32_t size;
    uint32_t reserved;
    /* A request came in: check who sent it, emit what it says, make no call,
     * end the operation.  OK: 200 once the records are stored; AUTH: 401;
     * REJECTED: 200 and the raw request is quarantined; any other: 503. */
    void (*receive)(void *self, cn_op, const cn_http_request *);
} cn_receiver;

#ifdef __cplusplus
}
#endif
#endif
