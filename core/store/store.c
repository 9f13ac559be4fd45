/* store.c - the interface, its queues and its two threads.
 *
 *   loop --- batches ---> writer thread --- answered batches ---+
 *     |                                                         v
 *     +----- queries ---> reader thread --- answers ----> store_drain
 *
 * One idea: while one commit syncs, the next batches gather, and the writer
 * then takes them all; so the load decides the size of a commit and nobody
 * waits for a timer.  A batch is stamped with the time on the loop, so that no
 * other thread asks the clock but to save it in a quiet hour.
 *
 * Answers come in the order of the batches.  In inline mode there are no
 * threads and store_drain does one round of the work itself.  SQLite stays
 * behind this file; no libuv here. */
#include "store/store.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"
#include "store/audit.h"
#include "store/backup.h"
#include "store/batch.h"
#include "store/opening.h"
#include "store/read.h"
#include "store/writer.h"

enum {
    COMMIT_BATCH_MAX = 512,   /* some ten ms of work before the sync */
    QUERY_QUEUE_MAX = 256,    /* people who wait; more is -EAGAIN */
    CLOCK_SAVE_SECONDS = 3600 /* far less than the gap that is believed */
};

struct query {
    struct store_query what; /* texts in the arena */
    int64_t steady_ms;
    struct arena arena;
    struct store_rows rows;
    int status;
    store_read_fn *fn;
    void *arg;
    struct query *next;
};

struct batch_queue {
    struct store_batch *first, *last;
};

struct query_queue {
    struct query *first, *last;
};

struct store {
    /* The loop's. */
    const struct clock *clock;
    int64_t steady_base_ms, monotonic_base_ms;
    size_t backlog, backlog_bytes, query_backlog;
    uint64_t commit_count;
    bool closing, inline_mode;
    uint32_t commit_batch_max;
    void (*notify)(void *arg);
    void *notify_arg;
    pthread_t writer_thread, reader_thread;
    bool writer_runs, reader_runs;
    struct backup *backup; /* owned; under way; set under the lock */
    store_backup_fn *backup_fn;
    void *backup_arg;
    pthread_t backup_thread;
    bool backup_runs;
    /* The writer's thread, and the reader's. */
    struct writer writer;
    struct database reader;
    /* Under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t writer_wake, reader_wake;
    struct batch_queue waiting, committed;
    struct query_queue asked, answered;
    bool stopping, backup_ended;
};

static void batch_push(struct batch_queue *queue, struct store_batch *batch)
{
    batch->next = NULL;
    if (queue->last)
        queue->last->next = batch;
    else
        queue->first = batch;
    queue->last = batch;
}

/* Up to count batches from the front, as a list. */
static struct store_batch *batch_take(struct batch_queue *queue, size_t count)
{
    struct store_batch *first = queue->first, *last = first;

    if (!first)
        return NULL;
    while (--count && last->next)
        last = last->next;
    queue->first = last->next;
    if (!queue->first)
        queue->last = NULL;
    last->next = NULL;
    return first;
}

static void query_push(struct query_queue *queue, struct query *query)
{
    query->next = NULL;
    if (queue->last)
        queue->last->next = query;
    else
        queue->first = query;
    queue->last = query;
}

static struct query *query_take(struct query_queue *queue)
{
    struct query *query = queue->first;

    if (query) {
        queue->first = query->next;
        if (!queue->first)
            queue->last = NULL;
    }
    return query;
}

int64_t store_steady_ms(const struct store *store)
{
    return store->steady_base_ms + clock_monotonic_ms(store->clock) -
           store->monotonic_base_ms;
}

uint64_t store_commit_count(const struct store *store)
{
    return store->commit_count;
}

size_t store_backlog(const struct store *store)
{
    return store->backlog;
}

/* ---- The writer's thread ------------------------------------------------ */

/* Wait for batches; with none for an hour, an empty list saves the clocks. */
static struct store_batch *writer_wait(struct store *store)
{
    struct timespec until;
    int code = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += CLOCK_SAVE_SECONDS;
    while (!store->waiting.first && !store->stopping && code != ETIMEDOUT)
        code =
            pthread_cond_timedwait(&store->writer_wake, &store->lock, &until);
    return batch_take(&store->waiting, store->commit_batch_max);
}

static void writer_answer(struct store *store, struct store_batch *batches)
{
    bool idle;

    pthread_mutex_lock(&store->lock);
    idle = !store->committed.first && !store->answered.first;
    while (batches) {
        struct store_batch *batch = batches;
        batches = batch->next;
        batch_push(&store->committed, batch);
    }
    pthread_mutex_unlock(&store->lock);
    if (idle && store->notify)
        store->notify(store->notify_arg);
}

static void *writer_run(void *arg)
{
    struct store *store = arg;

    for (;;) {
        struct store_batch *batches;
        bool stop;

        pthread_mutex_lock(&store->lock);
        batches = writer_wait(store);
        stop = store->stopping;
        pthread_mutex_unlock(&store->lock);
        if (!batches && stop)
            return NULL;
        if (batches) {
            writer_commit(&store->writer, batches);
            writer_answer(store, batches);
        } else {
            writer_commit_time(&store->writer, store_steady_ms(store),
                               clock_wall_ms(store->clock));
        }
        writer_checkpoint(&store->writer);
    }
}

/* ---- The reader's thread ------------------------------------------------ */

static void *reader_run(void *arg)
{
    struct store *store = arg;

    for (;;) {
        struct query *query;
        bool idle;

        pthread_mutex_lock(&store->lock);
        while (!store->asked.first && !store->stopping)
            pthread_cond_wait(&store->reader_wake, &store->lock);
        query = query_take(&store->asked);
        pthread_mutex_unlock(&store->lock);
        if (!query)
            return NULL;
        query->status = read_answer(&store->reader, &query->arena, &query->what,
                                    query->steady_ms, &query->rows);
        pthread_mutex_lock(&store->lock);
        idle = !store->committed.first && !store->answered.first;
        query_push(&store->answered, query);
        pthread_mutex_unlock(&store->lock);
        if (idle && store->notify)
            store->notify(store->notify_arg);
    }
}

/* The writer must have the log for itself: a query under way fails, a backup is
 * given up.  On the writer's thread. */
static void readers_stop(void *arg)
{
    struct store *store = arg;

    if (store->reader.handle)
        sqlite3_interrupt(store->reader.handle);
    pthread_mutex_lock(&store->lock);
    if (store->backup) {
        atomic_store(&store->backup->disk_failed, true);
        atomic_store(&store->backup->stop, true);
    }
    pthread_mutex_unlock(&store->lock);
}

/* ---- The thread of a backup --------------------------------------------- */

static void *backup_thread_run(void *arg)
{
    struct store *store = arg;

    backup_run(store->backup);
    pthread_mutex_lock(&store->lock);
    store->backup_ended = true;
    pthread_mutex_unlock(&store->lock);
    if (store->notify)
        store->notify(store->notify_arg);
    return NULL;
}

/* ---- The loop ----------------------------------------------------------- */

static int store_start(struct store *store)
{
    pthread_condattr_t attributes;
    int code;

    pthread_mutex_init(&store->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&store->writer_wake, &attributes);
    pthread_cond_init(&store->reader_wake, &attributes);
    pthread_condattr_destroy(&attributes);
    if (store->inline_mode)
        return 0;
    code = pthread_create(&store->writer_thread, NULL, writer_run, store);
    store->writer_runs = code == 0;
    if (!code) {
        code = pthread_create(&store->reader_thread, NULL, reader_run, store);
        store->reader_runs = code == 0;
    }
    return -code;
}

int store_open(const struct store_options *options, struct store **ret_store,
               struct error *err)
{
    struct store *store = memory_zero(1, sizeof(*store));
    int status;

    store->clock = options->clock;
    store->inline_mode = options->inline_mode;
    store->notify = options->notify;
    store->notify_arg = options->notify_arg;
    store->commit_batch_max = options->commit_batch_max
                                  ? options->commit_batch_max
                                  : COMMIT_BATCH_MAX;
    status = opening_open(&store->writer, options->directory, options->owner,
                          clock_wall_ms(store->clock), err);
    if (status) {
        free(store);
        return status;
    }
    store->writer.quiet = readers_stop;
    store->writer.quiet_arg = store;
    store->steady_base_ms = store->writer.steady_ms;
    store->monotonic_base_ms = clock_monotonic_ms(store->clock);
    status = database_open(&store->reader, store->writer.path, false, err);
    if (!status) {
        status = store_start(store);
        if (status)
            error_set(err, "the store's threads cannot be started: %s",
                      strerror(-status));
    } else {
        store->inline_mode = true; /* nothing was started */
        (void)store_start(store);
    }
    if (status) {
        store_close(store);
        return status;
    }
    *ret_store = store;
    return 0;
}

static void store_stop(struct store *store)
{
    pthread_mutex_lock(&store->lock);
    store->stopping = true;
    pthread_cond_signal(&store->writer_wake);
    pthread_cond_signal(&store->reader_wake);
    pthread_mutex_unlock(&store->lock);
    if (store->backup)
        atomic_store(&store->backup->stop, true);
    if (store->backup_runs)
        pthread_join(store->backup_thread, NULL);
    store->backup_runs = false;
    if (store->writer_runs)
        pthread_join(store->writer_thread, NULL);
    if (store->reader_runs)
        pthread_join(store->reader_thread, NULL);
}

void store_close(struct store *store)
{
    if (!store)
        return;
    store->closing = true;
    store_stop(store);
    store_drain(store);
    if (!store->writer.broken) {
        /* The last word about time; threads are gone. */
        writer_commit_time(&store->writer, store_steady_ms(store),
                           clock_wall_ms(store->clock));
    }
    database_close(&store->reader);
    opening_close(&store->writer);
    pthread_cond_destroy(&store->writer_wake);
    pthread_cond_destroy(&store->reader_wake);
    pthread_mutex_destroy(&store->lock);
    free(store);
}

int store_commit(struct store *store, struct store_batch *batch,
                 store_committed_fn *fn, void *arg)
{
    if (store->closing)
        return -ESHUTDOWN;
    if (store->backlog >= STORE_QUEUE_MAX ||
        store->backlog_bytes >= STORE_QUEUE_BYTES_MAX)
        return -EAGAIN;
    batch->fn = fn;
    batch->arg = arg;
    batch->steady_ms = store_steady_ms(store);
    batch->wall_ms = clock_wall_ms(store->clock);
    batch->bytes = batch->arena.bytes;
    store->backlog++;
    store->backlog_bytes += batch->bytes;
    pthread_mutex_lock(&store->lock);
    batch_push(&store->waiting, batch);
    pthread_cond_signal(&store->writer_wake);
    pthread_mutex_unlock(&store->lock);
    return 0;
}

int store_query(struct store *store, const struct store_query *what,
                store_read_fn *fn, void *arg)
{
    struct query *query;

    if (store->closing)
        return -ESHUTDOWN;
    if (store->query_backlog >= QUERY_QUEUE_MAX)
        return -EAGAIN;
    query = memory_zero(1, sizeof(*query));
    query->what = *what;
    query->what.flow = arena_text(&query->arena, what->flow);
    query->what.version = arena_text(&query->arena, what->version);
    query->what.instance = arena_text(&query->arena, what->instance);
    query->what.code = arena_text(&query->arena, what->code);
    query->what.type = arena_text(&query->arena, what->type);
    query->what.contains = arena_text(&query->arena, what->contains);
    query->what.key = arena_bytes(&query->arena, what->key);
    query->steady_ms = store_steady_ms(store);
    query->fn = fn;
    query->arg = arg;
    store->query_backlog++;
    pthread_mutex_lock(&store->lock);
    query_push(&store->asked, query);
    pthread_cond_signal(&store->reader_wake);
    pthread_mutex_unlock(&store->lock);
    return 0;
}

/* Inline mode: commit and read what was handed over so far. */
static void store_work_inline(struct store *store)
{
    struct batch_queue waiting = store->waiting;
    struct query_queue asked = store->asked;
    struct store_batch *batches;
    struct query *query;

    if (store->backup && !store->backup_runs) {
        backup_run(store->backup);
        store->backup_ended = true;
    }

    memset(&store->waiting, 0, sizeof(store->waiting));
    memset(&store->asked, 0, sizeof(store->asked));
    while ((batches = batch_take(&waiting, store->commit_batch_max))) {
        writer_commit(&store->writer, batches);
        while (batches) {
            struct store_batch *batch = batches;
            batches = batch->next;
            batch_push(&store->committed, batch);
        }
        writer_checkpoint(&store->writer);
    }
    while ((query = query_take(&asked))) {
        query->status = read_answer(&store->reader, &query->arena, &query->what,
                                    query->steady_ms, &query->rows);
        query_push(&store->answered, query);
    }
}

/* The writer may look at it. */
static void backup_set(struct store *store, struct backup *backup)
{
    pthread_mutex_lock(&store->lock);
    store->backup = backup;
    pthread_mutex_unlock(&store->lock);
}

/* A backup that has ended is told; ended is what the lock guards. */
static void store_drain_backup(struct store *store, bool ended)
{
    struct backup *backup = store->backup;

    if (!backup || !ended)
        return;
    if (store->backup_runs)
        pthread_join(store->backup_thread, NULL);
    store->backup_runs = store->backup_ended = false;
    backup_set(store, NULL); /* the callback may ask for the next one */
    store->backup_fn(store->backup_arg, backup->status, backup->bytes,
                     &backup->err);
    backup_destroy(backup);
}

void store_drain(struct store *store)
{
    bool backup_ended;
    struct batch_queue committed;
    struct query_queue answered;
    struct store_batch *batch;
    struct query *query;

    if (store->inline_mode)
        store_work_inline(store);
    pthread_mutex_lock(&store->lock);
    committed = store->committed;
    answered = store->answered;
    backup_ended = store->backup_ended;
    memset(&store->committed, 0, sizeof(store->committed));
    memset(&store->answered, 0, sizeof(store->answered));
    pthread_mutex_unlock(&store->lock);
    while ((batch = batch_take(&committed, 1))) {
        store->backlog--;
        store->backlog_bytes -= batch->bytes;
        store->commit_count++;
        batch->fn(batch->arg, batch->status,
                  batch->status ? NULL : batch->results,
                  batch->status ? 0 : batch->count);
        store_batch_destroy(batch);
    }
    while ((query = query_take(&answered))) {
        store->query_backlog--;
        query->fn(query->arg, query->status, &query->rows);
        arena_done(&query->arena);
        free(query);
    }
    store_drain_backup(store, backup_ended);
}

int store_verify(struct store *store, struct error *err)
{
    struct database database;
    int status = database_open(&database, store->writer.path, false, err);

    if (status)
        return status;
    status = audit_verify(&database, err);
    if (status && err && !err->text[0])
        error_set(err, "the audit cannot be read: %s",
                  sqlite3_errmsg(database.handle));
    database_close(&database);
    return status;
}

int store_backup(struct store *store, const char *directory,
                 store_backup_fn *fn, void *arg)
{
    struct backup *backup;
    int code;

    if (store->closing)
        return -ESHUTDOWN;
    if (store->backup)
        return -EALREADY;
    backup =
        backup_create(store->writer.path, &store->writer.lookup, directory);
    if (!backup)
        return -EINVAL;
    backup_set(store, backup);
    store->backup_fn = fn;
    store->backup_arg = arg;
    if (store->inline_mode)
        return 0;
    code =
        pthread_create(&store->backup_thread, NULL, backup_thread_run, store);
    store->backup_runs = code == 0;
    if (code) {
        backup_set(store, NULL);
        backup_destroy(backup);
    }
    return -code;
}
