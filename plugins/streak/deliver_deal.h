/* deliver_deal.h - records of the type deal/1: partial updates of a box. */
#ifndef CONNECT_STREAK_DELIVER_DEAL_H
#define CONNECT_STREAK_DELIVER_DEAL_H

#include "task.h"

/* kind: TASK_DELIVER writes, TASK_PROBE looks whether it is written. */
void deliver_deal_start(struct streak *streak, cn_op op, enum task_kind kind,
                        const cn_record *record);

#endif
