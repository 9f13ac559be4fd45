/* apply_prune.h - what is forgotten. */
#ifndef CONNECT_STORE_APPLY_PRUNE_H
#define CONNECT_STORE_APPLY_PRUNE_H

#include "store/writer.h"

/* A record that no run needs any more goes. */
int prune_record(struct writer *writer, int64_t record) MUST_USE;
int apply_prune(struct writer *writer,
                const struct store_prune *prune) MUST_USE;

#endif
