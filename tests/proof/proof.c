/* proof.c - options and figures of the harnesses.
 *
 * One idea: a case has a number and a number has one meaning, so a run can be
 * cut anywhere and a failure is one line to repeat.  One thread. */
#include "proof.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t number_of(const struct proof *proof, const char *name,
                          const char *text)
{
    char *end;
    uint64_t number;

    errno = 0;
    number = strtoull(text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && !errno)
        return number;
    fprintf(stderr, "%s: --%s needs a number, not \"%s\"\n", proof->program,
            name, text);
    exit(PROOF_USAGE);
}

static void usage(const struct proof *proof, const char *about, FILE *file)
{
    fprintf(file,
            "usage: %s [--part NAME] [--from N] [--count N] [--seed S]\n"
            "       [--figures FILE] [--list]\n\n%s\n",
            proof->program, about);
}

void proof_options(struct proof *proof, int argc, char **argv,
                   const char *about)
{
    static const struct option options[] = {
        {"part", required_argument, NULL, 'p'},
        {"from", required_argument, NULL, 'f'},
        {"count", required_argument, NULL, 'c'},
        {"seed", required_argument, NULL, 's'},
        {"figures", required_argument, NULL, 'g'},
        {"list", no_argument, NULL, 'l'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int letter;

    memset(proof, 0, sizeof(*proof));
    proof->program =
        strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    proof->seed = 1;
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (letter) {
        case 'p':
            proof->part = optarg;
            break;
        case 'f':
            proof->from = number_of(proof, "from", optarg);
            break;
        case 'c':
            proof->count = number_of(proof, "count", optarg);
            break;
        case 's':
            proof->seed = number_of(proof, "seed", optarg);
            break;
        case 'g':
            proof->figures = optarg;
            break;
        case 'l':
            proof->list = true;
            break;
        case 'h':
            usage(proof, about, stdout);
            exit(PROOF_PASSED);
        default:
            usage(proof, about, stderr);
            exit(PROOF_USAGE);
        }
    }
    while (optind < argc && proof->argument_count < 16)
        proof->arguments[proof->argument_count++] = argv[optind++];
}

static void list_part(const struct proof_part *part)
{
    printf("%s %" PRIu64, part->name,
           part->cases ? part->cases : part->count());
    if (part->together)
        printf(" %" PRIu64, part->together);
    printf("\n");
}

int proof_parts(const struct proof *proof, const struct proof_part *parts,
                size_t count, int (*run)(const struct proof_part *part))
{
    int code = PROOF_PASSED;
    bool known = false;

    for (size_t at = 0; at < count; at++) {
        if (proof->part && strcmp(proof->part, parts[at].name) != 0)
            continue;
        known = true;
        if (proof->list)
            list_part(&parts[at]);
        else if (run(&parts[at]) != PROOF_PASSED)
            code = PROOF_FAILED;
    }
    if (known)
        return code;
    fprintf(stderr, "%s: no part \"%s\"\n", proof->program, proof->part);
    return PROOF_USAGE;
}

void proof_cases(const struct proof *proof, uint64_t total, uint64_t few,
                 uint64_t *ret_from, uint64_t *ret_count)
{
    uint64_t from = proof->from < total ? proof->from : total;
    uint64_t count = proof->from ? total : few;

    if (proof->count)
        count = proof->count;
    *ret_from = from;
    *ret_count = count < total - from ? count : total - from;
}

void proof_figures(const struct proof *proof, const char *part, uint64_t cases,
                   uint64_t lost, uint64_t doubled, const char *more)
{
    FILE *file = proof->figures ? fopen(proof->figures, "ae") : NULL;

    if (proof->figures && !file) {
        fprintf(stderr, "%s: %s: %s\n", proof->program, proof->figures,
                strerror(errno));
        exit(PROOF_FAILED);
    }
    printf("%s: %" PRIu64 " cases, %" PRIu64 " lost, %" PRIu64 " doubled%s%s\n",
           part, cases, lost, doubled, more ? ", " : "", more ? more : "");
    if (!file)
        return;
    fprintf(file,
            "{\"part\":\"%s\",\"cases\":%" PRIu64 ",\"lost\":%" PRIu64
            ",\"doubled\":%" PRIu64 "%s%s}\n",
            part, cases, lost, doubled, more ? "," : "", more ? more : "");
    if (fclose(file)) {
        fprintf(stderr, "%s: %s: %s\n", proof->program, proof->figures,
                strerror(errno));
        exit(PROOF_FAILED);
    }
}

uint64_t proof_random(uint64_t *state)
{
    /* splitmix64: small, and the same everywhere. */
    uint64_t mixed = (*state += 0x9e3779b97f4a7c15u);

    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111ebu;
    return mixed ^ (mixed >> 31);
}

uint64_t proof_below(uint64_t *state, uint64_t limit)
{
    return proof_random(state) % limit;
}
