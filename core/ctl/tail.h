/* tail.h - what happens, as it happens.  [one thread] */
#ifndef CONNECT_CTL_TAIL_H
#define CONNECT_CTL_TAIL_H

#include "ctl/command.h"

/* Until interrupted. */
int tail_command(struct command_context *context);

#endif
