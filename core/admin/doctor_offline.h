/* doctor_offline.h - what can be looked at while no daemon runs, printed.
 * [main thread, before any loop runs; blocks] */
#ifndef CONNECT_ADMIN_DOCTOR_OFFLINE_H
#define CONNECT_ADMIN_DOCTOR_OFFLINE_H

#include <stdbool.h>
#include <stdio.h>

#include "admin/doctor.h"

/* Put to doctor, which has what daemon_check said of the configuration, what
 * else there is to see, and print it: as text, or as the daemon answers it.
 * Returns how much failed. */
int doctor_offline(struct doctor *doctor, const char *config_path, bool json,
                   FILE *file) MUST_USE;

#endif
