/* store_bench.c - what the store costs beside bare SQLite.
 *
 * For 1, 64 and 256 batches in flight: accepted events a second, and beside it
 * commits of one row of the same size, as many in a transaction as were in
 * flight, with the same journal and sync.  Usage: store_bench [seconds] */
#include <errno.h>
#include <poll.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include "store/store.h"

enum { BODY_BYTES = 1200 };

struct bench {
    struct store *store;
    int wake; /* eventfd */
    size_t in_flight;
    uint64_t number, answered, failed;
    char body[BODY_BYTES + 1];
};

static void bench_notify(void *arg)
{
    struct bench *bench = arg;
    uint64_t one = 1;
    ssize_t len = write(bench->wake, &one, sizeof(one));

    (void)len;
}

static void bench_answered(void *arg, int status,
                           const struct store_result *results, size_t count)
{
    struct bench *bench = arg;

    (void)results;
    (void)count;
    bench->answered++;
    bench->failed += status != 0;
    bench->in_flight--;
}

static void bench_send(struct bench *bench)
{
    struct store_batch *batch = store_batch_create();
    char id[32], key[32];
    struct store_accept_run run = {.flow = "won-deal", .flow_version = "v1"};
    struct store_accept accept = {.origin = "streak",
                                  .type = "box_event/1",
                                  .body = {bench->body, BODY_BYTES},
                                  .run_count = 1,
                                  .runs = &run};

    snprintf(id, sizeof(id), "event-%llu", (unsigned long long)bench->number);
    snprintf(key, sizeof(key), "box-%llu", (unsigned long long)bench->number++);
    accept.id = (struct store_bytes){id, strlen(id)};
    accept.key = (struct store_bytes){key, strlen(key)};
    run.key = accept.key;
    store_batch_accept(batch, &accept);
    if (store_commit(bench->store, batch, bench_answered, bench)) {
        store_batch_destroy(batch);
        bench->failed++;
        return;
    }
    bench->in_flight++;
}

static double bench_now(void)
{
    return (double)clock_monotonic_ms(clock_system()) / 1000.0;
}

static double bench_store(const char *directory, size_t width, double seconds)
{
    struct bench bench = {.wake = eventfd(0, EFD_NONBLOCK)};
    struct store_options options = {.directory = directory,
                                    .owner = "bench",
                                    .clock = clock_system(),
                                    .notify = bench_notify,
                                    .notify_arg = &bench};
    struct pollfd poll_for = {.fd = bench.wake, .events = POLLIN};
    struct error err = {""};
    double begin, end;

    memset(bench.body, 'x', BODY_BYTES);
    if (store_open(&options, &bench.store, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    begin = bench_now();
    while (bench_now() - begin < seconds) {
        uint64_t seen;
        ssize_t len;

        while (bench.in_flight < width)
            bench_send(&bench);
        poll(&poll_for, 1, 1000);
        len = read(bench.wake, &seen, sizeof(seen));
        (void)len;
        store_drain(bench.store);
    }
    end = bench_now();
    seconds = end - begin;
    begin = (double)bench.answered;
    store_close(bench.store);
    close(bench.wake);
    if (bench.failed)
        fprintf(stderr, "%llu failed\n", (unsigned long long)bench.failed);
    return begin / seconds;
}

static void bench_sql(sqlite3 *handle, const char *sql)
{
    if (sqlite3_exec(handle, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(handle));
        exit(1);
    }
}

static double bench_bare(const char *directory, size_t width, double seconds)
{
    char path[256], body[BODY_BYTES];
    uint64_t count = 0;
    sqlite3 *handle;
    sqlite3_stmt *insert;
    double begin = bench_now();

    memset(body, 'x', sizeof(body));
    snprintf(path, sizeof(path), "%s/bare.db", directory);
    if (sqlite3_open(path, &handle) != SQLITE_OK)
        exit(1);
    bench_sql(handle, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                      "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY,"
                      " body BLOB)");
    sqlite3_prepare_v2(handle, "INSERT INTO t (body) VALUES (?1)", -1, &insert,
                       NULL);
    while (bench_now() - begin < seconds) {
        bench_sql(handle, "BEGIN IMMEDIATE");
        for (size_t index = 0; index < width; index++, count++) {
            sqlite3_bind_blob(insert, 1, body, sizeof(body), SQLITE_STATIC);
            sqlite3_step(insert);
            sqlite3_reset(insert);
        }
        bench_sql(handle, "COMMIT");
    }
    seconds = bench_now() - begin;
    sqlite3_finalize(insert);
    sqlite3_close(handle);
    unlink(path);
    return (double)count / seconds;
}

static void bench_clean(const char *directory)
{
    static const char *const names[] = {"connect.db",     "connect.db-wal",
                                        "connect.db-shm", "lookup.key",
                                        "connect.lock",   "connect.reserve"};
    char path[256];

    for (size_t index = 0; index < sizeof(names) / sizeof(*names); index++) {
        snprintf(path, sizeof(path), "%s/%s", directory, names[index]);
        unlink(path);
    }
}

/* Finished rows of years, and many that are ready, straight into the file. */
static void bench_fill(const char *directory, unsigned finished, unsigned ready)
{
    char path[256], sql[1024];
    sqlite3 *handle;

    snprintf(path, sizeof(path), "%s/connect.db", directory);
    if (sqlite3_open(path, &handle) != SQLITE_OK)
        exit(1);
    bench_sql(handle, "PRAGMA synchronous=OFF; BEGIN");
    snprintf(sql, sizeof(sql),
             "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
             " WHERE i < %u) INSERT INTO record SELECT 1000000000 + i, 'o',"
             " 't/1', 0, 0, 0, NULL, NULL, NULL, x'01' || zeroblob(200) FROM n",
             finished + ready);
    bench_sql(handle, sql);
    snprintf(sql, sizeof(sql),
             "INSERT INTO run SELECT id, id, 'flow', 'v1', randomblob(16),"
             " CASE WHEN id <= 1000000000 + %u THEN 6 ELSE 1 END, '', 0, 0,"
             " NULL, 0, 0, NULL, NULL, 1, 0, CASE WHEN id <= 1000000000 + %u"
             " THEN 1 ELSE 0 END FROM record WHERE id >= 1000000000",
             finished, finished);
    bench_sql(handle, sql);
    snprintf(sql, sizeof(sql),
             "INSERT INTO delivery (id, run, path, instance, type, change,"
             " adopt, skip_on_park, lane, version, state, hold, waiting, doubt,"
             " person_key) SELECT number, number, 'post', 's', 't/1', 0, 1, 0,"
             " randomblob(16), 1, 3, 0, 0, 0, 0 FROM run WHERE state = 6");
    bench_sql(handle, sql);
    snprintf(sql, sizeof(sql),
             "UPDATE meta SET done = %u, ready = ready + %u, run_next ="
             " 2000000000, row_next = 2000000000; COMMIT; PRAGMA"
             " wal_checkpoint(TRUNCATE)",
             finished, ready);
    bench_sql(handle, sql);
    sqlite3_close(handle);
}

static void bench_claimed(void *arg, int status,
                          const struct store_result *results, size_t count)
{
    (void)count;
    *(size_t *)arg = status ? 0 : results[0].work_count;
}

static void bench_page(void *arg, int status, const struct store_rows *rows)
{
    (void)rows;
    *(int *)arg = status;
}

static double bench_query(struct store *store, enum store_query_kind kind,
                          uint32_t states)
{
    struct store_query query = {.kind = kind, .states = states};
    double begin = bench_now();
    int status = 1;

    if (store_query(store, &query, bench_page, &status))
        exit(1);
    store_drain(store);
    return status ? -1 : (bench_now() - begin) * 1000;
}

/* Claims and queries beside many rows. */
static void bench_scale(const char *directory, unsigned finished,
                        unsigned ready)
{
    struct store_options options = {.directory = directory,
                                    .owner = "bench",
                                    .clock = clock_system(),
                                    .inline_mode = true};
    struct store *store;
    struct error err = {""};
    double begin;
    size_t claimed = 0, all = 0;

    if (store_open(&options, &store, &err))
        exit(1);
    store_close(store);
    bench_fill(directory, finished, ready);
    begin = bench_now();
    if (store_open(&options, &store, &err))
        exit(1);
    printf("%u finished, %u ready: opened in %.0f ms", finished, ready,
           (bench_now() - begin) * 1000);
    begin = bench_now();
    for (int index = 0; index < 100; index++) {
        struct store_batch *batch = store_batch_create();
        store_batch_claim(batch, "", 16);
        if (store_commit(store, batch, bench_claimed, &claimed))
            exit(1);
        store_drain(store);
        all += claimed;
    }
    printf(", claim of 16 %.2f ms (%zu)", (bench_now() - begin) * 10, all);
    printf(", queries ms: runs %.1f", bench_query(store, STORE_QUERY_RUNS, 0));
    printf(" parked %.1f",
           bench_query(store, STORE_QUERY_RUNS, 1u << RUN_PARKED));
    printf(" counts %.1f ready %.1f\n",
           bench_query(store, STORE_QUERY_COUNTS, 0),
           bench_query(store, STORE_QUERY_READY, 0));
    store_close(store);
    bench_clean(directory);
}

int main(int argument_count, char **arguments)
{
    static const size_t widths[] = {1, 64, 256};
    double seconds = argument_count > 1 ? strtod(arguments[1], NULL) : 3;
    char directory[] = "/tmp/store-bench-XXXXXX";

    if (!mkdtemp(directory))
        return 1;
    printf("in flight  accepts/s  bare rows/s  ratio  cpu us/accept\n");
    for (size_t index = 0; index < sizeof(widths) / sizeof(*widths); index++) {
        struct rusage before, after;
        double store, bare, cpu;

        getrusage(RUSAGE_SELF, &before);
        store = bench_store(directory, widths[index], seconds);
        getrusage(RUSAGE_SELF, &after);
        cpu = (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec) * 1e6 +
              (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec) +
              (double)(after.ru_stime.tv_sec - before.ru_stime.tv_sec) * 1e6 +
              (double)(after.ru_stime.tv_usec - before.ru_stime.tv_usec);
        bench_clean(directory);
        bare = bench_bare(directory, widths[index], seconds);
        printf("%9zu  %9.0f  %11.0f  %5.2f  %13.1f\n", widths[index], store,
               bare, store / bare, cpu / (store * seconds));
    }
    bench_scale(directory, 1000, 1000);
    bench_scale(directory, 1000, 100000);
    bench_scale(directory, 1000000, 100000);
    rmdir(directory);
    return 0;
}
