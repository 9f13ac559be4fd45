/* mask.h - what of a payload may be shown.
 *
 * A payload is shown by the marks of the schema that describes it: what is
 * personal or a credential becomes "***".  Which schema that is, is found from
 * the flow: the record type of a delivery, the answer of a call, what a
 * transform makes.  A payload that nobody described is masked whole, leaf by
 * leaf.  [loop thread] */
#ifndef CONNECT_ADMIN_MASK_H
#define CONNECT_ADMIN_MASK_H

#include <cjson/cJSON.h>

#include "config/record_type.h"
#include "flow/definition.h"
#include "plugin/instances.h"
#include "store/store.h"

enum { MASK_VALUE_BYTES_MAX = 256 * 1024 }; /* more of one value is not shown */

struct mask {
    const struct record_types *types;
    const struct instances *instances; /* NULL: answers of calls unknown */
    const struct definition *flow;     /* NULL: unknown */
    bool off;                          /* show all */
};

/* A stored JSON value as it may be shown: read, masked.  Null when it is empty
 * or no JSON; *ret_cut when it is too large to be shown. */
cJSON *mask_record(const struct mask *mask, const char *type,
                   struct store_bytes bytes, bool *ret_cut);
cJSON *mask_result(const struct mask *mask, const char *path,
                   struct store_bytes bytes, bool *ret_cut);
/* The same of a value, which is taken; NULL is null. */
cJSON *mask_record_value(const struct mask *mask, const char *type,
                         cJSON *value);
cJSON *mask_result_value(const struct mask *mask, const char *path,
                         cJSON *value);
/* Of bytes that no schema describes: their shape, every leaf masked. */
cJSON *mask_shape(struct store_bytes bytes, bool *ret_cut);
/* What the other system calls a record: a reference of its own, never masked.
 */
cJSON *mask_reference(struct store_bytes bytes, bool *ret_cut);

/* The step of a path such as "which.lines[2].post", or NULL. */
const struct flow_step *mask_step(const struct flow_steps *steps,
                                  const char *path);
const char *mask_step_kind(enum step_kind kind);

#endif
