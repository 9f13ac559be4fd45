/* streak.h - the Streak simulator as a program. */
#ifndef CONNECT_SANDBOX_STREAK_H
#define CONNECT_SANDBOX_STREAK_H

#include "sim_server.h"

/* For sim_main; one for a process. */
extern const struct sim_program streak_program;

#endif
