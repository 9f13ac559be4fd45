/* sim_control.h - the control routes that both simulators have. */
#ifndef CONNECT_SANDBOX_SIM_CONTROL_H
#define CONNECT_SANDBOX_SIM_CONTROL_H

#include "sim_server.h"

/* What the routes act on; all borrowed. */
struct sim_control {
    const struct sim_program *program;
    struct sim_clock *clock;
    struct sim_ledger *ledger;
    struct sim_faults *faults;
    uint64_t seed;
    unsigned port;
    unsigned control_port;
    /* A refuse fault came or went: listen again or stop listening. */
    void (*set_refuse)(void *arg, bool refuse, int64_t ms);
    void *arg;
};

/* Answer a request whose path begins with "/_sim/". */
void sim_control_handle(const struct sim_control *control,
                        struct sim_request *request, struct sim_answer *answer);

#endif
