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
#include <unistd.h>

#include <connect/json.h>

#include "ctl/moment.h"
#include "ctl/print.h"
#include "ctl/show.h"
#include "ctl/tail.h"

enum { PATH_BYTES_MAX = 1024 };

/* ---- Asking -------------------------------------------------------------- */

static int exit_code(int status, const struct error *err)
{
    struct buf buf;

    if (!status)
        return EXIT_DONE;
    buf_init(&buf, TEXT_BYTES_MAX);
    text_escape(&buf, err->text, strlen(err->text));
    fprintf(stderr, "connectctl: %s\n", buf.len ? buf.data : "failed");
    buf_done(&buf);
    return status == -ECONNREFUSED ? EXIT_NO_DAEMON : EXIT_FAILED;
}

/* The answer as it came; still the same JSON, yet harmless on a terminal. */
static void print_raw(struct command_context *context)
{
    struct buf buf;
    size_t len;
    const char *text = client_text(context->client, &len);

    buf_init(&buf, TEXT_BYTES_MAX);
    text_escape_json(&buf, text, len);
    if (buf.len)
        fwrite(buf.data, 1, buf.len, context->out.file);
    if (!buf.len || buf.data[buf.len - 1] != '\n')
        fputc('\n', context->out.file);
    buf_done(&buf);
}

typedef void print_fn(const struct text_out *out, const cJSON *answer);

/* Ask and print; fn NULL: the caller prints. */
static int ask(struct command_context *context, const char *path,
               const char *body, print_fn *fn, cJSON **ret_answer)
{
    struct error err = {""};
    cJSON *answer = NULL;
    int status = client_ask(context->client, path, body, &answer, &err);

    if (answer && context->options->json)
        print_raw(context);
    else if (!status && fn)
        fn(&context->out, answer);
    if (ret_answer)
        *ret_answer = answer;
    else
        cJSON_Delete(answer);
    return exit_code(status, &err);
}

static void add_parameter(char *path, const char *name, const char *value)
{
    size_t len = strlen(path);

    if (!value)
        return;
    len += (size_t)snprintf(path + len, PATH_BYTES_MAX - len,
                            "%c%s=", strchr(path, '?') ? '&' : '?', name);
    for (; *value && len + 4 < PATH_BYTES_MAX; value++) {
        bool plain = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
                            "YZ0123456789-_.~,",
                            *value) != NULL;
        len += (size_t)snprintf(path + len, PATH_BYTES_MAX - len,
                                plain ? "%c" : "%%%02X",
                                plain ? *value : (unsigned char)*value);
    }
}

static void add_page(char *path, const struct command_options *options)
{
    add_parameter(path, "limit", options->limit);
    add_parameter(path, "before", options->before);
}

static bool parse_run(const char *text, uint64_t *ret_run)
{
    char *end;

    errno = 0;
    *ret_run = strtoull(text, &end, 10);
    if (text[0] >= '1' && text[0] <= '9' && !*end && !errno)
        return true;
    fprintf(stderr, "connectctl: a run is a number, such as 17\n");
    return false;
}

/* ---- Looking ------------------------------------------------------------- */

static int run_status(struct command_context *context)
{
    return ask(context, "/v1/status", NULL, print_status, NULL);
}

static int run_plugins(struct command_context *context)
{
    return ask(context, "/v1/plugins", NULL, print_plugins, NULL);
}

static int run_flows(struct command_context *context)
{
    return ask(context, "/v1/flows", NULL, print_flows, NULL);
}

static int run_runs(struct command_context *context)
{
    char path[PATH_BYTES_MAX] = "/v1/runs";

    add_parameter(path, "state", context->options->state);
    add_parameter(path, "flow", context->options->flow);
    add_page(path, context->options);
    return ask(context, path, NULL, print_runs, NULL);
}

static int run_parked(struct command_context *context)
{
    char path[PATH_BYTES_MAX] = "/v1/parked";

    add_page(path, context->options);
    return ask(context, path, NULL, print_parked, NULL);
}

static int run_show(struct command_context *context)
{
    char path[PATH_BYTES_MAX];
    cJSON *answer = NULL;
    uint64_t run;
    int code;

    if (!parse_run(context->arguments[0], &run))
        return EXIT_USAGE;
    snprintf(path, sizeof(path), "/v1/runs/%" PRIu64, run);
    if (context->options->given & OPTION_UNMASKED)
        add_parameter(path, "unmasked", "1");
    code = ask(context, path, NULL, NULL, &answer);
    if (code == EXIT_DONE && !context->options->json)
        show_print(&context->out, answer,
                   (context->options->given & OPTION_FULL) != 0);
    cJSON_Delete(answer);
    return code;
}

static int run_alerts(struct command_context *context)
{
    return ask(context, "/v1/alerts", NULL, print_alerts, NULL);
}

static int run_quarantine(struct command_context *context)
{
    char path[PATH_BYTES_MAX] = "/v1/quarantine";

    if (context->options->given & OPTION_UNMASKED)
        add_parameter(path, "unmasked", "1");
    add_page(path, context->options);
    return ask(context, path, NULL, print_quarantine, NULL);
}

/* ---- Acts ---------------------------------------------------------------- */

static int act(struct command_context *context, const char *run_text,
               const char *verb, const char *body)
{
    char path[PATH_BYTES_MAX];
    cJSON *answer = NULL;
    uint64_t run;
    int code;

    if (!parse_run(run_text, &run))
        return EXIT_USAGE;
    snprintf(path, sizeof(path), "/v1/runs/%" PRIu64 "/%s", run, verb);
    code = ask(context, path, body, NULL, &answer);
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
    return ask(context, "/v1/reload", "{}", print_reloaded, NULL);
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
        !parse_run(context->arguments[0], &advance_ms))
        return EXIT_USAGE;
    snprintf(body, sizeof(body), "{\"advance_ms\":%.20s}",
             context->arguments[0]);
    return ask(context, "/v1/test/clock", body, print_clock, NULL);
}

/* ---- Check --------------------------------------------------------------- */

/* connectd stands beside connectctl where it is installed, one folder up where
 * it was built, else somewhere on the path. */
static int check_file(const char *file)
{
    static const char *const places[] = {"/connectd", "/../connectd"};
    char path[PATH_BYTES_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 32);
    char *slash;

    path[len > 0 ? len : 0] = '\0';
    slash = strrchr(path, '/');
    for (size_t index = 0; slash && index < 2; index++) {
        snprintf(slash, 32, "%s", places[index]);
        if (access(path, X_OK) == 0)
            execl(path, "connectd", "--check", file, (char *)NULL);
    }
    execlp("connectd", "connectd", "--check", file, (char *)NULL);
    fprintf(stderr, "connectctl: connectd cannot be started: %s\n",
            strerror(errno));
    return EXIT_FAILED;
}

/* A check that was refused because there is none is no failure. */
static int check_instance(struct command_context *context, const char *name)
{
    char path[PATH_BYTES_MAX];
    struct error err = {""};
    cJSON *answer = NULL;
    const char *text = err.text;
    bool ok, none;
    int status;

    snprintf(path, sizeof(path), "/v1/check/%.200s", name);
    status = client_ask(context->client, path, "{}", &answer, &err);
    ok = !status && cJSON_IsTrue(cn_json_member(answer, "ok"));
    none = status &&
           !strcmp(cn_json_text_at(answer, "/error/code", ""), "no_check");
    if (context->options->json && answer) {
        print_raw(context);
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
        return exit_code(status, &err);
    return ok || none ? EXIT_DONE : EXIT_FAILED;
}

static int run_check(struct command_context *context)
{
    struct error err = {""};
    cJSON *answer = NULL;
    int status, code = EXIT_DONE;

    if (context->count)
        return check_file(context->arguments[0]);
    status = client_ask(context->client, "/v1/plugins", NULL, &answer, &err);
    code = exit_code(status, &err);
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
