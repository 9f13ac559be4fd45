/* streak_api.h - the interface: who calls, how often, which call. */
#ifndef CONNECT_SANDBOX_STREAK_API_H
#define CONNECT_SANDBOX_STREAK_API_H

#include "streak_call.h"

/* Answer a request to /api/v1 or /api/v2. */
void streak_api_handle(struct streak *streak, struct sim_request *request,
                       struct sim_answer *answer);
/* The bucket of calls is full again. */
void streak_api_fill_bucket(struct streak *streak);

#endif
