/* sim.c - the core on its seams, everything driven from one seed.
 *
 *   sim [--seed S] [--from N] [--count N] [--steps K] [--skip LIST] [--trace]
 *       [--shrink] [--figures FILE] [--list]
 *
 * Seed number N of --from and --count is the world of seed S + N (S is 1 when
 * absent), so "--seed 77 --count 1" is the world 77.  Before others, without
 * --seed, come the regression seeds of seeds.txt.  A failure prints the line
 * that repeats it; with --shrink steps are left out of it while it still fails.
 *
 * One idea: a seed is a whole world and the same one on every machine. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "disk.h"
#include "proof.h"
#include "shrink.h"
#include "walk.h"
#include "watch.h"
#include "world.h"

enum {
    SEEDS_DEFAULT = 1000,
    SEEDS_FULL = 20000,
    COVERAGE_LEAST = 100, /* of each cell, in the full size */
    COVERAGE_SEEDS = 400  /* fewer need not reach every cell */
};

static volatile uint64_t seed_now;

struct options {
    struct proof proof;
    unsigned steps;
    const char *skip;
    bool shrink, seeded;
};

/* A crash names its seed, and stays a crash. */
static void crashed(int number)
{
    char text[128];
    int len =
        snprintf(text, sizeof(text),
                 "sim: seed %llu crashes\nagain: sim --seed %llu "
                 "--count 1\n",
                 (unsigned long long)seed_now, (unsigned long long)seed_now);

    (void)!write(2, text, (size_t)len);
    signal(number, SIG_DFL);
    raise(number);
}

/* Options that only this harness has are taken out of the list. */
static void parse(struct options *options, int count, char **arguments)
{
    int kept = 1;

    options->steps = WALK_STEPS;
    for (int index = 1; index < count; index++) {
        char *name = arguments[index];
        if (!strcmp(name, "--steps") && index + 1 < count)
            options->steps = (unsigned)strtoul(arguments[++index], NULL, 10);
        else if (!strcmp(name, "--skip") && index + 1 < count)
            options->skip = arguments[++index];
        else if (!strcmp(name, "--trace"))
            tracing = true;
        else if (!strcmp(name, "--shrink"))
            options->shrink = true;
        else
            arguments[kept++] = name;
        options->seeded |= !strcmp(name, "--seed");
    }
    arguments[kept] = NULL;
    proof_options(&options->proof, kept, arguments,
                  "further: [--steps K] [--skip STEPS] [--trace] [--shrink]\n"
                  "The core under faults of every kind, a world a seed.");
}

static void run_seed(const struct options *options, uint64_t seed,
                     unsigned steps, const struct record_types *types)
{
    seed_now = seed;
    if (options->shrink)
        shrink_seed(seed, steps);
    walk_seed(seed, steps, options->skip, types);
}

/* Seeds that once found something: "SEED STEPS words". */
static size_t run_saved(const struct options *options,
                        const struct record_types *types)
{
    FILE *file = fopen(SIM_SEEDS, "re");
    char line[256];
    unsigned long long seed;
    unsigned steps;
    size_t count = 0;

    if (!file) {
        fprintf(stderr, "sim: %s: %s\n", SIM_SEEDS, strerror(errno));
        exit(PROOF_FAILED);
    }
    while (fgets(line, sizeof(line), file)) {
        if (sscanf(line, "%llu %u", &seed, &steps) != 2)
            continue;
        run_seed(options, seed, steps, types);
        count++;
    }
    fclose(file);
    return count;
}

static void report(const struct options *options, uint64_t count)
{
    const struct walk_figures *walk = walk_figures();
    const struct disk_figures *disk = disk_figures();
    char more[512];

    printf("disk: %llu writes, %llu syncs; at cuts %llu kept, %llu dropped, "
           "%llu torn; errors %llu read %llu write %llu sync (%llu lost), %llu "
           "full\n",
           (unsigned long long)disk->writes, (unsigned long long)disk->syncs,
           (unsigned long long)disk->kept, (unsigned long long)disk->dropped,
           (unsigned long long)disk->torn,
           (unsigned long long)disk->faults[DISK_READ],
           (unsigned long long)disk->faults[DISK_WRITE],
           (unsigned long long)disk->faults[DISK_SYNC],
           (unsigned long long)disk->sync_lost, (unsigned long long)disk->full);
    snprintf(more, sizeof(more),
             "\"steps\":%llu,\"events\":%llu,\"duplicates\":%llu,\"deaths\":"
             "%llu",
             (unsigned long long)walk->steps, (unsigned long long)walk->events,
             (unsigned long long)walk->duplicates,
             (unsigned long long)walk->deaths);
    proof_figures(&options->proof, "seeds", count, 0, 0, more);
}

/* The coverage as a line of its own: what a part owes is a fraction, and the
 * sum over all parts is judged by full.sh. */
static FILE *cells_begin(const struct options *options, uint64_t count)
{
    FILE *file =
        options->proof.figures ? fopen(options->proof.figures, "ae") : NULL;

    if (!options->proof.figures)
        return NULL;
    if (!file) {
        fprintf(stderr, "sim: %s: %s\n", options->proof.figures,
                strerror(errno));
        exit(PROOF_FAILED);
    }
    fprintf(file, "{\"cells_owed\":%.3f",
            (double)count * COVERAGE_LEAST / SEEDS_FULL);
    return file;
}

static void cells_end(const struct options *options, FILE *file)
{
    if (!file)
        return;
    fprintf(file, "}\n");
    if (fclose(file)) {
        fprintf(stderr, "sim: %s: %s\n", options->proof.figures,
                strerror(errno));
        exit(PROOF_FAILED);
    }
}

/* A part of the full size owes its part of the coverage. */
static unsigned least_of(uint64_t count)
{
    uint64_t least = count * COVERAGE_LEAST / SEEDS_FULL;

    if (count < COVERAGE_SEEDS)
        return 0;
    return least > COVERAGE_LEAST ? COVERAGE_LEAST : (unsigned)least;
}

int main(int argc, char **argv)
{
    struct options options = {.skip = NULL};
    struct record_types *types = record_types_create();
    struct error err = {""};
    uint64_t count, first, rarest;
    FILE *cells;
    size_t below;

    parse(&options, argc, argv);
    if (options.proof.list) {
        printf("seeds %d\n", SEEDS_FULL);
        return PROOF_PASSED;
    }
    signal(SIGABRT, crashed);
    signal(SIGSEGV, crashed);
    log_open(open("/dev/null", O_WRONLY), LOG_JSON, LOG_ERROR, clock_system());
    if (record_types_load(types, CONNECT_SOURCE_DIR "/config/records", &err)) {
        fprintf(stderr, "sim: %s\n", err.text);
        return PROOF_FAILED;
    }
    disk_register();
    count = options.proof.count ? options.proof.count : SEEDS_DEFAULT;
    first = options.proof.seed + options.proof.from;
    if (!options.seeded && !options.proof.from)
        printf("%zu regression seeds\n", run_saved(&options, types));
    for (uint64_t index = 0; index < count; index++)
        run_seed(&options, first + index, options.steps, types);
    cells = cells_begin(&options, count);
    below = watch_report(least_of(count), cells, &rarest);
    cells_end(&options, cells);
    report(&options, count);
    record_types_destroy(types);
    return below ? PROOF_FAILED : PROOF_PASSED;
}
