/* parts.h - the parts of the harness.  Each works on its cases and returns an
 * exit code of proof.h. */
#ifndef CONNECT_DISK_PARTS_H
#define CONNECT_DISK_PARTS_H

#include "proof.h"

struct part {
    const char *name;
    int (*run)(const struct proof *proof, const struct part *part);
    uint64_t small, full; /* cases of a default and of a full run */
    const char *about;
};

int replay_run(const struct proof *proof, const struct part *part);
int power_run(const struct proof *proof, const struct part *part);
int full_run(const struct proof *proof, const struct part *part);
int errors_run(const struct proof *proof, const struct part *part);
int damage_run(const struct proof *proof, const struct part *part);
int damage_log_run(const struct proof *proof, const struct part *part);

/* The line that repeats a case. */
void part_repeat(const struct proof *proof, const struct part *part,
                 uint64_t number, const char *what);
/* How many cases this call is to work on. */
uint64_t part_count(const struct proof *proof, const struct part *part);

#endif
