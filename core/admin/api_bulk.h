/* api_bulk.h - one act on many runs.  [loop thread] */
#ifndef CONNECT_ADMIN_API_BULK_H
#define CONNECT_ADMIN_API_BULK_H

#include "admin/api_call.h"

/* { "act": "retry" | "release" | "discard", "runs": [...] or "where": {...},
 *   "as_was", "reason", "before", "dry" } */
void api_bulk(struct api_call *call);

#endif
