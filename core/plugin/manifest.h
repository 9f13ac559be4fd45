/* manifest.h - what a plugin says about itself in JSON, checked.
 *
 *   { "title": "Streak CRM",
 *     "config": { schema; properties marked writeOnly are credentials },
 *     "records": [ record types of its own name space, see record_type.h ],
 *     "takes": ["deal/1"], "emits": ["box_event/1"],
 *     "streams": [ { "name": "boxes", "interval_ms": 60000,
 *                    "overlap_ms": 300000 } ],   0 unless given: cn_poll
 *     "actions": { "read_deal": { "title": "...", "request": schema,
 *                                 "response": schema or {"type":"deal/1"} } },
 *     "repeat_safe": ["deal/1"],
 *     "rate": { "per_second": 8, "burst": 2 },  HTTP requests, unless the
 *                                    configuration says otherwise
 *     "network": "host" }       all requests go through the host
 *
 * An action may always answer null: not found.  Unknown members are errors.
 * Immutable after manifest_create; read on any thread. */
#ifndef CONNECT_PLUGIN_MANIFEST_H
#define CONNECT_PLUGIN_MANIFEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "config/record_type.h"
#include "config/schema.h"

struct manifest_type { /* a record type taken or emitted */
    char *name;
    const struct schema *schema; /* borrowed from the record types */
    bool takes, emits, repeat_safe;
};

struct manifest_stream {
    char *name;
    uint64_t interval_ms;
    uint64_t overlap_ms;
};

struct manifest_action {
    char *name;
    const struct schema *request;  /* or NULL */
    const struct schema *response; /* or NULL */
    struct schema *request_owned, *response_owned;
};

struct manifest {
    char *title;           /* "" when it has none */
    struct schema *config; /* never NULL */
    struct manifest_type *types;
    size_t type_count;
    struct manifest_stream *streams;
    size_t stream_count;
    struct manifest_action *actions;
    size_t action_count;
    bool network_host;
    uint32_t rate_per_second; /* HTTP requests; 0: no limit */
    uint32_t rate_burst;      /* at least 1 */
};

/* Read and check; adds the plugin's own record types to types. */
int manifest_create(const char *plugin_id, const char *text,
                    struct record_types *types, struct manifest **ret_manifest,
                    struct error *err) MUST_USE;
void manifest_destroy(struct manifest *manifest);

const struct manifest_type *manifest_type(const struct manifest *manifest,
                                          const char *name);
const struct manifest_action *manifest_action(const struct manifest *manifest,
                                              const char *name);
const struct manifest_stream *manifest_stream(const struct manifest *manifest,
                                              const char *name);
/* Is this the name of a property marked writeOnly? */
bool manifest_secret(const struct manifest *manifest, const char *name,
                     size_t len);

#endif
