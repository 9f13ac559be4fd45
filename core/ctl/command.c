/* command.c - the commands of connectctl: one table, one function each.
 *
 * One idea: a command is a question to the admin API and a way to print the
 * answer; with --json the answer itself is printed.  Nothing here decides what
 * may be done: the daemon does.  One thread. */
#include "ctl/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <connect/json.h>

#include "ctl/acts.h"
#include "ctl/ask.h"
#include "ctl/doctor.h"
#include "ctl/edit.h"
#include "ctl/moment.h"
#include "ctl/preview.h"
#include "ctl/print.h"
#include "ctl/show.h"
#include "ctl/tail.h"

enum { BACKUP_LOOK_MS = 200 }; /* between two looks at a backup */

/* ---- Looking ------------------------------------------------------------- */

static void add_page(char *path, const struct command_options *options)
{
    ask_add(path, "limit", options->limit);
    ask_add(path, "before", options->before);
}

static int run_status(struct command_context *context)
{
    return ask_get(context, "/v1/status", print_status);
}

static int run_plugins(struct command_context *context)
{
    return ask_get(context, "/v1/plugins", print_plugins);
}

static int run_flows(struct command_context *context)
{
    return ask_get(context, "/v1/flows", print_flows);
}

static int run_runs(struct command_context *context)
{
    char path[ASK_PATH_MAX] = "/v1/runs";

    acts_add_filter(path, context->options);
    add_page(path, context->options);
    return ask_get(context, path, print_runs);
}

static int run_parked(struct command_context *context)
{
    char path[ASK_PATH_MAX] = "/v1/parked";

    acts_add_filter(path, context->options);
    add_page(path, context->options);
    return ask_get(context, path, print_parked);
}

static int run_show(struct command_context *context)
{
    char path[ASK_PATH_MAX];
    cJSON *answer = NULL;
    uint64_t run;
    int code;

    if (!ask_run_number(context->arguments[0], &run))
        return EXIT_USAGE;
    snprintf(path, sizeof(path), "/v1/runs/%" PRIu64, run);
    if (context->options->given & OPTION_UNMASKED)
        ask_add(path, "unmasked", "1");
    code = ask(context, "GET", path, NULL, NULL, &answer);
    if (code == EXIT_DONE && !context->options->json)
        show_print(&context->out, answer,
                   (context->options->given & OPTION_FULL) != 0);
    cJSON_Delete(answer);
    return code;
}

/* ---- Lists that can be acted on -------------------------------------------
 */

static bool is_word(const struct command_context *context, const char *word)
{
    return context->count > 0 && !strcmp(context->arguments[0], word);
}

static int wrong_words(const char *words)
{
    fprintf(stderr, "connectctl: it takes %s\n", words);
    return EXIT_USAGE;
}

static void print_acknowledged(const struct text_out *out, const cJSON *answer)
{
    fprintf(out->file, "%" PRId64 " acknowledged\n",
            print_number(answer, "acknowledged"));
}

static int run_alerts(struct command_context *context)
{
    bool all = (context->options->given & OPTION_ALL) != 0;
    cJSON *body;

    if (!context->count && !all)
        return ask_get(context, "/v1/alerts", print_alerts);
    if (!is_word(context, "ack") || (context->count == 2) == all)
        return wrong_words("ack CAUSE, or ack --all");
    body = cJSON_CreateObject();
    if (all)
        cJSON_AddTrueToObject(body, "all");
    else if (cn_json_put_text(body, "cause", context->arguments[1])) {
        cJSON_Delete(body);
        return wrong_words("a cause in UTF-8");
    }
    return ask_post(context, "/v1/alerts/acknowledge", body, print_acknowledged,
                    NULL);
}

static void print_quarantine_end(const struct text_out *out,
                                 const cJSON *answer)
{
    if (!strcmp(print_member(answer, "act"), "discard"))
        fprintf(out->file, "%" PRId64 " is given up\n",
                print_number(answer, "number"));
    else
        fprintf(out->file,
                "%" PRId64 " was taken: %" PRId64 " new events, %" PRId64
                " known already\n",
                print_number(answer, "number"),
                print_number(answer, "accepted"),
                print_number(answer, "duplicates"));
}

static int quarantine_act(struct command_context *context)
{
    bool discard = is_word(context, "discard");
    int code = EXIT_DONE;

    if (!discard && !is_word(context, "replay"))
        return wrong_words("replay NUMBER... or discard NUMBER... --reason");
    if (context->count < 2 || (discard && !context->options->reason))
        return wrong_words(discard ? "discard NUMBER... --reason TEXT"
                                   : "replay NUMBER...");
    for (int index = 1; index < context->count; index++) {
        cJSON *body = cJSON_CreateObject();
        char path[ASK_PATH_MAX];
        uint64_t number;
        int one;
        if (!ask_run_number(context->arguments[index], &number) ||
            (discard &&
             cn_json_put_text(body, "reason", context->options->reason))) {
            cJSON_Delete(body);
            return EXIT_USAGE;
        }
        snprintf(path, sizeof(path), "/v1/quarantine/%" PRIu64 "/%s", number,
                 context->arguments[0]);
        one = ask_post(context, path, body, print_quarantine_end, NULL);
        if (one == EXIT_NO_DAEMON)
            return one;
        code = one ? one : code;
    }
    return code;
}

static int run_quarantine(struct command_context *context)
{
    char path[ASK_PATH_MAX] = "/v1/quarantine";

    if (context->count)
        return quarantine_act(context);
    if (context->options->given & OPTION_UNMASKED)
        ask_add(path, "unmasked", "1");
    ask_add(path, "instance", context->options->instance);
    add_page(path, context->options);
    return ask_get(context, path, print_quarantine);
}

static int run_reasons(struct command_context *context)
{
    return ask_get(context, "/v1/reasons", print_reasons);
}

/* ---- Backup -------------------------------------------------------------- */

static int backup_wait(struct command_context *context, cJSON *answer)
{
    const struct timespec pause = {.tv_nsec = BACKUP_LOOK_MS * 1000L * 1000L};
    int code = EXIT_DONE;

    while (code == EXIT_DONE &&
           !strcmp(print_member(answer, "state"), "running")) {
        struct error err = {""};
        nanosleep(&pause, NULL);
        cJSON_Delete(answer);
        answer = NULL;
        code = ask_exit_code(client_ask(context->client, "GET", "/v1/backup",
                                        NULL, &answer, &err),
                             &err);
    }
    if (code == EXIT_DONE && context->options->json) {
        ask_print_raw(context);
    } else if (code == EXIT_DONE &&
               !strcmp(print_member(answer, "state"), "done")) {
        text_print_cell(&context->out, TEXT_BOLD,
                        print_member(answer, "directory"), 0, false);
        fprintf(context->out.file,
                ": %.1f MiB, checked. To put it in place: stop connectd, "
                "connectd --restore DIRECTORY CONFIG, start it.\n",
                (double)print_number(answer, "bytes") / 1024 / 1024);
    }
    if (code == EXIT_DONE && strcmp(print_member(answer, "state"), "done")) {
        struct error err;
        error_set(&err, "the backup failed: %s (see: connectctl backup --help)",
                  print_member(answer, "error"));
        code = ask_exit_code(-EIO, &err);
    }
    cJSON_Delete(answer);
    return code;
}

static int run_backup(struct command_context *context)
{
    const char *name = context->arguments[0];
    char here[ASK_PATH_MAX], path[2 * ASK_PATH_MAX];
    struct error err = {""};
    cJSON *body = cJSON_CreateObject(), *answer = NULL;
    char *text;
    int status;

    if (name[0] == '/' || !getcwd(here, sizeof(here)))
        here[0] = '\0';
    snprintf(path, sizeof(path), "%s%s%s", here, *here ? "/" : "", name);
    if (cn_json_put_text(body, "directory", path)) {
        cJSON_Delete(body);
        return wrong_words("a directory whose name is UTF-8");
    }
    text = cn_json_print(body);
    cJSON_Delete(body);
    status =
        client_ask(context->client, "POST", "/v1/backup", text, &answer, &err);
    free(text);
    if (!status)
        return backup_wait(context, answer);
    cJSON_Delete(answer);
    return ask_exit_code(status, &err);
}

/* ---- The daemon ---------------------------------------------------------- */

static void print_reloaded(const struct text_out *out, const cJSON *answer)
{
    const char *note = print_member(answer, "note");

    text_print(out, TEXT_PLAIN, "configuration reloaded\n");
    if (*note)
        text_print_wrapped(out, TEXT_YELLOW, note, 0, 0);
}

static int run_reload(struct command_context *context)
{
    return ask(context, "POST", "/v1/reload", "{}", print_reloaded, NULL);
}

static void print_clock(const struct text_out *out, const cJSON *answer)
{
    char text[MOMENT_MAX];

    moment_absolute(print_number(answer, "now_ms"), text);
    fprintf(out->file, "%s\n", text);
}

static int run_test_clock(struct command_context *context)
{
    char body[64];
    uint64_t advance_ms;

    if (strcmp(context->arguments[0], "0") != 0 &&
        !ask_run_number(context->arguments[0], &advance_ms))
        return EXIT_USAGE;
    snprintf(body, sizeof(body), "{\"advance_ms\":%.20s}",
             context->arguments[0]);
    return ask(context, "POST", "/v1/test/clock", body, print_clock, NULL);
}

/* ---- Check --------------------------------------------------------------- */

/* A check that was refused because there is none is no failure. */
static int check_instance(struct command_context *context, const char *name)
{
    char path[ASK_PATH_MAX];
    struct error err = {""};
    cJSON *answer = NULL;
    const char *text = err.text;
    bool ok, none;
    int status;

    snprintf(path, sizeof(path), "/v1/check/%.200s", name);
    status = client_ask(context->client, "POST", path, "{}", &answer, &err);
    ok = !status && cJSON_IsTrue(cn_json_member(answer, "ok"));
    none = status &&
           !strcmp(cn_json_text_at(answer, "/error/code", ""), "no_check");
    if (context->options->json && answer) {
        ask_print_raw(context);
    } else if (status != -ECONNREFUSED) {
        if (!status)
            text = *print_member(answer, "message")
                       ? print_member(answer, "message")
                       : print_member(answer, "status");
        text_print_cell(&context->out, TEXT_BOLD, name, 16, true);
        text_print(&context->out,
                   ok     ? TEXT_GREEN
                   : none ? TEXT_DIM
                          : TEXT_RED,
                   ok     ? "ok      "
                   : none ? "-       "
                          : "failed  ");
        text_print_wrapped(&context->out, TEXT_PLAIN, text, 24, 0);
    }
    cJSON_Delete(answer);
    if (status == -ECONNREFUSED)
        return ask_exit_code(status, &err);
    return ok || none ? EXIT_DONE : EXIT_FAILED;
}

static int run_check(struct command_context *context)
{
    struct error err = {""};
    cJSON *answer = NULL;
    int status, code = EXIT_DONE;

    if (context->count && context->options->json) {
        fprintf(stderr, "connectctl: check FILE prints no JSON; doctor "
                        "--config FILE --json does\n");
        return EXIT_USAGE;
    }
    if (context->count)
        return ask_connectd("--check", NULL, context->arguments[0]);
    status =
        client_ask(context->client, "GET", "/v1/plugins", NULL, &answer, &err);
    code = ask_exit_code(status, &err);
    CN_JSON_EACH(item, cn_json_member(answer, "plugins"))
    {
        int one = check_instance(context, print_member(item, "name"));
        if (one)
            code = one;
        if (one == EXIT_NO_DAEMON)
            break;
    }
    cJSON_Delete(answer);
    return code;
}

/* ---- The table ----------------------------------------------------------- */

#define STATE_HELP                                                             \
    "  --state STATE[,...]  only these: queued, ready, active, waiting, "      \
    "held,\n"                                                                  \
    "                       parked, done, discarded\n"

#define FILTER_HELP                                                            \
    "  --flow NAME          only of this flow\n"                               \
    "  --code CODE          only with this code (see connectctl reasons)\n"    \
    "  --contains TEXT      only with this in the reason\n"                    \
    "  --instance NAME      only what waits for, came from or goes to it\n"    \
    "  --type TYPE          only of this kind of event\n"                      \
    "  --key KEY            only about this, as a deal; the whole key\n"

#define WAITS_HELP "  --state STATE        only these: parked or held\n"

#define PAGE_HELP                                                              \
    "  --limit COUNT        at most so many (50; up to 1000)\n"                \
    "  --before RUN         older than this run\n"

#define ALL_HELP                                                               \
    "  --all                all that are as the options below say; they are\n" \
    "                       counted first, and you are asked\n"                \
    "  --yes                do not ask\n" WAITS_HELP FILTER_HELP

enum {
    OPTION_PAGE = OPTION_LIMIT | OPTION_BEFORE,
    OPTION_MANY = OPTION_ALL | OPTION_YES | ACTS_FILTER
};

static const struct command commands[] = {
    {"status", "", "how the daemon is, what runs, what rests", NULL, 0, 0, 0,
     false, run_status},
    {"doctor", "", "everything that can be looked at, and what to do about it",
     "  --config FILE        without a daemon: what can be looked at in FILE "
     "and\n"
     "                       on this machine\n",
     OPTION_CONFIG, 0, 0, false, doctor_command},
    {"plugins", "", "instances, their plugins and states", NULL, 0, 0, 0, false,
     run_plugins},
    {"flows", "", "flows and their steps", NULL, 0, 0, 0, false, run_flows},
    {"runs", "", "runs, newest first", STATE_HELP FILTER_HELP PAGE_HELP,
     ACTS_FILTER | OPTION_PAGE, 0, 0, false, run_runs},
    {"show", "RUN", "what happened to a run, step by step",
     "  --unmasked           show personal data; this is recorded\n"
     "  --full               show payloads and history whole\n",
     OPTION_UNMASKED | OPTION_FULL, 1, 1, false, run_show},
    {"parked", "", "what waits for a person, and what to do about it",
     WAITS_HELP FILTER_HELP PAGE_HELP, ACTS_FILTER | OPTION_PAGE, 0, 0, false,
     run_parked},
    {"reasons", "", "why runs wait for a person, grouped", NULL, 0, 0, 0, false,
     run_reasons},
    {"retry", "[RUN...]", "try parked or held runs again",
     "A run begins anew, with what the source says now, unless something of "
     "it\n"
     "has happened already or may have; then it goes on where it stood.  What\n"
     "is in doubt is asked for first and never simply repeated.  At a "
     "terminal,\n"
     "with one run, what would be different now is shown first, and you are "
     "asked.\n\n"
     "  --as-was             go on where it stood in any case\n"
     "  --unmasked           the difference with personal data; "
     "recorded\n" ALL_HELP,
     OPTION_AS_WAS | OPTION_UNMASKED | OPTION_MANY, 0, 1000, false, acts_retry},
    {"diff", "RUN", "what today's flow would do differently with a run",
     "The stored record goes through the flow it began with and through "
     "today's;\n"
     "nothing is stored or delivered.\n\n"
     "  --unmasked           compare personal data too; this is recorded\n",
     OPTION_UNMASKED, 1, 1, false, preview_diff_command},
    {"edit", "RUN", "correct the record of a parked or held run",
     "Opens what waits in $VISUAL or $EDITOR, unmasked, which is recorded; "
     "shows\n"
     "the difference and asks before it is stored.  What was delivered or is "
     "in\n"
     "doubt cannot be edited.\n\n"
     "  --reason TEXT        why (required); the history keeps its hash\n"
     "  --step STEP          the delivery of this step; trigger: the record "
     "the run\n"
     "                       began with (else the one that was refused); "
     "the run begins\n"
     "                       anew with it\n"
     "  --file FILE          take FILE (-: standard input), open no editor\n"
     "  --yes                do not ask\n",
     OPTION_REASON | OPTION_STEP | OPTION_FILE | OPTION_YES, 1, 1, false,
     edit_command},
    {"settle", "RUN", "say whether a delivery in doubt happened",
     "Where the other system cannot be asked, or does not know: look there "
     "first.\n\n"
     "  --happened           it took effect: it is not sent again\n"
     "  --reference TEXT     what the other system calls it (text or a JSON "
     "object)\n"
     "  --absent             it did not take effect: it is sent (again)\n"
     "  --reason TEXT        how you know (required); the history keeps its "
     "hash\n",
     OPTION_HAPPENED | OPTION_ABSENT | OPTION_REFERENCE | OPTION_REASON, 1, 1,
     false, acts_settle},
    {"replay", "RUN", "a stored record through today's flow again",
     "As a new run.  What was delivered already for the same thing is not\n"
     "delivered again.\n\n"
     "  --shadow             only show what it would do: ask, check, deliver\n"
     "                       nothing\n"
     "  --unmasked           in shadow: show personal data; this is recorded\n"
     "  --reason TEXT        why; the history keeps its hash\n",
     OPTION_SHADOW | OPTION_UNMASKED | OPTION_REASON, 1, 1, false, acts_replay},
    {"release", "[RUN...]", "try held runs now", ALL_HELP, OPTION_MANY, 0, 1000,
     false, acts_release},
    {"discard", "[RUN...]", "give runs up, so that others may go on",
     "  --reason TEXT        why; kept with the run (required)\n" ALL_HELP,
     OPTION_REASON | OPTION_MANY, 0, 1000, false, acts_discard},
    {"tail", "", "what happens, as it happens",
     "  --run RUN            only this run\n"
     "  --lines COUNT        begin with so many past entries (10), of that "
     "run\n",
     OPTION_RUN | OPTION_LINES, 0, 0, false, tail_command},
    {"alerts", "[ack CAUSE]", "what the daemon wants people to know",
     "ack CAUSE says that you know; it stays in the list until its cause is "
     "gone.\n\n"
     "  --all                with ack: all of them\n",
     OPTION_ALL, 0, 2, false, run_alerts},
    {"quarantine", "[ACT NUMBER...]", "what arrived and could not be used",
     "ACT replay hands it to its plugin again, as if it had come again; "
     "discard "
     "gives\n"
     "it up.\n\n"
     "  --unmasked           show the contents; this is recorded\n"
     "  --instance NAME      only of this instance\n"
     "  --reason TEXT        of discard, required\n"
     "  --limit COUNT        at most so many (20)\n"
     "  --before NUMBER      older than this one\n",
     OPTION_UNMASKED | OPTION_INSTANCE | OPTION_REASON | OPTION_PAGE, 0, 1000,
     false, run_quarantine},
    {"check", "[FILE]", "try every instance's connection, or look at a file",
     "Without FILE each instance tries its credentials and connection.  With\n"
     "FILE that configuration is looked at with its plugins and flows, as by\n"
     "connectd --check; no daemon is needed.\n",
     0, 0, 1, false, run_check},
    {"backup", "DIRECTORY", "copy what is stored, while everything goes on",
     "DIRECTORY must not exist; the daemon's user makes it, so its parent "
     "must be\n"
     "that user's to write.  What is in it is all that a restore needs; keep\n"
     "it as safe as the data directory.  To restore: stop connectd, then\n"
     "connectd --restore DIRECTORY CONFIG.\n",
     0, 1, 1, false, run_backup},
    {"reload", "", "read configuration and flows again", NULL, 0, 0, 0, false,
     run_reload},
    {"test-clock", "MS", "step the clock of a daemon built for tests", NULL, 0,
     1, 1, true, run_test_clock},
};

const struct command *command_at(size_t index)
{
    return index < sizeof(commands) / sizeof(*commands) ? &commands[index]
                                                        : NULL;
}

const struct command *command_find(const char *name)
{
    const struct command *command;

    for (size_t index = 0; (command = command_at(index)); index++)
        if (!strcmp(command->name, name))
            return command;
    return NULL;
}
