/* record_type.h - the normalized record types that flow between plugins.
 *
 * Shared types live in config/records/<type>.<revision>.json and nowhere else; a
 * plugin's manifest may bring types of its own name space only ("acme.part/1"
 * for the plugin id com.acme.*: the part of the id after the first dot or the
 * whole id, then a dot).  A different definition for a known type is refused.
 *
 * File:
 *   { "type": "sales_order/1", "title": "Sales order",
 *     "key": "/external_id",      what it is called in the source: the entity
 *     "order_by": "/external_id", deliveries of equal value stay in sequence;
 *                                 absent: as key
 *     "person": "/customer",      whom it concerns; absent: nobody
 *     "repeat": "safe" | "probe" | "never",  may it be sent again without harm?
 *                                 safe: yes; probe: only after asking the
 *                                 target; never: only a person decides
 *     "existing": "adopt" | "send",  a second create for the same key: take the
 *                                 first one's answer, or send (an update)
 *     "settle_ms": 60000,         after doubt, how long an absence must last
 *                                 before it counts
 *     "schema": { ... } }
 *
 * Immutable after load; read on any thread. */
#ifndef CONNECT_CONFIG_RECORD_TYPE_H
#define CONNECT_CONFIG_RECORD_TYPE_H

#include <stdint.h>

#include "config/schema.h"

enum record_repeat { REPEAT_SAFE, REPEAT_PROBE, REPEAT_NEVER };
enum record_existing { EXISTING_ADOPT, EXISTING_SEND };

struct record_type {
    const char *name; /* "sales_order/1" */
    const char *title;
    const char *key_pointer;      /* JSON Pointer */
    const char *order_pointer;    /* JSON Pointer */
    const char *person_pointer;   /* JSON Pointer or NULL */
    enum record_repeat repeat;
    enum record_existing existing;
    int64_t settle_ms;
    const struct schema *schema;
};

struct record_types;

struct record_types *record_types_create(void);
void record_types_destroy(struct record_types *types);
/* Read every *.json of a directory. */
int record_types_load(struct record_types *types, const char *directory,
                      struct error *err) MUST_USE;
/* Add the types a plugin's manifest brings (its member "records": an array of
 * the objects above). */
int record_types_add(struct record_types *types, const char *plugin_id,
                     const cJSON *records, struct error *err) MUST_USE;
const struct record_type *record_types_find(const struct record_types *types,
                                            const char *name);
const struct record_type *record_types_at(const struct record_types *types,
                                          size_t index);

#endif
