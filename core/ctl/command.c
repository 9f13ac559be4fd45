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

#include <connect/json.h>

#include "ctl/ask.h"
#include "ctl/doctor.h"
#include "ctl/moment.h"
#include "ctl/print.h"
#include "ctl/show.h"
#include "ctl/tail.h"

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

    ask_add(path, "state", context->options->state);
    ask_add(path, "flow", context->options->flow);
    add_page(path, context->options);
    return ask_get(context, path, print_runs);
}

static int run_parked(struct command_context *context)
{
    char path[ASK_PATH_MAX] = "/v1/parked";

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

static int run_alerts(struct command_context *context)
{
    return ask_get(context, "/v1/alerts", print_alerts);
}

static int run_quarantine(struct command_context *context)
{
    char path[ASK_PATH_MAX] = "/v1/quarantine";

    if (context->options->given & OPTION_UNMASKED)
        ask_add(path, "unmasked", "1");
    add_page(path, context->options);
    return ask_get(context, path, print_quarantine);
}

/* ---- Acts ---------------------------------------------------------------- */

static int act(struct command_context *context, const char *run_text,
               const char *verb, const char *body)
{
    char path[ASK_PATH_MAX];
    cJSON *answer = NULL;
    uint64_t run;
    int code;

    if (!ask_run_number(run_text, &run))
        return EXIT_USAGE;
    snprintf(path, sizeof(path), "/v1/runs/%" PRIu64 "/%s", run, verb);
    code = ask(context, "POST", path, body, NULL, &answer);
    if (code == EXIT_DONE && !context->options->json) {
        const char *did = print_member(answer, "act");
        const char *text = "goes on where it stood";
        if (!strcmp(did, "restart"))
            text = "begins anew";
        else if (!strcmp(did, "release"))
            text = "is released";
        else if (!strcmp(did, "discard"))
            text = "is discarded";
        fprintf(context->out.file, "run %" PRIu64 " %s\n", run, text);
    }
    cJSON_Delete(answer);
    return code;
}

static int run_retry(struct command_context *context)
{
    bool as_was = (context->options->given & OPTION_AS_WAS) != 0;
    int code = EXIT_DONE;

    for (int index = 0; index < context->count; index++) {
        int one = act(context, context->arguments[index], "retry",
                      as_was ? "{\"as_was\":true}" : "{}");
        if (one == EXIT_NO_DAEMON || one == EXIT_USAGE)
            return one;
        if (one)
            code = one;
    }
    return code;
}

static int run_release(struct command_context *context)
{
    return act(context, context->arguments[0], "release", "{}");
}

static int run_discard(struct command_context *context)
{
    cJSON *body = cJSON_CreateObject();
    char *text;
    int code;

    if (!context->options->reason) {
        fprintf(stderr, "connectctl: discard needs --reason TEXT: it is kept "
                        "with the run\n");
        cJSON_Delete(body);
        return EXIT_USAGE;
    }
    if (cn_json_put_text(body, "reason", context->options->reason)) {
        fprintf(stderr, "connectctl: the reason must be UTF-8\n");
        cJSON_Delete(body);
        return EXIT_USAGE;
    }
    text = cn_json_print(body);
    code = act(context, context->arguments[0], "discard", text);
    free(text);
    cJSON_Delete(body);
    return code;
}

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

    if (context->count)
        return ask_connectd("--check", context->arguments[0]);
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

static const struct command commands[] = {
    {"status", "", "how the daemon is, what runs, what rests", NULL, 0, 0, 0,
     false, run_status},
    {"plugins", "", "instances, their plugins and states", NULL, 0, 0, 0, false,
     run_plugins},
    {"flows", "", "flows and their steps", NULL, 0, 0, 0, false, run_flows},
    {"runs", "", "runs, newest first",
     "  --state STATE[,...]  only these: queued, ready, active, waiting, "
     "held,\n"
     "                       parked, done, discarded\n"
     "  --flow NAME          only of this flow\n"
     "  --limit COUNT        at most so many (50; up to 1000)\n"
     "  --before RUN         older than this run\n",
     OPTION_STATE | OPTION_FLOW | OPTION_LIMIT | OPTION_BEFORE, 0, 0, false,
     run_runs},
    {"show", "RUN", "what happened to a run, step by step",
     "  --unmasked           show personal data; this is recorded\n"
     "  --full               show payloads and history whole\n",
     OPTION_UNMASKED | OPTION_FULL, 1, 1, false, run_show},
    {"parked", "", "what waits for a person, and what to do about it",
     "  --limit COUNT        at most so many (50; up to 1000)\n"
     "  --before RUN         older than this run\n",
     OPTION_LIMIT | OPTION_BEFORE, 0, 0, false, run_parked},
    {"retry", "RUN...", "try parked or held runs again",
     "A run begins anew, with what the source says now, unless something of "
     "it\n"
     "has happened already or may have; then it goes on where it stood.  What\n"
     "is in doubt is asked for first and never simply repeated.\n\n"
     "  --as-was             go on where it stood in any case\n",
     OPTION_AS_WAS, 1, 1000, false, run_retry},
    {"release", "RUN", "try a held run now", NULL, 0, 1, 1, false, run_release},
    {"discard", "RUN", "give a run up, so that others may go on",
     "  --reason TEXT        why; kept with the run (required)\n",
     OPTION_REASON, 1, 1, false, run_discard},
    {"tail", "", "what happens, as it happens",
     "  --run RUN            only this run\n"
     "  --lines COUNT        begin with so many past entries (10)\n",
     OPTION_RUN | OPTION_LINES, 0, 0, false, tail_command},
    {"alerts", "", "what the daemon wants people to know", NULL, 0, 0, 0, false,
     run_alerts},
    {"quarantine", "", "what arrived and could not be used",
     "  --unmasked           show the contents; this is recorded\n"
     "  --limit COUNT        at most so many (20)\n"
     "  --before NUMBER      older than this one\n",
     OPTION_UNMASKED | OPTION_LIMIT | OPTION_BEFORE, 0, 0, false,
     run_quarantine},
    {"check", "[FILE]", "try every instance's connection, or look at a file",
     "Without FILE each instance tries its credentials and connection.  With\n"
     "FILE that configuration is looked at with its plugins and flows, as by\n"
     "connectd --check; no daemon is needed.\n",
     0, 0, 1, false, run_check},
    {"doctor", "", "everything that can be looked at, and what to do about it",
     "  --config FILE        without a daemon: what can be looked at in FILE "
     "and\n"
     "                       on this machine\n",
     OPTION_CONFIG, 0, 0, false, doctor_command},
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
