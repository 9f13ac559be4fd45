/* apply_lane.h - who is first: runs in their lane, deliveries in theirs. */
#ifndef CONNECT_STORE_APPLY_LANE_H
#define CONNECT_STORE_APPLY_LANE_H

#include "store/apply_delivery.h"
#include "store/apply_run.h"

/* A run was finished: the next QUEUED one of its lane becomes READY. */
int lane_wake_run(struct writer *writer, const struct run *finished) MUST_USE;

/* What stands before a delivery: the number of its run, 0 when it is first. */
int lane_front(struct writer *writer, const struct delivery *delivery,
               uint64_t *ret_run) MUST_USE;
/* It is not first: its run becomes WAITING until lane_wake_delivery. */
int lane_wait(struct writer *writer, uint64_t run) MUST_USE;
/* A delivery left its place: wake who waited for it and is first now. */
int lane_wake_delivery(struct writer *writer,
                       const struct delivery *left) MUST_USE;

#endif
