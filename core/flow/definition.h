/* definition.h - a flow file, compiled.
 *
 *   { "flow": "won-deal-to-sales-order",
 *     "title": "A won deal becomes a sales order",
 *     "newer": "waits" | "overtakes",
 *     "priority": "interactive" | "bulk",
 *     "trigger": { "instance": "streak", "type": "box_event/1",
 *                  "when": { condition on /trigger } },
 *     "tables": { "warehouses": { "North": "W2" } },
 *     "steps": [
 *       { "name": "deal", "call": "read_deal", "on": "streak",
 *         "with": [ mapping ] },
 *       { "name": "won", "filter": { condition } },
 *       { "name": "which", "switch": [
 *           { "when": { condition }, "steps": [ ... ] },
 *           { "otherwise": true, "steps": [ ... ] } ] },
 *       { "name": "order", "transform": [ mapping ], "as": "sales_order/1" },
 *       { "name": "lines", "map": { "over": "/order/lines", "as": "line",
 *                                   "steps": [ ... ] } },
 *       { "name": "post", "deliver": "sales_order/1", "to": "syspro",
 *         "body": "/order" | [ mapping ], "on_park": "wait" | "skip" } ] }
 *
 * A transform may be { "jq": "program" } in place of a table.  Every step has a
 * result under its name, which later steps read: a call its answer, a transform
 * its value, a filter true, a switch the number of the case, a map the list of
 * the last results of its steps, a deliver { "reference": what the target calls
 * it, "adopted": bool }.
 *
 * A compiled flow never changes; it is shared by reference count, because runs
 * keep the version they began with. */
#ifndef CONNECT_FLOW_DEFINITION_H
#define CONNECT_FLOW_DEFINITION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "config/record_type.h"
#include "flow/condition.h"
#include "flow/mapping.h"

enum step_kind {
    STEP_CALL,
    STEP_FILTER,
    STEP_SWITCH,
    STEP_TRANSFORM,
    STEP_MAP,
    STEP_DELIVER
};

struct flow_steps {
    struct flow_step *steps;
    size_t count;
};

struct flow_case {
    struct condition *when; /* NULL: otherwise */
    struct flow_steps steps;
};

struct flow_step {
    enum step_kind kind;
    const char *name;
    const char *instance;           /* CALL, DELIVER */
    const char *action;             /* CALL */
    struct mapping *mapping;        /* CALL with, TRANSFORM table, DELIVER body;
                                     * NULL: none */
    const char *jq;                 /* TRANSFORM: program, or NULL */
    const struct record_type *type; /* TRANSFORM as (may be NULL), DELIVER */
    struct condition *when;         /* FILTER */
    struct flow_case *cases;        /* SWITCH */
    size_t case_count;
    const char *over, *as;   /* MAP: pointer of the list, loop name */
    struct flow_steps steps; /* MAP */
    const char *body;        /* DELIVER: pointer, if no mapping */
    bool skip_on_park;       /* DELIVER */
    bool accept_doubles;     /* DELIVER: a person accepts that it may
                              * happen twice */
};

/* What a newer record of the same key does to older runs of the flow that did
 * nothing yet. */
enum flow_newer {
    FLOW_NEWER_WAITS,    /* it waits until they have ended */
    FLOW_NEWER_OVERTAKES /* it takes their place */
};

/* Whose turn comes first where many wait; stored with the run. */
enum flow_priority {
    FLOW_PRIORITY_UNSAID = -1, /* webhooks interactive, polls bulk */
    FLOW_INTERACTIVE = 0,
    FLOW_BULK = 1
};

struct definition {
    uint32_t references;
    const char *name, *title;
    const char *version;    /* hex hash of the text */
    const char *text;       /* as stored */
    const char *instance;   /* trigger */
    const char *type;       /* trigger */
    struct condition *when; /* may be NULL */
    enum flow_newer newer;
    enum flow_priority priority;
    struct flow_steps steps;
};

/* What a flow may refer to; asked while it is compiled. */
struct definition_catalog {
    const struct record_types *types;
    bool (*emits)(void *arg, const char *instance, const char *type);
    bool (*takes)(void *arg, const char *instance, const char *type);
    bool (*probes)(void *arg, const char *instance);
    bool (*answers)(void *arg, const char *instance, const char *action);
    bool (*exists)(void *arg, const char *instance);
    void *arg;
};

/* Compile the text of a flow; name is the file's, for messages: "won.json:14:
 * /steps/2/to: no instance \"sysro\"; did you mean \"syspro\"?".  catalog may
 * be NULL for a stored older version: references were checked when it was new.
 */
int definition_create(const char *file, const char *text, size_t len,
                      const struct definition_catalog *catalog,
                      const struct record_types *types,
                      struct definition **ret_definition,
                      struct error *err) MUST_USE;
struct definition *definition_hold(struct definition *definition);
void definition_release(struct definition *definition);

#endif
