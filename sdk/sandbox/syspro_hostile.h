/* syspro_hostile.h - answers made to attack an XML reader (catalogue F18). */
#ifndef CONNECT_SANDBOX_SYSPRO_HOSTILE_H
#define CONNECT_SANDBOX_SYSPRO_HOSTILE_H

#include "base/buf.h"

/* Whether there is an attack of that name. */
int syspro_hostile_known(const char *attack);
/* Append the XML answer with the attack worked into it; an answer that is not
 * XML is appended as it is.  url: for the attacks that name one. */
void syspro_hostile_write(const char *attack, const char *url,
                          const char *answer, struct buf *out);

#endif
