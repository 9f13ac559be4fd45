/* world.h - instances on a loop with a scripted HTTP client, for tests of
 * plugins. */
#ifndef WORLD_H
#define WORLD_H

#include <uv.h>

#include "net/http_client.h"
#include "plugin/instances.h"

enum { WORLD_TEXT = 512, WORLD_RECORDS = 8 };

struct world_result {          /* how an operation ended */
    unsigned count;            /* how often */
    struct op_outcome outcome; /* its texts are not valid; these are: */
    char message[WORLD_TEXT], body[WORLD_TEXT], cursor[WORLD_TEXT];
    char ids[WORLD_RECORDS][64], bodies[WORLD_RECORDS][128];
    size_t record_count, value_count;
};

struct world_answer { /* what the scripted peer does */
    uint32_t code;
    enum http_failure failure;
    bool sent, answered;
    bool hang; /* until it is cancelled */
};

struct world {
    uv_loop_t loop;
    uv_timer_t ticker; /* turns the loop often, so that tests are quick */
    struct record_types *types;
    struct instances *instances;
    const struct world_answer *answers; /* the last one repeats */
    size_t answer_count, request_count;
    struct config_rate rate;     /* of instances added from now on */
    char credential[WORLD_TEXT]; /* of the last request */
    unsigned changed_count;
    bool stopped;
};

/* stuck_ms: also for calls that do not return. */
void world_open(struct world *world, uint32_t operation_ms, uint32_t stuck_ms);
void world_close(struct world *world);
/* Add an instance of a test plugin and wait until it runs or failed. */
void world_add(struct world *world, const char *name, const char *plugin);
int world_try_add(struct world *world, const char *name, const char *plugin,
                  struct error *err);
enum instance_state world_state(struct world *world, const char *name);
void world_wait_state(struct world *world, const char *name,
                      enum instance_state state);
/* Start an operation; 0 or its error. */
int world_start(struct world *world, const struct op_request *request,
                struct world_result *result);
/* Deliver an item with this key; the body is {"name":"x"}. */
void world_deliver(struct world *world, const char *instance, const char *key,
                   struct world_result *result);
/* Run until the operation ended. */
void world_wait(struct world *world, struct world_result *result);
/* Run the loop for some turns. */
void world_turn(struct world *world);
/* Collect the log from here on, and how often it says this. */
void world_log_open(void);
size_t world_log_count(const char *text);
/* A delivery to a neighbour ends well. */
void world_neighbour_works(struct world *world, const char *name);

#endif
