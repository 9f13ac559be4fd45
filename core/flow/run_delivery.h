/* run_delivery.h - the step that does.  For run.c only.  [loop thread] */
#ifndef CONNECT_FLOW_RUN_DELIVERY_H
#define CONNECT_FLOW_RUN_DELIVERY_H

#include "flow/run_state.h"

/* Work on the step at path, which has no result yet. */
enum walk run_deliver(struct walker *walker, const struct flow_step *step,
                      const char *path);

/* The body as the flow says: a mapping, made, or an earlier result. */
enum walk run_delivery_body(struct walker *walker, const struct flow_step *step,
                            const char *path, cJSON **ret_made,
                            const cJSON **ret_body);
/* Parks what does not fit its type. */
enum walk run_delivery_check(struct run *run, const struct flow_step *step,
                             const char *path, const cJSON *body);
/* Begin to deliver it, or to ask about it; the slot is taken. */
int run_delivery_operate(struct run *run, enum op_kind kind,
                         const struct run_delivery *row, op_ended_fn *fn,
                         struct error *err);

#endif
