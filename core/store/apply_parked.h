/* apply_parked.h - the alert about parked runs, one per flow and reason. */
#ifndef CONNECT_STORE_APPLY_PARKED_H
#define CONNECT_STORE_APPLY_PARKED_H

#include "store/writer.h"

/* What the causes of these alerts begin with; flow and code follow. */
#define PARKED_PREFIX "parked:"

/* Its row says PARKED now. */
int parked_enter(struct writer *writer, uint64_t run) MUST_USE;
/* Its row says PARKED still and will not. */
int parked_leave(struct writer *writer, uint64_t run) MUST_USE;
/* Make the alerts fit the runs, whatever wrote the file before. */
int parked_count(struct writer *writer) MUST_USE;

#endif
