/* secret.h - where credentials come from.
 *
 * A configuration never holds a credential, only a reference to one:
 *   "file:/etc/connect/streak.key"   a regular file, owned by root or us, not
 *                                    readable by group or others
 *   "env:STREAK_KEY"                 an environment variable
 *   "systemd:streak-key"             a file of that name in
 *                                    $CREDENTIALS_DIRECTORY
 * The value is read without one trailing line end, is limited to 64 KiB, may
 * not be empty or hold NUL, and is wiped when freed.  It never appears in an
 * error or log.  Paths are absolute here; config_read makes those of a
 * configuration so. */
#ifndef CONNECT_CONFIG_SECRET_H
#define CONNECT_CONFIG_SECRET_H

#include <stddef.h>

#include "base/error.h"

enum { SECRET_MAX = 64 * 1024 };

/* Read what reference names; the caller frees it with secret_free.  The error
 * names the reference and what to do (chmod 600 ...). */
int secret_read(const char *reference, char **ret_value,
                struct error *err) MUST_USE;
/* Wipe and free; NULL is allowed. */
void secret_free(char *value);
/* 1 when equal; the time depends on the lengths only.  [any thread] */
int secret_equal(const char *one, size_t one_len, const char *other,
                 size_t other_len);

#endif
