/* erp.c - the systems around the daemon, as they really are.
 *
 * One idea: whatever the daemon believes, what exists stands here, and the
 * moment something exists twice the seed has failed. */
#include "erp.h"

#include <stdio.h>
#include <string.h>

#include "world.h"

void erp_begin(struct erp *erp)
{
    for (unsigned index = 0; index < ERP_BOXES; index++) {
        struct box *box = &erp->boxes[index];
        snprintf(box->key, sizeof(box->key), "box0%u", index);
        box->won = index % 3 != 2;
        box->lines = 1 + index % 3;
    }
}

struct document *erp_document(struct world *world, const char *what,
                              const char *key)
{
    struct erp *erp = &world->erp;
    struct document *document;

    for (size_t index = 0; index < erp->document_count; index++) {
        document = &erp->documents[index];
        if (!strcmp(document->what, what) && !strcmp(document->key, key))
            return document;
    }
    if (erp->document_count == ERP_DOCUMENTS_MAX)
        world_broken(world, "more documents than the harness holds");
    document = &erp->documents[erp->document_count++];
    snprintf(document->what, sizeof(document->what), "%s", what);
    snprintf(document->key, sizeof(document->key), "%s", key);
    return document;
}

struct box *erp_box(struct world *world, const char *key)
{
    for (size_t index = 0; index < ERP_BOXES; index++) {
        if (!strcmp(world->erp.boxes[index].key, key))
            return &world->erp.boxes[index];
    }
    world_broken(world, "there is no deal %s", key);
}

void erp_commit(struct world *world, struct document *document)
{
    TRACE("  EXISTS %s %s\n", document->what, document->key);
    if (document->commits++)
        world_broken(world, "DOUBLED: %s %s exists twice", document->what,
                     document->key);
    snprintf(document->number, sizeof(document->number), "N%u",
             ++world->erp.next_number);
    document->seen_ms = world->now_ms;
}

void erp_commit_late(struct world *world, struct document *document)
{
    for (size_t index = 0; index < ERP_LATE_MAX; index++) {
        if (document->late_ms[index])
            continue;
        document->late_ms[index] =
            world->now_ms + 1 + world_draw(world, ERP_LATE_MS);
        TRACE("  %s %s will exist at %lld\n", document->what, document->key,
              (long long)document->late_ms[index]);
        return;
    }
}

void erp_fate(struct world *world, const char *what, const char *key)
{
    struct document *document = erp_document(world, what, key);

    switch (world_draw(world, 4)) {
    case 0:
        erp_commit(world, document);
        break;
    case 1: /* there, but not found at once */
        erp_commit(world, document);
        document->seen_ms += world_draw(world, ERP_LAG_MS);
        break;
    case 2:
        erp_commit_late(world, document);
        break;
    default:
        break;
    }
}

void erp_wake(struct world *world)
{
    struct erp *erp = &world->erp;

    for (size_t index = 0; index < erp->document_count; index++) {
        struct document *document = &erp->documents[index];
        for (size_t at = 0; at < ERP_LATE_MAX; at++) {
            int64_t late_ms = document->late_ms[at];
            if (!late_ms || late_ms > world->now_ms)
                continue;
            document->late_ms[at] = 0;
            erp_commit(world, document);
            document->seen_ms = late_ms + world_draw(world, ERP_LAG_MS);
        }
    }
}
