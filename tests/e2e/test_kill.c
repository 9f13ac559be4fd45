/* test_kill.c - kill -9 at a hundred moments while deals are under way; then
 * nothing is lost and nothing is there twice.
 *
 * A moment is a time after the start of the work, drawn from a printed seed
 * (CONNECT_SEED=N repeats one).  What was being sent at that moment is counted
 * from the daemon's own history: at the next start it notes each delivery it
 * finds on its way as in doubt. */
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    MOMENTS = 100,
    ANSWERS = 30,       /* events, each followed by a kill */
    SENDING_LEAST = 80, /* of a hundred, with a delivery on its way */
    UNDER_WAY = 60,
    RUNS_EACH = 2,       /* deals not finished, about */
    EACH = 4,            /* deals won at each moment */
    MOMENT_MS_MAX = 300, /* of work between two kills */
    POST_MS = 40,        /* an order is committed, and answered so much later */
    STEP_MS = 25000,     /* after a start, of all clocks; settling takes 60 s */
    ASK_MS = 30,         /* some time to ask before the step */
    REST_MS = 200000,
    HISTORY_PAGE = 1000
};

static struct stage *stage;

static uint64_t random_state;

/* xorshift: the same seed, the same moments. */
static unsigned random_below(unsigned limit)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state % limit);
}

static void take_seed(void)
{
    const char *given = getenv("CONNECT_SEED");

    if (given)
        random_state = strtoull(given, NULL, 10);
    else if (getrandom(&random_state, sizeof(random_state), 0) < 0)
        abort();
    random_state |= 1;
    printf("seed %llu (CONNECT_SEED=%llu repeats it)\n",
           (unsigned long long)random_state, (unsigned long long)random_state);
}

struct counted {
    int64_t sequence; /* of the last entry seen */
    unsigned orders, others;
};

/* How many deliveries were on their way when the store was opened last? */
static struct counted count_doubts(int64_t after)
{
    struct counted counted = {.sequence = after};
    bool more = true, opened = false;

    while (more) {
        cJSON *page = stage_get(stage, ADMIN, "/v1/history?limit=%d&after=%lld",
                                HISTORY_PAGE, (long long)counted.sequence);
        cJSON *item = NULL,
              *list = cJSON_GetObjectItemCaseSensitive(page, "history");
        cJSON_ArrayForEach(item, list)
        {
            const char *act = cJSON_GetObjectItem(item, "act")->valuestring;
            const cJSON *path = cJSON_GetObjectItem(item, "path");
            if (!strcmp(act, "store.opened")) {
                opened = true;
                counted.orders = counted.others = 0;
            } else if (!strcmp(act, "delivery.in_doubt") && opened) {
                bool order =
                    cJSON_IsString(path) && !strcmp(path->valuestring, "post");
                counted.orders += order;
                counted.others += !order;
            } else if (opened && strcmp(act, "run.ready")) {
                opened = false; /* recovery is one transaction, before all */
            }
            counted.sequence =
                (int64_t)cJSON_GetObjectItem(item, "sequence")->valuedouble;
        }
        more = cJSON_IsTrue(cJSON_GetObjectItem(page, "more"));
        cJSON_Delete(page);
    }
    return counted;
}

/* Was a post received since the request numbered *last?  (Moves it on.) */
static bool post_came(int64_t *last)
{
    cJSON *told =
        stage_get(stage, SYSPRO, "/_sim/ledger?after=%lld", (long long)*last);
    const cJSON *entry;
    bool came = false;

    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(told, "entries"))
    {
        came = came || strstr(cJSON_GetObjectItem(entry, "path")->valuestring,
                              "/Transaction/Post");
    }
    *last = (int64_t)cJSON_GetObjectItem(told, "last")->valuedouble;
    cJSON_Delete(told);
    return came;
}

/* Any moment, but mostly one at which an order is being posted. */
static void await_moment(int64_t *last)
{
    int64_t until = process_now_ms() + MOMENT_MS_MAX;

    post_came(last);
    if (random_below(3) == 0) {
        process_nap(random_below(MOMENT_MS_MAX));
        return;
    }
    while (!post_came(last) && process_now_ms() < until)
        process_nap(1);
    process_nap(random_below(POST_MS));
}

static void test_kill(void **state)
{
    unsigned moments = MOMENTS;
    unsigned with_sending = 0, with_order = 0, with_other = 0, deals = 0;
    struct counted counted = {0};
    int64_t last_request = 0, begun = process_now_ms();

    (void)state;
    take_seed();
    /* Each kill with a delivery on its way uses up an attempt of it, and no
     * plant kills so often. */
    stage = stage_begin(&(struct stage_options){
        .level = "info", .limits = "{\"attempts\":1000}"});
    /* Some orders are made long after their caller is dead: after it was
     * started again and asked for them in vain, and within the settle time. */
    stage_fault(stage, SYSPRO,
                "{\"fault\":\"delay\",\"match\":\"/Transaction/Post\","
                "\"ms\":%d,\"probability\":0.3,\"always\":true}",
                STEP_MS * 4 / 5);
    stage_fault(stage, SYSPRO,
                "{\"fault\":\"slow_commit\",\"match\":\"/Transaction/Post\","
                "\"ms\":%d,\"always\":true}",
                POST_MS);
    stage_fault(stage, STREAK,
                "{\"fault\":\"slow_commit\",\"method\":\"POST\","
                "\"match\":\"/api/\",\"ms\":%d,\"always\":true}",
                POST_MS);
    for (unsigned moment = 0; moment < moments; moment++) {
        if (stage_runs_in(stage, "queued,ready,active,waiting") <
            UNDER_WAY * RUNS_EACH) {
            cJSON_Delete(stage_win_many(stage, EACH, "Killed"));
            deals += EACH;
        }
        await_moment(&last_request);
        stage_kill(stage);
        stage_start(stage);
        counted = count_doubts(counted.sequence);
        with_sending += counted.orders + counted.others > 0;
        with_order += counted.orders > 0;
        with_other += counted.others > 0;
        process_nap(random_below(ASK_MS));
        stage_step(stage, STEP_MS);
    }
    stage_no_faults(stage, SYSPRO);
    stage_no_faults(stage, STREAK);
    stage_rest_within(stage, REST_MS);
    printf("%u kills, %u with a delivery on its way (%u with an order, %u with "
           "one to Streak), %u deals, %zu orders, %lld s\n",
           moments, with_sending, with_order, with_other, deals,
           stage_order_count(stage),
           (long long)(process_now_ms() - begun) / 1000);
    stage_must(stage, stage_order_count(stage) == deals);
    stage_must(stage, stage_comment_count(stage) == deals);
    stage_must(stage, with_sending * 100 >= moments * SENDING_LEAST);
    stage_check(stage);
    stage_passed(stage);
}

/* Killed as soon as the sender has its 200: the event is there. */
static void test_kill_at_answer(void **state)
{
    struct stage_options options = {.level = "info", .no_registrations = true};
    cJSON *keys;
    const cJSON *key;

    (void)state;
    stage = stage_begin(&options);
    keys = stage_win_many(stage, ANSWERS, "Answered");
    cJSON_ArrayForEach(key, keys)
    {
        const char *const list[] = {key->valuestring};
        stage_must(stage, stage_send_boxes(stage, list, 1) == 200);
        stage_kill(stage);
        stage_start(stage);
    }
    cJSON_Delete(keys);
    stage_rest(stage);
    stage_must(stage, stage_order_count(stage) == ANSWERS);
    stage_check(stage);
    stage_passed(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(test_kill),
        stage_test(test_kill_at_answer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
