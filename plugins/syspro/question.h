/* question.h - what the plugin is asked: customers, stock codes, the check. */
#ifndef SYSPRO_QUESTION_H
#define SYSPRO_QUESTION_H

#include <connect/plugin.h>

#include "plugin.h"

/* Each ends the operation. */
void question_find_customer(struct syspro *syspro, cn_op op, cn_str body);
void question_find_stock_code(struct syspro *syspro, cn_op op, cn_str body);
void question_check(struct syspro *syspro, cn_op op);

#endif
