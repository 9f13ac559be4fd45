/* main.c - connectctl: arguments to a command, a terminal's width and colours.
 *
 * One idea: options may stand before or behind the command, and one that the
 * command does not take is a mistake.  Exit codes: 0 done, 1 refused or failed,
 * 2 wrong use, 3 the daemon cannot be reached.  One thread. */
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl/command.h"

#define SOCKET_DEFAULT "/run/connect/admin.sock"

enum { LINES_DEFAULT = 10, LINES_MAX = 100000 };

enum { /* of options without a short form: above all characters */
       LETTER_JSON = 256,
       LETTER_NO_COLOUR,
       LETTER_CHOICE /* and on: the table below */
};

/* Options that commands take. */
#define TEXT_OF(member) offsetof(struct command_options, member)
static const struct choice {
    const char *name;
    enum command_option bit;
    size_t text; /* where its text goes; 0: it has none */
} choices[] = {
    {"unmasked", OPTION_UNMASKED, 0},
    {"full", OPTION_FULL, 0},
    {"as-was", OPTION_AS_WAS, 0},
    {"all", OPTION_ALL, 0},
    {"yes", OPTION_YES, 0},
    {"happened", OPTION_HAPPENED, 0},
    {"absent", OPTION_ABSENT, 0},
    {"shadow", OPTION_SHADOW, 0},
    {"reason", OPTION_REASON, TEXT_OF(reason)},
    {"state", OPTION_STATE, TEXT_OF(state)},
    {"flow", OPTION_FLOW, TEXT_OF(flow)},
    {"limit", OPTION_LIMIT, TEXT_OF(limit)},
    {"before", OPTION_BEFORE, TEXT_OF(before)},
    {"run", OPTION_RUN, TEXT_OF(run_text)},
    {"lines", OPTION_LINES, TEXT_OF(lines_text)},
    {"code", OPTION_CODE, TEXT_OF(code)},
    {"instance", OPTION_INSTANCE, TEXT_OF(instance)},
    {"type", OPTION_TYPE, TEXT_OF(type)},
    {"contains", OPTION_CONTAINS, TEXT_OF(contains)},
    {"key", OPTION_KEY, TEXT_OF(key)},
    {"config", OPTION_CONFIG, TEXT_OF(config)},
    {"file", OPTION_FILE, TEXT_OF(file)},
    {"step", OPTION_STEP, TEXT_OF(step)},
    {"reference", OPTION_REFERENCE, TEXT_OF(reference)},
};

static const struct option own_options[] = {
    {"socket", required_argument, NULL, 's'},
    {"json", no_argument, NULL, LETTER_JSON},
    {"no-colour", no_argument, NULL, LETTER_NO_COLOUR},
    {"no-color", no_argument, NULL, LETTER_NO_COLOUR},
    {"version", no_argument, NULL, 'V'},
    {"help", no_argument, NULL, 'h'},
};

enum {
    CHOICE_COUNT = sizeof(choices) / sizeof(*choices),
    OWN_COUNT = sizeof(own_options) / sizeof(*own_options)
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
            printf("  %-10s %-15s %s\n", command->name, command->arguments,
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
static bool take_choice(struct command_options *options,
                        const struct choice *choice)
{
    options->given |= choice->bit;
    if (choice->text)
        *(const char **)((char *)options + choice->text) = optarg;
    if (choice->bit == OPTION_RUN)
        return take_number("run", optarg, INT64_MAX, &options->run);
    if (choice->bit == OPTION_LINES)
        return take_number("lines", optarg, LINES_MAX, &options->lines);
    return true;
}

static bool take_option(struct command_options *options, int letter)
{
    if (letter == LETTER_JSON)
        options->json = true;
    else if (letter == LETTER_NO_COLOUR)
        options->no_colour = true;
    else
        return take_choice(options, &choices[letter - LETTER_CHOICE]);
    return true;
}

/* The table as getopt takes it. */
static void all_options(struct option ret[CHOICE_COUNT + OWN_COUNT + 1])
{
    for (size_t index = 0; index < CHOICE_COUNT; index++) {
        const struct choice *choice = &choices[index];
        ret[index] = (struct option){
            choice->name, choice->text ? required_argument : no_argument, NULL,
            LETTER_CHOICE + (int)index};
    }
    memcpy(ret + CHOICE_COUNT, own_options, sizeof(own_options));
    memset(ret + CHOICE_COUNT + OWN_COUNT, 0, sizeof(*ret));
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

static const char *not_taken(const struct command *command,
                             const struct command_options *options)
{
    for (size_t index = 0; index < CHOICE_COUNT; index++)
        if (choices[index].bit & options->given & ~command->options)
            return choices[index].name;
    return NULL;
}

static int run_command(const struct command *command,
                       const struct command_options *options, int count,
                       char *const *arguments)
{
    struct command_context context = {
        .options = options, .count = count, .arguments = arguments};
    int code;

    if (not_taken(command, options)) {
        fprintf(stderr, "connectctl: %s does not take --%s\n", command->name,
                not_taken(command, options));
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
    struct option long_options[CHOICE_COUNT + OWN_COUNT + 1];
    const struct command *command;
    bool help = false;
    int letter;

    argv[0] = (char[]){"connectctl"}; /* for what getopt says */
    all_options(long_options);
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
