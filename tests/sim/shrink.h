/* shrink.h - the fewest steps with which a seed still fails. */
#ifndef CONNECT_SIM_SHRINK_H
#define CONNECT_SIM_SHRINK_H

#include <stdint.h>

/* When the seed fails: print the shortest line found that repeats it, and end
 * the program.  Returns when it does not fail. */
void shrink_seed(uint64_t seed, unsigned steps);

#endif
