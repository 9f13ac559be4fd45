/* fault_web.h - what the parts of the harness fault_web share: connections as
 * bytes, and the parts themselves.
 *
 * One thread. */
#ifndef CONNECT_FAULT_WEB_H
#define CONNECT_FAULT_WEB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proof.h"
#include "stage.h"

extern struct proof web_proof; /* the options */

/* The parts; each is a cmocka test with stage_teardown. */
void fault_web_framing(void **state);
void fault_web_bombs(void **state);
void fault_web_json(void **state);
void fault_web_values(void **state);
void fault_web_slow(void **state);
void fault_web_handshakes(void **state);
void fault_web_clock(void **state);

/* Cases of each part at full size. */
enum {
    WEB_SLOW_CASES =
        3200, /* connections: 2,000 heads, 1,000 bodies, 200 idle */
    WEB_SLOW_DEFAULT = 320,
    WEB_HANDSHAKES_CASES = 500 /* connections; the default too */
};
uint64_t fault_web_framing_count(void);
uint64_t fault_web_bombs_count(void);
uint64_t fault_web_json_count(void);
uint64_t fault_web_values_count(void);
uint64_t fault_web_clock_count(void);

/* ---- A connection as bytes ------------------------------------------------
 */

struct wire {
    int file;
    char answer[2048]; /* what came so far, its beginning; ends with NUL */
    size_t len;
    bool closed; /* by the other side, orderly or not */
};

enum { WIRE_MS = 30000 }; /* longest wait for an answer */

void wire_open(struct stage *stage, struct wire *wire);
/* Send all, or as much as goes before the other side closes or stops reading
 * for a second; how much went. */
size_t wire_send(struct wire *wire, const void *bytes, size_t len);
/* Read until the other side closes, or for so long. */
void wire_read(struct wire *wire, int64_t limit_ms);
void wire_close(struct wire *wire);
/* Status of the first answer; 0: none. */
int wire_status(const struct wire *wire);
/* How many answers came. */
size_t wire_answers(const struct wire *wire);

/* The head of the right webhook request up to its last own line. */
void web_head(const struct stage *stage, char *head, size_t size);
int64_t web_status_number(struct stage *stage, const char *name);
/* How many different contents are quarantined. */
int64_t web_quarantined(struct stage *stage);
/* Resident memory and processor time (ms) of the daemon. */
double web_memory(struct stage *stage);
double web_cpu_ms(struct stage *stage);
/* What 99 of 100 did not exceed; sorts them. */
int64_t web_p99(int64_t *spent_ms, size_t count);

#endif
