/* answers.h - how operations end: well, badly, late, never, or against the
 * contract, with the effect in the other systems that goes with it. */
#ifndef CONNECT_SIM_ANSWERS_H
#define CONNECT_SIM_ANSWERS_H

#include <stddef.h>

struct world;

/* One of the open operations ends somehow. */
void answer_some(struct world *world);
void answer_well(struct world *world, size_t index);
/* Those that are open for too long are ended by the host. */
void answer_overdue(struct world *world);
/* The instance is replaced or its plugin breaks: what it had open ends. */
void answer_broken_all(struct world *world, const char *instance);
/* The process dies: what is on its way may still take effect. */
void answer_orphans(struct world *world);

#endif
