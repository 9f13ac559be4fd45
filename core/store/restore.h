/* restore.h - a backup takes the place of what is there. */
#ifndef CONNECT_STORE_RESTORE_H
#define CONNECT_STORE_RESTORE_H

#include "base/error.h"

/* Finish a restore that was decided and then killed.  The caller holds the
 * lock of the data directory. */
int restore_finish(const char *data_directory, struct error *err) MUST_USE;

#endif
