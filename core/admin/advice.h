/* advice.h - the next action to take, in words: what a person can do about a
 * run that does not go on by itself.  Pure.  [any thread] */
#ifndef CONNECT_ADMIN_ADVICE_H
#define CONNECT_ADMIN_ADVICE_H

#include "store/store.h"

enum { ADVICE_MAX = 512 };

/* "" when there is nothing to do. */
void advice_for_run(const struct store_run_row *run, char text[ADVICE_MAX]);

#endif
