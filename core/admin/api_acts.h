/* api_acts.h - what a person does: retry, release, discard, reload, and the
 * clock of tests.  [loop thread] */
#ifndef CONNECT_ADMIN_API_ACTS_H
#define CONNECT_ADMIN_API_ACTS_H

#include "admin/api_call.h"

/* { "as_was": true } goes on where the run stood; else it begins anew, unless
 * something of it happened already. */
void api_retry(struct api_call *call);
void api_release(struct api_call *call);
/* { "reason": "..." } */
void api_discard(struct api_call *call);
void api_reload(struct api_call *call);
#ifdef CONNECT_TEST_CLOCK
/* { "advance_ms": 3600000 } */
void api_test_clock(struct api_call *call);
#endif

#endif
