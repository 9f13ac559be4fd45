#include "parts.h"
int full_run(const struct proof *proof, const struct part *part)
{
    (void)proof;
    (void)part;
    return PROOF_SKIPPED;
}
