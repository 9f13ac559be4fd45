/* acts.h - what a person does to runs: one, several, or all of one reason.
 * [one thread] */
#ifndef CONNECT_CTL_ACTS_H
#define CONNECT_CTL_ACTS_H

#include "ctl/command.h"

int acts_retry(struct command_context *context);
int acts_release(struct command_context *context);
int acts_discard(struct command_context *context);
int acts_settle(struct command_context *context);
int acts_replay(struct command_context *context);

/* Options that say which runs are meant, for lists and --all. */
enum {
    ACTS_FILTER = OPTION_STATE | OPTION_FLOW | OPTION_CODE | OPTION_INSTANCE |
                  OPTION_TYPE | OPTION_CONTAINS | OPTION_KEY
};
void acts_add_filter(char *path, const struct command_options *options);

#endif
