/* show.h - one run, so that a person sees what happened to a deal.  Pure.
 * [one thread] */
#ifndef CONNECT_CTL_SHOW_H
#define CONNECT_CTL_SHOW_H

#include <cjson/cJSON.h>

#include "ctl/text.h"

/* full: payloads and history whole. */
void show_print(const struct text_out *out, const cJSON *run, bool full);

#endif
