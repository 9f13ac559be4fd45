/* sim_fault.h - faults that a test switches on by a control route.
 *
 * A fault has a kind, says which requests it hits (method, a part of the
 * address, a part of the body) and how often: once, n times, always, or with a
 * probability drawn from the seed.  The kinds of the base are carried out by
 * sim_server; a simulator adds kinds of its own and asks for them by name. */
#ifndef CONNECT_SANDBOX_SIM_FAULT_H
#define CONNECT_SANDBOX_SIM_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"

struct sim_faults;

enum sim_fault_kind {
    SIM_FAULT_OTHER, /* a kind of the simulator; look at name */
    SIM_FAULT_DELAY,
    SIM_FAULT_CUT_BEFORE,
    SIM_FAULT_CUT_AFTER,
    SIM_FAULT_RESET_BEFORE,
    SIM_FAULT_RESET_AFTER,
    SIM_FAULT_TRUNCATE,
    SIM_FAULT_STATUS,
    SIM_FAULT_EMPTY,
    SIM_FAULT_SLOW_COMMIT,
    SIM_FAULT_REFUSE
};

/* All pointers belong to the fault, which lives as long as sim_faults. */
struct sim_fault {
    uint64_t id;
    enum sim_fault_kind kind;
    const char *name;         /* as in the control route */
    const char *method;       /* NULL: any */
    const char *match;        /* part of "/path?query" as sent; NULL: any */
    const char *match_body;   /* part of the body; NULL: any */
    int64_t count;            /* hits left; -1: always */
    int64_t skip;             /* matching requests to let through first */
    double probability;       /* 1: each matching request */
    int64_t ms;               /* delay, slow_commit, refuse */
    int64_t bytes;            /* truncate: bytes of the body that are sent */
    int status;               /* status: what is answered */
    const char *body;         /* status: body; NULL: none */
    const char *content_type; /* status: of body */
    const char *retry_after;  /* status: header; NULL: none */
    bool commit;              /* status: make the change all the same */
    uint64_t hits;
    const cJSON *given; /* the whole object as posted, for kinds of one's own */
    struct sim_fault *next;
};

struct sim_faults *sim_fault_create(uint64_t seed);
void sim_fault_destroy(struct sim_faults *faults);
/* Kinds of a simulator's own: a list that ends with NULL and stays valid. */
void sim_fault_add_names(struct sim_faults *faults, const char *const *names);

/* From a control body.  Takes given in every case.  0 or -EINVAL. */
int sim_fault_add(struct sim_faults *faults, cJSON *given,
                  const struct sim_fault **ret_fault,
                  struct error *err) MUST_USE;
/* id 0: all. */
void sim_fault_remove(struct sim_faults *faults, uint64_t id);
void sim_fault_list(const struct sim_faults *faults, struct buf *buf);

/* The first fault of the base (name NULL) or of this name that hits a request;
 * counts the hit.  NULL: none.  body may be NULL. */
const struct sim_fault *sim_fault_take(struct sim_faults *faults,
                                       const char *name, const char *method,
                                       const char *url, const char *body);
/* Is a fault of this kind there that is not used up? */
bool sim_fault_present(const struct sim_faults *faults,
                       enum sim_fault_kind kind);
/* Count all faults of this kind as used up. */
void sim_fault_end(struct sim_faults *faults, enum sim_fault_kind kind);

#endif
