/* pace.h - no more than so many requests a second. */
#ifndef CONNECT_STREAK_PACE_H
#define CONNECT_STREAK_PACE_H

#include <stdbool.h>

#include <connect/plugin.h>

/* One request that waits for its turn; part of what owns it. */
struct pace_entry {
    void (*go)(struct pace_entry *entry); /* its turn; it has left the queue */
    struct pace_entry *prev, *next;
    bool waits;
};

struct pace {
    const cn_host *host;
    struct pace_entry *queue; /* oldest first; as many as there are owners */
    unsigned interval_ms;     /* one more may go after this; 0: no limit */
    unsigned tokens, tokens_max;
    bool ticking;
};

void pace_init(struct pace *pace, const cn_host *host, unsigned rate);
/* Call entry->go now or later. */
void pace_add(struct pace *pace, struct pace_entry *entry);
/* It shall not go; fine when it does not wait. */
void pace_remove(struct pace *pace, struct pace_entry *entry);

#endif
