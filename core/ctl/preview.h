/* preview.h - what a run would do: shown, and the difference of two.
 * [one thread] */
#ifndef CONNECT_CTL_PREVIEW_H
#define CONNECT_CTL_PREVIEW_H

#include <stdint.h>
#include <cjson/cJSON.h>

#include "ctl/command.h"

void preview_print(const struct text_out *out, const cJSON *preview);
/* How many differences there are. */
size_t preview_difference(const struct text_out *out, const cJSON *was,
                          const cJSON *now);

/* connectctl diff RUN; */
int preview_diff_command(struct command_context *context);
/* the same before a retry; an exit code.  Whether there is such a run comes
 * into ret_exists, which may be NULL. */
int preview_diff(struct command_context *context, uint64_t run,
                 bool *ret_exists);

#endif
