/* api_runs.h - runs: pages of them, and one with all it did.  [loop thread] */
#ifndef CONNECT_ADMIN_API_RUNS_H
#define CONNECT_ADMIN_API_RUNS_H

#include "admin/api_call.h"

void api_runs(struct api_call *call);
/* Parked and held ones. */
void api_parked(struct api_call *call);
/* Why they are, grouped. */
void api_reasons(struct api_call *call);
void api_run(struct api_call *call);

#endif
