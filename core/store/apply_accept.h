/* apply_accept.h - an event becomes a record and runs. */
#ifndef CONNECT_STORE_APPLY_ACCEPT_H
#define CONNECT_STORE_APPLY_ACCEPT_H

#include "store/writer.h"

int apply_accept(struct writer *writer,
                 const struct store_accept *accept) MUST_USE;

#endif
