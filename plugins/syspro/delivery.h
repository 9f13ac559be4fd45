/* delivery.h - one sales order on its way: deliver and probe. */
#ifndef SYSPRO_DELIVERY_H
#define SYSPRO_DELIVERY_H

#include <connect/plugin.h>

#include "plugin.h"

/* Post the order and end the operation. */
void delivery_post(struct syspro *syspro, cn_op op, const cn_record *record);

/* Look whether the order is there and end the operation. */
void delivery_probe(struct syspro *syspro, cn_op op, const cn_record *record);

#endif
