/* doctor_look.h - what can be seen of a configuration on this machine without
 * asking anybody: files and their rights, disk, clock, certificates.
 *
 * Looking blocks on the disk, so it has places of its own: a copy of what it
 * needs of the configuration, which may be reloaded meanwhile. */
#ifndef CONNECT_ADMIN_DOCTOR_LOOK_H
#define CONNECT_ADMIN_DOCTOR_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "admin/doctor.h"
#include "config/config.h"

struct doctor_places;

/* Copies.  [the configuration's thread] */
struct doctor_places *doctor_places_create(const struct config *config);
void doctor_places_destroy(struct doctor_places *places);

/* Are the files those that were read?  Nothing is added when they are not:
 * what that means takes another look. */
bool doctor_look_changed(const struct doctor_places *places);
/* running: there is a daemon, so the socket should be there.  All findings but
 * those of the clock.  [any thread; blocks] */
void doctor_look(const struct doctor_places *places, bool running,
                 int64_t wall_ms, struct doctor *doctor);
/* 1, 0, or -1 when the system does not say.  [any thread] */
int doctor_look_synchronized(void);

#endif
