/* deliver_activity.h - records of the type activity/1: comments on a box. */
#ifndef CONNECT_STREAK_DELIVER_ACTIVITY_H
#define CONNECT_STREAK_DELIVER_ACTIVITY_H

#include "task.h"

/* kind: TASK_DELIVER or TASK_PROBE. */
void deliver_activity_start(struct streak *streak, cn_op op,
                            enum task_kind kind, const cn_record *record);

#endif
