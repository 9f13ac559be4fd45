/* fault_erp_answers.c - successes that are none (F14): what SYSPRO and Streak
 * may say, and what follows from it.
 *
 * One idea: a row of the table is a deal won under one fault, and says in which
 * state its run must rest, after how many posts, with how many orders, and what
 * people are told; then a person acts, and no alert is left.  Rows of one
 * setting follow each other on one stage.
 *
 * Where nothing but the compared lines can find the lie, the setting
 * compare_lines "always" is the row's; a lie about amounts is made by the proxy
 * in the request, so that SYSPRO really has another amount.  One thread, but
 * for plan. */
#include "fault_erp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "checker.h"

enum setting {
    SETTING_PLAIN,
    SETTING_COMPARE,  /* compare_lines: always */
    SETTING_QUANTITY, /* and the quantity is changed on its way */
    SETTING_REFUSES   /* SYSPRO refuses a second order of a PO number */
};

enum {
    HOLD_STEP_MS = 16 * 60 * 1000, /* above the time between two looks */
    FAULT_MAX = 2000
};

#define FLOW "won-deal-to-sales-order"

struct row {
    const char *name;
    enum setting setting;
    enum stage_side side; /* whose fault */
    const char *fault;    /* "{PO}" is the deal's PO number; NULL: none */
    const char *state;    /* of the run at rest */
    const char *reason;   /* a part of it; NULL: any */
    unsigned posts, orders, comments;
    const char *alert; /* of a doubt, or of what was answered; NULL: none */
};

#define POST "\"match\":\"/Transaction/Post\",\"count\":1"
#define SAYS(commit, body)                                                     \
    "{\"fault\":\"status\",\"status\":200,\"commit\":" #commit ",\"body\":\""  \
    "<SalesOrders>" body                                                       \
    "</SalesOrders>\",\"content_type\":\"text/xml\"," POST "}"
#define COUNTERS(processed, rejected)                                          \
    "<StatusOfItems><ItemsProcessed>" processed                                \
    "</ItemsProcessed><ItemsRejectedWithWarnings>" rejected                    \
    "</ItemsRejectedWithWarnings><ItemsProcessedWithWarnings>000000"           \
    "</ItemsProcessedWithWarnings></StatusOfItems>"
#define ERROR_OF(text)                                                         \
    "<Orders><OrderHeader><CustomerPoNumber>{PO}</CustomerPoNumber>"           \
    "<ErrorMessages><ErrorDescription>" text                                   \
    "</ErrorDescription></ErrorMessages></OrderHeader></Orders>"
#define ORDER(number)                                                          \
    "<Order><CustomerPoNumber>{PO}</CustomerPoNumber><OrderActionType>A"       \
    "</OrderActionType><SalesOrder>" number "</SalesOrder></Order>"
#define BOX "\"method\":\"POST\",\"match\":\"/v1/boxes/\",\"count\":1"
#define COMMENT "\"method\":\"POST\",\"match\":\"/comments\",\"count\":1"

static const struct row rows[] = {
    /* Nobody can tell from these: SYSPRO is asked. */
    {"shorter than its length", SETTING_PLAIN, SYSPRO,
     "{\"fault\":\"truncate\",\"bytes\":60," POST "}", "done", NULL, 1, 1, 1,
     NULL},
    {"no document", SETTING_PLAIN, SYSPRO,
     "{\"fault\":\"status\",\"status\":200,\"commit\":true,\"body\":"
     "\"<SalesOrders><StatusOf\",\"content_type\":\"text/xml\"," POST "}",
     "done", NULL, 1, 1, 1, NULL},
    {"empty", SETTING_PLAIN, SYSPRO, "{\"fault\":\"empty\"," POST "}", "done",
     NULL, 1, 1, 1, NULL},
    {"about another order", SETTING_PLAIN, SYSPRO,
     "{\"fault\":\"wrong_reference\"," POST "}", "done", NULL, 1, 1, 1,
     "answer"},
    {"a page to sign in", SETTING_PLAIN, SYSPRO,
     "{\"fault\":\"status\",\"status\":200,\"commit\":true,\"body\":"
     "\"<html>Sign in</html>\",\"content_type\":\"text/html\"," POST "}",
     "done", NULL, 1, 1, 1, NULL},
    {"500, made", SETTING_PLAIN, SYSPRO,
     "{\"fault\":\"status\",\"status\":500,\"commit\":true," POST "}", "done",
     NULL, 1, 1, 1, NULL},
    {"503, made", SETTING_PLAIN, SYSPRO,
     "{\"fault\":\"status\",\"status\":503,\"commit\":true," POST "}", "done",
     NULL, 1, 1, 1, NULL},
    {"504, made", SETTING_PLAIN, SYSPRO,
     "{\"fault\":\"status\",\"status\":504,\"commit\":true," POST "}", "done",
     NULL, 1, 1, 1, NULL},
    {"a document type that grows", SETTING_PLAIN, SYSPRO,
     "{\"fault\":\"doctype\",\"attack\":\"laughs\"," POST "}", "done", NULL, 1,
     1, 1, NULL},
    {"a document type", SETTING_PLAIN, SYSPRO,
     "{\"fault\":\"doctype\",\"attack\":\"plain\"," POST "}", "done", NULL, 1,
     1, 1, NULL},
    /* It says two things at once. */
    {"two numbers", SETTING_PLAIN, SYSPRO,
     SAYS(true, ORDER("020001") ORDER("020002") COUNTERS("000001", "000000")),
     "done", NULL, 1, 1, 1, NULL},
    {"a counter that is none", SETTING_PLAIN, SYSPRO,
     SAYS(true, COUNTERS("one", "000000")), "done", NULL, 1, 1, 1, NULL},
    {"made, but no number", SETTING_PLAIN, SYSPRO,
     SAYS(true, COUNTERS("000001", "000000")), "done", NULL, 1, 1, 1, NULL},
    {"made, by what it says, but not made", SETTING_PLAIN, SYSPRO,
     SAYS(false, COUNTERS("000001", "000000")), "done", NULL, 2, 1, 1, NULL},
    {"a number and an error, made", SETTING_PLAIN, SYSPRO,
     SAYS(true, ORDER("020001") ERROR_OF("Stock code Z is invalid")
                    COUNTERS("000001", "000000")),
     "done", NULL, 1, 1, 1, NULL},
    {"a number and an error, not made", SETTING_PLAIN, SYSPRO,
     SAYS(false, ORDER("020001") ERROR_OF("Stock code Z is invalid")
                     COUNTERS("000000", "000001")),
     "parked", "Stock code Z is invalid", 1, 0, 0, NULL},
    {"a number and a hold, made", SETTING_PLAIN, SYSPRO,
     SAYS(true, ORDER("020001") ERROR_OF("Customer 1 is on hold")
                    COUNTERS("000001", "000000")),
     "done", NULL, 1, 1, 1, NULL},
    {"an error that nobody knows, made", SETTING_PLAIN, SYSPRO,
     "{\"fault\":\"status\",\"status\":200,\"commit\":true,\"body\":"
     "\"ERROR: something else\",\"content_type\":\"text/plain\"," POST "}",
     "done", NULL, 1, 1, 1, NULL},
    /* Definite: nothing was done, and nothing is tried again by itself. */
    {"stock code unknown", SETTING_PLAIN, SYSPRO,
     SAYS(false,
          ERROR_OF("Stock code Z is invalid") COUNTERS("000000", "000001")),
     "parked", "Stock code Z is invalid", 1, 0, 0, NULL},
    {"customer on hold", SETTING_PLAIN, SYSPRO,
     SAYS(false,
          ERROR_OF("Customer 1 is on hold") COUNTERS("000000", "000001")),
     "held", "on hold", 1, 0, 0, NULL},
    {"credit", SETTING_PLAIN, SYSPRO,
     SAYS(false,
          ERROR_OF("Credit limit exceeded") COUNTERS("000000", "000001")),
     "held", "Credit limit", 1, 0, 0, NULL},
    {"period closed", SETTING_PLAIN, SYSPRO,
     "{\"fault\":\"period_closed\"," POST "}", "held", "closed", 1, 0, 0, NULL},
    {"302", SETTING_PLAIN, SYSPRO,
     "{\"fault\":\"status\",\"status\":302," POST "}", "parked", NULL, 1, 0, 0,
     NULL},
    {"307", SETTING_PLAIN, SYSPRO,
     "{\"fault\":\"status\",\"status\":307," POST "}", "parked", NULL, 1, 0, 0,
     NULL},
    {"404", SETTING_PLAIN, SYSPRO,
     "{\"fault\":\"status\",\"status\":404," POST "}", "parked", NULL, 1, 0, 0,
     NULL},
    /* "Not executed" by the connector's reference. */
    {"session unknown", SETTING_PLAIN, SYSPRO,
     "{\"fault\":\"evict_session\"," POST "}", "done", NULL, 2, 1, 1, NULL},
    {"400 to a long address", SETTING_PLAIN, SYSPRO,
     "{\"fault\":\"status\",\"status\":400," POST "}", "done", NULL, 2, 1, 1,
     NULL},
    /* Documents that their system never checks for duplicates. */
    {"comment: 500, made", SETTING_PLAIN, STREAK,
     "{\"fault\":\"status\",\"status\":500,\"commit\":true," COMMENT "}",
     "done", NULL, 1, 1, 1, NULL},
    {"comment: no answer, made", SETTING_PLAIN, STREAK,
     "{\"fault\":\"cut_after_commit\"," COMMENT "}", "done", NULL, 1, 1, 1,
     NULL},
    {"comment: no answer, not made", SETTING_PLAIN, STREAK,
     "{\"fault\":\"cut_before_commit\"," COMMENT "}", "done", NULL, 1, 1, 1,
     NULL},
    {"comment: empty", SETTING_PLAIN, STREAK,
     "{\"fault\":\"empty\"," COMMENT "}", "done", NULL, 1, 1, 1, NULL},
    {"comment: 400", SETTING_PLAIN, STREAK,
     "{\"fault\":\"status\",\"status\":400," COMMENT "}", "parked", NULL, 1, 1,
     0, NULL},
    {"box: 500, made", SETTING_PLAIN, STREAK,
     "{\"fault\":\"status\",\"status\":500,\"commit\":true," BOX "}", "done",
     NULL, 1, 1, 1, NULL},
    {"box: empty", SETTING_PLAIN, STREAK, "{\"fault\":\"empty\"," BOX "}",
     "done", NULL, 1, 1, 1, NULL},
    {"box: 400", SETTING_PLAIN, STREAK,
     "{\"fault\":\"status\",\"status\":400," BOX "}", "parked", NULL, 1, 1, 0,
     NULL},
    /* Found by comparing only. */
    {"a number of another order", SETTING_COMPARE, SYSPRO,
     SAYS(true, ORDER("020001") COUNTERS("000001", "000000")), "done", NULL, 1,
     1, 1, NULL},
    {"a number of no order", SETTING_COMPARE, SYSPRO,
     SAYS(true, ORDER("099999") COUNTERS("000001", "000000")), "done", NULL, 1,
     1, 1, NULL},
    {"another amount", SETTING_QUANTITY, SYSPRO, NULL, "parked",
     "other amounts", 1, 1, 0, "doubt"},
    /* On a later attempt: SYSPRO has it already. */
    {"exists already", SETTING_REFUSES, SYSPRO,
     "{\"fault\":\"status\",\"status\":200,\"body\":\"again\",\"skip\":1000}",
     "done", NULL, 2, 1, 1, NULL},
    {"exists already, another order", SETTING_REFUSES, SYSPRO, NULL, "parked",
     "other amounts", 2, 1, 1, NULL},
};
enum { ROWS = sizeof(rows) / sizeof(*rows) };

uint64_t fault_erp_answers_count(void)
{
    return ROWS;
}

/* ---- The stage of a setting ---------------------------------------------- */

/* The quantity of each order is another when SYSPRO gets it. */
static void change_quantity(void *arg, const struct proxy_exchange *exchange,
                            struct proxy_fault *fault)
{
    static const char before[] = "OrderQty%3E";
    const char *found = strstr(exchange->request, before);

    (void)arg;
    if (exchange->way != PROXY_TO_SERVER || !found ||
        !strstr(exchange->request, "/Transaction/Post"))
        return;
    fault->act = PROXY_CORRUPT;
    fault->at = (uint64_t)(found - exchange->request) + sizeof(before) - 1;
    fault->mask = '3' ^ '4';
}

static struct stage *open_setting(enum setting setting)
{
    static const char compare[] = "{\"compare_lines\":\"always\"}";
    struct stage_options options = {
        .level = "info",
        .syspro = setting == SETTING_COMPARE || setting == SETTING_QUANTITY
                      ? compare
                      : NULL,
        .refuse_duplicates = setting == SETTING_REFUSES};

    return fault_scene(&options,
                       setting == SETTING_QUANTITY ? change_quantity : NULL,
                       NULL)
        ->stage;
}

static void close_setting(struct stage *stage, enum setting setting)
{
    /* SYSPRO's amounts are not the deal's there, and its store began anew. */
    if (setting != SETTING_QUANTITY && setting != SETTING_REFUSES)
        stage_check(stage);
    stage_passed(stage);
    fault_teardown(NULL);
}

/* ---- A row --------------------------------------------------------------- */

/* The fault with the PO number in its places; owned. */
static char *fault_text(const char *fault, const char *key)
{
    char po[CHECKER_PO_MAX];
    char *text = memory_zero(FAULT_MAX, 1);
    size_t len = 0;

    checker_po(key, po);
    while (*fault) {
        bool place = !strncmp(fault, "{PO}", 4);
        len += (size_t)snprintf(text + len, FAULT_MAX - len, "%.*s",
                                place ? CHECKER_PO_MAX : 1, place ? po : fault);
        fault += place ? 4 : 1;
    }
    return text;
}

/* How often the alert was raised, and that it is new; 0: there is none. */
static int64_t alert_count(struct stage *stage, const char *cause)
{
    cJSON *told = stage_get(stage, ADMIN, "/v1/alerts");
    const cJSON *alert;
    int64_t count = 0;

    cJSON_ArrayForEach(alert, cJSON_GetObjectItem(told, "alerts"))
    {
        const cJSON *item = cJSON_GetObjectItem(alert, "cause");
        if (cJSON_IsString(item) && !strcmp(item->valuestring, cause) &&
            !cJSON_IsTrue(cJSON_GetObjectItem(alert, "acknowledged")))
            count = (int64_t)cJSON_GetObjectItem(alert, "count")->valuedouble;
    }
    cJSON_Delete(told);
    return count;
}

/* What people must be told, and nothing else. */
static void check_alerts(struct stage *stage, const struct row *row,
                         int64_t run)
{
    static const char *const kinds[] = {"doubt", "answer", "parked"};
    char causes[3][STAGE_TEXT_MAX], code[STAGE_TEXT_MAX] = "";
    const char *other = row->alert ? row->alert : "";

    stage_run_text(stage, run, "code", code);
    snprintf(causes[0], STAGE_TEXT_MAX, "doubt:%lld", (long long)run);
    snprintf(causes[1], STAGE_TEXT_MAX, "answer:syspro");
    snprintf(causes[2], STAGE_TEXT_MAX, "parked:%s:%.100s", FLOW, code);
    for (size_t at = 0; at < 3; at++) {
        bool wanted = !strcmp(kinds[at], other) ||
                      (at == 2 && !strcmp(row->state, "parked"));
        int64_t count = alert_count(stage, causes[at]);
        if (wanted != (count == 1) || (!wanted && count))
            stage_fail(stage, "%s: the alert %s was raised %lld times, not %d",
                       row->name, causes[at], (long long)count, wanted);
    }
}

static void settle_run(struct stage *stage, int64_t run, bool doubt)
{
    char path[80];

    snprintf(path, sizeof(path), "/v1/runs/%lld/%s", (long long)run,
             doubt ? "settle" : "discard");
    stage_tell(stage, ADMIN, path,
               doubt ? "{\"happened\":true,\"reference\":{\"sales_order\":"
                       "\"1\"},\"reason\":\"a test\"}"
                     : "{\"reason\":\"a test\"}");
    stage_rest(stage);
}

/* A person does what is to be done: then no alert is open. */
static void end_alerts(struct stage *stage, const struct row *row,
                       const char *key)
{
    bool doubt = row->alert && !strcmp(row->alert, "doubt");
    cJSON *told;

    if (!strcmp(row->state, "parked"))
        settle_run(stage, stage_run_of(stage, key, "parked"), doubt);
    else if (row->alert)
        stage_tell(stage, ADMIN, "/v1/alerts/acknowledge",
                   "{\"cause\":\"answer:syspro\"}");
    told = stage_get(stage, ADMIN, "/v1/status");
    if (cJSON_GetObjectItem(told, "alerts")->valueint)
        stage_fail(stage, "%s: an alert stays", row->name);
    cJSON_Delete(told);
}

static void win(struct stage *stage, const char *key)
{
    const char *keys[] = {key};

    stage_win(stage, key);
    stage_must(stage, stage_send_boxes(stage, keys, 1) == 200);
    stage_rest(stage);
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
        remove(path);
    }
    cJSON_Delete(stage->sent); /* what was known of them is gone */
    stage->sent = cJSON_CreateArray();
    stage_start(stage);
}

/* The attempt before, of which the store knows nothing any more. */
static void make_before(struct stage *stage, const struct row *row,
                        const char *key)
{
    char path[STAGE_TEXT_MAX + 40];

    if (row->setting != SETTING_REFUSES)
        return;
    win(stage, key);
    forget_everything(stage);
    snprintf(path, sizeof(path), "/_sim/boxes/%s", key);
    if (!strcmp(row->state, "parked"))
        stage_tell(stage, STREAK, path,
                   "{\"fields\":{\"Order lines\":\"A100; 4; 149.90\"}}");
}

static void say_state(struct stage *stage, const struct row *row,
                      const char *key)
{
    static const char *const states[] = {"done", "held", "parked", "discarded"};
    char reason[STAGE_TEXT_MAX] = "";

    for (size_t at = 0; at < sizeof(states) / sizeof(*states); at++) {
        int64_t run = stage_run_of(stage, key, states[at]);
        if (!run)
            continue;
        stage_run_text(stage, run, "reason", reason);
        stage_fail(stage, "%s: not %s but %s: %s", row->name, row->state,
                   states[at], reason);
    }
    stage_fail(stage, "%s: its run does not rest", row->name);
}

static void check_row(struct stage *stage, const struct row *row,
                      const char *key, const size_t before[3])
{
    char reason[STAGE_TEXT_MAX] = "";
    size_t posts = stage_seen(stage, SYSPRO, "/Transaction/Post") - before[0];
    size_t orders = stage_order_count(stage) - before[1];
    size_t comments = stage_comment_count(stage) - before[2];
    int64_t run = stage_run_of(stage, key, row->state);

    if (!run)
        say_state(stage, row, key);
    stage_run_text(stage, run, "reason", reason);
    printf("%-36s %s%s%.120s\n", row->name, row->state, *reason ? ": " : "",
           reason);
    if (row->reason && !strstr(reason, row->reason))
        stage_fail(stage, "%s: \"%s\" is not said", row->name, row->reason);
    if (posts != row->posts || orders != row->orders ||
        comments != row->comments)
        stage_fail(stage,
                   "%s: %zu posts, %zu orders, %zu comments; "
                   "%u, %u, %u are right",
                   row->name, posts, orders, comments, row->posts, row->orders,
                   row->comments);
    check_alerts(stage, row, run);
}

static bool is_done(struct stage *stage, void *arg)
{
    return stage_run_of(stage, arg, "done") != 0;
}

/* What is held is looked at again after its time, and goes on. */
static void check_held(struct stage *stage, const struct row *row,
                       const char *key)
{
    size_t orders = stage_order_count(stage);

    if (strcmp(row->state, "held") != 0)
        return;
    stage_step(stage, HOLD_STEP_MS);
    stage_until(stage, STAGE_REST_MS, "the held run to be done", is_done,
                (void *)(uintptr_t)key);
    stage_rest(stage);
    if (stage_order_count(stage) != orders + 1)
        stage_fail(stage, "%s: no order after its time", row->name);
}

static void play_row(struct stage *stage, const struct row *row)
{
    char key[STAGE_TEXT_MAX];
    size_t before[3] = {stage_seen(stage, SYSPRO, "/Transaction/Post"),
                        stage_order_count(stage), stage_comment_count(stage)};

    stage_deal(stage, row->name, "Bayside Tools Ltd", "A100; 3; 149.90", key);
    make_before(stage, row, key);
    if (row->fault) {
        char *fault = fault_text(row->fault, key);
        stage_fault(stage, row->side, "%s", fault);
        free(fault);
    }
    win(stage, key);
    check_row(stage, row, key, before);
    stage_no_faults(stage, row->side);
    check_held(stage, row, key);
    end_alerts(stage, row, key);
}

void fault_erp_answers(void **state)
{
    struct stage *stage = NULL;
    enum setting setting = SETTING_PLAIN;
    uint64_t from, count;

    (void)state;
    proof_cases(&fault_proof, ROWS, ROWS, &from, &count);
    for (uint64_t at = from; at < from + count; at++) {
        if (stage && rows[at].setting != setting) {
            close_setting(stage, setting);
            stage = NULL;
        }
        setting = rows[at].setting;
        if (!stage)
            stage = open_setting(setting);
        play_row(stage, &rows[at]);
    }
    if (stage)
        close_setting(stage, setting);
    proof_figures(&fault_proof, "answers", count, 0, 0, NULL);
}
