/* read_runs.h - summaries of runs. */
#ifndef CONNECT_STORE_READ_RUNS_H
#define CONNECT_STORE_READ_RUNS_H

#include "store/read.h"

int read_runs(struct reading *reading, struct store_rows *rows) MUST_USE;
/* Why runs are PARKED or HELD. */
int read_reasons(struct reading *reading, struct store_rows *rows) MUST_USE;
/* Runs that have been in doubt for long, and nobody was told. */
int read_doubts(struct reading *reading, struct store_rows *rows) MUST_USE;
/* The summary of query->run; run_count 0: no such run. */
int read_run(struct reading *reading, struct store_rows *rows) MUST_USE;

#endif
