/* apply_delivery.h - deliveries: made, intended, changed. */
#ifndef CONNECT_STORE_APPLY_DELIVERY_H
#define CONNECT_STORE_APPLY_DELIVERY_H

#include "store/writer.h"

struct delivery {
    int64_t id; /* the order in its lane */
    uint64_t run;
    const char *path; /* in the writer's scratch memory */
    bool has_lane;
    struct lookup_hash lane;
    int64_t entity; /* 0: none */
    int64_t version;
    enum delivery_state state;
    int hold; /* 2: stands in its lane, 1: passed by, 0: finished */
    bool waiting, doubt, adopt, skip_on_park;
    uint32_t change;
    int64_t person_key;
    int64_t asked_ms; /* when it was last asked about and was absent */
    const char *instance, *type; /* in the writer's scratch memory */
};

/* 1: found, 0: none, or a negative errno. */
int delivery_load(struct writer *writer, uint64_t run, const char *path,
                  struct delivery *ret_delivery) MUST_USE;
int delivery_load_id(struct writer *writer, int64_t id,
                     struct delivery *ret_delivery) MUST_USE;
/* Set state, doubt and hold, write the audit entry, and wake who waited when
 * its place became free. */
int delivery_move(struct writer *writer, struct delivery *delivery,
                  enum delivery_state state, bool doubt,
                  const char *actor) MUST_USE;
/* All unfinished deliveries of a run. */
int delivery_discard_all(struct writer *writer, uint64_t run,
                         const char *actor) MUST_USE;

int apply_delivery(struct writer *writer,
                   const struct store_delivery *made) MUST_USE;
int apply_intent(struct writer *writer,
                 const struct change_value *value) MUST_USE;

#endif
