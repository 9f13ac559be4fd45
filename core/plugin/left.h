/* left.h - threads left behind that may still send something.  [loop thread] */
#ifndef CONNECT_PLUGIN_LEFT_H
#define CONNECT_PLUGIN_LEFT_H

#include "plugin/instance.h"

/* This generation's call holds the thread that is given up now.  Call it while
 * its operations are open. */
void left_note(struct generation *generation, struct runner *runner);
/* Look which of them have ended. */
void left_look(struct instances *instances);
/* May one still send a record of this type, or have sent it only now, so that
 * its absence says nothing? */
bool left_may_send(const struct instances *instances, const char *instance,
                   const char *type);
void left_free(struct instances *instances);

#endif
