/* lanes.c - the cases of a part, worked off by several processes.
 *
 * One idea: a lane is a process, since the stage is one to a process and a lane
 * that fails must not take the others along; who is free takes the next case
 * from a shared counter.  A lane that ends in the middle of a case has failed
 * in it, and another lane takes its place.  One thread in each process. */
#include "lanes.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FAILED_MAX = 8 /* then the rest would say the same */ };

struct shared {
    struct lanes_sums sums;
    struct lane {
        _Atomic bool busy;
        _Atomic uint64_t number;
        pid_t id;
    } lanes[LANES_MAX];
};

static struct shared *shared;
static const struct lanes_part *part_now;
static unsigned lane_own;

/* The number of the index-th case. */
static uint64_t number_of(const struct lanes_part *part, uint64_t index)
{
    uint64_t state = part->proof->seed, step;

    if (!part->whole)
        return part->first + index;
    /* One of each stretch of equal length, at a place drawn from the seed. */
    step = part->whole / part->count ? part->whole / part->count : 1;
    state += index * 0x9e3779b97f4a7c15u;
    return (index * step + proof_below(&state, step)) % part->whole;
}

bool lanes_take(uint64_t *ret_case)
{
    struct lane *lane = &shared->lanes[lane_own];
    uint64_t index;

    if (lane->busy)
        shared->sums.done++;
    lane->busy = false;
    if (shared->sums.failed >= FAILED_MAX)
        return false;
    index = shared->sums.next++;
    if (index >= part_now->count)
        return false;
    *ret_case = number_of(part_now, index);
    lane->number = *ret_case;
    lane->busy = true;
    return true;
}

struct lanes_sums *lanes_sums(void)
{
    return &shared->sums;
}

static void say(uint64_t number, const char *where, const char *what)
{
    fprintf(stderr,
            "%s: does not hold in case %" PRIu64 " of %s%s%s: %s\n"
            "repeat: %s --part %s --from %" PRIu64 " --count 1 --seed %" PRIu64
            "\n",
            part_now->proof->program, number, part_now->name,
            *where ? ", " : "", where, what, part_now->proof->program,
            part_now->name, number, part_now->proof->seed);
}

void lanes_broken(const char *where, const char *what)
{
    shared->sums.failed++;
    say(shared->lanes[lane_own].number, where, what);
}

static void start_lane(unsigned index)
{
    pid_t parent = getpid(), child;

    fflush(NULL);
    child = fork();
    if (child < 0)
        abort();
    if (child > 0) {
        shared->lanes[index].id = child;
        return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    lane_own = index;
    part_now->fn(part_now->arg);
    exit(PROOF_PASSED);
}

/* A lane has ended: false when all is to end with this exit code. */
static bool lane_ended(unsigned index, int state)
{
    struct lane *lane = &shared->lanes[index];
    char how[80];

    lane->id = 0;
    if (WIFEXITED(state) && WEXITSTATUS(state) == PROOF_PASSED)
        return true;
    if (WIFEXITED(state) && WEXITSTATUS(state) == PROOF_SKIPPED)
        return false;
    snprintf(how, sizeof(how), "the lane ended with %d, see above",
             WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state));
    say(lane->number, "or in the check after it", how);
    shared->sums.failed++;
    lane->busy = false;
    if (shared->sums.failed < FAILED_MAX)
        start_lane(index);
    return true;
}

static void wait_for_lanes(unsigned lanes)
{
    pid_t child;
    int state;

    while ((child = waitpid(-1, &state, 0)) > 0 || errno == EINTR) {
        for (unsigned at = 0; child > 0 && at < lanes; at++) {
            if (shared->lanes[at].id != child)
                continue;
            if (!lane_ended(at, state))
                exit(PROOF_SKIPPED); /* the kernel ends the others */
            break;
        }
    }
}

bool lanes_run(const struct lanes_part *part, struct lanes_sums *ret_sums)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned lanes = processors < 2 ? 2 : (unsigned)processors;
    bool held;

    if (lanes > LANES_MAX)
        lanes = LANES_MAX;
    if (lanes > part->count)
        lanes = (unsigned)part->count;
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        abort();
    part_now = part;
    for (unsigned at = 0; at < lanes; at++)
        start_lane(at);
    wait_for_lanes(lanes);
    memcpy(ret_sums, &shared->sums, sizeof(*ret_sums));
    held = shared->sums.failed == 0;
    munmap(shared, sizeof(*shared));
    shared = NULL;
    return held;
}
