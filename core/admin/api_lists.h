/* api_lists.h - alerts and quarantine.  [loop thread] */
#ifndef CONNECT_ADMIN_API_LISTS_H
#define CONNECT_ADMIN_API_LISTS_H

#include "admin/api_call.h"

void api_alerts(struct api_call *call);
void api_quarantine(struct api_call *call);

#endif
