/* starve.h - F12: each allocation of the canonical flow fails, once, and from
 * then on. */
#ifndef CONNECT_CRASH_STARVE_H
#define CONNECT_CRASH_STARVE_H

#include "proof.h"

uint64_t starve_part_count(void); /* cases at full size */
/* Run the part; false: something did not hold. */
bool starve_run(const struct proof *proof);

#endif
