#include "parts.h"
int errors_run(const struct proof *proof, const struct part *part)
{
    (void)proof;
    (void)part;
    return PROOF_SKIPPED;
}
