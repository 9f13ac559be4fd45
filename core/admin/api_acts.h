/* api_acts.h - what a person does to one run: retry, release, discard, replay,
 * settle; reload, and the clock of tests.  [loop thread] */
#ifndef CONNECT_ADMIN_API_ACTS_H
#define CONNECT_ADMIN_API_ACTS_H

#include "admin/api_call.h"

/* { "as_was": true } goes on where the run stood; else it begins anew, unless
 * something of it happened already. */
void api_retry(struct api_call *call);
void api_release(struct api_call *call);
/* { "reason": "..." } */
void api_discard(struct api_call *call);
/* { "shadow": true } shows what would happen, else a new run is made. */
void api_replay(struct api_call *call);
/* { "happened": true, "reference": ..., "reason": "..." }: a person answers for
 * a delivery in doubt. */
void api_settle(struct api_call *call);
void api_reload(struct api_call *call);
#ifdef CONNECT_TEST_CLOCK
/* { "advance_ms": 3600000 } */
void api_test_clock(struct api_call *call);
#endif

/* What handlers of acts share.  The word of an act; */
const char *api_acts_word(enum store_act act);
/* the answer to an act that the store refused: 404, or 409 with needs; */
void api_acts_refused(struct api_call *call, const char *needs);
/* the answer to one that the store took, to be ended by the caller, who may put
 * more to it; NULL: it failed with a sentence, and the call was ended; */
cJSON *api_acts_answer(struct api_call *call, int status,
                       const struct error *err, const char *word);
/* members of the body; false: wrong, and the call was ended. */
bool api_acts_reason(struct api_call *call, bool required, const char *why,
                     const char **ret_reason);
bool api_acts_flag(struct api_call *call, const char *name, bool required,
                   bool *ret_flag);

#endif
