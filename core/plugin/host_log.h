/* host_log.h - what a plugin says, and what is said about it.
 *
 * Called on the instance's thread unless marked. */
#ifndef CONNECT_PLUGIN_HOST_LOG_H
#define CONNECT_PLUGIN_HOST_LOG_H

#include "plugin/host.h"

void host_log(const cn_host *table, int32_t level, const char *message);
/* The plugin broke the contract; the line names it.  [any thread] */
void host_complain(struct host *host, uint64_t op, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
