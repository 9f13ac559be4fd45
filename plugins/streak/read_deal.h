/* read_deal.h - the action read_deal. */
#ifndef CONNECT_STREAK_READ_DEAL_H
#define CONNECT_STREAK_READ_DEAL_H

#include "task.h"

void read_deal_start(struct streak *streak, cn_op op, const cn_call *call);

#endif
