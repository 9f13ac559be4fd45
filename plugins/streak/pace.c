/* pace.c - the token bucket of one instance.
 *
 * Streak asks to be told before anybody goes above 10 requests a second.  The
 * bucket holds a quarter of a second's worth, so that within any second hardly
 * more than the rate leaves.  It knows no clock: while it is not full a timer
 * of the host adds one token at a time.  The queue needs no limit of its own,
 * because its entries are part of operations, of which the host opens max_open
 * of each kind.  On the instance's thread. */
#include "pace.h"

#include <stddef.h>

#include <utlist.h>

enum { SECOND_MS = 1000, BURST_SHARE = 4 };

void pace_init(struct pace *pace, const cn_host *host, unsigned rate)
{
    pace->host = host;
    pace->interval_ms = rate ? (SECOND_MS + rate - 1) / rate : 0;
    pace->tokens_max = rate >= BURST_SHARE ? rate / BURST_SHARE : 1;
    pace->tokens = pace->tokens_max;
}

static void tick(void *arg);

static void start_ticking(struct pace *pace)
{
    if (pace->ticking || pace->tokens == pace->tokens_max)
        return;
    pace->ticking = true;
    pace->host->timer_start(pace->host, pace->interval_ms, tick, pace);
}

static void serve(struct pace *pace)
{
    while (pace->queue && pace->tokens) {
        struct pace_entry *entry = pace->queue;

        pace->tokens--;
        start_ticking(pace);
        pace_remove(pace, entry);
        entry->go(entry);
    }
}

static void tick(void *arg)
{
    struct pace *pace = arg;

    pace->ticking = false;
    pace->tokens++;
    serve(pace);
    start_ticking(pace);
}

void pace_add(struct pace *pace, struct pace_entry *entry)
{
    if (!pace->interval_ms) {
        entry->go(entry);
        return;
    }
    entry->waits = true;
    DL_APPEND(pace->queue, entry);
    serve(pace);
}

void pace_remove(struct pace *pace, struct pace_entry *entry)
{
    if (entry->waits)
        DL_DELETE(pace->queue, entry);
    entry->waits = false;
}
