/* erp.h - the systems around the daemon, as they really are: which documents
 * exist, which effects are still to come, which deals are won.
 *
 * A document is known by its type and its external id.  It must come to exist
 * once; an effect of what was in doubt comes at most LATE_MS later, which is
 * less than the settle time of the record types. */
#ifndef CONNECT_SIM_ERP_H
#define CONNECT_SIM_ERP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct world;

enum {
    ERP_KEY_MAX = 80,
    ERP_BOXES = 6,
    ERP_DOCUMENTS_MAX = 256,
    ERP_LATE_MAX = 4,    /* effects of one document still to come */
    ERP_LATE_MS = 50000, /* at most; the types settle in 60 s */
    ERP_LAG_MS = 8000    /* until a question finds what exists */
};

struct document { /* in the ERP or the CRM */
    char what[32], key[ERP_KEY_MAX];
    unsigned commits;
    int64_t late_ms[ERP_LATE_MAX]; /* effects that will come; 0: none */
    int64_t seen_ms;               /* questions find it from then on */
    char number[16];
};

struct box { /* a deal */
    char key[16];
    bool won;
    unsigned lines;
    char told[16]; /* the number it carries */
};

struct erp {
    struct box boxes[ERP_BOXES];
    struct document documents[ERP_DOCUMENTS_MAX];
    size_t document_count;
    unsigned next_number;
    unsigned feed; /* records of the stream so far */
};

void erp_begin(struct erp *erp);
struct document *erp_document(struct world *world, const char *what,
                              const char *key);
struct box *erp_box(struct world *world, const char *key);
/* The document comes to exist; twice is what must never be. */
void erp_commit(struct world *world, struct document *document);
void erp_commit_late(struct world *world, struct document *document);
/* One in doubt took effect, will, or never does. */
void erp_fate(struct world *world, const char *what, const char *key);
/* What is due by now comes. */
void erp_wake(struct world *world);

#endif
