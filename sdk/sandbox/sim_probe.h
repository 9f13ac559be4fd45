/* sim_probe.h - for tests: a simulator in a child process, calls to it over
 * HTTP, and a receiver for the webhooks it sends.
 *
 * Part of the sandbox and not of a simulator; a test that links it sees a
 * simulator only over its sockets, as a program would. */
#ifndef CONNECT_SANDBOX_SIM_PROBE_H
#define CONNECT_SANDBOX_SIM_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <cjson/cJSON.h>

#include "sim_server.h"

struct sim_probe {
    pid_t child;
    unsigned port;
    unsigned control_port;
};

/* Start program in a child with these arguments (NULL ends them; the ports are
 * chosen by the kernel).  Call before any thread.  0 or a negative errno. */
int sim_probe_start(struct sim_probe *probe, const struct sim_program *program,
                    const char *const *args);
/* End it with SIGTERM.  Its exit code, or -1 when it did not exit. */
int sim_probe_stop(struct sim_probe *probe);

struct sim_reply {
    int result;  /* CURLcode: 0, 52 cut, 56 reset, 7 refused, 18 truncated */
    long status; /* 0: none */
    char *text;  /* owned; "" when empty */
    size_t len;  /* of text */
    cJSON *json; /* owned; NULL when text is none */
    char retry_after[32];
    char content_type[64];
};

/* One request on a connection of its own.  headers: "Name: value" texts, NULL
 * ends them; may be NULL.  body NULL: none.  Ends with sim_reply_done. */
struct sim_reply sim_probe_call(const struct sim_probe *probe,
                                const char *method, const char *path,
                                const char *const *headers, const char *body);
/* A control request: POST with a body, else GET.  On the control port. */
struct sim_reply sim_probe_control(const struct sim_probe *probe,
                                   const char *path, const char *body);
void sim_reply_done(struct sim_reply *reply);

/* A webhook as it came in. */
struct sim_received {
    char *path;
    char *token; /* X-Streak-Webhook-Token, or NULL */
    char *content_type;
    char *text;
    cJSON *json;
};

struct sim_receiver;

/* On a port of the kernel's choice, with a thread of its own. */
struct sim_receiver *sim_receiver_start(void);
void sim_receiver_stop(struct sim_receiver *receiver);
unsigned sim_receiver_port(const struct sim_receiver *receiver);
/* Answer the next requests with these statuses, then with 200 again. */
void sim_receiver_script(struct sim_receiver *receiver, const int *statuses,
                         size_t count);
/* Wait until count requests are there; false after 20 s. */
bool sim_receiver_wait(struct sim_receiver *receiver, size_t count);
size_t sim_receiver_count(struct sim_receiver *receiver);
/* The index-th request; valid until the receiver is cleared. */
const struct sim_received *sim_receiver_get(struct sim_receiver *receiver,
                                            size_t index);
void sim_receiver_clear(struct sim_receiver *receiver);

#endif
