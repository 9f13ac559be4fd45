/* apply_answer.h - what a person knows better: how a delivery in doubt ended,
 * and what a stored body should say. */
#ifndef CONNECT_STORE_APPLY_ANSWER_H
#define CONNECT_STORE_APPLY_ANSWER_H

#include "store/writer.h"

int apply_answer(struct writer *writer,
                 const struct change_answer *answer) MUST_USE;
int apply_edit(struct writer *writer,
               const struct change_answer *edit) MUST_USE;

#endif
