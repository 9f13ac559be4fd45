/* control.h - what the shim in the watched process and the harness share: a
 * page of memory that says what shall fail, and a trace of what was written.
 *
 * The shim (shim.c) is preloaded.  Its environment: DISK_ROOT, the directory
 * whose files are watched; DISK_CONTROL, a file that holds a disk_control and
 * is mapped; DISK_TRACE, a file that the records are appended to (absent:
 * none).  The harness appends marks to the same file: what was promised to
 * somebody at that moment. */
#ifndef CONNECT_DISK_CONTROL_H
#define CONNECT_DISK_CONTROL_H

#include <stdatomic.h>
#include <stdint.h>

enum disk_op {
    DISK_WRITE,
    DISK_FSYNC,
    DISK_FDATASYNC,
    DISK_READ,
    DISK_TRUNCATE,
    DISK_RENAME,
    DISK_CLOSE,
    DISK_ALLOCATE,
    DISK_OP_COUNT
};

/* Which file, by its name. */
enum disk_file { DISK_FILE_DB, DISK_FILE_WAL, DISK_FILE_SHM, DISK_FILE_OTHER };

enum {
    DISK_NAMES_MAX = 64, /* a store has seven files */
    DISK_NAME_BYTES = 48
};

struct disk_name {
    char name[DISK_NAME_BYTES];
    uint32_t id;
};

struct disk_control {
    /* What shall fail; changed while the process runs. */
    _Atomic uint32_t error; /* errno; 0: nothing fails */
    _Atomic uint32_t ops;   /* bits of disk_op */
    _Atomic uint32_t files; /* bits of disk_file */
    _Atomic int64_t after;  /* such calls that still succeed */
    _Atomic int64_t times;  /* such calls that then fail; -1: all */
    _Atomic uint64_t hits;  /* calls that failed */
    _Atomic uint64_t calls[DISK_OP_COUNT];
    /* The shim's own. */
    uint32_t id_last;
    struct disk_name names[DISK_NAMES_MAX];
};

enum disk_record_kind {
    DISK_R_CREATE,    /* bytes: name */
    DISK_R_UNLINK,    /* bytes: name */
    DISK_R_RENAME,    /* bytes: old name, NUL, new name */
    DISK_R_WRITE,     /* offset, bytes */
    DISK_R_TRUNCATE,  /* offset: the new size */
    DISK_R_SYNC,      /* succeeded */
    DISK_R_SYNC_LOST, /* failed: what was not synced is on no disk */
    DISK_R_DIRECTORY, /* the directory was synced */
    DISK_R_MARK       /* file: what kind; offset and len: whom it concerns */
};

struct disk_record {
    uint32_t kind, file;
    int64_t offset;
    uint32_t len, spare;
};

#endif
