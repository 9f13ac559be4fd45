/* links: connect_store connect_base */
/* test_store_threads.c - the writer's and the reader's thread: many batches in
 * flight, answers in order, closing with work queued, and a kill at any moment.
 */
#include "store_kit.h"

#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

enum { BATCH_COUNT = 3000, KILL_COUNT = 25 };

struct many {
    struct kit *kit;
    int wake;
    uint64_t sent, answered, reads;
    uint64_t last_run;
};

static void many_notify(void *arg)
{
    struct many *many = arg;
    uint64_t one = 1;

    assert_int_equal(write(many->wake, &one, sizeof(one)), sizeof(one));
}

static void many_wait(struct many *many)
{
    struct pollfd poll_for = {.fd = many->wake, .events = POLLIN};
    uint64_t seen;
    ssize_t len;

    poll(&poll_for, 1, 10000);
    len = read(many->wake, &seen, sizeof(seen));
    (void)len;
    store_drain(many->kit->store);
}

static void many_open(struct many *many)
{
    struct store_options options = {.directory = many->kit->directory,
                                    .owner = "test",
                                    .clock = clock_system(),
                                    .notify = many_notify,
                                    .notify_arg = many,
                                    .commit_batch_max = 64};
    struct error err = {""};

    if (store_open(&options, &many->kit->store, &err))
        fail_msg("%s", err.text);
}

static void many_answered(void *arg, int status,
                          const struct store_result *results, size_t count)
{
    struct many *many = arg;

    assert_int_equal(status, 0);
    assert_int_equal(count, 1);
    /* In the order of sending, whatever the commits were. */
    assert_int_equal(results[0].run, many->last_run + 1);
    many->last_run = results[0].run;
    many->answered++;
}

static void many_read(void *arg, int status, const struct store_rows *rows)
{
    struct many *many = arg;

    assert_int_equal(status, 0);
    assert_int_equal(rows->count_count, 8);
    many->reads++;
}

static int many_send(struct many *many, store_committed_fn *fn, void *arg)
{
    struct store_batch *batch = store_batch_create();
    char id[32];
    int status;

    snprintf(id, sizeof(id), "event-%llu", (unsigned long long)many->sent);
    kit_append_accept(many->kit, batch, id, id, false);
    status = store_commit(many->kit->store, batch, fn, arg);
    if (status)
        store_batch_destroy(batch);
    else
        many->sent++;
    return status;
}

static int threads_setup(void **state)
{
    struct many *many = calloc(1, sizeof(*many));

    many->kit = calloc(1, sizeof(*many->kit));
    kit_start(many->kit);
    many->wake = eventfd(0, EFD_NONBLOCK);
    *state = many;
    return 0;
}

static int threads_teardown(void **state)
{
    struct many *many = *state;

    kit_remove(many->kit);
    close(many->wake);
    free(many->kit);
    free(many);
    return 0;
}

static void answers_come_in_order(void **state)
{
    struct many *many = *state;
    struct store_query counts = {.kind = STORE_QUERY_COUNTS};
    uint64_t asked = 0;

    many_open(many);
    while (many->answered < BATCH_COUNT) {
        while (many->sent < BATCH_COUNT && many->sent - many->answered < 256)
            assert_int_equal(many_send(many, many_answered, many), 0);
        if (!store_query(many->kit->store, &counts, many_read, many))
            asked++;
        many_wait(many);
    }
    while (many->reads < asked)
        many_wait(many);
    assert_int_equal(store_backlog(many->kit->store), 0);
    kit_verify(many->kit);
    store_close(many->kit->store);
}

static void closing_commits_what_is_queued(void **state)
{
    struct many *many = *state;

    many_open(many);
    while (many->sent < 500)
        assert_int_equal(many_send(many, many_answered, many), 0);
    store_close(many->kit->store);
    assert_int_equal(many->answered, 500);
    assert_int_equal(kit_count(many->kit, "SELECT count(*) FROM run"), 500);
}

/* ---- Killed ------------------------------------------------------------- */

struct child {
    struct many many;
    int report; /* each answered run number is written here */
};

static void child_answered(void *arg, int status,
                           const struct store_result *results, size_t count)
{
    struct child *child = arg;

    (void)count;
    if (!status) {
        uint64_t line[2] = {results[0].run, results[0].decision};
        if (write(child->report, line, sizeof(line)) != sizeof(line))
            _exit(3);
    }
    child->many.answered++;
}

static void child_run(struct kit *kit, int report, uint64_t first)
{
    struct child child = {
        .many = {.kit = kit, .sent = first, .answered = first},
        .report = report};

    child.many.wake = eventfd(0, EFD_NONBLOCK);
    many_open(&child.many);
    for (;;) {
        while (child.many.sent - child.many.answered < 100)
            (void)!many_send(&child.many, child_answered, &child);
        many_wait(&child.many);
    }
}

/* Numbers of runs that the child was told are kept; how many it said. */
static uint64_t child_kill(struct kit *kit, int moment, uint64_t first,
                           uint64_t *ret_last)
{
    int ends[2];
    /* The last ones come late, when the log is being moved. */
    uint64_t line[2],
        count = 0,
        wanted = moment < KILL_COUNT - 4 ? 1 + (uint64_t)(moment * 37 % 400)
                                         : 6000 + (uint64_t)moment * 97;
    pid_t child;

    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (!child) {
        close(ends[0]);
        child_run(kit, ends[1], first);
    }
    close(ends[1]);
    while (read(ends[0], line, sizeof(line)) == sizeof(line)) {
        *ret_last = line[0];
        if (++count == wanted)
            kill(child, SIGKILL);
    }
    waitpid(child, NULL, 0);
    close(ends[0]);
    assert_true(count >= wanted);
    return count;
}

static void killed_store_keeps_what_it_answered(void **state)
{
    struct many *many = *state;
    struct kit *kit = many->kit;
    uint64_t first = 0, last = 0, said = 0;

    for (int moment = 0; moment < KILL_COUNT; moment++) {
        char sql[160];

        said += child_kill(kit, moment, first, &last);
        many_open(many);
        /* Answers come in order, so all up to the last one must be there,
         * each event once. */
        snprintf(sql, sizeof(sql),
                 "SELECT count(*) FROM run WHERE number <= %llu",
                 (unsigned long long)last);
        assert_int_equal(kit_count(kit, sql), last);
        assert_int_equal(kit_count(kit, "SELECT count(*) FROM event"),
                         kit_count(kit, "SELECT count(*) FROM run"));
        first = (uint64_t)kit_count(kit, "SELECT max(number) FROM run");
        kit_verify(kit);
        kit_close(kit);
    }
    print_message("%d kills, %llu answered, %llu kept\n", KILL_COUNT,
                  (unsigned long long)said, (unsigned long long)first);
    assert_true(first >= said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_come_in_order, threads_setup,
                                        threads_teardown),
        cmocka_unit_test_setup_teardown(closing_commits_what_is_queued,
                                        threads_setup, threads_teardown),
        cmocka_unit_test_setup_teardown(killed_store_keeps_what_it_answered,
                                        threads_setup, threads_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
