/* test_doubt.c - SYSPRO has made the order and the line goes dead, or has not:
 * one order, its number adopted, and no second post on a guess (F13, F14). */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    SETTLE_MS = 60000,
    REACT_MS = 20000,
    CUT_BYTES_MAX = 800, /* longer than the answer to an order */
    CUT_STEP = 23
};

#define POST "\"match\":\"/Transaction/Post\",\"count\":1"

/* A deal won under a fault; its order must be there, after so many posts. */
static void win_under(struct stage *stage, const char *fault, size_t posts)
{
    char key[STAGE_TEXT_MAX], number[STAGE_TEXT_MAX];
    size_t orders = stage_order_count(stage);
    size_t seen = stage_seen(stage, SYSPRO, "/Transaction/Post");

    stage_fault(stage, SYSPRO, "%s", fault);
    stage_deal(stage, "In doubt", "Bayside Tools Ltd",
               "A100; 3; 149.90\\nB200; 10; 12.50", key);
    stage_win(stage, key);
    stage_rest(stage);
    if (stage_order_count(stage) != orders + 1)
        stage_fail(stage, "%s: %zu orders", fault,
                   stage_order_count(stage) - orders);
    if (stage_seen(stage, SYSPRO, "/Transaction/Post") != seen + posts)
        stage_fail(stage, "%s: %zu posts, not %zu", fault,
                   stage_seen(stage, SYSPRO, "/Transaction/Post") - seen,
                   posts);
    stage_field(stage, key, "SYSPRO order", number);
    if (!number[0])
        stage_fail(stage, "%s: the deal has no number", fault);
    stage_no_faults(stage, SYSPRO);
}

static void test_committed(void **state)
{
    static const char *const faults[] = {
        "{\"fault\":\"cut_after_commit\"," POST "}",
        "{\"fault\":\"reset_after\"," POST "}",
        "{\"fault\":\"empty\"," POST "}",
        "{\"fault\":\"truncate\",\"bytes\":0," POST "}",
        "{\"fault\":\"truncate\",\"bytes\":1," POST "}",
        "{\"fault\":\"truncate\",\"bytes\":60," POST "}",
        "{\"fault\":\"truncate\",\"bytes\":200," POST "}",
        "{\"fault\":\"status\",\"status\":500,\"commit\":true," POST "}",
        "{\"fault\":\"status\",\"status\":504,\"commit\":true," POST "}",
        "{\"fault\":\"status\",\"status\":200,\"commit\":true,\"body\":"
        "\"<html>Sign in</html>\",\"content_type\":\"text/html\"," POST "}",
        "{\"fault\":\"wrong_reference\"," POST "}",
        "{\"fault\":\"doctype\",\"attack\":\"laughs\"," POST "}",
        "{\"fault\":\"doctype\",\"attack\":\"plain\"," POST "}",
    };
    struct stage *stage = stage_begin(NULL);

    (void)state;
    for (size_t at = 0; at < sizeof(faults) / sizeof(*faults); at++)
        win_under(stage, faults[at], 1);
    stage_must(stage, stage_runs_in(stage, "parked,held,discarded") == 0);
    stage_check(stage);
    stage_passed(stage);
}

/* The answer is cut after each so many bytes. */
static void test_cut_answers(void **state)
{
    struct stage *stage = stage_begin(NULL);

    (void)state;
    for (int bytes = 0; bytes < CUT_BYTES_MAX; bytes += CUT_STEP) {
        char fault[200];
        snprintf(fault, sizeof(fault),
                 "{\"fault\":\"truncate\",\"bytes\":%d," POST "}", bytes);
        win_under(stage, fault, 1);
    }
    stage_must(stage, stage_runs_in(stage, "parked,held,discarded") == 0);
    stage_check(stage);
    stage_passed(stage);
}

/* Answers that mean "not done": nothing is tried again by itself. */
static void test_definite(void **state)
{
    static const int statuses[] = {302, 307};
    struct stage *stage = stage_begin(NULL);

    (void)state;
    for (size_t at = 0; at < sizeof(statuses) / sizeof(*statuses); at++) {
        char key[STAGE_TEXT_MAX], reason[STAGE_TEXT_MAX];
        int64_t run;
        stage_fault(stage, SYSPRO,
                    "{\"fault\":\"status\",\"status\":%d," POST "}",
                    statuses[at]);
        stage_deal(stage, "Refused", "Bayside Tools Ltd", "A100; 3; 149.90",
                   key);
        stage_win(stage, key);
        stage_rest(stage);
        run = stage_run_of(stage, key, "parked");
        if (!run)
            stage_fail(stage, "status %d: not parked", statuses[at]);
        stage_run_text(stage, run, "reason", reason);
        printf("%d: %s\n", statuses[at], reason);
        stage_must(stage, stage_order_count(stage) == 0);
        stage_must(stage,
                   stage_seen(stage, SYSPRO, "/Transaction/Post") == at + 1);
    }
    /* 400 is how SYSPRO says that an address is too long: nothing was done, and
     * the order goes by the other way. */
    win_under(stage, "{\"fault\":\"status\",\"status\":400," POST "}", 2);
    stage_check(stage);
    stage_passed(stage);
}

/* The answer comes after our time-out: made at once, or made late. */
static void test_too_late(void **state)
{
    struct stage_options options = {
        .limits = "{\"operation_ms\":400,\"stuck_ms\":3000}"};
    struct stage *stage = stage_begin(&options);

    (void)state;
    win_under(stage, "{\"fault\":\"slow_commit\",\"ms\":1500," POST "}", 1);
    win_under(stage, "{\"fault\":\"delay\",\"ms\":1500," POST "}", 1);
    stage_must(stage, stage_runs_in(stage, "parked,held,discarded") == 0);
    stage_check(stage);
    stage_passed(stage);
}

struct looked { /* for a number of questions */
    const char *part;
    size_t count;
};

static bool was_asked(struct stage *stage, void *arg)
{
    const struct looked *looked = arg;

    return stage_seen(stage, SYSPRO, looked->part) > looked->count;
}

/* Nothing was made: known for certain only after the settle time. */
static void before_commit(struct stage *stage, const char *fault)
{
    char key[STAGE_TEXT_MAX];
    size_t orders = stage_order_count(stage);
    size_t posts = stage_seen(stage, SYSPRO, "/Transaction/Post");
    struct looked looked = {"/Query/", 0};

    looked.count = stage_seen(stage, SYSPRO, looked.part);
    stage_fault(stage, SYSPRO, "{\"fault\":\"%s\"," POST "}", fault);
    stage_deal(stage, "Not made", "Bayside Tools Ltd", "A100; 3; 149.90", key);
    stage_win(stage, key);
    stage_until(stage, REACT_MS, "the question whether it is there", was_asked,
                &looked);
    stage_step(stage, SETTLE_MS / 2);
    stage_must(stage, stage_order_count(stage) == orders);
    stage_must(stage,
               stage_seen(stage, SYSPRO, "/Transaction/Post") == posts + 1);
    stage_rest(stage);
    stage_must(stage, stage_order_count(stage) == orders + 1);
    stage_must(stage,
               stage_seen(stage, SYSPRO, "/Transaction/Post") == posts + 2);
}

static void test_not_committed(void **state)
{
    struct stage *stage = stage_begin(NULL);

    (void)state;
    before_commit(stage, "cut_before_commit");
    before_commit(stage, "reset_before");
    stage_check(stage);
    stage_passed(stage);
}

/* The question cannot be asked either: no second post, however long. */
static void test_no_answer_at_all(void **state)
{
    char key[STAGE_TEXT_MAX];
    struct stage *stage = stage_begin(NULL);
    struct looked looked = {"/Query/", 0};

    (void)state;
    stage_fault(stage, SYSPRO, "{\"fault\":\"cut_after_commit\"," POST "}");
    stage_fault(stage, SYSPRO,
                "{\"fault\":\"status\",\"status\":500,\"match\":"
                "\"/Query/\",\"always\":true}");
    stage_deal(stage, "Mute", "Bayside Tools Ltd", "A100; 3; 149.90", key);
    stage_win(stage, key);
    for (int time = 0; time < 12; time++) {
        stage_until(stage, REACT_MS, "the question to be asked again",
                    was_asked, &looked);
        stage_until_instance_rests(stage, "syspro"); /* it has the answer */
        looked.count = stage_seen(stage, SYSPRO, looked.part);
        stage_step(stage, 6LL * SETTLE_MS);
    }
    stage_must(stage, stage_seen(stage, SYSPRO, "/Transaction/Post") == 1);
    cJSON *told = stage_get(stage, ADMIN, "/v1/alerts");
    stage_must(stage,
               cJSON_GetArraySize(cJSON_GetObjectItem(told, "alerts")) > 0);
    cJSON_Delete(told);
    stage_no_faults(stage, SYSPRO);
    stage_rest(stage);
    stage_must(stage, stage_seen(stage, SYSPRO, "/Transaction/Post") == 1);
    stage_must(stage, stage_order_count(stage) == 1);
    stage_check(stage);
    stage_passed(stage);
}

/* The store is lost, as after a restore from an old copy. */
static void forget_everything(struct stage *stage)
{
    static const char *const names[] = {"connect.db", "connect.db-wal",
                                        "connect.db-shm"};

    stage_stop(stage);
    for (size_t at = 0; at < sizeof(names) / sizeof(*names); at++) {
        char path[STAGE_PATH_MAX + 40];
        snprintf(path, sizeof(path), "%s/data/%s", stage->directory, names[at]);
        unlink(path);
    }
    cJSON_Delete(stage->sent); /* what was known of them is gone */
    stage->sent = cJSON_CreateArray();
    stage_start(stage);
}

/* SYSPRO has an order of this PO number already: it is adopted when it is the
 * same order, and nothing is guessed when it is another. */
static void test_exists_already(void **state)
{
    struct stage_options options = {.refuse_duplicates = true,
                                    .no_registrations = true};
    char key[STAGE_TEXT_MAX], path[STAGE_TEXT_MAX + 40];
    char number[STAGE_TEXT_MAX], reason[STAGE_TEXT_MAX];
    const char *const keys[] = {key};
    struct stage *stage = stage_begin(&options);
    int64_t run;

    (void)state;
    stage_deal(stage, "Known", "Bayside Tools Ltd", "A100; 3; 149.90", key);
    stage_win(stage, key);
    stage_must(stage, stage_send_boxes(stage, keys, 1) == 200);
    stage_rest(stage);
    stage_must(stage, stage_order_count(stage) == 1);

    forget_everything(stage);
    stage_must(stage, stage_send_boxes(stage, keys, 1) == 200);
    stage_rest(stage);
    stage_must(stage, stage_run_of(stage, key, "done") > 0);
    stage_must(stage, stage_order_count(stage) == 1);
    stage_must(stage, stage_comment_count(stage) == 1);
    stage_field(stage, key, "SYSPRO order", number);
    assert_string_equal(number, "020450");

    forget_everything(stage);
    snprintf(path, sizeof(path), "/_sim/boxes/%s", key);
    stage_tell(stage, STREAK, path,
               "{\"fields\":{\"Order lines\":\"A100; 4; 149.90\"}}");
    stage_must(stage, stage_send_boxes(stage, keys, 1) == 200);
    stage_rest(stage);
    run = stage_run_of(stage, key, "parked");
    stage_must(stage, run > 0);
    stage_run_text(stage, run, "reason", reason);
    printf("reason: %s\n", reason);
    stage_must(stage, stage_order_count(stage) == 1);
    stage_passed(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(test_committed),      stage_test(test_cut_answers),
        stage_test(test_definite),       stage_test(test_too_late),
        stage_test(test_not_committed),  stage_test(test_no_answer_at_all),
        stage_test(test_exists_already),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
