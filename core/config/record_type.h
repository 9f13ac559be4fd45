/* record_type.h - the normalized record types that flow between plugins.
 *
 * Shared types live in config/records/<type>.<revision>.json and nowhere else;
 * a plugin's manifest may bring types of its own name space only: the words of
 * its id after the first, or some of them from the left, then a dot
 * ("acme.part/1" or "acme.shop.part/1" for the plugin com.acme.shop; for an id
 * without a dot the whole id).  A different definition for a known type is
 * refused, the same one is taken as known.
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
 *     "existing": "adopt" | "send",  a second create for the same key at the
 *                                 same target, by whichever flow: take the
 *                                 first one's answer, or send (an update)
 *     "settle_ms": 60000,         after doubt, how long an absence must last
 *                                 before it counts; default 60000
 *     "schema": { ... } }
 *
 * key and order_by name texts that every record has and that are not empty;
 * person one that it may have.  Revisions of a type have one key between them:
 * a new one may not mean another field by it, or what was made before is made
 * again.  A type never changes and is never taken away:
 * it may be used on any thread, also while others are added. */
#ifndef CONNECT_CONFIG_RECORD_TYPE_H
#define CONNECT_CONFIG_RECORD_TYPE_H

#include <stdint.h>

#include "config/schema.h"

enum record_repeat { REPEAT_SAFE, REPEAT_PROBE, REPEAT_NEVER };
enum record_existing { EXISTING_ADOPT, EXISTING_SEND };

struct record_type {
    const char *name; /* "sales_order/1" */
    const char *title;
    const char *key_pointer;    /* JSON Pointer */
    const char *order_pointer;  /* JSON Pointer */
    const char *person_pointer; /* JSON Pointer or NULL */
    enum record_repeat repeat;
    enum record_existing existing;
    int64_t settle_ms;
    const struct schema *schema;
};

struct record_types;

struct record_types *record_types_create(void);
void record_types_destroy(struct record_types *types);
/* Read every *.json of a directory; all or none. */
int record_types_load(struct record_types *types, const char *directory,
                      struct error *err) MUST_USE;
/* Add the types a plugin's manifest brings (its member "records": an array of
 * the objects above; NULL: none); all or none. */
int record_types_add(struct record_types *types, const char *plugin_id,
                     const cJSON *records, struct error *err) MUST_USE;
/* NULL: there is none. */
const struct record_type *record_types_find(const struct record_types *types,
                                            const char *name);
/* In the order of adding; NULL behind the last. */
const struct record_type *record_types_at(const struct record_types *types,
                                          size_t index);

#endif
