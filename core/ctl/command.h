/* command.h - the commands of connectctl.  [one thread] */
#ifndef CONNECT_CTL_COMMAND_H
#define CONNECT_CTL_COMMAND_H

#include <stdbool.h>
#include <stdint.h>

#include "ctl/client.h"
#include "ctl/text.h"

/* Exit codes. */
enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NO_DAEMON = 3 };

/* Options of commands, as bits: which a command takes. */
enum command_option {
    OPTION_UNMASKED = 1 << 0,
    OPTION_FULL = 1 << 1,
    OPTION_AS_WAS = 1 << 2,
    OPTION_REASON = 1 << 3,
    OPTION_STATE = 1 << 4,
    OPTION_FLOW = 1 << 5,
    OPTION_LIMIT = 1 << 6,
    OPTION_BEFORE = 1 << 7,
    OPTION_RUN = 1 << 8,
    OPTION_LINES = 1 << 9,
    OPTION_CODE = 1 << 10,
    OPTION_INSTANCE = 1 << 11,
    OPTION_TYPE = 1 << 12,
    OPTION_CONTAINS = 1 << 13,
    OPTION_KEY = 1 << 14,
    OPTION_ALL = 1 << 15,
    OPTION_YES = 1 << 16,
    OPTION_CONFIG = 1 << 17,
    OPTION_FILE = 1 << 18,
    OPTION_STEP = 1 << 19,
    OPTION_HAPPENED = 1 << 20,
    OPTION_ABSENT = 1 << 21,
    OPTION_REFERENCE = 1 << 22,
    OPTION_SHADOW = 1 << 23
};

struct command_options {
    const char *socket;
    bool json, no_colour;
    uint32_t given; /* bits of OPTION_ */
    /* the texts of options that take one; NULL: not given */
    const char *reason, *state, *flow, *limit, *before, *run_text, *lines_text;
    const char *code, *instance, *type, *contains, *key, *config, *file, *step;
    const char *reference;
    uint64_t run, lines;
};

struct command_context {
    const struct command_options *options;
    struct client *client;
    struct text_out out;
    int count; /* arguments behind the command */
    char *const *arguments;
};

struct command {
    const char *name;
    const char *arguments; /* for people: "RUN..." */
    const char *title;
    const char *help; /* more about it; may be NULL */
    uint32_t options;
    int least, most; /* arguments */
    bool hidden;
    int (*run)(struct command_context *context);
};

/* NULL behind the last. */
const struct command *command_at(size_t index);
const struct command *command_find(const char *name);

#endif
