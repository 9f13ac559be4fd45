/* api_backup.h - a copy of what is stored, while everything goes on.
 * [loop thread] */
#ifndef CONNECT_ADMIN_API_BACKUP_H
#define CONNECT_ADMIN_API_BACKUP_H

#include "admin/api_call.h"

/* { "directory": "/an/absolute/path" }; answers when it began. */
void api_backup(struct api_call *call);
/* How the last one stands. */
void api_backup_state(struct api_call *call);

#endif
