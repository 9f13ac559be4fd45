/* deal_read.h - from a box of Streak to a deal/1. */
#ifndef CONNECT_STREAK_DEAL_READ_H
#define CONNECT_STREAK_DEAL_READ_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "structure.h"

/* Everything a deal is made of; all borrowed. */
struct deal_source {
    const cJSON *box;
    const struct structure *pipeline;
    const struct structure *team; /* NULL: no organization was read */
    const cJSON *organizations;   /* arrays of what Streak says; an element */
    const cJSON *contacts;        /* may have a key and nothing else */
};

/* Does the structure know every field and option that has a value there?
 * fields: an object of values by key, or NULL. */
bool deal_read_known(const struct structure *structure, const cJSON *fields);

/* A deal/1.  ret_left_out: values that could not be told by name or broke the
 * record's limits. */
cJSON *deal_read(const struct deal_source *source, size_t *ret_left_out);

#endif
