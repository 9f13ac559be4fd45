/* sim_random.h - numbers that repeat with the seed.
 *
 * Spread of delays, probabilities of faults and the keys all come from here, so
 * that a run can be repeated. */
#ifndef CONNECT_SANDBOX_SIM_RANDOM_H
#define CONNECT_SANDBOX_SIM_RANDOM_H

#include <stdint.h>

struct sim_random {
    uint64_t state;
};

void sim_random_init(struct sim_random *random, uint64_t seed);
uint64_t sim_random_next(struct sim_random *random);
/* 0 to limit - 1; 0 when limit is 0. */
uint64_t sim_random_below(struct sim_random *random, uint64_t limit);
/* 0 up to, not including, 1. */
double sim_random_share(struct sim_random *random);

#endif
