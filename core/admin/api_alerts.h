/* api_alerts.h - what the daemon wants people to know.  [loop thread] */
#ifndef CONNECT_ADMIN_API_ALERTS_H
#define CONNECT_ADMIN_API_ALERTS_H

#include "admin/api_call.h"

void api_alerts(struct api_call *call);
/* { "cause": "auth:syspro" } or { "all": true } */
void api_alerts_acknowledge(struct api_call *call);

#endif
