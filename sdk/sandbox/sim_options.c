/* sim_options.c - the command line of a simulator.
 *
 * Options are words with two dashes and one value, as "--port 0" or
 * "--port=0"; nothing else is taken.  Called once, before the server starts. */
#include "sim_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char help_base[] =
    "Options:\n"
    "  --port N               port of the simulated system; 0 or absent: the\n"
    "                         kernel chooses\n"
    "  --port-file PATH       write the port there once it listens\n"
    "  --control-port N       a second port for /_sim/ alone, which stays "
    "open\n"
    "                         under the fault refuse; 0 or absent: the kernel\n"
    "                         chooses, /_sim/health tells it\n"
    "  --control-port-file PATH\n"
    "  --address A            address to listen on (127.0.0.1)\n"
    "  --seed N               seed of keys, spreads and probabilities (1)\n"
    "  --ledger FILE          append every ledger entry as a line of JSON\n"
    "  --help, --version\n";

static const char help_control[] =
    "\nControl routes (stable; JSON; on both ports):\n"
    "  GET    /_sim/health\n"
    "  GET    /_sim/ledger?after=N&limit=M      requests\n"
    "  GET    /_sim/documents?kind=K&reference=R&after=N&limit=M\n"
    "  GET    /_sim/deliveries?after=N&limit=M  webhooks sent\n"
    "  GET    /_sim/faults\n"
    "  POST   /_sim/faults   {\"fault\":KIND,\"method\":M,\"match\":PART,\n"
    "                         "
    "\"match_body\":PART,\"count\":N,\"always\":true,\n"
    "                         \"skip\":N,\"probability\":P,...}\n"
    "  DELETE /_sim/faults?id=N  (all without id)\n"
    "  GET    /_sim/clock\n"
    "  POST   /_sim/clock    {\"advance_ms\":N} {\"set_ms\":N} "
    "{\"frozen\":true}\n"
    "  POST   /_sim/reset    back to the demo world\n"
    "Kinds of fault: delay (ms), cut_before_commit, cut_after_commit,\n"
    "  reset_before, reset_after, truncate (bytes), status (status, body,\n"
    "  content_type, retry_after, commit), empty, slow_commit (ms),\n"
    "  refuse (ms)";

static void print_help(const struct sim_program *program)
{
    const struct sim_option *option = program->options;

    printf("Usage: %s [options]\n\n%s\n\n%s", program->name, program->about,
           help_base);
    for (; option && option->name; option++)
        printf("  --%s %-*s %s\n", option->name,
               (int)(19 - strlen(option->name)), option->value, option->help);
    fputs(help_control, stdout);
    for (const char *const *name = program->fault_names; name && *name; name++)
        printf(",\n  %s", *name);
    printf("\n\nControl routes of %s:\n%s", program->name, program->routes);
}

static int read_number(const char *text, uint64_t max, uint64_t *ret_number)
{
    char *end = NULL;
    unsigned long long number;

    errno = 0;
    number = strtoull(text, &end, 10);
    if (errno || end == text || *end || *text == '-' || number > max)
        return -EINVAL;
    *ret_number = number;
    return 0;
}

static int read_port(const char *text, uint16_t *ret_port)
{
    uint64_t number;

    if (read_number(text, 65535, &number))
        return -EINVAL;
    *ret_port = (uint16_t)number;
    return 0;
}

/* -ENOENT: no such option. */
static int set_own(const struct sim_program *program, const char *name,
                   const char *value)
{
    const struct sim_option *option = program->options;

    for (; option && option->name; option++)
        if (strcmp(option->name, name) == 0)
            return option->set(program->arg, value);
    return -ENOENT;
}

static int set_option(struct sim_options *options,
                      const struct sim_program *program, const char *name,
                      const char *value)
{
    if (strcmp(name, "port") == 0)
        return read_port(value, &options->port);
    if (strcmp(name, "control-port") == 0)
        return read_port(value, &options->control_port);
    if (strcmp(name, "seed") == 0)
        return read_number(value, UINT64_MAX, &options->seed);
    if (strcmp(name, "port-file") == 0)
        options->port_file = value;
    else if (strcmp(name, "control-port-file") == 0)
        options->control_port_file = value;
    else if (strcmp(name, "address") == 0)
        options->address = value;
    else if (strcmp(name, "ledger") == 0)
        options->ledger_file = value;
    else
        return set_own(program, name, value);
    return 0;
}

/* Take the option at argv[*index] and its value. */
static int read_one(int argc, char **argv, int *index,
                    const struct sim_program *program,
                    struct sim_options *options)
{
    const char *word = argv[*index];
    char name[32];
    const char *value;
    size_t len = strcspn(word, "=");
    int status;

    if (strncmp(word, "--", 2) != 0 || len - 2 >= sizeof(name)) {
        fprintf(stderr, "%s: %s: not an option; see --help\n", program->name,
                word);
        return -EINVAL;
    }
    snprintf(name, sizeof(name), "%.*s", (int)len - 2, word + 2);
    if (word[len] == '=') {
        value = word + len + 1;
    } else if (*index + 1 < argc) {
        value = argv[++*index];
    } else {
        fprintf(stderr, "%s: --%s: value missing\n", program->name, name);
        return -EINVAL;
    }
    status = set_option(options, program, name, value);
    if (status == -ENOENT)
        fprintf(stderr, "%s: --%s: no such option; see --help\n", program->name,
                name);
    else if (status)
        fprintf(stderr, "%s: --%s: \"%s\" is not allowed\n", program->name,
                name, value);
    return status;
}

int sim_options_read(int argc, char **argv, const struct sim_program *program,
                     struct sim_options *ret_options)
{
    struct sim_options options = {.address = "127.0.0.1", .seed = 1};

    for (int index = 1; index < argc; index++) {
        if (strcmp(argv[index], "--help") == 0) {
            print_help(program);
            return 1;
        }
        if (strcmp(argv[index], "--version") == 0) {
            printf("%s %s\n", program->name, CONNECT_VERSION);
            return 1;
        }
        if (read_one(argc, argv, &index, program, &options))
            return -EINVAL;
    }
    *ret_options = options;
    return 0;
}
