/* bare.h - what the parts cost alone, on the same machine at the same time. */
#ifndef BENCH_BARE_H
#define BENCH_BARE_H

#include <sys/types.h>

/* Rows a second of bare SQLite: rows of bytes, width of them in a commit, with
 * the journal and sync that the store uses, in that directory. */
double bare_commits(const char *directory, unsigned width, unsigned bytes,
                    double seconds);

/* The daemon's HTTP server with the ingress's answer and nothing behind it, in
 * a process of its own.  0 or a negative errno. */
int bare_http_start(int *ret_port, pid_t *ret_process);
void bare_http_stop(pid_t process);

#endif
