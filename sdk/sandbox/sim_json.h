/* sim_json.h - the few helpers over cJSON that the simulators share.
 *
 * The simulators have a reader and a writer of their own on purpose: nothing
 * here is used by the plugins or by sdk/src. */
#ifndef CONNECT_SANDBOX_SIM_JSON_H
#define CONNECT_SANDBOX_SIM_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buf.h"

/* text in quotes, escaped; null for NULL. */
void sim_json_append_text(struct buf *buf, const char *text);
void sim_json_append_bytes(struct buf *buf, const char *text, size_t len);
/* A whole tree; null for NULL. */
void sim_json_append_tree(struct buf *buf, const cJSON *tree);

/* Member lookups that mind the case.  NULL, 0 or fallback when absent or of
 * another type; object may be NULL. */
cJSON *sim_json_member(const cJSON *object, const char *name);
const char *sim_json_text(const cJSON *object, const char *name);
int64_t sim_json_number(const cJSON *object, const char *name,
                        int64_t fallback);
bool sim_json_flag(const cJSON *object, const char *name, bool fallback);
/* Replace or add; takes value. */
void sim_json_put(cJSON *object, const char *name, cJSON *value);

#endif
