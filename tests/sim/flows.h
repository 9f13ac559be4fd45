/* flows.h - the flows of the simulated world, in versions that differ. */
#ifndef CONNECT_SIM_FLOWS_H
#define CONNECT_SIM_FLOWS_H

struct world;

/* Put in the flows of the world's version and variant. */
void flows_load(struct world *world);
/* As an operator who changes the configuration. */
void flows_reload(struct world *world);

#endif
