/* bare.c - what the parts cost alone.
 *
 * One idea: a figure of the daemon means something only beside what the disk
 * and the sockets of the same machine give in the same minute.  Called on one
 * thread; the server runs in a child process. */
#include "bare.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>
#include <uv.h>

#include "base/memory.h"
#include "measure.h"
#include "net/http_server.h"

/* ---- Commits ------------------------------------------------------------- */

static void sql(sqlite3 *handle, const char *text)
{
    if (sqlite3_exec(handle, text, NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "bench: %s: %s\n", text, sqlite3_errmsg(handle));
        exit(1);
    }
}

static unsigned long long commit_rows(sqlite3 *handle, unsigned width,
                                      unsigned bytes, double seconds)
{
    uint64_t end_ns = measure_now_ns() + (uint64_t)(seconds * 1e9);
    char *body = memory_zero(bytes, 1);
    unsigned long long count = 0;
    sqlite3_stmt *insert = NULL;

    memset(body, 'x', bytes);
    sqlite3_prepare_v2(handle, "INSERT INTO t (body) VALUES (?1)", -1, &insert,
                       NULL);
    while (measure_now_ns() < end_ns) {
        sql(handle, "BEGIN IMMEDIATE");
        for (unsigned index = 0; index < width; index++, count++) {
            sqlite3_bind_blob(insert, 1, body, (int)bytes, SQLITE_STATIC);
            sqlite3_step(insert);
            sqlite3_reset(insert);
        }
        sql(handle, "COMMIT");
    }
    sqlite3_finalize(insert);
    free(body);
    return count;
}

double bare_commits(const char *directory, unsigned width, unsigned bytes,
                    double seconds)
{
    uint64_t begin_ns;
    unsigned long long count;
    sqlite3 *handle;
    char path[256];

    snprintf(path, sizeof(path), "%s/bare.db", directory);
    if (sqlite3_open(path, &handle) != SQLITE_OK)
        return 0;
    sql(handle, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                "CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY,"
                " body BLOB)");
    begin_ns = measure_now_ns();
    count = commit_rows(handle, width, bytes, seconds);
    seconds = (double)(measure_now_ns() - begin_ns) / 1e9;
    sqlite3_close(handle);
    unlink(path);
    return (double)count / seconds;
}

/* ---- Answers ------------------------------------------------------------- */

static void answer_at_once(void *arg, struct http_server_exchange *exchange,
                           const struct http_server_request *request)
{
    static const struct http_server_answer answer = {
        .status = 200, .body = "{}\n", .body_len = 3};

    (void)arg;
    (void)request;
    http_server_answer(exchange, &answer);
}

static void serve(int report)
{
    struct http_server_listener listener = {.address = "127.0.0.1"};
    struct http_server_options options;
    struct http_server *server;
    struct error err = {""};
    uv_loop_t loop;
    int port = 0;

    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    uv_loop_init(&loop);
    http_server_options_default(&options);
    options.clock = clock_system();
    options.on_request = answer_at_once;
    if (http_server_create(&loop, &options, &server) ||
        http_server_listen(server, &listener, &port, &err)) {
        fprintf(stderr, "bench: %s\n", err.text);
        _exit(1);
    }
    (void)!write(report, &port, sizeof(port));
    uv_run(&loop, UV_RUN_DEFAULT);
}

int bare_http_start(int *ret_port, pid_t *ret_process)
{
    int ends[2];
    ssize_t got;

    if (pipe(ends))
        return -errno;
    *ret_process = fork();
    if (!*ret_process) {
        close(ends[0]);
        serve(ends[1]);
        _exit(1);
    }
    close(ends[1]);
    got = read(ends[0], ret_port, sizeof(*ret_port));
    close(ends[0]);
    return got == (ssize_t)sizeof(*ret_port) ? 0 : -EIO;
}

void bare_http_stop(pid_t process)
{
    kill(process, SIGKILL);
    waitpid(process, NULL, 0);
}
