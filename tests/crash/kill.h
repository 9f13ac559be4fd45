/* kill.h - F08: killed immediately before and immediately after each system
 * call that touches store, network or log. */
#ifndef CONNECT_CRASH_KILL_H
#define CONNECT_CRASH_KILL_H

#include <stdbool.h>
#include <stddef.h>

#include "proof.h"

/* The parts, in order; ends with NULL. */
extern const char *const kill_parts[];
uint64_t kill_part_count(const char *name); /* cases at full size */
/* Run one; false: something did not hold. */
bool kill_run(const struct proof *proof, const char *name);

#endif
