/* host_timer.h - timers and posts: ways back onto the instance's thread.
 *
 * Called on the instance's thread unless marked. */
#ifndef CONNECT_PLUGIN_HOST_TIMER_H
#define CONNECT_PLUGIN_HOST_TIMER_H

#include "plugin/host.h"

cn_timer host_timer_start(const cn_host *table, uint64_t delay_ms,
                          void (*fn)(void *arg), void *arg);
void host_timer_stop(const cn_host *table, cn_timer timer);
void host_timers_free(struct host *host);
void host_post(const cn_host *table, void (*fn)(void *arg), void *arg);
/* Run what was posted; false when the runner was left behind. */
bool host_posts_run(struct host *host);
void host_posts_free(struct host *host);

#endif
