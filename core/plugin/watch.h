/* watch.h - what is late, and what is done about it.  [loop thread] */
#ifndef CONNECT_PLUGIN_WATCH_H
#define CONNECT_PLUGIN_WATCH_H

#include "plugin/instance.h"

/* How often to look, for these time-outs. */
uint64_t watch_interval_ms(const struct instances_options *options);
/* Look at all operations and threads. */
void watch_look(struct instances *instances);
/* Give everything up that still lives, at the end. */
void watch_give_up_all(struct instances *instances);

#endif
