/* doctor_offline.h - what can be looked at while no daemon runs, as text.
 * [main thread, before any loop runs; blocks] */
#ifndef CONNECT_ADMIN_DOCTOR_OFFLINE_H
#define CONNECT_ADMIN_DOCTOR_OFFLINE_H

#include <stdio.h>

#include "base/error.h"

/* The configuration must be readable at least; what else is wrong with it is
 * daemon_check's.  Returns how much failed; -1 with err: nothing could be
 * looked at. */
int doctor_offline(const char *config_path, FILE *file,
                   struct error *err) MUST_USE;

#endif
