/* audit.h - what happened, in a chain of hashes. */
#ifndef CONNECT_STORE_AUDIT_H
#define CONNECT_STORE_AUDIT_H

#include "store/writer.h"

/* The actor of everything no person did. */
#define AUDIT_DAEMON "connectd"

/* Append an entry; run 0, path NULL and detail NULL: none.  detail holds ids,
 * states and hashes only. */
int audit_append(struct writer *writer, const char *actor, const char *act,
                 uint64_t run, const char *path, const char *detail) MUST_USE;
/* "reason:<hash>" of what a person wrote, "" for nothing, for a detail. */
enum { AUDIT_REASON_BYTES = 48 };
void audit_reason(struct writer *writer, const char *reason,
                  char text[AUDIT_REASON_BYTES]);
/* Check the last entry against the end of the chain in meta. */
int audit_check_end(struct database *database, struct error *err) MUST_USE;
/* Walk the whole chain; -EBADMSG with the first bad entry named. */
int audit_verify(struct database *database, struct error *err) MUST_USE;

#endif
