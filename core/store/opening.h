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
/* The copy of a store in directory, which nobody else has open, becomes a
 * restored one of today's schema. */
int opening_mark_restored(const char *directory, int64_t wall_ms,
                          struct error *err) MUST_USE;
/* Is the look-up key the one the rows were made with? */
int opening_check_key(struct writer *writer, struct error *err) MUST_USE;
/* Every page of the database makes sense. */
int opening_check_pages(struct writer *writer) MUST_USE;
void opening_close(struct writer *writer);
/* After an I/O error: close, open again and check; or mark it broken. */
void opening_revive(struct writer *writer);

#endif
