/* claim.h - runs that are ready become the work of one engine. */
#ifndef CONNECT_STORE_CLAIM_H
#define CONNECT_STORE_CLAIM_H

#include "store/writer.h"

enum {
    /* An engine renews every third of it; a daemon that died frees its runs
     * for others within a minute. */
    CLAIM_LEASE_MS = 60 * 1000
};

int claim_runs(struct writer *writer,
               const struct change_claim *claim) MUST_USE;
int claim_renew(struct writer *writer) MUST_USE;
/* An ACTIVE run of this owner becomes READY, as after a crash. */
int claim_give_back(struct writer *writer, uint64_t number) MUST_USE;
/* At opening: what this owner had in work is given back. */
int claim_recover(struct writer *writer) MUST_USE;

#endif
