/* sim_ledger.h - what a simulator saw and did, for the test to compare.
 *
 * Three lists: requests fully received, documents made or changed, webhooks
 * sent.  Requests and webhooks are bounded and lose their oldest entries,
 * documents are never lost.  With a file every entry is also appended to it as
 * one line of JSON, written before the call returns, so that it survives a kill
 * of the simulator. */
#ifndef CONNECT_SANDBOX_SIM_LEDGER_H
#define CONNECT_SANDBOX_SIM_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buf.h"
#include "base/error.h"

struct sim_clock;
struct sim_ledger;

/* secret_parameters: names of query parameters whose values are not kept, in
 * any case; ends with NULL; borrowed; may be NULL. */
struct sim_ledger *sim_ledger_create(const struct sim_clock *clock,
                                     const char *const *secret_parameters);
void sim_ledger_destroy(struct sim_ledger *ledger);
/* Append entries to this file from now on.  0 or a negative errno. */
int sim_ledger_open_file(struct sim_ledger *ledger, const char *path) MUST_USE;
/* Forget everything; numbers go on.  The file is kept. */
void sim_ledger_clear(struct sim_ledger *ledger);

/* A request was fully received; returns its number, from 1. */
uint64_t sim_ledger_begin_request(struct sim_ledger *ledger, const char *method,
                                  const char *url, size_t bytes_in);
/* It was answered.  status 0: no answer.  fault: name or NULL. */
void sim_ledger_end_request(struct sim_ledger *ledger, uint64_t number,
                            int status, size_t bytes_out, bool committed,
                            const char *fault);

/* A document was committed.  kind and key name it; committing the same again
 * counts its commits and keeps the latest detail.  reference is the caller's
 * own number for it (may be ""): documents of one kind with equal references
 * are counted, which shows duplicates.  change: "create", "update", "delete".
 * detail: amounts as texts, printed at once; may be NULL. */
void sim_ledger_document(struct sim_ledger *ledger, const char *kind,
                         const char *key, const char *reference,
                         const char *change, const cJSON *detail);
/* How many documents of a kind carry this reference. */
size_t sim_ledger_count_reference(const struct sim_ledger *ledger,
                                  const char *kind, const char *reference);

/* A webhook was sent and answered (status 0: no answer, note says why). */
struct sim_delivery {
    const char *event;
    const char *target; /* without what is secret */
    const char *keys;   /* keys of the objects, separated by commas */
    const char *ids;    /* what tells their states apart, in the same order */
    uint64_t id;        /* equal for the tries of one delivery */
    int attempt;        /* from 1 */
    int status;
    int64_t took_ms;
    const char *note; /* "" or why nothing was sent or answered */
};
void sim_ledger_delivery(struct sim_ledger *ledger,
                         const struct sim_delivery *delivery);

uint64_t sim_ledger_request_count(const struct sim_ledger *ledger);

/* {"entries":[..],"last":N,"lost":N}: entries with a number above after. */
void sim_ledger_list_requests(const struct sim_ledger *ledger, uint64_t after,
                              size_t limit, struct buf *buf);
void sim_ledger_list_deliveries(const struct sim_ledger *ledger, uint64_t after,
                                size_t limit, struct buf *buf);
/* kind, reference: NULL or a filter. */
void sim_ledger_list_documents(const struct sim_ledger *ledger,
                               const char *kind, const char *reference,
                               uint64_t after, size_t limit, struct buf *buf);

#endif
