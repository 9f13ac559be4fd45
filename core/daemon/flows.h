/* flows.h - the flows of a configuration: files of the flow folder, and one
 * made for each instance that has webhooks to register.
 *
 * What a flow may refer to is asked of the instances.  [loop thread] */
#ifndef CONNECT_DAEMON_FLOWS_H
#define CONNECT_DAEMON_FLOWS_H

#include "base/error.h"
#include "config/config.h"
#include "flow/definition.h"
#include "plugin/instances.h"
#include "plugin/jq_pool.h"

/* Records of the daemon itself have this origin. */
#define FLOWS_ORIGIN "connect"

enum { FLOWS_MAX = 256 }; /* of one daemon */

struct flows {
    struct definition *items[FLOWS_MAX]; /* held */
    size_t count;
};

struct flows_source {
    const struct config *config;
    const struct record_types *types;
    const struct instances *instances;
    struct jq_known **known; /* jq programs checked before; NULL: check all */
};

/* Compile all; on the first mistake report is called for each, and the result
 * is -EINVAL with the last in err.  flows_done in any case. */
int flows_load(const struct flows_source *source, struct flows *ret_flows,
               void (*report)(void *arg, const char *text), void *arg,
               struct error *err) MUST_USE;
void flows_done(struct flows *flows);

#endif
