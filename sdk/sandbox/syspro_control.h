/* syspro_control.h - control routes of the SYSPRO simulator. */
#ifndef CONNECT_SANDBOX_SYSPRO_CONTROL_H
#define CONNECT_SANDBOX_SYSPRO_CONTROL_H

#include <stdbool.h>

#include "syspro_service.h"

/* What --help says about them. */
extern const char syspro_control_help[];

/* path is what follows "/_sim/"; false: no such route. */
bool syspro_control_handle(struct syspro_service *service, const char *path,
                           struct sim_request *request,
                           struct sim_answer *answer);

#endif
