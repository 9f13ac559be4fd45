/* backup.h - a copy of the store, made while everything goes on. */
#ifndef CONNECT_STORE_BACKUP_H
#define CONNECT_STORE_BACKUP_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/error.h"
#include "store/lookup.h"

struct backup {
    char *source;            /* owned; path of the database */
    char *directory;         /* owned; absolute, where the copy goes */
    struct lookup lookup;    /* its key goes with it */
    atomic_bool stop;        /* give up */
    atomic_bool disk_failed; /* that is why */
    /* How it ended. */
    int status;
    uint64_t bytes;
    struct error err;
};

/* NULL: directory is not an absolute path, or too long. */
struct backup *backup_create(const char *source, const struct lookup *lookup,
                             const char *directory);
void backup_destroy(struct backup *backup);
/* Make it; status, bytes and err say how it ended.  [any thread] */
void backup_run(struct backup *backup);
/* Is a directory with connect.db and lookup.key a whole store?  Nothing else
 * may have it open.  -ECANCELED: stop was set meanwhile; it may be NULL.
 * [any thread] */
int backup_check(const char *directory, atomic_bool *stop,
                 struct error *err) MUST_USE;

#endif
