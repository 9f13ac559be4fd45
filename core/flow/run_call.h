/* run_call.h - the step that asks.  For run.c only.  [loop thread] */
#ifndef CONNECT_FLOW_RUN_CALL_H
#define CONNECT_FLOW_RUN_CALL_H

#include "flow/run_state.h"

/* Work on the step at path, which has no result yet. */
enum walk run_call(struct walker *walker, const struct flow_step *step,
                   const char *path);

#endif
