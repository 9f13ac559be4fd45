/* doctor_certificate.h - are the certificates good, and for how long?  Reads
 * files.  [any thread] */
#ifndef CONNECT_ADMIN_DOCTOR_CERTIFICATE_H
#define CONNECT_ADMIN_DOCTOR_CERTIFICATE_H

#include <stdint.h>

#include "admin/doctor.h"

/* The listener's certificate and key, and the file of further trusted ones;
 * each may be NULL. */
void doctor_look_certificates(struct doctor *doctor, const char *certificate,
                              const char *key, const char *trusted,
                              int64_t wall_ms);

#endif
