/* run_delivery.h - the step that does.  For run.c only.  [loop thread] */
#ifndef CONNECT_FLOW_RUN_DELIVERY_H
#define CONNECT_FLOW_RUN_DELIVERY_H

#include "flow/run_state.h"

/* Work on the step at path, which has no result yet. */
enum walk run_deliver(struct walker *walker, const struct flow_step *step,
                      const char *path);

#endif
