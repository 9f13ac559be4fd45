/* doctor.h - connectctl doctor.  [one thread] */
#ifndef CONNECT_CTL_DOCTOR_H
#define CONNECT_CTL_DOCTOR_H

#include <cjson/cJSON.h>

#include "ctl/command.h"
#include "ctl/text.h"

int doctor_command(struct command_context *context);
void doctor_print(const struct text_out *out, const cJSON *answer);

#endif
