/* fault_erp.h - what the parts of the harness fault_erp share.
 *
 * A scene is a stage (the real daemon, both simulators) with a proxy in front
 * of each simulator. */
#ifndef CONNECT_FAULT_ERP_H
#define CONNECT_FAULT_ERP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proof.h"
#include "proxy.h"
#include "stage.h"

extern struct proof fault_proof; /* the options */

/* The parts; each is a cmocka test with fault_teardown. */
void fault_erp_cuts(void **state);
void fault_erp_answers(void **state);
void fault_erp_storm(void **state);
void fault_erp_poison(void **state);
void fault_erp_outage(void **state);

enum {
    FAULT_CUTS_CASES = 6000,   /* deals, each with a cut at three calls */
    FAULT_CUTS_DEFAULT = 160,  /* 400 cuts and more in less than a minute */
    FAULT_STORM_CASES = 10000, /* refusing answers */
    FAULT_STORM_DEFAULT = 600,
    FAULT_POISON_CASES = 1000, /* good events around the poisoned ones */
    FAULT_POISON_DEFAULT = 120,
    FAULT_OUTAGE_CASES = 30, /* seconds the target is away */
    FAULT_OUTAGE_DEFAULT = 6
};

/* How many named cases part "answers" has. */
uint64_t fault_erp_answers_count(void);

/* Begin a stage that reaches both simulators through proxies with this plan
 * (arg), who is who told by the proxy's own port.  The test is the only sender
 * of webhooks.  options may be NULL; their streak and syspro may be set. */
struct scene {
    struct stage *stage;
    struct proxy *syspro, *streak;
};
struct scene *fault_scene(const struct stage_options *options,
                          proxy_plan_fn *plan, void *arg);
int fault_teardown(void **state);

/* The webhooks of these deals, 50 in one body; each must be answered 200. */
void fault_send(struct stage *stage, const cJSON *keys);
/* The two halves of it: the bodies are read from Streak before anything is
 * wrong with it.  An array of texts, owned. */
cJSON *fault_bodies(struct stage *stage, const cJSON *keys);
void fault_send_bodies(struct stage *stage, const cJSON *bodies);

/* A comment is the last thing that happens to a won deal.  A condition for
 * stage_until; arg: struct fault_done. */
struct fault_done {
    int64_t after; /* of the simulator's documents */
    size_t count, wanted;
};
bool fault_all_done(struct stage *stage, void *arg);

#endif
