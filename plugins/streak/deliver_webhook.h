/* deliver_webhook.h - records of the type webhook/1: registrations. */
#ifndef CONNECT_STREAK_DELIVER_WEBHOOK_H
#define CONNECT_STREAK_DELIVER_WEBHOOK_H

#include "task.h"

/* kind: TASK_DELIVER or TASK_PROBE. */
void deliver_webhook_start(struct streak *streak, cn_op op, enum task_kind kind,
                           const cn_record *record);

#endif
