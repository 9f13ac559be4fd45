/* host_emit.h - takes records from a plugin.
 *
 * Called on the instance's thread unless marked. */
#ifndef CONNECT_PLUGIN_HOST_EMIT_H
#define CONNECT_PLUGIN_HOST_EMIT_H

#include "plugin/host.h"

cn_status host_emit(const cn_host *table, cn_op op, const cn_record *record);

#endif
