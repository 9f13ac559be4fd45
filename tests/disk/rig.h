/* rig.h - a directory with a store in it, the shim before it and the trace
 * beside it. */
#ifndef CONNECT_DISK_RIG_H
#define CONNECT_DISK_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "control.h"

enum { RIG_PATH_MAX = 128 };

struct rig {
    char root[RIG_PATH_MAX];      /* of all that follows */
    char data[RIG_PATH_MAX + 16]; /* of the store */
    char cut[RIG_PATH_MAX + 16];  /* where states are laid out */
    char trace[RIG_PATH_MAX + 16];
    char log[RIG_PATH_MAX + 16];  /* of the driver */
    struct disk_control *control; /* mapped */
};

/* Made in memory where there is such a place.  Fails by ending the program. */
void rig_begin(struct rig *rig);
void rig_end(struct rig *rig);
/* What the environment says to programs that are started from now on; on:
 * watched.  traced: with a trace. */
void rig_watch(const struct rig *rig, const char *directory, bool on,
               bool traced);
/* From now on so many calls fail after so many that succeed. */
void rig_fault(struct rig *rig, int error, uint32_t ops, uint32_t files,
               int64_t after, int64_t times);
void rig_no_fault(struct rig *rig);
/* The driver to its end: its exit code, 128 + signal, or -1: no end. */
int rig_drive(struct rig *rig, const char *size);
/* Everything in the directory goes, the directory stays. */
void rig_empty(const char *directory);
/* An empty store, an empty trace. */
void rig_again(struct rig *rig);
/* The harness's own mark. */
void rig_mark(const struct rig *rig, uint32_t fact, uint64_t number);

#endif
