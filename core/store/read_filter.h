/* read_filter.h - which runs a person asked for. */
#ifndef CONNECT_STORE_READ_FILTER_H
#define CONNECT_STORE_READ_FILTER_H

#include "store/read.h"

/* Does the query say more than states and flow? */
bool filter_wanted(const struct store_query *query);
/* 1: the run is one of those, 0: not, or a negative errno. */
int filter_match(struct reading *reading, uint64_t number) MUST_USE;

#endif
