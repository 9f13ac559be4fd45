/* answer.h - what an answer of e.net says. */
#ifndef SYSPRO_ANSWER_H
#define SYSPRO_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>
#include <connect/plugin.h>

#include "text.h"

/* ---- Bodies ---------------------------------------------------------------
 */

enum answer_kind {
    ANSWER_BROKEN, /* nothing that e.net sends */
    ANSWER_ERROR,  /* a text that begins with ERROR */
    ANSWER_XML,    /* begins like a document; not read yet */
    ANSWER_PLAIN   /* some other text: a session, a version, a number */
};

/* A body without its wrapping.  text borrows from storage or from the body. */
struct answer {
    enum answer_kind kind;
    cn_str text;
    bool utf8; /* unwrapped: the bytes are UTF-8, whatever is declared */
    struct text storage;
};

/* Take the wrapping off: raw, a JSON string, or a <string> element. */
void answer_open(struct answer *answer, cn_str body);
void answer_close(struct answer *answer);

/* ---- ERROR texts and reasons ------------------------------------------------
 */

enum reason {
    REASON_OTHER,
    REASON_SESSION,     /* the session is unknown: the call did not run */
    REASON_UNAVAILABLE, /* business object missing or not licensed */
    REASON_LICENCE,     /* all licences are in use */
    REASON_LOCKED,      /* a record is in use */
    REASON_DUPLICATE,   /* the customer has an order of this PO number */
    REASON_HOLD,        /* the customer is on hold */
    REASON_CREDIT,
    REASON_PERIOD, /* the period is closed */
    REASON_COUNT
};

/* texts: lists of patterns (text_matches) under the names of reason_name. */
enum reason answer_reason(const cJSON *texts, const char *text);
const char *reason_name(enum reason reason);

/* ---- The answer to an order import ------------------------------------------
 */

enum verdict {
    VERDICT_ERROR,     /* step 1: an ERROR text */
    VERDICT_UNKNOWN,   /* step 2: cannot be told */
    VERDICT_REJECTED,  /* steps 3, 4, 7, 8, 10 */
    VERDICT_VALIDATED, /* step 5 */
    VERDICT_CREATED,   /* step 6: with a number */
    VERDICT_UNNUMBERED /* step 9: created, number unknown */
};

enum {
    REASONS_MAX = 16, /* errors and warnings kept; more are counted only */
    REASON_TEXT_MAX = 256
};

struct decision_error {
    char section[40]; /* OrderHeader, StockLine ... */
    char line[8];     /* CustomerPoLine, "" outside lines */
    char stock_code[32];
    char text[REASON_TEXT_MAX];
};

struct decision {
    enum verdict verdict;
    int step;        /* of the procedure, 1 to 10 */
    bool foreign;    /* UNKNOWN, because it is about another PO number */
    char number[32]; /* as SYSPRO gave it */
    size_t error_count, warning_count;
    struct decision_error errors[REASONS_MAX];
    char warnings[REASONS_MAX][REASON_TEXT_MAX];
};

/* The ten steps, for an import of one order of this PO number.  validating:
 * Process was VALIDATE. */
void answer_decide(const struct answer *answer, const char *po_number,
                   bool validating, struct decision *ret_decision);

/* All errors in one sentence for people. */
void answer_describe(const struct decision *decision, char *to, size_t size);

#endif
