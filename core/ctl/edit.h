/* edit.h - connectctl edit: a record in an editor, and back.  [one thread] */
#ifndef CONNECT_CTL_EDIT_H
#define CONNECT_CTL_EDIT_H

#include "ctl/command.h"

int edit_command(struct command_context *context);

#endif
