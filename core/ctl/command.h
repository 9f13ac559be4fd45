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
enum {
    OPTION_UNMASKED = 1,
    OPTION_FULL = 2,
    OPTION_AS_WAS = 4,
    OPTION_REASON = 8,
    OPTION_STATE = 16,
    OPTION_FLOW = 32,
    OPTION_LIMIT = 64,
    OPTION_BEFORE = 128,
    OPTION_RUN = 256,
    OPTION_LINES = 512
};

struct command_options {
    const char *socket;
    bool json, no_colour;
    uint32_t given; /* bits of OPTION_ */
    const char *reason, *state, *flow, *limit, *before;
    uint64_t run;
    uint64_t lines;
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
