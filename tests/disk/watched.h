/* watched.h - the daemon at work with the shim before its store. */
#ifndef CONNECT_DISK_WATCHED_H
#define CONNECT_DISK_WATCHED_H

#include "rig.h"

/* Some deals through the real daemon; the trace holds what it wrote, and marks
 * for each event answered and each order seen.  0, or it was said on stderr. */
int watched_daemon(struct rig *rig);

#endif
