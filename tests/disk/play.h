/* play.h - a play on the stage of tests/e2e as a function of a harness. */
#ifndef CONNECT_DISK_PLAY_H
#define CONNECT_DISK_PLAY_H

#include "stage.h"

/* Run it; what it started and made is gone afterwards.  finish (may be NULL)
 * comes on every way out, before the stage is taken down.  0, or -1: it failed,
 * and said why. */
int play(const char *name, void (*fn)(void), void (*finish)(void));
/* Streak sends nothing by itself and there is one event a deal. */
struct stage_options play_options(void);
/* Deals whose events are not sent yet: their keys, an array; owned. */
cJSON *play_deals(struct stage *stage, unsigned count, const char *prefix);
/* Send the event of one deal; the status. */
int play_send(struct stage *stage, const char *key);
/* Events in the store, as the daemon tells. */
int64_t play_events(struct stage *stage);

#endif
