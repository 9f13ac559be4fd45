/* disk.h - a disk in memory under SQLite, in the hand of one seed.
 *
 * It is the default VFS of the program that registers it.  What was written and
 * what was synced are kept apart: when the power goes, each write since the
 * last sync of its file is there, is not, or is torn at sectors, by seed; when
 * only the process dies, all writes are there.  Space can run out, and reading,
 * writing, syncing and opening can fail.  A sync that fails may have lost
 * what it should have written, and the next one does not write it either, as
 * with Linux.  A death can be planned inside of an I/O: from then on nothing
 * works until disk_restart.
 *
 * One disk, one thread. */
#ifndef CONNECT_SIM_DISK_H
#define CONNECT_SIM_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum disk_fault {
    DISK_READ,
    DISK_WRITE,
    DISK_SYNC,
    DISK_OPEN,
    DISK_TRUNCATE,
    DISK_FAULT_COUNT
};

struct disk_figures {
    uint64_t reads, writes, syncs;
    uint64_t faults[DISK_FAULT_COUNT]; /* I/O errors given */
    uint64_t full;                     /* refused for want of space */
    uint64_t sync_lost; /* failed syncs that lost what they had to write */
    uint64_t torn, dropped, kept; /* writes at power cuts */
};

void disk_register(void);
/* An empty disk without faults; seed decides what a power cut leaves. */
void disk_format(uint64_t seed);

/* From the after-th I/O of this kind on, count of them fail. */
void disk_break(enum disk_fault fault, unsigned after, unsigned count);
/* So many bytes are free; SIZE_MAX: no end of them. */
void disk_room(size_t bytes);
bool disk_is_full(void);
/* No more I/O errors, and space enough. */
void disk_calm(void);

/* After so many writes and syncs nothing works any more. */
void disk_die_after(unsigned count);
bool disk_dead(void);
/* Now. */
void disk_die(void);
/* What is there after the death: of the power, or only of the process. */
void disk_restart(bool power);

/* The reserve of the store: a part of the space. */
bool disk_reserve_keep(size_t bytes);
void disk_reserve_spend(void);

/* While it looks, nothing fails and nothing counts. */
void disk_observe(bool on);

/* All files as they are, to be put back later (a backup). */
void disk_save(void);
bool disk_saved(void);
void disk_put_back(void);

const struct disk_figures *disk_figures(void);

#endif
