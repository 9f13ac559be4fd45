/* subject.h - the daemon that is measured: a child process in a directory of
 * its own. */
#ifndef BENCH_SUBJECT_H
#define BENCH_SUBJECT_H

#include <sys/types.h>
#include <time.h>

#define SUBJECT_PATH "/in/source/the-secret-of-the-benchmark"

struct subject {
    char directory[64];
    pid_t process;
    int port;
};

struct subject_options {
    const char *parent;   /* where the directory is made */
    const char *connectd; /* the program */
    const char *plugins;  /* folder of the two test plugins */
    const char *sources;  /* folder with records and flows */
    const char *flows;    /* folder below sources/flows, NULL: no flow */
    int target_port;
    unsigned open_max; /* of the sink */
};

/* A fresh directory with its configuration.  0 or a negative errno. */
int subject_make(struct subject *subject,
                 const struct subject_options *options);
/* Start and wait until it listens. */
int subject_start(struct subject *subject,
                  const struct subject_options *options);
/* Wait until its instances run: before, webhooks are answered with 503. */
int subject_wait_running(const struct subject *subject);
/* SIGTERM and wait: its exit code, or -1. */
int subject_stop(struct subject *subject);
void subject_remove(struct subject *subject);

clockid_t subject_cpu(const struct subject *subject);
double subject_memory_mib(const struct subject *subject);
/* Runs in a state, of GET /v1/status, or -1. */
long long subject_runs(const struct subject *subject, const char *state);
/* Wait until as many runs are done: 0, or -1 after the limit. */
int subject_wait_done(const struct subject *subject, unsigned long long count,
                      double limit_s);

#endif
