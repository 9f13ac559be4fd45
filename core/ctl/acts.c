/* acts.c - what a person does to runs: one, several, or all of one reason.
 *
 * One idea: what touches many is counted first, by the daemon and with the very
 * words that choose it, and a person says yes; what touches one is done.  At a
 * terminal the retry of one run shows first what today's flow would do
 * differently.  One thread. */
#include "ctl/acts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <connect/json.h>

#include "ctl/ask.h"
#include "ctl/preview.h"
#include "ctl/print.h"

static bool has(const struct command_context *context, uint32_t option)
{
    return (context->options->given & option) != 0;
}

/* ---- Which --------------------------------------------------------------- */

struct word {
    const char *name, *text;
};

enum { WORDS_MAX = 8 };

static void filter_words(const struct command_options *options,
                         struct word words[WORDS_MAX])
{
    struct word all[WORDS_MAX] = {
        {"state", options->state}, {"flow", options->flow},
        {"code", options->code},   {"instance", options->instance},
        {"type", options->type},   {"contains", options->contains},
        {"key", options->key},     {NULL, NULL},
    };

    memcpy(words, all, sizeof(all));
}

void acts_add_filter(char *path, const struct command_options *options)
{
    struct word words[WORDS_MAX];

    filter_words(options, words);
    for (size_t index = 0; words[index].name; index++)
        ask_add(path, words[index].name, words[index].text);
}

/* ---- Bodies -------------------------------------------------------------- */

/* The reason, if there is one; false: it is no UTF-8, or it is missing. */
static bool put_reason(struct command_context *context, cJSON *body,
                       bool required)
{
    const char *reason = context->options->reason;

    if (!reason && required) {
        fprintf(stderr, "connectctl: this needs --reason TEXT\n");
        return false;
    }
    if (reason && cn_json_put_text(body, "reason", reason)) {
        fprintf(stderr, "connectctl: the reason must be UTF-8\n");
        return false;
    }
    return true;
}

static cJSON *act_body(struct command_context *context, const char *act)
{
    bool is_discard = !strcmp(act, "discard");
    cJSON *body = cJSON_CreateObject();

    if (has(context, OPTION_AS_WAS))
        cJSON_AddTrueToObject(body, "as_was");
    if (put_reason(context, body, is_discard))
        return body;
    cJSON_Delete(body);
    return NULL;
}

/* ---- One ----------------------------------------------------------------- */

static void print_act(const struct text_out *out, const cJSON *answer)
{
    static const struct word words[] = {
        {"retry", "goes on where it stood"},
        {"restart", "begins anew"},
        {"release", "is released"},
        {"discard", "is discarded"},
        {"happened", "is settled: it happened"},
        {"absent", "is settled: it did not happen and is done now"},
        {"edit", "is changed"},
    };
    const char *did = print_member(answer, "act");
    const char *text = did;

    for (size_t index = 0; index < sizeof(words) / sizeof(*words); index++)
        if (!strcmp(words[index].name, did))
            text = words[index].text;
    fprintf(out->file, "run %" PRId64 " %s\n", print_number(answer, "run"),
            text);
}

/* body is taken. */
static int act_one(struct command_context *context, uint64_t run,
                   const char *verb, cJSON *body)
{
    char path[ASK_PATH_MAX];

    snprintf(path, sizeof(path), "/v1/runs/%" PRIu64 "/%s", run, verb);
    return ask_post(context, path, body, print_act, NULL);
}

static int act_each(struct command_context *context, const char *verb)
{
    int code = EXIT_DONE;

    for (int index = 0; index < context->count; index++) {
        cJSON *body = act_body(context, verb);
        uint64_t run;
        int one;
        if (!body || !ask_run_number(context->arguments[index], &run)) {
            cJSON_Delete(body);
            return EXIT_USAGE;
        }
        one = act_one(context, run, verb, body);
        if (one == EXIT_NO_DAEMON)
            return one;
        if (one)
            code = one;
    }
    return code;
}

/* ---- All of one reason --------------------------------------------------- */

static cJSON *bulk_body(struct command_context *context, const char *act,
                        bool dry, int64_t before)
{
    cJSON *body = act_body(context, act), *where;
    struct word words[WORDS_MAX];

    if (!body)
        return NULL;
    where = cJSON_CreateObject();
    filter_words(context->options, words);
    for (size_t index = 0; words[index].name; index++)
        if (words[index].text)
            cn_json_put_text(where, words[index].name, words[index].text);
    cn_json_put_text(body, "act", act);
    cn_json_put(body, "where", where);
    if (dry)
        cJSON_AddTrueToObject(body, "dry");
    if (before)
        cn_json_put(body, "before", cn_json_integer(before));
    return body;
}

/* What the calls of one act gave together; the first one's answer is the sum.
 */
static void bulk_add(cJSON *sum, cJSON *answer)
{
    static const char *const counts[] = {"matched", "applied", "refused"};
    cJSON *refused = cJSON_GetObjectItemCaseSensitive(sum, "refused_runs"),
          *more = cJSON_DetachItemFromObjectCaseSensitive(answer, "error"),
          *next = cJSON_DetachItemFromObjectCaseSensitive(answer, "next");

    if (more) { /* what was done before stays done */
        cn_json_put(sum, "error", more);
        return;
    }
    for (size_t index = 0; index < sizeof(counts) / sizeof(*counts); index++) {
        int64_t count = print_number(sum, counts[index]) +
                        print_number(answer, counts[index]);
        cJSON_DeleteItemFromObjectCaseSensitive(sum, counts[index]);
        cn_json_put(sum, counts[index], cn_json_integer(count));
    }
    CN_JSON_EACH(run, cn_json_member(answer, "refused_runs"))
    {
        if (refused)
            cn_json_append(refused, cJSON_Duplicate(run, 1));
    }
    cJSON_DeleteItemFromObjectCaseSensitive(sum, "next");
    cn_json_put(sum, "next", next);
}

/* All calls that one act takes: the daemon does some thousand runs in one.
 * The sum is the caller's; NULL: nothing came. */
static int bulk_ask(struct command_context *context, const char *act, bool dry,
                    cJSON **ret_sum)
{
    cJSON *sum = NULL;
    int64_t before = 0;
    int code;

    do {
        cJSON *body = bulk_body(context, act, dry, before), *answer = NULL;
        struct error err = {""};
        char *text;
        if (!body)
            return EXIT_USAGE;
        text = cn_json_print(body);
        cJSON_Delete(body);
        code = ask_exit_code(client_ask(context->client, "POST", "/v1/acts",
                                        text, &answer, &err),
                             &err);
        free(text);
        before = print_number(answer, "next");
        if (!sum) {
            sum = answer;
        } else {
            bulk_add(sum, answer);
            cJSON_Delete(answer);
        }
    } while (code == EXIT_DONE && before);
    *ret_sum = sum;
    return code;
}

static void bulk_print(struct command_context *context, const char *act,
                       const cJSON *sum)
{
    int64_t refused = print_number(sum, "refused");

    if (context->options->json && sum)
        ask_print_json(context, sum);
    else if (cn_json_member(sum, "applied"))
        fprintf(context->out.file, "%s: %" PRId64 " done\n", act,
                print_number(sum, "applied"));
    if (refused)
        fprintf(stderr,
                "connectctl: %" PRId64
                " refused: they went on in the meantime, "
                "or their state does not allow it\n",
                refused);
}

/* With --json one document: of the act, or, when there is none, of the count.
 */
static int act_all(struct command_context *context, const char *act)
{
    cJSON *count = NULL, *sum = NULL;
    bool acted = false;
    char question[128];
    int64_t matched;
    int code = bulk_ask(context, act, true, &count);

    matched = print_number(count, "matched");
    snprintf(question, sizeof(question), "%s %" PRId64 " run%s?", act, matched,
             matched == 1 ? "" : "s");
    if (code == EXIT_DONE && matched && !ask_person(context, question))
        code = EXIT_FAILED;
    else if (code == EXIT_DONE && matched) {
        acted = true;
        code = bulk_ask(context, act, false, &sum);
        bulk_print(context, act, sum);
        if (code == EXIT_DONE && print_number(sum, "refused"))
            code = EXIT_FAILED;
    } else if (code == EXIT_DONE && !context->options->json) {
        fprintf(context->out.file, "No runs are like that.\n");
    }
    if (!acted && count && context->options->json)
        ask_print_json(context, count);
    cJSON_Delete(count);
    cJSON_Delete(sum);
    return code;
}

/* Runs by number, or all that are like the options say; never both. */
static int act_any(struct command_context *context, const char *act)
{
    bool all = has(context, OPTION_ALL);

    if (all == (context->count > 0) || (!all && has(context, ACTS_FILTER))) {
        fprintf(stderr, "connectctl: either numbers of runs, or --all with "
                        "what they have in common, such as --code CODE\n");
        return EXIT_USAGE;
    }
    return all ? act_all(context, act) : act_each(context, act);
}

/* ---- Commands ------------------------------------------------------------ */

/* A person gets to see first what is different now, or hears that it cannot be
 * shown; EXIT_DONE: go on. */
static int retry_asked(struct command_context *context)
{
    bool exists = true;
    uint64_t run;
    int code;

    if (!ask_run_number(context->arguments[0], &run))
        return EXIT_USAGE;
    code = preview_diff(context, run, &exists);
    if (code == EXIT_NO_DAEMON || !exists)
        return code;
    if (code != EXIT_DONE)
        fprintf(stderr, "What would be different now cannot be shown.\n");
    return ask_person(context, has(context, OPTION_AS_WAS) ? "Go on as it was?"
                               : code == EXIT_DONE
                                   ? "Retry as it is now? (--as-was "
                                     "goes on as it was)"
                                   : "Retry all the same? (--as-was "
                                     "goes on as it was)")
               ? EXIT_DONE
               : EXIT_FAILED;
}

int acts_retry(struct command_context *context)
{
    bool person = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    int code = EXIT_DONE;

    if (person && context->count == 1 && !has(context, OPTION_YES) &&
        !has(context, OPTION_ALL | ACTS_FILTER) && !context->options->json)
        code = retry_asked(context);
    return code == EXIT_DONE ? act_any(context, "retry") : code;
}

int acts_release(struct command_context *context)
{
    return act_any(context, "release");
}

int acts_discard(struct command_context *context)
{
    return act_any(context, "discard");
}

int acts_settle(struct command_context *context)
{
    const char *reference = context->options->reference;
    bool happened = has(context, OPTION_HAPPENED);
    cJSON *body, *value = NULL;
    cn_str text = {reference, reference ? strlen(reference) : 0};
    uint64_t run;

    if (happened == has(context, OPTION_ABSENT)) {
        fprintf(stderr, "connectctl: say --happened (with --reference, what "
                        "the other system calls it) or --absent\n");
        return EXIT_USAGE;
    }
    if (!ask_run_number(context->arguments[0], &run))
        return EXIT_USAGE;
    body = cJSON_CreateObject();
    if (!put_reason(context, body, true)) {
        cJSON_Delete(body);
        return EXIT_USAGE;
    }
    cJSON_AddBoolToObject(body, "happened", happened);
    /* JSON is taken as such, anything else as a text: 000123 is no number. */
    if (reference &&
        (reference[0] != '{' || cn_json_read(text, NULL, &value, NULL)))
        value = cn_json_string(text);
    if (value)
        cn_json_put(body, "reference", value);
    return act_one(context, run, "settle", body);
}

static void print_replayed(const struct text_out *out, const cJSON *answer)
{
    fprintf(out->file,
            "run %" PRId64 " runs again as run %" PRId64
            "; see: connectctl show %" PRId64 "\n",
            print_number(answer, "run"), print_number(answer, "made"),
            print_number(answer, "made"));
}

int acts_replay(struct command_context *context)
{
    bool shadow = has(context, OPTION_SHADOW);
    cJSON *body = cJSON_CreateObject();
    char path[ASK_PATH_MAX];
    uint64_t run;

    if (!ask_run_number(context->arguments[0], &run) ||
        !put_reason(context, body, false)) {
        cJSON_Delete(body);
        return EXIT_USAGE;
    }
    snprintf(path, sizeof(path), "/v1/runs/%" PRIu64 "/replay", run);
    if (has(context, OPTION_UNMASKED))
        ask_add(path, "unmasked", "1");
    cJSON_AddBoolToObject(body, "shadow", shadow);
    return ask_post(context, path, body,
                    shadow ? preview_print : print_replayed, NULL);
}
