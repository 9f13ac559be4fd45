/* syspro_line.h - checks of SORTOI's lines, and their stock. */
#ifndef CONNECT_SANDBOX_SYSPRO_LINE_H
#define CONNECT_SANDBOX_SYSPRO_LINE_H

#include "syspro_draft.h"

/* Check every line of draft->details into draft->order and sum up its value.
 * The company does not change. */
void syspro_line_check_all(struct syspro_draft *draft);
/* Find what each new or changed line may ship and what goes on back order, and
 * put the whole order on the stock rows.  Only for a draft without errors;
 * syspro_order_allocate(-1) takes it off again. */
void syspro_line_allocate(struct syspro_draft *draft);

#endif
