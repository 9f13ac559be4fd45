/* sim_random.c - numbers that repeat with the seed.
 *
 * A 64-bit counter whose value is mixed (the public SplitMix recipe): every
 * seed gives a full period and a simulator needs no more quality than that.
 * Not for secrets.  Used on the simulator's only thread. */
#include "sim_random.h"

void sim_random_init(struct sim_random *random, uint64_t seed)
{
    random->state = seed;
}

uint64_t sim_random_next(struct sim_random *random)
{
    uint64_t mixed;

    random->state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = random->state;
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

uint64_t sim_random_below(struct sim_random *random, uint64_t limit)
{
    return limit ? sim_random_next(random) % limit : 0;
}

double sim_random_share(struct sim_random *random)
{
    return (double)(sim_random_next(random) >> 11) / 9007199254740992.0;
}
