/* shrink.c - the fewest steps with which a seed still fails.
 *
 * One idea: steps do not share random numbers, so any can be left out; halves
 * are tried first, then smaller and smaller parts.  Each try is a process of
 * its own, for a try that fails ends its process. */
#include "shrink.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <fcntl.h>

#include "proof.h"

enum { STEPS_MAX = 4096, TRIES_MAX = 1500, LIST_MAX = 16384 };

struct shrinking {
    uint64_t seed;
    unsigned steps, tries;
    bool out[STEPS_MAX];
    char list[LIST_MAX];
};

static void list_steps(struct shrinking *shrinking)
{
    size_t len = 0;

    shrinking->list[0] = '\0';
    for (unsigned first = 0; first < shrinking->steps; first++) {
        unsigned last = first;
        if (!shrinking->out[first])
            continue;
        while (last + 1 < shrinking->steps && shrinking->out[last + 1])
            last++;
        len += (size_t)snprintf(shrinking->list + len, LIST_MAX - len,
                                "%s%u-%u", len ? "," : "", first, last);
        first = last;
    }
}

/* Does it fail with these steps?  quiet: say nothing. */
static bool fails(struct shrinking *shrinking, bool quiet)
{
    char seed[32], steps[32];
    int status = 0;
    pid_t child;

    list_steps(shrinking);
    snprintf(seed, sizeof(seed), "%llu", (unsigned long long)shrinking->seed);
    snprintf(steps, sizeof(steps), "%u", shrinking->steps);
    shrinking->tries++;
    child = fork();
    if (child < 0)
        return false;
    if (!child) {
        int sink = open("/dev/null", O_WRONLY);
        if (quiet) {
            dup2(sink, 1);
            dup2(sink, 2);
        }
        if (*shrinking->list)
            execl("/proc/self/exe", "sim", "--seed", seed, "--count", "1",
                  "--steps", steps, "--skip", shrinking->list, (char *)NULL);
        else
            execl("/proc/self/exe", "sim", "--seed", seed, "--count", "1",
                  "--steps", steps, (char *)NULL);
        _exit(PROOF_USAGE);
    }
    waitpid(child, &status, 0);
    return !WIFEXITED(status) || WEXITSTATUS(status) == PROOF_FAILED;
}

static void shrink_parts(struct shrinking *shrinking, unsigned size)
{
    for (unsigned at = 0; at < shrinking->steps && shrinking->tries < TRIES_MAX;
         at += size) {
        bool before[STEPS_MAX], any = false;
        memcpy(before, shrinking->out, sizeof(before));
        for (unsigned step = at; step < at + size && step < shrinking->steps;
             step++) {
            any |= !shrinking->out[step];
            shrinking->out[step] = true;
        }
        if (!any || !fails(shrinking, true))
            memcpy(shrinking->out, before, sizeof(before));
    }
}

void shrink_seed(uint64_t seed, unsigned steps)
{
    struct shrinking *shrinking = calloc(1, sizeof(*shrinking));
    unsigned size = steps / 2, low = 0;

    if (!shrinking || steps > STEPS_MAX)
        abort();
    shrinking->seed = seed;
    shrinking->steps = steps;
    if (!fails(shrinking, true)) {
        free(shrinking);
        return;
    }
    /* First the end: the fewest steps from the beginning. */
    while (low + 1 < shrinking->steps) {
        unsigned middle = low + (shrinking->steps - low) / 2;
        unsigned whole = shrinking->steps;
        shrinking->steps = middle;
        if (!fails(shrinking, true)) {
            shrinking->steps = whole;
            low = middle;
        }
    }
    for (; size; size /= 2)
        shrink_parts(shrinking, size);
    (void)fails(shrinking, false);
    exit(PROOF_FAILED);
}
