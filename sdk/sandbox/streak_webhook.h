/* streak_webhook.h - registrations of the Streak simulator and the sending of
 * events to them.
 *
 * An event waits its delay, is shown as JSON at the moment of sending, and is
 * tried until its receiver answers 200 (done) or 410 (the registration goes),
 * or its tries are used up. */
#ifndef CONNECT_SANDBOX_STREAK_WEBHOOK_H
#define CONNECT_SANDBOX_STREAK_WEBHOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "sim_server.h"
#include "streak_key.h"

struct streak_hooks;

enum { STREAK_RETRY_WAITS_MAX = 16 }; /* more tries repeat the last wait */

/* How events are sent; POST /_sim/webhooks changes it. */
struct streak_hook_modes {
    int64_t delay_ms;
    int64_t spread_ms; /* up to this much is added to the delay */
    int64_t timeout_ms;
    int64_t retry_waits_ms[STREAK_RETRY_WAITS_MAX];
    size_t retry_wait_count;
    int64_t tries;       /* of one delivery */
    int64_t connections; /* at the same time */
    int64_t duplicate;   /* times to send again after success */
    int64_t hold_back;   /* collect so many and one more, send in reverse */
    int64_t burst;       /* collect so many, send them at once */
    int64_t hold_ms;     /* send what is collected after this long */
    int64_t batch;       /* objects in one array at most */
    int64_t drop_next;   /* lose the next so many events */
    double drop_share;   /* lose events with this probability */
    bool small_record;   /* the small event record instead of the object */
};

/* Show the object as JSON; false when it is gone. */
typedef bool streak_show_fn(void *arg, enum streak_kind kind, const char *key,
                            struct buf *buf);

struct streak_hooks *streak_webhook_create(struct sim_server *server,
                                           streak_show_fn *show, void *arg);
void streak_webhook_destroy(struct streak_hooks *hooks);
/* No registrations, no events, modes as at the start. */
void streak_webhook_reset(struct streak_hooks *hooks);
/* Send what is due; called in each turn of the loop. */
void streak_webhook_turn(struct streak_hooks *hooks);

struct streak_hook {
    char key[STREAK_KEY_MAX];
    char *event;     /* owned, as all texts here */
    char *target;    /* address */
    char *token;     /* NULL: none */
    char *scope_key; /* of the pipeline or the team */
    bool team_scope;
    char *creator_key;
    bool gone; /* deleted; kept while an event of it is on the way */
    struct streak_hook *prev, *next;
};

/* Is this an event at all, and is its scope the team? */
bool streak_webhook_event_known(const char *event, bool *ret_team_scope);
/* Copies everything.  NULL: too many registrations. */
const struct streak_hook *streak_webhook_add(struct streak_hooks *hooks,
                                             const struct streak_hook *hook);
const struct streak_hook *streak_webhook_find(const struct streak_hooks *hooks,
                                              const char *key);
void streak_webhook_remove(struct streak_hooks *hooks, const char *key);
void streak_webhook_show(const struct streak_hook *hook, struct buf *buf);
/* Array of the registrations of a scope; NULL: of all. */
void streak_webhook_list(const struct streak_hooks *hooks,
                         const char *scope_key, struct buf *buf);

/* Something happened to an object.  snapshot: its JSON when it will be gone at
 * the time of sending, else NULL. */
void streak_webhook_fire(struct streak_hooks *hooks, const char *event,
                         const char *scope_key, enum streak_kind kind,
                         const char *key, const char *snapshot);

/* The control route: change modes, show modes and counts. */
void streak_webhook_set_modes(struct streak_hooks *hooks, const cJSON *given);
void streak_webhook_show_state(const struct streak_hooks *hooks,
                               struct buf *buf);

#endif
