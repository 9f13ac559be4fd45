/* difference.h - how one JSON value became another, place by place.
 * [one thread] */
#ifndef CONNECT_CTL_DIFFERENCE_H
#define CONNECT_CTL_DIFFERENCE_H

#include <stddef.h>
#include <cjson/cJSON.h>

#include "ctl/text.h"

/* A line for each place, as "/lines/0/price: 149.90 -> 139.90", behind indent
 * blanks; how many there are.  NULL: there is none, which is not null. */
size_t difference_print(const struct text_out *out, size_t indent,
                        const cJSON *was, const cJSON *is);

#endif
