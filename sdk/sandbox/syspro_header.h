/* syspro_header.h - checks of SORTOI's OrderHeader. */
#ifndef CONNECT_SANDBOX_SYSPRO_HEADER_H
#define CONNECT_SANDBOX_SYSPRO_HEADER_H

#include "syspro_draft.h"

/* Check the header and make draft->order from it: a new order for A, a copy of
 * the existing one for C and D.  Complaints go to the draft; the order is NULL
 * only when it cannot be known which one is meant. */
void syspro_header_check(struct syspro_draft *draft);
/* The credit check, once the lines have given the order its value. */
void syspro_header_check_credit(struct syspro_draft *draft);

#endif
