/* line.h - runs that wait in memory for a slot of a gate.
 *
 * Flows take turns, so that many runs of one do not keep another waiting; those
 * that are not urgent come after the others, with a share. [loop thread] */
#ifndef CONNECT_FLOW_LINE_H
#define CONNECT_FLOW_LINE_H

#include <stdbool.h>
#include <stdint.h>

struct run;
struct line_flow;

struct line_waiter { /* member of a run */
    struct run *run;
    struct line_waiter *prev, *next;
    struct line_flow *flow; /* NULL: it does not wait */
};

struct line {
    struct line_flow *urgent, *bulk; /* whose turn is next comes first */
    uint32_t count;                  /* waiters */
    uint32_t turn;
};

void line_join(struct line *line, struct line_waiter *waiter, const char *flow,
               bool bulk);
/* Fine when it does not wait. */
void line_leave(struct line *line, struct line_waiter *waiter);
/* Forget who waits, who may be freed already. */
void line_done(struct line *line);
/* The next one, that leaves with this, or NULL. */
struct line_waiter *line_next(struct line *line);

#endif
