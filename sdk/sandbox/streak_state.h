/* streak_state.h - the Streak simulator as one object, shared by its files. */
#ifndef CONNECT_SANDBOX_STREAK_STATE_H
#define CONNECT_SANDBOX_STREAK_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "sim_server.h"
#include "streak_webhook.h"
#include "streak_world.h"

/* Switches where Streak's behaviour is not published or differs between
 * sources; POST /_sim/options changes them. */
struct streak_switches {
    bool strict;            /* refuse bad option keys and types of values */
    int unknown_key_status; /* of a key nothing has: 404 or 400 */
    bool v2_stages;         /* serve the stage list under v2 */
    bool same_moves_saved;  /* a write that changes nothing moves
                               lastSavedTimestamp */
    bool limit_header;      /* 429 with Retry-After */
    bool limit_body;        /* 429 with a body */
};

struct streak {
    struct sim_server *server; /* borrowed */
    struct sim_clock *clock;   /* borrowed from server, as the ledger */
    struct sim_ledger *ledger;
    struct streak_world world;
    struct streak_hooks *hooks;
    struct streak_switches switches;
    int64_t rate_option; /* calls a second from the command line */
    int64_t rate;        /* calls a second now; 0: no limit */
    int64_t tokens;      /* thousandths of a call that are left */
    int64_t tokens_ms;   /* time of tokens */
};

#endif
