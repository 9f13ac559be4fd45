/* walk.h - the life of one seed: random steps, then the calm, then the account.
 */
#ifndef CONNECT_SIM_WALK_H
#define CONNECT_SIM_WALK_H

#include <stdint.h>

#include "config/record_type.h"

struct walk_figures {
    uint64_t steps, events, duplicates, deaths, mended;
};

enum { WALK_STEPS = 700 };

/* skip: as --skip, or NULL.  Ends the program when something does not hold. */
void walk_seed(uint64_t seed, unsigned steps, const char *skip,
               const struct record_types *types);
const struct walk_figures *walk_figures(void);

#endif
