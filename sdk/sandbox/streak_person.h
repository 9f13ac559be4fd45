/* streak_person.h - control routes to act as a person in Streak. */
#ifndef CONNECT_SANDBOX_STREAK_PERSON_H
#define CONNECT_SANDBOX_STREAK_PERSON_H

#include "streak_call.h"

/* path: what follows /_sim/.  false: no such route. */
bool streak_person_control(struct streak *streak, const char *path,
                           struct sim_request *request,
                           struct sim_answer *answer);
/* For --help. */
extern const char streak_person_routes[];

#endif
