/* main.c - connectctl: arguments to a command, a terminal's width and colours.
 *
 * One idea: options may stand before or behind the command, and one that the
 * command does not take is a mistake.  Exit codes: 0 done, 1 refused or failed,
 * 2 wrong use, 3 the daemon cannot be reached.  One thread. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl/command.h"

#define SOCKET_DEFAULT "/run/connect/admin.sock"

enum { LINES_DEFAULT = 10, LINES_MAX = 100000 };

enum letter { /* of options without a short form: above all characters */
              LETTER_JSON = 256,
              LETTER_NO_COLOUR,
              LETTER_UNMASKED,
              LETTER_FULL,
              LETTER_AS_WAS,
              LETTER_REASON,
              LETTER_STATE,
              LETTER_FLOW,
              LETTER_LIMIT,
              LETTER_BEFORE,
              LETTER_RUN,
              LETTER_LINES
};

static const struct option long_options[] = {
    {"socket", required_argument, NULL, 's'},
    {"json", no_argument, NULL, LETTER_JSON},
    {"no-colour", no_argument, NULL, LETTER_NO_COLOUR},
    {"no-color", no_argument, NULL, LETTER_NO_COLOUR},
    {"unmasked", no_argument, NULL, LETTER_UNMASKED},
    {"full", no_argument, NULL, LETTER_FULL},
    {"as-was", no_argument, NULL, LETTER_AS_WAS},
    {"reason", required_argument, NULL, LETTER_REASON},
    {"state", required_argument, NULL, LETTER_STATE},
    {"flow", required_argument, NULL, LETTER_FLOW},
    {"limit", required_argument, NULL, LETTER_LIMIT},
    {"before", required_argument, NULL, LETTER_BEFORE},
    {"run", required_argument, NULL, LETTER_RUN},
    {"lines", required_argument, NULL, LETTER_LINES},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static const char options_text[] =
    "\n"
    "  -s, --socket PATH    the daemon's socket; else $CONNECT_SOCKET, else\n"
    "                       " SOCKET_DEFAULT "\n"
    "      --json           print the daemon's answer as JSON\n"
    "      --no-colour      no colours; also with NO_COLOR set or in a pipe\n"
    "  -V, --version        print the version\n"
    "  -h, --help           print this, or help about a command\n";

static void print_help(void)
{
    const struct command *command;

    printf("usage: connectctl [options] COMMAND [arguments]\n\n"
           "Looks at a running connectd and acts on what waits for a "
           "person.\n\n");
    for (size_t index = 0; (command = command_at(index)); index++)
        if (!command->hidden)
            printf("  %-10s %-8s %s\n", command->name, command->arguments,
                   command->title);
    printf("%s\nExit codes: 0 done, 1 refused or failed, 2 wrong use, 3 the "
           "daemon\ncannot be reached.\n",
           options_text);
}

static void print_command_help(const struct command *command)
{
    printf("usage: connectctl %s%s%s%s\n\n%s\n", command->name,
           command->options ? " [options]" : "", *command->arguments ? " " : "",
           command->arguments, command->title);
    if (command->help)
        printf("\n%s", command->help);
    fputs(options_text, stdout);
}

static bool take_number(const char *name, const char *text, uint64_t max,
                        uint64_t *ret_number)
{
    char *end;

    errno = 0;
    *ret_number = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && !*end && !errno &&
        *ret_number <= max)
        return true;
    fprintf(stderr, "connectctl: --%s takes a number\n", name);
    return false;
}

/* An option of a command; false: wrong use. */
static bool take_option(struct command_options *options, int letter)
{
    switch ((enum letter)letter) {
    case LETTER_UNMASKED:
        options->given |= OPTION_UNMASKED;
        return true;
    case LETTER_FULL:
        options->given |= OPTION_FULL;
        return true;
    case LETTER_AS_WAS:
        options->given |= OPTION_AS_WAS;
        return true;
    case LETTER_REASON:
        options->given |= OPTION_REASON;
        options->reason = optarg;
        return true;
    case LETTER_STATE:
        options->given |= OPTION_STATE;
        options->state = optarg;
        return true;
    case LETTER_FLOW:
        options->given |= OPTION_FLOW;
        options->flow = optarg;
        return true;
    case LETTER_LIMIT:
        options->given |= OPTION_LIMIT;
        options->limit = optarg;
        return true;
    case LETTER_BEFORE:
        options->given |= OPTION_BEFORE;
        options->before = optarg;
        return true;
    case LETTER_RUN:
        options->given |= OPTION_RUN;
        return take_number("run", optarg, INT64_MAX, &options->run);
    case LETTER_LINES:
        options->given |= OPTION_LINES;
        return take_number("lines", optarg, LINES_MAX, &options->lines);
    case LETTER_JSON:
        options->json = true;
        return true;
    case LETTER_NO_COLOUR:
        options->no_colour = true;
        return true;
    }
    return false;
}

static void open_out(struct text_out *out,
                     const struct command_options *options)
{
    const char *terminal = getenv("TERM");
    const char *columns = getenv("COLUMNS");
    bool is_terminal = isatty(STDOUT_FILENO) != 0;
    struct winsize size;

    out->file = stdout;
    out->colour = is_terminal && !options->no_colour && !getenv("NO_COLOR") &&
                  terminal && strcmp(terminal, "dumb") != 0;
    out->width = 0;
    if (is_terminal && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col)
        out->width = size.ws_col;
    else if (is_terminal && columns)
        out->width = (size_t)strtoul(columns, NULL, 10);
}

static int wrong_use(const struct command *command)
{
    fprintf(stderr, "try: connectctl %s --help\n", command->name);
    return EXIT_USAGE;
}

static int run_command(const struct command *command,
                       const struct command_options *options, int count,
                       char *const *arguments)
{
    struct command_context context = {
        .options = options, .count = count, .arguments = arguments};
    int code;

    if (options->given & ~command->options) {
        fprintf(stderr, "connectctl: %s does not take one of these options\n",
                command->name);
        return wrong_use(command);
    }
    if (count < command->least || count > command->most) {
        fprintf(stderr, "connectctl: %s takes %s\n", command->name,
                *command->arguments ? command->arguments : "no argument");
        return wrong_use(command);
    }
    open_out(&context.out, options);
    context.client = client_create(options->socket);
    code = command->run(&context);
    client_destroy(context.client);
    if (fflush(stdout) || ferror(stdout)) {
        fprintf(stderr, "connectctl: the output cannot be written\n");
        code = code ? code : EXIT_FAILED;
    }
    return code;
}

int main(int argc, char **argv)
{
    struct command_options options = {.socket = getenv("CONNECT_SOCKET"),
                                      .lines = LINES_DEFAULT};
    const struct command *command;
    bool help = false;
    int letter;

    if (!options.socket || !*options.socket)
        options.socket = SOCKET_DEFAULT;
    while ((letter = getopt_long(argc, argv, "s:Vh", long_options, NULL)) !=
           -1) {
        if (letter == 's') {
            options.socket = optarg;
        } else if (letter == 'V') {
            printf("connectctl " CONNECT_VERSION "\n");
            return EXIT_DONE;
        } else if (letter == 'h') {
            help = true;
        } else if (letter == '?' || !take_option(&options, letter)) {
            fprintf(stderr, "try: connectctl --help\n");
            return EXIT_USAGE;
        }
    }
    if (optind == argc) {
        print_help();
        return help ? EXIT_DONE : EXIT_USAGE;
    }
    command = command_find(argv[optind]);
    if (!command) {
        fprintf(stderr, "connectctl: there is no command %s\n", argv[optind]);
        fprintf(stderr, "try: connectctl --help\n");
        return EXIT_USAGE;
    }
    if (help) {
        print_command_help(command);
        return EXIT_DONE;
    }
    return run_command(command, &options, argc - optind - 1, argv + optind + 1);
}
