/* apply_lane.h - who is first: runs in their lane, deliveries in theirs. */
#ifndef CONNECT_STORE_APPLY_LANE_H
#define CONNECT_STORE_APPLY_LANE_H

#include "store/apply_delivery.h"
#include "store/apply_run.h"

/* A run was finished: the next QUEUED one of its lane becomes READY. */
int lane_wake_run(struct writer *writer, const struct run *finished) MUST_USE;

/* A newer run enters a lane: it overtakes older ones as newer says, and a HELD
 * one at the head wakes.  ret_taken: it must wait behind what is left. */
int lane_newer(struct writer *writer, const struct lookup_hash *lane,
               enum store_newer newer, bool *ret_taken) MUST_USE;
/* 1: an unfinished run is in the lane. */
int lane_taken(struct writer *writer, const struct lookup_hash *lane) MUST_USE;

/* What stands before a delivery: the number of its run, 0 when it is first. */
int lane_front(struct writer *writer, const struct delivery *delivery,
               uint64_t *ret_run) MUST_USE;
/* It is not first: its run becomes WAITING until lane_wake_delivery. */
int lane_wait(struct writer *writer, uint64_t run) MUST_USE;
/* A delivery left its place, or is no longer on its way: wake who waited for it
 * and is first now. */
int lane_wake_delivery(struct writer *writer,
                       const struct delivery *left) MUST_USE;

#endif
