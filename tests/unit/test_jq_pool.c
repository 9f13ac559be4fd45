/* links: connect_plugin connect_base */
/* jq programs in helper processes: results, wrong programs, and programs that
 * would hang or eat the machine. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <uv.h>

#include "plugin/jq_pool.h"

#define HELPER CONNECT_BUILD_DIR "/core/jq/connect-jq"

struct answers {
    uv_loop_t loop;
    struct jq_pool *pool;
    int status;
    char text[8192];
    unsigned count, failed;
};

static void answered(void *arg, int status, const char *text, size_t len)
{
    struct answers *answers = arg;

    answers->status = status;
    snprintf(answers->text, sizeof(answers->text), "%.*s",
             (int)(len < 8000 ? len : 8000), text);
    answers->count++;
    answers->failed += status != 0;
}

static int setup(void **state)
{
    struct answers *answers = calloc(1, sizeof(*answers));
    struct jq_pool_options options = {
        .program = HELPER,
        .processes = 2,
        .time_ms = 1000,
        .memory_mib = 128,
        .queue_max = 8,
    };
    struct error err = {""};

    uv_loop_init(&answers->loop);
    if (jq_pool_create(&answers->loop, &options, &answers->pool, &err))
        fail_msg("%s", err.text);
    *state = answers;
    return 0;
}

static void stopped(void *arg)
{
    *(bool *)arg = true;
}

static int teardown(void **state)
{
    struct answers *answers = *state;
    bool ended = false;

    jq_pool_stop(answers->pool, stopped, &ended);
    uv_run(&answers->loop, UV_RUN_DEFAULT);
    assert_true(ended);
    assert_int_equal(uv_loop_close(&answers->loop), 0);
    free(answers);
    return 0;
}

static int start(struct answers *answers, const char *program,
                 const char *input)
{
    return jq_pool_start(answers->pool, program, input, strlen(input), answered,
                         answers);
}

static void wait_for(struct answers *answers, unsigned count)
{
    while (answers->count < count)
        uv_run(&answers->loop, UV_RUN_ONCE);
}

static void run(struct answers *answers, const char *program, const char *input)
{
    unsigned count = answers->count;

    assert_int_equal(start(answers, program, input), 0);
    wait_for(answers, count + 1);
}

static void test_results(void **state)
{
    struct answers *answers = *state;

    run(answers, "{a: .x, b: (.y | length | tostring)}",
        "{\"x\":\"9007199254740993\",\"y\":[\"1\",\"2\"]}");
    assert_int_equal(answers->status, 0);
    assert_string_equal(answers->text,
                        "{\"a\":\"9007199254740993\",\"b\":\"2\"}");
    run(answers, "[.[] | ascii_upcase]", "[\"a\",\"b\"]");
    assert_string_equal(answers->text, "[\"A\",\"B\"]");
}

static void test_what_the_program_says_is_wrong(void **state)
{
    static const struct {
        const char *program, *input, *says;
    } rows[] = {
        {"error(\"no customer\")", "{}", "no customer"},
        {"empty", "{}", "gives no result"},
        {".[]", "[\"a\",\"b\"]", "more than one result"},
        {".x | tonumber * 2", "{\"x\":\"3\"}", "the result holds a number"},
        {"{a:[{b:1}]}", "{}", "the result holds a number"},
        {".x |", "{}", "syntax error"},
        {"nosuch(.)", "{}", "nosuch"},
        {".", "{\"x\":", "not JSON"},
        {"input", "{}", "no more input"},
        {"import \"a\" as a; a::b", "{}", "module not found"},
    };
    struct answers *answers = *state;

    for (size_t index = 0; index < sizeof(rows) / sizeof(rows[0]); index++) {
        run(answers, rows[index].program, rows[index].input);
        assert_int_equal(answers->status, -EINVAL);
        if (!strstr(answers->text, rows[index].says))
            fail_msg("row %zu: %s", index, answers->text);
    }
}

static void test_environment_is_empty(void **state)
{
    struct answers *answers = *state;

    run(answers, "[env, $ENV]", "{}");
    assert_string_equal(answers->text, "[{},{}]");
}

static void test_endless_program_is_killed(void **state)
{
    struct answers *answers = *state;

    run(answers, "def f: f; f", "{}");
    assert_int_equal(answers->status, -ETIMEDOUT);
    run(answers, ".", "\"next\"");
    assert_int_equal(answers->status, 0);
}

/* More of them than there are helpers: the rest does not wait for their end. */
static void test_endless_programs_block_nobody(void **state)
{
    struct answers *answers = *state;

    for (int time = 0; time < 3; time++)
        assert_int_equal(start(answers, "def f: f; f", "{}"), 0);
    for (int time = 0; time < 5; time++)
        assert_int_equal(start(answers, ".", "\"x\""), 0);
    wait_for(answers, 5);
    assert_int_equal(answers->failed, 0);
    wait_for(answers, 8);
    assert_int_equal(answers->failed, 3);
    /* One that only takes long has its result. */
    run(answers, "reduce range(300000) as $x (0; . + 1) | tostring", "{}");
    assert_int_equal(answers->status, 0);
    run(answers, ".", "\"next\"");
    assert_int_equal(answers->status, 0);
}

/* A run goes on from inside the answer: what it starts then must not come to
 * the helper that took long, for that one is done away with. */
static void then_another(void *arg, int status, const char *text, size_t len)
{
    struct answers *answers = arg;

    answered(arg, status, text, len);
    assert_int_equal(start(answers, ".", "\"next\""), 0);
}

static void test_after_one_that_takes_long(void **state)
{
    struct answers *answers = *state;
    struct jq_pool *usual = answers->pool;
    struct jq_pool_options options = {.program = HELPER, .time_ms = 60000};
    struct error err = {""};
    bool ended = false;

    if (jq_pool_create(&answers->loop, &options, &answers->pool, &err))
        fail_msg("%s", err.text);
    assert_int_equal(
        jq_pool_start(answers->pool,
                      "reduce range(1000000) as $x (0; . + 1) | tostring", "{}",
                      2, then_another, answers),
        0);
    wait_for(answers, 2);
    assert_int_equal(answers->failed, 0);
    assert_string_equal(answers->text, "\"next\"");
    jq_pool_stop(answers->pool, stopped, &ended);
    while (!ended)
        uv_run(&answers->loop, UV_RUN_ONCE);
    answers->pool = usual;
}

static void test_memory_is_limited(void **state)
{
    struct answers *answers = *state;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* the helper sets no limit there: the shadow would not fit */
#endif
    run(answers, "[range(1000000000)] | length | tostring", "{}");
    assert_true(answers->status == -EPIPE || answers->status == -ETIMEDOUT);
    run(answers, ".", "\"next\"");
    assert_int_equal(answers->status, 0);
}

static void test_many_programs(void **state)
{
    struct answers *answers = *state;
    unsigned sent = 0;

    while (sent < 1000) {
        if (start(answers, sent % 2 ? ".x" : "{x: .x}", "{\"x\":\"1\"}") == 0)
            sent++;
        else
            uv_run(&answers->loop, UV_RUN_ONCE);
    }
    wait_for(answers, 1000);
    assert_int_equal(answers->status, 0);
}

static void test_queue_is_bounded(void **state)
{
    struct answers *answers = *state;
    unsigned sent = 0;

    while (start(answers, ".", "\"x\"") == 0)
        sent++;
    assert_int_equal(sent, 10); /* two at work, eight waiting */
    wait_for(answers, sent);
}

static void test_check(void **state)
{
    struct error err = {""};

    (void)state;
    assert_int_equal(jq_pool_check(HELPER, ".a", NULL, &err), 0);
    assert_int_not_equal(jq_pool_check(HELPER, ".a |", NULL, &err), 0);
    assert_non_null(strstr(err.text, "syntax error"));
}

/* A program that was right needs no helper again, which the loop waits for. */
static void test_check_once(void **state)
{
    struct jq_known *known = NULL;
    struct error err = {""};

    (void)state;
    assert_int_equal(jq_pool_check(HELPER, ".a", &known, &err), 0);
    assert_int_equal(jq_pool_check(HELPER "-none", ".a", &known, &err), 0);
    assert_int_not_equal(jq_pool_check(HELPER "-none", ".b", &known, &err), 0);
    assert_int_not_equal(jq_pool_check(HELPER "-none", ".a", NULL, &err), 0);
    for (int time = 0; time < 2; time++) {
        error_set(&err, "%s", "");
        assert_int_not_equal(jq_pool_check(HELPER, ".a |", &known, &err), 0);
        assert_non_null(strstr(err.text, "syntax error"));
    }
    jq_known_free(&known);
    assert_null(known);
}

#define POOL_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        POOL_TEST(test_results),
        POOL_TEST(test_what_the_program_says_is_wrong),
        POOL_TEST(test_environment_is_empty),
        POOL_TEST(test_endless_program_is_killed),
        POOL_TEST(test_endless_programs_block_nobody),
        POOL_TEST(test_after_one_that_takes_long),
        POOL_TEST(test_memory_is_limited),
        POOL_TEST(test_many_programs),
        POOL_TEST(test_queue_is_bounded),
        POOL_TEST(test_check),
        POOL_TEST(test_check_once),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
