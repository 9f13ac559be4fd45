/* apply_step.h - a step of a run, made or replaced as a whole. */
#ifndef CONNECT_STORE_APPLY_STEP_H
#define CONNECT_STORE_APPLY_STEP_H

#include "store/writer.h"

int apply_step(struct writer *writer, const struct store_step *step) MUST_USE;

#endif
