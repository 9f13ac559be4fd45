/* apply.h - one change of a batch takes effect. */
#ifndef CONNECT_STORE_APPLY_H
#define CONNECT_STORE_APPLY_H

#include "store/writer.h"

/* 0, with writer->result filled in, or a negative errno: the batch fails. */
int apply_change(struct writer *writer, const struct change *change) MUST_USE;

/* The key id of a person, made when new; 0 for nobody. */
int apply_person(struct writer *writer, struct store_bytes person,
                 int64_t *ret_person_key) MUST_USE;

#endif
