/* fault_web_crowd.c - hundreds of connections that are slow on purpose, and a
 * good sender beside them.
 *
 * One idea: one loop holds all connections, gives each its byte when it is due
 * and notes when the daemon closed it; the good sender's requests go in
 * between, each timed.  One thread. */
#include "fault_web_crowd.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/memory.h"

enum {
    MEMORY_MORE = 64 << 20, /* of all connections */
    GOOD_P99_MS = 1000, /* four times what is right on a quiet machine: other
                         * tests run beside this */
    MEMORY_LOOKS = 25   /* of requests, between two looks */
};

struct crowd *crowd_create(struct stage *stage, const char *name, size_t count)
{
    struct crowd *crowd = memory_zero(1, sizeof(*crowd));

    crowd->name = name;
    crowd->count = count;
    crowd->ones = memory_zero(count, sizeof(*crowd->ones));
    crowd->memory_before = web_memory(stage);
    return crowd;
}

void crowd_destroy(struct crowd *crowd)
{
    free(crowd->ones);
    free(crowd->spent_ms);
    free(crowd);
}

void crowd_begin(struct stage *stage, struct crowd_one *one,
                 const struct crowd_kind *kind)
{
    one->kind = kind;
    wire_open(stage, &one->wire);
    one->begun_ms = one->drip_ms = process_now_ms();
}

size_t crowd_left(const struct crowd *crowd)
{
    size_t left = 0;

    for (size_t at = 0; at < crowd->count; at++)
        left += !crowd->ones[at].closed_ms;
    return left;
}

/* Its next byte, when it is due; closed is noted. */
static void one_work(const struct crowd *crowd, struct crowd_one *one,
                     int64_t now_ms)
{
    char bytes[4096];
    ssize_t got;

    if (one->closed_ms)
        return;
    got = recv(one->wire.file, bytes, sizeof(bytes), MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
        one->closed_ms = now_ms;
        wire_close(&one->wire);
        return;
    }
    if (one->kind->drip_ms && now_ms - one->drip_ms >= one->kind->drip_ms) {
        crowd->drip(one);
        one->drip_ms = now_ms;
    }
}

static void good_send(struct stage *stage, struct crowd *crowd)
{
    int64_t begun_ms = process_now_ms();
    double memory;

    crowd->send(stage, crowd);
    crowd->spent_ms[crowd->spent_count++] = process_now_ms() - begun_ms;
    if (crowd->spent_count % MEMORY_LOOKS != 1)
        return;
    memory = web_memory(stage);
    if (memory > crowd->memory_most)
        crowd->memory_most = memory;
}

void crowd_run(struct stage *stage, struct crowd *crowd, int64_t limit_ms,
               bool until_left)
{
    int64_t begun_ms = process_now_ms(), next_ms = begun_ms;

    crowd->spent_max = (size_t)(limit_ms / crowd->gap_ms) + 10;
    crowd->spent_ms = memory_zero(crowd->spent_max, sizeof(*crowd->spent_ms));
    while (process_now_ms() - begun_ms < limit_ms &&
           !(until_left && !crowd_left(crowd))) {
        int64_t now_ms = process_now_ms();
        for (size_t at = 0; at < crowd->count; at++)
            one_work(crowd, &crowd->ones[at], now_ms);
        if (now_ms < next_ms || crowd->spent_count >= crowd->spent_max) {
            process_nap(2);
            continue;
        }
        next_ms += crowd->gap_ms;
        good_send(stage, crowd);
    }
}

unsigned crowd_check(const struct crowd *crowd, const struct crowd_kind *kind)
{
    unsigned open = 0, late = 0, count = 0;
    int64_t longest = 0;

    for (size_t at = 0; at < crowd->count; at++) {
        const struct crowd_one *one = &crowd->ones[at];
        int64_t lived_ms = one->closed_ms - one->begun_ms;
        if (one->kind != kind)
            continue;
        count++;
        open += !one->closed_ms;
        if (!one->closed_ms)
            continue;
        late += lived_ms > kind->limit_ms + CROWD_LATE_MS;
        if (lived_ms > longest)
            longest = lived_ms;
    }
    printf("%u %s: %u open, the longest lived %" PRId64 " ms (limit %" PRId64
           ")\n",
           count, kind->name, open, longest, kind->limit_ms);
    return open + late;
}

void crowd_judge(struct stage *stage, const struct crowd *crowd, unsigned left)
{
    double grown = crowd->memory_most - crowd->memory_before;
    int64_t p99 = web_p99(crowd->spent_ms, crowd->spent_count);
    char more[200];

    printf("%s: %u left, good sender: %zu requests, p99 %" PRId64
           " ms; memory grew by %.1f MiB\n",
           crowd->name, left, crowd->spent_count, p99, grown / (1 << 20));
    stage_must(stage, !left);
    stage_must(stage, grown < MEMORY_MORE);
    stage_must(stage, p99 < GOOD_P99_MS);
    snprintf(more, sizeof(more),
             "\"max_p99_ms\":%" PRId64 ",\"max_memory_growth_kib\":%.0f", p99,
             grown / 1024);
    proof_figures(&web_proof, crowd->name, crowd->count, 0, 0, more);
}
