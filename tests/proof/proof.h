/* proof.h - what all harnesses have in common: their options and figures.
 *
 *   PROGRAM [--part NAME] [--from N] [--count N] [--seed S] [--figures FILE]
 *           [--list]
 *
 * A harness works through numbered cases (kill points, cuts, seeds), from
 * --from on, --count of them, so that a long run goes on where it was stopped
 * (tests/run.sh --full).  --list prints each part with its number of cases, and
 * how many belong together where it is not as many as one likes, and ends.
 * --figures appends one line of JSON: the part, the cases run, what was lost
 * and doubled, and further figures.  Exit code 0: all held; 1: something did
 * not hold, said on stderr with the one line that repeats it; 2: usage; 77:
 * this machine does not permit it, said on stdout.
 *
 * One thread. */
#ifndef CONNECT_PROOF_PROOF_H
#define CONNECT_PROOF_PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PROOF_PASSED = 0,
    PROOF_FAILED = 1,
    PROOF_USAGE = 2,
    PROOF_SKIPPED = 77
};

struct proof {
    const char *program;
    const char *part;    /* NULL: all */
    uint64_t from;       /* first case; 0 when absent */
    uint64_t count;      /* cases; 0 when absent: the harness's small size */
    uint64_t seed;       /* 1 when absent */
    const char *figures; /* file, or NULL */
    bool list;
    char *arguments[16]; /* what is left, for the harness itself */
    int argument_count;
};

/* Parse; on a mistake or --help it prints and ends the program. */
void proof_options(struct proof *proof, int argc, char **argv,
                   const char *about);

/* A part of a harness, for proof_parts. */
struct proof_part {
    const char *name;
    void (*test)(void **state); /* a test of cmocka */
    uint64_t cases;             /* at full size; 0: count says it */
    uint64_t (*count)(void);
    uint64_t together; /* cases that belong together; 0: as many as one likes */
};

/* The parts asked for: listed, or each given to run, which says with an exit
 * code how it went.  The program's exit code. */
int proof_parts(const struct proof *proof, const struct proof_part *parts,
                size_t count, int (*run)(const struct proof_part *part));

/* The cases asked for, within total; few when nothing was asked. */
void proof_cases(const struct proof *proof, uint64_t total, uint64_t few,
                 uint64_t *ret_from, uint64_t *ret_count);

/* Append {"part":part,"cases":N,"lost":N,"doubled":N, further members}; more is
 * JSON text such as "\"points\":17", or NULL.  Prints the same for people. */
void proof_figures(const struct proof *proof, const char *part, uint64_t cases,
                   uint64_t lost, uint64_t doubled, const char *more);

/* A generator that gives the same numbers for the same seed on every machine.
 * state begins as the seed. */
uint64_t proof_random(uint64_t *state);
/* From 0 to below limit, which is not 0. */
uint64_t proof_below(uint64_t *state, uint64_t limit);

#endif
