/* facts.h - what the driver was promised by the store, and whether a store
 * still knows it. */
#ifndef CONNECT_DISK_FACTS_H
#define CONNECT_DISK_FACTS_H

#include <stddef.h>
#include <stdint.h>

#include "control.h"

enum { FACTS_RUNS_MAX = 4096, FACTS_TEXT_MAX = 600 };

/* How far a run was when its commit was answered; each includes the former. */
enum fact {
    FACT_NONE,
    FACT_ACCEPTED,
    FACT_SENDING, /* the intent is durable, bytes may leave */
    FACT_DELIVERED,
    FACT_DONE
};
/* Of the daemon seen from outside: so many events were answered, and so many
 * orders were seen in the ERP. */
enum { FACT_EVENTS = 16, FACT_ORDERS };

struct facts {
    uint8_t runs[FACTS_RUNS_MAX]; /* by number */
    size_t run_last;
    uint64_t events, orders;
};

/* For trace_go. */
void facts_mark(void *facts, const struct disk_record *mark);
/* Open the store in this directory as a start would, and compare.  What a run
 * has, has its own body.  0, or what is wrong in text. */
int facts_check(const struct facts *facts, const char *directory,
                char text[FACTS_TEXT_MAX]);

/* The body of a run's record; len bytes. */
void facts_body(uint64_t number, char *body, size_t len);

#endif
