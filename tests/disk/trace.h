/* trace.h - what the shim wrote down, and the states that a power cut may leave
 * of it.
 *
 * A write is certain once its file was synced after it; a name once the
 * directory was.  What is not certain may be there or not: names are lost from
 * the end, as a journal loses them, writes each for itself, whole or torn at a
 * sector or within one.  Bytes beside a write stay what they were, which SQLite
 * relies on (power-safe overwrite).  What a failed sync should have saved is
 * gone, whatever sync follows. */
#ifndef CONNECT_DISK_TRACE_H
#define CONNECT_DISK_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "control.h"

struct trace;

/* The kinds of loss. */
enum trace_loss {
    TRACE_ALL_LOST,    /* nothing that was not certain is there */
    TRACE_NOTHING,     /* all is there: the process died, not the machine */
    TRACE_TAIL_TORN,   /* some of the last writes, the last of them torn */
    TRACE_SOME,        /* each write or not */
    TRACE_SOME_SECTORS /* each sector of each write or not */
};
enum { TRACE_LOSS_COUNT = 5 };

/* NULL: it cannot be read. */
struct trace *trace_open(const char *path);
void trace_destroy(struct trace *trace);
size_t trace_length(const struct trace *trace); /* records */
/* The first record of this kind, or the length. */
size_t trace_find(const struct trace *trace, enum disk_record_kind kind);
/* Go to the moment after so many records; only forward.  For each mark on the
 * way fn is called. */
typedef void trace_mark_fn(void *arg, const struct disk_record *mark);
void trace_go(struct trace *trace, size_t record, trace_mark_fn *fn, void *arg);
/* The files as a cut at this moment leaves them, into an empty directory. 0 or
 * a negative errno. */
int trace_cut(const struct trace *trace, enum trace_loss loss, uint64_t seed,
              const char *directory);

#endif
