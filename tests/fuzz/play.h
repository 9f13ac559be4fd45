/* play.h - a plugin in the kit, and another system that answers from the
 * input.
 *
 * Each part of the input answers one request: three digits are the status, then
 * a blank and the body; a status that there is not is no answer, "!" cancels
 * the operation.  When the parts end, nobody answers any more.  With FUZZ_TRACE
 * in the environment requests and ends are printed. */
#ifndef CONNECT_TESTS_FUZZ_PLAY_H
#define CONNECT_TESTS_FUZZ_PLAY_H

#include <connect/kit.h>

#include "fuzz.h"

/* Answer and move the clock until the operation has ended, which it must. */
void play(struct kit *kit, cn_op op, const struct fuzz_input *input,
          size_t part);

#endif
