/* A whole daemon reads its configuration again: an instance that comes, or
 * comes back, has the values that one of its name has stored. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/daemon.h"

enum { WAIT_MS = 20 * 1000, TICK_MS = 2 };

static struct play {
    uv_loop_t loop;
    uv_timer_t ticker;
    struct daemon *daemon;
    char directory[64], config[96];
    bool ready, stopped, stored;
    unsigned ended;
    cn_status status;
    char answer[256];
} play;

#define WAIT_UNTIL(condition)                                                  \
    do {                                                                       \
        uint64_t began_ns = uv_hrtime();                                       \
        while (!(condition)) {                                                 \
            (void)uv_run(&play.loop, UV_RUN_ONCE);                             \
            if ((uv_hrtime() - began_ns) / 1000000 > WAIT_MS)                  \
                fail_msg("waited too long for " #condition);                   \
        }                                                                      \
    } while (0)

static void ticked(uv_timer_t *timer)
{
    (void)timer;
}

/* With an instance of this name, or with none. */
static void configure(const char *name)
{
    FILE *file = fopen(play.config, "w");

    assert_non_null(file);
    fprintf(file,
            "{\"data\": \"%s/data\", \"plugins\": \"%s\","
            " \"records\": \"%s\", \"flows\": \"%s\","
            " \"admin\": {\"socket\": \"%s/socket\"},"
            " \"listen\": {\"port\": 0}, \"instances\": {",
            play.directory, ROGUE_PLUGINS, ROGUE_RECORDS, play.directory,
            play.directory);
    if (name)
        fprintf(file,
                "\"%s\": {\"plugin\": \"honest.so\", \"config\":"
                " {\"colour\": \"red\"}}",
                name);
    fprintf(file, "}}\n");
    assert_int_equal(fclose(file), 0);
}

static void reload_with(const char *name)
{
    struct error note = {""}, err = {""};
    int status;

    configure(name);
    WAIT_UNTIL((status = daemon_reload(play.daemon, NULL, NULL, &note, &err)) !=
               -EBUSY); /* one of that name says goodbye first */
    if (status < 0)
        fail_msg("%s", err.text);
}

static void ready(void *arg, int status, const struct error *err)
{
    (void)arg;
    if (status)
        fail_msg("%s", err->text);
    play.ready = true;
}

static void stopped(void *arg)
{
    (void)arg;
    play.stopped = true;
}

static int setup(void **state)
{
    struct error err = {""};

    (void)state;
    memset(&play, 0, sizeof(play));
    snprintf(play.directory, sizeof(play.directory), "/tmp/connect-reload-%d",
             (int)getpid());
    assert_int_equal(mkdir(play.directory, 0700), 0);
    snprintf(play.config, sizeof(play.config), "%s/connect.conf",
             play.directory);
    configure(NULL);
    assert_int_equal(uv_loop_init(&play.loop), 0);
    assert_int_equal(uv_timer_init(&play.loop, &play.ticker), 0);
    assert_int_equal(uv_timer_start(&play.ticker, ticked, TICK_MS, TICK_MS), 0);
    if (daemon_create(&play.loop, play.config, &play.daemon, &err))
        fail_msg("%s", err.text);
    daemon_start(play.daemon, ready, NULL);
    WAIT_UNTIL(play.ready);
    return 0;
}

static int remove_one(const char *path, const struct stat *found, int kind,
                      struct FTW *at)
{
    (void)found;
    (void)kind;
    (void)at;
    return remove(path);
}

static int teardown(void **state)
{
    (void)state;
    daemon_stop(play.daemon, stopped, NULL);
    WAIT_UNTIL(play.stopped);
    uv_close((uv_handle_t *)&play.ticker, NULL);
    while (uv_run(&play.loop, UV_RUN_DEFAULT))
        ;
    daemon_destroy(play.daemon);
    assert_int_equal(uv_loop_close(&play.loop), 0);
    return nftw(play.directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void ended(void *arg, uint64_t op, const struct op_outcome *outcome)
{
    (void)arg;
    (void)op;
    play.ended++;
    play.status = outcome->status;
    snprintf(play.answer, sizeof(play.answer), "%.*s", (int)outcome->body.len,
             outcome->body.len ? outcome->body.ptr : "");
}

/* The plugin answers with the value "count" that it began with. */
static void count_is(const char *name, const char *count)
{
    struct op_request ask = {.kind = OP_CALL,
                             .instance = name,
                             .action = "ask",
                             .body = CN_STR("{\"name\": \"x\"}")};
    struct daemon_parts parts;
    struct error err = {""};
    char note[64];
    uint64_t op;

    daemon_parts(play.daemon, &parts);
    WAIT_UNTIL(instances_find(parts.instances, name) &&
               instances_find(parts.instances, name)->state ==
                   INSTANCE_RUNNING);
    play.ended = 0;
    assert_int_equal(
        instances_start(parts.instances, &ask, ended, NULL, &op, &err), 0);
    WAIT_UNTIL(play.ended);
    assert_int_equal(play.status, CN_OK);
    snprintf(note, sizeof(note), "7 %s\"", count);
    if (!strstr(play.answer, note))
        fail_msg("%s", play.answer);
}

static void committed(void *arg, int status, const struct store_result *results,
                      size_t result_count)
{
    (void)arg;
    (void)results;
    (void)result_count;
    assert_int_equal(status, 0);
    play.stored = true;
}

static void store_count(const char *name, const char *count)
{
    struct store_batch *batch = store_batch_create();
    struct daemon_parts parts;

    daemon_parts(play.daemon, &parts);
    store_batch_state(batch, name, "count",
                      (struct store_bytes){count, strlen(count)});
    play.stored = false;
    assert_int_equal(store_commit(parts.store, batch, committed, NULL), 0);
    WAIT_UNTIL(play.stored);
}

static void gone(const char *name)
{
    struct daemon_parts parts;

    daemon_parts(play.daemon, &parts);
    assert_null(instances_find(parts.instances, name));
}

static void values_of_an_earlier_one(void **state)
{
    (void)state;
    store_count("old", "41");
    reload_with("old");
    count_is("old", "41");
    store_count("old", "42");
    reload_with(NULL);
    gone("old");
    reload_with("old");
    count_is("old", "42");
    reload_with("new"); /* values are those of a name */
    count_is("new", "none");
    reload_with("new");
    count_is("new", "1");
}

/* Once more before its values were read, and removed before: nothing is lost
 * and nothing is made twice. */
static void asked_and_asked_again(void **state)
{
    struct daemon_parts parts;

    (void)state;
    store_count("old", "41");
    reload_with("old");
    reload_with("old");
    count_is("old", "41");
    reload_with("new");
    reload_with(NULL);
    daemon_parts(play.daemon, &parts);
    assert_null(instances_find(parts.instances, "new"));
    for (int turn = 0; turn < 50; turn++)
        (void)uv_run(&play.loop, UV_RUN_ONCE);
    assert_null(instances_find(parts.instances, "new"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_of_an_earlier_one, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(asked_and_asked_again, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
