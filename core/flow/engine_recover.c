/* engine_recover.c - runs whose commit failed, leases, and what is old.
 *
 * One idea: when it could not be stored how an attempt ended, the run is given
 * back as after a crash; what was sent is then asked about.  What fails by the
 * run's own content would fail for ever, so the second time a person has to
 * see.  Called on the loop thread. */
#include "flow/engine_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/log.h"
#include "base/memory.h"

enum {
    RENEW_MS = 60000,     /* leases last 10 minutes */
    PRUNE_MS = 3600000,   /* between looks for what is old */
    PRUNE_NEXT_MS = 1000, /* while there are more */
    PRUNE_MAX = 500       /* rows of one transaction */
};

/* ---- Recovery and leases --------------------------------------------------
 */

static uint64_t *fault_find(struct engine *engine, uint64_t number)
{
    for (size_t at = 0; at < ENGINE_FAULTS_MAX; at++) {
        if (engine->faults[at] == number)
            return &engine->faults[at];
    }
    return NULL;
}

void engine_forget_fault(struct engine *engine, uint64_t number)
{
    uint64_t *fault = fault_find(engine, number);

    if (fault)
        *fault = 0;
}

/* What the store says of a batch or a change itself, and would say again. */
static bool fault_of_run(int status)
{
    return status == -ESTALE || status == -EBADMSG || status == -EINVAL ||
           status == -E2BIG;
}

void engine_lose(struct engine *engine, uint64_t number, int status)
{
    struct lost_run *lost = memory_zero(1, sizeof(*lost));

    lost->number = number;
    if (fault_of_run(status) && fault_find(engine, number)) {
        engine_forget_fault(engine, number);
        lost->fault = status;
    } else if (fault_of_run(status)) {
        engine->faults[engine->fault_next++ % ENGINE_FAULTS_MAX] = number;
    }
    LL_PREPEND(engine->lost, lost);
    engine->recover_at = engine_now(engine) + ENGINE_RECOVER_MS;
}

struct recovery {
    struct engine *engine;
    struct lost_run *lost;
};

static void recovery_answered(void *arg, int status,
                              const struct store_result *results,
                              size_t result_count)
{
    struct recovery *recovery = arg;
    struct engine *engine = recovery->engine;
    struct lost_run *lost, *next;

    (void)results;
    engine->recovering = false;
    engine_note(engine, status);
    LL_FOREACH_SAFE(recovery->lost, lost, next)
    {
        if (status) {
            LL_PREPEND(engine->lost, lost);
        } else {
            free(lost);
        }
    }
    if (status)
        engine->recover_at = engine_now(engine) + ENGINE_RECOVER_MS;
    else
        engine_ready(engine, (uint32_t)result_count);
    free(recovery);
    engine_turn(engine);
}

/* A person must see: given back it would come to the same again. */
static void recovery_park(struct store_batch *batch,
                          const struct lost_run *lost)
{
    struct log_about about = {.run = lost->number};
    struct store_run_change change = {
        .run = lost->number, .state = RUN_PARKED, .code = "refused"};

    if (lost->fault == -EBADMSG) {
        change.code = "unreadable";
        change.reason = "what is stored of this run, or of what it would "
                        "deliver, cannot be read";
    } else if (lost->fault == -ESTALE) {
        change.reason = "what is stored of its deliveries is not what its flow "
                        "does: settle what is in doubt, then retry, or discard "
                        "the run";
    } else {
        change.reason = "what this run would do next cannot be stored; its "
                        "flow must be mended";
    }
    log_write(LOG_ERROR, &about,
              "parked (%s): it could not be stored twice how it goes on (%s)",
              change.code, strerror(-lost->fault));
    store_batch_run(batch, &change);
}

void engine_recover(struct engine *engine, int64_t now_ms)
{
    struct recovery *recovery;
    struct store_batch *batch;
    struct lost_run *lost;

    if (!engine->lost || engine->recovering || now_ms < engine->recover_at)
        return;
    batch = store_batch_create();
    LL_FOREACH(engine->lost, lost)
    {
        store_batch_recover(batch, lost->number);
        if (lost->fault)
            recovery_park(batch, lost);
    }
    recovery = memory_zero(1, sizeof(*recovery));
    recovery->engine = engine;
    recovery->lost = engine->lost;
    engine->lost = NULL;
    engine->recovering = true;
    if (store_commit(engine->store, batch, recovery_answered, recovery)) {
        store_batch_destroy(batch);
        recovery_answered(recovery, -EAGAIN, NULL, 0);
    }
}

static void renew_answered(void *arg, int status,
                           const struct store_result *results,
                           size_t result_count)
{
    (void)arg;
    (void)status; /* the next one comes in a minute, a lease lasts ten */
    (void)results;
    (void)result_count;
}

void engine_renew(struct engine *engine, int64_t now_ms)
{
    struct store_batch *batch;

    if (now_ms < engine->renew_at || !engine->run_count)
        return;
    engine->renew_at = now_ms + RENEW_MS;
    batch = store_batch_create();
    store_batch_renew(batch);
    if (store_commit(engine->store, batch, renew_answered, engine))
        store_batch_destroy(batch);
}

/* ---- What is old --------------------------------------------------------- */

void engine_keep(struct engine *engine, const struct engine_options *options)
{
    engine->prune = (struct store_prune){
        .event_age_ms = options->event_keep_ms,
        .run_age_ms = options->run_keep_ms,
        .audit_age_ms = options->audit_keep_ms,
        .quarantine_age_ms = options->quarantine_keep_ms,
        .bytes_max = options->database_bytes_max,
        .count = PRUNE_MAX,
    };
    if (!options->event_keep_ms && !options->run_keep_ms &&
        !options->audit_keep_ms && !options->quarantine_keep_ms &&
        !options->database_bytes_max)
        engine->prune.count = 0;
}

static void prune_answered(void *arg, int status,
                           const struct store_result *results,
                           size_t result_count)
{
    struct engine *engine = arg;

    if (!status && result_count && results[0].pruned >= PRUNE_MAX)
        engine->prune_at = engine_now(engine) + PRUNE_NEXT_MS;
}

void engine_prune(struct engine *engine, int64_t now_ms)
{
    struct store_batch *batch;

    if (!engine->prune.count || now_ms < engine->prune_at)
        return;
    engine->prune_at = now_ms + PRUNE_MS;
    batch = store_batch_create();
    store_batch_prune(batch, &engine->prune);
    if (store_commit(engine->store, batch, prune_answered, engine))
        store_batch_destroy(batch);
}
