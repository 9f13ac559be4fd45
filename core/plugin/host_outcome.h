/* host_outcome.h - how a plugin ends its operations.
 *
 * Called on the instance's thread unless marked. */
#ifndef CONNECT_PLUGIN_HOST_OUTCOME_H
#define CONNECT_PLUGIN_HOST_OUTCOME_H

#include "plugin/host.h"

void host_done(const cn_host *table, cn_op op, const cn_outcome *outcome);
void host_settle(const cn_host *table, cn_op op, uint32_t index,
                 const cn_outcome *outcome);
void host_op_free(struct host *host, struct host_op *op);

#endif
