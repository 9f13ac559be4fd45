/* checker.h - the three ledgers, compared.
 *
 * The sender's (each event with the status it got), the ERP simulator's (each
 * order with its amounts) and the daemon's own view (its runs, as the admin API
 * tells them).  The numbers of the checks are those of the fault catalogue:
 *
 *   I1  every event answered 200 is in the store: each one, by what tells it
 *       from the others of its box, and not only one of each deal
 *   I2  a deal whose order is done has exactly one order, others none or one;
 *       the same of each comment with a mark ("[ext:..]")
 *   I3  no order without a stored event
 *   I4  quantities and prices of the order are the deal's, as decimal texts;
 *       customer, stock codes and order numbers the same identifiers, as texts
 *   I5  everything is done, held, parked or stands behind one of these, and
 *       nothing is being sent
 *   I6  the history has an entry for each change, and the last one of each run
 *       and each delivery says the state that it has now (the chain itself is
 *       verified by stage_check on the stopped store)
 *   I7  none of the forbidden words (credentials, canaries) and no session of
 *       the ERP is in a text that must not have them: log, lists, status,
 *       history
 *   I8  no report of a sanitizer, no end that leaves a core, no unplanned
 *       start; descriptors and memory within 5 % of what they were
 *   I9  no status outside the contract of the webhook route
 *
 * The order of a deal is found by the PO number that this file derives from the
 * deal's key by itself, and not by what the daemon says. */
#ifndef CONNECT_E2E_CHECKER_H
#define CONNECT_E2E_CHECKER_H

#include <stddef.h>

#include <cjson/cJSON.h>

enum { CHECKER_PO_MAX = 32 };

/* {"sender":[{"keys":[KEY],"ids":[ID of each],"status":200}],
 *  "deals":[{"key","stage","organizations":[{"key"}],"fields":{NAME:VALUE}}],
 *  "organizations":{KEY:{NAME:VALUE}},
 *  "comments":[{"reference","change","detail":{"boxKey","message"}}],
 *  "orders":[{"reference","detail":{"sales_order","customer","lines":[..]}}],
 *  "status":{"events","duplicates","quarantined"},"runless":N,
 *  "runs":[..as /v1/runs/N],
 *  "texts":[{"where","text"}],"forbidden":[WORD],"sessions":[ID],
 *  "program":{"log","starts","planned_starts","cores","descriptors",
 *   "descriptors_after","memory","memory_after"}}
 * A member that is missing is not looked at.  An id is "KEY@TIME", and with
 * "/NAME" behind it where the event has a name; the run of this event says the
 * same as its trigger's id.  Any other text tells events apart, and as many
 * runs are asked for.  "runless": events that were stored without a run, since
 * no flow wanted them.
 * What is wrong goes into ret_complaints, one line each, owned.  The number of
 * complaints. */
size_t checker_compare(const cJSON *ledgers, char **ret_complaints);

/* The PO number of a deal's order. */
void checker_po(const char *deal_key, char po[CHECKER_PO_MAX]);

/* Do two texts name the same?  A key of digits alone is padded to 15 of them by
 * who stores it ("0001207", "000000000001207"); nothing else is the same. */
int checker_same_key(const char *one, const char *other);

/* Are two decimal texts the same number?  "3" and "3.000" are, without ever
 * being a double. */
int checker_same_decimal(const char *one, const char *other);

#endif
