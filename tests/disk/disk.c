/* disk.c - F09 power cuts, F10 disk full, F11 I/O errors: the program.
 *
 * One thread of its own; see README.md for the parts. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"

static const struct part parts[] = {
    {"power-replay", replay_run, 900, 60000, "legal states after a power cut"},
    {"power-ext4", power_run, 16, 400, "power cuts of a mounted ext4"},
    {"power-xfs", power_run, 8, 200, "power cuts of a mounted xfs"},
    {"full", full_run, 12, 120, "the disk is full"},
    {"errors", errors_run, 60, 2000, "calls that fail with EIO"},
    {"damage", damage_run, 120, 6000, "bytes of the file turned over"},
    {"damage-log", damage_log_run, 120, 6000, "bytes of its log turned over"},
};
enum { PART_COUNT = sizeof(parts) / sizeof(*parts) };

void part_repeat(const struct proof *proof, const struct part *part,
                 uint64_t number, const char *what)
{
    fflush(stdout);
    fprintf(stderr,
            "%s: case %" PRIu64 ": %s\nrepeat: %s --part %s --from %" PRIu64
            " --count 1 --seed %" PRIu64 "\n",
            part->name, number, what, proof->program, part->name, number,
            proof->seed);
}

uint64_t part_count(const struct proof *proof, const struct part *part)
{
    return proof->count ? proof->count : part->small;
}

int main(int argc, char **argv)
{
    struct proof proof;
    int worst = PROOF_PASSED, skipped = 0, found = 0;

    proof_options(&proof, argc, argv,
                  "Power cuts, a full disk, I/O errors and damaged files.\n"
                  "Parts: power-replay power-ext4 power-xfs full errors damage "
                  "damage-log");
    signal(SIGPIPE, SIG_IGN);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t at = 0; at < PART_COUNT; at++) {
        const struct part *part = &parts[at];
        int code;
        if (proof.part && strcmp(proof.part, part->name) != 0)
            continue;
        found++;
        if (proof.list) {
            printf("%s %" PRIu64 "\n", part->name, part->full);
            continue;
        }
        code = part->run(&proof, part);
        skipped += code == PROOF_SKIPPED;
        if (code != PROOF_SKIPPED && code != PROOF_PASSED)
            worst = PROOF_FAILED;
    }
    if (!found) {
        fprintf(stderr, "%s: no part %s\n", proof.program, proof.part);
        return PROOF_USAGE;
    }
    return worst || found != skipped || proof.list ? worst : PROOF_SKIPPED;
}
