/* api_quarantine.h - what arrived and could not be used: shown, handed to its
 * plugin again, or given up.  [loop thread] */
#ifndef CONNECT_ADMIN_API_QUARANTINE_H
#define CONNECT_ADMIN_API_QUARANTINE_H

#include "admin/api_call.h"

void api_quarantine(struct api_call *call);
void api_quarantine_replay(struct api_call *call);
/* { "reason": "..." } */
void api_quarantine_discard(struct api_call *call);

#endif
