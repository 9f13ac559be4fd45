/* fault_web_slow.c - F04: thousands of senders that are slow on purpose, and a
 * good one beside them.
 *
 * One idea: one loop holds all connections, gives each its byte when it is due
 * and notes when the daemon closed it; the good sender's requests go in
 * between, each timed.  The daemon's deadlines of connections are in real time,
 * so this is too.  One thread. */
#include "fault_web.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/memory.h"

enum {
    RUN_MS = 26000,   /* more than the longest limit */
    GOOD_GAP_MS = 20, /* 50 a second */
    GOOD_MAX = RUN_MS / GOOD_GAP_MS + 10,
    LATE_MS = 4000,         /* a busy machine looks late at its deadlines */
    MEMORY_MORE = 64 << 20, /* of all connections */
    GOOD_P99_MS = 2500      /* ten times what is right on a quiet machine */
};

struct kind {
    const char *name;
    unsigned share;    /* of 32 */
    const char *lines; /* behind the webhook's head */
    int64_t drip_ms;   /* between two bytes; 0: silence */
    int64_t limit_ms;  /* closed at the latest, from the beginning */
    bool idle;         /* a whole request first, then nothing */
};

static const struct kind kinds[] = {
    {"slow heads", 20, "X-Slow: ", 2500, 10000, false},
    {"slow bodies", 5, "Content-Length: 20000\r\n\r\n[", 1000, 20000, false},
    {"silent heads", 5, "", 0, 10000, false},
    {"idle", 2, "Content-Length: 2\r\n\r\n[]", 0, 15000, true},
};
enum { KINDS = sizeof(kinds) / sizeof(*kinds), SHARES = 32 };

struct slow {
    struct wire wire;
    const struct kind *kind;
    int64_t begun_ms, drip_ms, closed_ms;
};

static struct slow *slows;
static size_t slow_count;

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

static void slow_begin(struct stage *stage, struct slow *slow, size_t number)
{
    char head[1000];

    slow->kind = kind_of(number);
    wire_open(stage, &slow->wire);
    web_head(stage, head, sizeof(head));
    wire_send(&slow->wire, head, strlen(head));
    wire_send(&slow->wire, slow->kind->lines, strlen(slow->kind->lines));
    slow->begun_ms = slow->drip_ms = process_now_ms();
}

/* Its next byte, when it is due; closed is noted. */
static void slow_work(struct slow *slow, int64_t now_ms)
{
    char bytes[512];
    ssize_t got;

    if (slow->closed_ms)
        return;
    got = recv(slow->wire.file, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        slow->closed_ms = now_ms;
        wire_close(&slow->wire);
        return;
    }
    if (slow->kind->drip_ms && now_ms - slow->drip_ms >= slow->kind->drip_ms) {
        (void)!send(slow->wire.file, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
        slow->drip_ms = now_ms;
    }
}

struct good {
    int64_t spent_ms[GOOD_MAX];
    size_t count;
};

/* The good sender and all others, until the time is over. */
static double work(struct stage *stage, const char *body, struct good *good)
{
    struct stage_webhook webhook = {.body = body};
    int64_t begun_ms = process_now_ms(), next_ms = begun_ms;
    double most = 0;

    while (process_now_ms() - begun_ms < RUN_MS) {
        int64_t now_ms = process_now_ms();
        for (size_t at = 0; at < slow_count; at++)
            slow_work(&slows[at], now_ms);
        if (now_ms < next_ms || good->count >= GOOD_MAX) {
            process_nap(2);
            continue;
        }
        next_ms += GOOD_GAP_MS;
        now_ms = process_now_ms();
        struct web_answer answer = stage_send(stage, &webhook);
        stage_must(stage, answer.status == 200);
        web_answer_end(&answer);
        good->spent_ms[good->count++] = process_now_ms() - now_ms;
        if (good->count % 50 == 1 && web_memory(stage) > most)
            most = web_memory(stage);
    }
    return most;
}

static unsigned check_kind(const struct kind *kind)
{
    unsigned open = 0, late = 0, count = 0;
    int64_t longest = 0;

    for (size_t at = 0; at < slow_count; at++) {
        const struct slow *slow = &slows[at];
        int64_t lived_ms = slow->closed_ms - slow->begun_ms;
        if (slow->kind != kind)
            continue;
        count++;
        open += !slow->closed_ms;
        if (!slow->closed_ms)
            continue;
        late += lived_ms > kind->limit_ms + LATE_MS;
        if (lived_ms > longest)
            longest = lived_ms;
    }
    printf("%u %s: %u open, the longest lived %" PRId64 " ms (limit %" PRId64
           ")\n",
           count, kind->name, open, longest, kind->limit_ms);
    return open + late;
}

void fault_web_slow(void **state)
{
    struct stage_options options = {.no_registrations = true, .level = "warn"};
    struct stage *stage = stage_begin(&options);
    struct good *good = memory_zero(1, sizeof(*good));
    char key[STAGE_TEXT_MAX], *body, more[200];
    const char *const keys[] = {key};
    double before, most;
    unsigned left = 0;
    int64_t p99;

    (void)state;
    slow_count = web_proof.count ? web_proof.count : WEB_SLOW_DEFAULT;
    slows = memory_zero(slow_count, sizeof(*slows));
    stage_deal(stage, "Good", "Bayside Tools Ltd", "A100; 3; 149.90", key);
    body = stage_event_body(stage, keys, 1);
    before = web_memory(stage);
    for (size_t at = 0; at < slow_count; at++)
        slow_begin(stage, &slows[at], at);
    most = work(stage, body, good) - before;
    for (size_t at = 0; at < KINDS; at++)
        left += check_kind(&kinds[at]);
    p99 = web_p99(good->spent_ms, good->count);
    printf("slow: %u left, good sender: %zu requests, p99 %" PRId64
           " ms; memory grew by %.1f MiB\n",
           left, good->count, p99, most / (1 << 20));
    stage_must(stage, !left);
    stage_must(stage, most < MEMORY_MORE);
    stage_must(stage, p99 < GOOD_P99_MS);
    snprintf(more, sizeof(more),
             "\"max_p99_ms\":%" PRId64 ",\"max_memory_growth_kib\":%.0f", p99,
             most / 1024);
    free(good);
    free(body);
    free(slows);
    stage_check(stage);
    proof_figures(&web_proof, "slow", slow_count, 0, 0, more);
    stage_passed(stage);
}
