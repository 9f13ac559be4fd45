/* jq_pool.h - jq programs, run in helper processes of the daemon.
 *
 * A helper is started when it is first needed and ends after a minute without
 * work.  One that is over its time is killed, one that dies is replaced; its
 * program's answer says so.  All on the loop thread; answers come later, never
 * from inside a call. */
#ifndef CONNECT_PLUGIN_JQ_POOL_H
#define CONNECT_PLUGIN_JQ_POOL_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "base/error.h"

struct jq_pool;

struct jq_pool_options {
    const char *program; /* path of connect-jq; NULL: beside the daemon */
    uint32_t processes;  /* at once; 0: 1 */
    uint32_t time_ms;    /* of one program; 0: 2000 */
    uint32_t memory_mib; /* of a helper; 0: 256 */
    uint32_t queue_max;  /* programs that wait; 0: 256 */
};

/* 0 and the result; -EINVAL and what the program says is wrong; -ETIMEDOUT: it
 * was killed; -EPIPE: its helper died, most likely of memory; -ECANCELED. */
typedef void jq_pool_fn(void *arg, int status, const char *text, size_t len);

int jq_pool_create(uv_loop_t *loop, const struct jq_pool_options *options,
                   struct jq_pool **ret_pool, struct error *err) MUST_USE;
/* -EAGAIN: as many wait as may. */
int jq_pool_start(struct jq_pool *pool, const char *program, const char *input,
                  size_t len, jq_pool_fn *fn, void *arg) MUST_USE;
/* Kill the helpers, answer what waits with -ECANCELED; stopped comes once, the
 * pool is freed before it. */
void jq_pool_stop(struct jq_pool *pool, void (*stopped)(void *arg), void *arg);

/* Programs that were found to compile; begins as NULL, freed with
 * jq_known_free. */
struct jq_known;
void jq_known_free(struct jq_known **known);

/* Does the program compile?  Runs a helper and waits for it: for the time of
 * loading only.  With known, not for one that was found to do so before: a
 * reload waits for what is new. */
int jq_pool_check(const char *helper, const char *program,
                  struct jq_known **known, struct error *err) MUST_USE;

#endif
