/* backlog.h - F08: 100,000 records wait when the daemon starts. */
#ifndef CONNECT_CRASH_BACKLOG_H
#define CONNECT_CRASH_BACKLOG_H

#include "proof.h"

uint64_t backlog_part_count(void); /* cases at full size */
/* Run the part; false: something did not hold. */
bool backlog_run(const struct proof *proof);

#endif
