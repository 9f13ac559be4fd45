/* doctor.c - connectctl doctor: what was looked at, what is wrong, what to do.
 *
 * One idea: what is wrong stands out and says what to do; what is well is one
 * line each, so that one sees that it was looked at.  Without a daemon the
 * daemon's program looks at what can be looked at.  One thread. */
#include "ctl/doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <connect/json.h>

#include "ctl/ask.h"
#include "ctl/print.h"

enum { CHECK_COLUMNS = 15, INDENT = CHECK_COLUMNS + 2 };

static enum text_style style_of(const char *state)
{
    if (!strcmp(state, "failed"))
        return TEXT_RED;
    return strcmp(state, "warning") != 0 ? TEXT_GREEN : TEXT_YELLOW;
}

static void print_check(const struct text_out *out, const cJSON *item)
{
    const char *state = print_member(item, "state");
    const char *subject = print_member(item, "subject");
    const char *mark = !strcmp(state, "ok")       ? "\u2713 "
                       : !strcmp(state, "failed") ? "\u2717 "
                                                  : "! ";

    text_print(out, style_of(state), mark);
    text_print_cell(out, TEXT_BOLD, print_member(item, "check"), CHECK_COLUMNS,
                    true);
    if (*subject) {
        text_print_cell(out, TEXT_PLAIN, subject, 0, false);
        fprintf(out->file, "\n%*s", INDENT, "");
    }
    text_print_wrapped(out,
                       strcmp(state, "ok") != 0 ? style_of(state) : TEXT_DIM,
                       print_member(item, "found"), INDENT, 0);
    if (!*print_member(item, "action"))
        return;
    fprintf(out->file, "%*s", INDENT, "");
    text_print_wrapped(out, TEXT_BOLD, print_member(item, "action"), INDENT, 0);
}

void doctor_print(const struct text_out *out, const cJSON *answer)
{
    int64_t failed = print_number(answer, "failed");
    int64_t warnings = print_number(answer, "warnings");
    int64_t left_off = print_number(answer, "left_off");

    CN_JSON_EACH(item, cn_json_member(answer, "checks"))
    {
        print_check(out, item);
    }
    if (left_off)
        fprintf(out->file, "%" PRId64 " more are not listed\n", left_off);
    if (!failed && !warnings)
        text_print(out, TEXT_GREEN, "All is well.\n");
    else
        fprintf(out->file, "%" PRId64 " failed, %" PRId64 " to look at\n",
                failed, warnings);
}

int doctor_command(struct command_context *context)
{
    cJSON *answer = NULL;
    bool ok;
    int code;

    if (context->options->config)
        return ask_connectd("--doctor",
                            context->options->json ? "--json" : NULL,
                            context->options->config);
    code = ask(context, "GET", "/v1/doctor", NULL, doctor_print, &answer);
    if (code == EXIT_NO_DAEMON)
        fprintf(stderr, "what can be looked at without it: connectctl doctor "
                        "--config FILE\n");
    ok = cJSON_IsTrue(cn_json_member(answer, "ok"));
    cJSON_Delete(answer);
    return code ? code : ok ? EXIT_DONE : EXIT_FAILED;
}
