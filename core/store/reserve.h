/* reserve.h - disk space kept back for outcomes. */
#ifndef CONNECT_STORE_RESERVE_H
#define CONNECT_STORE_RESERVE_H

#include <stdbool.h>

#include "base/error.h"

struct reserve {
    char *path;   /* owned */
    char *log;    /* owned; of the database's log */
    bool present; /* the space is kept back */
};

/* Only names the place; reserve_keep takes it. */
void reserve_open(struct reserve *reserve, const char *directory);
void reserve_done(struct reserve *reserve);
/* Let the database's log have the space. */
void reserve_spend(struct reserve *reserve);
/* true: the space is kept back (again). */
bool reserve_keep(struct reserve *reserve);

#endif
