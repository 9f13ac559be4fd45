/* test_operator.c - what an operator does through connectctl, from the reason
 * to the order: edit, retry, settle, replay, all of one reason, quarantine,
 * alerts, backup and restore.  Never a second order. */
#include "stage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ALERT_MS = 6 * 60 * 1000, REACT_MS = 20000 };

/* connectctl must end with this code; its text, owned. */
#define CTL(code, ...) ctl(stage, __LINE__, code, __VA_ARGS__, NULL)

static char *ctl(struct stage *stage, int line, int code, ...)
{
    const char *arguments[16] = {NULL};
    size_t count = 0;
    va_list more;
    char *text = NULL;
    int found;

    va_start(more, code);
    while (count < 15 && (arguments[count] = va_arg(more, const char *)))
        count++;
    va_end(more);
    found = stage_ctl(stage, &text, arguments[0], arguments[1], arguments[2],
                      arguments[3], arguments[4], arguments[5], arguments[6],
                      arguments[7], arguments[8], arguments[9], arguments[10],
                      arguments[11], arguments[12], NULL);
    printf("connectctl %s: %d\n%s\n", arguments[0], found, text);
    if (found != code)
        stage_fail(stage, "line %d: connectctl %s: %d, not %d: %s", line,
                   arguments[0], found, code, text);
    return text;
}

static void says(struct stage *stage, char *text, const char *word)
{
    if (!strstr(text, word))
        stage_fail(stage, "it does not say \"%s\": %s", word, text);
    free(text);
}

static const char *number(int64_t value)
{
    static char texts[4][24];
    static unsigned next;
    char *text = texts[next++ % 4];

    snprintf(text, sizeof(texts[0]), "%lld", (long long)value);
    return text;
}

static int64_t park(struct stage *stage, const char *name, const char *lines,
                    char key[STAGE_TEXT_MAX])
{
    int64_t run;

    stage_deal(stage, name, "Bayside Tools Ltd", lines, key);
    stage_win(stage, key);
    stage_rest(stage);
    run = stage_run_of(stage, key, "parked");
    stage_must(stage, run > 0);
    return run;
}

static size_t posts(struct stage *stage)
{
    return stage_seen(stage, SYSPRO, "/Transaction/Post");
}

static void rename_lines(struct stage *stage, const char *key,
                         const char *lines)
{
    char path[STAGE_TEXT_MAX + 40];

    snprintf(path, sizeof(path), "/_sim/boxes/%s", key);
    stage_tell(stage, STREAK, path, "{\"fields\":{\"Order lines\":\"%s\"}}",
               lines);
}

/* ---- Edit ---------------------------------------------------------------- */

static void test_edit(void **state)
{
    char key[STAGE_TEXT_MAX], file[STAGE_PATH_MAX + 20];
    struct stage *stage = stage_begin(NULL);
    int64_t run = park(stage, "Typo", "Z900; 3; 149.90", key);

    (void)state;
    says(stage, CTL(0, "parked", "--contains", "z900"), key);
    says(stage, CTL(0, "parked", "--contains", "z901"), "Nothing waits");
    /* No editor to be used: nothing happens. */
    setenv("EDITOR", "false", 1);
    says(stage, CTL(1, "edit", number(run), "--reason", "typo", "--yes"),
         "editor");
    says(stage, CTL(2, "edit", number(run), "--yes"), "--reason");
    /* What cannot be used is named by its field. */
    setenv("EDITOR", "sed -i s/\"3\"/\"three\"/", 1);
    says(stage, CTL(1, "edit", number(run), "--reason", "typo", "--yes"),
         "/lines/0/quantity");
    /* Nobody to ask. */
    setenv("EDITOR", "sed -i s/Z900/A100/", 1);
    says(stage, CTL(1, "edit", number(run), "--reason", "typo"), "--yes");
    /* Ctrl-C there is for the editor. */
    snprintf(file, sizeof(file), "sh %s/editor.sh", stage->directory);
    stage_write(stage, "editor.sh",
                "kill -INT $PPID\nsed -i s/Z900/A100/ \"$1\"\n");
    setenv("EDITOR", file, 1);
    says(stage, CTL(0, "edit", number(run), "--reason", "typo", "--yes"),
         "/lines/0/stock_code");
    stage_must(stage, stage_order_count(stage) == 0);
    /* The correction is kept, without a word more. */
    free(CTL(0, "retry", number(run)));
    stage_rest(stage);
    stage_must(stage, stage_order_count(stage) == 1);
    says(stage, CTL(0, "show", number(run)), "act.edited");
    /* What was delivered cannot be edited; that is said before an editor is
     * opened, and before anything is shown. */
    snprintf(file, sizeof(file), "touch %s/opened", stage->directory);
    setenv("EDITOR", file, 1);
    says(stage, CTL(1, "edit", number(run), "--reason", "late", "--yes"),
         "while it is parked or held");
    snprintf(file, sizeof(file), "%s/opened", stage->directory);
    stage_must(stage, access(file, F_OK) != 0);
    snprintf(file, sizeof(file), "%s/body.json", stage->directory);
    stage_write(stage, "body.json", "{\"box\":\"x\"}");
    free(CTL(1, "edit", number(run), "--reason", "late", "--step", "trigger",
             "--file", file, "--yes"));
    rename_lines(stage, key, "A100; 3; 149.90");
    stage_check(stage);
    stage_passed(stage);
}

/* ---- Settle -------------------------------------------------------------- */

static bool is_asked(struct stage *stage, void *arg)
{
    return stage_seen(stage, SYSPRO, "/Query/") > *(size_t *)arg;
}

static bool is_waiting(struct stage *stage, void *arg)
{
    return stage_run_of(stage, arg, "ready,parked,held") > 0;
}

/* A deal whose order is in doubt, and SYSPRO answers no question. */
static int64_t doubt(struct stage *stage, const char *fault,
                     char key[STAGE_TEXT_MAX])
{
    size_t asked = stage_seen(stage, SYSPRO, "/Query/");
    int64_t run;

    stage_fault(
        stage, SYSPRO,
        "{\"fault\":\"%s\",\"match\":\"/Transaction/Post\",\"count\":1}",
        fault);
    stage_fault(stage, SYSPRO,
                "{\"fault\":\"status\",\"status\":500,\"match\":\"/Query/\","
                "\"always\":true}");
    stage_deal(stage, "Doubt", "Bayside Tools Ltd", "A100; 3; 149.90", key);
    stage_win(stage, key);
    stage_until(stage, REACT_MS, "the question whether it is there", is_asked,
                &asked);
    stage_until_instance_rests(stage, "syspro");
    stage_step(stage, ALERT_MS);
    stage_until(stage, REACT_MS, "another question", is_asked, &asked);
    stage_until_instance_rests(stage, "syspro");
    stage_until(stage, REACT_MS, "it to wait", is_waiting, key);
    run = stage_run_of(stage, key, "ready,parked,held");
    stage_must(stage, run > 0);
    return run;
}

static void first_order(struct stage *stage, char reference[STAGE_TEXT_MAX])
{
    cJSON *told =
        stage_get(stage, SYSPRO, "/_sim/documents?kind=sales_order&limit=10");
    const cJSON *order = cJSON_GetArrayItem(
        cJSON_GetObjectItemCaseSensitive(told, "entries"), 0);
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(
        cJSON_GetObjectItemCaseSensitive(order, "detail"), "sales_order"));

    stage_must(stage, text);
    snprintf(reference, STAGE_TEXT_MAX, "%s", text);
    cJSON_Delete(told);
}

static void test_settle_happened(void **state)
{
    char key[STAGE_TEXT_MAX], order[STAGE_TEXT_MAX], told[STAGE_TEXT_MAX];
    char reference[STAGE_TEXT_MAX + 40];
    struct stage *stage = stage_begin(NULL);
    int64_t run = doubt(stage, "cut_after_commit", key);

    (void)state;
    stage_must(stage, stage_order_count(stage) == 1 && posts(stage) == 1);
    free(CTL(0, "show", number(run)));
    free(CTL(2, "settle", number(run), "--reason", "x"));
    free(CTL(2, "settle", number(run), "--happened"));
    first_order(stage, order);
    snprintf(reference, sizeof(reference), "{\"sales_order\":\"%s\"}", order);
    says(stage,
         CTL(0, "settle", number(run), "--happened", "--reference", reference,
             "--reason", "seen in SYSPRO"),
         "it happened");
    stage_no_faults(stage, SYSPRO);
    stage_rest(stage);
    stage_field(stage, key, "SYSPRO order", told);
    stage_must(stage, !strcmp(told, order));
    stage_must(stage, stage_order_count(stage) == 1 && posts(stage) == 1);
    says(stage, CTL(1, "settle", number(run), "--absent", "--reason", "x"),
         "nothing of the run is in doubt");
    stage_check(stage);
    stage_passed(stage);
}

static void test_settle_absent(void **state)
{
    char key[STAGE_TEXT_MAX], cause[40];
    struct stage *stage = stage_begin(NULL);
    int64_t run = doubt(stage, "cut_before_commit", key);

    (void)state;
    snprintf(cause, sizeof(cause), "doubt:%s", number(run));
    says(stage, CTL(0, "alerts"), cause);
    says(stage, CTL(1, "doctor"), "settle RUN");
    says(stage, CTL(1, "alerts", "ack", "nothing"), "no alert");
    free(CTL(2, "alerts", "ack"));
    says(stage, CTL(0, "alerts", "ack", cause), "1 acknowledged");
    says(stage, CTL(0, "alerts"), "uid:");
    says(stage,
         CTL(0, "settle", number(run), "--absent", "--reason", "not there"),
         "did not happen");
    stage_no_faults(stage, SYSPRO);
    stage_rest(stage);
    stage_must(stage, stage_order_count(stage) == 1 && posts(stage) == 2);
    free(CTL(0, "alerts", "ack", "--all"));
    stage_check(stage);
    stage_passed(stage);
}

/* ---- Replay and difference ----------------------------------------------- */

static void test_replay(void **state)
{
    char key[STAGE_TEXT_MAX], told[STAGE_TEXT_MAX];
    struct stage *stage = stage_begin(NULL);
    size_t runs, comments;
    int64_t run;

    (void)state;
    stage_deal(stage, "Again", "Bayside Tools Ltd", "A100; 3; 149.90", key);
    stage_win(stage, key);
    stage_until_number(stage, key, told);
    stage_rest(stage);
    run = stage_run_of(stage, key, "done");
    runs = stage_runs_in(stage, "done");
    comments = stage_comment_count(stage);
    says(stage, CTL(0, "replay", number(run), "--shadow"),
         "Nothing was stored");
    stage_must(stage, stage_runs_in(stage, "done") == runs);
    stage_must(stage, posts(stage) == 1);
    says(stage, CTL(0, "replay", number(run), "--reason", "to see"),
         "runs again as run");
    stage_rest(stage);
    stage_must(stage, stage_runs_in(stage, "done") == runs + 1);
    stage_must(stage, posts(stage) == 1 && stage_order_count(stage) == 1);
    stage_must(stage, stage_comment_count(stage) == comments);
    stage_check(stage);
    stage_passed(stage);
}

/* The flow file with another unit in it. */
static void change_flow(struct stage *stage)
{
    static const char path[] = "flows/won-deal-to-sales-order.json";
    char file[STAGE_PATH_MAX + 80];
    char *text, *at;

    snprintf(file, sizeof(file), "%s/%s", stage->directory, path);
    text = process_read_file(file, NULL);
    stage_must(stage, text && (at = strstr(text, "\"value\": \"EA\"")));
    memcpy(strstr(text, "\"value\": \"EA\""), "\"value\": \"BX\"", 13);
    stage_write(stage, path, text);
    free(text);
}

static void test_difference(void **state)
{
    char key[STAGE_TEXT_MAX];
    struct stage *stage = stage_begin(NULL);
    int64_t run = park(stage, "Other unit", "Z900; 3; 149.90", key);

    (void)state;
    says(stage, CTL(0, "diff", number(run)), "give the same");
    change_flow(stage);
    free(CTL(0, "reload"));
    says(stage, CTL(0, "diff", number(run)), "/lines/0/unit: EA");
    stage_must(stage, stage_order_count(stage) == 0 && posts(stage) == 1);
    stage_must(stage, stage_run_of(stage, key, "parked") == run);
    stage_check(stage);
    stage_passed(stage);
}

/* ---- At a terminal ------------------------------------------------------- */

/* Some containers have none. */
static bool has_terminals(void)
{
    int file = posix_openpt(O_RDWR | O_NOCTTY);

    if (file < 0)
        return false;
    close(file);
    return true;
}

/* connectctl at a terminal, where a person types this. */
static char *terminal(struct stage *stage, int code, const char *typed,
                      const char *command)
{
    char line[2 * STAGE_PATH_MAX];
    const char *arguments[] = {"/bin/sh", "-c", line, NULL};
    char *text = NULL;
    int found;

    setenv("CONNECT_SOCKET", stage->socket, 1);
    snprintf(line, sizeof(line), "echo %s | script -qec '%s %s' /dev/null",
             typed, CONNECT_BUILD_DIR "/core/ctl/connectctl", command);
    found = process_output(arguments, REACT_MS, &text);
    printf("%s: %d\n%s\n", line, found, text);
    if (found != code)
        stage_fail(stage, "%s: %d, not %d", line, found, code);
    return text;
}

/* The flow goes by another name: what would be different cannot be shown. */
static void rename_flow(struct stage *stage)
{
    static const char path[] = "flows/won-deal-to-sales-order.json";
    static const char name[] = "\"flow\": \"won-deal-to-sales-order\"";
    char file[STAGE_PATH_MAX + 80];
    char *text, *at;

    snprintf(file, sizeof(file), "%s/%s", stage->directory, path);
    text = process_read_file(file, NULL);
    at = text ? strstr(text, name) : NULL;
    stage_must(stage, at);
    memcpy(at + strlen(name) - 6, "ORDER", 5);
    stage_write(stage, path, text);
    free(text);
    free(CTL(0, "reload"));
}

static void test_retry_at_a_terminal(void **state)
{
    char key[STAGE_TEXT_MAX], command[40];
    struct stage *stage;
    int64_t run;
    char *text;

    (void)state;
    if (!has_terminals()) {
        printf("skipped: no terminal can be opened here (%s)\n",
               strerror(errno));
        skip();
    }
    stage = stage_begin(NULL);
    run = park(stage, "Shown first", "Z900; 3; 149.90", key);
    snprintf(command, sizeof(command), "retry %s", number(run));
    text = terminal(stage, 1, "n", command);
    stage_must(stage, strstr(text, "give the same"));
    says(stage, text, "Retry as it is now?");
    says(stage, terminal(stage, 1, "y", "retry 999"), "no run 999");
    rename_flow(stage);
    text = terminal(stage, 1, "n", command);
    stage_must(stage, strstr(text, "its flow is not among those of today"));
    stage_must(stage, strstr(text, "cannot be shown"));
    says(stage, text, "nothing was changed");
    stage_must(stage, stage_run_of(stage, key, "parked") == run);
    says(stage, terminal(stage, 0, "y", command), "run");
    stage_rest(stage);
    stage_must(stage, stage_order_count(stage) == 0);
    stage_check(stage);
    stage_passed(stage);
}

/* ---- The history followed ------------------------------------------------ */

static size_t lines_in(const char *file)
{
    char *text = process_read_file(file, NULL);
    size_t count = 0;

    for (char *line = text; line && (line = strchr(line, '\n')); line++)
        count++;
    free(text);
    return count;
}

static bool is_longer(struct stage *stage, void *arg)
{
    char log[STAGE_PATH_MAX + 20];

    snprintf(log, sizeof(log), "%s/tail.log", stage->directory);
    return lines_in(log) > *(size_t *)arg;
}

/* The last lines of one run, not those of it among the last lines of all. */
static void test_tail_of_one_run(void **state)
{
    const char *tail[] = {CONNECT_BUILD_DIR "/core/ctl/connectctl",
                          "tail",
                          "--run",
                          NULL,
                          "--lines",
                          "2",
                          NULL};
    char key[STAGE_TEXT_MAX], told[STAGE_TEXT_MAX], other[STAGE_TEXT_MAX];
    char log[STAGE_PATH_MAX + 20], run[24];
    struct process following = {0};
    struct stage *stage = stage_begin(NULL);
    int64_t first = park(stage, "First", "Z900; 3; 149.90", key);
    size_t count = 1;
    char *text;

    (void)state;
    stage_deal(stage, "Later", "Bayside Tools Ltd", "A100; 3; 149.90", other);
    stage_win(stage, other);
    stage_until_number(stage, other, told);
    stage_rest(stage);
    snprintf(log, sizeof(log), "%s/tail.log", stage->directory);
    snprintf(run, sizeof(run), "%s", number(first));
    tail[3] = run;
    setenv("CONNECT_SOCKET", stage->socket, 1);
    stage_must(stage, !process_start(&following, log, tail));
    stage_until(stage, REACT_MS, "two lines", is_longer, &count);
    count = lines_in(log);
    free(CTL(0, "discard", run, "--reason", "never sold"));
    stage_until(stage, REACT_MS, "the line of the discard", is_longer, &count);
    process_end(&following);
    text = process_read_file(log, NULL);
    printf("%s\n", text);
    stage_must(stage, count == 2 && strstr(text, "run.parked"));
    stage_must(stage, !strstr(text, "run.done"));
    free(text);
    stage_passed(stage);
}

/* ---- All of one reason --------------------------------------------------- */

/* There is one line of JSON, with this member; text is taken. */
static void one_document(struct stage *stage, char *text, const char *member,
                         bool truth)
{
    char *begin = strchr(text, '{');
    char *end = begin ? strchr(begin, '\n') : NULL;
    cJSON *told = begin ? cJSON_Parse(begin) : NULL;
    const cJSON *found = cJSON_GetObjectItem(told, member);

    stage_must(stage, told && end && !strchr(end, '{'));
    stage_must(stage, found && (!truth || cJSON_IsTrue(found)));
    cJSON_Delete(told);
    free(text);
}

static void test_all_of_one_reason(void **state)
{
    static const char *const lines[] = {"Z900; 3; 149.90", "Z900; 1; 10.00",
                                        "Z901; 1; 10.00"};
    char key[STAGE_TEXT_MAX];
    struct stage *stage = stage_begin(NULL);

    (void)state;
    for (size_t at = 0; at < 3; at++)
        park(stage, "Many", lines[at], key);
    says(stage, CTL(0, "reasons"), "rejected");
    stage_tell(stage, SYSPRO, "/_sim/items",
               "{\"stock_code\":\"Z900\",\"price\":\"149.90\",\"stock\":"
               "[{\"warehouse\":\"FG\",\"on_hand\":\"500\"}]}");
    free(CTL(2, "retry"));
    free(CTL(2, "retry", "1", "--all"));
    says(stage, CTL(1, "retry", "--all", "--contains", "Z900"), "--yes");
    stage_must(stage, stage_runs_in(stage, "parked") == 3);
    /* One document: the count when nothing was done, else what was done. */
    one_document(stage, CTL(1, "retry", "--all", "--json"), "dry", true);
    one_document(stage, CTL(0, "retry", "--all", "--key", "x", "--json"), "dry",
                 true);
    says(stage,
         CTL(0, "retry", "--all", "--code", "rejected", "--contains", "Z900",
             "--yes"),
         "2 done");
    stage_rest(stage);
    stage_must(stage, stage_order_count(stage) == 2);
    one_document(stage,
                 CTL(0, "discard", "--all", "--contains", "Z901", "--reason",
                     "never sold", "--yes", "--json"),
                 "applied", false);
    /* A second event of that deal may have stood behind it. */
    stage_rest(stage);
    free(CTL(0, "discard", "--all", "--contains", "Z901", "--reason",
             "never sold", "--yes"));
    says(stage, CTL(0, "retry", "--all", "--yes"), "No runs");
    says(stage, CTL(0, "parked"), "Nothing waits");
    stage_check(stage);
    stage_passed(stage);
}

/* ---- Quarantine ---------------------------------------------------------- */

static void test_quarantine(void **state)
{
    struct stage *stage = stage_begin(NULL);
    struct stage_webhook webhook = {.body = "[{\"name\":\"CANARY\"}]"};
    struct web_answer answer = stage_send(stage, &webhook);
    const char *first;
    cJSON *told;
    char *text;

    (void)state;
    stage_must(stage, answer.status == 200);
    web_answer_end(&answer);
    told = stage_get(stage, ADMIN, "/v1/quarantine");
    first = number((int64_t)cJSON_GetNumberValue(cJSON_GetObjectItem(
        cJSON_GetArrayItem(cJSON_GetObjectItem(told, "quarantine"), 0),
        "number")));
    cJSON_Delete(told);
    text = CTL(0, "quarantine");
    stage_must(stage, !strstr(text, "CANARY"));
    says(stage, text, "***");
    says(stage, CTL(0, "quarantine", "--unmasked"), "CANARY");
    /* Its plugin takes it without the token, which is not kept. */
    says(stage, CTL(1, "quarantine", "replay", first), "still cannot be used");
    says(stage, CTL(1, "quarantine", "replay", "999"), "no number 999");
    free(CTL(2, "quarantine", "discard", first));
    says(stage, CTL(0, "quarantine", "discard", first, "--reason", "a test"),
         "given up");
    says(stage, CTL(0, "quarantine"), "Nothing is in quarantine");
    stage_passed(stage);
}

/* ---- Wrong use ----------------------------------------------------------- */

/* Also what only the daemon knows to be wrong; each says what. */
static void test_wrong_use(void **state)
{
    struct stage *stage = stage_begin(NULL);

    (void)state;
    says(stage, CTL(2, "nothing"), "there is no command nothing");
    says(stage, CTL(2, "show"), "show takes RUN");
    says(stage, CTL(2, "show", "x"), "x is no number");
    says(stage, CTL(2, "show", "1", "--lines", "3"), "not take --lines");
    says(stage, CTL(2, "runs", "--code"), "connectctl: option '--code'");
    says(stage, CTL(2, "runs", "--limit", "x"), "limit must be a number");
    says(stage, CTL(2, "runs", "--state", "x"), "state must be of queued");
    says(stage, CTL(2, "parked", "--state", "done"), "held, parked");
    says(stage, CTL(2, "retry", "--all", "--state", "done", "--yes"),
         "/where/state");
    says(stage,
         CTL(2, "settle", "1", "--absent", "--reference", "1", "--reason", "x"),
         "reference belongs to what happened");
    says(stage, CTL(1, "show", "999"), "no run 999");
    says(stage, CTL(3, "status", "--socket", "/nowhere"), "no daemon answers");
    stage_passed(stage);
}

/* ---- Backup and restore -------------------------------------------------- */

static char *win(struct stage *stage, const char *name)
{
    char key[STAGE_TEXT_MAX], told[STAGE_TEXT_MAX];

    stage_deal(stage, name, "Bayside Tools Ltd", "A100; 3; 149.90", key);
    stage_win(stage, key);
    stage_until_number(stage, key, told);
    stage_rest(stage);
    return strdup(key);
}

static void restore(struct stage *stage, const char *copy)
{
    char config[STAGE_PATH_MAX + 80];
    const char *arguments[] = {CONNECT_BUILD_DIR "/core/connectd", "--restore",
                               copy, config, NULL};
    char *text = NULL;
    int code;

    snprintf(config, sizeof(config), "%s/connect.json", stage->directory);
    code = process_output(arguments, REACT_MS, &text);
    printf("connectd --restore: %d\n%s\n", code, text);
    stage_must(stage, code == 0);
    free(text);
}

static void test_backup_and_restore(void **state)
{
    char copy[STAGE_PATH_MAX + 20], told[STAGE_TEXT_MAX];
    struct stage *stage = stage_begin(NULL);
    char *keys[3], *after;

    (void)state;
    snprintf(copy, sizeof(copy), "%s/copy", stage->directory);
    keys[0] = win(stage, "Before one");
    keys[1] = win(stage, "Before two");
    says(stage, CTL(0, "backup", copy), "checked");
    free(CTL(1, "backup", copy)); /* it is there already */
    keys[2] = win(stage, "After");
    after = strdup(keys[2]);
    stage_must(stage, stage_order_count(stage) == 3);
    stage_stop(stage);
    restore(stage, copy);
    stage_restored(stage);
    stage_start(stage);
    /* The sender sends again what the backup does not know, and what it does.
     */
    stage_must(stage,
               stage_send_boxes(stage, (const char *const *)keys, 3) == 200);
    stage_rest(stage);
    stage_must(stage, stage_order_count(stage) == 3);
    stage_must(stage, posts(stage) == 3);
    stage_field(stage, after, "SYSPRO order", told);
    stage_must(stage, told[0]);
    stage_check(stage);
    for (size_t at = 0; at < 3; at++)
        free(keys[at]);
    free(after);
    stage_passed(stage);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(test_edit),
        stage_test(test_settle_happened),
        stage_test(test_settle_absent),
        stage_test(test_replay),
        stage_test(test_difference),
        stage_test(test_all_of_one_reason),
        stage_test(test_quarantine),
        stage_test(test_backup_and_restore),
        stage_test(test_retry_at_a_terminal),
        stage_test(test_tail_of_one_run),
        stage_test(test_wrong_use),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
