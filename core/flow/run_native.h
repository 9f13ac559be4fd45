/* run_native.h - steps that need nobody outside.  For run.c only.
 * [loop thread] */
#ifndef CONNECT_FLOW_RUN_NATIVE_H
#define CONNECT_FLOW_RUN_NATIVE_H

#include "flow/run_state.h"

enum walk run_filter(struct walker *walker, const struct flow_step *step,
                     const char *path);
enum walk run_switch(struct walker *walker, const struct flow_step *step,
                     const char *path);
enum walk run_transform(struct walker *walker, const struct flow_step *step,
                        const char *path);
/* Check what a transform made against the type it says it makes. */
enum walk run_transformed(struct run *run, const struct flow_step *step,
                          const char *path, cJSON *value);

#endif
