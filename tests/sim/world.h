/* world.h - one simulated world: the engine over a real store on a disk of our
 * own, with clock, instances and chance in the hand of one seed.
 *
 * Every step draws from numbers of its own, made of the seed and the step, so
 * that a step can be left out and the others stay what they were (--skip).
 * Everything is on one thread; the store is in inline mode. */
#ifndef CONNECT_SIM_WORLD_H
#define CONNECT_SIM_WORLD_H

#include "erp.h"
#include "watch.h"
#include "world_op.h"

enum {
    OPS_MAX = 1100,
    OP_TIMEOUT_MS = 60000, /* the host ends an operation that is open longer */
    ROUNDS_MAX = 600       /* of answering, until nothing is queued */
};

struct world {
    uint64_t seed, random;
    unsigned step, steps; /* now, and of the seed */
    const char *skip;     /* steps left out: "3-40,55"; or NULL */
    char directory[64];
    int64_t now_ms;
    int64_t wall_ahead_ms; /* how far the wall clock has jumped */
    struct clock clock;
    struct store *store;
    struct record_types *types; /* borrowed */
    struct engine *engine;
    struct world_op ops[OPS_MAX];
    size_t op_count;
    uint64_t next_op;
    uint32_t room_erp, room_crm;
    uint32_t runs_active_max;
    int64_t wake_ms; /* asked for, by our clock */
    bool closing;    /* the engine's last callbacks while a store closes */
    bool store_failed, stopped, jump_noted;
    bool power;            /* the death that is planned is one of the power */
    bool calm;             /* the faults have stopped */
    unsigned refuse;       /* of a thousand commits and questions */
    unsigned start_refuse; /* of a thousand operations */
    const char *poison;    /* a deal that is answered badly each time */
    struct erp erp;
    struct watch watch;
    char (*events)[16];               /* answered as kept; owned */
    size_t event_count, saved_events; /* saved: when the backup was made */
    unsigned shadows;                 /* under way */
    unsigned next_event;
    unsigned flow_version, variant;
};

/* 0 to below - 1, and: does it happen? */
unsigned world_draw(struct world *world, unsigned below);
bool world_chance(struct world *world, unsigned of_thousand);
/* The numbers of this step begin. */
void world_begin_step(struct world *world, unsigned step);

struct world *world_create(uint64_t seed, const struct record_types *types);
void world_destroy(struct world *world);

/* Start the daemon: until the store opens. */
void world_open(struct world *world);
/* A good end: what is queued is committed. */
void world_close(struct world *world);
/* After the death of the process or the power: what is left is opened. */
void world_fall(struct world *world, bool power);
/* The process does not live any more, or will not. */
bool world_dead(const struct world *world);

/* Answer commits and questions until nothing is queued. */
void world_settle(struct world *world);
void world_add_flow(struct world *world, const char *text);

/* Finished runs are forgotten in this world, by age or by size. */
bool world_prunes(const struct world *world);

/* Take an operation out of the list and end it.  text: body or message. */
void world_end(struct world *world, size_t index, struct op_outcome *outcome,
               const char *text);
uint32_t world_room(const struct world *world, const char *instance);

/* It did not hold: say so with the one line that repeats it, and end. */
void world_broken(const struct world *world, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

extern bool tracing;
#define TRACE(...)                                                             \
    do {                                                                       \
        if (tracing)                                                           \
            printf(__VA_ARGS__);                                               \
    } while (0)

#endif
