/* daemon.h - the daemon as one object: start, reload, drain, stop.
 *
 * Wires the store, the HTTP client, the instances and the flow engine to one
 * loop.  It does not listen: whoever owns it gives webhooks to the ingress and
 * questions to the admin API with the parts below.  All on the loop thread. */
#ifndef CONNECT_DAEMON_DAEMON_H
#define CONNECT_DAEMON_DAEMON_H

#include <stdbool.h>
#include <uv.h>

#include "base/error.h"
#include "config/config.h"
#include "flow/engine.h"
#include "plugin/instances.h"
#include "store/store.h"

struct daemon;

/* Borrowed; config changes with a reload. */
struct daemon_parts {
    const struct config *config;
    const struct record_types *types;
    struct store *store;
    struct instances *instances;
    struct engine *engine;
};

/* Read the configuration, open the store, load plugins and flows.  ready is
 * called once, from the loop: 0, or a negative errno with err, after which the
 * daemon is only good for daemon_stop. */
typedef void daemon_ready_fn(void *arg, int status, const struct error *err);
int daemon_create(uv_loop_t *loop, const char *config_path,
                  struct daemon **ret_daemon, struct error *err) MUST_USE;
void daemon_start(struct daemon *daemon, daemon_ready_fn *ready, void *arg);
void daemon_parts(struct daemon *daemon, struct daemon_parts *ret_parts);
/* The port is known: register the webhooks of the configuration.  0: there is
 * nothing to register; 1: registered is called once, from the loop, when all is
 * stored, or with a negative errno; it may be NULL.  An error: it is not
 * called.
 */
typedef void daemon_registered_fn(void *arg, int status);
int daemon_register(struct daemon *daemon, daemon_registered_fn *registered,
                    void *arg, struct error *err) MUST_USE;

/* Read configuration and flows again; on any error keep the old and say why.
 * ret_note tells what takes a restart.  0 or 1 as daemon_register. */
int daemon_reload(struct daemon *daemon, daemon_registered_fn *registered,
                  void *arg, struct error *ret_note,
                  struct error *err) MUST_USE;

/* Begin nothing new, let what is open end within the configured limit, log off,
 * close the store.  stopped comes once; destroy after it. */
void daemon_stop(struct daemon *daemon, void (*stopped)(void *arg), void *arg);
void daemon_destroy(struct daemon *daemon);

/* Look at a configuration with its plugins and flows, open nothing.  Each
 * mistake is reported; returns how many there were.  0: what is in order comes
 * into ret_found. */
struct daemon_found {
    size_t instances, flows;
};
typedef void daemon_report_fn(void *arg, const char *text);
int daemon_check(uv_loop_t *loop, const char *config_path,
                 daemon_report_fn *report, void *arg,
                 struct daemon_found *ret_found);

/* A webhook of the configuration, as the record that registers it. */
struct daemon_webhook {
    const char *instance; /* borrowed until the next reload */
    char external_id[320], id[420];
    char *body; /* JSON; the caller frees it */
};
/* False: there are no more. */
bool daemon_webhook_at(const struct daemon *daemon, size_t index,
                       struct daemon_webhook *ret_webhook);

/* Look at the configuration on disk as daemon_check does, in a process of its
 * own, so that what runs is not touched.  mistakes: how many, -1 when it could
 * not be looked at; text: one a line.  fn is not called on an error. */
typedef void daemon_examined_fn(void *arg, int mistakes, const char *text);
int daemon_examine(struct daemon *daemon, daemon_examined_fn *fn,
                   void *arg) MUST_USE;

/* fn is called on the loop after the store has committed something. */
void daemon_watch(struct daemon *daemon, void (*fn)(void *arg), void *arg);

#ifdef CONNECT_TEST_CLOCK
/* The clock was stepped: look what is due now. */
void daemon_clock_stepped(struct daemon *daemon);
#endif

#endif
