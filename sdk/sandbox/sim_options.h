/* sim_options.h - the command line of a simulator. */
#ifndef CONNECT_SANDBOX_SIM_OPTIONS_H
#define CONNECT_SANDBOX_SIM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "sim_server.h"

struct sim_options {
    const char *address;           /* of argv or static, as all texts here */
    const char *port_file;         /* NULL: none */
    const char *control_port_file; /* NULL: none */
    const char *ledger_file;       /* NULL: none */
    uint64_t seed;
    uint16_t port;         /* 0: the kernel chooses */
    uint16_t control_port; /* 0: the kernel chooses */
};

/* Read argv, passing on the program's own options.  0: run; 1: help or version
 * was printed; negative: a sentence was written to stderr. */
int sim_options_read(int argc, char **argv, const struct sim_program *program,
                     struct sim_options *ret_options);

#endif
