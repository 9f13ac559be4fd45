/* fault_web_clock.c - F22: jumps of the wall clock, a suspend, a process that
 * was stopped.
 *
 * One idea: a deal that SYSPRO holds waits for a known time; whatever the wall
 * clock does, it is posted again when that time has passed and not before, and
 * no more often.  One thread. */
#include "fault_web.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND_MS 1000LL
#define MINUTE_MS (60 * SECOND_MS)
#define HOUR_MS (60 * MINUTE_MS)
#define DAY_MS (24 * HOUR_MS)
#define YEAR_MS (365 * DAY_MS)

enum {
    LOOK_MS = 150,      /* real time in which a wrong timer would fire */
    DUE_ERROR_MS = 5000 /* real time that passes between two looks */
};

static const struct jump {
    const char *name;
    int64_t wall_ms; /* the wall clock alone */
    unsigned times;  /* there and back */
    int64_t both_ms; /* real time that passes unseen */
    bool restart;    /* the daemon is started anew after the jump */
} jumps[] = {
    {"an hour ahead", HOUR_MS, 0, 0, false},
    {"an hour back", -HOUR_MS, 0, 0, false},
    {"a day back", -DAY_MS, 0, 0, false},
    {"ten years ahead", 10 * YEAR_MS, 0, 0, false},
    {"past the year 2038", 15 * YEAR_MS, 0, 0, false},
    {"an hour to and fro, sixty times", HOUR_MS, 60, 0, false},
    {"a suspend of eight hours", 8 * HOUR_MS, 0, 0, false},
    {"stopped for ten minutes", 0, 0, 10 * MINUTE_MS, false},
    {"a day back, then a restart", -DAY_MS, 0, 0, true},
};
enum { JUMPS = sizeof(jumps) / sizeof(*jumps) };

uint64_t fault_web_clock_count(void)
{
    return JUMPS;
}

static void jump_wall(struct stage *stage, int64_t ms)
{
    stage_tell(stage, ADMIN, "/v1/test/clock",
               "{\"advance_ms\":0,\"jump_wall_ms\":%lld}", (long long)ms);
}

static void hold(struct stage *stage, bool on_hold)
{
    stage_tell(stage, SYSPRO, "/_sim/customers",
               "{\"customer\":\"0001415\",\"on_hold\":%s}",
               on_hold ? "true" : "false");
}

static int64_t due_in(struct stage *stage, int64_t run)
{
    cJSON *told = stage_get(stage, ADMIN, "/v1/runs/%lld", (long long)run);
    const cJSON *due = cJSON_GetObjectItemCaseSensitive(told, "due_in_ms");
    int64_t ms = cJSON_IsNumber(due) ? (int64_t)due->valuedouble : -1;

    cJSON_Delete(told);
    return ms;
}

static size_t posts(struct stage *stage)
{
    return stage_seen(stage, SYSPRO, "/Transaction/Post");
}

static bool audit_has(struct stage *stage, const char *act)
{
    int64_t after = 0;
    bool found = false, more = true;

    while (more && !found) {
        cJSON *page =
            stage_get(stage, ADMIN, "/v1/history?limit=1000&after=%lld",
                      (long long)after);
        const cJSON *entry;
        cJSON_ArrayForEach(entry,
                           cJSON_GetObjectItemCaseSensitive(page, "history"))
        {
            after =
                (int64_t)cJSON_GetObjectItem(entry, "sequence")->valuedouble;
            found =
                found ||
                !strcmp(cJSON_GetObjectItem(entry, "act")->valuestring, act);
        }
        more = cJSON_IsTrue(cJSON_GetObjectItem(page, "more"));
        cJSON_Delete(page);
    }
    return found;
}

static void make_jump(struct stage *stage, const struct jump *jump)
{
    if (jump->both_ms) {
        /* As the process sees it when it goes on. */
        process_signal(&stage->connectd, SIGSTOP);
        process_nap(LOOK_MS);
        process_signal(&stage->connectd, SIGCONT);
        stage_step(stage, jump->both_ms);
    } else if (jump->times) {
        for (unsigned time = 0; time < jump->times; time++)
            jump_wall(stage, time % 2 ? -jump->wall_ms : jump->wall_ms);
    } else {
        jump_wall(stage, jump->wall_ms);
    }
}

static unsigned check_jump(struct stage *stage, const struct jump *jump,
                           unsigned number)
{
    char key[STAGE_TEXT_MAX], other[STAGE_TEXT_MAX], name[60];
    const char *const keys[] = {key}, *const others[] = {other};
    size_t posted, orders = stage_order_count(stage);
    int64_t run, due, now_due;
    unsigned wrong = 0;

    hold(stage, true);
    snprintf(name, sizeof(name), "Held %u", number);
    stage_deal(stage, name, "Quay Street Joinery", "A100; 1; 149.90", key);
    stage_win(stage, key);
    stage_must(stage, stage_send_boxes(stage, keys, 1) == 200);
    stage_rest(stage);
    run = stage_run_of(stage, key, "held");
    stage_must(stage, run > 0);
    due = due_in(stage, run);
    stage_must(stage, due > HOUR_MS / 12);
    posted = posts(stage);

    make_jump(stage, jump);
    process_nap(LOOK_MS);
    now_due = due_in(stage, run);
    if (posts(stage) != posted)
        wrong++, fprintf(stderr, "%s: posted too early\n", jump->name);
    if (llabs(due - jump->both_ms - now_due) > DUE_ERROR_MS)
        wrong++, fprintf(stderr, "%s: due in %" PRId64 " ms, was %" PRId64 "\n",
                         jump->name, now_due, due);
    /* New events are taken, and orders made, at any date. */
    snprintf(name, sizeof(name), "Other %u", number);
    stage_deal(stage, name, "Bayside Tools Ltd", "A100; 2; 149.90", other);
    stage_win(stage, other);
    stage_must(stage, stage_send_boxes(stage, others, 1) == 200);
    stage_until_orders(stage, orders + 1);
    hold(stage, false);
    posted = posts(stage);
    /* When its time has come, once. */
    stage_step(stage, now_due + DUE_ERROR_MS);
    stage_until_orders(stage, orders + 2);
    stage_rest(stage);
    if (posts(stage) != posted + 1)
        wrong++, fprintf(stderr, "%s: posted %zu times when due\n", jump->name,
                         posts(stage) - posted);
    return wrong;
}

/* Time that passes while nothing runs counts, yet never backwards. */
static unsigned check_restart(struct stage *stage)
{
    char key[STAGE_TEXT_MAX];
    const char *const keys[] = {key};
    int64_t run, due, now_due;

    hold(stage, true);
    stage_deal(stage, "Restarted", "Quay Street Joinery", "A100; 1; 149.90",
               key);
    stage_win(stage, key);
    stage_must(stage, stage_send_boxes(stage, keys, 1) == 200);
    stage_rest(stage);
    run = stage_run_of(stage, key, "held");
    stage_must(stage, run > 0);
    /* The clock of a new process begins at the machine's: days behind the
     * stepped one of the process before it. */
    stage_step(stage, MINUTE_MS);
    due = due_in(stage, run);
    stage_stop(stage);
    stage_start(stage);
    now_due = due_in(stage, run);
    hold(stage, false);
    if (now_due > due + DUE_ERROR_MS || now_due < due - MINUTE_MS) {
        fprintf(stderr, "restart: due in %" PRId64 " ms, was %" PRId64 "\n",
                now_due, due);
        return 1;
    }
    return 0;
}

void fault_web_clock(void **state)
{
    struct stage_options options = {.no_registrations = true};
    struct stage *stage = stage_begin(&options);
    uint64_t from, count;
    unsigned wrong = 0;

    (void)state;
    proof_cases(&web_proof, fault_web_clock_count(), fault_web_clock_count(),
                &from, &count);
    for (uint64_t at = from; at < from + count; at++)
        wrong += jumps[at].restart
                     ? check_restart(stage)
                     : check_jump(stage, &jumps[at], (unsigned)at);
    printf("clock: %u wrong\n", wrong);
    stage_must(stage, !wrong);
    stage_must(stage, audit_has(stage, "clock.jumped"));
    stage_check(stage);
    proof_figures(&web_proof, "clock", count, 0, 0, NULL);
    stage_passed(stage);
}
