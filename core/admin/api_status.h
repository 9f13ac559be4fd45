/* api_status.h - how the daemon is: numbers, plugins, flows, check.
 * [loop thread] */
#ifndef CONNECT_ADMIN_API_STATUS_H
#define CONNECT_ADMIN_API_STATUS_H

#include "admin/api_call.h"

void api_status(struct api_call *call);
void api_plugins(struct api_call *call);
void api_flows(struct api_call *call);
/* The instance tries its credentials and connection. */
void api_check(struct api_call *call);

#endif
