/* tracer.h - a program under a tracer that counts its system calls and kills it
 * at one of them.
 *
 * Counted are the calls that touch a file, a socket or the log, of all threads
 * together, by one counter; not what stays inside the program (pipes between
 * its threads, waiting, memory), nor the loading of libraries.  The tracer is a
 * process of its own, the program its child: whoever ends the tracer ends the
 * program, and the tracer ends as the program did. */
#ifndef CONNECT_CRASH_TRACER_H
#define CONNECT_CRASH_TRACER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { TRACER_WHERE_MAX = 200 };

enum tracer_begin {               /* from when on calls are counted */
                    TRACER_NEVER, /* not yet */
                    TRACER_NOW, /* from now on; set before the start: from exec
                                 */
                    TRACER_AT_CHECKPOINT /* from the next write to the database
                                            file itself to its sync, and when
                                            the log then begins anew; no other
                                            call */
};

/* Shared by the harness and the tracer, or the library whose allocations fail
 * (allocation.c), which counts allocations instead. */
struct tracer_page {
    _Atomic int begin;       /* enum tracer_begin */
    _Atomic uint64_t count;  /* calls so far */
    _Atomic uint64_t target; /* the call at which to kill, from 1; 0: none */
    _Atomic bool after;      /* when the call has been made, not before; of an
                              * allocation: it fails and all that follow */
    _Atomic bool killed;     /* it was reached; of an allocation: it failed */
    char where[TRACER_WHERE_MAX]; /* the call of it, valid when killed */
};

/* Shared memory for it, zero; one to a process.  The environment says where a
 * program that is started finds it. */
#define TRACER_PAGE "CONNECT_TRACER_PAGE"
struct tracer_page *tracer_page_create(void);
/* Count from anew, and kill at call target (0: never). */
void tracer_aim(struct tracer_page *page, enum tracer_begin begin,
                uint64_t target, bool after);

/* Start the program; output is appended to the file log.  The tracer's id, or a
 * negative errno.  It ends with the exit code of the program, or 128 + signal;
 * TRACER_FORBIDDEN when this machine permits no tracing.  SIGTERM is handed to
 * the program. */
enum { TRACER_FORBIDDEN = 126 };
pid_t tracer_start(struct tracer_page *page, const char *log,
                   const char *const *arguments);

#endif
