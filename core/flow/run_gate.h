/* run_gate.h - a run at the gate of an instance: slots, rests, operations.
 *
 * For the kinds of steps only.  [loop thread] */
#ifndef CONNECT_FLOW_RUN_GATE_H
#define CONNECT_FLOW_RUN_GATE_H

#include "flow/run_state.h"

/* Reserve a slot at the instance's gate: WALK_ON when it is there. */
enum walk run_enter(struct run *run, const char *instance);
/* Count the run among those that wait in memory for a slot, or no more. */
void run_waits(struct run *run, bool waits);
/* Give the slot back. */
void run_exit(struct run *run);
/* When work that had no answer may be tried again. */
int64_t run_again(const struct run *run, const struct gate *gate);
/* The instance rests for delay_ms, or for a growing time when 0. */
void run_rest(struct run *run, struct gate *gate, uint64_t delay_ms,
              const char *reason);
/* What the outcome says about the instance, whatever it says of the record. */
void run_judge_instance(struct run *run, struct gate *gate,
                        const struct op_outcome *outcome,
                        const struct retry_next *next);
/* What the plugin put through connect.state/1 is written with the outcome. */
void run_keep_values(struct run *run, const struct gate *gate,
                     const struct op_outcome *outcome);
void run_alert_auth(struct run *run, struct gate *gate);

/* Why a gate rests whose credentials were refused. */
extern const char run_gate_refusal[];
/* The alert "auth:INSTANCE", for runs and polls.  trusted: the credentials are
 * good, and what was raised before, also by a daemon before this one, is over.
 */
void run_gate_refused(struct gate *gate, struct store_batch *batch);
void run_gate_trusted(struct gate *gate, struct store_batch *batch);
/* Begin an operation; the slot is taken. */
int run_operate(struct run *run, struct op_request *request, op_ended_fn *fn,
                struct error *err);

#endif
