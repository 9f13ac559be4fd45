/* deal_change.h - from a deal/1 to what has to be changed in a box. */
#ifndef CONNECT_STREAK_DEAL_CHANGE_H
#define CONNECT_STREAK_DEAL_CHANGE_H

#include <stdbool.h>

#include <cjson/cJSON.h>

#include "structure.h"

enum { DEAL_CHANGE_SENTENCE_MAX = 512 };

struct deal_change_error {
    bool unknown; /* a name is unknown: newer definitions may know it */
    char sentence[DEAL_CHANGE_SENTENCE_MAX];
};

/* The body of a box update: what the deal asks for and the box does not show
 * yet; an empty object when nothing differs, NULL when it cannot be.
 * written: the box is shown after a write, when Streak may have made a number
 * of a text; then 1207 shows "0001207", before the write it does not. */
cJSON *deal_change(const struct structure *pipeline, const cJSON *box,
                   const cJSON *deal, bool written,
                   struct deal_change_error *err);

#endif
