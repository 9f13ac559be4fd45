/* line.c - whose turn it is among those that wait at a gate.
 *
 * One idea: a list of flows, each with the list of its waiters; a flow whose
 * first waiter went goes behind the others.  As many wait as runs may wait in
 * memory (run_world.waiting_max), so flows are few and searched one by one.
 * The store does the same with what waits there (store/claim.c).  Called by the
 * gates on the loop thread. */
#include "flow/line.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/memory.h"

enum { BULK_SHARE = 8 /* one in so many is bulk, as in store/claim.c */ };

struct line_flow {
    char *name;
    bool bulk;
    struct line_waiter *waiters; /* first in, first out */
    struct line_flow *prev, *next;
};

static struct line_flow **line_side(struct line *line, bool bulk)
{
    return bulk ? &line->bulk : &line->urgent;
}

void line_join(struct line *line, struct line_waiter *waiter, const char *flow,
               bool bulk)
{
    struct line_flow **side = line_side(line, bulk), *found;

    DL_FOREACH(*side, found)
    {
        if (!strcmp(found->name, flow))
            break;
    }
    if (!found) {
        found = memory_zero(1, sizeof(*found));
        found->name = memory_text(flow);
        found->bulk = bulk;
        DL_APPEND(*side, found);
    }
    DL_APPEND(found->waiters, waiter);
    waiter->flow = found;
    line->count++;
}

void line_leave(struct line *line, struct line_waiter *waiter)
{
    struct line_flow *flow = waiter->flow;
    struct line_flow **side;

    if (!flow)
        return;
    DL_DELETE(flow->waiters, waiter);
    waiter->flow = NULL;
    line->count--;
    if (flow->waiters)
        return;
    side = line_side(line, flow->bulk);
    DL_DELETE(*side, flow);
    free(flow->name);
    free(flow);
}

static void line_free(struct line_flow *flows)
{
    struct line_flow *flow, *next;

    DL_FOREACH_SAFE(flows, flow, next)
    {
        free(flow->name);
        free(flow);
    }
}

void line_done(struct line *line)
{
    line_free(line->urgent);
    line_free(line->bulk);
    *line = (struct line){NULL, NULL, 0, 0};
}

struct line_waiter *line_next(struct line *line)
{
    bool bulk = line->bulk && (!line->urgent || ++line->turn % BULK_SHARE == 0);
    struct line_flow **side = line_side(line, bulk);
    struct line_flow *flow = *side;
    struct line_waiter *waiter;

    if (!flow)
        return NULL;
    waiter = flow->waiters;
    DL_DELETE(*side, flow);
    DL_APPEND(*side, flow);
    line_leave(line, waiter);
    return waiter;
}
