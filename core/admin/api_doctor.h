/* api_doctor.h - everything that can be looked at, looked at.  [loop thread] */
#ifndef CONNECT_ADMIN_API_DOCTOR_H
#define CONNECT_ADMIN_API_DOCTOR_H

#include "admin/api_call.h"

void api_doctor(struct api_call *call);

#endif
