/* world.h - one play of the crash harness: a stage whose daemon runs under the
 * tracer, deals, their webhooks, and what must be there in the end.
 *
 * A world is used for some points and then checked whole (the three ledgers,
 * the audit chain) and replaced.  What fails otherwise ends the process with a
 * message, as everywhere on the stage. */
#ifndef CONNECT_CRASH_WORLD_H
#define CONNECT_CRASH_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stage.h"
#include "tracer.h"

enum { WORLD_DEALS_MAX = 10, WORLD_POSTS_MAX = 10 };

struct world {
    struct stage *stage; /* NULL: none yet */
    struct tracer_page *page;
    unsigned points;     /* since the stage began */
    size_t deals;        /* won since the stage began */
    bool spoiled;        /* something did not hold: no further points here */
    const char *preload; /* run the daemon with this library instead of the
                          * tracer ("": with neither); NULL: with the tracer
                          */
};

/* What the deals of one point came to. */
struct verdict {
    unsigned lost, doubled;
    char text[600]; /* "" when all held */
};

/* The deals of one point, sent in one or more webhooks. */
struct load {
    size_t deal_count, post_count;
    cJSON *keys;
    char *bodies[WORLD_POSTS_MAX]; /* equally many deals in each */
    int statuses[WORLD_POSTS_MAX]; /* of the last try; 0: no answer */
};

/* A stage, its daemon up.  Nothing when there is one already. */
void world_open(struct world *world);
/* A stage without a daemon so far. */
void world_prepare(struct world *world);
/* All at rest, checked whole (unless spoiled), and away. */
void world_close(struct world *world);
/* Away unchecked. */
void world_drop(struct world *world);

/* Start the daemon: counted and killed as the page says. */
void world_launch(struct world *world);
/* Until it answers; false: it ended before. */
bool world_await(struct world *world);
/* Start it and have it up; for when it is not to be killed. */
void world_start(struct world *world);
/* It has ended: when that is because nobody may trace here, the lane is
 * skipped.
 */
void world_must_be_traced(struct world *world);
/* Until it has ended, or nothing has moved for a while (then false). */
bool world_ended(struct world *world);
bool world_runs(struct world *world);

void world_load(struct world *world, size_t deals, size_t posts,
                struct load *ret_load);
void world_load_end(struct load *load);
/* Send what had no 200; with all, also what had. */
void world_send(struct world *world, struct load *load, bool all);
/* Send all, each on a connection of its own, all at once. */
void world_send_at_once(struct world *world, struct load *load);
/* Send until each has its 200; the daemon must be up. */
void world_send_till_kept(struct world *world, struct load *load, bool all);
/* Run to rest and look what came of everything so far. */
void world_judge(struct world *world, const struct load *load,
                 struct verdict *ret_verdict);
/* The same, into the lane's sums; where names the case. */
void world_count(struct world *world, const struct load *load,
                 const char *where);
/* A path in the stage's directory. */
void world_path(const struct world *world, const char *name,
                char path[STAGE_PATH_MAX + 80]);

#endif
