/* fault_web_slow.c - F04: thousands of senders that are slow on purpose, and a
 * good one beside them.
 *
 * One idea: a connection is a webhook's head and what is missing of it; each of
 * the good sender's events is a new one, so that a commit stands in its time.
 * One thread. */
#include "fault_web.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "fault_web_crowd.h"

enum {
    RUN_MS = 26000,  /* more than the longest limit */
    GOOD_GAP_MS = 20 /* 50 a second */
};

static const struct kind {
    struct crowd_kind crowd;
    unsigned share;    /* of 32 */
    const char *lines; /* behind the webhook's head */
} kinds[] = {
    {{"slow heads", 2500, 10000}, 20, "X-Slow: "},
    /* Below 500 bytes a second, which is seen long before the 20 s. */
    {{"slow bodies", 1000, 6000}, 5, "Content-Length: 20000\r\n\r\n["},
    {{"silent heads", 0, 10000}, 5, ""},
    /* A whole request first, then nothing. */
    {{"idle", 0, 15000}, 2, "Content-Length: 2\r\n\r\n[]"},
};
enum { KINDS = sizeof(kinds) / sizeof(*kinds), SHARES = 32 };

static const struct kind *kind_of(size_t number)
{
    unsigned share = (unsigned)(number % SHARES);

    for (size_t at = 0; at < KINDS; at++) {
        if (share < kinds[at].share)
            return &kinds[at];
        share -= kinds[at].share;
    }
    return &kinds[0];
}

static void slow_begin(struct stage *stage, struct crowd_one *one,
                       size_t number)
{
    const struct kind *kind = kind_of(number);
    char head[1000];

    crowd_begin(stage, one, &kind->crowd);
    web_head(stage, head, sizeof(head));
    wire_send(&one->wire, head, strlen(head));
    wire_send(&one->wire, kind->lines, strlen(kind->lines));
}

static void slow_drip(struct crowd_one *one)
{
    (void)!send(one->wire.file, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* ---- The good sender ----------------------------------------------------- */

static const char saved[] = "\"lastSavedTimestamp\":";

/* The body that arg is, saved a moment later each time. */
static void good_event(struct stage *stage, struct crowd *crowd)
{
    struct stage_webhook webhook = {0};
    const char *body = crowd->arg, *at = strstr(body, saved);
    struct web_answer answer;
    long long when;
    char *fresh;

    stage_must(stage, at);
    at += sizeof(saved) - 1;
    when = strtoll(at, NULL, 10) + (long long)crowd->spent_count;
    if (asprintf(&fresh, "%.*s%lld%s", (int)(at - body), body, when,
                 at + strspn(at, "0123456789")) < 0)
        abort();
    webhook.body = fresh;
    answer = stage_send(stage, &webhook);
    stage_must(stage, answer.status == 200);
    web_answer_end(&answer);
    free(fresh);
}

void fault_web_slow(void **state)
{
    struct stage_options options = {.no_registrations = true, .level = "warn"};
    struct stage *stage = stage_begin(&options);
    char key[STAGE_TEXT_MAX], *body;
    const char *const keys[] = {key};
    struct crowd *crowd;
    unsigned left = 0;

    (void)state;
    stage_deal(stage, "Good", "Bayside Tools Ltd", "A100; 3; 149.90", key);
    body = stage_event_body(stage, keys, 1);
    crowd = crowd_create(stage, "slow",
                         web_proof.count ? web_proof.count : WEB_SLOW_DEFAULT);
    crowd->drip = slow_drip;
    crowd->send = good_event;
    crowd->arg = body;
    crowd->gap_ms = GOOD_GAP_MS;
    for (size_t at = 0; at < crowd->count; at++)
        slow_begin(stage, &crowd->ones[at], at);
    crowd_run(stage, crowd, RUN_MS, false);
    for (size_t at = 0; at < KINDS; at++)
        left += crowd_check(crowd, &kinds[at].crowd);
    crowd_judge(stage, crowd, left);
    crowd_destroy(crowd);
    free(body);
    stage_rest(stage);
    stage_check(stage);
    stage_passed(stage);
}
