/* crash.c - the program: which part, and what they come to.
 *
 * One idea: parts know their cases, the program only the options all harnesses
 * share.  One thread. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backlog.h"
#include "kill.h"
#include "starve.h"

static bool wanted(const struct proof *proof, const char *name)
{
    return !proof->part || !strcmp(proof->part, name);
}

static void list(void)
{
    for (size_t at = 0; kill_parts[at]; at++)
        printf("%s %" PRIu64 "\n", kill_parts[at],
               kill_part_count(kill_parts[at]));
    printf("backlog %" PRIu64 "\n", backlog_part_count());
    printf("allocations %" PRIu64 "\n", starve_part_count());
}

int main(int argc, char **argv)
{
    struct proof proof;
    bool held = true, known = false;

    proof_options(&proof, argc, argv,
                  "F08: the real daemon killed at its system calls; F12: its "
                  "allocations fail.");
    umask(022); /* the daemon refuses plugins that others may write */
    signal(SIGPIPE, SIG_IGN);
    if (proof.list) {
        list();
        return PROOF_PASSED;
    }
    for (size_t at = 0; kill_parts[at]; at++) {
        if (!wanted(&proof, kill_parts[at]))
            continue;
        known = true;
        held = kill_run(&proof, kill_parts[at]) && held;
    }
    if (wanted(&proof, "backlog")) {
        known = true;
        held = backlog_run(&proof) && held;
    }
    if (wanted(&proof, "allocations")) {
        known = true;
        held = starve_run(&proof) && held;
    }
    if (!known) {
        fprintf(stderr, "%s: no part %s\n", proof.program, proof.part);
        return PROOF_USAGE;
    }
    return held ? PROOF_PASSED : PROOF_FAILED;
}
