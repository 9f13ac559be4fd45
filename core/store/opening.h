/* opening.h - the directory, the lock, the key and the database. */
#ifndef CONNECT_STORE_OPENING_H
#define CONNECT_STORE_OPENING_H

#include "store/writer.h"

/* Open or create everything in directory, migrate, check, and give back what
 * owner had in work.  wall_ms is the clock's; steady time goes on in
 * writer->steady_ms. */
int opening_open(struct writer *writer, const char *directory,
                 const char *owner, int64_t wall_ms,
                 struct error *err) MUST_USE;
void opening_close(struct writer *writer);
/* After an I/O error: close, open again and check; or mark it broken. */
void opening_revive(struct writer *writer);

#endif
