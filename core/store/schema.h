/* schema.h - the tables, and how older ones become today's. */
#ifndef CONNECT_STORE_SCHEMA_H
#define CONNECT_STORE_SCHEMA_H

#include "store/database.h"

enum { SCHEMA_VERSION = 3 };

/* The version in the file; 0: an empty file.  Refuses files of others. */
int schema_version(struct database *database, int *ret_version,
                   struct error *err) MUST_USE;
/* Make the tables or bring them from version to today's, in one transaction.
 * A newer version than ours is refused. */
int schema_migrate(struct database *database, int version,
                   struct error *err) MUST_USE;

#endif
