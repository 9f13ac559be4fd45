/* api_history.h - what happened, in its order; and waiting for what happens
 * next.  [loop thread] */
#ifndef CONNECT_ADMIN_API_HISTORY_H
#define CONNECT_ADMIN_API_HISTORY_H

#include "admin/api_call.h"

/* With wait_ms an answer comes when there is something behind "after", or after
 * that time. */
void api_history(struct api_call *call);

/* The two events that let those who wait look again, or go. */
void api_history_changed(struct api *api);
void api_history_stop(struct api *api);

#endif
