/* host_state.h - connect.state/1: small durable values.
 *
 * Called on the instance's thread unless marked. */
#ifndef CONNECT_PLUGIN_HOST_STATE_H
#define CONNECT_PLUGIN_HOST_STATE_H

#include "plugin/host.h"

const void *host_state_extension(void);
/* Write the values of an operation behind its outcome; and, when it ended well,
 * into the instance's own. */
void host_values_put(struct host *host, struct host_op *op, struct buf *payload,
                     bool keep);

#endif
