/* reserve.h - disk space kept back for outcomes. */
#ifndef CONNECT_STORE_RESERVE_H
#define CONNECT_STORE_RESERVE_H

#include <stdbool.h>

#include "base/error.h"

struct reserve {
    char *path;   /* owned */
    bool present; /* the space is kept back */
};

/* Only names the place; reserve_keep takes it. */
void reserve_open(struct reserve *reserve, const char *directory);
void reserve_done(struct reserve *reserve);
/* Give the space back to the disk. */
void reserve_spend(struct reserve *reserve);
/* true: the space is kept back (again). */
bool reserve_keep(struct reserve *reserve);

#endif
