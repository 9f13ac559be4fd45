/* log_check.h - is what the log holds all that was written into it? */
#ifndef CONNECT_STORE_LOG_CHECK_H
#define CONNECT_STORE_LOG_CHECK_H

#include "base/error.h"

/* Of the database at path, which nobody writes to.  0, also when there is no
 * log; -EBADMSG: commits that were answered would be missed, err says where the
 * damage is; -EIO: it cannot be read. */
int log_check(const char *path, struct error *err) MUST_USE;

#endif
