/* stage.h - one play: the two simulators, the real daemon with its real
 * plugins, and a sender of webhooks, in a directory and on ports of its own.
 *
 * A function that cannot do what it is asked fails the running test and shows
 * the end of the daemon's log.  stage_teardown is the teardown of every test:
 * it cleans up on every way out.  CONNECT_KEEP=1 in the environment keeps the
 * directory. */
#ifndef CONNECT_E2E_STAGE_H
#define CONNECT_E2E_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <cjson/cJSON.h>

#include "process.h"
#include "base/error.h"
#include "web.h"

/* It stands in the firms of every stage, and a test may write it elsewhere. */
#define STAGE_CANARY "KANARI"

enum stage_side { STREAK, SYSPRO, ADMIN };

enum {
    STAGE_PATH_MAX = 200,
    STAGE_TEXT_MAX = 400,
    STAGE_READY_MS = 30000, /* to start anything; a loaded machine is slow */
    STAGE_REST_MS = 60000   /* until everything rests, as I5 says */
};

struct stage_options {
    const char *limits; /* JSON of "limits"; NULL: defaults */
    const char *streak; /* JSON, members added to the instance's config */
    const char *syspro;
    const char *level;      /* of the log; NULL: "debug" */
    bool no_registrations;  /* the test is the only sender */
    bool refuse_duplicates; /* SYSPRO refuses a second order of a PO number, as
                             * most companies set it; else nothing but the
                             * daemon itself prevents one */
};

struct stage {
    char directory[STAGE_PATH_MAX];
    char socket[STAGE_PATH_MAX + 20];
    struct process streak, syspro, connectd;
    unsigned streak_port, syspro_port; /* of their control routes */
    unsigned streak_base, syspro_base; /* of the simulated systems */
    unsigned port;                     /* where webhooks arrive */
    char pipeline[STAGE_TEXT_MAX];
    char token[64], path_secret[64];
    struct stage_options options;
    struct web *web;
    cJSON *sent;               /* the ledger of the test's own sender */
    int64_t restored_delivery; /* the last of Streak's before a restore */
    const char *canary; /* a word that people's texts hold and no log may; or
                         * NULL */
    bool (*busy)(void *arg); /* the clock must not be stepped now; or NULL */
    void *busy_arg;
    unsigned launches; /* planned starts of the daemon */
    unsigned aborts;   /* planned ends of it that leave a core */
    unsigned kills;    /* planned ends of the daemon by kill -9 */
    bool passed;
};

/* Everything up, webhooks registered. */
struct stage *stage_begin(const struct stage_options *options);
/* The simulators and the configuration only. */
struct stage *stage_prepare(const struct stage_options *options);
/* The test came to its end: stage_teardown then does not show the log. */
void stage_passed(struct stage *stage);
/* The teardown of every test that has a stage: ends the one that is up, however
 * far it came. */
int stage_teardown(void **state);
#define stage_test(name) cmocka_unit_test_teardown(name, stage_teardown)

void stage_fail(struct stage *stage, const char *format, ...) PRINTF_LIKE(2, 3)
    __attribute__((noreturn));
#define stage_must(stage, condition)                                           \
    ((condition)                                                               \
         ? (void)0                                                             \
         : stage_fail(stage, "%s:%d: %s", __FILE__, __LINE__, #condition))

/* ---- The daemon ---------------------------------------------------------- */

void stage_start(struct stage *stage);  /* and wait until it answers */
void stage_launch(struct stage *stage); /* and do not wait */
void stage_await(struct stage *stage);  /* until it answers */
void stage_kill(struct stage *stage);   /* kill -9 */
void stage_stop(struct stage *stage);   /* SIGTERM; must end with 0 */
/* Step the daemon's clock, and those of the simulators. */
void stage_step(struct stage *stage, int64_t ms);
/* The daemon's log so far; owned. */
char *stage_log(struct stage *stage);
/* Write a file in the directory, mode 0600. */
void stage_write(struct stage *stage, const char *name, const char *text);
/* The configuration file again, with other options. */
void stage_configure(struct stage *stage, const struct stage_options *options);
/* connectctl with arguments (NULL ends them) on this daemon's socket. */
int stage_ctl(struct stage *stage, char **ret_text, ...);

/* ---- Questions and controls ---------------------------------------------- */

/* The body of a 2xx answer; owned by the caller. */
cJSON *stage_get(struct stage *stage, enum stage_side side, const char *format,
                 ...) PRINTF_LIKE(3, 4);
cJSON *stage_post(struct stage *stage, enum stage_side side, const char *path,
                  const char *format, ...) PRINTF_LIKE(4, 5);
/* As stage_post, without a look at what comes back. */
void stage_tell(struct stage *stage, enum stage_side side, const char *path,
                const char *format, ...) PRINTF_LIKE(4, 5);
/* Any method; the status is the caller's business. */
struct web_answer stage_try(struct stage *stage, enum stage_side side,
                            const char *method, const char *path,
                            const char *body);
void stage_fault(struct stage *stage, enum stage_side side, const char *format,
                 ...) PRINTF_LIKE(3, 4);
void stage_no_faults(struct stage *stage, enum stage_side side);

/* A deal in Streak; the key into key.  lines: "A100; 3; 149.90\\nB200; ...",
 * as it stands in JSON. */
void stage_deal(struct stage *stage, const char *name, const char *organization,
                const char *lines, char key[STAGE_TEXT_MAX]);
void stage_win(struct stage *stage, const char *key);
/* A field of a deal by name; "" when empty. */
void stage_field(struct stage *stage, const char *key, const char *name,
                 char text[STAGE_TEXT_MAX]);
/* Many deals won at once: their keys, an array; owned. */
cJSON *stage_win_many(struct stage *stage, unsigned count, const char *prefix);

size_t stage_order_count(struct stage *stage);   /* in SYSPRO */
size_t stage_comment_count(struct stage *stage); /* in Streak */
/* Requests SYSPRO has seen whose address has this part. */
size_t stage_seen(struct stage *stage, enum stage_side side, const char *part);
/* Runs in these states ("parked,held"); 1000 at most. */
size_t stage_runs_in(struct stage *stage, const char *states);
/* The one run of a state whose trigger is this deal, or 0. */
int64_t stage_run_of(struct stage *stage, const char *key, const char *states);
/* The code or reason of a run. */
void stage_run_text(struct stage *stage, int64_t run, const char *member,
                    char text[STAGE_TEXT_MAX]);

/* ---- Waiting --------------------------------------------------------------
 */

typedef bool stage_condition(struct stage *stage, void *arg);
/* Look every few ms; fail with what after limit_ms. */
void stage_until(struct stage *stage, int64_t limit_ms, const char *what,
                 stage_condition *condition, void *arg);
/* Until Streak has sent all its events and no run is on its way.  Where all
 * that is left waits for a time, the clock is stepped to it. */
void stage_rest(struct stage *stage);
void stage_rest_within(struct stage *stage, int64_t limit_ms);
/* Until so many orders are in SYSPRO. */
void stage_until_orders(struct stage *stage, size_t count);
/* Until the way to an instance rests, as it does after a failure. */
void stage_until_instance_rests(struct stage *stage, const char *instance);
/* Until the deal has its order number, which comes into number. */
void stage_until_number(struct stage *stage, const char *key,
                        char number[STAGE_TEXT_MAX]);

/* ---- The sender -----------------------------------------------------------
 */

struct stage_webhook {
    const char *method;       /* NULL: POST */
    const char *path;         /* NULL: the right one */
    const char *content_type; /* NULL: application/json; "": none */
    const char *token;        /* NULL: the right one; "": no such header */
    const char *header;       /* one more, or NULL */
    const char *body;
    size_t body_len; /* 0: of the text */
};
/* Send it and record it.  The caller ends the answer. */
struct web_answer stage_send(struct stage *stage,
                             const struct stage_webhook *webhook);
/* As Streak sends it: an array of whole boxes. */
int stage_send_boxes(struct stage *stage, const char *const *keys,
                     size_t count);
/* The same bytes many times at once; all recorded.  How many were 200. */
size_t stage_burst(struct stage *stage, const char *body, size_t count,
                   size_t connections);
/* Different bodies, each on a connection of its own, all at once; all recorded.
 */
void stage_send_at_once(struct stage *stage, char *const *bodies, size_t count,
                        int *statuses);
/* The body Streak would send for these deals; owned. */
char *stage_event_body(struct stage *stage, const char *const *keys,
                       size_t count);

/* ---- Ledgers --------------------------------------------------------------
 */

/* The store was taken back to a backup: what was answered before this is not
 * looked for event by event, since those after the backup are gone. */
void stage_restored(struct stage *stage);
/* The three ledgers as the checker takes them; owned. */
cJSON *stage_ledgers(struct stage *stage);
/* Everything at rest, then ledgers, compared; stop, and verify the audit
 * chain.  Fails with what the checker says. */
void stage_check(struct stage *stage);
/* The second half of it, with ledgers that the test added to; ends them. */
void stage_check_ledgers(struct stage *stage, cJSON *ledgers);

#endif
